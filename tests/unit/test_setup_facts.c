/*
 * policy/decode/setup: the name and the class facts of control requests, as
 * drivers really send them, and of those that have no name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policy/decode/setup.h"
#include "policy/facts/av.h"
#include "policy/facts/names.h"
#include "policy/facts/setup.h"

#define NOBODY 0x1000000u /* no interface */
#define HID 0x030101u
#define BOT 0x080650u
#define ACM 0x020201u
#define ECM 0x020600u
#define NCM 0x020d00u
#define UAC1 0x010100u
#define UAC2 0x010120u
#define MIDI 0x010300u
#define UVC 0x0e0100u
#define PRINTER 0x070102u
#define CCID 0x0b0000u
#define DFU 0xfe0102u
#define PTP 0x060101u
#define RNDIS_W 0xe00103u
#define RNDIS_M 0xef0401u
#define VENDOR 0xff0000u

static void
facts_of(struct facts *f, const uint8_t setup[8], const void *data,
    uint32_t len, uint32_t triple)
{
	/* to audio 1.0 a feature unit, to video an extension unit */
	static const uint8_t bytes[] = {9, 0x24, 6, 5, 1, 1, 3, 0, 0};
	static struct desc_config config;
	struct desc_alt *alt = &config.alts[0];
	struct decode_iface iface = {
		.config = &config, .bytes = bytes, .alt = alt};

	config.nalts = 1;
	*alt = (struct desc_alt){
		.class = (uint8_t)(triple >> 16),
		.subclass = (uint8_t)(triple >> 8),
		.protocol = (uint8_t)triple,
		.length = sizeof(bytes),
	};
	memset(f, 0xa5, sizeof(*f));
	setup_facts(f, setup, data, len, triple == NOBODY ? NULL : &iface);
}

struct named {
	uint8_t setup[8];
	uint32_t triple;
	const char *name; /* NULL = none */
};

