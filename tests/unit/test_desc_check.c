/*
 * wire/desc_check, desc_endpoint and desc_bos: each rule by its name, and
 * beside it what honest firmware does on the right side of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "tests/unit/desc_body.h"
#include "tests/unit/usb_samples.h"
#include "wire/desc.h"

static void
device_rules(void **state)
{
	static const struct {
		unsigned speed;
		uint8_t mps0, nconfigs;
		const char *rule; /* NULL: passes */
	} rows[] = {
	    {USBIP_SPEED_LOW, 8, 1, NULL},
	    {USBIP_SPEED_LOW, 64, 1, "R3.max-packet0"},
	    {USBIP_SPEED_FULL, 8, 1, NULL},
	    {USBIP_SPEED_FULL, 16, 1, NULL},
	    {USBIP_SPEED_FULL, 32, 1, NULL},
	    {USBIP_SPEED_FULL, 64, 8, NULL},
	    {USBIP_SPEED_FULL, 9, 1, "R3.max-packet0"},
	    {USBIP_SPEED_FULL, 0, 1, "R3.max-packet0"},
	    {USBIP_SPEED_HIGH, 64, 1, NULL},
	    {USBIP_SPEED_HIGH, 32, 1, NULL},
	    {USBIP_SPEED_HIGH, 9, 1, "R3.max-packet0"},
	    {USBIP_SPEED_HIGH, 255, 1, "R3.max-packet0"},
	    {USBIP_SPEED_SUPER, 9, 1, NULL},
	    {USBIP_SPEED_SUPER, 64, 1, "R3.max-packet0"},
	    {USBIP_SPEED_SUPER_PLUS, 9, 1, NULL},
	    {USBIP_SPEED_UNKNOWN, 64, 1, "R3.speed"},
	    {USBIP_SPEED_WIRELESS, 255, 1, "R3.speed"},
	    {7, 64, 1, "R3.speed"},
	    {USBIP_SPEED_HIGH, 64, 0, "R2.configurations"},
	    {USBIP_SPEED_HIGH, 64, 9, "R2.configurations"},
	    {USBIP_SPEED_HIGH, 64, 255, "R2.configurations"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct desc_device dev = {
		    .max_packet0 = rows[i].mps0, .nconfigs = rows[i].nconfigs};
		struct desc_why why = {0};
		int r = desc_check_device(&dev, rows[i].speed, &why);

		if (rows[i].rule == NULL) {
			assert_int_equal(r, 0);
		} else {
			assert_int_equal(r, ERR_POLICY);
			assert_string_equal(why.rule, rows[i].rule);
			assert_non_null(why.text);
		}
	}
}

static void
limits_of_the_tables(void **state)
{
	static uint8_t body[DESC_MAX_ALTS * 9 + 9 + 40 * 7];
	struct desc_why why;
	size_t n = 0;

	(void)state;
	/* one interface, as many alternates as fit, and one more */
	for (unsigned i = 0; i <= DESC_MAX_ALTS; i++) {
		const uint8_t intf[] = {INTF(0, (uint8_t)i, 0, 8, 6, 80)};

		memcpy(body + n, intf, 9);
		n += 9;
	}
	assert_int_equal(parse_body(body, n - 9, 1, &why), 0);
	assert_int_equal(config.nalts, DESC_MAX_ALTS);
	assert_int_equal(parse_body(body, n, 1, &why), ERR_LIMIT);
	assert_string_equal(why.rule, "R2.alternates");
	/* 32 interfaces, and one more */
	n = 0;
	for (unsigned i = 0; i <= DESC_MAX_INTERFACES; i++) {
		const uint8_t intf[] = {INTF((uint8_t)(i * 7), 0, 0, 8, 6, 80)};

		memcpy(body + n, intf, 9);
		n += 9;
	}
	assert_int_equal(parse_body(body, n - 9, 32, &why), 0);
	assert_int_equal(parse_body(body, n, 33, &why), ERR_LIMIT);
	assert_string_equal(why.rule, "R2.interfaces");
	/* 30 endpoints, and one more */
	for (uint8_t want = 30; want <= 31; want++) {
		const uint8_t intf[] = {INTF(0, 0, want, 8, 6, 80)};

		memcpy(body, intf, 9);
		for (unsigned i = 0; i < want; i++) {
			const uint8_t ep[] = {ENDP((uint8_t)i, 2, 512, 0)};

			memcpy(body + 9 + 7 * i, ep, 7);
		}
		assert_int_equal(parse_body(body, 9 + 7u * want, 1, &why),
		    want == 30 ? 0 : ERR_LIMIT);
	}
	assert_string_equal(why.rule, "R2.endpoints");
	/* 16 associations, and one more */
	for (unsigned i = 0; i < 17; i++) {
		const uint8_t iad[] = {ASSOC((uint8_t)i, 1, 3, 0, 0)};

		memcpy(body + 8 * i, iad, 8);
	}
	assert_int_equal(parse_body(body, 16 * 8, 0, &why), 0);
	assert_int_equal(parse_body(body, 17 * 8, 0, &why), ERR_LIMIT);
	assert_string_equal(why.rule, "R2.associations");
}

