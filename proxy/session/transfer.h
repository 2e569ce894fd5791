/*
 * The table of URBs that a workstation has open: from the CMD_SUBMIT to its one
 * reply. It keeps their buffers, their order and the bounds on what is in
 * flight. It must not know which requests are allowed, nor who the peer is.
 *
 * Each transfer is a small machine:
 *
 *   NEW --> HELD --> LOCAL --> SUBMITTED --> (UNLINKING) --> (RETURNED) --> gone
 *             |       |  |
 *             |       |  +--> ASKED --> HELD (a verdict is awaited)
 *             |       +--> gone (answered by the session itself)
 *             +--> gone (unlinked before its turn came)
 *
 * and ends in exactly one RET_SUBMIT or RET_UNLINK(-ECONNRESET). Completed
 * before its unlink: RET_SUBMIT with the data, then RET_UNLINK(0).
 *
 * Order: transfers of one endpoint reach the device, and come back, in the
 * order in which they were sent. Endpoint 0 runs one at a time, since some of
 * its requests are answered here and its replies must keep their order, too.
 * While one waits for a verdict, on its way out or back, those behind it on its
 * endpoint wait with it, and no others.
 */
#ifndef PROXY_SESSION_TRANSFER_H
#define PROXY_SESSION_TRANSFER_H

#include <stddef.h>
#include <stdint.h>

#include "proxy/usb/usb.h"
#include "wire/usbip.h"

struct loop;
struct outq;
struct session_limits;

enum transfer_state {
	TRANSFER_NEW,	    /* its body is being read */
	TRANSFER_HELD,	    /* waits for its turn */
	TRANSFER_LOCAL,	    /* with the judge, who may answer it */
	TRANSFER_SUBMITTED, /* at the device */
	TRANSFER_UNLINKING, /* at the device, asked to come back */
	TRANSFER_ASKED,	    /* not sent: the judge waits for a verdict */
	TRANSFER_RETURNED,  /* back, and it or one before it waits for one */
};

/* Unlinks of one URB that are remembered; more end the connection. */
#define TRANSFER_UNLINKS 4u
/* Index of an endpoint in tables and masks: number, plus 16 for IN. Endpoint 0
 * is index 0 in both directions. */
#define TRANSFER_ENDPOINTS 32u

struct transfer {
	struct urb urb; /* first member */
	enum transfer_state state;
	uint32_t seqnum;
	uint32_t direction; /* enum usbip_direction */
	uint32_t length;    /* transfer_buffer_length as submitted */
	uint32_t wire_flags;
	uint8_t index;	 /* of its endpoint */
	uint8_t is_iso;	 /* descriptors follow in the reply */
	uint8_t nunlinks;
	uint32_t unlinks[TRANSFER_UNLINKS]; /* seqnums to answer */
	int32_t preset;	 /* not 0: the status it is answered with */
	int32_t killed;	 /* not 0: status if it ends as cancelled */
	uint32_t npackets;
	struct usbip_iso *sub; /* owned: packets as submitted */
	uint32_t packet_room;  /* entries that sub and urb.iso have */
	uint8_t is_judged; /* passed: the judge will hear how it ended */
	uint8_t was_sent;  /* to the device, once at least */
	uint64_t begun;	   /* clock_mono: all of it was there */
	uint8_t is_tapped; /* the tap heard that it began, not that it ended */
	void *mark;	   /* the judge's own; NULL at the start */
	uint8_t *instead;  /* owned: what it is answered with when it comes
			      back empty, or NULL */
	uint32_t instead_len;
	uint8_t *block;	       /* owned: buffer with its headroom, or NULL */
	unsigned block_class;
	struct transfer *next;	   /* in its hash bucket or free list */
	struct transfer *q_next, *q_prev; /* in its endpoint's queue */
};

enum transfer_verdict {
	TRANSFER_PASS,	/* goes to the device */
	TRANSFER_TAKEN, /* the judge answers, now or later */
	TRANSFER_WAIT,	/* judged again after transfers_resume */
};

enum transfer_return {
	TRANSFER_REPLY, /* to the peer, as its urb now stands */
	TRANSFER_AGAIN, /* nothing for the peer: to the device once more */
	TRANSFER_LATER, /* judged again after transfers_resume */
};

struct transfer_hooks {
	/* Before the device sees it, when its turn has come; state is LOCAL.
	 * The judge may set preset and PASS: then that is the answer. */
	enum transfer_verdict (*judge)(void *arg, struct transfer *t);
	/* It came back, in the order of its endpoint. Only for one that
	 * passed. */
	enum transfer_return (*returned)(void *arg, struct transfer *t);
	/* A LOCAL, ASKED or RETURNED transfer, or one that passed and was never
	 * sent, is answered without the judge: forget it. */
	void (*abandon)(void *arg, struct transfer *t);
	/* One that was to be answered with other bytes (transfers_answer_in)
	 * brought its own: they are the hook's again, malloced. */
	void (*unused)(void *arg, struct transfer *t, uint8_t *data,
	    uint32_t len);
	/* Whether it may be sent now, or has to wait for others to end. */
	int (*may_run)(void *arg, const struct transfer *t);
	/* After transfers_gate: nothing of its mask is at the device. */
	void (*quiet)(void *arg);
	void *arg;
};

