/*
 * The desk of `sallyport-certs serve': a CA and tokens as the commands make
 * them, and requests of every wrong kind. What was signed is judged by what is
 * in the CA's record.
 */
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/digest.h"
#include "base/log.h"
#include "base/sign.h"
#include "certs/cmd.h"
#include "certs/desk.h"
#include "certs/key.h"
#include "certs/tokens.h"
#include "certs/who.h"

#define NPEER "192.0.2.1:1"

static char dir[] = "/tmp/test_desk.XXXXXX", ca_dir[64], tokens[80];
static struct desk desk;
static mbedtls_pk_context key;
static unsigned char key_pem[KEY_PEM_MAX];
static uint8_t reply[ENROLL_REPLY_MAX];
static struct enroll_reply got;

static void
init(const char *const *argv, int argc)
{
	char *args[8];

	for (int i = 0; i < argc; i++) {
		args[i] = (char *)(uintptr_t)argv[i];
	}
	assert_int_equal(cmd_init(argc, args), CMD_OK);
}

static unsigned
count(const char *name)
{
	char path[128];
	const struct dirent *e;
	unsigned n = 0;
	DIR *d;

	(void)snprintf(path, sizeof(path), "%s/%s", ca_dir, name);
	d = opendir(path);
	while (d != NULL && (e = readdir(d)) != NULL) {
		n += e->d_name[0] != '.';
	}
	if (d != NULL) {
		(void)closedir(d);
	}
	return n;
}

static struct enroll_token
new_token(time_t until)
{
	struct who who = {.op = "test", .role = "workstation", .name = "ws1",
	    .kind = CA_KIND_WORKSTATION, .nous = 1, .ous = {"lab"}};
	struct enroll_token token;

	assert_int_equal(
	    who_take_san(&who, "dns:ws1.example"), CMD_OK);
	assert_int_equal(tokens_add(&token, ca_dir, &who, 9, until), 0);
	return token;
}

/* A good request with that token. */
static struct enroll_request
request_of(const struct enroll_token *token)
{
	uint8_t text[ENROLL_SIGNED], digest[32];
	struct digest_part part = {text, sizeof(text)};
	struct enroll_request rq;
	struct sign_key pub;
	char why[128];

	memset(&rq, 0, sizeof(rq));
	memcpy(rq.id, token->id, sizeof(rq.id));
	memcpy(rq.secret, token->secret, sizeof(rq.secret));
	assert_int_equal(key_spki(rq.spki, &key), 0);
	enroll_signed_part(text, &rq);
	assert_int_equal(digest_sha256(digest, &part, 1), 0);
	assert_int_equal(sign_make(&pub, rq.sig, &rq.sig_len, digest,
			     (char *)key_pem, strlen((char *)key_pem) + 1, why,
			     sizeof(why)),
	    0);
	return rq;
}

static unsigned
ask_raw(const void *bytes, size_t len)
{
	size_t n = desk_answer(&desk, bytes, len, NPEER, reply);

	assert_int_equal(enroll_decode_reply(&got, reply, n), 0);
	return got.status;
}

static unsigned
ask(const struct enroll_request *rq)
{
	uint8_t bytes[ENROLL_REQUEST_MAX];
	int n = enroll_encode_request(bytes, sizeof(bytes), rq);

	assert_true(n > 0);
	return ask_raw(bytes, (size_t)n);
}

static void
test_good(void **state)
{
	struct enroll_token token = new_token(time(NULL) + 60);
	struct enroll_request rq = request_of(&token);
	static char text[ENROLL_REPLY_MAX + 1];
	unsigned issued = count("issued");
	mbedtls_x509_crt crt;

	(void)state;
	assert_int_equal(ask(&rq), ENROLL_OK);
	assert_int_equal(count("issued"), issued + 1);
	memcpy(text, got.cert, got.cert_len);
	text[got.cert_len] = '\0';
	mbedtls_x509_crt_init(&crt);
	assert_int_equal(mbedtls_x509_crt_parse(&crt,
			     (const unsigned char *)text, got.cert_len + 1),
	    0);
	assert_int_equal(crt.pk_raw.len, sizeof(rq.spki));
	assert_memory_equal(crt.pk_raw.p, rq.spki, sizeof(rq.spki));
	/* names of the record */
	assert_int_equal(mbedtls_x509_dn_gets(text, 128, &crt.subject), 14);
	assert_string_equal(text, "OU=lab, CN=ws1");
	assert_int_equal(crt.subject_alt_names.buf.len, 11);
	assert_memory_equal(
	    crt.subject_alt_names.buf.p, "ws1.example", 11);
	assert_null(crt.subject_alt_names.next);
	mbedtls_x509_crt_free(&crt);
	/* the CA signed itself: nothing stands between */
	assert_int_equal(got.ca_len, desk.ca.pem.len);
	assert_memory_equal(got.ca, desk.ca.pem.bytes, got.ca_len);
	/* once */
	assert_int_equal(ask(&rq), ENROLL_REFUSED);
	assert_int_equal(count("issued"), issued + 1);
	/* and a number that was used is not given again */
	assert_int_equal(count("tokens"), 1);
}

