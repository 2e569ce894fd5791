/*
 * A device that is attached like any other and then says nothing: each of its
 * interfaces has a name, and who asks for it gets no answer. The kernel asks
 * while it holds the lock of the device, and that of the hub above, twice for
 * five seconds a name.
 */
#include <stddef.h>

#include "tests/vm/softdev/softdev.h"

#define INTERFACES 10
#define CONFIG_SIZE (9 + 9 * INTERFACES)

#define INTERFACE(n) 9, 4, n, 0, 0, 0xff, 0, 0, 4 + (n)

static const uint8_t device[18] = {18, 1, U16(0x0200), 0, 0, 0, 64,
    U16(0x1209), U16(0x5a13), U16(0x0100), 0, 0, 0, 1};

static const uint8_t config[] = {
    9, 2, U16(CONFIG_SIZE), INTERFACES, 1, 0, 0x80, 50,
    INTERFACE(0), INTERFACE(1), INTERFACE(2), INTERFACE(3), INTERFACE(4),
    INTERFACE(5), INTERFACE(6), INTERFACE(7), INTERFACE(8), INTERFACE(9),
};
_Static_assert(sizeof(config) == CONFIG_SIZE, "wTotalLength");

static const char *const strings[] = {NULL};

/* It says which languages it speaks, or nobody would ask further. */
static int
standard(
    struct softdev *dev, const uint8_t setup[8], struct softdev_reply *reply)
{
	(void)dev;
	if (setup[1] != 6 || setup[3] != 3 || setup[2] == 0) {
		return 0;
	}
	reply->status = SOFTDEV_NEVER;
	return 1;
}

const struct softdev_model softdev_mute = {
    .name = "mute",
    .about = "never tells the names of its ten interfaces",
    .speed = SOFTDEV_HIGH,
    .device = device,
    .config = config,
    .config_len = sizeof(config),
    .strings = strings,
    .standard = standard,
};
