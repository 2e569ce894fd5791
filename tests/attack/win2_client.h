/*
 * What usbip-win2 says and takes, as its drivers do it (drivers/ude and
 * drivers/libdrv, 19 commits after version 0.9.7.7): headers by hand, seqnums with
 * the direction in their lowest bit, 0xffffffff packets where there are none, and
 * a reply's shape told by its seqnum. What makes that driver drop the device ends
 * a win2.
 */
#ifndef TESTS_ATTACK_WIN2_CLIENT_H
#define TESTS_ATTACK_WIN2_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "tests/attack/ws.h"

#define WIN2_URBS 64
#define WIN2_PACKETS 32
#define WIN2_BYTES 4096

/* Flags of a URB; it knows no other. */
enum { WIN2_SHORT_NOT_OK = 1, WIN2_ISO_ASAP = 2 };

struct win2_urb {
	/* of the caller */
	uint8_t address; /* 0x80 and 0 are the control endpoint's */
	uint32_t length, flags, start_frame, npackets; /* 0: not isochronous */
	uint32_t offset[WIN2_PACKETS];
	uint8_t setup[8];
	uint8_t data[WIN2_BYTES]; /* of an OUT, and what an IN brought */
	/* of the reply */
	uint32_t seqnum;
	int is_done;
	int32_t status;
	uint32_t actual;
	uint32_t packet[WIN2_PACKETS]; /* what each brought */
};

struct win2 {
	struct ws ws;
	uint32_t count; /* of seqnums so far */
	uint32_t vid, pid, speed, devid;
	struct win2_urb *urbs[WIN2_URBS]; /* borrowed until they are done */
	unsigned unlinked, drained; /* RET_UNLINKs; replies of nobody's */
	char why[256];		    /* why the driver dropped the device */
};

/* OP_REQ_DEVLIST: how many there are, or < 0; *found when busid is one. */
int win2_list(struct win2 *w, const char *busid, int *found);
/* OP_REQ_IMPORT: ST_OK and a stream, another ST_*, or < 0. */
int win2_import(struct win2 *w, const char *busid);

/* The next seqnum; is_in is 0 or 1. */
uint32_t win2_seqnum(struct win2 *w, unsigned is_in);
/* Both 0, or < 0. A submit without a seqnum gets one; an unlinked one is
 * forgotten, as its IRP is completed at once. */
int win2_submit(struct win2 *w, struct win2_urb *u);
int win2_unlink(struct win2 *w, struct win2_urb *u);
/* One reply, within ms. 0; WS_TIMEOUT; WS_CLOSED, why if it is the driver's. */
int win2_receive(struct win2 *w, int ms);
/* Submits and waits for its reply. 0 or < 0. */
int win2_do(struct win2 *w, struct win2_urb *u);

#endif
