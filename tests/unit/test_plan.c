/*
 * The agent's decisions on a clock of the test's own: which devices its rules
 * want, when it tries again, and what it leaves alone. And the file of what was
 * detached by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "vhci-glue/kinds.h"
#include "vhci-glue/off.h"
#include "vhci-glue/plan.h"

#define NAME "0525:a4a5:drive@pci-0000:00:14.0:2.4"

static int
matches(const char *rule, const char *host, uint16_t port)
{
	struct gateway gateway = {.port = port};
	struct plan_rule r;
	const char *why;

	(void)snprintf(gateway.host, sizeof(gateway.host), "%s", host);
	assert_int_equal(plan_parse(&r, rule, 3241, &why), 0);
	return plan_matches(&r, &gateway, NAME, "3-2.4");
}

static void
test_rules(void **state)
{
	static const struct {
		const char *rule;
		int hit;
	} rows[] = {
		{"gw 0525:a4a5:drive@pci-0000:00:14.0:2.4", 1},
		{"gw 0525:*", 1},
		{"gw\t \t0525:a4a5:*", 1},
		{"gw *@pci-0000:00:14.0:2.?", 1},
		{"gw *:dr[a-i]ve@*", 1},
		{"gw *", 1},
		{"gw 3-2.4", 1},
		{"gw 3-*", 1},
		{"gw 3-2", 0},
		{"gw 0525:a4a5", 0},
		{"gw 0526:*", 0},
		{"other *", 0},
		{"gw:3242 *", 0},
		{"gw:3241 *", 1},
	};
	static const char *const bad[] = {"", "gw", "gw ", " gw 1-1",
	    "gw 1-1 1-2", "gw:0 *", "g$w *", ":3 *"};
	struct plan_rule r;
	const char *why;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (matches(rows[i].rule, "gw", 3241) != rows[i].hit) {
			fail_msg("%s", rows[i].rule);
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		why = NULL;
		assert_int_equal(
		    plan_parse(&r, bad[i], 3241, &why), ERR_FORMAT);
		assert_non_null(why);
	}
}

/* What a line asks for: a pattern names no device, so only words count. */
static void
test_words(void **state)
{
	static const struct {
		const char *rule;
		unsigned accept;
	} rows[] = {
		{"gw " NAME, IPC_ACCEPT_LISTED},
		{"gw 3-2.4", IPC_ACCEPT_LISTED},
		{"gw 0525:*", 0},
		{"gw 3-2.?", 0},
		{"gw 3-2.[45]", 0},
		{"gw * keyboard", IPC_ACCEPT_KEYBOARD},
		{"gw *  network\tkeyboard ",
		    IPC_ACCEPT_KEYBOARD | IPC_ACCEPT_NETWORK},
		{"gw 3-2.4 network", IPC_ACCEPT_LISTED | IPC_ACCEPT_NETWORK},
		{"gw 3-2.4 none", 0},
	};
	static const char *const bad[] = {"gw * hub", "gw * keyboar",
	    "gw * keyboards", "gw * keyboard,network", "gw * keyboard x"};
	struct plan_rule r;
	char text[KINDS_TEXT];
	const char *why;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(plan_parse(&r, rows[i].rule, 1, &why), 0);
		assert_int_equal(r.accept, rows[i].accept);
		assert_null(strpbrk(r.pattern, " \t"));
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(plan_parse(&r, bad[i], 1, &why), ERR_FORMAT);
	}
	assert_string_equal(
	    kinds_text(text, sizeof(text), IPC_ACCEPT_LISTED), "");
	assert_string_equal(kinds_text(text, sizeof(text), 0), "none");
	assert_string_equal(
	    kinds_text(text, sizeof(text),
		IPC_ACCEPT_KEYBOARD | IPC_ACCEPT_NETWORK),
	    "none,keyboard,network");
	assert_string_equal(
	    kinds_text(text, sizeof(text), IPC_ACCEPT_ALL),
	    "keyboard,network");
}

