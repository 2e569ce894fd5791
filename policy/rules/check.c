/*
 * The second pass: from the tree of all files to the table. Names are
 * resolved, every value gets its type, and what a grammar cannot say is judged
 * here. All errors are reported; one is enough for no table at all.
 *
 * 1. Names: groups and defines sorted, doubles and circles found, sizes summed.
 * 2. Groups: every one flattened into its facts.
 * 3. Rules: every clause compiled into a test.
 *
 * Sizes are known before anything is expanded, so that a few lines that name
 * each other cannot grow into gigabytes.
 */
#include "policy/rules/ast.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define WHY 320
#define KEY_MAX 128

struct checker {
	struct rules_load *load;
	const struct source *source; /* of the statement in hand */
	struct stmt **defines, **groups;
	size_t ndefines, ngroups;
	size_t nvalues; /* made so far */
	int is_in_group;
};

static void
complain(struct checker *c, const struct word *word, const char *text)
{
	int len = word->len > 60 ? 60 : (int)word->len;

	load_error(c->load, c->source, word->line, word->column,
	    word->is_string ? "\"%.*s\": %s" : "`%.*s': %s", len, word->text,
	    text);
}

/* --- 1. names --- */

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

/* The define that a word names, NULL when it is no `$NAME'; *is_unknown when
 * it names none. */
static struct stmt *
define_of(struct checker *c, const struct word *word, int *is_unknown)
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

static struct stmt *
group_of(struct checker *c, const struct word *word, int *is_unknown)
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
			complain(c, stmt->name, "a name has letters, digits, "
						"`-', `_' and `.' only");
		}
		if (i > 0 && compare_stmts(&sorted[i - 1], &stmt) == 0) {
			const struct stmt *other = sorted[i - 1];
			char why[WHY];

			snprintf(why, sizeof(why),
			    "the name is defined twice, also in %.100s, "
			    "line %u",
			    other->source->name, other->line);
			complain(c, stmt->name, why);
		}
	}
	*out = sorted;
	*outn = n;
	return 0;
}

static uint32_t
complain_broken(struct checker *c, struct stmt *stmt, const char *text)
{
	complain(c, stmt->name, text);
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
		return complain_broken(
		    c, stmt, "defined by itself, in a circle");
	}
	if (depth > RULES_MAX_NESTING) {
		return complain_broken(c, stmt, too_deep);
	}
	stmt->visit = 1;
	stmt->height = 1;
	for (struct word *w = stmt->set->words; w != NULL; w = w->next) {
		struct stmt *inner;
		int is_unknown;
		uint32_t n = 1;

		inner = stmt->kind == STMT_GROUP ? group_of(c, w, &is_unknown)
						 : NULL;
		if (inner == NULL) {
			inner = define_of(c, w, &is_unknown);
		}
		if (is_unknown && stmt->kind == STMT_DEFINE) {
			complain(c, w, "no such define");
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
		return complain_broken(c, stmt, too_deep);
	}
	return sum;
}

/* --- values --- */

/* Adds the value of a word, or all that its name stands for. at is the word to
 * complain about: in the statement in hand, even when the value comes out of a
 * define. */
static int
expand(struct checker *c, enum rule_attr attr, const struct word *word,
    const struct word *at, struct value *values, size_t *n, size_t max)
{
	int is_unknown, r;
	struct stmt *define = define_of(c, word, &is_unknown);
	struct value *value;
	char why[WHY] = "";

	if (is_unknown) {
		if (at == word) { /* else reported where it stands */
			complain(c, at, "no such define");
		}
		return ERR_FORMAT;
	}
	if (define != NULL && define->is_broken) {
		return ERR_FORMAT; /* reported there */
	}
	if (define != NULL) {
		for (struct word *w = define->set->words; w != NULL;
		     w = w->next) {
			r = expand(c, attr, w, at, values, n, max);
			if (r != 0) {
				return r;
			}
		}
		return 0;
	}
	if (*n >= max) {
		return ERR_LIMIT; /* not reached: measured before */
	}
	value = &values[*n];
	r = value_parse(&c->load->arena, value, attr, word, why, sizeof(why));
	if (r == ERR_FORMAT) {
		if (at != word) {
			char whole[WHY + 100];

			snprintf(whole, sizeof(whole), "its value %.60s: %s",
			    word->text, why);
			complain(c, at, whole);
		} else {
			complain(c, at, why);
		}
		return r;
	}
	if (r == 0 && attr == ATTR_TO && value->u.fact.kind == FACT_GROUP) {
		struct stmt *group = group_of(c, word, &is_unknown);

		if (c->is_in_group && at != word) {
			complain(c, at, "a define inside of a group cannot "
					"name a group");
			return ERR_FORMAT;
		}
		if (group == NULL) {
			complain(c, at, "no such group of workstations");
			return ERR_FORMAT;
		}
		if (group->is_broken) {
			return ERR_FORMAT; /* reported there */
		}
		value->u.fact.group = group->group;
	}
	if (r == 0) {
		(*n)++;
	}
	return r;
}

