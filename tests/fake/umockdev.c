/* Reads recordings of umockdev-record: "H: descriptors=12010002..." and "A:
 * speed=480" in one block of lines for each device. */
#include "tests/fake/umockdev.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/cursor.h"
#include "wire/usbip.h"

#define LINE 65536
#define BYTES (LINE / 2)

static size_t
hex(uint8_t bytes[BYTES], const char *p)
{
	size_t n = 0;

	while (n < BYTES && isxdigit((unsigned char)p[2 * n]) &&
	       isxdigit((unsigned char)p[2 * n + 1])) {
		char pair[3] = {p[2 * n], p[2 * n + 1], '\0'};

		bytes[n++] = (uint8_t)strtoul(pair, NULL, 16);
	}
	return n;
}

static uint8_t
speed_of(const char *word)
{
	if (strncmp(word, "1.5", 3) == 0) {
		return USBIP_SPEED_LOW;
	}
	switch (strtoul(word, NULL, 10)) {
	case 12:
		return USBIP_SPEED_FULL;
	case 480:
		return USBIP_SPEED_HIGH;
	case 5000:
		return USBIP_SPEED_SUPER;
	case 10000:
	case 20000:
		return USBIP_SPEED_SUPER_PLUS;
	}
	return USBIP_SPEED_UNKNOWN;
}

/* sysfs gives the device descriptor and then all configurations. */
static int
fill(struct devrec *out, const uint8_t *bytes, size_t n, uint8_t speed)
{
	size_t at = DESC_DEVICE_SIZE;

	devrec_init(out);
	out->speed = speed;
	if (n < at) {
		return -1;
	}
	memcpy(out->device, bytes, at);
	while (at + 9 <= n) {
		size_t len = le16_at(bytes + at + 2);

		if (len < 9 || len > n - at ||
		    devrec_add_config(out, bytes + at, len) != 0) {
			return -1;
		}
		at += len;
	}
	return at == n ? 1 : -1;
}

int
umockdev_next(struct devrec *out, FILE *f)
{
	static char line[LINE];
	static uint8_t bytes[BYTES];
	size_t n = 0;
	uint8_t speed = USBIP_SPEED_UNKNOWN;
	int is_more = 1;

	while (is_more) {
		is_more = fgets(line, sizeof(line), f) != NULL;
		if (is_more && line[0] != '\n') {
			if (strncmp(line, "H: descriptors=", 15) == 0) {
				n = hex(bytes, line + 15);
			} else if (strncmp(line, "A: speed=", 9) == 0) {
				speed = speed_of(line + 9);
			}
		} else if (n > 0) {
			return fill(out, bytes, n, speed);
		}
	}
	return 0;
}
