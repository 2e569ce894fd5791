/*
 * Why each rule of a hook matches a unit or does not: "op: write-10 is not among
 * { read-10 }". For sallyport-policy; a session does not link it.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "policy/profiles/ast.h"
#include "policy/profiles/judge_parts.h"

#define SHOWN 12u /* values of a set */

struct line {
	char text[512];
	size_t used;
};

static void __attribute__((format(printf, 2, 3)))
add(struct line *l, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (l->used >= sizeof(l->text)) {
		return;
	}
	va_start(ap, fmt);
	n = vsnprintf(
	    l->text + l->used, sizeof(l->text) - l->used, fmt, ap);
	va_end(ap);
	if (n > 0) {
		l->used += (size_t)n;
	}
}

static void
add_number(struct line *l, const struct hook_fact *fact, uint64_t n)
{
	char text[64];

	add(l, "%s", fact_number_text(text, sizeof(text), fact, n));
}

static void
add_bytes(struct line *l, const uint8_t *p, uint32_t len, int is_text)
{
	for (uint32_t i = 0; i < len && i < 64; i++) {
		if (is_text && p[i] > 0x20 && p[i] < 0x7f && p[i] != '\\') {
			add(l, "%c", p[i]);
		} else {
			add(l, is_text ? "\\x%02x" : "%02x", p[i]);
		}
	}
	if (len > 64) {
		add(l, "...");
	}
}

/* ------------------------------------------------------------------------ */
/* What a rule wants                                                        */

static void
add_range(struct line *l, const struct hook_fact *fact, uint64_t low,
    uint64_t high, unsigned *n)
{
	if (++*n > SHOWN) {
		add(l, *n == SHOWN + 1 ? " ..." : "");
		return;
	}
	add(l, " ");
	add_number(l, fact, low);
	if (high != low) {
		add(l, "..");
		add_number(l, fact, high);
	}
}

static int
has_bit(const struct tview *v, const struct tmatch *m, uint64_t n)
{
	return n / 64 < m->nwords &&
	    (v->words[m->word + n / 64] >> n % 64 & 1) != 0;
}

static void
add_bits(struct line *l, const struct hook_fact *fact, const struct tview *v,
    const struct tmatch *m, unsigned *n)
{
	uint64_t all = 64u * (uint64_t)m->nwords;

	for (uint64_t i = 0; i < all; i++) {
		uint64_t low = i;

		if (!has_bit(v, m, i)) {
			continue;
		}
		/* what has a name is told by name, each */
		while (fact_name_of(fact, low) == NULL &&
		    has_bit(v, m, i + 1) &&
		    fact_name_of(fact, i + 1) == NULL) {
			i++;
		}
		add_range(l, fact, low, i, n);
	}
}

static void
add_listed(struct line *l, const struct hook_fact *fact,
    const struct tview *v, const struct tvalue *t, unsigned *n)
{
	int is_text = fact->kind == FACT_IS_TEXT;

	if (fact->kind == FACT_IS_CHORDS) {
		static const char *const mods[] = {
		    "Ctrl+", "Shift+", "Alt+", "GUI+"};

		if (*n < SHOWN) {
			add(l, " ");
			for (unsigned i = 0; i < 4; i++) {
				add(l, "%s",
				    (t->mods >> i & 1) != 0 ? mods[i] : "");
			}
			add_number(l, fact, t->low);
			if (t->high != t->low) {
				add(l, "..");
				add_number(l, fact, t->high);
			}
		}
	} else if (*n < SHOWN) {
		add(l, " ");
		add_bytes(l, v->texts + t->bytes, t->len, is_text);
		add(l, "%s", t->is_prefix ? "*" : "");
	}
	if (++*n == SHOWN + 1) {
		add(l, " ...");
	}
}

/* "{ 1 2..3 }", or one value without braces. */
static void
add_wanted(struct line *l, const struct hook_fact *fact,
    const struct tview *v, const struct tmatch *m)
{
	static const char *const ops[] = {"", "", "< ", "<= ", "> ", ">= "};
	unsigned n = 0;

	if (m->form == TFORM_ONE) {
		add(l, "%s", ops[m->op]);
		add_number(l, fact, v->values[m->value].low);
		return;
	}
	add(l, "{");
	if (m->form == TFORM_BITS) {
		add_bits(l, fact, v, m, &n);
	}
	for (uint32_t i = 0; i < m->nvalues; i++) {
		const struct tvalue *t = &v->values[m->value + i];

		if (m->form == TFORM_RANGES) {
			add_range(l, fact, t->low, t->high, &n);
		} else {
			add_listed(l, fact, v, t, &n);
		}
	}
	add(l, " }");
}

/* ------------------------------------------------------------------------ */
/* What the unit has                                                        */

static void
add_keys(struct line *l, const struct hook_fact *fact, const struct facts *f)
{
	unsigned n = 0;

	for (unsigned i = 0; i < KEY_CODES; i++) {
		if ((f->keys[i / 64] >> i % 64 & 1) != 0) {
			add(l, n++ > 0 ? " " : "");
			add_number(l, fact, i);
		}
	}
	add(l, n == 0 ? "nothing" : "");
}

