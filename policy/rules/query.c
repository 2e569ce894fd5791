/*
 * The query of allowed-matches() and exported-matches(): the text of a rule
 * without its verdict, in the language of the file that it stands in. It speaks
 * of devices only; conditions in it are checked but not judged, as in USBGuard.
 */
#include "policy/rules/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define QUERIES_MAX 4096u

/* Errors are shown at the condition: a query has no lines of its own. */
static void
move_words(struct clause *clause, const struct word *at)
{
	clause->line = at->line;
	clause->column = at->column;
	for (struct set *set = clause->sets; set != NULL; set = set->next) {
		set->line = at->line;
		set->column = at->column;
		for (struct word *w = set->words; w != NULL; w = w->next) {
			w->line = at->line;
			w->column = at->column;
		}
	}
}

static int
compile(struct checker *c, const struct word *at, struct clause *clauses,
    struct test **tail)
{
	for (struct clause *clause = clauses; clause != NULL;
	     clause = clause->next) {
		struct test *test = load_alloc(c->load, sizeof(*test));
		int r;

		if (test == NULL) {
			return ERR_NOMEM;
		}
		if (clause->attr >= ATTR_TO && clause->attr != ATTR_IF) {
			check_complain(c, at, "a query asks for devices, not "
			    "for workstations or terms; expected attributes "
			    "of devices only");
			return ERR_FORMAT;
		}
		move_words(clause, at);
		r = check_clause(c, clause, test);
		if (r != 0) {
			return r;
		}
		if (clause->attr != ATTR_IF) {
			*tail = test;
			tail = &test->next;
		}
	}
	return 0;
}

int
query_compile(struct checker *c, const struct word *word, const char *text,
    size_t len, struct test **out)
{
	static const char verb[] = "allow ";
	char *whole;
	struct rules_load *sub;
	size_t n = strlen(verb) + len, nerrors = c->load->nerrors;
	int r = ERR_NOMEM;

	*out = NULL;
	if (++c->nqueries > QUERIES_MAX) {
		check_complain(c, word, "more than 4096 queries in all rules");
		return ERR_FORMAT;
	}
	sub = rules_load_new();
	whole = malloc(n);
	if (sub == NULL || whole == NULL) {
		c->load->is_nomem = 1;
		goto out;
	}
	memcpy(whole, verb, n - len);
	memcpy(whole + n - len, text, len);
	/* one arena: what is parsed outlives the load of the query */
	sub->arena = c->load->arena;
	r = rules_load_text_as(sub, c->source->dialect, "", whole, n);
	c->load->arena = sub->arena;
	sub->arena.chunks = NULL;
	if (r == ERR_NOMEM) {
		c->load->is_nomem = 1;
	} else if (sub->nerrors > 0 || sub->sources->stmts == NULL) {
		char why[CHECK_WHY];

		snprintf(why, sizeof(why), "in its query: %.250s",
		    sub->nerrors > 0 ? sub->errors[0].text : "no query");
		check_complain(c, word, why);
		r = ERR_FORMAT;
	} else {
		r = compile(c, word, sub->sources->stmts->clauses, out);
	}
	if (r == 0 && c->load->nerrors != nerrors) {
		r = ERR_FORMAT;
	}
out:
	rules_load_free(sub);
	free(whole);
	return r;
}
