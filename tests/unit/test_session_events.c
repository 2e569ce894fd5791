/*
 * A session whose peer watches: what passes, in both directions, and for what
 * the peer is let go. It can neither list nor import any more.
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
#include "base/log.h"
#include "base/mem.h"
#include "proxy/session/door.h"
#include "tests/fake/session_rig.h"

#define HELLO "{\"type\":\"hello\",\"protocol\":1}"

static struct rig *
watching(void)
{
	struct rig *rig = rig_new();

	rig->protocol = DOOR_EVENTS;
	rig_start(rig);
	/* its first bytes bring the session to the end of the handshake */
	rig_send(rig, HELLO "\n", sizeof(HELLO));
	rig_settle(rig);
	assert_int_equal(rig->subscribes, 1);
	assert_int_equal(rig->nsaid, 1);
	assert_string_equal(rig->said, HELLO);
	return rig;
}

static void
say(struct rig *rig, const char *text)
{
	rig_send(rig, text, strlen(text));
	rig_settle(rig);
}

static void
test_lines_pass(void **state)
{
	struct rig *rig = watching();
	static char longest[IPC_LINE_MAX + 2];
	char raw[32];

	(void)state;
	assert_int_equal(rig->lists, 0);
	assert_int_equal(rig_line(rig, "{\"a\":1}", 7), 0);
	assert_int_equal(rig_line(rig, "{}", 2), 0);
	rig_take(rig, raw, 11);
	assert_memory_equal(raw, "{\"a\":1}\n{}\n", 11);

	say(rig, "{\"c\":3}\n{\"b\"");
	assert_int_equal(rig->nsaid, 2);
	assert_string_equal(rig->said, "{\"c\":3}");
	say(rig, ":2}\nx\n");
	assert_int_equal(rig->nsaid, 4);
	assert_string_equal(rig->said, "x");

	memset(longest, 'y', sizeof(longest));
	longest[IPC_LINE_MAX] = '\n';
	longest[IPC_LINE_MAX + 1] = '\0';
	say(rig, longest);
	assert_int_equal(rig->nsaid, 5);

	/* it is neither importing nor streaming */
	assert_int_equal(rig->states[rig->nstates - 1], IPC_ST_IDENTIFIED);
	close_fd(&rig->client);
	rig_wait_end(rig);
	assert_int_equal(rig->exit_code, 0);
	assert_int_equal(rig->imports, 0);
	assert_int_equal(rig->nrefusals, 0);
	rig_free(rig);
}

static void
test_usbip_is_usbip(void **state)
{
	struct rig *rig = rig_new();

	(void)state;
	rig->protocol = DOOR_USBIP;
	rig_start(rig);
	rig_send_op(rig, USBIP_VERSION, USBIP_OP_REQ_DEVLIST);
	rig_wait_end(rig);
	assert_int_equal(rig->lists, 1);
	assert_int_equal(rig->subscribes, 0);
	rig_free(rig);
}

static void
expect_refusal(const char *rule, const void *bytes, size_t len)
{
	struct rig *rig = watching();

	rig_send(rig, bytes, len);
	rig_wait_end(rig);
	assert_int_equal(rig->exit_code, 1);
	assert_true(rig_was_refused(rig, rule));
	assert_int_equal(rig->imports, 0);
	assert_int_equal(rig->lists, 0);
	rig_free(rig);
}

static void
test_bad_lines(void **state)
{
	static char big[IPC_LINE_MAX + 2];
	uint8_t op[] = {0x01, 0x11, 0x80, 0x05, 0, 0, 0, 0, '\n'};

	(void)state;
	memset(big, 'z', sizeof(big));
	expect_refusal("events.line", big, sizeof(big));
	big[IPC_LINE_MAX + 1] = '\n';
	expect_refusal("events.line", big, sizeof(big));
	expect_refusal("events.line", "\n", 1);
	expect_refusal("events.line", "{\0}\n", 4);
	expect_refusal("events.line", "{}\r\n", 4);
	expect_refusal("events.line", "\x1b[2J\n", 5);
	/* USB/IP's own words are nothing here */
	expect_refusal("events.line", op, sizeof(op));
}

static void
test_flood(void **state)
{
	static char text[4000];

	(void)state;
	for (size_t i = 0; i < sizeof(text); i += 2) {
		text[i] = 'x';
		text[i + 1] = '\n';
	}
	expect_refusal("events.flood", text, sizeof(text));
}

/* A peer that does not read costs so much and no more. */
static void
test_slow_reader(void **state)
{
	struct rig *rig = watching();
	static char line[IPC_LINE_MAX];

	(void)state;
	memset(line, 'w', sizeof(line));
	for (unsigned i = 0; i < 2000 && !rig->ended; i++) {
		(void)rig_line(rig, line, sizeof(line));
		rig_turn(rig); /* without reading */
	}
	rig_wait_end(rig);
	assert_true(rig_was_refused(rig, "events.slow"));
	rig_free(rig);
}

static void
test_warden_out_of_turn(void **state)
{
	static const uint16_t types[] = {IPC_LIST_END, IPC_IMPORTED};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		struct rig *rig = watching();

		assert_int_equal(
		    channel_send(rig->warden, types[i], 0, NULL, 0, -1), 0);
		rig_wait_end(rig);
		assert_int_equal(rig->exit_code, 1);
		rig_free(rig);
	}
	/* and a line where nobody watches */
	struct rig *rig = rig_new();

	rig_start(rig);
	rig_settle(rig);
	assert_int_equal(rig_line(rig, "{}", 2), 0);
	rig_wait_end(rig);
	assert_int_equal(rig->exit_code, 1);
	rig_free(rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines_pass),
		cmocka_unit_test(test_usbip_is_usbip),
		cmocka_unit_test(test_bad_lines),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_slow_reader),
		cmocka_unit_test(test_warden_out_of_turn),
	};

	return cmocka_run_group_tests_name(
	    "session_events", tests, NULL, NULL);
}
