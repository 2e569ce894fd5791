/*
 * sallyport detach: unplugs by port, by the gateway's bus id, by stable name, or
 * all that `sallyport attach` has plugged in. Root. The relay sees the end of
 * its socket and goes by itself.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "vhci-glue/cmd.h"
#include "vhci-glue/off.h"
#include "vhci-glue/ports.h"
#include "vhci-glue/seat.h"
#include "vhci-glue/vhci.h"

#define FREE_MS 10000

struct wanted {
	unsigned ports[VHCI_MAX_PORTS];
	unsigned n;
};

/* 1 with the number when text is nothing but digits. */
static int
is_port(const char *text, unsigned *port)
{
	unsigned n = 0;

	for (size_t i = 0; text[i] != '\0'; i++) {
		if (text[i] < '0' || text[i] > '9' || i > 5) {
			return 0;
		}
		n = n * 10 + (unsigned)(text[i] - '0');
	}
	*port = n;
	return text[0] != '\0';
}

/* Ports that a note of ours belongs to, of that bus id or stable name (NULL =
 * any). */
static void
find_noted(struct wanted *out, const struct vhci *vhci, const char *what)
{
	for (size_t i = 0; i < vhci->n; i++) {
		const struct vhci_port *p = &vhci->ports[i];
		struct ports_note note;

		if (p->state == VHCI_FREE ||
		    ports_read(PORTS_DIR, p->port, &note) != 0 ||
		    (p->state == VHCI_USED && p->devid != note.devid)) {
			continue;
		}
		if (what == NULL || strcmp(what, note.busid) == 0 ||
		    (*what != '\0' && strcmp(what, note.name) == 0)) {
			out->ports[out->n++] = p->port;
		}
	}
}

static int
find(struct wanted *out, const struct vhci *vhci, const char *what)
{
	char safe[128];
	unsigned port;

	log_escape(safe, sizeof(safe), what, strlen(what));
	if (strcmp(what, "all") == 0) {
		find_noted(out, vhci, NULL);
		return 0;
	}
	if (is_port(what, &port)) {
		const struct vhci_port *p = vhci_find(vhci, port);

		if (p == NULL || p->state == VHCI_FREE) {
			log_warnx("detach: port %s: nothing is attached there; "
				  "`sallyport status` shows what is",
			    safe);
			return EXITS_NOT_FOUND;
		}
		out->ports[out->n++] = port;
		return 0;
	}
	find_noted(out, vhci, what);
	if (out->n == 0) {
		log_warnx("detach: %s: not attached; `sallyport status` shows "
			  "what is",
		    safe);
		return EXITS_NOT_FOUND;
	}
	if (out->n > 1) {
		log_warnx("detach: %s: attached from more than one gateway; "
			  "give the port that `sallyport status` shows",
		    safe);
		return EXITS_FAILED;
	}
	return 0;
}

/* The agent must not attach it again before somebody does. */
static void
leave_off(unsigned port)
{
	static struct ports_note note;

	if (ports_read(PORTS_DIR, port, &note) == 0 &&
	    off_add(OFF_FILE, note.gateway,
		note.name[0] != '\0' ? note.name : note.busid) != 0) {
		log_warn("detach: %s", OFF_FILE);
	}
}

static int
detach(const struct opts *opts, unsigned port)
{
	int r;

	leave_off(port);
	r = vhci_detach(VHCI_DIR, port);

	if (r == ERR_SYS) {
		log_warn("detach: port %u", port);
		return EXITS_FAILED;
	}
	/* ERR_NOENT: it went by itself meanwhile. */
	r = vhci_wait(VHCI_DIR, port, VHCI_FREE, FREE_MS, NULL);
	ports_remove(PORTS_DIR, port);
	seat_clear(port);
	if (r != 0) {
		log_warnx("detach: port %u: %s; `dmesg` may tell", port,
		    r == ERR_TIMEOUT ? "the kernel does not free it"
				     : err_str(r));
		return EXITS_FAILED;
	}
	if (opts->form == OPTS_TEXT) {
		(void)printf("detached: port %u\n", port);
	}
	return 0;
}

static void
print_json(const struct wanted *wanted)
{
	json_t *ports = json_array(), *root = json_object();

	for (unsigned i = 0; i < wanted->n; i++) {
		(void)json_array_append_new(
		    ports, json_integer((json_int_t)wanted->ports[i]));
	}
	(void)json_object_set_new(root, "detached", ports);
	(void)json_dumpf(root, stdout, 0);
	(void)putchar('\n');
	json_decref(root);
}

int
cmd_detach(const struct opts *opts)
{
	static struct wanted wanted;
	struct vhci vhci;
	int r = cmd_need_root(opts);

	if (r == 0) {
		r = cmd_vhci(&vhci, opts);
	}
	if (r != 0) {
		return r;
	}
	r = find(&wanted, &vhci, opts->operands[0]);
	vhci_fini(&vhci);
	for (unsigned i = 0; i < wanted.n && r == 0; i++) {
		r = detach(opts, wanted.ports[i]);
	}
	if (r == 0 && opts->form == OPTS_JSON) {
		print_json(&wanted);
	} else if (r == 0 && wanted.n == 0) {
		(void)puts("nothing is attached");
	}
	return cmd_flush(opts, r);
}
