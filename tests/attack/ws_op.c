/*
 * Before there is a device: what is no TLS, TLS of strangers, and requests that
 * are none.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "tests/attack/attack.h"
#include "tests/attack/stage.h"
#include "tests/attack/ws.h"

enum want {
	REFUSED, /* hangs up, and the audit log has the rule */
	NO_DEVICE, /* answered: there is no such device */
	LEAVES,	 /* hangs up without a word */
};

static const struct op_case {
	const char *what;
	uint16_t version, code;
	uint32_t status;
	const char *busid; /* 32 bytes of it, the rest NUL; NULL = no more */
	enum want want;
} cases[] = {
	{"version 0", 0, USBIP_OP_REQ_IMPORT, 0, "3-2", REFUSED},
	{"version 1.0.6", 0x0106, USBIP_OP_REQ_IMPORT, 0, "3-2", REFUSED},
	{"version 1.1.2", 0x0112, USBIP_OP_REQ_DEVLIST, 0, NULL, REFUSED},
	{"version swapped", 0x1101, USBIP_OP_REQ_DEVLIST, 0, NULL, REFUSED},
	{"version ffff", 0xffff, 0xffff, 0xffffffff, NULL, REFUSED},
	{"code 0", USBIP_VERSION, 0, 0, NULL, REFUSED},
	{"a reply's code", USBIP_VERSION, USBIP_OP_REP_IMPORT, 0, "3-2",
	    REFUSED},
	{"a list's reply", USBIP_VERSION, USBIP_OP_REP_DEVLIST, 0, NULL,
	    REFUSED},
	{"DEVINFO", USBIP_VERSION, 0x8002, 0, "3-2", REFUSED},
	{"CRYPKEY", USBIP_VERSION, 0x8004, 0, NULL, REFUSED},
	{"EXPORT", USBIP_VERSION, 0x8006, 0, "3-2", REFUSED},
	{"UNEXPORT", USBIP_VERSION, 0x8007, 0, "3-2", REFUSED},
	{"code ffff", USBIP_VERSION, 0xffff, 0, NULL, REFUSED},
	{"no bus id", USBIP_VERSION, USBIP_OP_REQ_IMPORT, 0, "", NO_DEVICE},
	{"a path", USBIP_VERSION, USBIP_OP_REQ_IMPORT, 0, "../../etc/passwd",
	    NO_DEVICE},
	{"a device below", USBIP_VERSION, USBIP_OP_REQ_IMPORT, 0, "3-2/ep_00",
	    NO_DEVICE},
	{"a format", USBIP_VERSION, USBIP_OP_REQ_IMPORT, 0, "%n%n%s%x",
	    NO_DEVICE},
	{"a line", USBIP_VERSION, USBIP_OP_REQ_IMPORT, 0, "3-2\n3-2",
	    NO_DEVICE},
	{"an escape", USBIP_VERSION, USBIP_OP_REQ_IMPORT, 0, "\33]0;x\7",
	    NO_DEVICE},
	{"bytes above 127", USBIP_VERSION, USBIP_OP_REQ_IMPORT, 0,
	    "\xff\xfe\x80", NO_DEVICE},
	{"the root hub", USBIP_VERSION, USBIP_OP_REQ_IMPORT, 0, "usb3",
	    NO_DEVICE},
	{"an interface", USBIP_VERSION, USBIP_OP_REQ_IMPORT, 0, "3-2:1.0",
	    NO_DEVICE},
	{"a port without a device", USBIP_VERSION, USBIP_OP_REQ_IMPORT, 0,
	    "3-99", NO_DEVICE},
	{"31 bytes", USBIP_VERSION, USBIP_OP_REQ_IMPORT, 0,
	    "3-2aaaaaaaaaaaaaaaaaaaaaaaaaaaa", NO_DEVICE},
	{"32 bytes without an end", USBIP_VERSION, USBIP_OP_REQ_IMPORT, 0,
	    "3-2aaaaaaaaaaaaaaaaaaaaaaaaaaaaa", REFUSED},
	/* Linux sends nothing there and looks at nothing there */
	{"a status where none belongs", USBIP_VERSION, USBIP_OP_REQ_IMPORT,
	    0xffffffff, "3-99", NO_DEVICE},
};

