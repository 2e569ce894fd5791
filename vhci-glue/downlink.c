/*
 * The gateway's replies on their way to the kernel, in the relay. Trusts not
 * one byte of the stream. One buffer, worked on in place:
 *
 *      head          ready             tail           size
 *   ....|  judged,     |  not yet whole  |   free       |
 *       |  to be sent  |  or judged      |              |
 *
 * 1. read at tail; 2. at ready, judge the header, wait for the body, judge and
 * rewrite the PDU, move ready past it; 3. send head..ready to the kernel.
 */
#include "vhci-glue/downlink.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/loop.h"
#include "base/mem.h"
#include "vhci-glue/rebuild.h"
#include "vhci-glue/seen.h"
#include "wire/usbip.h"

#define MAX_PDU                                                                \
	(USBIP_HEADER_SIZE + DOWNLINK_MAX_LENGTH +                             \
	    USBIP_MAX_ISO_PACKETS * USBIP_ISO_SIZE)
#define BUF_SIZE (MAX_PDU + 4 * STREAM_RECORD)
/* Bytes of one pump, after which others get their turn. */
#define BUDGET (512u * 1024u)
/* Sent at once when that much is judged, while more is being read. */
#define SEND_AT (64u * 1024u)
#define ANSWERS 64u
#define GRAVES 64u

struct downlink {
	struct stream *stream; /* borrowed */
	int kernel;	       /* borrowed */
	struct pending_table *pending; /* borrowed */
	struct seen *seen;     /* borrowed */
	struct usbip_header cur; /* of the PDU at ready, when need != 0 */
	size_t need;		 /* its whole length, 0 = not yet judged */
	size_t head, ready, tail;
	int stream_wants; /* LOOP_READ, LOOP_WRITE or 0 */
	int is_blocked;	  /* the kernel takes no more now */
	int is_hungry;
	size_t answers_head, answers_tail; /* bytes in answers */
	uint32_t graves[GRAVES]; /* seqnums lately taken back */
	unsigned ngraves, next_grave;
	struct rebuild work;
	uint8_t answers[ANSWERS * USBIP_HEADER_SIZE];
	uint8_t buf[BUF_SIZE];
};

int
downlink_new(struct downlink **out, const struct downlink_how *how)
{
	struct downlink *d = malloc(sizeof(*d));

	if (d == NULL) {
		return ERR_NOMEM;
	}
	/* The megabyte at the end is written before it is read. */
	memset(d, 0, offsetof(struct downlink, buf));
	d->stream = how->stream;
	d->kernel = how->kernel;
	d->pending = how->pending;
	d->stream_wants = LOOP_READ;
	d->seen = how->seen;
	*out = d;
	return 0;
}

void
downlink_free(struct downlink *d)
{
	free(d);
}

static void
bury(struct downlink *d, uint32_t seqnum)
{
	d->graves[d->next_grave] = seqnum;
	d->next_grave = (d->next_grave + 1) % GRAVES;
	if (d->ngraves < GRAVES) {
		d->ngraves++;
	}
}

/* Why a reply matches nothing: for the log only. */
static const char *
stranger(const struct downlink *d, uint32_t seqnum)
{
	for (unsigned i = 0; i < d->ngraves; i++) {
		if (d->graves[i] == seqnum) {
			return "reply to a transfer that was taken back";
		}
	}
	return "reply to nothing that was submitted, or a second one";
}

static int
judge_submit(struct downlink *d, struct ending *end)
{
	const struct pending *e = pending_find(d->pending, d->cur.seqnum);
	const char *why = "reply does not fit what was submitted";
	uint32_t body = 0;

	if (e == NULL) {
		return ending_set(
		    end, ENDING_REFUSED, stranger(d, d->cur.seqnum), 0);
	}
	if (e->kind != PENDING_SUBMIT) {
		return ending_set(
		    end, ENDING_REFUSED, "submit's reply to an unlink", 0);
	}
	if (!e->is_whole) {
		/* The kernel is still reading from the buffer that it would
		 * free. */
		return ending_set(end, ENDING_REFUSED,
		    "reply before the end of its submit", 0);
	}
	if (rebuild_judge(&d->cur, e, &body, &why) != 0) {
		return ending_set(end, ENDING_REFUSED, why, 0);
	}
	d->need = USBIP_HEADER_SIZE + (size_t)body;
	return 0;
}

