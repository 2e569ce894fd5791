/*
 * What the agent knows of the desktops of this workstation: told by sallyport-desks,
 * a child of its own that asks the login manager, and passed on as it changes.
 */
#ifndef VHCI_GLUE_DESKS_H
#define VHCI_GLUE_DESKS_H

#include <stddef.h>
#include <stdint.h>

#include "wire/ipc.h"

struct desks;

/* NULL where nobody wants to hear, nor why nothing is heard any more. A desktop
 * that changed; one of which nothing is known is gone. May not call
 * desks_* of these but desks_at. */
typedef void desks_cb(void *arg, const struct ipc_desk *desk);

/* address: of the bus, as D-Bus writes it, borrowed; NULL = the system's. NULL for
 * want of memory, with the reason said: then all else may be called with NULL and
 * does nothing. */
struct desks *desks_new(const char *address, desks_cb *cb, void *arg);
void desks_free(struct desks *desks);
/* Starts the child when there is none and its time has come. */
void desks_start(struct desks *desks, uint64_t now);
/* To be polled for reading, or -1. */
int desks_fd(const struct desks *desks);
/* Takes what it has to say. */
void desks_hear(struct desks *desks, uint64_t now);
/* Those that are known, from 0; NULL behind the last. Borrowed. */
const struct ipc_desk *desks_at(const struct desks *desks, size_t i);

#endif