static const struct named table[] = {
	/* what Linux sends while it enumerates */
	{{0x80, 6, 0, 1, 0, 0, 18, 0}, NOBODY, "get-descriptor"},
	{{0x80, 6, 0, 2, 0, 0, 9, 0}, NOBODY, "get-descriptor"},
	{{0x00, 5, 7, 0, 0, 0, 0, 0}, NOBODY, "set-address"},
	{{0x00, 9, 1, 0, 0, 0, 0, 0}, NOBODY, "set-configuration"},
	{{0x80, 8, 0, 0, 0, 0, 1, 0}, NOBODY, "get-configuration"},
	{{0x01, 11, 1, 0, 2, 0, 0, 0}, UAC1, "set-interface"},
	{{0x81, 10, 0, 0, 2, 0, 1, 0}, UAC1, "get-interface"},
	{{0x80, 0, 0, 0, 0, 0, 2, 0}, NOBODY, "get-status"},
	{{0x82, 0, 0, 0, 0x81, 0, 2, 0}, BOT, "get-status"},
	{{0x02, 1, 0, 0, 0x81, 0, 0, 0}, BOT, "clear-halt"},
	{{0x02, 3, 0, 0, 0x81, 0, 0, 0}, BOT, "set-halt"},
	{{0x02, 1, 1, 0, 0x81, 0, 0, 0}, BOT, "clear-feature"},
	{{0x00, 3, 1, 0, 0, 0, 0, 0}, NOBODY, "set-remote-wakeup"},
	{{0x00, 1, 1, 0, 0, 0, 0, 0}, NOBODY, "clear-remote-wakeup"},
	{{0x00, 3, 2, 0, 0, 1, 0, 0}, NOBODY, "set-test-mode"},
	{{0x00, 3, 48, 0, 0, 0, 0, 0}, NOBODY, "set-u1-enable"},
	{{0x00, 3, 48, 1, 0, 0, 0, 0}, NOBODY, "set-feature"},
	{{0x01, 3, 0, 0, 0, 3, 0, 0}, BOT, "set-function-suspend"},
	{{0x00, 7, 0, 1, 0, 0, 18, 0}, NOBODY, "set-descriptor"},
	{{0x82, 12, 0, 0, 0x81, 0, 2, 0}, UAC1, "synch-frame"},
	{{0x00, 0x30, 0, 0, 0, 0, 6, 0}, NOBODY, "set-sel"},
	{{0x00, 0x31, 40, 0, 0, 0, 0, 0}, NOBODY, "set-isoch-delay"},
	/* bRequest says one thing, bmRequestType another */
	{{0x00, 6, 0, 1, 0, 0, 18, 0}, NOBODY, NULL},
	{{0x80, 9, 1, 0, 0, 0, 0, 0}, NOBODY, NULL},
	{{0x80, 1, 0, 0, 0, 0, 0, 0}, NOBODY, NULL},
	{{0x00, 0x99, 0, 0, 0, 0, 0, 0}, NOBODY, NULL},
	/* HID: its own descriptors, and those that are everybody's */
	{{0x81, 6, 0, 0x22, 0, 0, 65, 0}, HID, "hid-get-descriptor"},
	{{0x81, 6, 0, 0x21, 0, 0, 9, 0}, HID, "hid-get-descriptor"},
	{{0x81, 6, 0, 0x20, 0, 0, 9, 0}, HID, "get-descriptor"},
	{{0x81, 6, 0, 0x24, 0, 0, 9, 0}, HID, "get-descriptor"},
	{{0x80, 6, 0, 0x22, 0, 0, 65, 0}, HID, "get-descriptor"},
	{{0x81, 6, 0, 0x22, 0, 0, 65, 0}, CCID, "get-descriptor"},
	{{0x81, 6, 0, 0x22, 0, 0, 65, 0}, NOBODY, "get-descriptor"},
	{{0xa1, 1, 1, 3, 0, 0, 8, 0}, HID, "hid-get-report"},
	{{0xa1, 2, 0, 0, 0, 0, 1, 0}, HID, "hid-get-idle"},
	{{0xa1, 3, 0, 0, 0, 0, 1, 0}, HID, "hid-get-protocol"},
	{{0x21, 9, 0, 2, 0, 0, 1, 0}, HID, "hid-set-report"},
	{{0x21, 10, 0, 0, 0, 0, 0, 0}, HID, "hid-set-idle"},
	{{0x21, 11, 0, 0, 0, 0, 0, 0}, HID, "hid-set-protocol"},
	{{0xa1, 9, 0, 2, 0, 0, 1, 0}, HID, NULL},
	{{0x21, 9, 0, 2, 0, 0, 1, 0}, BOT, NULL},
	/* storage */
	{{0xa1, 0xfe, 0, 0, 0, 0, 1, 0}, BOT, "get-max-lun"},
	{{0x21, 0xff, 0, 0, 0, 0, 0, 0}, BOT, "bot-reset"},
	{{0x21, 0x00, 0, 0, 0, 0, 12, 0}, 0x080650, "cbi-command"},
	{{0x21, 0xff, 0, 0, 0, 0, 0, 0}, NOBODY, NULL},
	{{0x41, 0xff, 0, 0, 0, 0, 0, 0}, BOT, NULL},
	/* CDC */
	{{0x21, 0x20, 0, 0, 0, 0, 7, 0}, ACM, "cdc-set-line-coding"},
	{{0xa1, 0x21, 0, 0, 0, 0, 7, 0}, ACM, "cdc-get-line-coding"},
	{{0x21, 0x22, 3, 0, 0, 0, 0, 0}, ACM, "cdc-set-control-line-state"},
	{{0x21, 0x23, 0, 1, 0, 0, 0, 0}, ACM, "cdc-send-break"},
	{{0x21, 0x43, 12, 0, 0, 0, 0, 0}, ECM, "cdc-set-packet-filter"},
	{{0x21, 0x40, 1, 0, 0, 0, 6, 0}, ECM, "cdc-set-multicast-filters"},
	{{0xa1, 0x80, 0, 0, 0, 0, 28, 0}, NCM, "ncm-get-ntb-parameters"},
	{{0x21, 0x84, 1, 0, 0, 0, 0, 0}, NCM, "ncm-set-ntb-format"},
	{{0x21, 0x86, 0, 0, 0, 0, 4, 0}, NCM, "ncm-set-ntb-input-size"},
	{{0x21, 0x8a, 0, 0, 0, 0, 0, 0}, NCM, "ncm-set-crc-mode"},
	{{0x21, 0, 0, 0, 0, 0, 24, 0}, RNDIS_W,
	    "cdc-send-encapsulated-command"},
	{{0xa1, 1, 0, 0, 0, 0, 0, 4}, RNDIS_M,
	    "cdc-get-encapsulated-response"},
	{{0x21, 0, 0, 0, 0, 0, 24, 0}, 0xe00101, NULL}, /* Bluetooth */
	/* audio: the direction bit, or the protocol of the interface */
	{{0x21, 0x01, 0, 2, 0, 5, 2, 0}, UAC1, "uac-set-cur"},
	{{0xa1, 0x81, 0, 2, 0, 5, 2, 0}, UAC1, "uac-get-cur"},
	{{0xa1, 0x01, 0, 2, 0, 5, 2, 0}, UAC1, NULL},
	{{0x22, 0x01, 0, 1, 0x84, 0, 3, 0}, UAC1, "uac-set-cur"},
	{{0xa1, 0xff, 0, 0, 0, 5, 2, 0}, UAC1, "uac-get-stat"},
	{{0xa1, 0x01, 0, 1, 0, 9, 4, 0}, UAC2, "uac-get-cur"},
	{{0x21, 0x01, 0, 1, 0, 9, 4, 0}, UAC2, "uac-set-cur"},
	{{0xa1, 0x02, 0, 1, 0, 9, 2, 0}, UAC2, "uac-get-range"},
	{{0xa1, 0x81, 0, 1, 0, 9, 2, 0}, UAC2, NULL},
	{{0x22, 0x01, 0, 1, 1, 0, 1, 0}, MIDI, "uac-set-cur"},
	/* video */
	{{0x21, 0x01, 0, 1, 1, 0, 26, 0}, UVC, "uvc-set-cur"},
	{{0xa1, 0x81, 0, 1, 1, 0, 26, 0}, UVC, "uvc-get-cur"},
	{{0xa1, 0x85, 0, 3, 0, 4, 2, 0}, UVC, "uvc-get-len"},
	{{0xa1, 0x86, 0, 3, 0, 4, 1, 0}, UVC, "uvc-get-info"},
	{{0xa1, 0x87, 0, 3, 0, 4, 2, 0}, UVC, "uvc-get-def"},
	{{0x21, 0x11, 0, 0, 0, 4, 2, 0}, UVC, "uvc-set-cur-all"},
	{{0x21, 0x81, 0, 1, 1, 0, 26, 0}, UVC, NULL},
	/* printer */
	{{0xa1, 0, 0, 0, 0, 1, 0xff, 3}, PRINTER, "printer-get-device-id"},
	{{0xa1, 1, 0, 0, 1, 0, 1, 0}, PRINTER, "printer-get-port-status"},
	{{0x21, 2, 0, 0, 1, 0, 0, 0}, PRINTER, "printer-soft-reset"},
	/* card readers, firmware, cameras */
	{{0x21, 1, 0, 0, 0, 0, 0, 0}, CCID, "ccid-abort"},
	{{0xa1, 2, 0, 0, 0, 0, 4, 0}, CCID, "ccid-get-clock-frequencies"},
	{{0xa1, 3, 0, 0, 0, 0, 4, 0}, CCID, "ccid-get-data-rates"},
	{{0x21, 0, 0xe8, 3, 0, 0, 0, 0}, DFU, "dfu-detach"},
	{{0x21, 1, 0, 0, 0, 0, 0, 4}, DFU, "dfu-dnload"},
	{{0xa1, 2, 0, 0, 0, 0, 0, 4}, DFU, "dfu-upload"},
	{{0xa1, 3, 0, 0, 0, 0, 6, 0}, DFU, "dfu-getstatus"},
	{{0x21, 4, 0, 0, 0, 0, 0, 0}, DFU, "dfu-clrstatus"},
	{{0xa1, 5, 0, 0, 0, 0, 1, 0}, DFU, "dfu-getstate"},
	{{0x21, 6, 0, 0, 0, 0, 0, 0}, DFU, "dfu-abort"},
	{{0x21, 1, 0, 0, 0, 0, 0, 4}, 0xfe0300, NULL}, /* USBTMC */
	{{0x21, 0x64, 0, 0, 0, 0, 6, 0}, PTP, "ptp-cancel"},
	{{0x21, 0x66, 0, 0, 0, 0, 0, 0}, PTP, "ptp-reset"},
	{{0xa1, 0x67, 0, 0, 0, 0, 32, 0}, PTP, "ptp-get-status"},
	/* nobody's */
	{{0x40, 0xa0, 0, 0xe6, 0, 0, 1, 0}, NOBODY, NULL},
	{{0xc1, 0x01, 0, 0, 0, 0, 1, 0}, VENDOR, NULL},
	{{0x21, 0x01, 0, 0, 0, 0, 1, 0}, VENDOR, NULL},
	{{0x61, 0x01, 0, 0, 0, 0, 1, 0}, HID, NULL},
};

