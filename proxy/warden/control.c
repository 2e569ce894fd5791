/*
 * The control socket: one request, one answer, one connection, each a line of
 * JSON. {"op":"devices"} -> {"ok":true,"devices":[...]} or {"ok":false,
 * "error":"...","code":5}. Who may ask what: roles.h. What changes something is
 * in the audit log with who asked for it.
 *
 * {"op":"watch"} is answered by a line, and then by each line of the audit log as
 * it is written. A watcher that does not read loses lines, and hears how many.
 */
#include "proxy/warden/warden.h"

#include <errno.h>
#include <jansson.h>
#include <malloc.h>
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
#include "proxy/warden/control.h"

#define REQUEST_MAX 4096
#define ANSWER_MAX (8u * 1024u * 1024u - 2)
#define CLIENTS_MAX 16
#define WATCHERS_MAX 8
#define WATCHER_ROOM (256u * 1024u) /* of lines that it did not read yet */
#define CLIENT_LIMIT (10 * CLOCK_SEC)

struct client {
	struct warden *warden;
	LIST_ENTRY(client) entry; /* while it is a watcher */
	int is_watcher;
	unsigned lost; /* lines, since the last that it got */
	enum role role;
	uid_t uid;
	int fd;
	struct loop_io *io;
	struct loop_timer *limit;
	size_t used;
	char in[REQUEST_MAX];
	char *out; /* owned; NULL until answered */
	size_t out_len, out_sent;
};

static void
client_free(void *arg)
{
	struct client *c = arg;

	if (c->is_watcher) {
		LIST_REMOVE(c, entry);
		c->warden->nwatchers--;
	} else {
		c->warden->nclients--;
	}
	loop_io_free(c->io);
	loop_timer_free(c->limit);
	close_fd(&c->fd);
	if (c->out != NULL) {
		/* it may have been a key */
		mem_wipe(c->out, malloc_usable_size(c->out));
	}
	free(c->out);
	free(c);
}

void
control_text(json_t *o, const char *name, const char *text)
{
	char buf[4 * IDENTITY_TEXT + 1];

	log_escape(buf, sizeof(buf), text, strlen(text));
	json_object_set_new(o, name, json_string(buf));
}

void
control_time(json_t *o, const char *name, uint64_t wall)
{
	char when[32];

	if (wall != 0) {
		json_object_set_new(o, name,
		    json_string(clock_rfc3339(when, sizeof(when), wall)));
	}
}

json_int_t
control_left(uint64_t ends)
{
	uint64_t now = clock_mono();

	return ends <= now
	    ? 0
	    : (json_int_t)((ends - now + CLOCK_SEC - 1) / CLOCK_SEC);
}

json_t *
control_failure(int code, const char *text)
{
	json_t *o = json_object();

	json_object_set_new(o, "ok", json_false());
	json_object_set_new(o, "code", json_integer(code));
	json_object_set_new(o, "error", json_string(text));
	return o;
}

json_t *
control_success(void)
{
	json_t *o = json_object();

	json_object_set_new(o, "ok", json_true());
	return o;
}

static control_op watch;

/* What may be asked, by whom at least, and nothing else. */
static const struct {
	const char *op;
	enum role role;
	control_op *handle;
} table[] = {
	{"metrics", ROLE_COUNT, control_metrics},
	{"status", ROLE_READ, control_status},
	{"devices", ROLE_READ, control_devices},
	{"sessions", ROLE_READ, control_sessions},
	{"explain", ROLE_READ, control_explain},
	{"asks", ROLE_READ, control_asks},
	{"policy", ROLE_READ, control_policy},
	{"quarantined", ROLE_READ, control_quarantined},
	{"sandbox", ROLE_READ, control_sandbox},
	{"verdicts", ROLE_READ, control_verdicts},
	{"watch", ROLE_READ, watch},
	{"approve", ROLE_APPROVE, control_approve},
	{"deny", ROLE_APPROVE, control_deny},
	{"kick", ROLE_OPERATE, control_kick},
	{"unquarantine", ROLE_OPERATE, control_unquarantine},
	{"capture", ROLE_OPERATE, control_capture},
	{"reload", ROLE_OPERATE, control_reload},
	{"confirm", ROLE_OPERATE, control_confirm},
	{"arm", ROLE_OPERATE, control_arm},
	{"disarm", ROLE_OPERATE, control_disarm},
	{"audit_key", ROLE_OPERATE, control_audit_key},
};

