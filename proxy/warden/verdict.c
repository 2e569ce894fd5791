/*
 * The socket of verdicts: programs connect, say which name they serve, and
 * answer what is asked of it, each message a line of JSON; see
 * sallyport-verdict(7). Who may serve a name is in gateway.conf; who somebody
 * is says the kernel. A server that breaks the protocol, or does not answer a
 * ping in time, is dropped where it is found out, and what it had gets its
 * `else'.
 */
#include "proxy/warden/verdict.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"

#define SERVERS_MAX 64u
#define SERVERS_EACH 8u /* of one user: served names, and hellos to come */
#define HELLO_LIMIT (5 * CLOCK_SEC)

struct verdict_name *
verdict_find(struct warden *w, const char *name)
{
	for (unsigned i = 0; w->verdicts != NULL && i < w->verdicts->n; i++) {
		if (strcmp(w->verdicts->names[i].conf->name, name) == 0) {
			return &w->verdicts->names[i];
		}
	}
	return NULL;
}

/* ------------------------------------------------------------------------ */
/* The end of a server                                                      */

static void
server_free(struct server *server)
{
	struct verdicts *verdicts = server->verdicts;

	TAILQ_REMOVE(&verdicts->servers, server, entry);
	verdicts->nservers--;
	loop_io_free(server->io);
	close_fd(&server->fd);
	free(server->out);
	free(server);
}

static void
note(const struct server *server, const char *name, const char *outcome,
    const char *why)
{
	char uid[24], pid[24];

	(void)snprintf(uid, sizeof(uid), "%lu", (unsigned long)server->uid);
	(void)snprintf(pid, sizeof(pid), "%ld", (long)server->pid);
	audit_write(server->verdicts->warden, "verdict", outcome, NULL, NULL,
	    NULL, "server", name, "uid", uid, "pid", pid, "reason", why,
	    (char *)NULL);
}

/* It broke the protocol, does not live, or left. why is for people. */
static void
drop(struct server *server, const char *why)
{
	struct verdict_name *name = server->name;

	if (name == NULL) {
		server_free(server); /* it never was one */
		return;
	}
	log_warnx("verdict %s: server (pid %ld) dropped: %s", name->conf->name,
	    (long)server->pid, why);
	note(server, name->conf->name, "dropped", why);
	name->server = NULL;
	name->counts.dropped++;
	(void)snprintf(name->last, sizeof(name->last), "%s", why);
	server_free(server);
	verdict_orphan(name, why);
}

/* ------------------------------------------------------------------------ */
/* To a server                                                              */

/* 0, or ERR_*: nothing more can be sent. */
static int
flush(struct server *server)
{
	while (server->out_len > 0) {
		ssize_t n = send(
		    server->fd, server->out, server->out_len, MSG_NOSIGNAL);

		if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			return 0;
		}
		if (n <= 0) {
			return ERR_CLOSED;
		}
		server->out_len -= (size_t)n;
		memmove(server->out, server->out + n, server->out_len);
	}
	loop_io_set(server->io, LOOP_READ);
	return 0;
}

static int
has_room(struct server *server, size_t n)
{
	char *more;

	if (server->out_len + n > VERDICT_OUT_MAX) {
		return 0;
	}
	if (server->out_len + n > server->out_room) {
		more = realloc(server->out, server->out_len + n);
		if (more == NULL) {
			return 0;
		}
		server->out = more;
		server->out_room = server->out_len + n;
	}
	return 1;
}

void
verdict_tell(struct server *server, json_t *o)
{
	char *line = json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER);
	size_t len = line != NULL ? strlen(line) : 0;

	json_decref(o);
	if (line == NULL || !has_room(server, len + 1)) {
		server->doomed =
		    line == NULL ? "out of memory" : "it does not read";
	} else {
		line[len++] = '\n'; /* in place of the NUL */
		memcpy(server->out + server->out_len, line, len);
		server->out_len += len;
	}
	free(line);
	loop_io_set(server->io, LOOP_READ | LOOP_WRITE);
}

/* ------------------------------------------------------------------------ */
/* From a server                                                            */

/* One that does not become a server: it is told why, once. */
static int
refuse(struct server *server, const char *name, const char *why)
{
	char line[VERDICT_WHY + 64];
	int n = snprintf(line, sizeof(line),
	    "{\"type\":\"refused\",\"protocol\":%d,\"reason\":\"%s\"}\n",
	    VERDICT_PROTOCOL, why);

	note(server, name, "refused", why);
	(void)send(server->fd, line, (size_t)n, MSG_NOSIGNAL);
	return ERR_POLICY;
}

