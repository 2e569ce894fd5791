/*
 * Whoever made the list is not trusted: serial numbers are shown in hexadecimal
 * digits, names escaped, and whether the signature is the CA's is said apart.
 */
#include "certs/crl_facts.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <mbedtls/x509_crl.h>

#include "base/x509_crl.h"
#include "certs/crl.h"
#include "certs/revoked.h"
#include "certs/when.h"

static json_t *
time_text(const mbedtls_x509_time *t)
{
	char text[WHEN_TEXT];

	if (t->year == 0) {
		return json_null();
	}
	when_text(text, when_of_x509(t));
	return json_string(text);
}

static json_t *
serial_text(const mbedtls_x509_buf *serial)
{
	const uint8_t *p = serial->p;
	size_t len = serial->len;

	while (len > 1 && *p == 0) {
		p++;
		len--;
	}
	return facts_hex(p, len);
}

static json_t *
entry_json(const mbedtls_x509_crl_entry *e)
{
	int reason;

	if (crl_get_reason(e, &reason) != 0) {
		return json_pack("{s:o, s:o, s:n}", "serial",
		    serial_text(&e->serial), "at",
		    time_text(&e->revocation_date), "reason");
	}
	return json_pack("{s:o, s:o, s:s}", "serial", serial_text(&e->serial),
	    "at", time_text(&e->revocation_date), "reason",
	    revoked_reason_word((enum revoked_reason)reason));
}

static json_t *
number_text(const mbedtls_x509_crl *crl)
{
	const uint8_t *p;
	size_t len;

	if (crl_get_number(crl, &p, &len) != 0 || len == 0) {
		return json_null();
	}
	while (len > 1 && *p == 0) {
		p++;
		len--;
	}
	return facts_hex(p, len);
}

static int
put_times(json_t *o, const mbedtls_x509_crl *crl)
{
	time_t now = time(NULL), from = when_of_x509(&crl->this_update);
	time_t until = when_of_x509(&crl->next_update), left = until - now;
	int has_end = crl->next_update.year != 0, r;
	const char *state = !has_end ? "endless" : left < 0 ? "expired" :
	    from > now ? "future" : "valid";

	if (left < 0) { /* round down, so that -1 means `since today` */
		left -= WHEN_DAY - 1;
	}
	r = json_object_set_new(o, "this_update",
	    time_text(&crl->this_update));
	r |= json_object_set_new(o, "next_update",
	    time_text(&crl->next_update));
	r |= json_object_set_new(o, "state", json_string(state));
	return r | json_object_set_new(o, "days_left",
	    has_end ? json_integer(left / WHEN_DAY) : json_null());
}

json_t *
crl_facts_new(const char *path, const struct mbedtls_x509_crl *crl,
    const char *ca_path, mbedtls_x509_crt *cas)
{
	json_t *o = json_object(), *list = json_array();
	const mbedtls_x509_crl_entry *e;
	const mbedtls_x509_crl *next;
	char why[256];
	int r, is_ours = cas->raw.p != NULL &&
	    x509_crl_signer(crl, cas, why, sizeof(why)) != NULL;
	json_int_t more = 0;

	r = json_object_set_new(o, "file", facts_text(path));
	r |= json_object_set_new(o, "issuer", facts_dn(&crl->issuer));
	r |= json_object_set_new(o, "number", number_text(crl));
	r |= put_times(o, crl);
	r |= json_object_set_new(o, "issuer_file", is_ours ?
	    facts_text(ca_path) : json_null());
	for (e = &crl->entry; e != NULL && e->raw.len != 0; e = e->next) {
		r |= json_array_append_new(list, entry_json(e));
	}
	for (next = crl->next; next != NULL; next = next->next) {
		more++;
	}
	r |= json_object_set_new(o, "revoked", list);
	r |= json_object_set_new(o, "more", json_integer(more));
	if (r != 0) {
		json_decref(o);
		return NULL;
	}
	return o;
}

static const char *
member(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s != NULL ? s : "not known";
}

void
crl_facts_print(const json_t *facts, enum facts_form form)
{
	const json_t *list = json_object_get(facts, "revoked"), *e;
	json_int_t left = json_integer_value(json_object_get(facts,
	    "days_left"));
	const char *state = member(facts, "state");
	size_t i;

	if (form == FACTS_JSON) {
		json_dumpf(facts, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
		putchar('\n');
		return;
	}
	printf("%s: list of %zu revoked certificate%s\n",
	    member(facts, "file"), json_array_size(list),
	    json_array_size(list) == 1 ? "" : "s");
	printf("  %-13s%s\n", "issuer", member(facts, "issuer"));
	printf("  %-13s%s\n", "number", member(facts, "number"));
	printf("  %-13s%s to %s: ", "valid", member(facts, "this_update"),
	    member(facts, "next_update"));
	if (strcmp(state, "valid") == 0) {
		printf("%lld day%s left\n", (long long)left,
		    left == 1 ? "" : "s");
	} else {
		printf("%s\n", strcmp(state, "expired") == 0 ? "EXPIRED" :
		    strcmp(state, "future") == 0 ? "NOT YET" :
		    "WITHOUT AN END, which no gateway takes");
	}
	printf("  %-13s%s%s\n", "signature",
	    json_is_null(json_object_get(facts, "issuer_file")) ?
	    "not checked" : "checked with ",
	    json_is_null(json_object_get(facts, "issuer_file")) ? "" :
	    member(facts, "issuer_file"));
	json_array_foreach(list, i, e) {
		printf("  %-13s%s %s %s\n", i == 0 ? "revoked" : "",
		    member(e, "at"), member(e, "serial"), member(e, "reason"));
	}
	if (json_integer_value(json_object_get(facts, "more")) > 0) {
		printf("  %-13s%lld more in this file\n", "",
		    (long long)json_integer_value(json_object_get(facts,
		    "more")));
	}
}
