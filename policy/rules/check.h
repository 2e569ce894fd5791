/*
 * What names.c, expand.c, check.c and query.c share: the second pass over the tree.
 */
#ifndef POLICY_RULES_CHECK_H
#define POLICY_RULES_CHECK_H

#include "policy/rules/ast.h"

#define CHECK_WHY 320

struct checker {
	struct rules_load *load;
	const struct source *source; /* of the statement in hand */
	struct stmt **defines, **groups;
	size_t ndefines, ngroups;
	const struct source *home; /* whose defaults hold */
	size_t nvalues, nqueries; /* made so far */
	int is_in_group;
};

/* An error at a word. */
void check_complain(
    struct checker *c, const struct word *word, const char *text);
/* A clause into a test. 0, also when it has errors (reported), ERR_NOMEM or
 * ERR_LIMIT. */
int check_clause(
    struct checker *c, const struct clause *clause, struct test *test);

/* names.c: sorts and measures. 0 or ERR_NOMEM. */
int names_check(struct checker *c);
/* The define that a word names, NULL when it is no `$NAME'; *is_unknown when
 * it names none. */
struct stmt *names_define(
    struct checker *c, const struct word *word, int *is_unknown);
/* The same of "@NAME". */
struct stmt *names_group(
    struct checker *c, const struct word *word, int *is_unknown);

/* expand.c: the values of a set of words into a new array. ERR_FORMAT
 * (reported), ERR_LIMIT (reported: the load ends) or ERR_NOMEM. */
int expand_set(struct checker *c, enum rule_attr attr, const struct set *set,
    struct value **out, size_t *outn);
/* Compiles a group after those that it names; the depth is bounded by
 * names_check. 0, also when it has errors, ERR_LIMIT or ERR_NOMEM. */
int expand_group(struct checker *c, struct stmt *stmt);

/* query.c: the text of a query into tests. 0, also when it has errors
 * (reported at word), or ERR_NOMEM. */
int query_compile(struct checker *c, const struct word *word,
    const char *text, size_t len, struct test **out);

#endif
