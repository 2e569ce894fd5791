/*
 * Rules that nothing can reach: because what they ask for cannot be, or because
 * the rules before them take all of it. A proof only where it is certain: facts
 * compared as ranges, everything else as it is written.
 *
 * The rules of a parent stand behind, and may well be covered: that is how a
 * profile changes what it extends. So each profile is judged by itself.
 */
#include "policy/profiles/load.h"

#include <stdlib.h>
#include <string.h>

#define STEPS_MAX (UINT64_C(1) << 30) /* comparisons of one load */

struct span {
	uint64_t low, high;
};

struct form { /* of a match with a fact of numbers */
	const struct match *match;
	const struct form *next;
	struct span *spans; /* sorted, apart; NULL = not of numbers */
	size_t n;
	uint8_t is_many; /* the fact has several values at once */
};

struct shape { /* of a rule */
	const struct prule *rule;
	const struct form *forms;
};

struct reacher {
	struct profile_load *load;
	struct arena scratch;
	struct span *spans; /* of a union; owned */
	size_t room;
};

/* --- ranges --- */

static int
by_low(const void *pa, const void *pb)
{
	const struct span *a = pa, *b = pb;

	return a->low < b->low ? -1 : a->low > b->low;
}

/* Sorts, and joins what touches; the number that remains. */
static size_t
join(struct span *s, size_t n)
{
	size_t out = 0;

	qsort(s, n, sizeof(*s), by_low);
	for (size_t i = 0; i < n; i++) {
		if (out > 0 && (s[out - 1].high == UINT64_MAX ||
				   s[i].low <= s[out - 1].high + 1)) {
			if (s[i].high > s[out - 1].high) {
				s[out - 1].high = s[i].high;
			}
		} else {
			s[out++] = s[i];
		}
	}
	return out;
}

/* Whether all of a lies in b; both joined. */
static int
is_inside(struct reacher *r, const struct span *a, size_t na,
    const struct span *b, size_t nb)
{
	size_t j = 0;

	r->load->steps += na + nb;
	for (size_t i = 0; i < na; i++) {
		while (j < nb && b[j].high < a[i].low) {
			j++;
		}
		if (j == nb || b[j].low > a[i].low || b[j].high < a[i].high) {
			return 0;
		}
	}
	return 1;
}

static int
do_meet(const struct form *a, const struct form *b)
{
	size_t i = 0, j = 0;

	while (i < a->n && j < b->n) {
		if (a->spans[i].high < b->spans[j].low) {
			i++;
		} else if (b->spans[j].high < a->spans[i].low) {
			j++;
		} else {
			return 1;
		}
	}
	return 0;
}

/* --- forms --- */

static uint64_t
max_of(const struct match *m)
{
	if (m->kind == MATCH_BYTES) {
		return (UINT64_C(1) << (8u * m->width)) - 1;
	}
	return m->fact->kind == FACT_IS_SPAN ? UINT64_MAX : m->fact->max;
}

static int
is_of_numbers(const struct match *m)
{
	if (m->kind == MATCH_BYTES) {
		return m->width != 0 && m->mask == NULL;
	}
	return m->kind == MATCH_FACT && m->fact != NULL &&
	    m->fact->kind != FACT_IS_CHORDS && m->fact->kind != FACT_IS_TEXT &&
	    m->fact->kind != FACT_IS_HEX;
}

static size_t
spans_of_op(const struct match *m, struct span *out)
{
	uint64_t v = m->values->low, max = max_of(m);

	switch (m->op) {
	case MATCH_LT:
		*out = (struct span){0, v - 1};
		return v > 0;
	case MATCH_LE:
		*out = (struct span){0, v};
		return 1;
	case MATCH_GT:
		*out = (struct span){v + 1, max};
		return v < max;
	case MATCH_GE:
		*out = (struct span){v, max};
		return v <= max;
	case MATCH_IN:
	case MATCH_NE:
		break;
	}
	return 0;
}

/* What lies between the spans, in place of them; there is room for one more. */
static size_t
complement(struct span *s, size_t n, uint64_t max)
{
	uint64_t from = 0;
	size_t out = 0;

	for (size_t i = 0; i < n; i++) {
		struct span at = s[i];

		if (at.low > from) {
			s[out++] = (struct span){from, at.low - 1};
		}
		if (at.high >= max) {
			return out;
		}
		from = at.high + 1;
	}
	s[out++] = (struct span){from, max};
	return out;
}

