/*
 * sallyport-policy import: rules of others as rules of ours.
 *
 * 1. USBGuard's are loaded as they stand and printed in canonical form, the
 *    filters of usbredir and Citrix are translated.
 * 2. Every allow gets who may have it, and by which profile.
 * 3. What that gives is loaded as a file of our own and printed in canonical
 *    form, so that `check' takes it.
 */
#include "policy/tool/cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "policy/rules/foreign.h"
#include "policy/rules/rules.h"
#include "policy/tool/files.h"

#define MAX_TO 32

struct import {
	const char *kind, *path, *using;
	const char *to[MAX_TO];
	size_t nto;
};

/* A text that grows. */
struct text {
	char *p; /* owned */
	size_t len, room;
	int is_nomem;
};

static void
add(struct text *t, const char *p, size_t len)
{
	if (len == 0) {
		return; /* there may be nothing yet to copy to */
	}
	if (!t->is_nomem && t->room - t->len < len) {
		size_t room = (t->len + len) * 2;
		char *bigger = realloc(t->p, room);

		if (bigger == NULL) {
			t->is_nomem = 1;
		} else {
			t->p = bigger;
			t->room = room;
		}
	}
	if (!t->is_nomem) {
		memcpy(t->p + t->len, p, len);
		t->len += len;
	}
}

static void
add_text(struct text *t, const char *p)
{
	add(t, p, strlen(p));
}

static void
add_piece(void *arg, const char *p, size_t len)
{
	add(arg, p, len);
}

static void
add_string(struct text *t, const char *p)
{
	add_text(t, "\"");
	for (; *p != '\0'; p++) {
		char hex[5];

		if (*p == '"' || *p == '\\') {
			add_text(t, "\\");
		}
		if (*p > 0 && *p < ' ') {
			snprintf(hex, sizeof(hex), "\\x%02x", (unsigned)*p);
			add_text(t, hex);
		} else {
			add(t, p, 1);
		}
	}
	add_text(t, "\"");
}

/* What is added to every allow. */
static void
add_grants(struct text *t, const struct import *im)
{
	if (im->nto == 1) {
		add_text(t, " to ");
		add_string(t, im->to[0]);
	} else if (im->nto > 1) {
		add_text(t, " to one-of {");
		for (size_t i = 0; i < im->nto; i++) {
			add_text(t, " ");
			add_string(t, im->to[i]);
		}
		add_text(t, " }");
	}
	if (im->using != NULL) {
		add_text(t, " using ");
		add_string(t, im->using);
	}
}

/* --- USBGuard --- */

/* Where the statement on a line ends: before its comment, or the backslash
 * that joins it with the next line. */
static size_t
end_of_words(const char *line, size_t len)
{
	int is_quoted = 0;
	size_t i = 0;

	for (; i < len && (is_quoted || line[i] != '#'); i++) {
		if (line[i] == '\\' && i + 1 < len) {
			i++;
		} else if (line[i] == '"') {
			is_quoted = !is_quoted;
		}
	}
	return i < len ? i : len;
}

/* Canonical text, with the grants behind each allow. */
static void
add_granted(struct text *out, const struct import *im, const struct text *in)
{
	const char *p = in->p != NULL ? in->p : "", *end = p + in->len;
	int is_allow = 0, is_joined = 0;

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)((nl != NULL ? nl : end) - p);
		size_t words = end_of_words(p, len);

		if (!is_joined) {
			is_allow = words >= 5 && memcmp(p, "allow", 5) == 0;
		}
		is_joined = words == len && len > 0 && p[len - 1] == '\\';
		add(out, p, words);
		if (is_allow && !is_joined) {
			if (out->len > 0 && out->p[out->len - 1] == ' ') {
				out->len--;
			}
			add_grants(out, im);
			add_text(out, words < len ? " " : "");
			is_allow = 0;
		}
		add(out, p + words, len - words);
		add_text(out, "\n");
		p += len + (nl != NULL);
	}
}

static int
import_usbguard(
    struct text *out, const struct import *im, const char *text, size_t len)
{
	struct rules_load *load = rules_load_new();
	struct rules *rules = NULL;
	struct text canonical = {0};
	int r = load != NULL ? 0 : ERR_NOMEM;

	if (r == 0) {
		r = rules_load_text_as(
		    load, RULES_USBGUARD, im->path, text, len);
	}
	if (r == 0) {
		r = rules_load_format(load, add_piece, &canonical);
		r = r == ERR_FORMAT ? 0 : r; /* finish says so, too */
	}
	if (r == 0) {
		r = rules_load_finish(load, &rules);
		files_show_errors(load);
	}
	if (r == 0 && canonical.is_nomem) {
		r = ERR_NOMEM;
	}
	if (r == 0) {
		add_granted(out, im, &canonical);
	}
	free(canonical.p);
	rules_free(rules);
	rules_load_free(load);
	return r;
}

/* --- usbredir and Citrix --- */

struct translation {
	struct text *out;
	const struct import *im;
};

