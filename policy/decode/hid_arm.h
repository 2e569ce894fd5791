/*
 * Arming: a keyboard is silent until somebody who sees the workstation has
 * typed on it the digits that are shown there. Pure, but for the host's random
 * source and its display. It knows keys, no reports.
 *
 * The interfaces of a device are armed together, since one keyboard may be
 * several: the first that can type shows the digits, all of them hear what is
 * typed, and each counts its own tries. None changes another: what the others
 * have to know they read.
 */
#ifndef POLICY_DECODE_HID_ARM_H
#define POLICY_DECODE_HID_ARM_H

#include "policy/decode/decode.h"

#define HID_ARM_DIGITS 12u
#define HID_ARM_TRIES 3u
#define HID_ARM_PEERS 32u

struct hid_arm {
	uint8_t ndigits; /* 0 = nothing has to be typed */
	uint8_t can_type;
	uint8_t is_armed;
	uint8_t is_shown; /* digits, until `until' if that is not 0 */
	uint8_t round;	  /* of digits, from 1 */
	uint8_t spent;	  /* the round that the last try was for */
	uint8_t ntries;	  /* wrong ones */
	uint8_t ntyped;	  /* up to ndigits + 1: too many */
	char digits[HID_ARM_DIGITS + 1], typed[HID_ARM_DIGITS];
	uint64_t within, until;
	uint64_t retry; /* when to show them, if they are not */
};

/* One interface among those of its device. */
struct hid_arms {
	struct hid_arm *own;
	const struct hid_arm *owner; /* who shows; may be own; NULL = nobody
					can type */
	const struct hid_arm *peers[HID_ARM_PEERS]; /* other than own */
	unsigned npeers;
	const struct decoder *decoder; /* for its host */
};

/* At each attach. can_type: it has keys. What was armed stays so unless more
 * digits are asked for than before. */
void hid_arm_terms(struct hid_arm *arm, const struct judge_terms *terms,
    int can_type, const struct decoder *decoder);
/* Whether reports may pass. */
int hid_arm_passes(struct hid_arms *arms);

enum hid_arm_result { HID_ARM_NOTHING, HID_ARM_ARMED, HID_ARM_OUT };
/* A key went down while it is not armed. HID_ARM_OUT: that was one wrong try
 * too many. */
enum hid_arm_result hid_arm_press(
    struct hid_arms *arms, unsigned key, uint64_t now);
/* See decode.h. */
uint64_t hid_arm_tick(struct hid_arms *arms, uint64_t now);

#endif
