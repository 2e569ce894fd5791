/*
 * wire/devrec: filling a record, looking things up, its exact wire form in
 * every wrong length, and comparison. The judgement is in test_devrec_check.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "tests/unit/devrec_fill.h"
#include "tests/unit/rnd.h"
#include "wire/devrec.h"

static struct devrec other;
static uint8_t wire[DEVREC_WIRE + 1], again[DEVREC_WIRE + 1];

static void
configurations_by_index_and_value(void **state)
{
	const struct usb_sample *s = sample("phone-hs");
	size_t len;

	(void)state;
	fill(&rec, s);
	assert_memory_equal(devrec_config(&rec, 1, &len), sample_phone_2,
	    sizeof(sample_phone_2));
	assert_int_equal(len, sizeof(sample_phone_2));
	assert_ptr_equal(devrec_config_by_value(&rec, 2, &len),
	    devrec_config(&rec, 1, &len));
	assert_ptr_equal(devrec_config_by_value(&rec, 1, &len),
	    devrec_config(&rec, 0, &len));
	len = 9;
	assert_null(devrec_config(&rec, 2, &len));
	assert_int_equal(len, 0);
	len = 9;
	assert_null(devrec_config_by_value(&rec, 3, &len));
	assert_int_equal(len, 0);
	assert_int_equal(devrec_add_config(&rec, sample_phone_1,
			     sizeof(sample_phone_1)),
	    ERR_FORMAT);
	assert_int_equal(devrec_add_config(&rec, sample_phone_1, 8),
	    ERR_FORMAT);
	assert_int_equal(rec.nconfigs, 2);
}

static void
configurations_have_limits(void **state)
{
	static uint8_t big[DEVREC_CONFIG_BYTES + 1];

	(void)state;
	devrec_init(&rec);
	for (unsigned i = 1; i <= DESC_MAX_CONFIGS + 1; i++) {
		const uint8_t conf[] = {CONF(9, 0, (uint8_t)i)};

		assert_int_equal(devrec_add_config(&rec, conf, sizeof(conf)),
		    i <= DESC_MAX_CONFIGS ? 0 : ERR_LIMIT);
	}
	devrec_init(&rec);
	{
		static const uint8_t least[] = {CONF(9, 0, 7)};

		assert_int_equal(devrec_add_config(&rec, least, 9), 0);
		assert_int_equal(devrec_add_config(&rec, least, 9), ERR_FORMAT);
	}
	devrec_init(&rec);
	assert_int_equal(
	    devrec_add_config(&rec, big, sizeof(big)), ERR_LIMIT);
	assert_int_equal(
	    devrec_add_config(&rec, big, sizeof(big) - 1), 0);
	big[5] = 1;
	assert_int_equal(devrec_add_config(&rec, big, 9), ERR_LIMIT);
}

static void
strings_by_index_and_language(void **state)
{
	char text[32];
	size_t len;

	(void)state;
	fill(&rec, sample("storage-hs"));
	assert_int_equal(
	    devrec_add_string(&rec, 1, 0x0407, maker_de, sizeof(maker_de)), 0);
	assert_memory_equal(
	    devrec_string(&rec, 1, 0x0407, &len), maker_de, sizeof(maker_de));
	assert_int_equal(len, sizeof(maker_de));
	assert_null(devrec_string(&rec, 3, 0x0407, &len));
	assert_int_equal(len, 0);
	assert_null(devrec_string(&rec, 2, 0x0409, &len));
	/* the table of languages is asked for in any language */
	assert_non_null(devrec_string(&rec, 0, 0, &len));
	assert_non_null(devrec_string(&rec, 0, 0x0409, &len));
	assert_ptr_equal(devrec_text(&rec, 1, text, sizeof(text)), text);
	assert_string_equal(text, "Ac\xc3\xa4");
	assert_string_equal(devrec_text(&rec, 3, text, sizeof(text)), "42");
	assert_string_equal(devrec_text(&rec, 2, text, sizeof(text)), "");
	assert_string_equal(devrec_text(&rec, 0, text, sizeof(text)), "");
	text[0] = 'X';
	devrec_text(&rec, 1, text, 0);
	assert_int_equal(text[0], 'X');
	assert_string_equal(devrec_text(&rec, 1, text, 3), "Ac");
	/* the first language counts, not whichever has the string */
	assert_int_equal(devrec_add_string(&rec, 7, 0x0407, maker_de, 4), 0);
	assert_string_equal(devrec_text(&rec, 7, text, sizeof(text)), "");
	assert_int_equal(devrec_add_string(&rec, 1, 0x0409, maker, 4),
	    ERR_FORMAT);
	assert_int_equal(devrec_add_string(&rec, 0, 0, languages, 4),
	    ERR_FORMAT);
	assert_int_equal(devrec_add_string(&rec, 9, 0x0409, maker, 0),
	    ERR_FORMAT);
}

