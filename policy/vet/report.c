/*
 * One pass over the items of a report descriptor (HID 1.11 6.2.2). Refused is
 * what Linux refuses too, so that a device that works is not lost, and what
 * made it stumble once: each limit is that of hid-core or above it.
 */
#include "policy/vet/report.h"

#include <string.h>

#include "base/err.h"
#include "wire/desc_why.h"
#include "wire/hid_state.h"

#define CONSTANT 0x01

struct pass {
	struct report_summary *out;
	struct desc_why *why;
	struct hid_state state;
	uint8_t is_input_device; /* the last usage that stands */
	uint32_t bits[REPORT_KINDS][256];
	uint8_t has[REPORT_KINDS][256];
	size_t at;
};

static int
no(const struct pass *p, const char *rule, const char *text)
{
	return desc_refuse(p->why, ERR_POLICY, rule, text, p->at);
}

static int
on_field(struct pass *p, enum report_kind kind, uint32_t flags)
{
	uint32_t *bits = &p->bits[kind][p->state.now.id];

	p->has[kind][p->state.now.id] = 1;
	/* neither factor is above 16 bits here */
	*bits += p->state.now.size * p->state.now.count;
	if (*bits > HID_REPORT_BITS) {
		return no(p, "R7.size", "HID report above 16384 bytes");
	}
	p->out->fields[kind]++;
	if ((flags & CONSTANT) == 0) {
		p->out->values[kind] += p->state.now.count;
	}
	return 0;
}

static int
on_main(struct pass *p, const struct hid_item *item)
{
	int r = hid_state_main(&p->state, item, p->why);

	if (r != 0) {
		return r;
	}
	switch (item->tag) {
	case HID_MAIN_INPUT:
		r = on_field(p, REPORT_INPUT, item->value);
		break;
	case HID_MAIN_OUTPUT:
		r = on_field(p, REPORT_OUTPUT, item->value);
		break;
	case HID_MAIN_FEATURE:
		r = on_field(p, REPORT_FEATURE, item->value);
		break;
	case HID_MAIN_COLLECTION:
		if ((item->value & 0xff) == HID_COLLECTION_APPLICATION &&
		    p->is_input_device) {
			p->out->has_input_device = 1;
		}
		break;
	}
	p->is_input_device = 0;
	return r;
}

static int
on_local(struct pass *p, const struct hid_item *item)
{
	uint32_t value = item->value;
	uint32_t page = item->size == 4 ? value >> 16 : p->state.now.page;

	if (item->tag != HID_LOCAL_USAGE && item->tag != HID_LOCAL_MAXIMUM) {
		return 0;
	}
	if (page == HID_PAGE_KEYBOARD && (value & 0xffff) > HID_KEY_MAX) {
		return no(p, "R7.usage", "a key that no keyboard has");
	}
	/* pointer, mouse, joystick, gamepad, keyboard, keypad, multi-axis */
	value &= 0xffff;
	p->is_input_device =
	    page == HID_PAGE_DESKTOP && value >= 1 && value <= 8 && value != 3;
	return 0;
}

static int
on_item(struct pass *p, const struct hid_item *item)
{
	if (item->tag == HID_ITEM_LONG) {
		return 0;
	}
	switch (item->tag >> 2 & 3) {
	case 0:
		return on_main(p, item);
	case 1:
		return hid_state_global(&p->state, item, p->why);
	case 2:
		return on_local(p, item);
	}
	return 0; /* reserved, and passed over by all */
}

static int
items(struct pass *p, const uint8_t *bytes, size_t len)
{
	struct hid_item item;
	size_t at = 0;
	int r;

	while ((r = hid_item_next(&item, bytes, len, &at)) > 0) {
		p->at = item.at;
		r = on_item(p, &item);
		if (r != 0) {
			return r;
		}
	}
	p->at = item.at;
	return hid_state_end(&p->state, &item, r, p->why);
}

int
report_summarize(struct report_summary *out, const void *report, size_t len,
    struct desc_why *why)
{
	struct pass p;
	int r;

	memset(out, 0, sizeof(*out));
	memset(&p, 0, sizeof(p));
	p.out = out;
	p.why = why;
	r = items(&p, report, len);
	if (r != 0) {
		return r;
	}
	for (unsigned kind = 0; kind < REPORT_KINDS; kind++) {
		for (unsigned id = 0; id < 256; id++) {
			if (p.has[kind][id] && p.bits[kind][id] == 0) {
				return no(
				    &p, "R7.size", "HID report of no bits");
			}
		}
	}
	return 0;
}
