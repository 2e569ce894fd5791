/*
 * The URB table of a session: who waits, who is at the device, who is called
 * back, and the one reply that each gets. Runs in sallyport-session; trusts
 * neither the peer's seqnums nor the device's lengths.
 *
 * 1. transfers_begin .. transfers_start: the peer's bytes become a transfer.
 * 2. can_run: gate, order and bounds decide between now and held.
 * 3. run: the judge, then the device. ERR_AGAIN goes back to the queue's head.
 * 4. transfers_done: the reply, the buffer back, and the next one in line.
 */
#include "proxy/session/transfer_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/mem.h"
#include "proxy/session/limits.h"
#include "proxy/session/outq.h"
#include "proxy/session/reply.h"

/* Pause after the system had no memory for an URB, unless one of ours ends
 * before; others may hold it all. */
#define STARVED_PAUSE (10 * CLOCK_MSEC)

static void
on_retry(void *arg)
{
	struct transfers *ts = arg;

	ts->is_starved = 0;
	transfers_pump(ts);
}

int
transfers_new(struct transfers **outp, const struct transfers_how *how)
{
	struct transfers *ts = calloc(1, sizeof(*ts));

	*outp = NULL;
	if (ts == NULL) {
		return ERR_NOMEM;
	}
	ts->how = *how;
	ts->hooks = *how->hooks;
	pool_init(&ts->pool);
	ts->retry = loop_timer_new(how->loop, on_retry, ts);
	if (ts->retry == NULL) {
		free(ts);
		return ERR_NOMEM;
	}
	*outp = ts;
	return 0;
}

void
transfers_free(struct transfers *ts)
{
	if (ts == NULL) {
		return;
	}
	for (unsigned i = 0; i < TRANSFER_BUCKETS; i++) {
		while (ts->buckets[i] != NULL) {
			struct transfer *t = ts->buckets[i];

			ts->buckets[i] = t->next;
			pool_free_transfer(&ts->pool, t);
		}
	}
	pool_fini(&ts->pool);
	loop_timer_free(ts->retry);
	free(ts);
}

/* ------------------------------------------------------------------------ */
/* Who looks on                                                             */

void
transfers_tap(struct transfers *ts, const struct transfer_tap *tap)
{
	ts->tap = tap;
	for (unsigned i = 0; i < TRANSFER_BUCKETS; i++) {
		for (struct transfer *t = ts->buckets[i]; t != NULL;
		     t = t->next) {
			t->is_tapped = 0;
		}
	}
}

static void
tell_end(struct transfers *ts, struct transfer *t, int32_t status,
    const void *data, uint32_t len, uint32_t actual)
{
	if (t->is_tapped) {
		t->is_tapped = 0;
		ts->tap->ended(ts->tap->arg, t, status, data, len, actual);
	}
}

void
transfer_tell(const struct transfer_tap *tap, struct transfer *t)
{
	uint32_t actual =
	    t->urb.actual < t->urb.length ? t->urb.actual : t->urb.length;

	t->is_tapped = 0;
	tap->ended(tap->arg, t, reply_status_of(t->urb.result), t->urb.data,
	    t->is_iso ? t->urb.length : actual, actual);
}

static void
tell_urb(struct transfers *ts, struct transfer *t)
{
	if (t->is_tapped) {
		transfer_tell(ts->tap, t);
	}
}

/* ------------------------------------------------------------------------ */
/* The table                                                                */

static struct transfer **
bucket_of(struct transfers *ts, uint32_t seqnum)
{
	return &ts->buckets[(seqnum * UINT32_C(2654435761)) >> 23];
}

_Static_assert(TRANSFER_BUCKETS == 1u << (32 - 23), "the hash gives 9 bits");

struct transfer *
transfer_find(struct transfers *ts, uint32_t seqnum)
{
	struct transfer *t = *bucket_of(ts, seqnum);

	while (t != NULL && t->seqnum != seqnum) {
		t = t->next;
	}
	return t;
}

