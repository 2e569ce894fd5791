/*
 * wire/devrec_expose: the samples under every mask, generated devices under
 * masks by chance, and each clause of its table by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "tests/unit/devrec_fill.h"
#include "tests/unit/expose_body.h"
#include "tests/unit/rnd.h"
#include "wire/cursor.h"

#define GENERATED 4000

static struct devrec out;
static expose_mask mask;

#define MASK ((const uint8_t(*)[32])mask)

/* Exposes some of config 0; all of the others. */
static int
expose_only(uint32_t numbers)
{
	memset(mask, 0xff, sizeof(mask));
	memset(mask[0], 0, sizeof(mask[0]));
	for (unsigned i = 0; i < 4; i++) {
		mask[0][i] = (uint8_t)(numbers >> 8 * i);
	}
	return devrec_expose(&out, &rec, MASK);
}

static void
must_be_sound(const char *what)
{
	struct desc_why why = {0};
	const char *bad;

	if (devrec_check(&out, &scratch, &why) != 0) {
		fail_msg("%s: %s: %s", what, why.rule, why.text);
	}
	bad = expose_bad(&rec, &out, MASK);
	if (bad != NULL) {
		fail_msg("%s: %s", what, bad);
	}
}

static void
samples_under_every_mask(void **state)
{
	(void)state;
	for (size_t i = 0; i < USB_SAMPLES; i++) {
		fill(&rec, &usb_samples[i]);
		/* the numbers of all samples are below 5 */
		for (unsigned bits = 0; bits < 32 * 32; bits++) {
			int r, any = 0;

			memset(mask, 0, sizeof(mask));
			mask[0][0] = bits & 31;
			mask[1][0] = (uint8_t)(bits >> 5);
			for (unsigned c = 0; c < rec.nconfigs; c++) {
				size_t len;
				const uint8_t *p =
				    devrec_config(&rec, c, &len);

				assert_int_equal(desc_parse_config(&scratch, p,
						     len, NULL),
				    0);
				for (unsigned k = 0; k < scratch.nalts; k++) {
					any |= expose_bit(
					    mask[c], scratch.alts[k].number);
				}
			}
			r = devrec_expose(&out, &rec, MASK);
			assert_int_equal(r, any ? 0 : ERR_NOENT);
			if (r == 0) {
				must_be_sound(usb_samples[i].name);
			}
		}
	}
}

static void
nothing_hidden_is_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < USB_SAMPLES; i++) {
		fill(&rec, &usb_samples[i]);
		memset(mask, 0xff, sizeof(mask));
		assert_int_equal(devrec_expose(&out, &rec, MASK), 0);
		assert_int_equal(devrec_compare(&out, &rec), 0);
		assert_int_equal(out.active_config, rec.active_config);
	}
}

/* ------------------------------------------------------------------------ */
/* Generated devices                                                        */

static struct rnd rnd;

struct maker {
	uint8_t *p;
	size_t n;
	uint8_t in, out; /* next endpoint numbers */
};

static void
write_bytes(struct maker *m, const uint8_t *bytes, size_t n)
{
	memcpy(m->p + m->n, bytes, n);
	m->n += n;
}

#define WRITE(m, ...)                                                         \
	write_bytes(m, (const uint8_t[]){__VA_ARGS__},                        \
	    sizeof((const uint8_t[]){__VA_ARGS__}))

static uint8_t
text_index(void)
{
	return (uint8_t)rnd_below(&rnd, 12);
}

static void
write_functional(struct maker *m, uint8_t n)
{
	uint8_t other = (uint8_t)rnd_below(&rnd, 9);

	WRITE(m, 5, 0x24, 0, 0x10, 0x01);
	WRITE(m, 5, 0x24, 1, 0, other);
	if (rnd_below(&rnd, 2) != 0) {
		WRITE(m, 5, 0x24, 6, n, other);
	} else {
		WRITE(m, 7, 0x24, 6, n, other, (uint8_t)rnd_below(&rnd, 9),
		    (uint8_t)rnd_below(&rnd, 9));
	}
	WRITE(m, 13, 0x24, 0x0f, text_index(), 0, 0, 0, 0, 0, 0, 0, 0, 0);
}

