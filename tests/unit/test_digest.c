/* base/digest: SHA-256 (FIPS 180-4 examples), base64 (RFC 4648 10), hex. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/digest.h"
#include "base/err.h"

static void
test_sha256(void **state)
{
	static const struct digest_part whole[] = {{"abc", 3}};
	static const struct digest_part parts[] = {
	    {"a", 1}, {NULL, 0}, {"bc", 2}};
	uint8_t out[32];
	char hex[65];

	(void)state;
	assert_int_equal(digest_sha256(out, NULL, 0), 0);
	assert_string_equal(digest_hex(hex, sizeof(hex), out, 32),
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_int_equal(digest_sha256(out, whole, 1), 0);
	assert_string_equal(digest_hex(hex, sizeof(hex), out, 32),
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	memset(out, 0, sizeof(out));
	assert_int_equal(digest_sha256(out, parts, 3), 0);
	assert_string_equal(digest_hex(hex, sizeof(hex), out, 32),
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void
test_base64(void **state)
{
	static const char *const want[] = {
	    "", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
	char buf[16];
	size_t i;

	(void)state;
	for (i = 0; i < 7; i++) {
		size_t need = 4 * ((i + 2) / 3) + 1;

		assert_int_equal(digest_base64(buf, need, "foobar", i), 0);
		assert_string_equal(buf, want[i]);
		assert_int_equal(
		    digest_base64(buf, need - 1, "foobar", i), ERR_NOMEM);
	}
}

static void
test_unbase64(void **state)
{
	static const char *const text[] = {
	    "", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
	/* the last ones decode elsewhere, but are not what encoding gives */
	static const char *const bad[] = {"Z", "Zg", "Zg=", "Zg===", "=", "====",
	    "Zm9v\n", "Zm9 ", "Z=9v", "Zm9v=", "Zh==", "Zm9=", "Zm9vY\xc3=="};
	char buf[16];
	size_t len;

	(void)state;
	for (size_t i = 0; i < 7; i++) {
		assert_int_equal(
		    digest_unbase64(buf, sizeof(buf), &len, text[i]), 0);
		assert_int_equal(len, i);
		assert_memory_equal(buf, "foobar", i);
	}
	assert_int_equal(digest_unbase64(buf, 5, &len, "Zm9vYmFy"), ERR_LIMIT);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(digest_unbase64(buf, sizeof(buf), &len, bad[i]),
		    ERR_FORMAT);
	}
}

static void
test_hex(void **state)
{
	char buf[16];

	(void)state;
	assert_string_equal(
	    digest_hex(buf, sizeof(buf), "\x00\xfe\x1f", 3), "00fe1f");
	assert_string_equal(digest_hex(buf, sizeof(buf), NULL, 0), "");
	assert_string_equal(digest_hex(buf, 4, "\x01\x02", 2), "01");
}

static void
test_unhex(void **state)
{
	static const char *const bad[] = {"", "0", "00f", "00fE", "00g0",
	    "00fe1f", "00 e"};
	uint8_t out[2];

	(void)state;
	assert_int_equal(digest_unhex(out, 2, "00fe"), 0);
	assert_memory_equal(out, "\x00\xfe", 2);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(digest_unhex(out, 2, bad[i]), ERR_FORMAT);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sha256),
	    cmocka_unit_test(test_base64),
	    cmocka_unit_test(test_unbase64),
	    cmocka_unit_test(test_hex),
	    cmocka_unit_test(test_unhex),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