/* All endpoints that the table holds: 17 alternates of 30, and a bit more. */
static void
limit_of_all_endpoints(void **state)
{
	static uint8_t body[18 * (9 + 30 * 7)];
	struct desc_why why;
	size_t n = 0;

	(void)state;
	for (unsigned a = 0; a < 18; a++) {
		const uint8_t intf[] = {INTF(0, (uint8_t)a, 30, 8, 6, 80)};

		memcpy(body + n, intf, 9);
		n += 9;
		for (unsigned i = 0; i < 30; i++) {
			const uint8_t ep[] = {ENDP((uint8_t)i, 2, 512, 0)};

			memcpy(body + n, ep, 7);
			n += 7;
		}
	}
	assert_int_equal(parse_body(body, n, 1, &why), ERR_LIMIT);
	assert_string_equal(why.rule, "R2.endpoints");
	assert_int_equal(config.nendpoints, DESC_MAX_ENDPOINTS);
}

static const struct {
	const char *what;
	unsigned speed;
	const uint8_t *body;
	size_t len;
	uint8_t nif;
	const char *rule; /* NULL: passes */
} judged[] = {
    /* R2 alternates and interfaces */
    {"an alternate twice", USBIP_SPEED_HIGH,
	BODY(INTF(0, 0, 0, 8, 6, 80), INTF(0, 0, 0, 8, 6, 80)), 1,
	"R2.alternates"},
    {"alternates 0 and 2", USBIP_SPEED_HIGH,
	BODY(INTF(0, 0, 0, 8, 6, 80), INTF(0, 2, 0, 8, 6, 80)), 1,
	"R2.alternates"},
    {"alternate 1 only", USBIP_SPEED_HIGH, BODY(INTF(0, 1, 0, 8, 6, 80)), 1,
	"R2.alternates"},
    {"alternates out of order", USBIP_SPEED_HIGH,
	BODY(INTF(0, 1, 0, 8, 6, 80), INTF(1, 0, 0, 8, 6, 80),
	    INTF(0, 0, 0, 8, 6, 80)),
	2, NULL},
    {"interface 31 alone", USBIP_SPEED_HIGH, BODY(INTF(31, 0, 0, 8, 6, 80)), 1,
	NULL},
    {"interface 32", USBIP_SPEED_HIGH, BODY(INTF(32, 0, 0, 8, 6, 80)), 1,
	"R2.interface-number"},
    {"no interface", USBIP_SPEED_HIGH, BODY(2, 0xff), 0, "R2.interfaces"},

    /* R2 associations */
    {"association of nothing", USBIP_SPEED_HIGH,
	BODY(ASSOC(0, 0, 2, 2, 1), INTF(0, 0, 0, 8, 6, 80)), 1,
	"R2.associations"},
    {"association of a missing interface", USBIP_SPEED_HIGH,
	BODY(ASSOC(0, 2, 2, 2, 1), INTF(0, 0, 0, 8, 6, 80)), 1,
	"R2.associations"},
    {"association past all interfaces", USBIP_SPEED_HIGH,
	BODY(ASSOC(0, 255, 2, 2, 1), INTF(0, 0, 0, 8, 6, 80)), 1,
	"R2.associations"},
    {"association from 255", USBIP_SPEED_HIGH,
	BODY(ASSOC(255, 255, 2, 2, 1), INTF(0, 0, 0, 8, 6, 80)), 1,
	"R2.associations"},
    {"association of the last interface", USBIP_SPEED_HIGH,
	BODY(ASSOC(31, 1, 2, 2, 1), INTF(31, 0, 0, 8, 6, 80)), 1, NULL},
    {"association from 32", USBIP_SPEED_HIGH,
	BODY(ASSOC(32, 0, 2, 2, 1), INTF(0, 0, 0, 8, 6, 80)), 1,
	"R2.associations"},
    {"associations that overlap", USBIP_SPEED_HIGH,
	BODY(ASSOC(0, 2, 2, 2, 1), ASSOC(1, 1, 3, 0, 0),
	    INTF(0, 0, 0, 8, 6, 80), INTF(1, 0, 0, 8, 6, 80)),
	2, "R2.associations"},
    {"associations side by side", USBIP_SPEED_HIGH,
	BODY(ASSOC(0, 1, 2, 2, 1), ASSOC(1, 1, 3, 0, 0),
	    INTF(0, 0, 0, 8, 6, 80), INTF(1, 0, 0, 8, 6, 80)),
	2, NULL},

    /* R3 duplicates */
    {"endpoint twice in one alternate", USBIP_SPEED_HIGH,
	BODY(INTF(0, 0, 2, 8, 6, 80), ENDP(0x81, 2, 512, 0),
	    ENDP(0x81, 2, 512, 0)),
	1, "R3.duplicate"},
    {"endpoint in two interfaces", USBIP_SPEED_HIGH,
	BODY(INTF(0, 0, 1, 8, 6, 80), ENDP(0x81, 2, 512, 0),
	    INTF(1, 0, 1, 8, 6, 80), ENDP(0x81, 2, 512, 0)),
	2, "R3.duplicate"},
    {"endpoint in two alternates", USBIP_SPEED_HIGH,
	BODY(INTF(0, 0, 1, 8, 6, 80), ENDP(0x81, 2, 512, 0),
	    INTF(0, 1, 1, 8, 6, 80), ENDP(0x81, 3, 64, 4)),
	1, NULL},
    {"one number in both directions", USBIP_SPEED_HIGH,
	BODY(INTF(0, 0, 2, 8, 6, 80), ENDP(0x81, 2, 512, 0),
	    ENDP(0x01, 2, 512, 0)),
	1, NULL},
};