/* One interface of that number with one or two alternates. */
static void
write_interface(struct maker *m, uint8_t n)
{
	static const uint8_t classes[][3] = {{8, 6, 0x50}, {3, 1, 1}, {2, 2, 1},
	    {10, 0, 0}, {1, 1, 0}, {1, 1, 0x20}, {14, 1, 0}, {0xff, 0, 0},
	    {0xef, 4, 1}};
	const uint8_t *c = classes[rnd_below(&rnd, 9)];
	unsigned nalts = 1 + rnd_below(&rnd, 2);
	uint8_t a = (uint8_t)rnd_below(&rnd, 9), text = text_index();

	for (uint8_t alt = 0; alt < nalts; alt++) {
		WRITE(m, 9, 4, n, alt, 2, c[0], c[1], c[2], text);
		if (c[0] == 3) {
			WRITE(m, HID(23));
		} else if (c[0] == 2 || c[0] == 0xff || c[0] == 0xef) {
			write_functional(m, n);
		} else if (c[0] == 1) {
			WRITE(m, 10, 0x24, 1, 0, 1, LE(10), 2, a,
			    (uint8_t)(a + 1));
		} else if (c[0] == 14) {
			WRITE(m, 14, 0x24, 1, 0, 1, LE(14), 0, 0, 0, 0, 2, a,
			    (uint8_t)(a + 1));
		}
		WRITE(m, ENDP(0x80 | m->in, 2, 512, 0));
		WRITE(m, ENDP(m->out, 2, 512, 0));
		if (rnd_below(&rnd, 4) == 0) {
			WRITE(m, 4, 0x77, 1, 2);
		}
	}
	m->in++;
	m->out++;
}

static size_t
make_config(uint8_t *buf, uint8_t value)
{
	struct maker m = {.p = buf, .in = 1, .out = 1};
	unsigned n = 1 + rnd_below(&rnd, 6), left = 0;
	uint8_t number = 0;

	WRITE(&m, 9, 2, 0, 0, (uint8_t)n, value, text_index(), 0x80, 50);
	if (rnd_below(&rnd, 4) == 0) {
		WRITE(&m, 3, 9, 3); /* On-The-Go, of the configuration */
	}
	for (unsigned i = 0; i < n; i++) {
		if (left == 0 && rnd_below(&rnd, 2) == 0) {
			left = 1 + rnd_below(&rnd, n - i);
			WRITE(&m, 8, 0x0b, number, (uint8_t)left, 2, 2, 1,
			    text_index());
		}
		write_interface(&m, number++);
		left -= left > 0;
		if (left == 0 && rnd_below(&rnd, 4) == 0) {
			number++; /* a gap */
		}
	}
	le16_put(buf + 2, (uint16_t)m.n);
	return m.n;
}

static void
make_reports(struct devrec *r)
{
	for (unsigned i = 0; i < r->nconfigs; i++) {
		size_t len;
		const uint8_t *p = devrec_config(r, i, &len);

		assert_int_equal(
		    desc_parse_config(&scratch, p, len, NULL), 0);
		for (unsigned k = 0; k < scratch.nalts; k++) {
			if (scratch.alts[k].class == 3 &&
			    scratch.alts[k].alternate == 0) {
				assert_int_equal(devrec_add_report(r, p[5],
						     scratch.alts[k].number,
						     sample_report_keyboard,
						     23),
				    0);
			}
		}
	}
}

static void
make_device(struct devrec *r)
{
	static const uint8_t bos[] = {BOS_HEAD(53, 3), CAP_ID, 28, 0x10, 5, 0,
	    0xdf, 0x60, 0xdd, 0xd8, 0x89, 0x45, 0xc7, 0x4c, 0x9c, 0xd2, 0x65,
	    0x9d, 0x9e, 0x64, 0x8a, 0x9f, 0, 0, 0, 3, 4, 5, 6, 7};
	static const uint8_t device[] = {
	    DEV(0x0201, 0xef, 64, 0x1209, 0x5a11, 1)};
	uint8_t conf[4096], text[4] = {4, 3, 'A', 0};
	unsigned n = 1 + rnd_below(&rnd, 3);
	size_t len;

	devrec_init(r);
	r->speed = USBIP_SPEED_HIGH;
	memcpy(r->device, device, sizeof(r->device));
	r->device[5] = 2;
	r->device[6] = 1;
	r->device[17] = (uint8_t)n;
	r->has_qualifier = (uint8_t)rnd_below(&rnd, 2);
	memcpy(r->qualifier, device, sizeof(r->qualifier));
	r->qualifier[0] = 10;
	r->qualifier[1] = DESC_QUALIFIER;
	for (unsigned i = 0; i < n; i++) {
		len = make_config(conf, (uint8_t)(i + 1));
		assert_int_equal(devrec_add_config(r, conf, len), 0);
		conf[1] = DESC_OTHER_SPEED;
		if (rnd_below(&rnd, 8) == 0) {
			len = make_config(conf, (uint8_t)(i + 1));
			conf[1] = DESC_OTHER_SPEED;
		}
		assert_int_equal(devrec_add_other(r, conf, len),
		    r->has_qualifier ? 0 : ERR_FORMAT);
	}
	r->active_config = (uint8_t)rnd_below(&rnd, n + 1);
	if (rnd_below(&rnd, 2) == 0) {
		uint8_t all[sizeof(bos) + 1];

		memcpy(all, bos, sizeof(bos));
		all[4] = 2;
		le16_put(all + 2, sizeof(bos));
		assert_int_equal(devrec_set_bos(r, all, sizeof(bos)), 0);
	}
	assert_int_equal(
	    devrec_add_string(r, 0, 0, languages, sizeof(languages)), 0);
	for (uint8_t i = 1; i < 12; i++) {
		text[2] = (uint8_t)('A' + i);
		assert_int_equal(
		    devrec_add_string(r, i, 0x0409, text, sizeof(text)), 0);
	}
	make_reports(r);
}

