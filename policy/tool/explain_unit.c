/*
 * sallyport-policy explain --profile: how a profile rules on one unit, and why
 * the rules before that one do not.
 */
#include "policy/tool/cmd.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "policy/tool/explain_unit.h"
#include "policy/tool/judges.h"
#include "policy/tool/unit.h"

struct answer {
	json_t *list;
	char line[1024];
};

static void
show_rule(void *arg, const struct table_rule *rule, int matched,
    const char *reason)
{
	struct answer *a = arg;

	printf("%s:%u: %s\n    %s%s%s\n", rule->file, rule->line,
	    judges_line(a->line, sizeof(a->line), rule), matched ? "matches" : "no", matched ? "" : ": ", reason);
}

static void
collect_rule(void *arg, const struct table_rule *rule, int matched,
    const char *reason)
{
	struct answer *a = arg;

	json_array_append_new(a->list,
	    json_pack("{s:s, s:i, s:s, s:b, s:s}", "file", rule->file, "line",
		(int)rule->line, "rule",
		judges_line(a->line, sizeof(a->line), rule), "matched",
		matched, "reason", reason));
}

static void
show_json(struct answer *a, struct judged *j,
    const struct facts *facts, const struct ruling *ruling, uint64_t now)
{
	struct table_rule rule;
	json_t *top;

	(void)table_rule(&j->table, 0, ruling->rule, &rule);
	a->list = json_array();
	pjudge_explain(&j->judge, facts, now, collect_rule, a);
	top = json_pack("{s:s, s:b, s:s, s:i, s:s, s:o}", "verdict",
	    verdict_name(ruling->verdict), "implicit",
	    ruling->rule == RULING_IMPLICIT, "file", rule.file, "line",
	    (int)rule.line, "key", rule.key, "rules", a->list);
	if (top == NULL || json_dumpf(top, stdout, JSON_INDENT(2)) != 0) {
		cmd_warn("print: JSON: out of memory, or a file name that is "
			 "no UTF-8");
	}
	putchar('\n');
	json_decref(top);
}

static int
explain(struct judges *judges, const struct explain_unit *q,
    const struct facts *facts)
{
	struct answer a = {.list = NULL};
	uint64_t now = judges_clock(q->at);
	char text[1024], why[128] = "it does not compile";
	struct judged *j = judges_find(
	    judges, q->profile, q->at, q->tz, why, sizeof(why));
	struct judged asked;
	struct ruling ruling;

	if (j == NULL) {
		cmd_warn("explain: %s", why);
		return CMD_FAILED;
	}
	asked = *j;
	judge_rule(&asked.judge.judge, facts, now, &ruling);
	if (q->is_json) {
		show_json(&a, j, facts, &ruling, now);
	} else {
		pjudge_explain(&j->judge, facts, now, show_rule, &a);
		puts(judges_ruling(text, sizeof(text), j, &ruling));
	}
	return ruling.verdict == VERDICT_ALLOW ||
		ruling.verdict == VERDICT_REWRITE ?
	    CMD_OK :
	    CMD_DENIED;
}

int
explain_unit(const struct explain_unit *q)
{
	static struct unit_words unit; /* large */
	struct judges judges = {0};
	char why[160];
	int exit_code = CMD_FAILED;

	if (unit_read(&unit, q->text, why, sizeof(why)) != 0) {
		return cmd_usage("explain: %s", why);
	}
	if (judges_open(&judges, q->paths, q->npaths, q->stock) == 0) {
		exit_code = explain(&judges, q, &unit.facts);
	}
	judges_fini(&judges);
	return exit_code;
}
