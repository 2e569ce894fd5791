/*
 * The floor's judgement of requests on endpoint 0: a standard request passes,
 * or is answered here, only in the exact form of USB 2.0 9.4 (USB 3.2 9.4); all
 * others are refused, since a device may look at bRequest alone. Class and
 * vendor requests pass to recipients that exist; what they mean is the
 * profiles' business.
 *
 * A vendor request's wIndex is the vendor's own: devices use it as a register
 * number even when the recipient is "interface", so it is not looked up (the
 * kernel's usbfs makes the same exception). Only of a device that is exposed in
 * part, where it may be the way to what is hidden, it must not name that.
 */
#include "proxy/session/floor.h"

#include "proxy/session/setup.h"

static enum floor_act
refuse(struct floor_why *why, const char *rule, const char *text)
{
	why->rule = rule;
	why->text = text;
	return FLOOR_REFUSE;
}

static enum floor_act
malformed(struct floor_why *why)
{
	return refuse(why, "floor.request",
	    "standard request not in its standard form");
}

static int
has_interface(const struct floor *floor, uint16_t number)
{
	return number <= 0xff &&
	    floor_interface(floor, (uint8_t)number) != NULL;
}

/* wIndex of an endpoint recipient; endpoint 0 always exists. */
static int
has_endpoint(const struct floor *floor, uint16_t address)
{
	if (address > 0xff || (address & 0x70) != 0) {
		return 0;
	}
	return (address & 0x0f) == 0 ||
	    floor_endpoint(floor, (uint8_t)address) != NULL;
}

static int
is_hidden_interface(const struct floor *floor, unsigned number)
{
	return number < DESC_MAX_INTERFACES &&
	    (floor->hidden_interfaces & UINT32_C(1) << number) != 0;
}

static int
is_hidden_endpoint(const struct floor *floor, unsigned address)
{
	unsigned index = (address & 0x0f) | (address & 0x80) >> 3;

	return (address & 0x70) == 0 &&
	    (floor->hidden_endpoints & UINT32_C(1) << index) != 0;
}

static enum floor_act
no_recipient(struct floor_why *why)
{
	return refuse(why, "floor.recipient",
	    "interface or endpoint is not in the active configuration");
}

/* ------------------------------------------------------------------------ */
/* Standard requests                                                        */

static enum floor_act
get_status(const struct floor *floor, const uint8_t setup[8],
    struct floor_why *why)
{
	uint16_t windex = setup_index(setup);

	switch (setup[0]) {
	case SETUP_IN | SETUP_DEVICE:
		return FLOOR_PASS;
	case SETUP_IN | SETUP_INTERFACE:
		return has_interface(floor, windex) ? FLOOR_PASS :
						      no_recipient(why);
	case SETUP_IN | SETUP_ENDPOINT:
		return has_endpoint(floor, windex) ? FLOOR_PASS :
						     no_recipient(why);
	}
	return malformed(why);
}

static enum floor_act
device_feature(const uint8_t setup[8], struct floor_why *why)
{
	switch (setup_value(setup)) {
	case SETUP_REMOTE_WAKEUP:
		return FLOOR_PASS;
	case SETUP_TEST_MODE:
		return refuse(why, "floor.test-mode", "TEST_MODE");
	case SETUP_U1_ENABLE:
	case SETUP_U2_ENABLE:
	case SETUP_LTM_ENABLE:
		/* the link belongs to the gateway's own host controller */
		return FLOOR_DONE;
	}
	return refuse(why, "floor.feature", "unknown device feature");
}

static enum floor_act
endpoint_feature(const struct floor *floor, const uint8_t setup[8],
    struct floor_why *why)
{
	uint16_t windex = setup_index(setup);

	if (setup_value(setup) != SETUP_ENDPOINT_HALT) {
		return refuse(
		    why, "floor.feature", "unknown endpoint feature");
	}
	if (!has_endpoint(floor, windex)) {
		return no_recipient(why);
	}
	if (setup[1] == SETUP_CLEAR_FEATURE && (windex & 0x0f) != 0) {
		return FLOOR_CLEAR_HALT;
	}
	return FLOOR_PASS;
}

