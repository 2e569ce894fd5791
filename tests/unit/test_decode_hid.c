/*
 * Reports of keyboards, mice and others, as transfers: their facts, what becomes
 * of those that are refused, and of those that are not as declared.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "policy/decode/hid.h"
#include "policy/decode/list.h"
#include "tests/fake/judge_list.h"
#include "tests/unit/hid_devices.h"
#include "wire/usbip.h"

static const uint8_t keyboard[] = {REPORT_KEYBOARD};
static const uint8_t nkro[] = {REPORT_NKRO};
static const uint8_t mouse[] = {REPORT_MOUSE};
static const uint8_t receiver[] = {REPORT_RECEIVER};
static const uint8_t gamepad[] = {REPORT_GAMEPAD};

#define OF(a) a, sizeof(a)
#define MS UINT64_C(1000000)

static const uint8_t one[] = {HID_CONFIG(41, 1), HID_INTERFACE(0, 1, 1, 0)};
static const uint8_t two[] = {HID_CONFIG(73, 2), HID_INTERFACE(0, 1, 1, 0),
	HID_INTERFACE(1, 0, 0, 0)};
static const uint8_t boot_mouse[] = {
	HID_CONFIG(41, 1), HID_INTERFACE(0, 1, 2, 0)};

struct bed {
	struct judge_list judge;
	struct devrec rec;
	struct desc_config config;
	struct decoder *decoder;
	uint8_t ep; /* number */
	uint64_t now;
};

static struct bed bed, other;

static void
plug_into(struct bed *b, const uint8_t *config, size_t len, uint8_t number,
    const uint8_t *report, size_t report_len)
{
	free(b->decoder);
	judge_list_init(&b->judge);
	b->decoder = judge_list_attach(&b->judge, &decode_hid, &b->rec,
	    &b->config, config, len, number, 0, report, report_len, NULL);
	assert_non_null(b->decoder);
	b->ep = (uint8_t)(number + 1);
	b->now = 1000 * MS;
}

static void
plug(const uint8_t *report, size_t len)
{
	plug_into(&bed, OF(one), 0, report, len);
}

static int
teardown(void **state)
{
	(void)state;
	free(bed.decoder);
	free(other.decoder);
	bed.decoder = other.decoder = NULL;
	return 0;
}

static uint8_t data[512];
static struct unit unit;

/* An input report comes; data and unit are as the workstation gets them. */
static enum decode_act
input_of(struct bed *b, const char *hex)
{
	uint32_t n = (uint32_t)hid_hex(data, sizeof(data), hex);
	enum decode_act act;

	unit_make(&unit, 0x80 | b->ep, XFER_INT, data, sizeof(data), b->now);
	act = b->decoder->ops->submit(b->decoder, &unit);
	assert_int_equal(act, DECODE_PASS);
	unit_done(&unit, 0, n);
	return b->decoder->ops->complete(b->decoder, &unit);
}

static enum decode_act
input(const char *hex)
{
	return input_of(&bed, hex);
}

static enum decode_act
output(const char *hex)
{
	uint32_t n = (uint32_t)hid_hex(data, sizeof(data), hex);

	unit_make(&unit, bed.ep, XFER_INT, data, n, bed.now);
	return bed.decoder->ops->submit(bed.decoder, &unit);
}

static enum decode_act
set_report(uint16_t value, const char *hex)
{
	uint16_t n = (uint16_t)hid_hex(data, sizeof(data), hex);

	unit_control(&unit, 0x21, 9, value, 0, data, n, bed.now);
	return bed.decoder->ops->submit(bed.decoder, &unit);
}

static enum decode_act
get_report(uint16_t value, const char *hex)
{
	enum decode_act act;

	unit_control(&unit, 0xa1, 1, value, 0, data, 64, bed.now);
	act = bed.decoder->ops->submit(bed.decoder, &unit);
	if (act == DECODE_PASS) {
		unit_done(
		    &unit, 0, (uint32_t)hid_hex(data, sizeof(data), hex));
		act = bed.decoder->ops->complete(bed.decoder, &unit);
	}
	return act;
}

static void
set_protocol(uint16_t protocol)
{
	unit_control(&unit, 0x21, 0x0b, protocol, 0, NULL, 0, bed.now);
	assert_int_equal(
	    bed.decoder->ops->submit(bed.decoder, &unit), DECODE_PASS);
	unit_done(&unit, 0, 0);
	assert_int_equal(
	    bed.decoder->ops->complete(bed.decoder, &unit), DECODE_PASS);
}

