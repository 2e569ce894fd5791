/*
 * What `include' brings in. The caller reads the files; here it is judged what
 * may be asked for, how deep and how much, before a byte of it is parsed.
 */
#include "policy/profiles/load.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"

static void
complain(struct profile_load *load, const struct pstmt *stmt, const char *why)
{
	pload_error(
	    load, &stmt->at, "include \"%.200s\": %s", stmt->name, why);
	load->is_broken = 1;
}

/* Whether that file is being included already. */
static int
is_circle(const struct psource *source, const char *name)
{
	for (; source != NULL; source = source->by) {
		if (strcmp(source->name, name) == 0) {
			return 1;
		}
	}
	return 0;
}

static int
include_text(struct profile_load *load, const struct pstmt *stmt,
    const struct profile_file *file)
{
	struct psource *source;
	int r;

	if (file->len > PROFILES_MAX_TEXT - load->nbytes) {
		complain(load, stmt, "larger than 16 MiB with all before it");
		return 0;
	}
	source = pload_text(
	    load, stmt->source->origin, file->name, file->text, file->len);
	if (source == NULL) {
		return ERR_NOMEM;
	}
	source->by = stmt->source;
	r = pload_parse(load, source);
	if (r == 0) {
		load->nesting++;
		r = include_sources(load, source);
		load->nesting--;
	}
	return r;
}

static int
include_one(struct profile_load *load, const struct pstmt *stmt)
{
	struct profile_file file = {NULL, NULL, 0};
	char why[256] = "";
	int r;

	if (load->read == NULL) {
		complain(load, stmt, "nothing can be included here");
		return 0;
	}
	if (load->nesting >= PLOAD_MAX_NESTING) {
		complain(load, stmt, "files that include files are nested "
				     "more than 16 deep");
		return 0;
	}
	if (load->nfiles >= PLOAD_MAX_FILES) {
		if (load->nfiles++ == PLOAD_MAX_FILES) {
			complain(
			    load, stmt, "more than 1000 files are included");
		}
		return 0;
	}
	load->nfiles++;
	r = (*load->read)(load->arg, stmt->source->name, stmt->name, &file,
	    why, sizeof(why));
	if (r == 0 && (file.name == NULL || file.text == NULL)) {
		r = ERR_NOMEM;
	}
	if (r == ERR_NOMEM) {
		load->is_nomem = 1;
	} else if (r != 0) {
		complain(load, stmt, why[0] != '\0' ? why : "cannot be read");
		r = 0;
	} else if (is_circle(stmt->source, file.name)) {
		complain(load, stmt, "includes itself, in a circle");
	} else {
		r = include_text(load, stmt, &file);
	}
	free(file.name);
	free(file.text);
	return r;
}

int
include_sources(struct profile_load *load, struct psource *source)
{
	int r = 0;

	for (struct pstmt *stmt = source->stmts; stmt != NULL && r == 0;
	     stmt = stmt->next) {
		if (stmt->kind == PSTMT_INCLUDE) {
			r = include_one(load, stmt);
		}
	}
	return r;
}
