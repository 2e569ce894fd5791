/*
 * wire/desc: the parser's structure (tables, ranges, bounds, every truncation),
 * stepping and payload sizes. The rules are in test_desc_check.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "tests/unit/desc_body.h"
#include "tests/unit/rnd.h"
#include "tests/unit/usb_samples.h"
#include "wire/desc.h"

static void
honest_devices_pass_at_their_speed(void **state)
{
	(void)state;
	for (size_t i = 0; i < USB_SAMPLES; i++) {
		const struct usb_sample *s = &usb_samples[i];
		struct desc_device dev;
		struct desc_why why = {0};

		assert_int_equal(desc_parse_device(&dev, s->device, 18, &why),
		    0);
		assert_int_equal(desc_check_device(&dev, s->speed, &why), 0);
		for (int k = 0; k < 2 && s->config[k] != NULL; k++) {
			assert_int_equal(desc_parse_config(&config,
					     s->config[k], s->config_len[k],
					     &why),
			    0);
			if (desc_check_config(&config, s->speed, &why) != 0) {
				fail_msg("%s: %s: %s at %zu", s->name,
				    why.rule, why.text, why.offset);
			}
		}
		if (s->bos != NULL) {
			assert_int_equal(
			    desc_check_bos(s->bos, s->bos_len, &why), 0);
		}
		assert_null(why.rule);
	}
}

static void
device_fields(void **state)
{
	static const uint8_t bytes[] = {18, 1, 0x10, 2, 0xef, 2, 1, 64, 0x34,
	    0x12, 0x78, 0x56, 0xbc, 0x9a, 1, 2, 3, 4, 0};
	uint8_t buf[19];
	struct desc_device dev;
	struct desc_why why;

	(void)state;
	assert_int_equal(desc_parse_device(&dev, bytes, 18, &why), 0);
	assert_int_equal(dev.bcd_usb, 0x0210);
	assert_int_equal(dev.class, 0xef);
	assert_int_equal(dev.subclass, 2);
	assert_int_equal(dev.protocol, 1);
	assert_int_equal(dev.max_packet0, 64);
	assert_int_equal(dev.vid, 0x1234);
	assert_int_equal(dev.pid, 0x5678);
	assert_int_equal(dev.bcd_device, 0x9abc);
	assert_int_equal(dev.imanufacturer, 1);
	assert_int_equal(dev.iproduct, 2);
	assert_int_equal(dev.iserial, 3);
	assert_int_equal(dev.nconfigs, 4);
	for (size_t n = 0; n < 18; n++) {
		assert_int_equal(
		    desc_parse_device(&dev, bytes, n, &why), ERR_SHORT);
	}
	assert_int_equal(desc_parse_device(&dev, bytes, 19, &why), ERR_FORMAT);
	assert_string_equal(why.rule, "R1.length");
	memcpy(buf, bytes, sizeof(buf));
	buf[0] = 17;
	assert_int_equal(desc_parse_device(&dev, buf, 18, &why), ERR_FORMAT);
	assert_string_equal(why.rule, "R1.length");
	buf[0] = 18;
	buf[1] = 2;
	assert_int_equal(desc_parse_device(&dev, buf, 18, NULL), ERR_FORMAT);
	assert_int_equal(desc_parse_device(&dev, NULL, 0, NULL), ERR_SHORT);
}

static void
configuration_tables(void **state)
{
	const struct desc_alt *alt;
	const struct desc_endpoint *ep;

	(void)state;
	assert_int_equal(desc_parse_config(&config, sample_uas_ss,
			     sizeof(sample_uas_ss), NULL),
	    0);
	assert_int_equal(config.total_length, sizeof(sample_uas_ss));
	assert_int_equal(config.value, 1);
	assert_int_equal(config.attributes, 0x80);
	assert_int_equal(config.max_power, 50);
	assert_int_equal(config.ninterfaces, 1);
	assert_int_equal(config.nalts, 2);
	assert_int_equal(config.nendpoints, 6);
	alt = desc_find_alt(&config, 0, 1);
	assert_ptr_equal(alt, &config.alts[1]);
	assert_null(desc_find_alt(&config, 0, 2));
	assert_null(desc_find_alt(&config, 1, 0));
	assert_int_equal(alt->class, 8);
	assert_int_equal(alt->subclass, 6);
	assert_int_equal(alt->protocol, 0x62);
	assert_int_equal(alt->nendpoints, 4);
	assert_int_equal(alt->first_endpoint, 2);
	assert_int_equal(config.alts[0].offset, 9);
	assert_int_equal(config.alts[0].length, 9 + 2 * 13);
	assert_int_equal(alt->offset, 9 + 35);
	assert_int_equal(alt->offset + alt->length, sizeof(sample_uas_ss));
	/* the companion is found behind a class-specific descriptor too */
	ep = &config.endpoints[alt->first_endpoint + 1];
	assert_int_equal(ep->address, 0x02);
	assert_int_equal(ep->has_companion, 1);
	assert_int_equal(ep->burst, 15);
	assert_int_equal(ep->ss_attributes, 4);
	assert_int_equal(sample_uas_ss[ep->offset], 7);
	assert_int_equal(sample_uas_ss[ep->offset + 2], 0x02);
}