static void
generated_devices(void **state)
{
	unsigned exposed = 0, empty = 0;
	char what[32];

	(void)state;
	rnd.state = 20261125;
	for (unsigned i = 0; i < GENERATED; i++) {
		struct desc_why why = {0};
		int r;

		make_device(&rec);
		if (devrec_check(&rec, &scratch, &why) != 0) {
			fail_msg("device %u: %s: %s", i, why.rule, why.text);
		}
		rnd_bytes(&rnd, mask, sizeof(mask));
		r = devrec_expose(&out, &rec, MASK);
		if (r == ERR_NOENT) {
			empty++;
			continue;
		}
		assert_int_equal(r, 0);
		exposed++;
		snprintf(what, sizeof(what), "device %u", i);
		must_be_sound(what);
	}
	/* both happen, and the first is the rule */
	assert_true(empty > GENERATED / 100);
	assert_true(exposed > GENERATED / 2);
}

/* ------------------------------------------------------------------------ */
/* By hand                                                                  */

/* Bytes of the only configuration of what is exposed. */
static void
expect_config(const uint8_t *want, size_t n)
{
	size_t len;
	const uint8_t *p = devrec_config(&out, 0, &len);

	assert_int_equal(len, n);
	assert_memory_equal(p, want, n);
}

static void
a_serial_port_without_its_keyboard(void **state)
{
	(void)state;
	fill(&rec, sample("composite-hs"));
	rec.device[5] = 2;
	rec.device[6] = 1;
	assert_int_equal(devrec_add_report(&rec, 1, 2, sample_report_keyboard,
			     sizeof(sample_report_keyboard)),
	    0);
	assert_int_equal(expose_only(3), 0);
	{
		uint8_t want[sizeof(sample_composite_hs)];

		/* all but the last interface, and its association stays */
		memcpy(want, sample_composite_hs, sizeof(want));
		le16_put(want + 2, 75);
		want[4] = 2;
		expect_config(want, 75);
	}
	assert_int_equal(out.device[4], 0xef);
	assert_int_equal(out.nreports, 0);
	assert_int_equal(out.active_config, 1);
	assert_int_equal(out.bos_length, sizeof(sample_bos_hs));
}

static void
a_keyboard_without_its_serial_port(void **state)
{
	static const uint8_t want[] = {CONF(34, 1, 1), INTF(2, 0, 1, 3, 0, 0),
	    HID(65), ENDP(0x83, 3, 64, 4)};

	(void)state;
	fill(&rec, sample("composite-hs"));
	rec.device[5] = 2;
	rec.device[6] = 1;
	assert_int_equal(devrec_add_report(&rec, 1, 2, sample_report_keyboard,
			     sizeof(sample_report_keyboard)),
	    0);
	assert_int_equal(expose_only(4), 0);
	expect_config(want, sizeof(want));
	/* no association is left */
	assert_int_equal(out.device[4] | out.device[5] | out.device[6], 0);
	assert_int_equal(out.nreports, 1);
	/* another class stays what it is */
	rec.device[4] = 0xff;
	assert_int_equal(expose_only(4), 0);
	assert_int_equal(out.device[4], 0xff);
}

