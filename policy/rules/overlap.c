/*
 * Rules that can never decide, and allows that differ about the same devices:
 * what a person wants to be told before the file is in force. Only what can be
 * proved attribute by attribute is said, so silence is no promise.
 */
#include "policy/rules/ast.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"

/* Pairs looked at, so that a huge file costs seconds, not hours. */
#define PAIRS_MAX 20000000u
#define VALUES_MAX 64u /* of a set that is compared value by value */

static int
is_same_text(const char *a, size_t alen, const char *b, size_t blen)
{
	return alen == blen && memcmp(a, b, alen) == 0;
}

static int
is_same_word(const struct value *a, const struct value *b)
{
	return a->word->is_string == b->word->is_string &&
	    is_same_text(
		a->word->text, a->word->len, b->word->text, b->word->len);
}

static int
covers_id(const struct value *a, const struct value *b)
{
	if (a->u.id.is_any_vid) {
		return 1;
	}
	if (b->u.id.is_any_vid || a->u.id.vid != b->u.id.vid) {
		return 0;
	}
	return a->u.id.is_any_pid ||
	    (!b->u.id.is_any_pid && a->u.id.pid == b->u.id.pid);
}

static int
covers_interface(const struct value *a, const struct value *b)
{
	unsigned n = a->u.interface.nfixed;

	return n <= b->u.interface.nfixed &&
	    a->u.interface.class == b->u.interface.class &&
	    (n < 2 || a->u.interface.subclass == b->u.interface.subclass) &&
	    (n < 3 || a->u.interface.protocol == b->u.interface.protocol);
}

static int
covers_fact(const struct value *a, const struct value *b)
{
	if (a->u.fact.group != NULL || b->u.fact.group != NULL) {
		return a->u.fact.group == b->u.fact.group;
	}
	if (a->u.fact.kind != b->u.fact.kind) {
		return 0;
	}
	if (a->u.fact.kind == FACT_FP || a->u.fact.kind == FACT_ISSUER_KEY) {
		return memcmp(a->u.fact.text, b->u.fact.text, 32) == 0;
	}
	/* a pattern that fits the other one as a text fits all it fits */
	return glob_match(a->u.fact.text, a->u.fact.len, b->u.fact.text,
	    b->u.fact.len,
	    a->u.fact.kind == FACT_DNS ? GLOB_FOLD : GLOB_EXACT);
}

/* Whether everything that fits b fits a. */
static int
covers_value(enum rule_attr attr, const struct value *a, const struct value *b)
{
	if (attr == ATTR_ID) {
		return covers_id(a, b);
	}
	if (attr == ATTR_WITH_INTERFACE) {
		return covers_interface(a, b);
	}
	if (attr == ATTR_TO) {
		return covers_fact(a, b);
	}
	if (attr == ATTR_VIA_PORT) {
		return glob_match(a->word->text, a->word->len, b->word->text,
		    b->word->len, GLOB_EXACT);
	}
	if (attr == ATTR_WITH_CLASS) {
		return a->u.class == b->u.class ||
		    strcmp(class_name(a->u.class), class_name(b->u.class)) ==
			0;
	}
	return is_same_word(a, b);
}

static int
is_covered_by_some(enum rule_attr attr, const struct value_set *a,
    const struct value *value)
{
	for (size_t i = 0; i < a->nvalues; i++) {
		if (covers_value(attr, &a->values[i], value)) {
			return 1;
		}
	}
	return 0;
}

static int
all_are_covered(
    enum rule_attr attr, const struct value_set *a, const struct value_set *b)
{
	for (size_t i = 0; i < b->nvalues; i++) {
		if (!is_covered_by_some(attr, a, &b->values[i])) {
			return 0;
		}
	}
	return 1;
}

static int
is_same_set(
    enum rule_attr attr, const struct value_set *a, const struct value_set *b)
{
	if (a->op != b->op || a->nvalues != b->nvalues) {
		return 0;
	}
	for (size_t i = 0; i < a->nvalues; i++) {
		if (!is_same_word(&a->values[i], &b->values[i]) ||
		    (attr == ATTR_TO && a->values[i].u.fact.group !=
			    b->values[i].u.fact.group)) {
			return 0;
		}
	}
	return 1;
}

/* A device has one of it, so all operators that ask for some mean one-of. */
static int
is_single(enum rule_attr attr)
{
	return attr != ATTR_WITH_INTERFACE && attr != ATTR_WITH_CLASS &&
	    attr != ATTR_UNDER && attr != ATTR_PIN && attr != ATTR_TO &&
	    attr != ATTR_IF;
}

/* Some value fits some element whenever it holds; true of what asks for all
 * as well, but then only one value is known to be there. */
static int
asks_for_some(const struct value_set *set)
{
	return set->op != OP_NONE_OF && set->nvalues > 0;
}

/* Whether a holds wherever b does. */
static int
covers_set(
    enum rule_attr attr, const struct value_set *a, const struct value_set *b)
{
	int needs_all = b->op == OP_ALL_OF || b->op == OP_EQUALS ||
	    b->op == OP_EQUALS_ORDERED || b->op == OP_EXACTLY;

