/*
 * sallyport-certs init: a new CA in a directory of its own.
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
#include "certs/key.h"
#include "certs/name.h"
#include "certs/opt.h"
#include "certs/say.h"
#include "certs/text.h"
#include "certs/when.h"

#define DEFAULT_DAYS 3650
#define EXISTS_ADVICE \
	"choose another --dir, or move the old CA away if no peer needs it"

static const char help[] =
"usage: sallyport-certs init [--dir DIR] [--name CA-NAME] [--days N]\n"
"                            [--valid-from TIME] [--json]\n"
"\n"
"Makes a new certificate authority: DIR/ca.pem and DIR/ca-key.pem.\n"
"\n"
"  --dir DIR          where it lives (default " CMD_DEFAULT_DIR ")\n"
"  --name CA-NAME     its common name (default 'Sallyport CA' and 8 random\n"
"                     digits)\n"
"  --days N           how long it is valid (default 3650)\n"
"  --valid-from TIME  RFC 3339, like 2026-01-31T12:00:00Z (default now)\n"
"  --json             print what was made as one JSON object\n"
"  --help             print this\n";

enum { OPT_DIR, OPT_NAME, OPT_DAYS, OPT_VALID_FROM, OPT_JSON };

static const struct opt options[] = {
	[OPT_DIR] = { "dir", OPT_VALUE },
	[OPT_NAME] = { "name", OPT_VALUE },
	[OPT_DAYS] = { "days", OPT_VALUE },
	[OPT_VALID_FROM] = { "valid-from", OPT_VALUE },
	[OPT_JSON] = { "json", OPT_FLAG },
	{ NULL, OPT_FLAG },
};

struct want {
	const char *dir, *name; /* borrowed; name may be NULL */
	long days;
	time_t from;
	int has_from;
	enum facts_form form;
};

static int
take(void *want, int o, const char *value)
{
	struct want *w = want;
	const char *why;

	switch (o) {
	case OPT_DIR:
		return opt_text(&w->dir, "init", "--dir", value);
	case OPT_NAME:
		why = name_check_text(value);
		w->name = value;
		return why == NULL ? CMD_OK :
		    say_usage("init", value, "%s", why);
	case OPT_DAYS:
		return opt_days(&w->days, "init", value);
	case OPT_VALID_FROM:
		w->has_from = 1;
		return when_parse(&w->from, value) == 0 ? CMD_OK :
		    say_usage("init", value, "--valid-from is an RFC 3339 time "
		    "like 2026-01-31T12:00:00Z");
	case OPT_JSON:
		w->form = FACTS_JSON;
		return CMD_OK;
	default: /* OPT_OPERAND */
		return say_usage("init", value, "takes no operand");
	}
}

static int
write_files(const char *dir, const struct ca_signed *cert, const char *key)
{
	struct file_set *set = file_set_new("init", dir, EXISTS_ADVICE);
	const char *pem = (const char *)cert->pem;
	int r = -1;

	if (set == NULL) {
		return -1;
	}
	if (file_set_add(set, CA_KEY, key, strlen(key)) == 0 &&
	    file_set_add(set, CA_CERT, pem, strlen(pem)) == 0 &&
	    file_set_publish(set) == 0) {
		file_set_keep(set);
		r = 0;
	}
	file_set_free(set);
	return r;
}

static int
tell(const struct want *w, const struct ca_signed *cert)
{
	char *path = file_path("init", w->dir, CA_CERT);
	json_t *facts;

	if (path == NULL) {
		return CMD_FAILED;
	}
	facts = facts_new(path, &cert->crt, NULL, NULL);
	free(path);
	if (facts == NULL) {
		say_sys("init", w->dir, ENOMEM);
		return CMD_FAILED;
	}
	if (w->form == FACTS_JSON) {
		facts_print(facts, FACTS_JSON);
	} else {
		printf("made a CA: %s, valid until %s\n"
		    "  certificate  %s\n"
		    "  key          " CA_KEY " beside it: keep it secret, and "
		    "off gateways and workstations\n",
		    json_string_value(json_object_get(facts, "subject")),
		    json_string_value(json_object_get(facts, "not_after")),
		    json_string_value(json_object_get(facts, "file")));
	}
	json_decref(facts);
	return say_done("init");
}

static int
make(const struct want *w, const struct when_span *span, const char *name)
{
	struct ca_request rq = { .kind = CA_KIND_CA, .cn = name,
		.span = *span };
	unsigned char pem[KEY_PEM_MAX];
	struct ca_signed cert;
	mbedtls_pk_context key;
	int r, status = CMD_FAILED;

	memset(&cert, 0, sizeof(cert));
	mbedtls_pk_init(&key);
	rq.key = &key;
	r = key_make(&key, pem);
	if (r != 0) {
		say_mbed("init", CA_KEY, "try again", r);
	} else if (ca_sign(&cert, "init", NULL, &rq) == 0 &&
	    write_files(w->dir, &cert, (const char *)pem) == 0) {
		status = tell(w, &cert);
	}
	mbedtls_platform_zeroize(pem, sizeof(pem));
	mbedtls_pk_free(&key);
	ca_signed_free(&cert);
	return status;
}

int
cmd_init(int argc, char **argv)
{
	struct want w = { .dir = CMD_DEFAULT_DIR, .days = DEFAULT_DAYS,
		.form = FACTS_TEXT };
	char name[NAME_TEXT_MAX], hex[9];
	struct when_span span;
	uint8_t salt[4];
	int o;

	o = opt_read("init", options, help, argc, argv, take, &w);
	if (o != OPT_GO) {
		return o;
	}
	if (when_span(&span, w.has_from ? &w.from : NULL, w.days) != 0) {
		return say_usage("init", NULL, "ends after the year 9999");
	}
	if (w.name == NULL) {
		if (key_random(NULL, salt, sizeof(salt)) != 0) {
			say_sys("init", "random bytes", errno);
			return CMD_FAILED;
		}
		text_hex(hex, salt, sizeof(salt));
		snprintf(name, sizeof(name), "Sallyport CA %s", hex);
		w.name = name;
	}
	return make(&w, &span, w.name);
}
