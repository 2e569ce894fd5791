/*
 * The URB table of a session: who waits, who is at the device, who is called
 * back, and the one reply that each gets. Runs in sallyport-session; trusts
 * neither the peer's seqnums nor the device's lengths.
 *
 * 1. transfers_begin .. transfers_start: the peer's bytes become a transfer.
 * 2. can_run: gate, order and bounds decide between now and held.
 * 3. run: the judge, then the device. ERR_AGAIN goes back to the queue's head.
 * 4. transfers_done: the reply, the buffer back, and the next one in line.
 *
 * An unlink may overtake its submit: vhci_hcd sends all new submits, then all
 * new unlinks, and a URB that is submitted and unlinked in between goes out in
 * the wrong order. Answered as "nothing there", that URB would complete twice,
 * and the importing kernel unplugs the device. So such an unlink is kept, and
 * its submit never reaches the device.
 */
#include "proxy/session/transfer.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/mem.h"
#include "proxy/session/limits.h"
#include "proxy/session/outq.h"
#include "proxy/session/pool.h"
#include "proxy/session/reply.h"

#define BUCKETS 512u
#define EARLY 64u /* unlinks that wait for their submit; more are answered */
/* Pause after the system had no memory for an URB, unless one of ours ends
 * before; others may hold it all. */
#define STARVED_PAUSE (10 * CLOCK_MSEC)

struct queue {
	struct transfer *head, *tail;
};

struct early {
	uint32_t seqnum, of;
};

