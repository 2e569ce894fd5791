/*
 * String descriptors (USB 2.0 9.6.7): judging them and turning them into UTF-8.
 * What comes out is still hostile text; whoever shows it escapes it.
 */
#include "wire/desc.h"

#include <string.h>

#include "base/err.h"
#include "wire/cursor.h"
#include "wire/desc_why.h"

#define REPLACEMENT 0xfffdu

static int
is_high(uint16_t unit)
{
	return (unit & 0xfc00) == 0xd800;
}

static int
is_low(uint16_t unit)
{
	return (unit & 0xfc00) == 0xdc00;
}

int
desc_check_string(const void *buf, size_t len, struct desc_why *why)
{
	const uint8_t *p = buf;

	if (len < 2 || len > 254 || len % 2 != 0 || p[0] != len) {
		return desc_refuse(why, ERR_POLICY, "R5.length",
		    "string descriptor of odd, wrong or excessive length", 0);
	}
	if (p[1] != DESC_STRING) {
		return desc_refuse(why, ERR_POLICY, "R5.type",
		    "not a string descriptor", 1);
	}
	for (size_t i = 2; i < len; i += 2) {
		uint16_t unit = le16_at(p + i);

		if (is_high(unit) && i + 2 < len &&
		    is_low(le16_at(p + i + 2))) {
			i += 2;
		} else if (is_high(unit) || is_low(unit)) {
			return desc_refuse(why, ERR_POLICY, "R5.utf16",
			    "string is not valid UTF-16", i);
		}
	}
	return 0;
}

/* Writes a code point, returns its length. */
static size_t
put_utf8(uint8_t dst[4], uint32_t cp)
{
	if (cp < 0x80) {
		dst[0] = (uint8_t)cp;
		return 1;
	}
	if (cp < 0x800) {
		dst[0] = (uint8_t)(0xc0 | cp >> 6);
		dst[1] = (uint8_t)(0x80 | (cp & 0x3f));
		return 2;
	}
	if (cp < 0x10000) {
		dst[0] = (uint8_t)(0xe0 | cp >> 12);
		dst[1] = (uint8_t)(0x80 | (cp >> 6 & 0x3f));
		dst[2] = (uint8_t)(0x80 | (cp & 0x3f));
		return 3;
	}
	dst[0] = (uint8_t)(0xf0 | cp >> 18);
	dst[1] = (uint8_t)(0x80 | (cp >> 12 & 0x3f));
	dst[2] = (uint8_t)(0x80 | (cp >> 6 & 0x3f));
	dst[3] = (uint8_t)(0x80 | (cp & 0x3f));
	return 4;
}

/* Ends at the first NUL, as the kernel's own reading of a string does: firmware
 * pads with them, and text that hides behind one would be seen by one reader
 * only. */
size_t
desc_string_utf8(char *dst, size_t size, const void *buf, size_t len)
{
	const uint8_t *p = buf;
	size_t used = 0;

	if (size == 0) {
		return 0;
	}
	if (len >= 2 && p[0] < len) {
		len = p[0];
	}
	for (size_t i = 2; i + 1 < len; i += 2) {
		uint32_t cp = le16_at(p + i);
		uint8_t bytes[4];
		size_t n;

		if (cp == 0) {
			break;
		}
		if (is_high((uint16_t)cp) && i + 3 < len &&
		    is_low(le16_at(p + i + 2))) {
			i += 2;
			cp = 0x10000 + ((cp & 0x3ff) << 10) +
			    (le16_at(p + i) & 0x3ffu);
		} else if ((cp & 0xf800) == 0xd800) {
			cp = REPLACEMENT;
		}
		n = put_utf8(bytes, cp);
		if (n > size - 1 - used) {
			break;
		}
		memcpy(dst + used, bytes, n);
		used += n;
	}
	dst[used] = '\0';
	return used;
}
