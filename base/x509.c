/*
 * What a certificate says, in bounded and unambiguous form, and why one is
 * refused. Runs in sessions and relays on certificates whose signature is
 * checked already, and in tools. A certificate is data of somebody else's:
 * names that could be mistaken for others (a NUL inside, characters that
 * cannot be shown apart) are refused or escaped, never cut.
 */
#include "base/x509.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <mbedtls/asn1.h>
#include <mbedtls/md.h>
#include <mbedtls/oid.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crl.h>
#include <mbedtls/x509_crt.h>

#include "base/err.h"
#include "base/log.h"

/* RFC 5280 4.2.1.6 GeneralName, context tags */
#define GENERAL_NAME_DNS 2
#define GENERAL_NAME_URI 6
#define GENERAL_NAME_IP 7

static int
sha256(uint8_t out[32], const mbedtls_x509_buf *buf)
{
	const mbedtls_md_info_t *md =
	    mbedtls_md_info_from_type(MBEDTLS_MD_SHA256);

	if (md == NULL || mbedtls_md(md, buf->p, buf->len, out) != 0) {
		return ERR_SYS;
	}
	return 0;
}

int
x509_key_hash(uint8_t out[32], const struct mbedtls_x509_crt *crt)
{
	return sha256(out, &crt->pk_raw);
}

/* Copies a name as it is; empty, too long or with a NUL inside is refused. */
static int
copy_text(char dst[IDENTITY_TEXT], const mbedtls_x509_buf *src)
{
	if (src->len == 0 || src->len >= IDENTITY_TEXT ||
	    memchr(src->p, '\0', src->len) != NULL) {
		return ERR_FORMAT;
	}
	memcpy(dst, src->p, src->len);
	dst[src->len] = '\0';
	return 0;
}

struct text {
	char *dst;
	size_t len, size;
	int r;
};

static void
put(struct text *t, const char *s, size_t len)
{
	if (t->r != 0 || len >= t->size - t->len) {
		t->r = ERR_FORMAT;
		return;
	}
	memcpy(t->dst + t->len, s, len);
	t->len += len;
	t->dst[t->len] = '\0';
}

/* RFC 4514 2.4: what could be mistaken for structure is escaped. */
static void
put_value(struct text *t, const uint8_t *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		char c = (char)p[i], hex[4];

		if (p[i] < 0x20 || p[i] == 0x7f) {
			snprintf(hex, sizeof(hex), "\\%02x", p[i]);
			put(t, hex, 3);
			continue;
		}
		if (strchr(",+\"\\<>;=#", c) != NULL ||
		    (c == ' ' && (i == 0 || i == len - 1))) {
			put(t, "\\", 1);
		}
		put(t, &c, 1);
	}
}

/* A string type that is bytes of ASCII or UTF-8, without a NUL. */
static int
is_text(const mbedtls_x509_buf *val)
{
	switch (val->tag) {
	case MBEDTLS_ASN1_UTF8_STRING:
	case MBEDTLS_ASN1_PRINTABLE_STRING:
	case MBEDTLS_ASN1_IA5_STRING:
	case MBEDTLS_ASN1_T61_STRING:
		return memchr(val->p, '\0', val->len) == NULL;
	default:
		return 0;
	}
}

/* The whole name, in the certificate's order: "C=DE, O=Example, CN=kiosk". */
static int
copy_name(char dst[IDENTITY_TEXT], const mbedtls_x509_name *name)
{
	struct text t = {dst, 0, IDENTITY_TEXT, 0};

	dst[0] = '\0';
	for (; name != NULL; name = name->next) {
		const char *type;
		char numeric[64];

		if (name->oid.p == NULL) {
			continue; /* how mbedTLS shows an empty name */
		}
		if (!is_text(&name->val)) {
			return ERR_FORMAT;
		}
		if (mbedtls_oid_get_attr_short_name(&name->oid, &type) != 0) {
			if (mbedtls_oid_get_numeric_string(
				numeric, sizeof(numeric), &name->oid) <= 0) {
				return ERR_FORMAT;
			}
			type = numeric;
		}
		if (t.len > 0) {
			put(&t, ", ", 2);
		}
		put(&t, type, strlen(type));
		put(&t, "=", 1);
		put_value(&t, name->val.p, name->val.len);
	}
	return t.r;
}

