/*
 * Class codes (usb.org defined class codes) and speeds in words. The numbers
 * come from a gateway; every one of them has a word.
 */
#include "vhci-glue/words.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "wire/usbip.h"

#define ANY (-1)
#define KINDS 8

struct word {
	int class, subclass, protocol; /* ANY = every value */
	const char *text;	       /* "" = say nothing of it */
};

/* The first row that fits. */
static const struct word words[] = {
    {0x01, 0x03, ANY, "MIDI"},
    {0x01, ANY, ANY, "audio"},
    {0x02, 0x02, ANY, "modem or serial port"},
    {0x02, 0x06, ANY, "network card"},
    {0x02, 0x0d, ANY, "network card"},
    {0x02, 0x0e, ANY, "mobile broadband"},
    {0x02, ANY, ANY, "communications"},
    {0x03, 0x01, 0x01, "keyboard"},
    {0x03, 0x01, 0x02, "mouse"},
    {0x03, ANY, ANY, "human interface device"},
    {0x05, ANY, ANY, "physical feedback"},
    {0x06, ANY, ANY, "camera or media player"},
    {0x07, ANY, ANY, "printer"},
    {0x08, 0x04, ANY, "floppy drive"},
    {0x08, ANY, ANY, "mass storage"},
    {0x09, ANY, ANY, "hub"},
    {0x0a, ANY, ANY, ""},
    {0x0b, ANY, ANY, "smart card reader"},
    {0x0d, ANY, ANY, "content security"},
    {0x0e, ANY, ANY, "video"},
    {0x0f, ANY, ANY, "health device"},
    {0x10, ANY, ANY, "audio and video"},
    {0x11, ANY, ANY, "billboard"},
    {0x12, ANY, ANY, "USB-C bridge"},
    {0xdc, ANY, ANY, "diagnostics"},
    {0xe0, 0x01, 0x01, "Bluetooth"},
    {0xe0, 0x01, 0x03, "network card (RNDIS)"},
    {0xe0, ANY, ANY, "wireless controller"},
    {0xef, 0x04, 0x01, "network card (RNDIS)"},
    {0xef, ANY, ANY, "miscellaneous"},
    {0xfe, 0x01, ANY, "firmware update"},
    {0xfe, 0x02, ANY, "infrared"},
    {0xfe, 0x03, ANY, "measuring instrument"},
    {0xfe, ANY, ANY, "application specific"},
    {0xff, ANY, ANY, "vendor specific"},
};

static int
is_fit(int want, uint8_t have)
{
	return want == ANY || want == have;
}

static const char *
word_of(uint8_t class, uint8_t subclass, uint8_t protocol)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (is_fit(words[i].class, class) &&
		    is_fit(words[i].subclass, subclass) &&
		    is_fit(words[i].protocol, protocol)) {
			return words[i].text;
		}
	}
	return "unknown class";
}

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
		    kinds, n, word_of(f->class, f->subclass, f->protocol));
	}
	if (n == 0) {
		const struct usbip_device *d = &item->dev;

		kinds[n++] = d->class == 0
		    ? "unknown"
		    : word_of(d->class, d->subclass, d->protocol);
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