static void
test_malformed(void **state)
{
	struct enroll_token token = new_token(time(NULL) + 60);
	struct enroll_request rq = request_of(&token);
	uint8_t bytes[ENROLL_REQUEST_MAX + 1] = {0};
	int n = enroll_encode_request(bytes, sizeof(bytes), &rq);
	unsigned issued = count("issued");

	(void)state;
	for (int len = 0; len < n; len += 7) {
		assert_int_equal(
		    ask_raw(bytes, (size_t)len), ENROLL_REFUSED);
	}
	assert_int_equal(ask_raw(bytes, (size_t)n + 1), ENROLL_REFUSED);
	assert_int_equal(count("issued"), issued);
	/* none of which counts as a failure of the token */
	assert_int_equal(ask_raw(bytes, (size_t)n), ENROLL_OK);
}

static void
test_unknown(void **state)
{
	struct enroll_token token = new_token(time(NULL) + 60);
	struct enroll_request rq;

	(void)state;
	token.id[1] ^= 1;
	rq = request_of(&token);
	assert_int_equal(ask(&rq), ENROLL_REFUSED);
	token.id[1] ^= 1;
	rq = request_of(&token);
	assert_int_equal(ask(&rq), ENROLL_OK);
}

static void
test_late(void **state)
{
	struct enroll_token token = new_token(time(NULL) + 3600);
	struct enroll_token over = new_token(time(NULL));
	struct enroll_request rq = request_of(&over);
	unsigned issued = count("issued");

	(void)state;
	assert_int_equal(ask(&rq), ENROLL_REFUSED);
	assert_int_equal(count("issued"), issued);
	rq = request_of(&token);
	assert_int_equal(ask(&rq), ENROLL_OK);
}

/* Wrong secrets and wrong keys count, and also after a restart. */
static void
test_failures(void **state)
{
	unsigned issued = count("issued");

	(void)state;
	for (int failures = TOKENS_FAILURES - 1; failures <= TOKENS_FAILURES;
	     failures++) {
		struct enroll_token token = new_token(time(NULL) + 60);
		struct enroll_request good = request_of(&token), bad;

		for (int i = 0; i < failures; i++) {
			bad = good;
			if (i % 2 == 0) {
				bad.secret[i] ^= 0x80;
				assert_int_equal(ask(&bad), ENROLL_REFUSED);
			} else {
				bad.sig[10 + i] ^= 1;
				assert_int_equal(ask(&bad), ENROLL_BAD_KEY);
			}
			if (i == 1) {
				desk_free(&desk);
				assert_int_equal(desk_open(&desk, ca_dir), 0);
			}
		}
		assert_int_equal(ask(&good), failures < TOKENS_FAILURES ?
			    ENROLL_OK : ENROLL_REFUSED);
	}
	assert_int_equal(count("issued"), issued + 1);
}

/* A key that is none, one that somebody else has, a signature for another. */
static void
test_keys(void **state)
{
	struct enroll_token token = new_token(time(NULL) + 60);
	struct enroll_token other = new_token(time(NULL) + 60);
	struct enroll_request good = request_of(&token), bad = good;
	struct enroll_request foreign = request_of(&other);

	(void)state;
	memset(bad.spki, 0, sizeof(bad.spki));
	assert_int_equal(ask(&bad), ENROLL_BAD_KEY);
	bad = good;
	bad.spki[60] ^= 1; /* not on the curve, or without its private half */
	assert_int_equal(ask(&bad), ENROLL_BAD_KEY);
	bad = good;
	memcpy(bad.sig, foreign.sig, sizeof(bad.sig));
	bad.sig_len = foreign.sig_len;
	assert_int_equal(ask(&bad), ENROLL_BAD_KEY);
	assert_int_equal(ask(&good), ENROLL_OK);
	assert_int_equal(ask(&foreign), ENROLL_OK);
}