void
transfer_forget(struct transfers *ts, struct transfer *t)
{
	struct transfer **at = bucket_of(ts, t->seqnum);

	tell_end(ts, t, USBIP_ECONNRESET, NULL, 0, 0);
	while (*at != t) {
		at = &(*at)->next;
	}
	*at = t->next;
	ts->live--;
	ts->tally.urbs++;
	pool_put(&ts->pool, t);
}

/* Whether it was unlinked before it came; then it is gone. */
static int
was_unlinked(struct transfers *ts, struct transfer *t)
{
	int32_t status = USBIP_ECONNRESET;
	uint32_t unlink;

	while (early_take(&ts->early, t->seqnum, &unlink)) {
		reply_unlink(ts->how.out, unlink, status);
		status = USBIP_OK;
	}
	if (status == USBIP_ECONNRESET) {
		return 0;
	}
	transfer_forget(ts, t);
	return 1;
}

int
transfers_begin(struct transfers *ts, const struct usbip_header *hdr,
    enum urb_type type, struct transfer **outp)
{
	const struct usbip_submit *sub = &hdr->u.submit;
	struct transfer **bucket = bucket_of(ts, hdr->seqnum);
	struct transfer *t;

	*outp = NULL;
	if (transfer_find(ts, hdr->seqnum) != NULL) {
		return ERR_PEER;
	}
	t = pool_take(&ts->pool);
	if (t == NULL) {
		return ERR_NOMEM;
	}
	early_note(&ts->early, ts->how.out, hdr->seqnum);
	t->state = TRANSFER_NEW;
	t->seqnum = hdr->seqnum;
	t->direction = hdr->direction;
	t->length = sub->length;
	t->wire_flags = sub->flags;
	t->index = transfer_index(hdr->direction, hdr->ep);
	t->is_iso = type == URB_ISO;
	t->urb.type = type;
	t->urb.endpoint =
	    (uint8_t)(hdr->ep | (hdr->direction == USBIP_DIR_IN ? 0x80 : 0));
	if (type == URB_CONTROL) {
		t->urb.endpoint = 0;
	}
	memcpy(t->urb.setup, sub->setup, sizeof(t->urb.setup));
	if (type == URB_BULK && hdr->direction == USBIP_DIR_OUT &&
	    (sub->flags & USBIP_URB_ZERO_PACKET) != 0) {
		t->urb.flags |= URB_ZERO_PACKET;
	}
	t->urb.length = sub->length;
	t->next = *bucket;
	*bucket = t;
	ts->live++;
	*outp = t;
	return 0;
}

int
transfer_buffer(struct transfers *ts, struct transfer *t)
{
	return t->block != NULL ? 0 : pool_take_block(&ts->pool, t, t->length);
}

/* ------------------------------------------------------------------------ */
/* Waiting                                                                  */

static uint32_t
held_cost(const struct transfer *t)
{
	return t->block != NULL ? t->length : 0;
}

static void
queue_add(struct transfer_queue *q, struct transfer *t, int at_head)
{
	t->q_next = at_head ? q->head : NULL;
	t->q_prev = at_head ? NULL : q->tail;
	*(t->q_next != NULL ? &t->q_next->q_prev : &q->tail) = t;
	*(t->q_prev != NULL ? &t->q_prev->q_next : &q->head) = t;
}

void
transfer_queue_remove(struct transfer_queue *q, struct transfer *t)
{
	*(t->q_next != NULL ? &t->q_next->q_prev : &q->tail) = t->q_prev;
	*(t->q_prev != NULL ? &t->q_prev->q_next : &q->head) = t->q_next;
}

static void
hold(struct transfers *ts, struct transfer *t, int at_head)
{
	t->state = TRANSFER_HELD;
	queue_add(&ts->held[t->index], t, at_head);
	ts->nheld++;
	ts->held_bytes += held_cost(t);
}

