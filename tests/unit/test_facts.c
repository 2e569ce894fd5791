/*
 * proxy/warden/facts: digests, hubs above, and which devices cannot be told
 * apart while they come, change and go; and the JSON of all that.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/digest.h"
#include "base/err.h"
#include "proxy/warden/warden.h"
#include "tests/unit/devrec_fill.h"

static struct warden w;
static struct device devs[4];
static struct plug plugs[4];

static int
set_up(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	memset(devs, 0, sizeof(devs));
	TAILQ_INIT(&w.devices);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		free(devs[i].record);
		free(devs[i].store);
	}
	return 0;
}

/* A keyboard with that serial number, "" for none. */
static struct device *
plug(unsigned i, const char *number)
{
	struct device *dev = &devs[i];
	uint8_t text[64] = {(uint8_t)(2 + 2 * strlen(number)), 3};

	for (size_t k = 0; k < strlen(number); k++) {
		text[2 + 2 * k] = (uint8_t)number[k];
	}
	dev->warden = &w;
	dev->record = calloc(1, sizeof(*dev->record));
	dev->store = calloc(1, sizeof(*dev->store));
	plugs[i].at = 1700000000 + i;
	dev->plug = &plugs[i];
	snprintf(dev->place.busid, sizeof(dev->place.busid), "3-2.%u", i + 1);
	snprintf(
	    dev->stable_port, sizeof(dev->stable_port), "pci-0:2.%u", i + 1);
	fill_keyboard(&rec);
	rec.nstrings = 1; /* the languages */
	rec.string_used = sizeof(languages);
	rec.device[16] = *number != '\0' ? 3 : 0;
	assert_int_equal(
	    devrec_add_string(&rec, 3, 0x0409, text, text[0]), 0);
	assert_int_equal(devrec_check(&rec, &scratch, NULL), 0);
	*dev->record = rec;
	assert_int_equal(facts_fill(dev), 0);
	TAILQ_INSERT_TAIL(&w.devices, dev, entry);
	facts_compare(&w);
	return dev;
}

static void
unplug(struct device *dev)
{
	TAILQ_REMOVE(&w.devices, dev, entry);
	facts_compare(&w);
}

static void
expect(const char *want)
{
	char have[5] = "....";

	for (size_t i = 0; i < 4; i++) {
		if (devs[i].facts.name != NULL) {
			have[i] = devs[i].facts.is_ambiguous ? 'y' : 'n';
		}
	}
	assert_string_equal(have, want);
}

static void
ambiguous(void **state)
{
	struct device *a, *b, *c;

	(void)state;
	a = plug(0, "");
	expect("n...");
	b = plug(1, "");
	expect("yy..");
	c = plug(2, "A1");
	expect("yyn.");
	/* it changed, and is another product now */
	b->record->device[10]++;
	assert_int_equal(facts_fill(b), 0);
	facts_compare(&w);
	expect("nnn.");
	b->record->device[10]--;
	assert_int_equal(facts_fill(b), 0);
	facts_compare(&w);
	expect("yyn.");
	unplug(a);
	memset(&a->facts, 0, sizeof(a->facts));
	expect(".nn.");
	/* two with one serial number; and one that nobody has looked at */
	plug(3, "A1");
	expect(".nyy");
	devs[3].facts.serial = NULL;
	facts_compare(&w);
	assert_int_equal(c->facts.is_ambiguous, 0);
}

