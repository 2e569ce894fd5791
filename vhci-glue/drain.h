/*
 * The end of a stream whose gateway is gone, before the kernel's socket is
 * closed. Every transfer that the kernel still waits for is answered, and so is
 * what it says meanwhile: vhci_hcd that loses its socket while a new transfer
 * and its unlink both wait to be sent never gives that transfer back, and
 * whoever waits for it waits for good (vhci_device_unlink_cleanup looks for it
 * among those that were sent).
 */
#ifndef VHCI_GLUE_DRAIN_H
#define VHCI_GLUE_DRAIN_H

#include "vhci-glue/downlink.h"
#include "vhci-glue/pending.h"
#include "vhci-glue/uplink.h"

/* Waits, three seconds at most; returns when the kernel has nothing more to say. Both
 * links are only good to be freed afterwards. */
void drain(struct uplink *up, struct downlink *down,
    struct pending_table *pending, int kernel);

#endif
