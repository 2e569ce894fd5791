/*
 * policy/rules/device: from a record and a place to what rules see, and what
 * goes into USBGuard's hash.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policy/rules/device.h"
#include "tests/unit/rules_body.h"

static const uint8_t device_bytes[DESC_DEVICE_SIZE] = {18, 1, 0x00, 0x02, 0, 0,
    0, 64, 0xe0, 0x05, 0x00, 0x12, 0x10, 0x01, 1, 2, 3, 2};

/* A keyboard with two alternates of one interface, and a drive. */
static const uint8_t config_one[] = {9, 2, 45, 0, 1, 1, 0, 0x80, 50, /**/
	9, 4, 0, 0, 1, 3, 1, 1, 0, /**/
	9, 0x21, 0x11, 1, 0, 1, 0x22, 63, 0, /**/
	9, 4, 0, 1, 0, 3, 0, 0, 0, /**/
	9, 4, 1, 0, 0, 8, 6, 0x50, 0};
static const uint8_t config_two[] = {9, 2, 18, 0, 1, 2, 0, 0x80, 50, /**/
	9, 4, 0, 0, 0, 0xff, 1, 2, 0};
static const uint8_t languages[] = {4, 3, 0x09, 0x04};
static const uint8_t acme[] = {10, 3, 'A', 0, 'c', 0, 'm', 0, 0xe9, 0};
static const uint8_t scanner[] = {8, 3, 'S', 0, 'c', 0, 'n', 0};
static const uint8_t serial[] = {6, 3, 'S', 0, '1', 0};

static struct devrec rec;
static struct rule_device_store store;

static void
fill(void)
{
	devrec_init(&rec);
	memcpy(rec.device, device_bytes, sizeof(device_bytes));
	rec.speed = USBIP_SPEED_HIGH;
	assert_int_equal(
	    devrec_add_config(&rec, config_one, sizeof(config_one)), 0);
	assert_int_equal(
	    devrec_add_config(&rec, config_two, sizeof(config_two)), 0);
	assert_int_equal(
	    devrec_add_string(&rec, 0, 0, languages, sizeof(languages)), 0);
	assert_int_equal(
	    devrec_add_string(&rec, 1, 0x409, acme, sizeof(acme)), 0);
	assert_int_equal(
	    devrec_add_string(&rec, 2, 0x409, scanner, sizeof(scanner)), 0);
	assert_int_equal(
	    devrec_add_string(&rec, 3, 0x409, serial, sizeof(serial)), 0);
}

static void
all_fields(void **state)
{
	static const struct rule_interface expected[] = {
		{3, 1, 1, 0, 0, 0}, {3, 0, 0, 0, 0, 0}, {8, 6, 0x50, 0, 1, 0},
		{0xff, 1, 2, 1, 0, 0}};
	struct device_place place = {.busid = "3-2.4"};
	struct rule_device dev;

	(void)state;
	fill();
	memset(&store, 0xff, sizeof(store));
	assert_int_equal(rule_device_from_record(&dev, &store, &place, &rec,
			     "aGFzaA==", NULL, "hotplug"),
	    0);
	assert_int_equal(dev.vid, 0x05e0);
	assert_int_equal(dev.pid, 0x1200);
	assert_int_equal(dev.bcd_device, 0x0110);
	assert_int_equal(dev.speed, USBIP_SPEED_HIGH);
	assert_string_equal(dev.name, "Scn");
	assert_string_equal(dev.manufacturer, "Acm\xc3\xa9");
	assert_string_equal(dev.serial, "S1");
	assert_string_equal(dev.hash, "aGFzaA==");
	assert_string_equal(dev.parent_hash, "");
	assert_string_equal(dev.via_port, "3-2.4");
	assert_string_equal(dev.stable_port, "");
	assert_string_equal(dev.connect_type, "hotplug");
	assert_int_equal(dev.ninterfaces, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_memory_equal(
		    &dev.interfaces[i], &expected[i], sizeof(expected[i]));
	}
	assert_true(clause_matches(
	    "05e0:1200 name \"Scn\" via-port \"3-*\" release 1.10 with-"
	    "interface { 03:01:01 03:00:00 08:06:50 ff:01:02 }",
	    &dev));
}

