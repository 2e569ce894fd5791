/*
 * The judge with its index rules as a plain walk over the tree does, for random
 * profiles and units. The walk here asks of each value by itself what the table
 * asks of bitmaps, sorted ranges and lists.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "policy/profiles/load.h"
#include "tests/unit/judge_body.h"

#define PROFILES_TRIED 3000u
#define UNITS_TRIED 25u
#define RULES 400u

static uint64_t seed = 0x9e3779b97f4a7c15;

static uint64_t
any(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

static int
one_in(unsigned n)
{
	return any(n) == 0;
}

/* ------------------------------------------------------------------------ */
/* Random trees                                                             */

static struct {
	struct prule rules[RULES];
	struct match matches[RULES * 4];
	struct value values[RULES * 16];
	size_t nrules, nmatches, nvalues;
} pool;

static const char *const names[] = {"a.example", "b.example", "b.exam", "c",
    "a.example.org", ""};
static const enum hook hooks[] = {
    HOOK_SCSI, HOOK_HID, HOOK_CTAP, HOOK_OUT, HOOK_SERIAL};

static uint64_t
domain(const struct hook_fact *fact)
{
	switch (fact->kind) {
	case FACT_IS_FLAG:
		return 2;
	case FACT_IS_KEYS:
	case FACT_IS_CHORDS:
		return KEY_CODES;
	case FACT_IS_SPAN:
		return 48;
	case FACT_IS_NUMBER:
	case FACT_IS_WORD:
		return fact->fact == FACT_LEN ? 2000 : 24;
	case FACT_IS_USAGES:
	case FACT_IS_TEXT:
	case FACT_IS_HEX:
		break;
	}
	return 24;
}

static struct value *
random_value(const struct hook_fact *fact)
{
	struct value *v = &pool.values[pool.nvalues++];
	uint64_t n = domain(fact);

	memset(v, 0, sizeof(*v));
	v->low = any(n);
	v->high = one_in(3) ? v->low + any(n - v->low) : v->low;
	v->mods = one_in(2) ? (uint8_t)any(16) : 0;
	if (fact->kind == FACT_IS_TEXT) {
		const char *name = names[any(ARRAY_LEN(names))];

		v->bytes = (const uint8_t *)name;
		v->len = (uint32_t)strlen(name);
		v->is_prefix = one_in(4);
	}
	if (one_in(60)) {
		v->high = fact->kind == FACT_IS_KEYS ? KEY_CODES - 1
						     : UINT64_MAX;
	}
	return v;
}

static struct match *
random_match(enum hook hook)
{
	const struct hook_info *info = hook_info(hook);
	const struct hook_fact *fact = &info->facts[any(info->nfacts)];
	struct match *m = &pool.matches[pool.nmatches++];

	memset(m, 0, sizeof(*m));
	m->is_not = one_in(5);
	if (hook == HOOK_OUT && one_in(2)) {
		static const struct hook_fact byte = {
		    .kind = FACT_IS_NUMBER, .fact = FACT_EP};

		m->kind = MATCH_BYTES;
		m->width = 1;
		m->offset = (uint32_t)any(6);
		fact = &byte;
	} else {
		m->kind = MATCH_FACT;
		m->fact = fact;
	}
	if (one_in(4) &&
	    (fact->kind == FACT_IS_NUMBER || fact->kind == FACT_IS_WORD ||
		fact->kind == FACT_IS_SPAN)) {
		m->op = (enum match_op)(MATCH_LT + any(4));
	} else if (one_in(6) && fact->kind != FACT_IS_KEYS &&
	    fact->kind != FACT_IS_CHORDS && fact->kind != FACT_IS_USAGES) {
		m->op = MATCH_NE;
	}
	for (uint64_t n = m->op > MATCH_NE ? 1 : 1 + any(4); n > 0; n--) {
		struct value *v = random_value(fact);

		v->next = m->values;
		m->values = v;
	}
	return m;
}

static struct prule *
random_rule(enum hook hook)
{
	struct prule *r = &pool.rules[pool.nrules++];

	memset(r, 0, sizeof(*r));
	r->verdict = one_in(2) ? VERDICT_ALLOW : (unsigned)any(VERDICTS + 1);
	r->at.line = (unsigned)pool.nrules;
	r->has_log = one_in(9);
	r->is_audit = one_in(9);
	for (uint64_t n = one_in(60) ? 0 : 1 + any(4); n > 0; n--) {
		struct match *m = random_match(hook);

		m->next = r->matches;
		r->matches = m;
	}
	return r;
}