static int
judge_unlink(struct downlink *d, struct ending *end)
{
	const struct pending *e = pending_find(d->pending, d->cur.seqnum);

	if (e == NULL) {
		return ending_set(end, ENDING_REFUSED,
		    "reply to no unlink that was sent, or a second one", 0);
	}
	if (e->kind != PENDING_UNLINK) {
		return ending_set(
		    end, ENDING_REFUSED, "unlink's reply to a submit", 0);
	}
	d->need = USBIP_HEADER_SIZE;
	return 0;
}

static int
judge(struct downlink *d, struct ending *end)
{
	if (usbip_decode_header(
		&d->cur, d->buf + d->ready, d->tail - d->ready) != 0) {
		return ending_set(end, ENDING_REFUSED, "unknown command", 0);
	}
	switch (d->cur.command) {
	case USBIP_RET_SUBMIT:
		return judge_submit(d, end);
	case USBIP_RET_UNLINK:
		return judge_unlink(d, end);
	}
	return ending_set(
	    end, ENDING_REFUSED, "command where a reply belongs", 0);
}

/* The whole PDU is there: make it ours. */
static int
finish_submit(struct downlink *d, struct ending *end)
{
	struct pending *e = pending_find(d->pending, d->cur.seqnum);
	uint8_t *pdu = d->buf + d->ready;
	const char *why = "reply does not fit what was submitted";
	uint32_t data_len = 0;
	int r;

	if (e == NULL) {
		return ending_set(end, ENDING_FAILED, "table lost an entry", 0);
	}
	r = rebuild_submit(&d->work, d->pending, e, &d->cur, pdu, d->need,
	    &data_len, &why);
	if (r != 0) {
		return ending_set(end, ENDING_REFUSED, why, 0);
	}
	if (e->sub.ep == 0 && e->sub.direction == USBIP_DIR_IN) {
		r = seen_check(d->seen, e->sub.setup, pdu + USBIP_HEADER_SIZE,
		    data_len, &why);
		if (r != 0) {
			return ending_set(end,
			    r == ERR_POLICY ? ENDING_DENIED : ENDING_REFUSED,
			    why, 0);
		}
	}
	pending_remove(d->pending, e);
	return 0;
}

static int
finish_unlink(struct downlink *d, struct ending *end)
{
	struct pending *e = pending_find(d->pending, d->cur.seqnum);
	struct pending *target;

	if (e == NULL) {
		return ending_set(end, ENDING_FAILED, "table lost an entry", 0);
	}
	target = pending_find(d->pending, e->target);
	if (target != NULL && target->kind != PENDING_SUBMIT) {
		target = NULL;
	}
	rebuild_unlink(e->sub.seqnum, d->cur.u.ret_unlink.status,
	    target != NULL ? REBUILD_TAKEN : REBUILD_ANSWERED,
	    d->buf + d->ready);
	if (target != NULL) {
		bury(d, target->sub.seqnum);
		pending_remove(d->pending, target);
	}
	pending_remove(d->pending, e);
	return 0;
}

/* Judges all that is whole. */
static int
parse(struct downlink *d, struct ending *end)
{
	while (d->tail - d->ready >= USBIP_HEADER_SIZE) {
		if (d->need == 0 && judge(d, end)) {
			return 1;
		}
		if (d->tail - d->ready < d->need) {
			return 0;
		}
		if (d->cur.command == USBIP_RET_SUBMIT
			? finish_submit(d, end)
			: finish_unlink(d, end)) {
			return 1;
		}
		d->ready += d->need;
		d->need = 0;
	}
	return 0;
}

/* 1 when all of *head..end went, 0 when the kernel takes no more now, -1 when
 * it is gone. */
static int
send_span(struct downlink *d, const uint8_t *base, size_t *head, size_t stop)
{
	while (*head < stop) {
		ssize_t n = send(d->kernel, base + *head, stop - *head,
		    MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
		}
		*head += (size_t)n;
	}
	return 1;
}

static int
send_judged(struct downlink *d, struct ending *end)
{
	/* Whichever was begun is ended first: answers only start when all of
	 * head..ready has gone, and that is whole PDUs. */
	int r = d->answers_head % USBIP_HEADER_SIZE == 0
	    ? 1
	    : send_span(d, d->answers, &d->answers_head, d->answers_tail);

	if (r > 0) {
		r = send_span(d, d->buf, &d->head, d->ready);
	}
	if (r > 0) {
		r = send_span(d, d->answers, &d->answers_head, d->answers_tail);
	}
	if (r < 0) {
		return ending_set(
		    end, ENDING_DETACHED, "the kernel closed the device", 0);
	}
	d->is_blocked = r == 0;
	if (d->answers_head == d->answers_tail) {
		d->answers_head = d->answers_tail = 0;
	}
	return 0;
}