static int
is_stall(enum decode_act act)
{
	return act == DECODE_ANSWER && unit.status == USBIP_EPIPE &&
	    unit.actual == 0;
}

static int
is_hushed(enum decode_act act)
{
	return act == DECODE_PASS && unit.status == USBIP_EPIPE &&
	    unit.actual == 0;
}

static const struct facts *
last(void)
{
	const struct facts *f = judge_list_last(&bed.judge);

	assert_non_null(f);
	assert_int_equal(f->hook, HOOK_HID);
	return f;
}

static int
has_key(const struct facts *f, unsigned key)
{
	return (f->keys[key / 64] >> key % 64 & 1) != 0;
}

static unsigned
nkeys(const struct facts *f)
{
	unsigned n = 0;

	for (unsigned i = 0; i < KEY_CODES; i++) {
		n += (unsigned)has_key(f, i);
	}
	return n;
}

/* ------------------------------------------------------------------------ */

static void
test_takes(void **state)
{
	static const uint8_t printer[] = {HID_CONFIG(25, 1), 9, 4, 0, 0, 1, 7,
		1, 2, 0, 7, 5, 1, 2, 0, 2, 0};
	struct judge_list j;

	(void)state;
	judge_list_init(&j);
	assert_null(judge_list_attach(&j, &decode_hid, &bed.rec, &bed.config,
	    OF(printer), 0, 0, NULL, 0, NULL));
	/* a HID whose report descriptor nobody read */
	assert_null(judge_list_attach(&j, &decode_hid, &bed.rec, &bed.config,
	    OF(one), 0, 0, NULL, 0, NULL));
}

static void
test_attach(void **state)
{
	static const uint8_t broken[] = {0xa1, 0x01};
	static const struct judge_terms none;
	struct decode_iface iface = {.rec = &bed.rec, .config = &bed.config,
		.bytes = one, .speed = USBIP_SPEED_HIGH};
	struct decode_how how = {.iface = &iface, .judge = &bed.judge.judge,
		.terms = &none, .host = &judge_list_host,
		.host_arg = &bed.judge};
	const char *what = NULL;

	(void)state;
	plug(OF(keyboard));
	devrec_init(&bed.rec);
	assert_int_equal(devrec_add_report(&bed.rec, 1, 0, OF(broken)), 0);
	iface.alt = desc_find_alt(&bed.config, 0, 0);
	/* the same alternate is not read again */
	assert_int_equal(
	    decode_hid.attach(bed.decoder, &how, &what), 0);
	memset(bed.decoder + 1, 0, decode_hid.size - sizeof(*bed.decoder));
	assert_int_equal(
	    decode_hid.attach(bed.decoder, &how, &what), ERR_FORMAT);
	assert_string_equal(what, "a collection is not closed");
}

static void
test_facts(void **state)
{
	const struct facts *f;

	(void)state;
	plug(OF(keyboard));
	assert_int_equal(input("0500150000000000"), DECODE_PASS);
	f = last();
	assert_int_equal(f->is_back, 1);
	assert_int_equal(f->num[FACT_KIND], 1);
	assert_int_equal(f->num[FACT_REPORT_ID], 0);
	assert_int_equal(f->num[FACT_LEN], 8);
	assert_int_equal(f->num[FACT_KEYDOWNS], 3);
	assert_int_equal(f->num[FACT_GAP], UINT32_MAX);
	assert_true(facts_has(f, FACT_KEY) && facts_has(f, FACT_CHORD));
	assert_int_equal(f->mods, MOD_CTRL | MOD_ALT);
	assert_true(has_key(f, 0x15) && has_key(f, 0xe0) && has_key(f, 0xe2));
	assert_int_equal(nkeys(f), 3);
	assert_int_equal(f->nusages, 3);
	assert_int_equal(f->nbytes, 8);
	bed.now += 20 * MS;
	assert_int_equal(input("0100150000000000"), DECODE_PASS);
	f = last();
	assert_int_equal(f->num[FACT_KEYDOWNS], 0);
	assert_int_equal(f->num[FACT_GAP], 20);
	assert_int_equal(f->mods, MOD_CTRL);
	/* both sides of a modifier are one */
	assert_int_equal(input("8000000000000000"), DECODE_PASS);
	assert_int_equal(last()->mods, MOD_GUI);

	plug(OF(receiver));
	assert_int_equal(input("02 8000000000"), DECODE_PASS); /* short */
	f = last();
	assert_int_equal(f->num[FACT_REPORT_ID], 2);
	assert_int_equal(f->num[FACT_LEN], 5);
	assert_int_equal(f->num[FACT_KEYDOWNS], 0);
	assert_true(facts_has(f, FACT_KEY));
	assert_int_equal(nkeys(f), 0);
	assert_int_equal(f->nusages, 1);
	assert_int_equal(f->usages[0], 0x90008);
	assert_int_equal(input("03 e900 0000"), DECODE_PASS);
	assert_int_equal(last()->usages[0], 0xc00e9);
	assert_int_equal(input("04 02"), DECODE_PASS);
	assert_true(has_key(last(), 0x101)); /* System Power */
	assert_int_equal(last()->num[FACT_KEYDOWNS], 1);
}

