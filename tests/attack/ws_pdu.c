/*
 * URBs that lie. Each is one header with one lie in it; what cannot be framed
 * any more has to end the connection under the name of its rule, what can be has
 * to be answered with an error, and the next request works.
 */
#include <string.h>

#include "base/mem.h"
#include "tests/attack/attack.h"
#include "tests/attack/plug.h"
#include "tests/attack/stage.h"
#include "tests/attack/ws.h"
#include "wire/cursor.h"

#define MIB (1024u * 1024u)
#define SETUP(...) {__VA_ARGS__}

enum want {
	ENDS,	  /* the stream, by that rule */
	ANSWERED, /* with an error */
	PASSES,	  /* as it is harmless */
};

static const struct pdu_case {
	const char *what;
	enum want want;
	const char *rule;
	uint32_t command, direction, ep, length, npackets, flags;
	uint8_t setup[8];
	uint32_t devid_xor;
	int alternate; /* of interface 0, that has to be set */
} cases[] = {
	{"command 0", ENDS, "usbip.header", 0, 0, 0, 0, 0, 0, {0}, 0, 0},
	{"RET_SUBMIT", ENDS, "usbip.header", 3, 0, 0, 0, 0, 0, {0}, 0, 0},
	{"RET_UNLINK", ENDS, "usbip.header", 4, 0, 0, 0, 0, 0, {0}, 0, 0},
	{"command ffffffff", ENDS, "usbip.header", 0xffffffff, 0, 0, 0, 0, 0,
	    {0}, 0, 0},
	{"command of the other byte order", ENDS, "usbip.header", 0x01000000,
	    0, 0, 0, 0, 0, {0}, 0, 0},
	{"direction 2", ENDS, "usbip.header", 1, 2, 1, 0, 0, 0, {0}, 0, 0},
	{"direction ffffffff", ENDS, "usbip.header", 1, 0xffffffff, 1, 0, 0,
	    0, {0}, 0, 0},
	{"endpoint 16", ENDS, "usbip.header", 1, 1, 16, 0, 0, 0, {0}, 0, 0},
	{"endpoint 129", ENDS, "usbip.header", 1, 1, 0x81, 0, 0, 0, {0}, 0, 0},
	{"endpoint ffffffff", ENDS, "usbip.header", 1, 1, 0xffffffff, 0, 0, 0,
	    {0}, 0, 0},
	{"another device", ENDS, "usbip.devid", 1, 1, 1, 0, 0, 0, {0}, 1, 0},
	{"device 0", ENDS, "usbip.devid", 1, 1, 1, 0, 0, 0, {0}, 3u << 16 | 12,
	    0},
	{"length -1", ENDS, "usbip.header", 1, 0, 2, 0xffffffff, 0, 0, {0}, 0,
	    0},
	{"length INT_MIN", ENDS, "usbip.header", 1, 1, 1, 0x80000000, 0, 0,
	    {0}, 0, 0},
	{"length INT_MAX", ENDS, "usbip.header", 1, 1, 1, 0x7fffffff, 0, 0,
	    {0}, 0, 0},
	{"OUT of INT_MAX", ENDS, "usbip.header", 1, 0, 2, 0x7fffffff, 0, 0,
	    {0}, 0, 0},
	{"packets on bulk", ENDS, "usbip.submit", 1, 1, 1, 512, 1, 0, {0}, 0,
	    0},
	{"packets on control", ENDS, "usbip.submit", 1, 1, 0, 0, 4, 0, {0}, 0,
	    0},
	{"80000000 packets on bulk", ENDS, "usbip.submit", 1, 1, 1, 512,
	    0x80000000, 0, {0}, 0, 0},
	{"1025 packets", ENDS, "usbip.submit", 1, 1, 5, 512, 1025, 0, {0}, 0,
	    1},
	{"7fffffff packets", ENDS, "usbip.submit", 1, 1, 5, 512, 0x7fffffff, 0,
	    {0}, 0, 1},
	{"fffffffe packets", ENDS, "usbip.submit", 1, 0, 6, 0, 0xfffffffe, 0,
	    {0}, 0, 1},

	{"isochronous without packets", ANSWERED, NULL, 1, 1, 5, 512, 0, 0,
	    {0}, 0, 1},
	{"more than the cap", ANSWERED, NULL, 1, 1, 1, 2 * MIB, 0, 0, {0}, 0,
	    0},
	{"an endpoint that is not there", ANSWERED, NULL, 1, 1, 15, 64, 0, 0,
	    {0}, 0, 0},
	{"one of another alternate", ANSWERED, NULL, 1, 1, 5, 0, 0, 0, {0}, 0,
	    0},
	{"IN of an OUT endpoint", ANSWERED, NULL, 1, 1, 2, 64, 0, 0, {0}, 0, 0},
	{"OUT of an IN endpoint", ANSWERED, NULL, 1, 0, 1, 0, 0, 0, {0}, 0, 0},
	{"wLength above length", ANSWERED, NULL, 1, 1, 0, 2, 0, 0,
	    SETUP(0x80, 0, 0, 0, 0, 0, 255, 0), 0, 0},
	{"wLength below length", ANSWERED, NULL, 1, 1, 0, 255, 0, 0,
	    SETUP(0x80, 0, 0, 0, 0, 0, 2, 0), 0, 0},
	{"OUT header, IN request", ANSWERED, NULL, 1, 0, 0, 2, 0, 0,
	    SETUP(0x80, 0, 0, 0, 0, 0, 2, 0), 0, 0},
	{"IN header, OUT request", ANSWERED, NULL, 1, 1, 0, 2, 0, 0,
	    SETUP(0, 7, 0, 1, 0, 0, 2, 0), 0, 0},
	{"a data stage of 64 KiB", ANSWERED, NULL, 1, 1, 0, 65535, 0, 0,
	    SETUP(0xc0, 1, 0, 0, 0, 0, 255, 255), 0, 0},
	{"SET_ADDRESS", ANSWERED, NULL, 1, 0, 0, 0, 0, 0, SETUP(0, 5, 9), 0, 0},
	{"SET_DESCRIPTOR", ANSWERED, NULL, 1, 0, 0, 18, 0, 0,
	    SETUP(0, 7, 0, 1, 0, 0, 18, 0), 0, 0},
	{"TEST_MODE", ANSWERED, NULL, 1, 0, 0, 0, 0, 0,
	    SETUP(0, 3, 2, 0, 0, 1), 0, 0},
	{"a configuration that is not there", ANSWERED, NULL, 1, 0, 0, 0, 0, 0,
	    SETUP(0, 9, 200), 0, 0},
	{"an alternate that is not there", ANSWERED, NULL, 1, 0, 0, 0, 0, 0,
	    SETUP(1, 11, 9), 0, 0},
	{"an interface that is not there", ANSWERED, NULL, 1, 0, 0, 0, 0, 0,
	    SETUP(1, 11, 0, 0, 77, 0), 0, 0},
	{"CLEAR_HALT of nothing", ANSWERED, NULL, 1, 0, 0, 0, 0, 0,
	    SETUP(2, 1, 0, 0, 0x8f, 0), 0, 0},
	{"a descriptor that is not there", ANSWERED, NULL, 1, 1, 0, 255, 0, 0,
	    SETUP(0x80, 6, 99, 2, 0, 0, 255, 0), 0, 0},
	{"a request type of nobody", ANSWERED, NULL, 1, 1, 0, 8, 0, 0,
	    SETUP(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 8, 0), 0, 0},

	/* flags steer nothing but what they are for */
	{"every flag", PASSES, NULL, 1, 1, 1, 512, 0, 0xffffffff, {0}, 0, 0},
	{"FREE_BUFFER and DMA_MAP_SG", PASSES, NULL, 1, 1, 1, 0, 0, 0x40100,
	    {0}, 0, 0},
	{"ffffffff packets on bulk", PASSES, NULL, 1, 1, 1, 512, 0xffffffff, 0,
	    {0}, 0, 0},
	{"a transfer of nothing", PASSES, NULL, 1, 0, 2, 0, 0, 0, {0}, 0, 0},
};

