/*
 * The agent's devices: which are wanted, which are attached, and the children
 * that attach them. The kernel is the truth about ports, the notes of `sallyport
 * attach` say whose they are.
 */
#include "vhci-glue/agent.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "vhci-glue/cmd.h"
#include "vhci-glue/kinds.h"
#include "vhci-glue/off.h"
#include "vhci-glue/seat.h"
#include "vhci-glue/vhci.h"

#define STEADY (10 * CLOCK_SEC) /* attached that long: all is well again */
#define CHILD_MS 20000
#define FREE_MS 10000

pid_t
agent_attach(const struct opts *opts, const struct agent_try *try)
{
	const char *argv[24] = {"sallyport", "attach"};
	char accept[KINDS_TEXT];
	struct spawn spawn = {
		.path = "/proc/self/exe",
		.argv = argv,
		.uid = (uid_t)-1,
		.gid = (gid_t)-1,
	};
	unsigned i = 2;
	pid_t pid;

	if (opts->config != NULL) {
		argv[i++] = "--config";
		argv[i++] = opts->config;
	}
	if (opts->tls != NULL) {
		argv[i++] = "--tls";
		argv[i++] = opts->tls;
	}
	if (opts->name != NULL) {
		argv[i++] = "--name";
		argv[i++] = opts->name;
	}
	if (*try->name != '\0') {
		argv[i++] = "--as";
		argv[i++] = try->name;
	}
	if (*kinds_text(accept, sizeof(accept), try->accept) != '\0') {
		argv[i++] = "--accept";
		argv[i++] = accept;
	}
	if (try->ask == OPTS_ASK) {
		argv[i++] = "--ask";
	}
	if (*try->user != '\0') {
		argv[i++] = "--user";
		argv[i++] = try->user;
	}
	if (*try->seat != '\0') {
		argv[i++] = "--seat";
		argv[i++] = try->seat;
	}
	argv[i++] = try->gateway;
	argv[i++] = try->what;
	argv[i] = NULL;
	pid = spawn_child(&spawn);
	if (pid == -1) {
		log_warn("agent: start: sallyport attach");
	}
	return pid;
}

/* 1 when it has ended, with its exit status. */
static int
has_ended(pid_t *child, int *code)
{
	int status;
	pid_t pid = *child > 0 ? waitpid(*child, &status, WNOHANG) : 0;

	if (pid == 0) {
		return 0;
	}
	*child = -1;
	*code = pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status)
					     : EXITS_FAILED;
	return 1;
}

int
agent_await(pid_t *child, unsigned ms)
{
	const struct timespec nap = {0, 50000000};
	int code = -1;

	for (unsigned i = 0; i < ms / 50 && *child > 0; i++) {
		if (has_ended(child, &code)) {
			return code;
		}
		(void)nanosleep(&nap, NULL);
	}
	if (*child > 0) {
		(void)kill(*child, SIGKILL);
		(void)waitpid(*child, NULL, 0);
		*child = -1;
	}
	return code;
}

/* ------------------------------------------------------------------------ */
/* Devices                                                                  */

static struct agent_device *
device_of(struct agent *a, struct agent_gateway *g, const char *name)
{
	struct agent_device *d;

	for (size_t i = 0; i < a->ndevices; i++) {
		d = &a->devices[i];
		if (d->gateway == g && strcmp(d->name, name) == 0) {
			return d;
		}
	}
	if (a->ndevices == AGENT_DEVICES) {
		return NULL;
	}
	d = &a->devices[a->ndevices++];
	memset(d, 0, sizeof(*d));
	d->gateway = g;
	d->child = -1;
	d->port = -1;
	(void)snprintf(d->name, sizeof(d->name), "%s", name);
	return d;
}

/* One that is neither here nor there makes room for others. */
static void
forget_gone(struct agent *a)
{
	for (size_t i = 0; i < a->ndevices;) {
		struct agent_device *d = &a->devices[i];

		if (d->child == -1 && !d->is_attached &&
		    d->gateway->offers.is_ready &&
		    offers_find(&d->gateway->offers, d->name) == NULL) {
			*d = a->devices[--a->ndevices];
		} else {
			i++;
		}
	}
}