static void
add_has(struct line *l, const struct hook_fact *fact, const struct facts *f)
{
	switch (fact->kind) {
	case FACT_IS_NUMBER:
	case FACT_IS_WORD:
	case FACT_IS_FLAG:
		add_number(l, fact, f->num[fact->fact]);
		return;
	case FACT_IS_SPAN:
		if (f->high < f->num[fact->fact]) {
			add(l, "no block");
		} else {
			add(l, "%llu..%llu",
			    (unsigned long long)f->num[fact->fact],
			    (unsigned long long)f->high);
		}
		return;
	case FACT_IS_KEYS:
	case FACT_IS_CHORDS:
		add_keys(l, fact, f);
		return;
	case FACT_IS_USAGES:
		add(l, f->nusages == 0 ? "nothing" : "");
		for (uint32_t i = 0; i < f->nusages && i < SHOWN; i++) {
			add(l, i > 0 ? " " : "");
			add_number(l, fact, f->usages[i]);
		}
		return;
	case FACT_IS_TEXT:
	case FACT_IS_HEX:
		add_bytes(l, f->text, f->text == NULL ? 0 : f->text_len,
		    fact->kind == FACT_IS_TEXT);
		return;
	}
}

/* One value is or is not; of several, any or all are. */
static const char *
relation(const struct tmatch *m, int all, int is_set)
{
	int is_outside = (m->is_not != 0) != (m->op == MATCH_NE);
	int is_many = m->fact_kind == FACT_IS_SPAN ||
	    m->fact_kind == FACT_IS_KEYS ||
	    m->fact_kind == FACT_IS_CHORDS || m->fact_kind == FACT_IS_USAGES;

	if (!is_many) {
		return is_outside ? is_set ? "is among" : "is" :
		    is_set	  ? "is not among" :
				    "is not";
	}
	if (is_outside) {
		return all ? "is partly among" : "is all among";
	}
	return all ? "is not all among" : "is not among";
}

static void
say_fact(struct line *l, const struct ruling_at *at, const struct tmatch *m,
    int all)
{
	const struct hook_fact *fact =
	    hook_fact_of(at->f->hook, (enum fact)m->fact);

	if (fact == NULL) {
		add(l, "not a fact of this hook");
		return;
	}
	add(l, "%s: ", fact->word);
	if (!facts_has(at->f, (enum fact)m->fact)) {
		add(l, "the unit has none");
		return;
	}
	add_has(l, fact, at->f);
	add(l, " %s ", relation(m, all, m->form != TFORM_ONE));
	add_wanted(l, fact, &at->v, m);
}

static void
say_time(struct line *l, const struct ruling_at *at, const struct tmatch *m)
{
	static const char days[][4] = {
	    "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
	int64_t day = at->local / 86400 - (at->local % 86400 < 0);
	int64_t minute = (at->local - day * 86400) / 60;

	add(l, "time: %s %02lld:%02lld is %s the windows",
	    days[((day + 3) % 7 + 7) % 7], (long long)(minute / 60),
	    (long long)(minute % 60), m->is_not ? "inside" : "outside of");
}

static void
say(struct line *l, const struct ruling_at *at, const struct tmatch *m,
    int all)
{
	static const char *const no[] = {"not ", ""};

	switch ((enum match_kind)m->kind) {
	case MATCH_FACT:
		say_fact(l, at, m, all);
		return;
	case MATCH_OVER:
		add(l, "%s: is %sover",
		    (const char *)at->v.texts +
			at->v.meters[m->meter].name,
		    no[m->is_not]);
		return;
	case MATCH_BYTES:
		add(l, "bytes at %u: are %sthose of the rule", m->offset,
		    no[m->is_not != (m->op == MATCH_NE)]);
		return;
	case MATCH_CONTAINS:
		add(l, "contains: the pattern is %sthere in %u..%u",
		    no[m->is_not], m->offset, m->last);
		return;
	case MATCH_TIME:
		say_time(l, at, m);
		return;
	}
}

void
pjudge_explain(struct pjudge *j, const struct facts *facts, uint64_t now,
    table_explain_cb *cb, void *arg)
{
	struct pjudge copy = *j; /* nothing is counted */
	struct ruling_at at = ruling_begin(&copy, facts, now);
	const struct thook *on = &at.v.profile->on[facts->hook];

	for (uint32_t i = 0; i < on->n; i++) {
		const struct trule *r = &at.v.rules[on->first + i];
		const struct tmatch *fails = ruling_fails(&at, r);
		struct line line = {.used = 0};
		struct table_rule rule;

		if (fails != NULL) {
			say(&line, &at, fails, is_pass(r->verdict));
		}
		(void)table_rule(&copy.table, copy.profile, on->first + i,
		    &rule);
		cb(arg, &rule, fails == NULL, line.text);
		if (fails == NULL && (r->flags & TRULE_AUDIT) == 0 &&
		    r->verdict != VERDICTS) {
			return;
		}
	}
}
