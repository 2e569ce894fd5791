/*
 * The control socket: one request, one answer, one connection, each a line of
 * JSON. {"op":"devices"} -> {"ok":true,"devices":[...]} or {"ok":false,
 * "error":"...","code":5}. Only root and the gateway's own user may connect
 * (SO_PEERCRED; the file's mode says the same).
 */
#include "proxy/warden/warden.h"

#include <errno.h>
#include <jansson.h>
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

#define REQUEST_MAX 4096
#define CLIENTS_MAX 16
#define CLIENT_LIMIT (10 * CLOCK_SEC)

struct client {
	struct warden *warden;
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

	c->warden->nclients--;
	loop_io_free(c->io);
	loop_timer_free(c->limit);
	close_fd(&c->fd);
	free(c->out);
	free(c);
}

static void
put_text(json_t *o, const char *name, const char *text)
{
	char buf[4 * IDENTITY_TEXT + 1];

	log_escape(buf, sizeof(buf), text, strlen(text));
	json_object_set_new(o, name, json_string(buf));
}

static void
put_time(json_t *o, const char *name, uint64_t wall)
{
	char when[32];

	if (wall != 0) {
		json_object_set_new(o, name,
		    json_string(clock_rfc3339(when, sizeof(when), wall)));
	}
}

static json_t *
failure(int code, const char *text)
{
	json_t *o = json_object();

	json_object_set_new(o, "ok", json_false());
	json_object_set_new(o, "code", json_integer(code));
	json_object_set_new(o, "error", json_string(text));
	return o;
}

static json_t *
success(void)
{
	json_t *o = json_object();

	json_object_set_new(o, "ok", json_true());
	return o;
}

static json_t *
op_status(struct warden *w, json_t *request)
{
	json_t *o = success();
	struct device *dev;
	unsigned n = 0;

	(void)request;
	TAILQ_FOREACH (dev, &w->devices, entry) {
		n += dev->record != NULL;
	}
	put_text(o, "version", SALLYPORT_VERSION);
	json_object_set_new(o, "port", json_integer(w->conf.port));
	json_object_set_new(o, "devices", json_integer(n));
	json_object_set_new(o, "sessions", json_integer(w->nsessions));
	json_object_set_new(o, "rules",
	    w->rules != NULL ? json_integer((json_int_t)rules_count(w->rules))
			     : json_null());
	json_object_set_new(
	    o, "rules_revision", json_integer(w->rules_revision));
	put_time(o, "rules_loaded", w->rules_loaded);
	put_text(o, "rules_error", w->rules_error);
	json_object_set_new(
	    o, "audit_lines", json_integer((json_int_t)w->audit.count));
	json_object_set_new(
	    o, "audit_failed", json_integer((json_int_t)w->audit.failed));
	return o;
}

static json_t *
device_json(const struct device *dev)
{
	json_t *o = json_object(), *list = json_array();
	char text[16];

	put_text(o, "busid", dev->place.busid);
	put_text(o, "state", device_state_name(dev->state));
	if (dev->state == DEVICE_REFUSED) {
		put_text(o, "refused", dev->refused);
	}
	if (dev->record != NULL) {
		snprintf(text, sizeof(text), "%04x:%04x", dev->facts.vid,
		    dev->facts.pid);
		put_text(o, "id", text);
		json_object_set_new(o, "stable", json_string(dev->name));
		put_text(o, "name", dev->facts.name);
		put_text(o, "manufacturer", dev->facts.manufacturer);
		put_text(o, "serial", dev->facts.serial);
		put_text(o, "hash", dev->hash);
		put_text(o, "parent_hash", dev->parent_hash);
		put_text(o, "connect_type", dev->connect_type);
		facts_put_json(o, dev);
		for (size_t i = 0; i < dev->facts.ninterfaces; i++) {
			const struct rule_interface *f =
			    &dev->facts.interfaces[i];

			snprintf(text, sizeof(text), "%02x:%02x:%02x", f->class,
			    f->subclass, f->protocol);
			json_array_append_new(list, json_string(text));
		}
	}
	json_object_set_new(o, "interfaces", list);
	if (dev->holder != NULL) {
		put_text(o, "holder", dev->holder->identity);
		json_object_set_new(
		    o, "connection", json_integer(dev->holder->conn));
	}
	return o;
}