/* Who looks on: at what the workstation sent, before anybody judged it, and at
 * what the device, or the session itself, made of it, before it is judged on its
 * way back. */
struct transfer_tap {
	/* Everything of it is there. Sets is_tapped to hear its end. */
	void (*begun)(void *arg, struct transfer *t);
	/* data: len bytes, of an isochronous one with the gaps between what its
	 * packets brought; actual is what counts. */
	void (*ended)(void *arg, const struct transfer *t, int32_t status,
	    const uint8_t *data, uint32_t len, uint32_t actual);
	void *arg;
};

struct transfers;

struct transfers_how {
	struct loop *loop;		    /* borrowed, as are the others */
	const struct usb_ops *usb;
	struct usb_dev *dev;
	struct outq *out;
	const struct session_limits *limits;
	const struct transfer_hooks *hooks; /* copied */
};

/* 0 or ERR_NOMEM. */
int transfers_new(struct transfers **outp, const struct transfers_how *how);
/* After usb close: the device must hold no URB any more. NULL is fine. */
void transfers_free(struct transfers *ts);

static inline uint8_t
transfer_index(uint32_t direction, uint32_t ep)
{
	return ep == 0 ? 0 :
			 (uint8_t)(ep | (direction == USBIP_DIR_IN ? 16 : 0));
}

/* Begins a transfer for a checked CMD_SUBMIT header and enters its seqnum.
 * ERR_PEER: that seqnum is in use; ERR_NOMEM. */
int transfers_begin(struct transfers *ts, const struct usbip_header *hdr,
    enum urb_type type, struct transfer **outp);
/* Gives a NEW transfer its buffer of t->length bytes. ERR_NOMEM. */
int transfer_buffer(struct transfers *ts, struct transfer *t);
/* The packets of a NEW isochronous transfer out of (raw, npackets * 16); the
 * OUT data is already in its buffer and is re-packed back to back, as the
 * device wants it. ERR_FORMAT: the packets do not fit the buffer. ERR_NOMEM. */
int transfer_packets(struct transfers *ts, struct transfer *t,
    const uint8_t *raw, uint32_t npackets);
/* Everything of it is there: takes its turn now, or is held until then. */
void transfers_start(struct transfers *ts, struct transfer *t);

/* Answers a LOCAL transfer and ends it. IN: at most t->length bytes of data go
 * out; OUT with status 0 counts as taken whole. */
void transfer_answer(struct transfers *ts, struct transfer *t, int32_t status,
    const void *data, size_t len);

/* The same, by what its urb says, as if the device had answered so: result,
 * actual, data and packets. */
void transfer_answer_urb(struct transfers *ts, struct transfer *t);

/* A verdict is there for an ASKED or RETURNED transfer. */
void transfers_resume(struct transfers *ts, struct transfer *t);
/* Calls back the oldest transfer that the device has of an endpoint, to answer
 * it with these bytes (malloced, taken). ERR_NOENT: there is none, and they
 * stay the caller's. */
int transfers_answer_in(
    struct transfers *ts, uint8_t index, uint8_t *data, uint32_t len);

/* CMD_UNLINK `seqnum` of the CMD_SUBMIT `of`, which may still be on its way:
 * then it is answered when that comes, or when a later submit does. ERR_PEER: more unlinks of one
 * URB than anybody sends, or its own seqnum is in use. */
int transfers_unlink(struct transfers *ts, uint32_t seqnum, uint32_t of);
/* The sink of the device: this URB ended. */
void transfers_done(struct transfers *ts, struct urb *urb);

/* Stops all new submits, calls back those in flight on the endpoints of mask
 * (they are answered with `status`), and calls quiet when they are home: at
 * once if there are none. */
void transfers_gate(struct transfers *ts, uint32_t mask, int32_t status);
/* Lets submits pass again. */
void transfers_ungate(struct transfers *ts);
/* Answers everything that is held with status; afterwards every submit is
 * answered so, too. For a device that is gone. */
void transfers_fail(struct transfers *ts, int32_t status);
/* Something outside changed (replies were written): go on with what waits. */
void transfers_pump(struct transfers *ts);

/* Who looks on from now on; borrowed. NULL: nobody. */
void transfers_tap(struct transfers *ts, const struct transfer_tap *tap);
/* Tells it how a transfer ended, as its urb says. */
void transfer_tell(const struct transfer_tap *tap, struct transfer *t);

/* Whether one more CMD_SUBMIT may be read. */
int transfers_have_room(const struct transfers *ts);
/* What was counted so far; valid until the next call. */
struct tally;
const struct tally *transfers_tally(struct transfers *ts);
/* URBs at the device. */
uint32_t transfers_in_flight(const struct transfers *ts);

#endif
