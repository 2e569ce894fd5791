/* When a server is asked again; used by bundle_fetch.c and upstream.c. */
#include "proxy/warden/pace.h"

#include "base/clock.h"
#include "base/random.h"

#define LONGEST 900u

uint64_t
pace_jitter(uint64_t ns)
{
	uint32_t dice = 0;

	(void)random_fill(&dice, sizeof(dice));
	return ns - ns / 5 * (dice % 1024) / 1024;
}

uint64_t
pace_back_off(uint64_t seconds, unsigned failures, unsigned doublings)
{
	uint64_t most = seconds > LONGEST ? seconds : LONGEST;
	uint64_t s = seconds << (failures < doublings ? failures : doublings);

	return (s < most ? s : most) * CLOCK_SEC;
}