static int
add_rule(void *arg, unsigned line, const char *rule, size_t len)
{
	const struct translation *tr = arg;

	(void)line;
	add(tr->out, rule, len);
	if (len >= 5 && memcmp(rule, "allow", 5) == 0) {
		add_grants(tr->out, tr->im);
	}
	add_text(tr->out, "\n");
	return 0;
}

static int
import_foreign(struct text *out, const struct import *im, const char *text,
    size_t len)
{
	struct translation tr = {out, im};
	struct foreign_error err;
	enum foreign_kind kind = strcmp(im->kind, "citrix") == 0 ?
	    FOREIGN_CITRIX : FOREIGN_USBREDIR;
	int r = foreign_translate(kind, text, len, add_rule, &tr, &err);

	if (r != 0 && r != ERR_NOMEM) {
		fprintf(stderr, "%s:%u:%u: %s\n", im->path, err.line,
		    err.column, err.text);
	}
	return r;
}

/* --- all of them --- */

static void
print_piece(void *arg, const char *text, size_t len)
{
	(void)arg;
	fwrite(text, 1, len, stdout);
}

static int
print_canonical(const char *name, const struct text *text)
{
	struct rules_load *load = rules_load_new();
	int r = load == NULL || text->is_nomem ? ERR_NOMEM : 0;

	if (r == 0) {
		r = rules_load_text(load, name,
		    text->p != NULL ? text->p : "", text->len);
	}
	if (r == 0) {
		r = rules_load_format(load, print_piece, NULL);
		files_show_errors(load);
	}
	rules_load_free(load);
	return r;
}

/* What the options say is right by itself, so that an error is theirs. Groups
 * are taken to be defined where the rules will be used. */
static int
check_grants(const struct import *im)
{
	struct rules_load *load = rules_load_new();
	struct rules *rules = NULL;
	struct text text = {0};
	int r = load != NULL ? 0 : ERR_NOMEM;

	add_text(&text, "allow");
	add_grants(&text, im);
	add_text(&text, im->nto == 0 ? " to \"cn:x\"\n" : "\n");
	for (size_t i = 0; i < im->nto; i++) {
		if (im->to[i][0] == '@') {
			add_text(&text, "workstations ");
			add_text(&text, im->to[i] + 1);
			add_text(&text, " = { \"cn:x\" }\n");
		}
	}
	if (r == 0) {
		r = rules_load_text(load, "the options", text.p, text.len);
	}
	if (r == 0) {
		r = rules_load_finish(load, &rules);
		files_show_errors(load);
	}
	rules_free(rules);
	rules_load_free(load);
	free(text.p);
	return r;
}

static int
import(const struct import *im)
{
	struct text out = {0};
	char *text = NULL, why[128];
	size_t len = 0;
	int r = files_read_text(
	    im->path, RULES_MAX_TEXT, &text, &len, why, sizeof(why));

	if (r != 0) {
		cmd_warn("read: %s: %s", im->path, why);
		return CMD_FAILED;
	}
	r = check_grants(im);
	if (r == 0) {
		if (im->nto == 0) {
			add_text(&out, "default to any\n");
		}
		r = strcmp(im->kind, "usbguard") == 0 ?
		    import_usbguard(&out, im, text, len) :
		    import_foreign(&out, im, text, len);
	}
	if (r == 0) {
		r = print_canonical(im->path, &out);
	}
	if (r == ERR_NOMEM) {
		cmd_warn("import: out of memory");
	}
	free(out.p);
	free(text);
	return r == 0 ? CMD_OK : CMD_FAILED;
}

int
cmd_import(int argc, char **argv)
{
	struct import im = {0};
	int is_operand = 0;

	for (int i = 1; i < argc; i++) {
		const char *value;

		if (!is_operand && strcmp(argv[i], "--") == 0) {
			is_operand = 1;
		} else if (!is_operand && (value = cmd_value(argv, argc, &i,
					       "--to")) != NULL) {
			if (im.nto == MAX_TO) {
				return cmd_usage("import: too many --to");
			}
			im.to[im.nto++] = value;
		} else if (!is_operand && (value = cmd_value(argv, argc, &i,
					       "--using")) != NULL) {
			im.using = value;
		} else if (!is_operand && argv[i][0] == '-') {
			return cmd_usage("import: unknown option %s, or no "
					 "value for it", argv[i]);
		} else if (im.kind == NULL) {
			im.kind = argv[i];
		} else if (im.path == NULL) {
			im.path = argv[i];
		} else {
			return cmd_usage("import: expected one FILE");
		}
	}
	if (im.kind == NULL || (strcmp(im.kind, "usbguard") != 0 &&
				   strcmp(im.kind, "usbredir") != 0 &&
				   strcmp(im.kind, "citrix") != 0)) {
		return cmd_usage("import: expected usbguard, usbredir or "
				 "citrix");
	}
	if (im.path == NULL) {
		return cmd_usage("import: no FILE given");
	}
	return import(&im);
}
