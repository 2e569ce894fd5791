/*
 * sallyport-certs issue: a key and a certificate for a gateway or a
 * workstation. The CA keeps a copy of what it signed, in DIR/issued, so that
 * it can be revoked and renewed by name.
 */
#include "certs/cmd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mbedtls/platform_util.h>

#include "certs/ca.h"
#include "certs/facts.h"
#include "certs/file.h"
#include "certs/issued.h"
#include "certs/key.h"
#include "certs/name.h"
#include "certs/opt.h"
#include "certs/say.h"
#include "certs/when.h"
#include "certs/who.h"

#define DEFAULT_DAYS 365

static const char help[] =
"usage: sallyport-certs issue gateway|workstation NAME [--dir DIR]\n"
"           [--san KIND:VALUE]... [--ou OU]... [--days N]\n"
"           [--valid-from TIME] [--rsa BITS] [--out DIR] [--json]\n"
"\n"
"Makes a key and a certificate, signed by the CA in --dir: ca.pem, cert.pem\n"
"and key.pem, ready to be copied to /etc/sallyport/tls on that machine.\n"
"\n"
"  --dir DIR          the CA (default " CMD_DEFAULT_DIR ")\n"
"  --san KIND:VALUE   dns:NAME, ip:ADDRESS or uri:URI; up to 16 times\n"
"                     (default dns:NAME, or ip:NAME for an address)\n"
"  --ou OU            an organizational unit; up to 8 times\n"
"  --days N           how long it is valid (default 365, at most as the CA)\n"
"  --valid-from TIME  RFC 3339, like 2026-01-31T12:00:00Z (default now)\n"
"  --rsa BITS         a key of RSA, 2048 to 4096 bits: for a gateway with\n"
"                     [tls] key-holder (default elliptic, which is faster)\n"
"  --out DIR          where the files go (default NAME in the CA's DIR)\n"
"  --json             print what was made as one JSON object\n"
"  --help             print this\n";

enum {
	OPT_DIR, OPT_SAN, OPT_OU, OPT_DAYS, OPT_VALID_FROM, OPT_RSA, OPT_OUT,
	OPT_JSON
};

static const struct opt options[] = {
	[OPT_DIR] = { "dir", OPT_VALUE },
	[OPT_SAN] = { "san", OPT_VALUE },
	[OPT_OU] = { "ou", OPT_VALUE },
	[OPT_DAYS] = { "days", OPT_VALUE },
	[OPT_VALID_FROM] = { "valid-from", OPT_VALUE },
	[OPT_RSA] = { "rsa", OPT_VALUE },
	[OPT_OUT] = { "out", OPT_VALUE },
	[OPT_JSON] = { "json", OPT_FLAG },
	{ NULL, OPT_FLAG },
};

struct want {
	struct who who;
	const char *dir, *out; /* borrowed; out may be NULL */
	long days; /* 0: not asked for */
	unsigned rsa_bits; /* 0: an elliptic key */
	time_t from;
	int has_from;
	enum facts_form form;
};

static int
take(void *want, int o, const char *value)
{
	struct want *w = want;

	switch (o) {
	case OPT_DIR:
		return opt_text(&w->dir, "issue", "--dir", value);
	case OPT_OUT:
		return opt_text(&w->out, "issue", "--out", value);
	case OPT_SAN:
		return who_take_san(&w->who, value);
	case OPT_OU:
		return who_take_ou(&w->who, value);
	case OPT_DAYS:
		return opt_days(&w->days, "issue", value);
	case OPT_VALID_FROM:
		w->has_from = 1;
		return when_parse(&w->from, value) == 0 ? CMD_OK :
		    say_usage("issue", value, "--valid-from is an RFC 3339 "
		    "time like 2026-01-31T12:00:00Z");
	case OPT_RSA:
		if (opt_number(&w->rsa_bits, "issue", "--rsa", KEY_RSA_MAX,
			value) != CMD_OK) {
			return CMD_USAGE;
		}
		return w->rsa_bits >= KEY_RSA_MIN ? CMD_OK :
		    say_usage("issue", value, "--rsa is %u to %u bits",
			KEY_RSA_MIN, KEY_RSA_MAX);
	case OPT_JSON:
		w->form = FACTS_JSON;
		return CMD_OK;
	default: /* OPT_OPERAND */
		return who_take_operand(&w->who, value);
	}
}

