/*
 * A refusal in words: rule, place and the bytes there. Runs in the probe and in
 * the warden. The bytes are descriptors, never the content of a transfer.
 */
#include <stdio.h>

#include "policy/vet/vet.h"

#define BYTES 16u

/* The bytes that a refusal is about, borrowed; NULL when of none. */
static const uint8_t *
bytes_of(const struct devrec *rec, const struct desc_why *why, size_t *len)
{
	*len = 0;
	switch (why->part) {
	case DESC_PART_NONE:
		return NULL;
	case DESC_PART_DEVICE:
		*len = sizeof(rec->device);
		return rec->device;
	case DESC_PART_CONFIG:
		return devrec_config(rec, why->item, len);
	case DESC_PART_BOS:
		*len =
		    rec->bos_length <= sizeof(rec->bos) ? rec->bos_length : 0;
		return rec->bos;
	case DESC_PART_STRING:
		if (why->item < rec->nstrings && why->item < DEVREC_STRINGS) {
			const struct devrec_string *s =
			    &rec->strings[why->item];

			return devrec_string(rec, s->index, s->langid, len);
		}
		return NULL;
	case DESC_PART_REPORT:
		if (why->item < rec->nreports && why->item < DEVREC_REPORTS) {
			const struct devrec_report *r =
			    &rec->reports[why->item];

			return devrec_report(rec, r->config, r->interface, len);
		}
		return NULL;
	}
	return NULL;
}

static const char *
name_of(enum desc_part part)
{
	switch (part) {
	case DESC_PART_NONE:
		break;
	case DESC_PART_DEVICE:
		return "the device descriptor";
	case DESC_PART_CONFIG:
		return "configuration";
	case DESC_PART_BOS:
		return "the BOS";
	case DESC_PART_STRING:
		return "string";
	case DESC_PART_REPORT:
		return "report descriptor";
	}
	return "";
}

void
vet_say(char *dst, size_t size, const struct devrec *rec,
    const struct desc_why *why)
{
	char place[64] = "", hex[BYTES * 3 + 2] = "";
	const uint8_t *p;
	size_t len, used = 0;

	p = bytes_of(rec, why, &len);
	if (p != NULL && why->offset < len) {
		used = (size_t)snprintf(hex, sizeof(hex), ":");
		for (size_t i = why->offset; i < len && i < why->offset + BYTES;
		     i++) {
			used += (size_t)snprintf(
			    hex + used, sizeof(hex) - used, " %02x", p[i]);
		}
	}
	switch (why->part) {
	case DESC_PART_NONE:
		break;
	case DESC_PART_DEVICE:
	case DESC_PART_BOS:
		snprintf(place, sizeof(place), " of %s", name_of(why->part));
		break;
	case DESC_PART_CONFIG:
	case DESC_PART_STRING:
	case DESC_PART_REPORT:
		snprintf(place, sizeof(place), " of %s %u", name_of(why->part),
		    why->item);
		break;
	}
	snprintf(dst, size, "%s, at offset %zu%s%s",
	    why->text != NULL ? why->text : "unsound", why->offset, place, hex);
}
