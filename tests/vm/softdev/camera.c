/*
 * A camera: USB Video 1.0, high speed, uncompressed YUY2 of 160 x 120, ten
 * frames a second in packets of 1 KiB, one a millisecond. A frame is 9600
 * 32-bit numbers: the frame's own in the high half, from 1, their place in the
 * low one. An extension unit has one control of four bytes, which counts how
 * often it is written.
 */
#include <err.h>
#include <string.h>

#include "tests/vm/softdev/softdev.h"

#define PACKET 1024u
#define HEAD 2u
#define WIDTH 160
#define HEIGHT 120
#define FRAME (WIDTH * HEIGHT * 2u)
#define INTERVAL 1000000 /* of a frame, in 100 ns */
#define PACKETS 100u	 /* per frame interval; the last ones are empty */

#define EXTENSION 3 /* its unit */
#define CONTROL_SIZE 66
#define STREAM_SIZE 77
#define CONFIG_SIZE 194

static const uint8_t device[18] = {18, 1, U16(0x0200), 0xef, 2, 1, 64,
    U16(0x1209), U16(0x5a11), U16(0x0100), 1, 2, 3, 1};

static const uint8_t config[] = {
    9, 2, U16(CONFIG_SIZE), 2, 1, 0, 0x80, 50,
    8, 0x0b, 0, 2, 0x0e, 3, 0, 2,
    /* control: camera 1, output terminal 2 */
    9, 4, 0, 0, 0, 0x0e, 1, 0, 2,
    13, 0x24, 1, U16(0x0100), U16(CONTROL_SIZE), U32(48000000), 1, 1,
    18, 0x24, 2, 1, U16(0x0201), 0, 4, U16(0), U16(0), U16(0), 3, 0, 0, 0,
    9, 0x24, 3, 2, U16(0x0101), 0, EXTENSION, 0,
    26, 0x24, 6, EXTENSION, U32(0x73616c6c), U32(0x79706f72), U32(0x74626e63),
    U32(0x68787531), 1, 1, 1, 1, 0x01, 0,
    /* streaming: nothing, or on endpoint 1 */
    9, 4, 1, 0, 0, 0x0e, 2, 0, 0,
    14, 0x24, 1, 1, U16(STREAM_SIZE), 0x81, 0, 2, 0, 0, 0, 1, 0,
    27, 0x24, 4, 1, 1, 'Y', 'U', 'Y', '2', 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa,
    0, 0x38, 0x9b, 0x71, 16, 1, 0, 0, 0, 0,
    30, 0x24, 5, 1, 0, U16(WIDTH), U16(HEIGHT), U32(FRAME * 80u),
    U32(FRAME * 80u), U32(FRAME), U32(INTERVAL), 1, U32(INTERVAL),
    6, 0x24, 13, 1, 1, 4,
    9, 4, 1, 1, 1, 0x0e, 2, 0, 0,
    7, 5, 0x81, 0x05, U16(PACKET), 4,
};
_Static_assert(sizeof(config) == CONFIG_SIZE, "wTotalLength");

static const char *const strings[] = {
    "Bench", "Software camera", "camera-1", "Lens", NULL};

/* Video probe and commit, the only setting there is. */
static const uint8_t setting[26] = {U16(1), 1, 1, U32(INTERVAL), U16(0),
    U16(0), U16(0), U16(0), U16(0), U32(FRAME), U32(PACKET)};

static uint32_t written; /* the extension unit's control */
static uint32_t frame;	 /* being sent, from 1 */
static unsigned packet;	 /* of it, next */

static void
extension(uint8_t request, struct softdev_reply *reply)
{
	const uint8_t value[4] = {U32(written)};

	switch (request) {
	case 0x01: /* SET_CUR */
		written++;
		return;
	case 0x81: /* GET_CUR, MIN, MAX, RES, DEF */
	case 0x82:
	case 0x83:
	case 0x84:
	case 0x87:
		reply->len = sizeof(value);
		memcpy(reply->data, value, sizeof(value));
		return;
	case 0x85: /* GET_LEN */
		reply->len = 2;
		reply->data[0] = sizeof(value);
		return;
	case 0x86: /* GET_INFO: can be read and set */
		reply->len = 1;
		reply->data[0] = 3;
		return;
	}
	reply->status = SOFTDEV_STALL;
}

static void
control(struct softdev *dev, const uint8_t setup[8], const uint8_t *out,
    size_t len, struct softdev_reply *reply)
{
	int is_setting = setup[4] == 1 && (setup[3] == 1 || setup[3] == 2);

	(void)dev;
	(void)out;
	(void)len;
	if ((setup[0] & 0x1f) == 1 && setup[4] == 0 && setup[3] == 1 &&
	    setup[5] == EXTENSION) {
		extension(setup[1], reply);
		return;
	}
	if ((setup[0] & 0x1f) != 1 || !is_setting) {
		reply->status = SOFTDEV_STALL;
		return;
	}
	switch (setup[1]) {
	case 0x01: /* SET_CUR */
		return;
	case 0x81: /* GET_CUR, MIN, MAX, DEF */
	case 0x82:
	case 0x83:
	case 0x87:
		reply->len = sizeof(setting);
		memcpy(reply->data, setting, sizeof(setting));
		return;
	case 0x85: /* GET_LEN */
		reply->len = 2;
		reply->data[0] = sizeof(setting);
		return;
	case 0x86: /* GET_INFO: can be read and set */
		reply->len = 1;
		reply->data[0] = 3;
		return;
	}
	reply->status = SOFTDEV_STALL;
}

static void
set_alt(struct softdev *dev, uint8_t interface, uint8_t alt)
{
	(void)dev;
	if (interface == 1 && alt == 1) {
		frame++;
		packet = 0;
	}
}

static size_t
iso_in(struct softdev *dev, uint8_t ep, uint8_t *buf, size_t max)
{
	size_t at = packet * (size_t)(PACKET - HEAD), n = HEAD;

	(void)dev;
	(void)ep;
	if (max < PACKET) {
		return 0;
	}
	buf[0] = HEAD;
	buf[1] = (uint8_t)(0x80 | (frame & 1)); /* end of header, frame id */
	/* a packet may begin in the middle of a number */
	for (; at < FRAME && n < PACKET; at++, n++) {
		uint32_t word = frame << 16 | (uint32_t)(at / 4);

		buf[n] = (uint8_t)(word >> 8 * (at % 4));
	}
	if (at == FRAME && n > HEAD) {
		buf[1] |= 0x02; /* end of frame */
	}
	if (++packet == PACKETS) {
		packet = 0;
		frame++;
	}
	return n;
}

static void
report(void)
{
	warnx("camera: %u frames, extension unit written %u times", frame,
	    written);
}

const struct softdev_model softdev_camera = {
    .name = "camera",
    .about = "USB Video 1.0, YUY2 160x120, 10 frames/s, numbered",
    .speed = SOFTDEV_HIGH,
    .device = device,
    .config = config,
    .config_len = sizeof(config),
    .strings = strings,
    .control = control,
    .set_alt = set_alt,
    .iso_in = iso_in,
    .report = report,
};
