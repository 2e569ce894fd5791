/*
 * The differences between mbedTLS 2.28 and 3.6 that certs/ meets, and nothing
 * else: the only file of this folder with a version #if. Members that 3.x
 * hides are reached by its own MBEDTLS_PRIVATE.
 */
#ifndef CERTS_COMPAT_H
#define CERTS_COMPAT_H

#include <stddef.h>

#include <mbedtls/version.h>
#include <mbedtls/bignum.h>
#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>

#ifndef MBEDTLS_PRIVATE
#define MBEDTLS_PRIVATE(member) member
#endif

typedef int compat_rng(void *, unsigned char *, size_t);

/* len counts the NUL that ends a PEM text. */
static inline int
compat_parse_key(mbedtls_pk_context *pk, const unsigned char *key, size_t len,
    compat_rng *rng)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	return mbedtls_pk_parse_key(pk, key, len, NULL, 0, rng, NULL);
#else
	(void)rng;
	return mbedtls_pk_parse_key(pk, key, len, NULL, 0);
#endif
}

static inline int
compat_check_pair(const mbedtls_pk_context *pub, const mbedtls_pk_context *key,
    compat_rng *rng)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	return mbedtls_pk_check_pair(pub, key, rng, NULL);
#else
	(void)rng;
	return mbedtls_pk_check_pair(pub, key);
#endif
}

/* sig has at least MBEDTLS_PK_SIGNATURE_MAX_SIZE bytes. */
static inline int
compat_sign(mbedtls_pk_context *pk, mbedtls_md_type_t md,
    const unsigned char *hash, size_t hash_len, unsigned char *sig,
    size_t *sig_len, compat_rng *rng)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	return mbedtls_pk_sign(pk, md, hash, hash_len, sig,
	    MBEDTLS_PK_SIGNATURE_MAX_SIZE, sig_len, rng, NULL);
#else
	return mbedtls_pk_sign(pk, md, hash, hash_len, sig, sig_len, rng, NULL);
#endif
}

/* serial is big-endian; a set top bit is fine. */
static inline int
compat_set_serial(mbedtls_x509write_cert *w, unsigned char *serial, size_t len)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03040000
	/* It writes them as they are: a number that begins with a zero byte
	 * would be no DER, and OpenSSL 3.5 reads no such certificate. */
	while (len > 1 && serial[0] == 0) {
		serial++;
		len--;
	}
	return mbedtls_x509write_crt_set_serial_raw(w, serial, len);
#else
	mbedtls_mpi n;
	int r;

	mbedtls_mpi_init(&n);
	r = mbedtls_mpi_read_binary(&n, serial, len);
	if (r == 0) {
		r = mbedtls_x509write_crt_set_serial(w, &n);
	}
	mbedtls_mpi_free(&n);
	return r;
#endif
}

#endif
