/*
 * Which rules of a hook can match a unit at all, in order, by the index that
 * build.c made: the spans of a fact that the unit's value, range, set or text
 * touches each give a list of rules; the lists are merged as they are walked.
 * Rules under no index are always among them. Where a unit touches too many
 * spans, every rule is tried.
 */
#include <string.h>

#include "policy/profiles/layout.h"

static int
add(struct candidates *c, const struct tview *v, const struct tspan *span)
{
	if (span->n == 0) {
		return 0;
	}
	if (c->n == TABLE_SOURCES) {
		c->is_all = 1;
		return -1;
	}
	c->at[c->n] = v->lists + span->list;
	c->end[c->n] = c->at[c->n] + span->n;
	c->n++;
	return 0;
}

/* The first span that ends at or above a value. */
static uint32_t
first_span(const struct tview *v, const struct tindex *index, uint64_t value)
{
	const struct tspan *spans = v->spans + index->span;
	uint32_t low = 0, high = index->nspans;

	if (index->njumps > 0 && value >= spans[0].low) {
		const uint32_t *jumps = v->lists + index->jump;
		uint64_t k = (value - spans[0].low) >> index->shift;

		if (k >= index->njumps) {
			low = jumps[index->njumps];
		} else {
			low = jumps[k];
			high = jumps[k + 1];
		}
	}
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (spans[mid].high < value) {
			low = mid + 1;
		} else {
			high = mid;
		}
	}
	return low;
}

static void
add_range(struct candidates *c, const struct tview *v,
    const struct tindex *index, uint64_t low, uint64_t high)
{
	const struct tspan *spans = v->spans + index->span;
	uint32_t i = first_span(v, index, low);

	for (; i < index->nspans && spans[i].low <= high; i++) {
		if (add(c, v, &spans[i]) != 0) {
			return;
		}
	}
}

static void
add_keys(struct candidates *c, const struct tview *v,
    const struct tindex *index, const struct facts *f)
{
	for (unsigned i = 0; i < KEY_WORDS; i++) {
		for (uint64_t left = f->keys[i]; left != 0 && !c->is_all;
		     left &= left - 1) {
			uint64_t key =
			    i * 64 + (unsigned)__builtin_ctzll(left);

			add_range(c, v, index, key, key);
		}
	}
}

static int
compare_text(const struct tview *v, const struct tspan *span,
    const struct facts *f)
{
	uint32_t n = span->len < f->text_len ? span->len : f->text_len;
	int r = n > 0 ? memcmp(v->texts + span->bytes, f->text, n) : 0;

	return r != 0 ? r
	    : span->len < f->text_len ? -1
				      : span->len > f->text_len;
}

static void
add_text(struct candidates *c, const struct tview *v,
    const struct tindex *index, const struct facts *f)
{
	const struct tspan *spans = v->spans + index->span;
	uint32_t low = 0, high = index->nspans;

	while (f->text != NULL && low < high) {
		uint32_t mid = low + (high - low) / 2;
		int r = compare_text(v, &spans[mid], f);

		if (r == 0) {
			(void)add(c, v, &spans[mid]);
			return;
		}
		if (r < 0) {
			low = mid + 1;
		} else {
			high = mid;
		}
	}
}

static void
add_fact(struct candidates *c, const struct tview *v,
    const struct tindex *index, const struct facts *f)
{
	enum fact fact = (enum fact)index->fact;

	if (!facts_has(f, fact)) {
		return;
	}
	switch ((enum fact_kind)index->kind) {
	case FACT_IS_NUMBER:
	case FACT_IS_WORD:
	case FACT_IS_FLAG:
		add_range(c, v, index, f->num[fact], f->num[fact]);
		return;
	case FACT_IS_SPAN:
		if (f->num[fact] <= f->high) {
			add_range(c, v, index, f->num[fact], f->high);
		} else {
			/* an empty range lies inside of everything */
			c->is_all = 1;
		}
		return;
	case FACT_IS_KEYS:
	case FACT_IS_CHORDS:
		add_keys(c, v, index, f);
		return;
	case FACT_IS_USAGES:
		for (uint32_t i = 0; i < f->nusages && !c->is_all; i++) {
			add_range(c, v, index, f->usages[i], f->usages[i]);
		}
		return;
	case FACT_IS_TEXT:
	case FACT_IS_HEX:
		add_text(c, v, index, f);
		return;
	}
}

void
candidates_init(struct candidates *c, const struct tview *v,
    const struct thook *on, const struct facts *f)
{
	c->n = 0;
	c->next = on->first;
	c->last = on->first + on->n;
	c->is_all = on->nindexes == 0;
	if (c->is_all) {
		return;
	}
	if (on->nrest > 0) {
		c->at[0] = v->lists + on->rest;
		c->end[0] = c->at[0] + on->nrest;
		c->n = 1;
	}
	for (uint32_t i = 0; i < on->nindexes && !c->is_all; i++) {
		add_fact(c, v, &v->indexes[on->index + i], f);
	}
}

uint32_t
candidates_next(struct candidates *c)
{
	uint32_t least = UINT32_MAX;
	unsigned i = 0;

	if (c->is_all) {
		return c->next < c->last ? c->next++ : UINT32_MAX;
	}
	for (unsigned k = 0; k < c->n; k++) {
		if (*c->at[k] < least) {
			least = *c->at[k];
		}
	}
	while (i < c->n) {
		if (*c->at[i] == least && ++c->at[i] == c->end[i]) {
			c->n--;
			c->at[i] = c->at[c->n];
			c->end[i] = c->end[c->n];
		} else {
			i++;
		}
	}
	return least;
}
