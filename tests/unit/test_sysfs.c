/*
 * proxy/warden/sysfs on a directory that the test makes: what a device is, and
 * that nothing is read of what the kernel shows under its lock. Those files are
 * FIFOs here: whoever opens one hangs, and the test with him.
 */
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
#include "proxy/warden/warden.h"
#include "tests/unit/usb_samples.h"

#define HUNG 30 /* seconds; an alarm ends the test */

static char top[32], bus[64];

static void
put(const char *dir, const char *name, const void *data, size_t len)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s/%s", top, dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void
text(const char *dir, const char *name, const char *value)
{
	put(dir, name, value, strlen(value));
}

static void
make_dir(const char *dir)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", top, dir);
	assert_int_equal(mkdir(path, 0755), 0);
}

/* A keyboard, or whatever has its descriptors. */
static void
make_device(const char *dir, const char *busid, const char *devnum)
{
	static const char *const locked[] = {"bConfigurationValue",
	    "bNumInterfaces", "bmAttributes", "bMaxPower", "configuration",
	    "product", "manufacturer", "serial"};
	uint8_t desc[18 + sizeof(sample_keyboard_ls)];
	char path[512], link[512];

	make_dir(dir);
	text(dir, "busnum", "3\n");
	text(dir, "devnum", devnum);
	text(dir, "speed", "480\n");
	text(dir, "bDeviceClass", "00\n");
	text(dir, "idVendor", "0424\n");
	text(dir, "idProduct", "2514\n");
	text(dir, "authorized", "1\n");
	memcpy(desc, usb_samples[3].device, 18);
	memcpy(desc + 18, sample_keyboard_ls, sizeof(sample_keyboard_ls));
	put(dir, "descriptors", desc, sizeof(desc));
	for (size_t i = 0; i < sizeof(locked) / sizeof(locked[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s/%s", top, dir, locked[i]);
		assert_int_equal(mkfifo(path, 0644), 0);
	}
	snprintf(path, sizeof(path), "%s/%s", top, dir);
	snprintf(link, sizeof(link), "%s/%s", bus, busid);
	assert_int_equal(symlink(path, link), 0);
}

static int
set_up(void **state)
{
	(void)state;
	alarm(HUNG);
	memcpy(top, "/tmp/sysfs-XXXXXX", 18);
	assert_non_null(mkdtemp(top));
	make_dir("bus");
	snprintf(bus, sizeof(bus), "%s/bus", top);
	make_dir("0000:00:14.0");
	make_device("0000:00:14.0/usb3", "usb3", "1\n");
	make_device("0000:00:14.0/usb3/3-2", "3-2", "7\n");
	return 0;
}

static int
drop(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static int
tear_down(void **state)
{
	(void)state;
	alarm(0);
	return nftw(top, drop, 8, FTW_DEPTH | FTW_PHYS);
}

static void
a_device(void **state)
{
	struct sysfs_device d;

	(void)state;
	make_dir("0000:00:14.0/usb3/3-2/3-2:2.0");
	assert_int_equal(sysfs_read(&d, bus, "3-2"), 0);
	assert_string_equal(d.place.busid, "3-2");
	assert_int_equal(d.place.busnum, 3);
	assert_int_equal(d.place.devnum, 7);
	assert_int_equal(d.place.speed, USBIP_SPEED_HIGH);
	assert_int_equal(d.vid, 0x0424);
	assert_int_equal(d.pid, 0x2514);
	assert_int_equal(d.configuration, 2);
	assert_true(d.is_authorized);
	assert_false(d.is_root_hub || d.is_virtual);
	assert_string_equal(d.parent_hash, "");
	assert_int_equal(sysfs_read(&d, bus, "3-3"), ERR_NOENT);
	assert_int_equal(sysfs_read(&d, bus, "../3-2"), ERR_FORMAT);
	text("0000:00:14.0/usb3/3-2", "devnum", "128\n");
	assert_int_equal(sysfs_read(&d, bus, "3-2"), ERR_FORMAT);
}

/* Interfaces are what tells: its own, and of a number that can be. */
static void
configured(void **state)
{
	static const char *const others[] = {"3-2.1", "3-2:0.0", "3-2:256.0",
	    "3-2:x.0", "3-2:.0", "3-2:1", "3-21:1.0", "3-2.1:1.0", "3-0:1.0"};
	struct sysfs_device d;

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		char path[128];

		snprintf(path, sizeof(path), "0000:00:14.0/usb3/3-2/%s",
		    others[i]);
		make_dir(path);
	}
	assert_int_equal(sysfs_read(&d, bus, "3-2"), 0);
	assert_int_equal(d.configuration, 0);
	make_dir("0000:00:14.0/usb3/3-2/3-2:255.12");
	assert_int_equal(sysfs_read(&d, bus, "3-2"), 0);
	assert_int_equal(d.configuration, 255);
}

static void
a_root_hub(void **state)
{
	struct sysfs_device d, other;

	(void)state;
	make_dir("0000:00:14.0/usb3/3-0:1.0");
	assert_int_equal(sysfs_read(&d, bus, "usb3"), 0);
	assert_true(d.is_root_hub);
	assert_int_equal(d.configuration, 1);
	/* its parent's hash is its controller's, by the path */
	assert_int_equal(strlen(d.parent_hash), 44);
	make_dir("0000:00:15.0");
	make_device("0000:00:15.0/usb4", "usb4", "1\n");
	assert_int_equal(sysfs_read(&other, bus, "usb4"), 0);
	assert_int_equal(strlen(other.parent_hash), 44);
	assert_string_not_equal(d.parent_hash, other.parent_hash);
}

/* Of one that is not this machine's, or that the kernel keeps out, nothing
 * else is believed. */
static void
not_ours(void **state)
{
	struct sysfs_device d;

	(void)state;
	make_dir("0000:00:14.0/usb3/3-2/3-2:1.0");
	text("0000:00:14.0/usb3/3-2", "authorized", "0\n");
	assert_int_equal(sysfs_read(&d, bus, "3-2"), 0);
	assert_false(d.is_authorized);
	assert_int_equal(d.configuration, 0);
	assert_int_equal(d.place.devnum, 7);
	make_dir("vhci_hcd.0");
	make_device("vhci_hcd.0/9-1", "9-1", "broken");
	assert_int_equal(sysfs_read(&d, bus, "9-1"), 0);
	assert_true(d.is_virtual);
	assert_string_equal(d.place.busid, "9-1");
}

static void
hash_and_facts(void **state)
{
	static struct rule_device_store store;
	static struct device dev;
	static struct ipc_texts other;
	struct sysfs_device d;
	char hash[HASH_TEXT];

	(void)state;
	assert_int_equal(sysfs_read(&d, bus, "3-2"), 0);
	dev.store = &store;
	dev.place = d.place;
	memcpy(dev.texts.product, "Keys", 5);
	memcpy(dev.texts.manufacturer, "Maker", 6);
	memcpy(dev.texts.serial, "S1", 3);
	sysfs_hash(dev.hash, &dev.place, &dev.texts);
	assert_int_equal(strlen(dev.hash), 44);
	/* a manufacturer is no part of it, a serial number is */
	other = dev.texts;
	other.manufacturer[0] = 'F';
	sysfs_hash(hash, &dev.place, &other);
	assert_string_equal(hash, dev.hash);
	other.serial[0] = 'T';
	sysfs_hash(hash, &dev.place, &other);
	assert_string_not_equal(hash, dev.hash);
	assert_int_equal(sysfs_facts(&dev), 0);
	assert_string_equal(dev.facts.name, "Keys");
	assert_string_equal(dev.facts.manufacturer, "Maker");
	assert_string_equal(dev.facts.serial, "S1");
	assert_string_equal(dev.facts.hash, dev.hash);
	assert_int_equal(dev.facts.ninterfaces, 1);
	assert_int_equal(dev.facts.interfaces[0].class, 3);
	/* another one is there by now */
	dev.place.devnum = 8;
	sysfs_hash(hash, &dev.place, &dev.texts);
	assert_string_equal(hash, "");
	assert_int_equal(sysfs_facts(&dev), ERR_NOENT);
	dev.place.devnum = 7;
	put("0000:00:14.0/usb3/3-2", "descriptors", "short", 5);
	sysfs_hash(hash, &dev.place, &dev.texts);
	assert_string_equal(hash, "");
	assert_int_equal(sysfs_facts(&dev), ERR_NOENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
		TEST(a_device),
		TEST(configured),
		TEST(a_root_hub),
		TEST(not_ours),
		TEST(hash_and_facts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
