/*
 * Judging a Binary Object Store (USB 3.2 9.6.2): the container, and the device
 * capabilities whose fields a kernel reads by fixed offsets. Such a reader once
 * ran past the end of a short one, so that each known kind has its least size.
 */
#include "wire/desc.h"

#include "base/err.h"
#include "wire/cursor.h"
#include "wire/desc_why.h"

#define BOS_SIZE 5u

enum capability {
	CAP_USB2_EXTENSION = 2,
	CAP_SUPERSPEED = 3,
	CAP_CONTAINER_ID = 4,
	CAP_PLATFORM = 5,
	CAP_SUPERSPEED_PLUS = 10,
};

static int
refuse(struct desc_why *why, const char *rule, const char *text, size_t offset)
{
	return desc_refuse(why, ERR_POLICY, rule, text, offset);
}

/* Least bLength of a capability, from its own bytes. */
static size_t
least_size(const uint8_t *p, size_t n)
{
	switch (p[2]) {
	case CAP_USB2_EXTENSION:
		return 7;
	case CAP_SUPERSPEED:
		return 10;
	case CAP_CONTAINER_ID:
	case CAP_PLATFORM:
		return 20;
	case CAP_SUPERSPEED_PLUS:
		/* 12, and one word for each sublink speed attribute */
		return n < 12 ? 12 : 12 + 4u * ((p[4] & 31u) + 1);
	}
	return 3;
}

/* Kinds of which a device has one: two would leave open which one counts. */
static int
is_single(uint8_t kind)
{
	return kind == CAP_USB2_EXTENSION || kind == CAP_SUPERSPEED ||
	    kind == CAP_CONTAINER_ID || kind == CAP_SUPERSPEED_PLUS;
}

static int
check_capability(const uint8_t *p, size_t n, size_t offset, uint32_t *seen,
    struct desc_why *why)
{
	if (p[1] != DESC_DEVICE_CAPABILITY) {
		return refuse(why, "R4.type",
		    "not a device capability inside the BOS", offset);
	}
	if (n < 3 || n < least_size(p, n)) {
		return refuse(why, "R4.length",
		    "device capability shorter than its kind", offset);
	}
	if (is_single(p[2])) {
		if ((*seen & (uint32_t)1 << p[2]) != 0) {
			return refuse(why, "R4.duplicate",
			    "the same device capability twice", offset);
		}
		*seen |= (uint32_t)1 << p[2];
	}
	return 0;
}

int
desc_check_bos(const void *buf, size_t len, struct desc_why *why)
{
	const uint8_t *bytes = buf, *p;
	size_t pos, at, n, count = 0;
	uint32_t seen = 0;

	if (len < BOS_SIZE || bytes[0] < BOS_SIZE || bytes[0] > len) {
		return refuse(
		    why, "R4.length", "BOS shorter than 5 bytes", 0);
	}
	if (bytes[1] != DESC_BOS) {
		return refuse(why, "R4.type", "not a BOS", 1);
	}
	if (le16_at(bytes + 2) != len) {
		return refuse(why, "R4.total",
		    "wTotalLength is not the number of bytes", 2);
	}
	pos = bytes[0];
	for (;;) {
		int r;

		at = pos;
		r = desc_step(bytes, len, &pos, &p, &n);
		if (r == ERR_CLOSED) {
			break;
		}
		if (r != 0) {
			return refuse(why, "R4.length",
			    "device capability runs past the BOS", at);
		}
		r = check_capability(p, n, at, &seen, why);
		if (r != 0) {
			return r;
		}
		count++;
	}
	if (bytes[4] != count) {
		return refuse(why, "R4.count",
		    "bNumDeviceCaps is not the number of capabilities", 4);
	}
	return 0;
}