static void
text_without_a_table_of_languages(void **state)
{
	char text[32];

	(void)state;
	devrec_init(&rec);
	assert_int_equal(
	    devrec_add_string(&rec, 1, 0x0407, maker_de, sizeof(maker_de)), 0);
	assert_string_equal(devrec_text(&rec, 1, text, sizeof(text)), "Z");
	assert_int_equal(devrec_add_string(&rec, 0, 5, languages, 4),
	    ERR_FORMAT);
	assert_int_equal(devrec_add_string(&rec, 0, 0, languages, 2), 0);
	assert_string_equal(devrec_text(&rec, 1, text, sizeof(text)), "Z");
}

static void
strings_and_reports_have_limits(void **state)
{
	static uint8_t big[DEVREC_REPORT_BYTES + 1];
	size_t len;

	(void)state;
	devrec_init(&rec);
	for (unsigned i = 1; i <= DEVREC_STRINGS + 1; i++) {
		assert_int_equal(
		    devrec_add_string(&rec, (uint8_t)i, 0x0409, maker, 8),
		    i <= DEVREC_STRINGS ? 0 : ERR_LIMIT);
	}
	for (unsigned i = 0; i <= DEVREC_REPORTS; i++) {
		assert_int_equal(devrec_add_report(&rec, 1, (uint8_t)i, big, 8),
		    i < DEVREC_REPORTS ? 0 : ERR_LIMIT);
	}
	assert_int_equal(devrec_add_report(&rec, 1, 0, big, 8), ERR_FORMAT);
	assert_non_null(devrec_report(&rec, 1, 31, &len));
	assert_int_equal(len, 8);
	assert_null(devrec_report(&rec, 2, 31, &len));
	assert_null(devrec_report(&rec, 1, 32, &len));
	devrec_init(&rec);
	assert_int_equal(
	    devrec_add_string(&rec, 1, 0x0409, big, DEVREC_STRING_BYTES + 1),
	    ERR_LIMIT);
	assert_int_equal(
	    devrec_add_report(&rec, 1, 0, big, sizeof(big)), ERR_LIMIT);
	assert_int_equal(
	    devrec_add_report(&rec, 1, 0, big, sizeof(big) - 1), 0);
	assert_int_equal(devrec_add_report(&rec, 1, 1, big, 1), ERR_LIMIT);
	assert_int_equal(devrec_add_report(&rec, 1, 1, big, 0), ERR_FORMAT);
	assert_int_equal(
	    devrec_set_bos(&rec, big, DEVREC_BOS_BYTES + 1), ERR_LIMIT);
	assert_int_equal(devrec_set_bos(&rec, big, 0), ERR_FORMAT);
	assert_int_equal(devrec_set_bos(&rec, big, DEVREC_BOS_BYTES), 0);
	assert_int_equal(devrec_set_bos(&rec, big, 5), ERR_FORMAT);
}

static const uint8_t other_speed[] = {
    9, DESC_OTHER_SPEED, 18, 0, 1, 1, 0, 0x80, 50, 9, 4, 0, 0, 0, 8, 6, 80, 0};

