/*
 * wire/desc_class: the strings that class-specific descriptors refer to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "tests/unit/desc_body.h"
#include "wire/desc.h"

static uint8_t wanted[256];

static unsigned
count(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < 256; i++) {
		n += wanted[i];
	}
	return n;
}

static void
look(uint8_t class, uint8_t subclass, uint8_t protocol, const uint8_t *bytes,
    size_t len)
{
	const struct desc_alt alt = {
	    .class = class, .subclass = subclass, .protocol = protocol};

	memset(wanted, 0, sizeof(wanted));
	desc_class_strings(&alt, bytes, len, wanted);
}

static void
strings_of_classes(void **state)
{
	const struct {
		uint8_t class, subclass, protocol;
		const uint8_t *bytes;
		size_t len;
		uint8_t index; /* 0: none at all */
	} rows[] = {
	    /* Ethernet: the MAC address; also of a vendor's interface */
	    {2, 6, 0, BODY(13, 0x24, 15, 7, 0, 0, 0, 0, 0, 6, 0, 0, 0), 7},
	    {2, 13, 0, BODY(13, 0x24, 15, 7, 0, 0, 0, 0, 0, 6, 0, 0, 0), 7},
	    {0xff, 1, 1, BODY(13, 0x24, 15, 7, 0, 0, 0, 0, 0, 6, 0, 0, 0), 7},
	    /* the same bytes mean nothing elsewhere, or with index 0 */
	    {8, 6, 0x50, BODY(13, 0x24, 15, 7, 0, 0, 0, 0, 0, 6, 0, 0, 0), 0},
	    {2, 6, 0, BODY(13, 0x24, 15, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0), 0},
	    {2, 6, 0, BODY(13, 0x25, 15, 7, 0, 0, 0, 0, 0, 6, 0, 0, 0), 0},
	    /* audio 1.0: output terminal, feature unit */
	    {1, 1, 0, BODY(9, 0x24, 3, 2, 1, 3, 0, 1, 9), 9},
	    {1, 1, 0, BODY(9, 0x24, 6, 5, 1, 1, 3, 0, 8), 8},
	    /* audio 2.0: clock source; a MIDI jack */
	    {1, 1, 0x20, BODY(8, 0x24, 10, 4, 1, 7, 0, 6), 6},
	    {1, 3, 0, BODY(6, 0x24, 2, 1, 1, 5), 5},
	    /* video: camera terminal, processing unit with 3 control bytes */
	    {14, 1, 0, BODY(8, 0x24, 2, 1, 1, 2, 0, 4), 4},
	    {14, 1, 0, BODY(13, 0x24, 5, 2, 1, 0, 0, 3, 0, 0, 0, 11, 0), 11},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		look(rows[i].class, rows[i].subclass, rows[i].protocol,
		    rows[i].bytes, rows[i].len);
		assert_int_equal(count(), rows[i].index != 0);
		assert_true(rows[i].index == 0 || wanted[rows[i].index]);
	}
}

/* Two of one descriptor: an input terminal and the names of its channels. */
static void
two_strings(void **state)
{
	(void)state;
	look(1, 1, 0, BODY(12, 0x24, 2, 1, 1, 2, 0, 2, 3, 0, 5, 6));
	assert_int_equal(count(), 2);
	assert_true(wanted[5] && wanted[6]);
}

/* Descriptors that end before the index, or are cut. */
static void
too_short(void **state)
{
	(void)state;
	look(2, 6, 0, BODY(3, 0x24, 15));
	assert_int_equal(count(), 0);
	look(2, 6, 0, BODY(13, 0x24, 15, 7));
	assert_int_equal(count(), 0);
	look(14, 1, 0, BODY(9, 0x24, 5, 2, 1, 0, 0, 15, 0));
	assert_int_equal(count(), 0);
	for (unsigned subtype = 0; subtype < 256; subtype++) {
		for (uint8_t n = 2; n <= 8; n++) {
			uint8_t bytes[8] = {n, 0x24, (uint8_t)subtype, 1, 2, 3,
			    4, 5};

			look(14, 1, 0, bytes, n);
			look(1, 1, 0x20, bytes, n);
			look(1, 1, 0, bytes, n);
			look(2, 2, 1, bytes, n);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(strings_of_classes),
	    cmocka_unit_test(two_strings),
	    cmocka_unit_test(too_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
