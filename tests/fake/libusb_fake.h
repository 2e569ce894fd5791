/*
 * libusb as far as proxy/usb/libusb.c calls it, without a device: transfers
 * wait until a test ends them. Each call can fail (tests/fault/fault.h), and
 * what is not given back is counted.
 */
#ifndef TESTS_FAKE_LIBUSB_FAKE_H
#define TESTS_FAKE_LIBUSB_FAKE_H

#include <libusb-1.0/libusb.h>

struct libusb_fake {
	int contexts, handles, transfers; /* that live */
	unsigned submitted, cancelled;
	int next;    /* result of the next call that has one; 0 = as usual */
	int speed;   /* enum libusb_speed */
	int is_deaf; /* cancels lead to nothing */
	int fd;      /* the descriptor that was wrapped; -1 = none */
};

extern struct libusb_fake libusb_fake;

void libusb_fake_init(void);
/* Ends the oldest transfer in flight, in the next handling of events. 0: there
 * is none. */
int libusb_fake_end(enum libusb_transfer_status status, int actual);
/* libusb takes the device's descriptor away, as when it was unplugged. */
void libusb_fake_unplug(void);

#endif