static json_t *
op_devices(struct warden *w, json_t *request)
{
	json_t *o = success(), *list = json_array();
	struct device *dev;

	(void)request;
	TAILQ_FOREACH (dev, &w->devices, entry) {
		if (dev->state != DEVICE_KEPT) {
			json_array_append_new(list, device_json(dev));
		}
	}
	json_object_set_new(o, "devices", list);
	return o;
}

static const char *
state_name(enum ipc_session_state state)
{
	switch (state) {
	case IPC_ST_BORN:
		return "born";
	case IPC_ST_HANDSHAKE:
		return "handshake";
	case IPC_ST_IDENTIFIED:
		return "identified";
	case IPC_ST_IMPORTING:
		return "importing";
	case IPC_ST_STREAMING:
		return "streaming";
	case IPC_ST_CLOSING:
		return "closing";
	}
	return "unknown";
}

static json_t *
op_sessions(struct warden *w, json_t *request)
{
	json_t *o = success(), *list = json_array();
	struct session *s;

	(void)request;
	TAILQ_FOREACH (s, &w->sessions, entry) {
		json_t *e = json_object();

		json_object_set_new(e, "connection", json_integer(s->conn));
		put_text(e, "peer", s->peer);
		put_text(e, "state",
		    s->events != NULL ? "watching"
				      : state_name(s->state));
		put_time(e, "since", s->since);
		if (s->is_identified) {
			put_text(e, "identity", s->identity);
			put_text(e, "name", identity_short(&s->facts));
		}
		if (s->device != NULL) {
			put_text(e, "busid", s->device->place.busid);
		}
		json_object_set_new(e, "refusals", json_integer(s->refusals));
		json_array_append_new(list, e);
	}
	json_object_set_new(o, "sessions", list);
	return o;
}

static json_t *
op_reload(struct warden *w, json_t *request)
{
	(void)request;
	policy_reload(w);
	return w->rules_error[0] == '\0' ? success()
					 : failure(1, w->rules_error);
}

/* Frees a device (by bus id or stable name), or ends a connection (by number). */
static json_t *
op_kick(struct warden *w, json_t *request)
{
	const char *busid = json_string_value(json_object_get(request, "busid"));
	json_t *number = json_object_get(request, "connection");
	struct session *s, *hit = NULL;

	TAILQ_FOREACH (s, &w->sessions, entry) {
		if ((busid != NULL && s->device != NULL &&
			registry_is_named(s->device, busid)) ||
		    (json_is_integer(number) &&
			json_integer_value(number) == s->conn)) {
			hit = s;
		}
	}
	if (hit == NULL) {
		return failure(5, "nobody holds that; see `sallyctl sessions'");
	}
	session_eject(hit, "kicked by an operator", NULL);
	return success();
}

static const struct {
	const char *op;
	json_t *(*handle)(struct warden *w, json_t *request);
} table[] = {
	{"status", op_status},
	{"devices", op_devices},
	{"sessions", op_sessions},
	{"reload", op_reload},
	{"kick", op_kick},
};

static json_t *
answer(struct warden *w, const char *line, size_t len)
{
	json_t *request = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	const char *op = json_string_value(json_object_get(request, "op"));
	json_t *o = NULL;

	for (size_t i = 0; op != NULL && i < ARRAY_LEN(table); i++) {
		if (strcmp(table[i].op, op) == 0) {
			o = table[i].handle(w, request);
		}
	}
	json_decref(request);
	return o != NULL ? o : failure(2, "unknown request");
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
	client_free(c);
}

static void
on_client(void *arg, int events)
{
	struct client *c = arg;
	json_t *reply;
	ssize_t n;
	char *end;

	(void)events;
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
	    ? answer(c->warden, c->in, (size_t)(end - c->in))
	    : failure(2, "request is too long");
	c->out = json_dumps(reply, JSON_COMPACT | JSON_PRESERVE_ORDER);
	json_decref(reply);
	if (c->out == NULL) {
		client_free(c);
		return;
	}
	c->out_len = strlen(c->out);
	c->out[c->out_len++] = '\n'; /* in place of the NUL */
	flush(c);
}

static void
on_connect(void *arg, int events)
{
	struct warden *w = arg;
	struct ucred cred;
	socklen_t len = sizeof(cred);
	struct client *c;
	int fd = accept4(
	    w->control_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd == -1) {
		return;
	}
	if (w->nclients >= CLIENTS_MAX ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == -1 ||
	    (cred.uid != 0 && cred.uid != geteuid())) {
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
	w->control_io =
	    loop_io_new(w->loop, w->control_fd, LOOP_READ, on_connect, w);
	return w->control_io != NULL ? 0 : ERR_NOMEM;
}