/* Fast typing with rollover: each key counts once. */
static void
test_typing(void **state)
{
	static const struct {
		const char *hex;
		unsigned downs, keys;
	} steps[] = {
		{"0000040000000000", 1, 1}, {"0000040500000000", 1, 2},
		{"0000050000000000", 0, 1}, {"0000050600000000", 1, 2},
		{"0200050600000000", 1, 3}, {"0200050600000000", 0, 3},
		/* too many to say which: those that were */
		{"0001010101010101", 0, 2}, {"0000050600000000", 0, 2},
		{"0000000000000000", 0, 0}, {"0000050607080904", 6, 6},
	};

	(void)state;
	plug(OF(keyboard));
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		assert_int_equal(input(steps[i].hex), DECODE_PASS);
		assert_int_equal(last()->num[FACT_KEYDOWNS], steps[i].downs);
		assert_int_equal(nkeys(last()), steps[i].keys);
	}
	plug(OF(nkro));
	assert_int_equal(
	    input("00 f0ffff0000000000000000000000 00"), DECODE_PASS);
	assert_int_equal(last()->num[FACT_KEYDOWNS], 20);
}

/* What is refused is not missed: the transfer stays pending. What the
 * workstation has not seen counts again; what it has down it can let go. */
static void
test_refused(void **state)
{
	(void)state;
	for (unsigned v = 0; v < 2; v++) {
		enum verdict refusal = v ? VERDICT_DENY : VERDICT_DROP;

		plug(OF(keyboard));
		assert_int_equal(input("0000040000000000"), DECODE_PASS);
		judge_list_add(&bed.judge, refusal);
		assert_int_equal(input("0800150400000000"), DECODE_AGAIN);
		assert_int_equal(last()->num[FACT_KEYDOWNS], 2);
		assert_int_equal(last()->mods, MOD_GUI);
		/* GUI is up again, R is seen for the first time */
		assert_int_equal(input("0000150400000000"), DECODE_PASS);
		assert_int_equal(last()->num[FACT_KEYDOWNS], 1);
		/* nothing but a release, of a key that is held */
		judge_list_add(&bed.judge, refusal);
		assert_int_equal(input("0000040000000000"), DECODE_PASS);
		judge_list_add(&bed.judge, refusal);
		assert_int_equal(input("0000000000000000"), DECODE_PASS);
		/* nothing is held any more */
		judge_list_add(&bed.judge, refusal);
		assert_int_equal(input("0000000000000000"), DECODE_AGAIN);
		judge_list_add(&bed.judge, refusal);
		assert_int_equal(input("0000050000000000"), DECODE_AGAIN);
		judge_list_add(&bed.judge, refusal);
		assert_int_equal(input("0000000000000000"), DECODE_AGAIN);
	}
	/* a lost release, and the same key again: the workstation sees no
	 * change, but a key went down */
	plug(OF(keyboard));
	assert_int_equal(input("0000040000000000"), DECODE_PASS);
	judge_list_add(&bed.judge, VERDICT_DROP);
	assert_int_equal(input("0000050000000000"), DECODE_AGAIN);
	assert_int_equal(input("0000040000000000"), DECODE_PASS);
	assert_int_equal(last()->num[FACT_KEYDOWNS], 1);
	/* of a report that says more than keys a release is no exception */
	plug(OF(mouse));
	assert_int_equal(input("01000000000000"), DECODE_PASS);
	judge_list_add(&bed.judge, VERDICT_DROP);
	assert_int_equal(input("00000000000000"), DECODE_AGAIN);
}

