/*
 * Steps of a play. Each is a byte that says which, and what it needs behind it.
 */
#include "tests/fuzz/session_play.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "tests/fake/virtual.h"
#include "tests/fault/fault.h"
#include "tests/fuzz/fuzz.h"

#define BYTES 2048u

static uint8_t bytes[BYTES];

/* Up to most bytes of the input; the rest of `bytes' is zeros. */
static uint32_t
take_bytes(struct play *play, uint32_t most)
{
	uint32_t n = rcur_u8(&play->in);

	n = n < most ? n : most;
	memset(bytes, 0, sizeof(bytes));
	rcur_copy(&play->in, bytes, n);
	return n;
}

static uint8_t
take_address(struct play *play)
{
	uint8_t v = rcur_u8(&play->in);

	/* one in 16 is anything */
	return v < 240 ? play->part->addresses[v % play->part->naddresses]
		       : rcur_u8(&play->in);
}

/* The next seqnum, or (rarely) one that was there before. */
static uint32_t
take_seqnum(struct play *play, struct play_sent sent)
{
	uint8_t v = rcur_u8(&play->in);
	uint32_t seqnum =
	    play->seqnum < PLAY_SEQNUMS - 1 ? ++play->seqnum : play->seqnum;

	if (v >= 250 && seqnum > 1) {
		seqnum -= v - 249u < seqnum ? v - 249u : 0;
	}
	play->is_wild |= play->sent[seqnum].is_live;
	sent.is_live = 1;
	play->sent[seqnum] = sent;
	return seqnum;
}

void
play_settle(struct play *play)
{
	if (play->is_deaf) {
		for (unsigned i = 0; i < 2000 && rig_turn(play->rig) != 0;
		     i++) {
		}
	} else {
		rig_settle(play->rig);
	}
	play_check(play);
}

/* ------------------------------------------------------------------------ */
/* The workstation                                                          */

static void
submit(struct play *play)
{
	uint8_t address = take_address(play);
	uint32_t flags = rcur_u8(&play->in) & 1 ? USBIP_URB_SHORT_NOT_OK : 0;
	uint32_t len = rcur_u8(&play->in);
	struct play_sent sent = {.is_in = address >> 7};
	uint32_t seqnum;

	len = len < 128 ? len : (len - 127) * 16;
	sent.length = len;
	seqnum = take_seqnum(play, sent);
	if (!sent.is_in) {
		(void)take_bytes(play, len);
	}
	if ((address & 15) == 0) {
		play->is_wild = 1; /* endpoint 0 is as its setup says */
	}
	rig_submit(play->rig, seqnum, address, flags, len, NULL,
	    sent.is_in ? NULL : bytes);
}

static void
control(struct play *play)
{
	static const uint8_t usual[][8] = {{0x80, 6, 0, 1, 0, 0, 18, 0},
	    {0x80, 6, 0, 2, 0, 0, 255, 0}, {0x80, 6, 1, 3, 9, 4, 255, 0},
	    {0x80, 6, 0, 15, 0, 0, 5, 0}, {0x80, 8, 0, 0, 0, 0, 1, 0},
	    {0x80, 0, 0, 0, 0, 0, 2, 0}, {0x00, 9, 1, 0, 0, 0, 0, 0},
	    {0x00, 9, 2, 0, 0, 0, 0, 0}, {0x00, 9, 0, 0, 0, 0, 0, 0},
	    {0x01, 11, 1, 0, 0, 0, 0, 0}, {0x01, 11, 0, 0, 0, 0, 0, 0},
	    {0x01, 11, 1, 0, 1, 0, 0, 0}, {0x02, 1, 0, 0, 0x81, 0, 0, 0},
	    {0x02, 1, 0, 0, 2, 0, 0, 0}, {0x23, 3, 4, 0, 0, 0, 0, 0},
	    {0x21, 0xff, 0, 0, 0, 0, 0, 0}, {0xa1, 0xfe, 0, 0, 0, 0, 1, 0},
	    {0x21, 0x20, 0, 0, 0, 0, 7, 0}, {0x21, 9, 0, 2, 0, 0, 1, 0},
	    {0xa1, 1, 0, 1, 0, 0, 8, 0}, {0x21, 1, 0, 1, 0, 1, 1, 0},
	    {0xc0, 5, 0, 0, 0, 0, 4, 0}, {0x40, 5, 0, 0, 0, 0, 4, 0},
	    {0x81, 6, 0, 0x22, 0, 0, 63, 0}, {0xa1, 3, 0, 0, 0, 0, 6, 0},
	    {0x21, 0x66, 0, 0, 0, 0, 0, 0}};
	uint8_t which = rcur_u8(&play->in), setup[8];
	struct play_sent sent = {0};
	uint32_t seqnum;

	if (which < 230) {
		memcpy(setup, usual[which % (sizeof(usual) / 8)], 8);
	} else {
		rcur_copy(&play->in, setup, 8);
		setup[7] &= 7; /* at most BYTES */
	}
	sent.is_in = setup[0] >> 7;
	sent.length = le16_at(setup + 6);
	seqnum = take_seqnum(play, sent);
	if (!sent.is_in) {
		(void)take_bytes(play, sent.length);
	}
	rig_control(play->rig, seqnum, setup, sent.is_in ? NULL : bytes);
}

