/*
 * The second pass: from the tree of all files to the table. What a grammar
 * cannot say is judged here. All errors are reported; one is enough for no
 * table at all.
 *
 * 1. Names are sorted and measured: names.c.
 * 2. Groups are flattened: expand.c.
 * 3. Every clause of a rule becomes a test (here) or a term (term.c).
 */
#include "policy/rules/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define KEY_MAX 128

void
check_complain(struct checker *c, const struct word *word, const char *text)
{
	int len = word->len > 60 ? 60 : (int)word->len;

	load_error(c->load, c->source, word->line, word->column,
	    word->is_string ? "\"%.*s\": %s" : "`%.*s': %s", len, word->text,
	    text);
}

static uint32_t
kinds_of(const struct value *value)
{
	return value->u.fact.group != NULL ? value->u.fact.group->kinds
					   : 1u << value->u.fact.kind;
}

/* Whether it cannot hold without a fact of the certificate. */
static int
set_is_proved(const struct value_set *set)
{
	size_t n = 0;

	if (set->op == OP_NONE_OF) {
		return 0;
	}
	for (size_t i = 0; i < set->nvalues; i++) {
		n += (kinds_of(&set->values[i]) & FACTS_OF_DESK) == 0;
	}
	return set->op == OP_ONE_OF || set->op == OP_MATCH_ALL
	    ? n == set->nvalues : n > 0;
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
	if (op == OP_NONE && !ATTR_IS_USBGUARD(attr) &&
	    (set->has_braces || out->nvalues > 1)) {
		load_error(c->load, c->source, set->line, set->column,
		    "a set after `%s' must name its operator; expected "
		    "`one-of', `all-of' or another before `{'",
		    attr_name(attr));
	}
	if (op == OP_NONE) {
		op = ATTR_IS_USBGUARD(attr) ? OP_EQUALS : OP_ONE_OF;
	}
	if ((op == OP_EQUALS || op == OP_EXACTLY) &&
	    out->nvalues > RULES_MAX_EQUALS) {
		load_error(c->load, c->source, set->line, set->column,
		    "more than %u values in a set for `%s'", RULES_MAX_EQUALS,
		    op_name(op));
	}
	out->op = op;
	out->has_braces = set->has_braces || out->nvalues != 1;
	for (size_t i = 0; attr == ATTR_PIN && i < out->nvalues; i++) {
		out->kinds |= 1u << out->values[i].u.pin.kind;
	}
	for (size_t i = 0; attr == ATTR_TO && i < out->nvalues; i++) {
		const struct value *value = &out->values[i];

		out->kinds |= kinds_of(value);
	}
}

int
check_clause(
    struct checker *c, const struct clause *clause, struct test *test)
{
	struct value_set **tail = &test->sets;
	int is_positive = 0, is_proved = 0, is_bad = 0;

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
		is_proved |= clause->attr == ATTR_TO && set_is_proved(out);
		*tail = out;
		tail = &out->next;
	}
	test->is_of_desk = (uint8_t)desk_is_of(test);
	if (clause->attr == ATTR_TO && !is_positive && !is_bad) {
		load_error(c->load, c->source, clause->line, clause->column,
		    "`to' says only who may not; expected a fact that the "
		    "workstation must have, joined by `and'");
	} else if (test->is_of_desk && !is_proved && !is_bad) {
		load_error(c->load, c->source, clause->line, clause->column,
		    "`to' has only what workstations say of themselves; "
		    "expected a fact of a certificate beside it, joined by "
		    "`and'");
	}
	return 0;
}

/* --- issuers --- */

#define KINDS_OF_ONE_CA \
	(1u << FACT_ISSUER | 1u << FACT_ISSUER_KEY | 1u << FACT_FP)

/* Whether no certificate fits that is not of a CA that it names; that of one
 * certificate names its CA as well. */
static int
set_names_issuer(const struct value_set *set)
{
	size_t n = 0;

	if (set->op == OP_NONE_OF) {
		return 0;
	}
	for (size_t i = 0; i < set->nvalues; i++) {
		const struct value *value = &set->values[i];

		n += (kinds_of(value) & ~KINDS_OF_ONE_CA) == 0;
	}
	return set->op == OP_ONE_OF || set->op == OP_MATCH_ALL ?
	    n == set->nvalues : n > 0;
}

static int
names_issuer(const struct test *test)
{
	for (const struct value_set *set = test->sets; set != NULL;
	     set = set->next) {
		if (set->nvalues > 0 && set_names_issuer(set)) {
			return 1;
		}
	}
	return 0;
}

