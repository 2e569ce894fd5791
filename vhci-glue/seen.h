/*
 * The descriptors that the gateway has shown of one device: what OP_REP_IMPORT
 * promised and what each GET_DESCRIPTOR answered since. A device that changes
 * its face is not the one that was asked for. No I/O; bounded memory.
 */
#ifndef VHCI_GLUE_SEEN_H
#define VHCI_GLUE_SEEN_H

#include <stddef.h>
#include <stdint.h>

#include "wire/usbip.h"

/* Most bytes of configuration and BOS descriptors that are remembered; a
 * device that shows more is refused. */
#define SEEN_BYTES 65536u

struct seen;

/* imported is copied. 0 or ERR_NOMEM. */
int seen_new(struct seen **out, const struct usbip_device *imported);
/* NULL is fine. */
void seen_free(struct seen *seen);

/* Looks at the data of a control IN transfer on endpoint 0; setup and data are
 * borrowed for the call. Anything but GET_DESCRIPTOR of a device, configuration,
 * BOS or HID report descriptor passes unread. ERR_PEER with why (static) when it differs
 * from the import or from an earlier read, ERR_LIMIT with why, ERR_NOMEM. */
int seen_check(struct seen *seen, const uint8_t setup[8], const uint8_t *data,
    size_t len, const char **why);

/* What was shown so far. Borrowed until the next seen_check; NULL when it is
 * not all there: 18 bytes; the wTotalLength bytes of configuration i. */
const uint8_t *seen_device(const struct seen *seen);
const uint8_t *seen_config(const struct seen *seen, unsigned i, size_t *len);

/* The device was accepted as what it has shown. From now on configurations show
 * nothing that they have not shown yet, and a report descriptor of interface
 * number i only what hid[i] has (enum rule_hid bits); ERR_POLICY with why when it
 * has more. One that is not sound counts as all of them. */
#define SEEN_NUMBERS 256
#define SEEN_HID_ALL 15
void seen_seal(struct seen *seen, const uint8_t hid[SEEN_NUMBERS]);

#endif