static void
put32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static void
encode(uint8_t buf[USBIP_HEADER_SIZE], const struct pdu_case *c,
    const struct ws *ws, uint32_t seqnum)
{
	memset(buf, 0, USBIP_HEADER_SIZE);
	put32(buf, c->command);
	put32(buf + 4, seqnum);
	put32(buf + 8, ws->devid ^ c->devid_xor);
	put32(buf + 12, c->direction);
	put32(buf + 16, c->ep);
	put32(buf + 20, c->flags);
	put32(buf + 24, c->length);
	put32(buf + 32, c->npackets);
	memcpy(buf + 40, c->setup, 8);
}

/* A stream that such a case needs. 0 or -1. */
static int
open_for(struct scene *scene, struct ws *ws, int alternate)
{
	scene->tries++;
	if (ws_stream(ws, scene->attacker, STAGE_VICTIM) != WS_OK ||
	    (alternate && ws_alternate(ws, 1, 1) != WS_OK)) {
		attack_fails(scene, "no stream to attack");
		ws_close(ws, WS_ABRUPT);
		return -1;
	}
	stage_listen(scene->stage);
	return 0;
}

static void
expect_rule(struct scene *scene, struct ws *ws, uint64_t ended,
    const char *what, const char *rule)
{
	if (ws_hear_out(ws, WS_MS) != WS_CLOSED) {
		attack_fails(scene, "%s: the stream goes on", what);
	} else if (stage_wait_ended(scene->stage, ended + 1, WS_MS) != 0) {
		attack_fails(scene, "%s: its session goes on", what);
	} else if (strcmp(scene->stage->rule, rule) != 0) {
		attack_fails(scene, "%s: refused by \"%s\", not by \"%s\"",
		    what, scene->stage->rule, rule);
	}
	ws_close(ws, WS_ABRUPT);
}

