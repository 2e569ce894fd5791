/*
 * Public keys and the check of signatures. What is no P-256 key is refused by
 * its bytes: the beginning of the encoding names algorithm and curve, and there
 * is no other way to write them.
 */
#include "base/sign.h"

#include <stdio.h>
#include <string.h>

#include <mbedtls/md.h>
#include <mbedtls/pk.h>
#include <mbedtls/version.h>
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
#include <psa/crypto.h>
#endif

#include "base/digest.h"
#include "base/err.h"

#define BEGIN "-----BEGIN "
#define BEGIN_KEY "-----BEGIN PUBLIC KEY-----"
#define END_KEY "-----END PUBLIC KEY-----"
#define PEM_MAX 512u

/* SEQUENCE { SEQUENCE { ecPublicKey, prime256v1 }, BIT STRING { 04 ... (RFC
 * 5480 2) */
static const uint8_t head[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
    0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};

/* 3.x computes through PSA, where it was built so. */
static int
start(void)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	return psa_crypto_init() == PSA_SUCCESS ? 0 : ERR_SYS;
#else
	return 0;
#endif
}

int
sign_key_init(struct sign_key *out, const void *spki, size_t len)
{
	struct digest_part part = {spki, len};
	mbedtls_pk_context pk;
	int r = start();

	if (r != 0) {
		return r;
	}
	if (len != SIGN_SPKI || memcmp(spki, head, sizeof(head)) != 0) {
		return ERR_FORMAT;
	}
	mbedtls_pk_init(&pk);
	r = mbedtls_pk_parse_public_key(&pk, spki, len) == 0 ? 0 : ERR_FORMAT;
	mbedtls_pk_free(&pk);
	if (r == 0) {
		memcpy(out->spki, spki, SIGN_SPKI);
		r = digest_sha256(out->id, &part, 1);
	}
	return r;
}

/* The block that begins at p, ends before end. */
static int
read_block(struct sign_key *out, const char *p, size_t len)
{
	unsigned char text[PEM_MAX], der[2 * SIGN_SPKI];
	mbedtls_pk_context pk;
	int n, r = ERR_FORMAT;

	if (len >= sizeof(text)) {
		return ERR_FORMAT;
	}
	memcpy(text, p, len);
	text[len] = '\0';
	mbedtls_pk_init(&pk);
	if (mbedtls_pk_parse_public_key(&pk, text, len + 1) == 0) {
		/* written at the end of the buffer */
		n = mbedtls_pk_write_pubkey_der(&pk, der, sizeof(der));
		if (n > 0) {
			r = sign_key_init(
			    out, der + sizeof(der) - n, (size_t)n);
		}
	}
	mbedtls_pk_free(&pk);
	return r;
}

static const char *
find(const char *p, const char *end, const char *text)
{
	return memmem(p, (size_t)(end - p), text, strlen(text));
}

int
sign_keys_read(struct sign_key *out, size_t max, size_t *n, const char *text,
    size_t len, char *why, size_t size)
{
	const char *p = text, *end = text + len, *stop;
	int r;

	*n = 0;
	while ((p = find(p, end, BEGIN)) != NULL) {
		stop = find(p, end, END_KEY);
		if (find(p, end, BEGIN_KEY) != p || stop == NULL) {
			(void)snprintf(why, size, "something else than public "
				"keys is in it; expected PEM, BEGIN PUBLIC KEY");
			return ERR_FORMAT;
		}
		stop += strlen(END_KEY);
		if (*n == max) {
			(void)snprintf(why, size, "more than %zu keys", max);
			return ERR_LIMIT;
		}
		r = start();
		if (r == 0) {
			r = read_block(&out[*n], p, (size_t)(stop - p));
		}
		if (r != 0) {
			(void)snprintf(why, size,
			    "key %zu is no public key of P-256", *n + 1);
			return r;
		}
		for (size_t i = 0; i < *n; i++) {
			if (memcmp(out[i].id, out[*n].id, 32) == 0) {
				(void)snprintf(why, size,
				    "key %zu is key %zu again", *n + 1, i + 1);
				return ERR_FORMAT;
			}
		}
		(*n)++;
		p = stop;
	}
	if (*n == 0) {
		(void)snprintf(why, size,
		    "no key in it; expected PEM, BEGIN PUBLIC KEY");
		return ERR_FORMAT;
	}
	return 0;
}

int
sign_check(const struct sign_key *key, const uint8_t digest[32],
    const void *der, size_t len)
{
	mbedtls_pk_context pk;
	int r = ERR_POLICY;

	if (len == 0 || len > SIGN_DER_MAX || start() != 0) {
		return ERR_POLICY;
	}
	mbedtls_pk_init(&pk);
	if (mbedtls_pk_parse_public_key(&pk, key->spki, SIGN_SPKI) == 0 &&
	    mbedtls_pk_verify(&pk, MBEDTLS_MD_SHA256, digest, 32, der, len) ==
		0) {
		r = 0;
	}
	mbedtls_pk_free(&pk);
	return r;
}
