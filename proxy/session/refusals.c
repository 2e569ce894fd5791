/*
 * IPC_REFUSED with a token bucket for each rule. Runs in sallyport-session.
 */
#include "proxy/session/refusals.h"

#include <stdio.h>
#include <string.h>

#include "base/channel.h"
#include "wire/ipc.h"

void
refusals_init(struct refusals *refusals, int chan)
{
	memset(refusals, 0, sizeof(*refusals));
	refusals->chan = chan;
}

static struct refusals_slot *
slot_of(struct refusals *refusals, const char *rule)
{
	for (unsigned i = 0; i < REFUSALS_RULES; i++) {
		struct refusals_slot *slot = &refusals->slots[i];

		if (slot->rule == NULL) {
			slot->rule = rule;
			rate_init(&slot->rate);
		}
		if (strcmp(slot->rule, rule) == 0) {
			return slot;
		}
	}
	return &refusals->slots[REFUSALS_RULES - 1];
}

void
refusals_send(struct refusals *refusals, const char *rule, const char *text)
{
	struct refusals_slot *slot = slot_of(refusals, rule);
	struct ipc_refused m;
	uint8_t buf[sizeof(m) + 16];
	int n;

	if (!rate_may(&slot->rate)) {
		return;
	}
	memset(&m, 0, sizeof(m));
	snprintf(m.rule, sizeof(m.rule), "%s", rule);
	if (slot->rate.dropped > 0) {
		snprintf(m.text, sizeof(m.text), "%s (and %u more before)",
		    text, slot->rate.dropped);
	} else {
		snprintf(m.text, sizeof(m.text), "%s", text);
	}
	n = ipc_encode_refused(buf, sizeof(buf), &m);
	if (n < 0 ||
	    channel_send(refusals->chan, IPC_REFUSED, 0, buf, (size_t)n,
		-1) != 0) {
		slot->rate.dropped++;
		return;
	}
	rate_used(&slot->rate);
}