static void
try_end(struct scene *scene, const struct pdu_case *c)
{
	uint8_t buf[USBIP_HEADER_SIZE];
	uint64_t ended;
	struct ws ws;

	if (open_for(scene, &ws, c->alternate) != 0) {
		return;
	}
	ended = scene->stage->ended;
	encode(buf, c, &ws, 2);
	(void)ws_say(&ws, buf, sizeof(buf), 0, WS_MS);
	expect_rule(scene, &ws, ended, c->what, c->rule);
}

static void
try_answer(struct scene *scene, struct ws *ws, const struct pdu_case *c,
    uint32_t seqnum)
{
	static const uint8_t body[2 * MIB];
	struct usbip_header h;
	uint8_t buf[USBIP_HEADER_SIZE];
	int is_in = c->direction == USBIP_DIR_IN, r;

	scene->tries++;
	encode(buf, c, ws, seqnum);
	r = ws_say(ws, buf, sizeof(buf), 0, WS_MS);
	if (r == WS_OK && !is_in) {
		r = ws_say(ws, body, c->length, 0, WS_MS);
	}
	if (r == WS_OK) {
		r = ws_reply(ws, &h, is_in, WS_MS);
	}
	if (r != WS_OK || h.command != USBIP_RET_SUBMIT ||
	    h.seqnum != seqnum) {
		attack_fails(scene, "%s: %s", c->what,
		    r == WS_TIMEOUT ? "no answer" : "the stream ended");
	} else if ((h.u.ret_submit.status < 0) != (c->want == ANSWERED)) {
		attack_fails(scene, "%s: status %d", c->what,
		    h.u.ret_submit.status);
	} else if (!ws_works(ws, seqnum + 1)) {
		attack_fails(scene, "%s: nothing works behind it", c->what);
	}
}

static void
run_submit(struct scene *scene)
{
	uint32_t seqnum = 10;
	struct ws ws;

	for (int alternate = 0; alternate <= 1; alternate++) {
		if (open_for(scene, &ws, alternate) != 0) {
			return;
		}
		for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
			if (cases[i].want != ENDS &&
			    cases[i].alternate == alternate) {
				try_answer(
				    scene, &ws, &cases[i], seqnum += 2);
			}
		}
		ws_close(&ws, WS_POLITE);
	}
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (cases[i].want == ENDS) {
			try_end(scene, &cases[i]);
		}
	}
}

/* ------------------------------------------------------------------------ */
/* Isochronous packets                                                      */

static const struct iso_case {
	const char *what;
	uint32_t length, npackets;
	struct usbip_iso iso[2];
} iso_cases[] = {
	{"a packet outside", 512, 1, {{512, 1, 0, 0}}},
	{"an offset of ffffffff", 512, 1, {{0xffffffff, 1, 0, 0}}},
	{"a length of ffffffff", 512, 1, {{0, 0xffffffff, 0, 0}}},
	{"a sum that wraps", 512, 1, {{0xfffffe00, 0x300, 0, 0}}},
	{"an offset of INT_MIN", 512, 1, {{0x80000000, 1, 0, 0}}},
	{"packets of more than the buffer", 512, 2,
	    {{0, 512, 0, 0}, {0, 512, 0, 0}}},
	{"lengths that add up to 0", 512, 2,
	    {{0, 0x80000000, 0, 0}, {0, 0x80000000, 0, 0}}},
	{"a packet of a transfer of nothing", 0, 1, {{0, 1, 0, 0}}},
};

