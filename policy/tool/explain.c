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
#include "policy/tool/explain_unit.h"
#include "policy/tool/files.h"
#include "policy/tool/identity.h"
#include "policy/tool/replay.h"
#include "policy/tool/verdict.h"
#include "policy/tool/when.h"
#include "policy/tool/world.h"

#define MAX_TO 32
#define MAX_PROFILES 32
#define UNIT_MAX 16384 /* words together */

struct question {
	const char *device; /* argument */
	const char *profile; /* or NULL: it is about a device */
	const char *usb, *descriptors; /* of a capture */
	const char *stock;   /* or NULL */
	char *profiles[MAX_PROFILES]; /* paths */
	size_t nprofiles;
	const char *to[MAX_TO];
	size_t nto;
	char **paths;
	size_t npaths;
	int is_json;
	struct world world;
};

/* What it takes to answer; large, so on the heap. */
struct answer {
	struct device device;
	struct x509_facts who;
	struct rule_decision decision;
	struct rules *rules;
	size_t next; /* rule that the callback speaks of */
	json_t *list;
	int is_known; /* who is */
	char text[8192];
};

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

	if (file[0] == '\0') {
		puts(reason); /* no rule at all */
		return;
	}
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
		(int)line, "rule", file[0] != '\0' ? rule_text(a) : "", "matched", matched,
		"reason", reason));
}

static void
show_text(const struct question *q, struct answer *a)
{
	const struct x509_facts *who = a->is_known ? &a->who : NULL;
	const struct rule_decision *d = &a->decision;

	rules_explain(a->rules, &a->device.facts, who, &q->world.rules,
	    show_rule, a);
	puts(verdict_line(a->text, sizeof(a->text), d));
	if (d->verdict != RULE_ALLOW && d->verdict != RULE_PENDING) {
		return;
	}
	verdict_grant(a->text, sizeof(a->text), d);
	if (a->text[0] != '\0') {
		printf("    %s\n", a->text);
	}
	if (!d->exposes.is_all) {
		printf("    exposes interface %s\n",
		    verdict_exposes(a->text, sizeof(a->text), d,
			&a->device.facts));
	}
}

