/* vhci-glue/nodes: what drivers made of a device, from a sysfs of our own. */
#include <fcntl.h>
#include <ftw.h>
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
#include "vhci-glue/nodes.h"

static char top[] = "/tmp/test_nodes.XXXXXX", sys[64], dev[64];

/* Makes a file, and what is above it. */
static void
put(const char *dir, const char *name, const char *text)
{
	char path[512];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	for (char *p = path + 1; (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		(void)mkdir(path, 0700);
		*p = '/';
	}
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void
face(const char *name, const char *class, const char *subclass)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "3-1/%s/bInterfaceClass", name);
	put(sys, path, class);
	(void)snprintf(path, sizeof(path), "3-1/%s/bInterfaceSubClass", name);
	put(sys, path, subclass);
}

static void
driver(const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/3-1/%s/driver", sys, name);
	assert_int_equal(symlink("../../drivers/x", path), 0);
}

static int
drop(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	(void)st;
	(void)flag;
	return at->level == 0 ? 0 : remove(path);
}

static int
empty(void **state)
{
	(void)state;
	return nftw(top, drop, 16, FTW_DEPTH | FTW_PHYS);
}

static void
expect(unsigned n, unsigned waiting, unsigned undriven, const char *first)
{
	struct nodes nodes;

	assert_int_equal(nodes_find(&nodes, sys, dev, "3-1"), 0);
	assert_int_equal(nodes.n, n);
	assert_int_equal(nodes.waiting, waiting);
	assert_int_equal(nodes.undriven, undriven);
	if (first != NULL) {
		char path[128];

		(void)snprintf(path, sizeof(path), "%s%s",
		    *first == '/' ? dev : "", first);
		assert_string_equal(nodes.names[0], path);
	}
}

static void
test_disk(void **state)
{
	struct nodes nodes;

	(void)state;
	assert_int_equal(nodes_find(&nodes, sys, dev, "3-1"), ERR_NOENT);
	put(sys, "3-1/idVendor", "0525\n");
	assert_int_equal(nodes_find(&nodes, sys, dev, "3-1"), ERR_NOENT);
	face("3-1:1.0", "08\n", "06\n");
	expect(0, 1, 1, NULL);
	driver("3-1:1.0");
	expect(0, 1, 0, NULL);
	put(sys, "3-1/3-1:1.0/host2/target2:0:0/2:0:0:0/block/sdb/uevent",
	    "MAJOR=8\nMINOR=16\nDEVNAME=sdb\nDEVTYPE=disk\n");
	put(sys, "3-1/3-1:1.0/host2/target2:0:0/2:0:0:0/block/sdb/sdb1/uevent",
	    "DEVNAME=sdb1\n");
	put(sys, "3-1/3-1:1.0/host2/target2:0:0/2:0:0:0/scsi_generic/sg1/"
		 "uevent", "DEVNAME=sg1\n");
	expect(0, 1, 0, NULL); /* its node is not there yet */
	put(dev, "sdb", "");
	expect(1, 0, 0, "/sdb");
}

static void
test_composite(void **state)
{
	(void)state;
	face("3-1:1.0", "03\n", "01\n");
	driver("3-1:1.0");
	put(sys, "3-1/3-1:1.0/0003:046D:C31C.0001/input/input7/uevent", "\n");
	put(sys, "3-1/3-1:1.0/0003:046D:C31C.0001/input/input7/event3/uevent",
	    "DEVNAME=input/event3\n");
	expect(1, 0, 0, "input7");
	face("3-1:1.1", "02\n", "02\n");
	face("3-1:1.2", "0a\n", "00\n"); /* its data has nothing of its own */
	expect(1, 1, 1, NULL);
	put(sys, "3-1/3-1:1.1/tty/ttyACM0/uevent", "DEVNAME=ttyACM0\n");
	put(dev, "ttyACM0", "");
	expect(2, 0, 0, NULL);
	face("3-1:1.3", "ff\n", "00\n");
	face("3-1:1.4", "02\n", "0d\n");
	put(sys, "3-1/3-1:1.4/net/usb0/uevent", "INTERFACE=usb0\n");
	expect(3, 0, 0, NULL);
	/* streams of a sound card belong to what controls it */
	face("3-1:1.5", "01\n", "02\n");
	face("3-1:1.6", "01\n", "01\n");
	expect(3, 1, 1, NULL);
	put(sys, "3-1/3-1:1.6/sound/card1/id", "x");
	expect(4, 0, 0, NULL);
}

/* Nobody knows what is made of it, before it is there. */
static void
test_vendor(void **state)
{
	struct nodes nodes;

	(void)state;
	face("3-1:1.0", "ff\n", "ff\n");
	assert_int_equal(nodes_find(&nodes, sys, dev, "3-1"), 0);
	assert_int_equal(nodes.n + nodes.waiting + nodes.undriven, 0);
	assert_int_equal(nodes.unknown, 1);
	driver("3-1:1.0");
	put(sys, "3-1/3-1:1.0/ttyUSB0/tty/ttyUSB0/uevent", "DEVNAME=ttyUSB0\n");
	put(dev, "ttyUSB0", "");
	expect(1, 0, 0, "/ttyUSB0");
	assert_int_equal(nodes_find(&nodes, sys, dev, "3-1"), 0);
	assert_int_equal(nodes.unknown, 0);
}

/* sysfs is the kernel's, and read as if it were not. */
static void
test_hostile(void **state)
{
	char path[256], deep[1024] = "3-1/3-1:1.0";
	struct nodes nodes;

	(void)state;
	assert_int_equal(nodes_find(&nodes, sys, dev, ""), ERR_FORMAT);
	assert_int_equal(nodes_find(&nodes, sys, dev, "../x"), ERR_FORMAT);
	assert_int_equal(nodes_find(&nodes, sys, dev, "a/b"), ERR_FORMAT);
	face("3-1:1.0", "08\n", "06\n");
	put(sys, "3-1/3-1:1.0/block/a/uevent", "DEVNAME=../../etc/passwd\n");
	put(sys, "3-1/3-1:1.0/block/b/uevent", "DEVNAME=/etc/passwd\n");
	put(sys, "3-1/3-1:1.0/block/c/uevent", "DEVNAME=\033[2J\n");
	put(sys, "3-1/3-1:1.0/block/d/uevent", "DEVNAME=\n");
	expect(0, 1, 1, NULL);
	/* a way round, and one without an end */
	(void)snprintf(path, sizeof(path), "%s/3-1/3-1:1.0/loop", sys);
	assert_int_equal(symlink("..", path), 0);
	for (size_t n = strlen(deep); n < 70; n += 2) {
		memcpy(deep + n, "/d", 3);
	}
	memcpy(deep + strlen(deep), "/net/usb0/uevent", 17);
	put(sys, deep, "");
	expect(0, 1, 1, NULL);
	/* more than there is room for */
	for (int i = 0; i < 40; i++) {
		(void)snprintf(path, sizeof(path),
		    "3-1/3-1:1.0/net/n%d/uevent", i);
		put(sys, path, "");
	}
	expect(NODES_MAX, 0, 0, NULL);
}

static int
start(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(top));
	(void)snprintf(sys, sizeof(sys), "%s/sys", top);
	(void)snprintf(dev, sizeof(dev), "%s/dev", top);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	return rmdir(top);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_disk, empty),
	    cmocka_unit_test_teardown(test_composite, empty),
	    cmocka_unit_test_teardown(test_vendor, empty),
	    cmocka_unit_test_teardown(test_hostile, empty),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
