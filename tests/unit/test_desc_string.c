/*
 * wire/desc_string: which string descriptors pass, and the text that people and
 * policy see of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "tests/unit/desc_body.h"
#include "wire/desc.h"

static void
string_rules(void **state)
{
	const struct {
		const uint8_t *bytes;
		size_t len;
		const char *rule;
	} rows[] = {
	    {BODY(2, 3), NULL},
	    {BODY(6, 3, 'a', 0, 'b', 0), NULL},
	    {BODY(6, 3, 0x3d, 0xd8, 0x00, 0xde), NULL},
	    {BODY(6, 3, 'a', 0, 0, 0), NULL},
	    {BODY(2, 2), "R5.type"},
	    {BODY(0, 3), "R5.length"},
	    {BODY(5, 3, 'a', 0, 'b'), "R5.length"},
	    {BODY(4, 3, 'a', 0, 'b', 0), "R5.length"},
	    {BODY(8, 3, 'a', 0, 'b', 0), "R5.length"},
	    {BODY(4, 3, 0x00, 0xdc), "R5.utf16"},
	    {BODY(4, 3, 0x3d, 0xd8), "R5.utf16"},
	    {BODY(6, 3, 0x3d, 0xd8, 'a', 0), "R5.utf16"},
	    {BODY(6, 3, 0x3d, 0xd8, 0x3d, 0xd8), "R5.utf16"},
	};
	static uint8_t big[256];
	struct desc_why why;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int r = desc_check_string(rows[i].bytes, rows[i].len, &why);

		assert_int_equal(r, rows[i].rule == NULL ? 0 : ERR_POLICY);
		if (r != 0) {
			assert_string_equal(why.rule, rows[i].rule);
		}
	}
	for (size_t n = 252; n <= 256; n++) {
		memset(big, 'a', sizeof(big));
		big[0] = (uint8_t)n;
		big[1] = 3;
		assert_int_equal(desc_check_string(big, n, &why),
		    n == 252 || n == 254 ? 0 : ERR_POLICY);
	}
	assert_int_equal(desc_check_string(NULL, 0, NULL), ERR_POLICY);
}

static void
strings_as_utf8(void **state)
{
	const struct {
		const uint8_t *bytes;
		size_t len;
		const char *text;
	} rows[] = {
	    {BODY(2, 3), ""},
	    {BODY(6, 3, 'a', 0, 'b', 0), "ab"},
	    {BODY(4, 3, 0xe4, 0), "\xc3\xa4"},
	    {BODY(6, 3, 0x7f, 0, 0x80, 0), "\x7f\xc2\x80"},
	    {BODY(6, 3, 0xff, 7, 0x00, 8), "\xdf\xbf\xe0\xa0\x80"},
	    {BODY(8, 3, 0xff, 0xff, 0x00, 0xd8, 0x00, 0xdc),
		"\xef\xbf\xbf\xf0\x90\x80\x80"},
	    {BODY(4, 3, 0xac, 0x20), "\xe2\x82\xac"},
	    {BODY(6, 3, 0x3d, 0xd8, 0x00, 0xde), "\xf0\x9f\x98\x80"},
	    {BODY(8, 3, 'a', 0, 0, 0, 'b', 0), "a"},
	    /* unchecked ones do no harm */
	    {BODY(4, 3, 0x00, 0xdc), "\xef\xbf\xbd"},
	    {BODY(6, 3, 0x3d, 0xd8, 'a', 0), "\xef\xbf\xbd"
					     "a"},
	    {BODY(4, 3, 0x3d, 0xd8), "\xef\xbf\xbd"},
	    {BODY(5, 3, 'a', 0, 'b'), "a"},
	    {BODY(200, 3, 'a', 0), "a"},
	    {BODY(4, 3, 'a', 0, 'b', 0), "a"},
	    {BODY(0), ""},
	};
	char dst[64];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n = desc_string_utf8(
		    dst, sizeof(dst), rows[i].bytes, rows[i].len);

		assert_string_equal(dst, rows[i].text);
		assert_int_equal(n, strlen(rows[i].text));
	}
	assert_int_equal(desc_string_utf8(dst, sizeof(dst), NULL, 0), 0);
}

static void
strings_are_cut_at_a_character(void **state)
{
	static const uint8_t bytes[] = {
	    10, 3, 'a', 0, 0xac, 0x20, 0x3d, 0xd8, 0x00, 0xde};
	static const size_t want[] = {0, 0, 1, 1, 1, 4, 4, 4, 4, 8, 8};
	char dst[16];

	(void)state;
	for (size_t size = 0; size < sizeof(want) / sizeof(want[0]); size++) {
		memset(dst, 'X', sizeof(dst));
		assert_int_equal(desc_string_utf8(dst, size, bytes,
				     sizeof(bytes)),
		    want[size]);
		assert_int_equal(dst[size], 'X');
		if (size > 0) {
			assert_int_equal(dst[want[size]], '\0');
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(string_rules),
	    cmocka_unit_test(strings_as_utf8),
	    cmocka_unit_test(strings_are_cut_at_a_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
