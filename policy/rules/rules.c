/*
 * The table: decisions from it. `forbid' first, then the first match wins,
 * none is block. In the warden this runs for every listing and import; no malloc, no I/O.
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

const char *
rule_verdict_name(enum rule_verdict verdict)
{
	switch (verdict) {
	case RULE_ALLOW:
		return "allow";
	case RULE_REJECT:
		return "reject";
	case RULE_PENDING:
		return "pending";
	case RULE_DEPENDS:
		return "depends";
	case RULE_BLOCK:
		break;
	}
	return "block";
}

size_t
rules_count(const struct rules *rules)
{
	return rules->nrules;
}

void
rules_where(const struct rules *rules, size_t i, const char **file,
    unsigned *line)
{
	*file = rules->rules[i].file;
	*line = rules->rules[i].line;
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

const char *
rules_profile_of(const struct rules *rules,
    const struct rule_decision *decision, const struct rule_device *device,
    unsigned config, uint8_t number)
{
	for (size_t i = 0; i < rules->nrules; i++) {
		if (rules->rules[i].id == decision->rule) {
			return expose_profile(
			    &rules->rules[i], device, config, number);
		}
	}
	return "";
}

uint64_t
rules_id(const struct rules *rules, size_t i)
{
	return rules->rules[i].id;
}

size_t
rules_idle(const struct rules *rules)
{
	size_t n = 0;

	for (size_t i = 0; i < rules->nrules; i++) {
		n += rules->rules[i].has_idle;
	}
	return n;
}

unsigned
rules_ask(const struct rules *rules)
{
	return rules->asks;
}

static void
set_place(struct rule_decision *out, const struct rule *rule)
{
	out->file = rule->file;
	out->line = rule->line;
	out->key = rule->key;
	out->rule = rule->id;
	out->is_implicit = 0;
	out->is_forbid = rule->is_forbid;
}

static const struct rule *
find_forbid(const struct rules *rules, const struct rule_index *index,
    const struct subject *subject)
{
	struct index_walk walk;
	struct match_why why;
	uint32_t i;

	index_start(&walk, index, subject);
	while ((i = index_next(&walk)) != INDEX_END) {
		if (match_rule(&rules->rules[i], subject, &why) != MATCH_NO) {
			return &rules->rules[i];
		}
	}
	return NULL;
}

/* The `forbid exposed' for what remains of the device, if there is one. */
static const struct rule *
find_exposed(const struct rules *rules, const struct rule_exposure *exposes,
    const struct subject *subject, struct verdict *verdict)
{
	struct subject reduced;

	if (rules->nexposed == 0) {
		return NULL;
	}
	verdict->is_reduced = 1;
	expose_reduce(
	    exposes, subject->device, verdict->list, &verdict->reduced);
	if (exposes->is_all) {
		return find_forbid(rules, &rules->exposed, subject);
	}
	subject_init(
	    &reduced, &verdict->reduced, subject->who, subject->world);
	if (rules->asks & RULES_ASK_DESKS) {
		subject_hear(&reduced);
	}
	return find_forbid(rules, &rules->exposed, &reduced);
}

/* What an allow comes to: its terms may not be met, or what it exposes be
 * forbidden. Then it blocks; the next rule could only be wider. */
static void
judge_allow(const struct rules *rules, const struct rule *rule,
    const struct subject *subject, struct rule_decision *out,
    struct verdict *verdict)
{
	const struct rule *forbid;
	int is_pending;

	out->verdict = RULE_BLOCK;
	if (!expose_device(rule, subject->device, &out->exposes)) {
		out->term = RULE_TERM_EXPOSE;
		return;
	}
	forbid = find_exposed(rules, &out->exposes, subject, verdict);
	if (forbid != NULL) {
		set_place(out, forbid);
		out->term = RULE_TERM_FORBID;
		verdict->rule = forbid;
		verdict->allow = rule;
		return;
	}
	out->term = term_judge(rule, subject->world, &is_pending);
	if (out->term == RULE_TERM_NONE) {
		out->verdict = is_pending ? RULE_PENDING : RULE_ALLOW;
		out->grant = rule->grant;
	}
}

