/*
 * Report descriptors: of devices that are sold, with what their reports say; and
 * of those that want to do harm, each with the rule that refuses it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "policy/decode/hid_report.h"
#include "tests/unit/hid_devices.h"

static const uint8_t keyboard[] = {REPORT_KEYBOARD};
static const uint8_t nkro[] = {REPORT_NKRO};
static const uint8_t mouse[] = {REPORT_MOUSE};
static const uint8_t receiver[] = {REPORT_RECEIVER};
static const uint8_t gamepad[] = {REPORT_GAMEPAD};
static const uint8_t fido[] = {REPORT_FIDO};

static struct hid_report report;
static struct hid_values values;

#define OF(a) a, sizeof(a)

static void
compile(const uint8_t *bytes, size_t len)
{
	struct desc_why why = {.text = ""};

	if (hid_report_compile(&report, bytes, len, &why) != 0) {
		fail_msg("%s at %zu", why.text, why.offset);
	}
}

static void
test_shapes(void **state)
{
	static const struct {
		const uint8_t *bytes;
		size_t len;
		enum hid_kind kind;
		uint8_t id;
		unsigned size; /* 0 = not there */
		unsigned longest;
		int has_keys, is_pure;
	} cases[] = {
		{OF(keyboard), HID_INPUT, 0, 8, 8, 1, 1},
		{OF(keyboard), HID_OUTPUT, 0, 1, 1, 0, 0},
		{OF(keyboard), HID_FEATURE, 0, 0, 0, 0, 0},
		{OF(nkro), HID_INPUT, 0, 16, 16, 1, 1},
		{OF(mouse), HID_INPUT, 0, 7, 7, 0, 0},
		{OF(receiver), HID_INPUT, 0, 0, 8, 0, 0},
		{OF(receiver), HID_INPUT, 1, 7, 8, 1, 1},
		{OF(receiver), HID_OUTPUT, 1, 1, 2, 0, 0},
		{OF(receiver), HID_INPUT, 2, 6, 8, 0, 0},
		{OF(receiver), HID_INPUT, 3, 4, 8, 0, 0},
		{OF(receiver), HID_INPUT, 4, 1, 8, 1, 1},
		{OF(gamepad), HID_INPUT, 0, 6, 6, 0, 0},
		{OF(gamepad), HID_FEATURE, 0, 8, 8, 0, 0},
		{OF(fido), HID_INPUT, 0, 64, 64, 0, 0},
		{OF(fido), HID_OUTPUT, 0, 64, 64, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct hid_shape *s;

		compile(cases[i].bytes, cases[i].len);
		s = hid_report_shape(&report, cases[i].kind, cases[i].id);
		assert_int_equal(
		    report.longest[cases[i].kind], cases[i].longest);
		if (cases[i].size == 0) {
			assert_null(s);
			continue;
		}
		assert_non_null(s);
		assert_int_equal(s->len, cases[i].size);
		assert_int_equal(s->slot != HID_NO_SLOT, cases[i].has_keys);
		if (cases[i].kind == HID_INPUT) {
			assert_int_equal(s->is_pure, cases[i].is_pure);
		}
	}
}

static void
test_application(void **state)
{
	static const uint8_t inner[] = {0x05, 0x01, 0x09, 0x06, 0xa1, 0x01,
		0x06, 0xd0, 0xf1, 0x09, 0x01, 0xa1, 0x01, 0xc0, 0xc0};
	static const uint8_t wide[] = {
		0x0b, 0x01, 0x00, 0xd0, 0xf1, 0xa1, 0x01, 0xc0};

	(void)state;
	assert_int_equal(hid_report_has_application(OF(fido), 0xf1d00001), 1);
	assert_int_equal(hid_report_has_application(OF(wide), 0xf1d00001), 1);
	assert_int_equal(hid_report_has_application(OF(inner), 0xf1d00001), 0);
	assert_int_equal(hid_report_has_application(OF(inner), 0x00010006), 1);
	assert_int_equal(
	    hid_report_has_application(OF(keyboard), 0xf1d00001), 0);
	assert_int_equal(hid_report_has_application(OF(receiver), 0x10080), 1);
	assert_int_equal(hid_report_has_application(fido, 3, 0xf1d00001), 0);
}

