/*
 * wire/identity: the lasting name of a workstation, and the exact form of a
 * certificate's facts, in every wrong length and with every wrong count.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "tests/unit/rnd.h"
#include "wire/identity.h"

#define KEY_HEX                                                               \
	"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void
fill(struct x509_facts *f)
{
	memset(f, 0, sizeof(*f));
	for (size_t i = 0; i < 32; i++) {
		f->issuer_key[i] = (uint8_t)((i % 16) * 0x11);
		f->fingerprint[i] = (uint8_t)i;
	}
	f->serial_len = 2;
	f->serial[0] = 0x7f;
	strncpy(f->subject, "CN=ws1,OU=lab", sizeof(f->subject) - 1);
	strncpy(f->issuer, "CN=Test CA", sizeof(f->issuer) - 1);
	strncpy(f->cn, "ws1", sizeof(f->cn) - 1);
}

static void
add_san(struct x509_facts *f, uint8_t type, const char *text)
{
	f->san[f->nsan].type = type;
	strncpy(f->san[f->nsan].text, text, IDENTITY_TEXT - 1);
	f->nsan++;
}

static void
name_prefers_uri_then_dns_then_subject(void **state)
{
	struct x509_facts f;
	char name[IDENTITY_NAME];

	(void)state;
	fill(&f);
	assert_ptr_equal(identity_name(name, sizeof(name), &f), name);
	assert_string_equal(name, KEY_HEX ":dn:CN=ws1,OU=lab");
	assert_string_equal(identity_short(&f), "ws1");
	f.cn[0] = '\0';
	assert_string_equal(identity_short(&f), "CN=ws1,OU=lab");
	add_san(&f, SAN_IP, "10.0.0.2");
	identity_name(name, sizeof(name), &f);
	assert_string_equal(name, KEY_HEX ":dn:CN=ws1,OU=lab");
	add_san(&f, SAN_DNS, "ws1.example");
	add_san(&f, SAN_DNS, "other.example");
	identity_name(name, sizeof(name), &f);
	assert_string_equal(name, KEY_HEX ":dns:ws1.example");
	assert_string_equal(identity_short(&f), "ws1.example");
	add_san(&f, SAN_URI, "spiffe://corp/ws1");
	add_san(&f, SAN_URI, "spiffe://corp/ws2");
	identity_name(name, sizeof(name), &f);
	assert_string_equal(name, KEY_HEX ":uri:spiffe://corp/ws1");
	assert_string_equal(identity_short(&f), "spiffe://corp/ws1");
}

/* Two certificates with an empty SAN must not become one workstation. */
static void
name_ignores_an_empty_san(void **state)
{
	struct x509_facts f;
	char name[IDENTITY_NAME];

	(void)state;
	fill(&f);
	add_san(&f, SAN_URI, "");
	identity_name(name, sizeof(name), &f);
	assert_string_equal(name, KEY_HEX ":dn:CN=ws1,OU=lab");
}

static void
name_fits_the_longest_text_and_is_cut_to_any_size(void **state)
{
	struct x509_facts f;
	char name[IDENTITY_NAME + 1], cut[IDENTITY_NAME + 1];

	(void)state;
	fill(&f);
	add_san(&f, SAN_URI, "");
	memset(f.san[0].text, 'u', IDENTITY_TEXT - 1);
	name[IDENTITY_NAME] = 'X';
	identity_name(name, IDENTITY_NAME, &f);
	assert_int_equal(strlen(name), IDENTITY_NAME - 1);
	assert_int_equal(name[IDENTITY_NAME], 'X');
	for (size_t size = 1; size <= IDENTITY_NAME; size++) {
		memset(cut, 'X', sizeof(cut));
		identity_name(cut, size, &f);
		assert_int_equal(strlen(cut), size - 1);
		assert_memory_equal(cut, name, size - 1);
		assert_int_equal(cut[size], 'X');
	}
	cut[0] = 'X';
	identity_name(cut, 0, &f);
	assert_int_equal(cut[0], 'X');
	/* counts that nothing made do not lead out of the table */
	f.san[0].type = SAN_IP;
	f.nsan = 255;
	identity_name(name, sizeof(name), &f);
	assert_string_equal(name, KEY_HEX ":dn:CN=ws1,OU=lab");
}

static void
random_facts(struct rnd *r, struct x509_facts *f)
{
	memset(f, 0, sizeof(*f));
	rnd_bytes(r, f->issuer_key, sizeof(f->issuer_key));
	rnd_bytes(r, f->fingerprint, sizeof(f->fingerprint));
	f->serial_len = (uint8_t)(1 + rnd_below(r, 20));
	rnd_bytes(r, f->serial, f->serial_len);
	rnd_text(r, f->subject, IDENTITY_TEXT);
	rnd_text(r, f->issuer, IDENTITY_TEXT);
	rnd_text(r, f->cn, IDENTITY_TEXT);
	f->nsan = (uint8_t)rnd_below(r, IDENTITY_SANS + 1);
	for (size_t i = 0; i < f->nsan; i++) {
		f->san[i].type = (uint8_t)(1 + rnd_below(r, 3));
		rnd_text(r, f->san[i].text, IDENTITY_TEXT);
	}
	f->nou = (uint8_t)rnd_below(r, IDENTITY_OUS + 1);
	for (size_t i = 0; i < f->nou; i++) {
		rnd_text(r, f->ou[i], IDENTITY_TEXT);
	}
}

