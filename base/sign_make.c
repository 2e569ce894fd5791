/*
 * Signing, by a key in memory.
 */
#include "base/sign.h"

#include <stdio.h>
#include <string.h>

#include <mbedtls/entropy.h>
#include <mbedtls/md.h>
#include <mbedtls/pk.h>
#include <mbedtls/version.h>
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
#include <psa/crypto.h>
#endif

#include "base/err.h"
#include "base/random.h"

static int
on_random(void *unused, unsigned char *out, size_t len)
{
	(void)unused;
	return random_fill(out, len) == 0 ? 0
					  : MBEDTLS_ERR_ENTROPY_SOURCE_FAILED;
}

static int
parse(mbedtls_pk_context *pk, const char *pem, size_t len)
{
	const unsigned char *p = (const unsigned char *)pem;

#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	if (psa_crypto_init() != PSA_SUCCESS) {
		return -1;
	}
	return mbedtls_pk_parse_key(pk, p, len, NULL, 0, on_random, NULL);
#else
	return mbedtls_pk_parse_key(pk, p, len, NULL, 0);
#endif
}

static int
make(mbedtls_pk_context *pk, const uint8_t digest[32], uint8_t *der,
    size_t size, size_t *len)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	return mbedtls_pk_sign(pk, MBEDTLS_MD_SHA256, digest, 32, der, size,
	    len, on_random, NULL);
#else
	(void)size; /* of MBEDTLS_PK_SIGNATURE_MAX_SIZE */
	return mbedtls_pk_sign(
	    pk, MBEDTLS_MD_SHA256, digest, 32, der, len, on_random, NULL);
#endif
}

int
sign_make(struct sign_key *pub, uint8_t der[SIGN_DER_MAX], size_t *der_len,
    const uint8_t digest[32], const char *pem, size_t len, char *why,
    size_t size)
{
	unsigned char spki[2 * SIGN_SPKI], out[MBEDTLS_PK_SIGNATURE_MAX_SIZE];
	mbedtls_pk_context pk;
	int n, r = ERR_FORMAT;

	mbedtls_pk_init(&pk);
	if (parse(&pk, pem, len) != 0) {
		(void)snprintf(why, size, "no private key in PEM that can be "
					  "read without a pass phrase");
		goto out;
	}
	n = mbedtls_pk_write_pubkey_der(&pk, spki, sizeof(spki));
	if (n <= 0 ||
	    sign_key_init(pub, spki + sizeof(spki) - n, (size_t)n) != 0) {
		(void)snprintf(why, size, "it is no key of P-256");
		goto out;
	}
	if (make(&pk, digest, out, sizeof(out), der_len) != 0 ||
	    *der_len > SIGN_DER_MAX) {
		(void)snprintf(why, size, "it does not sign");
		r = ERR_SYS;
		goto out;
	}
	memcpy(der, out, *der_len);
	r = 0;
out:
	mbedtls_pk_free(&pk);
	return r;
}
