/*
 * What the agent does about its devices, by what it hears: for whom it has them
 * attached, and when it takes one away. The kernel, gateways, notes and the login
 * manager are this file's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "vhci-glue/agent.h"
#include "vhci-glue/cmd.h"
#include "vhci-glue/off.h"
#include "vhci-glue/seat.h"

#define NAME "1050:0407@pci-0000:00:14.0:2"

static struct ipc_watch offer;
static struct ipc_desk desk; /* the one there is; no seat: none */
static struct ports_note note;
static int is_attached, is_gone;
static unsigned started, unplugged;
static char words[512]; /* of the last attach */

/* ------------------------------------------------------------------------ */
/* The world                                                                */

pid_t
spawn_child(const struct spawn *spawn)
{
	pid_t pid;

	words[0] = '\0';
	for (size_t i = 1; spawn->argv[i] != NULL; i++) {
		size_t used = strlen(words);

		(void)snprintf(words + used, sizeof(words) - used, " %s",
		    spawn->argv[i]);
	}
	started++;
	offer.state = IPC_WATCH_YOURS;
	pid = fork();
	if (pid == 0) {
		_exit(0);
	}
	return pid;
}

const struct ipc_watch *
offers_find(const struct offers *offers, const char *what)
{
	(void)offers;
	return !is_gone && strcmp(what, NAME) == 0 ? &offer : NULL;
}

char *
offers_approver(char *dst, size_t size, const struct ipc_watch *unused)
{
	(void)unused;
	(void)snprintf(dst, size, "somebody");
	return dst;
}

const struct ipc_desk *
desks_at(const struct desks *desks, size_t i)
{
	assert_non_null(desks);
	return i == 0 && *desk.seat != '\0' ? &desk : NULL;
}

int
vhci_init(struct vhci *out, const char *dir, char *why, size_t size)
{
	static struct vhci_port port = {.port = 3};

	(void)dir;
	(void)why;
	(void)size;
	port.state = is_attached ? VHCI_USED : VHCI_FREE;
	*out = (struct vhci){.nports = 1, .n = 1, .ports = &port};
	return 0;
}

void
vhci_fini(struct vhci *vhci)
{
	(void)vhci;
}

int
vhci_detach(const char *dir, unsigned port)
{
	(void)dir;
	assert_int_equal(port, 3);
	is_attached = 0;
	unplugged++;
	return 0;
}

int
vhci_wait(const char *dir, unsigned port, enum vhci_state state,
    unsigned timeout_ms, char *local)
{
	(void)dir;
	(void)port;
	(void)state;
	(void)timeout_ms;
	(void)local;
	return 0;
}

int
ports_read(const char *dir, unsigned port, struct ports_note *out)
{
	(void)dir;
	(void)port;
	*out = note;
	return 0;
}

int
ports_is_current(const struct ports_note *n, const struct vhci_port *port)
{
	(void)n;
	(void)port;
	return is_attached;
}

void
ports_remove(const char *dir, unsigned port)
{
	(void)dir;
	(void)port;
}

void
seat_clear(unsigned port)
{
	(void)port;
}

int
off_has(const char *path, const char *gateway, const char *what)
{
	(void)path;
	(void)gateway;
	(void)what;
	return 0;
}

int
off_remove(const char *path, const char *gateway, const char *what)
{
	(void)path;
	(void)gateway;
	(void)what;
	return 0;
}

int
cmd_vhci(struct vhci *out, const struct opts *opts)
{
	(void)opts;
	return vhci_init(out, "", NULL, 0);
}

void
agent_say(struct agent *a, enum notice_kind kind,
    const struct agent_gateway *g, const char *name, const char *text,
    unsigned within)
{
	(void)a;
	(void)kind;
	(void)g;
	(void)name;
	(void)text;
	(void)within;
}

/* ------------------------------------------------------------------------ */
/* The agent                                                                */

static struct opts opts;
static struct agent agent;
static struct agent_gateway gateway;
static struct agent_device devices[AGENT_DEVICES];
static struct plan_rule rules[4];
static uint64_t now;
static char a_bus; /* whose address stands for sallyport-desks */

