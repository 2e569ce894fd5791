/*
 * The URB phase of a connection: bytes from the peer become transfers, ended
 * transfers become bytes. It joins intake, floor, control and the URB table; it
 * must not know channels, TLS or how the device was found.
 */
#ifndef PROXY_SESSION_FLOW_H
#define PROXY_SESSION_FLOW_H

#include <stdint.h>

#include "proxy/session/control.h"
#include "proxy/session/inspect.h"

struct flow;
struct inq;
struct loop;
struct outq;
struct session_limits;
struct stream;

struct flow_how {
	struct loop *loop; /* borrowed, as are the others */
	const struct usb_ops *usb;
	struct usb_dev *dev;
	struct inq *in;
	struct outq *out;
	const struct devrec *rec;   /* what the peer may have of the device */
	const struct devrec *whole; /* all of it; may be rec */
	uint32_t devid; /* that every header must carry */
	const struct session_limits *limits;
	const struct control_hooks *hooks; /* copied */
	/* The compiled profiles, borrowed until free or a swap; NULL: the floor
	 * alone judges. */
	const void *block;
	size_t block_size;
	int64_t wall; /* Unix seconds now, with a block */
	const struct inspect_hooks *inspect_hooks; /* copied, with a block */
};

/* Why the peer's bytes ended the connection; both static. */
struct flow_why {
	const char *rule, *text;
};

/* 0, ERR_NOMEM, ERR_FORMAT (the record or the block), or ERR_POLICY: a profile
 * cannot inspect the device. why is filled but for 0; text is static. */
int flow_new(struct flow **outp, const struct flow_how *how,
    struct flow_why *why);
/* After usb close. NULL is fine. */
void flow_free(struct flow *flow);

/* Claims the active configuration's interfaces: the backend's error. */
int flow_claim(struct flow *flow);

/* Takes what the stream has. 0: nothing more now; ERR_AGAIN: there is more,
 * call again next turn; ERR_LIMIT: no room, call again when
 * flow_wants_input; STREAM_WANT_WRITE; ERR_PEER: against the protocol, why is
 * filled; or the stream's error, ERR_CLOSED at its end. */
int flow_read(struct flow *flow, struct stream *stream, struct flow_why *why);
/* What was counted of URBs; valid until the next call. */
struct tally;
const struct tally *flow_tally(struct flow *flow);
/* Whether there is room for more of the peer's input. */
int flow_wants_input(const struct flow *flow);
/* Replies were written: what waited for room goes on. */
void flow_resume(struct flow *flow);

/* The sink's two. */
void flow_done(struct flow *flow, struct urb *urb);
void flow_gone(struct flow *flow);
/* See control_config_set. */
int flow_config_set(struct flow *flow, int err);
/* The inspection of the device; NULL without a block. */
struct inspect *flow_inspect(struct flow *flow);
/* For who looks on; see transfers_tap. */
void flow_tap(struct flow *flow, const struct transfer_tap *tap);
const struct floor *flow_floor(const struct flow *flow);
/* URBs at the device. */
uint32_t flow_in_flight(const struct flow *flow);

#endif