static int
is_oid(const mbedtls_x509_buf *oid, const char *want, size_t len)
{
	return oid->p != NULL && oid->len == len &&
	       memcmp(oid->p, want, len) == 0;
}

#define IS_OID(buf, oid) is_oid(buf, oid, MBEDTLS_OID_SIZE(oid))

/* CN: of several the last, which is the most specific one. */
static int
get_subject(struct x509_facts *out, const mbedtls_x509_name *name)
{
	for (; name != NULL; name = name->next) {
		int r = 0;

		if (IS_OID(&name->oid, MBEDTLS_OID_AT_CN)) {
			r = copy_text(out->cn, &name->val);
		} else if (IS_OID(&name->oid, MBEDTLS_OID_AT_ORG_UNIT)) {
			r = out->nou >= IDENTITY_OUS
				? ERR_FORMAT
				: copy_text(out->ou[out->nou], &name->val);
			out->nou++;
		}
		if (r != 0) {
			return r;
		}
	}
	return 0;
}

static int
copy_ip(char dst[IDENTITY_TEXT], const mbedtls_x509_buf *raw)
{
	int family = raw->len == 4 ? AF_INET : AF_INET6;

	if (raw->len != 4 && raw->len != 16) {
		return ERR_FORMAT;
	}
	return inet_ntop(family, raw->p, dst, IDENTITY_TEXT) == NULL
		   ? ERR_FORMAT
		   : 0;
}

/* The GeneralName choice of a SAN entry, -1 for one of no context class. */
static int
san_choice(const mbedtls_x509_buf *raw)
{
	if ((raw->tag & MBEDTLS_ASN1_TAG_CLASS_MASK) !=
	    MBEDTLS_ASN1_CONTEXT_SPECIFIC) {
		return -1;
	}
	return raw->tag & MBEDTLS_ASN1_TAG_VALUE_MASK;
}

static int
get_sans(struct x509_facts *out, const mbedtls_x509_sequence *seq)
{
	for (; seq != NULL; seq = seq->next) {
		struct identity_san san = {0, ""};
		int r;

		if (seq->buf.p == NULL) {
			continue;
		}
		switch (san_choice(&seq->buf)) {
		case GENERAL_NAME_DNS:
			san.type = SAN_DNS;
			r = copy_text(san.text, &seq->buf);
			break;
		case GENERAL_NAME_URI:
			san.type = SAN_URI;
			r = copy_text(san.text, &seq->buf);
			break;
		case GENERAL_NAME_IP:
			san.type = SAN_IP;
			r = copy_ip(san.text, &seq->buf);
			break;
		default:
			continue; /* mail, directory and other names: no use */
		}
		if (r != 0 || out->nsan >= IDENTITY_SANS) {
			return ERR_FORMAT;
		}
		out->san[out->nsan++] = san;
	}
	return 0;
}

static int
get_serial(struct x509_facts *out, const mbedtls_x509_buf *serial)
{
	const uint8_t *p = serial->p;
	size_t len = serial->len;

	while (len > 1 && *p == 0) {
		p++;
		len--;
	}
	if (len == 0 || len > sizeof(out->serial)) {
		return ERR_FORMAT;
	}
	memcpy(out->serial, p, len);
	out->serial_len = (uint8_t)len;
	return 0;
}

int
x509_facts_get(struct x509_facts *out, const struct mbedtls_x509_crt *crt,
    const uint8_t issuer_key[32])
{
	memset(out, 0, sizeof(*out));
	memcpy(out->issuer_key, issuer_key, 32);
	if (sha256(out->fingerprint, &crt->raw) != 0 ||
	    get_serial(out, &crt->serial) != 0 ||
	    copy_name(out->subject, &crt->subject) != 0 ||
	    copy_name(out->issuer, &crt->issuer) != 0 ||
	    get_subject(out, &crt->subject) != 0 ||
	    get_sans(out, &crt->subject_alt_names) != 0) {
		return ERR_FORMAT;
	}
	/* all certificates without a name would be one identity */
	if (out->subject[0] == '\0' && out->nsan == 0) {
		return ERR_FORMAT;
	}
	return 0;
}

