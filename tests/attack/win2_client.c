/*
 * usbip-win2's side of a connection. Nothing of wire/ encodes or decodes here:
 * that both agree is what is tested.
 */
#include "tests/attack/win2_client.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define VERSION 0x0111u
#define HEADER 48u
#define PACKET 16u
#define DEVICE 312u
#define MAX_PACKETS 1024u
#define NOT_ISO 0xffffffffu

static void
put32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

static uint32_t
get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static int __attribute__((format(printf, 2, 3)))
drops(struct win2 *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(w->why, sizeof(w->why), fmt, ap);
	va_end(ap);
	return WS_CLOSED;
}

/* ------------------------------------------------------------------------ */
/* Lists and imports                                                        */

/* The status of a reply's head, or < 0. */
static int
hear_op(struct win2 *w, uint32_t code)
{
	uint8_t head[8];
	int r = ws_hear(&w->ws, head, sizeof(head), 2 * WS_MS);

	if (r != WS_OK) {
		return r;
	}
	if (get16(head) != VERSION || get16(head + 2) != code) {
		return drops(w, "version %x, code %x", get16(head),
		    get16(head + 2));
	}
	return (int)get32(head + 4);
}

int
win2_list(struct win2 *w, const char *busid, int *found)
{
	static const uint8_t req[8] = {0x01, 0x11, 0x80, 0x05};
	uint8_t dev[DEVICE], faces[4 * 255], count[4];
	int r = ws_say(&w->ws, req, sizeof(req), 0, WS_MS);

	*found = 0;
	r = r == WS_OK ? hear_op(w, 5) : r;
	r = r == 0 ? ws_hear(&w->ws, count, sizeof(count), WS_MS) : r;
	for (uint32_t i = 0; r == 0 && i < get32(count); i++) {
		r = ws_hear(&w->ws, dev, sizeof(dev), WS_MS);
		if (r == 0) {
			*found |= strncmp((char *)dev + 256, busid, 32) == 0;
			r = ws_hear(&w->ws, faces, 4u * dev[311], WS_MS);
		}
	}
	return r == 0 ? (int)get32(count) : r;
}

int
win2_import(struct win2 *w, const char *busid)
{
	uint8_t req[40] = {0x01, 0x11, 0x80, 0x03}, dev[DEVICE];
	int r;

	(void)snprintf((char *)req + 8, 32, "%s", busid);
	r = ws_say(&w->ws, req, sizeof(req), 0, WS_MS);
	r = r == WS_OK ? hear_op(w, 3) : r;
	r = r == 0 ? ws_hear(&w->ws, dev, sizeof(dev), WS_MS) : r;
	if (r != 0) {
		return r;
	}
	if (strncmp((char *)dev + 256, busid, 32) != 0) {
		return drops(w, "another bus id than it asked for");
	}
	w->devid = get32(dev + 288) << 16 | (get32(dev + 292) & 0xffff);
	w->speed = get32(dev + 296);
	w->vid = get16(dev + 300);
	w->pid = get16(dev + 302);
	return 0;
}

/* ------------------------------------------------------------------------ */
/* What it sends                                                            */

uint32_t
win2_seqnum(struct win2 *w, unsigned is_in)
{
	return ++w->count << 1 | is_in;
}

static unsigned
is_in(const struct win2_urb *u)
{
	return u->address >> 7;
}

static int
remember(struct win2 *w, struct win2_urb *u)
{
	for (size_t i = 0; i < WIN2_URBS; i++) {
		if (w->urbs[i] == NULL) {
			w->urbs[i] = u;
			return 0;
		}
	}
	return drops(w, "more URBs than this test has room for");
}

/* Out of what is open; NULL: not there, or not any more. */
static struct win2_urb *
take(struct win2 *w, uint32_t seqnum)
{
	for (size_t i = 0; i < WIN2_URBS; i++) {
		struct win2_urb *u = w->urbs[i];

		if (u != NULL && u->seqnum == seqnum) {
			w->urbs[i] = NULL;
			return u;
		}
	}
	return NULL;
}

/* An isochronous packet reaches to the next one, the last to the end. */
static uint32_t
packet_length(const struct win2_urb *u, uint32_t i)
{
	return (i + 1 < u->npackets ? u->offset[i + 1] : u->length) -
	    u->offset[i];
}