static int
is_wanted(const struct agent *a, const struct agent_gateway *g,
    const struct ipc_watch *offer)
{
	for (size_t i = 0; i < a->nrules; i++) {
		if (plan_matches(&a->rules[i], &g->gateway, offer->name,
			offer->item.dev.busid)) {
			return 1;
		}
	}
	return 0;
}

/* What any rule that wants it asks for. */
static unsigned
accept_of(const struct agent *a, const struct agent_gateway *g,
    const struct ipc_watch *offer)
{
	unsigned accept = 0;

	for (size_t i = 0; i < a->nrules; i++) {
		if (plan_matches(&a->rules[i], &g->gateway, offer->name,
			offer->item.dev.busid)) {
			accept |= a->rules[i].accept;
		}
	}
	return accept;
}

/* The first rule that wants it and says whose it is, or NULL. */
static const struct plan_rule *
whose(const struct agent *a, const struct agent_gateway *g,
    const struct ipc_watch *offer)
{
	for (size_t i = 0; i < a->nrules; i++) {
		const struct plan_rule *rule = &a->rules[i];

		if ((*rule->user != '\0' || *rule->seat != '\0') &&
		    plan_matches(rule, &g->gateway, offer->name,
			offer->item.dev.busid)) {
			return rule;
		}
	}
	return NULL;
}

/* Who sits at the rule's seat; "" = nobody, as far as is known. */
static const char *
sits_there(const struct agent *a, const struct plan_rule *rule)
{
	const struct ipc_desk *desk;

	for (size_t i = 0; (desk = desks_at(a->desks, i)) != NULL; i++) {
		if (rule != NULL && strcmp(desk->seat, rule->seat) == 0) {
			return desk->user;
		}
	}
	return "";
}

static int
is_off(const struct agent_gateway *g, const struct ipc_watch *offer)
{
	return off_has(OFF_FILE, g->text, offer->name) ||
	    off_has(OFF_FILE, g->text, offer->item.dev.busid);
}

/* Whether the note is of that device: by the name that it was attached by, or,
 * attached by hand, by where it is. */
static int
is_of(const struct ports_note *note, const struct agent_device *d)
{
	const struct ipc_watch *offer;

	if (strcmp(note->gateway, d->gateway->text) != 0) {
		return 0;
	}
	if (note->name[0] != '\0') {
		return strcmp(note->name, d->name) == 0;
	}
	offer = offers_find(&d->gateway->offers, d->name);
	return offer != NULL &&
	    strcmp(offer->item.dev.busid, note->busid) == 0;
}

uint32_t
agent_random(void)
{
	uint32_t n;

	return getrandom(&n, sizeof(n), GRND_NONBLOCK) == sizeof(n) ? n : 0;
}

/* It is attached, so somebody wants it again. `sallyport attach' with a bus id
 * cannot know under which name it was detached. */
static void
forget_off(const struct agent_device *d)
{
	const struct ipc_watch *offer =
	    offers_find(&d->gateway->offers, d->name);

	if (off_remove(OFF_FILE, d->gateway->text, d->name) != 0 ||
	    (offer != NULL &&
		off_remove(OFF_FILE, d->gateway->text,
		    offer->item.dev.busid) != 0)) {
		log_warn("agent: %s", OFF_FILE);
	}
}

static void
set_attached(
    struct agent *a, struct agent_device *d, int port, uint64_t now)
{
	int was = d->is_attached;

	d->is_attached = port >= 0;
	d->port = port;
	if (d->is_attached && !was) {
		d->since = now;
		forget_off(d);
		log_infox("agent: %s %s: attached, port %d", d->gateway->text,
		    d->name, port);
		d->is_refused = 0;
		agent_say(a, NOTICE_ATTACHED, d->gateway, d->name, "", 0);
	} else if (!d->is_attached && was) {
		log_infox("agent: %s %s: unplugged", d->gateway->text,
		    d->name);
		agent_say(a, NOTICE_UNPLUGGED, d->gateway, d->name, "", 0);
		if (now - d->since < STEADY) {
			/* it does not last: not again at once */
			plan_failed(&d->backoff, now, agent_random());
		}
	} else if (d->is_attached && now - d->since >= STEADY) {
		plan_succeeded(&d->backoff);
	}
}

