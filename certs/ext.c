/*
 * mbedtls_asn1_write_* write backwards: each function starts at the end of a
 * buffer and the last element comes first. RFC 5280 4.2.1 has the grammar of
 * every extension here.
 */
#include "certs/ext.h"

#include <string.h>

#include <mbedtls/asn1.h>
#include <mbedtls/asn1write.h>
#include <mbedtls/oid.h>

#define SEQUENCE (MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE)
#define KEY_ID_MAX 64
/* Each name with its tag and length, and the sequence around them. */
#define SANS_MAX (NAME_SANS * (NAME_SAN_MAX + 4) + 4)

static int
set(mbedtls_x509write_cert *w, const char *oid, size_t oid_len, int critical,
    const unsigned char *value, size_t len)
{
	return mbedtls_x509write_crt_set_extension(w, oid, oid_len, critical,
	    value, len);
}

/* Puts a tag and a length before the len bytes at *p; the new length. */
static int
wrap(unsigned char **p, unsigned char *start, size_t len, unsigned char tag)
{
	int ret;

	MBEDTLS_ASN1_CHK_ADD(len, mbedtls_asn1_write_len(p, start, len));
	MBEDTLS_ASN1_CHK_ADD(len, mbedtls_asn1_write_tag(p, start, tag));
	return (int)len;
}

int
ext_set_basic(mbedtls_x509write_cert *w, enum ext_basic basic)
{
	unsigned char buf[16] = { 0 }, *p = buf + sizeof(buf);
	size_t len = 0;
	int ret;

	if (basic != EXT_END_ENTITY) {
		MBEDTLS_ASN1_CHK_ADD(len, mbedtls_asn1_write_int(&p, buf,
		    basic == EXT_TOP_CA));
		MBEDTLS_ASN1_CHK_ADD(len, mbedtls_asn1_write_bool(&p, buf, 1));
	}
	ret = wrap(&p, buf, len, SEQUENCE);
	if (ret < 0) {
		return ret;
	}
	return set(w, MBEDTLS_OID_BASIC_CONSTRAINTS,
	    MBEDTLS_OID_SIZE(MBEDTLS_OID_BASIC_CONSTRAINTS), 1, p, (size_t)ret);
}

int
ext_set_subject_key_id(mbedtls_x509write_cert *w, const uint8_t id[KEY_ID])
{
	unsigned char buf[KEY_ID + 4] = { 0 }, *p = buf + sizeof(buf);
	int ret;

	ret = mbedtls_asn1_write_octet_string(&p, buf, id, KEY_ID);
	if (ret < 0) {
		return ret;
	}
	return set(w, MBEDTLS_OID_SUBJECT_KEY_IDENTIFIER,
	    MBEDTLS_OID_SIZE(MBEDTLS_OID_SUBJECT_KEY_IDENTIFIER), 0, p,
	    (size_t)ret);
}

int
ext_set_authority_key_id(mbedtls_x509write_cert *w, const uint8_t *id,
    size_t id_len)
{
	unsigned char buf[KEY_ID_MAX + 8] = { 0 }, *p = buf + sizeof(buf);
	size_t len = 0;
	int ret;

	MBEDTLS_ASN1_CHK_ADD(len,
	    mbedtls_asn1_write_raw_buffer(&p, buf, id, id_len));
	ret = wrap(&p, buf, len, MBEDTLS_ASN1_CONTEXT_SPECIFIC | 0);
	if (ret >= 0) {
		ret = wrap(&p, buf, (size_t)ret, SEQUENCE);
	}
	if (ret < 0) {
		return ret;
	}
	return set(w, MBEDTLS_OID_AUTHORITY_KEY_IDENTIFIER,
	    MBEDTLS_OID_SIZE(MBEDTLS_OID_AUTHORITY_KEY_IDENTIFIER), 0, p,
	    (size_t)ret);
}

int
ext_set_purpose(mbedtls_x509write_cert *w, enum ext_purpose purpose)
{
	unsigned char buf[16] = { 0 }, *p = buf + sizeof(buf);
	const char *oid = purpose == EXT_SERVER ? MBEDTLS_OID_SERVER_AUTH :
	    MBEDTLS_OID_CLIENT_AUTH;
	size_t oid_len = purpose == EXT_SERVER ?
	    MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH) :
	    MBEDTLS_OID_SIZE(MBEDTLS_OID_CLIENT_AUTH);
	int ret;

	ret = mbedtls_asn1_write_oid(&p, buf, oid, oid_len);
	if (ret >= 0) {
		ret = wrap(&p, buf, (size_t)ret, SEQUENCE);
	}
	if (ret < 0) {
		return ret;
	}
	return set(w, MBEDTLS_OID_EXTENDED_KEY_USAGE,
	    MBEDTLS_OID_SIZE(MBEDTLS_OID_EXTENDED_KEY_USAGE), 0, p,
	    (size_t)ret);
}

