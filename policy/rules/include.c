/*
 * What `include' brings in. The caller reads the files; here it is judged what
 * may be asked for, how deep and how much, before a byte of it is parsed.
 *
 * Foreign files become rules first: USBGuard's as they stand, in its own
 * language, and the filters of usbredir and Citrix line by line, so that an
 * error has the line of the file.
 */
#include "policy/rules/ast.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "policy/rules/foreign.h"

#define FILES_MAX 1000u /* one that is included twice counts twice */

static void
complain(struct rules_load *load, const struct stmt *stmt, const char *why)
{
	load_error(load, stmt->source, stmt->name->line, stmt->name->column,
	    "include \"%.200s\": %s", stmt->name->text, why);
}

/* Whether that file is being included already, or by whom. */
static int
is_circle(const struct stmt *stmt, const char *name)
{
	const struct source *source = stmt->source;

	for (;;) {
		if (strcmp(source->name, name) == 0) {
			return 1;
		}
		if (source->by == NULL) {
			return 0;
		}
		source = source->by->source;
	}
}

struct translation {
	struct rules_load *load;
	struct source *source;
};

static int
parse_rule(void *arg, unsigned line, const char *rule, size_t len)
{
	struct translation *t = arg;

	return load_parse_line(t->load, t->source, rule, len, line);
}

/* Line by line, so that each rule stands where the file says it. */
static int
translate(struct rules_load *load, struct stmt *stmt, struct source *source)
{
	struct translation t = {load, source};
	struct foreign_error err = {1, 1, ""};
	int r = foreign_translate(stmt->include == INCLUDE_USBREDIR ?
		FOREIGN_USBREDIR : FOREIGN_CITRIX,
	    source->text, source->len, parse_rule, &t, &err);

	if (r == ERR_FORMAT || r == ERR_LIMIT) {
		load_error(
		    load, source, err.line, err.column, "%s", err.text);
		return 0;
	}
	return r;
}

/* Takes over file->text. */
static int
include_text(
    struct rules_load *load, struct stmt *stmt, struct rules_file *file)
{
	enum rules_dialect dialect = stmt->include == INCLUDE_USBGUARD ?
	    RULES_USBGUARD : RULES_OWN;
	struct source *source;
	int r;

	load->nbytes += file->len;
	source = load_source(load, file->name, file->text, file->len, dialect);
	file->text = NULL;
	if (source == NULL) {
		return ERR_NOMEM;
	}
	source->by = stmt;
	stmt->included = source;
	/* who may have what a foreign file allows is said by the statement */
	source->is_to_any = stmt->include != INCLUDE_OWN;
	if (stmt->include == INCLUDE_USBREDIR ||
	    stmt->include == INCLUDE_CITRIX) {
		return translate(load, stmt, source);
	}
	r = load_parse(load, source);
	return r != 0 ? r : include_all(load, source);
}

static int
include_one(struct rules_load *load, struct stmt *stmt)
{
	const struct rules_means *means = load->means;
	struct rules_file file = {NULL, NULL, 0};
	char why[256] = "";
	int r;

	if (stmt->include != INCLUDE_OWN && !stmt->source->is_to_any &&
	    (stmt->seen & 1u << ATTR_TO) == 0) {
		load_error(load, stmt->source, stmt->line, stmt->column,
		    "`include' does not say to whom; expected `to', or "
		    "`default to any' in this file");
	}
	if (means == NULL || means->read == NULL) {
		complain(load, stmt, "nothing can be included here");
		return 0;
	}
	if (load->nesting >= RULES_MAX_NESTING) {
		complain(load, stmt, "files that include files are nested "
				     "more than 16 deep");
		return 0;
	}
	if (stmt->name->len == 0 ||
	    strlen(stmt->name->text) != stmt->name->len) {
		complain(load, stmt, "no name of a file");
		return 0;
	}
	if (load->nsources >= FILES_MAX) {
		complain(load, stmt, "more than 1000 files are included");
		load->lex.is_stopped = 1;
		return 0;
	}
	load->nsources++;
	r = (*means->read)(means->arg, stmt->source->name, stmt->name->text,
	    &file, why, sizeof(why));
	if (r == 0 && (file.name == NULL || file.text == NULL)) {
		r = ERR_NOMEM;
	}
	if (r == ERR_NOMEM) {
		load->is_nomem = 1;
	} else if (r != 0) {
		complain(load, stmt, why[0] != '\0' ? why : "cannot be read");
		r = 0;
	} else if (is_circle(stmt, file.name)) {
		complain(load, stmt, "includes itself, in a circle");
	} else if (file.len > RULES_MAX_TEXT - load->nbytes) {
		complain(load, stmt, "larger than 16 MiB with all before it");
		load->lex.is_stopped = 1;
	} else {
		load->nesting++;
		r = include_text(load, stmt, &file);
		load->nesting--;
	}
	free(file.name);
	free(file.text);
	return r;
}

int
include_all(struct rules_load *load, struct source *source)
{
	int is_stopped = load->lex.is_stopped, r = 0;

	for (struct stmt *stmt = source->stmts;
	     stmt != NULL && r == 0 && !is_stopped; stmt = stmt->next) {
		if (stmt->kind != STMT_INCLUDE) {
			continue;
		}
		r = include_one(load, stmt);
		is_stopped = load->lex.is_stopped;
	}
	return r;
}