static struct form *
form_of(struct reacher *r, const struct match *m)
{
	struct form *f = arena_alloc(&r->scratch, sizeof(*f));
	size_t n = 0;

	if (f == NULL) {
		r->load->is_nomem = 1;
		return NULL;
	}
	f->match = m;
	if (!is_of_numbers(m) || m->values == NULL) {
		return f;
	}
	for (const struct value *v = m->values; v != NULL; v = v->next) {
		n++;
	}
	f->spans = arena_alloc(&r->scratch, (n + 1) * sizeof(*f->spans));
	if (f->spans == NULL) {
		r->load->is_nomem = 1;
		return NULL;
	}
	f->is_many = m->kind == MATCH_FACT &&
	    (m->fact->kind == FACT_IS_KEYS || m->fact->kind == FACT_IS_SPAN ||
		m->fact->kind == FACT_IS_USAGES);
	if (m->op != MATCH_IN && m->op != MATCH_NE) {
		f->n = spans_of_op(m, f->spans);
		return f;
	}
	for (const struct value *v = m->values; v != NULL; v = v->next) {
		f->spans[f->n++] = (struct span){v->low, v->high};
	}
	f->n = join(f->spans, f->n);
	if (m->op == MATCH_NE) {
		f->n = complement(f->spans, f->n, max_of(m));
	}
	return f;
}

/* --- what implies what --- */

static int
is_same_subject(const struct match *a, const struct match *b)
{
	return a->kind == b->kind && a->fact == b->fact &&
	    (a->kind != MATCH_BYTES ||
		(a->width == b->width && a->is_big == b->is_big &&
		    a->offset == b->offset));
}

static int
is_same_text(const struct value *a, const struct value *b)
{
	for (; a != NULL && b != NULL; a = a->next, b = b->next) {
		if (a->low != b->low || a->high != b->high ||
		    a->mods != b->mods || a->is_prefix != b->is_prefix ||
		    a->len != b->len ||
		    (a->len > 0 && memcmp(a->bytes, b->bytes, a->len) != 0)) {
			return 0;
		}
	}
	return a == NULL && b == NULL;
}

/* Whether both ask all values of a fact, or both any. */
static int
is_same_reach(const struct prule *a, const struct prule *b)
{
	return (a->verdict == VERDICT_ALLOW) == (b->verdict == VERDICT_ALLOW);
}

/* Whether a holds wherever b of another rule does. */
static int
is_implied(struct reacher *r, const struct shape *sa, const struct form *a,
    const struct shape *sb, const struct form *b)
{
	const struct match *ma = a->match, *mb = b->match;

	r->load->steps++;
	if (!is_same_subject(ma, mb) || ma->is_not != mb->is_not) {
		return 0;
	}
	if (a->spans != NULL && b->spans != NULL) {
		if (a->is_many && (!is_same_reach(sa->rule, sb->rule) ||
				      ma->op != mb->op)) {
			return 0;
		}
		return ma->is_not ?
		    is_inside(r, a->spans, a->n, b->spans, b->n) :
		    is_inside(r, b->spans, b->n, a->spans, a->n);
	}
	/* a meter counts between the two, and time goes on */
	return ma->kind == MATCH_FACT && ma->op == mb->op &&
	    a->spans == NULL && b->spans == NULL &&
	    is_same_reach(sa->rule, sb->rule) &&
	    is_same_text(ma->values, mb->values);
}

/* Whether rule a holds wherever b does, but for its matches of the subject of
 * `but'; *one is the one match of that. */
static int
covers(struct reacher *r, const struct shape *a, const struct shape *b,
    const struct form *but, const struct form **one)
{
	for (const struct form *f = a->forms; f != NULL; f = f->next) {
		const struct form *g = b->forms;

		if (but != NULL && is_same_subject(f->match, but->match) &&
		    f->spans != NULL && !f->match->is_not && *one == NULL) {
			*one = f;
			continue;
		}
		while (g != NULL && !is_implied(r, a, f, b, g)) {
			g = g->next;
		}
		if (g == NULL) {
			return 0;
		}
	}
	return 1;
}

static int
add_spans(struct reacher *r, size_t *n, const struct form *f)
{
	r->load->steps += f->n;
	if (f->n == 0) {
		return 1;
	}
	if (f->n > r->room - *n) {
		size_t room = (*n + f->n) * 2;
		struct span *p = realloc(r->spans, room * sizeof(*p));

		if (p == NULL) {
			r->load->is_nomem = 1;
			return 0;
		}
		r->spans = p;
		r->room = room;
	}
	memcpy(r->spans + *n, f->spans, f->n * sizeof(*f->spans));
	*n += f->n;
	return 1;
}

