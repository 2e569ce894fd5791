/*
 * Configurations of enrolment. The client lets mbedTLS finish a handshake with
 * anybody who has the key of the certificate that he shows, and judges the chain
 * before the stream takes a byte: mbedTLS looks for CAs among those that it was
 * given, and here the CA comes with the peer.
 */
#include "base/tls_enroll.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/tls_parts.h"
#include "base/x509.h"

int
tls_config_new_open(struct tls_config **out, const struct tls_pem *pem,
    char *why, size_t why_size)
{
	struct tls_config *c;
	int r;

	*out = NULL;
	c = tls_config_start(TLS_SERVER, &r, why, why_size);
	if (c != NULL) {
		c->peer = TLS_PEER_ANY;
		r = tls_config_own(c, pem, why, why_size);
	}
	if (r != 0) {
		tls_config_free(c);
		return r;
	}
	*out = c;
	return 0;
}

/* The chain's certificate that has the pinned key, as our only CA. */
static int
take_ca(struct tls_config *c, const mbedtls_x509_crt *chain)
{
	uint8_t hash[32];

	mbedtls_x509_crt_free(&c->ca);
	mbedtls_x509_crt_init(&c->ca);
	for (; chain != NULL; chain = chain->next) {
		if (x509_key_hash(hash, chain) == 0 &&
		    memcmp(hash, c->pin, sizeof(hash)) == 0) {
			return mbedtls_x509_crt_parse_der(
			    &c->ca, chain->raw.p, chain->raw.len);
		}
	}
	return ERR_NOENT;
}

static int
check_pinned(struct tls_config *c, const mbedtls_x509_crt *chain,
    const char *name, char *why, size_t size)
{
	mbedtls_x509_crt peer;
	uint32_t flags = 0;
	int ret;

	if (chain == NULL || take_ca(c, chain) != 0) {
		(void)snprintf(why, size,
		    "the server does not have the CA that the token is of; is "
		    "it the right host? If so, somebody is in between");
		return ERR_TLS;
	}
	/* a copy: verifying takes it as changeable */
	mbedtls_x509_crt_init(&peer);
	ret = mbedtls_x509_crt_parse_der(
	    &peer, chain->raw.p, chain->raw.len);
	if (ret == 0) {
		ret = mbedtls_x509_crt_verify_with_profile(&peer, &c->ca, NULL,
		    &tls_cert_profile, name, &flags, NULL, NULL);
	}
	if (ret == 0 && !x509_has_usage(&peer, X509_SERVER_AUTH)) {
		ret = MBEDTLS_ERR_X509_CERT_VERIFY_FAILED;
	}
	mbedtls_x509_crt_free(&peer);
	if (ret != 0) {
		(void)snprintf(why, size,
		    "the server is not the one of the token's CA that gives "
		    "certificates%s; is it the right host and port?",
		    (flags & (MBEDTLS_X509_BADCERT_EXPIRED |
				 MBEDTLS_X509_BADCERT_FUTURE)) != 0
			? ", or one of the clocks is wrong"
			: "");
		return ERR_TLS;
	}
	return 0;
}

int
tls_config_new_pinned(struct tls_config **out, const uint8_t pin[32],
    char *why, size_t why_size)
{
	struct tls_config *c;
	int r;

	*out = NULL;
	c = tls_config_start(TLS_CLIENT, &r, why, why_size);
	if (c == NULL) {
		return r;
	}
	c->peer = TLS_PEER_CHECKED;
	c->check = check_pinned;
	memcpy(c->pin, pin, sizeof(c->pin));
	c->has_key = 1; /* none is needed */
	*out = c;
	return 0;
}

const uint8_t *
tls_pinned_ca(const struct tls_config *config, size_t *len)
{
	*len = config->ca.raw.len;
	return config->ca.raw.p;
}