/* `and "issuer:NAME"' */
static int
add_issuer(struct checker *c, const struct stmt *stmt, struct test *test)
{
	struct token at = {.line = stmt->name->line,
	    .column = stmt->name->column};
	struct value_set **tail = &test->sets;
	struct set *set = load_set(c->load, OP_NONE, &at);
	struct word *word = load_alloc(c->load, sizeof(*word));
	struct value_set *out = load_alloc(c->load, sizeof(*out));
	size_t n = stmt->name->len + strlen("issuer:");
	char *text = load_alloc(c->load, n + 1);
	int r;

	if (set == NULL || word == NULL || out == NULL || text == NULL) {
		return ERR_NOMEM;
	}
	memcpy(text, "issuer:", n - stmt->name->len);
	memcpy(text + n - stmt->name->len, stmt->name->text, stmt->name->len);
	*word = *stmt->name;
	word->next = NULL;
	word->is_string = 1;
	word->text = text;
	word->len = (uint32_t)n;
	set->words = word;
	r = expand_set(c, ATTR_TO, set, &out->values, &out->nvalues);
	if (r != 0) {
		return r == ERR_FORMAT ? 0 : r; /* reported */
	}
	judge_set(c, ATTR_TO, set, out);
	while (*tail != NULL) {
		tail = &(*tail)->next;
	}
	*tail = out;
	return 0;
}

static int
judge_issuer(struct checker *c, const struct clause *clause, struct test *test)
{
	const struct rules_means *means = c->load->means;
	const struct stmt *stmt = c->home->defaults[DEFAULT_ISSUER];

	if (names_issuer(test)) {
		return 0;
	}
	if (stmt != NULL) {
		return add_issuer(c, stmt, test);
	}
	if (means != NULL && means->nissuers > 1) {
		load_error(c->load, c->source, clause->line, clause->column,
		    "`to' does not say of which CA, and the gateway trusts "
		    "%u; expected \"issuer:NAME\", or `default issuer NAME' "
		    "in this file", means->nissuers);
	}
	return 0;
}

/* --- rules --- */

static void
compile_key(struct checker *c, const struct clause *clause, struct rule *rule)
{
	const struct word *word = clause->arg[0];
	int is_fine = word->len > 0 && word->len <= KEY_MAX;

	for (uint32_t i = 0; i < word->len; i++) {
		is_fine &= word->text[i] > 0x20 && word->text[i] < 0x7f;
	}
	if (!is_fine) {
		check_complain(c, word, "no key; expected 1 to 128 printable "
					"bytes without blanks");
	}
	rule->key = word->text;
}

/* What a rule is made of: its own clauses, those of the statement that
 * includes its file, and the defaults of the file. */
struct parts {
	struct clause *clause[ATTR_MAX];
	const struct source *source[ATTR_MAX]; /* where it stands */
};

static void
collect_parts(struct parts *parts, struct clause *clauses,
    const struct source *source)
{
	for (struct clause *clause = clauses; clause != NULL;
	     clause = clause->next) {
		if (parts->clause[clause->attr] == NULL) {
			parts->clause[clause->attr] = clause;
			parts->source[clause->attr] = source;
		}
	}
}

static int
default_profile(struct checker *c, struct parts *parts)
{
	const struct stmt *stmt = c->home->defaults[DEFAULT_USING];
	struct clause *clause;

	if (stmt == NULL || parts->clause[ATTR_USING] != NULL) {
		return 0;
	}
	clause = load_alloc(c->load, sizeof(*clause));
	if (clause == NULL) {
		return ERR_NOMEM;
	}
	clause->attr = ATTR_USING;
	clause->arg[0] = stmt->name;
	clause->line = stmt->line;
	clause->column = stmt->column;
	parts->clause[ATTR_USING] = clause;
	parts->source[ATTR_USING] = c->home;
	return 0;
}

static int
gather(struct checker *c, const struct stmt *stmt, struct parts *parts)
{
	const struct stmt *by = stmt->source->by;

	memset(parts, 0, sizeof(*parts));
	c->home = by != NULL && by->include != INCLUDE_OWN ? by->source :
							     stmt->source;
	collect_parts(parts, stmt->clauses, stmt->source);
	if (stmt->is_forbid || stmt->verdict != RULE_ALLOW) {
		return 0;
	}
	if (by != NULL) {
		collect_parts(parts, by->clauses, by->source);
	}
	return default_profile(c, parts);
}

static int
compile_test(struct checker *c, struct clause *clause, struct rule *rule,
    struct test ***tail)
{
	struct test *test = load_alloc(c->load, sizeof(*test));
	size_t nerrors = c->load->nerrors;
	int r;

