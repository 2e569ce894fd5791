/*
 * How a workstation gets its first certificate: the token that an administrator
 * gives to a person, and the one request and the one reply that go over TLS
 * (PROTOCOL.md). Bytes only: who signs what, and whether a token is good, is
 * not known here.
 */
#ifndef WIRE_ENROLL_H
#define WIRE_ENROLL_H

#include <stddef.h>
#include <stdint.h>

#define ENROLL_ALPN "sallyport-enroll/1"
#define ENROLL_PORT 3242
/* What the server's certificate must say, and no other may: a gateway of the
 * same CA is not to be taken for it. */
#define ENROLL_NAME "enroll.sallyport.invalid"

#define ENROLL_ID 3u	  /* finds the token's record; no secret */
#define ENROLL_SECRET 16u /* 128 random bits */
#define ENROLL_PIN 32u	  /* SHA-256 of the CA's SubjectPublicKeyInfo */
#define ENROLL_SPKI 91u	  /* of P-256, as base/sign.h has it */
#define ENROLL_SIG_MAX 72u

struct enroll_token {
	uint8_t id[ENROLL_ID];
	uint8_t secret[ENROLL_SECRET];
	uint8_t pin[ENROLL_PIN];
};

/* "sp1_" and 68 characters of base64url (RFC 4648 5), which is without '='. */
#define ENROLL_TOKEN_TEXT 73u

/* With its NUL. */
void enroll_token_text(
    char out[ENROLL_TOKEN_TEXT], const struct enroll_token *token);
/* 0, or ERR_FORMAT. There is one text for a token. */
int enroll_token_read(struct enroll_token *out, const char *text);

/* The workstation's key, and its signature of enroll_signed_part. */
struct enroll_request {
	uint8_t id[ENROLL_ID];
	uint8_t secret[ENROLL_SECRET];
	uint8_t spki[ENROLL_SPKI];
	uint8_t sig[ENROLL_SIG_MAX]; /* DER */
	size_t sig_len;		     /* at least 8 */
};

/* Both begin with a u32, the length of what follows it. */
#define ENROLL_HEAD 4u
#define ENROLL_REQUEST_MAX \
	(ENROLL_HEAD + 1 + ENROLL_ID + ENROLL_SECRET + ENROLL_SPKI + 1 + \
	    ENROLL_SIG_MAX)
#define ENROLL_REPLY_MAX (48u * 1024u)

/* What follows a head: 0, or ERR_LIMIT when all of it would be over max bytes,
 * or ERR_FORMAT when nothing follows. */
int enroll_length(const uint8_t head[ENROLL_HEAD], size_t max, size_t *len);

/* Encoders give the length written, head included, or a negative error;
 * decoders take all of it and return 0 or ERR_FORMAT. */
int enroll_encode_request(
    void *buf, size_t size, const struct enroll_request *m);
int enroll_decode_request(
    struct enroll_request *m, const void *buf, size_t len);

/* What a request's signature is of: shows that the sender has the key, and that
 * it was meant for this token. */
#define ENROLL_SIGNED \
	(sizeof(ENROLL_ALPN) + ENROLL_ID + ENROLL_SECRET + ENROLL_SPKI)
void enroll_signed_part(
    uint8_t out[ENROLL_SIGNED], const struct enroll_request *m);

enum enroll_status {
	ENROLL_OK = 0,
	ENROLL_REFUSED = 1, /* no such token, or not any more, or a wrong one:
			       who asks is not told which */
	ENROLL_BAD_KEY = 2, /* the token is good, key or signature is not */
	ENROLL_FAILED = 3,  /* it is the server's fault; the token stays */
};

/* cert: the new certificate, and what stands between it and a CA that signed
 * itself; ca: the CAs that gateways are judged by. Both PEM, no NUL in them;
 * borrowed from the buffer after decoding; empty but for ENROLL_OK. */
struct enroll_reply {
	uint8_t status; /* enum enroll_status */
	const uint8_t *cert, *ca;
	size_t cert_len, ca_len;
};

int enroll_encode_reply(void *buf, size_t size, const struct enroll_reply *m);
int enroll_decode_reply(struct enroll_reply *m, const void *buf, size_t len);

#endif
