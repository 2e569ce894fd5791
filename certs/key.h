/*
 * Private keys: made, read, written, identified. ECDSA on P-256 when made here,
 * or RSA where somebody asks for it; any kind that mbedTLS knows when read. No
 * function logs a key.
 */
#ifndef CERTS_KEY_H
#define CERTS_KEY_H

#include <stddef.h>
#include <stdint.h>

#include <mbedtls/pk.h>

#define KEY_PEM_MAX 4096
#define KEY_RSA_MIN 2048u
#define KEY_RSA_MAX 4096u
#define KEY_ID 20
#define KEY_SHA256 32
#define KEY_SPKI 91 /* of P-256 */

/* Random bytes of the kernel, in the shape that mbedTLS calls. */
int key_random(void *unused, unsigned char *out, size_t len);

/* pk must be initialised; the caller frees it. 0 or mbedTLS's code. */
int key_generate(mbedtls_pk_context *pk);
/* PEM text with its NUL; the caller wipes it. 0 or mbedTLS's code. */
int key_write(mbedtls_pk_context *pk, unsigned char out[KEY_PEM_MAX]);
/* Both. */
int key_make(mbedtls_pk_context *pk, unsigned char out[KEY_PEM_MAX]);
/* One of RSA of so many bits, KEY_RSA_MIN to KEY_RSA_MAX: for a gateway that has
 * its key held apart, which elliptic ones cannot be. */
int key_make_rsa(mbedtls_pk_context *pk, unsigned bits,
    unsigned char out[KEY_PEM_MAX]);
/* The SubjectPublicKeyInfo of an elliptic key that was made here: 0 or mbedTLS's code. */
int key_spki(uint8_t out[KEY_SPKI], mbedtls_pk_context *pk);
/* The key identifier of RFC 7093 method 1. 0 or mbedTLS's code. */
int key_id(uint8_t out[KEY_ID], mbedtls_pk_context *pk);
/* 0 or mbedTLS's code. */
int key_sha256(uint8_t out[KEY_SHA256], const void *p, size_t len);

#endif
