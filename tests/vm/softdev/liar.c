/*
 * A device that is honest until it is told to lie: a vendor's own interface
 * with two bulk pipes, and a mouse. SOFTDEV_SAYS has the name of the lie, and
 * is looked at for each request. With "later" before it, it waits for the host
 * to choose the configuration: the kernel sees an honest device then, and who
 * reads the device after it does not. "gone" is out of its socket. "storm"
 * leaves it and comes back, eight times: at the first request after those of
 * the kernel, then at the second, and so on, through what a probe asks for.
 */
#include <err.h>
#include <string.h>

#include "tests/vm/softdev/softdev.h"

#define BULK_IN 0x81
#define KEYS_IN 0x83
#define CONFIG_SIZE (9 + 9 + 7 + 7 + 9 + 9 + 7)
#define MOUSE_AT (9 + 9 + 7 + 7)
#define GET_DESCRIPTOR 6
#define TICK 20 /* ms between two keys */
#define STORM 8u
#define KERNEL 8u /* requests before anybody else has one */

static const uint8_t device[18] = {18, 1, U16(0x0200), 0, 0, 0, 64,
    U16(0x1209), U16(0x5a14), U16(0x0100), 1, 2, 0, 1};

static const uint8_t mouse[] = {0x05, 0x01, 0x09, 0x02, 0xa1, 0x01, 0x09,
    0x30, 0x09, 0x31, 0x15, 0x81, 0x25, 0x7f, 0x75, 0x08, 0x95, 0x02, 0x81,
    0x06, 0xc0};

static const uint8_t config[] = {
    9, 2, U16(CONFIG_SIZE), 2, 1, 0, 0x80, 50,
    9, 4, 0, 0, 2, 0xff, 0, 0, 0,
    7, 5, BULK_IN, 2, U16(512), 0,
    7, 5, 0x02, 2, U16(512), 0,
    9, 4, 1, 0, 1, 3, 0, 0, 0,
    9, 0x21, U16(0x0111), 0, 1, 0x22, U16(sizeof(mouse)),
    7, 5, KEYS_IN, 3, U16(8), 4,
};
_Static_assert(sizeof(config) == CONFIG_SIZE, "wTotalLength");

static const char *const strings[] = {"Bench", "Liar", NULL};

static unsigned reads, keys, asked, left;

static int
lies(const struct softdev *dev, const char *name)
{
	static const char later[] = "later ";
	char text[32];
	const char *said = text;

	softdev_said(text, sizeof(text));
	if (strncmp(text, later, strlen(later)) == 0) {
		if (!softdev_is_configured(dev)) {
			return 0;
		}
		said += strlen(later);
	}
	return strcmp(said, name) == 0;
}

/* What every pipe and every request answers alike. */
static int
status_now(const struct softdev *dev)
{
	static const struct {
		const char *name;
		int status;
	} table[] = {
	    {"stalls", SOFTDEV_STALL},
	    {"errors", SOFTDEV_IOERROR},
	    {"overlong", SOFTDEV_BABBLE},
	    {"silent", SOFTDEV_NEVER},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (lies(dev, table[i].name)) {
			return table[i].status;
		}
	}
	return SOFTDEV_OK;
}

static void
give(struct softdev_reply *reply, const uint8_t *p, size_t len)
{
	reply->status = SOFTDEV_OK;
	reply->len = len;
	memcpy(reply->data, p, len);
}

/* The honest answer, but for strings: the engine has those. 0: none. */
static int
honest(uint8_t type, struct softdev_reply *reply)
{
	switch (type) {
	case 1:
		give(reply, device, sizeof(device));
		return 1;
	case 2:
		give(reply, config, sizeof(config));
		return 1;
	case 0x22:
		give(reply, mouse, sizeof(mouse));
		return 1;
	}
	return 0;
}

/* A keyboard, and one that a kernel takes, where the mouse was. */
static void
be_keyboard(uint8_t type, struct softdev_reply *reply)
{
	if (type == 2) {
		memcpy(reply->data + MOUSE_AT + 5, "\3\1\1", 3);
		reply->data[MOUSE_AT + 9 + 7] = SOFTDEV_KEYBOARD_SIZE;
	} else if (type == 0x22) {
		give(reply, softdev_keyboard, SOFTDEV_KEYBOARD_SIZE);
	}
}

/* It leaves instead of an answer, later each time. */
static int
storm(struct softdev *dev)
{
	if (left == STORM || !lies(dev, "storm") || ++asked <= KERNEL + left) {
		return 0;
	}
	asked = 0;
	softdev_leave(dev);
	if (++left == STORM) {
		warnx("liar: it has left %u times", left);
	}
	return 1;
}

static int
standard(
    struct softdev *dev, const uint8_t setup[8], struct softdev_reply *reply)
{
	size_t want = setup[6] | (size_t)setup[7] << 8;

	reply->status = storm(dev) ? SOFTDEV_NEVER : status_now(dev);
	if (reply->status != SOFTDEV_OK) {
		return 1;
	}
	if (setup[1] != GET_DESCRIPTOR) {
		return 0;
	}
	if (lies(dev, "junk")) {
		reply->len = want < SOFTDEV_CONTROL ? want : SOFTDEV_CONTROL;
		memset(reply->data, 0xee, reply->len);
		return 1;
	}
	if (!honest(setup[3], reply)) {
		return 0;
	}
	if (lies(dev, "short")) {
		reply->len /= 2;
	} else if (setup[3] == 1 && lies(dev, "flips")) {
		reply->data[12] = (uint8_t)++reads;
	} else if (setup[3] == 1 && lies(dev, "two")) {
		reply->data[17] = 2;
	} else if (setup[3] == 2 && want > 9 && lies(dev, "grows")) {
		memset(reply->data + 2, 0xff, 2);
	} else if (lies(dev, "keyboard")) {
		be_keyboard(setup[3], reply);
	}
	return 1;
}

/* SET_IDLE and its kind. */
static void
control(struct softdev *dev, const uint8_t setup[8], const uint8_t *out,
    size_t len, struct softdev_reply *reply)
{
	(void)out;
	(void)len;
	reply->status = status_now(dev);
	if (reply->status == SOFTDEV_OK && (setup[0] & 0x80) != 0) {
		reply->status = SOFTDEV_STALL;
	}
}

static int
bulk(struct softdev *dev, uint8_t ep, uint8_t *data, size_t *len)
{
	int status = status_now(dev);

	if (status == SOFTDEV_OK && (ep & 0x80) != 0) {
		memset(data, 0x5a, *len);
		*len = lies(dev, "short") ? *len / 2 : *len;
	}
	return status;
}

/* It types, from when it is a keyboard, for whoever reads. */
static int
tick(struct softdev *dev)
{
	static const uint8_t down[8] = {0, 0, 4}, up[8];

	if (lies(dev, "gone")) {
		softdev_leave(dev);
		return TICK;
	}
	softdev_return(dev);
	if (lies(dev, "keyboard")) {
		keys += (unsigned)softdev_interrupt(
		    dev, KEYS_IN, down, sizeof(down));
		(void)softdev_interrupt(dev, KEYS_IN, up, sizeof(up));
	}
	return TICK;
}

static void
report(void)
{
	warnx("liar: %u keys were read", keys);
}

const struct softdev_model softdev_liar = {
    .name = "liar",
    .about = "honest until " SOFTDEV_SAYS " has the name of a lie",
    .speed = SOFTDEV_HIGH,
    .device = device,
    .config = config,
    .config_len = sizeof(config),
    .strings = strings,
    .standard = standard,
    .control = control,
    .bulk = bulk,
    .tick = tick,
    .report = report,
};
