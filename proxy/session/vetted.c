/*
 * The record as a device would serve it. Runs in sallyport-session. What is not
 * in the record gets a STALL, as from a device that lacks the descriptor
 * (Microsoft OS strings, the HID report of a configuration that
 * was not active when the device was read).
 */
#include "proxy/session/vetted.h"

#include "base/err.h"
#include "proxy/session/floor.h"
#include "proxy/session/setup.h"

static const uint8_t *
device_descriptor(const struct devrec *rec, const uint8_t setup[8],
    size_t *len)
{
	uint8_t index = (uint8_t)(setup_value(setup) & 0xff);

	switch (setup_value(setup) >> 8) {
	case DESC_DEVICE:
		*len = sizeof(rec->device);
		return rec->device;
	case DESC_CONFIG:
		return devrec_config(rec, index, len);
	case DESC_STRING:
		return devrec_string(
		    rec, index, index == 0 ? 0 : setup_index(setup), len);
	case DESC_QUALIFIER:
		*len = sizeof(rec->qualifier);
		return rec->has_qualifier ? rec->qualifier : NULL;
	case DESC_OTHER_SPEED:
		return devrec_other(rec, index, len);
	case DESC_BOS:
		*len = rec->bos_length;
		return rec->bos_length > 0 ? rec->bos : NULL;
	}
	return NULL;
}

/* The HID descriptor stands among the bytes of its interface's alternate. */
static const uint8_t *
hid_descriptor(const struct floor *floor, uint8_t number, size_t *len)
{
	const struct floor_interface *iface = floor_interface(floor, number);
	const struct desc_alt *alt;
	const uint8_t *config, *p;
	size_t config_len, pos = 0, n;

	if (iface == NULL) {
		return NULL;
	}
	alt = desc_find_alt(&floor->config, number, iface->alternate);
	config = devrec_config_by_value(floor->rec, floor->value, &config_len);
	if (alt == NULL || config == NULL ||
	    (size_t)alt->offset + alt->length > config_len) {
		return NULL;
	}
	config += alt->offset;
	while (desc_next(config, alt->length, &pos, &p, &n) == 0) {
		if (n >= 2 && p[1] == DESC_HID) {
			*len = n;
			return p;
		}
	}
	return NULL;
}

static const uint8_t *
interface_descriptor(const struct floor *floor, const uint8_t setup[8],
    size_t *len)
{
	uint8_t number = (uint8_t)setup_index(setup);

	switch (setup_value(setup) >> 8) {
	case DESC_HID:
		return hid_descriptor(floor, number, len);
	case DESC_HID_REPORT:
		return devrec_report(floor->rec, floor->value, number, len);
	}
	return NULL;
}

int
vetted_descriptor(const struct floor *floor, const uint8_t setup[8],
    const uint8_t **data, size_t *len)
{
	const uint8_t *p;

	*len = 0;
	if ((setup[0] & SETUP_RECIPIENT_MASK) == SETUP_INTERFACE) {
		p = interface_descriptor(floor, setup, len);
	} else {
		p = device_descriptor(floor->rec, setup, len);
	}
	*data = p;
	return p != NULL ? 0 : ERR_STALL;
}
