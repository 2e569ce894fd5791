/*
 * What the files of the TLS stream share, with mbedTLS's types in it: for
 * base/tls*.c only.
 */
#ifndef BASE_TLS_PARTS_H
#define BASE_TLS_PARTS_H

#include <stddef.h>
#include <stdint.h>

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/pk.h>
#include <mbedtls/x509_crl.h>
#include <mbedtls/x509_crt.h>

#include "base/tls.h"

struct tls_config {
	enum tls_role role;
	mbedtls_x509_crt ca, cert;
	mbedtls_x509_crl crl;
	mbedtls_pk_context key;
	int has_crl; /* crl was given */
	char crl_why[256]; /* why it is not in force; "" = it is */
	uint8_t pins[TLS_PINS][32];
	size_t npins;
	int has_key; /* key is there: not wiped */
	mbedtls_entropy_context entropy;
	mbedtls_ctr_drbg_context rng;
};

/* mbedTLS's own words for one of its codes. Returns buf. */
const char *tls_code_text(char buf[128], int code);
/* One line for people about a failure that mbedTLS reports as code; NULL when
 * there is no better text than tls_code_text. */
const char *tls_failure_text(int code);
/* One line about a fatal alert that the peer sent. Returns dst. */
char *tls_alert_text(char *dst, size_t size, int alert);

#endif
