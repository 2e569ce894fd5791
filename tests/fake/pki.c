/*
 * A CA for tests. The DER that mbedTLS 2.28 has no writer for (alternative
 * names, CRL) is written with mbedtls_asn1_write_*, which fills a buffer from
 * its end.
 */
#include "tests/fake/pki.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mbedtls/asn1write.h>
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/md.h>
#include <mbedtls/oid.h>
#include <mbedtls/pem.h>
#include <mbedtls/pk.h>
#include <mbedtls/rsa.h>
#include <mbedtls/sha256.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>

static mbedtls_entropy_context entropy;
static mbedtls_ctr_drbg_context rng;
static int has_rng;
static uint8_t next_serial = 0x40;

#define RNG mbedtls_ctr_drbg_random, &rng

static void
need(int is_true, const char *what)
{
	if (!is_true) {
		fprintf(stderr, "pki: %s failed\n", what);
		abort();
	}
}

static void
start(void)
{
	if (!has_rng) {
		mbedtls_entropy_init(&entropy);
		mbedtls_ctr_drbg_init(&rng);
		need(mbedtls_ctr_drbg_seed(
			 &rng, mbedtls_entropy_func, &entropy, NULL, 0) == 0,
		    "seed");
		has_rng = 1;
	}
}

static void
parse_key(mbedtls_pk_context *key, const struct pki_cert *from)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	need(mbedtls_pk_parse_key(
		 key, from->key, from->key_len, NULL, 0, RNG) == 0,
	    "key");
#else
	need(mbedtls_pk_parse_key(key, from->key, from->key_len, NULL, 0) == 0,
	    "key");
#endif
}

static void
make_key(mbedtls_pk_context *key, int is_rsa, unsigned bits)
{
	if (is_rsa) {
		need(mbedtls_pk_setup(
			 key, mbedtls_pk_info_from_type(MBEDTLS_PK_RSA)) == 0 &&
			 mbedtls_rsa_gen_key(
			     mbedtls_pk_rsa(*key), RNG,
			     bits != 0 ? bits : 2048, 65537) == 0,
		    "rsa");
		return;
	}
	need(mbedtls_pk_setup(
		 key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)) == 0 &&
		 mbedtls_ecp_gen_key(
		     MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(*key), RNG) == 0,
	    "ecdsa");
}

void
pki_san(
    uint8_t *buf, size_t *len, int choice, const void *data, size_t data_len)
{
	buf[(*len)++] = (uint8_t)(0x80 | choice);
	if (data_len >= 0x80) {
		buf[(*len)++] = 0x82;
		buf[(*len)++] = (uint8_t)(data_len >> 8);
	}
	buf[(*len)++] = (uint8_t)data_len;
	memcpy(buf + *len, data, data_len);
	*len += data_len;
}

static void
set_sans(mbedtls_x509write_cert *w, const struct pki_how *how)
{
	uint8_t seq[4096 + 4] = {0x30, 0x82};

	if (how->sans == NULL) {
		return;
	}
	seq[2] = (uint8_t)(how->sans_len >> 8);
	seq[3] = (uint8_t)how->sans_len;
	memcpy(seq + 4, how->sans, how->sans_len);
	need(
	    mbedtls_x509write_crt_set_extension(w, MBEDTLS_OID_SUBJECT_ALT_NAME,
		MBEDTLS_OID_SIZE(MBEDTLS_OID_SUBJECT_ALT_NAME), 0, seq,
		how->sans_len + 4) == 0,
	    "alternative names");
}

static void
set_use(mbedtls_x509write_cert *w, const struct pki_how *how)
{
	static const uint8_t any[] = {0x30, 6, 6, 4, 0x55, 0x1d, 0x25, 0};
	uint8_t eku[] = {0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3,
	    how->use == PKI_SERVER ? 1 : 2};
	unsigned usage = how->use == PKI_CA ? MBEDTLS_X509_KU_KEY_CERT_SIGN |
						  MBEDTLS_X509_KU_CRL_SIGN
					    : MBEDTLS_X509_KU_DIGITAL_SIGNATURE;

	if (how->no_signing) {
		usage = MBEDTLS_X509_KU_KEY_AGREEMENT;
	}
	need(mbedtls_x509write_crt_set_key_usage(w, usage) == 0, "usage");
	if (how->use == PKI_CLIENT || how->use == PKI_SERVER) {
		need(mbedtls_x509write_crt_set_extension(w,
			 MBEDTLS_OID_EXTENDED_KEY_USAGE,
			 MBEDTLS_OID_SIZE(MBEDTLS_OID_EXTENDED_KEY_USAGE), 0,
			 eku, sizeof(eku)) == 0,
		    "use");
	} else if (how->use == PKI_ANY_USE) {
		need(mbedtls_x509write_crt_set_extension(w,
			 MBEDTLS_OID_EXTENDED_KEY_USAGE,
			 MBEDTLS_OID_SIZE(MBEDTLS_OID_EXTENDED_KEY_USAGE), 0,
			 any, sizeof(any)) == 0,
		    "use");
	}
}