static void
judge_rule(const struct rules *rules, const struct rule *rule,
    const struct subject *subject, struct rule_decision *out,
    struct verdict *verdict)
{
	out->verdict = rule->verdict;
	verdict->rule = rule;
	set_place(out, rule);
	if (rule->verdict == RULE_ALLOW) {
		judge_allow(rules, rule, subject, out, verdict);
	}
	if (out->verdict != RULE_ALLOW && out->verdict != RULE_PENDING) {
		out->exposes = (struct rule_exposure){.is_all = 1};
	}
}

static void
init_decision(struct rule_decision *out)
{
	*out = (struct rule_decision){.verdict = RULE_BLOCK,
	    .file = "",
	    .key = "",
	    .is_implicit = 1,
	    .grant = {.profile = "", .approver = ""},
	    .exposes = {.is_all = 1}};
}

static void
note(const struct rules *rules, const struct rule *rule,
    const struct subject *subject, struct verdict *verdict)
{
	const struct rule_world *world = subject->world;
	struct rule_decision would;

	if (world == NULL || world->ops->noted == NULL) {
		return;
	}
	init_decision(&would);
	judge_rule(rules, rule, subject, &would, verdict);
	world->ops->noted(world->arg, &would);
}

static void
count_applied(const struct rule *rule, const struct rule_world *world)
{
	if (world != NULL && world->moment == RULE_AT_IMPORT &&
	    rule->counts & 1u << RULE_APPLIED) {
		world->ops->count(world->arg, rule->id, RULE_APPLIED);
	}
}

void
rules_judge(const struct rules *rules, const struct subject *subject,
    struct rule_decision *out, struct verdict *verdict)
{
	const struct rule *forbid;
	struct index_walk walk;
	int is_past = 0; /* those that narrow */
	uint32_t i;

	init_decision(out);
	verdict->rule = verdict->allow = NULL;
	verdict->is_reduced = 0;
	forbid = find_forbid(rules, &rules->forbids, subject);
	if (forbid != NULL) {
		judge_rule(rules, forbid, subject, out, verdict);
		count_applied(forbid, subject->world);
		return;
	}
	index_start(&walk, &rules->others, subject);
	while ((i = index_next(&walk)) != INDEX_END) {
		const struct rule *rule = &rules->rules[i];
		struct match_why why;
		enum match match = rule->is_narrowing && is_past ?
		    MATCH_NO :
		    match_rule(rule, subject, &why);

		if (match == MATCH_NO) {
			continue;
		}
		if (rule->is_audit) {
			if (match == MATCH_YES) {
				note(rules, rule, subject, verdict);
			}
			continue;
		}
		if (match == MATCH_DEPENDS) {
			set_place(out, rule);
			out->verdict = RULE_DEPENDS;
			verdict->rule = rule;
			verdict->allow = NULL;
			return;
		}
		if (rule->is_narrowing && rule->verdict == RULE_ALLOW) {
			is_past = 1;
			count_applied(rule, subject->world);
			continue;
		}
		verdict->allow = NULL;
		verdict->is_reduced = 0;
		judge_rule(rules, rule, subject, out, verdict);
		count_applied(verdict->rule, subject->world);
		return;
	}
	verdict->rule = verdict->allow = NULL;
}

void
rules_decide(const struct rules *rules, const struct rule_device *dev,
    const struct x509_facts *who, const struct rule_world *world,
    struct rule_decision *out)
{
	struct subject subject;
	struct verdict verdict;

	init_decision(out);
	if (dev->ninterfaces > RULE_INTERFACES_MAX) {
		return;
	}
	subject_init(&subject, dev, who, world);
	if (rules->asks & RULES_ASK_DESKS) {
		subject_hear(&subject);
	}
	rules_judge(rules, &subject, out, &verdict);
}