void
transfer_unhold(struct transfers *ts, struct transfer *t)
{
	transfer_queue_remove(&ts->held[t->index], t);
	ts->nheld--;
	ts->held_bytes -= held_cost(t);
}

static int
can_run(const struct transfers *ts, const struct transfer *t)
{
	const struct session_limits *limits = ts->how.limits;

	if (ts->is_gated || ts->is_starved ||
	    (ts->blocked & transfer_bit(t)) != 0 ||
	    ts->how.out->used > limits->out_bytes ||
	    !ts->hooks.may_run(ts->hooks.arg, t)) {
		return 0;
	}
	if (ts->busy[t->index] == 0) {
		return 1;
	}
	return t->index != 0 && ts->urbs < limits->urbs &&
	       ts->bytes + t->length <= limits->bytes;
}

int
transfers_have_room(const struct transfers *ts)
{
	return ts->nheld < ts->how.limits->held &&
	       ts->held_bytes < ts->how.limits->held_bytes;
}

const struct tally *
transfers_tally(struct transfers *ts)
{
	ts->tally.open = ts->live;
	return &ts->tally;
}

uint32_t
transfers_in_flight(const struct transfers *ts)
{
	return ts->urbs;
}

/* ------------------------------------------------------------------------ */
/* Running                                                                  */

/* Before it is gone: what it was. */
static void
count(struct transfers *ts, const struct transfer *t)
{
	uint32_t actual =
	    t->urb.actual < t->urb.length ? t->urb.actual : t->urb.length;

	if (!t->was_sent) {
		return;
	}
	*(t->direction == USBIP_DIR_IN ? &ts->tally.bytes_in
				       : &ts->tally.bytes_out) += actual;
	if (t->urb.type == URB_BULK || t->urb.type == URB_CONTROL) {
		tally_time(&ts->tally.took, clock_mono() - t->begun);
	}
}

/* Its one reply is out: answers its unlinks and forgets it. */
static void
finish(struct transfers *ts, struct transfer *t)
{
	count(ts, t);
	for (unsigned i = 0; i < t->nunlinks; i++) {
		reply_unlink(ts->how.out, t->unlinks[i], USBIP_OK);
	}
	transfer_forget(ts, t);
}

void
transfer_answer_status(struct transfers *ts, struct transfer *t, int32_t status)
{
	tell_end(ts, t, status, NULL, 0, 0);
	reply_status(ts->how.out, t, status);
	finish(ts, t);
}

void
transfer_answer(struct transfers *ts, struct transfer *t, int32_t status,
    const void *data, size_t len)
{
	uint32_t got = len < t->length ? (uint32_t)len : t->length;

	ts->busy[t->index]--;
	tell_end(ts, t, status, data, got,
	    t->direction == USBIP_DIR_IN ? got
	    : status == 0                ? t->length
					 : 0);
	reply_local(ts->how.out, t, status, data, len);
	finish(ts, t);
	transfers_pump(ts);
}

void
transfer_answer_urb(struct transfers *ts, struct transfer *t)
{
	ts->busy[t->index]--;
	tell_urb(ts, t);
	reply_transfer(ts->how.out, t);
	finish(ts, t);
	transfers_pump(ts);
}

/* It passed, and ends without having been at the device. */
void
transfer_unpass(struct transfers *ts, struct transfer *t)
{
	if (t->is_judged) {
		t->is_judged = 0;
		ts->hooks.abandon(ts->hooks.arg, t);
	}
}

static int32_t
status_of_error(int err)
{
	switch (err) {
	case ERR_CLOSED:
		return USBIP_ENODEV;
	case ERR_STALL:
	case ERR_POLICY:
		return USBIP_EPIPE;
	case ERR_NOMEM:
		return USBIP_ENOMEM;
	case ERR_LIMIT:
		return USBIP_EMSGSIZE;
	default:
		return USBIP_EPROTO;
	}
}