static void
set_serial(mbedtls_x509write_cert *w)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	need(mbedtls_x509write_crt_set_serial_raw(w, &next_serial, 1) == 0,
	    "serial");
#else
	mbedtls_mpi n;

	mbedtls_mpi_init(&n);
	need(mbedtls_mpi_lset(&n, next_serial) == 0 &&
		 mbedtls_x509write_crt_set_serial(w, &n) == 0,
	    "serial");
	mbedtls_mpi_free(&n);
#endif
	next_serial++;
}

static void
set_names(mbedtls_x509write_cert *w, const struct pki_cert *ca,
    const struct pki_how *how)
{
	mbedtls_x509_crt crt;
	char issuer[512];

	need(mbedtls_x509write_crt_set_subject_name(w, how->subject) == 0,
	    "subject");
	if (ca == NULL) {
		need(
		    mbedtls_x509write_crt_set_issuer_name(w, how->subject) == 0,
		    "issuer");
		return;
	}
	mbedtls_x509_crt_init(&crt);
	need(mbedtls_x509_crt_parse(&crt, ca->pem, ca->pem_len) == 0, "CA");
	need(mbedtls_x509_dn_gets(issuer, sizeof(issuer), &crt.subject) > 0,
	    "CA name");
	need(mbedtls_x509write_crt_set_issuer_name(w, issuer) == 0, "issuer");
	mbedtls_x509_crt_free(&crt);
}

static void
write_out(
    struct pki_cert *out, mbedtls_x509write_cert *w, mbedtls_pk_context *key)
{
	mbedtls_x509_crt crt;

	need(mbedtls_x509write_crt_pem(w, out->pem, sizeof(out->pem), RNG) == 0,
	    "sign");
	out->pem_len = strlen((char *)out->pem) + 1;
	need(mbedtls_pk_write_key_pem(key, out->key, sizeof(out->key)) == 0,
	    "key");
	out->key_len = strlen((char *)out->key) + 1;
	/* the DER of that same PEM: signing again would make another one; a
	 * hostile one may not parse, and then there is no DER */
	out->der_len = 0;
	mbedtls_x509_crt_init(&crt);
	if (mbedtls_x509_crt_parse(&crt, out->pem, out->pem_len) == 0) {
		need(crt.raw.len <= sizeof(out->der), "size");
		memcpy(out->der, crt.raw.p, crt.raw.len);
		out->der_len = crt.raw.len;
	}
	mbedtls_x509_crt_free(&crt);
}

void
pki_issue(
    struct pki_cert *out, const struct pki_cert *ca, const struct pki_how *how)
{
	mbedtls_x509write_cert w;
	mbedtls_pk_context key, ca_key;

	start();
	mbedtls_pk_init(&key);
	mbedtls_pk_init(&ca_key);
	make_key(&key, how->is_rsa, how->rsa_bits);
	if (ca != NULL) {
		parse_key(&ca_key, ca);
	}
	mbedtls_x509write_crt_init(&w);
	mbedtls_x509write_crt_set_version(&w, MBEDTLS_X509_CRT_VERSION_3);
	mbedtls_x509write_crt_set_md_alg(&w, MBEDTLS_MD_SHA256);
	mbedtls_x509write_crt_set_subject_key(&w, &key);
	mbedtls_x509write_crt_set_issuer_key(&w, ca == NULL ? &key : &ca_key);
	set_serial(&w);
	set_names(&w, ca, how);
	need(mbedtls_x509write_crt_set_validity(&w,
		 how->from == NULL ? "20200101000000" : how->from,
		 how->to == NULL ? "20991231235959" : how->to) == 0,
	    "dates");
	need(mbedtls_x509write_crt_set_basic_constraints(
		 &w, how->use == PKI_CA, -1) == 0,
	    "constraints");
	set_use(&w, how);
	set_sans(&w, how);
	write_out(out, &w, &key);
	mbedtls_x509write_crt_free(&w);
	mbedtls_pk_free(&key);
	mbedtls_pk_free(&ca_key);
}

/* ------------------------------------------------------------------------
 * CRL, RFC 5280 5.1
 */

struct back {
	uint8_t *buf;
	unsigned char *p;
};

static struct back
back_new(size_t size)
{
	struct back b = {malloc(size), NULL};

	need(b.buf != NULL, "memory");
	b.p = b.buf + size;
	return b;
}

static size_t
added(int n)
{
	need(n >= 0, "asn1");
	return (size_t)n;
}

static size_t
wrap(struct back *b, size_t len)
{
	size_t n = len;

	n += added(mbedtls_asn1_write_len(&b->p, b->buf, len));
	n += added(mbedtls_asn1_write_tag(
	    &b->p, b->buf, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE));
	return n;
}

static size_t
raw(struct back *b, const void *p, size_t len)
{
	return added(mbedtls_asn1_write_raw_buffer(&b->p, b->buf, p, len));
}

static size_t
utc_time(struct back *b, const char *text)
{
	size_t n = raw(b, text, strlen(text));

	n += added(mbedtls_asn1_write_len(&b->p, b->buf, n));
	n +=
	    added(mbedtls_asn1_write_tag(&b->p, b->buf, MBEDTLS_ASN1_UTC_TIME));
	return n;
}

