/*
 * Reads a parsed certificate, member by member. Whoever made it is not
 * trusted: every text passes text_put, every number is bounded by mbedTLS's
 * parser. A failed allocation is remembered and makes the whole object NULL.
 */
#include "certs/facts.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <mbedtls/ecp.h>
#include <mbedtls/oid.h>

#include "certs/ca.h"
#include "certs/compat.h"
#include "certs/key.h"
#include "certs/name.h"
#include "certs/text.h"
#include "certs/when.h"

struct maker {
	json_t *o; /* owned */
	int failed;
};

static void
put(struct maker *m, const char *name, json_t *value)
{
	if (json_object_set_new(m->o, name, value) != 0) {
		m->failed = 1;
	}
}

static void
append(struct maker *m, json_t *array, json_t *value)
{
	if (json_array_append_new(array, value) != 0) {
		m->failed = 1;
	}
}

static json_t *
text(const void *p, size_t len)
{
	json_t *value = NULL;
	size_t size = 0;
	char *buf = NULL;
	FILE *f = open_memstream(&buf, &size);

	if (f != NULL) {
		text_put(f, p, len, TEXT_PLAIN);
		if (fclose(f) == 0) {
			value = json_stringn(buf, size);
		}
		free(buf);
	}
	return value;
}

static json_t *
hex_text(const char *prefix, const uint8_t *p, size_t len)
{
	json_t *value;
	size_t n = strlen(prefix), size = n + 2 * len + 1;
	char *buf = malloc(size);

	if (buf == NULL) {
		return NULL;
	}
	memcpy(buf, prefix, n);
	text_hex(buf + n, p, len);
	value = json_string(buf);
	free(buf);
	return value;
}

static json_t *
hash_text(const char *prefix, const void *p, size_t len)
{
	uint8_t hash[KEY_SHA256];

	return key_sha256(hash, p, len) == 0 ?
	    hex_text(prefix, hash, sizeof(hash)) : NULL;
}

static void
put_dn_part(FILE *f, const mbedtls_x509_name *n)
{
	const char *name = NULL;
	char numeric[128];

	if (mbedtls_oid_get_attr_short_name(&n->oid, &name) == 0) {
		fputs(name, f);
	} else if (mbedtls_oid_get_numeric_string(numeric, sizeof(numeric),
	    &n->oid) > 0) {
		fputs(numeric, f);
	} else {
		fputs("?", f);
	}
	fputc('=', f);
	text_put(f, n->val.p, n->val.len, TEXT_DN);
}

/* `OU=Staff, CN=ws-01`, in the order of the certificate; ` + ` joins the
 * parts of one RDN. */
json_t *
facts_dn(const mbedtls_x509_name *n)
{
	json_t *value = NULL;
	size_t size = 0;
	char *buf = NULL;
	FILE *f = open_memstream(&buf, &size);

	if (f == NULL) {
		return NULL;
	}
	for (; n != NULL && n->oid.p != NULL; n = n->next) {
		put_dn_part(f, n);
		if (n->next != NULL) {
			fputs(n->MBEDTLS_PRIVATE(next_merged) ? " + " : ", ",
			    f);
		}
	}
	if (fclose(f) == 0) {
		value = json_stringn(buf, size);
	}
	free(buf);
	return value;
}

json_t *
facts_hex(const uint8_t *p, size_t len)
{
	return hex_text("", p, len);
}

json_t *
facts_text(const char *s)
{
	return text(s, strlen(s));
}

static void
put_subject(struct maker *m, const mbedtls_x509_crt *crt)
{
	const mbedtls_x509_name *n, *cn = NULL;
	json_t *ous = json_array();

	for (n = &crt->subject; n != NULL && n->oid.p != NULL; n = n->next) {
		if (cn == NULL &&
		    MBEDTLS_OID_CMP(MBEDTLS_OID_AT_CN, &n->oid) == 0) {
			cn = n;
		}
		if (MBEDTLS_OID_CMP(MBEDTLS_OID_AT_ORG_UNIT, &n->oid) == 0) {
			append(m, ous, text(n->val.p, n->val.len));
		}
	}
	put(m, "subject", facts_dn(&crt->subject));
	put(m, "cn", cn != NULL ? text(cn->val.p, cn->val.len) : json_null());
	put(m, "ou", ous);
}

