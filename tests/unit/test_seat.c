/*
 * vhci-glue/seat: which name a device will have on a port, before the kernel
 * knows of one, and the rule that gives its nodes to somebody.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "vhci-glue/exits.h"
#include "vhci-glue/seat.h"

static char dir[] = "/tmp/test_seat.XXXXXX";

static void
make_bus(unsigned controller, unsigned bus, const char *speed)
{
	char path[128];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/vhci_hcd.%u", dir, controller);
	(void)mkdir(path, 0755);
	(void)snprintf(
	    path, sizeof(path), "%s/vhci_hcd.%u/usb%u", dir, controller, bus);
	assert_int_equal(mkdir(path, 0755), 0);
	(void)snprintf(path, sizeof(path), "%s/vhci_hcd.%u/usb%u/speed", dir,
	    controller, bus);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fprintf(f, "%s\n", speed) > 0);
	assert_int_equal(fclose(f), 0);
}

/* Two controllers of two ports of each speed, as the kernel lists them. */
static void
names(void **state)
{
	static const char *const local[] = {
		"3-1", "3-2", "4-1", "4-2", "6-1", "6-2", "15-1", "15-2"};
	struct vhci_port ports[8];
	struct vhci vhci = {.nports = 8, .n = 8, .ports = ports};
	char out[VHCI_BUSID];

	(void)state;
	memset(ports, 0, sizeof(ports));
	for (unsigned i = 0; i < 8; i++) {
		ports[i].port = i;
		ports[i].hub = i % 4 < 2 ? VHCI_HS : VHCI_SS;
		assert_int_equal(
		    seat_local(out, dir, &vhci, &ports[i]), ERR_NOENT);
	}
	make_bus(0, 3, "480");
	make_bus(0, 4, "5000");
	make_bus(1, 15, "10000");
	make_bus(1, 6, "480");
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(seat_local(out, dir, &vhci, &ports[i]), 0);
		assert_string_equal(out, local[i]);
	}
}

static void
rules(void **state)
{
	const struct seat alone = {1000, "", ""},
			  seated = {1001, "seat1", ""};
	char text[SEAT_RULE_MAX];

	(void)state;
	assert_string_equal(seat_rule(text, sizeof(text), "3-1", &alone),
	    "DEVPATH==\"/devices/platform/vhci_hcd.*\", SUBSYSTEMS==\"usb\", "
	    "KERNELS==\"3-1\", OWNER:=\"1000\", MODE:=\"0600\"\n");
	assert_string_equal(seat_rule(text, sizeof(text), "3-1", &seated),
	    "DEVPATH==\"/devices/platform/vhci_hcd.*\", SUBSYSTEMS==\"usb\", "
	    "KERNELS==\"3-1\", OWNER:=\"1001\", MODE:=\"0600\", "
	    "ENV{ID_SEAT}=\"seat1\", TAG+=\"seat\"\n");
	assert_null(seat_rule(text, 100, "3-1", &alone));
	assert_null(seat_rule(text, 130, "3-1", &seated));
}

static void
who(void **state)
{
	struct opts opts = {.command = "attach"};
	struct seat seat;

	(void)state;
	assert_int_equal(seat_find(&seat, &opts), 0);
	assert_true(seat.uid == (uid_t)-1);
	assert_string_equal(seat.user, "");
	opts.user = "daemon";
	assert_int_equal(seat_find(&seat, &opts), 0);
	assert_int_equal(seat.uid, 1);
	assert_string_equal(seat.name, "");
	assert_string_equal(seat.user, "daemon");
	opts.seat = "seat-1_a";
	assert_int_equal(seat_find(&seat, &opts), 0);
	assert_string_equal(seat.name, "seat-1_a");
	opts.user = "nobody of that name";
	assert_int_equal(seat_find(&seat, &opts), EXITS_USAGE);
	opts.user = "daemon";
	opts.seat = "a\", RUN+=\"x";
	assert_int_equal(seat_find(&seat, &opts), EXITS_USAGE);
	opts.seat = "";
	assert_int_equal(seat_find(&seat, &opts), EXITS_USAGE);
}

static int
begin(void **state)
{
	(void)state;
	return mkdtemp(dir) == NULL;
}

static int
end(void **state)
{
	static const char *const made[] = {"0/usb3/speed", "0/usb4/speed",
	    "1/usb15/speed", "1/usb6/speed", "0/usb3", "0/usb4", "1/usb15",
	    "1/usb6", "0", "1"};
	char path[128];

	(void)state;
	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		(void)snprintf(
		    path, sizeof(path), "%s/vhci_hcd.%s", dir, made[i]);
		(void)remove(path);
	}
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(rules),
		cmocka_unit_test(who),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
