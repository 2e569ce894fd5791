/*
 * The facts of a list of revoked certificates as one JSON object, which is also
 * what the text for people is made from.
 */
#ifndef CERTS_CRL_FACTS_H
#define CERTS_CRL_FACTS_H

#include "certs/facts.h"

struct mbedtls_x509_crl;

/* The object that sallyport-certs(8) describes. ca_path is a file that may hold
 * the issuer. A new reference, or NULL without memory. */
json_t *crl_facts_new(const char *path, const struct mbedtls_x509_crl *crl,
    const char *ca_path, mbedtls_x509_crt *cas);
void crl_facts_print(const json_t *facts, enum facts_form form);

#endif
