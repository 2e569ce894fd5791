/*
 * What `sallyport attach' tells once the kernel has the device: where it is, and
 * what this machine's drivers make of it. Waits for them, and for nothing else.
 */
#ifndef VHCI_GLUE_ATTACHED_H
#define VHCI_GLUE_ATTACHED_H

#include <signal.h>

#include "vhci-glue/opts.h"
#include "wire/usbip.h"

/* All borrowed. */
struct attached {
	const struct opts *opts;
	const char *gateway;
	const struct usbip_device *dev; /* as the gateway has it */
	unsigned port;
	const char *local; /* bus id here */
	int channel;	   /* to its relay, which says something when it ends */
	const volatile sig_atomic_t *told_to_end;
};

/* For a person who waits at a terminal, and for nobody else. */
void attached_progress(
    const struct opts *opts, const char *busid, const char *what);
/* Prints it, in text at once and then what came of it, in JSON one object.
 * EXITS_OK, or EXITS_FAILED, said. */
int attached_tell(const struct attached *attached);

#endif