/* Whose a device is, and what that makes of it. */
static void
test_users(void **state)
{
	static const struct {
		const char *rule, *user, *seat;
		unsigned accept;
	} rows[] = {
		{"gw *", "", "", 0},
		{"gw * user=anna", "anna", "", 0},
		{"gw * seat=seat0 keyboard", "", "seat0", IPC_ACCEPT_KEYBOARD},
		{"gw *\tkeyboard user=anna  seat=seat-1\t", "anna", "seat-1",
		    IPC_ACCEPT_KEYBOARD},
	};
	static const char *const bad[] = {"gw * user=", "gw * seat=",
		"gw * user=a user=b", "gw * seat=a seat=a", "gw * User=a",
		"gw * user = a", "gw * user",
		"gw * seat=012345678901234567890123456789012"};
	struct plan_rule r;
	const char *why;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(plan_parse(&r, rows[i].rule, 1, &why), 0);
		assert_string_equal(r.user, rows[i].user);
		assert_string_equal(r.seat, rows[i].seat);
		assert_int_equal(r.accept, rows[i].accept);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(plan_parse(&r, bad[i], 1, &why), ERR_FORMAT);
		assert_non_null(strstr(why, "user=NAME"));
	}
}

static void
test_seats(void **state)
{
	struct plan_facts f = {.is_wanted = 1, .state = IPC_WATCH_FREE};
	struct plan_backoff b = {0, 0};
	struct plan_rule by_seat, by_user;
	const char *why;

	(void)state;
	assert_int_equal(plan_parse(&by_seat, "gw * seat=seat0", 1, &why), 0);
	assert_int_equal(
	    plan_parse(&by_user, "gw * user=anna seat=seat0", 1, &why), 0);
	/* nobody sits there, and that is no failure */
	plan_seat(&f, &by_seat, "", "");
	assert_int_equal(plan_device(&f, &b, CLOCK_SEC), PLAN_WAIT);
	plan_seat(&f, &by_seat, "anna", "");
	assert_int_equal(plan_device(&f, &b, CLOCK_SEC), PLAN_ATTACH);
	f.is_attached = 1;
	plan_seat(&f, &by_seat, "anna", "anna");
	assert_int_equal(plan_device(&f, &b, CLOCK_SEC), PLAN_WAIT);
	/* who has only left comes back to it */
	plan_seat(&f, &by_seat, "", "anna");
	assert_int_equal(plan_device(&f, &b, CLOCK_SEC), PLAN_WAIT);
	plan_seat(&f, &by_seat, "bert", "anna");
	assert_int_equal(plan_device(&f, &b, CLOCK_SEC), PLAN_UNPLUG);
	f.is_running = 1;
	assert_int_equal(plan_device(&f, &b, CLOCK_SEC), PLAN_WAIT);
	f.is_running = f.is_attached = 0;
	plan_seat(&f, &by_seat, "bert", "");
	assert_int_equal(plan_device(&f, &b, CLOCK_SEC), PLAN_ATTACH);
	/* one with a name is that one's, whoever sits there; and one without
	 * either, or that was attached by hand, is left alone */
	f.is_attached = 1;
	plan_seat(&f, &by_user, "bert", "anna");
	assert_int_equal(plan_device(&f, &b, CLOCK_SEC), PLAN_WAIT);
	plan_seat(&f, NULL, "bert", "anna");
	assert_int_equal(plan_device(&f, &b, CLOCK_SEC), PLAN_WAIT);
	plan_seat(&f, &by_seat, "bert", "");
	assert_int_equal(plan_device(&f, &b, CLOCK_SEC), PLAN_WAIT);
}

