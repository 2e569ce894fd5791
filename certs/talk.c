/*
 * poll and try again. What a call wants is told by its result, so that bytes
 * which are inside the TLS library are never waited for.
 */
#include "certs/talk.h"

#include <errno.h>
#include <poll.h>

#include "base/clock.h"
#include "base/err.h"
#include "wire/enroll.h"

/* 0 when the stream can go on. */
static int
await(struct stream *s, ssize_t want, uint64_t deadline)
{
	struct pollfd p = { .fd = s->fd,
		.events = want == STREAM_WANT_READ ? POLLIN : POLLOUT };

	if (want != STREAM_WANT_READ && want != STREAM_WANT_WRITE) {
		return (int)want;
	}
	for (;;) {
		uint64_t now = clock_mono();
		int n;

		if (now >= deadline) {
			return ERR_TIMEOUT;
		}
		n = poll(&p, 1, (int)((deadline - now) / CLOCK_MSEC) + 1);
		if (n > 0) {
			return 0;
		}
		if (n < 0 && errno != EINTR) {
			return ERR_SYS;
		}
	}
}

int
talk_handshake(struct stream *s, uint64_t deadline)
{
	int r;

	while ((r = stream_handshake(s)) != 0) {
		r = await(s, r, deadline);
		if (r != 0) {
			return r;
		}
	}
	return 0;
}

int
talk_read(struct stream *s, void *buf, size_t len, uint64_t deadline)
{
	uint8_t *p = buf;

	while (len > 0) {
		ssize_t n = stream_read(s, p, len);
		int r = n > 0 ? 0 : await(s, n, deadline);

		if (r != 0) {
			return r;
		}
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

int
talk_write(struct stream *s, const void *buf, size_t len, uint64_t deadline)
{
	const uint8_t *p = buf;

	while (len > 0) {
		ssize_t n = stream_write(s, p, len);
		int r = n > 0 ? 0 : await(s, n, deadline);

		if (r != 0) {
			return r;
		}
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

int
talk_read_frame(struct stream *s, uint8_t *buf, size_t max, size_t *len,
    uint64_t deadline)
{
	size_t more;
	int r = talk_read(s, buf, ENROLL_HEAD, deadline);

	if (r == 0) {
		r = enroll_length(buf, max, &more);
	}
	if (r == 0) {
		r = talk_read(s, buf + ENROLL_HEAD, more, deadline);
	}
	*len = r == 0 ? ENROLL_HEAD + more : 0;
	return r;
}
