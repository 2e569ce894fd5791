/*
 * certs/crl: lists that sallyport-certs writes, read by what a gateway reads
 * them with, and used in its handshake.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/tls.h"
#include "base/x509.h"
#include "base/x509_crl.h"
#include "certs/compat.h"
#include "certs/crl.h"
#include "certs/key.h"
#include "tests/fake/pki.h"
#include "tests/fake/tlsbed.h"

static struct pki_cert ca_cert, gateway, kiosk, desk;
static struct ca ca;

static void
load_ca(void)
{
	mbedtls_x509_crt_init(&ca.crt);
	mbedtls_pk_init(&ca.key);
	assert_int_equal(mbedtls_x509_crt_parse(&ca.crt, ca_cert.pem,
			     ca_cert.pem_len),
	    0);
	assert_int_equal(compat_parse_key(&ca.key, ca_cert.key,
			     ca_cert.key_len, key_random),
	    0);
}

static int
setup(void **state)
{
	struct pki_how how = {.subject = "CN=Lab CA", .use = PKI_CA};
	uint8_t sans[4096];
	size_t len = 0;

	(void)state;
	pki_issue(&ca_cert, NULL, &how);
	how.use = PKI_CLIENT;
	how.subject = "CN=kiosk";
	pki_issue(&kiosk, &ca_cert, &how);
	how.subject = "CN=desk";
	pki_issue(&desk, &ca_cert, &how);
	pki_san(sans, &len, PKI_DNS, "gw", 2);
	how = (struct pki_how){.subject = "CN=gw",
	    .use = PKI_SERVER,
	    .sans = sans,
	    .sans_len = len};
	pki_issue(&gateway, &ca_cert, &how);
	load_ca();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	ca_free(&ca);
	return 0;
}

static struct revoked_entry
entry_of(const struct pki_cert *cert)
{
	struct revoked_entry e = {.reason = REVOKED_KEY_COMPROMISE,
	    .at = time(NULL)};
	mbedtls_x509_crt crt;
	const uint8_t *serial;

	mbedtls_x509_crt_init(&crt);
	assert_int_equal(
	    mbedtls_x509_crt_parse(&crt, cert->pem, cert->pem_len), 0);
	serial = ca_serial(&crt, &e.serial_len);
	assert_in_range(e.serial_len, 1, sizeof(e.serial));
	memcpy(e.serial, serial, e.serial_len);
	mbedtls_x509_crt_free(&crt);
	return e;
}

static char *
sign(const struct revoked_entry *entries, size_t n, long days)
{
	struct crl_request rq = {.entries = entries, .n = n, .number = 7};
	char *pem = NULL;

	assert_int_equal(when_span(&rq.span, NULL, days), 0);
	assert_int_equal(crl_sign(&pem, "test", &ca, &rq), 0);
	return pem;
}

/* Both ends of a handshake of the gateway with that workstation. */
static int
handshake(const char *pem, const struct pki_cert *who, char *why, size_t size)
{
	struct pki_crl crl = {.pem_len = strlen(pem) + 1};
	struct tls_config *srv, *cli = bed_config(TLS_CLIENT, &ca_cert, who,
	    NULL);
	struct bed bed;
	int r;

	assert_in_range(crl.pem_len, 1, sizeof(crl.pem));
	memcpy(crl.pem, pem, crl.pem_len);
	srv = bed_config(TLS_SERVER, &ca_cert, &gateway, &crl);
	bed_connect(&bed, srv, cli, "gw", NULL, NULL);
	r = bed.rs;
	(void)snprintf(why, size, "%s", tls_error(bed.server));
	bed_close(&bed);
	tls_config_free(srv);
	tls_config_free(cli);
	return r;
}

static void
test_handshake(void **state)
{
	struct revoked_entry e = entry_of(&kiosk);
	char *none = sign(NULL, 0, 30), *one = sign(&e, 1, 30), why[256];

	(void)state;
	assert_int_equal(handshake(none, &kiosk, why, sizeof(why)), 0);
	assert_int_equal(handshake(none, &desk, why, sizeof(why)), 0);
	assert_int_equal(handshake(one, &kiosk, why, sizeof(why)), ERR_TLS);
	assert_non_null(strstr(why, "is revoked"));
	assert_int_equal(handshake(one, &desk, why, sizeof(why)), 0);
	free(none);
	free(one);
}

static struct x509_revoked *
read_list(const char *pem)
{
	struct x509_revoked *list = NULL;
	char why[256] = "";

	assert_int_equal(x509_revoked_new(&list, ca_cert.pem, ca_cert.pem_len,
			     (const uint8_t *)pem, strlen(pem) + 1, why,
			     sizeof(why)),
	    0);
	assert_int_equal(x509_revoked_in_force(list, (int64_t)time(NULL), why,
			     sizeof(why)),
	    0);
	return list;
}

