/*
 * The server is the CA's, as the handshake has shown, and yet only asked for
 * one thing: a certificate of anything else would end up beside our key.
 */
#include "certs/enrolled.h"

#include <stdio.h>
#include <string.h>

#include <mbedtls/pem.h>
#include <mbedtls/x509_crt.h>

#include "base/err.h"
#include "base/x509.h"

#define CHAIN_MAX 8

static int
refuse(char *why, size_t size, const char *what)
{
	(void)snprintf(why, size, "the server sent %s; tell whoever runs it",
	    what);
	return ERR_PEER;
}

/* Everything in a text, as one certificate after the other. */
static int
parse(mbedtls_x509_crt *out, const uint8_t *text, size_t len)
{
	static unsigned char copy[ENROLL_REPLY_MAX + 1];
	const mbedtls_x509_crt *crt;
	size_t n = 0;

	if (len >= sizeof(copy)) {
		return -1;
	}
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (mbedtls_x509_crt_parse(out, copy, len + 1) != 0) {
		return -1;
	}
	for (crt = out; crt != NULL; crt = crt->next) {
		n++;
	}
	return n <= CHAIN_MAX ? 0 : -1;
}

static int
write_all(char *out, size_t size, const mbedtls_x509_crt *crt)
{
	size_t len = 0;

	for (; crt != NULL; crt = crt->next) {
		size_t n = 0;

		if (mbedtls_pem_write_buffer("-----BEGIN CERTIFICATE-----\n",
		    "-----END CERTIFICATE-----\n", crt->raw.p, crt->raw.len,
		    (unsigned char *)out + len, size - len, &n) != 0) {
			return -1;
		}
		len += n - 1;
	}
	return 0;
}

static int
check(mbedtls_x509_crt *cert, const mbedtls_x509_crt *cas,
    mbedtls_x509_crt *anchor, const uint8_t spki[ENROLL_SPKI], char *why,
    size_t size)
{
	uint32_t flags = 0;

	if (cert->pk_raw.len != ENROLL_SPKI ||
	    memcmp(cert->pk_raw.p, spki, ENROLL_SPKI) != 0) {
		return refuse(why, size, "a certificate of another key");
	}
	if (mbedtls_x509_crt_verify(cert, anchor, NULL, NULL, &flags, NULL,
	    NULL) != 0) {
		return refuse(why, size, (flags &
		    (MBEDTLS_X509_BADCERT_EXPIRED |
		    MBEDTLS_X509_BADCERT_FUTURE)) != 0 ?
		    "a certificate that is not valid now (is the clock right?)" :
		    "a certificate that the token's CA did not sign");
	}
	if (!x509_has_usage(cert, X509_CLIENT_AUTH) &&
	    !x509_has_usage(cert, X509_SERVER_AUTH)) {
		return refuse(why, size,
		    "a certificate of neither a workstation nor a gateway");
	}
	for (; cas != NULL; cas = cas->next) {
		if (cas->raw.len == anchor->raw.len &&
		    memcmp(cas->raw.p, anchor->raw.p, cas->raw.len) == 0) {
			return 0;
		}
	}
	return refuse(why, size, "CAs without the token's");
}

int
enrolled_take(struct enrolled *out, const struct enroll_reply *reply,
    const uint8_t *anchor, size_t anchor_len, const uint8_t spki[ENROLL_SPKI],
    char *why, size_t size)
{
	mbedtls_x509_crt cert, cas, top;
	int r;

	mbedtls_x509_crt_init(&cert);
	mbedtls_x509_crt_init(&cas);
	mbedtls_x509_crt_init(&top);
	if (mbedtls_x509_crt_parse_der(&top, anchor, anchor_len) != 0 ||
	    parse(&cert, reply->cert, reply->cert_len) != 0 ||
	    parse(&cas, reply->ca, reply->ca_len) != 0) {
		r = refuse(why, size, "what is no certificate");
	} else {
		r = check(&cert, &cas, &top, spki, why, size);
	}
	if (r == 0 && (write_all(out->cert, sizeof(out->cert), &cert) != 0 ||
	    write_all(out->ca, sizeof(out->ca), &cas) != 0)) {
		r = refuse(why, size, "certificates that are too large");
	}
	mbedtls_x509_crt_free(&cert);
	mbedtls_x509_crt_free(&cas);
	mbedtls_x509_crt_free(&top);
	return r;
}
