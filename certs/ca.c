/*
 * Signing is mbedtls_x509write_crt_*, except for the names: that interface
 * keeps only the last of several OUs, so the lists are linked here. What has
 * been signed is read back and verified before anyone else sees it.
 */
#include "certs/ca.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <mbedtls/asn1.h>
#include <mbedtls/md.h>
#include <mbedtls/oid.h>
#include <mbedtls/pem.h>
#include <mbedtls/platform.h>

#include "certs/ext.h"
#include "certs/key.h"
#include "certs/say.h"

#define ADVICE_NEW_CA "make a new CA by 'sallyport-certs init --dir DIR'"
#define ADVICE_REPORT "nothing was written; this is worth a bug report"

static int
load_cert(struct ca *ca, const char *op, const char *path)
{
	char end[WHEN_TEXT];
	time_t until;
	int r;

	if (file_read(op, path, FILE_PUBLIC, &ca->pem) != 0) {
		return -1;
	}
	r = mbedtls_x509_crt_parse(&ca->crt, ca->pem.bytes, ca->pem.len + 1);
	if (r > 0) {
		return say_fail(op, path, "repair the file",
		    "%d of its certificates cannot be read", r);
	}
	if (r < 0) {
		return say_mbed(op, path, "name the directory of a CA by --dir",
		    r);
	}
	if (!ca->crt.MBEDTLS_PRIVATE(ca_istrue) ||
	    mbedtls_x509_crt_check_key_usage(&ca->crt,
	    MBEDTLS_X509_KU_KEY_CERT_SIGN) != 0) {
		return say_fail(op, path, "name the directory of a CA by --dir",
		    "is no certificate of a CA");
	}
	until = when_of_x509(&ca->crt.valid_to);
	if (until < time(NULL)) {
		when_text(end, until);
		return say_fail(op, path, ADVICE_NEW_CA, "the CA expired on %s",
		    end);
	}
	return 0;
}

static int
load_key(struct ca *ca, const char *op, const char *path)
{
	struct file_buf buf = { NULL, 0 };
	int r;

	if (file_read(op, path, FILE_SECRET, &buf) != 0) {
		return -1;
	}
	r = compat_parse_key(&ca->key, buf.bytes, buf.len + 1, key_random);
	file_buf_free(&buf);
	if (r != 0) {
		return say_mbed(op, path, "restore the key of the CA", r);
	}
	if (compat_check_pair(&ca->crt.pk, &ca->key, key_random) != 0) {
		return say_fail(op, path, "restore the key of the CA",
		    "is not the key of " CA_CERT " beside it");
	}
	return 0;
}

int
ca_load_public(struct ca *ca, const char *op, const char *dir)
{
	char *cert = file_path(op, dir, CA_CERT);
	int r = -1;

	memset(ca, 0, sizeof(*ca));
	mbedtls_x509_crt_init(&ca->crt);
	mbedtls_pk_init(&ca->key);
	if (cert != NULL) {
		r = load_cert(ca, op, cert);
	}
	free(cert);
	return r;
}

int
ca_load(struct ca *ca, const char *op, const char *dir)
{
	char *key = NULL;
	int r = ca_load_public(ca, op, dir);

	if (r == 0) {
		key = file_path(op, dir, CA_KEY);
		r = key != NULL ? load_key(ca, op, key) : -1;
	}
	free(key);
	return r;
}

void
ca_free(struct ca *ca)
{
	mbedtls_x509_crt_free(&ca->crt);
	mbedtls_pk_free(&ca->key);
	file_buf_free(&ca->pem);
}

/* Links one more part of a name in front: the list is written backwards. It is
 * freed by mbedtls_x509write_crt_free, hence mbedTLS's allocator. */
static int
push(mbedtls_asn1_named_data **head, const mbedtls_asn1_buf *oid, int tag,
    const void *value, size_t len)
{
	mbedtls_asn1_named_data *n = mbedtls_calloc(1, sizeof(*n));

	if (n == NULL) {
		return MBEDTLS_ERR_X509_ALLOC_FAILED;
	}
	n->next = *head;
	*head = n;
	n->oid.p = mbedtls_calloc(1, oid->len);
	n->val.p = mbedtls_calloc(1, len > 0 ? len : 1);
	if (n->oid.p == NULL || n->val.p == NULL) {
		return MBEDTLS_ERR_X509_ALLOC_FAILED;
	}
	n->oid.tag = MBEDTLS_ASN1_OID;
	n->oid.len = oid->len;
	memcpy(n->oid.p, oid->p, oid->len);
	n->val.tag = tag;
	n->val.len = len;
	if (len > 0) {
		memcpy(n->val.p, value, len);
	}
	return 0;
}

static int
push_text(mbedtls_asn1_named_data **head, const char *oid, const char *value)
{
	unsigned char bytes[8];
	mbedtls_asn1_buf o = { .tag = MBEDTLS_ASN1_OID, .len = strlen(oid),
		.p = bytes };

	memcpy(bytes, oid, o.len);
	return push(head, &o, MBEDTLS_ASN1_UTF8_STRING, value, strlen(value));
}