static void
digests(void **state)
{
	struct device *dev;
	uint8_t before[32], report[32], all[1024], want[32];
	struct digest_part part = {sample_report_keyboard,
	    sizeof(sample_report_keyboard)};
	struct digest_part whole = {all, 0};
	size_t n = 0;

	(void)state;
	dev = plug(0, "A1");
	assert_int_equal(dev->facts.nreports, 1);
	assert_int_equal(digest_sha256(report, &part, 1), 0);
	assert_memory_equal(dev->facts.reports[0], report, 32);
	/* device, configuration, languages, serial number */
	memcpy(all, dev->record->device, 18);
	n = 18;
	memcpy(all + n, sample_keyboard_ls, sizeof(sample_keyboard_ls));
	n += sizeof(sample_keyboard_ls);
	memcpy(all + n, "\0\0\0\4\3\x09\4", 7);
	n += 7;
	memcpy(all + n, "\3\x09\4\6\3A\0001\0", 9);
	whole.len = n + 9;
	assert_int_equal(digest_sha256(want, &whole, 1), 0);
	assert_memory_equal(dev->facts.desc_sha256, want, 32);
	/* a string that is no part of USBGuard's hash counts */
	memcpy(before, dev->facts.desc_sha256, 32);
	dev->record->string_bytes[6] ^= 1;
	assert_int_equal(facts_fill(dev), 0);
	assert_memory_not_equal(dev->facts.desc_sha256, before, 32);
	/* what was known of its place stays */
	assert_int_equal(dev->facts.plugged, 1700000000);
	assert_string_equal(dev->facts.stable_port, "pci-0:2.1");
	dev->facts.is_first_seen = 1;
	assert_int_equal(facts_fill(dev), 0);
	assert_int_equal(dev->facts.is_first_seen, 1);
}

/* USBGuard's hash of two devices whose hash it has published. */
static void
hashes_of_usbguard(void **state)
{
	static const uint8_t dock[] = {18, 1, LE(0x0210), 9, 0, 1, 64,
	    LE(0x17ef), LE(0x305a), LE(0x5010), 1, 2, 0, 1};
	static const uint8_t dock_config[] = {9, 2, LE(25), 1, 1, 0, 0xe0, 0,
	    INTF(0, 0, 1, 9, 0, 0), ENDP(0x81, 3, 1, 12)};
	static const uint8_t ball[] = {18, 1, LE(0x0200), 0, 0, 0, 8,
	    LE(0x047d), LE(0x2048), LE(0x0600), 1, 2, 0, 1};
	static const uint8_t ball_config[] = {9, 2, LE(34), 1, 1, 0, 0xa0, 50,
	    INTF(0, 0, 1, 3, 1, 2), HID(82), ENDP(0x81, 3, 8, 10)};
	static const struct {
		const char *product;
		const uint8_t *device, *config;
		size_t len;
		const char *hash;
	} rows[] = {
		{"Lenovo ThinkPad WS Dock", dock, dock_config,
		    sizeof(dock_config),
		    "2y2qS3rcuMr1Ye5knWsbD8CGzPtrs+eiRR/haro7+Ng="},
		{"Kensington Eagle Trackball", ball, ball_config,
		    sizeof(ball_config),
		    "D3deklX12Ir3kJPfUZ5AQNwHeZn1bwtPkQkw6e+8B38="},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rule_hash_input in;
		struct digest_part parts[RULE_HASH_PARTS];
		uint8_t sum[32];
		char text[HASH_TEXT];

		rule_hash_input(&in, rows[i].product, "", rows[i].device,
		    rows[i].config, rows[i].len);
		for (size_t k = 0; k < RULE_HASH_PARTS; k++) {
			parts[k] =
			    (struct digest_part){in.data[k], in.len[k]};
		}
		assert_int_equal(
		    digest_sha256(sum, parts, RULE_HASH_PARTS), 0);
		assert_int_equal(
		    digest_base64(text, sizeof(text), sum, sizeof(sum)), 0);
		assert_string_equal(text, rows[i].hash);
	}
}

static struct device *
put_hub(unsigned i, const char *busid, const char *hash)
{
	struct device *dev = &devs[i];

	dev->warden = &w;
	dev->is_hub = dev->has_texts = 1;
	dev->vid = 0x0424;
	dev->pid = (uint16_t)(0x2510 + i);
	snprintf(dev->place.busid, sizeof(dev->place.busid), "%s", busid);
	snprintf(dev->hash, sizeof(dev->hash), "%s", hash);
	snprintf(
	    dev->stable_port, sizeof(dev->stable_port), "pci-0:%u", i);
	TAILQ_INSERT_TAIL(&w.devices, dev, entry);
	return dev;
}