static size_t
encode(uint8_t buf[USBIP_IMPORT_REQ_SIZE], const struct op_case *c)
{
	size_t n;

	usbip_encode_op(buf, c->code, c->status);
	buf[0] = (uint8_t)(c->version >> 8);
	buf[1] = (uint8_t)c->version;
	if (c->busid == NULL) {
		return USBIP_OP_COMMON_SIZE;
	}
	n = strlen(c->busid);
	memset(buf + USBIP_OP_COMMON_SIZE, 0, USBIP_BUSID_SIZE);
	memcpy(buf + USBIP_OP_COMMON_SIZE, c->busid,
	    n < USBIP_BUSID_SIZE ? n : USBIP_BUSID_SIZE);
	return USBIP_IMPORT_REQ_SIZE;
}

/* Its session has ended, and said that rule if one is given. */
static void
expect_end(struct scene *scene, const char *what, uint64_t refused,
    uint64_t ended, const char *rule)
{
	struct stage *stage = scene->stage;

	if (stage_wait_ended(stage, ended + 1, WS_MS) != 0) {
		attack_fails(scene, "%s: its session goes on", what);
	} else if (rule != NULL && (stage->refused == refused ||
				       strcmp(stage->rule, rule) != 0)) {
		attack_fails(scene, "%s: refused by \"%s\", not by \"%s\"",
		    what, stage->refused == refused ? "nothing" : stage->rule,
		    rule);
	}
}

static void
try_case(struct scene *scene, const struct op_case *c)
{
	uint8_t buf[USBIP_IMPORT_REQ_SIZE], rep[USBIP_OP_COMMON_SIZE];
	struct usbip_op_common op = {0};
	uint64_t refused, ended;
	struct ws ws;
	size_t len = encode(buf, c);
	int r;

	stage_listen(scene->stage);
	refused = scene->stage->refused;
	ended = scene->stage->ended;
	scene->tries++;
	if (ws_open(&ws, scene->attacker, 0) != WS_OK) {
		attack_fails(scene, "%s: no connection", c->what);
		ws_close(&ws, WS_ABRUPT);
		return;
	}
	(void)ws_say(&ws, buf, len, 0, WS_MS);
	r = ws_hear(&ws, rep, sizeof(rep), WS_MS);
	if (c->want == NO_DEVICE &&
	    (r != WS_OK || usbip_decode_op(&op, rep, sizeof(rep)) != 0 ||
		op.status != USBIP_ST_NODEV)) {
		attack_fails(scene, "%s: not answered as what is not there",
		    c->what);
	}
	if (c->want == REFUSED && r != WS_CLOSED) {
		attack_fails(scene, "%s: %s", c->what,
		    r == WS_OK ? "answered" : "the stream stays open");
	}
	if (ws_hear_out(&ws, WS_MS) != WS_CLOSED) {
		attack_fails(scene, "%s: the stream stays open", c->what);
	}
	expect_end(scene, c->what, refused, ended,
	    c->want == REFUSED ? "op.request" : NULL);
	ws_close(&ws, WS_ABRUPT);
}

/* A request cut at each byte, and the end. */
static void
try_cuts(struct scene *scene)
{
	const struct op_case good = {"a cut request", USBIP_VERSION,
		USBIP_OP_REQ_IMPORT, 0, "3-2", LEAVES};
	unsigned step = scene->size == ATTACK_FULL ? 1 : 7;
	uint8_t buf[USBIP_IMPORT_REQ_SIZE];
	uint64_t ended;
	struct ws ws;

	(void)encode(buf, &good);
	for (size_t at = 0; at < sizeof(buf); at += step) {
		stage_listen(scene->stage);
		ended = scene->stage->ended;
		scene->tries++;
		if (ws_open(&ws, scene->attacker, 0) == WS_OK) {
			(void)ws_say(&ws, buf, at, 1, WS_MS);
		}
		ws_close(&ws, at % 2 == 0 ? WS_POLITE : WS_ABRUPT);
		expect_end(scene, good.what, 0, ended, NULL);
	}
}

