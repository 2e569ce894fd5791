/*
 * sallyport status: what is plugged into this workstation's virtual host
 * controller, by whom. Anyone may ask. The kernel is the truth, notes add where
 * a device came from; stale notes are removed when we may.
 */
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#include "vhci-glue/cmd.h"
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

static void
print_row(const struct vhci_port *p, const struct ports_note *note)
{
	char vidpid[16] = "-";

	if (note != NULL) {
		(void)snprintf(vidpid, sizeof(vidpid), "%04x:%04x", note->vid,
		    note->pid);
	}
	(void)printf("%-4u  %-9s  %-8s  %-9s  %-8s  %-24s  %-12s  %s\n",
	    p->port, vhci_state_name(p->state),
	    p->state == VHCI_USED ? words_speed_short(p->speed) : "-", vidpid,
	    p->state == VHCI_USED ? p->local : "-",
	    note != NULL ? note->gateway : "another program's",
	    note != NULL ? note->busid : "-",
	    note != NULL ? note->since : "-");
}

static json_t *
json_of(const struct vhci_port *p, const struct ports_note *note)
{
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
	return o;
}

int
cmd_status(const struct opts *opts)
{
	json_t *root = NULL, *ports = NULL;
	struct vhci vhci;
	unsigned n = 0;
	int r = cmd_vhci(&vhci, opts);

	if (r != 0) {
		return r;
	}
	if (opts->form == OPTS_JSON) {
		root = json_object();
		ports = json_array();
	}
	for (size_t i = 0; i < vhci.n; i++) {
		const struct vhci_port *p = &vhci.ports[i];
		struct ports_note note;
		int has_note = noted(p, &note);

		if (p->state == VHCI_FREE) {
			continue;
		}
		if (root != NULL) {
			(void)json_array_append_new(
			    ports, json_of(p, has_note ? &note : NULL));
			continue;
		}
		if (n++ == 0) {
			(void)printf("%-4s  %-9s  %-8s  %-9s  %-8s  %-24s  "
				     "%-12s  %s\n",
			    "PORT", "STATE", "SPEED", "VID:PID", "HERE",
			    "GATEWAY", "BUS ID", "SINCE");
		}
		print_row(p, has_note ? &note : NULL);
	}
	if (root != NULL) {
		(void)json_object_set_new(root, "ports", ports);
		(void)json_object_set_new(root, "nports",
		    json_integer((json_int_t)vhci.nports));
		(void)json_dumpf(root, stdout, JSON_INDENT(2));
		(void)putchar('\n');
		json_decref(root);
	} else if (n == 0) {
		(void)puts("nothing is attached");
	}
	vhci_fini(&vhci);
	return cmd_flush(opts, EXITS_OK);
}
