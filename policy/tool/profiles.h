/*
 * Profile files on the command line: check and fmt take them beside rules.
 */
#ifndef POLICY_TOOL_PROFILES_H
#define POLICY_TOOL_PROFILES_H

#include <stddef.h>

/* Whether a path is a profile's, by its name. */
int profiles_is_path(const char *path);
/* Loads those of the paths that are profiles as local ones, above the *.profile
 * of the directory stock; NULL is that of this installation, which may be
 * missing. Everything that is wrong is said. An exit status. */
int profiles_check(
    char *const *paths, size_t n, const char *stock, int is_json);
/* The canonical form of one file on standard output. An exit status. */
int profiles_format(const char *path);

#endif
