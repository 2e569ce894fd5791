/*
 * Arming a keyboard: digits that are shown are typed, and nothing that is typed
 * before reaches the workstation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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
static const uint8_t mouse[] = {REPORT_MOUSE};
static const uint8_t one[] = {HID_CONFIG(41, 1), HID_INTERFACE(0, 1, 1, 0)};
static const uint8_t two[] = {HID_CONFIG(73, 2), HID_INTERFACE(0, 1, 1, 0),
	HID_INTERFACE(1, 0, 0, 0)};

#define SECOND UINT64_C(1000000000)
#define OF(a) a, sizeof(a)

struct bed {
	struct judge_list judge;
	struct devrec rec;
	struct desc_config config;
	struct decoder *decoder;
	uint8_t number;
};

static struct bed beds[2];
static uint64_t now;

static void
plug_into(struct bed *b, const uint8_t *config, size_t len, uint8_t number,
    const uint8_t *report, size_t report_len, uint8_t digits)
{
	const struct judge_terms terms = {
		.arm_digits = digits, .arm_within = 60 * SECOND};

	free(b->decoder);
	judge_list_init(&b->judge);
	b->decoder = judge_list_attach(&b->judge, &decode_hid, &b->rec,
	    &b->config, config, len, number, 0, report, report_len, &terms);
	assert_non_null(b->decoder);
	b->number = number;
}

static void
plug(uint8_t digits)
{
	now = SECOND;
	plug_into(&beds[0], OF(one), 0, OF(keyboard), digits);
}

static void
plug_two(const uint8_t *second, size_t len)
{
	now = SECOND;
	plug_into(&beds[0], OF(two), 0, OF(keyboard), 4);
	plug_into(&beds[1], OF(two), 1, second, len, 4);
	beds[0].judge.sibling = beds[1].decoder;
	beds[1].judge.sibling = beds[0].decoder;
}

static int
teardown(void **state)
{
	(void)state;
	free(beds[0].decoder);
	free(beds[1].decoder);
	return 0;
}

/* The profile changes while the device is there. */
static void
swap(struct bed *b, uint8_t digits)
{
	const struct judge_terms terms = {
		.arm_digits = digits, .arm_within = 60 * SECOND};
	const struct decode_iface iface = {.rec = &b->rec,
		.config = &b->config, .bytes = one,
		.alt = desc_find_alt(&b->config, b->number, 0),
		.speed = USBIP_SPEED_HIGH};
	const struct decode_how how = {.iface = &iface,
		.judge = &b->judge.judge, .terms = &terms,
		.host = &judge_list_host, .host_arg = &b->judge, .now = now};
	const char *what = NULL;

	assert_int_equal(decode_hid.attach(b->decoder, &how, &what), 0);
}

static uint64_t
tick(struct bed *b)
{
	return decode_hid.tick(b->decoder, now);
}

/* A keyboard's report: modifiers, a key and another. */
static enum decode_act
report(struct bed *b, uint8_t mods, uint8_t key, uint8_t another)
{
	static uint8_t data[8];
	struct unit u;

	memset(data, 0, sizeof(data));
	data[0] = mods;
	data[2] = key;
	data[3] = another;
	unit_make(&u, (uint8_t)(0x81 + b->number), XFER_INT, data,
	    sizeof(data), now);
	assert_int_equal(decode_hid.submit(b->decoder, &u), DECODE_PASS);
	unit_done(&u, 0, sizeof(data));
	now += 1000000;
	return decode_hid.complete(b->decoder, &u);
}

static uint8_t
key_of(char c)
{
	return c == '0' ? 0x27 :
	    c >= '1' && c <= '9' ? (uint8_t)(0x1e + c - '1') :
	    c == '\n' ? 0x28 :
	    c == '<' ? 0x2a :
	    c == '!' ? 0x29 :
		       (uint8_t)(0x04 + c - 'a');
}

/* Key after key; what the last report gave but for its release. */
static enum decode_act
type(struct bed *b, const char *text)
{
	enum decode_act act = DECODE_AGAIN;

	for (; *text != '\0' && act == DECODE_AGAIN; text++) {
		act = report(b, 0, key_of(*text), 0);
		if (act == DECODE_AGAIN) {
			assert_int_equal(report(b, 0, 0, 0),
			    text[1] != '\0' ? DECODE_AGAIN : act);
		}
	}
	return act;
}

/* Enter without its release. */
static enum decode_act
enter(struct bed *b)
{
	return report(b, 0, 0x28, 0);
}