static int
on_hello(struct server *server, const struct verdict_line *line)
{
	struct verdict_name *name =
	    verdict_find(server->verdicts->warden, line->name);
	char why[VERDICT_WHY];

	if (line->protocol != VERDICT_PROTOCOL) {
		return refuse(
		    server, line->name, "this gateway speaks protocol 1 alone");
	}
	/* a name that there is not is no news to who may serve none of it */
	if (name == NULL || server->uid != name->uid) {
		return refuse(server, line->name,
		    "[verdict] of gateway.conf does not say that this user may "
		    "serve that name");
	}
	if (name->server != NULL) {
		(void)snprintf(why, sizeof(why),
		    "the process %ld serves that name already",
		    (long)name->server->pid);
		return refuse(server, line->name, why);
	}
	server->name = name;
	server->pinged = clock_mono();
	name->server = server;
	note(server, name->conf->name, "serving", "");
	log_infox("verdict %s: served by pid %ld", name->conf->name,
	    (long)server->pid);
	verdict_tell(
	    server, json_pack("{s:s,s:i,s:s,s:i,s:i}", "type", "hello",
			"protocol", VERDICT_PROTOCOL, "name", name->conf->name,
			"concurrency", (int)name->conf->concurrency, "health",
			(int)name->conf->health));
	verdict_dispatch(name);
	return 0;
}

/* 0, or ERR_* with why it is dropped. */
static int
on_line(struct server *server, const char *text, size_t len, const char **why)
{
	struct verdict_line line;
	int r = verdict_line_parse(&line, text, len, why);

	if (r != 0) {
		return r;
	}
	*why = "it speaks out of turn";
	if (server->name == NULL) {
		return line.said == SAID_HELLO ? on_hello(server, &line)
					       : ERR_PEER;
	}
	switch (line.said) {
	case SAID_HELLO:
		return ERR_PEER;
	case SAID_ANSWER:
		*why = "it answered what it was not asked, or answered twice";
		return verdict_on_answer(server, &line);
	case SAID_PONG:
		if (!server->is_pinged || line.id != server->ping) {
			*why = "a pong to no ping";
			return ERR_PEER;
		}
		server->is_pinged = 0;
		return 0;
	}
	return ERR_PEER;
}

static int
on_lines(struct server *server, const char **why)
{
	char *from = server->in, *end;
	size_t left = server->used;
	int r = 0;

	while (r == 0 && (end = memchr(from, '\n', left)) != NULL) {
		r = on_line(server, from, (size_t)(end - from), why);
		left -= (size_t)(end + 1 - from);
		from = end + 1;
	}
	memmove(server->in, from, left);
	server->used = left;
	if (r == 0 && left == sizeof(server->in)) {
		*why = "a line that is too long";
		r = ERR_LIMIT;
	}
	return r;
}

static void
on_server(void *arg, int events)
{
	struct server *server = arg;
	const char *why = "it left";
	ssize_t n;

	if (server->doomed != NULL) {
		drop(server, server->doomed);
		return;
	}
	if ((events & LOOP_WRITE) != 0) {
		if (flush(server) != 0) {
			drop(server, why);
			return;
		}
		if (server->name != NULL) {
			verdict_dispatch(server->name);
		}
	}
	if ((events & LOOP_READ) == 0) {
		return;
	}
	n = recv(server->fd, server->in + server->used,
	    sizeof(server->in) - server->used, 0);
	if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
		return;
	}
	if (n > 0) {
		server->used += (size_t)n;
	}
	if (n <= 0 || on_lines(server, &why) != 0) {
		drop(server, why);
	}
}

/* ------------------------------------------------------------------------ */
/* Who comes                                                                */

static int
may_come(const struct verdicts *verdicts, uid_t uid)
{
	const struct server *server;
	unsigned n = 0;
	int is_known = 0;

	for (unsigned i = 0; i < verdicts->n; i++) {
		is_known |= verdicts->names[i].uid == uid;
	}
	TAILQ_FOREACH(server, &verdicts->servers, entry)
	{
		n += server->uid == uid;
	}
	return is_known && n < SERVERS_EACH && verdicts->nservers < SERVERS_MAX;
}

