/*
 * A folder of certificates needs no index that could disagree with them: names
 * are found by reading all of them, which for ten thousand is a second.
 */
#include "certs/issued.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mbedtls/oid.h>

#include "certs/say.h"
#include "certs/text.h"

#define SERIAL_MAX 20
#define RECORD_NAME (2 * SERIAL_MAX + sizeof(".pem"))
#define RECORD_ADVICE "try again"
#define EXISTS_ADVICE "choose another --out, or move the old files away"
#define MEND_ADVICE "restore it from a backup"

void
issued_name(char out[NAME_TEXT_MAX + 1], const mbedtls_x509_crt *crt)
{
	const mbedtls_x509_name *n;

	out[0] = '\0';
	for (n = &crt->subject; n != NULL && n->oid.p != NULL; n = n->next) {
		if (MBEDTLS_OID_CMP(MBEDTLS_OID_AT_CN, &n->oid) == 0 &&
		    n->val.len <= NAME_TEXT_MAX &&
		    memchr(n->val.p, '\0', n->val.len) == NULL) {
			memcpy(out, n->val.p, n->val.len);
			out[n->val.len] = '\0';
			break;
		}
	}
	if (name_check_text(out) != NULL) {
		out[0] = '\0';
	}
}

/* As text_hex writes it, without colons and leading zero bytes. */
static int
read_serial(char out[2 * SERIAL_MAX + 1], const char *text)
{
	uint8_t bytes[SERIAL_MAX];
	char digits[3 * SERIAL_MAX + 2];
	size_t len = 0, n = 0;
	const uint8_t *p = bytes;

	if (strlen(text) > 3 * SERIAL_MAX) {
		return -1;
	}
	for (; *text != '\0'; text++) {
		if (*text != ':') {
			digits[len++] = *text;
		}
	}
	digits[len] = '\0';
	if (text_unhex(bytes, sizeof(bytes), &n, digits) != 0 || n == 0) {
		return -1;
	}
	while (n > 1 && *p == 0) {
		p++;
		n--;
	}
	text_hex(out, p, n);
	return 0;
}

const char *
issued_words(const struct issued_which *which)
{
	return which->name != NULL ? which->name :
	    which->serial != NULL ? which->serial : which->file;
}

const char *
issued_check(const struct issued_which *which)
{
	char serial[2 * SERIAL_MAX + 1];
	int n = (which->name != NULL) + (which->serial != NULL) +
	    (which->file != NULL);

	if (n == 0) {
		return "NAME, --serial or --file is missing";
	}
	if (n > 1) {
		return "only one of NAME, --serial and --file";
	}
	if (which->name != NULL) {
		return name_check_text(which->name);
	}
	if (which->serial != NULL && read_serial(serial, which->serial) != 0) {
		return "is no serial number in hexadecimal digits";
	}
	return NULL;
}

static int
read_one(const char *op, const char *path, mbedtls_x509_crt *crt)
{
	struct file_buf buf = { NULL, 0 };
	int r;

	mbedtls_x509_crt_init(crt);
	if (file_read(op, path, FILE_PUBLIC, &buf) != 0) {
		return -1;
	}
	r = mbedtls_x509_crt_parse(crt, buf.bytes, buf.len + 1);
	if (r != 0) { /* DER is parsed without its NUL */
		mbedtls_x509_crt_free(crt);
		mbedtls_x509_crt_init(crt);
		r = mbedtls_x509_crt_parse_der(crt, buf.bytes, buf.len);
	}
	file_buf_free(&buf);
	return r == 0 ? 0 : say_mbed(op, path, MEND_ADVICE, r);
}

static int
with_file(const char *op, const char *path, const struct ca *ca, issued_fn *fn,
    void *arg)
{
	mbedtls_x509_crt crt;
	int r = read_one(op, path, &crt);

	if (r == 0 && !ca_has_signed(&ca->crt, &crt)) {
		r = say_fail(op, path, "name its CA by --dir",
		    "is no certificate of this CA");
	}
	if (r == 0) {
		r = fn(arg, &crt);
	}
	mbedtls_x509_crt_free(&crt);
	return r;
}

struct walk {
	const char *op, *name; /* borrowed */
	const struct ca *ca;   /* borrowed */
	issued_fn *fn;
	void *arg;
	size_t found;
};

