/*
 * CDC functions: which interfaces belong together, by union, call management
 * or association, and descriptors that lie.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "policy/decode/cdc.h"

#define CONFIG(n, len) 9, 2, len, 0, n, 1, 0, 0x80, 50
#define COMM(n, sub) 9, 4, n, 0, 0, 2, sub, 0, 0
#define DATA(n) 9, 4, n, 0, 0, 0x0a, 0, 0, 0
#define UNION(c, d) 5, 0x24, 6, c, d
#define CALL(d) 5, 0x24, 1, 3, d
#define ACM 4, 0x24, 2, 2
#define IAD(first, n) 8, 0x0b, first, n, 2, 2, 0, 0
#define ETHER 13, 0x24, 0x0f, 4, 0, 0, 0, 0, 0xea, 5, 3, 0, 0
#define NCM 6, 0x24, 0x1a, 0, 1, 0x20

static const struct {
	const char *name;
	uint8_t bytes[96];
	uint8_t of;	/* interface that is asked about */
	int result;
	unsigned has;
	uint8_t control, data;
} cases[] = {
	{"union, by its control", {CONFIG(2, 36), COMM(0, 2), ACM, UNION(0, 1),
	    DATA(1)}, 0, 0, CDC_ACM | CDC_UNION | CDC_DATA, 0, 1},
	{"union, by its data", {CONFIG(2, 36), COMM(0, 2), ACM, UNION(0, 1),
	    DATA(1)}, 1, 0, CDC_ACM | CDC_UNION | CDC_DATA, 0, 1},
	{"call management", {CONFIG(2, 32), COMM(0, 2), CALL(1), DATA(1)}, 1, 0,
	    CDC_CALL | CDC_DATA, 0, 1},
	{"association", {CONFIG(2, 39), IAD(2, 2), COMM(2, 2), ACM, DATA(3)}, 3,
	    0, CDC_ACM | CDC_DATA, 2, 3},
	{"association of others", {CONFIG(2, 39), IAD(4, 2), COMM(2, 2), ACM,
	    DATA(3)}, 3, ERR_NOENT, 0, 0, 0},
	{"one interface for both", {CONFIG(1, 27), COMM(0, 2), ACM,
	    UNION(0, 0)}, 0, 0, CDC_ACM | CDC_UNION | CDC_DATA, 0, 0},
	{"a union of another", {CONFIG(2, 36), COMM(0, 2), ACM, UNION(5, 1),
	    DATA(1)}, 0, 0, CDC_ACM, 0, 0},
	{"data that is not there", {CONFIG(1, 27), COMM(0, 2), ACM,
	    UNION(0, 9)}, 0, 0, CDC_ACM | CDC_UNION, 0, 0},
	{"the first union counts", {CONFIG(3, 46), COMM(0, 2), UNION(0, 1),
	    UNION(0, 2), DATA(1), DATA(2)}, 2, ERR_NOENT, 0, 0, 0},
	{"two lay claim", {CONFIG(3, 46), COMM(0, 2), UNION(0, 2), COMM(1, 6),
	    UNION(1, 2), DATA(2)}, 2, ERR_FORMAT, 0, 0, 0},
	{"network", {CONFIG(2, 51), COMM(0, 0x0d), UNION(0, 1), ETHER, NCM,
	    DATA(1)}, 1, 0, CDC_UNION | CDC_ETHER | CDC_NCM | CDC_DATA, 0, 1},
	{"a union without data", {CONFIG(1, 22), COMM(0, 2), 4, 0x24, 6, 0}, 0,
	    ERR_FORMAT, 0, 0, 0},
	{"a short Ethernet descriptor", {CONFIG(1, 24), COMM(0, 6), 6, 0x24,
	    0x0f, 4, 0, 0}, 0, ERR_FORMAT, 0, 0, 0},
	{"two bytes", {CONFIG(1, 20), COMM(0, 6), 2, 0x24}, 0, ERR_FORMAT, 0, 0,
	    0},
	{"not of its class", {CONFIG(1, 18), 9, 4, 0, 0, 0, 8, 6, 0x50, 0}, 0,
	    ERR_NOENT, 0, 0, 0},
};

static void
test_table(void **state)
{
	static struct desc_config config;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cdc c;
		int got;

		assert_int_equal(desc_parse_config(&config, cases[i].bytes,
				     cases[i].bytes[2], NULL), 0);
		got = cdc_find(&c, &config, cases[i].bytes,
		    desc_find_alt(&config, cases[i].of, 0));
		if (got != cases[i].result || (got == 0 &&
		    (c.has != cases[i].has || c.control != cases[i].control ||
			c.data != cases[i].data))) {
			fail_msg("%s: %d, has %x", cases[i].name, got, c.has);
		}
	}
}

static void
test_network(void **state)
{
	static const uint8_t bytes[] = {CONFIG(2, 51), COMM(0, 0x0d),
	    UNION(0, 1), ETHER, NCM, DATA(1)};
	static struct desc_config config;
	struct cdc c;

	(void)state;
	assert_int_equal(
	    desc_parse_config(&config, bytes, sizeof(bytes), NULL), 0);
	assert_int_equal(cdc_parse(&c, &config, bytes, 0), 0);
	assert_int_equal(c.imac, 4);
	assert_int_equal(c.max_segment, 1514);
	assert_int_equal(c.filters, 3);
	assert_int_equal(c.ncm_caps, 0x20);
	assert_int_equal(c.subclass, 0x0d);
	assert_int_equal(cdc_parse(&c, &config, bytes, 1), ERR_NOENT);
	assert_int_equal(cdc_parse(&c, &config, bytes, 7), ERR_NOENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_network),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