/* Only behind a qualifier, only whole chains, and in their order. */
static void
other_speed_is_kept(void **state)
{
	static const uint8_t flips[] = {1, 2, 0, 9};
	uint8_t second[sizeof(other_speed)], bad[sizeof(other_speed)];
	const uint8_t *p;
	size_t len;

	(void)state;
	devrec_init(&rec);
	assert_int_equal(
	    devrec_add_other(&rec, other_speed, sizeof(other_speed)),
	    ERR_FORMAT);
	rec.has_qualifier = 1;
	for (size_t i = 0; i < sizeof(other_speed); i++) {
		assert_int_equal(
		    devrec_add_other(&rec, other_speed, i), ERR_FORMAT);
	}
	/* another type, another wTotalLength, bLengths that miss the end */
	for (size_t i = 0; i < sizeof(flips); i++) {
		memcpy(bad, other_speed, sizeof(bad));
		bad[flips[i]] ^= 1;
		assert_int_equal(
		    devrec_add_other(&rec, bad, sizeof(bad)), ERR_FORMAT);
	}
	memcpy(second, other_speed, sizeof(second));
	second[5] = 2;
	assert_int_equal(
	    devrec_add_other(&rec, other_speed, sizeof(other_speed)), 0);
	assert_int_equal(devrec_add_other(&rec, second, sizeof(second)), 0);
	p = devrec_other(&rec, 1, &len);
	assert_int_equal(len, sizeof(second));
	assert_memory_equal(p, second, len);
	assert_null(devrec_other(&rec, 2, &len));
	/* none of them is a configuration to be used */
	assert_null(devrec_config_by_value(&rec, 1, &len));
	while (rec.nothers < DESC_MAX_CONFIGS) {
		assert_int_equal(
		    devrec_add_other(&rec, second, sizeof(second)), 0);
	}
	assert_int_equal(
	    devrec_add_other(&rec, second, sizeof(second)), ERR_LIMIT);
}

static void
records_come_back_as_they_went(void **state)
{
	(void)state;
	for (size_t i = 0; i < USB_SAMPLES; i++) {
		int n, m;

		fill(&rec, &usb_samples[i]);
		rec.has_qualifier = (uint8_t)(i % 2);
		if (rec.has_qualifier) {
			rec.qualifier[0] = 10;
			rec.qualifier[1] = DESC_QUALIFIER;
			assert_int_equal(devrec_add_other(&rec, other_speed,
					     sizeof(other_speed)),
			    0);
		}
		n = devrec_encode(wire, sizeof(wire), &rec);
		assert_true(n > 0);
		assert_int_equal(devrec_decode(&other, wire, (size_t)n), 0);
		assert_memory_equal(&rec, &other, sizeof(rec));
		m = devrec_encode(again, sizeof(again), &other);
		assert_int_equal(m, n);
		assert_memory_equal(wire, again, (size_t)n);
		for (int size = 0; size < n; size++) {
			assert_int_equal(
			    devrec_encode(again, (size_t)size, &rec),
			    ERR_NOMEM);
		}
	}
}

static void
fullest_record_fits_its_wire_form(void **state)
{
	static uint8_t big[DEVREC_CONFIG_BYTES];
	int n;

	(void)state;
	devrec_init(&rec);
	rec.has_qualifier = 1;
	for (unsigned i = 0; i < DESC_MAX_CONFIGS; i++) {
		big[5] = (uint8_t)i;
		assert_int_equal(devrec_add_config(&rec, big,
				     DEVREC_CONFIG_BYTES / DESC_MAX_CONFIGS),
		    0);
	}
	for (unsigned i = 0; i < DEVREC_STRINGS; i++) {
		assert_int_equal(
		    devrec_add_string(&rec, (uint8_t)(i + 1), 1, big,
			DEVREC_STRING_BYTES / DEVREC_STRINGS),
		    0);
	}
	for (unsigned i = 0; i < DEVREC_REPORTS; i++) {
		assert_int_equal(devrec_add_report(&rec, 1, (uint8_t)i, big,
				     DEVREC_REPORT_BYTES / DEVREC_REPORTS),
		    0);
	}
	assert_int_equal(devrec_set_bos(&rec, big, DEVREC_BOS_BYTES), 0);
	n = devrec_encode(wire, DEVREC_WIRE, &rec);
	assert_true(n > 60 * 1024);
	assert_int_equal(devrec_decode(&other, wire, (size_t)n), 0);
	assert_memory_equal(&rec, &other, sizeof(rec));
}

