/*
 * sallyport agent: keeps attached what workstation.conf names. Root; what it
 * knows of gateways comes from a relay and a reader for each, typed and checked.
 * It attaches by running `sallyport attach`, whose relays live on by themselves:
 * an agent that was killed finds them again by the notes that they left.
 */
#include "vhci-glue/agent.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "vhci-glue/cmd.h"
#include "vhci-glue/vhci.h"
#include "vhci-glue/words.h"

#define TICK_MS 500

static volatile sig_atomic_t told_to_end;

static void
on_signal(int signo)
{
	told_to_end |= signo != SIGCHLD; /* that one only wakes the loop */
}

/* ------------------------------------------------------------------------ */
/* Gateways                                                                 */

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

static void
gateway_connect(struct agent *a, struct agent_gateway *g, uint64_t now)
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

/* One word of its events. */
static void
gateway_heard(struct agent_gateway *g, uint64_t now)
{
	static struct ipc_watch watch;
	char text[2 * IPC_TEXT], what[IPC_NAME + 64];

	if (offers_next(g->launch, 0, &watch) != 0 ||
	    offers_apply(&g->offers, &watch) != 0) {
		gateway_lost(g, now);
		return;
	}
	if (watch.kind == IPC_WATCH_READY) {
		plan_succeeded(&g->backoff);
		log_infox("agent: %s: %zu devices are offered", g->text,
		    g->offers.n);
	} else if (watch.kind == IPC_WATCH_MESSAGE) {
		log_escape(text, sizeof(text), watch.text,
		    strlen(watch.text));
		log_infox("agent: %s: says: %s", g->text, text);
	} else if (watch.kind == IPC_WATCH_CHALLENGE) {
		log_infox("agent: %s: %s", g->text,
		    words_challenge(what, sizeof(what), &watch));
	}
}

/* ------------------------------------------------------------------------ */
/* Life                                                                     */

static struct agent_gateway *
add_gateway(struct agent *a, const struct gateway *gateway)
{
	struct agent_gateway *g;

	for (size_t i = 0; i < a->ngateways; i++) {
		g = &a->gateways[i];
		if (g->gateway.port == gateway->port &&
		    strcmp(g->gateway.host, gateway->host) == 0) {
			return g;
		}
	}
	g = &a->gateways[a->ngateways++];
	g->gateway = *gateway;
	gateway_text(g->text, sizeof(g->text), gateway);
	return g;
}

static int
read_rules(struct agent *a)
{
	const struct conf_list *list = &a->settings.attach;
	const char *why;

	if (list->n == 0) {
		log_warnx("agent: nothing to attach: give `attach = GATEWAY "
			  "DEVICE' in section [agent] of workstation.conf");
		return EXITS_USAGE;
	}
	a->rules = calloc(list->n, sizeof(*a->rules));
	a->gateways = calloc(list->n, sizeof(*a->gateways));
	a->devices = calloc(AGENT_DEVICES, sizeof(*a->devices));
	if (a->rules == NULL || a->gateways == NULL || a->devices == NULL) {
		log_warn("agent: start");
		return EXITS_FAILED;
	}
	for (; a->nrules < list->n; a->nrules++) {
		struct plan_rule *rule = &a->rules[a->nrules];
		char safe[256];

		if (plan_parse(rule, list->v[a->nrules], a->opts->port,
			&why) != 0) {
			log_escape(safe, sizeof(safe), list->v[a->nrules],
			    strlen(list->v[a->nrules]));
			log_warnx("agent: attach = %s: %s", safe, why);
			return EXITS_USAGE;
		}
		(void)add_gateway(a, &rule->gateway);
	}
	return 0;
}

static int
prepare(struct agent *a)
{
	const struct sigaction act = {.sa_handler = on_signal};
	struct vhci vhci;
	int r = cmd_need_root(a->opts);

	if (r == 0) {
		r = cmd_vhci(&vhci, a->opts);
	}
	if (r != 0) {
		return r;
	}
	vhci_fini(&vhci);
	if (settings_load(&a->settings, a->opts) != 0) {
		return EXITS_FAILED;
	}
	r = read_rules(a);
	if (r != 0) {
		return r;
	}
	/* Its children have umask 077, and status is for everybody. */
	(void)umask(022);
	(void)mkdir(AGENT_RUN, 0755);
	(void)mkdir(PORTS_DIR, 0755);
	if (agent_listen(a) != 0) {
		return EXITS_FAILED;
	}
	(void)sigaction(SIGINT, &act, NULL);
	(void)sigaction(SIGTERM, &act, NULL);
	(void)sigaction(SIGCHLD, &act, NULL);
	return 0;
}

/* poll's list: the listener, the clients, then the gateways. */
static void
wait_turn(struct agent *a)
{
	struct pollfd p[1 + AGENT_CLIENTS + CONF_LIST_MAX];
	size_t n = 0;
	uint64_t now;

	p[n++] = (struct pollfd){.fd = a->listener, .events = POLLIN};
	for (size_t i = 0; i < AGENT_CLIENTS; i++) {
		p[n++] = (struct pollfd){
			.fd = a->clients[i].fd, .events = POLLIN};
	}
	for (size_t i = 0; i < a->ngateways; i++) {
		const struct launch *l = a->gateways[i].launch;

		p[n++] = (struct pollfd){
			.fd = l != NULL ? l->channel : -1, .events = POLLIN};
	}
	if (poll(p, n, TICK_MS) <= 0) {
		return;
	}
	now = clock_mono();
	for (size_t i = 0; i < a->ngateways; i++) {
		if (p[1 + AGENT_CLIENTS + i].revents != 0) {
			gateway_heard(&a->gateways[i], now);
		}
	}
	for (size_t i = 0; i < AGENT_CLIENTS; i++) {
		if (p[1 + i].revents != 0) {
			agent_on_client(a, &a->clients[i]);
		}
	}
	if (p[0].revents != 0) {
		agent_on_connect(a, now);
	}
}

static void
run(struct agent *a)
{
	while (!told_to_end) {
		uint64_t now = clock_mono();

		for (size_t i = 0; i < a->ngateways; i++) {
			gateway_connect(a, &a->gateways[i], now);
		}
		agent_work(a, now);
		for (size_t i = 0; i < AGENT_CLIENTS; i++) {
			struct agent_client *c = &a->clients[i];

			if (c->fd != -1 && now >= c->until) {
				close_fd(&c->fd);
			}
		}
		wait_turn(a);
	}
}

int
cmd_agent(const struct opts *opts)
{
	static struct agent a;
	int r;

	if (opts->agent != OPTS_AGENT_RUN) {
		return agent_ask(opts);
	}
	a.opts = opts;
	a.listener = -1;
	for (size_t i = 0; i < AGENT_CLIENTS; i++) {
		a.clients[i].fd = -1;
	}
	r = prepare(&a);
	if (r == 0) {
		run(&a);
		agent_stop(&a);
	}
	for (size_t i = 0; i < a.ngateways; i++) {
		if (a.gateways[i].launch != NULL) {
			launch_end(a.gateways[i].launch);
			free(a.gateways[i].launch);
		}
		offers_fini(&a.gateways[i].offers);
	}
	agent_sock_close(&a);
	free(a.rules);
	free(a.gateways);
	free(a.devices);
	settings_free(&a.settings);
	return r;
}
