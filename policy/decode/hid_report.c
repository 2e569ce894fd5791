/*
 * A report descriptor (HID 1.11 6.2.2) becomes a table of reports, fields and
 * usages, in one pass over its items. Runs in sallyport-session.
 *
 * What Linux refuses is refused, and what has no single meaning; each limit is
 * Linux's or one that no real device comes near. Usages of fewer than four
 * bytes take the page that stands when the main item comes, as in Linux; of
 * alternatives between delimiters the first counts.
 */
#include "policy/decode/hid_report.h"

#include <string.h>

#include "base/err.h"
#include "wire/desc_why.h"
#include "wire/hid_state.h"

#define ARRAY_BITS 32u

#define FLAG_CONSTANT 0x01u
#define FLAG_VARIABLE 0x02u

/* A usage, or a range of them, that the next main item is about. */
struct local {
	uint32_t first, count;
	uint8_t is_short; /* its page is still to come */
};

struct pass {
	struct hid_report *out; /* borrowed */
	struct desc_why *why;   /* borrowed */
	struct hid_state state;
	uint32_t minimum;
	unsigned branch; /* of delimiters */
	uint8_t is_delimited;
	uint16_t nlocals; /* behind the runs that are in use, where they stay
			     if a field takes them */
	uint8_t is_short[HID_RUNS];
	uint32_t counts[HID_RUNS];
	size_t at;
};

static int
no(const struct pass *p, const char *rule, const char *text)
{
	return desc_refuse(p->why, ERR_POLICY, rule, text, p->at);
}

/* ------------------------------------------------------------------------ */
/* Main items                                                               */

/* The usages that stand, with the page that stands now: Linux changes those
 * before the last that has it already (hid_concatenate_last_usage_page). */
static void
give_page(struct pass *p)
{
	struct hid_run *runs = p->out->runs + p->out->nruns;

	for (unsigned i = p->nlocals; i-- > 0;) {
		if (!p->is_short[i]) {
			continue;
		}
		if (runs[i].first >> 16 == p->state.now.page) {
			return;
		}
		runs[i].first =
		    p->state.now.page << 16 | (runs[i].first & 0xffff);
	}
}

static int
shape_of(struct pass *p, enum hid_kind kind, struct hid_shape **shape)
{
	struct hid_report *out = p->out;
	uint8_t *index = &out->index[kind][p->state.now.id];

	if (*index == 0) {
		if (out->nshapes == HID_SHAPES) {
			return no(p, "R7.count", "more than 255 HID reports");
		}
		out->shapes[out->nshapes] = (struct hid_shape){
		    .kind = (uint8_t)kind,
		    .id = (uint8_t)p->state.now.id,
		    .slot = HID_NO_SLOT,
		    .is_pure = 1,
		};
		*index = (uint8_t)++out->nshapes;
		out->is_numbered[kind] |= p->state.now.id != 0;
	}
	if (out->is_numbered[kind] && out->index[kind][0] != 0) {
		return no(p, "R7.id",
		    "a report without an id beside those that have one");
	}
	*shape = &out->shapes[*index - 1];
	return 0;
}

/* Whether keys are among them; *is_pure: and nothing else. */
static int
are_keys(const struct hid_run *run, uint32_t count, int *is_pure)
{
	uint32_t first = run->first, last = run->first + count - 1;

	*is_pure = (first >= 0x70000 && last <= 0x7ffff) ||
		   (first >= 0x10080 && last <= 0x100bf);
	return (first <= 0x700ff && last >= 0x70004) ||
	       (first <= 0x100bf && last >= 0x10080);
}

static void
take_usages(struct pass *p, struct hid_field *field, struct hid_shape *shape)
{
	struct hid_run *runs = p->out->runs + p->out->nruns;
	uint32_t at = 0;
	int is_pure;

	field->run = p->out->nruns;
	field->nruns = p->nlocals;
	for (unsigned i = 0; i < p->nlocals; i++) {
		runs[i].at = at;
		at += p->counts[i];
		field->has_keys |=
		    (uint8_t)are_keys(&runs[i], p->counts[i], &is_pure);
		shape->is_pure &= (uint8_t)is_pure;
	}
	field->nusages = at;
	p->out->nruns = (uint16_t)(p->out->nruns + p->nlocals);
}

static int
add_field(struct pass *p, struct hid_shape *shape, uint32_t flags)
{
	struct hid_report *out = p->out;
	struct hid_field *field;
	int is_array = (flags & FLAG_VARIABLE) == 0;

	if (p->state.now.size == 0) {
		return no(p, "R7.size", "HID values without bits");
	}
	if (is_array && p->state.now.size > ARRAY_BITS) {
		return no(p, "R7.size", "number of a usage above 32 bits");
	}
	if (out->nfields == HID_FIELDS) {
		return no(p, "R7.count", "more than 512 HID fields");
	}
	field = &out->fields[out->nfields++];
	*field = (struct hid_field){
	    .bit = shape->bits,
	    .size = (uint16_t)p->state.now.size,
	    .count = (uint16_t)p->state.now.count,
	    .is_array = (uint8_t)is_array,
	    .low = p->state.now.low,
	    .high = p->state.now.high,
	};
	take_usages(p, field, shape);
	if (shape->last != 0) {
		out->fields[shape->last - 1].next = out->nfields;
	} else {
		shape->first = out->nfields;
	}
	shape->last = out->nfields;
	if (shape->kind == HID_INPUT && field->has_keys &&
	    shape->slot == HID_NO_SLOT) {
		if (out->nslots == HID_KEY_SLOTS) {
			return no(p, "R7.count",
			    "more than 16 reports that have keys");
		}
		shape->slot = out->nslots++;
	}
	return 0;
}