static void
test_named(void **state)
{
	const struct hook_fact *names =
	    hook_fact_of(HOOK_SETUP, FACT_REQUEST_NAME);

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct named *t = &table[i];
		const char *name = "";
		struct facts f;

		facts_of(&f, t->setup, NULL, 0, t->triple);
		assert_int_equal(f.hook, HOOK_SETUP);
		assert_int_equal(f.num[FACT_TYPE], t->setup[0] >> 5 & 3);
		assert_int_equal(f.num[FACT_RECIPIENT], t->setup[0] & 0x1f);
		assert_int_equal(f.num[FACT_REQUEST], t->setup[1]);
		assert_int_equal(
		    f.num[FACT_VALUE], t->setup[2] | t->setup[3] << 8);
		assert_int_equal(
		    f.num[FACT_INDEX], t->setup[4] | t->setup[5] << 8);
		assert_int_equal(
		    f.num[FACT_WLENGTH], t->setup[6] | t->setup[7] << 8);
		assert_int_equal(f.num[FACT_DIR], t->setup[0] >> 7);
		assert_null(f.bytes);
		if (facts_has(&f, FACT_REQUEST_NAME)) {
			name = fact_name_of(names, f.num[FACT_REQUEST_NAME]);
			assert_non_null(name);
		}
		if (strcmp(name, t->name != NULL ? t->name : "") != 0) {
			fail_msg("case %zu: %s, not %s", i, name, t->name);
		}
	}
}

