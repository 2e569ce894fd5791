/*
 * Detached signatures of a bundle, FILE.sig: JSON with the bundle's digest and,
 * for each key that signed, its name and its signature. What is signed is the
 * SHA-256 of the bundle's bytes, so that `openssl dgst -sha256 -verify' checks
 * it as well.
 */
#ifndef POLICY_BUNDLE_SIGNED_H
#define POLICY_BUNDLE_SIGNED_H

#include <stddef.h>
#include <stdint.h>

#include "policy/bundle/manifest.h"

#define SIGNED_MAX (16u * 1024u)
#define SIGNED_SIGNATURES 32u

struct signature {
	uint8_t key[32]; /* its id */
	uint8_t der[SIGN_DER_MAX];
	size_t len;
};

struct signatures {
	uint8_t sha256[32];
	struct signature list[SIGNED_SIGNATURES];
	size_t n;
};

/* 0, or ERR_FORMAT or ERR_LIMIT with why. One signature by key. */
int signed_parse(struct signatures *out, const char *text, size_t len,
    char *why, size_t size);
/* Its text, malloced; NULL: no memory. */
char *signed_print(const struct signatures *s);
/* Adds one, or takes the place of the one that this key made. 0 or ERR_LIMIT. */
int signed_add(struct signatures *s, const uint8_t key[32], const uint8_t *der,
    size_t len);
/* How many keys of the ring signed that digest; those of others do not count. */
unsigned signed_count(const struct signatures *s, const struct keyring *ring,
    const uint8_t sha256[32]);
/* Whether as many as must. 0, or ERR_POLICY with why. */
int signed_check(const struct signatures *s, const struct keyring *ring,
    const uint8_t sha256[32], char *why, size_t size);

#endif
