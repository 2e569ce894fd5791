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
#include "vhci-glue/seat.h"
#include "vhci-glue/vhci.h"
#include "vhci-glue/words.h"

#define TICK_MS 500

static volatile sig_atomic_t told_to_end;

static void
on_signal(int signo)
{
	told_to_end |= signo != SIGCHLD; /* that one only wakes the loop */
}

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

/* Gateways of which nothing is attached, and which hear of desktops. */
static int
read_watch(struct agent *a)
{
	const struct conf_list *list = &a->settings.watch;

	for (size_t i = 0; i < list->n; i++) {
		struct gateway gateway;
		const char *why;
		char safe[256];

		if (gateway_parse(&gateway, list->v[i], a->opts->port, &why) != 0) {
			log_escape(safe, sizeof(safe), list->v[i],
			    strlen(list->v[i]));
			log_warnx("agent: watch = %s: %s", safe, why);
			return EXITS_USAGE;
		}
		(void)add_gateway(a, &gateway);
	}
	return 0;
}

static int
read_rules(struct agent *a)
{
	const struct conf_list *list = &a->settings.attach;
	const struct conf_list *watch = &a->settings.watch;
	const char *why;

	if (list->n + watch->n == 0) {
		log_warnx("agent: nothing to attach: give `attach = GATEWAY "
			  "DEVICE', or `watch = GATEWAY', in section [agent] of "
			  "workstation.conf");
		return EXITS_USAGE;
	}
	a->rules = calloc(list->n + 1, sizeof(*a->rules));
	a->gateways = calloc(list->n + watch->n, sizeof(*a->gateways));
	a->devices = calloc(AGENT_DEVICES, sizeof(*a->devices));
	if (a->rules == NULL || a->gateways == NULL || a->devices == NULL) {
		log_warn("agent: start");
		return EXITS_FAILED;
	}
	for (; a->nrules < list->n; a->nrules++) {
		struct plan_rule *rule = &a->rules[a->nrules];
		char safe[256];
		int r = plan_parse(
		    rule, list->v[a->nrules], a->opts->port, &why);

		if (r == 0 && *rule->seat != '\0' &&
		    !seat_is_name(rule->seat)) {
			why = "no such seat can be; `loginctl list-seats` has "
			      "their names";
			r = ERR_FORMAT;
		}
		if (r != 0) {
			log_escape(safe, sizeof(safe), list->v[a->nrules],
			    strlen(list->v[a->nrules]));
			log_warnx("agent: attach = %s: %s", safe, why);
			return EXITS_USAGE;
		}
		(void)add_gateway(a, &rule->gateway);
	}
	return read_watch(a);
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
	if (r == 0 && a->opts->sandbox == OPTS_AS_IT_IS) {
		r = cmd_sandbox(a->opts); /* says it */
	}
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
	agent_confine();
	return 0;
}

/* poll's list: the listener, the clients, the gateways, the notices, the
 * desktops. */
static void
wait_turn(struct agent *a)
{
	struct pollfd p[1 + AGENT_CLIENTS + 2 * CONF_LIST_MAX + 2];
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
	p[n++] = (struct pollfd){
		.fd = notices_fd(a->notices), .events = POLLIN};
	p[n++] = (struct pollfd){.fd = desks_fd(a->desks), .events = POLLIN};
	if (poll(p, n, TICK_MS) <= 0) {
		return;
	}
	now = clock_mono();
	if (p[n - 1].revents != 0) {
		desks_hear(a->desks, now);
	}
	if (p[n - 2].revents != 0) {
		notices_accept(a->notices, now);
	}
	for (size_t i = 0; i < a->ngateways; i++) {
		if (p[1 + AGENT_CLIENTS + i].revents != 0) {
			agent_hear(a, &a->gateways[i], now);
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
			agent_connect(a, &a->gateways[i], now);
		}
		desks_start(a->desks, now);
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
	if (r == 0 && !a.settings.is_mute) {
		a.desks = desks_new(NULL, agent_tell, &a);
	}
	if (r == 0) {
		a.notices = notices_new(NOTICES_SOCKET, agent_may_hear, &a);
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
	desks_free(a.desks);
	notices_free(a.notices);
	agent_sock_close(&a);
	free(a.rules);
	free(a.gateways);
	free(a.devices);
	settings_free(&a.settings);
	return r;
}
