/* base/x509_crl: lists of revoked certificates, honest, hostile and stale. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/x509.h"
#include "base/x509_crl.h"
#include "tests/fake/pki.h"

static struct pki_cert ca, other_ca, kiosk, desk, guest;
static struct x509_facts kiosk_facts, desk_facts, guest_facts;
static struct x509_revoked *list;
static char why[256];

/* 2026-11-23 09:00:00 UTC */
#define NOW INT64_C(1795424400)

static void
issue(struct pki_cert *out, struct x509_facts *facts,
    const struct pki_cert *issuer, const char *subject)
{
	struct pki_how how = {.subject = subject, .use = PKI_CLIENT};

	pki_issue(out, issuer, &how);
	assert_int_equal(x509_facts_of(facts, out->der, out->der_len,
			     issuer->pem, issuer->pem_len),
	    0);
}

static int
setup(void **state)
{
	struct pki_how how = {.subject = "CN=Lab CA", .use = PKI_CA};

	(void)state;
	pki_issue(&ca, NULL, &how);
	how.subject = "CN=Guest CA";
	pki_issue(&other_ca, NULL, &how);
	issue(&kiosk, &kiosk_facts, &ca, "CN=kiosk");
	issue(&desk, &desk_facts, &ca, "CN=desk");
	issue(&guest, &guest_facts, &other_ca, "CN=guest");
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	x509_revoked_free(list);
	list = NULL;
	return 0;
}

static int
take(const struct pki_cert *issuer, const uint8_t *text, size_t len)
{
	x509_revoked_free(list);
	list = NULL;
	why[0] = '\0';
	return x509_revoked_new(
	    &list, issuer->pem, issuer->pem_len, text, len, why, sizeof(why));
}

static int
take_list(const struct pki_list *how)
{
	size_t len;
	uint8_t *text = pki_make_list(how, &len);
	int r = take(how->ca, text, len);

	free(text);
	return r;
}

static int
is_revoked(const struct x509_facts *facts)
{
	return x509_revoked_has(
	    list, facts->issuer_key, facts->serial, facts->serial_len);
}

static const struct pki_cert *const the_kiosk[] = {&kiosk};
static const struct pki_cert *const the_guest[] = {&guest};

static void
test_serial(void **state)
{
	const struct pki_list how = {.ca = &ca,
	    .to = "491231235959Z",
	    .revoked = the_kiosk,
	    .nrevoked = 1,
	    .fill = 3};
	const struct pki_list none = {.ca = &ca, .to = "491231235959Z"};
	struct x509_facts facts = kiosk_facts;

	(void)state;
	assert_int_equal(take_list(&how), 0);
	assert_int_equal(x509_revoked_in_force(list, NOW, why, sizeof(why)), 0);
	assert_int_equal(x509_revoked_count(list), 4);
	assert_true(is_revoked(&kiosk_facts));
	assert_false(is_revoked(&desk_facts));
	/* the same number by another CA is another certificate */
	memcpy(facts.issuer_key, guest_facts.issuer_key, 32);
	assert_false(is_revoked(&facts));
	/* as a number: with a zero in front in the list, without one here */
	facts = kiosk_facts;
	memset(facts.serial, 0, sizeof(facts.serial));
	facts.serial[0] = PKI_FILL;
	facts.serial[7] = 2;
	facts.serial_len = 8;
	assert_true(is_revoked(&facts));
	facts.serial[7] = 3;
	assert_false(is_revoked(&facts));
	facts.serial_len = 1;
	assert_false(is_revoked(&facts));
	assert_int_equal(take_list(&none), 0);
	assert_int_equal(x509_revoked_count(list), 0);
	assert_false(is_revoked(&kiosk_facts));
}

/* Several CAs in one file, and the lists of all of them in another. */
static void
test_several(void **state)
{
	struct pki_list how = {.ca = &ca,
	    .to = "491231235959Z",
	    .revoked = the_kiosk,
	    .nrevoked = 1};
	static struct pki_cert both;
	size_t a, b;
	uint8_t *first = pki_make_list(&how, &a), *second, text[4096];

	(void)state;
	how.ca = &other_ca;
	how.revoked = the_guest;
	how.to = "270101000000Z";
	second = pki_make_list(&how, &b);
	assert_true(a + b < sizeof(text));
	memcpy(text, first, a - 1);
	memcpy(text + a - 1, second, b);
	free(first);
	free(second);
	both = ca;
	memcpy(both.pem + both.pem_len - 1, other_ca.pem, other_ca.pem_len);
	both.pem_len += other_ca.pem_len - 1;
	assert_int_equal(take(&both, text, a - 1 + b), 0);
	assert_int_equal(x509_revoked_count(list), 2);
	assert_true(is_revoked(&kiosk_facts));
	assert_true(is_revoked(&guest_facts));
	assert_false(is_revoked(&desk_facts));
	/* the second is over first, and that is over for all */
	assert_int_equal(x509_revoked_in_force(list, NOW, why, sizeof(why)), 0);
	assert_int_equal(x509_revoked_in_force(
			     list, NOW + 60 * 86400, why, sizeof(why)),
	    ERR_TLS);
	assert_non_null(strstr(why, "CN=Guest CA is out of date since "
				    "2027-01-01 00:00:00 UTC"));
	/* one of them is nobody's */
	assert_int_equal(take(&ca, text, a - 1 + b), ERR_TLS);
	assert_string_equal(
	    why, "CRL: it is not one of the CA's; install the CA's own");
}

