/*
 * The session's output: a list of runs of STREAM_RECORD bytes. A run is written
 * with one stream_write, hence one send. Runs are reused, so that nothing is
 * allocated once the list has reached the size that the traffic needs. What is
 * queued is bounded by the caller, who stops making replies.
 */
#include "proxy/session/outq.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/stream.h"

struct outq_run {
	struct outq_run *next;
	size_t start, end; /* bytes [start, end) wait */
	uint8_t bytes[STREAM_RECORD];
};

void
outq_init(struct outq *q)
{
	memset(q, 0, sizeof(*q));
}

static void
free_list(struct outq_run *run)
{
	while (run != NULL) {
		struct outq_run *next = run->next;

		free(run);
		run = next;
	}
}

void
outq_fini(struct outq *q)
{
	free_list(q->head);
	free_list(q->spare);
	outq_init(q);
}

/* A run with room at the tail, or NULL. */
static struct outq_run *
tail_run(struct outq *q)
{
	struct outq_run *run = q->tail;

	if (run != NULL && run->end < sizeof(run->bytes)) {
		return run;
	}
	run = q->spare;
	if (run != NULL) {
		q->spare = run->next;
	} else {
		run = malloc(sizeof(*run));
		if (run == NULL) {
			return NULL;
		}
	}
	run->next = NULL;
	run->start = run->end = 0;
	if (q->tail != NULL) {
		q->tail->next = run;
	} else {
		q->head = run;
	}
	q->tail = run;
	return run;
}

void
outq_put(struct outq *q, const void *buf, size_t len)
{
	const uint8_t *p = buf;

	while (len > 0 && !q->failed) {
		struct outq_run *run = tail_run(q);
		size_t n;

		if (run == NULL) {
			q->failed = 1;
			return;
		}
		n = sizeof(run->bytes) - run->end;
		if (n > len) {
			n = len;
		}
		memcpy(run->bytes + run->end, p, n);
		run->end += n;
		q->used += n;
		p += n;
		len -= n;
	}
}

static void
pop_head(struct outq *q)
{
	struct outq_run *run = q->head;

	q->head = run->next;
	if (q->head == NULL) {
		q->tail = NULL;
	}
	run->next = q->spare;
	q->spare = run;
}

int
outq_flush(struct outq *q, struct stream *stream)
{
	if (q->failed) {
		return ERR_NOMEM;
	}
	while (q->head != NULL) {
		struct outq_run *run = q->head;
		size_t len = q->again != 0 ? q->again : run->end - run->start;
		ssize_t n = stream_write(stream, run->bytes + run->start, len);

		if (n == STREAM_WANT_READ || n == STREAM_WANT_WRITE) {
			/* the same bytes, not more, must come next */
			q->again = len;
			return (int)n;
		}
		if (n <= 0) {
			return n < 0 ? (int)n : ERR_SYS;
		}
		q->again = 0;
		if ((size_t)n > len) {
			return ERR_SYS;
		}
		run->start += (size_t)n;
		q->used -= (size_t)n;
		if (run->start == run->end) {
			pop_head(q);
		}
	}
	return 0;
}