static void
begin(const char *first, const char *second)
{
	const char *why;

	memset(&agent, 0, sizeof(agent));
	memset(&gateway, 0, sizeof(gateway));
	(void)snprintf(gateway.gateway.host, sizeof(gateway.gateway.host), "gw");
	gateway.gateway.port = 3241;
	(void)snprintf(gateway.text, sizeof(gateway.text), "gw:3241");
	memset(&offer, 0, sizeof(offer));
	(void)snprintf(offer.name, sizeof(offer.name), NAME);
	(void)snprintf(
	    offer.item.dev.busid, sizeof(offer.item.dev.busid), "3-2");
	offer.state = IPC_WATCH_FREE;
	gateway.offers = (struct offers){.v = &offer, .n = 1, .is_ready = 1};
	agent.opts = &opts;
	agent.rules = rules;
	agent.gateways = &gateway;
	agent.ngateways = 1;
	agent.devices = devices;
	agent.desks = (struct desks *)(void *)&a_bus;
	assert_int_equal(plan_parse(&rules[0], first, 3241, &why), 0);
	agent.nrules = 1;
	if (second != NULL) {
		assert_int_equal(plan_parse(&rules[1], second, 3241, &why), 0);
		agent.nrules = 2;
	}
	memset(&desk, 0, sizeof(desk));
	is_attached = is_gone = 0;
	started = unplugged = 0;
	now = 1000 * CLOCK_SEC;
}

static void
sits(const char *user)
{
	(void)snprintf(desk.seat, sizeof(desk.seat), "seat0");
	(void)snprintf(desk.user, sizeof(desk.user), "%s", user);
}

/* Until nothing is on its way any more. */
static void
work(void)
{
	for (int i = 0; i < 2000; i++) {
		now += CLOCK_MSEC;
		agent_work(&agent, now);
		if (agent.devices[0].child == -1) {
			return;
		}
		(void)usleep(1000);
	}
	fail_msg("a child does not end");
}

/* What was started has done its work: it is attached, for that user. */
static void
plugged_in(const char *user, enum agent_whose whose)
{
	is_attached = 1;
	note = (struct ports_note){.port = 3, .is_agents = whose == AGENT_OWN};
	(void)snprintf(note.gateway, sizeof(note.gateway), "gw:3241");
	(void)snprintf(note.name, sizeof(note.name), NAME);
	(void)snprintf(note.user, sizeof(note.user), "%s", user);
	offer.state = IPC_WATCH_YOURS;
	now += 60 * CLOCK_SEC;
	work();
	assert_string_equal(agent_word(&agent, &agent.devices[0]), "attached");
}

static int
told(const char *option)
{
	return strstr(words, option) != NULL;
}

static void
nobodys(void **state)
{
	(void)state;
	begin("gw *", NULL);
	work();
	assert_int_equal(started, 1);
	assert_string_equal(words, " attach --as " NAME
	    " --accept none gw:3241 3-2");
}

static void
somebodys(void **state)
{
	(void)state;
	begin("gw * user=anna", NULL);
	work();
	assert_int_equal(started, 1);
	assert_true(told(" --user anna gw:3241 3-2"));
	assert_false(told("--seat"));
	/* whoever sits anywhere */
	sits("bert");
	plugged_in("anna", AGENT_OWN);
	assert_int_equal(unplugged, 0);
	/* of several lines the first that says it, and what all ask for */
	begin("gw * keyboard", "gw 1050:* user=bert seat=seat1");
	work();
	assert_true(told(" --user bert --seat seat1 "));
	assert_true(told("keyboard"));
}

static void
seats(void **state)
{
	(void)state;
	begin("gw * seat=seat0", NULL);
	work();
	now += 600 * CLOCK_SEC;
	work();
	assert_int_equal(started, 0);
	assert_string_equal(agent_word(&agent, &agent.devices[0]), "no user");
	assert_int_equal(agent.devices[0].backoff.failures, 0);
	sits("");
	work();
	assert_int_equal(started, 0);
	sits("anna");
	work();
	assert_int_equal(started, 1);
	assert_true(told(" --seat seat0 "));
	assert_false(told("--user"));
	plugged_in("anna", AGENT_OWN);
	/* a screen that greets takes nothing, another user does */
	sits("");
	work();
	assert_int_equal(unplugged, 0);
	sits("anna");
	work();
	assert_int_equal(unplugged, 0);
	sits("bert");
	work();
	assert_int_equal(unplugged, 1);
	offer.state = IPC_WATCH_FREE;
	now += 60 * CLOCK_SEC;
	work();
	assert_int_equal(started, 2);
	assert_true(told(" --seat seat0 "));
	plugged_in("bert", AGENT_OWN);
	assert_int_equal(unplugged, 1);
}

/* What was attached by hand is left to whom it was attached for; and without
 * sallyport-desks `sallyport attach' is the one to ask. */
static void
not_ours(void **state)
{
	(void)state;
	begin("gw * seat=seat0", NULL);
	sits("bert");
	plugged_in("anna", AGENT_ALL);
	assert_int_equal(unplugged + started, 0);
	begin("gw * seat=seat0", NULL);
	agent.desks = NULL;
	work();
	assert_int_equal(started, 1);
	assert_true(told(" --seat seat0 "));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobodys),
		cmocka_unit_test(somebodys),
		cmocka_unit_test(seats),
		cmocka_unit_test(not_ours),
	};

	log_init("test_agent_work");
	return cmocka_run_group_tests_name("agent_work", tests, NULL, NULL);
}
