/*
 * Command APDUs: the seven cases of ISO 7816-4, and what does not add up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "policy/decode/apdu.h"

static const struct {
	const char *name;
	uint8_t bytes[24];
	size_t len, total; /* seen, of */
	enum apdu_part part;
	int result;
	int lc; /* -1 = unknown */
	uint32_t aid_len;
} cases[] = {
	{"1", {0, 0x44, 0, 0}, 4, 4, APDU_WHOLE, 0, 0, 0},
	{"2 short", {0, 0xb0, 0, 0, 0}, 5, 5, APDU_WHOLE, 0, 0, 0},
	{"3 short", {0, 0xd6, 0, 0, 2, 1, 2}, 7, 7, APDU_WHOLE, 0, 2, 0},
	{"4 short", {0, 0xa4, 4, 0, 2, 1, 2, 0}, 8, 8, APDU_WHOLE, 0, 2, 2},
	{"2 extended", {0, 0xb0, 0, 0, 0, 1, 0}, 7, 7, APDU_WHOLE, 0, 0, 0},
	{"3 extended", {0, 0xa4, 4, 0, 0, 0, 2, 1, 2}, 9, 9, APDU_WHOLE, 0, 2,
	    2},
	{"4 extended", {0, 0xd6, 0, 0, 0, 0, 1, 9, 0, 0}, 10, 10, APDU_WHOLE,
	    0, 1, 0},
	{"4 extended, seen in part", {0, 0xd6, 0, 0, 0, 1, 0, 9}, 8, 265,
	    APDU_WHOLE, 0, 256, 0},
	{"a name seen in part", {0, 0xa4, 4, 0, 8, 1}, 6, 13, APDU_WHOLE,
	    ERR_FORMAT, 0, 0},
	{"select by another way", {0, 0xa4, 0, 0, 2, 0x3f, 0}, 7, 7, APDU_WHOLE,
	    0, 2, 0},
	{"three bytes", {0, 0xa4, 4}, 3, 3, APDU_WHOLE, ERR_FORMAT, 0, 0},
	{"six bytes", {0, 0xb0, 0, 0, 0, 0}, 6, 6, APDU_WHOLE, ERR_FORMAT, 0,
	    0},
	{"too few data", {0, 0xd6, 0, 0, 4, 1, 2}, 7, 7, APDU_WHOLE,
	    ERR_FORMAT, 0, 0},
	{"too many data", {0, 0xd6, 0, 0, 1, 1, 2, 3}, 8, 8, APDU_WHOLE,
	    ERR_FORMAT, 0, 0},
	{"extended without Lc", {0, 0xd6, 0, 0, 0, 0, 0, 1}, 8, 8, APDU_WHOLE,
	    ERR_FORMAT, 0, 0},
	{"half an Le", {0, 0xd6, 0, 0, 0, 0, 1, 1, 0}, 9, 9, APDU_WHOLE,
	    ERR_FORMAT, 0, 0},
	{"more seen than there is", {0, 0xd6, 0, 0, 0}, 5, 4, APDU_WHOLE,
	    ERR_FORMAT, 0, 0},
	{"begins", {0, 0xd6, 0, 0, 9, 1}, 6, 6, APDU_BEGIN, 0, 9, 0},
	{"begins with its header", {0, 0xd6, 0, 0}, 4, 4, APDU_BEGIN, 0, -1, 0},
	{"begins without Lc", {0, 0xd6, 0, 0, 0, 1}, 6, 6, APDU_BEGIN, 0, -1,
	    0},
	{"begins with a name", {0, 0xa4, 4, 0, 2, 1, 2}, 7, 7, APDU_BEGIN, 0, 2,
	    2},
	{"begins with half a name", {0, 0xa4, 4, 0, 3, 1, 2}, 7, 7, APDU_BEGIN,
	    0, 3, 0},
};

static void
test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct apdu a;
		int got = apdu_parse(&a, cases[i].bytes, cases[i].len,
		    cases[i].total, cases[i].part);

		if (got != cases[i].result) {
			fail_msg("%s: %d", cases[i].name, got);
		}
		if (got == 0 && ((a.has_lc ? (int)a.lc : -1) != cases[i].lc ||
				    a.aid_len != cases[i].aid_len)) {
			fail_msg("%s: lc %u", cases[i].name, a.lc);
		}
	}
}

static void
test_facts(void **state)
{
	static const uint8_t bytes[] = {0x0c, 0xa4, 4, 0, 1, 0xa0};
	struct apdu a;
	struct facts f;

	(void)state;
	assert_int_equal(apdu_parse(&a, bytes, 6, 6, APDU_WHOLE), 0);
	apdu_facts(&f, &a, bytes, 6);
	assert_int_equal(f.num[FACT_CLA], 0x0c);
	assert_int_equal(f.num[FACT_INS], 0xa4);
	assert_true(facts_has(&f, FACT_AID));
	assert_ptr_equal(f.text, bytes + 5);
	assert_int_equal(f.nbytes, 6);
	apdu_facts(&f, NULL, bytes, 6);
	assert_int_equal(f.has, 0);
	assert_int_equal(f.nbytes, 6);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_facts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