static void
try_iso(struct scene *scene, const struct iso_case *c, uint8_t address)
{
	uint8_t buf[USBIP_HEADER_SIZE + 512 + 2 * USBIP_ISO_SIZE] = {0};
	size_t at = USBIP_HEADER_SIZE;
	struct usbip_header h;
	uint64_t ended;
	struct ws ws;

	if (open_for(scene, &ws, 1) != 0) {
		return;
	}
	ended = scene->stage->ended;
	ws_submit_header(&h, &ws, 2, address, c->length);
	h.u.submit.npackets = c->npackets;
	(void)usbip_encode_header(buf, &h);
	at += (address & 0x80) != 0 ? 0 : c->length;
	for (uint32_t i = 0; i < c->npackets; i++) {
		usbip_encode_iso(buf + at, &c->iso[i]);
		at += USBIP_ISO_SIZE;
	}
	(void)ws_say(&ws, buf, at, 0, WS_MS);
	expect_rule(scene, &ws, ended, c->what, "usbip.iso");
}

static void
run_submit_and_iso(struct scene *scene)
{
	run_submit(scene);
	for (size_t i = 0; i < ARRAY_LEN(iso_cases); i++) {
		try_iso(scene, &iso_cases[i], PLUG_ISO_IN);
		if (scene->size == ATTACK_FULL) {
			try_iso(scene, &iso_cases[i], PLUG_ISO_OUT);
		}
	}
}

const struct attack ws_submit_lies = {"urbs",
	"headers, lengths, endpoints, setup and packets that lie",
	FROM_WORKSTATION, 0, NULL, run_submit_and_iso};

/* ------------------------------------------------------------------------ */
/* Seqnums                                                                  */

/* The next reply is that one. */
static int
next_is(struct ws *ws, uint32_t command, uint32_t seqnum, int32_t status)
{
	struct usbip_header h;

	return ws_reply(ws, &h, 1, WS_MS) == WS_OK && h.command == command &&
	    h.seqnum == seqnum &&
	    (command == USBIP_RET_UNLINK ? h.u.ret_unlink.status
					 : h.u.ret_submit.status) == status;
}

static void
try_honest_unlinks(struct scene *scene)
{
	struct ws ws;

	if (open_for(scene, &ws, 0) != 0) {
		return;
	}
	/* of nothing, of itself, of what is over */
	(void)ws_unlink(&ws, 10, 9);
	if (!next_is(&ws, USBIP_RET_UNLINK, 10, 0)) {
		attack_fails(scene, "unlink of nothing");
	}
	(void)ws_unlink(&ws, 11, 11);
	if (!next_is(&ws, USBIP_RET_UNLINK, 11, 0)) {
		attack_fails(scene, "unlink of itself");
	}
	if (!ws_works(&ws, 12)) {
		attack_fails(scene, "a request between unlinks");
	}
	(void)ws_unlink(&ws, 13, 12);
	if (!next_is(&ws, USBIP_RET_UNLINK, 13, 0)) {
		attack_fails(scene, "unlink of what is over");
	}
	/* one that waits: twice, and then it is gone */
	(void)ws_submit(&ws, 14, PLUG_SILENT_IN, 64);
	(void)ws_unlink(&ws, 15, 14);
	if (!next_is(&ws, USBIP_RET_UNLINK, 15, USBIP_ECONNRESET)) {
		attack_fails(scene, "unlink of one that waits");
	}
	(void)ws_unlink(&ws, 16, 14);
	if (!next_is(&ws, USBIP_RET_UNLINK, 16, 0)) {
		attack_fails(scene, "a second unlink");
	}
	/* the same seqnum again, which is free */
	(void)ws_submit(&ws, 14, PLUG_INT_IN, 8);
	if (!next_is(&ws, USBIP_RET_SUBMIT, 14, 0) || !ws_works(&ws, 17)) {
		attack_fails(scene, "a seqnum that is free again");
	}
	scene->tries += 6;
	ws_close(&ws, WS_ABRUPT);
}

