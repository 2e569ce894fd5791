/*
 * The kernel's generator is the only source of randomness: there is no state
 * of our own to seed, to fork or to leak.
 */
#include "certs/key.h"

#include <string.h>

#include <mbedtls/asn1write.h>
#include <mbedtls/ecp.h>
#include <mbedtls/entropy.h>
#include <mbedtls/md.h>
#include <mbedtls/rsa.h>

#include "base/random.h"
#include "certs/compat.h"

int
key_random(void *unused, unsigned char *out, size_t len)
{
	(void)unused;
	return random_fill(out, len) == 0 ? 0 :
	    MBEDTLS_ERR_ENTROPY_SOURCE_FAILED;
}

int
key_generate(mbedtls_pk_context *pk)
{
	int r;

	r = mbedtls_pk_setup(pk, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY));
	if (r != 0) {
		return r;
	}
	return mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(*pk),
	    key_random, NULL);
}

int
key_write(mbedtls_pk_context *pk, unsigned char out[KEY_PEM_MAX])
{
	return mbedtls_pk_write_key_pem(pk, out, KEY_PEM_MAX);
}

int
key_make(mbedtls_pk_context *pk, unsigned char out[KEY_PEM_MAX])
{
	int r = key_generate(pk);

	return r != 0 ? r : key_write(pk, out);
}

int
key_make_rsa(
    mbedtls_pk_context *pk, unsigned bits, unsigned char out[KEY_PEM_MAX])
{
	int r;

	if (bits < KEY_RSA_MIN || bits > KEY_RSA_MAX) {
		return MBEDTLS_ERR_RSA_BAD_INPUT_DATA;
	}
	r = mbedtls_pk_setup(pk, mbedtls_pk_info_from_type(MBEDTLS_PK_RSA));
	if (r == 0) {
		r = mbedtls_rsa_gen_key(
		    mbedtls_pk_rsa(*pk), key_random, NULL, bits, 65537);
	}
	return r != 0 ? r : key_write(pk, out);
}

int
key_spki(uint8_t out[KEY_SPKI], mbedtls_pk_context *pk)
{
	unsigned char buf[2 * KEY_SPKI];
	int n = mbedtls_pk_write_pubkey_der(pk, buf, sizeof(buf));

	if (n != KEY_SPKI) {
		return n < 0 ? n : MBEDTLS_ERR_PK_INVALID_PUBKEY;
	}
	memcpy(out, buf + sizeof(buf) - KEY_SPKI, KEY_SPKI);
	return 0;
}

int
key_id(uint8_t out[KEY_ID], mbedtls_pk_context *pk)
{
	unsigned char buf[1200], *p = buf + sizeof(buf);
	uint8_t hash[KEY_SHA256];
	int r;

	r = mbedtls_pk_write_pubkey(&p, buf, pk);
	if (r < 0) {
		return r;
	}
	r = key_sha256(hash, p, (size_t)r);
	if (r == 0) {
		memcpy(out, hash, KEY_ID);
	}
	return r;
}

int
key_sha256(uint8_t out[KEY_SHA256], const void *p, size_t len)
{
	return mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), p, len,
	    out);
}
