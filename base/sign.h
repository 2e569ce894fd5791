/*
 * Signatures by ECDSA on P-256 over a SHA-256, by mbedTLS. A key is a value: its
 * SubjectPublicKeyInfo, which has one encoding, so that two keys are the same
 * when their bytes are. sign.c checks; sign_make.c signs, for tools.
 */
#ifndef BASE_SIGN_H
#define BASE_SIGN_H

#include <stddef.h>
#include <stdint.h>

#define SIGN_SPKI 91u  /* of P-256, its point not compressed */
#define SIGN_DER_MAX 72u /* SEQUENCE of two INTEGERs */

struct sign_key {
	uint8_t spki[SIGN_SPKI];
	uint8_t id[32]; /* SHA-256 of that: its name */
};

/* A key from its SubjectPublicKeyInfo. 0; ERR_FORMAT: not a point of P-256 in
 * just this encoding; ERR_SYS. */
int sign_key_init(struct sign_key *out, const void *spki, size_t len);
/* All public keys of a PEM text, at least one and at most max; text between them
 * is a comment. The text need not end in a NUL. 0, or ERR_FORMAT, ERR_LIMIT or
 * ERR_SYS with why: one line. */
int sign_keys_read(struct sign_key *out, size_t max, size_t *n,
    const char *text, size_t len, char *why, size_t size);
/* 0; ERR_POLICY: it is not that key's signature of that digest. */
int sign_check(const struct sign_key *key, const uint8_t digest[32],
    const void *der, size_t len);

/* sign_make.c: by a private key in PEM, its NUL counted in len. *pub is its
 * public half. 0, or ERR_FORMAT or ERR_SYS with why. */
int sign_make(struct sign_key *pub, uint8_t der[SIGN_DER_MAX], size_t *der_len,
    const uint8_t digest[32], const char *pem, size_t len, char *why,
    size_t size);

#endif
