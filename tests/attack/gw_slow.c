/*
 * Gateways that take their time, in every phase. They wait in a process of
 * their own, from before all other attacks, which they do not disturb.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "tests/attack/attack.h"
#include "tests/attack/gw.h"
#include "wire/ipc.h"

#define TICK_MS 100
#define SLACK_MS 5000 /* of a busy machine */

static const struct slow_case {
	const char *what;
	uint8_t mode; /* enum ipc_relay_mode */
	unsigned limit_ms;
	const char *reason;
	enum { NO_HANDSHAKE, DRIPS_HELLO, NO_ANSWER, DRIPS_ANSWER, NO_LOOK,
	} how;
} cases[] = {
	{"no handshake", IPC_RELAY_LIST, 10000, "did not answer in time",
	    NO_HANDSHAKE},
	{"a handshake byte by byte", IPC_RELAY_ATTACH, 10000,
	    "did not answer in time", DRIPS_HELLO},
	{"no answer to a list", IPC_RELAY_LIST, 20000,
	    "did not answer in time", NO_ANSWER},
	{"a list byte by byte", IPC_RELAY_LIST, 20000,
	    "did not answer in time", DRIPS_ANSWER},
	{"no answer to an import", IPC_RELAY_ATTACH, 20000,
	    "did not answer in time", NO_ANSWER},
	{"no descriptors", IPC_RELAY_ATTACH, 20000, "did not answer in time",
	    NO_LOOK},
	{"no events", IPC_RELAY_EVENTS, 15000, "silent for 15 seconds",
	    NO_ANSWER},
};

struct verdict {
	char why[sizeof(((struct scene *)0)->why)];
	uint64_t peak;
};

struct slow {
	const struct slow_case *c;
	struct gw *gw;
	int raw; /* a connection without TLS */
	uint64_t took; /* ms, once it is over */
};

static pid_t child = -1;
static int verdict_fd = -1;

static void
hold_raw(struct slow *s)
{
	/* a beginning of a ServerHello, and then as slowly as it goes */
	static const uint8_t hello[] = {0x16, 0x03, 0x03, 0x10, 0x00, 0x02};
	uint8_t b = hello[0];

	if (s->raw == -1) {
		s->raw = accept4(s->gw->listener, NULL, NULL,
		    SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (s->raw != -1 && s->c->how == DRIPS_HELLO) {
			(void)send(s->raw, hello, sizeof(hello), MSG_NOSIGNAL);
		}
	} else if (s->c->how == DRIPS_HELLO) {
		(void)send(s->raw, &b, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	}
	gw_listen_to_relay(s->gw);
}

static void
hold_tls(struct slow *s)
{
	struct gw *gw = s->gw;

	if (gw->has_liar && (s->c->how != NO_LOOK || gw->liar.is_streaming)) {
		gw->liar.is_silent = 1;
	}
	if (s->c->how == DRIPS_ANSWER && gw->has_liar && gw->liar.fake.is_up) {
		static const uint8_t list[] = {1, 0x11, 0, 5, 0, 0, 0, 0, 0, 0,
			0x10, 0, '/'};
		size_t at = gw->liar.commands++;

		gateway_fake_say(&gw->liar.fake,
		    &list[at < sizeof(list) ? at : sizeof(list) - 1], 1);
	}
	gw_turn(gw, 0);
}

static void
judge(struct scene *scene, struct slow *s)
{
	gw_expect_end(s->gw, scene, s->c->reason);
	if (s->took + 1000 < s->c->limit_ms ||
	    s->took > s->c->limit_ms + SLACK_MS) {
		attack_fails(scene, "%s: after %llu ms, not %u", s->c->what,
		    (unsigned long long)s->took, s->c->limit_ms);
	}
	if (s->gw->is_ready) {
		attack_fails(scene, "%s: a device came of it", s->c->what);
	}
	close_fd(&s->raw);
	gw_free(s->gw, scene);
}

static void
wait_all(struct scene *scene)
{
	struct slow slow[ARRAY_LEN(cases)];
	uint64_t began = clock_mono(), ms = 0;
	size_t over = 0;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		slow[i] = (struct slow){.c = &cases[i], .raw = -1};
		slow[i].gw = gw_new(
		    scene->bed, scene, cases[i].mode, NULL);
		if (slow[i].gw == NULL) {
			return;
		}
	}
	while (over < ARRAY_LEN(cases) && ms < 20000 + SLACK_MS) {
		(void)poll(NULL, 0, TICK_MS);
		ms = (clock_mono() - began) / CLOCK_MSEC;
		for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
			if (slow[i].took > 0) {
				continue;
			}
			if (cases[i].how <= DRIPS_HELLO) {
				hold_raw(&slow[i]);
			} else {
				hold_tls(&slow[i]);
			}
			slow[i].took = slow[i].gw->is_done ? ms : 0;
			over += slow[i].took > 0;
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		judge(scene, &slow[i]);
	}
}

static void
begin_slow(struct scene *scene)
{
	struct verdict v;
	int fds[2];

	if (pipe(fds) == -1) {
		fatal("attack: pipe");
	}
	scene->tries = ARRAY_LEN(cases);
	child = fork();
	if (child == -1) {
		fatal("attack: fork");
	}
	if (child == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		wait_all(scene);
		memcpy(v.why, scene->why, sizeof(v.why));
		v.peak = scene->bed->peak;
		_exit(write(fds[1], &v, sizeof(v)) != sizeof(v));
	}
	close_fd(&fds[1]);
	verdict_fd = fds[0];
}

static void
run_slow(struct scene *scene)
{
	struct verdict v;

	if (child == -1) {
		begin_slow(scene);
	}
	if (read(verdict_fd, &v, sizeof(v)) != sizeof(v)) {
		attack_fails(scene, "those who wait ended without a word");
	} else {
		scene->bed->peak =
		    v.peak > scene->bed->peak ? v.peak : scene->bed->peak;
		if (v.why[0] != '\0') {
			attack_fails(scene, "%s", v.why);
		}
	}
	close_fd(&verdict_fd);
	(void)waitpid(child, NULL, 0);
	child = -1;
}

const struct attack gw_slow = {"gw-slow",
	"no answer, or byte by byte: TLS, list, import, look, events",
	FROM_GATEWAY, 0, begin_slow, run_slow};
