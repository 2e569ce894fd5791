/*
 * The certificate authority: loading it, and signing with it. The only file of
 * certs/ that holds the CA's key. Every failure has been said when a function
 * returns -1.
 */
#ifndef CERTS_CA_H
#define CERTS_CA_H

#include <stddef.h>
#include <stdint.h>

#include "certs/compat.h"
#include "certs/file.h"
#include "certs/name.h"
#include "certs/when.h"

#define CA_CERT "ca.pem"
#define CA_KEY "ca-key.pem"
#define CA_ISSUED "issued"
#define CA_PEM_MAX 16384
#define CA_SERIAL_MAX 16 /* bytes of a serial number that we make */

struct ca {
	mbedtls_x509_crt crt;
	mbedtls_pk_context key;
	struct file_buf pem; /* ca.pem as it is on disk */
};

enum ca_kind { CA_KIND_CA, CA_KIND_GATEWAY, CA_KIND_WORKSTATION };

/* What to certify. Texts and arrays are borrowed, and checked by name.h. */
struct ca_request {
	enum ca_kind kind;
	int is_top; /* a CA that may sign CAs, which then may sign none */
	const char *cn;
	const char *const *ous;
	size_t nous;
	const struct san *sans;
	size_t nsans;
	struct when_span span;
	mbedtls_pk_context *key; /* borrowed: the subject's */
};

/* A certificate that was signed, as text and as read back from it. */
struct ca_signed {
	unsigned char pem[CA_PEM_MAX]; /* ends with a NUL */
	mbedtls_x509_crt crt;
};

/* Reads DIR/ca.pem and DIR/ca-key.pem and checks that they are a CA whose time
 * has not run out. Free ca in any case. */
int ca_load(struct ca *ca, const char *op, const char *dir);
/* The same without the key: for what signs nothing. */
int ca_load_public(struct ca *ca, const char *op, const char *dir);
/* Wipes the key. A zeroed one is fine. */
void ca_free(struct ca *ca);

/* Signs request with ca, or with its own key when ca is NULL; verifies what
 * came out. Free out in any case. */
int ca_sign(struct ca_signed *out, const char *op, struct ca *ca,
    const struct ca_request *request);
void ca_signed_free(struct ca_signed *s);

/* The period of a certificate for object: days from *from, or from now if from
 * is NULL; days 0 is days_default, or less if the CA ends before. It must not
 * outlive the CA. */
int ca_span(struct when_span *out, const char *op, const char *object,
    const struct ca *ca, const time_t *from, long days, long days_default);

/* The serial number without the zero byte that DER puts before a set top bit;
 * borrowed from crt. */
const uint8_t *ca_serial(const mbedtls_x509_crt *crt, size_t *len);

/* Whether it may sign another CA. */
int ca_may_have_cas(const struct ca *ca);
/* Adds what stands between what ca signed and a CA that signed itself, ca first,
 * as PEM behind *len bytes of out. 0, or mbedTLS's code. */
int ca_add_chain(char *out, size_t size, size_t *len, const struct ca *ca);

/* True if ca's key signed crt, whatever the time and the purpose. */
int ca_has_signed(const mbedtls_x509_crt *ca, const mbedtls_x509_crt *crt);

#endif
