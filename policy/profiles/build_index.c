/*
 * The index over the rules of one hook. Each rule that asks for values of some
 * fact is filed under one such fact: the one of which the rules of this hook
 * name the most different values, so that few rules share a place. Values are
 * cut into spans in which the same rules can match; a rule that would stand in
 * too many of them, or asks for no value, is tried for every unit.
 */
#include <stdlib.h>
#include <string.h>

#include "policy/profiles/build_parts.h"

#define FEW 8u		/* rules that need no index */
#define SPREAD 256u	/* spans that one rule may stand in */
#define JUMPS_FROM 16u /* spans; fewer are looked through by halves */
#define JUMPS_MAX 8192u
#define BUDGET(n) (16u * (n) + 4096u) /* entries of all lists together */

/* A rule, and one range or text under which it is filed. */
struct entry {
	uint32_t rule;
	uint64_t low, high;
	uint32_t bytes, len;
};

static const struct trule *
rule_at(const struct draft *d, uint32_t i)
{
	return (const struct trule *)d->rules.p + i;
}

static const struct tmatch *
match_at(const struct draft *d, uint32_t i)
{
	return (const struct tmatch *)d->matches.p + i;
}

static const struct tvalue *
value_at(const struct draft *d, uint32_t i)
{
	return (const struct tvalue *)d->values.p + i;
}

static int
is_pass(const struct trule *r)
{
	return r->verdict == VERDICT_ALLOW || r->verdict == VERDICT_REWRITE;
}

/* Whether a unit that the rule matches must have one of its values. An empty
 * set lies inside of everything: an allow is no key by sets. */
static int
is_key(const struct draft *d, const struct trule *r, const struct tmatch *m)
{
	if (m->kind != MATCH_FACT || m->is_not || m->op == MATCH_NE) {
		return 0;
	}
	switch ((enum fact_kind)m->fact_kind) {
	case FACT_IS_NUMBER:
	case FACT_IS_WORD:
	case FACT_IS_SPAN:
		return 1;
	case FACT_IS_KEYS:
	case FACT_IS_CHORDS:
	case FACT_IS_USAGES:
		return !is_pass(r);
	case FACT_IS_TEXT:
		for (uint32_t i = 0; i < m->nvalues; i++) {
			if (value_at(d, m->value + i)->is_prefix) {
				return 0;
			}
		}
		return 1;
	case FACT_IS_FLAG:
	case FACT_IS_HEX:
		break;
	}
	return 0;
}

static int
is_text(unsigned kind)
{
	return kind == FACT_IS_TEXT;
}

/* ------------------------------------------------------------------------ */
/* The values of a match as ranges                                          */

static struct range *
add_range(struct grow *out, uint64_t low, uint64_t high)
{
	struct range *r = grow_add(out, 1);

	if (r != NULL) {
		*r = (struct range){low, high};
	}
	return r;
}

static int
bits_of(const struct draft *d, const struct tmatch *m, struct grow *out)
{
	const uint64_t *words = (const uint64_t *)d->words.p + m->word;

	for (uint64_t n = 0; n < 64u * m->nwords; n++) {
		if ((words[n / 64] >> n % 64 & 1) != 0 &&
		    add_range(out, n, n) == NULL) {
			return -1;
		}
	}
	return 0;
}

static int
one_of(const struct tmatch *m, uint64_t n, struct grow *out)
{
	switch ((enum match_op)m->op) {
	case MATCH_IN:
		return add_range(out, n, n) == NULL;
	case MATCH_LT:
		return n > 0 && add_range(out, 0, n - 1) == NULL;
	case MATCH_LE:
		return add_range(out, 0, n) == NULL;
	case MATCH_GT:
		return n < UINT64_MAX &&
		    add_range(out, n + 1, UINT64_MAX) == NULL;
	case MATCH_GE:
		return add_range(out, n, UINT64_MAX) == NULL;
	case MATCH_NE:
		break;
	}
	return -1;
}

/* Joined; -1 without memory. */
static int
ranges_of(const struct draft *d, const struct tmatch *m, struct grow *out)
{
	int r = 0;

	out->n = 0;
	if (m->form == TFORM_BITS) {
		r = bits_of(d, m, out);
	} else if (m->form == TFORM_ONE) {
		r = one_of(m, value_at(d, m->value)->low, out);
	} else {
		for (uint32_t i = 0; i < m->nvalues && r == 0; i++) {
			const struct tvalue *v = value_at(d, m->value + i);

			r = add_range(out, v->low, v->high) == NULL;
		}
	}
	if (r != 0) {
		return -1;
	}
	out->n = ranges_join(out->p, out->n);
	return 0;
}

/* ------------------------------------------------------------------------ */
/* Which fact                                                               */