/* Every number has one name, and every name is some request of the table or at
 * least alone. */
static void
test_names_whole(void **state)
{
	const struct hook_fact *names =
	    hook_fact_of(HOOK_SETUP, FACT_REQUEST_NAME);

	(void)state;
	for (unsigned i = 1; i < REQUESTS; i++) {
		assert_non_null(fact_name_of(names, i));
		assert_int_equal(names_setup_request[i - 1].low, i);
	}
	assert_null(fact_name_of(names, REQ_NONE));
	assert_null(fact_name_of(names, REQUESTS));
}

static void
test_class_facts(void **state)
{
	static const uint8_t coding[7] = {0xb0, 0x04, 0, 0, 0, 0, 8};
	static const uint8_t report[8] = {0x21, 9, 0x05, 2, 0, 0, 1, 0};
	static const uint8_t idle[8] = {0x21, 10, 0x03, 0x7d, 0, 0, 0, 0};
	static const uint8_t line[8] = {0x21, 0x20, 0, 0, 0, 0, 7, 0};
	static const uint8_t volume[8] = {0x21, 1, 1, 2, 0, 5, 2, 0};
	static const uint8_t rate[8] = {0x22, 1, 0, 1, 0x84, 0, 3, 0};
	static const uint8_t power[8] = {0x21, 1, 0, 1, 1, 0, 1, 0};
	static const uint8_t firmware[8] = {0x21, 1, 0, 4, 1, 5, 2, 0};
	struct facts f;

	(void)state;
	facts_of(&f, report, "\x01", 1, HID);
	assert_int_equal(f.num[FACT_KIND], 2);
	assert_int_equal(f.num[FACT_REPORT_ID], 5);
	assert_int_equal(f.nbytes, 1);
	facts_of(&f, idle, NULL, 0, HID);
	assert_false(facts_has(&f, FACT_KIND));
	assert_int_equal(f.num[FACT_REPORT_ID], 3);
	facts_of(&f, line, coding, 7, ACM);
	assert_int_equal(f.num[FACT_BAUD], 1200);
	facts_of(&f, line, coding, 6, ACM);
	assert_false(facts_has(&f, FACT_BAUD));
	facts_of(&f, line, NULL, 7, ACM);
	assert_false(facts_has(&f, FACT_BAUD));
	facts_of(&f, volume, NULL, 0, UAC1);
	assert_int_equal(f.num[FACT_ENTITY], 5);
	assert_int_equal(f.num[FACT_CONTROL], AV_AUDIO_FEATURE << 8 | 2);
	facts_of(&f, rate, NULL, 0, UAC1);
	assert_false(facts_has(&f, FACT_ENTITY));
	assert_int_equal(f.num[FACT_CONTROL], AV_AUDIO_ENDPOINT << 8 | 1);
	facts_of(&f, firmware, NULL, 0, UVC);
	assert_int_equal(f.num[FACT_ENTITY], 5);
	assert_int_equal(f.num[FACT_CONTROL], AV_VIDEO_EXTENSION << 8 | 4);
	facts_of(&f, power, NULL, 0, UVC);
	assert_int_equal(f.num[FACT_ENTITY], 0);
	assert_int_equal(f.num[FACT_CONTROL], AV_VIDEO_INTERFACE << 8 | 1);
	assert_false(facts_has(&f, FACT_KIND));
}

