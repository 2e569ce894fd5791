/*
 * One match against the facts of one unit. Runs in sessions, for each unit: no
 * malloc, no loop over more than the values that a rule has.
 *
 * `not' and `!=' ask whether a value lies outside. Of a fact with several values
 * that is asked of each of them, and the rule says how many have to, as ever:
 * `allow not key { Power }' wants all keys outside, `deny not key { A }' any.
 *
 * What the unit does not have cannot be matched: such a match is false, and so
 * is `not' of it in a rule that lets something pass; in one that refuses, `not'
 * of it holds.
 */
#include <string.h>

#include "policy/profiles/ast.h"
#include "policy/profiles/layout.h"

/* ------------------------------------------------------------------------ */
/* Numbers                                                                  */

static int
in_bits(const struct tview *v, const struct tmatch *m, uint64_t n)
{
	return n / 64 < m->nwords &&
	    (v->words[m->word + n / 64] >> n % 64 & 1) != 0;
}

/* The sorted range that could hold n: the last one that begins at or below it;
 * NULL = all begin above. */
static const struct tvalue *
range_at(const struct tview *v, const struct tmatch *m, uint64_t n)
{
	const struct tvalue *values = &v->values[m->value];
	uint32_t low = 0, high = m->nvalues;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (values[mid].low <= n) {
			low = mid + 1;
		} else {
			high = mid;
		}
	}
	return low == 0 ? NULL : &values[low - 1];
}

static int
is_in(const struct tview *v, const struct tmatch *m, uint64_t n)
{
	const struct tvalue *r;

	if (m->form == TFORM_BITS) {
		return in_bits(v, m, n);
	}
	r = range_at(v, m, n);
	return r != NULL && n <= r->high;
}

static int
compare(enum match_op op, uint64_t n, uint64_t with)
{
	switch (op) {
	case MATCH_IN:
	case MATCH_NE: /* tmatch_holds turns it round */
		return n == with;
	case MATCH_LT:
		return n < with;
	case MATCH_LE:
		return n <= with;
	case MATCH_GT:
		return n > with;
	case MATCH_GE:
		return n >= with;
	}
	return 0;
}

static int
number_holds(const struct tview *v, const struct tmatch *m, uint64_t n)
{
	return m->form == TFORM_ONE ?
	    compare((enum match_op)m->op, n, v->values[m->value].low) :
	    is_in(v, m, n);
}

/* ------------------------------------------------------------------------ */
/* Facts with several values                                                */

static int
span_compare(enum match_op op, uint64_t low, uint64_t high, uint64_t with,
    int all)
{
	switch (op) {
	case MATCH_LT:
	case MATCH_LE:
		return compare(op, all ? high : low, with);
	case MATCH_GT:
	case MATCH_GE:
		return compare(op, all ? low : high, with);
	case MATCH_IN:
	case MATCH_NE:
		break;
	}
	return all ? low == with && high == with : with >= low && with <= high;
}

static int
span_holds(const struct tview *v, const struct tmatch *m,
    const struct facts *f, int all)
{
	uint64_t low = f->num[m->fact], high = f->high;
	const struct tvalue *r;

	if (high < low) {
		return all;
	}
	if (m->form == TFORM_ONE) {
		return span_compare((enum match_op)m->op, low, high,
		    v->values[m->value].low, all);
	}
	if (all) {
		r = range_at(v, m, low);
		return r != NULL && high <= r->high;
	}
	/* ranges are apart: one that begins inside, or that low lies in */
	r = range_at(v, m, high);
	return r != NULL && r->high >= low;
}

static int
keys_hold(const struct tview *v, const struct tmatch *m,
    const struct facts *f, int all)
{
	uint64_t outside = 0, inside = 0;

	for (unsigned i = 0; i < KEY_WORDS; i++) {
		uint64_t want =
		    i < m->nwords ? v->words[m->word + i] : UINT64_C(0);

		outside |= f->keys[i] & ~want;
		inside |= f->keys[i] & want;
	}
	return all ? outside == 0 : inside != 0;
}

static int
is_chord(const struct tview *v, const struct tmatch *m, unsigned mods,
    uint64_t key)
{
	for (uint32_t i = 0; i < m->nvalues; i++) {
		const struct tvalue *c = &v->values[m->value + i];

		if ((mods & c->mods) == c->mods && key >= c->low &&
		    key <= c->high) {
			return 1;
		}
	}
	return 0;
}

/* Keys that are modifiers make no chord of their own. */
static uint64_t
chord_keys(const struct facts *f, unsigned word)
{
	return word == 0xe0 / 64 ? f->keys[word] & ~(UINT64_C(0xff) << 0xe0 % 64)
				 : f->keys[word];
}

static int
chords_hold(const struct tview *v, const struct tmatch *m,
    const struct facts *f, int all)
{
	for (unsigned i = 0; i < KEY_WORDS; i++) {
		uint64_t left = chord_keys(f, i);

		while (left != 0) {
			unsigned bit = (unsigned)__builtin_ctzll(left);

			left &= left - 1;
			if (is_chord(v, m, f->mods, i * 64 + bit) != all) {
				return !all;
			}
		}
	}
	return all;
}

static int
usages_hold(const struct tview *v, const struct tmatch *m,
    const struct facts *f, int all)
{
	for (uint32_t i = 0; i < f->nusages; i++) {
		if (number_holds(v, m, f->usages[i]) != all) {
			return !all;
		}
	}
	return all;
}