/* Something to tell the values of one match from those of others by. */
static uint64_t
print_of(const struct draft *d, const struct tmatch *m)
{
	uint64_t h = m->op;

	for (uint32_t i = 0; i < m->nvalues; i++) {
		const struct tvalue *v = value_at(d, m->value + i);

		h = (h ^ v->low) * UINT64_C(1099511628211);
		h = (h ^ v->high) * UINT64_C(1099511628211);
		for (uint32_t k = 0; k < v->len; k++) {
			h = (h ^
				((const uint8_t *)
					d->build->texts.p)[v->bytes + k]) *
			    UINT64_C(1099511628211);
		}
	}
	for (uint32_t i = 0; i < m->nwords; i++) {
		h = (h ^ ((const uint64_t *)d->words.p)[m->word + i]) *
		    UINT64_C(1099511628211);
	}
	return h;
}

static int
compare_u64(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* How many different values the rules of the hook ask of a fact. */
static size_t
count_different(struct draft *d, const struct thook *on, unsigned fact,
    struct grow *prints)
{
	uint64_t *p;
	size_t n = 0;

	prints->n = 0;
	for (uint32_t i = on->first; i < on->first + on->n; i++) {
		const struct trule *r = rule_at(d, i);

		for (uint32_t k = 0; k < r->nmatches; k++) {
			const struct tmatch *m = match_at(d, r->match + k);
			uint64_t *to;

			if (m->kind != MATCH_FACT || m->fact != fact ||
			    !is_key(d, r, m)) {
				continue;
			}
			to = grow_add(prints, 1);
			if (to == NULL) {
				d->build->is_full = 1;
				return 0;
			}
			*to = print_of(d, m);
		}
	}
	p = prints->p;
	if (prints->n > 0) {
		qsort(p, prints->n, sizeof(*p), compare_u64);
	}
	for (size_t i = 0; i < prints->n; i++) {
		n += i == 0 || p[i] != p[i - 1];
	}
	return n;
}

/* The match that files the rule; NULL = none. */
static const struct tmatch *
key_of(const struct draft *d, const struct trule *r, const size_t *different)
{
	const struct tmatch *best = NULL;

	for (uint32_t k = 0; k < r->nmatches; k++) {
		const struct tmatch *m = match_at(d, r->match + k);

		if (is_key(d, r, m) &&
		    (best == NULL ||
			different[m->fact] > different[best->fact])) {
			best = m;
		}
	}
	return best;
}

/* ------------------------------------------------------------------------ */
/* Spans                                                                    */

static int
add_entries(struct draft *d, uint32_t rule, const struct tmatch *m,
    struct grow *ranges, struct grow *entries)
{
	if (is_text(m->fact_kind)) {
		for (uint32_t i = 0; i < m->nvalues; i++) {
			const struct tvalue *v = value_at(d, m->value + i);
			struct entry *e = grow_add(entries, 1);

			if (e == NULL) {
				return -1;
			}
			*e = (struct entry){
				.rule = rule, .bytes = v->bytes, .len = v->len};
		}
		return 0;
	}
	if (ranges_of(d, m, ranges) != 0) {
		return -1;
	}
	for (size_t i = 0; i < ranges->n; i++) {
		const struct range *r = (const struct range *)ranges->p + i;
		struct entry *e = grow_add(entries, 1);

		if (e == NULL) {
			return -1;
		}
		*e = (struct entry){
			.rule = rule, .low = r->low, .high = r->high};
	}
	return 0;
}

/* Where the set of rules may change: at each low, and behind each high. */
static int
cuts_of(const struct grow *entries, struct grow *cuts)
{
	const struct entry *e = entries->p;
	uint64_t *p;
	size_t n = 0;

	for (size_t i = 0; i < entries->n; i++) {
		uint64_t *to = grow_add(cuts, 2);

		if (to == NULL) {
			return -1;
		}
		to[0] = e[i].low;
		/* nothing is behind the last number of all */
		to[1] = e[i].high == UINT64_MAX ? e[i].low : e[i].high + 1;
	}
	p = cuts->p;
	if (cuts->n > 0) {
		qsort(p, cuts->n, sizeof(*p), compare_u64);
	}
	for (size_t i = 0; i < cuts->n; i++) {
		if (i == 0 || p[i] != p[i - 1]) {
			p[n++] = p[i];
		}
	}
	cuts->n = n;
	return 0;
}

/* The number of the span that begins at a cut. */
static size_t
cut_at(const struct grow *cuts, uint64_t value)
{
	const uint64_t *p = cuts->p;
	size_t low = 0, high = cuts->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (p[mid] < value) {
			low = mid + 1;
		} else {
			high = mid;
		}
	}
	return low;
}

