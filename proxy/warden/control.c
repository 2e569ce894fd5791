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
#include "proxy/warden/control.h"

#define REQUEST_MAX 4096
#define ANSWER_MAX (8u * 1024u * 1024u - 2)
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

/* What may be asked, and nothing else. */
static const struct {
	const char *op;
	control_op *handle;
} table[] = {
	{"status", control_status},
	{"devices", control_devices},
	{"sessions", control_sessions},
	{"kick", control_kick},
	{"quarantine", control_quarantine},
	{"capture", control_capture},
	{"reload", control_reload},
	{"confirm", control_confirm},
	{"explain", control_explain},
	{"asks", control_asks},
	{"approve", control_approve},
	{"deny", control_deny},
	{"arm", control_arm},
	{"disarm", control_disarm},
	{"policy", control_policy},
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
	return o != NULL ? o : control_failure(2, "unknown request");
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
	    : control_failure(2, "request is too long");
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
