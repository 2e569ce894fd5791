/*
 * The agent's control socket: one word and a newline, one answer, one
 * connection. Root and members of the group sallyport may ask for the status,
 * root alone may suspend and resume. Nothing is parsed but the word.
 */
#include "vhci-glue/agent.h"

#include <errno.h>
#include <grp.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "vhci-glue/exits.h"

#define CLIENT_LIMIT (5 * CLOCK_SEC)
#define GROUPS_MAX 256

static struct sockaddr_un
address(void)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};

	_Static_assert(
	    sizeof(AGENT_SOCKET) <= sizeof(sun.sun_path), "it fits");
	memcpy(sun.sun_path, AGENT_SOCKET, sizeof(AGENT_SOCKET));
	return sun;
}

/* Whether another agent listens there. */
static int
is_taken(void)
{
	struct sockaddr_un sun = address();
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), r;

	r = fd != -1 && connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0;
	close_fd(&fd);
	return r;
}

int
agent_listen(struct agent *a)
{
	struct sockaddr_un sun = address();
	const struct group *group = getgrnam(AGENT_GROUP);
	mode_t mask;
	int r;

	if (is_taken()) {
		log_warnx("agent: %s: an agent runs already", AGENT_SOCKET);
		return -1;
	}
	(void)unlink(AGENT_SOCKET);
	a->listener = socket(
	    AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mask = umask(0177);
	r = a->listener == -1
	    ? -1
	    : bind(a->listener, (struct sockaddr *)&sun, sizeof(sun));
	(void)umask(mask);
	if (r == -1 || listen(a->listener, (int)AGENT_CLIENTS) == -1) {
		log_warn("agent: listen: %s", AGENT_SOCKET);
		return -1;
	}
	if (group != NULL &&
	    (chown(AGENT_SOCKET, 0, group->gr_gid) == -1 ||
		chmod(AGENT_SOCKET, 0660) == -1)) {
		log_warn("agent: %s", AGENT_SOCKET);
		return -1;
	}
	return 0;
}

int
agent_is_member(int fd, const struct ucred *cred)
{
	const struct group *group = getgrnam(AGENT_GROUP);
	gid_t groups[GROUPS_MAX];
	socklen_t len = sizeof(groups);

	if (group == NULL) {
		return 0;
	}
	if (cred->gid == group->gr_gid) {
		return 1;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) == -1) {
		return 0;
	}
	for (size_t i = 0; i < len / sizeof(groups[0]); i++) {
		if (groups[i] == group->gr_gid) {
			return 1;
		}
	}
	return 0;
}

void
agent_on_connect(struct agent *a, uint64_t now)
{
	int fd = accept4(
	    a->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (fd == -1) {
		return;
	}
	for (size_t i = 0; i < AGENT_CLIENTS; i++) {
		struct agent_client *c = &a->clients[i];

		if (c->fd != -1 ||
		    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) ==
			-1 ||
		    (cred.uid != 0 && !agent_is_member(fd, &cred))) {
			continue;
		}
		*c = (struct agent_client){.fd = fd,
		    .uid = cred.uid,
		    .until = now + CLIENT_LIMIT};
		return;
	}
	close_fd(&fd);
}

static void
say(struct agent_client *c, const char *text)
{
	/* what does not fit the socket's buffer its peer does not get */
	(void)send(c->fd, text, strlen(text), MSG_NOSIGNAL);
}

static json_t *
status(const struct agent *a)
{
	json_t *root = json_object(), *list = json_array();

	for (size_t i = 0; i < a->ngateways; i++) {
		const struct agent_gateway *g = &a->gateways[i];

		(void)json_array_append_new(list,
		    json_pack("{s:s, s:s, s:i, s:i}", "gateway", g->text,
			"state",
			g->offers.is_ready ? "connected" : "not connected",
			"devices", (int)g->offers.n, "failures",
			(int)g->backoff.failures));
	}
	(void)json_object_set_new(root, "gateways", list);
	list = json_array();
	for (size_t i = 0; i < a->ndevices; i++) {
		const struct agent_device *d = &a->devices[i];

		(void)json_array_append_new(list,
		    json_pack("{s:s, s:s, s:s, s:i, s:i}", "gateway",
			d->gateway->text, "name", d->name, "state",
			agent_word(a, d), "port", d->port, "failures",
			(int)d->backoff.failures));
	}
	(void)json_object_set_new(root, "devices", list);
	(void)json_object_set_new(
	    root, "suspended", json_boolean(a->is_suspended));
	return root;
}

static void
say_json(const struct agent *a, struct agent_client *c)
{
	json_t *root = status(a);
	char *text = json_dumps(root, JSON_COMPACT | JSON_PRESERVE_ORDER);

	say(c, text != NULL ? text : "{}");
	say(c, "\n");
	free(text);
	json_decref(root);
}

static void
say_text(const struct agent *a, struct agent_client *c)
{
	char line[IPC_NAME + GATEWAY_TEXT + 64];

	for (size_t i = 0; i < a->ngateways; i++) {
		const struct agent_gateway *g = &a->gateways[i];

		(void)snprintf(line, sizeof(line), "%s: %s, %zu devices\n",
		    g->text,
		    g->offers.is_ready ? "connected" : "not connected",
		    g->offers.n);
		say(c, line);
	}
	for (size_t i = 0; i < a->ndevices; i++) {
		const struct agent_device *d = &a->devices[i];

		(void)snprintf(line, sizeof(line), "%-9s  %s  %s\n",
		    agent_word(a, d), d->gateway->text, d->name);
		say(c, line);
	}
	if (a->is_suspended) {
		say(c, "suspended: nothing is attached until `sallyport agent "
		       "--resume'\n");
	}
}

static void
answer(struct agent *a, struct agent_client *c, const char *word)
{
	int is_suspend = strcmp(word, "suspend") == 0;

	if (strcmp(word, "status") == 0) {
		say_text(a, c);
	} else if (strcmp(word, "status-json") == 0) {
		say_json(a, c);
	} else if (c->uid == 0 && (is_suspend || strcmp(word, "resume") == 0)) {
		/* no attach may be half-way when the caller goes on */
		a->is_suspended = is_suspend;
		for (size_t i = 0; is_suspend && i < a->ndevices; i++) {
			(void)agent_await(&a->devices[i].child, 20000);
		}
		log_infox("agent: %s", is_suspend ? "suspended" : "resumed");
		say(c, "ok\n");
	}
}

void
agent_on_client(struct agent *a, struct agent_client *c)
{
	ssize_t n = recv(c->fd, c->in + c->used, sizeof(c->in) - c->used, 0);
	char *end;

	if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
		return;
	}
	if (n > 0) {
		c->used += (size_t)n;
		end = memchr(c->in, '\n', c->used);
		if (end == NULL && c->used < sizeof(c->in)) {
			return;
		}
		if (end != NULL) {
			*end = '\0';
			answer(a, c, c->in);
		}
	}
	close_fd(&c->fd);
}

void
agent_sock_close(struct agent *a)
{
	for (size_t i = 0; i < AGENT_CLIENTS; i++) {
		close_fd(&a->clients[i].fd);
	}
	if (a->listener != -1) {
		(void)unlink(AGENT_SOCKET);
	}
	close_fd(&a->listener);
}