static void
submit(struct transfers *ts, struct transfer *t)
{
	int r = transfer_buffer(ts, t);

	if (r == 0) {
		r = ts->how.usb->submit(ts->how.dev, &t->urb);
	}
	if (r == 0) {
		t->state = TRANSFER_SUBMITTED;
		if (!t->was_sent) {
			t->was_sent = 1;
			tally_time(&ts->tally.wait, clock_mono() - t->begun);
		}
		ts->urbs++;
		ts->bytes += t->length;
		return;
	}
	ts->busy[t->index]--;
	if (r == ERR_AGAIN) {
		hold(ts, t, 1);
		ts->is_starved = 1;
		loop_timer_set(ts->retry, STARVED_PAUSE);
		return;
	}
	transfer_unpass(ts, t);
	transfer_answer_status(ts, t, status_of_error(r));
}

/* The judge says whether it passes; 0 when it does not, or not yet. */
static int
is_passed(struct transfers *ts, struct transfer *t)
{
	switch (ts->hooks.judge(ts->hooks.arg, t)) {
	case TRANSFER_PASS:
		break;
	case TRANSFER_TAKEN:
		return 0;
	case TRANSFER_WAIT:
		ts->busy[t->index]--;
		t->state = TRANSFER_ASKED;
		ts->blocked |= transfer_bit(t);
		return 0;
	}
	if (t->preset != 0) {
		ts->busy[t->index]--;
		transfer_answer_status(ts, t, t->preset);
		return 0;
	}
	t->is_judged = 1;
	return 1;
}

/* Its turn has come. */
static void
run(struct transfers *ts, struct transfer *t)
{
	int32_t preset = ts->failed != 0 ? ts->failed : t->preset;

	if (preset != 0) {
		transfer_unpass(ts, t);
		transfer_answer_status(ts, t, preset);
		return;
	}
	t->state = TRANSFER_LOCAL;
	ts->busy[t->index]++;
	if (t->is_judged || is_passed(ts, t)) {
		submit(ts, t);
	}
}

void
transfers_start(struct transfers *ts, struct transfer *t)
{
	if (ts->early.n > 0 && was_unlinked(ts, t)) {
		return;
	}
	if (ts->tap != NULL) {
		ts->tap->begun(ts->tap->arg, t);
	}
	t->begun = clock_mono();
	hold(ts, t, 0);
	transfers_pump(ts);
}

/* Runs what may run, endpoints in turn. */
static void
pump_once(struct transfers *ts)
{
	unsigned idle = 0;

	while (ts->nheld > 0 && idle < TRANSFER_ENDPOINTS) {
		struct transfer *t = ts->held[ts->turn].head;

		if (t != NULL && (ts->failed != 0 || can_run(ts, t))) {
			transfer_unhold(ts, t);
			run(ts, t);
			idle = 0;
		} else {
			idle++;
		}
		ts->turn = (ts->turn + 1) % TRANSFER_ENDPOINTS;
	}
}

void
transfers_pump(struct transfers *ts)
{
	if (ts->is_pumping) {
		ts->must_pump = 1;
		return;
	}
	ts->is_pumping = 1;
	do {
		ts->must_pump = 0;
		pump_once(ts);
	} while (ts->must_pump);
	ts->is_pumping = 0;
}

/* ------------------------------------------------------------------------ */
/* Ending                                                                   */

/* Tells the gate's owner when nothing of its mask is at the device. */
void
transfers_check_quiet(struct transfers *ts)
{
	if (!ts->is_draining) {
		return;
	}
	for (unsigned i = 1; i < TRANSFER_ENDPOINTS; i++) {
		if ((ts->drain_mask >> i & 1) != 0 && ts->busy[i] > 0) {
			return;
		}
	}
	ts->is_draining = 0;
	ts->hooks.quiet(ts->hooks.arg);
}