	if (a->nvalues > VALUES_MAX || b->nvalues > VALUES_MAX) {
		return 0;
	}
	if (is_same_set(attr, a, b)) {
		return 1;
	}
	if (a->op == OP_NONE_OF) {
		/* fewer are excluded */
		return b->op == OP_NONE_OF && all_are_covered(attr, b, a);
	}
	if (!asks_for_some(b)) {
		return 0;
	}
	if (is_single(attr)) {
		return (a->nvalues == 1 || a->op == OP_ONE_OF ||
			   a->op == OP_MATCH_ALL) &&
		    (b->nvalues == 1 || b->op == OP_ONE_OF ||
			b->op == OP_MATCH_ALL) &&
		    all_are_covered(attr, a, b);
	}
	if (a->op == OP_ONE_OF || (a->op == OP_ALL_OF && a->nvalues == 1)) {
		if (needs_all) { /* each of b's is there */
			for (size_t i = 0; i < b->nvalues; i++) {
				if (is_covered_by_some(
					attr, a, &b->values[i])) {
					return 1;
				}
			}
			return 0;
		}
		return b->op == OP_ONE_OF && all_are_covered(attr, a, b);
	}
	if (a->op == OP_ALL_OF && needs_all) {
		for (size_t i = 0; i < a->nvalues; i++) {
			size_t j = 0;

			while (j < b->nvalues &&
			    !covers_value(
				attr, &a->values[i], &b->values[j])) {
				j++;
			}
			if (j == b->nvalues) {
				return 0;
			}
		}
		return 1;
	}
	return a->op == OP_ONLY && b->op == OP_ONLY &&
	    all_are_covered(attr, a, b);
}

static const struct test *
find_test(const struct rule *rule, enum rule_attr attr)
{
	for (const struct test *test = rule->tests; test != NULL;
	     test = test->next) {
		if (test->attr == attr) {
			return test;
		}
	}
	return NULL;
}

/* Whether the earlier rule's tests hold wherever the later one's do. Its
 * conditions would have to, and nobody knows. */
static int
covers_rule(const struct rule *a, const struct rule *b)
{
	for (const struct test *test = a->tests; test != NULL;
	     test = test->next) {
		const struct test *other;

		if (test->attr == ATTR_LABEL) {
			continue;
		}
		other = find_test(b, test->attr);
		if (test->attr == ATTR_IF || other == NULL) {
			return 0;
		}
		for (const struct value_set *s = test->sets; s != NULL;
		     s = s->next) {
			const struct value_set *t = other->sets;

			while (t != NULL && !covers_set(test->attr, s, t)) {
				t = t->next;
			}
			if (t == NULL) {
				return 0;
			}
		}
	}
	return 1;
}

static int
is_same_clause(const struct clause *a, const struct clause *b)
{
	char left[512], right[512];
	struct sink l = {.buf = left, .size = sizeof(left)};
	struct sink r = {.buf = right, .size = sizeof(right)};

	print_term(&l, a);
	print_term(&r, b);
	return l.used == r.used && l.used <= sizeof(left) &&
	    memcmp(left, right, l.used) == 0;
}

static int
grants_the_same(const struct rule *a, const struct rule *b)
{
	const struct clause *x = a->terms, *y = b->terms;

	while (x != NULL && y != NULL && is_same_clause(x, y)) {
		x = x->next;
		y = y->next;
	}
	return x == NULL && y == NULL;
}

static void
tell(const struct rules *rules, enum rules_overlap_kind kind, size_t i,
    size_t j, rules_overlap_cb *cb, void *arg)
{
	const struct rule *earlier = &rules->rules[i];
	const struct rule *later = &rules->rules[j];
	struct rule_overlap overlap = {kind, i, j, later->file, earlier->file,
	    later->line, earlier->line};

	cb(arg, &overlap);
}

/* Compares the rules from first to j with rule j; whether j is unreachable. */
static int
look(const struct rules *rules, size_t first, size_t end, size_t j,
    rules_overlap_cb *cb, void *arg)
{
	const struct rule *later = &rules->rules[j];

	for (size_t i = first; i < end; i++) {
		const struct rule *earlier = &rules->rules[i];

		if (earlier->is_audit) {
			continue;
		}
		if (covers_rule(earlier, later)) {
			tell(rules, RULES_UNREACHABLE, i, j, cb, arg);
			return 1;
		}
		if (earlier->verdict == RULE_ALLOW &&
		    later->verdict == RULE_ALLOW && !later->is_audit &&
		    covers_rule(later, earlier) &&
		    !grants_the_same(earlier, later)) {
			tell(rules, RULES_OTHER_TERMS, i, j, cb, arg);
		}
	}
	return 0;
}

void
rules_overlaps(const struct rules *rules, rules_overlap_cb *cb, void *arg)
{
	size_t others = rules->nforbids + rules->nexposed, pairs = 0;

	for (size_t j = 0; j < rules->nrules && pairs < PAIRS_MAX; j++) {
		size_t first = j < rules->nforbids ? 0 :
		    j < others			   ? rules->nforbids :
						     others;

		/* what is forbidden is decided before all else */
		if (first == others &&
		    look(rules, 0, rules->nforbids, j, cb, arg)) {
			continue;
		}
		look(rules, first, j, j, cb, arg);
		pairs += j - first + rules->nforbids;
	}
}
