/*
 * sallyport status: what is plugged into this workstation's virtual host
 * controller, by whom. Anyone may ask. The kernel is the truth, notes add where
 * a device came from; stale notes are removed when we may.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "vhci-glue/cmd.h"
#include "vhci-glue/link.h"
#include "vhci-glue/ports.h"
#include "vhci-glue/vhci.h"
#include "vhci-glue/words.h"

/* 1 with the note of that port, when it has one that is true. */
static int
noted(const struct vhci_port *port, struct ports_note *note)
{
	int is_true;

	if (ports_read(PORTS_DIR, port->port, note) != 0) {
		return 0;
	}
	is_true = ports_is_current(note, port);
	if (!is_true && geteuid() == 0) {
		ports_remove(PORTS_DIR, port->port);
	}
	return is_true;
}

/* One port, and how its connection does. */
struct row {
	const struct vhci_port *port; /* borrowed */
	int has_note, has_link;
	struct ports_note note;
	struct link_counts first, now;
};

/* Rates are of a fourth of a second, for all ports at once. */
static void
look_twice(struct row *rows, size_t n)
{
	const struct timespec nap = {0, 250000000};
	int is_any = 0;

	for (size_t i = 0; i < n; i++) {
		rows[i].has_link = rows[i].has_note &&
		    link_look(&rows[i].first, rows[i].note.relay) == 0;
		is_any |= rows[i].has_link;
	}
	if (is_any) {
		(void)nanosleep(&nap, NULL);
	}
	for (size_t i = 0; i < n; i++) {
		rows[i].has_link = rows[i].has_link &&
		    link_look(&rows[i].now, rows[i].note.relay) == 0;
	}
}

static uint64_t
rate_in(const struct row *row)
{
	return link_rate(row->first.in, row->now.in,
	    row->now.at - row->first.at);
}

static uint64_t
rate_out(const struct row *row)
{
	return link_rate(row->first.out, row->now.out,
	    row->now.at - row->first.at);
}

static void
print_row(const struct row *row)
{
	const struct vhci_port *p = row->port;
	const struct ports_note *note = row->has_note ? &row->note : NULL;
	char vidpid[16] = "-", in[16] = "-", out[16] = "-", rtt[24] = "-";

	if (note != NULL) {
		(void)snprintf(vidpid, sizeof(vidpid), "%04x:%04x", note->vid,
		    note->pid);
	}
	if (row->has_link) {
		words_rate(in, sizeof(in), rate_in(row));
		words_rate(out, sizeof(out), rate_out(row));
		(void)snprintf(rtt, sizeof(rtt), "%u.%u ms",
		    row->now.rtt / 1000, row->now.rtt / 100 % 10);
	}
	(void)printf("%-4u  %-9s  %-8s  %-9s  %-8s  %-24s  %-12s  %-9s  %-9s  "
		     "%-9s  %s\n",
	    p->port, vhci_state_name(p->state),
	    p->state == VHCI_USED ? words_speed_short(p->speed) : "-", vidpid,
	    p->state == VHCI_USED ? p->local : "-",
	    note != NULL ? note->gateway : "another program's",
	    note != NULL ? note->busid : "-", in, out, rtt,
	    note != NULL ? note->since : "-");
}

static void
put_link(json_t *o, const struct row *row)
{
	json_t *l = json_pack("{s:f, s:I, s:I, s:I, s:I, s:I}", "latency_ms",
	    (double)row->now.rtt / 1000, "bytes_in",
	    (json_int_t)row->now.in, "bytes_out", (json_int_t)row->now.out,
	    "rate_in", (json_int_t)rate_in(row), "rate_out",
	    (json_int_t)rate_out(row), "retransmitted",
	    (json_int_t)row->now.again);

	(void)json_object_set_new(o, "link", l);
}

static json_t *
json_of(const struct row *row)
{
	const struct vhci_port *p = row->port;
	const struct ports_note *note = row->has_note ? &row->note : NULL;
	json_t *o = json_pack("{s:i, s:s, s:s}", "port", (int)p->port, "hub",
	    p->hub == VHCI_SS ? "ss" : "hs", "state",
	    vhci_state_name(p->state));
	char text[8];

	if (p->state == VHCI_USED) {
		(void)json_object_set_new(
		    o, "speed", json_string(words_speed_short(p->speed)));
		(void)json_object_set_new(o, "local", json_string(p->local));
	}
	if (note == NULL) {
		return o;
	}
	(void)json_object_set_new(o, "gateway", json_string(note->gateway));
	(void)json_object_set_new(o, "busid", json_string(note->busid));
	(void)snprintf(text, sizeof(text), "%04x", note->vid);
	(void)json_object_set_new(o, "vid", json_string(text));
	(void)snprintf(text, sizeof(text), "%04x", note->pid);
	(void)json_object_set_new(o, "pid", json_string(text));
	(void)json_object_set_new(
	    o, "relay", json_integer((json_int_t)note->relay));
	(void)json_object_set_new(o, "since", json_string(note->since));
	(void)json_object_set_new(o, "name", json_string(note->name));
	if (*note->user != '\0') {
		(void)json_object_set_new(o, "user", json_string(note->user));
		(void)json_object_set_new(o, "seat", json_string(note->seat));
	}
	if (row->has_link) {
		put_link(o, row);
	}
	return o;
}

static void
print_json(const struct vhci *vhci, const struct row *rows, size_t n)
{
	json_t *root = json_object(), *ports = json_array();

	for (size_t i = 0; i < n; i++) {
		(void)json_array_append_new(ports, json_of(&rows[i]));
	}
	(void)json_object_set_new(root, "ports", ports);
	(void)json_object_set_new(
	    root, "nports", json_integer((json_int_t)vhci->nports));
	(void)json_dumpf(root, stdout, JSON_INDENT(2));
	(void)putchar('\n');
	json_decref(root);
}

static void
print_table(const struct row *rows, size_t n)
{
	if (n == 0) {
		(void)puts("nothing is attached");
		return;
	}
	(void)printf("%-4s  %-9s  %-8s  %-9s  %-8s  %-24s  %-12s  %-9s  %-9s  "
		     "%-9s  %s\n",
	    "PORT", "STATE", "SPEED", "VID:PID", "HERE", "GATEWAY", "BUS ID",
	    "IN", "OUT", "LATENCY", "SINCE");
	for (size_t i = 0; i < n; i++) {
		print_row(&rows[i]);
	}
}

int
cmd_status(const struct opts *opts)
{
	struct row *rows = NULL;
	struct vhci vhci;
	size_t n = 0;
	int r = cmd_vhci(&vhci, opts);

	if (r != 0) {
		return r;
	}
	rows = calloc(vhci.n > 0 ? vhci.n : 1, sizeof(*rows));
	if (rows == NULL) {
		log_warn("status");
		vhci_fini(&vhci);
		return EXITS_FAILED;
	}
	for (size_t i = 0; i < vhci.n; i++) {
		struct row *row = &rows[n];

		memset(row, 0, sizeof(*row));
		row->port = &vhci.ports[i];
		row->has_note = noted(row->port, &row->note);
		n += row->port->state != VHCI_FREE;
	}
	look_twice(rows, n);
	if (opts->form == OPTS_JSON) {
		print_json(&vhci, rows, n);
	} else {
		print_table(rows, n);
	}
	free(rows);
	vhci_fini(&vhci);
	return cmd_flush(opts, EXITS_OK);
}
