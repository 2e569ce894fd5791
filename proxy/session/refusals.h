/*
 * Refusals on their way to the audit log, at a bounded rate for each rule: a
 * peer that is refused a thousand times a second fills neither channel nor log.
 */
#ifndef PROXY_SESSION_REFUSALS_H
#define PROXY_SESSION_REFUSALS_H

#include "proxy/session/rate.h"

#define REFUSALS_RULES 16

struct refusals {
	int chan; /* borrowed: the warden's channel */
	struct refusals_slot {
		const char *rule; /* borrowed, static */
		struct rate rate;
	} slots[REFUSALS_RULES];
};

void refusals_init(struct refusals *refusals, int chan);
/* rule must be static; text is printable. Never waits: when the channel is
 * full, the refusal counts as dropped; the next one says how many were. */
void refusals_send(
    struct refusals *refusals, const char *rule, const char *text);

#endif
