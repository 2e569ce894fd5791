/*
 * Devices that lie to the gateway while it runs: to the session, which reads
 * them again at each import; to the probe that reads them after each reset; and
 * with what their pipes answer. Each lie is a name of plug_lies.c.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tests/attack/attack.h"
#include "tests/attack/plug.h"
#include "tests/attack/stage.h"
#include "tests/attack/ws.h"

#define SETTLE_MS 30000 /* a probe is tried again, later each time */

/* What whoever starts next says: "session NAME", "probe NAME" or "". */
static void
lie(const char *to, const char *name)
{
	stage_text("/run", PLUG_LIE_NAME, "%s%s%s", to,
	    to[0] != '\0' ? " " : "", name);
}

/* Until the audit log says so: it was refused, or found changed. */
static int
wait_noticed(struct stage *stage, uint64_t before)
{
	for (int ms = 0; ms < SETTLE_MS; ms += 20) {
		stage_listen(stage);
		if (stage->refused + stage->changed > before) {
			return 0;
		}
		(void)poll(NULL, 0, 20);
	}
	return -1;
}

/* ------------------------------------------------------------------------ */
/* To the session                                                           */

static void
try_face(struct scene *scene, const char *name)
{
	uint64_t before = 0;
	struct ws ws;
	int r = WS_TIMEOUT;

	scene->tries++;
	/* until nobody else has it */
	if (ws_stream(&ws, scene->attacker, STAGE_VICTIM) != WS_OK) {
		attack_fails(scene, "%s: not free before", name);
	}
	ws_close(&ws, WS_POLITE);
	for (int i = 0; i < 200; i++) {
		stage_listen(scene->stage);
		before = scene->stage->refused + scene->stage->changed;
		lie("session", name);
		r = ws_open(&ws, scene->attacker, 0);
		r = r == WS_OK ? ws_import(&ws, STAGE_VICTIM) : r;
		lie("", "");
		if (r != USBIP_ST_DEV_BUSY) {
			break;
		}
		ws_close(&ws, WS_POLITE);
		(void)poll(NULL, 0, 20);
	}
	if (r == WS_OK || r == USBIP_ST_DEV_BUSY || r == WS_TIMEOUT) {
		attack_fails(scene, "%s: %s", name,
		    r == WS_OK ? "imported" : "no answer");
	}
	(void)ws_hear_out(&ws, WS_MS);
	ws_close(&ws, WS_ABRUPT);
	if (wait_noticed(scene->stage, before) != 0) {
		attack_fails(scene, "%s: nothing in the audit log", name);
	}
}

static void
run_faces(struct scene *scene)
{
	static const char *const names[] = {"another", "keyboard", "keys",
		"two", "hub", "double", "grows", "short", "empty", "junk",
		"flips", "stalls", "babbles", "fails", "leaves"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		try_face(scene, names[i]);
	}
}

const struct attack dev_faces = {"dev-faces",
	"descriptors that change after the probe read them", FROM_DEVICE, 0,
	NULL, run_faces};

/* ------------------------------------------------------------------------ */
/* To the probe, after a reset                                              */

static void
try_reset(struct scene *scene, unsigned number, const char *name)
{
	uint64_t before;
	char busid[16];
	struct ws ws;
	int r;

	(void)snprintf(busid, sizeof(busid), "3-%u", number);
	scene->tries++;
	if (ws_stream(&ws, scene->attacker, busid) != WS_OK ||
	    !ws_works(&ws, 1)) {
		attack_fails(scene, "%s: no device before", name);
	}
	stage_listen(scene->stage);
	before = scene->stage->refused + scene->stage->changed;
	lie("probe", name);
	ws_close(&ws, WS_POLITE);
	if (wait_noticed(scene->stage, before) != 0) {
		attack_fails(scene, "%s: nobody notices", name);
	}
	lie("", "");
	r = ws_open(&ws, scene->attacker, 0);
	r = r == WS_OK ? ws_import(&ws, busid) : r;
	if (r != USBIP_ST_NODEV) {
		attack_fails(scene, "%s: answered with %d, not as what is not "
				    "there", name, r);
	}
	ws_close(&ws, WS_POLITE);
}

/* They are not to be had again until they are plugged in anew, so each has a
 * device of its own. */
