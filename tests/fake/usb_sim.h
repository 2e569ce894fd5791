/*
 * A USB device made of memory behind the seam of proxy/usb/usb.h: it answers
 * control requests from a device record and plays a part on each endpoint
 * (source, sink, loopback, silent, broken), at a chosen speed, and can be
 * cancelled late, unplugged, or run out of memory when the test says so.
 *
 * usb_backend is the simulated one in whatever links this file; the device
 * that usb_sim_plug was last called with is what open finds.
 */
#ifndef TESTS_FAKE_USB_SIM_H
#define TESTS_FAKE_USB_SIM_H

#include <stddef.h>
#include <stdint.h>

#include "proxy/usb/usb.h"
#include "wire/devrec.h"

enum usb_sim_part {
	USB_SIM_SOURCE, /* IN: usb_sim_byte of a running offset */
	USB_SIM_SINK,	/* OUT: takes all; IN: zero bytes */
	USB_SIM_LOOP,	/* IN gives what OUT of the same number took */
	USB_SIM_BLIND,	/* takes and gives all, and touches not a byte; not
			   for isochronous */
	USB_SIM_SILENT, /* nothing ends until usb_sim_finish or cancel */
	USB_SIM_STALL,
	USB_SIM_BABBLE,
	USB_SIM_ERROR,
};

enum usb_sim_cancel {
	USB_SIM_CANCEL_CLEAN,	/* nothing moved */
	USB_SIM_CANCEL_LATE,	/* it had ended already: ends as if never
				   cancelled, with all its bytes */
	USB_SIM_CANCEL_PARTIAL, /* cancelled with `partial` bytes moved */
};

struct usb_sim_endpoint {
	enum usb_sim_part part;
	enum usb_sim_cancel cancel;
	uint64_t delay;	  /* ns from submit to end */
	uint32_t most;	  /* bytes of one transfer or packet; 0 = any */
	uint32_t partial; /* of USB_SIM_CANCEL_PARTIAL */
	uint32_t bad_packet; /* iso: every n-th packet fails; 0 = none */
	int is_halted;	  /* STALL until clear_halt */
	uint64_t moved;	  /* bytes, ever */
	uint64_t sum;	  /* of all bytes that a sink took */
	uint8_t last[64]; /* the beginning of what it took last */
	uint32_t last_len;
};

/* What a control hook says; anything else is the URB's result. */
#define USB_SIM_USUAL (-1) /* the device answers as its record says */
#define USB_SIM_NEVER (-2) /* no answer */

struct usb_sim_counts {
	unsigned opens, closes, submits, dones, cancels;
	unsigned claims, releases, set_interfaces, clear_halts, resets;
	unsigned in_flight, most_in_flight;
	uint64_t bytes_in_flight, most_bytes_in_flight;
};

struct usb_sim {
	struct devrec rec; /* what it says of itself */
	uint8_t config;	   /* active configuration */
	uint8_t alternate[DESC_MAX_INTERFACES];
	uint32_t claimed;  /* mask of interfaces */
	struct usb_sim_endpoint endpoints[32]; /* number, plus 16 for IN */
	uint64_t control_delay;
	enum usb_sim_cancel control_cancel;
	/* May fill data (length of setup) and *actual. */
	int (*control)(void *arg, const uint8_t setup[8], uint8_t *data,
	    uint32_t *actual);
	void *arg;
	uint8_t memory[4096]; /* class and vendor OUT, read back by IN */
	uint32_t memory_used;
	/* next results of calls, 0 = as usual */
	int open_err, claim_err, set_interface_err, clear_halt_err, reset_err;
	unsigned again; /* submits that find no kernel memory */
	int is_unplugged;
	struct usb_sim_counts counts;
	uint8_t setups[256][8]; /* control requests that reached it */
	unsigned nsetups;

	uint8_t loop_bytes[16][65536]; /* loopback, by endpoint number */
	uint32_t loop_used[16];
	struct usb_dev *dev; /* while open */
};

/* A device with that record, plugged in. NULL: out of memory. */
struct usb_sim *usb_sim_new(const struct devrec *rec);
void usb_sim_free(struct usb_sim *sim);
void usb_sim_plug(struct usb_sim *sim);
/* If it is set, it is called before one is opened, and may plug another one in;
 * fd stays the backend's. */
extern void (*usb_sim_on_open)(int fd);
struct usb_sim_endpoint *usb_sim_ep(struct usb_sim *sim, uint8_t address);
/* Byte number `offset` of a source. */
uint8_t usb_sim_byte(uint64_t offset);

/* Ends the oldest URB at an endpoint (0 = control) in the next turn: IN gets
 * (data, len). 0 if there is none. */
int usb_sim_finish(struct usb_sim *sim, uint8_t address,
    enum urb_result result, const void *data, size_t len);
/* It leaves: what is in flight ends with URB_GONE. */
void usb_sim_unplug(struct usb_sim *sim);

#endif
