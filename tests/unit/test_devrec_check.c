/*
 * wire/devrec_check: the judgement of a whole record, one broken thing at a
 * time, and the view of it that a workstation gets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "tests/unit/devrec_fill.h"
#include "wire/devrec.h"

static const struct device_place place = {.busid = "3-2.4",
    .path = "/sys/devices/pci0000:00/0000:00:14.0/usb3/3-2/3-2.4",
    .busnum = 3,
    .devnum = 17,
    .speed = USBIP_SPEED_HIGH};

static void
honest_records_pass(void **state)
{
	struct desc_why why = {0};

	(void)state;
	for (size_t i = 0; i < USB_SAMPLES; i++) {
		fill(&rec, &usb_samples[i]);
		assert_int_equal(devrec_check(&rec, &scratch, &why), 0);
		rec.active_config = 0;
		assert_int_equal(devrec_check(&rec, &scratch, &why), 0);
	}
	fill_keyboard(&rec);
	rec.has_qualifier = 1;
	rec.qualifier[0] = 10;
	rec.qualifier[1] = DESC_QUALIFIER;
	assert_int_equal(devrec_check(&rec, &scratch, &why), 0);
	/* the fewest and the most languages */
	rec.strings[0].at.length = 2;
	rec.string_bytes[0] = 2;
	assert_int_equal(devrec_check(&rec, &scratch, &why), 0);
	rec.strings[0].at = (struct devrec_span){1000, 254};
	rec.string_used = 1254;
	rec.string_bytes[1000] = 254;
	rec.string_bytes[1001] = 3;
	assert_int_equal(devrec_check(&rec, &scratch, &why), 0);
	assert_null(why.rule);
}

/* Each breaks one thing of an honest keyboard. */
static void
no_device(struct devrec *r)
{
	r->device[0] = 0;
}

static void
no_type(struct devrec *r)
{
	r->device[1] = 2;
}

static void
wrong_speed(struct devrec *r)
{
	r->speed = USBIP_SPEED_SUPER;
}

static void
more_configs(struct devrec *r)
{
	r->device[17] = 2; /* said two, gave one */
}

static void
fewer_configs(struct devrec *r)
{
	uint8_t conf[sizeof(sample_keyboard_ls)];

	memcpy(conf, sample_keyboard_ls, sizeof(conf));
	conf[5] = 2;
	assert_int_equal(devrec_add_config(r, conf, sizeof(conf)), 0);
}

static void
same_value_twice(struct devrec *r)
{
	fewer_configs(r);
	r->device[17] = 2;
	r->config_bytes[sizeof(sample_keyboard_ls) + 5] = 1;
}

static void
unknown_active(struct devrec *r)
{
	r->active_config = 9;
}

static void
broken_config(struct devrec *r)
{
	r->config_bytes[9] = 0;
}

static void
lying_config(struct devrec *r)
{
	r->config_bytes[2]++;
}

static void
bad_endpoint(struct devrec *r)
{
	r->config_bytes[sizeof(sample_keyboard_ls) - 5] = 0x80;
}

static void
report_of_no_interface(struct devrec *r)
{
	r->reports[0].interface = 1;
}

static void
report_of_no_config(struct devrec *r)
{
	r->reports[0].config = 2;
}

static void
report_of_storage(struct devrec *r)
{
	r->config_bytes[9 + 5] = 8;
}

static void
report_out_of_bounds(struct devrec *r)
{
	r->reports[0].at.length = 4711;
}

static void
odd_string(struct devrec *r)
{
	r->string_bytes[4] = 7;
}

static void
broken_surrogate(struct devrec *r)
{
	r->string_bytes[7] = 0xd8;
}

static void
odd_languages(struct devrec *r)
{
	r->string_bytes[0] = 3;
}

static void
languages_of_no_type(struct devrec *r)
{
	r->string_bytes[1] = 4;
}

static void
string_out_of_bounds(struct devrec *r)
{
	r->strings[2].at.length = 4711;
}

static void
bad_bos(struct devrec *r)
{
	assert_int_equal(
	    devrec_set_bos(r, sample_bos_ss, sizeof(sample_bos_ss) - 1), 0);
}

static void
huge_bos(struct devrec *r)
{
	r->bos_length = DEVREC_BOS_BYTES + 1;
}

static void
short_qualifier(struct devrec *r)
{
	r->has_qualifier = 1;
	r->qualifier[0] = 9;
	r->qualifier[1] = DESC_QUALIFIER;
}

static void
qualifier_of_no_type(struct devrec *r)
{
	r->has_qualifier = 1;
	r->qualifier[0] = 10;
}