static size_t
cut_behind(const struct grow *cuts, uint64_t high)
{
	return high == UINT64_MAX ? cuts->n : cut_at(cuts, high + 1);
}

/* Whether all entries of a rule fit; n is how many there are. */
static int
is_spread(const struct entry *e, size_t n, const struct grow *cuts,
    size_t *left)
{
	size_t sum = 0;

	for (size_t i = 0; i < n; i++) {
		sum += cut_behind(cuts, e[i].high) - cut_at(cuts, e[i].low);
	}
	if (sum > SPREAD && sum > *left / 16) {
		return 1;
	}
	if (sum > *left) {
		return 1;
	}
	*left -= sum;
	return 0;
}

/* Rules whose entries stand in too many spans go to rest. */
static int
move_spread(struct grow *entries, const struct grow *cuts, size_t nrules,
    uint8_t *is_rest)
{
	struct entry *e = entries->p;
	size_t left = BUDGET(nrules), out = 0, i = 0;

	while (i < entries->n) {
		size_t n = 1;

		while (i + n < entries->n && e[i + n].rule == e[i].rule) {
			n++;
		}
		if (is_spread(e + i, n, cuts, &left)) {
			is_rest[e[i].rule] = 1;
		} else {
			memmove(e + out, e + i, n * sizeof(*e));
			out += n;
		}
		i += n;
	}
	entries->n = out;
	return 0;
}

/* The lists of spans, rules rising in each since entries rise. */
static int
put_spans(struct draft *d, struct tindex *index, const struct grow *entries,
    const struct grow *cuts)
{
	const uint64_t *cut = cuts->p;
	struct tspan *spans = grow_add(&d->spans, cuts->n);
	const struct entry *e = entries->p;
	size_t first = d->lists.n, total = 0;

	if (spans == NULL && cuts->n > 0) {
		return -1;
	}
	index->span = (uint32_t)(d->spans.n - cuts->n);
	index->nspans = (uint32_t)cuts->n;
	for (size_t i = 0; i < cuts->n; i++) {
		spans[i].low = cut[i];
		spans[i].high =
		    i + 1 < cuts->n ? cut[i + 1] - 1 : UINT64_MAX;
	}
	for (size_t i = 0; i < entries->n; i++) {
		for (size_t k = cut_at(cuts, e[i].low);
		     k < cut_behind(cuts, e[i].high); k++) {
			spans[k].n++;
			total++;
		}
	}
	if (total > 0 && grow_add(&d->lists, total) == NULL) {
		return -1;
	}
	for (size_t i = 0; i < cuts->n; i++) {
		spans[i].list = (uint32_t)first;
		first += spans[i].n;
		spans[i].n = 0;
	}
	for (size_t i = 0; i < entries->n; i++) {
		for (size_t k = cut_at(cuts, e[i].low);
		     k < cut_behind(cuts, e[i].high); k++) {
			((uint32_t *)d->lists.p)[spans[k].list + spans[k].n++] =
			    e[i].rule;
		}
	}
	return 0;
}

/* Where to begin to look for a value: places at equal distances, about as many
 * as there are spans. */
static int
put_jumps(struct draft *d, struct tindex *index)
{
	const struct tspan *s = (const struct tspan *)d->spans.p + index->span;
	uint32_t n = 1, at = 0, *jumps;
	uint64_t width;

	if (index->nspans < JUMPS_FROM) {
		return 0;
	}
	width = s[index->nspans - 1].low - s[0].low;
	while (n < index->nspans && n < JUMPS_MAX) {
		n *= 2;
	}
	while (width >> index->shift >= n) {
		index->shift++;
	}
	jumps = grow_add(&d->lists, n + 1);
	if (jumps == NULL) {
		return -1;
	}
	index->jump = (uint32_t)(d->lists.n - n - 1);
	index->njumps = n;
	for (uint32_t k = 0; k < n; k++) {
		/* the last span has no end: it stops there */
		while (s[at].high - s[0].low < (uint64_t)k << index->shift) {
			at++;
		}
		jumps[k] = at;
	}
	jumps[n] = index->nspans - 1;
	return 0;
}

static const uint8_t *sort_texts; /* what the comparison looks into */

static int
compare_texts(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	uint32_t n = x->len < y->len ? x->len : y->len;
	int r = n > 0 ?
	    memcmp(sort_texts + x->bytes, sort_texts + y->bytes, n) :
	    0;

	return r != 0 ? r :
	    x->len != y->len ? (x->len > y->len ? 1 : -1) :
			       (x->rule > y->rule) - (x->rule < y->rule);
}

static int
is_same_text(const struct entry *x, const struct entry *y)
{
	return x->len == y->len &&
	    memcmp(sort_texts + x->bytes, sort_texts + y->bytes, x->len) == 0;
}

