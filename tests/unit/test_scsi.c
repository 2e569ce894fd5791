/*
 * policy/decode/scsi: which command a CDB is, on which blocks, and how much
 * data may go with it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policy/decode/scsi.h"
#include "policy/facts/scsi.h"

#define NOTHING 1, 0	     /* no blocks: last < first */
#define ALL 0, UINT64_MAX
#define UNSAID 0, 0	     /* has_span is 0 */

static const struct {
	uint8_t cdb[16];
	uint8_t len, is_in;
	uint32_t data;
	uint16_t op;
	uint64_t first, last;
	int page; /* -1 = none */
} parses[] = {
	{{0x00}, 6, 0, 0, 0x00, UNSAID, -1},
	{{0x08, 0xff, 0xff, 0xff, 0}, 6, 1, 0, 0x08, 0x1fffff, 0x2000fe, -1},
	{{0x0a, 0, 0, 5, 1}, 6, 0, 512, 0x0a, 5, 5, -1},
	{{0x28, 0, 1, 2, 3, 4, 0, 0, 2}, 10, 1, 1024, 0x28, 0x01020304,
	    0x01020305, -1},
	{{0x28, 0, 0xff, 0xff, 0xff, 0xff, 0, 0xff, 0xff}, 10, 1, 0, 0x28,
	    0xffffffff, 0x10000fffd, -1},
	{{0x28}, 10, 1, 0, 0x28, NOTHING, -1},
	{{0x2a, 0, 0, 0, 0, 9, 0, 0, 0}, 10, 0, 0, 0x2a, 9, 8, -1},
	{{0xa8, 0, 0, 0, 1, 0, 0, 1, 0, 0}, 12, 1, 0, 0xa8, 256, 65791, -1},
	{{0xaa, 0, 0, 0, 1, 0, 0, 0, 0, 1}, 12, 0, 0, 0xaa, 256, 256, -1},
	{{0x88, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 8}, 16, 1, 4096, 0x88,
	    0x100000000, 0x100000007, -1},
	{{0x8a, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0,
	     1}, 16, 0, 512, 0x8a, UINT64_MAX, UINT64_MAX, -1},
	{{0x89, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 2}, 16, 0, 2048, 0x89, 7,
	    8, -1},
	{{0x9c, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 9, 0, 2}, 16, 0, 1024, 0x9c, 7,
	    8, -1},
	{{0xbe, 0, 0, 0, 0, 16, 0, 0, 2}, 12, 1, 4704, 0xbe, 16, 17, -1},
	/* a number of 0 that means the rest of the medium */
	{{0x35}, 10, 0, 0, 0x35, ALL, -1},
	{{0x35, 0, 0, 0, 0, 8, 0, 0, 8}, 10, 0, 0, 0x35, 8, 15, -1},
	{{0x41, 0, 0, 0, 0, 8}, 10, 0, 512, 0x41, 8, UINT64_MAX, -1},
	{{0x93, 0, 0, 0, 0, 0, 0, 0, 0, 8}, 16, 0, 512, 0x93, 8, UINT64_MAX,
	    -1},
	/* blocks that the CDB does not tell */
	{{0x42, 0, 0, 0, 0, 0, 0, 0, 24}, 10, 0, 24, 0x42, ALL, -1},
	{{0x04}, 6, 0, 0, 0x04, ALL, -1},
	{{0x48}, 10, 0, 0, 0x48, ALL, -1},
	{{0x85}, 16, 0, 0, 0x85, ALL, -1},
	{{0xc1}, 1, 0, 0, 0xc1, ALL, -1},
	{{0xff}, 10, 1, 64, 0xff, ALL, -1},
	{{0x7f, 0, 0, 0, 0, 0, 0, 24, 0, 11}, 16, 0, 512, 0x7f, ALL, -1},
	/* service actions */
	{{0x9e, 0x10}, 16, 1, 32, SCSI_READ_CAPACITY_16, UNSAID, -1},
	{{0x9e, 0xf0}, 16, 1, 32, SCSI_READ_CAPACITY_16, UNSAID, -1},
	{{0x9e, 0x12}, 16, 1, 24, 0x112, UNSAID, -1},
	{{0x9e, 0x1f}, 16, 1, 32, 0x9e, ALL, -1},
	{{0x9e, 0x00}, 16, 1, 32, 0x9e, ALL, -1},
	{{0x9f, 0x11, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 2, 8}, 16, 0, 520,
	    SCSI_WRITE_LONG_16, 5, 5, -1},
	{{0x9f, 0x12}, 16, 0, 0, 0x9f, ALL, -1},
	{{0xa3, 0x0c}, 12, 1, 512, 0x14c, UNSAID, -1},
	{{0xa3, 0x00}, 12, 1, 512, 0xa3, ALL, -1},
	{{0xa4, 0x0a}, 12, 0, 0, 0x16a, ALL, -1},
	{{0xa4, 0x10}, 12, 0, 0, 0xa4, ALL, -1},
	{{0xab, 0x01}, 12, 1, 0, 0x181, UNSAID, -1},
	/* one opcode, two meanings */
	{{0x42}, 10, 1, 96, SCSI_READ_SUB_CHANNEL, UNSAID, -1},
	{{0x42}, 10, 1, 0, 0x42, ALL, -1},
	{{0x51}, 10, 1, 34, 0x51, UNSAID, -1},
	{{0x51}, 10, 0, 34, SCSI_XPWRITE_10, ALL, -1},
	{{0xac}, 12, 1, 8, SCSI_GET_PERFORMANCE, UNSAID, -1},
	{{0xac}, 12, 0, 0, 0xac, ALL, -1},
	{{0xbd}, 12, 1, 8, SCSI_MECHANISM_STATUS, UNSAID, -1},
	{{0xbd}, 12, 0, 8, 0xbd, ALL, -1},
	/* pages */
	{{0x12, 0, 0x80, 0, 36}, 6, 1, 36, 0x12, UNSAID, -1},
	{{0x12, 1, 0x80, 0, 36}, 6, 1, 36, 0x12, UNSAID, 0x80},
	{{0x1a, 0, 0xff, 0, 4}, 6, 1, 4, 0x1a, UNSAID, 0x3f},
	{{0x5a, 0, 0x08, 0, 4}, 10, 1, 4, 0x5a, UNSAID, 8},
	{{0x4d, 0, 0x4d, 0, 4}, 10, 1, 4, 0x4d, UNSAID, 13},
	{{0x1c, 1, 0xf0}, 6, 1, 4, 0x1c, UNSAID, 0xf0},
};