static void
associations_and_ranges(void **state)
{
	(void)state;
	assert_int_equal(desc_parse_config(&config, sample_composite_hs,
			     sizeof(sample_composite_hs), NULL),
	    0);
	assert_int_equal(config.niads, 1);
	assert_int_equal(config.iads[0].first, 0);
	assert_int_equal(config.iads[0].count, 2);
	assert_int_equal(config.iads[0].class, 2);
	assert_int_equal(config.iads[0].offset, 9);
	assert_int_equal(config.ninterfaces, 3);
	/* functional descriptors lie in the range of their interface */
	assert_int_equal(config.alts[0].offset, 17);
	assert_int_equal(config.alts[0].length, 9 + 5 + 5 + 4 + 5 + 7);
	/* an association between two interfaces is in neither's range */
	assert_int_equal(desc_parse_config(&config, sample_phone_1,
			     sizeof(sample_phone_1), NULL),
	    0);
	assert_int_equal(config.niads, 1);
	{
		static const uint8_t bytes[] = {CONF(51, 2, 1),
		    INTF(0, 0, 1, 3, 0, 0), ENDP(0x81, 3, 8, 1),
		    ASSOC(1, 1, 3, 0, 0), INTF(1, 0, 1, 3, 0, 0), HID(4),
		};
		uint8_t buf[sizeof(bytes) + 7];
		static const uint8_t last[] = {ENDP(0x82, 3, 8, 1)};

		memcpy(buf, bytes, sizeof(bytes));
		memcpy(buf + sizeof(bytes), last, sizeof(last));
		buf[2] = sizeof(buf);
		assert_int_equal(
		    desc_parse_config(&config, buf, sizeof(buf), NULL), 0);
		assert_int_equal(config.alts[0].length, 16);
		assert_int_equal(config.alts[1].offset, 9 + 16 + 8);
		assert_int_equal(config.alts[1].length, 25);
	}
}

/* Whatever the cut, the parser sees an end and says so; with wTotalLength made
 * to agree, what passes is whole. Heap copies, so that a read past them is
 * seen by the sanitizer. */
static void
every_truncation_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < USB_SAMPLES; i++) {
		const struct usb_sample *s = &usb_samples[i];

		for (size_t n = 0; n < s->config_len[0]; n++) {
			uint8_t *buf = malloc(n + 1);

			assert_non_null(buf);
			memcpy(buf, s->config[0], n);
			assert_int_not_equal(
			    desc_parse_config(&config, buf, n, NULL), 0);
			if (n >= 4) {
				buf[2] = (uint8_t)n;
				buf[3] = 0;
				if (desc_parse_config(
					&config, buf, n, NULL) == 0) {
					assert_true(config.nendpoints <= n / 7);
				}
			}
			free(buf);
		}
		for (size_t n = 0; n < s->bos_len; n++) {
			uint8_t *buf = malloc(n + 1);

			assert_non_null(buf);
			memcpy(buf, s->bos, n);
			assert_int_equal(
			    desc_check_bos(buf, n, NULL), ERR_POLICY);
			free(buf);
		}
	}
}

