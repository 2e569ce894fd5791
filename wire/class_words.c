/* See class_words.h. */
#include "wire/class_words.h"

#include <stddef.h>

#define ANY (-1)

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

const char *
usb_class_word(uint8_t class, uint8_t subclass, uint8_t protocol)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (is_fit(words[i].class, class) &&
		    is_fit(words[i].subclass, subclass) &&
		    is_fit(words[i].protocol, protocol)) {
			return words[i].text;
		}
	}
	return "unknown class";
}
