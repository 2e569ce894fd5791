/*
 * What judge.c and judge_explain.c share: one ruling as it is made.
 */
#ifndef POLICY_PROFILES_JUDGE_PARTS_H
#define POLICY_PROFILES_JUDGE_PARTS_H

#include "policy/profiles/layout.h"

struct ruling_at {
	struct pjudge *j;
	struct tview v;
	const struct facts *f;
	uint64_t now;
	int64_t local; /* Unix seconds of local time */
	int is_again;  /* it was held, and has its answer */
	uint32_t quotas; /* bit n: meter n is a quota that the unit met */
	/* bit n: of meter n it was asked already, and what that said: a unit
	 * counts once, however many rules name the meter */
	uint32_t asked, over;
};

struct ruling_at ruling_begin(
    struct pjudge *j, const struct facts *facts, uint64_t now);
/* The first match of a rule that does not hold; NULL = the rule matches. */
const struct tmatch *ruling_fails(struct ruling_at *at, const struct trule *r);

/* In these a match wants all values of a fact inside. */
static inline int
is_pass(unsigned verdict)
{
	return verdict == VERDICT_ALLOW || verdict == VERDICT_REWRITE;
}

#endif
