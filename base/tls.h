/*
 * Mutual TLS for both halves, over mbedTLS (2.28 and 3.6). All key material
 * arrives as PEM bytes that somebody else read; nothing here opens a file.
 * TLS 1.2 and up, ECDHE with AEAD only, peer certificate always required, no
 * renegotiation, no tickets.
 */
#ifndef BASE_TLS_H
#define BASE_TLS_H

#include <stddef.h>
#include <stdint.h>

#include "base/stream.h"

struct tls_config;
struct x509_facts;

enum tls_role { TLS_SERVER, TLS_CLIENT };

/* Hashes that the server of TLS 1.2 signs. */
enum tls_hash { TLS_SHA256 = 1, TLS_SHA384 = 2, TLS_SHA512 = 3 };

/* Somebody else who has a server's RSA key, and signs with it by PKCS #1 1.5:
 * exactly sig_len bytes, or a negative enum err. It may take a moment, in which
 * nothing else happens. */
struct tls_signer {
	int (*sign)(void *arg, enum tls_hash hash, const uint8_t *digest,
	    size_t len, uint8_t *sig, size_t sig_len);
	void *arg; /* borrowed until tls_config_free */
};

/* PEM texts; each must end in a NUL byte that its length counts (mbedTLS wants
 * it so). crl may be NULL. signer takes the place of key when it is not NULL,
 * and is copied: its connections are of TLS 1.2, since mbedTLS has no way to
 * have others sign as TLS 1.3 does it (RSA-PSS). */
struct tls_pem {
	const uint8_t *ca, *cert, *key, *crl;
	size_t ca_len, cert_len, key_len, crl_len;
	const struct tls_signer *signer;
};

/* Parses the material. On failure ERR_TLS or ERR_NOMEM, and why (size bytes)
 * holds one line: which of the four, and mbedTLS's reason. The bytes in pem are
 * only read; the caller wipes its copy. */
int tls_config_new(struct tls_config **out, enum tls_role role,
    const struct tls_pem *pem, char *why, size_t why_size);
/* NULL is fine. Wipes the private key. */
void tls_config_free(struct tls_config *config);
/* Wipes the private key and its parsed form now, after the handshake, forgets
 * the signer, and frees the CRL; the streams made from it go on working, new handshakes fail. */
void tls_config_wipe_key(struct tls_config *config);

/* A client's server must have one of these keys (SHA-256 of the public key, as
 * DER), whatever else its certificate says; n = 0: any. At most TLS_PINS; they
 * are copied. */
#define TLS_PINS 8
void tls_config_pin(
    struct tls_config *config, const uint8_t (*keys)[32], size_t n);

/* A stream that does its handshake on fd. config is borrowed until
 * stream_free, and so are the names in alpn (at most 4). Client: name is the
 * server's DNS name or IP address that the certificate must carry (required),
 * alpn the protocol to offer. Server: alpn is a NULL-ended list of accepted
 * names, or NULL; a client that offers none is accepted; one that offers only
 * others is refused. NULL with errno when out of memory or, EINVAL, when a name
 * is missing or too long (fd stays the caller's). */
struct stream *tls_stream_new(struct tls_config *config, int fd,
    const char *name, const char *const *alpn);

/* After the handshake: ALPN name agreed, or NULL. Borrowed from the stream. */
const char *tls_alpn(const struct stream *stream);
/* After the handshake: the facts of the peer's certificate. ERR_FORMAT when
 * they cannot be represented (then the peer must be refused). */
int tls_peer_facts(const struct stream *stream, struct x509_facts *out);
/* After the handshake: SHA-256 of the peer's public key. 0 or ERR_FORMAT. */
int tls_peer_key(const struct stream *stream, uint8_t out[32]);
/* After a call that failed for good: why, one line, for people. Never NULL.
 * With TLS 1.3 a client is done before the server has judged its certificate:
 * a refusal then comes out of the first read. */
const char *tls_error(const struct stream *stream);

#endif