static void
edit(const struct enroll_token *token, const char *text)
{
	char path[128];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%02x%02x%02x.json", tokens,
	    token->id[0], token->id[1], token->id[2]);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void
test_broken_records(void **state)
{
	static const char *const texts[] = {
		"", "{}", "[1]",
		"{\"version\":1,\"role\":\"ca\",\"name\":\"x\",\"ou\":[],"
		"\"sans\":[],\"days\":1,\"until\":\"2049-01-01T00:00:00Z\","
		"\"failures\":0,\"secret_sha256\":\"00\"}"};
	unsigned issued = count("issued");

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct enroll_token token = new_token(time(NULL) + 60);
		struct enroll_request rq = request_of(&token);

		edit(&token, texts[i]);
		assert_int_equal(ask(&rq), ENROLL_REFUSED);
	}
	assert_int_equal(count("issued"), issued);
}

/* It cannot record: nothing is given, and the token stays. */
static void
test_no_record(void **state)
{
	struct enroll_token token = new_token(time(NULL) + 60);
	struct enroll_request rq = request_of(&token);
	char issued[128], away[128];

	(void)state;
	(void)snprintf(issued, sizeof(issued), "%s/issued", ca_dir);
	(void)snprintf(away, sizeof(away), "%s/away", ca_dir);
	assert_int_equal(rename(issued, away), 0);
	assert_int_equal(close(creat(issued, 0600)), 0);
	assert_int_equal(ask(&rq), ENROLL_FAILED);
	assert_int_equal(got.cert_len, 0);
	assert_int_equal(unlink(issued), 0);
	assert_int_equal(rename(away, issued), 0);
	assert_int_equal(ask(&rq), ENROLL_OK);
}

static void
test_intermediate(void **state)
{
	char root[96], sub[96];
	struct enroll_token token;
	struct enroll_request rq;
	const char *second;
	char saved[64];

	(void)state;
	(void)snprintf(root, sizeof(root), "%s/root", dir);
	(void)snprintf(sub, sizeof(sub), "%s/sub", dir);
	init((const char *[]){"init", "--dir", root, "--intermediates"}, 4);
	init((const char *[]){"init", "--dir", sub, "--parent", root}, 5);
	desk_free(&desk);
	memcpy(saved, ca_dir, sizeof(saved));
	(void)snprintf(ca_dir, sizeof(ca_dir), "%s/sub", dir);
	assert_int_equal(desk_open(&desk, ca_dir), 0);
	token = new_token(time(NULL) + 60);
	rq = request_of(&token);
	assert_int_equal(ask(&rq), ENROLL_OK);
	/* the certificate and the CA below the root; both CAs */
	second = memmem(got.cert + 1, got.cert_len - 1, "-----BEGIN", 10);
	assert_non_null(second);
	assert_null(memmem(second + 1,
	    got.cert_len - (size_t)(second + 1 - (const char *)got.cert),
	    "-----BEGIN", 10));
	assert_int_equal(got.ca_len, desk.ca.pem.len);
	memcpy(ca_dir, saved, sizeof(saved));
	desk_free(&desk);
	assert_int_equal(desk_open(&desk, ca_dir), 0);
}

static int
start(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(ca_dir, sizeof(ca_dir), "%s/pki", dir);
	(void)snprintf(tokens, sizeof(tokens), "%s/tokens", ca_dir);
	mbedtls_pk_init(&key);
	assert_int_equal(key_make(&key, key_pem), 0);
	init((const char *[]){"init", "--dir", ca_dir}, 3);
	return desk_open(&desk, ca_dir);
}

static int
drop(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static int
stop(void **state)
{
	(void)state;
	mbedtls_pk_free(&key);
	desk_free(&desk);
	return nftw(dir, drop, 8, FTW_DEPTH | FTW_PHYS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_good),
	    cmocka_unit_test(test_malformed),
	    cmocka_unit_test(test_unknown),
	    cmocka_unit_test(test_late),
	    cmocka_unit_test(test_failures),
	    cmocka_unit_test(test_keys),
	    cmocka_unit_test(test_broken_records),
	    cmocka_unit_test(test_no_record),
	    cmocka_unit_test(test_intermediate),
	};

	log_init("test_desk");
	return cmocka_run_group_tests(tests, start, stop);
}
