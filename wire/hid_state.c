/* See hid_state.h. */
#include "wire/hid_state.h"

#include "wire/desc_why.h"

static int
no(struct desc_why *why, const struct hid_item *item, const char *rule,
    const char *text)
{
	return desc_refuse(why, ERR_POLICY, rule, text, item->at);
}

int
hid_state_global(
    struct hid_state *s, const struct hid_item *item, struct desc_why *why)
{
	uint32_t value = item->value;

	switch (item->tag) {
	case HID_GLOBAL_PAGE:
		s->now.page = value & 0xffff;
		break;
	case HID_GLOBAL_LOGICAL_MIN:
		s->now.low = hid_item_signed(item);
		break;
	case HID_GLOBAL_LOGICAL_MAX:
		/* 25 ff after 15 00 is 255: so many keyboards say it */
		s->now.high =
		    s->now.low < 0 ? hid_item_signed(item) : (int32_t)value;
		break;
	case HID_GLOBAL_SIZE:
		if (value > HID_SIZE_MAX) {
			return no(
			    why, item, "R7.size", "HID value above 256 bits");
		}
		s->now.size = value;
		break;
	case HID_GLOBAL_COUNT:
		if (value > HID_COUNT_MAX) {
			return no(why, item, "R7.count",
			    "HID field of more than 12288 values");
		}
		s->now.count = value;
		break;
	case HID_GLOBAL_ID:
		if (value == 0 || value > 255) {
			return no(
			    why, item, "R7.id", "report id is not 1 to 255");
		}
		s->now.id = value;
		break;
	case HID_GLOBAL_PUSH:
		if (s->npushed == HID_STACK_MAX) {
			return no(why, item, "R7.stack", "more than 16 pushes");
		}
		s->stack[s->npushed++] = s->now;
		break;
	case HID_GLOBAL_POP:
		if (s->npushed == 0) {
			return no(why, item, "R7.stack", "pop without a push");
		}
		s->now = s->stack[--s->npushed];
		break;
	}
	return 0;
}

int
hid_state_main(
    struct hid_state *s, const struct hid_item *item, struct desc_why *why)
{
	if (item->tag == HID_MAIN_COLLECTION) {
		if (s->depth == HID_DEPTH_MAX) {
			return no(why, item, "R7.collection",
			    "collections more than 64 deep");
		}
		s->depth++;
	} else if (item->tag == HID_MAIN_END) {
		if (s->depth == 0) {
			return no(why, item, "R7.collection",
			    "end of a collection that is not open");
		}
		s->depth--;
	}
	return 0;
}

int
hid_state_end(const struct hid_state *s, const struct hid_item *item, int r,
    struct desc_why *why)
{
	if (r < 0) {
		return no(why, item, "R7.item", "HID item runs past the end");
	}
	if (s->depth != 0) {
		return no(
		    why, item, "R7.collection", "a collection is not closed");
	}
	return 0;
}
