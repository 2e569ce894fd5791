/*
 * The session's input buffer: linear, moved to the front when its tail runs
 * out of room. One read takes as much as the socket has, so that many small
 * PDUs cost one recv.
 */
#include "proxy/session/inq.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/stream.h"

int
inq_init(struct inq *q)
{
	memset(q, 0, sizeof(*q));
	q->buf = malloc(INQ_SIZE);
	return q->buf != NULL ? 0 : ERR_NOMEM;
}

void
inq_fini(struct inq *q)
{
	free(q->buf);
	memset(q, 0, sizeof(*q));
}

void
inq_drop(struct inq *q, size_t n)
{
	q->head += n;
	if (q->head == q->tail) {
		q->head = q->tail = 0;
	}
}

size_t
inq_take(struct inq *q, void *dst, size_t len)
{
	size_t n = inq_len(q) < len ? inq_len(q) : len;

	if (n > 0) {
		memcpy(dst, inq_peek(q), n);
		inq_drop(q, n);
	}
	return n;
}

ssize_t
inq_fill(struct inq *q, struct stream *stream, int *full)
{
	size_t room = INQ_SIZE - q->tail;
	ssize_t n;

	if (q->head > 0 && room < INQ_SIZE / 2) {
		memmove(q->buf, inq_peek(q), inq_len(q));
		q->tail -= q->head;
		q->head = 0;
		room = INQ_SIZE - q->tail;
	}
	*full = 0;
	if (room == 0) {
		return ERR_LIMIT;
	}
	n = stream_read(stream, q->buf + q->tail, room);
	if (n > 0) {
		q->tail += (size_t)n;
		*full = (size_t)n == room;
	}
	return n;
}