static int
on_field(struct pass *p, enum hid_kind kind, uint32_t flags)
{
	struct hid_shape *shape = NULL;
	int r = shape_of(p, kind, &shape);

	if (r != 0) {
		return r;
	}
	/* as unsigned, when the lower end is not negative */
	if (p->state.now.low < 0
		? p->state.now.high < p->state.now.low
		: (uint32_t)p->state.now.high < (uint32_t)p->state.now.low) {
		return no(p, "R7.logical", "range that ends before it begins");
	}
	/* padding is what has no usage, too */
	if ((flags & FLAG_CONSTANT) == 0 && p->nlocals > 0 &&
	    p->state.now.count > 0) {
		give_page(p);
		r = add_field(p, shape, flags);
		if (r != 0) {
			return r;
		}
	}
	/* neither factor is above 16 bits here */
	shape->bits += p->state.now.size * p->state.now.count;
	if (shape->bits > HID_REPORT_BITS) {
		return no(p, "R7.size", "HID report above 16384 bytes");
	}
	shape->len = (uint16_t)((shape->bits + 7) / 8);
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
		r = on_field(p, HID_INPUT, item->value);
		break;
	case HID_MAIN_OUTPUT:
		r = on_field(p, HID_OUTPUT, item->value);
		break;
	case HID_MAIN_FEATURE:
		r = on_field(p, HID_FEATURE, item->value);
		break;
	}
	if (p->is_delimited) {
		return no(p, "R7.usage", "set of usages that is not closed");
	}
	p->nlocals = 0;
	p->minimum = 0;
	p->branch = 0;
	return r;
}

/* ------------------------------------------------------------------------ */
/* Local items                                                              */

static int
add_usages(struct pass *p, uint32_t first, uint32_t last, unsigned size)
{
	unsigned i = p->nlocals;
	int is_short = size <= 2;
	uint32_t page = is_short ? p->state.now.page : last >> 16;

	if (last < first) {
		return no(p, "R7.usage", "usages that end before they begin");
	}
	if (page == HID_PAGE_KEYBOARD && (last & 0xffff) > HID_KEY_MAX) {
		return no(p, "R7.usage", "a key that no keyboard has");
	}
	if (last - first > 0xffff) {
		return no(p, "R7.usage", "more usages than a page has");
	}
	if (p->out->nruns + i >= HID_RUNS) {
		return no(p, "R7.count", "more than 1024 HID usages");
	}
	p->out->runs[p->out->nruns + i].first =
	    is_short ? page << 16 | first : first;
	p->counts[i] = last - first + 1;
	p->is_short[i] = (uint8_t)is_short;
	p->nlocals++;
	return 0;
}

static int
on_local(struct pass *p, const struct hid_item *item)
{
	if (item->tag == HID_LOCAL_DELIMITER) {
		if ((item->value != 0) == p->is_delimited) {
			return no(p, "R7.usage",
			    "set of usages within or without another");
		}
		p->is_delimited = item->value != 0;
		p->branch += p->is_delimited;
		return 0;
	}
	if (p->branch > 1) {
		return 0;
	}
	switch (item->tag) {
	case HID_LOCAL_USAGE:
		return add_usages(p, item->value, item->value, item->size);
	case HID_LOCAL_MINIMUM:
		p->minimum = item->value;
		break;
	case HID_LOCAL_MAXIMUM:
		return add_usages(p, p->minimum, item->value, item->size);
	}
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
finish(struct pass *p)
{
	struct hid_report *out = p->out;

	for (unsigned i = 0; i < out->nshapes; i++) {
		struct hid_shape *s = &out->shapes[i];
		unsigned len = s->len + (s->id != 0 ? 1u : 0u);

		if (s->bits == 0) {
			return no(p, "R7.size", "HID report of no bits");
		}
		s->is_pure &= s->first != 0;
		if (len > out->longest[s->kind]) {
			out->longest[s->kind] = (uint16_t)len;
		}
	}
	return 0;
}

int
hid_report_compile(struct hid_report *out, const uint8_t *bytes, size_t len,
    struct desc_why *why)
{
	struct pass p;
	struct hid_item item;
	size_t at = 0;
	int r;

	memset(out, 0, sizeof(*out));
	memset(&p, 0, sizeof(p));
	p.out = out;
	p.why = why;
	while ((r = hid_item_next(&item, bytes, len, &at)) > 0) {
		p.at = item.at;
		r = on_item(&p, &item);
		if (r != 0) {
			return r;
		}
	}
	p.at = item.at;
	r = hid_state_end(&p.state, &item, r, why);
	return r == 0 ? finish(&p) : r;
}

int
hid_report_has_application(const uint8_t *bytes, size_t len, uint32_t usage)
{
	uint32_t page = 0, last = 0, depth = 0;
	struct hid_item item;
	size_t at = 0;
	unsigned size = 0;

	while (hid_item_next(&item, bytes, len, &at) > 0) {
		switch (item.tag) {
		case HID_GLOBAL_PAGE:
			page = item.value & 0xffff;
			continue;
		case HID_LOCAL_USAGE:
			last = item.value;
			size = item.size;
			continue;
		case HID_MAIN_COLLECTION:
			last = size <= 2 ? page << 16 | (last & 0xffff) : last;
			if (depth++ == 0 && last == usage &&
			    (item.value & 0xff) == HID_COLLECTION_APPLICATION) {
				return 1;
			}
			break;
		case HID_MAIN_END:
			depth -= depth > 0;
			break;
		}
		if ((item.tag >> 2 & 3) == 0) {
			last = 0;
			size = 0;
		}
	}
	return 0;
}
