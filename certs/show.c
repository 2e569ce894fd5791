/*
 * sallyport-certs show: the facts of a certificate, or of a list of revoked
 * ones, that lies in a file. The file may come from anywhere.
 */
#include "certs/cmd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mbedtls/x509_crl.h>

#include "certs/ca.h"
#include "certs/crl_facts.h"
#include "certs/facts.h"
#include "certs/file.h"
#include "certs/opt.h"
#include "certs/say.h"

static const char help[] =
"usage: sallyport-certs show [--json] FILE\n"
"\n"
"Prints the facts of the first certificate in FILE (PEM or DER), or of the\n"
"list of revoked certificates (CRL) in it. If ca.pem beside FILE holds its\n"
"issuer, the issuer's key is shown as well.\n"
"\n"
"  --json   print the same as one JSON object\n"
"  --help   print this\n";

enum { OPT_JSON };

static const struct opt options[] = {
	[OPT_JSON] = { "json", OPT_FLAG },
	{ NULL, OPT_FLAG },
};

static int
has_text(const struct file_buf *buf, const char *text)
{
	return memmem(buf->bytes, buf->len, text, strlen(text)) != NULL;
}

static int
parse(mbedtls_x509_crt *crt, const struct file_buf *buf)
{
	/* PEM is parsed with its NUL, DER without. */
	if (has_text(buf, "-----BEGIN ")) {
		return mbedtls_x509_crt_parse(crt, buf->bytes, buf->len + 1);
	}
	return mbedtls_x509_crt_parse_der(crt, buf->bytes, buf->len);
}

/* Whether it is a list of revoked certificates, and no certificate. */
static int
parse_crl(mbedtls_x509_crl *crl, const struct file_buf *buf)
{
	if (has_text(buf, "-----BEGIN ")) {
		return has_text(buf, "-----BEGIN X509 CRL-----") &&
		    !has_text(buf, "-----BEGIN CERTIFICATE-----") &&
		    mbedtls_x509_crl_parse(crl, buf->bytes, buf->len + 1) == 0;
	}
	return mbedtls_x509_crl_parse_der(crl, buf->bytes, buf->len) == 0;
}

/* `ca.pem` in the directory of path; owned by the caller, NULL without
 * memory. */
static char *
neighbour(const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t dir = slash != NULL ? (size_t)(slash - path) + 1 : 0;
	char *out = malloc(dir + sizeof(CA_CERT));

	if (out != NULL) {
		memcpy(out, path, dir);
		memcpy(out + dir, CA_CERT, sizeof(CA_CERT));
	}
	return out;
}

/* Without a ca.pem, or with one that cannot be read, the issuer is simply not
 * known: that is no failure of showing FILE. */
static void
load_neighbour(const char *path, mbedtls_x509_crt *cas)
{
	struct file_buf buf = { NULL, 0 };

	if (access(path, R_OK) == 0 &&
	    file_read("show", path, FILE_PUBLIC, &buf) == 0) {
		(void)parse(cas, &buf);
	}
	file_buf_free(&buf);
}

static int
show(const char *path, enum facts_form form)
{
	struct file_buf buf = { NULL, 0 };
	mbedtls_x509_crt crt, cas;
	mbedtls_x509_crl crl;
	char *ca_path = NULL;
	json_t *facts = NULL;
	int r, is_crl, status = CMD_FAILED;

	mbedtls_x509_crt_init(&crt);
	mbedtls_x509_crt_init(&cas);
	mbedtls_x509_crl_init(&crl);
	if (file_read("show", path, FILE_LIST, &buf) != 0) {
		goto out;
	}
	is_crl = parse_crl(&crl, &buf);
	r = is_crl ? 0 : parse(&crt, &buf);
	if (r > 0) {
		say_fail("show", path, "repair the file",
		    "%d of its certificates cannot be read", r);
		goto out;
	}
	if (r < 0) {
		say_mbed("show", path,
		    "name a certificate or a CRL, in PEM or DER", r);
		goto out;
	}
	ca_path = neighbour(path);
	if (ca_path != NULL) {
		load_neighbour(ca_path, &cas);
		facts = is_crl ? crl_facts_new(path, &crl, ca_path, &cas) :
		    facts_new(path, &crt, ca_path, &cas);
	}
	if (facts == NULL) {
		say_sys("show", path, ENOMEM);
		goto out;
	}
	if (is_crl) {
		crl_facts_print(facts, form);
	} else {
		facts_print(facts, form);
	}
	status = say_done("show");
out:
	json_decref(facts);
	free(ca_path);
	file_buf_free(&buf);
	mbedtls_x509_crl_free(&crl);
	mbedtls_x509_crt_free(&cas);
	mbedtls_x509_crt_free(&crt);
	return status;
}

struct want {
	const char *path; /* borrowed */
	enum facts_form form;
};

static int
take(void *want, int o, const char *value)
{
	struct want *w = want;

	if (o == OPT_JSON) {
		w->form = FACTS_JSON;
		return CMD_OK;
	}
	return opt_only(&w->path, "show", "file", value);
}

int
cmd_show(int argc, char **argv)
{
	struct want w = { NULL, FACTS_TEXT };
	int o = opt_read("show", options, help, argc, argv, take, &w);

	if (o != OPT_GO) {
		return o;
	}
	if (w.path == NULL) {
		return say_usage("show", NULL, "a file is missing");
	}
	return show(w.path, w.form);
}
