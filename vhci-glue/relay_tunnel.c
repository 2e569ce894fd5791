/*
 * The tunnel's two directions, in the relay. Each has one buffer and reads when
 * that is empty, so that a side which does not read stops the other's sender
 * and costs no more memory.
 */
#include "vhci-glue/relay_tunnel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/mem.h"

#define ROOM (64u * 1024u)

struct pipe {
	uint8_t buf[ROOM];
	size_t at, end;
};

struct tunnel {
	struct stream *stream;
	int local;
	struct pipe up, down;
	int up_over;	 /* the client has said all */
	int down_over;	 /* the gateway has */
	int stream_want; /* STREAM_WANT_WRITE when it waits for that */
};

static int
is_want(ssize_t n)
{
	return n == STREAM_WANT_READ || n == STREAM_WANT_WRITE;
}

/* The client's bytes into TLS. */
static int
move_up(struct tunnel *t)
{
	for (;;) {
		struct pipe *p = &t->up;
		ssize_t n;

		if (p->at == p->end) {
			if (t->up_over) {
				return 0;
			}
			n = recv(t->local, p->buf, sizeof(p->buf), 0);
			if (n < 0) {
				return errno == EAGAIN || errno == EINTR
				    ? 0
				    : ERR_SYS;
			}
			t->up_over = n == 0;
			p->at = 0;
			p->end = (size_t)n;
			continue;
		}
		n = stream_write(t->stream, p->buf + p->at, p->end - p->at);
		if (is_want(n)) {
			if (n == STREAM_WANT_WRITE) {
				t->stream_want = STREAM_WANT_WRITE;
			}
			return 0;
		}
		if (n <= 0) {
			return (int)n;
		}
		p->at += (size_t)n;
	}
}

/* The gateway's bytes to the client. */
static int
move_down(struct tunnel *t)
{
	for (;;) {
		struct pipe *p = &t->down;
		ssize_t n;

		if (p->at < p->end) {
			n = send(t->local, p->buf + p->at, p->end - p->at,
			    MSG_NOSIGNAL);
			if (n < 0) {
				return errno == EAGAIN || errno == EINTR
				    ? 0
				    : ERR_SYS;
			}
			p->at += (size_t)n;
			continue;
		}
		if (t->down_over) {
			return 0;
		}
		n = stream_read(t->stream, p->buf, sizeof(p->buf));
		if (is_want(n)) {
			if (n == STREAM_WANT_WRITE) {
				t->stream_want = STREAM_WANT_WRITE;
			}
			return 0;
		}
		if (n == ERR_CLOSED) {
			t->down_over = 1;
			continue;
		}
		if (n <= 0) {
			return (int)n;
		}
		p->at = 0;
		p->end = (size_t)n;
	}
}

static int
wait_for(struct tunnel *t)
{
	int has_up = t->up.at < t->up.end, has_down = t->down.at < t->down.end;
	struct pollfd p[2] = {{.fd = t->stream->fd}, {.fd = t->local}};

	if (!has_down && !t->down_over) {
		p[0].events |= POLLIN;
	}
	if (t->stream_want == STREAM_WANT_WRITE) {
		p[0].events |= POLLOUT;
	} else if (has_up) {
		p[0].events |= POLLIN; /* TLS wants to read before it writes */
	}
	if (!has_up && !t->up_over) {
		p[1].events |= POLLIN;
	}
	if (has_down) {
		p[1].events |= POLLOUT;
	}
	return poll(p, 2, -1) == -1 && errno != EINTR ? ERR_SYS : 0;
}

static int
run(struct tunnel *t)
{
	for (;;) {
		int r;

		t->stream_want = 0;
		if ((r = move_up(t)) != 0 || (r = move_down(t)) != 0) {
			return r;
		}
		if ((t->up_over && t->up.at == t->up.end) ||
		    (t->down_over && t->down.at == t->down.end)) {
			return ERR_CLOSED;
		}
		if ((r = wait_for(t)) != 0) {
			return r;
		}
	}
}

int
relay_tunnel_run(struct stream *stream, int local)
{
	static struct tunnel tunnel;
	int flags = fcntl(local, F_GETFL), r = ERR_SYS;

	tunnel.stream = stream;
	tunnel.local = local;
	if (flags != -1 && fcntl(local, F_SETFL, flags | O_NONBLOCK) != -1) {
		r = run(&tunnel);
	}
	(void)stream_shutdown(stream);
	close_fd(&local);
	return r;
}