static void
make_room(struct downlink *d)
{
	size_t need = d->need != 0 ? d->need : USBIP_HEADER_SIZE;

	if (d->head == d->tail) {
		d->head = d->ready = d->tail = 0;
		return;
	}
	if (d->head == 0 || (BUF_SIZE - d->ready >= need &&
				BUF_SIZE - d->tail >= STREAM_RECORD)) {
		return;
	}
	memmove(d->buf, d->buf + d->head, d->tail - d->head);
	d->ready -= d->head;
	d->tail -= d->head;
	d->head = 0;
}

static int
read_error(struct downlink *d, ssize_t n, struct ending *end)
{
	if (n == STREAM_WANT_READ || n == STREAM_WANT_WRITE) {
		d->stream_wants =
		    n == STREAM_WANT_READ ? LOOP_READ : LOOP_WRITE;
		return 0;
	}
	if (n == ERR_CLOSED && d->tail == d->ready) {
		return ending_set(end, ENDING_CLOSED,
		    "the gateway closed the connection", 0);
	}
	if (n == ERR_CLOSED) {
		return ending_set(end, ENDING_REFUSED,
		    "the connection ended inside a reply", 0);
	}
	return ending_set(end, ENDING_LOST, "read from the gateway", (int)n);
}

int
downlink_pump(struct downlink *d, struct ending *end)
{
	size_t budget = BUDGET;

	d->is_hungry = 0;
	for (;;) {
		ssize_t n;

		make_room(d);
		if (d->tail == BUF_SIZE) {
			if (send_judged(d, end)) {
				return 1;
			}
			if (d->is_blocked) {
				d->stream_wants = LOOP_NONE;
				return 0;
			}
			continue;
		}
		n = stream_read(
		    d->stream, d->buf + d->tail, BUF_SIZE - d->tail);
		if (n <= 0) {
			return send_judged(d, end) || read_error(d, n, end);
		}
		d->tail += (size_t)n;
		d->stream_wants = LOOP_READ;
		if (parse(d, end)) {
			return 1;
		}
		budget -= (size_t)n < budget ? (size_t)n : budget;
		if (stream_pending(d->stream) == 0 || budget == 0) {
			/* The loop tells when the socket has more; of what sits
			 * inside the stream it knows nothing. */
			d->is_hungry = stream_pending(d->stream) > 0;
			return send_judged(d, end);
		}
		if (d->ready - d->head >= SEND_AT && send_judged(d, end)) {
			return 1;
		}
	}
}

int
downlink_has_room(const struct downlink *d)
{
	return sizeof(d->answers) - d->answers_tail >= USBIP_HEADER_SIZE;
}

static void
answer(struct downlink *d, const struct usbip_header *hdr)
{
	if (downlink_has_room(d)) {
		(void)usbip_encode_header(d->answers + d->answers_tail, hdr);
		d->answers_tail += USBIP_HEADER_SIZE;
	}
}

void
downlink_answer(struct downlink *d, uint32_t seqnum, int32_t status)
{
	struct usbip_header hdr = {
	    .command = USBIP_RET_SUBMIT,
	    .seqnum = seqnum,
	};

	hdr.u.ret_submit.status = status;
	answer(d, &hdr);
}

void
downlink_answer_unlink(struct downlink *d, uint32_t seqnum, int32_t status)
{
	struct usbip_header hdr = {
	    .command = USBIP_RET_UNLINK,
	    .seqnum = seqnum,
	};

	hdr.u.ret_unlink.status = status;
	answer(d, &hdr);
}

int
downlink_flush(struct downlink *d, struct ending *end)
{
	if (d->answers_tail == 0 || d->is_blocked) {
		return 0;
	}
	return send_judged(d, end);
}

int
downlink_wants_stream(const struct downlink *d)
{
	return d->stream_wants;
}

int
downlink_wants_kernel(const struct downlink *d)
{
	return d->is_blocked ? LOOP_WRITE : LOOP_NONE;
}

int
downlink_is_hungry(const struct downlink *d)
{
	return d->is_hungry;
}