/* URBs where the request belongs, and a second request behind the first. */
static void
try_out_of_turn(struct scene *scene)
{
	uint8_t buf[USBIP_IMPORT_REQ_SIZE + USBIP_HEADER_SIZE];
	const struct usbip_header h = {.command = USBIP_CMD_SUBMIT,
		.seqnum = 1, .devid = 3u << 16 | 12};
	uint64_t refused, ended;
	struct ws ws;

	stage_listen(scene->stage);
	refused = scene->stage->refused;
	ended = scene->stage->ended;
	scene->tries += 2;
	(void)usbip_encode_header(buf, &h);
	if (ws_open(&ws, scene->attacker, 0) == WS_OK) {
		(void)ws_say(&ws, buf, USBIP_HEADER_SIZE, 0, WS_MS);
		(void)ws_hear_out(&ws, WS_MS);
	}
	ws_close(&ws, WS_ABRUPT);
	expect_end(
	    scene, "an URB before its import", refused, ended, "op.request");

	refused = scene->stage->refused;
	ended = scene->stage->ended;
	if (ws_stream(&ws, scene->attacker, STAGE_VICTIM) == WS_OK) {
		usbip_encode_op(buf, USBIP_OP_REQ_IMPORT, 0);
		usbip_encode_busid(buf + USBIP_OP_COMMON_SIZE, "3-3");
		/* padded: a header is 48 bytes */
		memset(buf + USBIP_IMPORT_REQ_SIZE, 0, 8);
		(void)ws_say(&ws, buf, USBIP_HEADER_SIZE, 0, WS_MS);
		(void)ws_hear_out(&ws, WS_MS);
	}
	ws_close(&ws, WS_ABRUPT);
	/* those that found it busy are among them */
	stage_listen(scene->stage);
	expect_end(scene, "a second import", refused,
	    ended < scene->stage->ended ? scene->stage->ended - 1 : ended,
	    "usbip.header");
}

static void
run_op(struct scene *scene)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		try_case(scene, &cases[i]);
	}
	try_out_of_turn(scene);
	try_cuts(scene);
}

const struct attack ws_op = {"requests",
	"versions, codes, bus ids, cuts, out of turn", FROM_WORKSTATION, 0, NULL,
	run_op};

/* ------------------------------------------------------------------------ */

static const struct junk {
	const char *what;
	const char *bytes;
	size_t len;
} junk[] = {
	{"HTTP", "GET / HTTP/1.1\r\n\r\n", 18},
	{"USB/IP without TLS", "\x01\x11\x80\x05\0\0\0\0", 8},
	{"SSL 2", "\x80\x2e\x01\0\x02\0\x15\0\0\0\x10", 11},
	{"a record of 64 KiB", "\x16\x03\x03\xff\xff\x01\0\0\0", 9},
	{"a hello of 16 MiB", "\x16\x03\x03\0\x2f\x01\xff\xff\xff\x03\x03", 11},
	{"an empty record", "\x16\x03\x03\0\0", 5},
	{"application data first", "\x17\x03\x03\0\x04" "aaaa", 9},
	{"an alert", "\x15\x03\x03\0\x02\x02\x28", 7},
	{"an unknown type", "\xff\x03\x03\0\x01\xff", 6},
	{"version 9.9", "\x16\x09\x09\0\x04\x01\0\0\0", 9},
};

static void
run_tls(struct scene *scene)
{
	uint64_t ended;
	struct ws ws;

	for (size_t i = 0; i < ARRAY_LEN(junk); i++) {
		stage_listen(scene->stage);
		ended = scene->stage->ended;
		scene->tries++;
		if (ws_connect(&ws, 0) != WS_OK) {
			attack_fails(scene, "%s: no connection", junk[i].what);
			return;
		}
		(void)ws_say(&ws, junk[i].bytes, junk[i].len, 0, WS_MS);
		(void)shutdown(ws.fd, SHUT_WR);
		if (ws_hear_out(&ws, WS_MS) != WS_CLOSED) {
			attack_fails(scene, "%s: the connection stays open",
			    junk[i].what);
		}
		ws_close(&ws, WS_ABRUPT);
		expect_end(scene, junk[i].what, 0, ended, NULL);
	}
	/* a whole handshake, by somebody of another CA */
	for (int i = 0; i < 8; i++) {
		uint64_t refused;

		stage_listen(scene->stage);
		ended = scene->stage->ended;
		refused = scene->stage->refused;
		scene->tries++;
		/* with TLS 1.3 the client is done before it is judged */
		if (ws_open(&ws, scene->stranger, 0) == WS_OK &&
		    ws_import(&ws, STAGE_VICTIM) == WS_OK) {
			attack_fails(scene, "a stranger was let in");
		}
		ws_close(&ws, WS_ABRUPT);
		expect_end(scene, "a stranger", refused, ended,
		    "tls.handshake");
	}
}

const struct attack ws_tls = {"strangers",
	"no TLS, broken TLS, another CA", FROM_WORKSTATION, 0, NULL, run_tls};