static void
on_connect(void *arg, int events)
{
	struct verdicts *verdicts = arg;
	struct ucred cred;
	socklen_t len = sizeof(cred);
	struct server *server;
	int fd =
	    accept4(verdicts->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd == -1) {
		return;
	}
	server = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 &&
			 may_come(verdicts, cred.uid)
		     ? calloc(1, sizeof(*server))
		     : NULL;
	if (server == NULL) {
		close_fd(&fd);
		return;
	}
	server->verdicts = verdicts;
	server->fd = fd;
	server->uid = cred.uid;
	server->pid = cred.pid;
	server->since = clock_mono();
	server->since_wall = clock_wall();
	TAILQ_INSERT_TAIL(&verdicts->servers, server, entry);
	verdicts->nservers++;
	server->io = loop_io_new(
	    verdicts->warden->loop, fd, LOOP_READ, on_server, server);
	if (server->io == NULL) {
		server_free(server);
	}
}

/* Pings are as many seconds apart as each has for its answer. */
static void
check_health(struct server *server)
{
	uint64_t now = clock_mono();
	const struct verdict_name *name = server->name;
	char why[VERDICT_WHY];

	if (name == NULL) {
		if (now >= server->since + HELLO_LIMIT) {
			server_free(server);
		}
		return;
	}
	if (server->doomed != NULL) {
		drop(server, server->doomed);
		return;
	}
	if (now < server->pinged + name->conf->health * CLOCK_SEC) {
		return;
	}
	if (server->is_pinged) {
		(void)snprintf(why, sizeof(why),
		    "it did not answer a ping within %u s", name->conf->health);
		drop(server, why);
		return;
	}
	server->pinged = now;
	server->is_pinged = 1;
	server->ping++;
	verdict_tell(server, json_pack("{s:s,s:I}", "type", "ping", "id",
				 (json_int_t)server->ping));
}

void
verdicts_tick(struct warden *w)
{
	struct verdicts *verdicts = w->verdicts;
	struct server *server, *next;

	if (verdicts == NULL) {
		return;
	}
	for (server = TAILQ_FIRST(&verdicts->servers); server != NULL;
	     server = next) {
		next = TAILQ_NEXT(server, entry);
		check_health(server);
	}
	for (unsigned i = 0; i < verdicts->n; i++) {
		verdict_expire(&verdicts->names[i]);
	}
}

/* ------------------------------------------------------------------------ */

/* A user by name, or by number. */
static int
find_uid(const char *user, uid_t *uid)
{
	const struct passwd *pw = getpwnam(user);
	char *end;
	unsigned long n;

	if (pw != NULL) {
		*uid = pw->pw_uid;
		return 0;
	}
	errno = 0;
	n = strtoul(user, &end, 10);
	*uid = (uid_t)n;
	return *user >= '0' && *user <= '9' && *end == '\0' && errno == 0 &&
		       n < UINT32_MAX
		   ? 0
		   : ERR_NOENT;
}

int
verdicts_start(struct warden *w, int fd)
{
	struct verdicts *verdicts;

	if (w->conf.nverdicts == 0) {
		close_fd(&fd);
		return 0;
	}
	if (fd == -1) {
		log_warnx("[verdict]: there is no socket for it; restart "
			  "sallyportd");
		return ERR_NOENT;
	}
	verdicts = calloc(1, sizeof(*verdicts));
	if (verdicts == NULL) {
		return ERR_NOMEM;
	}
	w->verdicts = verdicts;
	verdicts->warden = w;
	verdicts->fd = fd;
	TAILQ_INIT(&verdicts->servers);
	for (size_t i = 0; i < w->conf.nverdicts; i++) {
		struct verdict_name *name = &verdicts->names[verdicts->n++];

		name->verdicts = verdicts;
		name->conf = &w->conf.verdicts[i];
		TAILQ_INIT(&name->waiting);
		TAILQ_INIT(&name->out);
		if (find_uid(name->conf->user, &name->uid) != 0) {
			log_warnx("[verdict %s] user %s: no such user",
			    name->conf->name, name->conf->user);
			return ERR_NOENT;
		}
	}
	verdicts->io =
	    loop_io_new(w->loop, fd, LOOP_READ, on_connect, verdicts);
	return verdicts->io != NULL ? 0 : ERR_NOMEM;
}

void
verdicts_free(struct warden *w)
{
	struct verdicts *verdicts = w->verdicts;
	struct server *server;

	if (verdicts == NULL) {
		return;
	}
	while ((server = TAILQ_FIRST(&verdicts->servers)) != NULL) {
		server_free(server);
	}
	for (unsigned i = 0; i < verdicts->n; i++) {
		verdict_forget_all(&verdicts->names[i]);
	}
	loop_io_free(verdicts->io);
	close_fd(&verdicts->fd);
	free(verdicts);
	w->verdicts = NULL;
}