static void
configuration_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(judged) / sizeof(judged[0]); i++) {
		struct desc_why why;
		int r = parse_body(
		    judged[i].body, judged[i].len, judged[i].nif, &why);

		assert_int_equal(r, 0);
		r = desc_check_config(&config, judged[i].speed, &why);
		if (judged[i].rule == NULL ? r != 0 : r != ERR_POLICY) {
			fail_msg("%s: got %d", judged[i].what, r);
		}
		if (r != 0) {
			assert_string_equal(why.rule, judged[i].rule);
			assert_int_equal(
			    desc_check_config(
				&config, judged[i].speed, NULL),
			    ERR_POLICY);
		}
	}
	config.value = 0;
	assert_int_equal(
	    desc_check_config(&config, USBIP_SPEED_HIGH, NULL), ERR_POLICY);
	assert_int_equal(
	    desc_check_config(&config, USBIP_SPEED_WIRELESS, NULL),
	    ERR_POLICY);
}

static const struct {
	unsigned speed;
	uint8_t alternate, address, attributes;
	uint16_t size;
	uint8_t interval;
	const char *rule;
} endpoints[] = {
    {HS, 0, 0x00, 2, 512, 0, "R3.address"},
    {HS, 0, 0x80, 2, 512, 0, "R3.address"},
    {HS, 0, 0x91, 2, 512, 0, "R3.address"},
    {HS, 0, 0x41, 2, 512, 0, "R3.address"},
    {HS, 0, 0x8f, 2, 512, 0, NULL},
    {HS, 0, 0x0f, 2, 512, 0, NULL},
    {HS, 0, 0x81, 0, 64, 0, "R3.type"},
    {HS, 0, 0x81, 0x42, 512, 0, "R3.attributes"},
    {HS, 0, 0x81, 0x82, 512, 0, "R3.attributes"},
    {HS, 0, 0x81, 0x3e, 512, 0, NULL},

    {LS, 0, 0x81, 3, 8, 10, NULL},
    {LS, 0, 0x81, 3, 1, 0, NULL},
    {LS, 0, 0x81, 3, 64, 10, NULL},
    {LS, 0, 0x81, 3, 65, 10, "R3.max-packet"},
    {LS, 0, 0x81, 2, 8, 0, "R3.type"},
    {LS, 0, 0x81, 1, 8, 1, "R3.type"},

    {FS, 0, 0x81, 2, 8, 0, NULL},
    {FS, 0, 0x81, 2, 16, 0, NULL},
    {FS, 0, 0x81, 2, 32, 0, NULL},
    {FS, 0, 0x81, 2, 64, 0, NULL},
    {FS, 0, 0x81, 2, 63, 0, "R3.max-packet"},
    {FS, 0, 0x81, 2, 512, 0, "R3.max-packet"},
    {FS, 0, 0x81, 2, 0, 0, "R3.max-packet"},
    {FS, 0, 0x81, 3, 64, 255, NULL},
    {FS, 0, 0x81, 3, 65, 1, "R3.max-packet"},
    {FS, 0, 0x81, 3, 0, 1, "R3.max-packet"},
    {FS, 1, 0x81, 1, 1023, 1, NULL},
    {FS, 1, 0x81, 1, 1024, 1, "R3.max-packet"},
    {FS, 1, 0x81, 1, 0, 1, "R3.max-packet"},
    {FS, 0, 0x81, 1, 0, 1, NULL},
    {FS, 1, 0x81, 1, 0x0810, 1, "R3.max-packet"},

    {HS, 0, 0x81, 2, 512, 0, NULL},
    {HS, 0, 0x81, 2, 64, 0, NULL},
    {HS, 0, 0x81, 2, 8, 0, NULL},
    {HS, 0, 0x81, 2, 16, 0, NULL},
    {HS, 0, 0x81, 2, 32, 0, NULL},
    {HS, 0, 0x81, 2, 4, 0, "R3.max-packet"},
    {HS, 0, 0x81, 2, 256, 0, "R3.max-packet"},
    {HS, 0, 0x81, 2, 1024, 0, "R3.max-packet"},
    {HS, 0, 0x81, 2, 0x0a00, 0, "R3.max-packet"},
    {HS, 0, 0x81, 2, 16384, 0, "R3.max-packet"},
    {HS, 0, 0x81, 2, 0x8200, 0, "R3.max-packet"},
    {HS, 0, 0x81, 3, 16384, 1, "R3.max-packet"},
    {HS, 0, 0x81, 3, 1024, 0, NULL},
    {HS, 0, 0x81, 3, 1025, 4, "R3.max-packet"},
    {HS, 0, 0x81, 3, 0x1400, 255, NULL},
    {HS, 0, 0x81, 3, 0x1c00, 4, "R3.max-packet"},
    {HS, 0, 0x81, 3, 0x0800, 4, "R3.max-packet"},
    {HS, 1, 0x81, 5, 0x1400, 1, NULL},
    {HS, 1, 0x81, 5, 0x1401, 1, "R3.max-packet"},
    {HS, 0, 0x81, 5, 0, 1, NULL},
    {HS, 0, 0x81, 5, 0x0800, 1, "R3.max-packet"},
    {HS, 1, 0x81, 5, 0, 1, "R3.max-packet"},

    {SS, 0, 0x81, 2, 1024, 0, NULL},
    {SP, 0, 0x81, 2, 1024, 0, NULL},
    {SS, 0, 0x81, 2, 512, 0, "R3.max-packet"},
    {SS, 0, 0x81, 3, 8, 1, NULL},
    {SS, 0, 0x81, 3, 1024, 1, NULL},
    {SS, 0, 0x81, 3, 1025, 1, "R3.max-packet"},
    {SS, 0, 0x81, 3, 0x0c00, 1, "R3.max-packet"},
    {SS, 1, 0x81, 1, 1024, 1, NULL},
    {SS, 0, 0x81, 1, 0, 1, NULL},
};