static json_t *
ip_text(const mbedtls_x509_buf *b)
{
	char buf[INET6_ADDRSTRLEN];
	int family = b->len == 4 ? AF_INET : AF_INET6;

	if ((b->len != 4 && b->len != 16) ||
	    inet_ntop(family, b->p, buf, sizeof(buf)) == NULL) {
		return hex_text("", b->p, b->len);
	}
	return json_string(buf);
}

static void
put_sans(struct maker *m, const mbedtls_x509_crt *crt)
{
	json_t *dns = json_array(), *uri = json_array(), *ip = json_array();
	const mbedtls_x509_sequence *s = &crt->subject_alt_names;
	json_int_t others = 0;

	for (; s != NULL && s->buf.p != NULL; s = s->next) {
		const mbedtls_x509_buf *b = &s->buf;

		switch (b->tag) {
		case SAN_TAG_DNS:
			append(m, dns, text(b->p, b->len));
			break;
		case SAN_TAG_URI:
			append(m, uri, text(b->p, b->len));
			break;
		case SAN_TAG_IP:
			append(m, ip, ip_text(b));
			break;
		default: /* a tag is any byte: other kinds are counted */
			others++;
		}
	}
	put(m, "dns", dns);
	put(m, "uri", uri);
	put(m, "ip", ip);
	put(m, "other_names", json_integer(others));
}

static void
put_times(struct maker *m, const mbedtls_x509_crt *crt)
{
	time_t now = time(NULL), from = when_of_x509(&crt->valid_from);
	time_t until = when_of_x509(&crt->valid_to), left = until - now;
	char buf[WHEN_TEXT];

	when_text(buf, from);
	put(m, "not_before", json_string(buf));
	when_text(buf, until);
	put(m, "not_after", json_string(buf));
	put(m, "state", json_string(left < 0 ? "expired" :
	    from > now ? "future" : "valid"));
	if (left < 0) { /* round down, so that -1 means `since today` */
		left -= WHEN_DAY - 1;
	}
	put(m, "days_left", json_integer(left / WHEN_DAY));
}

static void
put_usage(struct maker *m, const mbedtls_x509_crt *crt)
{
	static const struct {
		unsigned bit;
		const char *name;
	} bits[] = {
		{ MBEDTLS_X509_KU_DIGITAL_SIGNATURE, "digitalSignature" },
		{ MBEDTLS_X509_KU_NON_REPUDIATION, "nonRepudiation" },
		{ MBEDTLS_X509_KU_KEY_ENCIPHERMENT, "keyEncipherment" },
		{ MBEDTLS_X509_KU_DATA_ENCIPHERMENT, "dataEncipherment" },
		{ MBEDTLS_X509_KU_KEY_AGREEMENT, "keyAgreement" },
		{ MBEDTLS_X509_KU_KEY_CERT_SIGN, "keyCertSign" },
		{ MBEDTLS_X509_KU_CRL_SIGN, "cRLSign" },
		{ MBEDTLS_X509_KU_ENCIPHER_ONLY, "encipherOnly" },
		{ MBEDTLS_X509_KU_DECIPHER_ONLY, "decipherOnly" },
	};
	json_t *ku = json_array(), *eku = json_array();
	const mbedtls_x509_sequence *s = &crt->ext_key_usage;
	char numeric[128];

	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		if (crt->MBEDTLS_PRIVATE(key_usage) & bits[i].bit) {
			append(m, ku, json_string(bits[i].name));
		}
	}
	for (; s != NULL && s->buf.p != NULL; s = s->next) {
		if (MBEDTLS_OID_CMP(MBEDTLS_OID_SERVER_AUTH, &s->buf) == 0) {
			append(m, eku, json_string("serverAuth"));
		} else if (MBEDTLS_OID_CMP(MBEDTLS_OID_CLIENT_AUTH,
		    &s->buf) == 0) {
			append(m, eku, json_string("clientAuth"));
		} else if (mbedtls_oid_get_numeric_string(numeric,
		    sizeof(numeric), &s->buf) > 0) {
			append(m, eku, json_string(numeric));
		} else {
			append(m, eku, hex_text("", s->buf.p, s->buf.len));
		}
	}
	put(m, "key_usage", ku);
	put(m, "extended_key_usage", eku);
}

