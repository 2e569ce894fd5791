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
#include "wire/hid_state.h"

#define PAGE_FIDO 0xf1d0u

/* Usages that the present main item is about. */
struct usages {
	uint8_t bits;     /* each with the page of its own time */
	uint8_t has_keys; /* one of them is of the keyboard page */
	uint8_t has_any;
	uint8_t desktop;   /* those without a page, if it were 01 */
	uint8_t fido;      /* ... and if it were f1d0 */
	uint8_t has_short; /* some have no page of their own */
	uint32_t minimum;
	uint8_t minimum_size; /* bytes; 0 = none stands */
};

struct parser {
	struct hid_state state;
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
	if (page == HID_PAGE_DESKTOP) {
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
	uint32_t page = size == 4 ? last >> 16 : p->state.now.page;

	first &= 0xffff;
	last &= 0xffff;
	u->has_any = 1;
	u->bits |= bits_of(page, first, last);
	u->has_keys |= page == HID_PAGE_KEYBOARD;
	if (size != 4) {
		u->has_short = 1;
		u->desktop |= desktop_bits(first, last);
		u->fido |= fido_bits(first, last);
	}
}

static void
take_local(struct parser *p, const struct hid_item *item)
{
	struct usages *u = &p->usages;
	uint32_t value = item->value;
	unsigned size = item->size;

	if (item->tag == HID_LOCAL_USAGE) {
		add_usages(p, value, value, size);
	} else if (item->tag == HID_LOCAL_MINIMUM) {
		u->minimum = value;
		u->minimum_size = (uint8_t)(size > 0 ? size : 1);
		add_usages(p, value, value, size);
	} else if (item->tag == HID_LOCAL_MAXIMUM) {
		add_usages(p, u->minimum_size > 0 ? u->minimum : 0, value,
		    size > u->minimum_size ? size : u->minimum_size);
		u->minimum_size = 0;
	}
}

static void
open_collection(struct parser *p, uint32_t type)
{
	const struct usages *u = &p->usages;

	if ((type & 0xff) != HID_COLLECTION_APPLICATION) {
		return;
	}
	p->has_application = 1;
	p->found |= u->has_any ? u->bits : RULE_HID_OTHER;
	if (!u->has_short) {
		return;
	}
	if (p->state.now.page == HID_PAGE_DESKTOP) {
		p->found |= u->desktop;
	} else if (p->state.now.page == PAGE_FIDO) {
		p->found |= u->fido;
	} else {
		p->found |= RULE_HID_OTHER;
	}
}

static int
take_main(struct parser *p, const struct hid_item *item)
{
	const struct usages *u = &p->usages;
	int r = hid_state_main(&p->state, item, NULL);

	if (item->tag == HID_MAIN_COLLECTION) {
		open_collection(p, item->value);
	} else if (item->tag == HID_MAIN_INPUT &&
		   (u->has_keys || (u->has_short && p->state.now.page ==
							HID_PAGE_KEYBOARD))) {
		p->found |= RULE_HID_KEYBOARD;
	}
	p->usages = (struct usages){0};
	return r;
}

static int
take(struct parser *p, const struct hid_item *item)
{
	if (item->tag == HID_ITEM_LONG) {
		return ERR_FORMAT;
	}
	switch (item->tag >> 2 & 3) {
	case 0:
		return take_main(p, item);
	case 1:
		return hid_state_global(&p->state, item, NULL);
	case 2:
		take_local(p, item);
		return 0;
	}
	return ERR_FORMAT; /* reserved */
}

uint8_t
rule_hid_usages(const void *report, size_t len)
{
	struct parser p = {0};
	struct hid_item item;
	size_t at = 0;
	int r;

	while ((r = hid_item_next(&item, report, len, &at)) > 0) {
		if (take(&p, &item) != 0) {
			return 0;
		}
	}
	r = hid_state_end(&p.state, &item, r, NULL);
	return r == 0 && p.has_application ? p.found : 0;
}
