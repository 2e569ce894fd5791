/*
 *   CertificateList ::= SEQUENCE {
 *     tbsCertList SEQUENCE {
 *       version INTEGER (1), signature, issuer, thisUpdate, nextUpdate,
 *       revokedCertificates SEQUENCE OF SEQUENCE {
 *         serial INTEGER, revocationDate, { { reasonCode } } } OPTIONAL,
 *       [0] { authorityKeyIdentifier, cRLNumber } },
 *     signatureAlgorithm, signature BIT STRING }
 *
 * written from its end to its beginning, as mbedtls_asn1_write_* do.
 */
#include "certs/crl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mbedtls/asn1.h>
#include <mbedtls/asn1write.h>
#include <mbedtls/md.h>
#include <mbedtls/oid.h>
#include <mbedtls/pem.h>
#include <mbedtls/x509_crl.h>

#include "certs/ext.h"
#include "certs/file.h"
#include "certs/key.h"
#include "certs/say.h"

#define SEQUENCE (MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE)
#define ENTRY_MAX 80	/* bytes of one entry, generously */
#define REST_MAX 4096	/* everything else: issuer, extensions, signature */
#define BEGIN "-----BEGIN X509 CRL-----\n"
#define END "-----END X509 CRL-----\n"
#define ADVICE_REPORT "nothing was written; this is worth a bug report"

/* 2.5.29.20 and 2.5.29.21; 2.28 has no names for them */
#define OID_CRL_NUMBER "\x55\x1d\x14"
#define OID_REASON "\x55\x1d\x15"

struct back {
	unsigned char *start; /* owned */
	unsigned char *p;
	unsigned char *end;
	int r; /* the first failure */
};

static size_t
put(struct back *b, int n)
{
	if (n < 0 && b->r == 0) {
		b->r = n;
	}
	return n < 0 ? 0 : (size_t)n;
}

static size_t
put_raw(struct back *b, const void *p, size_t len)
{
	return put(b, mbedtls_asn1_write_raw_buffer(&b->p, b->start, p, len));
}

/* Puts a tag and a length before the len bytes that were written last. */
static size_t
wrap(struct back *b, size_t len, unsigned char tag)
{
	len += put(b, mbedtls_asn1_write_len(&b->p, b->start, len));
	return len + put(b, mbedtls_asn1_write_tag(&b->p, b->start, tag));
}

/* Positive whatever its top bit. */
static size_t
put_number(struct back *b, const uint8_t *p, size_t len)
{
	static const uint8_t zero;
	size_t n = put_raw(b, p, len);

	if (len == 0 || (p[0] & 0x80) != 0) {
		n += put_raw(b, &zero, 1);
	}
	return wrap(b, n, MBEDTLS_ASN1_INTEGER);
}

/* RFC 5280 5.1.2.4: UTCTime up to the year 2049, and GeneralizedTime after. */
static size_t
put_time(struct back *b, time_t t)
{
	char text[WHEN_COMPACT + 1];
	int is_utc;
	size_t len;

	when_compact(text, t);
	is_utc = memcmp(text, "2050", 4) < 0;
	len = strlen(text);
	text[len++] = 'Z';
	if (is_utc) {
		return wrap(b, put_raw(b, text + 2, len - 2),
		    MBEDTLS_ASN1_UTC_TIME);
	}
	return wrap(b, put_raw(b, text, len), MBEDTLS_ASN1_GENERALIZED_TIME);
}

/* What is signed by an elliptic key has no parameters, an RSA one NULL. */
static size_t
put_algorithm(struct back *b, mbedtls_pk_context *key)
{
	int is_rsa = mbedtls_pk_can_do(key, MBEDTLS_PK_RSA);
	const char *oid = NULL;
	size_t oid_len = 0, n = 0;

	if (mbedtls_oid_get_oid_by_sig_alg(is_rsa ? MBEDTLS_PK_RSA :
	    MBEDTLS_PK_ECDSA, MBEDTLS_MD_SHA256, &oid, &oid_len) != 0) {
		return put(b, MBEDTLS_ERR_X509_UNKNOWN_SIG_ALG);
	}
	if (is_rsa) {
		n = put(b, mbedtls_asn1_write_null(&b->p, b->start));
	}
	n += put(b, mbedtls_asn1_write_oid(&b->p, b->start, oid, oid_len));
	return wrap(b, n, SEQUENCE);
}

/* Around a value of n bytes that was written last. */
static size_t
put_extension(struct back *b, size_t n, const char *oid, size_t oid_len)
{
	n = wrap(b, n, MBEDTLS_ASN1_OCTET_STRING);
	n += put(b, mbedtls_asn1_write_oid(&b->p, b->start, oid, oid_len));
	return wrap(b, n, SEQUENCE);
}

static size_t
put_entry(struct back *b, const struct revoked_entry *e)
{
	uint8_t reason = (uint8_t)e->reason;
	size_t n = 0;

	if (e->reason != REVOKED_UNSPECIFIED) { /* which is not written */
		n = wrap(b, put_raw(b, &reason, 1), MBEDTLS_ASN1_ENUMERATED);
		n = put_extension(b, n, OID_REASON, sizeof(OID_REASON) - 1);
		n = wrap(b, n, SEQUENCE);
	}
	n += put_time(b, e->at);
	n += put_number(b, e->serial, e->serial_len);
	return wrap(b, n, SEQUENCE);
}