static void
random_profile(struct profile *p, struct profile *parent, enum hook hook,
    uint64_t most)
{
	struct prule **tail = &p->rules[hook];

	memset(p, 0, sizeof(*p));
	p->name = "p";
	p->parent = parent;
	p->has_mode = 1;
	p->is_audit = one_in(6);
	for (uint64_t n = any(most); n > 0; n--) {
		*tail = random_rule(hook);
		tail = &(*tail)->next;
	}
}

/* ------------------------------------------------------------------------ */
/* Random units                                                             */

static void
random_unit(struct unit_words *u, enum hook hook)
{
	const struct hook_info *info = hook_info(hook);
	struct facts *f = &u->facts;

	unit_init(u);
	facts_init(f, hook);
	for (size_t i = 0; i < info->nfacts; i++) {
		const struct hook_fact *fact = &info->facts[i];

		if (!one_in(6)) {
			facts_set(f, fact->fact, any(domain(fact)));
		}
		if (fact->kind == FACT_IS_SPAN) {
			f->high = one_in(8) ? 0 : f->num[fact->fact] + any(9);
		}
	}
	memset(f->keys, 0, sizeof(f->keys));
	for (uint64_t n = any(4); n > 0; n--) {
		uint64_t key = any(KEY_CODES);

		f->keys[key / 64] |= UINT64_C(1) << key % 64;
	}
	f->mods = (uint8_t)any(16);
	f->usages = u->usages;
	for (f->nusages = 0; f->nusages < 4 && !one_in(3); f->nusages++) {
		u->usages[f->nusages] = (uint32_t)any(24);
	}
	f->text = (const uint8_t *)names[any(ARRAY_LEN(names))];
	f->text_len = (uint32_t)strlen((const char *)f->text);
	f->bytes = u->bytes;
	for (f->nbytes = 0; f->nbytes < any(7); f->nbytes++) {
		u->bytes[f->nbytes] = (uint8_t)any(24);
	}
}

/* ------------------------------------------------------------------------ */
/* The plain walk                                                           */

static int
number_inside(const struct match *m, uint64_t n)
{
	uint64_t with = m->values->low;
	int is_in = 0;

	switch (m->op) {
	case MATCH_LT:
		return n < with;
	case MATCH_LE:
		return n <= with;
	case MATCH_GT:
		return n > with;
	case MATCH_GE:
		return n >= with;
	case MATCH_IN:
	case MATCH_NE:
		break;
	}
	for (const struct value *v = m->values; v != NULL; v = v->next) {
		is_in |= n >= v->low && n <= v->high;
	}
	return is_in;
}

static int
chord_inside(const struct match *m, unsigned mods, uint64_t key)
{
	for (const struct value *v = m->values; v != NULL; v = v->next) {
		if ((v->mods & ~mods) == 0 && key >= v->low &&
		    key <= v->high) {
			return 1;
		}
	}
	return 0;
}

static int
text_inside(const struct match *m, const struct facts *f)
{
	for (const struct value *v = m->values; v != NULL; v = v->next) {
		if ((v->is_prefix ? v->len <= f->text_len
				  : v->len == f->text_len) &&
		    memcmp(v->bytes, f->text, v->len) == 0) {
			return 1;
		}
	}
	return 0;
}

/* What one value says to all, or any. */
struct tally {
	int outside, holds_all, holds_any;
};

static void
see(struct tally *t, int is_inside)
{
	int holds = is_inside != t->outside;

	t->holds_all &= holds;
	t->holds_any |= holds;
}

static void
see_fact(struct tally *t, const struct match *m, const struct facts *f)
{
	enum fact fact = m->fact->fact;

	switch (m->fact->kind) {
	case FACT_IS_NUMBER:
	case FACT_IS_WORD:
	case FACT_IS_FLAG:
		see(t, number_inside(m, f->num[fact]));
		return;
	case FACT_IS_SPAN:
		for (uint64_t n = f->num[fact]; n <= f->high; n++) {
			see(t, number_inside(m, n));
		}
		return;
	case FACT_IS_KEYS:
		for (uint64_t n = 0; n < KEY_CODES; n++) {
			if ((f->keys[n / 64] >> n % 64 & 1) != 0) {
				see(t, number_inside(m, n));
			}
		}
		return;
	case FACT_IS_CHORDS:
		for (uint64_t n = 0; n < KEY_CODES; n++) {
			if ((f->keys[n / 64] >> n % 64 & 1) != 0 &&
			    (n < 0xe0 || n > 0xe7)) {
				see(t, chord_inside(m, f->mods, n));
			}
		}
		return;
	case FACT_IS_USAGES:
		for (uint32_t i = 0; i < f->nusages; i++) {
			see(t, number_inside(m, f->usages[i]));
		}
		return;
	case FACT_IS_TEXT:
		see(t, text_inside(m, f));
		return;
	case FACT_IS_HEX:
		break;
	}
	fail();
}