/* Whether no other rule is tried after this one. */
static int
decides(const struct prule *rule)
{
	return rule->verdict != PVERDICT_NOTE && !rule->is_audit;
}

/* Whether the rules before number i take all that its match `but' leaves. */
static int
is_taken(struct reacher *r, const struct shape *shapes, size_t i,
    const struct form *but)
{
	size_t n = 0;

	if (but->spans == NULL || but->match->is_not ||
	    (but->is_many && shapes[i].rule->verdict == VERDICT_ALLOW)) {
		return 0;
	}
	for (size_t j = 0; j < i && r->load->steps < STEPS_MAX; j++) {
		const struct form *one = NULL;

		if (!decides(shapes[j].rule) ||
		    !covers(r, &shapes[j], &shapes[i], but, &one) ||
		    one == NULL) {
			continue;
		}
		if (one->is_many &&
		    shapes[j].rule->verdict == VERDICT_ALLOW) {
			continue;
		}
		if (!add_spans(r, &n, one)) {
			return 0;
		}
	}
	n = n > 0 ? join(r->spans, n) : 0;
	return n > 0 && is_inside(r, but->spans, but->n, r->spans, n);
}

static void
judge(struct reacher *r, const struct shape *shapes, size_t i)
{
	const struct shape *s = &shapes[i];

	/* the last match is the first form */
	for (const struct form *f = s->forms; f != NULL; f = f->next) {
		if (f->spans == NULL || f->match->is_not) {
			continue;
		}
		if (f->n == 0) {
			pload_error(r->load, &f->match->at, "no value is "
			    "so, the rule can never be reached");
			return;
		}
		for (const struct form *g = s->forms; g != f; g = g->next) {
			if (g->spans != NULL && !g->match->is_not &&
			    !f->is_many &&
			    is_same_subject(f->match, g->match) &&
			    !do_meet(f, g)) {
				pload_error(r->load, &g->match->at,
				    "nothing is this and what the rule "
				    "matches before, it can never be "
				    "reached");
				return;
			}
		}
	}
	for (size_t j = 0; j < i && r->load->steps < STEPS_MAX; j++) {
		if (decides(shapes[j].rule) &&
		    covers(r, &shapes[j], s, NULL, NULL)) {
			pload_error(r->load, &s->rule->at, "this rule can "
			    "never be reached; the one of line %u takes all "
			    "that it matches", shapes[j].rule->at.line);
			return;
		}
	}
	for (const struct form *f = s->forms; f != NULL; f = f->next) {
		if (is_taken(r, shapes, i, f)) {
			pload_error(r->load, &s->rule->at, "this rule can "
			    "never be reached; those before it take all that "
			    "it matches");
			return;
		}
	}
}

static void
reach_hook(struct reacher *r, const struct prule *rules)
{
	struct shape *shapes;
	size_t n = 0;

	for (const struct prule *rule = rules; rule != NULL;
	     rule = rule->next) {
		n++;
	}
	shapes = arena_alloc(&r->scratch, (n + 1) * sizeof(*shapes));
	if (shapes == NULL) {
		r->load->is_nomem = 1;
		return;
	}
	n = 0;
	for (const struct prule *rule = rules; rule != NULL;
	     rule = rule->next) {
		shapes[n].rule = rule;
		for (const struct match *m = rule->matches; m != NULL;
		     m = m->next) {
			struct form *f = form_of(r, m);

			if (f == NULL) {
				return;
			}
			f->next = shapes[n].forms;
			shapes[n].forms = f;
		}
		n++;
	}
	for (size_t i = 0; i < n && r->load->steps < STEPS_MAX; i++) {
		judge(r, shapes, i);
	}
}

void
reach_profile(struct profile_load *load, const struct profile *p)
{
	struct reacher r = {.load = load};
	int was_over = load->steps >= STEPS_MAX;

	for (unsigned hook = 0; hook < HOOKS; hook++) {
		reach_hook(&r, p->rules[hook]);
	}
	if (load->steps >= STEPS_MAX && !was_over) {
		pload_error(load, &p->at, "the rules of profile `%s' are too "
		    "many to find out which of them can be reached; expected "
		    "fewer, or smaller sets", p->name);
	}
	free(r.spans);
	arena_fini(&r.scratch);
}
