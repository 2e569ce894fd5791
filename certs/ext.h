/*
 * X.509 extensions in DER, added to a certificate that is being written or
 * found in one that was read: those that mbedTLS 2.28 has no function for, or
 * writes in a way we do not want. No I/O.
 */
#ifndef CERTS_EXT_H
#define CERTS_EXT_H

#include <stddef.h>
#include <stdint.h>

#include "certs/compat.h"
#include "certs/key.h"
#include "certs/name.h"

enum ext_basic { EXT_END_ENTITY, EXT_LAST_CA, EXT_TOP_CA };
enum ext_purpose { EXT_SERVER, EXT_CLIENT };

/* All return 0 or mbedTLS's code. */

/* Critical. EXT_LAST_CA is a CA with path length 0, EXT_TOP_CA with 1. */
int ext_set_basic(mbedtls_x509write_cert *w, enum ext_basic basic);
int ext_set_subject_key_id(mbedtls_x509write_cert *w, const uint8_t id[KEY_ID]);
int ext_set_authority_key_id(mbedtls_x509write_cert *w, const uint8_t *id,
    size_t len);
int ext_set_purpose(mbedtls_x509write_cert *w, enum ext_purpose purpose);
/* n is 1 to NAME_SANS. */
int ext_set_sans(mbedtls_x509write_cert *w, const struct san *sans, size_t n);

/* The value of the extension with that OID in (p, len), a SEQUENCE of
 * extensions; borrowed from there, NULL if it has none or p is NULL. */
int ext_find(const uint8_t *p, size_t len, const char *oid, size_t oid_len,
    const uint8_t **value, size_t *value_len);
/* The key identifier of a certificate that was read, borrowed from it; *len is
 * 0 if it has none. */
int ext_get_subject_key_id(const mbedtls_x509_crt *crt, const uint8_t **id,
    size_t *len);

#endif
