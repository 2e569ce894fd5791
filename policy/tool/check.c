/*
 * sallyport-policy check: all errors of all files, what is hardly meant, and
 * what USBGuard reads otherwise; or each line of a file by itself. Profiles as
 * well, above those that are shipped.
 */
#include "policy/tool/cmd.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "policy/rules/rules.h"
#include "policy/tool/files.h"
#include "policy/tool/lint.h"
#include "policy/tool/profile_files.h"

struct check {
	char *const *paths;
	size_t npaths;
	int is_json;
	enum rules_dialect dialect;
	json_t *warnings, *differences; /* of is_json */
	struct lint_names *names;	/* owned */
};

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
show_json(const struct check *c, const struct files *files,
    const struct rules_load *load, const struct rules *rules)
{
	json_t *list = json_array();
	json_t *top;

	for (size_t i = 0; i < files->n && rules != NULL; i++) {
		size_t n = rules_count_of(rules, files->names[i]);

		json_array_append_new(list,
		    json_pack("{s:s, s:I}", "file", files->names[i], "rules",
			(json_int_t)n));
	}
	top = json_pack("{s:b, s:I, s:o, s:O, s:O, s:o}", "ok", rules != NULL,
	    "error_count", (json_int_t)rules_load_error_count(load), "errors",
	    errors_json(load), "warnings", c->warnings, "differences",
	    c->differences, "files", list);
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

static void
warn_of(void *arg, const char *file, unsigned line, const char *text)
{
	struct check *c = arg;

	if (c->is_json) {
		json_array_append_new(c->warnings,
		    json_pack("{s:s, s:i, s:s}", "file", file, "line",
			(int)line, "text", text));
	} else {
		fprintf(stderr, "%s:%u: warning: %s\n", file, line, text);
	}
}

static void
tell_difference(void *arg, const char *file, unsigned line, const char *name,
    const char *text)
{
	struct check *c = arg;

	if (c->is_json) {
		json_array_append_new(c->differences,
		    json_pack("{s:s, s:i, s:s, s:s}", "file", file, "line",
			(int)line, "name", name, "text", text));
	} else {
		printf("%s:%u: %s: %s\n", file, line, name, text);
	}
}

static void
read_names(void *arg, const char *name, const char *text, size_t len)
{
	struct check *c = arg;

	lint_names_read(c->names, name, text, len);
}

static int
warn_of_all(struct check *c, const struct rules *rules)
{
	int r = lint_rules(rules, warn_of, c);

	if (r == 0) {
		r = lint_names_find(c->names, warn_of, c);
	}
	return r;
}

static int
check_files(struct check *c)
{
	struct rules_load *load = rules_load_new();
	struct rules *rules = NULL;
	struct files files = {
	    .dialect = c->dialect, .seen = read_names, .arg = c};
	int r = load != NULL ? 0 : ERR_NOMEM, has_text = 0;

	c->names = lint_names_new();
	if (c->names == NULL) {
		r = ERR_NOMEM;
	}
	if (r == 0) {
		r = files_load(&files, load, c->paths, c->npaths);
		has_text = 1;
	}
	if (r == 0) {
		r = rules_load_finish(load, &rules);
	}
	if (has_text) {
		rules_load_differences(load, tell_difference, c);
	}
	if (r == 0) {
		r = warn_of_all(c, rules);
	}
	if (r == ERR_NOMEM) {
		cmd_warn("check: out of memory");
	}
	if (c->is_json && has_text) {
		show_json(c, &files, load, rules);
	} else if (rules != NULL) {
		show_text(&files, rules);
	} else if (has_text) {
		files_show_errors(load);
	}
	files_fini(&files);
	lint_names_free(c->names);
	rules_free(rules);
	rules_load_free(load);
	return r == 0 ? CMD_OK : CMD_FAILED;
}

/* --- each line by itself --- */

struct tally {
	size_t accepted, rejected;
};

static int
has_words(const char *line, size_t len)
{
	size_t i = 0;

	while (i < len && (line[i] == ' ' || line[i] == '\t' ||
			      line[i] == '\r')) {
		i++;
	}
	return i < len && line[i] != '#';
}

/* 0 or ERR_NOMEM. */
static int
check_line(const struct check *c, const char *path, unsigned number,
    const char *line, size_t len, struct tally *tally)
{
	struct rules_load *load = rules_load_new();
	struct rules *rules = NULL;
	struct files files = {0};
	int r = load != NULL ? 0 : ERR_NOMEM;

	if (r == 0) {
		files_means(&files, load);
		r = rules_load_text_as(load, c->dialect, path, line, len);
	}
	if (r == 0 || r == ERR_LIMIT) {
		r = rules_load_finish(load, &rules);
	}
	if (r == 0) {
		tally->accepted++;
	} else if (r != ERR_NOMEM) {
		const struct rule_error *e = rules_load_error(load, 0);

		tally->rejected++;
		printf("%s:%u:%u: %s\n    %s\n    %*s\n", path, number,
		    e->column, e->text, e->source, (int)e->caret, "^");
		r = 0;
	}
	rules_free(rules);
	rules_load_free(load);
	return r;
}

static int
check_lines(const struct check *c)
{
	struct tally tally = {0, 0};
	int r = 0;

	for (size_t i = 0; i < c->npaths && r == 0; i++) {
		char *text = NULL, why[128];
		size_t len = 0;
		unsigned number = 0;
		const char *p, *end;

		r = files_read_text(c->paths[i], RULES_MAX_TEXT, &text, &len,
		    why, sizeof(why));
		if (r != 0) {
			cmd_warn("read: %s: %s", c->paths[i], why);
			break;
		}
		for (p = text, end = text + len; p < end && r == 0;) {
			const char *nl = memchr(p, '\n', (size_t)(end - p));
			size_t n = (size_t)((nl != NULL ? nl : end) - p);

			number++;
			if (has_words(p, n)) {
				r = check_line(c, c->paths[i], number, p, n,
				    &tally);
			}
			p += n + (nl != NULL);
		}
		if (r != 0) {
			cmd_warn("check: %s: out of memory", c->paths[i]);
		}
		free(text);
	}
	printf("%zu accepted, %zu rejected\n", tally.accepted, tally.rejected);
	return r == 0 && tally.rejected == 0 ? CMD_OK : CMD_FAILED;
}

/* Profiles first; what remains are rules. */
static int
check_all(struct check *c, const char *stock)
{
	size_t nprofiles = 0, nrules = 0;
	char **rules;
	int r, e = CMD_OK;

	for (size_t i = 0; i < c->npaths; i++) {
		nprofiles += profile_files_is_path(c->paths[i]) != 0;
	}
	if (nprofiles > 0 && nprofiles < c->npaths && c->is_json) {
		return cmd_usage(
		    "check: --json takes rules or profiles, not both");
	}
	if (nprofiles > 0) {
		e = profile_files_check(c->paths, c->npaths, stock, c->is_json);
	}
	if (nprofiles == c->npaths) {
		return e;
	}
	rules = calloc(c->npaths, sizeof(char *));
	if (rules == NULL) {
		cmd_warn("check: out of memory");
		return CMD_FAILED;
	}
	for (size_t i = 0; i < c->npaths; i++) {
		if (!profile_files_is_path(c->paths[i])) {
			rules[nrules++] = c->paths[i];
		}
	}
	c->paths = rules;
	c->npaths = nrules;
	r = check_files(c);
	free(rules);
	return r != CMD_OK ? r : e;
}

int
cmd_check(int argc, char **argv)
{
	struct check c = {.paths = argv};
	const char *stock = NULL, *value;
	int is_operand = 0, is_each = 0, r;

	for (int i = 1; i < argc; i++) {
		if (is_operand || argv[i][0] != '-') {
			argv[c.npaths++] = argv[i];
		} else if (strcmp(argv[i], "--json") == 0) {
			c.is_json = 1;
		} else if (strcmp(argv[i], "--usbguard") == 0) {
			c.dialect = RULES_USBGUARD;
		} else if (strcmp(argv[i], "--each-line") == 0) {
			is_each = 1;
		} else if ((value = cmd_value(argv, argc, &i, "--stock")) !=
		    NULL) {
			stock = value;
		} else if (strcmp(argv[i], "--") == 0) {
			is_operand = 1;
		} else {
			return cmd_usage("check: unknown option %s", argv[i]);
		}
	}
	if (c.npaths == 0) {
		return cmd_usage("check: no FILE given");
	}
	if (is_each && c.is_json) {
		return cmd_usage("check: --each-line has no JSON");
	}
	if (is_each) {
		return check_lines(&c);
	}
	c.warnings = json_array();
	c.differences = json_array();
	r = check_all(&c, stock);
	json_decref(c.warnings);
	json_decref(c.differences);
	return r;
}
