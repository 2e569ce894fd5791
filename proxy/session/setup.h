/*
 * Names for the parts of a control request (USB 2.0 9.3, 9.4).
 */
#ifndef PROXY_SESSION_SETUP_H
#define PROXY_SESSION_SETUP_H

#include <stdint.h>

#include "wire/cursor.h"

enum setup_type {
	SETUP_STANDARD = 0x00,
	SETUP_CLASS = 0x20,
	SETUP_VENDOR = 0x40,
	SETUP_TYPE_MASK = 0x60,
};

enum setup_recipient {
	SETUP_DEVICE = 0,
	SETUP_INTERFACE = 1,
	SETUP_ENDPOINT = 2,
	SETUP_OTHER = 3,
	SETUP_RECIPIENT_MASK = 0x1f,
};

#define SETUP_IN 0x80

enum setup_request {
	SETUP_GET_STATUS = 0,
	SETUP_CLEAR_FEATURE = 1,
	SETUP_SET_FEATURE = 3,
	SETUP_SET_ADDRESS = 5,
	SETUP_GET_DESCRIPTOR = 6,
	SETUP_SET_DESCRIPTOR = 7,
	SETUP_GET_CONFIGURATION = 8,
	SETUP_SET_CONFIGURATION = 9,
	SETUP_GET_INTERFACE = 10,
	SETUP_SET_INTERFACE = 11,
	SETUP_SYNCH_FRAME = 12,
	SETUP_SET_SEL = 48,
	SETUP_SET_ISOCH_DELAY = 49,
};

enum setup_feature {
	SETUP_ENDPOINT_HALT = 0,      /* endpoint */
	SETUP_FUNCTION_SUSPEND = 0,   /* interface, USB 3 */
	SETUP_REMOTE_WAKEUP = 1,      /* device */
	SETUP_TEST_MODE = 2,	      /* device */
	SETUP_U1_ENABLE = 48,	      /* device, USB 3 */
	SETUP_U2_ENABLE = 49,
	SETUP_LTM_ENABLE = 50,
	SETUP_PORT_RESET = 4, /* class request to a hub's port */
};

/* Class request of printers whose wIndex has the interface in its high byte
 * (Printer class 1.1, 4.2.1). */
#define SETUP_PRINTER_GET_DEVICE_ID 0
#define SETUP_PRINTER_SOFT_RESET 2

static inline uint16_t
setup_value(const uint8_t setup[8])
{
	return le16_at(setup + 2);
}

static inline uint16_t
setup_index(const uint8_t setup[8])
{
	return le16_at(setup + 4);
}

static inline uint16_t
setup_length(const uint8_t setup[8])
{
	return le16_at(setup + 6);
}

#endif