static size_t
put_entries(struct back *b, const struct crl_request *rq)
{
	size_t n = 0;

	for (size_t i = rq->n; i > 0; i--) {
		n += put_entry(b, &rq->entries[i - 1]);
	}
	return n > 0 ? wrap(b, n, SEQUENCE) : 0; /* RFC: absent, not empty */
}

static size_t
put_extensions(struct back *b, struct ca *ca, uint64_t number)
{
	uint8_t be[8], id[KEY_ID];
	const uint8_t *key = id;
	size_t skip = 0, len = KEY_ID, n;

	for (size_t i = 0; i < sizeof(be); i++) {
		be[i] = (uint8_t)(number >> (56 - 8 * i));
	}
	while (skip < sizeof(be) - 1 && be[skip] == 0) {
		skip++;
	}
	n = put_extension(b, put_number(b, be + skip, sizeof(be) - skip),
	    OID_CRL_NUMBER, sizeof(OID_CRL_NUMBER) - 1);
	(void)put(b, ext_get_subject_key_id(&ca->crt, &key, &len));
	if (len == 0) { /* a CA of somebody else's: as we would name it */
		(void)put(b, key_id(id, &ca->key));
		key = id;
		len = KEY_ID;
	}
	len = wrap(b, put_raw(b, key, len), MBEDTLS_ASN1_CONTEXT_SPECIFIC | 0);
	n += put_extension(b, wrap(b, len, SEQUENCE),
	    MBEDTLS_OID_AUTHORITY_KEY_IDENTIFIER,
	    MBEDTLS_OID_SIZE(MBEDTLS_OID_AUTHORITY_KEY_IDENTIFIER));
	n = wrap(b, n, SEQUENCE);
	return wrap(b, n, MBEDTLS_ASN1_CONTEXT_SPECIFIC |
	    MBEDTLS_ASN1_CONSTRUCTED | 0);
}

static size_t
put_tbs(struct back *b, struct ca *ca, const struct crl_request *rq)
{
	size_t n = put_extensions(b, ca, rq->number);

	n += put_entries(b, rq);
	n += put_time(b, rq->span.until);
	n += put_time(b, rq->span.from);
	n += put_raw(b, ca->crt.subject_raw.p, ca->crt.subject_raw.len);
	n += put_algorithm(b, &ca->key);
	n += put(b, mbedtls_asn1_write_int(&b->p, b->start, 1));
	return wrap(b, n, SEQUENCE);
}

static int
back_init(struct back *b, size_t size)
{
	b->r = 0;
	b->start = malloc(size);
	b->end = b->p = b->start != NULL ? b->start + size : NULL;
	return b->start != NULL ? 0 : -1;
}

static int
write_list(struct back *all, struct back *tbs, struct ca *ca,
    const struct crl_request *rq)
{
	unsigned char sig[MBEDTLS_PK_SIGNATURE_MAX_SIZE];
	uint8_t hash[KEY_SHA256];
	size_t len, sig_len = 0, n;
	int r;

	len = put_tbs(tbs, ca, rq);
	if (tbs->r != 0) {
		return tbs->r;
	}
	r = key_sha256(hash, tbs->p, len);
	if (r == 0) {
		r = compat_sign(&ca->key, MBEDTLS_MD_SHA256, hash,
		    sizeof(hash), sig, &sig_len, key_random);
	}
	if (r != 0) {
		return r;
	}
	n = put(all, mbedtls_asn1_write_bitstring(&all->p, all->start, sig,
	    8 * sig_len));
	n += put_algorithm(all, &ca->key);
	n += put_raw(all, tbs->p, len);
	(void)wrap(all, n, SEQUENCE);
	return all->r;
}

/* Would a reader find in it what was meant, signed by this CA? */
static int
check_list(const char *pem, size_t len, struct ca *ca,
    const struct crl_request *rq)
{
	const mbedtls_x509_crl_entry *e;
	uint8_t hash[KEY_SHA256];
	mbedtls_x509_crl crl;
	size_t n = 0;
	int r;

	mbedtls_x509_crl_init(&crl);
	r = mbedtls_x509_crl_parse(&crl, (const unsigned char *)pem, len);
	if (r == 0) {
		r = key_sha256(hash, crl.tbs.p, crl.tbs.len);
	}
	if (r == 0) {
		r = mbedtls_pk_verify(&ca->crt.pk, MBEDTLS_MD_SHA256, hash,
		    sizeof(hash), crl.MBEDTLS_PRIVATE(sig).p,
		    crl.MBEDTLS_PRIVATE(sig).len);
	}
	for (e = &crl.entry; r == 0 && e != NULL && e->raw.len != 0;
	    e = e->next) {
		n++;
	}
	if (r == 0 && (n != rq->n || crl.version != 2 ||
	    when_of_x509(&crl.next_update) != rq->span.until)) {
		r = MBEDTLS_ERR_X509_INVALID_FORMAT;
	}
	mbedtls_x509_crl_free(&crl);
	return r;
}

