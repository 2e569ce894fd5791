/*
 * What a renewed certificate says must be what the old one said: anything in
 * that which we would not write again is a refusal, not left out.
 */
#include "certs/names.h"

#include <string.h>

#include <mbedtls/oid.h>

#include "certs/issued.h"
#include "certs/say.h"

#define ADVICE "issue a new one"

static int
refuse(const char *op, const char *cn, const char *what)
{
	return say_fail(op, cn[0] != '\0' ? cn : NULL, ADVICE,
	    "the old certificate has %s", what);
}

static int
take_subject(struct names *out, const mbedtls_x509_crt *crt)
{
	const mbedtls_x509_name *n;
	int ncns = 0;

	for (n = &crt->subject; n != NULL && n->oid.p != NULL; n = n->next) {
		char *ou = out->ou[out->nous];

		if (MBEDTLS_OID_CMP(MBEDTLS_OID_AT_CN, &n->oid) == 0) {
			ncns++;
			continue;
		}
		if (MBEDTLS_OID_CMP(MBEDTLS_OID_AT_ORG_UNIT, &n->oid) != 0 ||
		    out->nous == NAME_OUS || n->val.len > NAME_TEXT_MAX ||
		    memchr(n->val.p, '\0', n->val.len) != NULL) {
			return -1;
		}
		memcpy(ou, n->val.p, n->val.len);
		ou[n->val.len] = '\0';
		if (name_check_text(ou) != NULL) {
			return -1;
		}
		out->ous[out->nous++] = ou;
	}
	return ncns == 1 ? 0 : -1;
}

static int
take_sans(struct names *out, const mbedtls_x509_crt *crt)
{
	const mbedtls_x509_sequence *s = &crt->subject_alt_names;

	for (; s != NULL && s->buf.p != NULL; s = s->next) {
		struct san *san = &out->sans[out->nsans];

		if (out->nsans == NAME_SANS || s->buf.len > NAME_SAN_MAX ||
		    (s->buf.tag != SAN_TAG_DNS && s->buf.tag != SAN_TAG_URI &&
		    s->buf.tag != SAN_TAG_IP)) {
			return -1;
		}
		san->tag = (enum san_tag)s->buf.tag;
		san->len = s->buf.len;
		memcpy(san->bytes, s->buf.p, s->buf.len);
		out->nsans++;
	}
	return 0;
}

static int
has_purpose(const mbedtls_x509_crt *crt, const char *oid, size_t len)
{
	const mbedtls_x509_sequence *s = &crt->ext_key_usage;

	return s->buf.p != NULL && s->next == NULL && s->buf.len == len &&
	    memcmp(s->buf.p, oid, len) == 0;
}

int
names_of(struct names *out, const char *op, const mbedtls_x509_crt *crt)
{
	memset(out, 0, sizeof(*out));
	issued_name(out->cn, crt);
	if (crt->MBEDTLS_PRIVATE(ca_istrue)) {
		return refuse(op, out->cn, "the right to sign others");
	}
	if (has_purpose(crt, MBEDTLS_OID_SERVER_AUTH,
	    MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH))) {
		out->kind = CA_KIND_GATEWAY;
	} else if (has_purpose(crt, MBEDTLS_OID_CLIENT_AUTH,
	    MBEDTLS_OID_SIZE(MBEDTLS_OID_CLIENT_AUTH))) {
		out->kind = CA_KIND_WORKSTATION;
	} else {
		return refuse(op, out->cn, "another purpose than that of a "
		    "gateway or a workstation");
	}
	if (out->cn[0] == '\0' || take_subject(out, crt) != 0) {
		return refuse(op, out->cn, "a subject that is not one common "
		    "name and organizational units");
	}
	if (take_sans(out, crt) != 0) {
		return refuse(op, out->cn, "names of other kinds, or too many");
	}
	return 0;
}

void
names_request(struct ca_request *out, const struct names *names)
{
	memset(out, 0, sizeof(*out));
	out->kind = names->kind;
	out->cn = names->cn;
	out->ous = names->ous;
	out->nous = names->nous;
	out->sans = names->sans;
	out->nsans = names->nsans;
}