static void
run_unlink(struct scene *scene)
{
	uint64_t ended;
	struct ws ws;

	try_honest_unlinks(scene);
	if (open_for(scene, &ws, 0) != 0) {
		return;
	}
	ended = scene->stage->ended;
	(void)ws_submit(&ws, 2, PLUG_SILENT_IN, 64);
	(void)ws_submit(&ws, 2, PLUG_SILENT_IN, 64);
	expect_rule(scene, &ws, ended, "a seqnum twice", "usbip.seqnum");

	if (open_for(scene, &ws, 0) != 0) {
		return;
	}
	ended = scene->stage->ended;
	(void)ws_submit(&ws, 2, PLUG_SILENT_IN, 64);
	(void)ws_unlink(&ws, 2, 2);
	expect_rule(scene, &ws, ended, "an unlink with the seqnum of a submit",
	    "usbip.unlink");
}

const struct attack ws_unlink_lies = {"unlinks",
	"unknown, own, finished, twice; seqnums in use", FROM_WORKSTATION, 0,
	NULL, run_unlink};

/* ------------------------------------------------------------------------ */
/* Pieces                                                                   */

static size_t
good_iso(uint8_t *buf, const struct ws *ws, uint32_t seqnum)
{
	const struct usbip_iso iso[2] = {{0, 40, 0, 0}, {40, 24, 0, 0}};
	struct usbip_header h;

	ws_submit_header(&h, ws, seqnum, PLUG_ISO_OUT, 64);
	h.u.submit.npackets = 2;
	(void)usbip_encode_header(buf, &h);
	memset(buf + USBIP_HEADER_SIZE, 7, 64);
	usbip_encode_iso(buf + USBIP_HEADER_SIZE + 64, &iso[0]);
	usbip_encode_iso(
	    buf + USBIP_HEADER_SIZE + 64 + USBIP_ISO_SIZE, &iso[1]);
	return USBIP_HEADER_SIZE + 64 + 2 * USBIP_ISO_SIZE;
}

/* A transfer with data and packets, cut in two records at each of its bytes,
 * and in records of one, two, ... bytes. */
static void
run_records(struct scene *scene)
{
	uint8_t buf[USBIP_HEADER_SIZE + 64 + 2 * USBIP_ISO_SIZE];
	uint8_t rep[USBIP_HEADER_SIZE + 2 * USBIP_ISO_SIZE];
	struct usbip_header h;
	uint32_t seqnum = 2;
	struct ws ws;

	if (open_for(scene, &ws, 1) != 0) {
		return;
	}
	for (size_t at = 1; at < 2 * sizeof(buf); at++, seqnum++) {
		size_t len = good_iso(buf, &ws, seqnum), cut = at % len;
		int r;

		scene->tries++;
		if (at < len) {
			r = ws_say(&ws, buf, cut, 0, WS_MS);
			r = r == WS_OK ? ws_say(&ws, buf + cut, len - cut, 0,
					     WS_MS)
				       : r;
		} else {
			r = ws_say(&ws, buf, len, cut + 1, WS_MS);
		}
		r = r == WS_OK ? ws_hear(&ws, rep, sizeof(rep), WS_MS) : r;
		if (r != WS_OK ||
		    usbip_decode_header(&h, rep, sizeof(rep)) != 0 ||
		    h.seqnum != seqnum || h.u.ret_submit.status != 0) {
			attack_fails(scene, "cut at byte %zu", at);
			break;
		}
	}
	ws_close(&ws, WS_POLITE);
}

const struct attack ws_records = {"records",
	"a transfer split at every byte", FROM_WORKSTATION, 0, NULL, run_records};

/* The end in the middle of a transfer, politely and not. */
static void
run_cut(struct scene *scene)
{
	uint8_t buf[USBIP_HEADER_SIZE + 64 + 2 * USBIP_ISO_SIZE];
	unsigned step = scene->size == ATTACK_FULL ? 5 : 24;
	struct ws ws;

	for (size_t at = 1; at < sizeof(buf); at += step) {
		uint64_t ended;

		if (open_for(scene, &ws, 1) != 0) {
			return;
		}
		ended = scene->stage->ended;
		(void)good_iso(buf, &ws, 2);
		(void)ws_submit(&ws, 3, PLUG_MOUSE_IN, 8);
		(void)ws_say(&ws, buf, at, 0, WS_MS);
		ws_close(&ws, at % 2 == 0 ? WS_POLITE : WS_ABRUPT);
		if (stage_wait_ended(scene->stage, ended + 1, WS_MS) != 0) {
			attack_fails(scene, "its session outlives byte %zu",
			    at);
		}
	}
}

const struct attack ws_cut = {"cuts", "the end in the middle of a transfer",
	FROM_WORKSTATION, 0, NULL, run_cut};
