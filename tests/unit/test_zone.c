/*
 * Time zones: the same as the C library says, at every change and in between,
 * for zones of each kind; names that lead out of the directory, and files that
 * are none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/file.h"
#include "proxy/warden/zone.h"

#define YEAR INT64_C(31556952)

/* All of them: summer in the north, in the south, over the new year, negative
 * summer, none, odd minutes, half an hour, numbers for a name. */
static const char *const names[] = {"Europe/Berlin", "America/New_York",
    "America/Argentina/Buenos_Aires", "Australia/Lord_Howe", "Europe/Dublin",
    "Asia/Kathmandu", "Asia/Tehran", "Pacific/Auckland", "America/Santiago",
    "Africa/Casablanca", "Etc/GMT+5", "UTC", "America/Sao_Paulo"};

static void
check_at(const char *name, const struct zone *zone, int64_t at)
{
	struct zone_time t;
	time_t tt = (time_t)at;
	struct tm tm;

	assert_non_null(localtime_r(&tt, &tm));
	zone_time(&t, zone, at);
	if ((unsigned)(tm.tm_wday + 6) % 7 != t.weekday ||
	    (unsigned)(tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec) !=
		t.second) {
		fail_msg("%s at %lld: day %u second %u, not day %d %02d:%02d:%02d",
		    name, (long long)at, t.weekday, t.second,
		    (tm.tm_wday + 6) % 7, tm.tm_hour, tm.tm_min, tm.tm_sec);
	}
}

static void
test_as_libc(void **state)
{
	struct zones *zones = zones_new(ZONE_DIR, ZONE_LOCAL);
	unsigned changes = 0;

	(void)state;
	if (access(ZONE_DIR "/Europe/Berlin", R_OK) != 0) {
		zones_free(zones);
		skip();
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct zone *zone;
		int32_t before = 0;

		assert_int_equal(zones_get(zones, names[i], &zone), 0);
		setenv("TZ", names[i], 1);
		tzset();
		/* 1960 to 2120, and to the second around each change */
		for (int64_t at = -10 * YEAR; at < 150 * YEAR; at += 9973) {
			int32_t now;

			if (at % 97 == 0) {
				check_at(names[i], zone, at);
			}
			now = zone_offset(zone, at);
			if (now != before) {
				int64_t low = at - 9973, high = at;

				while (high - low > 1) {
					int64_t mid = low + (high - low) / 2;

					if (zone_offset(zone, mid) == now) {
						high = mid;
					} else {
						low = mid;
					}
				}
				check_at(names[i], zone, low);
				check_at(names[i], zone, high);
				changes++;
			}
			before = now;
		}
	}
	unsetenv("TZ");
	tzset();
	print_message("%u changes\n", changes);
	assert_true(changes > 1500);
	zones_free(zones);
}

static void
test_names(void **state)
{
	static const char *const good[] = {"UTC", "Europe/Berlin",
	    "America/Argentina/Buenos_Aires", "Etc/GMT+5", "Etc/GMT-14"};
	static const char *const bad[] = {"", "/", "/etc/passwd", "..",
	    "../../../etc/passwd", "Europe/../UTC", "Europe/", "Europe//Berlin",
	    ".", "a.b", "Europe/Ber lin", "Zo\xcc\x81ne",
	    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(zone_is_name(good[i]));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(zone_is_name(bad[i]));
	}
}

static void
test_not_there(void **state)
{
	struct zones *zones = zones_new(ZONE_DIR, "/nonexistent/localtime");
	const struct zone *zone;
	struct zone_time t;

	(void)state;
	assert_int_equal(zones_get(zones, "No/Where", &zone), ERR_NOENT);
	assert_int_equal(zones_get(zones, "../passwd", &zone), ERR_NOENT);
	assert_int_equal(zones_get(zones, "Europe", &zone), ERR_NOENT);
	/* a machine without a zone has UTC */
	assert_int_equal(zones_get(zones, "", &zone), 0);
	assert_int_equal(zone_offset(zone, 1000000000), 0);
	zone_time(&t, zone, 0);
	assert_int_equal(t.weekday, 3);
	assert_int_equal(t.second, 0);
	zone_time(&t, zone, -1);
	assert_int_equal(t.weekday, 2);
	assert_int_equal(t.second, 86399);
	zones_free(zones);
}

/* Every cut and every flipped byte is either refused or harmless. */
static void
test_damaged(void **state)
{
	uint8_t *data = NULL, *copy;
	struct zone *zone;
	size_t len;

	(void)state;
	if (file_read(ZONE_DIR "/Europe/Berlin", 1 << 16, FILE_PUBLIC, &data,
		&len) != 0) {
		skip();
	}
	for (size_t n = 0; n < len; n++) {
		/* exactly as long, for the address sanitizer */
		copy = malloc(n + 1);
		memcpy(copy, data, n);
		copy = realloc(copy, n > 0 ? n : 1);
		assert_int_not_equal(zone_parse(&zone, copy, n), 0);
		free(copy);
	}
	for (size_t i = 0; i < len; i++) {
		data[i] ^= 0xff;
		if (zone_parse(&zone, data, len) == 0) {
			(void)zone_offset(zone, INT64_MIN / 2);
			(void)zone_offset(zone, INT64_MAX / 2);
			(void)zone_offset(zone, 1790000000);
			zone_free(zone);
		}
		data[i] ^= 0xff;
	}
	free(data);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_libc),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_not_there),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
