/*
 * wire/place: where a device is plugged, in its exact form, and every bus id
 * and path that would name something else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "wire/devrec.h"

static const struct device_place place = {.busid = "3-2.4",
    .path = "/sys/devices/pci0000:00/0000:00:14.0/usb3/3-2/3-2.4",
    .busnum = 3,
    .devnum = 17,
    .speed = USBIP_SPEED_HIGH};

static void
places_come_back_as_they_went(void **state)
{
	struct device_place out;
	uint8_t buf[PLACE_WIRE + 1] = {0}, again[PLACE_WIRE];

	(void)state;
	assert_int_equal(place_encode(buf, sizeof(buf), &place), PLACE_WIRE);
	assert_int_equal(place_decode(&out, buf, PLACE_WIRE), 0);
	assert_string_equal(out.busid, place.busid);
	assert_string_equal(out.path, place.path);
	assert_int_equal(out.busnum, 3);
	assert_int_equal(out.devnum, 17);
	assert_int_equal(out.speed, USBIP_SPEED_HIGH);
	for (size_t n = 0; n < PLACE_WIRE; n++) {
		assert_int_equal(place_decode(&out, buf, n), ERR_FORMAT);
		assert_int_equal(place_encode(again, n, &place), ERR_NOMEM);
	}
	assert_int_equal(place_decode(&out, buf, sizeof(buf)), ERR_FORMAT);
	assert_int_equal(place_decode(&out, NULL, 0), ERR_FORMAT);
	buf[USBIP_BUSID_SIZE - 1] = 'x'; /* behind the NUL */
	assert_int_equal(place_decode(&out, buf, PLACE_WIRE), ERR_FORMAT);
}

static void
places_that_name_something_else_are_refused(void **state)
{
	static const struct {
		const char *busid, *path;
		uint16_t busnum, devnum;
		uint8_t speed;
		int want;
	} rows[] = {
	    {"1-1", "/sys/devices/x", 1, 2, 3, 0},
	    {"1-1", "/x", 1, 2, 6, 0},
	    {"1-1", "/sys/..x/x..", 1, 2, 1, 0},
	    {"", "/sys/devices/x", 1, 2, 3, ERR_FORMAT},
	    {"../1", "/sys/devices/x", 1, 2, 3, ERR_FORMAT},
	    {"1/1", "/sys/devices/x", 1, 2, 3, ERR_FORMAT},
	    {"1-1", "", 1, 2, 3, ERR_FORMAT},
	    {"1-1", "/", 1, 2, 3, ERR_FORMAT},
	    {"1-1", "sys/devices/x", 1, 2, 3, ERR_FORMAT},
	    {"1-1", "/sys/../etc", 1, 2, 3, ERR_FORMAT},
	    {"1-1", "/sys/./x", 1, 2, 3, ERR_FORMAT},
	    {"1-1", "/sys//x", 1, 2, 3, ERR_FORMAT},
	    {"1-1", "/sys/x/", 1, 2, 3, ERR_FORMAT},
	    {"1-1", "/sys/x/..", 1, 2, 3, ERR_FORMAT},
	    {"1-1", "/sys/x\n", 1, 2, 3, ERR_FORMAT},
	    {"1-1", "/sys/\xc3\xa4", 1, 2, 3, ERR_FORMAT},
	    {"1-1", "/sys/!~", 1, 2, 3, 0},
	    {"1-1", "/sys/a b", 1, 2, 3, ERR_FORMAT},
	    {"1-1", "/sys/\x7f", 1, 2, 3, ERR_FORMAT},
	    {"1-1", "/sys/devices/x", 0, 2, 3, ERR_FORMAT},
	    {"1-1", "/sys/devices/x", 1, 0, 3, ERR_FORMAT},
	    {"1-1", "/sys/devices/x", 1, 2, 0, ERR_FORMAT},
	    {"1-1", "/sys/devices/x", 1, 2, 7, ERR_FORMAT},
	};
	struct device_place p;
	uint8_t buf[PLACE_WIRE];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int r;

		memset(&p, 0, sizeof(p));
		strncpy(p.busid, rows[i].busid, sizeof(p.busid) - 1);
		strncpy(p.path, rows[i].path, sizeof(p.path) - 1);
		p.busnum = rows[i].busnum;
		p.devnum = rows[i].devnum;
		p.speed = rows[i].speed;
		r = place_encode(buf, sizeof(buf), &p);
		if (rows[i].want != 0 ? r != ERR_FORMAT : r != PLACE_WIRE) {
			fail_msg("row %zu: got %d", i, r);
		}
		/* and the reader does not rely on the writer */
		memset(buf, 0, sizeof(buf));
		memcpy(buf, p.busid, strlen(p.busid));
		memcpy(buf + 32, p.path, strlen(p.path));
		buf[289] = (uint8_t)p.busnum;
		buf[291] = (uint8_t)p.devnum;
		buf[292] = p.speed;
		assert_int_equal(
		    place_decode(&p, buf, sizeof(buf)), rows[i].want);
	}
	memset(p.path, '/', sizeof(p.path));
	assert_int_equal(place_encode(buf, sizeof(buf), &p), ERR_FORMAT);
	p = place;
	memset(p.busid, 'a', sizeof(p.busid));
	assert_int_equal(place_encode(buf, sizeof(buf), &p), ERR_FORMAT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(places_come_back_as_they_went),
	    cmocka_unit_test(places_that_name_something_else_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
