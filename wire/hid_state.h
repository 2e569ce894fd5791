/*
 * What the items of a HID report descriptor leave standing for those after them
 * (HID 1.11 6.2.2.4, 6.2.2.7): global items, their stack, open collections. One
 * set of limits for all who read such descriptors: each is Linux's, or one that
 * no real device comes near.
 */
#ifndef WIRE_HID_STATE_H
#define WIRE_HID_STATE_H

#include <stdint.h>

#include "wire/hid_item.h"

struct desc_why;

#define HID_STACK_MAX 16u             /* pushes */
#define HID_DEPTH_MAX 64u             /* collections in each other */
#define HID_SIZE_MAX 256u             /* bits of one value */
#define HID_COUNT_MAX 12288u          /* values of one field */
#define HID_REPORT_BITS (16384u * 8u) /* of one report */
#define HID_PAGE_DESKTOP 0x01u
#define HID_PAGE_KEYBOARD 0x07u
#define HID_KEY_MAX 0x2ffu /* a usage; kernels have no key above */

struct hid_globals {
	uint32_t page, size, count;
	uint32_t id; /* 0: no report id was said */
	int32_t low, high;
};

/* All zero at the start. */
struct hid_state {
	struct hid_globals now, stack[HID_STACK_MAX];
	unsigned npushed, depth;
};

/* Takes a global item. ERR_POLICY with R7.size, R7.count, R7.id or R7.stack. */
int hid_state_global(
    struct hid_state *s, const struct hid_item *item, struct desc_why *why);
/* Takes a main item: collections open and end, others change nothing.
 * ERR_POLICY with R7.collection. */
int hid_state_main(
    struct hid_state *s, const struct hid_item *item, struct desc_why *why);
/* After the last item, or where the next one runs past the end (r: what
 * hid_item_next said). ERR_POLICY with R7.item or R7.collection. */
int hid_state_end(const struct hid_state *s, const struct hid_item *item, int r,
    struct desc_why *why);

#endif