static void
isochronous(struct play *play)
{
	uint8_t address = take_address(play);
	struct play_sent sent = {.is_in = address >> 7};
	struct usbip_iso packets[8] = {{0}};
	uint32_t at = 0, seqnum;
	uint8_t v = rcur_u8(&play->in);

	sent.npackets = 1 + v % 8;
	for (unsigned i = 0; i < sent.npackets; i++) {
		uint8_t len = rcur_u8(&play->in);

		packets[i].offset = at;
		packets[i].length = sent.packet[i] = len;
		at += len;
	}
	if (v >= 240) { /* one that lies somewhere else */
		packets[v % sent.npackets].offset += rcur_u8(&play->in);
		play->is_wild = 1;
	}
	sent.length = at;
	seqnum = take_seqnum(play, sent);
	if (!sent.is_in) {
		(void)take_bytes(play, at);
	}
	rig_submit_iso(play->rig, seqnum, address, at,
	    sent.is_in ? NULL : bytes, packets, sent.npackets);
}

static void
unlink_one(struct play *play)
{
	/* up to 7 back; one that is to come, too */
	uint32_t target = play->seqnum + 2 - rcur_u8(&play->in) % 9u;
	struct play_sent sent = {.is_unlink = 1, .length = target};

	rig_unlink(play->rig, take_seqnum(play, sent), target);
}

static void
header(struct play *play)
{
	uint8_t raw[USBIP_HEADER_SIZE] = {0};

	rcur_copy(&play->in, raw, sizeof(raw));
	raw[0] = raw[1] = raw[2] = 0;
	if (raw[11] & 1) { /* most get as far as that */
		le32_put(raw + 8, 0);
		raw[9] = 3;
		raw[11] = 7;
	}
	play->is_wild = 1;
	rig_send(play->rig, raw, sizeof(raw));
}

static void
raw(struct play *play)
{
	uint32_t n = take_bytes(play, 255);

	play->is_wild = 1;
	rig_send(play->rig, bytes, n);
}

static void
reading(struct play *play)
{
	play->is_deaf = !play->is_deaf;
}

static void
together(struct play *play)
{
	if (play->rig->corked) {
		rig_uncork(play->rig);
	} else {
		rig_cork(play->rig);
	}
}

/* ------------------------------------------------------------------------ */
/* The device                                                               */

static void
completes(struct play *play)
{
	uint8_t v = rcur_u8(&play->in);
	uint8_t address = v < 16 ? 0 : take_address(play);
	uint32_t n = take_bytes(play, 255);
	enum urb_result r = v < 200 ? URB_OK : (enum urb_result)(v % 6);

	(void)usb_sim_finish(play->rig->sim, address, r, bytes,
	    (address & 0x80) != 0 || address == 0 ? n : sizeof(bytes));
}

static void
plays(struct play *play)
{
	struct usb_sim_endpoint *ep =
	    usb_sim_ep(play->rig->sim, take_address(play));
	uint8_t v = rcur_u8(&play->in);

	/* blind is for measurements, and a loop ends only when it is fed */
	ep->part = v % 8 == USB_SIM_BLIND || v % 8 == USB_SIM_LOOP
		       ? USB_SIM_SILENT
		       : (enum usb_sim_part)(v % 8);
	ep->most = rcur_u8(&play->in);
	ep->cancel = (enum usb_sim_cancel)(v / 8 % 3);
	ep->partial = v / 24;
	ep->bad_packet = v / 64;
}

static int
answers(void *arg, const uint8_t setup[8], uint8_t *data, uint32_t *actual)
{
	struct play *play = arg;
	uint8_t v = rcur_u8(&play->in);
	uint32_t n;

	if (v < 128) {
		return USB_SIM_USUAL;
	} else if (v < 144) {
		return USB_SIM_NEVER;
	} else if (v < 160 || (setup[0] & 0x80) == 0) {
		return v % 6;
	}
	n = take_bytes(play, le16_at(setup + 6));
	memcpy(data, bytes, n);
	*actual = n;
	return URB_OK;
}

static void
trouble(struct play *play)
{
	static const int errs[] = {
	    0, ERR_BUSY, ERR_STALL, ERR_CLOSED, ERR_SYS, ERR_NOENT};
	struct usb_sim *sim = play->rig->sim;
	uint8_t v = rcur_u8(&play->in);
	int err = errs[v / 16 % 6];

	switch (v % 8) {
	case 0:
		sim->claim_err = err;
		break;
	case 1:
		sim->set_interface_err = err;
		break;
	case 2:
		sim->clear_halt_err = err;
		break;
	case 3:
		sim->reset_err = err;
		break;
	case 4:
		sim->again = v / 8;
		break;
	case 5:
		sim->control = v & 16 ? answers : NULL;
		sim->arg = play;
		break;
	case 6:
		sim->rec.device[10] ^= v & 16;
		break;
	default:
		if (v > 250) {
			usb_sim_unplug(sim);
		}
	}
}

