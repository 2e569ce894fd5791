/*
 * Lists of revoked certificates (CRL, RFC 5280 5), version 2: mbedTLS reads
 * them, and has nothing that writes them. No file.
 */
#ifndef CERTS_CRL_H
#define CERTS_CRL_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "certs/ca.h"
#include "certs/revoked.h"
#include "certs/when.h"

struct crl_request {
	const struct revoked_entry *entries; /* borrowed */
	size_t n;
	uint64_t number;
	struct when_span span;
};

/* Signs the list and checks what came out as a reader would. *out is PEM text,
 * owned by the caller. 0, or -1 with the reason said. */
int crl_sign(char **out, const char *op, struct ca *ca,
    const struct crl_request *request);

/* Writes DIR/crl.pem anew from the record: counts its number up, leaves out
 * what ended long ago, and saves the record first, so that no two lists ever
 * have one number. *until is when the next must be there. A list over
 * CRL_TEXT_MAX is written all the same, and is a failure. */
int crl_publish(const char *op, const char *dir, struct ca *ca,
    struct revoked *record, time_t *until);
#define CRL_FILE "crl.pem"
/* What a gateway takes, IPC_CRL_MAX without the NUL. */
#define CRL_TEXT_MAX (4096u * 1024 - 1)

/* The number of a list that was read, as bytes borrowed from it; *len is 0 if
 * it has none. 0 or mbedTLS's code. */
struct mbedtls_x509_crl;
int crl_get_number(const struct mbedtls_x509_crl *crl, const uint8_t **number,
    size_t *len);
/* Of an entry of one; REVOKED_UNSPECIFIED if it says nothing. 0 or mbedTLS's
 * code. */
struct mbedtls_x509_crl_entry;
int crl_get_reason(const struct mbedtls_x509_crl_entry *entry, int *reason);

#endif
