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

/* Whom a handshake lets in. What is not TLS_PEER_OF_CA is made by tls_enroll.c
 * alone, which no session and no relay is linked with. */
enum tls_peer {
	TLS_PEER_OF_CA = 0, /* who has a certificate of ca */
	TLS_PEER_ANY,	    /* nobody is asked for one; a server */
	TLS_PEER_CHECKED,   /* whom check takes; a client */
};

struct tls_config;
/* The peer's chain, after the handshake and before a byte is sent: 0, or
 * ERR_TLS with why. */
typedef int tls_check_fn(struct tls_config *c, const mbedtls_x509_crt *chain,
    const char *name, char *why, size_t size);

struct tls_config {
	enum tls_role role;
	enum tls_peer peer;
	tls_check_fn *check; /* of TLS_PEER_CHECKED */
	uint8_t pin[32];
	mbedtls_x509_crt ca, cert;
	mbedtls_x509_crl crl;
	mbedtls_pk_context key;
	int has_crl; /* crl was given */
	char crl_why[256]; /* why it is not in force; "" = it is */
	uint8_t pins[TLS_PINS][32];
	size_t npins;
	int has_key; /* key is there: not wiped */
	struct tls_signer signer; /* has the key instead of us; or sign is NULL */
	size_t signature_len;	  /* of its signatures */
	char sign_why[128];	  /* why it did not sign; "" = nothing of it */
	mbedtls_entropy_context entropy;
	mbedtls_ctr_drbg_context rng;
};

/* Hashes, keys and curves that a certificate may have. */
extern const mbedtls_x509_crt_profile tls_cert_profile;

/* One with random numbers and nothing else; NULL with why, and *r the error. */
struct tls_config *tls_config_start(
    enum tls_role role, int *r, char *why, size_t size);
/* Its own certificate and key. 0, or ERR_* with why. */
int tls_config_own(struct tls_config *c, const struct tls_pem *pem, char *why,
    size_t size);
/* The same, but that the certificate is not judged: that key is its key. */
int tls_config_pair(struct tls_config *c, const struct tls_pem *pem, char *why,
    size_t size);
/* tls_signer.c: in place of the key of the certificate, which is there. */
int tls_config_borrow(struct tls_config *c, const struct tls_signer *signer,
    char *why, size_t size);

/* What keys of RSA may have; above it mbedTLS has no room for a signature. */
#define TLS_RSA_MIN 2048u
#define TLS_RSA_MAX 8192u

/* mbedTLS's own words for one of its codes. Returns buf. */
const char *tls_code_text(char buf[128], int code);
/* One line for people about a failure that mbedTLS reports as code; NULL when
 * there is no better text than tls_code_text. */
const char *tls_failure_text(int code);
/* One line about a fatal alert that the peer sent. Returns dst. */
char *tls_alert_text(char *dst, size_t size, int alert);

#endif
