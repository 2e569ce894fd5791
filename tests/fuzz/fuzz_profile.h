/*
 * For targets that run compiled profiles: the block to start from, and units to
 * judge. In fuzz_profile.c.
 */
#ifndef TESTS_FUZZ_FUZZ_PROFILE_H
#define TESTS_FUZZ_FUZZ_PROFILE_H

#include "policy/tool/unit.h"

#define FUZZ_UNITS 20u

/* Malloced. The first byte of data says how: 0 = the rest is the block; else it
 * is pairs of 32 bits, a place of the honest block and what stands there. */
uint8_t *fuzz_block(const uint8_t *data, size_t size, size_t *len);
void fuzz_unit(struct unit_words *u, unsigned i);

#endif