static void
one_more_byte_is_refused(void **state)
{
	uint8_t buf[256] = {0};

	(void)state;
	for (size_t i = 0; i < USB_SAMPLES; i++) {
		const struct usb_sample *s = &usb_samples[i];
		struct desc_why why;

		memcpy(buf, s->config[0], s->config_len[0]);
		assert_int_equal(desc_parse_config(&config, buf,
				     s->config_len[0] + 1, &why),
		    ERR_FORMAT);
		assert_string_equal(why.rule, "R1.total");
	}
}

static const struct {
	const char *what;
	const uint8_t *body;
	size_t len;
	uint8_t nif;
	int want;
	const char *rule;
	size_t offset;
} bodies[] = {
    {"bLength 0", BODY(INTF(0, 0, 0, 8, 6, 80), 0, 5, 1, 2), 1, ERR_FORMAT,
	"R1.length", 18},
    {"bLength 1", BODY(INTF(0, 0, 0, 8, 6, 80), 1, 5, 1, 2), 1, ERR_FORMAT,
	"R1.length", 18},
    {"bLength past the end", BODY(INTF(0, 0, 0, 8, 6, 80), 5, 0x24, 1, 2), 1,
	ERR_FORMAT, "R1.length", 18},
    {"short interface", BODY(8, 4, 0, 0, 0, 8, 6, 80), 1, ERR_FORMAT,
	"R1.length", 9},
    {"short endpoint", BODY(INTF(0, 0, 1, 8, 6, 80), 6, 5, 0x81, 2, 0, 2), 1,
	ERR_FORMAT, "R1.length", 18},
    {"short companion",
	BODY(INTF(0, 0, 1, 8, 6, 80), ENDP(0x81, 2, 1024, 0), 5, 0x30, 0, 0, 0),
	1, ERR_FORMAT, "R1.length", 25},
    {"short association", BODY(7, 0x0b, 0, 1, 2, 2, 1), 0, ERR_FORMAT,
	"R1.length", 9},
    {"association of bLength 8 in 7 bytes", BODY(8, 0x0b, 0, 1, 2, 2, 1), 0,
	ERR_FORMAT, "R1.length", 9},
    {"endpoint before any interface", BODY(ENDP(0x81, 2, 512, 0)), 0,
	ERR_FORMAT, "R1.order", 9},
    {"companion before any endpoint",
	BODY(INTF(0, 0, 0, 8, 6, 80), COMP(0, 0, 0)), 1, ERR_FORMAT, "R1.order",
	18},
    {"two companions", BODY(INTF(0, 0, 1, 8, 6, 80), ENDP(0x81, 2, 1024, 0),
				COMP(0, 0, 0), COMP(0, 0, 0)),
	1, ERR_FORMAT, "R1.order", 31},
    {"fewer endpoints than said",
	BODY(INTF(0, 0, 2, 8, 6, 80), ENDP(0x81, 2, 512, 0)), 1, ERR_FORMAT,
	"R2.endpoints", 9},
    {"fewer endpoints, another interface behind",
	BODY(INTF(0, 0, 1, 8, 6, 80), INTF(1, 0, 0, 8, 6, 80)), 2, ERR_FORMAT,
	"R2.endpoints", 9},
    {"more endpoints than said",
	BODY(INTF(0, 0, 0, 8, 6, 80), ENDP(0x81, 2, 512, 0)), 1, ERR_FORMAT,
	"R2.endpoints", 18},
    {"the 20 bytes that read past libusb's endpoint table",
	BODY(INTF(0, 0, 1, 0xff, 0, 0), 7, 5), 1, ERR_FORMAT, "R1.length", 18},
    {"bNumInterfaces too large", BODY(INTF(0, 0, 0, 8, 6, 80)), 2, ERR_FORMAT,
	"R2.interfaces", 4},
    {"bNumInterfaces too small",
	BODY(INTF(0, 0, 0, 8, 6, 80), INTF(1, 0, 0, 8, 6, 80)), 1, ERR_FORMAT,
	"R2.interfaces", 4},
    {"bNumInterfaces 255", BODY(INTF(0, 0, 0, 8, 6, 80)), 255, ERR_FORMAT,
	"R2.interfaces", 4},
    {"nine zeros behind the last descriptor",
	BODY(INTF(0, 0, 0, 8, 6, 80), 0, 0, 0, 0, 0, 0, 0, 0, 0), 1, ERR_FORMAT,
	"R1.length", 18},
    {"two bytes behind the last descriptor",
	BODY(INTF(0, 0, 0, 8, 6, 80), 0, 1), 1, ERR_FORMAT, "R1.length", 18},

    {"unknown types are skipped",
	BODY(4, 0x77, 0, 0, INTF(0, 0, 1, 8, 6, 80), 3, 0xfe, 0,
	    ENDP(0x81, 2, 512, 0), 2, 0xff),
	1, 0, NULL, 0},
    {"so are devices and configurations inside",
	BODY(INTF(0, 0, 0, 8, 6, 80), CONF(9, 1, 1)), 1, 0, NULL, 0},
    {"one byte behind the last descriptor",
	BODY(INTF(0, 0, 0, 8, 6, 80), 9), 1, 0, NULL, 0},
    {"eight zeros behind the last descriptor",
	BODY(INTF(0, 0, 0, 8, 6, 80), 0, 0, 0, 0, 0, 0, 0, 0), 1, 0, NULL, 0},
    {"nothing at all", BODY(2, 0xff), 0, 0, NULL, 0},
};

