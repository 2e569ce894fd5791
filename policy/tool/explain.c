/*
 * sallyport-policy explain: who may have a device, which rule says so, and why
 * the rules before it do not.
 */
#include "policy/tool/cmd.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "policy/rules/rules.h"
#include "policy/tool/device.h"
#include "policy/tool/files.h"
#include "policy/tool/identity.h"

struct question {
	const char *device; /* argument */
	const char *to[32];
	size_t nto;
	char **paths;
	size_t npaths;
	int is_json;
};

/* What it takes to answer; large, so on the heap. */
struct answer {
	struct rule_device device;
	struct rule_device_store store;
	struct x509_facts who;
	struct rule_decision decision;
	struct rules *rules;
	size_t next; /* rule that the callback speaks of */
	json_t *list;
	int is_known; /* who is */
	char text[8192];
};

static const char *
verdict_name(enum rule_verdict verdict)
{
	return verdict == RULE_ALLOW ? "allow" :
	    verdict == RULE_REJECT   ? "reject" :
				       "block";
}

/* The text of the rule in turn, cut when it is very long. */
static const char *
rule_text(struct answer *a)
{
	static const char cut[] = "...";

	if (rules_print(a->rules, a->next++, a->text, sizeof(a->text)) < 0) {
		memcpy(a->text + sizeof(a->text) - sizeof(cut), cut,
		    sizeof(cut));
	}
	return a->text;
}

static void
show_rule(void *arg, const char *file, unsigned line, int matched,
    const char *reason)
{
	struct answer *a = arg;

	printf("%s:%u: %s\n    %s: %s\n", file, line, rule_text(a),
	    matched ? "matches" : "no", reason);
}

static void
collect_rule(void *arg, const char *file, unsigned line, int matched,
    const char *reason)
{
	struct answer *a = arg;

	json_array_append_new(a->list,
	    json_pack("{s:s, s:i, s:s, s:b, s:s}", "file", file, "line",
		(int)line, "rule", rule_text(a), "matched", matched,
		"reason", reason));
}

static void
show_text(struct answer *a)
{
	const struct rule_decision *d = &a->decision;
	const struct x509_facts *who = a->is_known ? &a->who : NULL;

	rules_explain(a->rules, &a->device, who, NULL, show_rule, a);
	if (d->is_implicit) {
		printf("block: implicit, no rule matches\n");
	} else {
		printf("%s: %s:%u%s%s\n", verdict_name(d->verdict), d->file,
		    d->line, d->key[0] != '\0' ? " key " : "", d->key);
	}
}

static void
show_json(struct answer *a)
{
	const struct rule_decision *d = &a->decision;
	const struct x509_facts *who = a->is_known ? &a->who : NULL;
	json_t *top;

	a->list = json_array();
	rules_explain(a->rules, &a->device, who, NULL, collect_rule, a);
	top = json_pack("{s:s, s:b, s:s, s:i, s:s, s:s, s:o}", "verdict",
	    verdict_name(d->verdict), "implicit", d->is_implicit, "file",
	    d->file, "line", (int)d->line, "key", d->key, "hash",
	    a->device.hash, "rules", a->list);
	if (top == NULL || json_dumpf(top, stdout, JSON_INDENT(2)) != 0) {
		cmd_warn("print: JSON: out of memory, or a file name that is "
			 "no UTF-8");
	}
	putchar('\n');
	json_decref(top);
}

static int
answer_question(const struct question *q, struct answer *a,
    struct rules_load *load, struct files *files)
{
	int r;

	if (device_read(&a->device, &a->store, q->device) != 0) {
		return CMD_FAILED;
	}
	for (size_t i = 0; i < q->nto; i++) {
		if (identity_read(&a->who, q->to[i]) != 0) {
			return CMD_FAILED;
		}
		a->is_known = 1;
	}
	if (files_load(files, load, q->paths, q->npaths) != 0) {
		return CMD_FAILED;
	}
	r = rules_load_finish(load, &a->rules);
	if (r != 0) {
		files_show_errors(load);
		if (r == ERR_NOMEM) {
			cmd_warn("explain: out of memory");
		}
		return CMD_FAILED;
	}
	rules_decide(a->rules, &a->device, a->is_known ? &a->who : NULL,
	    NULL, &a->decision);
	if (q->is_json) {
		show_json(a);
	} else {
		show_text(a);
	}
	return a->decision.verdict == RULE_ALLOW ? CMD_OK : CMD_DENIED;
}

static int
explain(const struct question *q)
{
	struct answer *a = calloc(1, sizeof(*a));
	struct rules_load *load = rules_load_new();
	struct files files = {0};
	int exit_code = CMD_FAILED;

	if (a == NULL || load == NULL) {
		cmd_warn("explain: out of memory");
	} else {
		exit_code = answer_question(q, a, load, &files);
		rules_free(a->rules);
	}
	files_fini(&files);
	rules_load_free(load);
	free(a);
	return exit_code;
}

int
cmd_explain(int argc, char **argv)
{
	struct question q = {.paths = argv};
	int is_operand = 0;

	for (int i = 1; i < argc; i++) {
		const char *arg = argv[i];

		if (!is_operand && strcmp(arg, "--json") == 0) {
			q.is_json = 1;
		} else if (!is_operand && strcmp(arg, "--") == 0) {
			is_operand = 1;
		} else if (!is_operand && (strcmp(arg, "--to") == 0 ||
					      strncmp(arg, "--to=", 5) == 0)) {
			if (q.nto == sizeof(q.to) / sizeof(q.to[0])) {
				return cmd_usage("explain: too many --to");
			}
			if (arg[4] == '\0' && i + 1 == argc) {
				return cmd_usage(
				    "explain: --to needs an IDENTITY");
			}
			q.to[q.nto++] = arg[4] == '=' ? arg + 5 : argv[++i];
		} else if (!is_operand && arg[0] == '-') {
			return cmd_usage("explain: unknown option %s", arg);
		} else if (q.device == NULL) {
			q.device = arg;
		} else {
			q.paths[q.npaths++] = argv[i];
		}
	}
	if (q.device == NULL) {
		return cmd_usage("explain: no DEVICE given");
	}
	if (q.npaths == 0) {
		return cmd_usage("explain: no FILE given");
	}
	return explain(&q);
}
