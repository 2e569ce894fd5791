/*
 * Lists of revoked certificates, checked as strictly as a handshake does it:
 * signed by a CA that we have and that may sign lists, with a hash that is not
 * broken, and in force. mbedTLS does that itself only for a peer's chain, one
 * handshake at a time.
 */
#include "base/x509_crl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <mbedtls/md.h>
#include <mbedtls/pk.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crl.h>
#include <mbedtls/x509_crt.h>
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
#include <psa/crypto.h>
#endif

#include "base/err.h"
#include "base/x509.h"

/* 3.x hides what no function of its own tells. */
#ifndef MBEDTLS_PRIVATE
#define MBEDTLS_PRIVATE(member) member
#endif

#define NAME 128

struct x509_revoked {
	mbedtls_x509_crt ca;
	mbedtls_x509_crl crl;
	size_t nlists;
	uint8_t (*keys)[32]; /* owned; of each list's CA, in their order */
};

/* Whose list it is, printable: mbedTLS puts '?' for what is not. */
static const char *
issuer_name(char dst[NAME], const mbedtls_x509_crl *crl)
{
	if (mbedtls_x509_dn_gets(dst, NAME, &crl->issuer) < 0) {
		(void)snprintf(dst, NAME, "a name that is too long");
	}
	return dst;
}

static int
is_fit_hash(mbedtls_md_type_t md)
{
	return md == MBEDTLS_MD_SHA256 || md == MBEDTLS_MD_SHA384 ||
	    md == MBEDTLS_MD_SHA512;
}

static int
is_signed_by(const mbedtls_x509_crl *crl, mbedtls_x509_crt *ca)
{
	mbedtls_md_type_t type = crl->MBEDTLS_PRIVATE(sig_md);
	const mbedtls_md_info_t *md = mbedtls_md_info_from_type(type);
	unsigned char hash[MBEDTLS_MD_MAX_SIZE];

	return is_fit_hash(type) && md != NULL &&
	    mbedtls_x509_crt_check_key_usage(
		ca, MBEDTLS_X509_KU_CRL_SIGN) == 0 &&
	    mbedtls_md(md, crl->tbs.p, crl->tbs.len, hash) == 0 &&
	    mbedtls_pk_verify_ext(crl->MBEDTLS_PRIVATE(sig_pk),
		crl->MBEDTLS_PRIVATE(sig_opts), &ca->pk, type, hash,
		mbedtls_md_get_size(md), crl->MBEDTLS_PRIVATE(sig).p,
		crl->MBEDTLS_PRIVATE(sig).len) == 0;
}

/* mbedTLS ends its walk over the entries at the first without a serial number,
 * which is no DER: one such entry would hide all behind it. A list of none has
 * one entry, of no bytes at all. */
static int
has_hole(const mbedtls_x509_crl *crl)
{
	const mbedtls_x509_crl_entry *e;

	for (e = &crl->entry; e != NULL; e = e->next) {
		if (e->serial.len == 0 && (e->raw.len != 0 || e->next != NULL)) {
			return 1;
		}
	}
	return 0;
}

struct mbedtls_x509_crt *
x509_crl_signer(const struct mbedtls_x509_crl *crl,
    struct mbedtls_x509_crt *ca, char *why, size_t size)
{
	char name[NAME];
	int is_known = 0;

	for (; ca != NULL; ca = ca->next) {
		if (ca->subject_raw.len != crl->issuer_raw.len ||
		    memcmp(ca->subject_raw.p, crl->issuer_raw.p,
			crl->issuer_raw.len) != 0) {
			continue;
		}
		is_known = 1;
		if (is_signed_by(crl, ca) && !has_hole(crl)) {
			return ca;
		}
	}
	if (is_known && has_hole(crl)) {
		(void)snprintf(why, size,
		    "CRL: the list of %s has an entry without a serial number; "
		    "have the CA make it anew", issuer_name(name, crl));
		return NULL;
	}
	if (is_known) {
		(void)snprintf(why, size,
		    "CRL: the list of %s is not properly signed by that CA; "
		    "install the CA's own", issuer_name(name, crl));
	} else {
		(void)snprintf(why, size,
		    "CRL: it is not one of the CA's; install the CA's own");
	}
	return NULL;
}

/* Before, at or after that time: negative, 0 or positive. */
static int
compare(const struct tm *now, const mbedtls_x509_time *t)
{
	const int a[] = {now->tm_year + 1900, now->tm_mon + 1, now->tm_mday,
	    now->tm_hour, now->tm_min, now->tm_sec};
	const int b[] = {t->year, t->mon, t->day, t->hour, t->min, t->sec};

	for (size_t i = 0; i < sizeof(a) / sizeof(a[0]); i++) {
		if (a[i] != b[i]) {
			return a[i] < b[i] ? -1 : 1;
		}
	}
	return 0;
}

int
x509_crl_in_force(
    const struct mbedtls_x509_crl *crl, int64_t now, char *why, size_t size)
{
	time_t seconds = (time_t)now;
	char name[NAME];
	struct tm tm;

	if (gmtime_r(&seconds, &tm) == NULL) {
		(void)snprintf(why, size, "CRL: the clock is wrong; set it");
		return ERR_TLS;
	}
	for (; crl != NULL; crl = crl->next) {
		const mbedtls_x509_time *from = &crl->this_update;
		const mbedtls_x509_time *to = &crl->next_update;

		if (compare(&tm, from) < 0) {
			(void)snprintf(why, size,
			    "CRL: the list of %s begins on %04d-%02d-%02d "
			    "%02d:%02d:%02d UTC, which is in the future; check "
			    "the clocks",
			    issuer_name(name, crl), from->year, from->mon,
			    from->day, from->hour, from->min, from->sec);
			return ERR_TLS;
		}
		if (to->year == 0) {
			(void)snprintf(why, size,
			    "CRL: the list of %s does not say when the next "
			    "one comes; install one that does",
			    issuer_name(name, crl));
			return ERR_TLS;
		}
		if (compare(&tm, to) > 0) {
			(void)snprintf(why, size,
			    "CRL: the list of %s is out of date since "
			    "%04d-%02d-%02d %02d:%02d:%02d UTC; install a new "
			    "one",
			    issuer_name(name, crl), to->year, to->mon, to->day,
			    to->hour, to->min, to->sec);
			return ERR_TLS;
		}
	}
	return 0;
}