/* Finds all devices among the ports; notes of ports that are free are stale. */
static void
look_at_ports(struct agent *a, uint64_t now)
{
	static struct ports_note note;
	struct vhci vhci;
	char why[256];

	if (vhci_init(&vhci, VHCI_DIR, why, sizeof(why)) != 0) {
		return;
	}
	for (size_t i = 0; i < a->ndevices; i++) {
		struct agent_device *d = &a->devices[i];
		int port = -1;

		for (size_t k = 0; k < vhci.n && port == -1; k++) {
			const struct vhci_port *p = &vhci.ports[k];

			if (p->state != VHCI_FREE &&
			    ports_read(PORTS_DIR, p->port, &note) == 0 &&
			    ports_is_current(&note, p) && is_of(&note, d)) {
				port = (int)p->port;
				(void)snprintf(d->had, sizeof(d->had), "%s",
				    note.is_agents ? note.user : "");
			}
		}
		set_attached(a, d, port, now);
	}
	vhci_fini(&vhci);
}

/* Once, until it is attached or leaves: it is tried again and again. */
static void
say_refused(struct agent *a, struct agent_device *d, int code)
{
	const char *why = "it failed, and the agent's log says why";

	switch (code) {
	case EXITS_DENIED:
		why = "this workstation or its gateway does not accept it";
		break;
	case EXITS_UNREACHABLE:
		why = "its gateway does not answer";
		break;
	case EXITS_NOT_FOUND:
		why = "it is busy, nobody sits at its seat, or no port is "
		      "free";
		break;
	}
	if (!d->is_refused) {
		agent_say(a, NOTICE_REFUSED, d->gateway, d->name, why, 0);
	}
	d->is_refused = 1;
}

static void
reap(struct agent *a, uint64_t now)
{
	for (size_t i = 0; i < a->ndevices; i++) {
		struct agent_device *d = &a->devices[i];
		int code;

		if (!has_ended(&d->child, &code)) {
			continue;
		}
		/* Asking fails, unless the answer came at once. */
		if (code != EXITS_OK &&
		    !(d->is_asking && code == EXITS_DENIED)) {
			d->is_asked = 0;
			plan_failed(&d->backoff, now, agent_random());
			say_refused(a, d, code);
		}
	}
}

static void
start(struct agent *a, struct agent_device *d, const struct ipc_watch *offer,
    enum opts_ask ask, uint64_t now)
{
	const struct plan_rule *rule = whose(a, d->gateway, offer);
	const struct agent_try try = {
		.gateway = d->gateway->text,
		.what = offer->item.dev.busid,
		.name = offer->name,
		.user = rule != NULL ? rule->user : "",
		.seat = rule != NULL ? rule->seat : "",
		.accept = accept_of(a, d->gateway, offer),
		.ask = ask,
	};
	char who[4 * IDENTITY_TEXT];

	if (ask == OPTS_ASK) {
		log_infox("agent: %s %s: needs approval by %s; waits for it",
		    d->gateway->text, d->name,
		    offers_approver(who, sizeof(who), offer));
		agent_say(a, NOTICE_APPROVAL, d->gateway, d->name, who, 0);
	}
	d->child = agent_attach(a->opts, &try);
	d->is_asking = d->is_asked = ask == OPTS_ASK;
	if (d->child == -1) {
		d->is_asked = 0;
		plan_failed(&d->backoff, now, agent_random());
	}
}

static int
unplug(unsigned port)
{
	int r = vhci_detach(VHCI_DIR, port);

	if (r == ERR_SYS) {
		log_warn("agent: detach: port %u", port);
		return -1;
	}
	r = vhci_wait(VHCI_DIR, port, VHCI_FREE, FREE_MS, NULL);
	ports_remove(PORTS_DIR, port);
	seat_clear(port);
	if (r != 0) {
		log_warnx("agent: detach: port %u: %s", port, err_str(r));
		return -1;
	}
	return 0;
}