	if (test == NULL) {
		return ERR_NOMEM;
	}
	r = check_clause(c, clause, test);
	if (r == 0 && clause->attr == ATTR_TO &&
	    nerrors == c->load->nerrors) {
		r = judge_issuer(c, clause, test);
	}
	for (const struct value_set *set = test->sets;
	     set != NULL && clause->attr == ATTR_IF; set = set->next) {
		for (size_t i = 0; i < set->nvalues; i++) {
			enum condition_kind kind =
			    set->values[i].u.condition != NULL ?
			    set->values[i].u.condition->kind : COND_TRUE;

			rule->counts |= kind == COND_RULE_APPLIED ?
			    1u << RULE_APPLIED :
			    kind == COND_RULE_EVALUATED ?
			    1u << RULE_EVALUATED : 0;
		}
	}
	**tail = test;
	*tail = &test->next;
	return r;
}

static int
is_term(enum rule_attr attr)
{
	return attr >= ATTR_USING && attr <= ATTR_CAPTURE;
}

static void
refuse_part(
    struct checker *c, const struct stmt *stmt, const struct clause *clause)
{
	load_error(c->load, c->source, clause->line, clause->column,
	    stmt->is_forbid ?
		"`%s' cannot stand in a `forbid', which holds for everybody "
		"and whatever was granted" :
		"`%s' is a term of `allow', and this rule allows nothing",
	    attr_name(clause->attr));
}

static int
compile_part(struct checker *c, const struct stmt *stmt,
    struct clause *clause, struct rule *rule, struct test ***tail)
{
	int r;

	if (stmt->is_forbid ? clause->attr == ATTR_TO ||
		    clause->attr == ATTR_AUDIT || is_term(clause->attr) :
		stmt->verdict != RULE_ALLOW && is_term(clause->attr)) {
		refuse_part(c, stmt, clause);
		return 0;
	}
	if (rule->is_narrowing && is_term(clause->attr)) {
		/* No error: a bundle that no longer delegates must not be kept
		 * out by just those files that it is about. */
		rule->has_idle = 1;
		return 0;
	}
	if (clause->attr == ATTR_KEY) {
		compile_key(c, clause, rule);
	} else if (clause->attr == ATTR_AUDIT) {
		rule->is_audit = 1;
	} else if (is_term(clause->attr)) {
		r = term_compile(c->load, c->home, c->source, clause, rule);
		return r == ERR_FORMAT ? 0 : r; /* reported */
	} else {
		return compile_test(c, clause, rule, tail);
	}
	return 0;
}

static int
compile_rule(struct checker *c, const struct stmt *stmt, struct rule *rule)
{
	struct test **tail = &rule->tests;
	struct parts parts;
	int r;

	rule->verdict = stmt->is_forbid ? RULE_BLOCK : stmt->verdict;
	rule->is_forbid = stmt->is_forbid;
	rule->is_exposed = stmt->is_exposed;
	rule->is_narrowing = stmt->source->is_narrowing;
	rule->file = stmt->source->name;
	rule->line = stmt->line;
	rule->key = "";
	rule->zone = "";
	rule->grant = (struct rule_grant){.profile = "", .approver = ""};
	r = gather(c, stmt, &parts);
	c->source = stmt->source;
	if (!stmt->is_forbid && stmt->verdict == RULE_ALLOW &&
	    !stmt->source->is_to_any && parts.clause[ATTR_TO] == NULL) {
		load_error(c->load, c->source, stmt->line, stmt->column,
		    "`allow' does not say to whom; expected `to', or "
		    "`default to any' in this file");
	}
	for (int attr = 0; r == 0 && attr < ATTR_MAX; attr++) {
		struct clause *clause = parts.clause[attr];
		size_t nerrors = c->load->nerrors;

		if (clause == NULL || clause->is_broken) {
			continue;
		}
		c->source = parts.source[attr];
		r = compile_part(c, stmt, clause, rule, &tail);
		/* said once of a statement that includes many rules */
		clause->is_broken = nerrors != c->load->nerrors;
	}
	rule->is_included = stmt->source->by != NULL &&
	    parts.source[ATTR_KEY] == stmt->source->by->source;
	return r;
}

/* Its clauses are judged once even if nothing in it is allowed. */
static int
check_include(struct checker *c, const struct stmt *stmt)
{
	struct rule scratch = {
		.key = "", .is_narrowing = stmt->source->is_narrowing};
	struct test **tail = &scratch.tests;
	struct stmt allow = {.verdict = RULE_ALLOW};
	int r = 0;

	c->home = c->source = stmt->source;
	for (struct clause *clause = stmt->clauses;
	     clause != NULL && r == 0; clause = clause->next) {
		size_t nerrors = c->load->nerrors;

		r = compile_part(c, &allow, clause, &scratch, &tail);
		clause->is_broken = nerrors != c->load->nerrors;
	}
	return r;
}

/* Which part of the table a rule belongs to. */
#define PHASES 4
static int
phase_of(const struct stmt *stmt)
{
	return stmt->is_forbid		  ? stmt->is_exposed :
	    stmt->source->is_narrowing ? 2 :
					 3;
}