static json_t *
key_kind(const mbedtls_x509_crt *crt)
{
	const mbedtls_pk_context *pk = &crt->pk;
	const mbedtls_ecp_curve_info *curve = NULL;
	char buf[64];

	if (mbedtls_pk_can_do(pk, MBEDTLS_PK_ECKEY)) {
		curve = mbedtls_ecp_curve_info_from_grp_id(
		    mbedtls_pk_ec(*pk)->MBEDTLS_PRIVATE(grp).id);
	}
	snprintf(buf, sizeof(buf), "%s %u", mbedtls_pk_get_name(pk),
	    (unsigned)mbedtls_pk_get_bitlen(pk));
	if (curve != NULL) {
		snprintf(buf, sizeof(buf), "EC %s", curve->name);
	}
	return json_string(buf);
}

/* The first of URI, host name and subject, behind the key of the issuer. */
static json_t *
identity(const struct maker *m, const json_t *issuer_key)
{
	const char *who = NULL, *key = json_string_value(issuer_key);

	if (key == NULL || json_is_true(json_object_get(m->o, "ca"))) {
		return json_null();
	}
	who = json_string_value(json_array_get(json_object_get(m->o, "uri"),
	    0));
	if (who == NULL) {
		who = json_string_value(json_array_get(json_object_get(m->o,
		    "dns"), 0));
	}
	if (who == NULL) {
		who = json_string_value(json_object_get(m->o, "subject"));
	}
	return json_sprintf("%s:%s", key, who != NULL ? who : "");
}

static void
put_issuer(struct maker *m, const mbedtls_x509_crt *crt, const char *ca_path,
    const mbedtls_x509_crt *cas)
{
	json_t *key = NULL, *file = NULL;

	if (ca_has_signed(crt, crt)) { /* a root is its own issuer */
		ca_path = NULL;
		cas = crt;
	}
	for (; cas != NULL && cas->raw.p != NULL && key == NULL;
	    cas = cas->next) {
		if (ca_has_signed(cas, crt)) {
			key = hash_text("", cas->pk_raw.p, cas->pk_raw.len);
			file = ca_path == NULL ? NULL :
			    text(ca_path, strlen(ca_path));
		}
	}
	put(m, "issuer_key_sha256", key != NULL ? key : json_null());
	put(m, "issuer_file", file != NULL ? file : json_null());
	put(m, "identity", identity(m, key));
}

json_t *
facts_new(const char *path, const mbedtls_x509_crt *crt, const char *ca_path,
    const mbedtls_x509_crt *cas)
{
	struct maker m = { .o = json_object(), .failed = 0 };
	int is_ca = crt->MBEDTLS_PRIVATE(ca_istrue);
	int path_length = crt->MBEDTLS_PRIVATE(max_pathlen) - 1;
	json_int_t more = 0;
	const uint8_t *serial;
	size_t len;

	if (m.o == NULL) {
		return NULL;
	}
	put(&m, "file", text(path, strlen(path)));
	put_subject(&m, crt);
	put_sans(&m, crt);
	put(&m, "issuer", facts_dn(&crt->issuer));
	serial = ca_serial(crt, &len);
	put(&m, "serial", hex_text("", serial, len));
	put_times(&m, crt);
	put(&m, "ca", json_boolean(is_ca));
	put(&m, "path_length", is_ca && path_length >= 0 ?
	    json_integer(path_length) : json_null());
	put(&m, "key", key_kind(crt));
	put_usage(&m, crt);
	put(&m, "fingerprint", hash_text("fp:sha256:", crt->raw.p,
	    crt->raw.len));
	put(&m, "key_sha256", hash_text("", crt->pk_raw.p, crt->pk_raw.len));
	put_issuer(&m, crt, ca_path, cas);
	for (const mbedtls_x509_crt *c = crt->next; c != NULL; c = c->next) {
		more++;
	}
	put(&m, "more", json_integer(more));
	if (m.failed) {
		json_decref(m.o);
		m.o = NULL;
	}
	return m.o;
}

static const char *
member(const json_t *facts, const char *name)
{
	const char *s = json_string_value(json_object_get(facts, name));

	return s != NULL ? s : "";
}

