/*
 * Vetting, piece by piece: what a refusal says, what is vendor-specific, the
 * limits of the graph and of report descriptors, and waivers. Whole devices are
 * in tests/devices.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* before cmocka, which has a macro of the name expect_check */
#include "policy/vet/expect.h"

#include <cmocka.h>

#include "base/err.h"
#include "policy/vet/expect_table.h"
#include "policy/vet/graph.h"
#include "policy/vet/report.h"
#include "policy/vet/vet.h"
#include "tests/unit/usb_samples.h"
#include "wire/waiver.h"

static struct devrec rec;
static struct desc_config scratch;

static void
record(
    unsigned speed, const uint8_t device[18], const uint8_t *config, size_t len)
{
	devrec_init(&rec);
	rec.speed = (uint8_t)speed;
	rec.active_config = 1;
	memcpy(rec.device, device, 18);
	assert_int_equal(devrec_add_config(&rec, config, len), 0);
}

static const uint8_t device_high[] = {DEV(0x0200, 0, 64, 0x1234, 0x5678, 1)};

static void
every_sample_passes(void **state)
{
	(void)state;
	for (size_t i = 0; i < USB_SAMPLES; i++) {
		const struct usb_sample *s = &usb_samples[i];
		struct desc_why why = {0};
		char text[256];

		record(s->speed, s->device, s->config[0], s->config_len[0]);
		if (s->config[1] != NULL) {
			assert_int_equal(devrec_add_config(&rec, s->config[1],
					     s->config_len[1]),
			    0);
		}
		if (s->bos != NULL) {
			assert_int_equal(
			    devrec_set_bos(&rec, s->bos, s->bos_len), 0);
		}
		if (vet_record(&rec, &scratch, &why) != 0) {
			vet_say(text, sizeof(text), &rec, &why);
			fail_msg("%s: %s: %s", s->name, why.rule, text);
		}
	}
}

/* Rule, place, and the bytes there. */
static void
a_refusal_shows_its_bytes(void **state)
{
	static const uint8_t config[] = {CONF(35, 1, 1), INTF(0, 0, 1, 2, 2, 1),
	    5, 0x24, 6, 0, 9, 5, 0x24, 0, 0x10, 1, ENDP(0x81, 3, 8, 9)};
	struct desc_why why = {0};
	char text[256], small[20];

	(void)state;
	record(USBIP_SPEED_HIGH, device_high, config, sizeof(config));
	assert_int_equal(vet_record(&rec, &scratch, &why), ERR_POLICY);
	assert_string_equal(why.rule, "R6.union");
	assert_int_equal(why.offset, 18);
	vet_say(text, sizeof(text), &rec, &why);
	assert_string_equal(text,
	    "union of an interface that is not there, at offset 18 of "
	    "configuration 0: 05 24 06 00 09 05 24 00 10 01 07 05 81 03 08 00");
	vet_say(small, sizeof(small), &rec, &why);
	assert_string_equal(small, "union of an interfa");
}

/* Of the device descriptor, and of an offset that is past all bytes. */
static void
a_refusal_of_other_parts(void **state)
{
	static const uint8_t report[] = {0x05, 0x01, 0x09, 0x06, 0x27};
	struct desc_why why = {0};
	char text[256];

	(void)state;
	record(USBIP_SPEED_HIGH, device_high, sample_storage_hs,
	    sizeof(sample_storage_hs));
	rec.device[7] = 0;
	assert_int_equal(vet_record(&rec, &scratch, &why), ERR_POLICY);
	vet_say(text, sizeof(text), &rec, &why);
	assert_string_equal(text,
	    "bMaxPacketSize0 illegal for the speed, at offset 7 of the device "
	    "descriptor: 00 34 12 78 56 00 01 01 02 03 01");

	record(USBIP_SPEED_LOW,
	    (const uint8_t[]){DEV(0x0110, 0, 8, 0x1234, 0x5678, 1)},
	    sample_keyboard_ls, sizeof(sample_keyboard_ls));
	assert_int_equal(
	    devrec_add_report(&rec, 1, 0, report, sizeof(report)), 0);
	assert_int_equal(vet_record(&rec, &scratch, &why), ERR_POLICY);
	assert_string_equal(why.rule, "R7.item");
	vet_say(text, sizeof(text), &rec, &why);
	assert_string_equal(text,
	    "HID item runs past the end, at offset 4 of report descriptor 0: "
	    "27");

	why = (struct desc_why){
	    .part = DESC_PART_CONFIG, .offset = 5000, .item = 7};
	vet_say(text, sizeof(text), &rec, &why);
	assert_string_equal(text, "unsound, at offset 5000 of configuration 7");
}

static void
classes_of_vendors(void **state)
{
	static const struct {
		uint8_t class;
		int is_vendor;
	} rows[] = {{0xff, 1}, {0x00, 1}, {0x42, 1}, {0x03, 0}, {0x08, 0},
	    {0xe0, 0}, {0xef, 0}, {0xfe, 0}, {0x0a, 0}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct desc_alt alt = {.class = rows[i].class};

		assert_int_equal(expect_is_vendor(&alt), rows[i].is_vendor);
	}
}