static void
half_a_serial_port(void **state)
{
	/* no union, no call management, an association of one */
	static const uint8_t control[] = {CONF(42, 1, 1), ASSOC(0, 1, 2, 2, 1),
	    INTF(0, 0, 1, 2, 2, 1), 5, 0x24, 0, LE(0x0110), 4, 0x24, 2, 2,
	    ENDP(0x81, 3, 16, 9)};
	static const uint8_t data[] = {CONF(32, 1, 1), INTF(1, 0, 2, 10, 0, 0),
	    ENDP(0x82, 2, 512, 0), ENDP(0x02, 2, 512, 0)};

	(void)state;
	fill(&rec, sample("composite-hs"));
	assert_int_equal(expose_only(1), 0);
	expect_config(control, sizeof(control));
	assert_int_equal(expose_only(2), 0);
	expect_config(data, sizeof(data));
}

static void
a_union_of_many(void **state)
{
	static const uint8_t before[] = {CONF(66, 4, 1), INTF(0, 0, 0, 2, 8, 0),
	    5, 0x24, 0, 0x10, 1, 7, 0x24, 6, 0, 1, 2, 3, 9, 4, 1, 0, 0, 10, 0,
	    0, 0, 9, 4, 2, 0, 0, 10, 0, 0, 0, 9, 4, 3, 0, 0, 10, 0, 0, 0, 9, 4,
	    3, 1, 0, 10, 0, 0, 0};
	static const uint8_t after[] = {CONF(48, 3, 1), INTF(0, 0, 0, 2, 8, 0),
	    5, 0x24, 0, 0x10, 1, 6, 0x24, 6, 0, 1, 3, 9, 4, 1, 0, 0, 10, 0, 0,
	    0, 9, 4, 3, 0, 0, 10, 0, 0, 0};
	uint8_t conf[sizeof(before)];

	(void)state;
	fill(&rec, sample("storage-hs"));
	rec.nconfigs = 0;
	rec.config_used = 0;
	memcpy(conf, before, sizeof(conf));
	le16_put(conf + 2, sizeof(conf));
	assert_int_equal(devrec_add_config(&rec, conf, sizeof(conf)), 0);
	assert_int_equal(devrec_check(&rec, &scratch, NULL), 0);
	assert_int_equal(expose_only(0xb), 0);
	{
		uint8_t want[sizeof(after) + 9] = {0};

		memcpy(want, after, sizeof(after));
		memcpy(want + sizeof(after), before + sizeof(before) - 9, 9);
		le16_put(want + 2, sizeof(want));
		expect_config(want, sizeof(want));
	}
	/* the controlled without the controller, and all of them hidden */
	assert_int_equal(expose_only(0xe), 0);
	assert_int_equal(out.configs[0].length, 9 + 4 * 9);
	assert_int_equal(expose_only(1), 0);
	assert_int_equal(out.configs[0].length, 9 + 9 + 5);
}

static void
a_headset_without_its_microphone(void **state)
{
	size_t len;
	const uint8_t *p;

	(void)state;
	fill(&rec, sample("headset-fs"));
	assert_int_equal(expose_only(1 | 2 | 8), 0);
	p = devrec_config(&out, 0, &len);
	assert_int_equal(len, 144 - 1 - 9 - 9 - 7 - 9 - 7);
	/* 9, 0x24, 1, version, total of 9, one interface: number 1 */
	assert_memory_equal(
	    p + 18, "\x09\x24\x01\x00\x01\x09\x00\x01\x01\x09\x04", 11);
	/* the volume keys, with what follows them */
	assert_int_equal(p[len - 9], 9);
	assert_int_equal(p[len - 8], 0x77);
}

static void
a_camera_without_its_stream(void **state)
{
	size_t len;
	const uint8_t *p;

	(void)state;
	fill(&rec, sample("camera-hs"));
	assert_int_equal(expose_only(1), 0);
	p = devrec_config(&out, 0, &len);
	assert_int_equal(p[4], 1);
	assert_int_equal(p[9 + 3], 1); /* association of the control alone */
	assert_int_equal(p[9 + 8 + 9], 12);
	assert_int_equal(p[9 + 8 + 9 + 5], 12);
	assert_int_equal(p[9 + 8 + 9 + 11], 0);
	assert_int_equal(expose_only(2), 0);
	/* its master is hidden: no association */
	assert_int_equal(out.device[4], 0xef); /* 00/00 is no association */
	p = devrec_config(&out, 0, &len);
	assert_int_equal(p[9 + 1], DESC_INTERFACE);
}