static json_t *
watch(struct warden *w, json_t *request)
{
	(void)request;
	return w->nwatchers < WATCHERS_MAX ?
	    control_success() :
	    control_failure(5, "too many watch already");
}

/* Whoever changes something answers for it, also when it was refused. */
static void
note(struct client *c, json_t *request, const json_t *reply)
{
	char *text, uid[24], name[AUDIT_NAME];
	const char *error =
	    json_string_value(json_object_get(reply, "error"));
	const char *key;
	json_t *value;

	json_object_foreach (request, key, value) {
		if (json_is_string(value)) {
			/* as the log shows devices; others stay as they are */
			(void)json_string_set(value,
			    audit_name(c->warden, name,
				json_string_value(value)));
		}
	}
	text = json_dumps(request, JSON_COMPACT | JSON_PRESERVE_ORDER);
	(void)snprintf(uid, sizeof(uid), "%lu", (unsigned long)c->uid);
	audit_write(c->warden, "operator", error == NULL ? "done" : "refused",
	    NULL, NULL, NULL, "uid", uid, "request", text, "reason", error,
	    (char *)NULL);
	free(text);
}

static json_t *
forbidden(enum role role)
{
	char why[160];

	(void)snprintf(why, sizeof(why),
	    "that is for %s alone: the group of [control] %s in gateway.conf",
	    role_name(role), role_name(role));
	return control_failure(3, why);
}

static json_t *
answer(struct client *c, const char *line, size_t len)
{
	json_t *request = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	const char *op = json_string_value(json_object_get(request, "op"));
	json_t *o = NULL;

	for (size_t i = 0; op != NULL && i < ARRAY_LEN(table); i++) {
		if (strcmp(table[i].op, op) != 0) {
			continue;
		}
		o = c->role >= table[i].role ?
		    table[i].handle(c->warden, request) :
		    forbidden(table[i].role);
		if (table[i].role > ROLE_READ) {
			note(c, request, o);
		} else if (table[i].handle == watch &&
		    json_is_true(json_object_get(o, "ok"))) {
			c->is_watcher = 1;
		}
		break;
	}
	json_decref(request);
	return o != NULL ? o : control_failure(2, "unknown request");
}

/* From a client that gets one answer to one that gets lines. */
static void
begin_watching(struct client *c)
{
	c->warden->nclients--;
	c->warden->nwatchers++;
	LIST_INSERT_HEAD(&c->warden->watchers, c, entry);
	loop_timer_stop(c->limit);
}

static void
flush(struct client *c)
{
	while (c->out_sent < c->out_len) {
		ssize_t n = send(c->fd, c->out + c->out_sent,
		    c->out_len - c->out_sent, MSG_NOSIGNAL);

		if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			loop_io_set(c->io, LOOP_WRITE);
			return;
		}
		if (n <= 0) {
			break;
		}
		c->out_sent += (size_t)n;
	}
	if (c->is_watcher && c->out_sent == c->out_len) {
		c->out_sent = c->out_len = 0;
		loop_io_set(c->io, LOOP_READ);
		return;
	}
	client_free(c);
}

/* A watcher says nothing more; its end is that it reads no more. */
static void
on_watcher(struct client *c, int events)
{
	char byte;

	if ((events & LOOP_READ) != 0 &&
	    (recv(c->fd, &byte, 1, 0) != -1 ||
		(errno != EAGAIN && errno != EWOULDBLOCK))) {
		client_free(c);
		return;
	}
	if (c->out_len > 0) {
		flush(c);
	}
}

