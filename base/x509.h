/*
 * Facts out of X.509 certificates and the reasons why one is refused.
 */
#ifndef BASE_X509_H
#define BASE_X509_H

#include <stddef.h>
#include <stdint.h>

#include "wire/identity.h"

/* Facts of the first certificate in (buf, len), DER or PEM (PEM with its NUL
 * counted), as issued by the one in (issuer, issuer_len), whose key hash is
 * taken. Used by tools and tests; sessions use tls_peer_facts. ERR_FORMAT when
 * it does not parse or does not fit struct x509_facts (too many or too long
 * names, a NUL inside one, no name at all). */
int x509_facts_of(struct x509_facts *out, const void *buf, size_t len,
    const void *issuer, size_t issuer_len);

/* When the first certificate in (pem, len), PEM with its NUL counted, begins,
 * and when the first of them all ends: Unix seconds. ERR_FORMAT. */
int x509_period(int64_t *from, int64_t *until, const void *pem, size_t len);

/*
 * The rest is for base/tls.c, on parsed certificates (mbedTLS's own types).
 */
struct mbedtls_x509_crt;
struct mbedtls_x509_crl;
struct mbedtls_x509_time;

/* Unix seconds. */
int64_t x509_seconds(const struct mbedtls_x509_time *t);

enum x509_usage { X509_SERVER_AUTH, X509_CLIENT_AUTH };

/* Facts of crt, whose issuer's key hash is issuer_key. 0 or ERR_FORMAT. */
int x509_facts_get(struct x509_facts *out, const struct mbedtls_x509_crt *crt,
    const uint8_t issuer_key[32]);
/* SHA-256 of the certificate's SubjectPublicKeyInfo. 0 or ERR_SYS. */
int x509_key_hash(uint8_t out[32], const struct mbedtls_x509_crt *crt);
/* Whether the extended key usage is there and lists exactly this use;
 * anyExtendedKeyUsage does not count. */
int x509_has_usage(const struct mbedtls_x509_crt *crt, enum x509_usage usage);
/* Whether a SAN iPAddress is ip, given as text. */
int x509_names_ip(const struct mbedtls_x509_crt *crt, const char *ip);
/* Whether list holds a CRL of the CA that issued crt. */
int x509_is_covered(
    const struct mbedtls_x509_crt *crt, const struct mbedtls_x509_crl *list);
/* One line for people: why crt (at this depth, 0 = the peer's own) is refused,
 * from mbedTLS's verification flags, the most telling one first. crt may be
 * NULL. name is what the certificate should have named, or NULL. Returns
 * dst. */
char *x509_reason(char *dst, size_t size, const struct mbedtls_x509_crt *crt,
    int depth, uint32_t flags, const char *name);

#endif
