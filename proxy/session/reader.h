/*
 * Reads all that a device says of itself into a device record, by control
 * transfers through the USB seam, always with the same requests in the same
 * order. Used by the probe and, to compare, by a session. It reads and checks
 * lengths; whether the device is acceptable is devrec_check's business.
 */
#ifndef PROXY_SESSION_READER_H
#define PROXY_SESSION_READER_H

#include <stdint.h>

#include "proxy/usb/usb.h"
#include "wire/devrec.h"

struct loop;
struct reader;

enum reader_claims {
	READER_CLAIMS,	/* claims HID interfaces itself, to read reports */
	READER_CLAIMED, /* the caller holds the interfaces already */
};

struct reader_why {
	const char *rule; /* static: "R1.length" */
	char text[128];	  /* printable */
};

/* err 0: the record is complete. ERR_FORMAT: the device's answer is not one;
 * ERR_TIMEOUT; ERR_STALL: a required request; ERR_CLOSED: it is gone. May free
 * the reader. */
typedef void reader_cb(void *arg, int err, const struct reader_why *why);

struct reader_how {
	struct loop *loop; /* borrowed, as are all but speed and claims */
	const struct usb_ops *usb;
	struct usb_dev *dev;
	struct devrec *rec; /* is initialised here */
	uint8_t speed;	    /* enum usbip_speed */
	enum reader_claims claims;
	reader_cb *done; /* once, never from inside reader_new */
	void *arg;
};

/* Starts. ERR_NOMEM. */
int reader_new(struct reader **outp, const struct reader_how *how);
/* Only after done was called, or after usb close. NULL is fine. */
void reader_free(struct reader *reader);
/* The sink's done, when the URB is the reader's own: 1 if it was. */
int reader_done(struct reader *reader, struct urb *urb);

#endif
