/*
 * Programs that answer what a profile asks, and do not: whatever one does to the
 * gateway, a unit that waits for it gets its `else', everything else goes on
 * meanwhile, and the next one is taken. The profile of stage.c asks "judge" about
 * each OUT transfer of STAGE_ASKED bytes, for two seconds.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <jansson.h>

#include "base/mem.h"
#include "tests/attack/attack.h"
#include "tests/attack/plug.h"
#include "tests/attack/stage.h"
#include "tests/attack/ws.h"

struct judge {
	int fd; /* owned; -1 */
	char line[65536];
};

enum after { STAYS, IS_DROPPED };

static const struct {
	const char *name;
	const char *says; /* with %u for the ask; NULL: it leaves */
	int status;	  /* of the transfer */
	enum after after;
} judges[] = {
	{"a good one", "{\"id\":%u,\"verdict\":\"allow\"}\n", 0, STAYS},
	{"a strict one", "{\"id\":%u,\"verdict\":\"deny\"}\n", -EPIPE, STAYS},
	{"one that does not know", "{\"id\":%u,\"verdict\":\"none\"}\n",
	    -EPIPE, STAYS},
	{"one that crashes", NULL, -EPIPE, IS_DROPPED},
	{"garbage", "\x16\x03\x03{{{\n", -EPIPE, IS_DROPPED},
	{"an answer to somebody else",
	    "{\"id\":4294967295,\"verdict\":\"allow\"}\n", -EPIPE, IS_DROPPED},
	{"a verdict that is none", "{\"id\":%u,\"verdict\":\"allow \"}\n",
	    -EPIPE, IS_DROPPED},
	{"an answer, twice",
	    "{\"id\":%u,\"verdict\":\"allow\"}\n"
	    "{\"id\":%u,\"verdict\":\"deny\"}\n",
	    0, IS_DROPPED},
	{"a number that is none",
	    "{\"id\":%u,\"verdict\":\"allow\",\"valid\":1e999}\n", -EPIPE,
	    IS_DROPPED},
};

/* ------------------------------------------------------------------------ */

/* The next line; 0, or -1: none in time, or it hung up. */
static int
hear_line(struct judge *j)
{
	size_t n = 0;

	while (n < sizeof(j->line) - 1 && recv(j->fd, j->line + n, 1, 0) == 1) {
		if (j->line[n++] == '\n') {
			j->line[n] = '\0';
			return 0;
		}
	}
	return -1;
}

static void
say(struct judge *j, const char *text)
{
	(void)send(j->fd, text, strlen(text), MSG_NOSIGNAL);
}

/* Serves the name; the one before is gone, or will be in a moment. */
static int
serve(struct scene *scene, struct judge *j)
{
	struct timeval limit = {.tv_sec = WS_MS / 1000};
	struct sockaddr_un sun = {.sun_family = AF_UNIX};

	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/run/verdict.sock",
	    scene->stage->dir);
	for (int ms = 0; ms < WS_MS; ms += 10) {
		j->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		(void)setsockopt(
		    j->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
		if (connect(j->fd, (struct sockaddr *)&sun, sizeof(sun)) ==
		    0) {
			say(j, "{\"type\":\"hello\",\"protocol\":1,"
			       "\"name\":\"judge\"}\n");
			if (hear_line(j) == 0 &&
			    strstr(j->line, "\"hello\"") != NULL) {
				return 0;
			}
		}
		close_fd(&j->fd);
		(void)poll(NULL, 0, 10);
	}
	attack_fails(scene, "the name cannot be served");
	return -1;
}

/* The id of the ask that comes; 0. */
static unsigned
asked(struct judge *j)
{
	char pong[64];

	while (hear_line(j) == 0) {
		json_t *o = json_loads(j->line, 0, NULL);
		const char *type =
		    json_string_value(json_object_get(o, "type"));
		unsigned id =
		    (unsigned)json_integer_value(json_object_get(o, "id"));
		int is_ask = type != NULL && strcmp(type, "ask") == 0;
		int is_ping = type != NULL && strcmp(type, "ping") == 0;

		json_decref(o);
		if (is_ask) {
			return id;
		}
		if (is_ping) {
			(void)snprintf(pong, sizeof(pong),
			    "{\"type\":\"pong\",\"id\":%u}\n", id);
			say(j, pong);
		}
	}
	return 0;
}

/* ------------------------------------------------------------------------ */

/* Something that is asked about, and beside it what is not. */
static int
submit(struct scene *scene, struct ws *ws, uint32_t seqnum, const char *name)
{
	scene->tries++;
	if (ws_submit(ws, seqnum, PLUG_BULK_OUT, STAGE_ASKED) == WS_OK) {
		return 0;
	}
	attack_fails(scene, "%s: the session is gone", name);
	return -1;
}

