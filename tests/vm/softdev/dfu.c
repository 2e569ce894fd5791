/*
 * A device that waits for new firmware: one interface of DFU 1.1, in its own
 * mode, which takes what it gets.
 */
#include <err.h>

#include "tests/vm/softdev/softdev.h"

#define DNLOAD 1
#define GETSTATUS 3
#define GETSTATE 5
#define IDLE 2 /* dfuIDLE */

static const uint8_t device[18] = {18, 1, U16(0x0200), 0, 0, 0, 64,
    U16(0x1209), U16(0x5a13), U16(0x0100), 1, 2, 3, 1};

static const uint8_t config[] = {
    9, 2, U16(27), 1, 1, 0, 0x80, 50,
    9, 4, 0, 0, 0, 0xfe, 1, 2, 0,
    /* can be written and read, 64 bytes at once */
    9, 0x21, 0x03, U16(1000), U16(64), U16(0x0110),
};
_Static_assert(sizeof(config) == 27, "wTotalLength");

static const char *const strings[] = {
    "Bench", "Software bootloader", "dfu-1", NULL};

static unsigned written;

static void
control(struct softdev *dev, const uint8_t setup[8], const uint8_t *out,
    size_t len, struct softdev_reply *reply)
{
	(void)dev;
	(void)out;
	(void)len;
	switch (setup[1]) {
	case DNLOAD:
		written++;
		return;
	case GETSTATUS:
		reply->len = 6;
		reply->data[4] = IDLE;
		return;
	case GETSTATE:
		reply->len = 1;
		reply->data[0] = IDLE;
		return;
	}
	reply->status = SOFTDEV_STALL;
}

static void
report(void)
{
	warnx("dfu: %u blocks of firmware written", written);
}

const struct softdev_model softdev_dfu = {
    .name = "dfu",
    .about = "DFU 1.1, in DFU mode",
    .speed = SOFTDEV_HIGH,
    .device = device,
    .config = config,
    .config_len = sizeof(config),
    .strings = strings,
    .control = control,
    .report = report,
};
