/*
 * Bytes that came from the peer and are not understood yet: read in large
 * gulps, taken out in pieces. Knows nothing of what they mean.
 */
#ifndef PROXY_SESSION_INQ_H
#define PROXY_SESSION_INQ_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct stream;

/* Holds the longest piece that must be seen whole: the packet descriptors of
 * an isochronous URB, 16 KiB. */
#define INQ_SIZE (64u * 1024u)

struct inq {
	uint8_t *buf; /* owned, INQ_SIZE bytes */
	size_t head, tail;
};

/* ERR_NOMEM. */
int inq_init(struct inq *q);
void inq_fini(struct inq *q);

static inline size_t
inq_len(const struct inq *q)
{
	return q->tail - q->head;
}

/* The waiting bytes, in place; good until the next inq call. */
static inline const uint8_t *
inq_peek(const struct inq *q)
{
	return q->buf + q->head;
}

/* Forgets n <= inq_len bytes. */
void inq_drop(struct inq *q, size_t n);
/* Moves up to len bytes to dst; returns how many. */
size_t inq_take(struct inq *q, void *dst, size_t len);
/* One stream_read into the free room; *full tells whether it took all the room
 * it was offered (more may wait). Results of stream_read; ERR_LIMIT when there
 * is no room. */
ssize_t inq_fill(struct inq *q, struct stream *stream, int *full);

#endif
