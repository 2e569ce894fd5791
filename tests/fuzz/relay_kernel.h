/*
 * For fuzz_relay: vhci_hcd as a relay sees it, and a gateway that knows what
 * was submitted and bends it.
 */
#ifndef TESTS_FUZZ_RELAY_KERNEL_H
#define TESTS_FUZZ_RELAY_KERNEL_H

#include <string.h>
#include <sys/socket.h>

#include "base/loop.h"
#include "tests/fuzz/fuzz.h"
#include "wire/cursor.h"
#include "wire/usbip.h"

#define KERNEL_SUBMITS 64u
#define KERNEL_PACKETS 4u

struct kernel_urb {
	uint8_t is_live, is_unlink, is_in, is_iso;
	uint32_t length; /* of an unlink: its target */
	struct usbip_iso packets[KERNEL_PACKETS];
	uint32_t npackets;
};

struct relay_kernel {
	struct rcur in;
	int fd, gateway;
	struct loop *loop;
	uint32_t seqnum;
	struct kernel_urb urbs[KERNEL_SUBMITS];
	uint8_t got[256 * 1024];
	size_t ngot;
};

static void
kernel_drop(struct relay_kernel *k, size_t n)
{
	k->ngot -= n;
	memmove(k->got, k->got + n, k->ngot);
}

static int
kernel_take(struct relay_kernel *k)
{
	struct usbip_header h;
	struct kernel_urb *u;
	uint32_t actual, sum = 0;
	size_t need = USBIP_HEADER_SIZE;

	if (k->ngot < need) {
		return 0;
	}
	MUST(usbip_decode_header(&h, k->got, k->ngot) == 0);
	MUST(h.seqnum > 0 && h.seqnum <= k->seqnum);
	u = &k->urbs[h.seqnum];
	MUST(u->is_live);
	if (h.command == USBIP_RET_UNLINK) {
		MUST(u->is_unlink);
		u->is_live = 0;
		kernel_drop(k, need);
		return 1;
	}
	MUST(h.command == USBIP_RET_SUBMIT && !u->is_unlink);
	actual = h.u.ret_submit.actual_length;
	MUST(actual <= u->length);
	/* as vhci_hcd counts them; what it made up itself has none */
	MUST(h.u.ret_submit.npackets == u->npackets ||
	     h.u.ret_submit.npackets == 0);
	need += (u->is_in ? actual : 0) +
		(size_t)h.u.ret_submit.npackets * USBIP_ISO_SIZE;
	if (k->ngot < need) {
		return 0;
	}
	for (uint32_t i = 0; i < h.u.ret_submit.npackets; i++) {
		struct usbip_iso iso;

		usbip_decode_iso(&iso,
		    k->got + need -
			(size_t)(h.u.ret_submit.npackets - i) * USBIP_ISO_SIZE,
		    USBIP_ISO_SIZE);
		MUST(iso.offset == u->packets[i].offset);
		MUST(iso.length == u->packets[i].length);
		MUST(iso.actual_length <= iso.length);
		sum += iso.actual_length;
	}
	MUST(h.u.ret_submit.npackets == 0 || sum == actual);
	u->is_live = 0;
	kernel_drop(k, need);
	return 1;
}

static inline void
relay_kernel_turn(struct relay_kernel *k)
{
	static uint8_t lost[65536];

	for (unsigned i = 0; i < 6; i++) {
		ssize_t n;

		loop_once(k->loop, LOOP_NOWAIT);
		n = recv(k->fd, k->got + k->ngot, sizeof(k->got) - k->ngot,
		    MSG_DONTWAIT);
		k->ngot += n > 0 ? (size_t)n : 0;
		while (kernel_take(k)) {
		}
		while (k->gateway != -1 &&
		       recv(k->gateway, lost, sizeof(lost), MSG_DONTWAIT) > 0) {
		}
	}
}