/* Room for n bytes behind what waits; 0 when there is none. */
static int
has_room(struct client *c, size_t n)
{
	char *more;

	if (c->out_sent > 0) {
		memmove(c->out, c->out + c->out_sent, c->out_len - c->out_sent);
		c->out_len -= c->out_sent;
		c->out_sent = 0;
	}
	if (c->out_len + n > WATCHER_ROOM) {
		return 0;
	}
	more = realloc(c->out, c->out_len + n);
	if (more == NULL) {
		return 0;
	}
	c->out = more;
	return 1;
}

static void
tell(struct client *c, const char *line, size_t len)
{
	char lost[64];
	size_t n = 0;

	if (c->lost > 0) {
		n = (size_t)snprintf(lost, sizeof(lost),
		    "{\"event\":\"watch\",\"lost\":%u}\n", c->lost);
	}
	if (!has_room(c, n + len)) {
		c->lost++;
		return;
	}
	memcpy(c->out + c->out_len, lost, n);
	memcpy(c->out + c->out_len + n, line, len);
	c->out_len += n + len;
	c->lost = 0;
	/* Not sent from here: whoever is in the middle of a decision must not
	 * lose a client under its feet. */
	loop_io_set(c->io, LOOP_READ | LOOP_WRITE);
}

void
control_tell(struct warden *w, const char *line, size_t len)
{
	struct client *c;

	LIST_FOREACH (c, &w->watchers, entry) {
		tell(c, line, len);
	}
}

static void
on_client(void *arg, int events)
{
	struct client *c = arg;
	json_t *reply;
	ssize_t n;
	char *end;

	if (c->is_watcher) {
		on_watcher(c, events);
		return;
	}
	if (c->out != NULL) {
		flush(c);
		return;
	}
	n = recv(c->fd, c->in + c->used, sizeof(c->in) - c->used, 0);
	if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
		return;
	}
	if (n <= 0) {
		client_free(c);
		return;
	}
	c->used += (size_t)n;
	end = memchr(c->in, '\n', c->used);
	if (end == NULL && c->used < sizeof(c->in)) {
		return;
	}
	reply = end != NULL
	    ? answer(c, c->in, (size_t)(end - c->in))
	    : control_failure(2, "request is too long");
	if (c->is_watcher) {
		begin_watching(c);
	}
	c->out = json_dumps(reply, JSON_COMPACT | JSON_PRESERVE_ORDER);
	json_decref(reply);
	if (c->out == NULL) {
		client_free(c);
		return;
	}
	c->out_len = strlen(c->out);
	if (c->out_len > ANSWER_MAX) {
		free(c->out);
		reply = control_failure(1, "the answer is too long");
		c->out = json_dumps(reply, JSON_COMPACT | JSON_PRESERVE_ORDER);
		json_decref(reply);
		if (c->out == NULL) {
			client_free(c);
			return;
		}
		c->out_len = strlen(c->out);
	}
	c->out[c->out_len++] = '\n'; /* in place of the NUL */
	flush(c);
}

static void
on_connect(void *arg, int events)
{
	struct warden *w = arg;
	struct client *c;
	enum role role;
	uid_t uid;
	int fd = accept4(
	    w->control_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd == -1) {
		return;
	}
	role = roles_of(&w->roles, fd, &uid);
	if (w->nclients >= CLIENTS_MAX || role == ROLE_NONE) {
		close_fd(&fd);
		return;
	}
	c = calloc(1, sizeof(*c));
	if (c == NULL) {
		close_fd(&fd);
		return;
	}
	w->nclients++;
	c->warden = w;
	c->fd = fd;
	c->role = role;
	c->uid = uid;
	c->io = loop_io_new(w->loop, fd, LOOP_READ, on_client, c);
	c->limit = loop_timer_new(w->loop, client_free, c);
	if (c->io == NULL || c->limit == NULL) {
		client_free(c);
		return;
	}
	loop_timer_set(c->limit, CLIENT_LIMIT);
}

int
control_start(struct warden *w)
{
	LIST_INIT(&w->watchers);
	w->control_io =
	    loop_io_new(w->loop, w->control_fd, LOOP_READ, on_connect, w);
	return w->control_io != NULL ? 0 : ERR_NOMEM;
}