static void
test_verdicts(void **state)
{
	static const struct {
		enum verdict verdict;
		enum decode_act act;
	} cases[] = {{VERDICT_ALLOW, DECODE_PASS},
		{VERDICT_REWRITE, DECODE_PASS}, {VERDICT_ASK, DECODE_HOLD},
		{VERDICT_EJECT, DECODE_EJECT}, {VERDICTS, DECODE_EJECT},
		{VERDICT_QUARANTINE, DECODE_QUARANTINE}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		plug(OF(keyboard));
		judge_list_add(&bed.judge, cases[i].verdict);
		assert_int_equal(input("0000040000000000"), cases[i].act);
	}
	/* what is held is asked about again, as if it had not been */
	plug(OF(keyboard));
	judge_list_add(&bed.judge, VERDICT_ASK);
	assert_int_equal(input("0000040000000000"), DECODE_HOLD);
	assert_int_equal(input("0000040000000000"), DECODE_PASS);
	assert_int_equal(last()->num[FACT_KEYDOWNS], 1);
	assert_int_equal(last()->num[FACT_GAP], UINT32_MAX);
}

/* A chord may come in several reports, and of several interfaces. */
static void
test_chord_apart(void **state)
{
	(void)state;
	plug(OF(receiver));
	assert_int_equal(input("01 08 0000000000 00"), DECODE_PASS);
	assert_int_equal(input("04 02"), DECODE_PASS);
	assert_int_equal(last()->mods, MOD_GUI);
	assert_true(has_key(last(), 0x101));
	/* a movement is no chord */
	assert_int_equal(input("02 010000000000"), DECODE_PASS);
	assert_int_equal(last()->mods, 0);

	plug_into(&bed, OF(two), 0, OF(keyboard));
	plug_into(&other, OF(two), 1, OF(nkro));
	bed.judge.sibling = other.decoder;
	other.judge.sibling = bed.decoder;
	assert_int_equal(
	    input_of(&other, "08 000000000000000000000000000000"),
	    DECODE_PASS);
	assert_int_equal(input("0000150000000000"), DECODE_PASS);
	assert_int_equal(last()->mods, MOD_GUI);
	assert_true(has_key(last(), 0x15));
	assert_int_equal(nkeys(last()), 1);
	/* the other way round: R is down, GUI comes */
	assert_int_equal(
	    input_of(&other, "00 000000000000000000000000000000"),
	    DECODE_PASS);
	assert_int_equal(
	    input_of(&other, "08 000000000000000000000000000000"),
	    DECODE_PASS);
	assert_true(has_key(judge_list_last(&other.judge), 0x15));
	assert_int_equal(judge_list_last(&other.judge)->mods, MOD_GUI);
	/* what was refused is not held */
	plug_into(&other, OF(two), 1, OF(nkro));
	other.judge.sibling = bed.decoder;
	bed.judge.sibling = other.decoder;
	judge_list_add(&other.judge, VERDICT_DROP);
	assert_int_equal(
	    input_of(&other, "08 000000000000000000000000000000"),
	    DECODE_AGAIN);
	assert_int_equal(input("0000150000000000"), DECODE_PASS);
	assert_int_equal(last()->mods, 0);
}

/* CVE-2014-3181 and its kind: more than declared. CVE-2024-50302: less. */
static void
test_length(void **state)
{
	(void)state;
	plug(OF(keyboard));
	assert_int_equal(input("000004000000000000000000"), DECODE_PASS);
	assert_int_equal(unit.actual, 8);
	assert_int_equal(last()->num[FACT_LEN], 8);
	assert_int_equal(input("000004"), DECODE_PASS);
	assert_int_equal(unit.actual, 3);
	assert_int_equal(last()->num[FACT_LEN], 3);
	assert_int_equal(bed.judge.ninvalid, 0);
	assert_int_equal(input("000004000000000001"), DECODE_EJECT);
	assert_int_equal(bed.judge.ninvalid, 1);
	assert_string_equal(
	    bed.judge.invalid, "input report longer than declared");
	plug(OF(keyboard));
	assert_int_equal(input(""), DECODE_AGAIN);
	assert_int_equal(bed.judge.nseen, 0);

	plug(OF(receiver));
	assert_int_equal(input("05 00"), DECODE_EJECT);
	assert_string_equal(bed.judge.invalid,
	    "input report of an id that is not declared");
	plug(OF(receiver));
	assert_int_equal(input("00 00"), DECODE_EJECT);
	plug(OF(receiver));
	assert_int_equal(input("04"), DECODE_PASS);
	assert_int_equal(last()->num[FACT_LEN], 0);
	/* a report in two pieces would have its second read as another */
	unit_make(&unit, 0x81, XFER_INT, data, 7, bed.now);
	assert_true(is_stall(decode_hid.submit(bed.decoder, &unit)));
	assert_int_equal(bed.judge.nnotes, 1);
}