static void
broken_records_are_refused_by_rule(void **state)
{
	static const struct {
		void (*break_it)(struct devrec *);
		int want;
		const char *rule;
	} rows[] = {
	    {no_device, ERR_FORMAT, "R1.length"},
	    {no_type, ERR_FORMAT, "R1.type"},
	    {wrong_speed, ERR_POLICY, "R3.max-packet0"},
	    {more_configs, ERR_POLICY, "R2.configurations"},
	    {fewer_configs, ERR_POLICY, "R2.configurations"},
	    {same_value_twice, ERR_POLICY, "R2.configurations"},
	    {unknown_active, ERR_POLICY, "R2.configurations"},
	    {broken_config, ERR_FORMAT, "R1.length"},
	    {lying_config, ERR_FORMAT, "R1.total"},
	    {bad_endpoint, ERR_POLICY, "R3.address"},
	    {report_of_no_interface, ERR_POLICY, "R7.interface"},
	    {report_of_no_config, ERR_POLICY, "R7.interface"},
	    {report_of_storage, ERR_POLICY, "R7.interface"},
	    {report_out_of_bounds, ERR_FORMAT, "R7.length"},
	    {odd_string, ERR_POLICY, "R5.length"},
	    {broken_surrogate, ERR_POLICY, "R5.utf16"},
	    {odd_languages, ERR_POLICY, "R5.length"},
	    {languages_of_no_type, ERR_POLICY, "R5.type"},
	    {string_out_of_bounds, ERR_FORMAT, "R5.length"},
	    {bad_bos, ERR_POLICY, "R4.total"},
	    {huge_bos, ERR_FORMAT, "R4.total"},
	    {short_qualifier, ERR_POLICY, "R1.length"},
	    {qualifier_of_no_type, ERR_POLICY, "R1.length"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct desc_why why = {0};
		int r;

		fill_keyboard(&rec);
		rows[i].break_it(&rec);
		r = devrec_check(&rec, &scratch, &why);
		if (r != rows[i].want || why.rule == NULL) {
			fail_msg("row %zu: got %d", i, r);
		}
		assert_string_equal(why.rule, rows[i].rule);
		assert_int_equal(
		    devrec_check(&rec, &scratch, NULL), rows[i].want);
	}
}

static void
the_view_of_a_workstation(void **state)
{
	struct usbip_device dev;
	struct device_place p = place;

	(void)state;
	fill(&rec, sample("composite-hs"));
	devrec_usbip(&dev, &rec, &p, &scratch);
	assert_string_equal(dev.path, place.path);
	assert_string_equal(dev.busid, "3-2.4");
	assert_int_equal(dev.busnum, 3);
	assert_int_equal(dev.devnum, 17);
	assert_int_equal(dev.speed, USBIP_SPEED_HIGH);
	assert_int_equal(dev.vid, 0x1d50);
	assert_int_equal(dev.pid, 0x6018);
	assert_int_equal(dev.bcd_device, 0x0100);
	assert_int_equal(dev.class, 0xef);
	assert_int_equal(dev.configuration, 1);
	assert_int_equal(dev.nconfigurations, 1);
	assert_int_equal(dev.ninterfaces, 3);
	rec.active_config = 0; /* unconfigured: the first one's interfaces */
	devrec_usbip(&dev, &rec, &p, &scratch);
	assert_int_equal(dev.configuration, 0);
	assert_int_equal(dev.ninterfaces, 3);
	/* another configuration is set: that one's interfaces */
	{
		uint8_t second[sizeof(sample_storage_hs)];

		memcpy(second, sample_storage_hs, sizeof(second));
		second[5] = 2;
		assert_int_equal(
		    devrec_add_config(&rec, second, sizeof(second)), 0);
	}
	rec.active_config = 2;
	devrec_usbip(&dev, &rec, &p, &scratch);
	assert_int_equal(dev.configuration, 2);
	assert_int_equal(dev.ninterfaces, 1);
	rec.active_config = 0;
	/* vhci has no SuperSpeedPlus */
	p.speed = USBIP_SPEED_SUPER_PLUS;
	devrec_usbip(&dev, &rec, &p, &scratch);
	assert_int_equal(dev.speed, USBIP_SPEED_SUPER);
	/* nonsense gives no interfaces, not a crash */
	rec.config_bytes[9] = 0;
	devrec_usbip(&dev, &rec, &p, &scratch);
	assert_int_equal(dev.ninterfaces, 0);
	devrec_init(&rec);
	devrec_usbip(&dev, &rec, &p, &scratch);
	assert_int_equal(dev.vid, 0);
	memset(&p, 'a', sizeof(p));
	devrec_usbip(&dev, &rec, &p, &scratch);
	assert_int_equal(strlen(dev.busid), USBIP_BUSID_SIZE - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(honest_records_pass),
	    cmocka_unit_test(broken_records_are_refused_by_rule),
	    cmocka_unit_test(the_view_of_a_workstation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