/* ------------------------------------------------------------------------ */
/* Others, and time                                                         */

static void
warden(struct play *play)
{
	struct rig *rig = play->rig;
	uint8_t v = rcur_u8(&play->in);

	if (!play->is_attached || rig->ended) {
		return;
	}
	switch (v % 8) {
	case 0:
	case 1:
	case 2:
		/* to the last one, or to one before */
		if (rig->nasks > 0 && rig->ask.id > v / 128) {
			rig_verdict(rig, rig->ask.id - v / 128,
			    (enum ipc_say)(v / 8 % 3));
		}
		break;
	case 3:
		rig_listening(rig, v & 16);
		break;
	case 4:
		if (rig->block != NULL) {
			unsigned i = v / 8 % 2;

			rig_profiles(
			    rig, play->part->block[i], play->part->size[i]);
		}
		break;
	case 5: {
		int fds[2];

		MUST(pipe2(fds, O_CLOEXEC | O_NONBLOCK) == 0);
		rig_capture(rig, fds[1], v & 16);
		close_fd(&fds[0]);
		close_fd(&fds[1]);
		break;
	}
	case 6:
		rig_capture(rig, -1, 0);
		break;
	default:
		rig->mute_broker = v > 240;
		/* what it does not answer holds others up */
		play->has_faults |= rig->mute_broker;
		rig->config_err = v / 8 % 8 == 0 ? ERR_SYS : 0;
	}
}

static void
passes(struct play *play)
{
	static const uint64_t times[] = {CLOCK_MSEC, 10 * CLOCK_MSEC,
	    200 * CLOCK_MSEC, CLOCK_SEC, 5 * CLOCK_SEC};

	uint64_t ns = times[rcur_u8(&play->in) % 5];

	if (play->is_deaf) {
		virtual_pass(ns); /* rig_pass would read */
	} else {
		rig_pass(play->rig, ns);
	}
}

void
play_step(struct play *play)
{
	static void (*const steps[])(struct play *) = {submit, submit, submit,
	    submit, control, control, control, isochronous, unlink_one,
	    unlink_one, completes, completes, completes, completes, plays,
	    plays, trouble, warden, warden, passes, together, reading};
	uint8_t v = rcur_u8(&play->in);

	if (v >= 253) {
		(v == 253 ? raw : header)(play);
	} else {
		steps[v % (sizeof(steps) / sizeof(steps[0]))](play);
	}
	if (!play->rig->corked) {
		play_settle(play);
	}
}

/* ------------------------------------------------------------------------ */

void
play_begin(struct play *play, uint8_t flags)
{
	struct rig *rig = rig_new();

	play->rig = rig;
	rig->is_careless = 1;
	usb_sim_free(rig->sim);
	rig->rec = *play->part->rec;
	rig->sim = usb_sim_new(&rig->rec);
	MUST(rig->sim != NULL);
	rig->place.speed = rig->device_place.speed = rig->rec.speed;
	for (unsigned i = 17; i < 32; i++) {
		/* a read that is asked for again and again takes its time */
		rig->sim->endpoints[i].delay = 100 * CLOCK_MSEC;
	}
	rig->block = play->part->block[0];
	rig->block_size = play->part->size[0];
	rig->is_listening = flags & 1;
	if (flags & 2) {
		rig->limits.urbs = 2;
		rig->limits.held = 3;
		rig->limits.out_bytes = 4096;
	}
	if (flags & 4) {
		play->has_faults = 1;
		fault_seed(rcur_be32(&play->in), 8u << (flags >> 4 & 7));
	}
	rig_start(rig);
	if (flags & 8 || rig->ended) {
		play->is_wild = 1; /* no import: what comes is what it sends */
	} else {
		rig_send_import(rig, RIG_BUSID);
	}
	play_settle(play);
}

/* Nothing is in the way any more. */
void
play_clear(struct play *play)
{
	struct usb_sim *sim = play->rig->sim;

	fault_off();
	play->is_deaf = 0;
	play->rig->mute_broker = 0;
	sim->control = NULL;
	sim->again = 0;
	if (play->rig->corked) {
		rig_uncork(play->rig);
	}
	for (unsigned i = 0; i < 32; i++) {
		sim->endpoints[i].part = i < 16 ? USB_SIM_SINK : USB_SIM_SOURCE;
		while (usb_sim_finish(sim,
		    (uint8_t)((i & 15) | (i < 16 ? 0 : 0x80)), URB_OK, "", 0)) {
		}
		sim->endpoints[i].delay = CLOCK_SEC;
	}
	/* what is asked about waits for its deadline, one after the other */
	for (unsigned i = 0; i < PLAY_SEQNUMS && !play->rig->ended; i++) {
		rig_pass(play->rig, 6 * CLOCK_SEC);
		play_check(play);
		if (i > 1 && !play_is_owed(play)) {
			break;
		}
	}
	MUST(play->has_faults || play->is_wild || !play->is_attached ||
	     play->rig->ended || !play_is_owed(play));
}
