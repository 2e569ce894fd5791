/*
 * policy/profiles: `pin report' and `pin usage' against report descriptors.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/profiles_body.h"
#include "tests/unit/usb_samples.h"

#define ONES "1111111111111111111111111111111111111111111111111111111111111111"

static const uint8_t digest[32] = {0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
    0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
    0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
    0x11};

/* What a profile with these pins says of a report descriptor: "" = fine. */
static const char *
pins(const char *items, const uint8_t *report, size_t len)
{
	static char why[256];
	char text[512];
	struct profile_set *set;

	(void)snprintf(text, sizeof(text),
	    "profile p { %s\non setup { allow }\non hid { allow } }\n"
	    "profile q extends p { on hid { deny len 9 } }\n", items);
	set = profiles_of(text);
	why[0] = '\0';
	/* the child's are its parent's */
	if (profile_pins(set, (size_t)profile_set_find(set, "q"), digest,
		report, len, why, sizeof(why)) == 0) {
		assert_string_equal(why, "");
	} else {
		assert_true(why[0] != '\0');
	}
	profile_set_free(set);
	return why;
}

#define KEYBOARD sample_report_keyboard, sizeof(sample_report_keyboard)

static void
test_report(void **state)
{
	(void)state;
	assert_string_equal(pins("", KEYBOARD), "");
	assert_string_equal(
	    pins("pin report \"sha256:" ONES "\"", KEYBOARD), "");
	assert_string_equal(
	    pins("pin report \"sha256:2" "111111111111111111111111111111111"
		 "111111111111111111111111111111\"", KEYBOARD),
	    "its report descriptor is not the one that profile p pins");
	assert_string_equal(
	    pins("pin report \"sha256:" ONES "\"", NULL, 0),
	    "profile p pins a report descriptor, and the interface has none");
}

static void
test_usage(void **state)
{
	/* keys, and behind them a wheel that no keyboard needs */
	static const uint8_t more[] = {0x05, 0x01, 0x09, 0x06, 0xa1, 0x01,
	    0x05, 0x07, 0x19, 0x00, 0x29, 0x65, 0x75, 0x08, 0x95, 0x06, 0x81,
	    0x00, 0x05, 0x01, 0x09, 0x38, 0x81, 0x02, 0xc0};
	/* a usage before its page */
	static const uint8_t late[] = {0x05, 0x07, 0x09, 0x04, 0x05, 0x0c,
	    0x75, 0x08, 0x95, 0x01, 0x81, 0x02};
	/* one that says its page itself */
	static const uint8_t own[] = {0x05, 0x07, 0x0b, 0x30, 0x00, 0x0c, 0x00,
	    0x75, 0x08, 0x95, 0x01, 0x81, 0x02};

	(void)state;
	assert_string_equal(pins("pin usage { 0x00070000..0x000700e7 "
				 "0x00080001..0x00080005 }", KEYBOARD), "");
	assert_string_equal(
	    pins("pin usage 0x00070000..0x00070065", KEYBOARD),
	    "usage 0x000700e0 is none of those that profile p pins");
	assert_string_equal(pins("pin usage { 0x00070000..0x00070030 "
				 "0x00070031..0x000700e7 0x00010038 }", more,
				 sizeof(more)), "");
	assert_string_equal(pins("pin usage 0x00070000..0x000700e7", more,
				 sizeof(more)),
	    "usage 0x00010038 is none of those that profile p pins");
	assert_string_equal(pins("pin usage 0x00070000..0x000700e7", late,
				 sizeof(late)),
	    "usage 0x000c0004 is none of those that profile p pins");
	assert_string_equal(pins("pin usage 0x000c0000..0x000cffff", late,
				 sizeof(late)),
	    "usage 0x00070004 is none of those that profile p pins");
	assert_string_equal(pins("pin usage 0x00070000..0x000700e7", own,
				 sizeof(own)),
	    "usage 0x000c0030 is none of those that profile p pins");
	assert_string_equal(
	    pins("pin usage 0x000c0030", own, sizeof(own)), "");
	/* cut in the middle of an item */
	for (size_t n = 1; n < sizeof(own); n++) {
		(void)pins("pin usage 0x000c0030", own, n);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_report),
		cmocka_unit_test(test_usage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
