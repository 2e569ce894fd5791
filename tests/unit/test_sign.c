/* base/sign: keys by their one encoding, and signatures that only they make. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/sign.h"
#include "tests/fake/bundle_make.h"

/* `openssl ecparam -name secp256k1': as long, on another curve. */
static const char other_curve[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAETsbK/zaY6M1tOk3r5YYcoRfpnO4bIcdL\n"
    "0zdsAb0CjiItARhUaoiE2/cPpkkaTMZzlzbAgf6YR9Se19Ku9z30mA==\n"
    "-----END PUBLIC KEY-----\n";

static void
test_read(void **state)
{
	struct sign_key keys[2], same;
	char text[1024], why[128] = "";
	size_t n;

	(void)state;
	(void)snprintf(text, sizeof(text), "the first\n%sthe other\n%s",
	    make_public[0], make_public[1]);
	assert_int_equal(
	    sign_keys_read(keys, 2, &n, text, strlen(text), why, sizeof(why)),
	    0);
	assert_int_equal(n, 2);
	assert_memory_not_equal(keys[0].id, keys[1].id, 32);
	assert_int_equal(sign_key_init(&same, keys[1].spki, SIGN_SPKI), 0);
	assert_memory_equal(same.id, keys[1].id, 32);
	assert_int_equal(
	    sign_keys_read(keys, 1, &n, text, strlen(text), why, sizeof(why)),
	    ERR_LIMIT);
}

static void
test_bad_keys(void **state)
{
	static const char *const bad[] = {"", "no key",
	    "-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n",
	    "-----BEGIN PUBLIC KEY-----\nMFkw\n", other_curve};
	struct sign_key keys[2];
	char text[1024], why[128];
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		why[0] = '\0';
		assert_int_equal(sign_keys_read(keys, 2, &n, bad[i],
				     strlen(bad[i]), why, sizeof(why)),
		    ERR_FORMAT);
		assert_string_not_equal(why, "");
	}
	assert_int_equal(sign_keys_read(keys, 2, &n, make_private[0],
			     strlen(make_private[0]), why, sizeof(why)),
	    ERR_FORMAT);
	assert_non_null(strstr(why, "else than public keys"));
	(void)snprintf(
	    text, sizeof(text), "%s%s", make_public[0], make_public[0]);
	assert_int_equal(
	    sign_keys_read(keys, 2, &n, text, strlen(text), why, sizeof(why)),
	    ERR_FORMAT);
	assert_string_equal(why, "key 2 is key 1 again");
}

/* A point that is not on the curve, a byte more, another head. */
static void
test_spki(void **state)
{
	struct keyring ring = make_ring(1, 1);
	uint8_t spki[SIGN_SPKI + 1] = {0};
	struct sign_key key;

	(void)state;
	memcpy(spki, ring.keys[0].spki, SIGN_SPKI);
	assert_int_equal(
	    sign_key_init(&key, spki, SIGN_SPKI + 1), ERR_FORMAT);
	assert_int_equal(
	    sign_key_init(&key, spki, SIGN_SPKI - 1), ERR_FORMAT);
	spki[SIGN_SPKI - 1] ^= 1;
	assert_int_equal(sign_key_init(&key, spki, SIGN_SPKI), ERR_FORMAT);
	spki[SIGN_SPKI - 1] ^= 1;
	assert_int_equal(sign_key_init(&key, spki, SIGN_SPKI), 0);
	spki[1] ^= 1;
	assert_int_equal(sign_key_init(&key, spki, SIGN_SPKI), ERR_FORMAT);
}

static void
test_signature(void **state)
{
	struct keyring ring = make_ring(3, 1);
	uint8_t digest[32] = {7}, der[SIGN_DER_MAX + 1];
	struct sign_key pub;
	char why[128];
	size_t len;

	(void)state;
	assert_int_equal(
	    sign_make(&pub, der, &len, digest, make_private[0],
		strlen(make_private[0]) + 1, why, sizeof(why)),
	    0);
	assert_memory_equal(pub.id, ring.keys[0].id, 32);
	assert_int_equal(sign_check(&ring.keys[0], digest, der, len), 0);
	assert_int_equal(
	    sign_check(&ring.keys[1], digest, der, len), ERR_POLICY);
	assert_int_equal(
	    sign_check(&ring.keys[0], digest, der, len - 1), ERR_POLICY);
	der[len] = 0;
	assert_int_equal(
	    sign_check(&ring.keys[0], digest, der, len + 1), ERR_POLICY);
	assert_int_equal(sign_check(&ring.keys[0], digest, der, 0), ERR_POLICY);
	digest[31] ^= 1;
	assert_int_equal(
	    sign_check(&ring.keys[0], digest, der, len), ERR_POLICY);
	digest[31] ^= 1;
	for (size_t i = 0; i < len; i++) {
		der[i] ^= 1;
		assert_int_equal(
		    sign_check(&ring.keys[0], digest, der, len), ERR_POLICY);
		der[i] ^= 1;
	}
}

static void
test_no_private_key(void **state)
{
	uint8_t digest[32] = {0}, der[SIGN_DER_MAX];
	struct sign_key pub;
	char why[128] = "";
	size_t len;

	(void)state;
	assert_int_equal(
	    sign_make(&pub, der, &len, digest, make_public[0],
		strlen(make_public[0]) + 1, why, sizeof(why)),
	    ERR_FORMAT);
	assert_non_null(strstr(why, "no private key"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_read),
	    cmocka_unit_test(test_bad_keys),
	    cmocka_unit_test(test_spki),
	    cmocka_unit_test(test_signature),
	    cmocka_unit_test(test_no_private_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