/* Hubs come out of the registry, and one whose texts are not known, or that is
 * not there, makes what is below it wait. */
static void
hubs(void **state)
{
	struct device *dev, *hub, *root;

	(void)state;
	dev = plug(0, "A1");
	snprintf(dev->place.busid, sizeof(dev->place.busid), "3-2.4");
	snprintf(dev->place.path, sizeof(dev->place.path),
	    "/sys/devices/pci0000:00/0000:00:14.0/usb3/3-2/3-2.4");
	assert_int_equal(facts_hubs(dev), ERR_AGAIN);
	hub = put_hub(1, "3-2", "hash of the hub");
	assert_int_equal(facts_hubs(dev), ERR_AGAIN);
	root = put_hub(2, "usb3", "hash of the root hub");
	assert_int_equal(facts_hubs(dev), 0);
	assert_int_equal(dev->nhubs, 2);
	assert_string_equal(dev->parent_hash, "hash of the hub");
	hub->has_texts = 0;
	assert_int_equal(facts_hubs(dev), ERR_AGAIN);
	assert_int_equal(dev->nhubs, 0);
	hub->has_texts = 1;
	root->has_texts = 0;
	assert_int_equal(facts_hubs(dev), ERR_AGAIN);
	root->has_texts = 1;
	assert_int_equal(facts_hubs(dev), 0);
	assert_int_equal(facts_fill(dev), 0);
	assert_int_equal(dev->facts.nancestors, 2);
	assert_string_equal(dev->facts.parent_hash, "hash of the hub");
	assert_string_equal(dev->facts.ancestors[0].via_port, "3-2");
	assert_string_equal(dev->facts.ancestors[0].stable_port, "pci-0:1");
	assert_int_equal(dev->facts.ancestors[0].vid, 0x0424);
	assert_int_equal(dev->facts.ancestors[0].pid, 0x2511);
	assert_string_equal(
	    dev->facts.ancestors[1].hash, "hash of the root hub");
	assert_string_equal(dev->facts.ancestors[1].via_port, "usb3");
	/* above a root hub there is none; its parent is the controller */
	snprintf(root->place.path, sizeof(root->place.path),
	    "/sys/devices/pci0000:00/0000:00:14.0/usb3");
	snprintf(root->parent_hash, sizeof(root->parent_hash), "controller");
	assert_int_equal(facts_hubs(root), 0);
	assert_int_equal(root->nhubs, 0);
	assert_string_equal(root->parent_hash, "controller");
}

static void
json(void **state)
{
	struct device *dev;
	json_t *o = json_object(), *list;
	char *text;

	(void)state;
	dev = plug(0, "A1");
	dev->nhubs = 1;
	rule_device_hub(dev->store, 0)->vid = 0x0424;
	memcpy(dev->store->hubs[0].via_port, "3-2", 4);
	facts_place(dev);
	facts_put_json(o, dev);
	list = json_object_get(o, "interface_list");
	text = json_dumps(list, JSON_COMPACT | JSON_PRESERVE_ORDER);
	assert_string_equal(text,
	    "[{\"class\":\"03:01:01\",\"config\":0,\"number\":0,"
	    "\"hid\":[\"keyboard\"]}]");
	free(text);
	text = json_dumps(json_object_get(o, "ancestors"),
	    JSON_COMPACT | JSON_PRESERVE_ORDER);
	assert_string_equal(text,
	    "[{\"id\":\"0424:0000\",\"hash\":\"\",\"via_port\":\"3-2\","
	    "\"stable_port\":\"\"}]");
	free(text);
	assert_int_equal(
	    strlen(json_string_value(json_object_get(o, "desc_sha256"))), 64);
	assert_int_equal(json_array_size(json_object_get(o, "reports")), 1);
	assert_true(json_is_false(json_object_get(o, "ambiguous")));
	assert_string_equal(
	    json_string_value(json_object_get(o, "speed")), "low");
	json_decref(o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
		TEST(ambiguous),
		TEST(digests),
		TEST(hashes_of_usbguard),
		TEST(hubs),
		TEST(json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
