/*
 * A gateway's events, followed by a `sallyport attach': where a device is, until
 * its approver has said yes, and what the gateway has to say meanwhile. Words
 * come from sallyport-reader, typed and bounded.
 */
#ifndef VHCI_GLUE_APPROVAL_H
#define VHCI_GLUE_APPROVAL_H

#include <stdint.h>

#include "vhci-glue/offers.h"

struct approval {
	const struct opts *opts; /* borrowed */
	struct launch launch;
	struct offers offers;
	char mine[IPC_NAME]; /* the device that approval_hear is about */
	int is_open;
};

/* Opens the events and waits for the whole list: 0, or an exit code with the
 * reason said, if voice says it. After 0, approval_close. */
int approval_open(struct approval *out, const struct opts *opts,
    const struct settings *settings, const struct gateway *gateway,
    enum launch_voice voice);
void approval_close(struct approval *approval); /* closed already is fine */

/* Waits until the device of that stable name is free, while it needs an approval
 * or is busy. deadline is a clock_mono() value, 0 = none. 0, or an exit code
 * with the reason said: EXITS_DENIED when it is gone (unplugged or denied; a
 * gateway does not tell) or the time is over. */
int approval_wait(
    struct approval *approval, const char *name, uint64_t deadline);

/* The next word, which is there: 0 or an exit code. What the gateway says to the
 * person about the device at busid, or about none, goes to standard error. */
int approval_hear(struct approval *approval, const char *busid);
/* Words that are there, or come within ms. */
void approval_drain(struct approval *approval, const char *busid, unsigned ms);

#endif