static void
test_interface(void **state)
{
	static const uint8_t id[8] = {0xa1, 0, 0, 0, 1, 2, 0xff, 3};
	static const uint8_t other[8] = {0xa1, 1, 0, 0, 1, 2, 1, 0};
	static struct desc_config config;

	(void)state;
	config.nalts = 1;
	config.alts[0].number = 2;
	config.alts[0].alternate = 1;
	config.alts[0].class = 7;
	assert_int_equal(setup_interface(id, &config), 2);
	assert_int_equal(setup_interface(other, &config), 1);
	config.alts[0].class = 8;
	assert_int_equal(setup_interface(id, &config), 1);
	config.alts[0].class = 7;
	config.alts[0].alternate = 0;
	assert_int_equal(setup_interface(id, &config), 1);
}

/* Every number of SCSI is in one group at most, and every name of the
 * language's safe set stands for what it says. */
static void
test_scsi_groups(void **state)
{
	static const char *const groups[] = {
		"read", "write", "manage", "passthrough", "vendor"};
	static const struct {
		const char *name;
		uint16_t code;
	} safe[] = {
		{"test-unit-ready", 0x00},
		{"request-sense", 0x03},
		{"inquiry", 0x12},
		{"mode-sense-6", 0x1a},
		{"mode-sense-10", 0x5a},
		{"read-capacity-10", 0x25},
		{"read-capacity-16", 0x110},
		{"read-format-capacities", 0x23},
		{"report-luns", 0xa0},
		{"start-stop-unit", 0x1b},
		{"prevent-allow-removal", 0x1e},
		{"get-event-status", 0x4a},
		{"read-toc", 0x43},
		{"synchronize-cache", 0x35},
	};
	uint32_t low, high;

	(void)state;
	for (uint32_t op = 0; op < 0x200; op++) {
		unsigned in = 0, named = 0;

		for (unsigned g = 0; g < 5; g++) {
			for (unsigned i = 0; fact_name_range(names_scsi_op,
				 groups[g], strlen(groups[g]), i, &low, &high);
			     i++) {
				in += op >= low && op <= high;
			}
		}
		named = fact_name_of(hook_fact_of(HOOK_SCSI, FACT_OP), op) !=
		    NULL;
		/* in one group, or a name that profiles list */
		assert_true(in == 1 || (in == 0 && named));
	}
	for (size_t i = 0; i < sizeof(safe) / sizeof(safe[0]); i++) {
		assert_true(fact_name_range(names_scsi_op, safe[i].name,
		    strlen(safe[i].name), 0, &low, &high));
		assert_int_equal(low, safe[i].code);
		assert_int_equal(high, safe[i].code);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_named),
		cmocka_unit_test(test_names_whole),
		cmocka_unit_test(test_class_facts),
		cmocka_unit_test(test_interface),
		cmocka_unit_test(test_scsi_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
