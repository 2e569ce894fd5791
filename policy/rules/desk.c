/*
 * Rules about desktops: who sits at the workstation, where, and whether the
 * screen is locked. All of it is the workstation's word, which is why a `to' of
 * such facts alone is an error (check.c). A rule that names a user and a seat
 * means one desktop that has both, and its session() is about those desktops;
 * that of any other rule is about all of the workstation's.
 */
#include "policy/rules/ast.h"

int
desk_is_of(const struct test *test)
{
	uint32_t kinds = 0;

	for (const struct value_set *set = test->sets; set != NULL;
	     set = set->next) {
		kinds |= set->kinds;
	}
	return test->attr == ATTR_TO && (kinds & FACTS_OF_DESK) != 0;
}

/* NULL, or the first set that does not hold of that desktop. */
static const struct value_set *
unmet(const struct test *test, const struct subject *subject,
    const struct rule_desk *desk)
{
	for (const struct value_set *set = test->sets; set != NULL;
	     set = set->next) {
		if (!match_set(set, ATTR_TO, subject, desk)) {
			return set;
		}
	}
	return NULL;
}

/* Nothing is known of any desktop: what holds of the certificate alone. */
static enum rule_answer
judge_unknown(const struct test *test, const struct subject *subject,
    const struct value_set **set)
{
	enum rule_answer so_far = RULE_YES;

	for (const struct value_set *s = test->sets; s != NULL; s = s->next) {
		int is_of_desk = (s->kinds & FACTS_OF_DESK) != 0;
		int holds = match_set(s, ATTR_TO, subject, NULL);

		if (!holds && (!is_of_desk || s->op == OP_NONE_OF)) {
			*set = s;
			return RULE_NO;
		}
		if (is_of_desk && (!holds || s->op == OP_NONE_OF)) {
			*set = s;
			so_far = RULE_UNKNOWN;
		}
	}
	return so_far;
}

enum rule_answer
desk_judge(const struct test *test, const struct subject *subject,
    const struct value_set **set)
{
	if (subject->ndesks == 0) {
		return judge_unknown(test, subject, set);
	}
	for (size_t i = 0; i < subject->ndesks; i++) {
		*set = unmet(test, subject, &subject->desks[i]);
		if (*set == NULL) {
			return RULE_YES;
		}
	}
	return RULE_NO;
}

/* The `to' of a rule, if it speaks of desktops. */
static const struct test *
find_test(const struct rule *rule)
{
	for (const struct test *test = rule->tests; test != NULL;
	     test = test->next) {
		if (test->is_of_desk) {
			return test;
		}
	}
	return NULL;
}

enum rule_lock
desk_lock(const struct rule *rule, const struct subject *subject)
{
	const struct test *test = find_test(rule);
	enum rule_lock lock = RULE_LOCK_UNKNOWN;

	for (size_t i = 0; i < subject->ndesks; i++) {
		const struct rule_desk *desk = &subject->desks[i];

		if (test != NULL && unmet(test, subject, desk) != NULL) {
			continue;
		}
		if (desk->lock == RULE_LOCKED) {
			return RULE_LOCKED;
		}
		if (desk->lock == RULE_UNLOCKED) {
			lock = RULE_UNLOCKED;
		}
	}
	return lock;
}
