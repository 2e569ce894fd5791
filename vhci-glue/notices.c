/*
 * Notices, by a root process to processes of users. It writes and never waits:
 * who does not read loses his connection, not the agent its time. Challenges
 * and approvals that are open are kept, for who logs in after they came.
 */
#include "vhci-glue/notices.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

struct client {
	int fd; /* owned; -1 = free */
	struct ucred peer;
};

struct open {
	char *gateway, *name; /* owned; NULL = free */
	char *line;	      /* owned */
	uint64_t until;	      /* clock_mono; 0 = without an end */
};

struct notices {
	notices_may *may;
	void *arg;
	int listener; /* owned */
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct client clients[NOTICES_CLIENTS];
	struct open open[NOTICES_OPEN];
};

static const char *const words[] = {
	[NOTICE_ATTACHED] = "attached",
	[NOTICE_UNPLUGGED] = "unplugged",
	[NOTICE_REFUSED] = "refused",
	[NOTICE_APPROVAL] = "approval",
	[NOTICE_CHALLENGE] = "challenge",
	[NOTICE_MESSAGE] = "message",
};

struct notices *
notices_new(const char *path, notices_may *may, void *arg)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct notices *n = calloc(1, sizeof(*n));

	if (n == NULL || strlen(path) >= sizeof(sun.sun_path)) {
		log_warnx("agent: notices: no memory");
		free(n);
		return NULL;
	}
	n->may = may;
	n->arg = arg;
	for (size_t i = 0; i < NOTICES_CLIENTS; i++) {
		n->clients[i].fd = -1;
	}
	(void)snprintf(n->path, sizeof(n->path), "%s", path);
	memcpy(sun.sun_path, n->path, sizeof(n->path));
	(void)unlink(path);
	n->listener = socket(
	    AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (n->listener == -1 ||
	    bind(n->listener, (struct sockaddr *)&sun, sizeof(sun)) == -1 ||
	    chmod(path, 0666) == -1 ||
	    listen(n->listener, (int)NOTICES_CLIENTS) == -1) {
		log_warn("agent: listen: %s", path);
		close_fd(&n->listener);
		free(n);
		return NULL;
	}
	return n;
}

static void
forget(struct open *o)
{
	free(o->gateway);
	free(o->name);
	free(o->line);
	*o = (struct open){NULL, NULL, NULL, 0};
}

void
notices_free(struct notices *n)
{
	if (n == NULL) {
		return;
	}
	for (size_t i = 0; i < NOTICES_CLIENTS; i++) {
		close_fd(&n->clients[i].fd);
	}
	for (size_t i = 0; i < NOTICES_OPEN; i++) {
		forget(&n->open[i]);
	}
	(void)unlink(n->path);
	close_fd(&n->listener);
	free(n);
}

int
notices_fd(const struct notices *n)
{
	return n != NULL ? n->listener : -1;
}

/* ------------------------------------------------------------------------ */
/* Who hears them                                                           */

/* Who hung up made room; who says something is not of this protocol. */
static void
drop_gone(struct notices *n)
{
	for (size_t i = 0; i < NOTICES_CLIENTS; i++) {
		struct pollfd p = {
			.fd = n->clients[i].fd, .events = POLLIN};

		if (p.fd != -1 && poll(&p, 1, 0) > 0) {
			close_fd(&n->clients[i].fd);
		}
	}
}

static struct client *
room_for(struct notices *n, const struct ucred *peer)
{
	struct client *room = NULL;
	unsigned same = 0;

	drop_gone(n);
	for (size_t i = 0; i < NOTICES_CLIENTS; i++) {
		struct client *c = &n->clients[i];

		if (c->fd == -1) {
			room = c;
		} else {
			same += c->peer.uid == peer->uid;
		}
	}
	return same < NOTICES_OF_ONE ? room : NULL;
}

static void
send_line(struct client *c, const char *line)
{
	size_t len = strlen(line);

	if (c->fd != -1 && send(c->fd, line, len,
			       MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)len) {
		close_fd(&c->fd);
	}
}

void
notices_accept(struct notices *n, uint64_t now)
{
	int fd = accept4(
	    n->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client *c;
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (fd == -1) {
		return;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == -1 ||
	    !n->may(n->arg, fd, &peer) || (c = room_for(n, &peer)) == NULL) {
		close_fd(&fd);
		return;
	}
	*c = (struct client){.fd = fd, .peer = peer};
	send_line(c, "{\"event\":\"hello\"}\n");
	for (size_t i = 0; i < NOTICES_OPEN; i++) {
		struct open *o = &n->open[i];

		if (o->until != 0 && now >= o->until) {
			forget(o);
		}
		if (o->line != NULL) {
			send_line(c, o->line);
		}
	}
}

void
notices_check(struct notices *n)
{
	for (size_t i = 0; n != NULL && i < NOTICES_CLIENTS; i++) {
		struct client *c = &n->clients[i];

		if (c->fd != -1 && !n->may(n->arg, c->fd, &c->peer)) {
			close_fd(&c->fd);
		}
	}
}

/* ------------------------------------------------------------------------ */
/* What they hear                                                           */

/* malloced, with its newline; NULL for want of memory, or too long. */
static char *
line_of(const struct notice *t)
{
	json_t *o = json_pack("{s:s, s:s, s:s}", "event", words[t->kind],
	    "gateway", t->gateway, "name", t->name);
	char *text = NULL, *line = NULL;

	if (o != NULL && t->device[0] != '\0') {
		(void)json_object_set_new(
		    o, "device", json_string(t->device));
	}
	if (o != NULL && t->text[0] != '\0') {
		(void)json_object_set_new(o, "text", json_string(t->text));
	}
	if (o != NULL && t->within != 0) {
		(void)json_object_set_new(
		    o, "within", json_integer(t->within));
	}
	if (o != NULL) {
		text = json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER);
	}
	if (text != NULL && strlen(text) + 1 < NOTICES_LINE &&
	    asprintf(&line, "%s\n", text) < 0) {
		line = NULL;
	}
	free(text);
	json_decref(o);
	return line;
}

static int
is_open(const struct notice *t)
{
	return t->kind == NOTICE_APPROVAL ||
	    (t->kind == NOTICE_CHALLENGE && t->text[0] != '\0');
}

/* Whatever is new of a device ends what was open of it, but for a message. */
static void
keep(struct notices *n, const struct notice *t, const char *line, uint64_t now)
{
	struct open *room = NULL;

	for (size_t i = 0; i < NOTICES_OPEN; i++) {
		struct open *o = &n->open[i];

		if (o->line != NULL && strcmp(o->gateway, t->gateway) == 0 &&
		    strcmp(o->name, t->name) == 0) {
			forget(o);
		}
		if (o->line == NULL) {
			room = o;
		}
	}
	if (!is_open(t) || room == NULL) {
		return;
	}
	*room = (struct open){
		.gateway = strdup(t->gateway),
		.name = strdup(t->name),
		.line = strdup(line),
		.until = t->within == 0 ? 0 : now + t->within * CLOCK_SEC,
	};
	if (room->gateway == NULL || room->name == NULL ||
	    room->line == NULL) {
		forget(room);
	}
}

void
notices_say(struct notices *n, const struct notice *t, uint64_t now)
{
	char *line = n != NULL ? line_of(t) : NULL;

	if (line == NULL) {
		return;
	}
	if (t->kind != NOTICE_MESSAGE) {
		keep(n, t, line, now);
	}
	for (size_t i = 0; i < NOTICES_CLIENTS; i++) {
		send_line(&n->clients[i], line);
	}
	free(line);
}
