/*
 * A set of profiles as text: all that the tree means, and nothing of how it was
 * written or where. Two texts that mean the same have the same dump.
 */
#ifndef TESTS_FAKE_PROFILE_DUMP_H
#define TESTS_FAKE_PROFILE_DUMP_H

#include "policy/profiles/ast.h"

/* Malloced, NUL-terminated; NULL when there is no memory. */
char *profile_dump(const struct profile_set *set);

#endif
