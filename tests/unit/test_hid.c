/*
 * policy/rules/hid: report descriptors of devices as they are sold, of those
 * that pretend, and of those that are broken.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policy/rules/hid.h"
#include "policy/rules/rules.h"

#define ROW(bits, ...)                                                        \
	{bits, sizeof((const uint8_t[]){__VA_ARGS__}), {__VA_ARGS__}}
#define KEY RULE_HID_KEYBOARD
#define MOUSE RULE_HID_MOUSE
#define FIDO RULE_HID_FIDO
#define OTHER RULE_HID_OTHER

static const struct {
	uint8_t bits;
	size_t len;
	uint8_t bytes[96];
} rows[] = {
	/* a boot keyboard */
	ROW(KEY, 0x05, 1, 0x09, 6, 0xa1, 1, 0x05, 7, 0x19, 0xe0, 0x29, 0xe7,
	    0x15, 0, 0x25, 1, 0x75, 1, 0x95, 8, 0x81, 2, 0x95, 1, 0x75, 8, 0x81,
	    1, 0x05, 8, 0x19, 1, 0x29, 5, 0x91, 2, 0xc0),
	ROW(KEY, 0x05, 1, 0x09, 7, 0xa1, 1, 0xc0), /* keypad */
	/* a mouse; its padding comes behind another page */
	ROW(MOUSE, 0x05, 1, 0x09, 2, 0xa1, 1, 0x09, 1, 0xa1, 0, 0x05, 9, 0x19,
	    1, 0x29, 3, 0x75, 1, 0x95, 3, 0x81, 2, 0x75, 5, 0x95, 1, 0x81, 1,
	    0x05, 1, 0x09, 0x30, 0x09, 0x31, 0x81, 6, 0xc0, 0xc0),
	ROW(MOUSE, 0x05, 1, 0x09, 1, 0xa1, 1, 0xc0), /* pointer */
	/* a security key */
	ROW(FIDO, 0x06, 0xd0, 0xf1, 0x09, 1, 0xa1, 1, 0x09, 0x20, 0x75, 8, 0x95,
	    64, 0x81, 2, 0x09, 0x21, 0x91, 2, 0xc0),
	/* the same, its page in the usage */
	ROW(FIDO, 0x0b, 1, 0, 0xd0, 0xf1, 0xa1, 1, 0xc0),
	ROW(OTHER, 0x06, 0xd0, 0xf1, 0x09, 2, 0xa1, 1, 0xc0),
	/* volume keys, a gamepad, a vendor's own, one without a usage */
	ROW(OTHER, 0x05, 0x0c, 0x09, 1, 0xa1, 1, 0xc0),
	ROW(OTHER, 0x05, 1, 0x09, 5, 0xa1, 1, 0xc0),
	ROW(OTHER, 0x06, 0, 0xff, 0x09, 6, 0xa1, 1, 0xc0),
	ROW(OTHER, 0xa1, 1, 0xc0),
	/* several at once */
	ROW(KEY | MOUSE | OTHER, 0x05, 1, 0x09, 6, 0xa1, 1, 0xc0, 0x09, 2, 0xa1,
	    1, 0xc0, 0x05, 0x0c, 0x09, 1, 0xa1, 1, 0xc0),
	/* a keyboard inside of something else */
	ROW(KEY | OTHER, 0x06, 0, 0xff, 0x09, 1, 0xa1, 1, 0x05, 1, 0x09, 6, 0xa1,
	    1, 0xc0, 0xc0),
	/* keys in a mouse: by their page, by range, by usage */
	ROW(KEY | MOUSE, 0x05, 1, 0x09, 2, 0xa1, 1, 0x05, 7, 0x19, 4, 0x29, 0x65,
	    0x81, 0, 0xc0),
	ROW(KEY | MOUSE, 0x05, 1, 0x09, 2, 0xa1, 1, 0x0b, 4, 0, 7, 0, 0x81, 2,
	    0xc0),
	/* ... the page of its time is not that of its field */
	ROW(KEY | MOUSE, 0x05, 1, 0x09, 2, 0xa1, 1, 0x05, 7, 0x09, 4, 0x05, 9,
	    0x81, 2, 0xc0),
	ROW(KEY | MOUSE, 0x05, 1, 0x09, 2, 0xa1, 1, 0x09, 4, 0x05, 7, 0x81, 2,
	    0xc0),
	/* ... but a field without usages is padding, and one that goes out or
	 * is a feature types nothing */
	ROW(MOUSE, 0x05, 1, 0x09, 2, 0xa1, 1, 0x05, 7, 0x81, 1, 0x09, 4, 0x91, 2,
	    0x09, 4, 0xb1, 2, 0xc0),
	/* pages: the later one counts, too; push and pop */
	ROW(KEY | OTHER, 0x05, 9, 0x09, 6, 0x05, 1, 0xa1, 1, 0xc0),
	ROW(KEY | OTHER, 0x05, 1, 0x09, 6, 0x05, 9, 0xa1, 1, 0xc0) /* own */,
	ROW(KEY, 0x05, 1, 0xa4, 0x05, 9, 0xb4, 0x09, 6, 0xa1, 1, 0xc0),
	/* any of several usages, and of a range */
	ROW(KEY | MOUSE, 0x05, 1, 0x09, 2, 0x09, 6, 0xa1, 1, 0xc0),
	ROW(KEY | MOUSE | OTHER, 0x05, 1, 0x19, 2, 0x29, 8, 0xa1, 1, 0xc0),
	/* no application collection: nothing is known */
	ROW(0, 0x05, 1, 0x09, 2, 0xa1, 0, 0xc0),
	ROW(0, 0x05, 1),
	/* broken: no end, an end too many, items cut, long, reserved */
	ROW(0, 0x05, 1, 0x09, 2, 0xa1, 1),
	ROW(0, 0x05, 1, 0x09, 2, 0xa1, 1, 0xc0, 0xc0),
	ROW(0, 0x05, 1, 0x09, 2, 0xa1, 1, 0xc0, 0x05),
	ROW(0, 0x05, 1, 0x09, 2, 0xa1, 1, 0xc0, 0x07, 1, 2, 3),
	ROW(0, 0x05, 1, 0x09, 2, 0xa1, 1, 0xc0, 0xfe, 0, 0),
	ROW(0, 0x05, 1, 0x09, 2, 0xa1, 1, 0xc0, 0x0c),
	ROW(0, 0x05, 1, 0x09, 2, 0xb4, 0xa1, 1, 0xc0),
};

