/*
 * One pass over the items of a report descriptor (HID 1.11 6.2.2). Refused is
 * what Linux refuses too, so that a device that works is not lost, and what
 * made it stumble once: each limit is that of hid-core or above it.
 */
#include "policy/vet/report.h"

#include <string.h>

#include "base/err.h"
#include "wire/desc_why.h"
#include "wire/hid_item.h"

#define STACK_MAX 16u             /* pushes */
#define DEPTH_MAX 64u             /* collections in each other */
#define SIZE_MAX_BITS 256u        /* of one value */
#define COUNT_MAX 12288u          /* values of one field */
#define REPORT_BITS (16384u * 8u) /* of one report */
#define PAGE_DESKTOP 0x01u
#define PAGE_KEYBOARD 0x07u
#define KEY_USAGE_MAX 0x2ffu /* kernels have no key above */
#define CONSTANT 0x01

struct globals {
	uint32_t page, size, count, id;
};

struct pass {
	struct report_summary *out;
	struct desc_why *why;
	struct globals now, stack[STACK_MAX];
	unsigned npushed, depth;
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
	uint32_t *bits = &p->bits[kind][p->now.id];

	p->has[kind][p->now.id] = 1;
	/* neither factor is above 16 bits here */
	*bits += p->now.size * p->now.count;
	if (*bits > REPORT_BITS) {
		return no(p, "R7.size", "HID report above 16384 bytes");
	}
	p->out->fields[kind]++;
	if ((flags & CONSTANT) == 0) {
		p->out->values[kind] += p->now.count;
	}
	return 0;
}

static int
on_main(struct pass *p, unsigned tag, uint32_t value)
{
	int r = 0;

	switch (tag) {
	case HID_MAIN_INPUT:
		r = on_field(p, REPORT_INPUT, value);
		break;
	case HID_MAIN_OUTPUT:
		r = on_field(p, REPORT_OUTPUT, value);
		break;
	case HID_MAIN_FEATURE:
		r = on_field(p, REPORT_FEATURE, value);
		break;
	case HID_MAIN_COLLECTION:
		if (p->depth == DEPTH_MAX) {
			return no(p, "R7.collection",
			    "collections more than 64 deep");
		}
		p->depth++;
		if ((value & 0xff) == HID_COLLECTION_APPLICATION &&
		    p->is_input_device) {
			p->out->has_input_device = 1;
		}
		break;
	case HID_MAIN_END:
		if (p->depth == 0) {
			return no(p, "R7.collection",
			    "end of a collection that is not open");
		}
		p->depth--;
		break;
	}
	p->is_input_device = 0;
	return r;
}

static int
on_global(struct pass *p, unsigned tag, uint32_t value)
{
	switch (tag) {
	case HID_GLOBAL_PAGE:
		p->now.page = value & 0xffff;
		break;
	case HID_GLOBAL_SIZE:
		if (value > SIZE_MAX_BITS) {
			return no(p, "R7.size", "HID value above 256 bits");
		}
		p->now.size = value;
		break;
	case HID_GLOBAL_COUNT:
		if (value > COUNT_MAX) {
			return no(p, "R7.count",
			    "HID field of more than 12288 values");
		}
		p->now.count = value;
		break;
	case HID_GLOBAL_ID:
		if (value == 0 || value > 255) {
			return no(p, "R7.id", "report id is not 1 to 255");
		}
		p->now.id = value;
		break;
	case HID_GLOBAL_PUSH:
		if (p->npushed == STACK_MAX) {
			return no(p, "R7.stack", "more than 16 pushes");
		}
		p->stack[p->npushed++] = p->now;
		break;
	case HID_GLOBAL_POP:
		if (p->npushed == 0) {
			return no(p, "R7.stack", "pop without a push");
		}
		p->now = p->stack[--p->npushed];
		break;
	}
	return 0;
}

static int
on_local(struct pass *p, const struct hid_item *item)
{
	uint32_t value = item->value;
	uint32_t page = item->size == 4 ? value >> 16 : p->now.page;

	if (item->tag != HID_LOCAL_USAGE && item->tag != HID_LOCAL_MAXIMUM) {
		return 0;
	}
	if (page == PAGE_KEYBOARD && (value & 0xffff) > KEY_USAGE_MAX) {
		return no(p, "R7.usage", "a key that no keyboard has");
	}
	/* pointer, mouse, joystick, gamepad, keyboard, keypad, multi-axis */
	value &= 0xffff;
	p->is_input_device =
	    page == PAGE_DESKTOP && value >= 1 && value <= 8 && value != 3;
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
		return on_main(p, item->tag, item->value);
	case 1:
		return on_global(p, item->tag, item->value);
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
	return r < 0 ? no(p, "R7.item", "HID item runs past the end") : 0;
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
	if (p.depth != 0) {
		return no(&p, "R7.collection", "a collection is not closed");
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
