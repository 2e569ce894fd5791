/*
 * What a TLS half is made of: CA, revocation list, own certificate and key,
 * parsed once from bytes that somebody else read. Runs in sessions and relays,
 * before the first network byte; trusts the operator's files, but says in one
 * line which of them is wrong and how.
 */
#include "base/tls.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mbedtls/ecp.h>
#include <mbedtls/rsa.h>
#include <mbedtls/version.h>
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
#include <psa/crypto.h>
#endif

#include "base/clock.h"
#include "base/err.h"
#include "base/tls_parts.h"
#include "base/x509.h"
#include "base/x509_crl.h"

static int
refuse(char *why, size_t size, const char *what, int ret)
{
	char buf[128];

	snprintf(why, size, "%s: %s", what, tls_code_text(buf, ret));
	return ret == MBEDTLS_ERR_X509_ALLOC_FAILED ||
		       ret == MBEDTLS_ERR_PK_ALLOC_FAILED
		   ? ERR_NOMEM
		   : ERR_TLS;
}

static int
parse_key(struct tls_config *c, const struct tls_pem *pem)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	int ret = mbedtls_pk_parse_key(&c->key, pem->key, pem->key_len, NULL, 0,
	    mbedtls_ctr_drbg_random, &c->rng);

	return ret != 0 ? ret
			: mbedtls_pk_check_pair(&c->cert.pk, &c->key,
			      mbedtls_ctr_drbg_random, &c->rng);
#else
	int ret =
	    mbedtls_pk_parse_key(&c->key, pem->key, pem->key_len, NULL, 0);

	return ret != 0 ? ret : mbedtls_pk_check_pair(&c->cert.pk, &c->key);
#endif
}

static int
check_own_cert(const struct tls_config *c, char *why, size_t size)
{
	const mbedtls_x509_time *t = &c->cert.valid_to;

	if (mbedtls_x509_time_is_past(t)) {
		snprintf(why, size,
		    "certificate: it expired on %04d-%02d-%02d %02d:%02d:%02d "
		    "UTC; issue a new one",
		    t->year, t->mon, t->day, t->hour, t->min, t->sec);
		return ERR_TLS;
	}
	if (!x509_has_usage(&c->cert,
		c->role == TLS_SERVER ? X509_SERVER_AUTH : X509_CLIENT_AUTH)) {
		snprintf(why, size,
		    "certificate: it is not made for a %s (extended key "
		    "usage); issue one that is",
		    c->role == TLS_SERVER ? "gateway" : "workstation");
		return ERR_TLS;
	}
	return 0;
}

/* A list that no CA of ours signed would be passed over in silence, and mbedTLS
 * looks at the times of those only that are of the peer's CA: with one that is
 * out of date, nobody is let in. */
static int
parse_crl(
    struct tls_config *c, const struct tls_pem *pem, char *why, size_t size)
{
	const mbedtls_x509_crl *crl;
	int ret;

	ret = mbedtls_x509_crl_parse(&c->crl, pem->crl, pem->crl_len);
	if (ret != 0) {
		return refuse(why, size, "CRL", ret);
	}
	for (crl = &c->crl; crl != NULL; crl = crl->next) {
		if (x509_crl_signer(crl, &c->ca, why, size) == NULL) {
			return ERR_TLS;
		}
	}
	if (x509_crl_in_force(&c->crl, (int64_t)(clock_wall() / CLOCK_SEC),
		c->crl_why, sizeof(c->crl_why)) == 0) {
		c->crl_why[0] = '\0';
	}
	c->has_crl = 1;
	return 0;
}

int
tls_config_pair(
    struct tls_config *c, const struct tls_pem *pem, char *why, size_t size)
{
	int ret;

	ret = mbedtls_x509_crt_parse(&c->cert, pem->cert, pem->cert_len);
	if (ret != 0) {
		return refuse(why, size, "certificate",
		    ret < 0 ? ret : MBEDTLS_ERR_X509_INVALID_FORMAT);
	}
	if (pem->signer != NULL) {
		return tls_config_borrow(c, pem->signer, why, size);
	}
	ret = parse_key(c, pem);
	if (ret == MBEDTLS_ERR_PK_TYPE_MISMATCH ||
	    ret == MBEDTLS_ERR_RSA_KEY_CHECK_FAILED ||
	    ret == MBEDTLS_ERR_ECP_BAD_INPUT_DATA) {
		snprintf(why, size, "key: it is not the certificate's key");
		return ERR_TLS;
	}
	if (ret != 0) {
		return refuse(why, size, "key", ret);
	}
	c->has_key = 1;
	return 0;
}