static int
walk_one(struct walk *w, const char *dir, const char *file)
{
	char name[NAME_TEXT_MAX + 1], *path = file_path(w->op, dir, file);
	mbedtls_x509_crt crt;
	int r;

	if (path == NULL) {
		return -1;
	}
	r = read_one(w->op, path, &crt);
	if (r == 0) {
		issued_name(name, &crt);
	}
	if (r == 0 && strcmp(name, w->name) == 0 &&
	    ca_has_signed(&w->ca->crt, &crt)) {
		w->found++;
		r = w->fn(w->arg, &crt);
	}
	mbedtls_x509_crt_free(&crt);
	free(path);
	return r;
}

static int
walk_all(struct walk *w, const char *dir)
{
	const struct dirent *e;
	DIR *d = opendir(dir);
	int r = 0;

	if (d == NULL) {
		return errno == ENOENT ? 0 : say_sys(w->op, dir, errno);
	}
	while (r == 0 && (e = readdir(d)) != NULL) {
		size_t len = strlen(e->d_name);

		if (e->d_name[0] != '.' && len > 4 &&
		    strcmp(e->d_name + len - 4, ".pem") == 0) {
			r = walk_one(w, dir, e->d_name);
		}
	}
	closedir(d);
	return r;
}

static int
with_serial(const char *op, const char *issued, const struct ca *ca,
    const char *text, issued_fn *fn, void *arg)
{
	char serial[2 * SERIAL_MAX + 1], record[RECORD_NAME], *path;
	int r;

	if (read_serial(serial, text) != 0) {
		return say_fail(op, text, "give hexadecimal digits",
		    "is no serial number");
	}
	snprintf(record, sizeof(record), "%s.pem", serial);
	path = file_path(op, issued, record);
	if (path == NULL) {
		return -1;
	}
	r = with_file(op, path, ca, fn, arg);
	free(path);
	return r;
}

int
issued_each(const char *op, const char *dir, const struct ca *ca,
    const struct issued_which *which, issued_fn *fn, void *arg)
{
	struct walk w = { .op = op, .name = which->name, .ca = ca, .fn = fn,
		.arg = arg };
	char *issued;
	int r;

	if (which->file != NULL) {
		return with_file(op, which->file, ca, fn, arg);
	}
	issued = file_path(op, dir, CA_ISSUED);
	if (issued == NULL) {
		return -1;
	}
	if (which->serial != NULL) {
		r = with_serial(op, issued, ca, which->serial, fn, arg);
	} else {
		r = walk_all(&w, issued);
		if (r == 0 && w.found == 0) {
			r = say_fail(op, which->name, "see the files in "
			    "'" CA_ISSUED "', or name one by --file",
			    "the CA has signed nothing of that name");
		}
	}
	free(issued);
	return r;
}

struct file_set *
issued_add(const char *op, const char *dir, const struct ca_signed *cert)
{
	const char *pem = (const char *)cert->pem;
	char *issued = file_path(op, dir, CA_ISSUED);
	struct file_set *set = NULL;
	char record[RECORD_NAME];
	const uint8_t *serial;
	size_t n;

	serial = ca_serial(&cert->crt, &n); /* at most CA_SERIAL_MAX: ours */
	text_hex(record, serial, n);
	memcpy(record + 2 * n, ".pem", sizeof(".pem"));
	if (issued != NULL) {
		set = file_set_new(op, issued, RECORD_ADVICE);
	}
	if (set != NULL &&
	    (file_set_add(set, record, pem, strlen(pem)) != 0 ||
	    file_set_publish(set) != 0)) {
		file_set_free(set);
		set = NULL;
	}
	free(issued);
	return set;
}

int
issued_hand_out(const char *op, const char *dir, const char *out,
    const struct ca *ca, const struct ca_signed *cert, const char *key)
{
	struct file_set *copy = NULL, *set;
	const char *pem = (const char *)cert->pem;
	int r = -1;

	set = file_set_new(op, out, EXISTS_ADVICE);
	if (set != NULL &&
	    file_set_add(set, ISSUED_KEY, key, strlen(key)) == 0 &&
	    file_set_add(set, CA_CERT, ca->pem.bytes, ca->pem.len) == 0 &&
	    file_set_add(set, ISSUED_CERT, pem, strlen(pem)) == 0) {
		copy = issued_add(op, dir, cert);
	}
	if (copy != NULL && file_set_publish(set) == 0) {
		file_set_keep(copy);
		file_set_keep(set);
		r = 0;
	}
	/* The later one first: each restores the signals it found. */
	file_set_free(copy);
	file_set_free(set);
	return r;
}
