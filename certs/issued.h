/*
 * What a CA remembers of what it signed: DIR/issued/SERIAL.pem, one file for
 * each certificate, written once. Every failure has been said when a function
 * returns -1.
 */
#ifndef CERTS_ISSUED_H
#define CERTS_ISSUED_H

#include <stddef.h>
#include <stdint.h>

#include "certs/ca.h"
#include "certs/file.h"

/* How a command line names a certificate of the CA: exactly one is not NULL. */
struct issued_which {
	const char *name; /* the common name; of possibly several */
	const char *serial; /* hexadecimal digits, maybe with colons */
	const char *file;
};

/* The word that names it. */
const char *issued_words(const struct issued_which *which);
/* What is wrong with the command line, in words; NULL if nothing is. */
const char *issued_check(const struct issued_which *which);

/* Called with each certificate; the caller's again after it. Not 0 ends the
 * walk, and is its result. */
typedef int issued_fn(void *arg, const mbedtls_x509_crt *crt);
/* Every certificate of the CA that is meant, those that ended as well. -1 (said)
 * when there is none, when a record cannot be read, or when the CA did not
 * sign it. */
int issued_each(const char *op, const char *dir, const struct ca *ca,
    const struct issued_which *which, issued_fn *fn, void *arg);

/* Records what was signed. The set is published and not kept: the caller keeps
 * it when the certificate goes out, and frees it. NULL after saying why. */
struct file_set *issued_add(const char *op, const char *dir,
    const struct ca_signed *cert);

/* What a machine needs, in the directory out, which has none of it: ca.pem,
 * cert.pem and key.pem. The CA's record first: nothing that it does not remember
 * ever leaves it. */
#define ISSUED_CERT "cert.pem"
#define ISSUED_KEY "key.pem"
int issued_hand_out(const char *op, const char *dir, const char *out,
    const struct ca *ca, const struct ca_signed *cert, const char *key);

/* The common name, "" if there is none or it is none that we would give. */
void issued_name(char out[NAME_TEXT_MAX + 1], const mbedtls_x509_crt *crt);

#endif