static enum decode_act
guess(struct bed *b, const char *digits)
{
	(void)type(b, digits);
	return enter(b);
}

static const char *
shown(const struct bed *b)
{
	return b->judge.digits;
}

static const char *
wrong(const struct bed *b)
{
	static char text[16];

	memcpy(text, b->judge.digits, sizeof(text));
	text[0] = text[0] == '9' ? '0' : (char)(text[0] + 1);
	return text;
}

static int
is_armed(struct bed *b)
{
	(void)report(b, 0, 0, 0);
	return report(b, 0, 4, 0) == DECODE_PASS;
}

/* ------------------------------------------------------------------------ */

static void
test_arm(void **state)
{
	struct bed *b = &beds[0];

	(void)state;
	plug(4);
	assert_int_equal(b->judge.nchallenges, 0);
	assert_true(tick(b) > now);
	assert_int_equal(b->judge.nchallenges, 1);
	assert_string_equal(shown(b), "0123");
	assert_int_equal(report(b, 0, 4, 0), DECODE_AGAIN);
	assert_int_equal(report(b, 0, 0, 0), DECODE_AGAIN);
	assert_int_equal(report(b, 0, 0x29, 0), DECODE_AGAIN);
	assert_int_equal(type(b, "0123"), DECODE_AGAIN);
	assert_int_equal(enter(b), DECODE_AGAIN);
	assert_int_equal(b->judge.nchallenges, 2);
	assert_string_equal(shown(b), "");
	assert_int_equal(tick(b), 0);
	/* Enter is still down: what has it does not pass */
	assert_int_equal(report(b, 0, 0x28, 0), DECODE_AGAIN);
	assert_int_equal(report(b, 0, 0x28, 4), DECODE_AGAIN);
	assert_int_equal(report(b, 0, 4, 0), DECODE_PASS);
	assert_int_equal(report(b, 0, 0, 0), DECODE_PASS);
	/* and it may be typed again */
	assert_int_equal(report(b, 0, 0x28, 0), DECODE_PASS);
	assert_int_equal(judge_list_last(&b->judge)->num[FACT_KEYDOWNS], 1);
}

static void
test_none(void **state)
{
	(void)state;
	plug(0);
	assert_int_equal(tick(&beds[0]), 0);
	assert_int_equal(report(&beds[0], 0, 4, 0), DECODE_PASS);
	assert_int_equal(beds[0].judge.nchallenges, 0);
}

static void
test_ways_to_type(void **state)
{
	static const struct {
		const char *text; /* before Enter; the digits are 0123 */
		int is_armed;
	} cases[] = {
		{"0123", 1}, {"01<123", 1}, {"01<1<123", 1}, {"99<<0123", 1},
		{"99!0123", 1}, {"<0123", 1}, {"0123!", 0}, {"a0123", 0},
		{"01230", 0}, {"0123456789", 0}, {"012", 0}, {"", 0},
		{"\n0123", 1}, {"01\n0123", 1}, {"abc\n0123", 1},
		{"01230\n0123", 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		plug(4);
		(void)tick(&beds[0]);
		if (guess(&beds[0], cases[i].text) != DECODE_AGAIN ||
		    is_armed(&beds[0]) != cases[i].is_armed) {
			fail_msg("%s", cases[i].text);
		}
	}
	/* of the keypad, with Shift, and with rollover */
	plug(4);
	(void)tick(&beds[0]);
	(void)report(&beds[0], 2, 0, 0);
	(void)report(&beds[0], 2, 0x62, 0);
	(void)report(&beds[0], 0, 0x62, 0x59);
	(void)report(&beds[0], 0, 0x59, 0x5a);
	(void)report(&beds[0], 0, 0x5a, 0x20);
	(void)report(&beds[0], 0, 0x20, 0x58);
	assert_true(is_armed(&beds[0]));
}

static void
test_wrong(void **state)
{
	struct bed *b = &beds[0];
	char before[32];

	(void)state;
	plug(6);
	(void)tick(b);
	assert_int_equal(strlen(shown(b)), 6);
	for (unsigned i = 0; i < 2; i++) {
		memcpy(before, shown(b), sizeof(before));
		assert_int_equal(guess(b, wrong(b)), DECODE_AGAIN);
		/* new digits after each try */
		assert_int_equal(b->judge.nchallenges, i + 2);
		assert_string_not_equal(shown(b), before);
		(void)report(b, 0, 0, 0);
	}
	assert_int_equal(guess(b, wrong(b)), DECODE_QUARANTINE);
	assert_int_equal(b->judge.nnotes, 1);
	/* two wrong ones, then the right one */
	plug(4);
	(void)tick(b);
	(void)guess(b, wrong(b));
	(void)report(b, 0, 0, 0);
	(void)guess(b, wrong(b));
	(void)report(b, 0, 0, 0);
	assert_int_equal(guess(b, shown(b)), DECODE_AGAIN);
	assert_true(is_armed(b));
}

/* The digits are over: new ones are shown, and the old are no try. */
static void
test_expiry(void **state)
{
	struct bed *b = &beds[0];
	char old[32];

	(void)state;
	plug(4);
	assert_true(tick(b) <= now + 60 * SECOND);
	memcpy(old, shown(b), sizeof(old));
	now += 60 * SECOND;
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(guess(b, old), DECODE_AGAIN);
		(void)report(b, 0, 0, 0);
	}
	assert_false(is_armed(b));
	(void)report(b, 0, 0, 0);
	(void)report(b, 0, 0x29, 0);
	(void)report(b, 0, 0, 0);
	assert_true(tick(b) > now);
	assert_int_equal(b->judge.nchallenges, 2);
	assert_string_not_equal(shown(b), old);
	assert_int_equal(guess(b, shown(b)), DECODE_AGAIN);
	assert_true(is_armed(b));
}