static void
endpoint_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
		struct desc_why why;
		uint8_t body[] = {INTF(0, 0, 0, 8, 6, 80),
		    INTF(0, 1, 0, 8, 6, 80), ENDP(0, 0, 0, 0), COMP(0, 0, 0)};
		uint8_t *ep = body + 18;
		size_t skip = 0;
		int r;

		/* alternate 1 comes behind 0; 0 stands alone */
		if (endpoints[i].alternate == 0) {
			skip = 9;
			body[9 + 3] = 0;
		}
		body[9 + 4] = 1;
		ep[2] = endpoints[i].address;
		ep[3] = endpoints[i].attributes;
		ep[4] = (uint8_t)endpoints[i].size;
		ep[5] = (uint8_t)(endpoints[i].size >> 8);
		ep[6] = endpoints[i].interval;
		r = parse_body(body + skip, sizeof(body) - skip, 1, &why);
		assert_int_equal(r, 0);
		r = desc_check_config(&config, endpoints[i].speed, &why);
		if (endpoints[i].rule == NULL ? r != 0 : r != ERR_POLICY) {
			fail_msg("row %zu: got %d", i, r);
		}
		if (r != 0) {
			assert_string_equal(why.rule, endpoints[i].rule);
			assert_int_equal(why.offset, 27 - skip);
		}
	}
}