/* The values of a set of words into a new array. */
static int
expand_set(struct checker *c, enum rule_attr attr, const struct set *set,
    struct value **out, size_t *outn)
{
	size_t max = 0, n = 0;
	int r = 0;

	for (const struct word *w = set->words; w != NULL; w = w->next) {
		int is_unknown;
		const struct stmt *define = define_of(c, w, &is_unknown);

		max += define != NULL ? define->expanded : 1;
		if (max > RULES_MAX_SET) {
			complain(c, w, "more than 4096 values in one set");
			return ERR_FORMAT;
		}
	}
	c->nvalues += max;
	if (c->nvalues > RULES_MAX_VALUES) {
		complain(c, set->words, "more than 1048576 values in all "
					"rules, defines put in place");
		return ERR_LIMIT;
	}
	*out = load_alloc(c->load, max * sizeof(**out));
	if (*out == NULL) {
		return ERR_NOMEM;
	}
	for (const struct word *w = set->words; w != NULL; w = w->next) {
		int e = expand(c, attr, w, w, *out, &n, max);

		if (e == ERR_NOMEM) {
			return e;
		}
		r = r != 0 ? r : e;
	}
	*outn = n;
	return r;
}

/* --- 2. groups --- */

/* Compiles a group after those that it names; depth is bounded by measure. */
static int
compile_group(struct checker *c, struct stmt *stmt)
{
	struct compiled_group *group;
	struct value *own = NULL;
	size_t nown = 0, total = 0;
	int r;

	if (stmt->group != NULL || stmt->is_broken) {
		return 0;
	}
	for (struct word *w = stmt->set->words; w != NULL; w = w->next) {
		int is_unknown;
		struct stmt *inner = group_of(c, w, &is_unknown);

		if (inner != NULL && (r = compile_group(c, inner)) != 0) {
			return r;
		}
	}
	group = load_alloc(c->load, sizeof(*group));
	if (group == NULL) {
		return ERR_NOMEM;
	}
	stmt->group = group;
	group->name = stmt->name->text;
	c->source = stmt->source;
	c->is_in_group = 1;
	r = expand_set(c, ATTR_TO, stmt->set, &own, &nown);
	c->is_in_group = 0;
	if (r != 0) {
		return r == ERR_FORMAT ? 0 : r; /* reported: go on */
	}
	for (size_t i = 0; i < nown; i++) {
		const struct compiled_group *inner = own[i].u.fact.group;

		total += inner != NULL ? inner->nvalues : 1;
	}
	c->nvalues += total;
	if (total > RULES_MAX_VALUES || c->nvalues > RULES_MAX_VALUES) {
		complain(c, stmt->name, "more than 1048576 values in all "
					"groups, inner ones put in place");
		return ERR_LIMIT;
	}
	group->values = load_alloc(c->load, total * sizeof(*group->values));
	if (group->values == NULL) {
		return ERR_NOMEM;
	}
	for (size_t i = 0; i < nown; i++) {
		const struct compiled_group *inner = own[i].u.fact.group;

		if (inner == NULL) {
			group->values[group->nvalues++] = own[i];
			group->kinds |= 1u << own[i].u.fact.kind;
			continue;
		}
		if (inner->nvalues > 0) {
			memcpy(&group->values[group->nvalues], inner->values,
			    inner->nvalues * sizeof(*inner->values));
		}
		group->nvalues += inner->nvalues;
		group->kinds |= inner->kinds;
	}
	return 0;
}

/* --- 3. rules --- */

static int
is_usbguard(enum rule_attr attr)
{
	return attr <= ATTR_LABEL;
}

static void
judge_set(struct checker *c, enum rule_attr attr, const struct set *set,
    struct value_set *out)
{
	enum set_op op = set->op;

	if ((op == OP_ONLY || op == OP_EXACTLY) &&
	    attr != ATTR_WITH_INTERFACE && attr != ATTR_WITH_CLASS) {
		load_error(c->load, c->source, set->line, set->column,
		    "`%s' is for `with-interface' and `with-class'; expected "
		    "`all-of', `one-of', `none-of', `equals', "
		    "`equals-ordered' or `match-all'",
		    op_name(op));
	}
	if (op == OP_NONE && !is_usbguard(attr) &&
	    (set->has_braces || out->nvalues > 1)) {
		load_error(c->load, c->source, set->line, set->column,
		    "a set after `%s' must name its operator; expected "
		    "`one-of', `all-of' or another before `{'",
		    attr_name(attr));
	}
	if (op == OP_NONE) {
		op = is_usbguard(attr) ? OP_EQUALS : OP_ONE_OF;
	}
	if ((op == OP_EQUALS || op == OP_EXACTLY) &&
	    out->nvalues > RULES_MAX_EQUALS) {
		load_error(c->load, c->source, set->line, set->column,
		    "more than %u values in a set for `%s'", RULES_MAX_EQUALS,
		    op_name(op));
	}
	out->op = op;
	out->has_braces = set->has_braces || out->nvalues != 1;
	for (size_t i = 0; attr == ATTR_TO && i < out->nvalues; i++) {
		const struct value *value = &out->values[i];

		out->kinds |= value->u.fact.group != NULL ?
		    value->u.fact.group->kinds : 1u << value->u.fact.kind;
	}
}