struct transfers {
	struct transfers_how how;
	struct transfer_hooks hooks;
	const struct transfer_tap *tap; /* borrowed; NULL: nobody looks on */
	struct pool pool;
	struct transfer *buckets[BUCKETS];
	struct queue held[TRANSFER_ENDPOINTS];
	struct queue back[TRANSFER_ENDPOINTS]; /* RETURNED, oldest first */
	uint32_t blocked; /* endpoints of which one waits for a verdict */
	uint32_t nheld, held_bytes;
	uint32_t busy[TRANSFER_ENDPOINTS]; /* at the device, or LOCAL */
	uint32_t urbs, bytes;		   /* at the device, all endpoints */
	uint32_t live;			   /* in the table */
	unsigned turn;			   /* endpoint to serve next */
	int is_gated, is_draining;
	uint32_t drain_mask;
	int is_pumping, must_pump;
	int is_starved;
	int32_t failed; /* status of a device that is gone, or 0 */
	uint32_t newest; /* seqnum of a submit, once has_newest */
	int has_newest;
	unsigned nearly;
	struct early early[EARLY];
	struct loop_timer *retry;
};

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
	for (unsigned i = 0; i < BUCKETS; i++) {
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
	for (unsigned i = 0; i < BUCKETS; i++) {
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
	uint32_t actual = t->urb.actual < t->urb.length ? t->urb.actual :
							  t->urb.length;

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

_Static_assert(BUCKETS == 1u << (32 - 23), "the hash gives 9 bits");

static struct transfer *
find(struct transfers *ts, uint32_t seqnum)
{
	struct transfer *t = *bucket_of(ts, seqnum);

	while (t != NULL && t->seqnum != seqnum) {
		t = t->next;
	}
	return t;
}

static void
forget(struct transfers *ts, struct transfer *t)
{
	struct transfer **at = bucket_of(ts, t->seqnum);

	tell_end(ts, t, USBIP_ECONNRESET, NULL, 0, 0);
	while (*at != t) {
		at = &(*at)->next;
	}
	*at = t->next;
	ts->live--;
	pool_put(&ts->pool, t);
}

/* Seqnums wrap: one is later when the way to it is the shorter one. */
static int
is_later(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

/* Takes one unlink out of those that wait for `of`. */
static int
take_early(struct transfers *ts, uint32_t of, uint32_t *seqnum)
{
	for (unsigned i = 0; i < ts->nearly; i++) {
		if (ts->early[i].of == of) {
			*seqnum = ts->early[i].seqnum;
			ts->nearly--;
			memmove(&ts->early[i], &ts->early[i + 1],
			    (ts->nearly - i) * sizeof(ts->early[0]));
			return 1;
		}
	}
	return 0;
}

/* A submit came: of those before it that did not come, none will. */
static void
note_seqnum(struct transfers *ts, uint32_t seqnum)
{
	unsigned i = 0;

	if (!ts->has_newest || is_later(seqnum, ts->newest)) {
		ts->newest = seqnum;
		ts->has_newest = 1;
	}
	while (i < ts->nearly) {
		uint32_t of = ts->early[i].of, unlink;

		if (is_later(seqnum, of) && take_early(ts, of, &unlink)) {
			reply_unlink(ts->how.out, unlink, USBIP_OK);
		} else {
			i++;
		}
	}
}

/* The peer counts submits and unlinks together, upwards: an unlink of a submit
 * that is still to come lies between the two. */
static int
keep_early(struct transfers *ts, uint32_t seqnum, uint32_t of)
{
	if (!ts->has_newest || !is_later(of, ts->newest) ||
	    !is_later(seqnum, of) || ts->nearly == EARLY) {
		return 0;
	}
	ts->early[ts->nearly++] = (struct early){.seqnum = seqnum, .of = of};
	return 1;
}

/* Whether it was unlinked before it came; then it is gone. */
static int
was_unlinked(struct transfers *ts, struct transfer *t)
{
	int32_t status = USBIP_ECONNRESET;
	uint32_t unlink;

	while (take_early(ts, t->seqnum, &unlink)) {
		reply_unlink(ts->how.out, unlink, status);
		status = USBIP_OK;
	}
	if (status == USBIP_ECONNRESET) {
		return 0;
	}
	forget(ts, t);
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
	if (find(ts, hdr->seqnum) != NULL) {
		return ERR_PEER;
	}
	t = pool_take(&ts->pool);
	if (t == NULL) {
		return ERR_NOMEM;
	}
	note_seqnum(ts, hdr->seqnum);
	t->state = TRANSFER_NEW;
	t->seqnum = hdr->seqnum;
	t->direction = hdr->direction;
	t->length = sub->length;
	t->wire_flags = sub->flags;
	t->index = transfer_index(hdr->direction, hdr->ep);
	t->is_iso = type == URB_ISO;
	t->urb.type = type;
	t->urb.endpoint = (uint8_t)(
	    hdr->ep | (hdr->direction == USBIP_DIR_IN ? 0x80 : 0));
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
	return t->block != NULL ?
	    0 :
	    pool_take_block(&ts->pool, t, t->length);
}

/* ------------------------------------------------------------------------ */
/* Isochronous packets                                                      */

static int
packet_room(struct transfer *t, uint32_t npackets)
{
	struct usbip_iso *sub;
	struct urb_iso *iso;
	uint32_t room = 16;

	if (npackets <= t->packet_room) {
		return 0;
	}
	while (room < npackets) {
		room *= 2;
	}
	sub = realloc(t->sub, room * sizeof(*sub));
	if (sub != NULL) {
		t->sub = sub;
	}
	iso = realloc(t->urb.iso, room * sizeof(*iso));
	if (iso != NULL) {
		t->urb.iso = iso;
	}
	if (sub == NULL || iso == NULL) {
		return ERR_NOMEM;
	}
	t->packet_room = room;
	return 0;
}

/* OUT packets lie where their offsets say; the device wants them back to back:
 * in a second buffer, unless they already are. Only OUT has a block by now. */
static int
repack(struct transfers *ts, struct transfer *t)
{
	struct transfer old = *t;
	uint32_t at = 0;
	int is_packed = 1, r;

	for (uint32_t i = 0; i < t->npackets; i++) {
		is_packed &= t->sub[i].offset == at || t->sub[i].length == 0;
		at += t->sub[i].length;
	}
	if (is_packed || at == 0) {
		return 0;
	}
	t->block = NULL;
	r = pool_take_block(&ts->pool, t, at);
	if (r != 0) {
		t->block = old.block;
		t->urb.data = old.urb.data;
		return r;
	}
	at = 0;
	for (uint32_t i = 0; i < t->npackets; i++) {
		memcpy(t->urb.data + at, old.urb.data + t->sub[i].offset,
		    t->sub[i].length);
		at += t->sub[i].length;
	}
	pool_put_block(&ts->pool, &old);
	return 0;
}

int
transfer_packets(struct transfers *ts, struct transfer *t, const uint8_t *raw,
    uint32_t npackets)
{
	uint64_t sum = 0;
	int r = packet_room(t, npackets);

	if (r != 0) {
		return r;
	}
	for (uint32_t i = 0; i < npackets; i++) {
		struct usbip_iso *sub = &t->sub[i];

		usbip_decode_iso(
		    sub, raw + (size_t)i * USBIP_ISO_SIZE, USBIP_ISO_SIZE);
		if ((uint64_t)sub->offset + sub->length > t->length) {
			return ERR_FORMAT;
		}
		sum += sub->length;
		sub->actual_length = 0;
		sub->status = USBIP_EXDEV;
		t->urb.iso[i] = (struct urb_iso){.length = sub->length};
	}
	/* packets that overlap would return more than the buffer holds */
	if (sum > t->length) {
		return ERR_FORMAT;
	}
	t->npackets = npackets;
	t->urb.npackets = npackets;
	t->urb.length = (uint32_t)sum;
	return t->block != NULL ? repack(ts, t) : 0;
}

/* ------------------------------------------------------------------------ */
/* Waiting                                                                  */

static uint32_t
held_cost(const struct transfer *t)
{
	return t->block != NULL ? t->length : 0;
}

static void
queue_add(struct queue *q, struct transfer *t, int at_head)
{
	t->q_next = at_head ? q->head : NULL;
	t->q_prev = at_head ? NULL : q->tail;
	*(t->q_next != NULL ? &t->q_next->q_prev : &q->tail) = t;
	*(t->q_prev != NULL ? &t->q_prev->q_next : &q->head) = t;
}

static void
queue_remove(struct queue *q, struct transfer *t)
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

static void
unhold(struct transfers *ts, struct transfer *t)
{
	queue_remove(&ts->held[t->index], t);
	ts->nheld--;
	ts->held_bytes -= held_cost(t);
}

static uint32_t
bit_of(const struct transfer *t)
{
	return UINT32_C(1) << t->index;
}

static int
can_run(const struct transfers *ts, const struct transfer *t)
{
	const struct session_limits *limits = ts->how.limits;

	if (ts->is_gated || ts->is_starved ||
	    (ts->blocked & bit_of(t)) != 0 ||
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

uint32_t
transfers_in_flight(const struct transfers *ts)
{
	return ts->urbs;
}

/* ------------------------------------------------------------------------ */
/* Running                                                                  */

/* Its one reply is out: answers its unlinks and forgets it. */
static void
finish(struct transfers *ts, struct transfer *t)
{
	for (unsigned i = 0; i < t->nunlinks; i++) {
		reply_unlink(ts->how.out, t->unlinks[i], USBIP_OK);
	}
	forget(ts, t);
}

static void
answer_status(struct transfers *ts, struct transfer *t, int32_t status)
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
	    t->direction == USBIP_DIR_IN ? got : status == 0 ? t->length : 0);
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
static void
unpass(struct transfers *ts, struct transfer *t)
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
	unpass(ts, t);
	answer_status(ts, t, status_of_error(r));
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
		ts->blocked |= bit_of(t);
		return 0;
	}
	if (t->preset != 0) {
		ts->busy[t->index]--;
		answer_status(ts, t, t->preset);
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
		unpass(ts, t);
		answer_status(ts, t, preset);
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
	if (ts->nearly > 0 && was_unlinked(ts, t)) {
		return;
	}
	if (ts->tap != NULL) {
		ts->tap->begun(ts->tap->arg, t);
	}
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
			unhold(ts, t);
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
static void
check_quiet(struct transfers *ts)
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

static void
reply_finally(struct transfers *ts, struct transfer *t)
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
	unpass(ts, t);
	t->urb.result = URB_CANCELLED;
	t->urb.actual = 0;
	if (ts->failed != 0 && t->nunlinks == 0) {
		answer_status(ts, t, ts->failed);
		return;
	}
	reply_finally(ts, t);
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
	unpass(ts, t);
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
		reply_finally(ts, t);
		return 1;
	case TRANSFER_AGAIN:
		send_again(ts, t);
		return 1;
	case TRANSFER_LATER:
		break;
	}
	ts->blocked |= bit_of(t);
	return 0;
}

/* Those behind one that waits come back after it. */
static void
drain_back(struct transfers *ts, unsigned index)
{
	struct queue *q = &ts->back[index];

	while (q->head != NULL) {
		struct transfer *t = q->head;

		queue_remove(q, t);
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
	struct queue *q = &ts->back[t->index];

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
	check_quiet(ts);
	transfers_pump(ts);
}

void
transfers_resume(struct transfers *ts, struct transfer *t)
{
	unsigned index = t->index;

	ts->blocked &= ~bit_of(t);
	if (t->state == TRANSFER_ASKED) {
		hold(ts, t, 1);
	} else {
		drain_back(ts, index);
	}
	transfers_pump(ts);
}

/* One that waits for a verdict does not any more: whoever called answers it. */
static void
stop_waiting(struct transfers *ts, struct transfer *t)
{
	unsigned index = t->index;
	int was_first = 1;

	if (t->state == TRANSFER_RETURNED) {
		was_first = ts->back[index].head == t;
		queue_remove(&ts->back[index], t);
	}
	t->is_judged = 0;
	ts->hooks.abandon(ts->hooks.arg, t);
	if (was_first) {
		ts->blocked &= ~bit_of(t);
	}
}

static struct transfer *
oldest_at_device(struct transfers *ts, uint8_t index)
{
	struct transfer *oldest = NULL;

	for (unsigned i = 0; i < BUCKETS; i++) {
		for (struct transfer *t = ts->buckets[i]; t != NULL;
		    t = t->next) {
			if (t->index == index && t->instead == NULL &&
			    t->state == TRANSFER_SUBMITTED && !t->killed &&
			    (oldest == NULL ||
				is_later(oldest->seqnum, t->seqnum))) {
				oldest = t;
			}
		}
	}
	return oldest;
}

int
transfers_answer_in(
    struct transfers *ts, uint8_t index, uint8_t *data, uint32_t len)
{
	struct transfer *t = oldest_at_device(ts, index);

	if (t == NULL) {
		return ERR_NOENT;
	}
	t->instead = data;
	t->instead_len = len;
	ts->how.usb->cancel(ts->how.dev, &t->urb);
	return 0;
}

/* Nobody waits for its data any more: it never reached the peer. */
static void
unlink_waiting(struct transfers *ts, struct transfer *t, uint32_t seqnum)
{
	unsigned index = t->index;

	stop_waiting(ts, t);
	/* unlinks that came while it was at the device are before this one */
	if (t->nunlinks == 0) {
		reply_unlink(ts->how.out, seqnum, USBIP_ECONNRESET);
		forget(ts, t);
	} else {
		t->urb.result = URB_CANCELLED;
		t->urb.actual = 0;
		reply_finally(ts, t);
		reply_unlink(ts->how.out, seqnum, USBIP_OK);
	}
	drain_back(ts, index);
	transfers_pump(ts);
}

int
transfers_unlink(struct transfers *ts, uint32_t seqnum, uint32_t of)
{
	struct transfer *t = find(ts, of);

	if (find(ts, seqnum) != NULL) {
		return ERR_PEER;
	}
	if (t == NULL) {
		if (!keep_early(ts, seqnum, of)) {
			reply_unlink(ts->how.out, seqnum, USBIP_OK);
		}
		return 0;
	}
	switch (t->state) {
	case TRANSFER_NEW:
		return ERR_PEER;
	case TRANSFER_HELD:
		unhold(ts, t);
		unpass(ts, t);
		break;
	case TRANSFER_LOCAL:
		ts->hooks.abandon(ts->hooks.arg, t);
		ts->busy[t->index]--;
		break;
	case TRANSFER_SUBMITTED:
	case TRANSFER_UNLINKING:
		if (t->nunlinks == TRANSFER_UNLINKS) {
			return ERR_PEER;
		}
		t->unlinks[t->nunlinks++] = seqnum;
		if (t->state == TRANSFER_SUBMITTED) {
			t->state = TRANSFER_UNLINKING;
			ts->how.usb->cancel(ts->how.dev, &t->urb);
		}
		return 0;
	case TRANSFER_ASKED:
	case TRANSFER_RETURNED:
		unlink_waiting(ts, t, seqnum);
		return 0;
	}
	reply_unlink(ts->how.out, seqnum, USBIP_ECONNRESET);
	forget(ts, t);
	transfers_pump(ts);
	return 0;
}

/* Calls back what is at the device on the endpoints of mask. */
static void
call_back(struct transfers *ts, uint32_t mask, int32_t status)
{
	for (unsigned i = 0; i < BUCKETS; i++) {
		struct transfer *t = ts->buckets[i];

		for (; t != NULL; t = t->next) {
			if ((mask >> t->index & 1) == 0) {
				continue;
			}
			if (t->state == TRANSFER_SUBMITTED && !t->killed) {
				t->killed = status;
				ts->how.usb->cancel(ts->how.dev, &t->urb);
			}
		}
	}
}

static struct transfer *
find_asked(struct transfers *ts, uint32_t mask)
{
	for (unsigned i = 0; (ts->blocked & mask) != 0 && i < BUCKETS; i++) {
		for (struct transfer *t = ts->buckets[i]; t != NULL;
		    t = t->next) {
			if ((mask & bit_of(t)) != 0 &&
			    t->state == TRANSFER_ASKED) {
				return t;
			}
		}
	}
	return NULL;
}

/* Those that wait for a verdict are answered at once, and those behind them. */
static void
end_waiting(struct transfers *ts, uint32_t mask, int32_t status)
{
	struct transfer *t;

	while ((t = find_asked(ts, mask)) != NULL) {
		stop_waiting(ts, t);
		answer_status(ts, t, status);
	}
	for (unsigned i = 0; i < TRANSFER_ENDPOINTS; i++) {
		while ((mask >> i & 1) != 0 && ts->back[i].head != NULL) {
			t = ts->back[i].head;
			stop_waiting(ts, t);
			answer_status(ts, t, status);
		}
	}
}

void
transfers_gate(struct transfers *ts, uint32_t mask, int32_t status)
{
	ts->is_gated = 1;
	end_waiting(ts, mask, status);
	ts->is_draining = 1;
	ts->drain_mask = mask;
	call_back(ts, mask, status);
	check_quiet(ts);
}

void
transfers_ungate(struct transfers *ts)
{
	ts->is_gated = 0;
	ts->is_draining = 0;
	transfers_pump(ts);
}

void
transfers_fail(struct transfers *ts, int32_t status)
{
	ts->failed = status;
	end_waiting(ts, UINT32_MAX, status);
	transfers_pump(ts);
}
