/*
 * A microphone: USB Audio 1.0, high speed, stereo, 16 bits, 48 kHz, one packet
 * a millisecond. The two channels of each sample hold one 32-bit number that
 * goes up by one, from 1: whoever records can tell every lost sample.
 */
#include <err.h>
#include <string.h>

#include "tests/vm/softdev/softdev.h"

#define FRAMES 48u /* per packet */

static const uint8_t device[18] = {18, 1, U16(0x0200), 0, 0, 0, 64,
    U16(0x1209), U16(0x5a10), U16(0x0100), 1, 2, 3, 1};

static const uint8_t config[] = {
    9, 2, U16(100), 2, 1, 0, 0x80, 50,
    /* audio control: input terminal 1 (microphone), output terminal 2 */
    9, 4, 0, 0, 0, 1, 1, 0, 0,
    9, 0x24, 1, U16(0x0100), U16(30), 1, 1,
    12, 0x24, 2, 1, U16(0x0201), 0, 2, U16(0x0003), 0, 4,
    9, 0x24, 3, 2, U16(0x0101), 0, 1, 0,
    /* audio streaming: nothing, or PCM on endpoint 1 */
    9, 4, 1, 0, 0, 1, 2, 0, 0,
    9, 4, 1, 1, 1, 1, 2, 0, 0,
    7, 0x24, 1, 2, 1, U16(0x0001),
    11, 0x24, 2, 1, 2, 2, 16, 1, 0x80, 0xbb, 0x00,
    9, 5, 0x81, 0x05, U16(4 * FRAMES), 4, 0, 0,
    7, 0x25, 1, 0, 0, U16(0),
};
_Static_assert(sizeof(config) == 100, "wTotalLength");

static const char *const strings[] = {
    "Bench", "Software microphone", "mic-1", "Microphone", NULL};

static uint32_t next = 1;

static void
control(struct softdev *dev, const uint8_t setup[8], const uint8_t *out,
    size_t len, struct softdev_reply *reply)
{
	(void)dev;
	(void)setup;
	(void)out;
	(void)len;
	/* one rate, no controls */
	reply->status = SOFTDEV_STALL;
}

static size_t
iso_in(struct softdev *dev, uint8_t ep, uint8_t *buf, size_t max)
{
	size_t n = 0;

	(void)dev;
	(void)ep;
	for (; n + 4 <= max && n < 4 * FRAMES; n += 4, next++) {
		const uint8_t frame[4] = {U32(next)};

		memcpy(buf + n, frame, sizeof(frame));
	}
	return n;
}

static void
report(void)
{
	warnx("microphone: %u samples", next - 1);
}

const struct softdev_model softdev_microphone = {
    .name = "microphone",
    .about = "USB Audio 1.0, 48 kHz stereo, each sample a number",
    .speed = SOFTDEV_HIGH,
    .device = device,
    .config = config,
    .config_len = sizeof(config),
    .strings = strings,
    .control = control,
    .iso_in = iso_in,
    .report = report,
};