static void
show_json(const struct question *q, struct answer *a)
{
	const struct x509_facts *who = a->is_known ? &a->who : NULL;
	json_t *top;

	a->list = json_array();
	rules_explain(a->rules, &a->device.facts, who, &q->world.rules,
	    collect_rule, a);
	top = verdict_json(&a->decision, &a->device.facts);
	json_object_set_new(top, "hash", json_string(a->device.facts.hash));
	json_object_set_new(top, "rules", a->list);
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

	if (device_read(&a->device, q->device) != 0) {
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
	rules_decide(a->rules, &a->device.facts,
	    a->is_known ? &a->who : NULL, &q->world.rules, &a->decision);
	if (q->is_json) {
		show_json(q, a);
	} else {
		show_text(q, a);
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

static int
read_option(struct question *q, char **argv, int argc, int *i)
{
	const char *option = argv[*i], *value;

	if (strcmp(option, "--json") == 0) {
		q->is_json = 1;
	} else if (strcmp(option, "--locked") == 0) {
		q->world.lock = RULE_LOCKED;
	} else if (strcmp(option, "--unlocked") == 0) {
		q->world.lock = RULE_UNLOCKED;
	} else if ((value = cmd_value(argv, argc, i, "--user")) != NULL) {
		q->world.user = value;
	} else if ((value = cmd_value(argv, argc, i, "--seat")) != NULL) {
		q->world.seat = value;
	} else if ((value = cmd_value(argv, argc, i, "--to")) != NULL) {
		if (q->nto == MAX_TO) {
			return cmd_usage("explain: too many --to");
		}
		q->to[q->nto++] = value;
	} else if ((value = cmd_value(argv, argc, i, "--armed")) != NULL) {
		if (q->world.narmed == WORLD_ARMED) {
			return cmd_usage("explain: too many --armed");
		}
		q->world.armed[q->world.narmed++] = value;
	} else if ((value = cmd_value(argv, argc, i, "--at")) != NULL) {
		if (when_read(value, &q->world.rules.now) != 0) {
			return cmd_usage("explain: --at %s: expected a time, "
					 "2026-03-02T06:15:00Z", value);
		}
	} else if ((value = cmd_value(argv, argc, i, "--tz")) != NULL) {
		if (!when_is_zone(value)) {
			return cmd_usage("explain: --tz %s: no such time zone",
			    value);
		}
		q->world.tz = value;
	} else if ((value = cmd_value(argv, argc, i, "--profile")) != NULL) {
		q->profile = value;
	} else if ((value = cmd_value(argv, argc, i, "--profiles")) != NULL) {
		if (q->nprofiles == MAX_PROFILES) {
			return cmd_usage("explain: too many --profiles");
		}
		/* the value is the end of that argument */
		q->profiles[q->nprofiles++] =
		    argv[*i] + (value - argv[*i]);
	} else if ((value = cmd_value(argv, argc, i, "--stock")) != NULL) {
		q->stock = value;
	} else if ((value = cmd_value(argv, argc, i, "--device")) != NULL) {
		q->usb = value;
	} else if ((value = cmd_value(argv, argc, i, "--descriptors")) !=
	    NULL) {
		q->descriptors = value;
	} else if (strcmp(option, "--to") == 0 ||
	    strcmp(option, "--profile") == 0 ||
	    strcmp(option, "--profiles") == 0 ||
	    strcmp(option, "--stock") == 0 ||
	    strcmp(option, "--device") == 0 ||
	    strcmp(option, "--descriptors") == 0 ||
	    strcmp(option, "--armed") == 0 || strcmp(option, "--at") == 0 ||
	    strcmp(option, "--tz") == 0) {
		return cmd_usage("explain: %s needs a value", option);
	} else {
		return cmd_usage("explain: unknown option %s", option);
	}
	return CMD_OK;
}

static int
is_capture(const char *path)
{
	const char *dot = path != NULL ? strrchr(path, '.') : NULL;

	return dot != NULL &&
	    (strcmp(dot, ".pcap") == 0 || strcmp(dot, ".pcapng") == 0);
}

/* Operands are a capture and the number of a frame of it. */
static int
explain_frame(const struct question *q)
{
	char *end = NULL;
	unsigned long n =
	    q->npaths == 1 ? strtoul(q->paths[0], &end, 10) : 0;
	struct replay ask = {
		.capture = q->device,
		.profile = q->profile,
		.paths = q->profiles,
		.npaths = q->nprofiles,
		.stock = q->stock,
		.device = q->usb,
		.descriptors = q->descriptors,
		.tz = q->world.tz,
		.frame = (unsigned)n,
	};

	if (n == 0 || n > UINT32_MAX || *end != '\0') {
		return cmd_usage("explain: expected the number of a frame "
				 "behind %s", q->device);
	}
	if (q->is_json) {
		return cmd_usage("explain: --json is not for frames");
	}
	return replay(&ask);
}

/* All operands are words of the unit. */
static int
explain_profile(const struct question *q)
{
	char text[UNIT_MAX];
	const struct explain_unit unit = {
		.profile = q->profile,
		.paths = q->profiles,
		.npaths = q->nprofiles,
		.stock = q->stock,
		.text = text,
		.at = q->world.rules.now,
		.tz = q->world.tz,
		.is_json = q->is_json,
	};
	size_t len;

	if (q->device == NULL) {
		return cmd_usage("explain: no UNIT given");
	}
	if (is_capture(q->device)) {
		return explain_frame(q);
	}
	len = (size_t)snprintf(text, sizeof(text), "%s", q->device);
	for (size_t i = 0; i < q->npaths && len < sizeof(text); i++) {
		len += (size_t)snprintf(text + len, sizeof(text) - len, " %s",
		    q->paths[i]);
	}
	if (len >= sizeof(text)) {
		return cmd_usage("explain: UNIT is too long");
	}
	return explain_unit(&unit);
}

int
cmd_explain(int argc, char **argv)
{
	struct question q = {.paths = argv};
	int is_operand = 0;

	world_init(&q.world);
	for (int i = 1; i < argc; i++) {
		if (!is_operand && strcmp(argv[i], "--") == 0) {
			is_operand = 1;
		} else if (!is_operand && argv[i][0] == '-') {
			int r = read_option(&q, argv, argc, &i);

			if (r != CMD_OK) {
				return r;
			}
		} else if (q.device == NULL) {
			q.device = argv[i];
		} else {
			q.paths[q.npaths++] = argv[i];
		}
	}
	if (q.profile != NULL) {
		return explain_profile(&q);
	}
	if (q.nprofiles > 0 || q.stock != NULL) {
		return cmd_usage("explain: %s without --profile",
		    q.nprofiles > 0 ? "--profiles" : "--stock");
	}
	if (q.device == NULL) {
		return cmd_usage("explain: no DEVICE given");
	}
	if (q.npaths == 0) {
		return cmd_usage("explain: no FILE given");
	}
	return explain(&q);
}