static void
reports(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t bits = rule_hid_usages(rows[i].bytes, rows[i].len);

		if (bits != rows[i].bits) {
			fail_msg("row %zu: %u, not %u", i, bits, rows[i].bits);
		}
	}
	assert_int_equal(rule_hid_usages(NULL, 0), 0);
}

static void
depths(void **state)
{
	uint8_t bytes[400];
	size_t n = 0;

	(void)state;
	for (unsigned i = 0; i < 64; i++, n += 2) {
		memcpy(bytes + n, "\xa1\x01", 2);
	}
	memset(bytes + n, 0xc0, 64);
	assert_int_equal(rule_hid_usages(bytes, n + 64), OTHER);
	memcpy(bytes + n, "\xa1\x01", 2);
	memset(bytes + n + 2, 0xc0, 65);
	assert_int_equal(rule_hid_usages(bytes, n + 67), 0);
	memset(bytes, 0xa4, 16);
	memcpy(bytes + 16, "\xa1\x01\xc0", 3);
	assert_int_equal(rule_hid_usages(bytes, 19), OTHER);
	memset(bytes, 0xa4, 17);
	memcpy(bytes + 17, "\xa1\x01\xc0", 3);
	assert_int_equal(rule_hid_usages(bytes, 20), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reports),
		cmocka_unit_test(depths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
