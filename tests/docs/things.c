/*
 * The devices, and their records.
 */
#include "tests/docs/things.h"

#include <string.h>

#include "base/log.h"
#include "tests/unit/usb_samples.h"
#include "wire/usbip.h"

/* A boot keyboard's, without lights. */
static const uint8_t report_keys[] = {0x05, 0x01, 0x09, 0x06, 0xa1, 0x01, 0x05,
	0x07, 0x19, 0xe0, 0x29, 0xe7, 0x15, 0x00, 0x25, 0x01, 0x75, 0x01, 0x95,
	0x08, 0x81, 0x02, 0x95, 0x01, 0x75, 0x08, 0x81, 0x01, 0x95, 0x06, 0x75,
	0x08, 0x15, 0x00, 0x25, 0x65, 0x05, 0x07, 0x19, 0x00, 0x29, 0x65, 0x81,
	0x00, 0xc0};

static const uint8_t config_scanner[] = {CONF(34, 1, 1),
	INTF(0, 0, 1, 3, 1, 1), HID(sizeof(report_keys)), ENDP(0x81, 3, 8, 10)};
static const uint8_t config_printer[] = {CONF(32, 1, 1),
	INTF(0, 0, 2, 7, 1, 2), ENDP(0x81, 2, 512, 0), ENDP(0x02, 2, 512, 0)};
static const uint8_t config_vendor[] = {CONF(32, 1, 1),
	INTF(0, 0, 2, 0xff, 0xff, 0xff), ENDP(0x81, 2, 512, 0),
	ENDP(0x02, 2, 512, 0)};

#define OF(config) config, sizeof(config)
const struct thing things[THINGS] = {
	{0x05e0, 0x1200, "Symbol Technologies", "Barcode Scanner", NULL,
	    USBIP_SPEED_LOW, OF(config_scanner), OF(report_keys)},
	{0x04f9, 0x209b, "Brother", "QL-800 Label Printer", "F2Z1",
	    USBIP_SPEED_HIGH, OF(config_printer), NULL, 0},
	{0x0781, 0x5581, "SanDisk", "Ultra", "4C530001", USBIP_SPEED_HIGH,
	    OF(sample_storage_hs), NULL, 0},
	{0x0483, 0x374b, "STMicroelectronics", "STM32 STLink", "066CFF49",
	    USBIP_SPEED_HIGH, OF(config_vendor), NULL, 0},
	{0x0403, 0x6014, "FTDI", "Bench 8 Console", "FT4U2S", USBIP_SPEED_HIGH,
	    OF(config_vendor), NULL, 0},
	{0x0951, 0x1666, "Kingston", "DataTraveler 3.0", "E0D55EA5",
	    USBIP_SPEED_HIGH, OF(sample_storage_hs), NULL, 0},
};

/* ASCII, as string descriptor number index. */
static int
add_text(struct devrec *rec, uint8_t index, const char *text)
{
	uint8_t buf[255] = {0, 3};
	size_t n = 2;

	for (; *text != '\0' && n + 2 <= sizeof(buf); text++) {
		buf[n++] = (uint8_t)*text;
		buf[n++] = 0;
	}
	buf[0] = (uint8_t)n;
	return devrec_add_string(rec, index, 0x0409, buf, n);
}

void
thing_record(struct devrec *rec, const struct thing *t)
{
	static const uint8_t languages[] = {4, 3, 0x09, 0x04};
	const uint8_t device[] = {18, 1, LE(0x0200), 0, 0, 0,
		t->speed == USBIP_SPEED_LOW ? 8 : 64, LE(t->vid), LE(t->pid),
		LE(0x0100), 1, 2, t->serial != NULL ? 3 : 0, 1};
	static struct desc_config scratch;
	struct desc_why why = {0};

	devrec_init(rec);
	rec->speed = t->speed;
	rec->active_config = 1;
	memcpy(rec->device, device, sizeof(device));
	if (devrec_add_config(rec, t->config, t->len) != 0 ||
	    devrec_add_string(rec, 0, 0, languages, sizeof(languages)) != 0 ||
	    add_text(rec, 1, t->maker) != 0 ||
	    add_text(rec, 2, t->product) != 0 ||
	    (t->serial != NULL && add_text(rec, 3, t->serial) != 0) ||
	    (t->report != NULL &&
		devrec_add_report(rec, 1, 0, t->report, t->report_len) != 0) ||
	    devrec_check(rec, &scratch, &why) != 0) {
		fatalx("%s: %s: %s", t->product, why.rule, why.text);
	}
}
