/* base/x509: facts, of honest and of hostile certificates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/x509.h"
#include "tests/fake/pki.h"

static struct pki_cert ca, crt;
static uint8_t sans[4096];
static size_t sans_len;
static struct x509_facts facts;

static int
setup(void **state)
{
	struct pki_how how = {.subject = "C=DE,O=Lab,CN=Lab CA", .use = PKI_CA};

	(void)state;
	pki_issue(&ca, NULL, &how);
	return 0;
}

static void
add(int choice, const void *data, size_t len)
{
	pki_san(sans, &sans_len, choice, data, len);
}

/* Issues one with this subject and the names added so far. */
static void
issue(const char *subject)
{
	struct pki_how how = {.subject = subject,
	    .use = PKI_CLIENT,
	    .sans = sans_len > 0 ? sans : NULL,
	    .sans_len = sans_len};

	pki_issue(&crt, &ca, &how);
	sans_len = 0;
}

static int
facts_of(void)
{
	return x509_facts_of(&facts, crt.der, crt.der_len, ca.pem, ca.pem_len);
}

/* Makes each attribute of this type (X.520, 55 04 xx) one of another. mbedTLS
 * writes no name with two attributes of one type. */
static void
retype(uint8_t from, uint8_t to)
{
	size_t i;

	for (i = 0; i + 5 < crt.der_len; i++) {
		if (memcmp(crt.der + i, "\x06\x03\x55\x04", 4) == 0 &&
		    crt.der[i + 4] == from) {
			crt.der[i + 4] = to;
		}
	}
}

#define TYPE_L 7
#define TYPE_OU 11

