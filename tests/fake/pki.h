/*
 * Certificates for tests, good ones and bad ones, made by mbedTLS in memory.
 */
#ifndef FAKE_PKI_H
#define FAKE_PKI_H

#include <stddef.h>
#include <stdint.h>

enum pki_use {
	PKI_CA,
	PKI_CLIENT,
	PKI_SERVER,
	PKI_NO_USE,  /* no extended key usage at all */
	PKI_ANY_USE, /* anyExtendedKeyUsage */
};

struct pki_how {
	const char *subject; /* "CN=kiosk,O=Example" */
	enum pki_use use;
	const char *from, *to; /* "20300101000000"; NULL = valid now */
	const uint8_t *sans;   /* by pki_san; NULL for none */
	size_t sans_len;
	int is_rsa;
	unsigned rsa_bits; /* 0 = 2048 */
	int no_signing; /* key usage without digitalSignature */
};

struct pki_cert {
	uint8_t pem[8192], key[8192]; /* with their NUL bytes */
	size_t pem_len, key_len;
	uint8_t der[4096];
	size_t der_len;
};

struct pki_crl {
	uint8_t pem[8192];
	size_t pem_len;
};

/* GeneralName choices for pki_san */
enum { PKI_MAIL = 1, PKI_DNS = 2, PKI_URI = 6, PKI_IP = 7 };

/* Adds one name at buf[*len]; size 4096 is expected. */
void pki_san(
    uint8_t *buf, size_t *len, int choice, const void *data, size_t data_len);
/* ca NULL: signs itself. Ends the program when mbedTLS fails. */
void pki_issue(
    struct pki_cert *out, const struct pki_cert *ca, const struct pki_how *how);
/* A CRL of ca that is valid until `to` ("300101000000Z", UTCTime) and lists
 * revoked, or nothing when that is NULL. */
void pki_make_crl(struct pki_crl *out, const struct pki_cert *ca,
    const char *to, const struct pki_cert *revoked);

/* Any other list. */
struct pki_list {
	const struct pki_cert *ca;
	const char *from, *to; /* UTCTime; NULL = since 2020; without an end */
	const struct pki_cert *const *revoked;
	size_t nrevoked;
	int has_hole; /* last an entry without a serial number, and one more */
	size_t fill; /* so many more, with serials of PKI_FILL and a number */
};
#define PKI_FILL 0x80u /* first of 8 bytes, of which the last 4 count */
/* Its PEM text, malloced; *len counts its NUL. */
uint8_t *pki_make_list(const struct pki_list *how, size_t *len);

#endif
