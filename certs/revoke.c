/*
 * sallyport-certs revoke: takes certificates back. They are in the record of
 * the CA first, and in its new list at once.
 */
#include "certs/cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "certs/ca.h"
#include "certs/crl.h"
#include "certs/issued.h"
#include "certs/opt.h"
#include "certs/revoked.h"
#include "certs/say.h"
#include "certs/text.h"
#include "certs/when.h"

static const char help[] =
"usage: sallyport-certs revoke NAME [--dir DIR] [--reason REASON] [--json]\n"
"       sallyport-certs revoke --serial HEX ...\n"
"       sallyport-certs revoke --file FILE ...\n"
"\n"
"Takes certificates back and makes DIR/crl.pem anew: all that the CA gave to\n"
"NAME and that have not ended, or one. Install the list where it is used.\n"
"\n"
"  --dir DIR        the CA (default " CMD_DEFAULT_DIR ")\n"
"  --serial HEX     the certificate with this serial number\n"
"  --file FILE      the certificate in FILE\n"
"  --reason REASON  unspecified (the default), keyCompromise, cACompromise,\n"
"                   affiliationChanged, superseded, cessationOfOperation or\n"
"                   privilegeWithdrawn\n"
"  --json           print what was revoked as one JSON object\n"
"  --help           print this\n";

enum { OPT_DIR, OPT_SERIAL, OPT_FILE, OPT_REASON, OPT_JSON };

static const struct opt options[] = {
	[OPT_DIR] = { "dir", OPT_VALUE },
	[OPT_SERIAL] = { "serial", OPT_VALUE },
	[OPT_FILE] = { "file", OPT_VALUE },
	[OPT_REASON] = { "reason", OPT_VALUE },
	[OPT_JSON] = { "json", OPT_FLAG },
	{ NULL, OPT_FLAG },
};

struct want {
	const char *dir; /* borrowed */
	struct issued_which which;
	enum revoked_reason reason;
	int is_json;
};

static int
take(void *want, int o, const char *value)
{
	struct want *w = want;

	switch (o) {
	case OPT_DIR:
		return opt_text(&w->dir, "revoke", "--dir", value);
	case OPT_SERIAL:
		w->which.serial = value;
		return CMD_OK;
	case OPT_FILE:
		w->which.file = value;
		return CMD_OK;
	case OPT_REASON:
		return revoked_reason_of(&w->reason, value) == 0 ? CMD_OK :
		    say_usage("revoke", value, "is no reason");
	case OPT_JSON:
		w->is_json = 1;
		return CMD_OK;
	default: /* OPT_OPERAND */
		return opt_only(&w->which.name, "revoke", "name", value);
	}
}

struct work {
	const struct want *w;
	struct revoked record;
	size_t before; /* entries of it that were there */
	int was_there;
};

static int
revoke_one(void *arg, const mbedtls_x509_crt *crt)
{
	struct work *work = arg;
	const struct want *w = work->w;
	struct revoked_entry e = { .reason = w->reason, .at = time(NULL),
		.until = when_of_x509(&crt->valid_to) };
	const uint8_t *serial = ca_serial(crt, &e.serial_len);

	if (e.serial_len == 0 || e.serial_len > sizeof(e.serial)) {
		return say_fail("revoke", w->dir, "no list can name it",
		    "the serial number has %zu bytes", e.serial_len);
	}
	if (crt->MBEDTLS_PRIVATE(ca_istrue) && ca_has_signed(crt, crt)) {
		return say_fail("revoke", w->dir, "take it out of the ca.pem of "
		    "those who trust it", "a CA cannot revoke itself");
	}
	if (revoked_find(&work->record, serial, e.serial_len) != NULL) {
		work->was_there = 1;
		return 0;
	}
	if (w->which.name != NULL && e.until < e.at) {
		return 0; /* its time ran out: nobody accepts it */
	}
	memcpy(e.serial, serial, e.serial_len);
	issued_name(e.name, crt);
	return revoked_add(&work->record, &e);
}

static json_t *
entry_json(const struct revoked_entry *e)
{
	char serial[2 * REVOKED_SERIAL + 1];

	text_hex(serial, e->serial, e->serial_len);
	return json_pack("{s:s, s:s, s:s}", "serial", serial, "name", e->name,
	    "reason", revoked_reason_word(e->reason));
}

static void
tell(const struct work *work, size_t n, time_t until)
{
	const struct revoked_entry *e = work->record.entries +
	    (work->record.n - n);
	char next[WHEN_TEXT], serial[2 * REVOKED_SERIAL + 1];
	json_t *list, *root;

	when_text(next, until);
	if (work->w->is_json) {
		list = json_array();
		for (size_t i = 0; i < n; i++) {
			(void)json_array_append_new(list, entry_json(&e[i]));
		}
		root = json_pack("{s:o, s:I, s:I, s:s}", "revoked", list,
		    "number", (json_int_t)work->record.number, "total",
		    (json_int_t)work->record.n, "next_update", next);
		(void)json_dumpf(root, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(root);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		text_hex(serial, e[i].serial, e[i].serial_len);
		printf("revoked: %s %s\n", serial, e[i].name);
	}
	printf("made %s/" CRL_FILE ", number %llu, of %zu: the next must be "
	    "there by %s\n  install it as [tls] crl of each gateway; a gateway "
	    "acts on it within a second\n", work->w->dir,
	    (unsigned long long)work->record.number, work->record.n, next);
}

static int
revoke(struct work *work, struct ca *ca)
{
	const struct want *w = work->w;
	size_t n;
	time_t until;

	if (revoked_open(&work->record, "revoke", w->dir) != 0) {
		return CMD_FAILED;
	}
	work->before = work->record.n;
	if (issued_each("revoke", w->dir, ca, &w->which, revoke_one,
	    work) != 0) {
		return CMD_FAILED;
	}
	n = work->record.n - work->before;
	if (n == 0) {
		say_fail("revoke", issued_words(&w->which),
		    "see what is by 'sallyport-certs show " CRL_FILE "'", "%s",
		    work->was_there ? "is revoked already" :
		    "all of that name have ended");
		return CMD_FAILED;
	}
	if (crl_publish("revoke", w->dir, ca, &work->record, &until) != 0) {
		return CMD_FAILED;
	}
	tell(work, n, until);
	return say_done("revoke");
}

int
cmd_revoke(int argc, char **argv)
{
	struct want w = { .dir = CMD_DEFAULT_DIR };
	struct work work = { .w = &w, .record = { .fd = -1 } };
	const char *why;
	int o, status = CMD_FAILED;
	struct ca ca;

	o = opt_read("revoke", options, help, argc, argv, take, &w);
	if (o != OPT_GO) {
		return o;
	}
	why = issued_check(&w.which);
	if (why != NULL) {
		return say_usage("revoke", w.which.name, "%s", why);
	}
	if (ca_load(&ca, "revoke", w.dir) == 0) {
		status = revoke(&work, &ca);
	}
	revoked_close(&work.record);
	ca_free(&ca);
	return status;
}
