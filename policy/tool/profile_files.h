/*
 * Profile files on the command line: check and fmt take them beside rules.
 */
#ifndef POLICY_TOOL_PROFILE_FILES_H
#define POLICY_TOOL_PROFILE_FILES_H

#include <stddef.h>

#include "policy/profiles/profile.h"

/* Whether a path is a profile's, by its name. */
int profile_files_is_path(const char *path);
/* Loads those of the paths that are profiles as local ones, above the *.profile
 * of the directory stock; NULL is that of this installation, which may be
 * missing. Everything that is wrong is said. An exit status. */
int profile_files_check(
    char *const *paths, size_t n, const char *stock, int is_json);
/* A set of all profiles of the paths, each a file or a directory with *.profile,
 * and of stock as above. 0, or an error, and everything that is wrong was said. */
int profile_files_open(struct profile_set **out, char *const *paths, size_t n,
    const char *stock);
/* The canonical form of one file on standard output. An exit status. */
int profile_files_format(const char *path);

#endif
