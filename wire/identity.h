/*
 * What a gateway knows of a workstation: the facts of its certificate, with
 * fixed bounds, as they go from session to warden and into policy.
 */
#ifndef WIRE_IDENTITY_H
#define WIRE_IDENTITY_H

#include <stddef.h>
#include <stdint.h>

#define IDENTITY_TEXT 256  /* longest text fact, with its NUL */
#define IDENTITY_SANS 16   /* most subject alternative names */
#define IDENTITY_OUS 8	   /* most organizational units */

enum identity_san_type { SAN_DNS = 1, SAN_URI = 2, SAN_IP = 3 };

struct identity_san {
	uint8_t type; /* enum identity_san_type */
	char text[IDENTITY_TEXT];
};

/* Texts are NUL-terminated, contain no NUL inside and are as the certificate
 * has them: hostile UTF-8 that must be escaped before it is shown. A
 * certificate that does not fit is refused at the handshake, never cut. */
struct x509_facts {
	uint8_t issuer_key[32];	 /* SHA-256 of the issuing CA's public key
				    (SubjectPublicKeyInfo, DER) */
	uint8_t fingerprint[32]; /* SHA-256 of the certificate, DER */
	uint8_t serial[20];
	uint8_t serial_len;	 /* 1..20 */
	char subject[IDENTITY_TEXT]; /* RFC 4514-like text of the whole DN */
	char issuer[IDENTITY_TEXT];
	char cn[IDENTITY_TEXT];	 /* "" if none */
	uint8_t nsan, nou;
	struct identity_san san[IDENTITY_SANS];
	char ou[IDENTITY_OUS][IDENTITY_TEXT];
};

/* The workstation's lasting name (design: lease identity): lower-case hex of
 * issuer_key, ':', then the first of SAN URI, SAN DNS, subject DN. Always
 * NUL-terminated; size >= 64 + 1 + IDENTITY_TEXT + 4. Returns buf. */
#define IDENTITY_NAME (64 + 1 + IDENTITY_TEXT + 4)
char *identity_name(char *buf, size_t size, const struct x509_facts *facts);
/* The short form for people: the first of SAN URI, SAN DNS, CN, subject;
 * borrowed from facts, still hostile text. */
const char *identity_short(const struct x509_facts *facts);

/* Exact wire form: returns the length written, ERR_NOMEM if size is too small
 * (IDENTITY_WIRE is always enough); decode demands that every byte is used:
 * ERR_FORMAT otherwise. */
#define IDENTITY_WIRE 8192
int identity_encode(void *buf, size_t size, const struct x509_facts *facts);
int identity_decode(struct x509_facts *out, const void *buf, size_t len);

#endif
