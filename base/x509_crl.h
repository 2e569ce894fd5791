/*
 * Lists of revoked certificates (CRL, RFC 5280 5) and who signed them. Runs in
 * sessions and relays before a handshake, and in the warden for those who are
 * connected already. The lists are the administrator's, and trusted only as far
 * as a CA of his signed them.
 */
#ifndef BASE_X509_CRL_H
#define BASE_X509_CRL_H

#include <stddef.h>
#include <stdint.h>

struct mbedtls_x509_crl;
struct mbedtls_x509_crt;
struct x509_revoked;

/* What the lists in crl revoke, any number of them, of any number of CAs; both
 * texts PEM, with their NUL counted. Every list must be signed by one of the
 * CAs, and every entry must have a serial number. ERR_TLS (one of the two does not parse, or a list is nobody's) or
 * ERR_NOMEM with why, one line that begins with which of them. The texts are
 * only read. Times are not looked at here. */
int x509_revoked_new(struct x509_revoked **out, const uint8_t *ca,
    size_t ca_len, const uint8_t *crl, size_t crl_len, char *why, size_t size);
void x509_revoked_free(struct x509_revoked *revoked); /* NULL is fine */
/* Whether every list is in force at now, Unix seconds: begun, and not past its
 * nextUpdate. 0, or ERR_TLS with why. */
int x509_revoked_in_force(
    const struct x509_revoked *revoked, int64_t now, char *why, size_t size);
/* Whether a list of the CA with that key has that serial number, both as struct
 * x509_facts has them. */
int x509_revoked_has(const struct x509_revoked *revoked,
    const uint8_t issuer_key[32], const uint8_t *serial, size_t serial_len);
size_t x509_revoked_count(const struct x509_revoked *revoked);
/* Of the list that ends first, which says when it does: Unix seconds. */
void x509_revoked_period(
    const struct x509_revoked *revoked, int64_t *from, int64_t *until);

/*
 * The rest is for base/tls*.c and certs/, on parsed lists (mbedTLS's own types).
 */
/* The CA in ca, a list of them, that signed crl and may do so; NULL with why
 * when there is none, or crl has an entry without a serial number. Borrowed from ca. */
struct mbedtls_x509_crt *x509_crl_signer(const struct mbedtls_x509_crl *crl,
    struct mbedtls_x509_crt *ca, char *why, size_t size);
/* As x509_revoked_in_force, of each list from crl on. */
int x509_crl_in_force(
    const struct mbedtls_x509_crl *crl, int64_t now, char *why, size_t size);

#endif