int
win2_submit(struct win2 *w, struct win2_urb *u)
{
	uint8_t buf[HEADER + WIN2_BYTES + WIN2_PACKETS * PACKET] = {0};
	size_t at = HEADER;

	if (u->seqnum == 0) {
		u->seqnum = win2_seqnum(w, is_in(u));
	}
	u->is_done = 0;
	put32(buf, 1);
	put32(buf + 4, u->seqnum);
	put32(buf + 8, w->devid);
	put32(buf + 12, is_in(u));
	put32(buf + 16, u->address & 15);
	put32(buf + 20, u->flags);
	put32(buf + 24, u->length);
	put32(buf + 28, u->start_frame);
	put32(buf + 32, u->npackets > 0 ? u->npackets : NOT_ISO);
	/* bInterval as Windows was told it: that of high speed */
	put32(buf + 36, 7);
	memcpy(buf + 40, u->setup, 8);
	if (!is_in(u)) {
		memcpy(buf + at, u->data, u->length);
		at += u->length;
	}
	for (uint32_t i = 0; i < u->npackets; i++, at += PACKET) {
		put32(buf + at, u->offset[i]);
		put32(buf + at + 4, packet_length(u, i));
	}
	return remember(w, u) != 0 ? WS_CLOSED
				   : ws_say(&w->ws, buf, at, 0, WS_MS);
}

int
win2_unlink(struct win2 *w, struct win2_urb *u)
{
	uint8_t buf[HEADER] = {0};

	(void)take(w, u->seqnum);
	put32(buf, 2);
	put32(buf + 4, win2_seqnum(w, 0));
	put32(buf + 8, w->devid);
	put32(buf + 20, u->seqnum);
	return ws_say(&w->ws, buf, sizeof(buf), 0, WS_MS);
}

/* ------------------------------------------------------------------------ */
/* What it takes                                                            */

/* Data without gaps, to where the packets lie: from the last to the first. */
static int
take_packets(struct win2 *w, struct win2_urb *u, const uint8_t *packets)
{
	uint32_t left = u->actual;

	for (uint32_t i = u->npackets; i-- > 0;) {
		const uint8_t *p = packets + (size_t)i * PACKET;
		uint32_t offset = get32(p), length = get32(p + 4);
		uint32_t actual = get32(p + 8);

		if (!is_in(u)) {
			u->packet[i] = actual;
			continue;
		}
		if (actual > length || actual > left) {
			return drops(w, "packet %u: %u bytes of %u, %u left", i,
			    actual, length, left);
		}
		left -= actual;
		if (actual > 0 && (offset != u->offset[i] || offset < left ||
				      offset + actual > u->length)) {
			return drops(w, "packet %u: offset %u", i, offset);
		}
		memmove(u->data + offset, u->data + left, actual);
		u->packet[i] = actual;
	}
	return is_in(u) && left > 0 ? drops(w, "packets of %u bytes less", left)
				    : 0;
}

static int
hear_payload(struct win2 *w, struct win2_urb *u, uint32_t data, uint32_t n)
{
	uint8_t packets[WIN2_PACKETS * PACKET];
	int r = 0;

	/* prepare_wsk_mdl: before a byte is read */
	if (u->actual > u->length || u->length == 0 || n != u->npackets) {
		return drops(w, "%u bytes of %u, %u packets of %u", u->actual,
		    u->length, n, u->npackets);
	}
	if (data > 0) {
		r = ws_hear(&w->ws, u->data, data, WS_MS);
	}
	if (r == 0 && n > 0) {
		r = ws_hear(&w->ws, packets, (size_t)n * PACKET, WS_MS);
		r = r == 0 ? take_packets(w, u, packets) : r;
	}
	return r;
}

/* Of a URB that was unlinked meanwhile. */
static int
drain(struct win2 *w, size_t len)
{
	uint8_t skip[256];
	int r = 0;

	w->drained++;
	for (size_t n; r == 0 && len > 0; len -= n) {
		n = len < sizeof(skip) ? len : sizeof(skip);
		r = ws_hear(&w->ws, skip, n, WS_MS);
	}
	return r;
}

int
win2_receive(struct win2 *w, int ms)
{
	uint8_t head[HEADER];
	struct win2_urb *u;
	uint32_t seqnum, data, n;
	int r = ws_hear(&w->ws, head, sizeof(head), ms);

	if (r != WS_OK) {
		return r;
	}
	seqnum = get32(head + 4);
	if (seqnum >> 1 == 0) {
		return drops(w, "seqnum %u", seqnum);
	}
	if (get32(head) == 4) {
		w->unlinked++; /* it looks at nothing more of it */
		return 0;
	}
	n = get32(head + 32) == NOT_ISO ? 0 : get32(head + 32);
	if (get32(head) != 3 || n > MAX_PACKETS) {
		return drops(w, "command %u, %u packets", get32(head), n);
	}
	data = (seqnum & 1) != 0 ? get32(head + 24) : 0;
	u = take(w, seqnum);
	if (u == NULL) {
		return drain(w, data + (size_t)n * PACKET);
	}
	u->is_done = 1;
	u->status = (int32_t)get32(head + 20);
	u->actual = get32(head + 24);
	if (u->actual > u->length) {
		return drops(w, "%u bytes of %u", u->actual, u->length);
	}
	return data + n > 0 ? hear_payload(w, u, data, n) : 0;
}

int
win2_do(struct win2 *w, struct win2_urb *u)
{
	int r = win2_submit(w, u);

	while (r == 0 && !u->is_done) {
		r = win2_receive(w, WS_MS);
	}
	return r;
}
