/*
 * Framed messages over SOCK_SEQPACKET. A packet is a message: there is nothing
 * to reassemble, and a short packet is an error, not a wait. Runs in every
 * process that has a channel; trusts neither the other end's lengths nor the
 * number of descriptors it sends.
 */
#include "base/channel.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

/* Room for more descriptors than are legal, so that a surplus is seen as such
 * and closed; what exceeds even this the kernel closes (MSG_CTRUNC). */
#define CHANNEL_FDS 4

union control {
	struct cmsghdr align;
	char buf[CMSG_SPACE(CHANNEL_FDS * sizeof(int))];
};

/* The kernel charges a packet with its pages and its sk_buff, well below twice
 * its size; it doubles the value given here as well. */
#define CHANNEL_SNDBUF (2 * (CHANNEL_MAX + CHANNEL_HEADER) + 64 * 1024)

static void
put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void
put32(uint8_t *p, uint32_t v)
{
	put16(p, (uint16_t)(v >> 16));
	put16(p + 2, (uint16_t)v);
}

static uint16_t
get16(const uint8_t *p)
{
	return (uint16_t)((p[0] << 8) | p[1]);
}

static uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

int
channel_pair(int fds[2])
{
	int size = CHANNEL_SNDBUF, i;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
		0, fds) == -1) {
		return ERR_SYS;
	}
	for (i = 0; i < 2; i++) {
		if (setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &size,
			sizeof(size)) == -1) {
			close_fd(&fds[0]);
			close_fd(&fds[1]);
			return ERR_SYS;
		}
	}
	return 0;
}

static int
send_error(void)
{
	switch (errno) {
	case EAGAIN:
	case ENOBUFS:
		return ERR_AGAIN;
	case EPIPE:
	case ECONNRESET:
	case ENOTCONN:
		return ERR_CLOSED;
	default:
		return ERR_SYS;
	}
}

int
channel_send(
    int chan, uint16_t type, uint32_t id, const void *data, size_t len, int fd)
{
	uint8_t header[CHANNEL_HEADER];
	/* iovec has no const form; sendmsg only reads */
	struct iovec iov[2] = {
	    {header, sizeof(header)}, {(void *)(uintptr_t)data, len}};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = len > 0 ? 2 : 1};
	union control control;
	ssize_t n;

	if (len > CHANNEL_MAX) {
		return ERR_LIMIT;
	}
	put16(header, type);
	put16(header + 2, 0);
	put32(header + 4, id);
	put32(header + 8, (uint32_t)len);
	if (fd != -1) {
		struct cmsghdr *c;

		memset(&control, 0, sizeof(control));
		msg.msg_control = control.buf;
		msg.msg_controllen = CMSG_SPACE(sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
	}
	do {
		n = sendmsg(chan, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (n == -1 && errno == EINTR);
	return n == -1 ? send_error() : 0;
}

/* Collects what descriptors came, at most CHANNEL_FDS; returns how many. */
static unsigned
take_fds(struct msghdr *msg, int fds[CHANNEL_FDS])
{
	struct cmsghdr *c;
	unsigned n = 0;

	for (c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		size_t bytes, at;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) {
			continue;
		}
		bytes = c->cmsg_len - CMSG_LEN(0);
		for (at = 0; at + sizeof(int) <= bytes && n < CHANNEL_FDS;
		     at += sizeof(int)) {
			memcpy(&fds[n++], CMSG_DATA(c) + at, sizeof(int));
		}
	}
	return n;
}

/* Judges one packet of n bytes in buf. */
static int
check_packet(const uint8_t *buf, size_t n, int flags, unsigned nfds)
{
	if (flags & (MSG_TRUNC | MSG_CTRUNC) || nfds > 1) {
		return ERR_FORMAT;
	}
	if (n < CHANNEL_HEADER || get16(buf + 2) != 0) {
		return ERR_FORMAT;
	}
	if (get32(buf + 8) > CHANNEL_MAX ||
	    get32(buf + 8) != n - CHANNEL_HEADER) {
		return ERR_FORMAT;
	}
	return 0;
}

int
channel_recv(int chan, void *buf, size_t size, struct channel_msg *out)
{
	struct iovec iov = {buf, size};
	union control control;
	struct msghdr msg = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.buf,
	    .msg_controllen = sizeof(control.buf)};
	const uint8_t *p = buf;
	int fds[CHANNEL_FDS];
	unsigned nfds, i;
	ssize_t n;
	int r;

	if (size < CHANNEL_HEADER) {
		return ERR_NOMEM;
	}
	do {
		n = recvmsg(chan, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	} while (n == -1 && errno == EINTR);
	if (n == -1) {
		if (errno == EAGAIN) {
			return ERR_AGAIN;
		}
		return errno == ECONNRESET ? ERR_CLOSED : ERR_SYS;
	}
	nfds = take_fds(&msg, fds);
	if (n == 0 && nfds == 0) {
		return ERR_CLOSED;
	}
	r = check_packet(p, (size_t)n, msg.msg_flags, nfds);
	if (r != 0) {
		for (i = 0; i < nfds; i++) {
			close_fd(&fds[i]);
		}
		return r;
	}
	out->type = get16(p);
	out->id = get32(p + 4);
	out->data = p + CHANNEL_HEADER;
	out->len = (size_t)n - CHANNEL_HEADER;
	out->fd = nfds == 1 ? fds[0] : -1;
	return 0;
}

/* Waits for events on chan until the deadline (UINT64_MAX = for ever). */
static int
wait_for(int chan, short events, uint64_t deadline)
{
	for (;;) {
		struct pollfd p = {chan, events, 0};
		int ms = -1, n;

		if (deadline != UINT64_MAX) {
			uint64_t now = clock_mono(), left;

			left = deadline > now ? deadline - now : 0;
			ms = (int)((left + CLOCK_MSEC - 1) / CLOCK_MSEC);
		}
		n = poll(&p, 1, ms);
		if (n > 0) {
			return 0;
		}
		if (n == 0) {
			return ERR_TIMEOUT;
		}
		if (errno != EINTR) {
			return ERR_SYS;
		}
	}
}

static uint64_t
deadline_of(int timeout_ms)
{
	if (timeout_ms < 0) {
		return UINT64_MAX;
	}
	return clock_mono() + (uint64_t)timeout_ms * CLOCK_MSEC;
}

int
channel_recv_wait(
    int chan, void *buf, size_t size, int timeout_ms, struct channel_msg *out)
{
	uint64_t deadline = deadline_of(timeout_ms);

	for (;;) {
		int r = channel_recv(chan, buf, size, out);

		if (r != ERR_AGAIN) {
			return r;
		}
		r = wait_for(chan, POLLIN, deadline);
		if (r != 0) {
			return r;
		}
	}
}

int
channel_send_wait(int chan, uint16_t type, uint32_t id, const void *data,
    size_t len, int fd, int timeout_ms)
{
	uint64_t deadline = deadline_of(timeout_ms);

	for (;;) {
		int r = channel_send(chan, type, id, data, len, fd);

		if (r != ERR_AGAIN) {
			return r;
		}
		r = wait_for(chan, POLLOUT, deadline);
		if (r != 0) {
			return r;
		}
	}
}
