/*
 * Decoders: one for each class protocol, a state machine over the transfers of
 * one interface, between the floor and the device. It sees each transfer before
 * the device does (submit) and before the workstation does (complete), makes
 * facts of it, asks the judge, and answers what is refused in the protocol's own
 * words, so that host and device stay in step.
 *
 * No I/O, no malloc, no clock: memory comes from the caller, time with the unit.
 * All bytes are hostile, in both directions. What cannot be parsed or comes out
 * of phase is judge_invalid and DECODE_EJECT.
 */
#ifndef POLICY_DECODE_DECODE_H
#define POLICY_DECODE_DECODE_H

#include <stddef.h>
#include <stdint.h>

#include "policy/facts/judge.h"
#include "wire/devrec.h"

struct decoder;

/* One isochronous packet; data lies at offset of the unit's data. */
struct unit_packet {
	uint32_t offset, length; /* asked for */
	uint32_t actual;	 /* in complete: moved; may be changed */
	int32_t status;		 /* in complete: 0 or -errno (USBIP_*) */
};

/* One transfer, as inspectors see it. The floor has passed it: endpoint, type,
 * direction and length are those of the active alternate. */
struct unit {
	uint8_t endpoint; /* address; 0x00 or 0x80 for control, by its
			     direction */
	uint8_t type;	  /* enum desc_xfer */
	uint8_t setup[8]; /* control */
	uint32_t flags;	  /* enum usbip_flags as submitted */
	uint8_t *data;	  /* room for length bytes; OUT: what is sent, may be
			     edited in submit; IN: in complete, what came, may
			     be edited; in submit, only for DECODE_ANSWER */
	uint32_t length;  /* transfer_buffer_length */
	uint32_t actual;  /* complete: bytes moved, <= length; may be lowered.
			     DECODE_ANSWER: how many are answered */
	int32_t status;	  /* complete: 0 or a negative USBIP_E*, may be changed.
			     DECODE_ANSWER: likewise */
	struct unit_packet *packets; /* isochronous: npackets, else NULL */
	uint32_t npackets;
	uint64_t now; /* monotonic nanoseconds */
};

static inline int
unit_is_in(const struct unit *u)
{
	return (u->endpoint & 0x80) != 0;
}

enum decode_act {
	DECODE_PASS,   /* on: to the device, or to the workstation as the unit
			  now stands */
	DECODE_ANSWER, /* submit: the device never hears of it; answered with
			  status and actual */
	DECODE_HOLD,   /* an ask is open, see judge.h */
	DECODE_AGAIN,  /* complete of an interrupt or bulk IN: this was nothing
			  for the workstation, the transfer stays pending and is
			  submitted anew */
	DECODE_EJECT,  /* the device leaves the workstation */
	DECODE_QUARANTINE, /* and stays refused until an operator clears it */
};

/* What a decoder is attached to. Borrowed until detach, or the next attach. */
struct decode_iface {
	const struct devrec *rec; /* as the workstation may see it */
	const struct desc_config *config; /* the active one */
	const uint8_t *bytes; /* of the configuration, total_length of them */
	const struct desc_alt *alt; /* active alternate of the interface */
	unsigned speed;		    /* enum usbip_speed */
};

/* What a decoder may ask of its host; arg is the host's. */
struct decode_host_ops {
	/* Random bytes. */
	void (*random)(void *arg, void *buf, size_t len);
	/* Shows digits to the person at the workstation, on the events channel
	 * ("" = nothing to type any more, it is armed). ERR_NOENT: nobody
	 * listens; the decoder stays unarmed. */
	int (*challenge)(void *arg, const char *digits, uint64_t within);
	/* A line for the audit log; both static. */
	void (*note)(void *arg, const char *what, const char *text);
	/* Says something in the device's place: the oldest transfer that waits
	 * on that IN endpoint is taken back from the device and answered with
	 * these bytes, without complete being called for it; with none waiting,
	 * the next one that the workstation sends (up to four are kept). */
	void (*answer_in)(void *arg, uint8_t endpoint, const void *data,
	    uint32_t len);
	/* The decoder of another interface of the device, to be read and not
	 * changed; NULL = none. */
	const struct decoder *(*sibling)(void *arg, uint8_t interface);
};

struct decode_how {
	const struct decode_iface *iface;
	struct judge *judge;	      /* borrowed until detach */
	const struct judge_terms *terms; /* copied */
	const struct decode_host_ops *host; /* borrowed */
	void *host_arg;
	uint64_t now;
};

enum decode_event {
	DECODE_HALT_CLEARED, /* of endpoint: CLEAR_FEATURE went through */
	DECODE_RESET,	     /* port reset or SET_CONFIGURATION */
};

struct decoder_ops {
	const char *name;
	uint32_t hooks; /* bit n = enum hook n, that it asks about */
	size_t size;	/* of its state, which begins with struct decoder;
			   zeroed before attach */
	/* Whether the interface is of its class: 0 or 1. */
	int (*takes)(const struct decode_iface *iface);
	/* 0, or ERR_FORMAT: its descriptors make no sense, the import fails;
	 * *what is static then. Called again, without detach, when another
	 * alternate became active or the profile changed: what is in the middle
	 * of the protocol is kept where the alternate is the same. */
	int (*attach)(struct decoder *d, const struct decode_how *how,
	    const char **what);
	/* Control transfers come here only when their recipient is the
	 * interface or one of its endpoints, and they are class or vendor
	 * requests that the setup hook has passed. */
	enum decode_act (*submit)(struct decoder *d, struct unit *u);
	/* Exactly once for each submit that gave DECODE_PASS, also when the
	 * transfer was cancelled (status USBIP_ECONNRESET) or failed; again
	 * after HOLD, and after each AGAIN. Of one endpoint in the order of
	 * submission. */
	enum decode_act (*complete)(struct decoder *d, struct unit *u);
	void (*event)(struct decoder *d, enum decode_event event,
	    uint8_t endpoint);
	/* When `now' is at or after the time it named last. Returns when it
	 * wants to be called next, 0 = not. */
	uint64_t (*tick)(struct decoder *d, uint64_t now);
};

/* The first member of each decoder's state; attach fills in the rest of its
 * own. The caller sets these. */
struct decoder {
	const struct decoder_ops *ops;
	struct judge *judge;
	const struct decode_host_ops *host;
	void *host_arg;
};

/* The decoder for an interface whose profile has these hooks (a set of bits):
 * the one of its class if the profile speaks to it, else the raw one if there
 * is `out' or `in', else NULL: nothing but control may pass. */
const struct decoder_ops *decoder_find(
    const struct decode_iface *iface, uint32_t hooks);
/* Whether the profile can bind to the interface: all of its endpoints have a
 * hook. An interface without endpoints always has. */
int decoder_covers(const struct decode_iface *iface, uint32_t hooks);

/* Every decoder, NULL-ended: decode.c. */
extern const struct decoder_ops *const decoders[];

#endif
