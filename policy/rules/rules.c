/*
 * The table: decisions from it. First match wins, none is block. In the
 * warden this runs for every listing and import; no malloc, no I/O.
 */
#include "policy/rules/ast.h"

#include <stdlib.h>
#include <string.h>

void
rules_free(struct rules *rules)
{
	if (rules != NULL) {
		arena_fini(&rules->arena);
		free(rules);
	}
}

size_t
rules_count(const struct rules *rules)
{
	return rules->nrules;
}

size_t
rules_count_of(const struct rules *rules, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < rules->nrules; i++) {
		n += strcmp(rules->rules[i].file, name) == 0;
	}
	return n;
}

uint64_t
rules_id(const struct rules *rules, size_t i)
{
	return rules->rules[i].id;
}

unsigned
rules_ask(const struct rules *rules)
{
	(void)rules; /* no condition is known so far */
	return 0;
}

void
rules_decide(const struct rules *rules, const struct rule_device *dev,
    const struct x509_facts *who, const struct rule_world *world,
    struct rule_decision *out)
{
	struct subject subject;
	struct index_walk walk;
	uint32_t i;

	(void)world; /* no condition is known so far */
	*out = (struct rule_decision){.verdict = RULE_BLOCK,
	    .file = "",
	    .key = "",
	    .is_implicit = 1,
	    .grant = {.profile = "", .approver = ""},
	    .exposes = {.is_all = 1}};
	if (dev->ninterfaces > RULE_INTERFACES_MAX) {
		return;
	}
	subject_init(&subject, dev, who);
	index_start(&walk, &rules->index, dev->vid, dev->pid);
	while ((i = index_next(&walk)) != INDEX_END) {
		const struct rule *rule = &rules->rules[i];
		const struct value_set *set;

		if (match_rule(rule, &subject, &set) == NULL) {
			out->verdict = rule->verdict;
			out->file = rule->file;
			out->line = rule->line;
			out->key = rule->key;
			out->rule = rule->id;
			out->is_implicit = 0;
			return;
		}
	}
}