static void
facts_come_back_as_they_went(void **state)
{
	struct rnd r = {.state = 3};
	static uint8_t buf[IDENTITY_WIRE];

	(void)state;
	for (int i = 0; i < 300; i++) {
		struct x509_facts in, out;
		int n;

		random_facts(&r, &in);
		n = identity_encode(buf, sizeof(buf), &in);
		assert_true(n > 0);
		assert_int_equal(identity_decode(&out, buf, (size_t)n), 0);
		assert_memory_equal(&in, &out, sizeof(in));
	}
}

static void
fullest_facts_fit(void **state)
{
	static uint8_t buf[IDENTITY_WIRE];
	struct x509_facts f, out;
	int n;

	(void)state;
	fill(&f);
	f.serial_len = 20;
	memset(f.subject, 's', IDENTITY_TEXT - 1);
	memset(f.issuer, 'i', IDENTITY_TEXT - 1);
	memset(f.cn, 'c', IDENTITY_TEXT - 1);
	for (int i = 0; i < IDENTITY_SANS; i++) {
		add_san(&f, SAN_DNS, "");
		memset(f.san[i].text, 'd', IDENTITY_TEXT - 1);
	}
	for (int i = 0; i < IDENTITY_OUS; i++) {
		memset(f.ou[i], 'o', IDENTITY_TEXT - 1);
	}
	f.nou = IDENTITY_OUS;
	n = identity_encode(buf, sizeof(buf), &f);
	assert_true(n > 0);
	assert_int_equal(identity_decode(&out, buf, (size_t)n), 0);
	for (int size = 0; size < n; size++) {
		assert_int_equal(
		    identity_encode(buf, (size_t)size, &f), ERR_NOMEM);
	}
}

static void
wrong_lengths_are_refused(void **state)
{
	static uint8_t buf[IDENTITY_WIRE];
	struct x509_facts f, out;
	int n;

	(void)state;
	fill(&f);
	add_san(&f, SAN_DNS, "ws1.example");
	n = identity_encode(buf, sizeof(buf), &f);
	assert_true(n > 0);
	for (int len = 0; len < n; len++) {
		assert_int_equal(
		    identity_decode(&out, buf, (size_t)len), ERR_FORMAT);
	}
	assert_int_equal(
	    identity_decode(&out, buf, (size_t)n + 1), ERR_FORMAT);
	assert_int_equal(identity_decode(&out, NULL, 0), ERR_FORMAT);
}

static void
wrong_values_are_refused(void **state)
{
	static uint8_t buf[IDENTITY_WIRE], bad[IDENTITY_WIRE];
	struct x509_facts f, out;
	size_t at_subject = 32 + 32 + 1 + 2, n;

	(void)state;
	fill(&f);
	n = (size_t)identity_encode(buf, sizeof(buf), &f);
	memcpy(bad, buf, n);
	bad[64] = 0; /* length of the serial number */
	assert_int_equal(identity_decode(&out, bad, n), ERR_FORMAT);
	bad[64] = 21;
	assert_int_equal(identity_decode(&out, bad, n), ERR_FORMAT);
	memcpy(bad, buf, n);
	bad[at_subject + 3] = 0; /* a NUL inside the subject */
	assert_int_equal(identity_decode(&out, bad, n), ERR_FORMAT);
	memcpy(bad, buf, n);
	bad[n - 2] = IDENTITY_SANS + 1;
	assert_int_equal(identity_decode(&out, bad, n), ERR_FORMAT);
	memcpy(bad, buf, n);
	bad[n - 1] = IDENTITY_OUS + 1;
	assert_int_equal(identity_decode(&out, bad, n), ERR_FORMAT);
	add_san(&f, SAN_IP, "::1");
	n = (size_t)identity_encode(buf, sizeof(buf), &f);
	for (unsigned type = 0; type < 256; type++) {
		buf[n - 6] = (uint8_t)type;
		assert_int_equal(identity_decode(&out, buf, n),
		    type >= 1 && type <= 3 ? 0 : ERR_FORMAT);
	}
}

static void
senseless_facts_are_not_sent(void **state)
{
	static uint8_t buf[IDENTITY_WIRE];
	struct x509_facts f;

	(void)state;
	fill(&f);
	f.serial_len = 0;
	assert_int_equal(identity_encode(buf, sizeof(buf), &f), ERR_FORMAT);
	f.serial_len = 21;
	assert_int_equal(identity_encode(buf, sizeof(buf), &f), ERR_FORMAT);
	fill(&f);
	f.nsan = IDENTITY_SANS + 1;
	assert_int_equal(identity_encode(buf, sizeof(buf), &f), ERR_FORMAT);
	fill(&f);
	f.nou = IDENTITY_OUS + 1;
	assert_int_equal(identity_encode(buf, sizeof(buf), &f), ERR_FORMAT);
	fill(&f);
	add_san(&f, 9, "x");
	assert_int_equal(identity_encode(buf, sizeof(buf), &f), ERR_FORMAT);
	fill(&f);
	memset(f.cn, 'c', IDENTITY_TEXT);
	assert_int_equal(identity_encode(buf, sizeof(buf), &f), ERR_FORMAT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(name_prefers_uri_then_dns_then_subject),
	    cmocka_unit_test(name_ignores_an_empty_san),
	    cmocka_unit_test(
		name_fits_the_longest_text_and_is_cut_to_any_size),
	    cmocka_unit_test(facts_come_back_as_they_went),
	    cmocka_unit_test(fullest_facts_fit),
	    cmocka_unit_test(wrong_lengths_are_refused),
	    cmocka_unit_test(wrong_values_are_refused),
	    cmocka_unit_test(senseless_facts_are_not_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
