/*
 * The two ends of enrolment, the only TLS of ours without a certificate on both
 * sides: a server that asks nobody for one, and a client that knows its CA by
 * the hash of its key alone. Linked into sallyport-front and sallyport-enroll,
 * and into nothing that has or uses a device.
 */
#ifndef BASE_TLS_ENROLL_H
#define BASE_TLS_ENROLL_H

#include <stddef.h>
#include <stdint.h>

#include "base/tls.h"

/* As tls_config_new, with cert and key of pem alone. */
int tls_config_new_open(struct tls_config **out, const struct tls_pem *pem,
    char *why, size_t why_size);
/* A handshake succeeds only with a server whose chain has a CA with that
 * SHA-256 of its SubjectPublicKeyInfo in it, which vouches for a server of the
 * name that tls_stream_new was given. */
int tls_config_new_pinned(struct tls_config **out, const uint8_t pin[32],
    char *why, size_t why_size);
/* After such a handshake: that CA's certificate in DER; borrowed. */
const uint8_t *tls_pinned_ca(const struct tls_config *config, size_t *len);

#endif
