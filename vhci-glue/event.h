/*
 * Lines of the events protocol (docs/PROTOCOL.md) in our own words. Pure but
 * for jansson. The lines are a gateway's, who may be hostile; nobody with
 * privileges calls this.
 */
#ifndef VHCI_GLUE_EVENT_H
#define VHCI_GLUE_EVENT_H

#include "wire/ipc.h"

/* Not 0 ends the line with that result. watch is borrowed for the call. */
typedef int event_cb(void *arg, const struct ipc_watch *watch);

/* Calls cb for each thing that the line tells: none, one, or for a list of
 * devices each, and at its end IPC_WATCH_READY. 0; ERR_FORMAT: not a line of
 * the protocol, or values that it does not have; ERR_PEER: another version of
 * it. A type or member that is not known is skipped. */
int event_parse(const struct ipc_line *line, event_cb *cb, void *arg);

#endif
