/*
 * The events protocol's lines, in the relay: passed up as they are, with the
 * heartbeats that the protocol wants. Reads none of what they say.
 */
#ifndef VHCI_GLUE_RELAY_EVENTS_H
#define VHCI_GLUE_RELAY_EVENTS_H

#include "base/stream.h"
#include "wire/ipc.h"

#define EVENTS_ALPN "sallyport-events/1"

/* Passes lines to the channel parent until the gateway or the parent ends it:
 * 0 when it was the parent, else -1 with *done filled. The handshake must be
 * over. */
int relay_events_run(
    struct stream *stream, int parent, struct ipc_relay_done *done);

#endif