/* An association, of 0 to 2, keeps what follows on its first interface. */
static void
associations(void **state)
{
	static const struct {
		uint32_t mask;
		unsigned count; /* 0: gone */
	} rows[] = {{0xf, 3}, {0xb, 2}, {0x7, 3}, {0x9, 1}, {0xd, 0}, {0xe, 0},
	    {0x6, 0}, {0x1, 1}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		static const uint8_t conf[] = {CONF(53, 4, 1),
		    ASSOC(0, 3, 14, 3, 0), INTF(0, 0, 0, 14, 1, 0),
		    INTF(1, 0, 0, 14, 2, 0), INTF(2, 0, 0, 14, 2, 0),
		    INTF(3, 0, 0, 3, 0, 0)};

		fill(&rec, sample("camera-hs"));
		rec.nconfigs = 0;
		rec.config_used = 0;
		assert_int_equal(
		    devrec_add_config(&rec, conf, sizeof(conf)), 0);
		rec.device[5] = 2;
		rec.device[6] = 1;
		assert_int_equal(expose_only(rows[i].mask), 0);
		assert_int_equal(devrec_check(&out, &scratch, NULL), 0);
		if (rows[i].count == 0) {
			assert_int_equal(out.config_bytes[10], DESC_INTERFACE);
			assert_int_equal(out.device[4], 0);
		} else {
			assert_int_equal(out.config_bytes[10], DESC_IAD);
			assert_int_equal(
			    out.config_bytes[9 + 3], rows[i].count);
			assert_int_equal(out.device[4], 0xef);
		}
	}
}

static void
configurations(void **state)
{
	size_t len;

	(void)state;
	fill(&rec, sample("phone-hs"));
	memset(mask, 0, sizeof(mask));
	assert_int_equal(devrec_expose(&out, &rec, MASK), ERR_NOENT);
	/* the first one is gone, and with it what was set */
	mask[1][0] = 3;
	assert_int_equal(devrec_expose(&out, &rec, MASK), 0);
	must_be_sound("second configuration");
	assert_int_equal(out.nconfigs, 1);
	assert_int_equal(out.device[17], 1);
	assert_int_equal(out.active_config, 0);
	assert_non_null(devrec_config_by_value(&out, 2, &len));
	assert_null(devrec_config_by_value(&out, 1, &len));
	rec.active_config = 2;
	assert_int_equal(devrec_expose(&out, &rec, MASK), 0);
	assert_int_equal(out.active_config, 2);
}

static void
strings_that_nobody_names(void **state)
{
	static const uint8_t full[] = {9, 2, LE(48), 2, 1, 4, 0x80, 50, 8, 0x0b,
	    0, 1, 8, 6, 80, 5, 9, 4, 0, 0, 0, 8, 6, 80, 6, 9, 4, 1, 0, 0, 2, 6,
	    0, 7, 5, 0x24, 0, 0x10, 1, 8, 0x24, 0x0f, 8, 0, 0, 0, 0};
	static const struct {
		uint32_t mask;
		const char *there; /* indexes */
	} rows[] = {{1, "\1\2\3\4\5\6"}, {2, "\1\2\3\4\7\x8"}};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		uint8_t bytes[sizeof(full)], text[4] = {4, 3, 'x', 0};
		size_t len;

		fill(&rec, sample("storage-hs"));
		rec.nconfigs = rec.nstrings = 0;
		rec.config_used = rec.string_used = 0;
		memcpy(bytes, full, sizeof(full));
		le16_put(bytes + 2, sizeof(bytes));
		assert_int_equal(
		    devrec_add_config(&rec, bytes, sizeof(bytes)), 0);
		assert_int_equal(devrec_add_string(&rec, 0, 0, languages,
				     sizeof(languages)),
		    0);
		for (uint8_t k = 1; k < 12; k++) {
			assert_int_equal(devrec_add_string(&rec, k, 0x0409,
					     text, sizeof(text)),
			    0);
			assert_int_equal(devrec_add_string(&rec, k, 0x0407,
					     text, sizeof(text)),
			    0);
		}
		assert_int_equal(expose_only(rows[i].mask), 0);
		must_be_sound("strings");
		assert_non_null(devrec_string(&out, 0, 0, &len));
		for (uint8_t k = 1; k < 12; k++) {
			int want = strchr(rows[i].there, k) != NULL;

			assert_int_equal(
			    devrec_string(&out, k, 0x0409, &len) != NULL,
			    want);
			assert_int_equal(
			    devrec_string(&out, k, 0x0407, &len) != NULL,
			    want);
		}
	}
}

