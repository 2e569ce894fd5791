/*
 * The last words of an attach, and the wait for drivers: a few seconds at most,
 * since there may be none here for the device.
 */
#include "vhci-glue/attached.h"

#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "vhci-glue/cmd.h"
#include "vhci-glue/nodes.h"

/* A disk is looked at a second after its driver came; some have slow media. */
#define NODES_WAIT (8 * CLOCK_SEC)
/* After udevd has nothing more to do, which loads the drivers; and for one that
 * may have none. */
#define DRIVERS_WAIT (2 * CLOCK_SEC)
#define VENDOR_WAIT (500 * CLOCK_MSEC)
/* There while udevd has events, see udev_queue_get_queue_is_empty(3). */
#define UDEV_QUEUE "/run/udev/queue"

void
attached_progress(const struct opts *opts, const char *busid, const char *what)
{
	if (opts->form == OPTS_TEXT && isatty(STDERR_FILENO)) {
		(void)fprintf(stderr, "%s: %s ...\n", busid, what);
	}
}

/* How long after udevd is done. */
static uint64_t
patience(const struct nodes *nodes)
{
	if (nodes->waiting > 0) {
		return DRIVERS_WAIT;
	}
	return nodes->unknown > 0 ? VENDOR_WAIT : 0;
}

/* Until the drivers of this machine have made of the device what they make of
 * its kind, or have had their time, or the relay has something to say. */
static void
await_nodes(const struct attached *a, struct nodes *nodes)
{
	struct pollfd p = {.fd = a->channel, .events = POLLIN};
	uint64_t now = clock_mono(), began = now, seen = 0;

	attached_progress(a->opts, a->dev->busid, "drivers look at it");
	do {
		int r = nodes_find(nodes, NODES_SYSFS, NODES_DEV, a->local);

		now = clock_mono();
		if (r == 0 && (seen == 0 || access(UDEV_QUEUE, F_OK) == 0)) {
			seen = now; /* the kernel knows its interfaces */
		}
		if ((r != 0 && r != ERR_NOENT) ||
		    (r == 0 && nodes->undriven == nodes->waiting &&
			now - seen >= patience(nodes))) {
			break;
		}
	} while (now - began < NODES_WAIT && !*a->told_to_end &&
	    poll(&p, 1, 100) <= 0);
}

static void
print_text(const struct attached *a)
{
	(void)printf("attached: port %u, %u-%u, %s (%04x:%04x) of %s, here "
		     "%s\n",
	    a->port, a->dev->busnum, a->dev->devnum, a->dev->busid,
	    a->dev->vid, a->dev->pid, a->gateway, a->local);
}

static void
print_nodes(const struct nodes *nodes)
{
	if (nodes->n == 0) {
		return;
	}
	(void)printf("ready:    ");
	for (unsigned i = 0; i < nodes->n; i++) {
		(void)printf("%s%s", i > 0 ? ", " : "", nodes->names[i]);
	}
	(void)putchar('\n');
}

static void
print_json(const struct attached *a, const struct nodes *nodes)
{
	json_t *o, *list = json_array();
	char vid[8], pid[8];

	for (unsigned i = 0; i < nodes->n; i++) {
		(void)json_array_append_new(
		    list, json_string(nodes->names[i]));
	}
	(void)snprintf(vid, sizeof(vid), "%04x", a->dev->vid);
	(void)snprintf(pid, sizeof(pid), "%04x", a->dev->pid);
	o = json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:o}", "port",
	    (int)a->port, "gateway", a->gateway, "busid", a->dev->busid, "vid",
	    vid, "pid", pid, "local", a->local, "busnum", (int)a->dev->busnum,
	    "devnum", (int)a->dev->devnum, "nodes", list);
	if (o != NULL) {
		(void)json_dumpf(o, stdout, 0);
		(void)putchar('\n');
		json_decref(o);
	}
}

int
attached_tell(const struct attached *a)
{
	struct nodes nodes = {.n = 0};
	int r = EXITS_OK;

	if (a->opts->form == OPTS_TEXT) {
		print_text(a);
		r = cmd_flush(a->opts, EXITS_OK);
	}
	/* the agent has others to see to */
	if (a->opts->as == NULL) {
		await_nodes(a, &nodes);
	}
	if (a->opts->form == OPTS_TEXT) {
		print_nodes(&nodes);
	} else {
		print_json(a, &nodes);
	}
	return cmd_flush(a->opts, r);
}
