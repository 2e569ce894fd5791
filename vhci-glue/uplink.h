/*
 * Kernel to gateway: reads commands from the socket that vhci_hcd writes,
 * remembers each in the table, and sends them on as whole PDUs: small ones of
 * one turn together in one record, header and data in one record up to
 * STREAM_RECORD, full records above. Knows no loop: its owner calls pump when
 * something may have changed, flush at the end of a turn, and asks what to
 * wait for.
 */
#ifndef VHCI_GLUE_UPLINK_H
#define VHCI_GLUE_UPLINK_H

#include "base/stream.h"
#include "vhci-glue/downlink.h"
#include "vhci-glue/ending.h"
#include "vhci-glue/pending.h"

struct uplink;

struct uplink_how {
	struct stream *stream;	       /* borrowed */
	int kernel;		       /* borrowed, non-blocking */
	struct pending_table *pending; /* borrowed */
	struct downlink *down;	       /* borrowed: takes our own answers */
};

/* All memory is allocated here. 0 or ERR_NOMEM. */
int uplink_new(struct uplink **out, const struct uplink_how *how);
/* NULL is fine. */
void uplink_free(struct uplink *up);

/* Reads and sends full records as far as it goes without waiting. 0, or 1 with
 * *end filled: then the uplink is dead. */
int uplink_pump(struct uplink *up, struct ending *end);
/* Sends every whole PDU that is queued. Same result. */
int uplink_flush(struct uplink *up, struct ending *end);

/* The gateway is gone: from now on pump only remembers what the kernel says, and
 * nothing is sent. */
void uplink_drain(struct uplink *up);

/* What to wait for: masks of enum loop_events for the stream and for the
 * kernel's socket. is_held: a command waits for room in the table or for the
 * gateway to take more; then the kernel's socket is not read. */
int uplink_wants_stream(const struct uplink *up);
int uplink_wants_kernel(const struct uplink *up);
int uplink_is_held(const struct uplink *up);

#endif