static void
test_honest(void **state)
{
	struct x509_facts again;

	(void)state;
	add(PKI_DNS, "kiosk.example", 13);
	add(PKI_MAIL, "a@b.example", 11);
	add(PKI_URI, "urn:kiosk:7", 11);
	add(PKI_IP, "\xc0\x00\x02\x07", 4);
	add(PKI_IP, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07", 16);
	issue("C=DE,O=Lab,L=front,OU=desk,CN=kiosk-7");
	retype(TYPE_L, TYPE_OU);
	assert_int_equal(facts_of(), 0);
	assert_string_equal(facts.cn, "kiosk-7");
	assert_int_equal(facts.nou, 2);
	assert_non_null(strstr(facts.subject, "CN=kiosk-7"));
	assert_non_null(strstr(facts.subject, "OU=front"));
	assert_non_null(strstr(facts.issuer, "CN=Lab CA"));
	assert_int_equal(facts.nsan, 4);
	assert_int_equal(facts.san[0].type, SAN_DNS);
	assert_string_equal(facts.san[0].text, "kiosk.example");
	assert_int_equal(facts.san[1].type, SAN_URI);
	assert_string_equal(facts.san[1].text, "urn:kiosk:7");
	assert_int_equal(facts.san[2].type, SAN_IP);
	assert_string_equal(facts.san[2].text, "192.0.2.7");
	assert_string_equal(facts.san[3].text, "2001:db8::7");
	assert_int_equal(facts.serial_len, 1);
	assert_true(facts.serial[0] >= 0x40);
	/* the issuer's key, not its own */
	assert_int_equal(
	    x509_facts_of(&again, ca.pem, ca.pem_len, ca.pem, ca.pem_len), 0);
	assert_memory_equal(again.issuer_key, facts.issuer_key, 32);
	assert_int_equal(
	    x509_facts_of(&again, crt.pem, crt.pem_len, crt.pem, crt.pem_len),
	    0);
	assert_memory_not_equal(again.issuer_key, facts.issuer_key, 32);
}

static void
test_plain(void **state)
{
	struct x509_facts again;

	(void)state;
	issue("CN=k");
	assert_int_equal(facts_of(), 0);
	assert_int_equal(facts.nsan, 0);
	assert_int_equal(facts.nou, 0);
	assert_string_equal(facts.subject, "CN=k");
	/* PEM gives the same */
	assert_int_equal(
	    x509_facts_of(&again, crt.pem, crt.pem_len, ca.pem, ca.pem_len), 0);
	assert_memory_equal(&facts, &again, sizeof(facts));
}

/* Changes every `from` of the DER into `to`: same length, broken signature,
 * which is somebody else's to check. */
static void
forge(char from, char to)
{
	size_t i;

	for (i = 0; i + 8 < crt.der_len; i++) {
		if (memcmp(crt.der + i, "kiosk", 5) == 0 &&
		    (char)crt.der[i + 5] == from) {
			crt.der[i + 5] = (uint8_t)to;
		}
	}
}

static void
test_nul_inside(void **state)
{
	(void)state;
	issue("CN=kioskZadmin");
	assert_int_equal(facts_of(), 0);
	forge('Z', '\0');
	assert_int_equal(facts_of(), ERR_FORMAT);
	add(PKI_DNS, "kiosk\0.example", 14);
	issue("CN=a");
	assert_int_equal(facts_of(), ERR_FORMAT);
	add(PKI_URI, "urn:kiosk\0x", 11);
	issue("CN=a");
	assert_int_equal(facts_of(), ERR_FORMAT);
}

static void
test_no_two_names_alike(void **state)
{
	(void)state;
	/* what could be taken for structure is escaped */
	issue("CN=kioskZ OU=admin");
	forge('Z', ',');
	assert_int_equal(facts_of(), 0);
	assert_string_equal(facts.subject, "CN=kiosk\\, OU\\=admin");
	assert_string_equal(facts.cn, "kiosk, OU=admin");
	assert_int_equal(facts.nou, 0);
	forge(',', '\n');
	assert_int_equal(facts_of(), 0);
	assert_string_equal(facts.subject, "CN=kiosk\\0a OU\\=admin");
	forge('\n', '\\');
	assert_int_equal(facts_of(), 0);
	assert_string_equal(facts.subject, "CN=kiosk\\\\ OU\\=admin");
}

static void
test_limits(void **state)
{
	/* ST, serialNumber, surName, givenName, initials, title, L, and
	 * postalCode */
	static const uint8_t types[] = {8, 5, 4, 42, 43, 12, TYPE_L, 17};
	char big[300], subject[400];
	int i;

	(void)state;
	memset(big, 'x', sizeof(big));
	add(PKI_DNS, big, IDENTITY_TEXT - 1);
	issue("CN=a");
	assert_int_equal(facts_of(), 0);
	assert_int_equal(strlen(facts.san[0].text), IDENTITY_TEXT - 1);
	add(PKI_DNS, big, IDENTITY_TEXT);
	issue("CN=a");
	assert_int_equal(facts_of(), ERR_FORMAT);
	add(PKI_DNS, big, 0);
	issue("CN=a");
	assert_int_equal(facts_of(), ERR_FORMAT);
	for (i = 0; i < IDENTITY_SANS; i++) {
		add(PKI_URI, "urn:a", 5);
	}
	issue("CN=a");
	assert_int_equal(facts_of(), 0);
	assert_int_equal(facts.nsan, IDENTITY_SANS);
	for (i = 0; i <= IDENTITY_SANS; i++) {
		add(PKI_URI, "urn:a", 5);
	}
	issue("CN=a");
	assert_int_equal(facts_of(), ERR_FORMAT);
	add(PKI_IP, "\x01\x02\x03\x04\x05", 5);
	issue("CN=a");
	assert_int_equal(facts_of(), ERR_FORMAT);

	issue("L=1,ST=2,serialNumber=3,surName=4,GN=5,initials=6,title=7,OU=8,"
	      "CN=a");
	for (i = 0; i < (int)sizeof(types) - 1; i++) {
		retype(types[i], TYPE_OU);
	}
	assert_int_equal(facts_of(), 0);
	assert_int_equal(facts.nou, IDENTITY_OUS);
	issue("L=1,ST=2,serialNumber=3,surName=4,GN=5,initials=6,title=7,OU=8,"
	      "postalCode=9,CN=a");
	for (i = 0; i < (int)sizeof(types); i++) {
		retype(types[i], TYPE_OU);
	}
	assert_int_equal(facts_of(), ERR_FORMAT);

	/* a whole name that does not fit */
	memset(subject, 'y', sizeof(subject));
	memcpy(subject, "O=", 2);
	memcpy(subject + 90, ",OU=", 4);
	memcpy(subject + 180, ",L=", 3);
	memcpy(subject + 260, ",CN=a", 6);
	issue(subject);
	assert_int_equal(facts_of(), ERR_FORMAT);
}

static void
test_no_certificate(void **state)
{
	(void)state;
	issue("CN=a");
	assert_int_equal(
	    x509_facts_of(&facts, crt.der, crt.der_len - 1, ca.pem, ca.pem_len),
	    ERR_FORMAT);
	assert_int_equal(
	    x509_facts_of(&facts, "", 0, ca.pem, ca.pem_len), ERR_FORMAT);
	assert_int_equal(
	    x509_facts_of(&facts, crt.der, crt.der_len, "x", 1), ERR_FORMAT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_honest),
	    cmocka_unit_test(test_plain),
	    cmocka_unit_test(test_nul_inside),
	    cmocka_unit_test(test_no_two_names_alike),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_no_certificate),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
