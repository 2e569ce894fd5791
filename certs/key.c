/*
 * The kernel's generator is the only source of randomness: there is no state
 * of our own to seed, to fork or to leak.
 */
#include "certs/key.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include <mbedtls/asn1write.h>
#include <mbedtls/ecp.h>
#include <mbedtls/entropy.h>
#include <mbedtls/md.h>

#include "certs/compat.h"

int
key_random(void *unused, unsigned char *out, size_t len)
{
	(void)unused;
	while (len > 0) {
		ssize_t n = getrandom(out, len, 0);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			return MBEDTLS_ERR_ENTROPY_SOURCE_FAILED;
		}
		out += n;
		len -= (size_t)n;
	}
	return 0;
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