static int
plain_holds(const struct match *m, const struct facts *f, int all)
{
	struct tally t = {m->is_not != (m->op == MATCH_NE), 1, 0};

	if (m->kind == MATCH_BYTES ? m->offset >= f->nbytes
				   : !facts_has(f, m->fact->fact)) {
		return m->is_not && !all;
	}
	if (m->kind == MATCH_BYTES) {
		see(&t, number_inside(m, f->bytes[m->offset]));
	} else {
		see_fact(&t, m, f);
	}
	return all ? t.holds_all : t.holds_any;
}

struct plain {
	enum verdict verdict;
	unsigned line, nreports;
};

static int
plain_decides(const struct prule *r, const struct facts *f, int is_audit,
    struct plain *out)
{
	int is_pass = r->verdict == VERDICT_ALLOW ||
	    r->verdict == VERDICT_REWRITE;

	for (const struct match *m = r->matches; m != NULL; m = m->next) {
		if (!plain_holds(m, f, is_pass)) {
			return 0;
		}
	}
	if (r->is_audit || r->verdict == PVERDICT_NOTE) {
		out->nreports++;
		return 0;
	}
	out->verdict = !is_pass && is_audit ? VERDICT_ALLOW
					    : (enum verdict)r->verdict;
	out->line = r->at.line;
	out->nreports += !is_pass || r->has_log;
	return 1;
}

static struct plain
plain_rule(const struct profile *p, const struct facts *f)
{
	struct plain out = {VERDICT_DENY, 0, 0};
	int is_audit = p->is_audit;

	for (; p != NULL; p = p->parent) {
		for (const struct prule *r = p->rules[f->hook]; r != NULL;
		     r = r->next) {
			if (plain_decides(r, f, is_audit, &out)) {
				return out;
			}
		}
	}
	out.nreports++;
	out.verdict = is_audit ? VERDICT_ALLOW : VERDICT_DENY;
	return out;
}

/* ------------------------------------------------------------------------ */

static void
try_units(struct rig *rig, const struct profile *p, enum hook hook,
    unsigned *passed)
{
	for (unsigned i = 0; i < UNITS_TRIED; i++) {
		struct unit_words u;
		struct plain plain;
		struct ruling ruling;
		struct table_rule rule;

		random_unit(&u, hook);
		plain = plain_rule(p, &u.facts);
		rig->nreports = 0;
		judge_rule(
		    &rig->judge.judge, &u.facts, rig->now, &ruling);
		assert_int_equal(
		    table_rule(&rig->table, 0, ruling.rule, &rule), 0);
		assert_int_equal(rule.line, plain.line);
		assert_int_equal(ruling.verdict, plain.verdict);
		assert_int_equal(rig->nreports, plain.nreports);
		*passed += ruling.rule != RULING_IMPLICIT;
	}
}

static void
rules_as_the_tree(void **state)
{
	unsigned decided = 0;

	(void)state;
	for (unsigned i = 0; i < PROFILES_TRIED; i++) {
		enum hook hook = hooks[i % ARRAY_LEN(hooks)];
		struct profile own, parent, *all[] = {&own};
		struct profile_set set = {.profiles = all, .n = 1};
		struct profile_bind bind = {1, 0, 0};
		struct rig rig = {.block = NULL};
		char why[64];

		memset(&pool, 0, sizeof(pool));
		random_profile(&parent, NULL, hook, 30);
		random_profile(&own, &parent, hook, one_in(9) ? 300 : 30);
		own.name = "own";
		assert_int_equal(profile_build(&set, &bind, 1, 0, &rig.block,
				     &rig.size, why, sizeof(why)),
		    0);
		assert_int_equal(
		    table_open(&rig.table, rig.block, rig.size), 0);
		rig_judge(&rig);
		try_units(&rig, &own, hook, &decided);
		rig_close(&rig);
	}
	print_message("%u units, of which a rule decided %u\n",
	    PROFILES_TRIED * UNITS_TRIED, decided);
	assert_true(decided > PROFILES_TRIED * UNITS_TRIED / 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_as_the_tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