/* The rules of one phase of a text and of what it includes, in order. */
static int
compile_source(struct checker *c, const struct source *source, int phase,
    struct rules *rules)
{
	int r = 0;

	for (const struct stmt *stmt = source->stmts; stmt != NULL && r == 0;
	     stmt = stmt->next) {
		if (stmt->kind == STMT_INCLUDE && phase == 0) {
			r = check_include(c, stmt);
		}
		if (r != 0) {
			return r;
		}
		if (stmt->kind == STMT_INCLUDE && stmt->included != NULL) {
			r = compile_source(c, stmt->included, phase, rules);
		} else if (stmt->kind == STMT_RULE &&
		    phase_of(stmt) == phase) {
			r = compile_rule(
			    c, stmt, &rules->rules[rules->nrules++]);
		}
	}
	return r;
}

static int
compile_rules(struct checker *c, struct rules *rules)
{
	struct rules_load *load = c->load;
	int r = 0;

	rules->rules =
	    load_alloc(load, (load->nrules + 1) * sizeof(*rules->rules));
	if (rules->rules == NULL) {
		return ERR_NOMEM;
	}
	if (load->nrules > RULES_MAX_RULES) {
		return ERR_LIMIT; /* reported when it was parsed */
	}
	for (int phase = 0; phase < PHASES && r == 0; phase++) {
		for (const struct source *s = load->sources;
		     s != NULL && r == 0; s = s->next) {
			if (s->by == NULL) {
				r = compile_source(c, s, phase, rules);
			}
		}
		if (phase == 0) {
			rules->nforbids = rules->nrules;
		} else if (phase == 1) {
			rules->nexposed = rules->nrules - rules->nforbids;
		}
	}
	return r;
}

static int
index_all(struct rules_load *load, struct rules *rules)
{
	size_t first = rules->nforbids + rules->nexposed;
	int r;

	r = index_build(&load->arena, &rules->forbids, rules->rules, 0,
	    rules->nforbids);
	if (r == 0) {
		r = index_build(&load->arena, &rules->exposed, rules->rules,
		    rules->nforbids, rules->nexposed);
	}
	if (r == 0) {
		r = index_build(&load->arena, &rules->others, rules->rules,
		    first, rules->nrules - first);
	}
	return r;
}

static unsigned
asks_of_condition(const struct condition *condition)
{
	switch (condition->kind) {
	case COND_LOCALTIME:
	case COND_PLUGGED_WITHIN:
	case COND_RULE_APPLIED:
	case COND_RULE_EVALUATED:
		return RULES_ASK_TIME;
	case COND_SESSION:
		return RULES_ASK_DESKS;
	case COND_ALLOWED_MATCHES:
	case COND_EXPORTED_MATCHES:
	case COND_AMBIGUOUS:
		return RULES_ASK_DEVICES;
	case COND_ARMED:
		return RULES_ASK_ARMED;
	case COND_TRUE:
	case COND_FALSE:
	case COND_RANDOM:
	case COND_FIRST_SEEN:
	case COND_MAX:
		break;
	}
	return 0;
}

static unsigned
asks_of(const struct rule *rule)
{
	unsigned asks = rule->nwindows > 0 || rule->grant.until != 0 ?
	    RULES_ASK_TIME : 0;

	for (const struct test *test = rule->tests; test != NULL;
	     test = test->next) {
		asks |= test->is_of_desk ? RULES_ASK_DESKS : 0;
		for (size_t i = 0;
		     test->attr == ATTR_IF && i < test->sets->nvalues; i++) {
			asks |= asks_of_condition(
			    test->sets->values[i].u.condition);
		}
	}
	return asks;
}

int
check_load(struct rules_load *load, struct rules *rules)
{
	struct checker c = {.load = load};
	int r = names_check(&c);

	for (size_t i = 0; r == 0 && i < c.ngroups; i++) {
		r = expand_group(&c, c.groups[i]);
	}
	if (r == 0) {
		r = compile_rules(&c, rules);
	}
	for (size_t i = 0; r == 0 && load->nerrors == 0 && i < rules->nrules;
	     i++) {
		rules->rules[i].id = print_id(&rules->rules[i]);
		/* no other layer's, whatever its key is */
		if (rules->rules[i].is_narrowing &&
		    rules->rules[i].id != UINT64_MAX) {
			rules->rules[i].id = ~rules->rules[i].id;
		}
		rules->asks |= asks_of(&rules->rules[i]);
	}
	if (r == 0 && load->nerrors == 0) {
		r = index_all(load, rules);
	}
	if (r == ERR_NOMEM || load->is_nomem) {
		return ERR_NOMEM;
	}
	load_sort_errors(load);
	return load->nerrors > 0 ? ERR_FORMAT : 0;
}
