/*
 * The agent's gateways: a relay and a reader for each, whose words are typed and
 * checked; what they offer, and what they are told of desktops.
 */
#include "vhci-glue/agent.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "vhci-glue/words.h"

/* Words of one gateway in one turn, which ends with a look at all ports. */
#define WORDS 64u

static void
gateway_lost(struct agent_gateway *g, uint64_t now)
{
	if (g->launch != NULL) {
		launch_end(g->launch);
		free(TAKE(g->launch));
	}
	offers_fini(&g->offers);
	plan_failed(&g->backoff, now, agent_random());
}

void
agent_connect(struct agent *a, struct agent_gateway *g, uint64_t now)
{
	const struct launch_how how = {
		.opts = a->opts,
		.settings = &a->settings,
		.gateway = &g->gateway,
		.mode = IPC_RELAY_EVENTS,
		.busid = "",
		.log = -1,
	};

	if (g->launch != NULL || !plan_is_due(&g->backoff, now)) {
		return;
	}
	g->launch = calloc(1, sizeof(*g->launch));
	if (g->launch != NULL && launch_start(g->launch, &how) != 0) {
		free(TAKE(g->launch));
	}
	if (g->launch == NULL) {
		gateway_lost(g, now);
	}
}

/* A new one hears of all desktops; it forgets them with the connection. */
static void
say_desks(struct agent *a, struct agent_gateway *g, uint64_t now)
{
	const struct ipc_desk *desk;

	for (size_t i = 0; g->launch != NULL &&
	     (desk = desks_at(a->desks, i)) != NULL; i++) {
		if (launch_tell(g->launch, desk) != 0) {
			gateway_lost(g, now);
		}
	}
}

/* One word of its events. */
static void
hear_word(struct agent *a, struct agent_gateway *g, uint64_t now)
{
	static struct ipc_watch watch;
	char text[2 * IPC_TEXT], what[IPC_NAME + 64];

	if (offers_next(g->launch, 0, &watch) != 0) {
		gateway_lost(g, now);
		return;
	}
	if (offers_apply(&g->offers, &watch) != 0) {
		log_warnx("agent: %s: too many devices", g->text);
		gateway_lost(g, now);
		return;
	}
	if (watch.kind == IPC_WATCH_READY) {
		plan_succeeded(&g->backoff);
		log_infox("agent: %s: %zu devices are offered", g->text,
		    g->offers.n);
		say_desks(a, g, now);
	} else if (watch.kind == IPC_WATCH_MESSAGE) {
		log_escape(text, sizeof(text), watch.text,
		    strlen(watch.text));
		log_infox("agent: %s: says: %s", g->text, text);
		agent_say(a, NOTICE_MESSAGE, g, watch.name, text, 0);
	} else if (watch.kind == IPC_WATCH_CHALLENGE) {
		log_infox("agent: %s: %s", g->text,
		    words_challenge(what, sizeof(what), &watch));
		log_escape(text, sizeof(text), watch.text,
		    strlen(watch.text));
		agent_say(a, NOTICE_CHALLENGE, g, watch.name, text,
		    watch.within);
	}
}

void
agent_hear(struct agent *a, struct agent_gateway *g, uint64_t now)
{
	for (unsigned i = 0; i < WORDS && g->launch != NULL; i++) {
		struct pollfd p = {
			.fd = g->launch->channel, .events = POLLIN};

		if (poll(&p, 1, 0) <= 0) {
			return;
		}
		hear_word(a, g, now);
	}
}

void
agent_tell(void *agent, const struct ipc_desk *desk)
{
	struct agent *a = agent;

	notices_check(a->notices);
	for (size_t i = 0; i < a->ngateways; i++) {
		struct agent_gateway *g = &a->gateways[i];

		/* one that does not listen is asked again later */
		if (g->launch != NULL && g->offers.is_ready &&
		    launch_tell(g->launch, desk) != 0) {
			gateway_lost(g, clock_mono());
		}
	}
}