static int
push_subject(mbedtls_asn1_named_data **head, const struct ca_request *rq)
{
	int r = 0;

	for (size_t i = 0; i < rq->nous && r == 0; i++) {
		r = push_text(head, MBEDTLS_OID_AT_ORG_UNIT, rq->ous[i]);
	}
	return r != 0 ? r : push_text(head, MBEDTLS_OID_AT_CN, rq->cn);
}

static int
push_name(mbedtls_asn1_named_data **head, const mbedtls_x509_name *name)
{
	for (; name != NULL; name = name->next) {
		int r = push(head, &name->oid, name->val.tag, name->val.p,
		    name->val.len);

		if (r != 0) {
			return r;
		}
	}
	return 0;
}

static int
set_names(mbedtls_x509write_cert *w, const struct ca *ca,
    const struct ca_request *rq)
{
	int r = push_subject(&w->MBEDTLS_PRIVATE(subject), rq);

	if (r != 0) {
		return r;
	}
	if (ca == NULL) {
		return push_subject(&w->MBEDTLS_PRIVATE(issuer), rq);
	}
	return push_name(&w->MBEDTLS_PRIVATE(issuer), &ca->crt.subject);
}

static int
set_key_ids(mbedtls_x509write_cert *w, const struct ca *ca,
    const struct ca_request *rq)
{
	uint8_t id[KEY_ID];
	const uint8_t *of_ca = id;
	size_t len = KEY_ID;
	int r = key_id(id, rq->key);

	if (r == 0) {
		r = ext_set_subject_key_id(w, id);
	}
	if (r == 0 && ca != NULL) {
		r = ext_get_subject_key_id(&ca->crt, &of_ca, &len);
	}
	if (r == 0 && len > 0) {
		r = ext_set_authority_key_id(w, of_ca, len);
	}
	return r;
}

static int
set_extensions(mbedtls_x509write_cert *w, const struct ca *ca,
    const struct ca_request *rq)
{
	int is_ca = rq->kind == CA_KIND_CA, r;

	r = ext_set_basic(w, !is_ca ? EXT_END_ENTITY :
	    rq->is_top ? EXT_TOP_CA : EXT_LAST_CA);
	if (r == 0) {
		r = mbedtls_x509write_crt_set_key_usage(w, is_ca ?
		    MBEDTLS_X509_KU_KEY_CERT_SIGN | MBEDTLS_X509_KU_CRL_SIGN :
		    MBEDTLS_X509_KU_DIGITAL_SIGNATURE);
	}
	if (r == 0 && !is_ca) {
		r = ext_set_purpose(w, rq->kind == CA_KIND_GATEWAY ?
		    EXT_SERVER : EXT_CLIENT);
	}
	if (r == 0 && rq->nsans > 0) {
		r = ext_set_sans(w, rq->sans, rq->nsans);
	}
	return r != 0 ? r : set_key_ids(w, ca, rq);
}

static int
set_serial(mbedtls_x509write_cert *w)
{
	unsigned char serial[CA_SERIAL_MAX];
	int r, any = 0;

	do { /* zero is no serial number, and 2^-128 likely */
		r = key_random(NULL, serial, sizeof(serial));
		for (size_t i = 0; i < sizeof(serial); i++) {
			any |= serial[i];
		}
	} while (r == 0 && any == 0);
	return r != 0 ? r : compat_set_serial(w, serial, sizeof(serial));
}

static int
write_cert(struct ca_signed *out, struct ca *ca, const struct ca_request *rq)
{
	char from[WHEN_COMPACT], until[WHEN_COMPACT];
	mbedtls_x509write_cert w;
	int r;

	when_compact(from, rq->span.from);
	when_compact(until, rq->span.until);
	mbedtls_x509write_crt_init(&w);
	mbedtls_x509write_crt_set_version(&w, MBEDTLS_X509_CRT_VERSION_3);
	mbedtls_x509write_crt_set_md_alg(&w, MBEDTLS_MD_SHA256);
	mbedtls_x509write_crt_set_subject_key(&w, rq->key);
	mbedtls_x509write_crt_set_issuer_key(&w,
	    ca != NULL ? &ca->key : rq->key);
	r = mbedtls_x509write_crt_set_validity(&w, from, until);
	if (r == 0) {
		r = set_serial(&w);
	}
	if (r == 0) {
		r = set_names(&w, ca, rq);
	}
	if (r == 0) {
		r = set_extensions(&w, ca, rq);
	}
	if (r == 0) {
		r = mbedtls_x509write_crt_pem(&w, out->pem, sizeof(out->pem),
		    key_random, NULL);
	}
	mbedtls_x509write_crt_free(&w);
	return r;
}

/* Would a peer accept it? The time is the caller's choice and may have run
 * out; everything else must fit. */