static void
companion_rules(void **state)
{
	static const struct {
		uint8_t type, burst, attributes;
		uint16_t bytes;
		int has, is_refused;
	} rows[] = {
	    {2, 0, 0, 0, 0, 1},
	    {2, 15, 16, 0, 1, 0},
	    {2, 15, 17, 0, 1, 1},
	    {2, 16, 0, 0, 1, 1},
	    {2, 0, 0, 4711, 1, 0},
	    {3, 0, 0, 1024, 1, 0},
	    {3, 0, 0, 1025, 1, 1},
	    {3, 1, 0, 2048, 1, 0},
	    {1, 15, 2, 49152, 1, 0},
	    {1, 15, 2, 49153, 1, 1},
	    {1, 0, 3, 1024, 1, 1},
	    {1, 0, 0x80, 1, 1, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const uint8_t body[] = {INTF(0, 0, 1, 8, 6, 80),
		    ENDP(0x81, rows[i].type, 1024, 1),
		    COMP(rows[i].burst, rows[i].attributes, rows[i].bytes)};
		struct desc_why why;

		assert_int_equal(
		    parse_body(body, sizeof(body) - (rows[i].has ? 0 : 6), 1,
			&why),
		    0);
		assert_int_equal(
		    desc_check_config(&config, USBIP_SPEED_SUPER, &why),
		    rows[i].is_refused ? ERR_POLICY : 0);
		if (rows[i].is_refused) {
			assert_string_equal(why.rule, "R3.companion");
		}
	}
}

/* A struct that no parser made must not lead the judge astray. */
static void
tables_out_of_bounds_are_refused(void **state)
{
	struct desc_why why;

	(void)state;
	memset(&config, 0, sizeof(config));
	config.value = 1;
	config.ninterfaces = 1;
	config.nalts = DESC_MAX_ALTS + 1;
	assert_int_equal(
	    desc_check_config(&config, HS, &why), ERR_POLICY);
	assert_string_equal(why.rule, "R2.tables");
	config.nalts = 0; /* says one, has none */
	assert_int_equal(desc_check_config(&config, HS, &why), ERR_POLICY);
	assert_string_equal(why.rule, "R2.interfaces");
	config.nalts = 1;
	config.alts[0].first_endpoint = 510;
	config.alts[0].nendpoints = 3;
	config.nendpoints = 512;
	assert_int_equal(desc_check_config(&config, HS, &why), ERR_POLICY);
	assert_string_equal(why.rule, "R2.tables");
}

static void
bos_rules(void **state)
{
	const struct {
		const uint8_t *bytes;
		size_t len;
		const char *rule;
	} rows[] = {
	    {BODY(BOS_HEAD(5, 0)), NULL},
	    {BODY(BOS_HEAD(12, 1), CAP_USB2), NULL},
	    {BODY(BOS_HEAD(13, 1), CAP_USB2, 9), NULL},
	    {BODY(BOS_HEAD(8, 1), 3, 0x10, 0x77), NULL},
	    {BODY(4, 0x0f, LE(4), 0), "R4.length"},
	    {BODY(6, 0x0f, LE(5), 0), "R4.length"},
	    {BODY(5, 0x0e, LE(5), 0), "R4.type"},
	    {BODY(BOS_HEAD(6, 0)), "R4.total"},
	    {BODY(BOS_HEAD(4, 0)), "R4.total"},
	    {BODY(BOS_HEAD(12, 2), CAP_USB2), "R4.count"},
	    {BODY(BOS_HEAD(12, 0), CAP_USB2), "R4.count"},
	    {BODY(BOS_HEAD(12, 255), CAP_USB2), "R4.count"},
	    {BODY(BOS_HEAD(19, 2), CAP_USB2, CAP_USB2), "R4.duplicate"},
	    {BODY(BOS_HEAD(25, 2), CAP_SS, CAP_SS), "R4.duplicate"},
	    {BODY(BOS_HEAD(45, 2), CAP_ID, CAP_ID), "R4.duplicate"},
	    {BODY(BOS_HEAD(45, 2), CAP_SSP, CAP_SSP), "R4.duplicate"},
	    {BODY(BOS_HEAD(11, 2), 3, 0x10, 0x77, 3, 0x10, 0x77), NULL},
	    {BODY(BOS_HEAD(17, 1), 12, 0x10, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0),
		"R4.length"},
	    {BODY(BOS_HEAD(21, 1), 16, 0x10, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		 0, 0, 0),
		NULL},
	    {BODY(BOS_HEAD(11, 1), 6, 0x10, 2, 0, 0, 0), "R4.length"},
	    {BODY(BOS_HEAD(14, 1), 9, 0x10, 3, 0, 0, 0, 0, 0, 0), "R4.length"},
	    {BODY(BOS_HEAD(7, 1), 2, 0x10), "R4.length"},
	    {BODY(BOS_HEAD(9, 1), 7, 0x10, 2, 0), "R4.length"},
	    {BODY(BOS_HEAD(9, 1), 0, 0x10, 2, 0), "R4.length"},
	    {BODY(BOS_HEAD(9, 1), 4, 0x0f, 2, 0), "R4.type"},
	    {BODY(BOS_HEAD(25, 1), 20, 0x10, 10, 0, 31, 0, 0, 0, 0, 0, 0, 0, 0,
		 0, 0, 0, 0, 0, 0, 0),
		"R4.length"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct desc_why why = {0};
		int r = desc_check_bos(rows[i].bytes, rows[i].len, &why);

		if (rows[i].rule == NULL) {
			assert_int_equal(r, 0);
			continue;
		}
		assert_int_equal(r, ERR_POLICY);
		assert_string_equal(why.rule, rows[i].rule);
	}
	assert_int_equal(desc_check_bos(NULL, 0, NULL), ERR_POLICY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(limits_of_the_tables),
	    cmocka_unit_test(limit_of_all_endpoints),
	    cmocka_unit_test(device_rules),
	    cmocka_unit_test(configuration_rules),
	    cmocka_unit_test(endpoint_rules),
	    cmocka_unit_test(companion_rules),
	    cmocka_unit_test(tables_out_of_bounds_are_refused),
	    cmocka_unit_test(bos_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
