/*
 * Two TLS ends on a socketpair, driven by hand, for tests: ours on either or
 * both sides, or a bare mbedTLS that does what ours would refuse to do.
 */
#ifndef FAKE_TLSBED_H
#define FAKE_TLSBED_H

#include "base/stream.h"
#include "base/tls.h"
#include "tests/fake/pki.h"

/* A config of ours; aborts the test when it is refused. crl may be NULL. */
struct tls_config *bed_config(enum tls_role role, const struct pki_cert *ca,
    const struct pki_cert *cert, const struct pki_crl *crl);
/* Same, gives the result and the reason instead. */
int bed_try_config(struct tls_config **out, enum tls_role role,
    const struct pki_cert *ca, const struct pki_cert *cert,
    const struct pki_crl *crl, char why[256]);

/* A connected pair of non-blocking stream sockets. */
void bed_pair(int fds[2]);

struct bed {
	struct stream *server, *client;
	int rs, rc; /* how their handshakes ended */
};

/* Both ends ours: makes the pair and runs both handshakes to their ends. */
void bed_connect(struct bed *bed, struct tls_config *server,
    struct tls_config *client, const char *name, const char *const *offer,
    const char *const *accept);
void bed_close(struct bed *bed);

/* A bare mbedTLS end. */
struct bare;
struct bare_how {
	enum tls_role role;
	const struct pki_cert *cert; /* NULL: none */
	const char *const *alpn;
	int suite;  /* 0: its defaults */
	int is_old; /* speaks only TLS 1.1 */
	struct bare *again; /* wants to take its session up again */
};
struct bare *bare_new(int fd, const struct bare_how *how);
/* 0 when done, 1 when more is to be done, else mbedTLS's code. */
int bare_handshake(struct bare *b);
int bare_read(struct bare *b, void *buf, size_t len);
int bare_write(struct bare *b, const void *buf, size_t len);
int bare_renegotiate(struct bare *b);
const char *bare_suite(const struct bare *b);
/* What it was given to come back with. */
int bare_has_ticket(struct bare *b);
void bare_free(struct bare *b); /* closes the fd */

/* Ours against a bare one, to the end: our result; *bare_result is its. */
int bed_against(struct stream *ours, struct bare *b, int *bare_result);

#endif
