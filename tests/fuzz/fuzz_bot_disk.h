/*
 * A disk that does not count, behind Bulk-Only Transport, and what a hostile
 * workstation sends it: for fuzz_bot.
 */
#ifndef TESTS_FUZZ_FUZZ_BOT_DISK_H
#define TESTS_FUZZ_FUZZ_BOT_DISK_H

#include "tests/fuzz/fuzz_units.h"

static uint32_t left, tag; /* data that the device waits for; its command */

static void
take(const struct fuzz_flying *f)
{
	if (left == 0) {
		MUST(f->u.length == 31 && f->was_allowed);
		tag = le32_at(f->bytes + 4);
		left = f->bytes[12] == 0 ? le32_at(f->bytes + 8) : 0;
	} else {
		left -= f->u.length < left ? f->u.length : left;
	}
}

/* The transfer that was submitted first of its endpoint comes back. */
static int
come_back(struct fuzz_units *z, uint8_t endpoint, uint8_t how)
{
	static const int32_t statuses[4] = {
		0, USBIP_EPIPE, USBIP_ECONNRESET, USBIP_EPROTO};
	struct fuzz_flying f;
	unsigned i = 0;
	struct unit *u;

	while (i < z->nflying && z->flying[i].u.endpoint != endpoint) {
		i++;
	}
	if (i == z->nflying) {
		return 0;
	}
	u = &z->flying[i].u;
	u->status = statuses[how & 3];
	u->actual = u->status == 0 ? u->length : 0;
	if (endpoint == 2 && (u->status == 0 || (how & 4) != 0)) {
		take(&z->flying[i]); /* the host may not hear of it */
	}
	if (endpoint == 0x81 && u->length >= 13 && (how & 8) != 0) {
		memcpy(u->data, "USBS", 4);
		le32_put(u->data + 4, tag);
		le32_put(u->data + 8, 0);
		u->data[12] = how >> 6;
		u->actual = u->status == 0 ? 13 : 0;
	} else if (endpoint == 0x81 && u->length > 0) {
		u->actual = rcur_u8(&z->in) % (u->length + 1);
		rcur_copy(&z->in, u->data, u->actual);
	}
	if (endpoint == 0 && u->status == 0 && u->setup[1] == 0xff) {
		left = 0;
	}
	if (fuzz_complete(z, i, &f)) {
		return 1;
	}
	if (endpoint == 0x81 && f.u.actual == 13 && f.u.status == 0 &&
	    le32_at(f.bytes + 4) == tag) {
		left = 0; /* its command is over */
	}
	return 0;
}

static int
submit(struct fuzz_units *z, uint8_t kind)
{
	struct fuzz_flying f = {.u = {.endpoint = 2, .type = XFER_BULK}};
	int over;

	rcur_copy(&z->in, f.bytes, rcur_u8(&z->in) % 32);
	f.u.length = 31;
	switch (kind) {
	case 0: /* a CBW that may be one */
		memcpy(f.bytes, "USBC", 4);
		le32_put(f.bytes + 8, f.bytes[8]);
		f.bytes[12] &= 0x80;
		f.bytes[13] &= 3;
		f.bytes[14] = 16;
		break;
	case 1:
		f.u.length = rcur_u8(&z->in) % FUZZ_BYTES;
		break;
	case 2:
		f.u.endpoint = 0x81;
		f.u.length = rcur_u8(&z->in) % FUZZ_BYTES;
		break;
	case 3:
		f.u.endpoint = 0x81;
		f.u.length = 13;
		break;
	default:
		f.u.endpoint = 0;
		f.u.type = XFER_CONTROL;
		f.u.length = 0;
		memcpy(f.u.setup, "\x21\xff", 3);
	}
	fuzz_submit(z, &f, &over);
	return over;
}

#endif
