/*
 * Gateway to kernel: reads replies from the stream, judges and rebuilds each
 * against what was submitted, and writes whole, clean PDUs to the socket that
 * vhci_hcd reads. Not one byte of a reply reaches that socket before all of it
 * was judged. Knows no loop: its owner calls pump when something may have
 * changed and asks what to wait for.
 */
#ifndef VHCI_GLUE_DOWNLINK_H
#define VHCI_GLUE_DOWNLINK_H

#include <stddef.h>
#include <stdint.h>

#include "base/stream.h"
#include "vhci-glue/ending.h"
#include "vhci-glue/pending.h"

struct downlink;
struct seen;

struct downlink_how {
	struct stream *stream;		 /* borrowed */
	int kernel;			 /* borrowed, non-blocking */
	struct pending_table *pending;	 /* borrowed */
	struct seen *seen;		 /* borrowed: what it has shown */
};

/* Largest transfer buffer whose reply fits; longer ones are not forwarded. */
#define DOWNLINK_MAX_LENGTH (1024u * 1024u)

/* All memory is allocated here. 0 or ERR_NOMEM. */
int downlink_new(struct downlink **out, const struct downlink_how *how);
/* NULL is fine. */
void downlink_free(struct downlink *down);

/* Reads, judges and writes as far as it goes without waiting. 0, or 1 with
 * *end filled: then the downlink is dead. */
int downlink_pump(struct downlink *down, struct ending *end);

/* A reply of our own to a submit that never left this machine: goes out between
 * two PDUs at the next pump or flush. The caller asks for room first. */
int downlink_has_room(const struct downlink *down);
void downlink_answer(struct downlink *down, uint32_t seqnum, int32_t status);
/* The same for an unlink. */
void downlink_answer_unlink(
    struct downlink *down, uint32_t seqnum, int32_t status);
/* Sends our own answers, if any. Same result as pump. */
int downlink_flush(struct downlink *down, struct ending *end);

/* What the next pump waits for: masks of enum loop_events for the stream and
 * for the kernel's socket. is_hungry: it stopped to be fair, call it again soon
 * without waiting. */
int downlink_wants_stream(const struct downlink *down);
int downlink_wants_kernel(const struct downlink *down);
int downlink_is_hungry(const struct downlink *down);

#endif