static int
compile_clause(
    struct checker *c, const struct clause *clause, struct test *test)
{
	struct value_set **tail = &test->sets;
	int is_positive = 0, is_bad = 0;

	test->attr = clause->attr;
	for (const struct set *set = clause->sets; set != NULL;
	     set = set->next) {
		struct value_set *out =
		    load_alloc(c->load, sizeof(*out));
		int r;

		if (out == NULL) {
			return ERR_NOMEM;
		}
		r = expand_set(
		    c, clause->attr, set, &out->values, &out->nvalues);
		if (r == ERR_NOMEM || r == ERR_LIMIT) {
			return r;
		}
		if (r == 0) {
			judge_set(c, clause->attr, set, out);
		} else {
			is_bad = 1;
		}
		is_positive |= out->op != OP_NONE_OF;
		*tail = out;
		tail = &out->next;
	}
	if (clause->attr == ATTR_TO && !is_positive && !is_bad) {
		load_error(c->load, c->source, clause->line, clause->column,
		    "`to' says only who may not; expected a fact that the "
		    "workstation must have, joined by `and'");
	}
	return 0;
}

static void
compile_key(struct checker *c, const struct clause *clause, struct rule *rule)
{
	const struct word *word = clause->sets->words;
	int is_fine = word->len > 0 && word->len <= KEY_MAX;

	for (uint32_t i = 0; i < word->len; i++) {
		is_fine &= word->text[i] > 0x20 && word->text[i] < 0x7f;
	}
	if (!is_fine) {
		complain(c, word, "no key; expected 1 to 128 printable bytes "
				  "without blanks");
	}
	rule->key = word->text;
}

static int
compile_rule(struct checker *c, const struct stmt *stmt, struct rule *rule)
{
	struct test **tail = &rule->tests;

	c->source = stmt->source;
	rule->verdict = stmt->verdict;
	rule->file = stmt->source->name;
	rule->line = stmt->line;
	rule->key = "";
	if (stmt->verdict == RULE_ALLOW && !stmt->source->is_to_any &&
	    (stmt->seen & 1u << ATTR_TO) == 0) {
		load_error(c->load, c->source, stmt->line, stmt->column,
		    "`allow' does not say to whom; expected `to', or "
		    "`default to any' in this file");
	}
	for (const struct clause *clause = stmt->clauses; clause != NULL;
	     clause = clause->next) {
		struct test *test;
		int r;

		if (clause->attr == ATTR_KEY) {
			compile_key(c, clause, rule);
			continue;
		}
		test = load_alloc(c->load, sizeof(*test));
		if (test == NULL) {
			return ERR_NOMEM;
		}
		r = compile_clause(c, clause, test);
		if (r != 0) {
			return r;
		}
		*tail = test;
		tail = &test->next;
	}
	return 0;
}

static int
compile_rules(struct checker *c, struct rules *rules)
{
	size_t n = collect(c->load, STMT_RULE, NULL);

	rules->rules = load_alloc(c->load, (n + 1) * sizeof(*rules->rules));
	if (rules->rules == NULL) {
		return ERR_NOMEM;
	}
	if (n > RULES_MAX_RULES) {
		load_error(c->load, c->load->sources, 1, 1,
		    "more than %u rules in all files", RULES_MAX_RULES);
		return ERR_LIMIT;
	}
	for (struct source *s = c->load->sources; s != NULL; s = s->next) {
		for (struct stmt *stmt = s->stmts; stmt != NULL;
		     stmt = stmt->next) {
			int r;

			if (stmt->kind != STMT_RULE) {
				continue;
			}
			r = compile_rule(
			    c, stmt, &rules->rules[rules->nrules]);
			if (r != 0) {
				return r;
			}
			rules->nrules++;
		}
	}
	return 0;
}

static int
check_names(struct checker *c)
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

int
check_load(struct rules_load *load, struct rules *rules)
{
	struct checker c = {.load = load};
	int r = check_names(&c);

	for (size_t i = 0; r == 0 && i < c.ngroups; i++) {
		r = compile_group(&c, c.groups[i]);
	}
	if (r == 0) {
		r = compile_rules(&c, rules);
	}
	for (size_t i = 0; r == 0 && load->nerrors == 0 && i < rules->nrules;
	     i++) {
		rules->rules[i].id = print_id(&rules->rules[i]);
	}
	if (r == 0 && load->nerrors == 0) {
		r = index_build(&load->arena, rules);
	}
	if (r == ERR_NOMEM) {
		return r;
	}
	load_sort_errors(load);
	return load->nerrors > 0 ? ERR_FORMAT : 0;
}
