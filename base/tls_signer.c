/*
 * A key that somebody else has: mbedTLS signs with it by a function of ours,
 * which asks them (`mbedtls_pk_setup_rsa_alt'). That exists for RSA alone, and
 * for PKCS #1 1.5 alone: TLS 1.2. Nothing is ever decrypted with it, since no
 * suite of ours moves keys by RSA.
 */
#include "base/tls_parts.h"

#include <stdio.h>

#include <mbedtls/pk.h>
#include <mbedtls/rsa.h>
#include <mbedtls/version.h>

#include "base/err.h"

/* What 2.28 says besides: which half of the key is meant. It is ours. */
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
#define MODE_ARG
#else
#define MODE_ARG int mode __attribute__((unused)),
#endif

typedef int rng_fn(void *arg, unsigned char *out, size_t len);

static int
decrypt_nothing(void *arg, MODE_ARG size_t *olen, const unsigned char *input,
    unsigned char *output, size_t max)
{
	(void)arg;
	(void)olen;
	(void)input;
	(void)output;
	(void)max;
	return MBEDTLS_ERR_RSA_PRIVATE_FAILED;
}

static int
hash_of(mbedtls_md_type_t md, unsigned len)
{
	if (md == MBEDTLS_MD_SHA256 && len == 32) {
		return TLS_SHA256;
	}
	if (md == MBEDTLS_MD_SHA384 && len == 48) {
		return TLS_SHA384;
	}
	if (md == MBEDTLS_MD_SHA512 && len == 64) {
		return TLS_SHA512;
	}
	return 0;
}

static int
sign_by(void *arg, rng_fn *rng, void *rng_arg, MODE_ARG mbedtls_md_type_t md,
    unsigned len, const unsigned char *digest, unsigned char *sig)
{
	struct tls_config *c = arg;
	int hash = hash_of(md, len), r = ERR_FORMAT;

	(void)rng;
	(void)rng_arg;
	if (hash != 0) {
		r = c->signer.sign(c->signer.arg, (enum tls_hash)hash, digest,
		    len, sig, c->signature_len);
	}
	if (r == 0) {
		return 0;
	}
	snprintf(c->sign_why, sizeof(c->sign_why),
	    "who has our key does not sign: %s", err_str(r));
	return MBEDTLS_ERR_RSA_PRIVATE_FAILED;
}

static size_t
length_by(void *arg)
{
	const struct tls_config *c = arg;

	return c->signature_len;
}

int
tls_config_borrow(struct tls_config *c, const struct tls_signer *signer,
    char *why, size_t size)
{
	size_t bits = mbedtls_pk_get_bitlen(&c->cert.pk);

	if (!mbedtls_pk_can_do(&c->cert.pk, MBEDTLS_PK_RSA) ||
	    bits < TLS_RSA_MIN || bits > TLS_RSA_MAX) {
		snprintf(why, size, "certificate: its key is none of RSA with "
				    "%u to %u bits, and others sign with no "
				    "other", TLS_RSA_MIN, TLS_RSA_MAX);
		return ERR_TLS;
	}
	c->signer = *signer;
	c->signature_len = mbedtls_pk_get_len(&c->cert.pk);
	if (mbedtls_pk_setup_rsa_alt(&c->key, c, decrypt_nothing, sign_by,
		length_by) != 0) {
		snprintf(why, size, "key: out of memory");
		return ERR_NOMEM;
	}
	c->has_key = 1;
	return 0;
}
