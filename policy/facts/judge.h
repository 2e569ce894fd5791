/*
 * The seam to whoever judges: a profile's table (policy/profiles/judge.c), or
 * in tests a list of rulings. A decoder asks it about each unit.
 *
 * An ASK holds the unit: the decoder returns DECODE_HOLD without having changed
 * anything of itself or of the unit, and is called again later with the same
 * unit; that time the judge answers what was decided meanwhile (ALLOW, DENY or
 * EJECT). So a decoder rules at most once for each transfer where the hook has
 * HOOK_HOLDS, and changes its state only after that.
 */
#ifndef POLICY_FACTS_JUDGE_H
#define POLICY_FACTS_JUDGE_H

#include "policy/facts/facts.h"

struct judge;

struct judge_ops {
	/* Fills *out; always. now is monotonic nanoseconds, for meters. */
	void (*rule)(struct judge *judge, const struct facts *facts,
	    uint64_t now, struct ruling *out);
	/* The unit could not be parsed, or came out of phase: goes to the audit
	 * log; the decoder then returns DECODE_EJECT. what is static: "CBW of 30
	 * bytes". */
	void (*invalid)(struct judge *judge, enum hook hook, const char *what);
};

struct judge {
	const struct judge_ops *ops; /* first member of whoever judges */
};

/* What a profile says to a decoder besides its rules. */
struct judge_terms {
	uint8_t arm_digits;  /* 0 = armed from the start */
	uint64_t arm_within; /* nanoseconds, 0 = no limit */
};

static inline void
judge_rule(struct judge *j, const struct facts *facts, uint64_t now,
    struct ruling *out)
{
	j->ops->rule(j, facts, now, out);
}

static inline void
judge_invalid(struct judge *j, enum hook hook, const char *what)
{
	j->ops->invalid(j, hook, what);
}

#endif