int
crl_sign(char **out, const char *op, struct ca *ca,
    const struct crl_request *rq)
{
	size_t size = REST_MAX + ENTRY_MAX * rq->n, len = 0;
	struct back tbs = { NULL, NULL, NULL, 0 }, all = tbs;
	char *pem = NULL;
	int r = MBEDTLS_ERR_X509_ALLOC_FAILED;

	*out = NULL;
	if (back_init(&tbs, size) == 0 && back_init(&all, size) == 0 &&
	    (pem = malloc(2 * size)) != NULL) {
		r = write_list(&all, &tbs, ca, rq);
	}
	if (r == 0) {
		r = mbedtls_pem_write_buffer(BEGIN, END, all.p,
		    (size_t)(all.end - all.p), (unsigned char *)pem, 2 * size,
		    &len);
	}
	if (r == 0) {
		r = check_list(pem, len, ca, rq);
	}
	free(tbs.start);
	free(all.start);
	if (r != 0) {
		free(pem);
		return say_mbed(op, CRL_FILE, ADVICE_REPORT, r);
	}
	*out = pem;
	return 0;
}

/* ------------------------------------------------------------------------ */
/* The list of a CA                                                         */

/* RFC 5280 3.3: an entry stays until one list after its certificate ended. */
static void
drop_ended(struct revoked *record, time_t now)
{
	time_t long_ago = now - 2 * record->days * WHEN_DAY;
	size_t kept = 0;

	for (size_t i = 0; i < record->n; i++) {
		const struct revoked_entry *e = &record->entries[i];

		if (e->until == 0 || e->until > long_ago || e->at > long_ago) {
			record->entries[kept++] = *e;
		}
	}
	record->n = kept;
}

int
crl_publish(const char *op, const char *dir, struct ca *ca,
    struct revoked *record, time_t *until)
{
	struct crl_request rq = { .entries = NULL };
	char *pem = NULL;
	int r = -1;

	if (when_span(&rq.span, NULL, record->days) != 0) {
		return say_fail(op, CRL_FILE, "choose fewer --days",
		    "ends after the year 9999");
	}
	drop_ended(record, time(NULL));
	record->number++;
	rq.entries = record->entries;
	rq.n = record->n;
	rq.number = record->number;
	if (mbedtls_x509_crt_check_key_usage(&ca->crt,
	    MBEDTLS_X509_KU_CRL_SIGN) != 0) {
		return say_fail(op, dir, "have the CA's own issuer revoke them",
		    "the CA may not sign lists (key usage)");
	}
	if (crl_sign(&pem, op, ca, &rq) == 0 && revoked_save(record) == 0) {
		r = file_replace(op, dir, CRL_FILE, pem, strlen(pem));
	}
	if (r == 0 && strlen(pem) > CRL_TEXT_MAX) {
		r = say_fail(op, CRL_FILE, "make a new CA",
		    "was written, and is larger than the %u bytes that a "
		    "gateway takes: it would let nobody in", CRL_TEXT_MAX);
	}
	free(pem);
	*until = rq.span.until;
	return r;
}

/* ------------------------------------------------------------------------ */
/* What mbedTLS does not read                                               */

/* Finds an extension in (p, len), a SEQUENCE of them or nothing, and in it a
 * value of that tag, which is then borrowed from there. */
static int
find(const uint8_t *p, size_t len, const char *oid, size_t oid_len, int tag,
    const uint8_t **value, size_t *value_len)
{
	const uint8_t *found = NULL;
	unsigned char *in;
	size_t n = 0;
	int r;

	*value = NULL;
	*value_len = 0;
	r = ext_find(p, len, oid, oid_len, &found, &n);
	if (r != 0 || found == NULL) {
		return r;
	}
	in = (unsigned char *)(uintptr_t)found; /* which is only read */
	r = mbedtls_asn1_get_tag(&in, in + n, value_len, tag);
	if (r == 0) {
		*value = in;
	} else {
		*value_len = 0;
	}
	return r;
}

int
crl_get_number(const struct mbedtls_x509_crl *crl, const uint8_t **number,
    size_t *len)
{
	return find(crl->crl_ext.p, crl->crl_ext.len, OID_CRL_NUMBER,
	    sizeof(OID_CRL_NUMBER) - 1, MBEDTLS_ASN1_INTEGER, number, len);
}

int
crl_get_reason(const struct mbedtls_x509_crl_entry *entry, int *reason)
{
	const uint8_t *value;
	size_t len;
	const uint8_t *p = entry->entry_ext.p;
	int r;

	/* mbedTLS points before the SEQUENCE, and counts without its head. */
	r = find(p, p == NULL ? 0 : (size_t)(entry->raw.p + entry->raw.len - p),
	    OID_REASON, sizeof(OID_REASON) - 1, MBEDTLS_ASN1_ENUMERATED, &value,
	    &len);
	*reason = r == 0 && len == 1 ? value[0] : REVOKED_UNSPECIFIED;
	return r;
}
