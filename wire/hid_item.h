/*
 * Items of a HID report descriptor (HID 1.11 6.2.2), one after the other. What
 * they mean together is the matter of those who read them.
 */
#ifndef WIRE_HID_ITEM_H
#define WIRE_HID_ITEM_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* bTag and bType of a short item: its prefix without the size. */
enum hid_item_tag {
	HID_MAIN_INPUT = 0x80,
	HID_MAIN_OUTPUT = 0x90,
	HID_MAIN_COLLECTION = 0xa0,
	HID_MAIN_FEATURE = 0xb0,
	HID_MAIN_END = 0xc0,
	HID_GLOBAL_PAGE = 0x04,
	HID_GLOBAL_LOGICAL_MIN = 0x14,
	HID_GLOBAL_LOGICAL_MAX = 0x24,
	HID_GLOBAL_SIZE = 0x74,
	HID_GLOBAL_ID = 0x84,
	HID_GLOBAL_COUNT = 0x94,
	HID_GLOBAL_PUSH = 0xa4,
	HID_GLOBAL_POP = 0xb4,
	HID_LOCAL_USAGE = 0x08,
	HID_LOCAL_MINIMUM = 0x18,
	HID_LOCAL_MAXIMUM = 0x28,
	HID_LOCAL_DELIMITER = 0xa8,
};
#define HID_ITEM_LONG 0xfeu
#define HID_COLLECTION_APPLICATION 0x01u

struct hid_item {
	unsigned tag;	/* HID_ITEM_LONG: has no meaning for anybody */
	unsigned size;	/* of the value: 0, 1, 2 or 4 */
	uint32_t value; /* without a sign */
	size_t at;	/* of its prefix */
};

/* The item at *at, which moves behind it: 1, or 0 at the end; ERR_FORMAT when
 * it runs past the end. out->at is set in any case. */
static inline int
hid_item_next(
    struct hid_item *out, const uint8_t *bytes, size_t len, size_t *at)
{
	static const uint8_t sizes[] = {0, 1, 2, 4};
	size_t size;
	unsigned prefix;

	out->at = *at;
	if (*at >= len) {
		return 0;
	}
	prefix = bytes[(*at)++];
	out->tag = prefix & 0xfc;
	out->value = 0;
	size = sizes[prefix & 3];
	if (prefix == HID_ITEM_LONG) {
		/* bDataSize, bLongItemTag, data */
		out->tag = HID_ITEM_LONG;
		size = *at < len ? bytes[*at] + 2u : 2u;
	}
	if (size > len - *at) {
		return ERR_FORMAT;
	}
	for (size_t i = 0; i < size && i < 4; i++) {
		out->value |= (uint32_t)bytes[*at + i] << 8 * i;
	}
	out->size = (unsigned)size;
	*at += size;
	return 1;
}

/* Its value with the sign of its size. */
static inline int32_t
hid_item_signed(const struct hid_item *item)
{
	switch (item->size) {
	case 1:
		return (int8_t)item->value;
	case 2:
		return (int16_t)item->value;
	}
	return (int32_t)item->value;
}

#endif
