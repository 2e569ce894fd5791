/*
 * Calls that fail. In the variants fault and fuzz the product's objects, and no
 * test's or fake's, have the symbols of tests/fault/symbols renamed, so that
 * what they allocate, open, read, write, fork and ask of the kernel comes by
 * fault.c. It fails what it was told to, and passes the rest on. In every other
 * variant nothing comes by, and fault_calls stays 0.
 *
 * A program can also be told by its environment: FAULT_AT=N, FAULT_COUNT=FILE.
 */
#ifndef TESTS_FAULT_FAULT_H
#define TESTS_FAULT_FAULT_H

#include <stdint.h>

/* From now on none fails. */
void fault_off(void);
/* From now on the Nth one fails, once, as if the machine had no more of it: no
 * memory, no descriptor, a broken disk or line. 0 = none, they are counted. */
void fault_at(uint64_t n);
/* From now on each fails with a chance of one in `per'. The same seed gives the
 * same failures. */
void fault_seed(uint64_t seed, uint32_t per);
/* How many came by since one of these was called, and how many of them failed;
 * which one failed last ("" = none). */
uint64_t fault_calls(void);
uint64_t fault_failures(void);
const char *fault_last(void);

/* Between hold and release nothing fails or is counted: what a fake does with
 * the product's code is not the product's doing. */
void fault_hold(void) __attribute__((weak));
void fault_release(void) __attribute__((weak));

/* For fakes: whether the call that they stand for fails here; it counts as one.
 * Where fault.c is not linked none does. */
int fault_here(const char *name) __attribute__((weak));

static inline int
fault_strikes(const char *name)
{
	return fault_here != NULL && fault_here(name);
}

enum fault_side { FAULT_PRODUCT, FAULT_FAKE };

static inline void
fault_side(enum fault_side side)
{
	if (fault_hold != NULL && side == FAULT_FAKE) {
		fault_hold();
	} else if (fault_release != NULL && side == FAULT_PRODUCT) {
		fault_release();
	}
}

#endif
