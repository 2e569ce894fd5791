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
#include "certs/issued.h"
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
"                            [--valid-from TIME] [--intermediates] [--json]\n"
"       sallyport-certs init --parent PARENT ...\n"
"\n"
"Makes a new certificate authority: DIR/ca.pem and DIR/ca-key.pem. It signs\n"
"itself, or is signed by the one in PARENT, whose ca.pem is then added to its\n"
"own.\n"
"\n"
"  --dir DIR          where it lives (default " CMD_DEFAULT_DIR ")\n"
"  --name CA-NAME     its common name (default 'Sallyport CA' and 8 random\n"
"                     digits)\n"
"  --days N           how long it is valid (default 3650)\n"
"  --valid-from TIME  RFC 3339, like 2026-01-31T12:00:00Z (default now)\n"
"  --intermediates    it may sign other CAs\n"
"  --parent PARENT    the directory of a CA that may\n"
"  --json             print what was made as one JSON object\n"
"  --help             print this\n";

enum {
	OPT_DIR, OPT_NAME, OPT_DAYS, OPT_VALID_FROM, OPT_INTERMEDIATES,
	OPT_PARENT, OPT_JSON
};

static const struct opt options[] = {
	[OPT_DIR] = { "dir", OPT_VALUE },
	[OPT_NAME] = { "name", OPT_VALUE },
	[OPT_DAYS] = { "days", OPT_VALUE },
	[OPT_VALID_FROM] = { "valid-from", OPT_VALUE },
	[OPT_INTERMEDIATES] = { "intermediates", OPT_FLAG },
	[OPT_PARENT] = { "parent", OPT_VALUE },
	[OPT_JSON] = { "json", OPT_FLAG },
	{ NULL, OPT_FLAG },
};

struct want {
	const char *dir, *name, *parent; /* borrowed; the last two may be NULL */
	int is_top;
	long days; /* 0: not asked for */
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
	case OPT_INTERMEDIATES:
		w->is_top = 1;
		return CMD_OK;
	case OPT_PARENT:
		return opt_text(&w->parent, "init", "--parent", value);
	case OPT_JSON:
		w->form = FACTS_JSON;
		return CMD_OK;
	default: /* OPT_OPERAND */
		return say_usage("init", value, "takes no operand");
	}
}

/* ca.pem: the new CA, then its parent's. Owned by the caller. */
static char *
chain_text(const struct ca *parent, const struct ca_signed *cert)
{
	size_t len = strlen((const char *)cert->pem);
	size_t more = parent != NULL ? parent->pem.len : 0;
	char *text = malloc(len + more + 1);

	if (text != NULL) {
		memcpy(text, cert->pem, len);
		if (more > 0) {
			memcpy(text + len, parent->pem.bytes, more);
		}
		text[len + more] = '\0';
	}
	return text;
}

/* The parent's record first, as issue does it. */
static int
write_files(const struct want *w, const struct ca *parent,
    const struct ca_signed *cert, const char *key)
{
	char *text = chain_text(parent, cert);
	struct file_set *set = NULL, *copy = NULL;
	int r = -1;

	if (text == NULL) {
		return say_sys("init", w->dir, ENOMEM);
	}
	set = file_set_new("init", w->dir, EXISTS_ADVICE);
	if (set != NULL &&
	    file_set_add(set, CA_KEY, key, strlen(key)) == 0 &&
	    file_set_add(set, CA_CERT, text, strlen(text)) == 0) {
		copy = parent != NULL ? issued_add("init", w->parent, cert) :
		    NULL;
		r = parent == NULL || copy != NULL ? 0 : -1;
	}
	if (r == 0 && file_set_publish(set) == 0) {
		file_set_keep(set);
		if (copy != NULL) {
			file_set_keep(copy);
		}
	} else {
		r = -1;
	}
	/* The later one first: each restores the signals it found. */
	file_set_free(copy);
	file_set_free(set);
	free(text);
	return r;
}

static int
tell(const struct want *w, const struct ca *parent,
    const struct ca_signed *cert)
{
	char *path = file_path("init", w->dir, CA_CERT);
	json_t *facts;

	if (path == NULL) {
		return CMD_FAILED;
	}
	facts = facts_new(path, &cert->crt, parent != NULL ? path : NULL,
	    parent != NULL ? &parent->crt : NULL);
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
make(const struct want *w, struct ca *parent, const struct when_span *span)
{
	struct ca_request rq = { .kind = CA_KIND_CA, .cn = w->name,
		.is_top = w->is_top, .span = *span };
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
	} else if (ca_sign(&cert, "init", parent, &rq) == 0 &&
	    write_files(w, parent, &cert, (const char *)pem) == 0) {
		status = tell(w, parent, &cert);
	}
	mbedtls_platform_zeroize(pem, sizeof(pem));
	mbedtls_pk_free(&key);
	ca_signed_free(&cert);
	return status;
}

static int
make_below(const struct want *w)
{
	struct when_span span;
	struct ca parent;
	int status = CMD_FAILED;

	if (ca_load(&parent, "init", w->parent) == 0) {
		if (!ca_may_have_cas(&parent)) {
			say_fail("init", w->parent, "sign it by a CA that was "
			    "made with --intermediates",
			    "the CA may not sign other CAs");
		} else if (ca_span(&span, "init", w->name, &parent,
		    w->has_from ? &w->from : NULL, w->days, DEFAULT_DAYS) ==
		    0) {
			status = make(w, &parent, &span);
		}
	}
	ca_free(&parent);
	return status;
}

int
cmd_init(int argc, char **argv)
{
	struct want w = { .dir = CMD_DEFAULT_DIR, .form = FACTS_TEXT };
	char name[NAME_TEXT_MAX], hex[9];
	struct when_span span;
	uint8_t salt[4];
	int o;

	o = opt_read("init", options, help, argc, argv, take, &w);
	if (o != OPT_GO) {
		return o;
	}
	if (w.is_top && w.parent != NULL) {
		return say_usage("init", w.parent, "a CA below another may "
		    "have none below itself");
	}
	if (when_span(&span, w.has_from ? &w.from : NULL,
	    w.days != 0 ? w.days : DEFAULT_DAYS) != 0) {
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
	return w.parent != NULL ? make_below(&w) : make(&w, NULL, &span);
}
