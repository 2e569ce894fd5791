/*
 * What fuzz targets share: an invariant that ends the process when it does not
 * hold, in every build.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define MUST(claim)                                                           \
	do {                                                                  \
		if (!(claim)) {                                               \
			fprintf(stderr, "%s:%d: does not hold: %s\n",         \
			    __FILE__, __LINE__, #claim);                      \
			abort();                                              \
		}                                                             \
	} while (0)

/* Reads every byte, so that a sanitizer sees what lies out of bounds. */
static inline unsigned
touch(const uint8_t *p, size_t n)
{
	unsigned sum = 0;

	for (size_t i = 0; i < n; i++) {
		sum += ((const volatile uint8_t *)p)[i];
	}
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