static void
test_again(void **state)
{
	char text[64];
	struct plan_again again;

	(void)state;
	again = plan_again_parse(
	    plan_again_text(text, sizeof(text), NAME, "anna", "seat0"));
	assert_string_equal(again.what, NAME);
	assert_string_equal(again.user, "anna");
	assert_string_equal(again.seat, "seat0");
	again = plan_again_parse(
	    plan_again_text(text, sizeof(text), "3-2", "anna", ""));
	assert_string_equal(again.what, "3-2");
	assert_string_equal(again.user, "anna");
	assert_string_equal(again.seat, "");
	again = plan_again_parse(
	    plan_again_text(text, sizeof(text), "3-2", "", ""));
	assert_string_equal(again.what, "3-2");
	assert_string_equal(again.user, "");
	assert_string_equal(again.seat, "");
	assert_null(plan_again_text(text, sizeof(text), "3-2", "a\tb", ""));
	assert_null(plan_again_text(text, sizeof(text), "3-2", "a b", ""));
	assert_null(plan_again_text(text, 8, "3-2", "anna", ""));
}

/* A device that needs an approval is tried once, then the gateway tells. */
static void
test_approval(void **state)
{
	struct plan_facts f = {.is_wanted = 1, .state = IPC_WATCH_PENDING};
	struct plan_backoff b = {0, 0};
	uint64_t now = CLOCK_SEC;

	(void)state;
	assert_int_equal(plan_device(&f, &b, now), PLAN_ASK);
	f.is_running = 1;
	assert_int_equal(plan_device(&f, &b, now), PLAN_WAIT);
	f.is_running = 0;
	f.is_asked = 1;
	assert_int_equal(plan_device(&f, &b, now), PLAN_WAIT);
	assert_int_equal(plan_device(&f, &b, now + 3600 * CLOCK_SEC), PLAN_WAIT);
	f.state = IPC_WATCH_FREE;
	assert_int_equal(plan_device(&f, &b, now), PLAN_ATTACH);
	f.state = IPC_WATCH_PENDING;
	f.is_asked = 0;
	plan_failed(&b, now, 0);
	assert_int_equal(plan_device(&f, &b, now), PLAN_WAIT);
	f.is_off = 1;
	assert_int_equal(plan_device(&f, &b, b.next), PLAN_WAIT);
}

/* Doubled from 200 ms to 30 s, less a random quarter at most. */
static void
test_backoff(void **state)
{
	struct plan_backoff b = {0, 0};
	uint64_t now = 5 * CLOCK_SEC, whole = 200;

	(void)state;
	assert_true(plan_is_due(&b, now));
	for (unsigned i = 0; i < 100; i++) {
		uint64_t ms;

		plan_failed(&b, now, i * 2654435761u);
		assert_int_equal(b.failures, i + 1);
		ms = (b.next - now) / CLOCK_MSEC;
		assert_in_range(ms, whole - whole / 4, whole);
		assert_false(plan_is_due(&b, b.next - 1));
		assert_true(plan_is_due(&b, b.next));
		now = b.next;
		whole = whole * 2 > 30000 ? 30000 : whole * 2;
	}
	plan_succeeded(&b);
	assert_true(plan_is_due(&b, now));
	plan_failed(&b, now, 0);
	assert_int_equal(b.next - now, 200 * CLOCK_MSEC);
	/* not all at once */
	plan_succeeded(&b);
	plan_failed(&b, now, 50);
	assert_int_equal(b.next - now, 150 * CLOCK_MSEC);
}

static void
test_decisions(void **state)
{
	const struct plan_facts wanted = {
		.is_wanted = 1, .state = IPC_WATCH_FREE};
	struct plan_backoff b = {0, 0};
	struct plan_facts f = wanted;
	uint64_t now = CLOCK_SEC;

	(void)state;
	assert_int_equal(plan_device(&f, &b, now), PLAN_ATTACH);
	f.is_wanted = 0;
	assert_int_equal(plan_device(&f, &b, now), PLAN_WAIT);
	f = wanted;
	f.is_off = 1;
	assert_int_equal(plan_device(&f, &b, now), PLAN_WAIT);
	f = wanted;
	f.is_suspended = 1;
	assert_int_equal(plan_device(&f, &b, now), PLAN_WAIT);
	f = wanted;
	f.is_attached = 1;
	assert_int_equal(plan_device(&f, &b, now), PLAN_WAIT);
	f = wanted;
	f.is_running = 1;
	assert_int_equal(plan_device(&f, &b, now), PLAN_WAIT);
	f = wanted;
	f.state = IPC_WATCH_YOURS;
	assert_int_equal(plan_device(&f, &b, now), PLAN_WAIT);
	f.state = IPC_WATCH_BUSY;
	assert_int_equal(plan_device(&f, &b, now), PLAN_WAIT);
	f.state = IPC_WATCH_NONE;
	assert_int_equal(plan_device(&f, &b, now), PLAN_WAIT);
}