static int
text_holds(const struct tview *v, const struct tmatch *m,
    const struct facts *f, int is_hex)
{
	for (uint32_t i = 0; f->text != NULL && i < m->nvalues; i++) {
		const struct tvalue *t = &v->values[m->value + i];

		if (t->len <= f->text_len &&
		    (is_hex || t->is_prefix || t->len == f->text_len) &&
		    memcmp(f->text, v->texts + t->bytes, t->len) == 0) {
			return 1;
		}
	}
	return 0;
}

#define UNKNOWN (-1)

static int
fact_holds(const struct tview *v, const struct tmatch *m,
    const struct facts *f, int all)
{
	if (!facts_has(f, (enum fact)m->fact)) {
		return UNKNOWN;
	}
	switch ((enum fact_kind)m->fact_kind) {
	case FACT_IS_NUMBER:
	case FACT_IS_WORD:
	case FACT_IS_FLAG:
		return number_holds(v, m, f->num[m->fact]);
	case FACT_IS_SPAN:
		return span_holds(v, m, f, all);
	case FACT_IS_KEYS:
		return keys_hold(v, m, f, all);
	case FACT_IS_CHORDS:
		return chords_hold(v, m, f, all);
	case FACT_IS_USAGES:
		return usages_hold(v, m, f, all);
	case FACT_IS_TEXT:
		return text_holds(v, m, f, 0);
	case FACT_IS_HEX:
		return text_holds(v, m, f, 1);
	}
	return 0;
}

/* ------------------------------------------------------------------------ */
/* Bytes and time                                                           */

static int
masked_equal(const uint8_t *p, const uint8_t *want, const uint8_t *mask,
    uint32_t len)
{
	uint8_t diff = 0;

	for (uint32_t i = 0; i < len; i++) {
		diff |= (uint8_t)((p[i] ^ want[i]) &
		    (mask != NULL ? mask[i] : 0xff));
	}
	return diff == 0;
}

static int
has_bytes(const struct facts *f, uint32_t offset, uint32_t len)
{
	return f->bytes != NULL && offset <= f->nbytes &&
	    len <= f->nbytes - offset;
}

static const uint8_t *
mask_of(const struct tview *v, const struct tmatch *m)
{
	return m->mask == UINT32_MAX ? NULL : v->texts + m->mask;
}

static int
bytes_hold(
    const struct tview *v, const struct tmatch *m, const struct facts *f)
{
	const uint8_t *mask = mask_of(v, m);
	uint64_t n = 0;
	int is_there = 0;

	for (uint32_t i = 0; m->width == 0 && i < m->nvalues; i++) {
		const struct tvalue *t = &v->values[m->value + i];

		if (!has_bytes(f, m->offset, t->len)) {
			continue;
		}
		is_there = 1;
		if (masked_equal(f->bytes + m->offset, v->texts + t->bytes,
			mask, t->len)) {
			return 1;
		}
	}
	if (m->width == 0) {
		return is_there ? 0 : UNKNOWN;
	}
	if (!has_bytes(f, m->offset, m->width)) {
		return UNKNOWN;
	}
	for (unsigned i = 0; i < m->width; i++) {
		/* the mask is as the bytes lie */
		unsigned at = m->is_big ? i : m->width - 1u - i;
		uint8_t byte = f->bytes[m->offset + at];

		n = n << 8 |
		    (mask != NULL ? (uint8_t)(byte & mask[at]) : byte);
	}
	return number_holds(v, m, n);
}

static int
contains(const struct tview *v, const struct tmatch *m, const struct facts *f)
{
	if (f->bytes == NULL) {
		return UNKNOWN;
	}
	for (uint32_t i = 0; i < m->nvalues; i++) {
		const struct tvalue *t = &v->values[m->value + i];

		for (uint64_t at = m->offset;
		     at <= m->last && has_bytes(f, (uint32_t)at, t->len);
		     at++) {
			if (memcmp(f->bytes + at, v->texts + t->bytes,
				t->len) == 0) {
				return 1;
			}
		}
	}
	return 0;
}

#define DAY INT64_C(86400)

/* A window that wraps past midnight belongs to the day on which it began. */
static int
in_window(const struct tvalue *w, unsigned day, uint64_t second)
{
	unsigned before = (day + 6) % 7;

	if (w->low < w->high) {
		return (w->mods >> day & 1) != 0 && second >= w->low &&
		    second < w->high;
	}
	return ((w->mods >> day & 1) != 0 && second >= w->low) ||
	    ((w->mods >> before & 1) != 0 && second < w->high);
}

static int
time_holds(const struct tview *v, const struct tmatch *m, int64_t local)
{
	int64_t days = local / DAY - (local % DAY < 0);
	/* 1970-01-01 was a Thursday; Monday is 0 */
	unsigned day = (unsigned)(((days + 3) % 7 + 7) % 7);
	uint64_t second = (uint64_t)(local - days * DAY);

	for (uint32_t i = 0; i < m->nvalues; i++) {
		if (in_window(&v->values[m->value + i], day, second)) {
			return 1;
		}
	}
	return 0;
}

int
tmatch_holds(const struct tview *v, const struct tmatch *m,
    const struct facts *f, int all, int64_t local)
{
	int is_outside = (m->is_not != 0) != (m->op == MATCH_NE);
	int holds = 0;

	switch ((enum match_kind)m->kind) {
	case MATCH_FACT:
		/* all outside is: none inside */
		holds = fact_holds(v, m, f, all != is_outside);
		break;
	case MATCH_BYTES:
		holds = bytes_hold(v, m, f);
		break;
	case MATCH_CONTAINS:
		holds = contains(v, m, f);
		break;
	case MATCH_TIME:
		holds = time_holds(v, m, local);
		break;
	case MATCH_OVER:
		break;
	}
	if (holds == UNKNOWN) {
		return m->is_not && !all;
	}
	return holds != is_outside;
}