/* SET_FEATURE and CLEAR_FEATURE. */
static enum floor_act
feature(const struct floor *floor, const uint8_t setup[8],
    struct floor_why *why)
{
	if (setup_length(setup) != 0) {
		return malformed(why);
	}
	switch (setup[0]) {
	case SETUP_DEVICE:
		return device_feature(setup, why);
	case SETUP_INTERFACE:
		/* USB 3: options in the high byte of wIndex */
		if (setup_value(setup) != SETUP_FUNCTION_SUSPEND) {
			return refuse(why, "floor.feature",
			    "unknown interface feature");
		}
		return has_interface(floor, setup_index(setup) & 0xff) ?
		    FLOOR_PASS :
		    no_recipient(why);
	case SETUP_ENDPOINT:
		return endpoint_feature(floor, setup, why);
	}
	return malformed(why);
}

static enum floor_act
set_configuration(const struct floor *floor, const uint8_t setup[8],
    struct floor_why *why)
{
	uint16_t value = setup_value(setup);
	size_t len;

	if (setup[0] != SETUP_DEVICE || setup_length(setup) != 0) {
		return malformed(why);
	}
	/* 0, "not configured", is a state of every device */
	if (value > 0xff ||
	    (value != 0 && devrec_config_by_value(floor->rec, (uint8_t)value,
			       &len) == NULL)) {
		return refuse(why, "floor.configuration",
		    "no such configuration in the descriptors");
	}
	return FLOOR_SET_CONFIG;
}

static enum floor_act
set_interface(const struct floor *floor, const uint8_t setup[8],
    struct floor_why *why)
{
	uint16_t value = setup_value(setup), windex = setup_index(setup);

	if (setup[0] != SETUP_INTERFACE || setup_length(setup) != 0) {
		return malformed(why);
	}
	if (value > 0xff || !has_interface(floor, windex) ||
	    desc_find_alt(&floor->config, (uint8_t)windex, (uint8_t)value) ==
		NULL) {
		return refuse(why, "floor.interface",
		    "no such alternate setting in the descriptors");
	}
	return FLOOR_SET_INTERFACE;
}

static enum floor_act
get_descriptor(const struct floor *floor, const uint8_t setup[8],
    struct floor_why *why)
{
	if (setup[0] == (SETUP_IN | SETUP_DEVICE)) {
		return FLOOR_DESCRIPTOR;
	}
	if (setup[0] == (SETUP_IN | SETUP_INTERFACE)) {
		return has_interface(floor, setup_index(setup)) ?
		    FLOOR_DESCRIPTOR :
		    no_recipient(why);
	}
	return malformed(why);
}

static enum floor_act
small_request(const struct floor *floor, const uint8_t setup[8],
    struct floor_why *why)
{
	switch (setup[1]) {
	case SETUP_GET_CONFIGURATION:
		return setup[0] == (SETUP_IN | SETUP_DEVICE) ?
		    FLOOR_GET_CONFIG :
		    malformed(why);
	case SETUP_GET_INTERFACE:
		if (setup[0] != (SETUP_IN | SETUP_INTERFACE)) {
			return malformed(why);
		}
		return has_interface(floor, setup_index(setup)) ?
		    FLOOR_GET_INTERFACE :
		    no_recipient(why);
	case SETUP_SYNCH_FRAME:
		if (setup[0] != (SETUP_IN | SETUP_ENDPOINT)) {
			return malformed(why);
		}
		return has_endpoint(floor, setup_index(setup)) ?
		    FLOOR_PASS :
		    no_recipient(why);
	case SETUP_SET_SEL:
	case SETUP_SET_ISOCH_DELAY:
		/* of the link to the workstation's own, emulated, hub */
		return setup[0] == SETUP_DEVICE ? FLOOR_DONE : malformed(why);
	}
	return refuse(why, "floor.request", "unknown standard request");
}

