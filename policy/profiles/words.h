/*
 * Words of values become numbers: see words.c.
 */
#ifndef POLICY_PROFILES_WORDS_H
#define POLICY_PROFILES_WORDS_H

#include "policy/profiles/load.h"

/* The values that the words of a list stand for, a fresh list; errors are
 * reported, and what is wrong is left out. named is the second fact of the same
 * word, or NULL; *fact becomes it when the words are names. */
struct value *words_read(struct profile_load *load,
    enum profile_origin origin, const struct hook_fact **fact,
    const struct hook_fact *named, const struct value *list);

#endif
