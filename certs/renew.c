/*
 * sallyport-certs renew: another certificate with the names of one that the CA
 * gave before, so that leases and approvals of the workstation stay its own. For
 * the same key, unless a new one is asked for.
 */
#include "certs/cmd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mbedtls/oid.h>
#include <mbedtls/platform_util.h>

#include "certs/ca.h"
#include "certs/facts.h"
#include "certs/file.h"
#include "certs/issued.h"
#include "certs/key.h"
#include "certs/names.h"
#include "certs/opt.h"
#include "certs/revoked.h"
#include "certs/say.h"

#define DEFAULT_DAYS 365

static const char help[] =
"usage: sallyport-certs renew NAME [--dir DIR] [--days N] [--out DIR]\n"
"                             [--new-key] [--json]\n"
"       sallyport-certs renew --serial HEX ...\n"
"       sallyport-certs renew --file FILE ...\n"
"\n"
"Makes another certificate with the names and the key of an old one, and\n"
"replaces cert.pem by it: of NAME the one that ends last, or the one that is\n"
"named.\n"
"\n"
"  --dir DIR     the CA (default " CMD_DEFAULT_DIR ")\n"
"  --serial HEX  the certificate with this serial number\n"
"  --file FILE   the certificate in FILE\n"
"  --days N      how long it is valid (default 365, at most as the CA)\n"
"  --out DIR     where cert.pem lies (default its name in the CA's DIR)\n"
"  --new-key     make a key of that kind as well: into a DIR that has none of\n"
"                the files\n"
"  --json        print what was made as one JSON object\n"
"  --help        print this\n";

enum {
	OPT_DIR, OPT_SERIAL, OPT_FILE, OPT_DAYS, OPT_OUT, OPT_NEW_KEY, OPT_JSON
};

static const struct opt options[] = {
	[OPT_DIR] = { "dir", OPT_VALUE },
	[OPT_SERIAL] = { "serial", OPT_VALUE },
	[OPT_FILE] = { "file", OPT_VALUE },
	[OPT_DAYS] = { "days", OPT_VALUE },
	[OPT_OUT] = { "out", OPT_VALUE },
	[OPT_NEW_KEY] = { "new-key", OPT_FLAG },
	[OPT_JSON] = { "json", OPT_FLAG },
	{ NULL, OPT_FLAG },
};

struct want {
	const char *dir, *out; /* borrowed; out may be NULL */
	struct issued_which which;
	long days; /* 0: not asked for */
	int is_new_key;
	enum facts_form form;
};

static int
take(void *want, int o, const char *value)
{
	struct want *w = want;

	switch (o) {
	case OPT_DIR:
		return opt_text(&w->dir, "renew", "--dir", value);
	case OPT_SERIAL:
		w->which.serial = value;
		return CMD_OK;
	case OPT_FILE:
		w->which.file = value;
		return CMD_OK;
	case OPT_DAYS:
		return opt_days(&w->days, "renew", value);
	case OPT_OUT:
		return opt_text(&w->out, "renew", "--out", value);
	case OPT_NEW_KEY:
		w->is_new_key = 1;
		return CMD_OK;
	case OPT_JSON:
		w->form = FACTS_JSON;
		return CMD_OK;
	default: /* OPT_OPERAND */
		return opt_only(&w->which.name, "renew", "name", value);
	}
}

struct work {
	const struct want *w;
	struct revoked record;
	mbedtls_x509_crt old; /* the one that ends last */
	int has_old, was_revoked;
};

static int
choose(void *arg, const mbedtls_x509_crt *crt)
{
	struct work *work = arg;
	size_t len;
	const uint8_t *serial = ca_serial(crt, &len);
	int r;

	if (revoked_find(&work->record, serial, len) != NULL) {
		work->was_revoked = 1;
		return 0;
	}
	if (work->has_old && when_of_x509(&crt->valid_to) <=
	    when_of_x509(&work->old.valid_to)) {
		return 0;
	}
	mbedtls_x509_crt_free(&work->old);
	mbedtls_x509_crt_init(&work->old);
	r = mbedtls_x509_crt_parse_der(&work->old, crt->raw.p, crt->raw.len);
	if (r != 0) {
		return say_mbed("renew", work->w->dir, "try again", r);
	}
	work->has_old = 1;
	return 0;
}

/* Whether the certificate in the file has the key of the new one: it would be
 * useless beside another key. No file is fine. */
static int
check_place(const char *path, const mbedtls_x509_crt *old)
{
	struct file_buf buf = { NULL, 0 };
	mbedtls_x509_crt there;
	int r = -1;

	if (access(path, F_OK) != 0) {
		return errno == ENOENT ? 0 : say_sys("renew", path, errno);
	}
	mbedtls_x509_crt_init(&there);
	if (file_read("renew", path, FILE_PUBLIC, &buf) == 0) {
		if (mbedtls_x509_crt_parse(&there, buf.bytes,
		    buf.len + 1) == 0 &&
		    there.pk_raw.len == old->pk_raw.len &&
		    memcmp(there.pk_raw.p, old->pk_raw.p,
		    old->pk_raw.len) == 0) {
			r = 0;
		} else {
			say_fail("renew", path, "choose another --out",
			    "is no certificate of the same key");
		}
	}
	file_buf_free(&buf);
	mbedtls_x509_crt_free(&there);
	return r;
}

