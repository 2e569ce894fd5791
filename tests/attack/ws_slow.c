/*
 * Those who take their time, in every phase of a connection, and those who are
 * too many.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "tests/attack/attack.h"
#include "tests/attack/plug.h"
#include "tests/attack/stage.h"
#include "tests/attack/ws.h"

/* From proxy/session/session_parts.h, and what a busy machine takes more. */
#define HANDSHAKE_MS 10000
#define OP_MS 30000
#define SLACK_MS 4000

static uint64_t began;
static struct ws silent, hello, asking, holding;

/* A beginning of a ClientHello. */
static const uint8_t drop[] = {0x16, 0x03, 0x03, 0x00, 0xc8, 0x01};

static void
begin_slow(struct scene *scene)
{
	static const uint8_t half[] = {0x01, 0x11, 0x80, 0x03};
	uint8_t header[20] = {0, 0, 0, 1};

	began = clock_mono();
	if (ws_connect(&silent, 3) != WS_OK || ws_connect(&hello, 3) != WS_OK ||
	    ws_open(&asking, scene->attacker, 3) != WS_OK ||
	    ws_stream(&holding, scene->attacker, STAGE_VICTIM) != WS_OK) {
		attack_fails(scene, "no connections");
		return;
	}
	(void)ws_say(&hello, drop, sizeof(drop), 0, WS_MS);
	(void)ws_say(&asking, half, sizeof(half), 0, WS_MS);
	/* who holds a device may be as slow as he likes, for that device */
	(void)ws_say(&holding, header, sizeof(header), 0, WS_MS);
	ws_close(&holding, WS_ABRUPT);
	scene->tries = 4;
}

static uint64_t
age_ms(void)
{
	return (clock_mono() - began) / CLOCK_MSEC;
}

/* A byte each tenth of a second, until the gateway has enough of it. */
static void
drip(struct scene *scene, struct ws *ws, const char *what, uint64_t limit)
{
	uint8_t b = 0;
	int r;

	do {
		r = ws_hear_out(ws, 100);
		if (r != WS_CLOSED && ws->stream == NULL) {
			r = ws_say(ws, &b, 1, 0, 100);
		}
	} while (r != WS_CLOSED && age_ms() < limit + SLACK_MS);
	if (r != WS_CLOSED) {
		attack_fails(scene, "%s: still there after %llu ms", what,
		    (unsigned long long)age_ms());
	}
	ws_close(ws, WS_ABRUPT);
}

static void
run_slow(struct scene *scene)
{
	if (scene->tries == 0) {
		return;
	}
	drip(scene, &silent, "a silent connection", HANDSHAKE_MS);
	drip(scene, &hello, "a slow handshake", HANDSHAKE_MS);
	drip(scene, &asking, "half a request", OP_MS);
}

const struct attack ws_slow = {"slow",
	"a byte at a time: TCP, handshake, request, stream", FROM_WORKSTATION, 0,
	begin_slow, run_slow};

/* ------------------------------------------------------------------------ */

#define WAVE 200

/* Connections in waves: each opens all of its own before it lets go of any. */
static void
run_many(struct scene *scene)
{
	static struct ws wave[WAVE];
	unsigned waves = scene->size == ATTACK_FULL ? 50 : 4;
	uint8_t host = 10;

	for (unsigned i = 0; i < waves; i++, host++) {
		for (unsigned k = 0; k < WAVE; k++) {
			scene->tries++;
			if (ws_connect(&wave[k], host) != WS_OK) {
				continue; /* nobody has room for it */
			}
			if (k % 3 == 1) {
				(void)ws_say(&wave[k], drop, sizeof(drop), 0,
				    WS_MS);
			}
		}
		for (unsigned k = 0; k < WAVE; k++) {
			ws_close(&wave[k], k % 2 ? WS_ABRUPT : WS_POLITE);
		}
	}
}

const struct attack ws_many = {"crowd",
	"connections in waves of 200, a third begins a handshake",
	FROM_WORKSTATION, 0, NULL, run_many};