int
x509_facts_of(struct x509_facts *out, const void *buf, size_t len,
    const void *issuer, size_t issuer_len)
{
	mbedtls_x509_crt crt, ca;
	uint8_t key[32];
	int r = ERR_FORMAT;

	mbedtls_x509_crt_init(&crt);
	mbedtls_x509_crt_init(&ca);
	if (mbedtls_x509_crt_parse(&crt, buf, len) == 0 &&
	    mbedtls_x509_crt_parse(&ca, issuer, issuer_len) == 0 &&
	    x509_key_hash(key, &ca) == 0) {
		r = x509_facts_get(out, &crt, key);
	}
	mbedtls_x509_crt_free(&ca);
	mbedtls_x509_crt_free(&crt);
	return r;
}

int64_t
x509_seconds(const struct mbedtls_x509_time *t)
{
	struct tm tm = {.tm_year = t->year - 1900,
	    .tm_mon = t->mon - 1,
	    .tm_mday = t->day,
	    .tm_hour = t->hour,
	    .tm_min = t->min,
	    .tm_sec = t->sec};

	return (int64_t)timegm(&tm);
}

int
x509_period(int64_t *from, int64_t *until, const void *pem, size_t len)
{
	const mbedtls_x509_crt *next;
	mbedtls_x509_crt crt;
	int r = ERR_FORMAT;

	mbedtls_x509_crt_init(&crt);
	if (mbedtls_x509_crt_parse(&crt, pem, len) == 0) {
		*from = x509_seconds(&crt.valid_from);
		*until = x509_seconds(&crt.valid_to);
		for (next = crt.next; next != NULL; next = next->next) {
			int64_t end = x509_seconds(&next->valid_to);

			*until = end < *until ? end : *until;
		}
		r = 0;
	}
	mbedtls_x509_crt_free(&crt);
	return r;
}

int
x509_has_usage(const struct mbedtls_x509_crt *crt, enum x509_usage usage)
{
	const mbedtls_x509_sequence *seq;

	for (seq = &crt->ext_key_usage; seq != NULL; seq = seq->next) {
		if (usage == X509_SERVER_AUTH
			? IS_OID(&seq->buf, MBEDTLS_OID_SERVER_AUTH)
			: IS_OID(&seq->buf, MBEDTLS_OID_CLIENT_AUTH)) {
			return 1;
		}
	}
	return 0;
}

int
x509_names_ip(const struct mbedtls_x509_crt *crt, const char *ip)
{
	const mbedtls_x509_sequence *seq;
	uint8_t want[16];
	size_t len;

	if (inet_pton(AF_INET, ip, want) == 1) {
		len = 4;
	} else if (inet_pton(AF_INET6, ip, want) == 1) {
		len = 16;
	} else {
		return 0;
	}
	for (seq = &crt->subject_alt_names; seq != NULL; seq = seq->next) {
		if (seq->buf.p != NULL &&
		    san_choice(&seq->buf) == GENERAL_NAME_IP &&
		    seq->buf.len == len && memcmp(seq->buf.p, want, len) == 0) {
			return 1;
		}
	}
	return 0;
}

int
x509_is_covered(
    const struct mbedtls_x509_crt *crt, const struct mbedtls_x509_crl *list)
{
	for (; list != NULL; list = list->next) {
		if (list->version != 0 &&
		    list->issuer_raw.len == crt->issuer_raw.len &&
		    memcmp(list->issuer_raw.p, crt->issuer_raw.p,
			crt->issuer_raw.len) == 0) {
			return 1;
		}
	}
	return 0;
}