static void
run_resets(struct scene *scene)
{
	static const char *const names[STAGE_SPENT] = {"keyboard", "two",
		"empty", "double", "grows", "short", "junk", "stalls"};

	for (unsigned i = 0; i < STAGE_SPENT; i++) {
		try_reset(scene, STAGE_DEVICES + 1 + i, names[i]);
	}
}

const struct attack dev_resets = {"dev-resets",
	"another device behind a reset, a keyboard among them", FROM_DEVICE, 0,
	NULL, run_resets};

/* ------------------------------------------------------------------------ */
/* Pipes                                                                    */

static void
try_pipes(struct scene *scene, const char *name, int32_t status)
{
	static const uint8_t pipes[] = {PLUG_BULK_IN, PLUG_INT_IN,
		PLUG_BULK_OUT, PLUG_INT_OUT};
	unsigned rounds = scene->size == ATTACK_FULL ? 200 : 10;
	struct usbip_header h = {0};
	struct ws ws;
	uint32_t seq = 1;

	lie("session", name);
	if (ws_stream(&ws, scene->attacker, STAGE_VICTIM) != WS_OK) {
		attack_fails(scene, "%s: no device", name);
	}
	lie("", "");
	for (unsigned i = 0; i < rounds && scene->why[0] == '\0'; i++) {
		uint8_t ep = pipes[i % ARRAY_LEN(pipes)];

		scene->tries++;
		if (ws_submit(&ws, seq, ep, 64) != WS_OK ||
		    ws_reply(&ws, &h, ep >> 7, WS_MS) != WS_OK ||
		    h.seqnum != seq || h.u.ret_submit.status != status ||
		    h.u.ret_submit.actual_length > 64) {
			attack_fails(scene, "%s: pipe %02x: status %d, not %d",
			    name, ep, h.u.ret_submit.status, status);
		}
		seq++;
	}
	if (!ws_works(&ws, seq)) {
		attack_fails(scene, "%s: control does not go on", name);
	}
	ws_close(&ws, WS_POLITE);
}

static void
run_pipes(struct scene *scene)
{
	try_pipes(scene, "pipes-stall", USBIP_EPIPE);
	try_pipes(scene, "pipes-babble", USBIP_EOVERFLOW);
	try_pipes(scene, "pipes-fail", USBIP_EPROTO);
	try_pipes(scene, "pipes-crumble", USBIP_OK);
}

const struct attack dev_pipes = {"dev-pipes",
	"stalls, babble, errors and crumbs on every pipe", FROM_DEVICE, 0, NULL,
	run_pipes};

/* ------------------------------------------------------------------------ */
/* Storms                                                                   */

/* It leaves with transfers in the air, and is back at once. */
static void
run_leaves(struct scene *scene)
{
	unsigned rounds = scene->size == ATTACK_FULL ? 200 : 15;
	const uint8_t go[8] = {0x40, 1};
	uint8_t raw[USBIP_HEADER_SIZE];
	struct usbip_header h;
	struct ws ws;

	for (unsigned i = 0; i < rounds && scene->why[0] == '\0'; i++) {
		scene->tries++;
		lie("session", "leaves-later");
		if (ws_stream(&ws, scene->attacker, STAGE_VICTIM) != WS_OK) {
			attack_fails(scene, "round %u: no device", i);
		}
		lie("", "");
		for (uint32_t seq = 1; seq < 20; seq++) {
			(void)ws_submit(&ws, seq,
			    seq % 2 == 0 ? PLUG_BULK_IN : PLUG_SILENT_IN, 512);
		}
		ws_submit_header(&h, &ws, 20, 0, 0);
		memcpy(h.u.submit.setup, go, sizeof(go));
		(void)usbip_encode_header(raw, &h);
		(void)ws_say(&ws, raw, sizeof(raw), 0, WS_MS);
		if (ws_hear_out(&ws, WS_MS) != WS_CLOSED) {
			attack_fails(scene, "round %u: the session of a device "
					    "that left goes on", i);
		}
		ws_close(&ws, WS_ABRUPT);
	}
}

const struct attack dev_leaves = {"dev-leaves",
	"a device that leaves with transfers in the air, and comes back",
	FROM_DEVICE, 0, NULL, run_leaves};