/* Bytes of a transfer that failed were never judged. */
static void
test_failed(void **state)
{
	(void)state;
	plug(OF(keyboard));
	unit_make(&unit, 0x81, XFER_INT, data, 64, bed.now);
	unit_done(&unit, USBIP_ECONNRESET, 8);
	assert_int_equal(decode_hid.complete(bed.decoder, &unit), DECODE_PASS);
	assert_int_equal(unit.actual, 0);
	assert_int_equal(unit.status, USBIP_ECONNRESET);
	assert_int_equal(bed.judge.nseen, 0);
	unit_make(&unit, 0x81, XFER_BULK, data, 64, bed.now);
	assert_int_equal(decode_hid.submit(bed.decoder, &unit), DECODE_EJECT);
	assert_int_equal(bed.judge.ninvalid, 1);
}

static void
test_output(void **state)
{
	(void)state;
	plug(OF(receiver));
	/* LEDs, by either way: the same facts */
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(
		    i ? output("0102") : set_report(0x0201, "0102"),
		    DECODE_PASS);
		assert_int_equal(last()->is_back, 0);
		assert_int_equal(last()->num[FACT_KIND], 2);
		assert_int_equal(last()->num[FACT_REPORT_ID], 1);
		assert_int_equal(last()->num[FACT_LEN], 1);
		assert_int_equal(last()->usages[0], 0x80002);
		assert_false(facts_has(last(), FACT_KEY));
		assert_false(facts_has(last(), FACT_KEYDOWNS));
	}
	judge_list_add(&bed.judge, VERDICT_DENY);
	assert_true(is_stall(output("0102")));
	judge_list_add(&bed.judge, VERDICT_DROP);
	assert_int_equal(output("0102"), DECODE_ANSWER);
	assert_int_equal(unit.status, USBIP_OK);
	assert_int_equal(unit.actual, 2);
	judge_list_add(&bed.judge, VERDICT_ASK);
	assert_int_equal(output("0102"), DECODE_HOLD);
	judge_list_add(&bed.judge, VERDICT_EJECT);
	assert_int_equal(output("0102"), DECODE_EJECT);
	judge_list_add(&bed.judge, VERDICT_QUARANTINE);
	assert_int_equal(output("0102"), DECODE_QUARANTINE);
	/* back doors: nobody is asked, the device hears nothing */
	bed.judge.nseen = 0;
	assert_true(is_stall(output("0202")));
	assert_true(is_stall(output("")));
	assert_true(is_stall(output("010203")));
	assert_true(is_stall(set_report(0x0202, "0202")));
	assert_true(is_stall(set_report(0x0301, "0102")));
	assert_true(is_stall(set_report(0x0202, "0102")));
	assert_true(is_stall(set_report(0x0001, "0102")));
	assert_true(is_stall(set_report(0x0401, "0102")));
	assert_int_equal(bed.judge.nseen, 0);
	assert_int_equal(bed.judge.nnotes, 8);
	assert_int_equal(bed.judge.ninvalid, 0);
}

static void
test_get_report(void **state)
{
	(void)state;
	plug(OF(receiver));
	assert_int_equal(get_report(0x0101, "01 00 0400000000 00"),
	    DECODE_PASS);
	assert_int_equal(unit.actual, 8);
	assert_int_equal(last()->num[FACT_KEYDOWNS], 1);
	assert_true(has_key(last(), 4));
	judge_list_add(&bed.judge, VERDICT_DROP);
	assert_true(is_hushed(get_report(0x0101, "01 00 0400050000 00")));
	/* another than was asked for, and one that is not there */
	assert_int_equal(get_report(0x0101, "04 01"), DECODE_PASS);
	assert_int_equal(last()->num[FACT_REPORT_ID], 4);
	assert_true(is_hushed(get_report(0x0101, "07 01")));
	assert_true(is_stall(get_report(0x0107, "")));
	assert_true(is_stall(get_report(0x0301, "")));
	assert_true(is_stall(get_report(0x0001, "")));

	plug(OF(gamepad));
	assert_int_equal(get_report(0x0300, "0102030405060708"), DECODE_PASS);
	assert_int_equal(last()->num[FACT_KIND], 3);
	assert_int_equal(last()->is_back, 1);
	assert_int_equal(last()->num[FACT_LEN], 8);
	assert_false(facts_has(last(), FACT_KEY));
	/* no more than declared */
	assert_int_equal(get_report(0x0300, "010203040506070809"), DECODE_PASS);
	assert_int_equal(unit.actual, 8);
	judge_list_add(&bed.judge, VERDICT_DENY);
	assert_true(is_hushed(get_report(0x0300, "01")));
	judge_list_add(&bed.judge, VERDICT_QUARANTINE);
	assert_int_equal(get_report(0x0300, "01"), DECODE_QUARANTINE);
	/* other requests are none of ours */
	unit_control(&unit, 0x21, 0x0a, 0, 0, NULL, 0, bed.now);
	assert_int_equal(decode_hid.submit(bed.decoder, &unit), DECODE_PASS);
}