static void
test_signer(void **state)
{
	struct pki_how name = {.subject = "CN=Lab CA", .use = PKI_CA};
	struct pki_cert twin, plain;
	struct pki_list how = {.ca = &twin, .to = "491231235959Z"};
	size_t len;
	uint8_t *text;

	(void)state;
	/* another key of the same name */
	pki_issue(&twin, NULL, &name);
	text = pki_make_list(&how, &len);
	assert_int_equal(take(&ca, text, len), ERR_TLS);
	assert_null(list);
	assert_non_null(
	    strstr(why, "list of CN=Lab CA is not properly signed by that CA"));
	assert_int_equal(take(&twin, text, len), 0);
	free(text);
	/* the right key, but it may not sign lists */
	name.use = PKI_CLIENT;
	pki_issue(&plain, NULL, &name);
	how.ca = &plain;
	assert_int_equal(take_list(&how), ERR_TLS);
	assert_non_null(strstr(why, "not properly signed"));
}

static int
is_in_force(int64_t now)
{
	why[0] = '\0';
	return x509_revoked_in_force(list, now, why, sizeof(why)) == 0;
}

static void
test_times(void **state)
{
	struct pki_list how = {
	    .ca = &ca, .from = "261123090000Z", .to = "261124090000Z"};

	(void)state;
	assert_int_equal(take_list(&how), 0);
	assert_false(is_in_force(NOW - 1));
	assert_non_null(
	    strstr(why, "begins on 2026-11-23 09:00:00 UTC, which is in the "
			"future"));
	assert_true(is_in_force(NOW));
	assert_true(is_in_force(NOW + 86400));
	assert_false(is_in_force(NOW + 86401));
	assert_non_null(
	    strstr(why, "out of date since 2026-11-24 09:00:00 UTC"));
	assert_false(is_in_force(0));
	assert_false(is_in_force(INT64_MAX));
	assert_non_null(strstr(why, "clock"));
	/* RFC 5280 5.1.2.5 wants a nextUpdate */
	how.to = NULL;
	assert_int_equal(take_list(&how), 0);
	assert_false(is_in_force(NOW));
	assert_non_null(strstr(why, "does not say when the next one comes"));
}

/* No bent list is taken for another one. */
static void
test_garbage(void **state)
{
	const struct pki_list how = {.ca = &ca,
	    .to = "491231235959Z",
	    .revoked = the_kiosk,
	    .nrevoked = 1};
	static uint8_t zeros[64];
	size_t len, i;
	uint8_t *text = pki_make_list(&how, &len), *copy;

	(void)state;
	for (i = 0; i < len; i++) {
		uint8_t was = text[i];

		text[i] ^= 1u << i % 8;
		if (take(&ca, text, len) == 0) {
			assert_true(is_revoked(&kiosk_facts));
		} else {
			assert_true(strncmp(why, "CRL: ", 5) == 0);
		}
		text[i] = was;
	}
	for (i = 0; i + 1 < len; i++) {
		copy = malloc(i + 1);
		assert_non_null(copy);
		memcpy(copy, text, i);
		copy[i] = '\0';
		/* only the end of the last line is no part of it */
		if (take(&ca, copy, i + 1) == 0) {
			assert_true(i + 2 == len);
			assert_true(is_revoked(&kiosk_facts));
		}
		free(copy);
	}
	assert_int_equal(take(&ca, zeros, sizeof(zeros)), ERR_TLS);
	assert_int_equal(take(&ca, zeros, 1), ERR_TLS);
	assert_int_equal(take(&ca, ca.pem, ca.pem_len), ERR_TLS);
	assert_string_equal(why, "CRL: it cannot be read as one");
	assert_int_equal(x509_revoked_new(&list, text, len, text, len, why,
			     sizeof(why)),
	    ERR_TLS);
	assert_string_equal(why, "CA: it cannot be read as one");
	free(text);
}

static void
test_long(void **state)
{
	const struct pki_list how = {.ca = &ca,
	    .to = "491231235959Z",
	    .revoked = the_kiosk,
	    .nrevoked = 1,
	    .fill = 28000};
	size_t len;
	uint8_t *text = pki_make_list(&how, &len);

	(void)state;
	assert_true(len > 1024 * 1024);
	assert_int_equal(take(&ca, text, len), 0);
	free(text);
	assert_int_equal(x509_revoked_count(list), 28001);
	assert_true(is_revoked(&kiosk_facts));
	assert_false(is_revoked(&desk_facts));
}

/* mbedTLS would take the first entry without a number for the end. */
static void
test_hole(void **state)
{
	const struct pki_list how = {.ca = &ca,
	    .to = "491231235959Z",
	    .revoked = the_kiosk,
	    .nrevoked = 1,
	    .has_hole = 1};

	(void)state;
	assert_int_equal(take_list(&how), ERR_TLS);
	assert_non_null(strstr(why, "an entry without a serial number"));
	assert_null(list);
}

/* No certificate is revoked that has no number. */
static void
test_no_serial(void **state)
{
	const struct pki_list none = {.ca = &ca, .to = "491231235959Z"};
	struct x509_facts facts = kiosk_facts;

	(void)state;
	facts.serial_len = 0;
	assert_int_equal(take_list(&none), 0);
	assert_int_equal(x509_revoked_count(list), 0);
	assert_false(is_revoked(&facts));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_hole, teardown),
	    cmocka_unit_test_teardown(test_no_serial, teardown),
	    cmocka_unit_test_teardown(test_serial, teardown),
	    cmocka_unit_test_teardown(test_several, teardown),
	    cmocka_unit_test_teardown(test_signer, teardown),
	    cmocka_unit_test_teardown(test_times, teardown),
	    cmocka_unit_test_teardown(test_garbage, teardown),
	    cmocka_unit_test_teardown(test_long, teardown),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
