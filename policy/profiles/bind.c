/*
 * The profiles of all texts as one set: which of two of a name counts, whose
 * parent is who, and what is inherited.
 */
#include "policy/profiles/load.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"

/* By name; of one name the bundle's first, then the local one, else in the order
 * of the texts. */
static int
by_name(const void *pa, const void *pb)
{
	const struct profile *a = *(struct profile *const *)pa;
	const struct profile *b = *(struct profile *const *)pb;
	int r = strcmp(a->name, b->name);

	if (r != 0) {
		return r;
	}
	if (a->origin != b->origin) {
		return a->origin < b->origin ? 1 : -1;
	}
	return a->number < b->number ? -1 : 1;
}

/* Every profile of every text, and what of each can be judged alone. */
static int
collect(struct profile_load *load, struct profile_set *set)
{
	size_t n = 0;

	for (struct psource *s = load->sources; s != NULL; s = s->next) {
		for (struct pstmt *d = s->stmts; d != NULL; d = d->next) {
			n += d->profile != NULL;
			if (n == PLOAD_MAX_PROFILES + 1 && d->profile) {
				pload_error(load, &d->at, "more than %u "
				    "profiles", PLOAD_MAX_PROFILES);
			}
		}
	}
	if (n > PLOAD_MAX_PROFILES) {
		n = 0;
	}
	set->profiles = pload_alloc(load, (n + 1) * sizeof(*set->profiles));
	if (set->profiles == NULL) {
		return ERR_NOMEM;
	}
	for (struct psource *s = load->sources; s != NULL && n > 0;
	     s = s->next) {
		for (struct pstmt *d = s->stmts; d != NULL; d = d->next) {
			if (d->profile != NULL) {
				d->profile->number = (unsigned)set->n;
				set->profiles[set->n++] = d->profile;
				resolve_profile(load, d);
			}
		}
	}
	return 0;
}

static void
drop_doubles(struct profile_load *load, struct profile_set *set)
{
	size_t n = 0;

	qsort(set->profiles, set->n, sizeof(*set->profiles), by_name);
	for (size_t i = 0; i < set->n; i++) {
		struct profile *p = set->profiles[i];
		const struct profile *q = n > 0 ? set->profiles[n - 1] : NULL;

		if (q == NULL || strcmp(p->name, q->name) != 0) {
			set->profiles[n++] = p;
		} else if (p->origin != q->origin) {
			pload_warn(load, &q->at, "profile `%s' takes the "
			    "place of the one that is %s", q->name,
			    p->origin == PROFILE_STOCK ? "shipped" :
							 "local");
		} else {
			pload_error(load, &p->at, "profile `%s' is there "
			    "already, see %.200s line %u; expected another "
			    "name", p->name, q->at.file, q->at.line);
		}
	}
	set->n = n;
}

static int
name_before(const void *pa, const void *pb)
{
	const struct pstmt *a = *(struct pstmt *const *)pa;
	const struct pstmt *b = *(struct pstmt *const *)pb;
	int r = strcmp(a->name, b->name);

	return r != 0 ? r :
	    a->source->origin != b->source->origin ?
			(a->source->origin < b->source->origin ? -1 : 1) :
	    a->number < b->number ? -1 :
				    1;
}

/* Two defines of one name and origin. */
static int
check_defines(struct profile_load *load)
{
	struct pstmt **list;
	size_t n = 0;

	for (struct psource *s = load->sources; s != NULL; s = s->next) {
		for (struct pstmt *d = s->stmts; d != NULL; d = d->next) {
			n += d->kind == PSTMT_DEFINE;
		}
	}
	list = calloc(n + 1, sizeof(struct pstmt *));
	if (list == NULL) {
		return ERR_NOMEM;
	}
	n = 0;
	for (struct psource *s = load->sources; s != NULL; s = s->next) {
		for (struct pstmt *d = s->stmts; d != NULL; d = d->next) {
			if (d->kind == PSTMT_DEFINE) {
				d->number = (unsigned)n;
				list[n++] = d;
			}
		}
	}
	qsort(list, n, sizeof(*list), name_before);
	for (size_t i = 1; i < n; i++) {
		const struct pstmt *a = list[i - 1], *b = list[i];

		if (strcmp(a->name, b->name) == 0 &&
		    a->source->origin == b->source->origin) {
			pload_error(load, &b->at, "`%s' is defined already, "
			    "see %.200s line %u; expected another name",
			    b->name, a->at.file, a->at.line);
		}
	}
	free(list);
	return 0;
}

static void
find_parents(struct profile_load *load, struct profile_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		struct profile *p = set->profiles[i];
		int at;

		if (p->extends == NULL) {
			continue;
		}
		at = profile_set_find(set, p->extends);
		if (at >= 0) {
			p->parent = set->profiles[at];
		} else if (!load->is_broken) {
			pload_error(load, &p->extends_at, "there is no "
			    "profile `%s'; expected the name of one of these "
			    "files, or of one that is shipped", p->extends);
		}
	}
	for (size_t i = 0; i < set->n; i++) {
		struct profile *p = set->profiles[i], *q = p->parent;
		unsigned n = 1;

		while (q != NULL && q != p && n <= PLOAD_MAX_EXTENDS) {
			q = q->parent;
			n++;
		}
		if (q == p) {
			pload_error(load, &p->extends_at, "`%s' extends "
			    "itself, in a circle", p->name);
		} else if (q != NULL) {
			pload_error(load, &p->extends_at, "`%s' stands more "
			    "than %u profiles above the first", p->name,
			    PLOAD_MAX_EXTENDS);
		}
		if (q != NULL) {
			p->parent = NULL;
		}
	}
}

static void
inherit(struct profile *p)
{
	for (struct profile *q = p->parent; q != NULL; q = q->parent) {
		p->hooks |= q->hooks;
		if (p->triples == NULL) {
			p->triples = q->triples;
		}
		if (!p->has_mode && q->has_mode) {
			p->has_mode = 1;
			p->is_audit = q->is_audit;
		}
		p->cap_transfer = p->cap_transfer != 0 ? p->cap_transfer :
							 q->cap_transfer;
		p->cap_inflight = p->cap_inflight != 0 ? p->cap_inflight :
							 q->cap_inflight;
		p->cap_bytes = p->cap_bytes != 0 ? p->cap_bytes :
						   q->cap_bytes;
		if (p->arm_digits == 0) {
			p->arm_digits = q->arm_digits;
			p->arm_within = q->arm_within;
			p->arm_at = q->arm_at;
		}
	}
}

int
bind_profiles(struct profile_load *load, struct profile_set *set)
{
	int r = collect(load, set);

	if (r == 0) {
		r = check_defines(load);
	}
	if (r != 0) {
		return r;
	}
	drop_doubles(load, set);
	find_parents(load, set);
	for (size_t i = 0; i < set->n; i++) {
		inherit(set->profiles[i]);
	}
	for (size_t i = 0; i < set->n; i++) {
		check_profile(load, set->profiles[i]);
		if (!load->is_broken && load->errors.n == 0) {
			reach_profile(load, set->profiles[i]);
		}
	}
	check_meters(load, set);
	return 0;
}