void
transfer_reply(struct transfers *ts, struct transfer *t)
{
	if (t->nunlinks > 0 && reply_is_nothing(t)) {
		/* called back in time: this is its only answer */
		reply_unlink(ts->how.out, t->unlinks[0], USBIP_ECONNRESET);
		t->nunlinks--;
		memmove(t->unlinks, t->unlinks + 1,
		    t->nunlinks * sizeof(t->unlinks[0]));
	} else {
		reply_transfer(ts->how.out, t);
	}
	finish(ts, t);
}

/* It goes to the device once more, unless somebody wanted it back. */
static void
send_again(struct transfers *ts, struct transfer *t)
{
	if (t->nunlinks == 0 && t->killed == 0 && ts->failed == 0) {
		/* its turn is before those that are held */
		if (ts->tap != NULL) {
			ts->tap->begun(ts->tap->arg, t);
		}
		hold(ts, t, 1);
		return;
	}
	transfer_unpass(ts, t);
	t->urb.result = URB_CANCELLED;
	t->urb.actual = 0;
	if (ts->failed != 0 && t->nunlinks == 0) {
		transfer_answer_status(ts, t, ts->failed);
		return;
	}
	transfer_reply(ts, t);
}

/* What it was to be answered with, if the device had nothing for it. */
static int
takes_instead(struct transfers *ts, struct transfer *t)
{
	uint32_t len = t->instead_len;

	if (t->instead == NULL) {
		return 0;
	}
	if (t->urb.result != URB_CANCELLED || t->urb.actual > 0 ||
	    t->killed != 0) {
		tell_urb(ts, t);
		ts->hooks.unused(ts->hooks.arg, t, TAKE(t->instead), len);
		return 0;
	}
	transfer_unpass(ts, t);
	len = len < t->length ? len : t->length;
	memcpy(t->urb.data, t->instead, len);
	free(TAKE(t->instead));
	t->urb.result = URB_OK;
	t->urb.actual = len;
	tell_urb(ts, t);
	return 1;
}

/* 0 when it waits for a verdict. */
static int
come_back(struct transfers *ts, struct transfer *t)
{
	enum transfer_return act = TRANSFER_REPLY;

	if (!takes_instead(ts, t) && t->is_judged) {
		act = ts->hooks.returned(ts->hooks.arg, t);
	}
	switch (act) {
	case TRANSFER_REPLY:
		transfer_reply(ts, t);
		return 1;
	case TRANSFER_AGAIN:
		send_again(ts, t);
		return 1;
	case TRANSFER_LATER:
		break;
	}
	ts->blocked |= transfer_bit(t);
	return 0;
}

/* Those behind one that waits come back after it. */
void
transfers_drain(struct transfers *ts, unsigned index)
{
	struct transfer_queue *q = &ts->back[index];

	while (q->head != NULL) {
		struct transfer *t = q->head;

		transfer_queue_remove(q, t);
		if (!come_back(ts, t)) {
			queue_add(q, t, 1);
			return;
		}
	}
}

void
transfers_done(struct transfers *ts, struct urb *urb)
{
	struct transfer *t = (struct transfer *)(void *)urb;
	struct transfer_queue *q = &ts->back[t->index];

	ts->busy[t->index]--;
	ts->urbs--;
	ts->bytes -= t->length;
	ts->is_starved = 0;
	loop_timer_stop(ts->retry);
	t->state = TRANSFER_RETURNED;
	if (t->instead == NULL) {
		tell_urb(ts, t);
	}
	if (q->head != NULL || !come_back(ts, t)) {
		queue_add(q, t, 0);
	}
	transfers_check_quiet(ts);
	transfers_pump(ts);
}

void
transfers_resume(struct transfers *ts, struct transfer *t)
{
	unsigned index = t->index;

	ts->blocked &= ~transfer_bit(t);
	if (t->state == TRANSFER_ASKED) {
		hold(ts, t, 1);
	} else {
		transfers_drain(ts, index);
	}
	transfers_pump(ts);
}