static void
decide(struct agent *a, struct agent_device *d,
    const struct ipc_watch *offer, uint64_t now)
{
	struct plan_facts facts = {
		.is_wanted = 1,
		.is_suspended = a->is_suspended,
		.is_attached = d->is_attached,
		.is_running = d->child != -1,
		.is_asked = d->is_asked,
		.state = offer->state,
	};
	const struct plan_rule *rule = whose(a, d->gateway, offer);
	enum plan_step step;

	/* without sallyport-desks, `sallyport attach' asks for itself */
	if (a->desks != NULL) {
		plan_seat(&facts, rule, sits_there(a, rule), d->had);
	}
	step = plan_device(&facts, &d->backoff, now);
	if (step == PLAN_UNPLUG) {
		log_infox("agent: %s %s: another one sits at its seat",
		    d->gateway->text, d->name);
		(void)unplug((unsigned)d->port);
	}
	if (step == PLAN_WAIT || step == PLAN_UNPLUG) {
		return;
	}
	facts.is_off = is_off(d->gateway, offer);
	step = plan_device(&facts, &d->backoff, now);
	if (step != PLAN_WAIT) {
		start(a, d, offer, step == PLAN_ASK ? OPTS_ASK : OPTS_ATTACH,
		    now);
	}
}

void
agent_work(struct agent *a, uint64_t now)
{
	reap(a, now);
	for (size_t i = 0; i < a->ngateways; i++) {
		struct agent_gateway *g = &a->gateways[i];

		for (size_t k = 0; k < g->offers.n; k++) {
			if (is_wanted(a, g, &g->offers.v[k])) {
				(void)device_of(a, g, g->offers.v[k].name);
			}
		}
	}
	look_at_ports(a, now);
	forget_gone(a);
	for (size_t i = 0; i < a->ndevices; i++) {
		struct agent_device *d = &a->devices[i];
		const struct ipc_watch *offer =
		    offers_find(&d->gateway->offers, d->name);

		if (offer == NULL || offer->state != IPC_WATCH_PENDING) {
			d->is_asked = 0; /* next time it is another one */
		}
		if (offer != NULL) {
			decide(a, d, offer, now);
		}
	}
}

const char *
agent_word(const struct agent *a, const struct agent_device *d)
{
	const struct ipc_watch *offer =
	    offers_find(&d->gateway->offers, d->name);
	const struct plan_rule *rule =
	    offer != NULL ? whose(a, d->gateway, offer) : NULL;
	struct plan_facts facts = {0};

	if (d->is_attached) {
		return "attached";
	}
	if (d->child != -1) {
		return "attaching";
	}
	if (offer == NULL) {
		return "not there";
	}
	if (is_off(d->gateway, offer)) {
		return "off";
	}
	switch (offer->state) {
	case IPC_WATCH_FREE:
		plan_seat(&facts, rule, sits_there(a, rule), "");
		return facts.is_absent && a->desks != NULL ? "no user" :
							      "free";
	case IPC_WATCH_PENDING:
		return "needs-approval";
	}
	return "busy";
}

/* ------------------------------------------------------------------------ */
/* Unplugging                                                               */

int
agent_unplug(
    const struct opts *opts, enum agent_whose whose, agent_note_cb *keep)
{
	static struct ports_note note;
	struct vhci vhci;
	int failed = 0;

	if (cmd_vhci(&vhci, opts) != 0) {
		return -1;
	}
	for (size_t i = 0; i < vhci.n; i++) {
		const struct vhci_port *p = &vhci.ports[i];

		if (p->state == VHCI_FREE ||
		    ports_read(PORTS_DIR, p->port, &note) != 0 ||
		    !ports_is_current(&note, p) ||
		    (whose == AGENT_OWN && !note.is_agents)) {
			continue;
		}
		if (!note.is_agents && keep != NULL) {
			keep(&note);
		}
		failed |= unplug(p->port);
	}
	vhci_fini(&vhci);
	return failed;
}

void
agent_stop(struct agent *a)
{
	for (size_t i = 0; i < a->ndevices; i++) {
		(void)agent_await(&a->devices[i].child, CHILD_MS);
	}
	if (a->opts->keep == OPTS_DETACH) {
		(void)agent_unplug(a->opts, AGENT_OWN, NULL);
	}
}