/* Nobody listens: it stays as it is, and is tried again. */
static void
test_nobody(void **state)
{
	struct bed *b = &beds[0];

	(void)state;
	plug(4);
	b->judge.challenge_result = ERR_NOENT;
	(void)tick(b);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(guess(b, "1234"), DECODE_AGAIN);
		(void)report(b, 0, 0, 0);
	}
	assert_false(is_armed(b));
	(void)tick(b);
	assert_int_equal(b->judge.nchallenges, 1);
	now += 3 * SECOND;
	(void)tick(b);
	assert_int_equal(b->judge.nchallenges, 2);
	b->judge.challenge_result = 0;
	now += 3 * SECOND;
	(void)tick(b);
	assert_int_equal(b->judge.nchallenges, 3);
	(void)report(b, 0, 0x29, 0);
	(void)report(b, 0, 0, 0);
	assert_int_equal(guess(b, shown(b)), DECODE_AGAIN);
	assert_true(is_armed(b));
}

/* Rules come first: what they refuse is not typed, and a quarantine needs no
 * arming. LEDs work. */
static void
test_rules(void **state)
{
	struct bed *b = &beds[0];
	uint8_t leds = 2;
	struct unit u;

	(void)state;
	plug(4);
	(void)tick(b);
	judge_list_add(&b->judge, VERDICT_DROP);
	(void)report(b, 0, key_of('0'), 0);
	(void)report(b, 0, 0, 0);
	assert_int_equal(guess(b, "123"), DECODE_AGAIN);
	assert_false(is_armed(b));
	unit_control(&u, 0x21, 9, 0x0200, 0, &leds, 1, now);
	assert_int_equal(decode_hid.submit(b->decoder, &u), DECODE_PASS);
	/* nor does GET_REPORT bring a key */
	plug(4);
	{
		uint8_t data[8] = {0, 0, 4};

		unit_control(&u, 0xa1, 1, 0x0100, 0, data, 8, now);
		assert_int_equal(
		    decode_hid.submit(b->decoder, &u), DECODE_PASS);
		unit_done(&u, 0, 8);
		assert_int_equal(
		    decode_hid.complete(b->decoder, &u), DECODE_PASS);
		assert_int_equal(u.status, USBIP_EPIPE);
		assert_int_equal(u.actual, 0);
	}
	judge_list_add(&b->judge, VERDICT_QUARANTINE);
	assert_int_equal(report(b, 0, 4, 0), DECODE_QUARANTINE);
}

static void
test_swap(void **state)
{
	struct bed *b = &beds[0];

	(void)state;
	plug(4);
	(void)tick(b);
	/* longer: other digits; none: nothing more to type */
	swap(b, 6);
	assert_string_equal(shown(b), "");
	(void)tick(b);
	assert_int_equal(strlen(shown(b)), 6);
	swap(b, 0);
	assert_string_equal(shown(b), "");
	assert_int_equal(tick(b), 0);
	assert_int_equal(report(b, 0, 4, 0), DECODE_PASS);
	/* now it has to be armed; the key that is held may be let go */
	swap(b, 4);
	(void)tick(b);
	assert_int_equal(report(b, 0, 4, 5), DECODE_AGAIN);
	assert_int_equal(report(b, 0, 0, 0), DECODE_PASS);
	assert_int_equal(report(b, 0, 0, 0), DECODE_AGAIN);
	(void)report(b, 0, 0x29, 0);
	(void)report(b, 0, 0, 0);
	(void)guess(b, shown(b));
	assert_true(is_armed(b));
	/* and stays so, also after a reset, until more is asked for */
	swap(b, 4);
	swap(b, 3);
	decode_hid.event(b->decoder, DECODE_RESET, 0);
	assert_true(is_armed(b));
	swap(b, 6);
	assert_false(is_armed(b));
	(void)tick(b);
	assert_int_equal(strlen(shown(b)), 6);
}