static int
check_signed(struct ca_signed *out, struct ca *ca)
{
	mbedtls_x509_crt *by = ca != NULL ? &ca->crt : &out->crt;
	uint32_t flags = 0;
	int r;

	r = mbedtls_x509_crt_parse(&out->crt, out->pem,
	    strlen((const char *)out->pem) + 1);
	if (r != 0) {
		return r;
	}
	if (out->crt.issuer_raw.len != by->subject_raw.len ||
	    memcmp(out->crt.issuer_raw.p, by->subject_raw.p,
	    by->subject_raw.len) != 0) {
		return MBEDTLS_ERR_X509_INVALID_NAME;
	}
	r = mbedtls_x509_crt_verify(&out->crt, by, NULL, NULL, &flags, NULL,
	    NULL);
	flags &= ~(uint32_t)(MBEDTLS_X509_BADCERT_EXPIRED |
	    MBEDTLS_X509_BADCERT_FUTURE);
	if (r == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED && flags == 0) {
		r = 0;
	}
	return r;
}

int
ca_sign(struct ca_signed *out, const char *op, struct ca *ca,
    const struct ca_request *rq)
{
	int r;

	memset(out, 0, sizeof(*out));
	mbedtls_x509_crt_init(&out->crt);
	r = write_cert(out, ca, rq);
	if (r == 0) {
		r = check_signed(out, ca);
	}
	return r != 0 ? say_mbed(op, rq->cn, ADVICE_REPORT, r) : 0;
}

int
ca_span(struct when_span *span, const char *op, const char *object,
    const struct ca *ca, const time_t *from, long days, long days_default)
{
	time_t end = when_of_x509(&ca->crt.valid_to);
	char text[WHEN_TEXT];
	int r;

	r = when_span(span, from, days != 0 ? days : days_default);
	if (r == 0 && days == 0 && span->until > end && span->from < end) {
		span->until = end;
	}
	if (r != 0 || span->until > end) {
		when_text(text, end);
		return say_fail(op, object, "choose fewer --days",
		    "would be valid longer than the CA, which ends on %s",
		    text);
	}
	return 0;
}

void
ca_signed_free(struct ca_signed *s)
{
	mbedtls_x509_crt_free(&s->crt);
}

const uint8_t *
ca_serial(const mbedtls_x509_crt *crt, size_t *len)
{
	const uint8_t *p = crt->serial.p;

	*len = crt->serial.len;
	while (*len > 1 && *p == 0) {
		p++;
		(*len)--;
	}
	return p;
}

int
ca_has_signed(const mbedtls_x509_crt *ca, const mbedtls_x509_crt *crt)
{
	mbedtls_md_type_t type = crt->MBEDTLS_PRIVATE(sig_md);
	const mbedtls_md_info_t *info = mbedtls_md_info_from_type(type);
	const mbedtls_x509_buf *sig = &crt->MBEDTLS_PRIVATE(sig);
	unsigned char hash[MBEDTLS_MD_MAX_SIZE];
	mbedtls_pk_context *pk;

	if (ca->subject_raw.len != crt->issuer_raw.len ||
	    memcmp(ca->subject_raw.p, crt->issuer_raw.p,
	    crt->issuer_raw.len) != 0 || info == NULL ||
	    mbedtls_md(info, crt->tbs.p, crt->tbs.len, hash) != 0) {
		return 0;
	}
	/* Verifying changes nothing that the caller sees; mbedTLS just does
	 * not say const. */
	pk = (mbedtls_pk_context *)(uintptr_t)&ca->pk;
	return mbedtls_pk_verify_ext(crt->MBEDTLS_PRIVATE(sig_pk),
	    crt->MBEDTLS_PRIVATE(sig_opts), pk, type, hash,
	    mbedtls_md_get_size(info), sig->p, sig->len) == 0;
}

/* mbedTLS has the path length and 1, or 0 when there is no bound. */
int
ca_may_have_cas(const struct ca *ca)
{
	return ca->crt.MBEDTLS_PRIVATE(max_pathlen) != 1;
}

static int
is_self_signed(const mbedtls_x509_crt *crt)
{
	return crt->subject_raw.len == crt->issuer_raw.len &&
	    memcmp(crt->subject_raw.p, crt->issuer_raw.p,
	    crt->subject_raw.len) == 0;
}

int
ca_add_chain(char *out, size_t size, size_t *len, const struct ca *ca)
{
	const mbedtls_x509_crt *crt;

	for (crt = &ca->crt; crt != NULL; crt = crt->next) {
		size_t n = 0;
		int r;

		if (is_self_signed(crt)) {
			continue;
		}
		r = mbedtls_pem_write_buffer("-----BEGIN CERTIFICATE-----\n",
		    "-----END CERTIFICATE-----\n", crt->raw.p, crt->raw.len,
		    (unsigned char *)out + *len, size - *len, &n);
		if (r != 0) {
			return r;
		}
		*len += n - 1; /* its NUL is not text */
	}
	return 0;
}