static void
wrong_lengths_are_refused(void **state)
{
	int n;

	(void)state;
	fill_keyboard(&rec);
	n = devrec_encode(wire, sizeof(wire), &rec);
	assert_true(n > 0);
	for (int len = 0; len < n; len++) {
		uint8_t *buf = malloc((size_t)len + 1);

		assert_non_null(buf);
		memcpy(buf, wire, (size_t)len);
		assert_int_equal(
		    devrec_decode(&other, buf, (size_t)len), ERR_FORMAT);
		free(buf);
	}
	assert_int_equal(
	    devrec_decode(&other, wire, (size_t)n + 1), ERR_FORMAT);
	assert_int_equal(devrec_decode(&other, NULL, 0), ERR_FORMAT);
	assert_int_equal(other.nconfigs, 0);
}

static void
wrong_counts_are_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
	} rows[] = {{20, 0}, {20, 2}, {20, 9}, {20, 255}, {21, 2}, {21, 65},
	    {21, 255}, {22, 0}, {22, 33}, {22, 255}, {23, 1}, {23, 2},
	    {23, 255}, {24, 0xff}, {25, 0}};
	int n;

	(void)state;
	fill_keyboard(&rec);
	n = devrec_encode(wire, sizeof(wire), &rec);
	assert_true(n > 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memcpy(again, wire, (size_t)n);
		again[rows[i].at] = rows[i].value;
		assert_int_equal(
		    devrec_decode(&other, again, (size_t)n), ERR_FORMAT);
	}
}

static void
unsound_records_are_not_sent(void **state)
{
	(void)state;
	fill_keyboard(&rec);
	rec.nconfigs = DESC_MAX_CONFIGS + 1;
	assert_int_equal(devrec_encode(wire, sizeof(wire), &rec), ERR_FORMAT);
	fill_keyboard(&rec);
	rec.nstrings = DEVREC_STRINGS + 1;
	assert_int_equal(devrec_encode(wire, sizeof(wire), &rec), ERR_FORMAT);
	fill_keyboard(&rec);
	rec.nreports = DEVREC_REPORTS + 1;
	assert_int_equal(devrec_encode(wire, sizeof(wire), &rec), ERR_FORMAT);
	fill_keyboard(&rec);
	rec.configs[0].offset = 0xfff0;
	assert_int_equal(devrec_encode(wire, sizeof(wire), &rec), ERR_FORMAT);
	fill_keyboard(&rec);
	rec.strings[1].at.length = 0xffff;
	assert_int_equal(devrec_encode(wire, sizeof(wire), &rec), ERR_FORMAT);
	fill_keyboard(&rec);
	rec.reports[0].at.offset = 1;
	assert_int_equal(devrec_encode(wire, sizeof(wire), &rec), ERR_FORMAT);
	fill_keyboard(&rec);
	rec.bos_length = DEVREC_BOS_BYTES + 1;
	assert_int_equal(devrec_encode(wire, sizeof(wire), &rec), ERR_FORMAT);
	assert_int_not_equal(devrec_compare(&rec, &rec), 0);
	fill_keyboard(&rec);
	rec.config_used = 0xffff;
	assert_int_equal(devrec_encode(wire, sizeof(wire), &rec), ERR_FORMAT);
}

