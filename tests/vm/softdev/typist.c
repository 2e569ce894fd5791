/*
 * A keyboard that types what it is told to, as fast as it is told to.
 * SOFTDEV_SAYS is
 *
 *	type DIGITS		those and Enter, at a person's pace
 *	burst KEYS EACH RATE	that many key-downs, EACH (up to 6) in a report,
 *				RATE a second by this program's clock
 *
 * and is followed once, as soon as it says something else than before. With
 * more than one key in a report, the next one has others in their place.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/vm/softdev/softdev.h"

#define KEYS_IN 0x81
#define SLOTS 6u /* keys in a report */
#define MAX_REPORTS 4000u
#define PACE 40000000u /* ns between the reports of a person */
#define NS 1000000000u
#define IDLE 20 /* ms */

const uint8_t softdev_keyboard[SOFTDEV_KEYBOARD_SIZE] = {0x05, 0x01, 0x09,
    0x06, 0xa1, 0x01, 0x05, 0x07, 0x19, 0xe0, 0x29, 0xe7, 0x15, 0x00, 0x25,
    0x01, 0x75, 0x01, 0x95, 0x08, 0x81, 0x02, 0x95, 0x01, 0x75, 0x08, 0x81,
    0x03, 0x95, 0x05, 0x75, 0x01, 0x05, 0x08, 0x19, 0x01, 0x29, 0x05, 0x91,
    0x02, 0x95, 0x01, 0x75, 0x03, 0x91, 0x03, 0x95, 0x06, 0x75, 0x08, 0x15,
    0x00, 0x25, 0x65, 0x05, 0x07, 0x19, 0x00, 0x29, 0x65, 0x81, 0x00, 0xc0};

static const uint8_t device[18] = {18, 1, U16(0x0200), 0, 0, 0, 64,
    U16(0x1209), U16(0x5a15), U16(0x0100), 1, 2, 3, 1};

static const uint8_t config[] = {
    9, 2, U16(34), 1, 1, 0, 0x80, 50,
    9, 4, 0, 0, 1, 3, 1, 1, 0,
    9, 0x21, U16(0x0111), 0, 1, 0x22, U16(SOFTDEV_KEYBOARD_SIZE),
    7, 5, KEYS_IN, 3, U16(8), 1,
};
_Static_assert(sizeof(config) == 34, "wTotalLength");

static const char *const strings[] = {
    "Bench", "Software keyboard", "typist-1", NULL};

/* What is to be typed. */
static struct {
	char said[64];
	uint8_t reports[MAX_REPORTS][8];
	unsigned count, sent, read, keys;
	uint64_t start, period; /* ns */
} work;

static uint8_t *
add_report(void)
{
	uint8_t *r = work.reports[work.count];

	if (work.count == MAX_REPORTS) {
		errx(1, "%s: more than this types", work.said);
	}
	work.count++;
	memset(r, 0, 8);
	return r;
}

static void
press(uint8_t usage)
{
	add_report()[2] = usage;
	(void)add_report();
	work.keys++;
}

static void
type(const char *digits)
{
	for (; *digits >= '0' && *digits <= '9'; digits++) {
		press((uint8_t)(*digits == '0' ? 39 : 29 + *digits - '0'));
	}
	press(40); /* Enter */
	work.period = PACE;
}

static void
burst(const char *text)
{
	char *end;
	unsigned long keys = strtoul(text, &end, 10);
	unsigned long each = strtoul(end, &end, 10);
	unsigned long rate = strtoul(end, &end, 10);

	if (each == 0 || each > SLOTS || rate == 0 || rate > 8000) {
		errx(1, "burst %s: KEYS EACH RATE", text);
	}
	while (each == 1 && work.keys < keys) {
		press((uint8_t)(4 + work.keys % 2));
	}
	for (; work.keys < keys; work.keys += (unsigned)each) {
		uint8_t *r = add_report();

		for (unsigned i = 0; i < each; i++) {
			r[2 + i] = (uint8_t)(4 + (work.keys + i) % (2 * each));
		}
	}
	(void)add_report(); /* all up */
	work.period = (uint64_t)NS * work.keys / rate / work.count;
}

static void
begin(void)
{
	char text[sizeof(work.said)];

	softdev_said(text, sizeof(text));
	if (strcmp(text, work.said) == 0) {
		return;
	}
	memset(&work, 0, sizeof(work));
	memcpy(work.said, text, sizeof(text));
	work.start = softdev_now();
	if (strncmp(text, "type ", 5) == 0) {
		type(text + 5);
	} else if (strncmp(text, "burst ", 6) == 0) {
		burst(text + 6);
	}
}

static void
end(void)
{
	uint64_t took = softdev_now() - work.start;

	warnx("%s: %u keys in %u reports, %u of them for a host that reads, "
	      "in %llu us: %llu keys/s",
	    work.said, work.keys, work.count, work.read,
	    (unsigned long long)(took / 1000),
	    (unsigned long long)((uint64_t)NS * work.keys / (took + 1)));
}

static int
tick(struct softdev *dev)
{
	if (work.sent == work.count) {
		begin();
	}
	while (work.sent < work.count &&
	    softdev_now() - work.start >= work.sent * work.period) {
		const uint8_t *r = work.reports[work.sent++];

		work.read += (unsigned)softdev_interrupt(dev, KEYS_IN, r, 8);
		if (work.sent == work.count) {
			end();
		}
	}
	return work.sent < work.count ? 1 : IDLE;
}

/* LEDs, SET_IDLE, SET_PROTOCOL. */
static void
control(struct softdev *dev, const uint8_t setup[8], const uint8_t *out,
    size_t len, struct softdev_reply *reply)
{
	(void)dev;
	(void)out;
	(void)len;
	reply->status = (setup[0] & 0x80) != 0 ? SOFTDEV_STALL : SOFTDEV_OK;
}

static int
standard(
    struct softdev *dev, const uint8_t setup[8], struct softdev_reply *reply)
{
	(void)dev;
	if (setup[1] != 6 || setup[3] != 0x22) {
		return 0;
	}
	reply->status = SOFTDEV_OK;
	reply->len = sizeof(softdev_keyboard);
	memcpy(reply->data, softdev_keyboard, reply->len);
	return 1;
}

const struct softdev_model softdev_typist = {
    .name = "typist",
    .about = "a keyboard that types what " SOFTDEV_SAYS " says",
    .speed = SOFTDEV_HIGH,
    .device = device,
    .config = config,
    .config_len = sizeof(config),
    .strings = strings,
    .standard = standard,
    .control = control,
    .tick = tick,
};
