/*
 * For the tests of device records: a record filled as a probe would fill it,
 * from one of the sample devices.
 */
#ifndef TESTS_UNIT_DEVREC_FILL_H
#define TESTS_UNIT_DEVREC_FILL_H

#include <string.h>

#include "tests/unit/usb_samples.h"
#include "wire/devrec.h"

static struct devrec rec;
static struct desc_config scratch;

static const uint8_t languages[] = {4, 3, 0x09, 0x04};
static const uint8_t maker[] = {8, 3, 'A', 0, 'c', 0, 0xe4, 0};
static const uint8_t maker_de[] = {4, 3, 'Z', 0};
static const uint8_t serial[] = {6, 3, '4', 0, '2', 0};

static inline void
fill(struct devrec *r, const struct usb_sample *s)
{
	devrec_init(r);
	r->speed = (uint8_t)s->speed;
	memcpy(r->device, s->device, sizeof(r->device));
	for (int k = 0; k < 2 && s->config[k] != NULL; k++) {
		assert_int_equal(
		    devrec_add_config(r, s->config[k], s->config_len[k]), 0);
	}
	r->active_config = s->config[0][5];
	if (s->bos != NULL) {
		assert_int_equal(devrec_set_bos(r, s->bos, s->bos_len), 0);
	}
	assert_int_equal(
	    devrec_add_string(r, 0, 0, languages, sizeof(languages)), 0);
	assert_int_equal(
	    devrec_add_string(r, 1, 0x0409, maker, sizeof(maker)), 0);
	assert_int_equal(
	    devrec_add_string(r, 3, 0x0409, serial, sizeof(serial)), 0);
}

static inline const struct usb_sample *
sample(const char *name)
{
	for (size_t i = 0; i < USB_SAMPLES; i++) {
		if (strcmp(usb_samples[i].name, name) == 0) {
			return &usb_samples[i];
		}
	}
	fail_msg("no sample %s", name);
	return NULL;
}

static inline void
fill_keyboard(struct devrec *r)
{
	fill(r, sample("keyboard-ls"));
	assert_int_equal(devrec_add_report(r, 1, 0, sample_report_keyboard,
			     sizeof(sample_report_keyboard)),
	    0);
}

#endif
