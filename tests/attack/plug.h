/*
 * The device of the attacked gateway, as bytes: what the simulated backend
 * plays (plug.c) and what sysfs says of it (stage.c). Interface 0 is a vendor's
 * own with a pipe of each kind, which a profile lets pass whole; interface 1 is
 * a mouse.
 */
#ifndef TESTS_ATTACK_PLUG_H
#define TESTS_ATTACK_PLUG_H

#include <stddef.h>
#include <stdint.h>

#include "wire/devrec.h"

#define PLUG_VID 0x1209
#define PLUG_PID 0x5a11

enum plug_endpoint {
	PLUG_BULK_IN = 0x81,  /* a source */
	PLUG_BULK_OUT = 0x02, /* a sink */
	PLUG_INT_IN = 0x83,   /* 8 bytes, at once */
	PLUG_INT_OUT = 0x04,
	PLUG_SILENT_IN = 0x88, /* never says a thing */
	PLUG_ISO_IN = 0x85,    /* alternate 1, as the next */
	PLUG_ISO_OUT = 0x06,
	PLUG_MOUSE_IN = 0x87, /* interface 1; silent */
};

extern const uint8_t plug_device[18];
#define PLUG_CONFIG_SIZE 101
extern const uint8_t plug_config[PLUG_CONFIG_SIZE];
/* The mouse's reports. */
extern const uint8_t plug_report[];
extern const size_t plug_report_size;

/* In a session or a probe that starts while this file has "session NAME" or
 * "probe NAME", the device lies (plug_lies.c). */
#define PLUG_LIE_NAME "attack-device"
#define PLUG_LIE "/run/" PLUG_LIE_NAME
struct usb_sim;
void plug_lie(struct usb_sim *sim);

/* The whole of it; ends the program when it is not sound. */
void plug_record(struct devrec *rec);

#endif
