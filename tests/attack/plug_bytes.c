/*
 * The device's descriptors, and its record.
 */
#include "tests/attack/plug.h"

#include <string.h>

#include "base/log.h"

#define LE(v) (uint8_t)((v) & 0xff), (uint8_t)((v) >> 8 & 0xff)

#define REPORT_SIZE 13

const uint8_t plug_report[REPORT_SIZE] = {0x05, 0x01, 0x09, 0x02, 0xa1, 0x01,
	0x75, 0x08, 0x95, 0x08, 0x81, 0x02, 0xc0};
const size_t plug_report_size = REPORT_SIZE;

const uint8_t plug_device[18] = {18, 1, LE(0x0200), 0, 0, 0, 64, LE(PLUG_VID),
	LE(PLUG_PID), LE(0x0100), 0, 0, 0, 1};

const uint8_t plug_config[PLUG_CONFIG_SIZE] = {9, 2, LE(PLUG_CONFIG_SIZE), 2, 1,
	0, 0x80, 50,
	/* interface 0, alternate 0 */
	9, 4, 0, 0, 5, 0xff, 0, 0, 0, 7, 5, PLUG_BULK_IN, 2, LE(512), 0, 7, 5,
	PLUG_BULK_OUT, 2, LE(512), 0, 7, 5, PLUG_INT_IN, 3, LE(64), 4, 7, 5,
	PLUG_INT_OUT, 3, LE(64), 4, 7, 5, PLUG_SILENT_IN, 3, LE(64), 4,
	/* alternate 1 */
	9, 4, 0, 1, 2, 0xff, 0, 0, 0, 7, 5, PLUG_ISO_IN, 1, LE(512), 1, 7, 5,
	PLUG_ISO_OUT, 1, LE(512), 1,
	/* interface 1 */
	9, 4, 1, 0, 1, 3, 0, 0, 0, 9, 0x21, LE(0x0111), 0, 1, 0x22,
	LE(REPORT_SIZE), 7, 5, PLUG_MOUSE_IN, 3, LE(8), 4};

void
plug_record(struct devrec *rec)
{
	static struct desc_config scratch;
	struct desc_why why = {0};

	devrec_init(rec);
	rec->speed = USBIP_SPEED_HIGH;
	rec->active_config = 1;
	memcpy(rec->device, plug_device, sizeof(plug_device));
	if (devrec_add_config(rec, plug_config, sizeof(plug_config)) != 0 ||
	    devrec_add_report(rec, 1, 1, plug_report, REPORT_SIZE) != 0 ||
	    devrec_check(rec, &scratch, &why) != 0) {
		fatalx("the attacked device: %s: %s", why.rule, why.text);
	}
}