static long long
number(const json_t *facts, const char *name)
{
	return json_integer_value(json_object_get(facts, name));
}

/* One line for each element, with what policy writes before it. */
static void
print_list(const json_t *facts, const char *name, const char *prefix)
{
	const json_t *array = json_object_get(facts, name), *v;
	size_t i;

	json_array_foreach(array, i, v) {
		printf("  %-13s%s%s\n", "", prefix, json_string_value(v));
	}
}

static void
print_joined(const json_t *facts, const char *name, const char *label)
{
	const json_t *array = json_object_get(facts, name), *v;
	size_t i;

	if (json_array_size(array) == 0) {
		printf("  %-13s%s\n", label, "any");
		return;
	}
	printf("  %-13s", label);
	json_array_foreach(array, i, v) {
		printf("%s%s", i > 0 ? ", " : "", json_string_value(v));
	}
	putchar('\n');
}

static void
print_validity(const json_t *facts)
{
	long long left = number(facts, "days_left");
	const char *state = member(facts, "state");

	printf("  %-13s%s to %s: ", "valid", member(facts, "not_before"),
	    member(facts, "not_after"));
	if (strcmp(state, "expired") == 0) {
		printf("EXPIRED, %lld day%s ago\n", -left - 1,
		    left == -2 ? "" : "s");
	} else if (strcmp(state, "future") == 0) {
		printf("NOT VALID BEFORE %s\n", member(facts, "not_before"));
	} else {
		printf("%lld day%s left\n", left, left == 1 ? "" : "s");
	}
}

static void
print_names(const json_t *facts)
{
	printf("  %-13s%s\n", "subject", member(facts, "subject"));
	printf("  facts for policy\n");
	if (!json_is_null(json_object_get(facts, "cn"))) {
		printf("  %-13scn:%s\n", "", member(facts, "cn"));
	}
	print_list(facts, "ou", "ou:");
	print_list(facts, "uri", "uri:");
	print_list(facts, "dns", "dns:");
	printf("  %-13s%s\n", "", member(facts, "fingerprint"));
	print_list(facts, "ip", "(address) ip:");
	if (number(facts, "other_names") > 0) {
		printf("  %-13s(and %lld names of other kinds)\n", "",
		    number(facts, "other_names"));
	}
}

static void
print_issuer_key(const json_t *facts)
{
	const json_t *file = json_object_get(facts, "issuer_file");

	if (json_is_null(json_object_get(facts, "issuer_key_sha256"))) {
		printf("  %-13snot known\n", "issuer key");
		return;
	}
	printf("  %-13ssha256:%s\n", "issuer key",
	    member(facts, "issuer_key_sha256"));
	printf("  %-13s%s%s\n", "", json_is_null(file) ? "signed by itself" :
	    "signature checked with ", member(facts, "issuer_file"));
}

static void
print_text(const json_t *facts)
{
	int is_ca = json_is_true(json_object_get(facts, "ca"));

	printf("%s: certificate of %s\n", member(facts, "file"),
	    is_ca ? "a CA" : "a gateway or workstation");
	print_names(facts);
	printf("  %-13s%s\n", "issuer", member(facts, "issuer"));
	printf("  %-13s%s\n", "serial", member(facts, "serial"));
	print_validity(facts);
	if (json_is_integer(json_object_get(facts, "path_length"))) {
		printf("  %-13s%lld\n", "CAs below",
		    number(facts, "path_length"));
	}
	printf("  %-13s%s\n", "key", member(facts, "key"));
	printf("  %-13ssha256:%s\n", "", member(facts, "key_sha256"));
	print_joined(facts, "key_usage", "key usage");
	print_joined(facts, "extended_key_usage", "purpose");
	print_issuer_key(facts);
	if (!json_is_null(json_object_get(facts, "identity"))) {
		printf("  %-13s%s\n", "identity", member(facts, "identity"));
	}
	if (number(facts, "more") > 0) {
		printf("  %-13s%lld more in this file\n", "",
		    number(facts, "more"));
	}
}

void
facts_print(const json_t *facts, enum facts_form form)
{
	if (form == FACTS_JSON) {
		json_dumpf(facts, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
		putchar('\n');
	} else {
		print_text(facts);
	}
}
