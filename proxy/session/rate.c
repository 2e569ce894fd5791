/*
 * See rate.h. Runs in sallyport-session.
 */
#include "proxy/session/rate.h"

#include "base/clock.h"

void
rate_init(struct rate *rate)
{
	rate->tokens = RATE_BURST;
	rate->next = clock_mono() + CLOCK_SEC;
	rate->dropped = 0;
}

static void
refill(struct rate *rate)
{
	uint64_t now = clock_mono();

	while (rate->next <= now && rate->tokens < RATE_BURST) {
		rate->tokens++;
		rate->next += CLOCK_SEC;
	}
	if (rate->next <= now) {
		rate->next = now + CLOCK_SEC;
	}
}

int
rate_may(struct rate *rate)
{
	refill(rate);
	if (rate->tokens > 0) {
		return 1;
	}
	rate->dropped++;
	return 0;
}

void
rate_used(struct rate *rate)
{
	rate->tokens--;
	rate->dropped = 0;
}
