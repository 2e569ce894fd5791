/*
 * HID report descriptors, compiled to what it takes to read reports: which
 * there are, how long each is, and where its keys and other usages lie. Pure.
 * It knows no transfer and no rule.
 *
 * A descriptor is read as Linux reads it (drivers/hid/hid-core.c), since that
 * is who will take the reports: a field that we overlook is a key that no rule
 * sees.
 */
#ifndef POLICY_DECODE_HID_REPORT_H
#define POLICY_DECODE_HID_REPORT_H

#include <stddef.h>
#include <stdint.h>

#include "policy/facts/facts.h"
#include "wire/desc.h"

#define HID_SHAPES 255u	 /* reports, of all kinds */
#define HID_FIELDS 512u	 /* of all of them, padding left out */
#define HID_RUNS 1024u	 /* usages that stand for themselves, or ranges */
#define HID_KEY_SLOTS 16u /* input reports that have keys */
#define HID_USAGES 512u	 /* of one report, that are not 0 */
#define HID_NO_SLOT 0xffu

/* wValue's high byte of GET_REPORT (HID 1.11 7.2.1), less one. */
enum hid_kind { HID_INPUT, HID_OUTPUT, HID_FEATURE, HID_KINDS };

/* Usages one behind the other: first, first + 1 .. */
struct hid_run {
	uint32_t first; /* page << 16 | usage */
	uint32_t at;	/* number of the first within its field */
};

struct hid_field {
	uint32_t bit;	/* from the report's first, its id left out */
	uint16_t size;	/* bits of one value, 1..256 */
	uint16_t count; /* values */
	uint16_t run, nruns;
	uint16_t next;	  /* of the same report: index + 1, or 0 */
	uint8_t is_array; /* values are numbers of usages */
	uint8_t has_keys;
	int32_t low, high;
	uint32_t nusages; /* of its runs */
};

/* One report. */
struct hid_shape {
	uint8_t kind; /* enum hid_kind */
	uint8_t id;   /* 0 = none */
	uint8_t slot; /* of an input report with keys, else HID_NO_SLOT */
	uint8_t is_pure; /* keys and padding, nothing else */
	uint16_t len;	/* bytes, without the id */
	uint16_t first, last; /* field: index + 1, or 0 */
	uint32_t bits;
};

struct hid_report {
	uint8_t index[HID_KINDS][256]; /* by id: shape + 1, 0 = none */
	uint8_t is_numbered[HID_KINDS]; /* reports begin with their id */
	uint16_t longest[HID_KINDS];	/* bytes, the id included */
	uint8_t nslots;
	uint16_t nshapes, nfields, nruns;
	struct hid_shape shapes[HID_SHAPES];
	struct hid_field fields[HID_FIELDS];
	struct hid_run runs[HID_RUNS];
};

/* What one report says. */
struct hid_values {
	uint64_t keys[KEY_WORDS]; /* that are down */
	uint8_t is_rollover; /* too many keys are down: those of arrays are not
				known, and stay what they were */
	uint8_t is_full;     /* more usages than there is room for */
	uint32_t nusages;
	uint32_t usages[HID_USAGES]; /* none twice in a row */
};

/* 0, or ERR_POLICY with why (may be NULL): rule "R7.item" .., the offset in
 * bytes. */
int hid_report_compile(struct hid_report *out, const uint8_t *bytes, size_t len,
    struct desc_why *why);

/* Whether a top-level application of that usage (page << 16 | id) is there:
 * 0 or 1; 0 also for what cannot be read. */
int hid_report_has_application(
    const uint8_t *bytes, size_t len, uint32_t usage);

/* The report of that kind and id; NULL = not declared. */
static inline const struct hid_shape *
hid_report_shape(const struct hid_report *r, enum hid_kind kind, uint8_t id)
{
	unsigned n = r->index[kind][id];

	return n != 0 ? &r->shapes[n - 1] : NULL;
}

/* Its content, without the id; bytes that are missing count as 0, as Linux
 * takes them. */
void hid_report_read(struct hid_values *out, const struct hid_report *r,
    const struct hid_shape *shape, const uint8_t *data, size_t len);

/* The key that a usage is, HID_NO_KEY for one that is none. */
#define HID_NO_KEY KEY_CODES
static inline unsigned
hid_key_of(uint32_t usage)
{
	if (usage >> 16 == 0x07) {
		/* below 4: none, and errors (HUT 10) */
		return usage >= 0x70004 && usage <= 0x700ff ? usage & 0xff :
							      HID_NO_KEY;
	}
	return usage >= 0x10080 && usage <= 0x100bf ? 0x100 + (usage - 0x10080) :
						      HID_NO_KEY;
}

#endif
