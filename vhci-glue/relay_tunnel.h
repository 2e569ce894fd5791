/*
 * A connection of another USB/IP client on this machine, carried to a gateway as
 * it is: bytes from a socket into TLS and back. Knows nothing of what they mean,
 * so that the kernel behind that client gets what the gateway sent.
 */
#ifndef VHCI_GLUE_RELAY_TUNNEL_H
#define VHCI_GLUE_RELAY_TUNNEL_H

#include "base/stream.h"

/* Carries until one side ends, and delivers what it had said. local is taken.
 * ERR_CLOSED: one of them closed; else what went wrong. */
int relay_tunnel_run(struct stream *stream, int local);

#endif
