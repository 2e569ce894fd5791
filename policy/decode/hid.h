/*
 * What the files of the HID decoder share; nobody else includes it. hid.c has
 * the way of a report, hid_piece.c what a report says, hid_arm.c how a keyboard
 * is armed, hid_report.c what its descriptor says.
 */
#ifndef POLICY_DECODE_HID_H
#define POLICY_DECODE_HID_H

#include "policy/decode/hid_arm.h"
#include "policy/decode/hid_report.h"

#define BOOT_KEYBOARD 1u
#define BOOT_MOUSE 2u
#define BOOT_KEYBOARD_SIZE 8u
#define BOOT_MOUSE_SIZE 3u /* and more, of the device's own (HID 1.11 B.2) */
#define BOOT_LEDS_SIZE 1u
#define BOOT_SLOT HID_KEY_SLOTS

struct keys {
	uint64_t bits[KEY_WORDS];
};

static inline unsigned
keys_count_new(const struct keys *now, const struct keys *before)
{
	unsigned n = 0;

	for (unsigned i = 0; i < KEY_WORDS; i++) {
		n += (unsigned)__builtin_popcountll(
		    now->bits[i] & ~before->bits[i]);
	}
	return n;
}

static inline int
keys_is_empty(const struct keys *k)
{
	uint64_t any = 0;

	for (unsigned i = 0; i < KEY_WORDS; i++) {
		any |= k->bits[i];
	}
	return any == 0;
}

static inline void
keys_add(uint64_t to[KEY_WORDS], const struct keys *k)
{
	for (unsigned i = 0; i < KEY_WORDS; i++) {
		to[i] |= k->bits[i];
	}
}

static inline void
keys_keep(struct keys *k, const struct keys *of)
{
	for (unsigned i = 0; i < KEY_WORDS; i++) {
		k->bits[i] &= of->bits[i];
	}
}

/* Whether nothing but keys that the workstation has down went up. */
static inline int
keys_is_release(const struct keys *now, const struct keys *held)
{
	return keys_count_new(now, held) == 0 && keys_count_new(held, now) > 0;
}

struct hid {
	struct decoder decoder;
	uint8_t is_on, number, alternate;
	uint8_t boot;	 /* BOOT_KEYBOARD, BOOT_MOUSE or 0 */
	uint8_t is_boot; /* that protocol is in use */
	uint8_t was_armed;
	uint8_t nothers;
	uint8_t others[HID_ARM_PEERS]; /* other interfaces that are HIDs */
	uint64_t last; /* when the last input report came; 0 = none */
	struct keys held[HID_KEY_SLOTS + 1], known[HID_KEY_SLOTS + 1];
	struct keys stale; /* down since before it was armed */
	struct hid_arm arm;
	struct hid_values values; /* of the report in hand */
	struct hid_report report;
};

/* A report in hand. */
struct hid_piece {
	const struct hid_shape *shape; /* NULL: of the boot protocol */
	uint8_t kind;		       /* enum hid_kind */
	uint8_t id, has_id; /* has_id: the bytes began with it */
	uint8_t slot;
	uint8_t is_pure;
	const uint8_t *data; /* without the id */
	uint32_t len;
};

/* The bytes of a report of that kind, as they came or go; 0, or ERR_NOENT:
 * it is not declared. id is what a request named, and counts where the bytes
 * have none. */
int hid_piece_of(const struct hid *h, struct hid_piece *p, enum hid_kind kind,
    uint8_t id, const uint8_t *data, uint32_t len);
/* Reads it into h->values, and fills in the facts that any report has; they
 * borrow h->values and the bytes. */
void hid_facts_of(
    struct facts *f, struct hid *h, const struct hid_piece *p);
/* The keys that the report just read says are down; those of arrays, when there
 * are too many to say which, are those that were. */
void hid_keys_of(
    const struct hid *h, const struct hid_piece *p, struct keys *now);

#endif