static void
test_boot(void **state)
{
	(void)state;
	/* a keyboard whose own reports are bitmaps */
	plug(OF(nkro));
	set_protocol(0);
	assert_int_equal(input("0800150000000000"), DECODE_PASS);
	assert_int_equal(last()->mods, MOD_GUI);
	assert_true(has_key(last(), 0x15));
	assert_int_equal(last()->num[FACT_KEYDOWNS], 2);
	assert_int_equal(input("0001010101010101"), DECODE_PASS);
	assert_int_equal(last()->num[FACT_KEYDOWNS], 0);
	assert_true(has_key(last(), 0x15));
	assert_int_equal(input("00000000000000000000"), DECODE_PASS);
	assert_int_equal(unit.actual, 8);
	assert_int_equal(input("000000000000000001"), DECODE_EJECT);
	set_protocol(1);
	assert_int_equal(
	    input("00 10000000000000000000000000000000"), DECODE_PASS);
	assert_true(has_key(last(), 4));
	/* and after a reset it speaks its own */
	set_protocol(0);
	decode_hid.event(bed.decoder, DECODE_RESET, 0);
	assert_int_equal(
	    input("00 10000000000000000000000000000000"), DECODE_PASS);
	assert_true(has_key(last(), 4));
	assert_int_equal(last()->num[FACT_KEYDOWNS], 1);

	/* no ids, whatever its own reports have; LEDs are one byte */
	plug(OF(receiver));
	set_protocol(0);
	assert_int_equal(set_report(0x0200, "02"), DECODE_PASS);
	assert_int_equal(last()->nusages, 1);
	assert_int_equal(last()->usages[0], 0x80002);
	assert_true(is_stall(set_report(0x0200, "0200")));
	assert_int_equal(get_report(0x0100, "0000040000000000"), DECODE_PASS);
	assert_true(has_key(last(), 4));

	plug_into(&bed, OF(boot_mouse), 0, OF(mouse));
	set_protocol(0);
	assert_int_equal(input("05ff00"), DECODE_PASS);
	assert_int_equal(last()->nusages, 3);
	assert_int_equal(last()->usages[0], 0x90001);
	assert_int_equal(last()->usages[1], 0x90003);
	assert_int_equal(last()->usages[2], 0x10030);
	assert_int_equal(nkeys(last()), 0);
	/* an interface that has no boot protocol does not change */
	plug_into(&bed, OF(two), 1, OF(nkro));
	set_protocol(0);
	assert_int_equal(
	    input("00 10000000000000000000000000000000"), DECODE_PASS);
	assert_true(has_key(last(), 4));
}

static void
test_full(void **state)
{
	static const uint8_t wide[] = {0x06, 0x00, 0xff, 0x19, 0x01, 0x2a, 0x00,
		0x10, 0x15, 0x00, 0x25, 0x01, 0x75, 0x01, 0x96, 0x00, 0x10,
		0x81, 0x02};

	(void)state;
	plug(OF(wide));
	memset(data, 0xff, sizeof(data));
	unit_make(&unit, 0x81, XFER_INT, data, sizeof(data), bed.now);
	unit_done(&unit, 0, sizeof(data));
	assert_int_equal(decode_hid.complete(bed.decoder, &unit), DECODE_EJECT);
	assert_string_equal(
	    bed.judge.invalid, "input report of too many usages");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_takes),
		cmocka_unit_test(test_attach),
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_typing),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_chord_apart),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_failed),
		cmocka_unit_test(test_output),
		cmocka_unit_test(test_get_report),
		cmocka_unit_test(test_boot),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