static void
test_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(parses) / sizeof(parses[0]); i++) {
		struct scsi_command c;
		struct facts f;

		assert_null(scsi_parse(&c, parses[i].cdb, parses[i].len,
		    parses[i].is_in, parses[i].data));
		if (c.op != parses[i].op || c.first != parses[i].first ||
		    c.last != parses[i].last) {
			fail_msg("case %zu: op %x, %llu..%llu", i, c.op,
			    (unsigned long long)c.first,
			    (unsigned long long)c.last);
		}
		facts_init(&f, HOOK_SCSI);
		scsi_facts(&f, &c);
		assert_int_equal(facts_has(&f, FACT_LBA),
		    c.first != 0 || c.last != 0);
		assert_int_equal(
		    facts_has(&f, FACT_PAGE), parses[i].page != -1);
		if (parses[i].page != -1) {
			assert_int_equal(f.num[FACT_PAGE], parses[i].page);
		}
	}
}

static void
test_refused(void **state)
{
	static const struct {
		uint8_t cdb[16];
		uint8_t len;
	} bad[] = {
		{{0x00}, 5},
		{{0x28}, 9},
		{{0x5a}, 6},
		{{0xa8}, 10},
		{{0x88}, 12},
		{{0x88, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0,
		     0, 0, 2},
		    16},
		{{0x8a, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1, 0xff, 0xff,
		     0xff, 0xff},
		    10},
	};
	struct scsi_command c;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_non_null(scsi_parse(&c, bad[i].cdb, bad[i].len, 0, 0));
	}
}

/* How many bytes may go out, at most. */
static void
test_data(void **state)
{
	static const struct {
		uint8_t cdb[16];
		uint8_t len;
		uint32_t block;
		uint32_t most; /* ~0: no limit is known */
	} limits[] = {
		{{0x00}, 6, 512, 0},
		{{0x12, 0, 0, 0, 36}, 6, 512, 0},
		{{0x28, 0, 0, 0, 0, 0, 0, 0, 1}, 10, 512, 0},
		{{0x2a, 0, 0, 0, 0, 0, 0, 0, 1}, 10, 512, 512},
		{{0x2a, 0, 0, 0, 0, 0, 0, 0, 3}, 10, 4096, 12288},
		{{0x2a, 0, 0, 0, 0, 0, 0, 0, 1}, 10, 0, 512},
		{{0x2a}, 10, 512, 0},
		{{0x0a}, 6, 512, 131072},
		{{0x89, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 2}, 16, 512, 2048},
		{{0x41, 0, 0, 0, 0, 0, 0, 0, 99}, 10, 512, 512},
		{{0x15, 0x10, 0, 0, 24}, 6, 512, 24},
		{{0x55, 0x10, 0, 0, 0, 0, 0, 1, 0}, 10, 512, 256},
		{{0x42, 0, 0, 0, 0, 0, 0, 0, 24}, 10, 512, 24},
		{{0x3b, 0, 0, 0, 0, 0, 1, 0, 0}, 10, 512, 65536},
		{{0x5f, 0, 0, 0, 0, 0, 0, 0, 24}, 10, 512, 24},
		{{0x2f, 0, 0, 0, 0, 0, 0, 0, 4}, 10, 512, 0},
		{{0x2f, 2, 0, 0, 0, 0, 0, 0, 4}, 10, 512, 2048},
		{{0x2f, 6, 0, 0, 0, 0, 0, 0, 4}, 10, 512, 512},
		{{0xa1}, 12, 512, ~0u},
		{{0xc0}, 6, 512, ~0u},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		uint32_t most = limits[i].most;
		struct scsi_command c;

		assert_null(scsi_parse(
		    &c, limits[i].cdb, limits[i].len, 0, most));
		assert_null(scsi_check_data(&c, 0, most, limits[i].block));
		if (most != ~0u) {
			assert_non_null(scsi_check_data(
			    &c, 0, most + 1, limits[i].block));
		}
		/* a command takes data or gives some */
		assert_int_equal(
		    scsi_check_data(&c, 1, 8, limits[i].block) != NULL,
		    c.way == SCSI_DATA_OUT);
	}
}

static void
test_sense_key(void **state)
{
	static const uint8_t fixed[18] = {0xf0, 0, 0x26}, desc[8] = {0x72, 2};

	(void)state;
	assert_int_equal(scsi_sense_key(fixed, 18), 6);
	assert_int_equal(scsi_sense_key(fixed, 2), 0);
	assert_int_equal(scsi_sense_key(desc, 8), 2);
	assert_int_equal(scsi_sense_key(desc, 1), 0);
	assert_int_equal(scsi_sense_key((const uint8_t *)"\x12\x06\x06", 3), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_sense_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
