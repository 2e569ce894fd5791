/*
 * Rule files from disk into a load, and what there is to say about them.
 */
#ifndef POLICY_TOOL_FILES_H
#define POLICY_TOOL_FILES_H

#include <stddef.h>

#include "policy/rules/rules.h"

/* The files that were loaded, in order. */
struct files {
	char **names; /* owned */
	size_t n;
};

/* Loads the files named; a directory stands for the *.rules in it, sorted by
 * name. 0, or an error that was said on standard error: nothing was wrong with
 * the rules, but they could not be read. Always needs files_fini. */
int files_load(struct files *files, struct rules_load *load,
    char *const *paths, size_t n);
void files_fini(struct files *files);

/* All errors of a load on standard error, each with its line and a caret. */
void files_show_errors(const struct rules_load *load);

#endif
