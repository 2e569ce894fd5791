/*
 * sallyport-policy check: all errors of all files, or how many rules there are.
 */
#include "policy/tool/cmd.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "policy/rules/rules.h"
#include "policy/tool/files.h"

static json_t *
errors_json(const struct rules_load *load)
{
	json_t *list = json_array();
	size_t n = rules_load_error_count(load);

	for (size_t i = 0; i < n && i < RULES_MAX_ERRORS; i++) {
		const struct rule_error *e = rules_load_error(load, i);

		json_array_append_new(list,
		    json_pack("{s:s, s:i, s:i, s:s, s:s, s:i}", "file",
			e->file, "line", (int)e->line, "column",
			(int)e->column, "text", e->text, "source", e->source,
			"caret", (int)e->caret));
	}
	return list;
}

static void
show_json(const struct files *files, const struct rules_load *load,
    const struct rules *rules)
{
	json_t *list = json_array();
	json_t *top;

	for (size_t i = 0; i < files->n && rules != NULL; i++) {
		size_t n = rules_count_of(rules, files->names[i]);

		json_array_append_new(list,
		    json_pack("{s:s, s:I}", "file", files->names[i], "rules",
			(json_int_t)n));
	}
	top = json_pack("{s:b, s:I, s:o, s:o}", "ok", rules != NULL,
	    "error_count", (json_int_t)rules_load_error_count(load), "errors",
	    errors_json(load), "files", list);
	if (top == NULL || json_dumpf(top, stdout, JSON_INDENT(2)) != 0) {
		cmd_warn("print: JSON: out of memory, or a file name that is "
			 "no UTF-8");
	}
	putchar('\n');
	json_decref(top);
}

static void
show_text(const struct files *files, const struct rules *rules)
{
	for (size_t i = 0; i < files->n; i++) {
		size_t n = rules_count_of(rules, files->names[i]);

		printf("%s: %zu rule%s, ok\n", files->names[i], n,
		    n == 1 ? "" : "s");
	}
}

static int
check(char *const *paths, size_t n, int is_json)
{
	struct rules_load *load = rules_load_new();
	struct rules *rules = NULL;
	struct files files = {0};
	int exit_code = CMD_FAILED;

	if (load == NULL) {
		cmd_warn("check: out of memory");
		return CMD_FAILED;
	}
	if (files_load(&files, load, paths, n) != 0) {
		if (!is_json) {
			files_show_errors(load);
		}
		goto out;
	}
	if (rules_load_finish(load, &rules) == ERR_NOMEM) {
		cmd_warn("check: out of memory");
		goto out;
	}
	if (is_json) {
		show_json(&files, load, rules);
	} else if (rules == NULL) {
		files_show_errors(load);
	} else {
		show_text(&files, rules);
	}
	exit_code = rules != NULL ? CMD_OK : CMD_FAILED;
out:
	files_fini(&files);
	rules_free(rules);
	rules_load_free(load);
	return exit_code;
}

int
cmd_check(int argc, char **argv)
{
	int is_json = 0, n = 0, is_operand = 0;

	for (int i = 1; i < argc; i++) {
		if (!is_operand && strcmp(argv[i], "--json") == 0) {
			is_json = 1;
		} else if (!is_operand && strcmp(argv[i], "--") == 0) {
			is_operand = 1;
		} else if (!is_operand && argv[i][0] == '-') {
			return cmd_usage("check: unknown option %s", argv[i]);
		} else {
			argv[n++] = argv[i];
		}
	}
	if (n == 0) {
		return cmd_usage("check: no FILE given");
	}
	return check(argv, (size_t)n, is_json);
}