/* The longest chain of units is no circle; closed, it is. More do not fit. */
static void
limits_of_the_graph(void **state)
{
	static struct graph g;
	static uint8_t ids[256];

	(void)state;
	g.n = 0;
	for (unsigned i = 0; i < 256; i++) {
		ids[i] = (uint8_t)i;
	}
	for (unsigned i = 1; i <= GRAPH_NODES; i++) {
		assert_int_equal(
		    graph_add(&g, (uint8_t)i, &ids[(i + 1) % 256], 1, 0, i), 0);
	}
	assert_int_equal(graph_add(&g, 1, NULL, 0, 0, 0), ERR_LIMIT);
	assert_null(graph_cycle(&g)); /* 255 takes from 0, which is none */
	ids[0] = 1;
	assert_non_null(graph_cycle(&g));
	/* the clock is an input, too */
	g.n = 0;
	assert_int_equal(graph_add(&g, 7, NULL, 0, 7, 0), 0);
	assert_ptr_equal(graph_cycle(&g), &g.nodes[0]);
	/* of one id twice, the first counts */
	g.n = 0;
	ids[0] = 7;
	assert_int_equal(graph_add(&g, 7, NULL, 0, 0, 0), 0);
	assert_int_equal(graph_add(&g, 7, &ids[0], 1, 0, 1), 0);
	assert_null(graph_cycle(&g));
	assert_ptr_equal(graph_find(&g, 7), &g.nodes[0]);
	assert_null(graph_find(&g, 8));
}

static void
reports(void **state)
{
	static const uint8_t both[] = {0x05, 0x01, 0x09, 0x05, 0xa1, 0x01, 0x75,
	    0x08, 0x95, 0x03, 0x09, 0x30, 0x81, 0x02, 0x95, 0x02, 0x81, 0x03,
	    0x09, 0x01, 0x91, 0x02, 0xc0};
	/* a long item between, and a page of the usage's own */
	static const uint8_t odd[] = {0xfe, 0x02, 0x10, 0xaa, 0xbb, 0x0b, 0x02,
	    0x00, 0x01, 0x00, 0xa1, 0x01, 0x75, 0x01, 0x95, 0x08, 0xb1, 0x02,
	    0xc0};
	struct report_summary s;

	(void)state;
	assert_int_equal(report_summarize(&s, both, sizeof(both), NULL), 0);
	assert_int_equal(s.values[REPORT_INPUT], 3); /* no padding */
	assert_int_equal(s.values[REPORT_OUTPUT], 2);
	assert_int_equal(s.values[REPORT_FEATURE], 0);
	assert_int_equal(s.has_input_device, 1);
	assert_int_equal(report_summarize(&s, odd, sizeof(odd), NULL), 0);
	assert_int_equal(s.values[REPORT_FEATURE], 8);
	assert_int_equal(s.has_input_device, 1);
	/* a long item that runs past the end, at each length */
	for (size_t n = 1; n < 5; n++) {
		struct desc_why why = {0};

		assert_int_equal(
		    report_summarize(&s, odd, n, &why), ERR_POLICY);
		assert_string_equal(why.rule, "R7.item");
	}
}

/* A waiver is of its product alone. */
static void
waivers(void **state)
{
	static const uint8_t config[] = {CONF(53, 2, 1), INTF(0, 0, 1, 2, 2, 1),
	    5, 0x24, 6, 0, 1, ENDP(0x83, 3, 8, 9), INTF(1, 0, 2, 10, 0, 0),
	    ENDP(0x81, 2, 8, 0), ENDP(1, 2, 8, 0)};
	struct desc_why why = {0};

	(void)state;
	assert_int_equal(sizeof(config), 53);
	record(USBIP_SPEED_LOW,
	    (const uint8_t[]){DEV(0x0110, 2, 8, 0x16c0, 0x05e1, 1)}, config,
	    sizeof(config));
	assert_int_equal(vet_record(&rec, &scratch, &why), 0);
	assert_string_equal(waiver_used(&rec, &scratch)->name, "W1");
	rec.device[8] ^= 1;
	assert_int_equal(vet_record(&rec, &scratch, &why), ERR_POLICY);
	assert_string_equal(why.rule, "R3.type");
	assert_null(waiver_used(&rec, &scratch));
	/* and lifts nothing for who has one and does not need it */
	record(USBIP_SPEED_HIGH,
	    (const uint8_t[]){DEV(0x0200, 0, 64, 0x16c0, 0x05e1, 1)},
	    sample_storage_hs, sizeof(sample_storage_hs));
	assert_int_equal(vet_record(&rec, &scratch, &why), 0);
	assert_null(waiver_used(&rec, &scratch));
}

/* The table is sound: names of one form, ids in order, something asked. */
static void
the_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < expect_table_len; i++) {
		const struct expect *e = &expect_table[i];

		assert_int_equal(strncmp(e->rule, "R10.", 4), 0);
		assert_true(e->vid != 0 && e->first <= e->last);
		assert_true(e->number <= EXPECT_ANY && e->class <= EXPECT_ANY);
		assert_true(e->flags != 0 ||
			    e->bulk_in + e->bulk_out + e->int_in + e->int_out +
				    e->iso_in + e->iso_out + e->ends >
				0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_sample_passes),
	    cmocka_unit_test(a_refusal_shows_its_bytes),
	    cmocka_unit_test(a_refusal_of_other_parts),
	    cmocka_unit_test(classes_of_vendors),
	    cmocka_unit_test(limits_of_the_graph),
	    cmocka_unit_test(reports),
	    cmocka_unit_test(waivers),
	    cmocka_unit_test(the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
