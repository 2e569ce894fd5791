/*
 * Bundles for tests: keys that sign nothing else, and bundles made of a few texts.
 */
#ifndef TESTS_FAKE_BUNDLE_MAKE_H
#define TESTS_FAKE_BUNDLE_MAKE_H

#include <stddef.h>
#include <stdint.h>

#include "policy/bundle/bundle.h"
#include "policy/bundle/signed.h"

#define MAKE_KEYS 3
/* PEM, of P-256. */
extern const char *const make_private[MAKE_KEYS];
extern const char *const make_public[MAKE_KEYS];

struct make_file {
	const char *name, *text;
};

/* A bundle of those files, in order of their names and ended by a NULL name,
 * whose manifest is m but for its files. Malloced. */
uint8_t *make_bundle(const struct manifest *m, const struct make_file *files,
    size_t *len);
/* A manifest of kind policy that holds from 1000 to 2000 with a grace of 500. */
struct manifest make_manifest(int64_t serial);
/* FILE.sig of bytes by those keys, as a set of bits. Malloced. */
char *make_signatures(const uint8_t *bytes, size_t len, unsigned keys);
/* A ring of those keys. */
struct keyring make_ring(unsigned keys, unsigned threshold);

#endif
