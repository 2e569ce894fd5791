/*
 * Names that stand for values: defines and groups of workstations. They are
 * sorted, doubles and circles are found, and sizes are summed before anything
 * is put in place, so that a few lines that name each other cannot grow into
 * gigabytes.
 */
#include "policy/rules/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

static int
compare_text(const char *a, size_t alen, const char *b, size_t blen)
{
	int order = memcmp(a, b, alen < blen ? alen : blen);

	return order != 0 ? order : (alen > blen) - (alen < blen);
}

static int
compare_stmts(const void *pa, const void *pb)
{
	const struct stmt *a = *(const struct stmt *const *)pa;
	const struct stmt *b = *(const struct stmt *const *)pb;

	return compare_text(
	    a->name->text, a->name->len, b->name->text, b->name->len);
}

static struct stmt *
find(struct stmt **sorted, size_t n, const char *text, size_t len)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct word *name = sorted[mid]->name;
		int order = compare_text(text, len, name->text, name->len);

		if (order == 0) {
			return sorted[mid];
		}
		if (order < 0) {
			high = mid;
		} else {
			low = mid + 1;
		}
	}
	return NULL;
}

struct stmt *
names_define(struct checker *c, const struct word *word, int *is_unknown)
{
	struct stmt *stmt;

	*is_unknown = 0;
	if (word->is_string || word->len == 0 || word->text[0] != '$') {
		return NULL;
	}
	stmt = find(c->defines, c->ndefines, word->text + 1, word->len - 1);
	*is_unknown = stmt == NULL;
	return stmt;
}

struct stmt *
names_group(struct checker *c, const struct word *word, int *is_unknown)
{
	struct stmt *stmt;

	*is_unknown = 0;
	if (!word->is_string || word->len == 0 || word->text[0] != '@') {
		return NULL;
	}
	stmt = find(c->groups, c->ngroups, word->text + 1, word->len - 1);
	*is_unknown = stmt == NULL;
	return stmt;
}

static size_t
collect(struct rules_load *load, enum stmt_kind kind, struct stmt **out)
{
	size_t n = 0;

	for (struct source *s = load->sources; s != NULL; s = s->next) {
		for (struct stmt *stmt = s->stmts; stmt != NULL;
		     stmt = stmt->next) {
			if (stmt->kind == kind) {
				if (out != NULL) {
					out[n] = stmt;
				}
				n++;
			}
		}
	}
	return n;
}

static int
sort_names(
    struct checker *c, enum stmt_kind kind, struct stmt ***out, size_t *outn)
{
	size_t n = collect(c->load, kind, NULL);
	struct stmt **sorted = load_alloc(c->load, (n + 1) * sizeof(*sorted));

	if (sorted == NULL) {
		return ERR_NOMEM;
	}
	collect(c->load, kind, sorted);
	qsort(sorted, n, sizeof(*sorted), compare_stmts);
	for (size_t i = 0; i < n; i++) {
		struct stmt *stmt = sorted[i];

		c->source = stmt->source;
		if (!value_is_name(stmt->name->text, stmt->name->len)) {
			check_complain(c, stmt->name, "a name has letters, digits, "
						"`-', `_' and `.' only");
		}
		if (i > 0 && compare_stmts(&sorted[i - 1], &stmt) == 0) {
			const struct stmt *other = sorted[i - 1];
			char why[CHECK_WHY];

			snprintf(why, sizeof(why),
			    "the name is defined twice, also in %.100s, "
			    "line %u",
			    other->source->name, other->line);
			check_complain(c, stmt->name, why);
		}
	}
	*out = sorted;
	*outn = n;
	return 0;
}

static uint32_t
break_name(struct checker *c, struct stmt *stmt, const char *text)
{
	check_complain(c, stmt->name, text);
	stmt->is_broken = 1;
	return 0;
}

static const char too_deep[] =
    "names that stand for names are nested more than 16 deep";

/* Number of values a define or group has when what it names is put in place;
 * finds unknown names, circles and too deep nesting. Saturates. */
static uint32_t
measure(struct checker *c, struct stmt *stmt, unsigned depth)
{
	uint32_t sum = 0;

	if (stmt->visit == 2) {
		return stmt->expanded;
	}
	c->source = stmt->source;
	if (stmt->visit == 1) {
		return break_name(
		    c, stmt, "defined by itself, in a circle");
	}
	if (depth > RULES_MAX_NESTING) {
		return break_name(c, stmt, too_deep);
	}
	stmt->visit = 1;
	stmt->height = 1;
	for (struct word *w = stmt->set->words; w != NULL; w = w->next) {
		struct stmt *inner;
		int is_unknown;
		uint32_t n = 1;

		inner = stmt->kind == STMT_GROUP ? names_group(c, w, &is_unknown)
						 : NULL;
		if (inner == NULL) {
			inner = names_define(c, w, &is_unknown);
		}
		if (is_unknown && stmt->kind == STMT_DEFINE) {
			check_complain(c, w, "no such define");
		}
		if (inner != NULL) {
			n = measure(c, inner, depth + 1);
			c->source = stmt->source;
			stmt->is_broken |= inner->is_broken;
			if (stmt->height <= inner->height) {
				stmt->height = inner->height + 1;
			}
		}
		sum = sum > RULES_MAX_VALUES ? sum : sum + n;
	}
	stmt->visit = 2;
	stmt->expanded = sum;
	if (stmt->height > RULES_MAX_NESTING) {
		return break_name(c, stmt, too_deep);
	}
	return sum;
}

int
names_check(struct checker *c)
{
	int r;

	r = sort_names(c, STMT_DEFINE, &c->defines, &c->ndefines);
	if (r == 0) {
		r = sort_names(c, STMT_GROUP, &c->groups, &c->ngroups);
	}
	for (size_t i = 0; r == 0 && i < c->ndefines; i++) {
		measure(c, c->defines[i], 0);
	}
	for (size_t i = 0; r == 0 && i < c->ngroups; i++) {
		measure(c, c->groups[i], 0);
	}
	return r;
}
