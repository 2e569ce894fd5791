/*
 * The plain stream: bytes straight from and to a socket. Used on the trusted
 * side of the relay and, in tests, instead of TLS.
 */
#include "base/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/mem.h"

static int
plain_handshake(struct stream *s)
{
	(void)s;
	return 0;
}

static ssize_t
plain_read(struct stream *s, void *buf, size_t len)
{
	ssize_t n;

	if (len == 0) {
		return ERR_NOMEM;
	}
	do {
		s->count.recvs++;
		n = recv(s->fd, buf, len, MSG_DONTWAIT);
	} while (n == -1 && errno == EINTR);
	if (n > 0) {
		s->count.bytes_in += (uint64_t)n;
		return n;
	}
	if (n == 0) {
		return ERR_CLOSED;
	}
	return errno == EAGAIN ? STREAM_WANT_READ : ERR_SYS;
}

static ssize_t
plain_write(struct stream *s, const void *buf, size_t len)
{
	ssize_t n;

	if (len == 0) {
		return ERR_NOMEM;
	}
	if (len > STREAM_RECORD) {
		len = STREAM_RECORD;
	}
	do {
		s->count.sends++;
		n = send(s->fd, buf, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (n == -1 && errno == EINTR);
	if (n >= 0) {
		s->count.bytes_out += (uint64_t)n;
		return n;
	}
	if (errno == EPIPE) {
		return ERR_CLOSED;
	}
	return errno == EAGAIN ? STREAM_WANT_WRITE : ERR_SYS;
}

static size_t
plain_pending(struct stream *s)
{
	(void)s;
	return 0;
}

static int
plain_shutdown(struct stream *s)
{
	return shutdown(s->fd, SHUT_WR) == -1 ? ERR_SYS : 0;
}

static void
plain_free(struct stream *s)
{
	close_fd(&s->fd);
	free(s);
}

static const struct stream_ops plain_ops = {
    .name = "plain",
    .handshake = plain_handshake,
    .read = plain_read,
    .write = plain_write,
    .pending = plain_pending,
    .shutdown = plain_shutdown,
    .free = plain_free,
};

struct stream *
stream_plain_new(int fd)
{
	struct stream *s = calloc(1, sizeof(*s));
	int flags;

	if (s == NULL) {
		return NULL;
	}
	flags = fcntl(fd, F_GETFL);
	if (flags == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1) {
		int saved = errno;

		free(s);
		errno = saved;
		return NULL;
	}
	s->ops = &plain_ops;
	s->fd = fd;
	return s;
}

void
stream_free(struct stream *s)
{
	if (s != NULL) {
		s->ops->free(s);
	}
}