/* The CA's record first, as issue does it. */
static int
write_cert(const struct want *w, const char *out, const struct ca_signed *cert,
    const mbedtls_x509_crt *old)
{
	const char *pem = (const char *)cert->pem;
	char *path = file_path("renew", out, ISSUED_CERT);
	struct file_set *copy = NULL;
	int r = -1;

	if (path != NULL && check_place(path, old) == 0) {
		copy = issued_add("renew", w->dir, cert);
	}
	if (copy != NULL && file_replace("renew", out, ISSUED_CERT, pem,
	    strlen(pem)) == 0) {
		file_set_keep(copy);
		r = 0;
	}
	file_set_free(copy);
	free(path);
	return r;
}

static int
tell(const struct want *w, const char *out, const struct ca *ca,
    const struct ca_signed *cert)
{
	char *path = file_path("renew", out, ISSUED_CERT);
	json_t *facts = NULL;

	if (path != NULL) {
		facts = facts_new(path, &cert->crt, path, &ca->crt);
	}
	free(path);
	if (facts == NULL) {
		say_sys("renew", out, ENOMEM);
		return CMD_FAILED;
	}
	if (w->form == FACTS_JSON) {
		facts_print(facts, FACTS_JSON);
	} else {
		printf("renewed: %s, valid until %s\n  certificate  %s\n",
		    json_string_value(json_object_get(facts, "subject")),
		    json_string_value(json_object_get(facts, "not_after")),
		    json_string_value(json_object_get(facts, "file")));
	}
	json_decref(facts);
	return say_done("renew");
}

static int
sign(struct work *work, struct ca *ca, struct ca_request *rq, const char *out)
{
	const struct want *w = work->w;
	unsigned char pem[KEY_PEM_MAX];
	struct ca_signed cert;
	mbedtls_pk_context key;
	int r = 0, status = CMD_FAILED;

	memset(&cert, 0, sizeof(cert));
	mbedtls_pk_init(&key);
	rq->key = &work->old.pk;
	if (w->is_new_key) {
		rq->key = &key;
		r = mbedtls_pk_can_do(&work->old.pk, MBEDTLS_PK_RSA) ?
		    key_make_rsa(&key,
			(unsigned)mbedtls_pk_get_bitlen(&work->old.pk), pem) :
		    key_make(&key, pem);
	}
	if (r != 0) {
		say_mbed("renew", "key.pem", "try again", r);
	} else if (ca_sign(&cert, "renew", ca, rq) == 0 &&
	    (w->is_new_key ?
	    issued_hand_out("renew", w->dir, out, ca, &cert,
	    (const char *)pem) :
	    write_cert(w, out, &cert, &work->old)) == 0) {
		status = tell(w, out, ca, &cert);
	}
	mbedtls_platform_zeroize(pem, sizeof(pem));
	mbedtls_pk_free(&key);
	ca_signed_free(&cert);
	return status;
}

static int
renew(struct work *work, struct ca *ca)
{
	const struct want *w = work->w;
	static struct names names;
	struct ca_request rq;
	char *out;
	int status;

	if (revoked_open(&work->record, "renew", w->dir) != 0 ||
	    issued_each("renew", w->dir, ca, &w->which, choose, work) != 0) {
		return CMD_FAILED;
	}
	if (!work->has_old) {
		say_fail("renew", issued_words(&w->which), "issue a new one",
		    "is revoked");
		return CMD_FAILED;
	}
	if (names_of(&names, "renew", &work->old) != 0) {
		return CMD_FAILED;
	}
	names_request(&rq, &names);
	if (ca_span(&rq.span, "renew", names.cn, ca, NULL, w->days,
	    DEFAULT_DAYS) != 0) {
		return CMD_FAILED;
	}
	if (w->out == NULL && name_check_directory(names.cn) != NULL) {
		say_fail("renew", names.cn, "name the place by --out",
		    "%s", name_check_directory(names.cn));
		return CMD_FAILED;
	}
	out = w->out != NULL ? strdup(w->out) :
	    file_path("renew", w->dir, names.cn);
	if (out == NULL) {
		say_sys("renew", names.cn, ENOMEM);
		return CMD_FAILED;
	}
	status = sign(work, ca, &rq, out);
	free(out);
	return status;
}

int
cmd_renew(int argc, char **argv)
{
	struct want w = { .dir = CMD_DEFAULT_DIR, .form = FACTS_TEXT };
	struct work work = { .w = &w, .record = { .fd = -1 } };
	const char *why;
	int o, status = CMD_FAILED;
	struct ca ca;

	o = opt_read("renew", options, help, argc, argv, take, &w);
	if (o != OPT_GO) {
		return o;
	}
	why = issued_check(&w.which);
	if (why != NULL) {
		return say_usage("renew", w.which.name, "%s", why);
	}
	mbedtls_x509_crt_init(&work.old);
	if (ca_load(&ca, "renew", w.dir) == 0) {
		status = renew(&work, &ca);
	}
	revoked_close(&work.record);
	mbedtls_x509_crt_free(&work.old);
	ca_free(&ca);
	return status;
}
