/*
 * sallyport-certs token: lets one person fetch one certificate by himself,
 * without a key that travels. Needs no key of the CA.
 */
#include "certs/cmd.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include <mbedtls/platform_util.h>

#include "base/x509.h"
#include "certs/ca.h"
#include "certs/facts.h"
#include "certs/opt.h"
#include "certs/say.h"
#include "certs/tokens.h"
#include "certs/when.h"
#include "certs/who.h"

static const char help[] =
"usage: sallyport-certs token gateway|workstation NAME [--dir DIR]\n"
"           [--san KIND:VALUE]... [--ou OU]... [--days N] [--minutes N]\n"
"           [--json]\n"
"\n"
"Makes a token: whoever has it can fetch one certificate with just these\n"
"names, by 'sallyport enroll', from a 'sallyport-certs serve' of this CA.\n"
"\n"
"  --dir DIR         the CA (default " CMD_DEFAULT_DIR ")\n"
"  --san KIND:VALUE  dns:NAME, ip:ADDRESS or uri:URI; up to 16 times\n"
"                    (default dns:NAME, or ip:NAME for an address)\n"
"  --ou OU           an organizational unit; up to 8 times\n"
"  --days N          how long the certificate is valid (default 365, at most\n"
"                    as the CA)\n"
"  --minutes N       how long the token is (default 15, at most 1440)\n"
"  --json            print what was made as one JSON object\n"
"  --help            print this\n";

enum { OPT_DIR, OPT_SAN, OPT_OU, OPT_DAYS, OPT_MINUTES, OPT_JSON };

static const struct opt options[] = {
	[OPT_DIR] = { "dir", OPT_VALUE },
	[OPT_SAN] = { "san", OPT_VALUE },
	[OPT_OU] = { "ou", OPT_VALUE },
	[OPT_DAYS] = { "days", OPT_VALUE },
	[OPT_MINUTES] = { "minutes", OPT_VALUE },
	[OPT_JSON] = { "json", OPT_FLAG },
	{ NULL, OPT_FLAG },
};

struct want {
	struct who who;
	const char *dir; /* borrowed */
	long days;	 /* 0: not asked for */
	unsigned minutes;
	enum facts_form form;
};

static int
take(void *want, int o, const char *value)
{
	struct want *w = want;

	switch (o) {
	case OPT_DIR:
		return opt_text(&w->dir, "token", "--dir", value);
	case OPT_SAN:
		return who_take_san(&w->who, value);
	case OPT_OU:
		return who_take_ou(&w->who, value);
	case OPT_DAYS:
		return opt_days(&w->days, "token", value);
	case OPT_MINUTES:
		return opt_number(&w->minutes, "token", "--minutes",
		    TOKENS_MINUTES_MAX, value);
	case OPT_JSON:
		w->form = FACTS_JSON;
		return CMD_OK;
	default: /* OPT_OPERAND */
		return who_take_operand(&w->who, value);
	}
}

static int
tell(const struct want *w, const struct enroll_token *token, time_t until)
{
	char text[ENROLL_TOKEN_TEXT], end[WHEN_TEXT];
	json_t *o;

	enroll_token_text(text, token);
	when_text(end, until);
	if (w->form == FACTS_JSON) {
		o = json_pack("{s:s, s:s, s:s, s:s}", "token", text, "role",
		    w->who.role, "name", w->who.name, "until", end);
		if (o != NULL) {
			json_dumpf(o, stdout, JSON_INDENT(2));
			putchar('\n');
		}
		json_decref(o);
	} else {
		printf("%s\n", text);
		fprintf(stderr, "for %s, once, until %s; as root on that "
		    "machine, with HOST where 'sallyport-certs serve' runs:\n"
		    "  sallyport enroll HOST -\n"
		    "and then the token\n", w->who.name, end);
	}
	mbedtls_platform_zeroize(text, sizeof(text));
	return say_done("token");
}

int
cmd_token(int argc, char **argv)
{
	struct want w = { .who = { .op = "token" }, .dir = CMD_DEFAULT_DIR,
		.minutes = TOKENS_MINUTES, .form = FACTS_TEXT };
	struct enroll_token token;
	struct when_span span;
	int o, status = CMD_FAILED;
	time_t until;
	struct ca ca;

	o = opt_read("token", options, help, argc, argv, take, &w);
	if (o != OPT_GO) {
		return o;
	}
	if (who_complete(&w.who) != CMD_OK) {
		return CMD_USAGE;
	}
	until = time(NULL) + 60 * (time_t)w.minutes;
	if (ca_load_public(&ca, "token", w.dir) == 0 &&
	    ca_span(&span, "token", w.who.name, &ca, NULL, w.days, 1) == 0) {
		if (x509_key_hash(token.pin, &ca.crt) != 0) {
			say_fail("token", w.dir, "try again",
			    "no hash of the CA's key");
		} else if (tokens_add(&token, w.dir, &w.who, w.days, until) ==
		    0) {
			status = tell(&w, &token, until);
		}
	}
	mbedtls_platform_zeroize(&token, sizeof(token));
	ca_free(&ca);
	return status;
}
