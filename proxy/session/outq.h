/*
 * Bytes on their way to the peer, in order. Collected during one turn of the
 * loop and written in runs of one TLS record, so that several replies cost one
 * send. Knows nothing of what the bytes mean.
 */
#ifndef PROXY_SESSION_OUTQ_H
#define PROXY_SESSION_OUTQ_H

#include <stddef.h>
#include <stdint.h>

struct stream;
struct outq_run;

struct outq {
	struct outq_run *head, *tail; /* owned: filled runs, oldest first */
	struct outq_run *spare;	      /* owned: empty ones, for reuse */
	size_t used;		      /* bytes not yet written */
	size_t again; /* length that must be offered again, 0 = any */
	int failed;   /* out of memory: the stream is incomplete */
};

void outq_init(struct outq *q);
void outq_fini(struct outq *q);
/* Appends a copy. Out of memory sets failed, which stays: the connection
 * cannot go on. */
void outq_put(struct outq *q, const void *buf, size_t len);
/* Writes what the stream takes. 0 when all is gone, STREAM_WANT_*, or the
 * stream's error; ERR_NOMEM when failed. */
int outq_flush(struct outq *q, struct stream *stream);

#endif