static void
the_other_speed(void **state)
{
	uint8_t other[sizeof(sample_composite_hs)];

	(void)state;
	memcpy(other, sample_composite_hs, sizeof(other));
	other[1] = DESC_OTHER_SPEED;
	for (unsigned i = 0; i < 3; i++) {
		fill(&rec, sample("composite-hs"));
		rec.device[5] = 2;
		rec.device[6] = 1;
		rec.has_qualifier = 1;
		memcpy(rec.qualifier,
		    (const uint8_t[]){10, 6, 0, 2, 0xef, 2, 1, 64, 1, 0}, 10);
		/* as it should be, of another class, of another value */
		other[9 + 8 + 5] = i == 1 ? 0xff : 2;
		other[5] = i == 2 ? 7 : 1;
		assert_int_equal(
		    devrec_add_other(&rec, other, sizeof(other)), 0);
		assert_int_equal(expose_only(4), 0);
		must_be_sound("other speed");
		assert_int_equal(out.has_qualifier, i == 0);
		assert_int_equal(out.nothers, i == 0);
		if (i == 0) {
			assert_int_equal(out.others[0].length, 34);
			assert_int_equal(out.qualifier[4], 0);
			assert_int_equal(out.qualifier[8], 1);
		}
	}
	/* one that could not be read: none is shown */
	rec.nothers = 0;
	assert_int_equal(expose_only(4), 0);
	assert_int_equal(out.has_qualifier, 0);
}

static void
the_object_store(void **state)
{
	static const uint8_t bos[] = {BOS_HEAD(74, 4), CAP_USB2, 28, 0x10, 5,
	    0, 0xdf, 0x60, 0xdd, 0xd8, 0x89, 0x45, 0xc7, 0x4c, 0x9c, 0xd2,
	    0x65, 0x9d, 0x9e, 0x64, 0x8a, 0x9f, 0, 0, 0, 3, 4, 5, 6, 7,
	    14, 0x10, 0x10, 0, 1, 3, 1, 1, 1, 0, 0, 0, 0, 0, CAP_ID};
	static const uint8_t want[] = {BOS_HEAD(32, 2), CAP_USB2, CAP_ID};

	(void)state;
	fill(&rec, sample("composite-hs"));
	rec.bos_length = 0;
	assert_int_equal(devrec_set_bos(&rec, bos, sizeof(bos)), 0);
	assert_int_equal(devrec_check(&rec, &scratch, NULL), 0);
	assert_int_equal(expose_only(3), 0);
	assert_int_equal(out.bos_length, sizeof(want));
	assert_memory_equal(out.bos, want, sizeof(want));
	/* with nothing hidden there is nothing to tell */
	assert_int_equal(expose_only(7), 0);
	assert_int_equal(out.bos_length, sizeof(bos));
}

static void
broken_records_do_no_harm(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(sample_composite_hs); i++) {
		for (unsigned v = 0; v < 256; v++) {
			fill(&rec, sample("composite-hs"));
			rec.config_bytes[i] = (uint8_t)v;
			(void)expose_only(1);
			(void)expose_only(6);
		}
	}
	fill(&rec, sample("composite-hs"));
	rec.nconfigs = DESC_MAX_CONFIGS + 1;
	assert_int_equal(expose_only(1), ERR_FORMAT);
	fill(&rec, sample("composite-hs"));
	rec.bos_length = DEVREC_BOS_BYTES + 1;
	assert_int_equal(expose_only(1), ERR_FORMAT);
	fill(&rec, sample("composite-hs"));
	rec.configs[0].length = 60000;
	assert_int_equal(expose_only(1), ERR_FORMAT);
	fill(&rec, sample("composite-hs"));
	rec.strings[1].at.offset = 60000;
	assert_int_equal(expose_only(1), ERR_FORMAT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(samples_under_every_mask),
	    cmocka_unit_test(nothing_hidden_is_the_same),
	    cmocka_unit_test(generated_devices),
	    cmocka_unit_test(a_serial_port_without_its_keyboard),
	    cmocka_unit_test(a_keyboard_without_its_serial_port),
	    cmocka_unit_test(half_a_serial_port),
	    cmocka_unit_test(a_union_of_many),
	    cmocka_unit_test(a_headset_without_its_microphone),
	    cmocka_unit_test(a_camera_without_its_stream),
	    cmocka_unit_test(associations),
	    cmocka_unit_test(configurations),
	    cmocka_unit_test(strings_that_nobody_names),
	    cmocka_unit_test(the_other_speed),
	    cmocka_unit_test(the_object_store),
	    cmocka_unit_test(broken_records_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
