/*
 * The names of one certificate that the CA signed, as text. Every failure has
 * been said when a function returns -1.
 */
#ifndef CERTS_NAMES_H
#define CERTS_NAMES_H

#include <stddef.h>

#include "certs/ca.h"
#include "certs/name.h"

struct names {
	enum ca_kind kind;
	char cn[NAME_TEXT_MAX + 1];
	char ou[NAME_OUS][NAME_TEXT_MAX + 1];
	const char *ous[NAME_OUS]; /* borrowed from ou */
	size_t nous;
	struct san sans[NAME_SANS];
	size_t nsans;
};

/* Of a gateway or a workstation, with nothing that we would not issue. */
int names_of(struct names *out, const char *op, const mbedtls_x509_crt *crt);
/* A request for them, without time and key; borrows names. */
void names_request(struct ca_request *out, const struct names *names);

#endif