static size_t
algorithm(struct back *b)
{
	return wrap(b, added(mbedtls_asn1_write_oid(&b->p, b->buf,
			   MBEDTLS_OID_ECDSA_SHA256,
			   MBEDTLS_OID_SIZE(MBEDTLS_OID_ECDSA_SHA256))));
}

static size_t
revoked_entry(struct back *b, const void *number, size_t len)
{
	size_t n = utc_time(b, "200101000000Z"), serial;

	serial = raw(b, number, len);
	serial += added(mbedtls_asn1_write_len(&b->p, b->buf, serial));
	serial +=
	    added(mbedtls_asn1_write_tag(&b->p, b->buf, MBEDTLS_ASN1_INTEGER));
	return wrap(b, n + serial);
}

static size_t
revoked_list(struct back *b, const struct pki_list *how)
{
	mbedtls_x509_crt crt;
	size_t i, n = 0;

	if (how->has_hole) {
		n += revoked_entry(b, "\x77", 1);
		n += revoked_entry(b, "", 0);
	}
	for (i = 0; i < how->fill; i++) {
		uint8_t number[9] = {0, PKI_FILL};

		number[5] = (uint8_t)(i >> 24);
		number[6] = (uint8_t)(i >> 16);
		number[7] = (uint8_t)(i >> 8);
		number[8] = (uint8_t)i;
		n += revoked_entry(b, number, sizeof(number));
	}
	for (i = 0; i < how->nrevoked; i++) {
		mbedtls_x509_crt_init(&crt);
		need(mbedtls_x509_crt_parse(&crt, how->revoked[i]->pem,
			 how->revoked[i]->pem_len) == 0,
		    "crt");
		n += revoked_entry(b, crt.serial.p, crt.serial.len);
		mbedtls_x509_crt_free(&crt);
	}
	return n > 0 ? wrap(b, n) : 0;
}

static size_t
sign(struct back *b, const struct pki_cert *ca, const uint8_t *tbs, size_t len)
{
	uint8_t hash[32], sig[256];
	size_t sig_len = 0, n;
	mbedtls_pk_context key;

	need(mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), tbs, len,
		 hash) == 0,
	    "hash");
	mbedtls_pk_init(&key);
	parse_key(&key, ca);
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	need(mbedtls_pk_sign(&key, MBEDTLS_MD_SHA256, hash, 32, sig,
		 sizeof(sig), &sig_len, RNG) == 0,
	    "sign");
#else
	need(mbedtls_pk_sign(
		 &key, MBEDTLS_MD_SHA256, hash, 32, sig, &sig_len, RNG) == 0,
	    "sign");
#endif
	mbedtls_pk_free(&key);
	n = added(
	    mbedtls_asn1_write_bitstring(&b->p, b->buf, sig, sig_len * 8));
	return n;
}

static uint8_t *
to_pem(const uint8_t *der, size_t len, size_t *pem_len)
{
	size_t size = 2 * len + 256;
	uint8_t *pem = malloc(size);

	need(pem != NULL &&
		mbedtls_pem_write_buffer("-----BEGIN X509 CRL-----\n",
		    "-----END X509 CRL-----\n", der, len, pem, size,
		    pem_len) == 0,
	    "pem");
	return pem;
}

uint8_t *
pki_make_list(const struct pki_list *how, size_t *len)
{
	size_t size = 4096 + 40 * (how->fill + how->nrevoked), n, signed_len;
	struct back tbs, all;
	mbedtls_x509_crt issuer;
	uint8_t *pem;

	start();
	mbedtls_x509_crt_init(&issuer);
	need(mbedtls_x509_crt_parse(
		 &issuer, how->ca->pem, how->ca->pem_len) == 0,
	    "CA");
	tbs = back_new(size);
	n = revoked_list(&tbs, how);
	if (how->to != NULL) {
		n += utc_time(&tbs, how->to);
	}
	n += utc_time(&tbs, how->from != NULL ? how->from : "200101000000Z");
	n += raw(&tbs, issuer.subject_raw.p, issuer.subject_raw.len);
	n += algorithm(&tbs);
	n += added(mbedtls_asn1_write_int(&tbs.p, tbs.buf, 1));
	n = wrap(&tbs, n);
	all = back_new(size);
	signed_len = sign(&all, how->ca, tbs.p, n);
	signed_len += algorithm(&all);
	signed_len += raw(&all, tbs.p, n);
	signed_len = wrap(&all, signed_len);
	pem = to_pem(all.p, signed_len, len);
	mbedtls_x509_crt_free(&issuer);
	free(tbs.buf);
	free(all.buf);
	return pem;
}

void
pki_make_crl(struct pki_crl *out, const struct pki_cert *ca, const char *to,
    const struct pki_cert *revoked)
{
	const struct pki_list how = {.ca = ca,
	    .to = to,
	    .revoked = &revoked,
	    .nrevoked = revoked != NULL};
	uint8_t *pem = pki_make_list(&how, &out->pem_len);

	need(out->pem_len <= sizeof(out->pem), "pem");
	memcpy(out->pem, pem, out->pem_len);
	free(pem);
}