/* One keyboard, several interfaces: the first shows, all may type. */
static void
test_interfaces(void **state)
{
	struct bed *a = &beds[0], *b = &beds[1];

	(void)state;
	plug_two(OF(keyboard));
	assert_true(tick(b) > now);
	assert_true(tick(a) > now);
	assert_int_equal(a->judge.nchallenges, 1);
	assert_int_equal(b->judge.nchallenges, 0);
	assert_int_equal(guess(b, shown(a)), DECODE_AGAIN);
	assert_int_equal(b->judge.nchallenges, 1); /* "" */
	assert_int_equal(tick(a), 0);
	assert_true(is_armed(b));
	/* a key that was down on the other is not the workstation's */
	assert_int_equal(report(a, 0, 4, 0), DECODE_PASS);

	/* a key that is down while another interface is armed */
	plug_two(OF(keyboard));
	(void)tick(a);
	assert_int_equal(report(a, 0, 4, 0), DECODE_AGAIN);
	(void)guess(b, shown(a));
	assert_int_equal(report(a, 0, 4, 5), DECODE_AGAIN);
	assert_int_equal(report(a, 0, 5, 0), DECODE_PASS);

	/* tries of all count together, and one of each round and interface */
	plug_two(OF(keyboard));
	(void)tick(a);
	assert_int_equal(guess(b, wrong(a)), DECODE_AGAIN);
	(void)report(b, 0, 0, 0);
	assert_int_equal(guess(b, shown(a)), DECODE_AGAIN);
	(void)report(b, 0, 0, 0);
	assert_false(is_armed(b));
	(void)report(b, 0, 0, 0);
	(void)report(b, 0, 0x29, 0);
	(void)report(b, 0, 0, 0);
	(void)tick(a); /* sees that it was used */
	assert_int_equal(a->judge.nchallenges, 2);
	assert_int_equal(guess(a, wrong(a)), DECODE_AGAIN);
	assert_int_equal(guess(b, wrong(a)), DECODE_QUARANTINE);
}

/* A mouse cannot type: it waits for the keyboard it belongs to. */
static void
test_mouse(void **state)
{
	struct bed *a = &beds[0], *b = &beds[1];
	uint8_t data[8] = {1};
	struct unit u;

	(void)state;
	plug_two(OF(mouse));
	(void)tick(b);
	(void)tick(a);
	assert_int_equal(b->judge.nchallenges, 0);
	for (unsigned i = 0; i < 2; i++) {
		unit_make(&u, 0x82, XFER_INT, data, 7, now);
		unit_done(&u, 0, 7);
		assert_int_equal(decode_hid.complete(b->decoder, &u),
		    i == 0 ? DECODE_AGAIN : DECODE_PASS);
		if (i == 0) {
			(void)guess(a, shown(a));
		}
	}
	/* one without a keyboard is never armed, and asks for nothing */
	now = SECOND;
	plug_into(a, OF(two), 1, OF(mouse), 4);
	(void)tick(a);
	assert_int_equal(a->judge.nchallenges, 0);
	unit_make(&u, 0x82, XFER_INT, data, 7, now);
	unit_done(&u, 0, 7);
	assert_int_equal(decode_hid.complete(a->decoder, &u), DECODE_AGAIN);
}

/* Each digit is as likely as another: bytes of 250 and above are not used. */
static void
test_digits(void **state)
{
	static const struct {
		uint8_t first;
		const char *digits;
	} cases[] = {{0, "012345678901"}, {245, "567890123456"},
		{250, "012345678901"}, {255, "012345678901"},
		{9, "901234567890"}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		plug(12);
		beds[0].judge.random = cases[i].first;
		(void)tick(&beds[0]);
		assert_string_equal(shown(&beds[0]), cases[i].digits);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arm),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_ways_to_type),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_swap),
		cmocka_unit_test(test_interfaces),
		cmocka_unit_test(test_mouse),
		cmocka_unit_test(test_digits),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