static void
what_does_not_fit_is_refused(void **state)
{
	struct device_place place = {.busid = "3-2.4"};
	struct rule_device dev;
	char text[100];
	size_t n = 0;

	(void)state;
	fill();
	memset(text, 'x', sizeof(text));
	text[99] = '\0';
	assert_int_equal(rule_device_from_record(&dev, &store, &place, &rec,
			     text, NULL, NULL),
	    ERR_LIMIT);
	assert_int_equal(rule_device_from_record(&dev, &store, &place, &rec,
			     NULL, NULL, text),
	    ERR_LIMIT);
	/* an interface descriptor cut short, a length of nothing */
	assert_int_equal(rule_device_interfaces(&store, &n, 0,
			     (const uint8_t[]){5, 4, 0, 0, 0}, 5),
	    ERR_FORMAT);
	assert_int_equal(
	    rule_device_interfaces(&store, &n, 0, (const uint8_t[]){0, 4}, 2),
	    ERR_FORMAT);
	n = RULE_INTERFACES_MAX - 2;
	assert_int_equal(rule_device_interfaces(
			     &store, &n, 0, config_one, sizeof(config_one)),
	    ERR_LIMIT);
	assert_int_equal(n, RULE_INTERFACES_MAX);
}

/* As sysfs has them: one behind the other, the last one cut. */
static void
configurations_in_a_row(void **state)
{
	uint8_t all[sizeof(config_one) + sizeof(config_two)];
	size_t n = 0;

	(void)state;
	memcpy(all, config_one, sizeof(config_one));
	memcpy(all + sizeof(config_one), config_two, sizeof(config_two));
	/* a configuration inside a configuration counts for none */
	all[18 + 1] = DESC_CONFIG;
	assert_int_equal(
	    rule_device_configs(&store, &n, all, sizeof(all)), 0);
	assert_int_equal(n, 4);
	assert_int_equal(store.interfaces[1].config, 0);
	assert_int_equal(store.interfaces[2].number, 1);
	assert_int_equal(store.interfaces[3].config, 1);
	n = 0;
	all[sizeof(config_one) + 2] = 200;
	assert_int_equal(
	    rule_device_configs(&store, &n, all, sizeof(all)), 0);
	assert_int_equal(n, 4);
	all[2] = 8;
	assert_int_equal(
	    rule_device_configs(&store, &n, all, sizeof(all)), ERR_FORMAT);
	assert_int_equal(rule_device_configs(&store, &n, all, 8), ERR_FORMAT);
	n = 0;
	assert_int_equal(rule_device_configs(&store, &n, all, 0), 0);
	assert_int_equal(n, 0);
}

static const uint8_t mouse_report[] = {
    0x05, 0x01, 0x09, 0x02, 0xa1, 0x01, 0xc0};

static void
what_reports_say(void **state)
{
	struct device_place place = {.busid = "3-2.4"};
	struct rule_device dev;

	(void)state;
	fill();
	assert_int_equal(devrec_add_report(&rec, 1, 0, mouse_report,
			     sizeof(mouse_report)),
	    0);
	assert_int_equal(rule_device_from_record(&dev, &store, &place, &rec,
			     NULL, NULL, NULL),
	    0);
	/* the triple says keyboard, too; its other alternate has none */
	assert_int_equal(dev.interfaces[0].hid,
	    RULE_HID_KEYBOARD | RULE_HID_MOUSE);
	assert_int_equal(dev.interfaces[1].hid, RULE_HID_MOUSE);
	assert_int_equal(dev.interfaces[2].hid, 0);
	/* a boot mouse whose report is not known may be anything */
	fill();
	rec.config_bytes[9 + 7] = 2;
	assert_int_equal(rule_device_from_record(&dev, &store, &place, &rec,
			     NULL, NULL, NULL),
	    0);
	assert_int_equal(dev.interfaces[0].hid, 0);
}

/* Bytes that a configuration may end in are no reason to have no facts. */
static void
a_stray_byte(void **state)
{
	uint8_t stray[sizeof(config_two) + 1];
	size_t n = 0;

	(void)state;
	memcpy(stray, config_two, sizeof(config_two));
	stray[sizeof(config_two)] = 0x55;
	stray[2]++;
	assert_int_equal(
	    rule_device_interfaces(&store, &n, 0, stray, sizeof(stray)), 0);
	assert_int_equal(n, 1);
}

