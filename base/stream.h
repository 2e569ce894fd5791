/*
 * A non-blocking byte stream to a peer: plain TCP or a UNIX socket, or TLS over
 * one. The owner watches stream_fd and calls in; the stream never calls back.
 *
 * pending() exists because bytes that already sit inside the TLS library (or
 * in its read-ahead buffer) never wake a loop: after each read the owner asks,
 * and reads on while it is not 0.
 */
#ifndef BASE_STREAM_H
#define BASE_STREAM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Largest run of bytes that one write turns into one record, hence one send. */
#define STREAM_RECORD 16384u

/* What a call waits for, besides the codes of base/err.h. */
enum stream_want { STREAM_WANT_READ = -100, STREAM_WANT_WRITE = -101 };

struct stream;

/* Exact counts since the stream was made, for tests and the bench. */
struct stream_count {
	uint64_t sends, recvs;
	uint64_t bytes_out, bytes_in; /* on the socket */
};

struct stream_ops {
	const char *name;
	/* 0 when done, STREAM_WANT_*, ERR_TLS, ERR_CLOSED, ERR_SYS. */
	int (*handshake)(struct stream *);
	/* > 0 bytes read, ERR_CLOSED at an orderly end, STREAM_WANT_*, or an
	 * error. Never 0. */
	ssize_t (*read)(struct stream *, void *, size_t);
	/* Bytes taken, 1..min(len, STREAM_RECORD), or STREAM_WANT_*, or an
	 * error. After WANT_WRITE the same bytes must be offered again, first.
	 * At most one send(2) per call that takes bytes. */
	ssize_t (*write)(struct stream *, const void *, size_t);
	size_t (*pending)(struct stream *);
	/* Says goodbye (close_notify), best effort, never waits. */
	int (*shutdown)(struct stream *);
	void (*free)(struct stream *);
};

/* First member of every implementation. */
struct stream {
	const struct stream_ops *ops;
	int fd; /* owned: closed by stream_free */
	struct stream_count count;
};

/* Takes fd (also on failure it stays the caller's when NULL is returned).
 * Sets it non-blocking. */
struct stream *stream_plain_new(int fd);

static inline int
stream_handshake(struct stream *s)
{
	return s->ops->handshake(s);
}

static inline ssize_t
stream_read(struct stream *s, void *buf, size_t len)
{
	return s->ops->read(s, buf, len);
}

static inline ssize_t
stream_write(struct stream *s, const void *buf, size_t len)
{
	return s->ops->write(s, buf, len);
}

static inline size_t
stream_pending(struct stream *s)
{
	return s->ops->pending(s);
}

static inline int
stream_shutdown(struct stream *s)
{
	return s->ops->shutdown(s);
}

/* NULL is fine. */
void stream_free(struct stream *s);

#endif
