/*
 * Signing, and nothing else, with the key of a server. mbedTLS checks each
 * signature with the public key before it gives it away, so that a fault of the
 * machine does not tell the key.
 */
#include "base/tls_key.h"

#include <stdio.h>
#include <stdlib.h>

#include <mbedtls/pk.h>
#include <mbedtls/version.h>

#include "base/err.h"
#include "base/tls_parts.h"

struct tls_key {
	struct tls_config *config; /* owned: certificate, key, random numbers */
};

static int
check_kind(const struct tls_config *c, char *why, size_t size)
{
	size_t bits = mbedtls_pk_get_bitlen(&c->key);

	if (!mbedtls_pk_can_do(&c->key, MBEDTLS_PK_RSA)) {
		snprintf(why, size, "key: it is none of RSA, and no other can "
				    "be held apart; have one of RSA made");
		return ERR_TLS;
	}
	if (bits < TLS_RSA_MIN || bits > TLS_RSA_MAX) {
		snprintf(why, size, "key: it has %zu bits, and must have %u to "
				    "%u", bits, TLS_RSA_MIN, TLS_RSA_MAX);
		return ERR_TLS;
	}
	return 0;
}

int
tls_key_new(
    struct tls_key **out, const struct tls_pem *pem, char *why, size_t size)
{
	struct tls_key *key = calloc(1, sizeof(*key));
	int r = ERR_NOMEM;

	*out = NULL;
	if (key == NULL) {
		snprintf(why, size, "out of memory");
		return r;
	}
	key->config = tls_config_start(TLS_SERVER, &r, why, size);
	if (key->config != NULL) {
		r = tls_config_pair(key->config, pem, why, size);
	}
	if (r == 0) {
		r = check_kind(key->config, why, size);
	}
	if (r != 0) {
		tls_key_free(key);
		return r;
	}
	*out = key;
	return 0;
}

void
tls_key_free(struct tls_key *key)
{
	if (key != NULL) {
		tls_config_free(key->config);
		free(key);
	}
}

unsigned
tls_key_bits(const struct tls_key *key)
{
	return (unsigned)mbedtls_pk_get_bitlen(&key->config->key);
}

int
tls_key_sign(struct tls_key *key, enum tls_hash hash, const uint8_t *digest,
    size_t digest_len, uint8_t sig[TLS_SIGNATURE_MAX], size_t *len)
{
	static const struct {
		mbedtls_md_type_t md;
		size_t len;
	} kinds[] = {
		[TLS_SHA256] = {MBEDTLS_MD_SHA256, 32},
		[TLS_SHA384] = {MBEDTLS_MD_SHA384, 48},
		[TLS_SHA512] = {MBEDTLS_MD_SHA512, 64},
	};
	struct tls_config *c = key->config;
	int ret;

	if (hash < TLS_SHA256 || hash > TLS_SHA512 ||
	    digest_len != kinds[hash].len) {
		return ERR_FORMAT;
	}
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	ret = mbedtls_pk_sign(&c->key, kinds[hash].md, digest, digest_len, sig,
	    TLS_SIGNATURE_MAX, len, mbedtls_ctr_drbg_random, &c->rng);
#else
	ret = mbedtls_pk_sign(&c->key, kinds[hash].md, digest, digest_len, sig,
	    len, mbedtls_ctr_drbg_random, &c->rng);
#endif
	return ret == 0 ? 0 : ERR_TLS;
}
