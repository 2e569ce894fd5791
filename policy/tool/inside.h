/*
 * Files of a bundle in the place of files on disk: everything that the tool
 * reads by name is then of the bundle, "bundle:rules.d/10.rules", but for the
 * stock profiles. So what a bundle's tests name cannot lead out of it.
 */
#ifndef POLICY_TOOL_INSIDE_H
#define POLICY_TOOL_INSIDE_H

#include <stddef.h>

#include "policy/bundle/bundle.h"

/* From now on, in this process; both are borrowed. NULL, NULL ends it. stock is
 * where stock profiles are, NULL being those of this installation. */
void inside_set(const struct bundle *b, const char *stock);
int inside_is_set(void);
/* Whether that names something in it. */
int inside_names(const char *path);
/* What path means where from stands, malloced; NULL: no memory. What leads out
 * of the bundle becomes a name that nothing has. */
char *inside_beside(const char *from, const char *path);
/* 0, or ERR_NOENT, ERR_LIMIT or ERR_NOMEM with why; *text is malloced. Of what
 * is not in the bundle only stock profiles may be read: ERR_POLICY. */
int inside_read(const char *path, size_t max, char **text, size_t *len,
    char *why, size_t size);
int inside_may_read(const char *path);
int inside_is_folder(const char *path);
/* Calls fn for each file directly in that folder with that ending, in order,
 * until one is not 0: the result. */
int inside_each(const char *folder, const char *ending,
    int (*fn)(void *arg, const char *path), void *arg);

#endif
