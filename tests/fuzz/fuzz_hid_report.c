/*
 * HID report descriptors: two bytes of length, a descriptor, and the rest as one
 * report of each kind. What compiles must keep to its own tables.
 */
#include "policy/decode/hid_report.h"

#include <stdlib.h>

#include "tests/fuzz/fuzz.h"

static void
check(const struct hid_report *r)
{
	MUST(r->nshapes <= HID_SHAPES && r->nfields <= HID_FIELDS);
	MUST(r->nruns <= HID_RUNS && r->nslots <= HID_KEY_SLOTS);
	for (unsigned i = 0; i < r->nshapes; i++) {
		const struct hid_shape *s = &r->shapes[i];

		MUST(s->bits > 0 && s->len > 0);
		MUST(s->slot == HID_NO_SLOT || s->slot < r->nslots);
		MUST(hid_report_shape(r, s->kind, s->id) == s);
		for (unsigned n = s->first; n != 0;
		     n = r->fields[n - 1].next) {
			const struct hid_field *f = &r->fields[n - 1];

			MUST(n <= r->nfields && f->nruns > 0 && f->size > 0);
			MUST(f->bit + f->size * f->count <= s->bits);
			MUST(f->run + f->nruns <= r->nruns);
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct hid_report r;
	static struct hid_values v;
	struct desc_why why = {.text = NULL};
	size_t len;

	if (size < 2) {
		return 0;
	}
	len = (size_t)data[0] << 8 | data[1];
	len = len < size - 2 ? len : size - 2;
	(void)hid_report_has_application(data + 2, len, 0xf1d00001);
	if (hid_report_compile(&r, data + 2, len, &why) != 0) {
		MUST(why.text != NULL && why.rule != NULL && why.offset <= len);
		return 0;
	}
	check(&r);
	for (unsigned i = 0; i < r.nshapes; i++) {
		hid_report_read(&v, &r, &r.shapes[i], data + 2 + len,
		    size - 2 - len);
		MUST(v.nusages <= HID_USAGES);
		touch((const uint8_t *)v.usages, v.nusages * sizeof(v.usages[0]));
	}
	return 0;
}
