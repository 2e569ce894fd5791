/*
 * Lines from a gateway that may be hostile, in the relay. Their length and
 * bytes are checked, their meaning is the reader's business. What the relay
 * itself says are two lines that never change, and what its parent has to say of
 * desktops.
 */
#include "vhci-glue/relay_events.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/channel.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/tls.h"
#include "vhci-glue/exits.h"
#include "vhci-glue/remote.h"

#define SILENCE (15 * CLOCK_SEC)
#define PULSE (4 * CLOCK_SEC)
#define PARENT_MS 10000
#define OUT_MAX (32u * 1024u) /* every desktop three times */

static const char hello[] = "{\"type\":\"hello\",\"protocol\":1,"
			    "\"program\":\"sallyport " SALLYPORT_VERSION
			    "\"}\n";
static const char heartbeat[] = "{\"type\":\"heartbeat\"}\n";

struct events {
	struct stream *stream;
	int parent;
	struct ipc_relay_done *done;
	/* What is being said, which may not change until it is out, and what
	 * comes next. */
	size_t out_at, out_used, next_used;
	char out[OUT_MAX], next[OUT_MAX];
	int wants_write; /* the stream does, for either direction */
	uint64_t heard, said;
	size_t used;
	char in[IPC_LINE_MAX + 1];
	uint8_t message[IPC_LINE_MAX + 16];
};

static int
say_bad(struct events *e, const char *what)
{
	return remote_say(e->done, EXITS_FAILED,
	    "events: %s; this is no Sallyport gateway", what);
}

static int
say_end(struct events *e, int err)
{
	if (err == ERR_CLOSED) {
		return remote_say(e->done, EXITS_UNREACHABLE,
		    "events: the gateway closed the connection");
	}
	return remote_say(e->done, err == ERR_TLS ? EXITS_DENIED
						  : EXITS_UNREACHABLE,
	    "events: %s", err == ERR_TLS ? tls_error(e->stream)
					 : err_str(err));
}

static int
pass_on(struct events *e, const char *text, size_t len)
{
	struct ipc_line line = {.text = text, .len = (uint32_t)len};
	int n = ipc_encode_line(e->message, sizeof(e->message), &line);

	if (n < 0) {
		return say_bad(e, "a line with control characters");
	}
	e->heard = clock_mono();
	if (channel_send_wait(e->parent, IPC_RELAY_LINE, 0, e->message,
		(size_t)n, -1, PARENT_MS) != 0) {
		return remote_say(
		    e->done, EXITS_FAILED, "events: nobody takes them");
	}
	return 0;
}

/* Every whole line that is there. */
static int
take_lines(struct events *e)
{
	char *end;

	while ((end = memchr(e->in, '\n', e->used)) != NULL) {
		size_t len = (size_t)(end - e->in);

		if (pass_on(e, e->in, len) != 0) {
			return -1;
		}
		e->used -= len + 1;
		memmove(e->in, end + 1, e->used);
	}
	return e->used < sizeof(e->in) ? 0 : say_bad(e, "a line too long");
}

static int
read_some(struct events *e)
{
	for (;;) {
		ssize_t n = stream_read(
		    e->stream, e->in + e->used, sizeof(e->in) - e->used);

		if (n == STREAM_WANT_READ || n == STREAM_WANT_WRITE) {
			e->wants_write |= n == STREAM_WANT_WRITE;
			return 0;
		}
		if (n <= 0) {
			return say_end(e, (int)n);
		}
		e->used += (size_t)n;
		if (take_lines(e) != 0) {
			return -1;
		}
	}
}

/* The next line; one that does not fit is not said at all. 0 or -1. */
static int
say(struct events *e, const char *line, size_t len)
{
	if (len > sizeof(e->next) - e->next_used) {
		return -1;
	}
	memcpy(e->next + e->next_used, line, len);
	e->next_used += len;
	return 0;
}

/* Printable, without blanks: only these two mean something to JSON. */
static char *
put_text(char *p, const char *name, const char *text)
{
	if (*text == '\0') {
		return p;
	}
	p = stpcpy(stpcpy(stpcpy(p, ",\""), name), "\":\"");
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\') {
			*p++ = '\\';
		}
		*p++ = *text;
	}
	return stpcpy(p, "\"");
}

