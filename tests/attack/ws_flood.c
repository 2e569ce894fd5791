/*
 * More than anybody needs: transfers whose answers nobody reads, requests
 * without end, unlinks by the thousand, and all the room that a session has.
 */
#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "tests/attack/attack.h"
#include "tests/attack/plug.h"
#include "tests/attack/stage.h"
#include "tests/attack/ws.h"

#define MIB (1024u * 1024u)
#define BATCH 512u
#define STUCK_MS 500 /* nothing moves any more */

static int
open_stream(struct scene *scene, struct ws *ws, const char *busid)
{
	if (ws_stream(ws, scene->attacker, busid) == WS_OK) {
		return 0;
	}
	attack_fails(scene, "no stream to attack");
	ws_close(ws, WS_ABRUPT);
	return -1;
}

/* The session goes when its peer goes, whatever it was about. */
static void
leave(struct scene *scene, struct ws *ws)
{
	uint64_t ended;

	stage_listen(scene->stage);
	ended = scene->stage->ended;
	ws_close(ws, WS_ABRUPT);
	if (stage_wait_ended(scene->stage, ended + 1, WS_MS) != 0) {
		attack_fails(scene, "its session outlives its peer");
	}
}

static unsigned
seconds(const struct scene *scene)
{
	return scene->size == ATTACK_FULL ? 5 : 1;
}

/* INs of 1 MiB, on three devices, and not one byte is read. */
static void
run_unread(struct scene *scene)
{
	static const char *const busids[] = {"3-2", "3-3", "3-4"};
	uint64_t end;
	uint8_t buf[USBIP_HEADER_SIZE];
	struct usbip_header h;
	struct ws ws[3];

	for (int i = 0; i < 3; i++) {
		if (open_stream(scene, &ws[i], busids[i]) != 0) {
			return;
		}
	}
	end = clock_mono() + seconds(scene) * CLOCK_SEC;
	for (uint32_t seqnum = 1; clock_mono() < end; seqnum++) {
		int stuck = 0;

		for (int i = 0; i < 3; i++) {
			ws_submit_header(
			    &h, &ws[i], seqnum, PLUG_BULK_IN, MIB);
			(void)usbip_encode_header(buf, &h);
			stuck += ws_say(&ws[i], buf, sizeof(buf), 0,
				     STUCK_MS / 50) != WS_OK;
			scene->tries++;
		}
		if (stuck == 3) {
			(void)poll(NULL, 0, STUCK_MS);
			break;
		}
	}
	/* a session that waits for its peer still notices that it left */
	for (int i = 0; i < 3; i++) {
		leave(scene, &ws[i]);
	}
}

const struct attack ws_unread = {"unread",
	"1 MiB at a time, and nobody reads it", FROM_WORKSTATION, 3, NULL,
	run_unread};

/* OUTs as fast as they go, and their answers are read. */
static void
run_out(struct scene *scene)
{
	uint64_t end;
	struct usbip_header h;
	struct ws ws;

	if (open_stream(scene, &ws, STAGE_VICTIM) != 0) {
		return;
	}
	end = clock_mono() + seconds(scene) * CLOCK_SEC;
	for (uint32_t seqnum = 1; clock_mono() < end; seqnum++) {
		scene->tries++;
		if (ws_submit(&ws, seqnum, PLUG_BULK_OUT, MIB) != WS_OK ||
		    ws_reply(&ws, &h, 0, WS_MS) != WS_OK) {
			attack_fails(scene, "an honest OUT is not answered");
			break;
		}
	}
	leave(scene, &ws);
}

const struct attack ws_out = {"bytes", "OUT as fast as it goes",
	FROM_WORKSTATION, 1, NULL, run_out};

/* Batches of requests that are refused, each of them a line of the log if it
 * were not bounded. */