/* Reports as hex; keys and usages that they mean, in their order. */
static void
test_values(void **state)
{
	static const struct {
		const uint8_t *bytes;
		size_t len;
		uint8_t id;
		const char *data;
		unsigned keys[4];
		uint32_t usages[5];
		int is_rollover;
	} cases[] = {
		{OF(keyboard), 0, "0000000000000000", {0}, {0}, 0},
		{OF(keyboard), 0, "0000040000000000", {4}, {0x70004}, 0},
		{OF(keyboard), 0, "0500150000000000", {0x15, 0xe0, 0xe2},
		    {0x700e0, 0x700e2, 0x70015}, 0},
		{OF(keyboard), 0, "0001010101010101", {0}, {0x70001}, 1},
		/* short: the rest counts as 0 */
		{OF(keyboard), 0, "80", {0xe7}, {0x700e7}, 0},
		{OF(keyboard), 0, "", {0}, {0}, 0},
		/* the reserved byte is none of the keys */
		{OF(keyboard), 0, "00ff000000000000", {0}, {0}, 0},
		{OF(nkro), 0, "02100000000000000000000000000080",
		    {4, 0x77, 0xe1}, {0x700e1, 0x70004, 0x70077}, 0},
		{OF(mouse), 0, "05000000000000", {0}, {0x90001, 0x90003}, 0},
		{OF(mouse), 0, "00ffff0100ff01", {0},
		    {0x10030, 0x10031, 0x10038, 0xc0238}, 0},
		{OF(receiver), 1, "02040000000000", {4, 0xe1},
		    {0x700e1, 0x70004}, 0},
		{OF(receiver), 2, "00800010ff01", {0},
		    {0x90010, 0x10031, 0x10038}, 0},
		/* volume up; 0 and what is above the last mean nothing */
		{OF(receiver), 3, "e9000000", {0}, {0xc00e9}, 0},
		{OF(receiver), 3, "8d02ffff", {0}, {0}, 0},
		{OF(receiver), 4, "01", {0x102}, {0x10082}, 0},
		{OF(receiver), 4, "02", {0x101}, {0x10081}, 0},
		{OF(receiver), 4, "00", {0}, {0}, 0},
		{OF(gamepad), 0, "008000000880", {0},
		    {0x10031, 0x10039, 0x9000c}, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t want[KEY_WORDS] = {0};
		uint8_t data[64];
		size_t n = hid_hex(data, sizeof(data), cases[i].data);

		compile(cases[i].bytes, cases[i].len);
		hid_report_read(&values, &report,
		    hid_report_shape(&report, HID_INPUT, cases[i].id), data,
		    n);
		for (unsigned k = 0; k < 4 && cases[i].keys[k] != 0; k++) {
			want[cases[i].keys[k] / 64] |= UINT64_C(1)
			    << cases[i].keys[k] % 64;
		}
		if (memcmp(want, values.keys, sizeof(want)) != 0) {
			fail_msg("keys of case %zu", i);
		}
		for (n = 0; n < 5 && cases[i].usages[n] != 0; n++) {
			if (n >= values.nusages ||
			    values.usages[n] != cases[i].usages[n]) {
				fail_msg("usage %zu of case %zu: %x", n, i,
				    values.usages[n]);
			}
		}
		assert_int_equal(values.nusages, n);
		assert_int_equal(values.is_rollover, cases[i].is_rollover);
		assert_int_equal(values.is_full, 0);
	}
}

/* Descriptors that kernels read in ways of their own. */
static void
test_as_linux(void **state)
{
	/* the page comes behind the usages: it counts */
	static const uint8_t late_page[] = {0x05, 0x09, 0x09, 0x04, 0x09, 0x05,
		0x05, 0x07, 0x15, 0x00, 0x25, 0x01, 0x75, 0x01, 0x95, 0x02,
		0x81, 0x02, 0x95, 0x06, 0x81, 0x01};
	/* fewer usages than values: the last again; a usage with its page */
	static const uint8_t few[] = {0x05, 0x07, 0x09, 0x04, 0x0b, 0x30, 0x00,
		0x01, 0x00, 0x15, 0x00, 0x25, 0x7f, 0x75, 0x08, 0x95, 0x03,
		0x81, 0x02};
	/* of alternatives the first */
	static const uint8_t sets[] = {0x05, 0x07, 0xa9, 0x01, 0x09, 0x04, 0xa9,
		0x00, 0xa9, 0x01, 0x09, 0x05, 0xa9, 0x00, 0x15, 0x00, 0x25,
		0x01, 0x75, 0x08, 0x95, 0x01, 0x81, 0x02};
	/* signed numbers of usages, from -1 */
	static const uint8_t minus[] = {0x05, 0x07, 0x19, 0x04, 0x29, 0x06,
		0x15, 0xff, 0x25, 0x01, 0x75, 0x08, 0x95, 0x02, 0x81, 0x00};
	/* 8 bits a key, 64 bits a value */
	static const uint8_t broad[] = {0x05, 0x07, 0x09, 0x04, 0x15, 0x00,
		0x25, 0x01, 0x75, 0x40, 0x95, 0x01, 0x81, 0x02};
	static const uint8_t bits[] = {0x02}, axes[] = {0, 1, 1},
	    one[] = {1}, signs[] = {0xff, 0x01},
	    high[] = {0, 0, 0, 0, 0, 0, 0, 0x80};
	const struct {
		const uint8_t *bytes;
		size_t len;
		const uint8_t *data;
		size_t ndata;
		uint32_t usages[3];
	} cases[] = {
		{OF(late_page), OF(bits), {0x70005}},
		{OF(few), OF(axes), {0x10030}},
		{OF(sets), OF(one), {0x70004}},
		{OF(minus), OF(signs), {0x70004, 0x70006}},
		{OF(broad), OF(high), {0x70004}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned n = 0;

		compile(cases[i].bytes, cases[i].len);
		hid_report_read(&values, &report,
		    hid_report_shape(&report, HID_INPUT, 0), cases[i].data,
		    cases[i].ndata);
		while (n < 3 && cases[i].usages[n] != 0) {
			if (n >= values.nusages ||
			    values.usages[n] != cases[i].usages[n]) {
				fail_msg("usage %u of case %zu", n, i);
			}
			n++;
		}
		assert_int_equal(values.nusages, n);
	}
}

static void
test_hostile(void **state)
{
#define BYTES(...) (const uint8_t[]){__VA_ARGS__}, \
	    sizeof((const uint8_t[]){__VA_ARGS__})
#define ONE_KEY 0x05, 0x07, 0x09, 0x04, 0x15, 0x00, 0x25, 0x01
	const struct {
		const uint8_t *bytes;
		size_t len;
		const char *rule;
		size_t at;
	} cases[] = {
		{BYTES(0x05), "R7.item", 0},
		{BYTES(0x75, 0x08, 0x27, 0xff, 0xff), "R7.item", 2},
		{BYTES(0xfe), "R7.item", 0},
		{BYTES(0xfe, 0x10, 0x00), "R7.item", 0},
		{BYTES(0xc0), "R7.collection", 0},
		{BYTES(0xa1, 0x01), "R7.collection", 2},
		{BYTES(0xa1, 0x01, 0xc0, 0xc0), "R7.collection", 3},
		{BYTES(0xb4), "R7.stack", 0},
		{BYTES(0xa4, 0xa4, 0xa4, 0xa4, 0xa4, 0xa4, 0xa4, 0xa4, 0xa4,
		     0xa4, 0xa4, 0xa4, 0xa4, 0xa4, 0xa4, 0xa4, 0xa4),
		    "R7.stack", 16},
		/* 2^31 values; 257 bits; a report above 16 KiB */
		{BYTES(0x97, 0x00, 0x00, 0x00, 0x80), "R7.count", 0},
		{BYTES(0x96, 0x01, 0x30), "R7.count", 0},
		{BYTES(0x76, 0x01, 0x01), "R7.size", 0},
		{BYTES(0x76, 0x00, 0x01, 0x96, 0x01, 0x02, 0x81, 0x03),
		    "R7.size", 6},
		{BYTES(0x85, 0x00), "R7.id", 0},
		{BYTES(0x86, 0x00, 0x01), "R7.id", 0},
		/* without an id, and with one */
		{BYTES(0x75, 0x08, 0x95, 0x01, 0x81, 0x01, 0x85, 0x01, 0x81,
		     0x01),
		    "R7.id", 8},
		{BYTES(0xa4, 0x75, 0x08, 0x95, 0x01, 0x85, 0x01, 0x81, 0x01,
		     0xb4, 0x75, 0x08, 0x95, 0x01, 0x81, 0x01),
		    "R7.id", 14},
		/* CVE-2022-20565 */
		{BYTES(ONE_KEY, 0x75, 0x00, 0x95, 0x01, 0x81, 0x02),
		    "R7.size", 12},
		{BYTES(0x75, 0x00, 0x95, 0x01, 0x81, 0x01), "R7.size", 6},
		{BYTES(0x81, 0x02), "R7.size", 2},
		{BYTES(ONE_KEY, 0x75, 0x21, 0x95, 0x01, 0x81, 0x00),
		    "R7.size", 12},
		{BYTES(0x15, 0x05, 0x25, 0x01, 0x75, 0x08, 0x95, 0x01, 0x81,
		     0x02),
		    "R7.logical", 8},
		{BYTES(0x15, 0xff, 0x25, 0xfe, 0x75, 0x08, 0x95, 0x01, 0x81,
		     0x02),
		    "R7.logical", 8},
		{BYTES(0x05, 0x07, 0x0a, 0x00, 0x03), "R7.usage", 2},
		{BYTES(0x0b, 0x00, 0x03, 0x07, 0x00), "R7.usage", 0},
		{BYTES(0x05, 0x07, 0x19, 0x00, 0x2a, 0xff, 0xff), "R7.usage",
		    4},
		{BYTES(0x19, 0x05, 0x29, 0x04), "R7.usage", 2},
		{BYTES(0x19, 0x00, 0x2b, 0x00, 0x00, 0x01, 0x00), "R7.usage",
		    2},
		{BYTES(0xa9, 0x00), "R7.usage", 0},
		{BYTES(0xa9, 0x01, 0xa9, 0x01), "R7.usage", 2},
		{BYTES(0x95, 0x01, 0xa9, 0x01, 0x81, 0x02), "R7.usage", 4},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct desc_why why = {.rule = ""};

		assert_int_equal(hid_report_compile(&report, cases[i].bytes,
				     cases[i].len, &why),
		    ERR_POLICY);
		if (strcmp(why.rule, cases[i].rule) != 0 ||
		    why.offset != cases[i].at) {
			fail_msg("case %zu: %s, %s at %zu", i, why.rule,
			    why.text, why.offset);
		}
		assert_int_equal(hid_report_compile(&report, cases[i].bytes,
				     cases[i].len, NULL),
		    ERR_POLICY);
	}
}

/* Many of something: n times `item', then `end'. */
static void
many(size_t n, const uint8_t *item, size_t len, const char *rule)
{
	static uint8_t bytes[65536];
	struct desc_why why = {.rule = ""};
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		assert_true(at + len <= sizeof(bytes));
		memcpy(bytes + at, item, len);
		if (len > 2 && item[0] == 0x85) {
			bytes[at + 1] = (uint8_t)(i % 255 + 1);
		}
		at += len;
	}
	if (rule == NULL) {
		assert_int_equal(
		    hid_report_compile(&report, bytes, at, &why), 0);
		return;
	}
	assert_int_equal(
	    hid_report_compile(&report, bytes, at, &why), ERR_POLICY);
	assert_string_equal(why.rule, rule);
}

static void
test_many(void **state)
{
	static const uint8_t collection[] = {0xa0}, usage[] = {0x08},
	    field[] = {0x09, 0x01, 0x75, 0x01, 0x95, 0x01, 0x81, 0x02},
	    keys[] = {0x85, 0x01, 0x05, 0x07, 0x09, 0x04, 0x75, 0x01, 0x95,
		0x01, 0x81, 0x02},
	    reserved[] = {0x0d, 0, 0}, nothing[] = {0x00};

	(void)state;
	many(65, OF(collection), "R7.collection");
	many(1024, OF(usage), NULL);
	many(1025, OF(usage), "R7.count");
	many(512, OF(field), NULL);
	many(513, OF(field), "R7.count");
	many(16, OF(keys), NULL);
	many(17, OF(keys), "R7.count");
	/* 64 kB of what nobody knows are read, and mean nothing */
	many(20000, OF(reserved), NULL);
	many(65536, OF(nothing), NULL);
}

/* A report that says more than there is room for is marked, not cut quietly. */
static void
test_full(void **state)
{
	static const uint8_t wide[] = {0x06, 0x00, 0xff, 0x19, 0x01, 0x2a, 0x00,
		0x10, 0x15, 0x00, 0x25, 0x01, 0x75, 0x01, 0x96, 0x00, 0x10,
		0x81, 0x02};
	static const uint8_t same[] = {0x06, 0x00, 0xff, 0x09, 0x01, 0x15, 0x00,
		0x25, 0x01, 0x75, 0x01, 0x96, 0x00, 0x10, 0x81, 0x02};
	static uint8_t data[512];

	(void)state;
	memset(data, 0xff, sizeof(data));
	compile(OF(wide));
	hid_report_read(&values, &report,
	    hid_report_shape(&report, HID_INPUT, 0), data, sizeof(data));
	assert_int_equal(values.is_full, 1);
	assert_int_equal(values.nusages, HID_USAGES);
	compile(OF(same));
	hid_report_read(&values, &report,
	    hid_report_shape(&report, HID_INPUT, 0), data, sizeof(data));
	assert_int_equal(values.is_full, 0);
	assert_int_equal(values.nusages, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_application),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_as_linux),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
