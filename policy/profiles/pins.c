/*
 * Pins of a profile against the report descriptor of an interface: which
 * descriptor it has to be, or which usages its fields may have. Runs in the
 * warden, when a device is given away; the descriptor was vetted.
 *
 * The page of a usage that does not say its own is that of the main item behind
 * it, to some readers, and that which stood before it to others; where the two
 * differ, both have to be inside.
 */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "policy/profiles/ast.h"

#define PUSH_MAX 16u
#define LOCALS_MAX 256u /* ranges before one main item; more are refused */

enum {
	ITEM_LONG = 0xfe,
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

/* Usages min .. max of a page; is_short: of the main item's page, too. */
struct usages {
	uint32_t min, max; /* 16 bits */
	uint16_t page;
	uint8_t is_short;
};

struct walk {
	const struct pin *pins;
	uint16_t page, pages[PUSH_MAX];
	unsigned npages, n;
	struct usages at[LOCALS_MAX];
	uint32_t min;
	uint16_t min_page;
	uint32_t outside; /* the first usage that no pin names */
};

/* Whether the values cover low .. high, in however many ranges. */
static int
covers(const struct pin *pins, uint64_t low, uint64_t high)
{
	while (low <= high) {
		uint64_t next = low;

		for (const struct pin *p = pins; p != NULL; p = p->next) {
			for (const struct value *v = p->values;
			     p->is_usage && v != NULL; v = v->next) {
				if (v->low <= next && v->high >= next) {
					next = v->high + 1;
				}
			}
		}
		if (next == low) {
			return 0;
		}
		low = next;
	}
	return 1;
}

static int
is_inside(struct walk *w, const struct usages *u, uint16_t page)
{
	uint64_t base = (uint64_t)page << 16;

	if (covers(w->pins, base | u->min, base | u->max)) {
		return 1;
	}
	w->outside = (uint32_t)(base | u->min);
	return 0;
}

static int
on_field(struct walk *w)
{
	for (unsigned i = 0; i < w->n; i++) {
		if (!is_inside(w, &w->at[i], w->at[i].page) ||
		    (w->at[i].is_short && !is_inside(w, &w->at[i], w->page))) {
			return ERR_POLICY;
		}
	}
	return 0;
}

static int
on_local(struct walk *w, unsigned item, uint32_t value, unsigned size)
{
	uint16_t page = size == 4 ? (uint16_t)(value >> 16) : w->page;
	struct usages u = {
		.min = value & 0xffff,
		.max = value & 0xffff,
		.page = page,
		.is_short = size != 4,
	};

	if (item == LOCAL_MINIMUM) {
		w->min = value & 0xffff;
		w->min_page = page;
		return 0;
	}
	if (item == LOCAL_MAXIMUM) {
		u.min = w->min;
		if (u.min > u.max || w->min_page != page) {
			return ERR_FORMAT;
		}
	}
	if (w->n == LOCALS_MAX) {
		return ERR_LIMIT;
	}
	w->at[w->n++] = u;
	return 0;
}

static int
on_item(struct walk *w, unsigned item, uint32_t value, unsigned size)
{
	int r = 0;

	switch (item) {
	case MAIN_INPUT:
	case MAIN_OUTPUT:
	case MAIN_FEATURE:
		r = on_field(w);
		w->n = 0;
		break;
	case MAIN_COLLECTION:
	case MAIN_END:
		w->n = 0;
		break;
	case GLOBAL_PAGE:
		w->page = (uint16_t)value;
		break;
	case GLOBAL_PUSH:
		r = w->npages == PUSH_MAX ? ERR_LIMIT : 0;
		if (r == 0) {
			w->pages[w->npages++] = w->page;
		}
		break;
	case GLOBAL_POP:
		r = w->npages == 0 ? ERR_FORMAT : 0;
		if (r == 0) {
			w->page = w->pages[--w->npages];
		}
		break;
	case LOCAL_USAGE:
	case LOCAL_MINIMUM:
	case LOCAL_MAXIMUM:
		r = on_local(w, item, value, size);
		break;
	}
	return r;
}

static int
walk(struct walk *w, const uint8_t *report, size_t len)
{
	static const unsigned sizes[] = {0, 1, 2, 4};
	size_t at = 0;
	int r = 0;

	while (at < len && r == 0) {
		unsigned prefix = report[at++], size = sizes[prefix & 3];
		uint32_t value = 0;

		if (prefix == ITEM_LONG) {
			return ERR_FORMAT; /* nobody's usages are in there */
		}
		if (size > len - at) {
			return ERR_FORMAT;
		}
		for (unsigned i = 0; i < size; i++) {
			value |= (uint32_t)report[at + i] << 8 * i;
		}
		at += size;
		r = on_item(w, prefix & 0xfc, value, size);
	}
	return r;
}

static int
is_pinned(const struct pin *pins, const uint8_t digest[32])
{
	for (const struct pin *p = pins; p != NULL; p = p->next) {
		for (const struct value *v = p->values;
		     !p->is_usage && v != NULL; v = v->next) {
			if (v->len == 32 && memcmp(v->bytes, digest, 32) == 0) {
				return 1;
			}
		}
	}
	return 0;
}

static int
has_pins(const struct pin *pins, int is_usage)
{
	for (const struct pin *p = pins; p != NULL; p = p->next) {
		if (p->is_usage == is_usage) {
			return 1;
		}
	}
	return 0;
}

static int
check(const struct profile *p, const uint8_t *digest, const uint8_t *report,
    size_t len, char *why, size_t size)
{
	struct walk w = {.pins = p->pins};
	int r = 0;

	if (p->pins != NULL && report == NULL) {
		(void)snprintf(why, size,
		    "profile %s pins a report descriptor, and the interface "
		    "has none", p->name);
		return ERR_POLICY;
	}
	if (has_pins(p->pins, 0) && !is_pinned(p->pins, digest)) {
		(void)snprintf(why, size,
		    "its report descriptor is not the one that profile %s "
		    "pins", p->name);
		return ERR_POLICY;
	}
	if (has_pins(p->pins, 1)) {
		r = walk(&w, report, len);
	}
	if (r == ERR_POLICY) {
		(void)snprintf(why, size,
		    "usage 0x%08x is none of those that profile %s pins",
		    w.outside, p->name);
	} else if (r != 0) {
		(void)snprintf(why, size,
		    "its report descriptor is beyond what profile %s can pin",
		    p->name);
	}
	return r;
}

int
profile_pins(const struct profile_set *set, size_t i, const uint8_t digest[32],
    const uint8_t *report, size_t len, char *why, size_t size)
{
	const struct profile *p = profile_set_tree(set, i);
	int r = 0;

	for (; p != NULL && r == 0; p = p->parent) {
		r = check(p, digest, report, len, why, size);
	}
	return r;
}