/* Of every length and with every first bit, all of them are found. */
static void
test_serials(void **state)
{
	static const enum revoked_reason reasons[] = {REVOKED_UNSPECIFIED,
	    REVOKED_KEY_COMPROMISE, REVOKED_CA_COMPROMISE,
	    REVOKED_AFFILIATION_CHANGED, REVOKED_SUPERSEDED,
	    REVOKED_CESSATION_OF_OPERATION, REVOKED_PRIVILEGE_WITHDRAWN};
	enum { N = 3000 };
	struct revoked_entry *e = calloc(N, sizeof(*e));
	struct x509_revoked *list;
	uint8_t key[32], other[32] = {0};
	char *pem;

	(void)state;
	assert_non_null(e);
	for (size_t i = 0; i < N; i++) {
		e[i].serial_len = 2 + i % 19;
		e[i].reason = reasons[i % 7];
		e[i].at = time(NULL) - (time_t)i * 100000; /* back to 2017 */
		memset(e[i].serial, (int)(1 + i % 255), e[i].serial_len);
		e[i].serial[e[i].serial_len - 1] = (uint8_t)(i >> 4);
	}
	pem = sign(e, N, 30);
	list = read_list(pem);
	assert_int_equal(x509_revoked_count(list), N);
	assert_int_equal(x509_key_hash(key, &ca.crt), 0);
	for (size_t i = 0; i < N; i++) {
		assert_true(x509_revoked_has(
		    list, key, e[i].serial, e[i].serial_len));
		assert_false(x509_revoked_has(
		    list, other, e[i].serial, e[i].serial_len));
	}
	e[0].serial[0] = 0x7e;
	e[0].serial[1] = 0x7d;
	assert_false(x509_revoked_has(list, key, e[0].serial, 2));
	x509_revoked_free(list);
	free(pem);
	free(e);
}

/* Beyond 2049 times have another form. */
static void
test_far(void **state)
{
	char *pem = sign(NULL, 0, 20000);
	struct x509_revoked *list = read_list(pem);
	char why[256];

	(void)state;
	/* 2080-01-01 */
	assert_int_equal(x509_revoked_in_force(list, INT64_C(3471292800), why,
			     sizeof(why)),
	    0);
	x509_revoked_free(list);
	free(pem);
}

/* One in 256 begins with a zero, which DER leaves out. */
static void
test_serial_is_der(void **state)
{
	static const struct {
		uint8_t in[4], der[6], len; /* der with its length first */
	} rows[] = {{{0, 0x78, 1, 2}, {3, 0x78, 1, 2}, 3},
	    {{0, 0, 0, 0xf0}, {2, 0, 0xf0}, 2},
	    {{0x90, 0, 0, 0}, {5, 0, 0x90, 0, 0}, 5}};
	unsigned char pem[KEY_PEM_MAX];
	mbedtls_pk_context key;

	(void)state;
	mbedtls_pk_init(&key);
	assert_int_equal(key_make(&key, pem), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t der[2048], in[4], *p;
		mbedtls_x509write_cert w;
		int n;

		memcpy(in, rows[i].in, sizeof(in));
		mbedtls_x509write_crt_init(&w);
		mbedtls_x509write_crt_set_version(
		    &w, MBEDTLS_X509_CRT_VERSION_3);
		mbedtls_x509write_crt_set_md_alg(&w, MBEDTLS_MD_SHA256);
		mbedtls_x509write_crt_set_subject_key(&w, &key);
		mbedtls_x509write_crt_set_issuer_key(&w, &key);
		assert_int_equal(mbedtls_x509write_crt_set_validity(
				     &w, "20260101000000", "20270101000000"),
		    0);
		assert_int_equal(compat_set_serial(&w, in, sizeof(in)), 0);
		assert_int_equal(
		    mbedtls_x509write_crt_set_subject_name(&w, "CN=s"), 0);
		assert_int_equal(
		    mbedtls_x509write_crt_set_issuer_name(&w, "CN=s"), 0);
		n = mbedtls_x509write_crt_der(
		    &w, der, sizeof(der), key_random, NULL);
		assert_true(n > 0);
		/* SEQUENCE { SEQUENCE { [0] { INTEGER 2 }, INTEGER serial */
		p = memmem(der + sizeof(der) - n, (size_t)n,
		    "\xa0\x03\x02\x01\x02\x02", 6);
		assert_non_null(p);
		assert_memory_equal(p + 6, rows[i].der, rows[i].len + 1u);
		mbedtls_x509write_crt_free(&w);
	}
	mbedtls_pk_free(&key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_handshake),
	    cmocka_unit_test(test_serials),
	    cmocka_unit_test(test_serial_is_der),
	    cmocka_unit_test(test_far),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