int
ext_set_sans(mbedtls_x509write_cert *w, const struct san *sans, size_t n)
{
	unsigned char buf[SANS_MAX] = { 0 }, *p = buf + sizeof(buf);
	size_t len = 0;
	int ret;

	for (size_t i = n; i > 0; i--) {
		const struct san *s = &sans[i - 1];

		MBEDTLS_ASN1_CHK_ADD(len, mbedtls_asn1_write_raw_buffer(&p,
		    buf, s->bytes, s->len));
		MBEDTLS_ASN1_CHK_ADD(len,
		    mbedtls_asn1_write_len(&p, buf, s->len));
		MBEDTLS_ASN1_CHK_ADD(len,
		    mbedtls_asn1_write_tag(&p, buf, (unsigned char)s->tag));
	}
	ret = wrap(&p, buf, len, SEQUENCE);
	if (ret < 0) {
		return ret;
	}
	return set(w, MBEDTLS_OID_SUBJECT_ALT_NAME,
	    MBEDTLS_OID_SIZE(MBEDTLS_OID_SUBJECT_ALT_NAME), 0, p, (size_t)ret);
}

/* Extension ::= SEQUENCE { OID, critical BOOLEAN DEFAULT FALSE, OCTET STRING }
 * at *p. *p moves behind it; oid and value are borrowed. */
static int
take_extension(unsigned char **p, const unsigned char *end,
    mbedtls_asn1_buf *oid, mbedtls_asn1_buf *value)
{
	unsigned char *in;
	size_t len;
	int r, critical;

	r = mbedtls_asn1_get_tag(p, end, &len, SEQUENCE);
	if (r != 0) {
		return r;
	}
	in = *p;
	*p += len;
	end = *p;
	r = mbedtls_asn1_get_tag(&in, end, &oid->len, MBEDTLS_ASN1_OID);
	if (r != 0) {
		return r;
	}
	oid->tag = MBEDTLS_ASN1_OID;
	oid->p = in;
	in += oid->len;
	r = mbedtls_asn1_get_bool(&in, end, &critical);
	if (r != 0 && r != MBEDTLS_ERR_ASN1_UNEXPECTED_TAG) {
		return r;
	}
	r = mbedtls_asn1_get_tag(&in, end, &value->len,
	    MBEDTLS_ASN1_OCTET_STRING);
	value->tag = MBEDTLS_ASN1_OCTET_STRING;
	value->p = in;
	return r;
}

int
ext_find(const uint8_t *extensions, size_t len, const char *oid, size_t oid_len,
    const uint8_t **value, size_t *value_len)
{
	unsigned char *p = (unsigned char *)(uintptr_t)extensions, *end;
	mbedtls_asn1_buf name, found;
	size_t all;
	int r;

	*value = NULL;
	*value_len = 0;
	if (p == NULL || len == 0) {
		return 0;
	}
	end = p + len;
	r = mbedtls_asn1_get_tag(&p, end, &all, SEQUENCE);
	while (r == 0 && p < end) {
		r = take_extension(&p, end, &name, &found);
		if (r == 0 && name.len == oid_len &&
		    memcmp(name.p, oid, oid_len) == 0) {
			*value = found.p;
			*value_len = found.len;
			break;
		}
	}
	return r;
}

int
ext_get_subject_key_id(const mbedtls_x509_crt *crt, const uint8_t **id,
    size_t *len)
{
	const uint8_t *value = NULL;
	unsigned char *p;
	size_t n = 0;
	int r;

	*id = NULL;
	*len = 0;
	r = ext_find(crt->v3_ext.p, crt->v3_ext.len,
	    MBEDTLS_OID_SUBJECT_KEY_IDENTIFIER,
	    MBEDTLS_OID_SIZE(MBEDTLS_OID_SUBJECT_KEY_IDENTIFIER), &value, &n);
	if (r != 0 || value == NULL) {
		return r;
	}
	p = (unsigned char *)(uintptr_t)value; /* which is only read */
	r = mbedtls_asn1_get_tag(&p, p + n, len, MBEDTLS_ASN1_OCTET_STRING);
	if (r == 0 && *len > KEY_ID_MAX) {
		r = MBEDTLS_ERR_ASN1_INVALID_LENGTH;
	}
	*id = r == 0 ? p : NULL;
	*len = r == 0 ? *len : 0;
	return r;
}