/* The most telling first. %s is the name wanted or the time that matters. */
static const struct {
	uint32_t flag;
	const char *text;
} reasons[] = {
    {MBEDTLS_X509_BADCERT_MISSING, "is missing: the peer sent none"},
    {MBEDTLS_X509_BADCERT_NOT_TRUSTED, "is not signed by a CA that we trust"},
    {MBEDTLS_X509_BADCERT_REVOKED, "is revoked"},
    {MBEDTLS_X509_BADCERT_EXPIRED, "expired on"},
    {MBEDTLS_X509_BADCERT_FUTURE, "is not valid (check the clocks) before"},
    {MBEDTLS_X509_BADCERT_CN_MISMATCH, "does not name"},
    {MBEDTLS_X509_BADCERT_EXT_KEY_USAGE,
	"is not made for this side of a connection (extended key usage)"},
    {MBEDTLS_X509_BADCERT_KEY_USAGE,
	"may not be used to sign a handshake (key usage)"},
    {MBEDTLS_X509_BADCERT_NS_CERT_TYPE,
	"is not made for this side of a connection (nsCertType)"},
    {MBEDTLS_X509_BADCRL_EXPIRED,
	"cannot be checked: our list of revoked certificates (CRL) is out of "
	"date; install a new one"},
    {MBEDTLS_X509_BADCRL_FUTURE,
	"cannot be checked: our list of revoked certificates (CRL) is from "
	"the future; check the clock"},
    {MBEDTLS_X509_BADCRL_NOT_TRUSTED | MBEDTLS_X509_BADCRL_BAD_MD |
	    MBEDTLS_X509_BADCRL_BAD_PK | MBEDTLS_X509_BADCRL_BAD_KEY,
	"cannot be checked: there is no list of revoked certificates (CRL) "
	"properly signed by its CA"},
    {MBEDTLS_X509_BADCERT_BAD_MD | MBEDTLS_X509_BADCERT_BAD_PK |
	    MBEDTLS_X509_BADCERT_BAD_KEY,
	"uses a key or signature that is too weak"},
};

static void
describe(char dst[128], const struct mbedtls_x509_crt *crt, int depth)
{
	char subject[IDENTITY_TEXT], shown[80];
	const char *whose =
	    depth == 0 ? "the peer's certificate" : "a CA certificate";

	if (crt == NULL || copy_name(subject, &crt->subject) != 0 ||
	    subject[0] == '\0') {
		snprintf(dst, 128, "%s", whose);
		return;
	}
	log_escape(shown, sizeof(shown), subject, strlen(subject));
	snprintf(dst, 128, "%s (%s)", whose, shown);
}

static void
time_text(char dst[80], const mbedtls_x509_time *t)
{
	snprintf(dst, 80, " %04d-%02d-%02d %02d:%02d:%02d UTC", t->year, t->mon,
	    t->day, t->hour, t->min, t->sec);
}

char *
x509_reason(char *dst, size_t size, const struct mbedtls_x509_crt *crt,
    int depth, uint32_t flags, const char *name)
{
	char who[128], more[80] = "";
	size_t i;

	describe(who, crt, depth);
	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (flags & reasons[i].flag) {
			break;
		}
	}
	if (i == sizeof(reasons) / sizeof(reasons[0])) {
		snprintf(dst, size, "%s is not acceptable (flags 0x%x)", who,
		    (unsigned)flags);
		return dst;
	}
	if (reasons[i].flag == MBEDTLS_X509_BADCERT_EXPIRED && crt != NULL) {
		time_text(more, &crt->valid_to);
	} else if (reasons[i].flag == MBEDTLS_X509_BADCERT_FUTURE &&
		   crt != NULL) {
		time_text(more, &crt->valid_from);
	} else if (reasons[i].flag == MBEDTLS_X509_BADCERT_CN_MISMATCH) {
		snprintf(
		    more, sizeof(more), " '%.70s'", name == NULL ? "us" : name);
	}
	snprintf(dst, size, "%s %s%s", who, reasons[i].text, more);
	return dst;
}