static int
ended_with(struct scene *scene, struct ws *ws, uint32_t seqnum, int status,
    const char *name)
{
	struct usbip_header h;
	int r = ws_reply(ws, &h, 0, WS_MS);

	if (r == WS_OK && h.seqnum == seqnum &&
	    h.u.ret_submit.status == status) {
		return 0;
	}
	attack_fails(scene, "%s: %s %d, not %d", name,
	    r == WS_OK ? "status" : "no reply:",
	    r == WS_OK ? h.u.ret_submit.status : r, status);
	return -1;
}

static int
try_judge(struct scene *scene, struct ws *ws, uint32_t seqnum, size_t which)
{
	static struct judge j;
	char text[256];
	unsigned id;
	int r = -1;

	if (serve(scene, &j) != 0 ||
	    submit(scene, ws, seqnum, judges[which].name) != 0) {
		goto out;
	}
	id = asked(&j);
	if (id == 0) {
		attack_fails(scene, "%s is not asked", judges[which].name);
		goto out;
	}
	if (!ws_works(ws, seqnum + 1)) {
		attack_fails(scene, "a held transfer holds others");
		goto out;
	}
	if (judges[which].says == NULL) {
		close_fd(&j.fd);
	} else {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		(void)snprintf(
		    text, sizeof(text), judges[which].says, id, id);
#pragma GCC diagnostic pop
		say(&j, text);
	}
	r = ended_with(scene, ws, seqnum, judges[which].status,
	    judges[which].name);
	if (r == 0 && j.fd != -1 && judges[which].after == IS_DROPPED &&
	    asked(&j) != 0) {
		attack_fails(scene, "%s is not dropped", judges[which].name);
	}
out:
	close_fd(&j.fd);
	return r;
}

/* Its answer comes when nobody wants it; and to what it is asked then, in time. */
static void
try_late(struct scene *scene, struct ws *ws, uint32_t seqnum)
{
	static struct judge j;
	char text[64];
	unsigned id;

	if (serve(scene, &j) != 0 ||
	    submit(scene, ws, seqnum, "a late one") != 0) {
		goto out;
	}
	id = asked(&j);
	if (ended_with(scene, ws, seqnum, -EPIPE, "a late one") != 0) {
		goto out;
	}
	(void)snprintf(
	    text, sizeof(text), "{\"id\":%u,\"verdict\":\"allow\"}\n", id);
	say(&j, text);
	if (submit(scene, ws, seqnum + 1, "a late one") != 0) {
		goto out;
	}
	id = asked(&j);
	(void)snprintf(
	    text, sizeof(text), "{\"id\":%u,\"verdict\":\"allow\"}\n", id);
	say(&j, text);
	(void)ended_with(scene, ws, seqnum + 1, 0, "a late one's next");
out:
	close_fd(&j.fd);
}

static void
try_eject(struct scene *scene, struct ws *ws, uint32_t seqnum)
{
	static struct judge j;
	char text[64];

	if (serve(scene, &j) == 0 &&
	    submit(scene, ws, seqnum, "one that ejects") == 0) {
		(void)snprintf(text, sizeof(text),
		    "{\"id\":%u,\"verdict\":\"eject\"}\n", asked(&j));
		say(&j, text);
		if (ws_hear_out(ws, WS_MS) != WS_CLOSED) {
			attack_fails(scene, "the device is not ejected");
		}
	}
	close_fd(&j.fd);
}

static void
run_judges(struct scene *scene)
{
	unsigned rounds = scene->size == ATTACK_FULL ? 50 : 3;
	uint32_t seqnum = 1;
	struct ws ws;

	if (ws_stream(&ws, scene->attacker, STAGE_VICTIM) != WS_OK) {
		attack_fails(scene, "no session");
		return;
	}
	for (unsigned i = 0; i < rounds; i++) {
		for (size_t k = 0; k < ARRAY_LEN(judges); k++, seqnum += 2) {
			if (try_judge(scene, &ws, seqnum, k) != 0) {
				goto out;
			}
		}
		/* nobody serves it */
		if (submit(scene, &ws, seqnum, "nobody") != 0 ||
		    ended_with(scene, &ws, seqnum, -EPIPE, "nobody") != 0) {
			goto out;
		}
		seqnum++;
	}
	try_late(scene, &ws, seqnum);
	try_eject(scene, &ws, seqnum + 2);
out:
	ws_close(&ws, WS_ABRUPT);
}

const struct attack ws_judges = {"judges",
	"servers of verdicts that crash, lie, answer twice, late or not at all",
	FROM_WORKSTATION, 0, NULL, run_judges};