static void
configuration_structure(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct desc_why why;
		int r = parse_body(
		    bodies[i].body, bodies[i].len, bodies[i].nif, &why);

		if (r != bodies[i].want) {
			fail_msg("%s: got %d", bodies[i].what, r);
		}
		if (r != 0) {
			assert_string_equal(why.rule, bodies[i].rule);
			assert_int_equal(why.offset, bodies[i].offset);
			assert_non_null(why.text);
		} else {
			assert_null(why.rule);
		}
	}
}

static void
configuration_heads(void **state)
{
	static const uint8_t good[] = {CONF(18, 1, 1), INTF(0, 0, 0, 8, 6, 80)};
	static const struct {
		size_t at;
		uint8_t value;
		const char *rule;
	} rows[] = {{0, 8, "R1.length"}, {0, 19, "R1.length"},
	    {1, 7, "R1.type"}, {2, 17, "R1.total"}, {2, 19, "R1.total"},
	    {3, 1, "R1.total"}};
	struct desc_why why;
	uint8_t buf[sizeof(good)];

	(void)state;
	assert_int_equal(
	    desc_parse_config(&config, good, sizeof(good), NULL), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memcpy(buf, good, sizeof(buf));
		buf[rows[i].at] = rows[i].value;
		assert_int_equal(
		    desc_parse_config(&config, buf, sizeof(buf), &why),
		    ERR_FORMAT);
		assert_string_equal(why.rule, rows[i].rule);
	}
	{
		static const uint8_t alone[] = {CONF(9, 0, 1)};

		assert_int_equal(
		    desc_parse_config(&config, alone, 9, &why), 0);
		assert_int_equal(config.nalts, 0);
	}
	assert_int_equal(desc_parse_config(&config, NULL, 0, NULL), ERR_FORMAT);
}

