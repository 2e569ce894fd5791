/*
 * Times of sallyport-policy: what is read as one, and the clock on a wall.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "policy/tool/when.h"

static void
test_read(void **state)
{
	static const struct {
		const char *text;
		int64_t at; /* -1 = no time */
	} rows[] = {
		{"1970-01-01T00:00:00Z", 0},
		{"2026-03-02T06:15:00Z", 1772432100},
		{"2026-03-02T07:15:00+01:00", 1772432100},
		{"2026-03-01T22:45:00-07:30", 1772432100},
		{"2024-02-29T23:59:59Z", 1709251199},
		{"2026-02-29T00:00:00Z", -1},
		{"2026-13-01T00:00:00Z", -1},
		{"2026-00-01T00:00:00Z", -1},
		{"2026-01-01T24:00:00Z", -1},
		{"2026-01-01T00:60:00Z", -1},
		{"2026-01-01T00:00:61Z", -1},
		{"1969-12-31T23:59:59Z", -1},
		{"2026-03-02T06:15:00", -1},
		{"2026-03-02T06:15:00z", -1},
		{"2026-03-02T06:15:00+24:00", -1},
		{"2026-03-02T06:15:00+00:60", -1},
		{"2026-03-02T06:15:00+0100", -1},
		{"2026-03-02 06:15:00Z", -1},
		{" 026-03-02T06:15:00Z", -1},
		{"2026-03-02T06:15:00Z ", -1},
		{"2026-03-02", -1},
		{"now", -1},
		{"", -1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t at = -1;
		int r = when_read(rows[i].text, &at);

		if (r != (rows[i].at == -1 ? ERR_FORMAT : 0) ||
		    at != rows[i].at) {
			fail_msg("%s: %d %lld", rows[i].text, r,
			    (long long)at);
		}
	}
}

static void
test_show(void **state)
{
	char buf[WHEN_TEXT];

	(void)state;
	assert_string_equal(
	    when_show(buf, 1772432100), "2026-03-02T06:15:00Z");
	assert_string_equal(when_show(buf, INT64_MAX), "?");
}

static void
test_durations(void **state)
{
	static const struct {
		const char *text;
		uint32_t seconds; /* 0 = none */
		const char *shown;
	} rows[] = {
		{"90s", 90, "90s"},
		{"60s", 60, "1m"},
		{"30m", 1800, "30m"},
		{"24h", 86400, "1d"},
		{"7d", 604800, "7d"},
		{"4294967295s", 4294967295u, "4294967295s"},
		{"4294967296s", 0, ""},
		{"49711d", 0, ""},
		{"99999999999999999999s", 0, ""},
		{"0s", 0, ""},
		{"5", 0, ""},
		{"m", 0, ""},
		{"5m ", 0, ""},
		{"-5m", 0, ""},
		{"5min", 0, ""},
		{"", 0, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t seconds = 0;
		char buf[WHEN_TEXT];

		assert_int_equal(when_read_duration(rows[i].text, &seconds),
		    rows[i].seconds == 0 ? ERR_FORMAT : 0);
		assert_int_equal(seconds, rows[i].seconds);
		if (seconds != 0) {
			assert_string_equal(
			    when_show_duration(buf, seconds), rows[i].shown);
		}
	}
}

static void
test_zones(void **state)
{
	struct rule_local local;

	(void)state;
	assert_true(when_is_zone("UTC"));
	assert_true(when_is_zone("Europe/Berlin"));
	assert_false(when_is_zone("Europe"));
	assert_false(when_is_zone("Europe/Nowhere"));
	assert_false(when_is_zone(""));
	assert_false(when_is_zone("/etc/localtime"));
	assert_false(when_is_zone("../zoneinfo/UTC"));
	assert_false(when_is_zone(":UTC"));
	/* 2026-03-02 is a Monday */
	assert_int_equal(when_local("Europe/Berlin", 1772432100, &local), 0);
	assert_int_equal(local.weekday, 0);
	assert_int_equal(local.second, 7 * 3600 + 15 * 60);
	assert_int_equal(
	    when_local("Pacific/Honolulu", 1772432100, &local), 0);
	assert_int_equal(local.weekday, 6);
	assert_int_equal(local.second, 20 * 3600 + 15 * 60);
	/* summer */
	assert_int_equal(
	    when_local("Europe/Berlin", 1772432100 + 120 * 86400, &local), 0);
	assert_int_equal(local.second, 8 * 3600 + 15 * 60);
	assert_int_equal(
	    when_local("Europe/Nowhere", 0, &local), ERR_NOENT);
	/* this machine's, before and after */
	assert_int_equal(setenv("TZ", "Asia/Tokyo", 1), 0);
	assert_int_equal(when_local("", 1772432100, &local), 0);
	assert_int_equal(local.second, 15 * 3600 + 15 * 60);
	assert_int_equal(when_local("UTC", 1772432100, &local), 0);
	assert_int_equal(local.second, 6 * 3600 + 15 * 60);
	assert_int_equal(when_local("", 1772432100, &local), 0);
	assert_int_equal(local.second, 15 * 3600 + 15 * 60);
	assert_string_equal(getenv("TZ"), "Asia/Tokyo");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_read),
	    cmocka_unit_test(test_show),
	    cmocka_unit_test(test_durations),
	    cmocka_unit_test(test_zones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
