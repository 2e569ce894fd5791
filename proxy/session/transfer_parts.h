/*
 * What the files of the URB table share; nobody else includes it. transfer.c
 * has the way of a transfer to the device and back; transfer_iso.c its packets;
 * transfer_recall.c what ends it before that: unlinks, a gate, a device that is
 * gone.
 */
#ifndef PROXY_SESSION_TRANSFER_PARTS_H
#define PROXY_SESSION_TRANSFER_PARTS_H

#include "proxy/session/early.h"
#include "proxy/session/pool.h"
#include "proxy/session/transfer.h"
#include "wire/tally.h"

#define TRANSFER_BUCKETS 512u

struct transfer_queue {
	struct transfer *head, *tail;
};

struct transfers {
	struct transfers_how how;
	struct transfer_hooks hooks;
	const struct transfer_tap *tap; /* borrowed; NULL: nobody looks on */
	struct pool pool;
	struct transfer *buckets[TRANSFER_BUCKETS];
	struct transfer_queue held[TRANSFER_ENDPOINTS];
	struct transfer_queue back[TRANSFER_ENDPOINTS]; /* RETURNED, in order */
	uint32_t blocked; /* endpoints of which one waits for a verdict */
	uint32_t nheld, held_bytes;
	uint32_t busy[TRANSFER_ENDPOINTS]; /* at the device, or LOCAL */
	uint32_t urbs, bytes;              /* at the device, all endpoints */
	uint32_t live;                     /* in the table */
	struct tally tally;
	unsigned turn;                     /* endpoint to serve next */
	int is_gated, is_draining;
	uint32_t drain_mask;
	int is_pumping, must_pump;
	int is_starved;
	int32_t failed; /* status of a device that is gone, or 0 */
	struct early early;
	struct loop_timer *retry;
};

static inline uint32_t
transfer_bit(const struct transfer *t)
{
	return UINT32_C(1) << t->index;
}

/* transfer.c */
/* NULL: no such URB is open. */
struct transfer *transfer_find(struct transfers *ts, uint32_t seqnum);
/* Out of the table, without a reply. */
void transfer_forget(struct transfers *ts, struct transfer *t);
void transfer_queue_remove(struct transfer_queue *q, struct transfer *t);
/* A HELD one does not wait any more. */
void transfer_unhold(struct transfers *ts, struct transfer *t);
/* It passed, and ends without having been at the device. */
void transfer_unpass(struct transfers *ts, struct transfer *t);
/* Its one reply, as its urb now stands, or the answer to its unlink; it is
 * gone. */
void transfer_reply(struct transfers *ts, struct transfer *t);
/* The same with a status alone. */
void transfer_answer_status(
    struct transfers *ts, struct transfer *t, int32_t status);
/* Lets come back what is RETURNED, up to one that waits. */
void transfers_drain(struct transfers *ts, unsigned index);
/* Tells the gate's owner when nothing of its mask is at the device. */
void transfers_check_quiet(struct transfers *ts);

#endif
