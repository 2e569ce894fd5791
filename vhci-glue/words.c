/*
 * What a device is, and its speed, in words. The numbers come from a gateway;
 * every one of them has a word.
 */
#include "vhci-glue/words.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "wire/class_words.h"
#include "wire/usbip.h"

#define KINDS 8

/* Each word once, in the order of the interfaces. */
static unsigned
add_kind(const char *kinds[KINDS], unsigned n, const char *kind)
{
	for (unsigned i = 0; i < n; i++) {
		if (strcmp(kinds[i], kind) == 0) {
			return n;
		}
	}
	if (kind[0] != '\0' && n < KINDS) {
		kinds[n++] = kind;
	}
	return n;
}

char *
words_what(char *dst, size_t size, const struct ipc_item *item)
{
	const char *kinds[KINDS];
	unsigned n = 0;
	size_t used = 0;

	for (unsigned i = 0; i < item->ninterfaces; i++) {
		const struct usbip_interface *f = &item->interfaces[i];

		n = add_kind(
		    kinds, n, usb_class_word(f->class, f->subclass, f->protocol));
	}
	if (n == 0) {
		const struct usbip_device *d = &item->dev;

		kinds[n++] = d->class == 0
		    ? "unknown"
		    : usb_class_word(d->class, d->subclass, d->protocol);
	}
	dst[0] = '\0';
	for (unsigned i = 0; i < n && used < size; i++) {
		int len = snprintf(dst + used, size - used, "%s%s",
		    i > 0 ? " + " : "", kinds[i]);

		used += len > 0 ? (size_t)len : 0;
	}
	return dst;
}

const char *
words_speed(unsigned speed)
{
	switch (speed) {
	case USBIP_SPEED_LOW:
		return "low (1.5 Mb/s)";
	case USBIP_SPEED_FULL:
		return "full (12 Mb/s)";
	case USBIP_SPEED_HIGH:
		return "high (480 Mb/s)";
	case USBIP_SPEED_WIRELESS:
		return "wireless";
	case USBIP_SPEED_SUPER:
		return "super (5 Gb/s)";
	case USBIP_SPEED_SUPER_PLUS:
		return "super+ (10 Gb/s)";
	}
	return "unknown";
}

const char *
words_speed_short(unsigned speed)
{
	switch (speed) {
	case USBIP_SPEED_LOW:
		return "low";
	case USBIP_SPEED_FULL:
		return "full";
	case USBIP_SPEED_HIGH:
		return "high";
	case USBIP_SPEED_WIRELESS:
		return "wireless";
	case USBIP_SPEED_SUPER:
		return "super";
	case USBIP_SPEED_SUPER_PLUS:
		return "super+";
	}
	return "unknown";
}

const char *
words_challenge(char *dst, size_t size, const struct ipc_watch *watch)
{
	if (watch->text[0] == '\0') {
		(void)snprintf(dst, size, "%s: may be used now", watch->name);
	} else if (watch->within != 0) {
		(void)snprintf(dst, size,
		    "%s: type %s on it, then Enter, within %u s", watch->name,
		    watch->text, watch->within);
	} else {
		(void)snprintf(dst, size, "%s: type %s on it, then Enter",
		    watch->name, watch->text);
	}
	return dst;
}

char *
words_rate(char *dst, size_t size, uint64_t rate)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
	const uint64_t most = (UINT64_MAX - 500) / 10;
	uint64_t tenths = 10 * (rate < most ? rate : most);
	size_t i = 0;

	while (tenths >= 10000 && i + 1 < sizeof(units) / sizeof(units[0])) {
		tenths = (tenths + 500) / 1000;
		i++;
	}
	if (i == 0) {
		(void)snprintf(dst, size, "%u B/s", (unsigned)(tenths / 10));
	} else {
		(void)snprintf(dst, size, "%u.%u %s/s", (unsigned)(tenths / 10),
		    (unsigned)(tenths % 10), units[i]);
	}
	return dst;
}