static enum floor_act
standard(const struct floor *floor, const uint8_t setup[8],
    struct floor_why *why)
{
	switch (setup[1]) {
	case SETUP_GET_STATUS:
		return get_status(floor, setup, why);
	case SETUP_CLEAR_FEATURE:
	case SETUP_SET_FEATURE:
		return feature(floor, setup, why);
	case SETUP_SET_ADDRESS:
		return refuse(why, "floor.set-address", "SET_ADDRESS");
	case SETUP_GET_DESCRIPTOR:
		return get_descriptor(floor, setup, why);
	case SETUP_SET_DESCRIPTOR:
		return refuse(why, "floor.set-descriptor", "SET_DESCRIPTOR");
	case SETUP_SET_CONFIGURATION:
		return set_configuration(floor, setup, why);
	case SETUP_SET_INTERFACE:
		return set_interface(floor, setup, why);
	}
	return small_request(floor, setup, why);
}

/* ------------------------------------------------------------------------ */

static int
is_printer(const struct floor *floor, uint16_t number)
{
	const struct desc_alt *alt;

	if (!has_interface(floor, number)) {
		return 0;
	}
	alt = desc_find_alt(&floor->config, (uint8_t)number, 0);
	return alt != NULL && alt->class == 7;
}

/* A printer's GET_DEVICE_ID names the interface in wIndex's high byte and an
 * alternate in its low one. */
static int
is_printer_id(const struct floor *floor, const uint8_t setup[8])
{
	return setup[0] == (SETUP_IN | SETUP_CLASS | SETUP_INTERFACE) &&
	    setup[1] == SETUP_PRINTER_GET_DEVICE_ID &&
	    is_printer(floor, setup_index(setup) >> 8);
}

static enum floor_act
class_request(const struct floor *floor, const uint8_t setup[8],
    struct floor_why *why)
{
	uint16_t windex = setup_index(setup);

	switch (setup[0] & SETUP_RECIPIENT_MASK) {
	case SETUP_DEVICE:
		return FLOOR_PASS;
	case SETUP_INTERFACE:
		if (setup[0] == (SETUP_IN | SETUP_CLASS | SETUP_INTERFACE) &&
		    setup[1] == SETUP_PRINTER_GET_DEVICE_ID &&
		    is_hidden_interface(floor, windex >> 8)) {
			return no_recipient(why);
		}
		/* high byte: an entity of the interface (audio, video) */
		return has_interface(floor, windex & 0xff) ||
			is_printer_id(floor, setup) ?
		    FLOOR_PASS :
		    no_recipient(why);
	case SETUP_ENDPOINT:
		return has_endpoint(floor, windex & 0xff) ?
		    FLOOR_PASS :
		    no_recipient(why);
	case SETUP_OTHER:
		if (setup[0] == (SETUP_CLASS | SETUP_OTHER) &&
		    setup[1] == SETUP_SET_FEATURE &&
		    setup_value(setup) == SETUP_PORT_RESET &&
		    setup_length(setup) == 0) {
			return FLOOR_RESET;
		}
		/* SOFT_RESET as Printer class 1.0 had it, and usblp has */
		if (setup[1] == SETUP_PRINTER_SOFT_RESET &&
		    is_printer(floor, windex)) {
			return FLOOR_PASS;
		}
		break;
	}
	return no_recipient(why);
}

static enum floor_act
vendor_request(const struct floor *floor, const uint8_t setup[8],
    struct floor_why *why)
{
	unsigned low = setup_index(setup) & 0xff;

	switch (setup[0] & SETUP_RECIPIENT_MASK) {
	case SETUP_INTERFACE:
		if (is_hidden_interface(floor, low)) {
			return no_recipient(why);
		}
		break;
	case SETUP_ENDPOINT:
		if (is_hidden_endpoint(floor, low)) {
			return no_recipient(why);
		}
		break;
	}
	return FLOOR_PASS;
}

enum floor_act
floor_check_setup(const struct floor *floor, const uint8_t setup[8],
    struct floor_why *why)
{
	switch (setup[0] & SETUP_TYPE_MASK) {
	case SETUP_STANDARD:
		return standard(floor, setup, why);
	case SETUP_CLASS:
		return class_request(floor, setup, why);
	case SETUP_VENDOR:
		return vendor_request(floor, setup, why);
	}
	return refuse(why, "floor.request", "reserved request type");
}