/* A day of one device, in virtual time. */
static void
test_story(void **state)
{
	struct plan_facts f = {.is_wanted = 1, .state = IPC_WATCH_FREE};
	struct plan_backoff b = {0, 0};
	uint64_t now = CLOCK_SEC;
	unsigned attempts = 0;

	(void)state;
	/* for a minute every attach fails */
	for (; now < 61 * CLOCK_SEC; now += 10 * CLOCK_MSEC) {
		if (plan_device(&f, &b, now) == PLAN_ATTACH) {
			attempts++;
			plan_failed(&b, now, 0);
		}
	}
	/* at 0, 0.2, 0.6, 1.4, 3, 6.2, 12.6, 25.4 and 51 s */
	assert_int_equal(attempts, 9);
	/* then one works, and the device is pulled and comes back */
	now = b.next;
	assert_int_equal(plan_device(&f, &b, now), PLAN_ATTACH);
	plan_succeeded(&b);
	f.is_attached = 1;
	f.state = IPC_WATCH_YOURS;
	assert_int_equal(plan_device(&f, &b, now), PLAN_WAIT);
	f.is_attached = 0;
	f.state = IPC_WATCH_NONE;
	assert_int_equal(plan_device(&f, &b, now), PLAN_WAIT);
	f.state = IPC_WATCH_BUSY;
	assert_int_equal(plan_device(&f, &b, now), PLAN_WAIT);
	f.state = IPC_WATCH_FREE;
	assert_int_equal(plan_device(&f, &b, now), PLAN_ATTACH);
}

static void
test_off(void **state)
{
	char dir[] = "/tmp/test_plan.XXXXXX", path[64], text[128];

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/off", dir);
	assert_false(off_has(path, "gw:3241", NAME));
	assert_int_equal(off_remove(path, "gw:3241", NAME), 0);
	assert_int_equal(off_add(path, "gw:3241", NAME), 0);
	assert_int_equal(off_add(path, "gw:3241", NAME), 0);
	assert_int_equal(off_add(path, "gw:3241", "3-2"), 0);
	assert_int_equal(off_add(path, "gx:3241", "3-2"), 0);
	assert_true(off_has(path, "gw:3241", NAME));
	assert_true(off_has(path, "gw:3241", "3-2"));
	/* neither the start nor the end of a line is a line */
	assert_false(off_has(path, "gw:3241", "3-"));
	assert_false(off_has(path, "w:3241", "3-2"));
	assert_false(off_has(path, "gx:3241", NAME));
	assert_int_equal(off_remove(path, "gw:3241", NAME), 0);
	assert_false(off_has(path, "gw:3241", NAME));
	assert_true(off_has(path, "gw:3241", "3-2"));
	assert_int_equal(off_remove(path, "gx:3241", "3-2"), 0);
	assert_true(off_has(path, "gw:3241", "3-2"));
	assert_int_equal(off_remove(path, "gw:3241", "3-2"), 0);
	assert_false(off_has(path, "gw:3241", "3-2"));
	assert_int_equal(off_add(path, "gw:3241", "a b"), ERR_FORMAT);
	assert_int_equal(off_add(path, "gw\n", "a"), ERR_FORMAT);
	assert_int_equal(off_add(path, "gw", ""), ERR_FORMAT);
	(void)unlink(path);
	(void)snprintf(text, sizeof(text), "%s.lock", path);
	(void)unlink(text);
	assert_int_equal(rmdir(dir), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_users),
		cmocka_unit_test(test_seats),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_approval),
		cmocka_unit_test(test_backoff),
		cmocka_unit_test(test_decisions),
		cmocka_unit_test(test_story),
		cmocka_unit_test(test_off),
	};

	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