int
tls_config_own(
    struct tls_config *c, const struct tls_pem *pem, char *why, size_t size)
{
	int r = tls_config_pair(c, pem, why, size);

	return r == 0 ? check_own_cert(c, why, size) : r;
}

static int
parse_all(
    struct tls_config *c, const struct tls_pem *pem, char *why, size_t size)
{
	int ret = mbedtls_x509_crt_parse(&c->ca, pem->ca, pem->ca_len);

	if (ret != 0) {
		return refuse(why, size, "CA",
		    ret < 0 ? ret : MBEDTLS_ERR_X509_INVALID_FORMAT);
	}
	ret = tls_config_own(c, pem, why, size);
	if (ret != 0) {
		return ret;
	}
	return pem->crl == NULL ? 0 : parse_crl(c, pem, why, size);
}

struct tls_config *
tls_config_start(enum tls_role role, int *result, char *why, size_t why_size)
{
	struct tls_config *c = calloc(1, sizeof(*c));
	int r;

	if (c == NULL) {
		snprintf(why, why_size, "out of memory");
		*result = ERR_NOMEM;
		return NULL;
	}
	c->role = role;
	mbedtls_x509_crt_init(&c->ca);
	mbedtls_x509_crt_init(&c->cert);
	mbedtls_x509_crl_init(&c->crl);
	mbedtls_pk_init(&c->key);
	mbedtls_entropy_init(&c->entropy);
	mbedtls_ctr_drbg_init(&c->rng);
	r = mbedtls_ctr_drbg_seed(
	    &c->rng, mbedtls_entropy_func, &c->entropy, NULL, 0);
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	if (r == 0 && psa_crypto_init() != PSA_SUCCESS) {
		r = MBEDTLS_ERR_CTR_DRBG_ENTROPY_SOURCE_FAILED;
	}
#endif
	*result = r == 0 ? 0 : refuse(why, why_size, "random numbers", r);
	if (r != 0) {
		tls_config_free(c);
		return NULL;
	}
	return c;
}

int
tls_config_new(struct tls_config **out, enum tls_role role,
    const struct tls_pem *pem, char *why, size_t why_size)
{
	struct tls_config *c;
	int r;

	*out = NULL;
	c = tls_config_start(role, &r, why, why_size);
	if (c != NULL) {
		r = parse_all(c, pem, why, why_size);
	}
	if (r != 0) {
		tls_config_free(c);
		return r;
	}
	*out = c;
	return 0;
}

/* Of thousands of small pieces: without the trim they stay with the process,
 * below what was allocated after them. */
static void
free_crl(struct tls_config *c)
{
	mbedtls_x509_crl_free(&c->crl);
	mbedtls_x509_crl_init(&c->crl);
	if (c->has_crl) {
		(void)malloc_trim(0);
	}
}

void
tls_config_pin(struct tls_config *c, const uint8_t (*keys)[32], size_t n)
{
	c->npins = n < TLS_PINS ? n : TLS_PINS;
	memcpy(c->pins, keys, c->npins * sizeof(*keys));
}

void
tls_config_wipe_key(struct tls_config *c)
{
	/* mbedtls_pk_free overwrites the numbers of the key */
	mbedtls_pk_free(&c->key);
	mbedtls_pk_init(&c->key);
	c->has_key = 0;
	/* that there was one stays known: it is why this is no TLS 1.3 */
	c->signer.arg = NULL;
	/* has_crl stays: without its list nobody would be let in */
	free_crl(c);
}

void
tls_config_free(struct tls_config *c)
{
	if (c == NULL) {
		return;
	}
	tls_config_wipe_key(c);
	mbedtls_x509_crt_free(&c->ca);
	mbedtls_x509_crt_free(&c->cert);
	mbedtls_ctr_drbg_free(&c->rng);
	mbedtls_entropy_free(&c->entropy);
	free(c);
}
