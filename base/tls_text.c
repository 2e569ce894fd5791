/*
 * Words for what goes wrong in TLS, for the operator's one line: the peer's
 * alerts (RFC 8446 6.2) and mbedTLS's codes.
 */
#include "base/tls_parts.h"

#include <stdio.h>

#include <mbedtls/error.h>
#include <mbedtls/ssl.h>
#include <mbedtls/version.h>

#include "base/mem.h"

const char *
tls_code_text(char buf[128], int code)
{
	mbedtls_strerror(code, buf, 128);
	return buf;
}

/* Each is the peer's word about us. */
static const struct {
	int code;
	const char *text;
} alerts[] = {
    {10, "unexpected_message: it did not understand our handshake"},
    {40, "handshake_failure: no common way of encryption, or it got no "
	 "certificate from us"},
    {42, "bad_certificate: it did not accept our certificate"},
    {43, "unsupported_certificate: our certificate is not made for this "
	 "side of a connection"},
    {44, "certificate_revoked: our certificate is revoked"},
    {45, "certificate_expired: our certificate expired, by its clock"},
    {46, "certificate_unknown: it did not accept our certificate"},
    {48, "unknown_ca: it does not trust the CA of our certificate"},
    {49, "access_denied: it did not accept our certificate"},
    {51, "decrypt_error: it could not verify our signature"},
    {70, "protocol_version: no common TLS version (we speak 1.2 and up)"},
    {71, "insufficient_security: it wants stronger encryption"},
    {80, "internal_error"},
    {112, "unrecognized_name: it does not answer to this name"},
    {116, "certificate_required: it got no certificate from us"},
    {120, "no_application_protocol: it does not speak our protocol"},
};

char *
tls_alert_text(char *dst, size_t size, int alert)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(alerts); i++) {
		if (alerts[i].code == alert) {
			snprintf(dst, size, "the peer sent alert %s",
			    alerts[i].text);
			return dst;
		}
	}
	snprintf(dst, size, "the peer sent alert %d", alert);
	return dst;
}

const char *
tls_failure_text(int code)
{
	switch (code) {
	case MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE:
		return "the peer sent no certificate";
	case MBEDTLS_ERR_SSL_INVALID_RECORD:
		return "the peer sent a broken record";
	case MBEDTLS_ERR_SSL_INVALID_MAC:
		return "the peer sent a record that is not authentic";
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	case MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION:
	case MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE:
		return "no common TLS version, or no common way of encryption";
	case MBEDTLS_ERR_SSL_NO_APPLICATION_PROTOCOL:
		return "the peer offers only other protocols (ALPN)";
#else
	case MBEDTLS_ERR_SSL_BAD_HS_PROTOCOL_VERSION:
		return "no common TLS version (we speak 1.2 and up)";
	case MBEDTLS_ERR_SSL_NO_CIPHER_CHOSEN:
	case MBEDTLS_ERR_SSL_NO_USABLE_CIPHERSUITE:
		return "no common way of encryption (ECDHE with AEAD)";
	case MBEDTLS_ERR_SSL_BAD_HS_CLIENT_HELLO:
		return "the peer's first message is malformed, or it offers "
		       "only other protocols (ALPN)";
#endif
	default:
		return NULL;
	}
}
