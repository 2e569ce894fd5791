/*
 * The private key of a server, for a process that has it and does nothing but
 * sign: RSA, by PKCS #1 1.5, hashes of TLS 1.2. Knows nothing of connections,
 * and has no way to decrypt.
 */
#ifndef BASE_TLS_KEY_H
#define BASE_TLS_KEY_H

#include <stddef.h>
#include <stdint.h>

#include "base/tls.h"

struct tls_key;

#define TLS_SIGNATURE_MAX 1024u /* bytes: 8192 bits */

/* From cert and key of pem, which is only read. ERR_TLS or ERR_NOMEM with why:
 * one line; they do not belong together, or it is not RSA of 2048 to 8192
 * bits. Whether the certificate is valid is not asked. */
int tls_key_new(struct tls_key **out, const struct tls_pem *pem, char *why,
    size_t why_size);
/* Wipes it. NULL is fine. */
void tls_key_free(struct tls_key *key);
unsigned tls_key_bits(const struct tls_key *key);
/* 0 and *len bytes in sig; ERR_FORMAT: no such hash, or of another length;
 * ERR_TLS. */
int tls_key_sign(struct tls_key *key, enum tls_hash hash,
    const uint8_t *digest, size_t digest_len, uint8_t sig[TLS_SIGNATURE_MAX],
    size_t *len);

#endif
