/*
 * What ends a transfer before its time: an unlink, an answer in the place of
 * the device's, a gate before endpoints change, a device that is gone.
 */
#include "proxy/session/transfer_parts.h"

#include <stdint.h>

#include "base/err.h"
#include "proxy/session/outq.h"
#include "proxy/session/reply.h"

/* One that waits for a verdict does not any more: whoever called answers it. */
static void
stop_waiting(struct transfers *ts, struct transfer *t)
{
	unsigned index = t->index;
	int was_first = 1;

	if (t->state == TRANSFER_RETURNED) {
		was_first = ts->back[index].head == t;
		transfer_queue_remove(&ts->back[index], t);
	}
	t->is_judged = 0;
	ts->hooks.abandon(ts->hooks.arg, t);
	if (was_first) {
		ts->blocked &= ~transfer_bit(t);
	}
}

static struct transfer *
oldest_at_device(struct transfers *ts, uint8_t index)
{
	struct transfer *oldest = NULL;

	for (unsigned i = 0; i < TRANSFER_BUCKETS; i++) {
		for (struct transfer *t = ts->buckets[i]; t != NULL;
		     t = t->next) {
			if (t->index == index && t->instead == NULL &&
			    t->state == TRANSFER_SUBMITTED && !t->killed &&
			    (oldest == NULL ||
				seqnum_is_later(oldest->seqnum, t->seqnum))) {
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
		transfer_forget(ts, t);
	} else {
		t->urb.result = URB_CANCELLED;
		t->urb.actual = 0;
		transfer_reply(ts, t);
		reply_unlink(ts->how.out, seqnum, USBIP_OK);
	}
	transfers_drain(ts, index);
	transfers_pump(ts);
}

int
transfers_unlink(struct transfers *ts, uint32_t seqnum, uint32_t of)
{
	struct transfer *t = transfer_find(ts, of);

	if (transfer_find(ts, seqnum) != NULL) {
		return ERR_PEER;
	}
	if (t == NULL) {
		if (!early_keep(&ts->early, seqnum, of)) {
			reply_unlink(ts->how.out, seqnum, USBIP_OK);
		}
		return 0;
	}
	switch (t->state) {
	case TRANSFER_NEW:
		return ERR_PEER;
	case TRANSFER_HELD:
		transfer_unhold(ts, t);
		transfer_unpass(ts, t);
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
	transfer_forget(ts, t);
	transfers_pump(ts);
	return 0;
}

/* Calls back what is at the device on the endpoints of mask. */
static void
call_back(struct transfers *ts, uint32_t mask, int32_t status)
{
	for (unsigned i = 0; i < TRANSFER_BUCKETS; i++) {
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
	for (unsigned i = 0; (ts->blocked & mask) != 0 && i < TRANSFER_BUCKETS;
	     i++) {
		for (struct transfer *t = ts->buckets[i]; t != NULL;
		     t = t->next) {
			if ((mask & transfer_bit(t)) != 0 &&
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
		transfer_answer_status(ts, t, status);
	}
	for (unsigned i = 0; i < TRANSFER_ENDPOINTS; i++) {
		while ((mask >> i & 1) != 0 && ts->back[i].head != NULL) {
			t = ts->back[i].head;
			stop_waiting(ts, t);
			transfer_answer_status(ts, t, status);
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
	transfers_check_quiet(ts);
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