static int
tell(const struct want *w, const char *out, const struct ca *ca,
    const struct ca_signed *cert)
{
	char *path = file_path("issue", out, "cert.pem");
	char *ca_path = file_path("issue", out, CA_CERT);
	json_t *facts = NULL;

	if (path != NULL && ca_path != NULL) {
		facts = facts_new(path, &cert->crt, ca_path, &ca->crt);
		if (facts == NULL) {
			say_sys("issue", out, ENOMEM);
		}
	}
	free(path);
	free(ca_path);
	if (facts == NULL) {
		return CMD_FAILED;
	}
	if (w->form == FACTS_JSON) {
		facts_print(facts, FACTS_JSON);
	} else {
		printf("made a certificate of a %s: %s, valid until %s\n"
		    "  certificate  %s\n"
		    "  beside it    ca.pem, key.pem: copy all three to "
		    "/etc/sallyport/tls on that machine\n",
		    w->who.role,
		    json_string_value(json_object_get(facts, "subject")),
		    json_string_value(json_object_get(facts, "not_after")),
		    json_string_value(json_object_get(facts, "file")));
	}
	json_decref(facts);
	return say_done("issue");
}

static int
make(const struct want *w, struct ca *ca, const char *out)
{
	const struct who *who = &w->who;
	struct ca_request rq = { .kind = who->kind, .cn = who->name,
		.ous = who->ous, .nous = who->nous, .sans = who->sans,
		.nsans = who->nsans };
	unsigned char pem[KEY_PEM_MAX];
	struct ca_signed cert;
	mbedtls_pk_context key;
	int r, status = CMD_FAILED;

	memset(&cert, 0, sizeof(cert));
	mbedtls_pk_init(&key);
	rq.key = &key;
	if (ca_span(&rq.span, "issue", who->name, ca,
	    w->has_from ? &w->from : NULL, w->days, DEFAULT_DAYS) != 0) {
		return CMD_FAILED;
	}
	r = w->rsa_bits != 0 ? key_make_rsa(&key, w->rsa_bits, pem) :
			       key_make(&key, pem);
	if (r != 0) {
		say_mbed("issue", "key.pem", "try again", r);
	} else if (ca_sign(&cert, "issue", ca, &rq) == 0 &&
	    issued_hand_out("issue", w->dir, out, ca, &cert,
	    (const char *)pem) == 0) {
		status = tell(w, out, ca, &cert);
	}
	mbedtls_platform_zeroize(pem, sizeof(pem));
	mbedtls_pk_free(&key);
	ca_signed_free(&cert);
	return status;
}

int
cmd_issue(int argc, char **argv)
{
	struct want w = { .who = { .op = "issue" }, .dir = CMD_DEFAULT_DIR,
		.form = FACTS_TEXT };
	struct ca ca;
	char *out;
	int o, status = CMD_FAILED;

	o = opt_read("issue", options, help, argc, argv, take, &w);
	if (o != OPT_GO) {
		return o;
	}
	if (who_complete(&w.who) != CMD_OK) {
		return CMD_USAGE;
	}
	out = w.out != NULL ? strdup(w.out) : file_path("issue", w.dir,
	    w.who.name);
	if (out == NULL) {
		say_sys("issue", w.who.name, ENOMEM);
		return CMD_FAILED;
	}
	if (ca_load(&ca, "issue", w.dir) == 0) {
		status = make(&w, &ca, out);
	}
	ca_free(&ca);
	free(out);
	return status;
}
