/*
 * Stable names: out of a sysfs that the test makes, for the controllers, hubs
 * and double sockets that there are, and out of hostile serial numbers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "proxy/warden/stable.h"

static char root[64];

static void
make_dirs(const char *path)
{
	char full[512];

	(void)snprintf(full, sizeof(full), "%s/%s", root, path);
	for (char *p = full + 1; *p != '\0'; p++) {
		if (*p == '/') {
			*p = '\0';
			(void)mkdir(full, 0755);
			*p = '/';
		}
	}
	(void)mkdir(full, 0755);
	assert_int_equal(access(full, F_OK), 0);
}

static void
make_file(const char *path, const char *text)
{
	char full[512];
	FILE *f;

	(void)snprintf(full, sizeof(full), "%s/%s", root, path);
	f = fopen(full, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void
make_link(const char *path, const char *target)
{
	char full[512];

	(void)snprintf(full, sizeof(full), "%s/%s", root, path);
	assert_int_equal(symlink(target, full), 0);
}

static void
make_bus(const char *dir, const char *subsystem)
{
	char path[300], target[64];

	make_dirs(dir);
	(void)snprintf(path, sizeof(path), "%s/subsystem", dir);
	(void)snprintf(target, sizeof(target), "/nowhere/bus/%s", subsystem);
	make_link(path, target);
}

/* The number of its configuration is shown under its lock: whoever opens that
 * hangs, as it may be with the kernel. */
static void
make_hub(const char *dir, const char *speed)
{
	char path[300];

	make_bus(dir, "usb");
	(void)snprintf(path, sizeof(path), "%s/speed", dir);
	make_file(path, speed);
	(void)snprintf(
	    path, sizeof(path), "%s/%s/bConfigurationValue", root, dir);
	assert_int_equal(mkfifo(path, 0644), 0);
}

#define XHCI "devices/pci0000:00/0000:00:1c.2/0000:03:00.0"

static int
set_up(void **state)
{
	(void)state;
	alarm(30);
	(void)snprintf(root, sizeof(root), "/tmp/test_stable.XXXXXX");
	assert_non_null(mkdtemp(root));
	make_bus("devices/pci0000:00/0000:00:1c.2", "pci");
	make_bus(XHCI, "pci");
	make_hub(XHCI "/usb1", "480\n");
	make_hub(XHCI "/usb2", "5000\n");
	/* socket A: port 3 of the one, port 1 of the other */
	make_dirs(XHCI "/usb1/1-0:1.0/usb1-port3");
	make_dirs(XHCI "/usb2/2-0:1.0/usb2-port1");
	make_link(XHCI "/usb2/2-0:1.0/usb2-port1/peer",
	    "../../../usb1/1-0:1.0/usb1-port3");
	/* a hub in it; its high-speed side has configuration 2 */
	make_hub(XHCI "/usb1/1-3", "480\n");
	make_hub(XHCI "/usb2/2-1", "10000\n");
	make_dirs(XHCI "/usb1/1-3/1-3:2.0/1-3-port4");
	make_dirs(XHCI "/usb2/2-1/2-1:1.0/2-1-port4");
	make_link(XHCI "/usb2/2-1/2-1:1.0/2-1-port4/peer",
	    "../../../../usb1/1-3/1-3:2.0/1-3-port4");
	make_dirs(XHCI "/usb2/2-0:1.0/usb2-port7"); /* without a peer */

	make_bus("devices/platform/dummy_hcd.0", "platform");
	make_hub("devices/platform/dummy_hcd.0/usb5", "480\n");
	make_bus("devices/pci0000:00/0000:00:14.0", "pci");
	make_bus("devices/pci0000:00/0000:00:14.0/dwc3.0.auto", "platform");
	make_bus("devices/pci0000:00/0000:00:14.0/dwc3.0.auto/xhci-hcd.1.auto",
	    "platform");
	make_hub("devices/pci0000:00/0000:00:14.0/dwc3.0.auto/xhci-hcd.1.auto/"
		 "usb7",
	    "480\n");
	make_hub("devices/odd box/usb9", "12\n");
	return 0;
}

static int
tear_down(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	if (pid == 0) {
		execlp("rm", "rm", "-rf", root, (char *)NULL);
		_exit(1);
	}
	return waitpid(pid, &status, 0) == pid && status == 0 ? 0 : -1;
}