static int
say_desk(struct events *e, const struct ipc_desk *desk)
{
	static const char *const words[] = {
		[IPC_DESK_UNKNOWN] = "unknown",
		[IPC_DESK_UNLOCKED] = "unlocked",
		[IPC_DESK_LOCKED] = "locked",
	};
	char line[128 + 2 * (sizeof(desk->seat) + sizeof(desk->user))];
	char *p = stpcpy(line, "{\"type\":\"session\",\"state\":\"");

	p = stpcpy(stpcpy(p, words[desk->lock]), "\"");
	p = put_text(p, "seat", desk->seat);
	p = put_text(p, "user", desk->user);
	p = stpcpy(p, "}\n");
	return say(e, line, (size_t)(p - line));
}

static int
write_some(struct events *e)
{
	for (;;) {
		ssize_t n;

		if (e->out_at == e->out_used) {
			memcpy(e->out, e->next, e->next_used);
			e->out_at = 0;
			e->out_used = e->next_used;
			e->next_used = 0;
		}
		if (e->out_used == 0) {
			return 0;
		}
		n = stream_write(
		    e->stream, e->out + e->out_at, e->out_used - e->out_at);

		if (n == STREAM_WANT_READ || n == STREAM_WANT_WRITE) {
			e->wants_write |= n == STREAM_WANT_WRITE;
			return 0;
		}
		if (n <= 0) {
			return say_end(e, (int)n);
		}
		e->out_at += (size_t)n;
		e->said = clock_mono();
	}
}

static int
is_saying(const struct events *e)
{
	return e->out_at < e->out_used || e->next_used > 0;
}

/* Heartbeats go out in time; a gateway that is silent is gone. */
static int
keep_time(struct events *e, uint64_t now)
{
	if (now - e->heard >= SILENCE) {
		return remote_say(e->done, EXITS_UNREACHABLE,
		    "events: the gateway was silent for 15 seconds");
	}
	if (now - e->said >= PULSE && !is_saying(e)) {
		(void)say(e, heartbeat, sizeof(heartbeat) - 1);
	}
	return 0;
}

/* What the parent has to say of desktops. 1 when it is gone, or says what is not
 * in turn. */
static int
is_left(struct events *e, short revents)
{
	struct channel_msg msg;
	struct ipc_desk desk;
	int r;

	while (revents != 0) {
		r = channel_recv(
		    e->parent, e->message, sizeof(e->message), &msg);
		if (r == ERR_AGAIN) {
			break;
		}
		if (r != 0) {
			return 1;
		}
		if (msg.fd != -1 || msg.type != IPC_RELAY_DESK ||
		    ipc_decode_desk(&desk, msg.data, msg.len) != 0 ||
		    say_desk(e, &desk) != 0) {
			close_fd(&msg.fd);
			return 1;
		}
	}
	return 0;
}

static int
wait_for(struct events *e, uint64_t now, short *parent)
{
	struct pollfd p[2] = {
		{.fd = e->stream->fd, .events = POLLIN},
		{.fd = e->parent, .events = POLLIN},
	};
	uint64_t until = e->said + PULSE;
	int n;

	if (e->wants_write) {
		p[0].events |= POLLOUT;
	}
	if (e->heard + SILENCE < until || is_saying(e)) {
		until = e->heard + SILENCE;
	}
	n = poll(p, 2,
	    until > now ? (int)((until - now) / CLOCK_MSEC) + 1 : 0);
	if (n < 0 && errno != EINTR) {
		return say_end(e, ERR_SYS);
	}
	*parent = n > 0 ? p[1].revents : 0;
	return 0;
}

int
relay_events_run(
    struct stream *stream, int parent, struct ipc_relay_done *done)
{
	static struct events events;
	struct events *e = &events;
	short left = 0;

	*e = (struct events){
		.stream = stream,
		.parent = parent,
		.done = done,
	};
	(void)say(e, hello, sizeof(hello) - 1);
	e->heard = e->said = clock_mono();
	while (!is_left(e, left)) {
		uint64_t now = clock_mono();

		e->wants_write = 0;
		if (keep_time(e, now) != 0 || write_some(e) != 0 ||
		    read_some(e) != 0 || wait_for(e, now, &left) != 0) {
			return -1;
		}
	}
	return 0;
}
