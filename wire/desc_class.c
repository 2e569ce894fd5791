/*
 * Which strings the class-specific descriptors of an interface refer to. A
 * driver asks for them (the address of a network adapter is one), so that the
 * record must have them. Runs in the probe and the session, over hostile bytes;
 * a wrong guess costs one refused read.
 *
 * Communication devices 1.2 and its Ethernet model, Audio 1.0 and 2.0, MIDI
 * 1.0, Video 1.1 and 1.5.
 */
#include "wire/desc.h"

#define ANY 0xffu
#define END (-1) /* the last byte */

/* Interface class, subclass and protocol, subtype of its CS_INTERFACE
 * descriptor, where the index stands: counted from the start, or below 0 from
 * the end. */
struct place {
	uint8_t class, subclass, protocol, first, last;
	int8_t at;
};

static const struct place places[] = {
	/* communication, and vendors that use its descriptors */
	{0x02, ANY, ANY, 0x07, 0x07, 3},  /* country: release date */
	{0x02, ANY, ANY, 0x0a, 0x0a, 4},  /* network channel */
	{0x02, ANY, ANY, 0x0f, 0x0f, 3},  /* Ethernet: MAC address */
	{0x02, ANY, ANY, 0x16, 0x16, 5},  /* command set */
	{0xff, ANY, ANY, 0x0f, 0x0f, 3},
	/* audio control: terminals, units, clocks; not processing units,
	 * which end in something else */
	{0x01, 0x01, 0x00, 0x02, 0x02, -2}, /* channel names */
	{0x01, 0x01, 0x00, 0x02, 0x06, END},
	{0x01, 0x01, 0x00, 0x08, 0x08, END},
	{0x01, 0x01, 0x20, 0x02, 0x02, -4}, /* channel names */
	{0x01, 0x01, 0x20, 0x02, 0x07, END},
	{0x01, 0x01, 0x20, 0x09, 0x0d, END},
	/* audio streaming 2.0: channel names; MIDI: jacks, elements */
	{0x01, 0x02, 0x20, 0x01, 0x01, END},
	{0x01, 0x03, ANY, 0x02, 0x04, END},
	/* video control: terminals, selector, extension, encoding */
	{0x0e, 0x01, ANY, 0x02, 0x02, 7},
	{0x0e, 0x01, ANY, 0x03, 0x03, 8},
	{0x0e, 0x01, ANY, 0x04, 0x04, END},
	{0x0e, 0x01, ANY, 0x06, 0x06, END},
	{0x0e, 0x01, ANY, 0x07, 0x07, 5},
};

static int
is_one_of(uint8_t value, uint8_t want)
{
	return want == ANY || value == want;
}

static void
want(const uint8_t *p, size_t n, int at, uint8_t wanted[256])
{
	size_t pos = at >= 0 ? (size_t)at : n - (size_t)-at;

	/* head and subtype are no index */
	if (pos >= 3 && pos < n && p[pos] != 0) {
		wanted[p[pos]] = 1;
	}
}

void
desc_class_strings(const struct desc_alt *alt, const void *buf, size_t len,
    uint8_t wanted[256])
{
	const uint8_t *p;
	size_t pos = 0, n;

	while (desc_next(buf, len, &pos, &p, &n) == 0) {
		if (n < 4 || p[1] != DESC_CS_INTERFACE) {
			continue;
		}
		for (size_t i = 0; i < sizeof(places) / sizeof(places[0]);
		    i++) {
			const struct place *at = &places[i];

			if (alt->class == at->class &&
			    is_one_of(alt->subclass, at->subclass) &&
			    is_one_of(alt->protocol, at->protocol) &&
			    p[2] >= at->first && p[2] <= at->last) {
				want(p, n, at->at, wanted);
			}
		}
		/* a video processing unit has it behind its controls */
		if (alt->class == 0x0e && alt->subclass == 0x01 &&
		    p[2] == 0x05 && n > 8) {
			want(p, n, 8 + (p[7] & 0x0f), wanted);
		}
	}
}
