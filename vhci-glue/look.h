/*
 * The relay's own look at a device that was imported, before the kernel may see
 * it: device descriptor, every configuration, and what rules may ask for. Works
 * on any stream and waits, up to a deadline. Judges nothing; what it read stands
 * in a struct seen, with which everything is compared that the kernel reads.
 */
#ifndef VHCI_GLUE_LOOK_H
#define VHCI_GLUE_LOOK_H

#include <stdint.h>

#include "base/stream.h"
#include "vhci-glue/seen.h"
#include "wire/ipc.h"

#define LOOK_TEXT 512 /* longest UTF-8 of a string descriptor fits */
#define LOOK_REPORT 4096u /* Linux HID_MAX_DESCRIPTOR_SIZE */

struct look {
	/* By interface number, of the active configuration: enum rule_hid bits
	 * of its report descriptor, 0 = it has none, was not read or is not
	 * sound. */
	uint8_t hid[SEEN_NUMBERS];
	char product[LOOK_TEXT], manufacturer[LOOK_TEXT], serial[LOOK_TEXT];
};

/* Which of it is needed: rules may name texts. */
enum look_what { LOOK_DESCRIPTORS, LOOK_TEXTS };

/* 0, or -1 with *done filled. After 0 seen has the device descriptor and all
 * configurations whole; texts that a device does not give are "". */
int look_at(struct look *out, struct seen *seen, struct stream *stream,
    uint64_t deadline, const struct usbip_device *dev, enum look_what what,
    struct ipc_relay_done *done);

#endif