static const struct {
	const char *path, *port;
} ports[] = {
	{XHCI "/usb1", "pci-0000:03:00.0:0"},
	{XHCI "/usb1/1-3", "pci-0000:03:00.0:3"},
	/* the same socket, at both speeds */
	{XHCI "/usb2/2-1", "pci-0000:03:00.0:3"},
	{XHCI "/usb1/1-3/1-3.4", "pci-0000:03:00.0:3.4"},
	{XHCI "/usb2/2-1/2-1.4", "pci-0000:03:00.0:3.4"},
	{XHCI "/usb1/1-3/1-3.4/1-3.4.2", "pci-0000:03:00.0:3.4.2"},
	/* the hub has no such port in sysfs: its own numbers, marked */
	{XHCI "/usb2/2-7", "pci-0000:03:00.0:ss-7"},
	{XHCI "/usb2/2-1/2-1.2", "pci-0000:03:00.0:ss-1.2"},
	{"devices/platform/dummy_hcd.0/usb5/5-1", "platform-dummy_hcd.0:1"},
	{"devices/pci0000:00/0000:00:14.0/dwc3.0.auto/xhci-hcd.1.auto/usb7/"
	 "7-12",
	    "pci-0000:00:14.0-platform-xhci-hcd.1.auto:12"},
	{"devices/odd box/usb9/9-1", "odd%20box:1"},
};

static void
test_ports(void **state)
{
	char path[512], port[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ports); i++) {
		(void)snprintf(
		    path, sizeof(path), "%s/%s", root, ports[i].path);
		assert_int_equal(stable_port(port, sizeof(port), path), 0);
		assert_string_equal(port, ports[i].port);
		assert_int_equal(
		    stable_port(port, strlen(ports[i].port), path), ERR_LIMIT);
	}
}

static void
test_no_ports(void **state)
{
	static const char *const bad[] = {"", "/", "1-1", "/sys/devices",
	    "/sys/usb1/1-", "/sys/usb1/1-x", "/sys/usb1/-2", "/sys/usb1/1-2.",
	    "/sys/usb1/1-0", "/sys/usb/1-2", "/sys/usb1x/1-2",
	    "/sys/usb1/1-99999", "/sys/x/y-z.3"};
	char port[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_not_equal(
		    stable_port(port, sizeof(port), bad[i]), 0);
	}
}

static void
test_port_dir(void **state)
{
	char path[512], want[1024], dir[512];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/" XHCI "/usb1/1-3/1-3.4", root);
	(void)snprintf(want, sizeof(want),
	    "%s/" XHCI "/usb1/1-3/1-3:2.0/1-3-port4", root);
	assert_int_equal(stable_port_dir(dir, sizeof(dir), path), 0);
	assert_string_equal(dir, want);
	(void)snprintf(path, sizeof(path), "%s/" XHCI "/usb2/2-1", root);
	(void)snprintf(want, sizeof(want),
	    "%s/" XHCI "/usb2/2-0:1.0/usb2-port1", root);
	assert_int_equal(stable_port_dir(dir, sizeof(dir), path), 0);
	assert_string_equal(dir, want);
	(void)snprintf(path, sizeof(path), "%s/" XHCI "/usb2", root);
	assert_int_equal(stable_port_dir(dir, sizeof(dir), path), ERR_NOENT);
}

static const struct {
	const char *serial, *port, *name;
} names[] = {
	{"", "", "0525:a4a5@"},
	{"", "platform-dummy_hcd.0:1", "0525:a4a5@platform-dummy_hcd.0:1"},
	{"A1._-z", "p:1", "0525:a4a5:A1._-z@p:1"},
	{"a b", "p:1", "0525:a4a5:a%20b@p:1"},
	/* nothing that a serial says looks like a port, or like another's */
	{"x@p:2", "p:1", "0525:a4a5:x%40p%3A2@p:1"},
	{"%41", "p:1", "0525:a4a5:%2541@p:1"},
	{"\x1b[2J\xc3\xa9*", "p:1", "0525:a4a5:%1B%5B2J%C3%A9%2A@p:1"},
};

static void
test_names(void **state)
{
	char name[STABLE_NAME], serial[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_int_equal(stable_name(name, sizeof(name), 0x0525, 0xa4a5,
				     names[i].serial, names[i].port),
		    0);
		assert_string_equal(name, names[i].name);
		for (size_t n = 0; n <= strlen(names[i].name); n++) {
			assert_int_equal(stable_name(name, n, 0x0525, 0xa4a5,
					     names[i].serial, names[i].port),
			    ERR_LIMIT);
		}
	}
	/* the longest that there is */
	memset(serial, 0xff, sizeof(serial));
	serial[sizeof(serial) - 1] = '\0';
	memset(name, 'p', 255);
	name[255] = '\0';
	char port[256];
	memcpy(port, name, sizeof(port));
	assert_int_equal(
	    stable_name(name, sizeof(name), 1, 2, serial, port), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_no_ports),
		cmocka_unit_test(test_port_dir),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name(
	    "stable", tests, set_up, tear_down);
}