static int
put_texts(struct draft *d, struct tindex *index, struct grow *entries)
{
	struct entry *e = entries->p;

	sort_texts = d->build->texts.p;
	qsort(e, entries->n, sizeof(*e), compare_texts);
	index->span = (uint32_t)d->spans.n;
	for (size_t i = 0; i < entries->n; i++) {
		struct tspan *span = (struct tspan *)d->spans.p + d->spans.n -
		    1;
		uint32_t *rule;

		if (i > 0 && is_same_text(&e[i], &e[i - 1])) {
			if (e[i].rule == e[i - 1].rule) {
				continue;
			}
		} else {
			span = grow_add(&d->spans, 1);
			if (span == NULL) {
				return -1;
			}
			*span = (struct tspan){
				.bytes = e[i].bytes,
				.len = e[i].len,
				.list = (uint32_t)d->lists.n,
			};
			index->nspans++;
		}
		rule = grow_add(&d->lists, 1);
		if (rule == NULL) {
			return -1;
		}
		*rule = e[i].rule;
		span->n++;
	}
	return 0;
}

/* ------------------------------------------------------------------------ */

struct work {
	struct grow ranges, entries, cuts, prints;
	size_t different[FACTS];
	uint8_t *is_rest; /* by rule */
};

/* All rules that are filed under one fact. */
static int
index_fact(struct draft *d, const struct thook *on, struct work *w,
    const struct hook_fact *fact)
{
	struct tindex index = {
		.fact = (uint8_t)fact->fact, .kind = (uint8_t)fact->kind};
	struct tindex *to;
	int r;

	w->entries.n = w->cuts.n = 0;
	for (uint32_t i = on->first; i < on->first + on->n; i++) {
		const struct tmatch *m =
		    key_of(d, rule_at(d, i), w->different);

		if (m != NULL && m->fact == fact->fact &&
		    add_entries(d, i, m, &w->ranges, &w->entries) != 0) {
			return -1;
		}
	}
	if (w->entries.n == 0) {
		return 0;
	}
	if (is_text(fact->kind)) {
		r = put_texts(d, &index, &w->entries);
	} else {
		r = cuts_of(&w->entries, &w->cuts);
		if (r == 0) {
			r = move_spread(
			    &w->entries, &w->cuts, on->n, w->is_rest);
		}
		if (r == 0) {
			r = put_spans(d, &index, &w->entries, &w->cuts);
		}
		if (r == 0) {
			r = put_jumps(d, &index);
		}
	}
	to = r == 0 ? grow_add(&d->indexes, 1) : NULL;
	if (to == NULL) {
		return -1;
	}
	*to = index;
	return 0;
}

static int
put_rest(struct draft *d, struct thook *on, const struct work *w)
{
	on->rest = (uint32_t)d->lists.n;
	for (uint32_t i = on->first; i < on->first + on->n; i++) {
		uint32_t *to;

		if (!w->is_rest[i]) {
			continue;
		}
		to = grow_add(&d->lists, 1);
		if (to == NULL) {
			return -1;
		}
		*to = i;
		on->nrest++;
	}
	return 0;
}

static int
build(struct draft *d, struct thook *on, const struct hook_info *info,
    struct work *w)
{
	uint32_t first = (uint32_t)d->indexes.n;
	int r = 0;

	for (size_t i = 0; i < info->nfacts; i++) {
		w->different[info->facts[i].fact] = count_different(
		    d, on, info->facts[i].fact, &w->prints);
	}
	for (uint32_t i = on->first; i < on->first + on->n; i++) {
		w->is_rest[i] =
		    key_of(d, rule_at(d, i), w->different) == NULL;
	}
	for (size_t i = 0; i < info->nfacts && r == 0; i++) {
		r = index_fact(d, on, w, &info->facts[i]);
	}
	if (r == 0) {
		r = put_rest(d, on, w);
	}
	on->index = first;
	on->nindexes = (uint32_t)d->indexes.n - first;
	return r;
}

void
build_index(struct draft *d, struct thook *on, enum hook hook)
{
	struct work w = {
		.ranges.each = sizeof(struct range),
		.entries.each = sizeof(struct entry),
		.cuts.each = sizeof(uint64_t),
		.prints.each = sizeof(uint64_t),
	};

	if (on->n <= FEW) {
		return;
	}
	w.is_rest = calloc(d->rules.n + 1, 1);
	if (w.is_rest == NULL || build(d, on, hook_info(hook), &w) != 0) {
		d->build->is_full = 1;
	}
	free(w.ranges.p);
	free(w.entries.p);
	free(w.cuts.p);
	free(w.prints.p);
	free(w.is_rest);
}
