/*
 * Digits are drawn, shown, typed and compared. Runs in sallyport-session.
 *
 * A try is as many keys as there are digits, then Enter; fewer or more are no
 * try, since they can win nothing. Backspace takes one back, Escape all. New
 * digits come after each try and when their time is over. Without anybody who
 * sees them there are no digits, and nothing that is typed is a try.
 */
#include "policy/decode/hid_arm.h"

#include <string.h>

#define SECOND UINT64_C(1000000000)
#define RETRY (3 * SECOND)

#define KEY_1 0x1eu
#define KEY_0 0x27u
#define KEY_ENTER 0x28u
#define KEY_ESCAPE 0x29u
#define KEY_BACKSPACE 0x2au
#define KEYPAD_ENTER 0x58u
#define KEYPAD_1 0x59u
#define KEYPAD_0 0x62u

void
hid_arm_terms(struct hid_arm *arm, const struct judge_terms *terms,
    int can_type, const struct decoder *decoder)
{
	uint8_t n = terms->arm_digits < HID_ARM_DIGITS ? terms->arm_digits :
							 HID_ARM_DIGITS;

	arm->can_type = can_type != 0;
	if (n == arm->ndigits && terms->arm_within == arm->within) {
		return;
	}
	if (n > arm->ndigits) {
		arm->is_armed = 0;
	}
	if (arm->is_shown && !arm->is_armed) {
		/* these are not asked for any more */
		(void)decoder->host->challenge(decoder->host_arg, "", 0);
	}
	arm->ndigits = n;
	arm->within = terms->arm_within;
	arm->is_shown = 0;
	arm->ntyped = 0;
	arm->retry = 0;
}

int
hid_arm_passes(struct hid_arms *arms)
{
	struct hid_arm *own = arms->own;

	for (unsigned i = 0; i < arms->npeers && !own->is_armed; i++) {
		own->is_armed = arms->peers[i]->is_armed;
	}
	return own->ndigits == 0 || own->is_armed;
}

/* A digit each from bytes below 250, so that none is likelier than another. */
static void
draw(struct hid_arm *own, const struct decoder *d)
{
	uint8_t bytes[64];
	unsigned n = 0;

	while (n < own->ndigits) {
		d->host->random(d->host_arg, bytes, sizeof(bytes));
		for (unsigned i = 0; i < sizeof(bytes) && n < own->ndigits;
		     i++) {
			if (bytes[i] < 250) {
				own->digits[n++] = (char)('0' + bytes[i] % 10);
			}
		}
	}
	own->digits[n] = '\0';
}

static void
show(struct hid_arm *own, const struct decoder *d, uint64_t now)
{
	draw(own, d);
	own->round = own->round < UINT8_MAX ? own->round + 1 : 1;
	own->is_shown = d->host->challenge(
			    d->host_arg, own->digits, own->within) == 0;
	own->until = own->within != 0 ? now + own->within : 0;
	own->retry = now + RETRY;
}

static int
is_over(const struct hid_arm *owner, uint64_t now)
{
	return owner->until != 0 && now >= owner->until;
}

static unsigned
wrong_tries(const struct hid_arms *arms)
{
	unsigned n = arms->own->ntries;

	for (unsigned i = 0; i < arms->npeers; i++) {
		n += arms->peers[i]->ntries;
	}
	return n;
}

static enum hid_arm_result
enter(struct hid_arms *arms, uint64_t now)
{
	const struct hid_arm *owner = arms->owner;
	struct hid_arm *own = arms->own;
	const struct decoder *d = arms->decoder;
	unsigned n = own->ntyped;

	own->ntyped = 0;
	if (owner == NULL || n != owner->ndigits || !owner->is_shown ||
	    is_over(owner, now) || own->spent == owner->round) {
		return HID_ARM_NOTHING;
	}
	if (memcmp(own->typed, owner->digits, n) == 0) {
		own->is_armed = 1;
		(void)d->host->challenge(d->host_arg, "", 0);
		return HID_ARM_ARMED;
	}
	own->spent = owner->round;
	own->ntries++;
	if (wrong_tries(arms) >= HID_ARM_TRIES) {
		return HID_ARM_OUT;
	}
	if (owner == own) {
		show(own, d, now);
	}
	return HID_ARM_NOTHING;
}

enum hid_arm_result
hid_arm_press(struct hid_arms *arms, unsigned key, uint64_t now)
{
	struct hid_arm *own = arms->own;
	char c = 0; /* no digit, and wrong as one */

	if (key == KEY_ENTER || key == KEYPAD_ENTER) {
		return enter(arms, now);
	}
	if (key == KEY_ESCAPE) {
		own->ntyped = 0;
		return HID_ARM_NOTHING;
	}
	if (key == KEY_BACKSPACE) {
		own->ntyped = own->ntyped > 0 ? own->ntyped - 1 : 0;
		return HID_ARM_NOTHING;
	}
	if (key >= 0xe0 && key <= 0xe7) {
		return HID_ARM_NOTHING; /* some layouts have digits with Shift */
	}
	if (key >= KEY_1 && key <= KEY_0) {
		c = (char)('0' + (key - KEY_1 + 1) % 10);
	} else if (key >= KEYPAD_1 && key <= KEYPAD_0) {
		c = (char)('0' + (key - KEYPAD_1 + 1) % 10);
	}
	if (own->ntyped < own->ndigits) {
		own->typed[own->ntyped++] = c;
	} else {
		own->ntyped = (uint8_t)(own->ndigits + 1);
	}
	return HID_ARM_NOTHING;
}

uint64_t
hid_arm_tick(struct hid_arms *arms, uint64_t now)
{
	struct hid_arm *own = arms->own;
	int is_spent = own->spent == own->round;

	if (hid_arm_passes(arms)) {
		return 0;
	}
	if (arms->owner != own) {
		return now + SECOND; /* who shows them may change */
	}
	for (unsigned i = 0; i < arms->npeers; i++) {
		is_spent |= arms->peers[i]->spent == own->round;
	}
	if (own->is_shown ? is_spent || is_over(own, now) :
			    now >= own->retry) {
		show(own, arms->decoder, now);
	}
	return own->until > now && own->until < now + SECOND ? own->until :
							       now + SECOND;
}
