/*
 * Items of a report descriptor, in one pass (HID 1.11 6.2.2.2): short items of
 * 1, 2, 3 or 5 bytes; main items take what the local ones before them said,
 * global ones stay until they change. Runs in the warden.
 *
 * When in doubt it says more: a bit too many keeps a device from a rule that
 * asks for a mouse and nothing else.
 */
#include "policy/rules/hid.h"

#include "policy/rules/rules.h"

#define GLOBALS_MAX 16u	    /* push */
#define COLLECTIONS_MAX 64u /* in each other */
#define PAGE_DESKTOP 0x01u
#define PAGE_KEYBOARD 0x07u
#define PAGE_FIDO 0xf1d0u

/* bTag and bType of a short item, its prefix without the size. */
enum item {
	MAIN_INPUT = 0x80,
	MAIN_OUTPUT = 0x90,
	MAIN_COLLECTION = 0xa0,
	MAIN_FEATURE = 0xb0,
	MAIN_END = 0xc0,
	GLOBAL_PAGE = 0x04,
	GLOBAL_PUSH = 0xa4,
	GLOBAL_POP = 0xb4,
	LOCAL_USAGE = 0x08,
	LOCAL_MINIMUM = 0x18,
	LOCAL_MAXIMUM = 0x28,
};

#define ITEM_LONG 0xfe
#define COLLECTION_APPLICATION 0x01

/* Usages that the present main item is about. */
struct usages {
	uint8_t bits;	     /* each with the page of its own time */
	uint8_t has_keys;    /* one of them is of the keyboard page */
	uint8_t has_any;
	uint8_t desktop;     /* those without a page, if it were 01 */
	uint8_t fido;	     /* ... and if it were f1d0 */
	uint8_t has_short;   /* some have no page of their own */
	uint32_t minimum;
	uint8_t minimum_size; /* bytes; 0 = none stands */
};

struct parser {
	uint32_t page, pages[GLOBALS_MAX];
	unsigned npages, depth;
	struct usages usages;
	uint8_t found;
	int has_application;
};

/* What the desktop page calls them. */
static uint8_t
desktop_bits(uint32_t first, uint32_t last)
{
	uint8_t bits = 0;

	if (first <= 2 && last >= 1) {
		bits |= RULE_HID_MOUSE;
	}
	if (first <= 7 && last >= 6) {
		bits |= RULE_HID_KEYBOARD;
	}
	if (first < 1 || last > 7 || (first <= 5 && last >= 3)) {
		bits |= RULE_HID_OTHER;
	}
	return bits;
}

static uint8_t
fido_bits(uint32_t first, uint32_t last)
{
	return (uint8_t)((first <= 1 && last >= 1 ? RULE_HID_FIDO : 0) |
	    (first < 1 || last > 1 ? RULE_HID_OTHER : 0));
}

static uint8_t
bits_of(uint32_t page, uint32_t first, uint32_t last)
{
	if (page == PAGE_DESKTOP) {
		return desktop_bits(first, last);
	}
	return page == PAGE_FIDO ? fido_bits(first, last) : RULE_HID_OTHER;
}

/* A usage or a range of them, each with a page of its own when it has four
 * bytes. */
static void
add_usages(struct parser *p, uint32_t first, uint32_t last, unsigned size)
{
	struct usages *u = &p->usages;
	uint32_t page = size == 4 ? last >> 16 : p->page;

	first &= 0xffff;
	last &= 0xffff;
	u->has_any = 1;
	u->bits |= bits_of(page, first, last);
	u->has_keys |= page == PAGE_KEYBOARD;
	if (size != 4) {
		u->has_short = 1;
		u->desktop |= desktop_bits(first, last);
		u->fido |= fido_bits(first, last);
	}
}

static void
take_local(struct parser *p, unsigned item, uint32_t value, unsigned size)
{
	struct usages *u = &p->usages;

	if (item == LOCAL_USAGE) {
		add_usages(p, value, value, size);
	} else if (item == LOCAL_MINIMUM) {
		u->minimum = value;
		u->minimum_size = (uint8_t)(size > 0 ? size : 1);
		add_usages(p, value, value, size);
	} else if (item == LOCAL_MAXIMUM) {
		add_usages(p, u->minimum_size > 0 ? u->minimum : 0, value,
		    size > u->minimum_size ? size : u->minimum_size);
		u->minimum_size = 0;
	}
}

static void
open_collection(struct parser *p, uint32_t type)
{
	const struct usages *u = &p->usages;

	p->depth++;
	if ((type & 0xff) != COLLECTION_APPLICATION) {
		return;
	}
	p->has_application = 1;
	p->found |= u->has_any ? u->bits : RULE_HID_OTHER;
	if (!u->has_short) {
		return;
	}
	if (p->page == PAGE_DESKTOP) {
		p->found |= u->desktop;
	} else if (p->page == PAGE_FIDO) {
		p->found |= u->fido;
	} else {
		p->found |= RULE_HID_OTHER;
	}
}

static int
take_main(struct parser *p, unsigned item, uint32_t value)
{
	const struct usages *u = &p->usages;

	if (item == MAIN_COLLECTION) {
		if (p->depth == COLLECTIONS_MAX) {
			return -1;
		}
		open_collection(p, value);
	} else if (item == MAIN_END) {
		if (p->depth == 0) {
			return -1;
		}
		p->depth--;
	} else if (item == MAIN_INPUT &&
	    (u->has_keys || (u->has_short && p->page == PAGE_KEYBOARD))) {
		p->found |= RULE_HID_KEYBOARD;
	}
	p->usages = (struct usages){0};
	return 0;
}

static int
take_global(struct parser *p, unsigned item, uint32_t value)
{
	if (item == GLOBAL_PAGE) {
		p->page = value & 0xffff;
	} else if (item == GLOBAL_PUSH) {
		if (p->npages == GLOBALS_MAX) {
			return -1;
		}
		p->pages[p->npages++] = p->page;
	} else if (item == GLOBAL_POP) {
		if (p->npages == 0) {
			return -1;
		}
		p->page = p->pages[--p->npages];
	}
	return 0;
}

static int
take(struct parser *p, unsigned prefix, uint32_t value, unsigned size)
{
	unsigned item = prefix & 0xfc;

	switch (prefix >> 2 & 3) {
	case 0:
		return take_main(p, item, value);
	case 1:
		return take_global(p, item, value);
	case 2:
		take_local(p, item, value, size);
		return 0;
	}
	return -1; /* reserved */
}

uint8_t
rule_hid_usages(const void *report, size_t len)
{
	static const unsigned sizes[] = {0, 1, 2, 4};
	const uint8_t *bytes = report;
	struct parser p = {0};
	size_t at = 0;

	while (at < len) {
		unsigned prefix = bytes[at++], size = sizes[prefix & 3];
		uint32_t value = 0;

		if (prefix == ITEM_LONG || size > len - at) {
			return 0;
		}
		for (unsigned i = 0; i < size; i++) {
			value |= (uint32_t)bytes[at + i] << 8 * i;
		}
		at += size;
		if (take(&p, prefix, value, size) != 0) {
			return 0;
		}
	}
	return p.depth == 0 && p.has_application ? p.found : 0;
}