static void
stepping(void **state)
{
	static const uint8_t bytes[] = {2, 0xff, 3, 4, 5, 2, 1};
	const uint8_t *p;
	size_t pos = 0, n;

	(void)state;
	assert_int_equal(desc_next(bytes, 7, &pos, &p, &n), 0);
	assert_ptr_equal(p, bytes);
	assert_int_equal(n, 2);
	assert_int_equal(desc_next(bytes, 7, &pos, &p, &n), 0);
	assert_ptr_equal(p, bytes + 2);
	assert_int_equal(n, 3);
	assert_int_equal(desc_next(bytes, 7, &pos, &p, &n), 0);
	assert_int_equal(desc_next(bytes, 7, &pos, &p, &n), ERR_CLOSED);
	assert_null(p);
	assert_int_equal(n, 0);
	assert_int_equal(pos, 7);
	pos = 6; /* one byte left */
	assert_int_equal(desc_next(bytes, 7, &pos, &p, &n), ERR_FORMAT);
	pos = 3; /* runs past */
	assert_int_equal(desc_next(bytes, 6, &pos, &p, &n), ERR_FORMAT);
	pos = 8; /* beyond */
	assert_int_equal(desc_next(bytes, 7, &pos, &p, &n), ERR_FORMAT);
	pos = 0;
	assert_int_equal(desc_next(NULL, 0, &pos, &p, &n), ERR_CLOSED);
}

static void
payloads(void **state)
{
	static const struct {
		unsigned speed;
		uint8_t attributes;
		uint16_t size;
		uint8_t burst, ss;
		uint32_t want;
	} rows[] = {
	    {LS, 3, 8, 0, 0, 8},
	    {FS, 2, 64, 0, 0, 64},
	    {FS, 1, 1023, 0, 0, 1023},
	    {HS, 2, 512, 0, 0, 512},
	    {HS, 2, 0x0a00, 0, 0, 512},
	    {SS, 2, 1024, 255, 0, 16384},
	    {HS, 3, 64, 0, 0, 64},
	    {HS, 1, 0x1400, 0, 0, 3072},
	    {HS, 3, 0x0c00, 0, 0, 2048},
	    {HS, 2, 512, 15, 2, 512},
	    {SS, 2, 1024, 15, 4, 16384},
	    {SS, 3, 64, 0, 0, 64},
	    {SS, 3, 1024, 2, 0, 3072},
	    {SS, 1, 1024, 11, 2, 36864},
	    {SP, 1, 1024, 15, 0x80, 98304},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct desc_endpoint ep = {.address = 0x81,
		    .attributes = rows[i].attributes,
		    .max_packet = rows[i].size,
		    .has_companion = 1,
		    .burst = rows[i].burst,
		    .ss_attributes = rows[i].ss};

		assert_int_equal(
		    desc_endpoint_payload(&ep, rows[i].speed), rows[i].want);
	}
}

/* Honest devices with a few bytes changed: no crash, no read out of bounds,
 * and whatever is accepted has its tables within the bytes. */
static void
mutations(void **state)
{
	struct rnd r = {.state = 4};

	(void)state;
	for (int i = 0; i < 20000; i++) {
		const struct usb_sample *s =
		    &usb_samples[rnd_below(&r, USB_SAMPLES)];
		size_t n = s->config_len[0];
		uint8_t *buf = malloc(n);

		assert_non_null(buf);
		memcpy(buf, s->config[0], n);
		for (uint32_t k = 1 + rnd_below(&r, 4); k > 0; k--) {
			buf[rnd_below(&r, (uint32_t)n)] = (uint8_t)rnd_u32(&r);
		}
		if (desc_parse_config(&config, buf, n, NULL) == 0) {
			(void)desc_check_config(&config, s->speed, NULL);
			for (size_t a = 0; a < config.nalts; a++) {
				assert_true((size_t)config.alts[a].offset +
					config.alts[a].length <=
				    n);
			}
		}
		free(buf);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(honest_devices_pass_at_their_speed),
	    cmocka_unit_test(device_fields),
	    cmocka_unit_test(configuration_tables),
	    cmocka_unit_test(associations_and_ranges),
	    cmocka_unit_test(every_truncation_is_refused),
	    cmocka_unit_test(one_more_byte_is_refused),
	    cmocka_unit_test(configuration_structure),
	    cmocka_unit_test(configuration_heads),
	    cmocka_unit_test(stepping),
	    cmocka_unit_test(payloads),
	    cmocka_unit_test(mutations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