/* ------------------------------------------------------------------------ */
/* All of them                                                              */

static int
parse(struct x509_revoked *r, const uint8_t *ca, size_t ca_len,
    const uint8_t *crl, size_t crl_len, char *why, size_t size)
{
	if (mbedtls_x509_crt_parse(&r->ca, ca, ca_len) != 0) {
		(void)snprintf(why, size, "CA: it cannot be read as one");
		return ERR_TLS;
	}
	if (mbedtls_x509_crl_parse(&r->crl, crl, crl_len) != 0) {
		(void)snprintf(why, size, "CRL: it cannot be read as one");
		return ERR_TLS;
	}
	return 0;
}

static int
find_signers(struct x509_revoked *r, char *why, size_t size)
{
	const mbedtls_x509_crl *crl;
	size_t n = 0, i = 0;

	for (crl = &r->crl; crl != NULL; crl = crl->next) {
		n++;
	}
	r->keys = calloc(n, sizeof(*r->keys));
	if (r->keys == NULL) {
		(void)snprintf(why, size, "CRL: out of memory");
		return ERR_NOMEM;
	}
	for (crl = &r->crl; crl != NULL; crl = crl->next) {
		mbedtls_x509_crt *ca = x509_crl_signer(crl, &r->ca, why, size);

		if (ca == NULL) {
			return ERR_TLS;
		}
		if (x509_key_hash(r->keys[i++], ca) != 0) {
			(void)snprintf(why, size, "CA: no hash of its key");
			return ERR_TLS;
		}
	}
	r->nlists = n;
	return 0;
}

int
x509_revoked_new(struct x509_revoked **out, const uint8_t *ca, size_t ca_len,
    const uint8_t *crl, size_t crl_len, char *why, size_t size)
{
	struct x509_revoked *r = calloc(1, sizeof(*r));
	int result;

	*out = NULL;
	if (r == NULL) {
		(void)snprintf(why, size, "CRL: out of memory");
		return ERR_NOMEM;
	}
	mbedtls_x509_crt_init(&r->ca);
	mbedtls_x509_crl_init(&r->crl);
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	if (psa_crypto_init() != PSA_SUCCESS) {
		(void)snprintf(why, size, "CRL: no cryptography");
		x509_revoked_free(r);
		return ERR_TLS;
	}
#endif
	result = parse(r, ca, ca_len, crl, crl_len, why, size);
	if (result == 0) {
		result = find_signers(r, why, size);
	}
	if (result != 0) {
		x509_revoked_free(r);
		return result;
	}
	*out = r;
	return 0;
}

void
x509_revoked_free(struct x509_revoked *revoked)
{
	if (revoked == NULL) {
		return;
	}
	mbedtls_x509_crt_free(&revoked->ca);
	mbedtls_x509_crl_free(&revoked->crl);
	free(revoked->keys);
	free(revoked);
}

int
x509_revoked_in_force(
    const struct x509_revoked *revoked, int64_t now, char *why, size_t size)
{
	return x509_crl_in_force(&revoked->crl, now, why, size);
}

/* Both as numbers: DER has a leading 0 where the top bit is set. */
static int
is_serial(const mbedtls_x509_buf *listed, const uint8_t *serial, size_t size)
{
	const uint8_t *p = listed->p;
	size_t len = listed->len;

	while (len > 1 && *p == 0) {
		p++;
		len--;
	}
	return len != 0 && len == size && memcmp(p, serial, len) == 0;
}

int
x509_revoked_has(const struct x509_revoked *revoked,
    const uint8_t issuer_key[32], const uint8_t *serial, size_t serial_len)
{
	const mbedtls_x509_crl *crl = &revoked->crl;
	const mbedtls_x509_crl_entry *e;

	for (size_t i = 0; i < revoked->nlists; i++, crl = crl->next) {
		if (memcmp(revoked->keys[i], issuer_key, 32) != 0) {
			continue;
		}
		for (e = &crl->entry; e != NULL; e = e->next) {
			if (is_serial(&e->serial, serial, serial_len)) {
				return 1;
			}
		}
	}
	return 0;
}

size_t
x509_revoked_count(const struct x509_revoked *revoked)
{
	const mbedtls_x509_crl *crl;
	const mbedtls_x509_crl_entry *e;
	size_t n = 0;

	for (crl = &revoked->crl; crl != NULL; crl = crl->next) {
		/* a list of none has one entry, without a serial number */
		for (e = &crl->entry; e != NULL; e = e->next) {
			n += e->serial.len != 0;
		}
	}
	return n;
}

void
x509_revoked_period(
    const struct x509_revoked *revoked, int64_t *from, int64_t *until)
{
	const mbedtls_x509_crl *crl;

	*from = *until = 0;
	for (crl = &revoked->crl; crl != NULL; crl = crl->next) {
		int64_t end = x509_seconds(&crl->next_update);

		if (*until == 0 || end < *until) {
			*from = x509_seconds(&crl->this_update);
			*until = end;
		}
	}
}
