/*
 * The facts of a certificate as one JSON object, which is also what the text
 * for people is made from: the two cannot disagree. Signs nothing.
 */
#ifndef CERTS_FACTS_H
#define CERTS_FACTS_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include <mbedtls/x509_crt.h>

/* The object that sallyport-certs(8) describes under JSON. All texts in it are
 * escaped. ca_path is a file that may hold the issuer, or NULL. A new
 * reference, or NULL without memory. */
json_t *facts_new(const char *path, const mbedtls_x509_crt *crt,
    const char *ca_path, const mbedtls_x509_crt *cas);

/* A distinguished name as one line of text, escaped; NULL without memory. */
json_t *facts_dn(const mbedtls_x509_name *name);
/* Bytes as hexadecimal digits; NULL without memory. */
json_t *facts_hex(const uint8_t *p, size_t len);
/* A text of the user's, escaped; NULL without memory. */
json_t *facts_text(const char *text);

/* Prints the object to standard output, for people or as JSON. */
enum facts_form { FACTS_TEXT, FACTS_JSON };
void facts_print(const json_t *facts, enum facts_form form);

#endif
