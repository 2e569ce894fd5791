/*
 * Device records as the warden and a session read them: what decodes is
 * canonical, all its spans can be read, it equals itself, and judging it or
 * showing it does no harm.
 */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "wire/devrec.h"

static struct devrec rec, other;
static struct desc_config scratch;
static uint8_t buf[DEVREC_WIRE];

static void
touch_spans(void)
{
	const uint8_t *p;
	char text[64];
	size_t n;

	for (unsigned i = 0; i < rec.nconfigs; i++) {
		p = devrec_config(&rec, i, &n);
		MUST(p != NULL && n >= 9);
		touch(p, n);
		MUST(devrec_config_by_value(&rec, p[5], &n) == p);
	}
	for (unsigned i = 0; i < rec.nstrings; i++) {
		const struct devrec_string *s = &rec.strings[i];

		p = devrec_string(&rec, s->index, s->langid, &n);
		touch(p, n);
		devrec_text(&rec, s->index, text, sizeof(text));
	}
	for (unsigned i = 0; i < rec.nreports; i++) {
		p = devrec_report(&rec, rec.reports[i].config,
		    rec.reports[i].interface, &n);
		touch(p, n);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct device_place place = {.busid = "1-1"};
	struct desc_why why = {0};
	struct usbip_device dev;

	if (devrec_decode(&rec, data, size) != 0) {
		return 0;
	}
	touch_spans();
	MUST(devrec_encode(buf, sizeof(buf), &rec) == (int)size);
	MUST(memcmp(buf, data, size) == 0);
	MUST(devrec_decode(&other, buf, size) == 0);
	MUST(devrec_compare(&rec, &other) == 0);
	MUST(devrec_check(&rec, &scratch, &why) == 0 || why.rule != NULL);
	devrec_usbip(&dev, &rec, &place, &scratch);
	return 0;
}
