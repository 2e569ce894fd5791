/*
 * Rule files from disk into a load, and what there is to say about them.
 */
#ifndef POLICY_TOOL_FILES_H
#define POLICY_TOOL_FILES_H

#include <stddef.h>

#include "policy/rules/rules.h"

/* The files that were loaded, in order. The caller sets the rest
 * before files_load, or leaves it zero. */
struct files {
	char **names; /* owned; those that were named, not the included ones */
	size_t n;
	enum rules_dialect dialect; /* of all of them */
	int is_alone; /* what is included is not read, and taken as empty */
	/* What `using' may name; NULL = anything. Borrowed. */
	const char *const *profiles;
	size_t nprofiles;
	struct rules_means means;
	/* Called for the text of every file, included ones too; or NULL. */
	void (*seen)(void *arg, const char *name, const char *text, size_t len);
	void *arg;
};

/* What a load may ask for: included files are read, relative names from the
 * folder of the file that includes them, and zones are those of this machine.
 * files must live as long as the load. */
void files_means(struct files *files, struct rules_load *load);

/* Loads the files named; a directory stands for the *.rules in it, sorted by
 * name. 0, or an error that was said on standard error: nothing was wrong with
 * the rules, but they could not be read. Always needs files_fini. */
int files_load(struct files *files, struct rules_load *load,
    char *const *paths, size_t n);
void files_fini(struct files *files);

/* All errors of a load on standard error, each with its line and a caret. */
void files_show_errors(const struct rules_load *load);

/* A whole file; *text is malloced. 0, or an error that why has words for; a
 * pipe, device or directory is one. */
int files_read_text(const char *path, size_t max, char **text, size_t *len,
    char *why, size_t size);
/* The path as seen from the folder of from; malloced, NULL if memory is
 * short. */
char *files_beside(const char *from, const char *path);
/* What a file at from includes as path: its real name and text, malloced. 0, or
 * an error that why has words for. */
int files_read_beside(const char *from, const char *path, size_t max,
    char **name, char **text, size_t *len, char *why, size_t size);

#endif