static void
comparison(void **state)
{
	(void)state;
	fill_keyboard(&rec);
	fill_keyboard(&other);
	other.active_config = 0;
	assert_int_equal(devrec_compare(&rec, &other), 0);
	/* read in another order */
	devrec_init(&other);
	other.speed = rec.speed;
	memcpy(other.device, rec.device, sizeof(rec.device));
	assert_int_equal(devrec_add_config(&other, sample_keyboard_ls,
			     sizeof(sample_keyboard_ls)),
	    0);
	assert_int_equal(devrec_add_string(&other, 3, 0x0409, serial, 6), 0);
	assert_int_equal(devrec_add_string(&other, 1, 0x0409, maker, 8), 0);
	assert_int_equal(devrec_add_string(&other, 0, 0, languages, 4), 0);
	assert_int_not_equal(devrec_compare(&rec, &other), 0);
	assert_int_equal(devrec_add_report(&other, 1, 0, sample_report_keyboard,
			     sizeof(sample_report_keyboard)),
	    0);
	assert_int_equal(devrec_compare(&rec, &other), 0);
	assert_int_equal(devrec_compare(&other, &rec), 0);
}

/* Any one byte that a device says differently is found. */
static void
comparison_sees_every_byte(void **state)
{
	int n;

	(void)state;
	fill_keyboard(&rec);
	assert_int_equal(
	    devrec_set_bos(&rec, sample_bos_hs, sizeof(sample_bos_hs)), 0);
	rec.has_qualifier = 1;
	assert_int_equal(
	    devrec_add_other(&rec, other_speed, sizeof(other_speed)), 0);
	n = devrec_encode(wire, sizeof(wire), &rec);
	assert_true(n > 0);
	for (int i = 0; i < n; i++) {
		memcpy(again, wire, (size_t)n);
		again[i] ^= 1;
		if (devrec_decode(&other, again, (size_t)n) != 0) {
			continue;
		}
		assert_int_equal(devrec_compare(&rec, &other) == 0, i == 1);
		assert_int_equal(devrec_compare(&other, &rec) == 0, i == 1);
	}
	fill_keyboard(&other);
	assert_int_not_equal(devrec_compare(&rec, &other), 0);
}

static void
mutated_wire_forms_do_no_harm(void **state)
{
	struct rnd r = {.state = 5};
	char text[64];
	int n;

	(void)state;
	fill_keyboard(&rec);
	n = devrec_encode(wire, sizeof(wire), &rec);
	assert_true(n > 0);
	for (int i = 0; i < 5000; i++) {
		memcpy(again, wire, (size_t)n);
		for (uint32_t k = 1 + rnd_below(&r, 3); k > 0; k--) {
			size_t at = rnd_below(&r, (uint32_t)n);

			again[at] = (uint8_t)rnd_u32(&r);
		}
		if (devrec_decode(&other, again, (size_t)n) != 0) {
			continue;
		}
		(void)devrec_check(&other, &scratch, NULL);
		(void)devrec_text(&other, (uint8_t)i, text, sizeof(text));
		assert_int_equal(
		    devrec_encode(wire + 0, 0, &other), ERR_NOMEM);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(configurations_by_index_and_value),
	    cmocka_unit_test(configurations_have_limits),
	    cmocka_unit_test(strings_by_index_and_language),
	    cmocka_unit_test(text_without_a_table_of_languages),
	    cmocka_unit_test(strings_and_reports_have_limits),
	    cmocka_unit_test(other_speed_is_kept),
	    cmocka_unit_test(records_come_back_as_they_went),
	    cmocka_unit_test(fullest_record_fits_its_wire_form),
	    cmocka_unit_test(wrong_lengths_are_refused),
	    cmocka_unit_test(wrong_counts_are_refused),
	    cmocka_unit_test(unsound_records_are_not_sent),
	    cmocka_unit_test(comparison),
	    cmocka_unit_test(comparison_sees_every_byte),
	    cmocka_unit_test(mutated_wire_forms_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