static void
run_controls(struct scene *scene)
{
	static uint8_t buf[BATCH * USBIP_HEADER_SIZE];
	static const uint8_t set_address[8] = {0, 5, 9};
	uint64_t end;
	uint64_t before = scene->stage->refused;
	struct usbip_header h;
	uint32_t seqnum = 1;
	struct ws ws;

	if (open_stream(scene, &ws, STAGE_VICTIM) != 0) {
		return;
	}
	end = clock_mono() + seconds(scene) * CLOCK_SEC;
	while (clock_mono() < end && scene->why[0] == '\0') {
		for (uint32_t i = 0; i < BATCH; i++) {
			ws_submit_header(&h, &ws, seqnum++, 0, 0);
			memcpy(h.u.submit.setup, set_address, 8);
			(void)usbip_encode_header(
			    buf + i * USBIP_HEADER_SIZE, &h);
		}
		if (ws_say(&ws, buf, sizeof(buf), 0, WS_MS) != WS_OK) {
			attack_fails(scene, "the stream ended");
		}
		for (uint32_t i = 0; i < BATCH; i++) {
			if (ws_reply(&ws, &h, 0, WS_MS) != WS_OK ||
			    h.u.ret_submit.status >= 0) {
				attack_fails(scene, "not refused");
				break;
			}
		}
		scene->tries += BATCH;
	}
	leave(scene, &ws);
	if (scene->stage->refused - before > 200) {
		attack_fails(scene, "%llu lines in the audit log",
		    (unsigned long long)(scene->stage->refused - before));
	}
}

const struct attack ws_controls = {"requests-", "refused ones, without end",
	FROM_WORKSTATION, 1, NULL, run_controls};

/* Submit, unlink, submit, unlink, ..., with unlinks of what never was. */
static void
run_storm(struct scene *scene)
{
	static uint8_t buf[BATCH * 3 * USBIP_HEADER_SIZE];
	uint64_t end;
	struct usbip_header h, u = {.command = USBIP_CMD_UNLINK};
	uint32_t seqnum = 1000;
	struct ws ws;

	if (open_stream(scene, &ws, STAGE_VICTIM) != 0) {
		return;
	}
	end = clock_mono() + seconds(scene) * CLOCK_SEC;
	u.devid = ws.devid;
	while (clock_mono() < end && scene->why[0] == '\0') {
		uint8_t *p = buf;

		for (uint32_t i = 0; i < BATCH; i++) {
			ws_submit_header(
			    &h, &ws, seqnum, PLUG_SILENT_IN, 64);
			(void)usbip_encode_header(p, &h);
			u.u.unlink.seqnum = seqnum++;
			u.seqnum = seqnum++;
			(void)usbip_encode_header(p + USBIP_HEADER_SIZE, &u);
			u.u.unlink.seqnum = i; /* long over, or never */
			u.seqnum = seqnum++;
			(void)usbip_encode_header(
			    p + 2 * USBIP_HEADER_SIZE, &u);
			p += 3 * USBIP_HEADER_SIZE;
		}
		if (ws_say(&ws, buf, sizeof(buf), 0, WS_MS) != WS_OK) {
			attack_fails(scene, "the stream ended");
		}
		/* each submit has one answer, and so has each unlink */
		for (uint32_t i = 0; i < 2 * BATCH; i++) {
			if (ws_reply(&ws, &h, 1, WS_MS) != WS_OK) {
				attack_fails(scene, "an unlink is lost");
				break;
			}
			if (h.command != USBIP_RET_UNLINK) {
				attack_fails(scene, "a second answer");
			}
		}
		scene->tries += 2 * BATCH;
	}
	if (!ws_works(&ws, 1)) {
		attack_fails(scene, "nothing works behind it");
	}
	leave(scene, &ws);
}

const struct attack ws_storm = {"storm", "unlinks without end",
	FROM_WORKSTATION, 1, NULL, run_storm};

/* Everything that a session may hold: URBs that never end, OUT data behind
 * them. Then unlinks, which have to be read all the same. */
static void
run_held(struct scene *scene)
{
	uint32_t n, seqnum = 1;
	uint8_t buf[USBIP_HEADER_SIZE];
	struct usbip_header h;
	struct ws ws;

	if (open_stream(scene, &ws, STAGE_VICTIM) != 0) {
		return;
	}
	for (n = 0; n < 20000; n++) {
		ws_submit_header(
		    &h, &ws, seqnum, n % 2 ? PLUG_SILENT_IN : PLUG_MOUSE_IN,
		    n % 2 ? 64 * 1024 : 8);
		(void)usbip_encode_header(buf, &h);
		scene->tries++;
		if (ws_say(&ws, buf, sizeof(buf), 0, STUCK_MS) != WS_OK) {
			break;
		}
		seqnum++;
	}
	if (n < 1000) {
		attack_fails(scene, "only %u transfers may wait", n);
	}
	leave(scene, &ws);
}

const struct attack ws_held = {"held", "transfers that never end",
	FROM_WORKSTATION, 1, NULL, run_held};
