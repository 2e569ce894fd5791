/*
 * Meters and quotas. A meter is a token bucket (GCRA): its level is the time
 * until which it is used up, at per/amount nanoseconds a unit; a unit that would
 * push that further than the burst reaches is over, and is not counted. A quota
 * counts bytes of one period after the other.
 */
#include "policy/profiles/layout.h"

static uint64_t
sum(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t
product(uint64_t a, uint64_t b)
{
	return a != 0 && b > UINT64_MAX / a ? UINT64_MAX : a * b;
}

/* The period that now is in: what was counted in one before is gone. */
static void
roll(const struct tmeter *m, struct meter_state *state, uint64_t now)
{
	if (state->since == 0 || now - state->since >= m->per) {
		state->since = now;
		state->level = 0;
	}
}

static uint64_t
units_of(const struct facts *f)
{
	if (f->hook == HOOK_HID) {
		return facts_has(f, FACT_KEYDOWNS) ? f->num[FACT_KEYDOWNS] : 0;
	}
	return 1;
}

int
meter_over(const struct tmeter *m, struct meter_state *state,
    const struct facts *f, uint64_t now, int is_counted)
{
	uint64_t each, cost, until;

	if (m->is_quota) {
		uint64_t len = facts_has(f, FACT_LEN) ? f->num[FACT_LEN] : 0;

		roll(m, state, now);
		return sum(state->level, len) > m->amount;
	}
	each = m->per >= m->amount ? m->per / m->amount : 1;
	cost = is_counted ? 0 : product(units_of(f), each);
	until = sum(state->level > now ? state->level : now, cost);
	if (cost > 0 && until - now > product(m->burst, each)) {
		return 1;
	}
	state->level = until;
	return 0;
}

void
meter_charge(const struct tmeter *m, struct meter_state *state,
    uint64_t bytes, uint64_t now)
{
	roll(m, state, now);
	state->level = sum(state->level, bytes);
}