/* The parts of desc:sha256, put together. */
static void
pinned_parts(void **state)
{
	static const uint8_t de[] = {4, 3, 'X', 0};
	struct rule_desc_input in;
	uint8_t all[1024], want[1024];
	size_t used = 0, n = 0;

	(void)state;
	devrec_init(&rec);
	memcpy(rec.device, device_bytes, sizeof(device_bytes));
	assert_int_equal(
	    devrec_add_config(&rec, config_one, sizeof(config_one)), 0);
	assert_int_equal(
	    devrec_add_config(&rec, config_two, sizeof(config_two)), 0);
	/* in whatever order they were read */
	assert_int_equal(
	    devrec_add_string(&rec, 3, 0x409, serial, sizeof(serial)), 0);
	assert_int_equal(devrec_add_string(&rec, 1, 0x409, acme, sizeof(acme)),
	    0);
	assert_int_equal(devrec_add_string(&rec, 1, 0x407, de, sizeof(de)), 0);
	assert_int_equal(
	    devrec_add_string(&rec, 0, 0, languages, sizeof(languages)), 0);
	assert_int_equal(devrec_set_bos(&rec, "\5\17\5\0\0", 5), 0);
	rule_desc_input(&in, &rec);
	for (size_t i = 0; i < in.n; i++) {
		memcpy(all + used, in.data[i], in.len[i]);
		used += in.len[i];
	}
#define PUT(p, len) (memcpy(want + n, (p), (len)), n += (len))
	PUT(device_bytes, sizeof(device_bytes));
	PUT(config_one, sizeof(config_one));
	PUT(config_two, sizeof(config_two));
	PUT("\5\17\5\0\0", 5);
	PUT("\0\0\0", 3);
	PUT(languages, sizeof(languages));
	PUT("\1\7\4", 3);
	PUT(de, sizeof(de));
	PUT("\1\x9\4", 3);
	PUT(acme, sizeof(acme));
	PUT("\3\x9\4", 3);
	PUT(serial, sizeof(serial));
	assert_int_equal(used, n);
	assert_memory_equal(all, want, n);
	/* the most there can be */
	devrec_init(&rec);
	for (unsigned i = 0; i < DEVREC_STRINGS; i++) {
		assert_int_equal(devrec_add_string(&rec, (uint8_t)(i + 1),
				     0x409, serial, sizeof(serial)),
		    0);
	}
	rule_desc_input(&in, &rec);
	assert_int_equal(in.n, 1 + 2 * DEVREC_STRINGS);
}

static void
hash_parts(void **state)
{
	struct rule_hash_input in;
	uint8_t hub[DESC_DEVICE_SIZE];

	(void)state;
	rule_hash_input(&in, "Scn", "S1", device_bytes, config_one,
	    sizeof(config_one));
	assert_int_equal(in.len[0], 3);
	assert_int_equal(in.len[1], 8);
	assert_memory_equal(in.data[1], "05e01200", 8);
	assert_memory_equal(in.data[2], "S1", 2);
	assert_memory_equal(in.data[3], device_bytes, sizeof(device_bytes));
	assert_ptr_equal(in.data[4], config_one);
	assert_int_equal(in.len[4], sizeof(config_one));
	/* a root hub's release is the kernel's, and does not count */
	memcpy(hub, device_bytes, sizeof(hub));
	hub[8] = 0x6b;
	hub[9] = 0x1d;
	hub[10] = 0x02;
	hub[11] = 0x00;
	rule_hash_input(&in, "", "", hub, NULL, 0);
	assert_int_equal(in.device[12] | in.device[13], 0);
	assert_int_equal(in.device[14], 1);
	hub[10] = 0x04;
	rule_hash_input(&in, "", "", hub, NULL, 0);
	assert_int_equal(in.device[12], 0x10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_fields),
		cmocka_unit_test(what_does_not_fit_is_refused),
		cmocka_unit_test(configurations_in_a_row),
		cmocka_unit_test(what_reports_say),
		cmocka_unit_test(a_stray_byte),
		cmocka_unit_test(pinned_parts),
		cmocka_unit_test(hash_parts),
	};

	return cmocka_run_group_tests_name("rules_device", tests, NULL, NULL);
}
