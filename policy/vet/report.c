/*
 * One pass over the items of a report descriptor (HID 1.11 6.2.2). Refused is
 * what Linux refuses too, so that a device that works is not lost, and what
 * made it stumble once: each limit is that of hid-core or above it.
 */
#include "policy/vet/report.h"

#include <string.h>

#include "base/err.h"
#include "wire/cursor.h"
#include "wire/desc_why.h"

#define STACK_MAX 16u             /* pushes */
#define DEPTH_MAX 64u             /* collections in each other */
#define SIZE_MAX_BITS 256u        /* of one value */
#define COUNT_MAX 12288u          /* values of one field */
#define REPORT_BITS (16384u * 8u) /* of one report */
#define PAGE_DESKTOP 0x01u
#define PAGE_KEYBOARD 0x07u
#define KEY_USAGE_MAX 0x2ffu /* kernels have no key above */
#define ITEM_LONG 0xfe
#define APPLICATION 0x01
#define CONSTANT 0x01

enum item {
	MAIN_INPUT = 0x80,
	MAIN_OUTPUT = 0x90,
	MAIN_COLLECTION = 0xa0,
	MAIN_FEATURE = 0xb0,
	MAIN_END = 0xc0,
	GLOBAL_PAGE = 0x04,
	GLOBAL_SIZE = 0x74,
	GLOBAL_ID = 0x84,
	GLOBAL_COUNT = 0x94,
	GLOBAL_PUSH = 0xa4,
	GLOBAL_POP = 0xb4,
	LOCAL_USAGE = 0x08,
	LOCAL_MAXIMUM = 0x28,
};

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
on_main(struct pass *p, unsigned item, uint32_t value)
{
	int r = 0;

	switch (item) {
	case MAIN_INPUT:
		r = on_field(p, REPORT_INPUT, value);
		break;
	case MAIN_OUTPUT:
		r = on_field(p, REPORT_OUTPUT, value);
		break;
	case MAIN_FEATURE:
		r = on_field(p, REPORT_FEATURE, value);
		break;
	case MAIN_COLLECTION:
		if (p->depth == DEPTH_MAX) {
			return no(p, "R7.collection",
			    "collections more than 64 deep");
		}
		p->depth++;
		if ((value & 0xff) == APPLICATION && p->is_input_device) {
			p->out->has_input_device = 1;
		}
		break;
	case MAIN_END:
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
on_global(struct pass *p, unsigned item, uint32_t value)
{
	switch (item) {
	case GLOBAL_PAGE:
		p->now.page = value & 0xffff;
		break;
	case GLOBAL_SIZE:
		if (value > SIZE_MAX_BITS) {
			return no(p, "R7.size", "HID value above 256 bits");
		}
		p->now.size = value;
		break;
	case GLOBAL_COUNT:
		if (value > COUNT_MAX) {
			return no(p, "R7.count",
			    "HID field of more than 12288 values");
		}
		p->now.count = value;
		break;
	case GLOBAL_ID:
		if (value == 0 || value > 255) {
			return no(p, "R7.id", "report id is not 1 to 255");
		}
		p->now.id = value;
		break;
	case GLOBAL_PUSH:
		if (p->npushed == STACK_MAX) {
			return no(p, "R7.stack", "more than 16 pushes");
		}
		p->stack[p->npushed++] = p->now;
		break;
	case GLOBAL_POP:
		if (p->npushed == 0) {
			return no(p, "R7.stack", "pop without a push");
		}
		p->now = p->stack[--p->npushed];
		break;
	}
	return 0;
}

static int
on_local(struct pass *p, unsigned item, uint32_t value, unsigned size)
{
	uint32_t page = size == 4 ? value >> 16 : p->now.page;

	if (item != LOCAL_USAGE && item != LOCAL_MAXIMUM) {
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
on_item(struct pass *p, unsigned prefix, uint32_t value, unsigned size)
{
	unsigned item = prefix & 0xfc;

	switch (prefix >> 2 & 3) {
	case 0:
		return on_main(p, item, value);
	case 1:
		return on_global(p, item, value);
	case 2:
		return on_local(p, item, value, size);
	}
	return 0; /* reserved, and passed over by all */
}

static int
items(struct pass *p, const uint8_t *bytes, size_t len)
{
	static const unsigned sizes[] = {0, 1, 2, 4};
	size_t at = 0;

	while (at < len) {
		unsigned prefix = bytes[at], size = sizes[prefix & 3];
		uint32_t value = 0;
		int r;

		p->at = at++;
		if (prefix == ITEM_LONG) {
			/* bDataSize, bLongItemTag, data: passed over */
			size = at < len ? bytes[at] + 2u : 2u;
		}
		if (size > len - at) {
			return no(p, "R7.item", "HID item runs past the end");
		}
		if (prefix != ITEM_LONG) {
			for (unsigned i = 0; i < size; i++) {
				value |= (uint32_t)bytes[at + i] << 8 * i;
			}
			r = on_item(p, prefix, value, size);
			if (r != 0) {
				return r;
			}
		}
		at += size;
	}
	p->at = len;
	return 0;
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
