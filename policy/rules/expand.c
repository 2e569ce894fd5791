/*
 * Values: what names stand for is put in place, and every word gets the type
 * that its attribute asks for. Groups are flattened into their facts.
 */
#include "policy/rules/check.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"

/* "issuer:NAME" of a name that the gateway gives a CA is that CA's key. */
static void
name_issuer(struct checker *c, struct value *value)
{
	const struct rules_means *means = c->load->means;

	if (means == NULL || value->u.fact.kind != FACT_ISSUER) {
		return;
	}
	for (size_t i = 0; i < means->nnamed; i++) {
		const struct rules_issuer *issuer = &means->issuers[i];
		char *key;

		if (strlen(issuer->name) != value->u.fact.len ||
		    memcmp(issuer->name, value->u.fact.text,
			value->u.fact.len) != 0) {
			continue;
		}
		key = arena_dup(&c->load->arena, issuer->key, 32);
		if (key == NULL) {
			c->load->is_nomem = 1;
			return;
		}
		value->u.fact.kind = FACT_ISSUER_KEY;
		value->u.fact.text = key;
		value->u.fact.len = 32;
		return;
	}
}

/* A `localtime' without a zone is in that of `default tz'; the word says so,
 * since a rule is printed alone. */
static int
set_zone(struct checker *c, struct condition *condition, struct value *value)
{
	const struct word *word = value->word;
	const struct stmt *stmt = c->home != NULL &&
		c->source->dialect == RULES_OWN ?
	    c->home->defaults[DEFAULT_TZ] : NULL;
	struct word *named;
	char *text;

	if (condition->zone[0] != '\0' || stmt == NULL) {
		return 0;
	}
	named = load_alloc(c->load, sizeof(*named));
	text = load_alloc(
	    c->load, (size_t)word->len + stmt->name->len + 2);
	if (named == NULL || text == NULL) {
		return ERR_NOMEM;
	}
	memcpy(text, word->text, word->len - 1); /* all but the `)' */
	text[word->len - 1] = ' ';
	memcpy(text + word->len, stmt->name->text, stmt->name->len);
	text[word->len + stmt->name->len] = ')';
	*named = *word;
	named->next = NULL;
	named->text = text;
	named->len = word->len + stmt->name->len + 1;
	value->word = named;
	condition->zone = stmt->name->text;
	return 0;
}

static int
expand_condition(struct checker *c, struct value *value,
    const struct word *word, const struct word *at, char *why, size_t size)
{
	const struct rules_means *means = c->load->means;
	struct condition *condition;
	const char *query;
	size_t n;
	int r;

	*value = (struct value){.word = word};
	r = condition_parse(&c->load->arena, &condition, word, &query, &n,
	    why, size);
	if (r != 0) {
		return r;
	}
	value->u.condition = condition;
	if (condition->kind == COND_LOCALTIME &&
	    (r = set_zone(c, condition, value)) == 0 &&
	    condition->zone[0] != '\0' && means != NULL &&
	    means->is_zone != NULL &&
	    !means->is_zone(means->arg, condition->zone)) {
		snprintf(why, size, "no time zone `%.60s' is known",
		    condition->zone);
		r = ERR_FORMAT;
	}
	if (r == 0 && query != NULL) {
		r = query_compile(c, at, query, n, &condition->query);
	}
	return r;
}

/* Adds the value of a word, or all that its name stands for. at is the word to
 * complain about: in the statement in hand, even when the value comes out of a
 * define. */
static int
expand(struct checker *c, enum rule_attr attr, const struct word *word,
    const struct word *at, struct value *values, size_t *n, size_t max)
{
	int is_unknown, r;
	struct stmt *define = names_define(c, word, &is_unknown);
	struct value *value;
	char why[CHECK_WHY] = "";

	if (is_unknown) {
		if (at == word) { /* else reported where it stands */
			check_complain(c, at, "no such define");
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
	r = attr == ATTR_IF ?
	    expand_condition(c, value, word, at, why, sizeof(why)) :
	    value_parse(
		&c->load->arena, value, attr, word, why, sizeof(why));
	if (r == ERR_FORMAT) {
		if (at != word) {
			char whole[CHECK_WHY + 100];

			snprintf(whole, sizeof(whole), "its value %.60s: %s",
			    word->text, why);
			check_complain(c, at, whole);
		} else {
			check_complain(c, at, why);
		}
		return r;
	}
	if (r == 0 && attr == ATTR_TO && value->u.fact.kind == FACT_GROUP) {
		struct stmt *group = names_group(c, word, &is_unknown);

		if (c->is_in_group && at != word) {
			check_complain(c, at, "a define inside of a group cannot "
					"name a group");
			return ERR_FORMAT;
		}
		if (group == NULL) {
			check_complain(c, at, "no such group of workstations");
			return ERR_FORMAT;
		}
		if (group->is_broken) {
			return ERR_FORMAT; /* reported there */
		}
		value->u.fact.group = group->group;
	}
	if (r == 0 && attr == ATTR_TO) {
		name_issuer(c, value);
	}
	if (r == 0) {
		(*n)++;
	}
	return r;
}

int
expand_set(struct checker *c, enum rule_attr attr, const struct set *set,
    struct value **out, size_t *outn)
{
	size_t max = 0, n = 0;
	int r = 0;

	for (const struct word *w = set->words; w != NULL; w = w->next) {
		int is_unknown;
		const struct stmt *define = names_define(c, w, &is_unknown);

		max += define != NULL ? define->expanded : 1;
		if (max > RULES_MAX_SET) {
			check_complain(c, w, "more than 4096 values in one set");
			return ERR_FORMAT;
		}
	}
	c->nvalues += max;
	if (c->nvalues > RULES_MAX_VALUES) {
		check_complain(c, set->words, "more than 1048576 values in all "
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

/* --- groups --- */

int
expand_group(struct checker *c, struct stmt *stmt)
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
		struct stmt *inner = names_group(c, w, &is_unknown);

		if (inner != NULL && (r = expand_group(c, inner)) != 0) {
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
	c->home = stmt->source;
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
		check_complain(c, stmt->name, "more than 1048576 values in all "
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
