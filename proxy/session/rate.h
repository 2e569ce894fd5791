/*
 * A token bucket: a burst at once, then one a second. What has no token is
 * counted, so that the next one can say how many there were.
 */
#ifndef PROXY_SESSION_RATE_H
#define PROXY_SESSION_RATE_H

#include <stdint.h>

#define RATE_BURST 5u

struct rate {
	uint64_t next; /* clock_mono: a token is due */
	unsigned tokens, dropped;
};

void rate_init(struct rate *rate);
/* Whether there is a token; it is used up by rate_used alone. Without one it
 * counts as dropped. */
int rate_may(struct rate *rate);
void rate_used(struct rate *rate);

#endif