static void
kernel_submits(struct relay_kernel *k, int is_iso)
{
	struct usbip_header h = {
	    .command = USBIP_CMD_SUBMIT, .devid = 3u << 16 | 7u};
	uint8_t raw[USBIP_HEADER_SIZE], body[4096] = {0}, v = rcur_u8(&k->in);
	struct kernel_urb u = {.is_live = 1, .is_in = v & 1};
	size_t n = 0;

	if (k->seqnum + 1 >= KERNEL_SUBMITS) {
		return;
	}
	h.seqnum = ++k->seqnum;
	h.direction = u.is_in;
	h.ep = v >> 1 & 3;
	h.u.submit.npackets = is_iso ? 1 + (v >> 3) % KERNEL_PACKETS : 0;
	u.length = (uint32_t)rcur_u8(&k->in) * 4;
	if (h.ep == 0 && !is_iso) {
		/* a descriptor, most times: what seen.c looks at */
		const uint8_t setup[8] = {u.is_in ? 0x80 : 0, v & 0x80 ? 6 : 9,
		    v >> 3 & 1, 1 + (v >> 4) % 3, 0, 0, (uint8_t)u.length,
		    (uint8_t)(u.length >> 8)};

		memcpy(h.u.submit.setup, setup, sizeof(setup));
	}
	u.npackets = h.u.submit.npackets;
	for (uint32_t i = 0, at = 0; i < u.npackets; i++) {
		u.packets[i].offset = at;
		u.packets[i].length = u.length / u.npackets;
		at += u.packets[i].length;
	}
	h.u.submit.length = u.length;
	k->urbs[h.seqnum] = u;
	MUST(usbip_encode_header(raw, &h) == 0);
	n = u.is_in ? 0 : u.length;
	for (uint32_t i = 0; i < u.npackets; i++) {
		usbip_encode_iso(body + n, &u.packets[i]);
		n += USBIP_ISO_SIZE;
	}
	(void)send(k->fd, raw, sizeof(raw), MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)send(k->fd, body, n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void
kernel_unlinks(struct relay_kernel *k)
{
	struct usbip_header h = {
	    .command = USBIP_CMD_UNLINK, .devid = 3u << 16 | 7u};
	uint8_t raw[USBIP_HEADER_SIZE];

	if (k->seqnum + 1 >= KERNEL_SUBMITS || k->seqnum == 0) {
		return;
	}
	h.u.unlink.seqnum = 1 + rcur_u8(&k->in) % k->seqnum;
	h.seqnum = ++k->seqnum;
	k->urbs[h.seqnum] = (struct kernel_urb){
	    .is_live = 1, .is_unlink = 1, .length = h.u.unlink.seqnum};
	MUST(usbip_encode_header(raw, &h) == 0);
	(void)send(k->fd, raw, sizeof(raw), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* The right answer to one of them, with some of its numbers bent. */
static void
gateway_answers(struct relay_kernel *k)
{
	uint32_t seqnum = 1 + rcur_u8(&k->in) % (k->seqnum + 1);
	const struct kernel_urb *u = &k->urbs[seqnum % KERNEL_SUBMITS];
	uint8_t bend = rcur_u8(&k->in), data[8192] = {0};
	struct usbip_header h = {.seqnum = seqnum};
	size_t n = USBIP_HEADER_SIZE, fill;
	uint32_t actual = bend & 1 ? u->length : u->length / 2;

	h.command = u->is_unlink ? USBIP_RET_UNLINK : USBIP_RET_SUBMIT;
	if (bend & 2) {
		actual = rcur_u8(&k->in) * 8u;
	}
	if (u->is_unlink) {
		h.u.ret_unlink.status = bend & 4 ? USBIP_ECONNRESET : 0;
	} else {
		h.u.ret_submit.status =
		    bend & 4 ? -(int32_t)rcur_u8(&k->in) : 0;
		h.u.ret_submit.actual_length = actual;
		h.u.ret_submit.npackets = u->npackets;
		if (bend & 8) {
			h.u.ret_submit.npackets = rcur_u8(&k->in) % 9;
		}
	}
	MUST(usbip_encode_header(data, &h) == 0);
	if (!u->is_unlink && u->is_in) {
		fill = rcur_u8(&k->in);
		rcur_copy(&k->in, data + n, fill);
		n += actual < 4096 ? actual : 4096;
	}
	for (uint32_t i = 0; !u->is_unlink && i < h.u.ret_submit.npackets;
	     i++) {
		struct usbip_iso iso = u->packets[i % KERNEL_PACKETS];

		iso.actual_length = actual / h.u.ret_submit.npackets;
		if (bend & 16) { /* what harms a kernel that believes it */
			iso.offset = rcur_be32(&k->in);
			iso.length = rcur_u8(&k->in);
			iso.actual_length = rcur_be32(&k->in);
			iso.status = rcur_be32(&k->in);
		}
		usbip_encode_iso(data + n, &iso);
		n += USBIP_ISO_SIZE;
	}
	if (bend & 32) {
		data[rcur_u8(&k->in) % USBIP_HEADER_SIZE] ^= bend;
	}
	if (bend & 64) {
		n = rcur_u8(&k->in) < n ? n - 1 : n;
	}
	(void)send(k->gateway, data, n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static inline void
relay_kernel_step(struct relay_kernel *k)
{
	switch (rcur_u8(&k->in) % 8) {
	case 0:
	case 1:
		kernel_submits(k, 0);
		break;
	case 2:
		kernel_submits(k, 1);
		break;
	case 3:
		kernel_unlinks(k);
		break;
	default:
		gateway_answers(k);
	}
	relay_kernel_turn(k);
}

#endif
