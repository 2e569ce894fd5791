/*
 * sallyport list: what a gateway offers to this workstation. The relay asks;
 * items come decoded from it and are shown with every text escaped.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "vhci-glue/cmd.h"
#include "vhci-glue/imported.h"
#include "vhci-glue/launch.h"
#include "vhci-glue/offers.h"
#include "base/usbids.h"
#include "vhci-glue/words.h"

#define MAX_ITEMS 4096u
#define ITEM_MS 60000

struct row {
	struct ipc_item item;
	const struct ipc_watch *offer; /* borrowed; NULL = not known */
	char vendor[USBIDS_NAME], product[USBIDS_NAME];
	char what[160];
};

struct rows {
	struct row *v; /* owned */
	size_t n, room;
};

/* What the device calls itself goes before what usb.ids calls it. */
static void
use_texts(struct row *row, const struct ipc_item *item)
{
	if (item->manufacturer[0] != '\0') {
		log_escape(row->vendor, sizeof(row->vendor),
		    item->manufacturer, strlen(item->manufacturer));
	}
	if (item->product[0] != '\0') {
		log_escape(row->product, sizeof(row->product), item->product,
		    strlen(item->product));
	}
}

static int
add_row(struct rows *rows, const struct ipc_item *item,
    const struct usbids *ids)
{
	struct row *row;

	if (rows->n == rows->room) {
		size_t room = rows->room == 0 ? 16 : 2 * rows->room;
		struct row *v;

		if (rows->n >= MAX_ITEMS) {
			return -1;
		}
		v = realloc(rows->v, room * sizeof(*v));
		if (v == NULL) {
			return -1;
		}
		rows->v = v;
		rows->room = room;
	}
	row = &rows->v[rows->n++];
	row->item = *item;
	row->offer = NULL;
	usbids_find(ids, item->dev.vid, item->dev.pid, row->vendor,
	    row->product);
	words_what(row->what, sizeof(row->what), item);
	return 0;
}

/* All items until the relay says that it is done. */
static int
collect(struct launch *l, struct rows *rows, const struct usbids *ids)
{
	struct ipc_item item;
	struct channel_msg msg;
	int r;

	for (;;) {
		r = launch_recv(l, ITEM_MS, &msg);
		if (r != 0) {
			return r;
		}
		if (msg.type == IPC_RELAY_DONE) {
			return 0;
		}
		if (msg.type != IPC_RELAY_ITEM ||
		    ipc_decode_item(&item, msg.data, msg.len) != 0 ||
		    imported_check(&item.dev) != NULL ||
		    add_row(rows, &item, ids) != 0) {
			log_warnx("%s: relay: malformed message, or too many "
				  "devices",
			    l->command);
			return EXITS_FAILED;
		}
	}
}

static int
has_busid(const struct rows *rows, const char *busid)
{
	for (size_t i = 0; i < rows->n; i++) {
		if (strcmp(rows->v[i].item.dev.busid, busid) == 0) {
			return 1;
		}
	}
	return 0;
}

/* USB/IP's list has neither stable names nor texts, nor what needs an approval
 * first: the events have. */
static void
add_offers(struct rows *rows, const struct offers *offers,
    const struct usbids *ids)
{
	for (size_t i = 0; i < offers->n; i++) {
		const struct ipc_item *item = &offers->v[i].item;

		if (offers->v[i].state == IPC_WATCH_PENDING &&
		    !has_busid(rows, item->dev.busid)) {
			(void)add_row(rows, item, ids);
		}
	}
	for (size_t i = 0; i < rows->n; i++) {
		struct row *row = &rows->v[i];

		row->offer = offers_find(offers, row->item.dev.busid);
		if (row->offer != NULL) {
			use_texts(row, &row->offer->item);
		}
	}
}

static const char *
stable_name_of(const struct row *row)
{
	return row->offer != NULL ? row->offer->name : "-";
}

static void
name_of(char *dst, size_t size, const struct row *row)
{
	if (row->vendor[0] == '\0' && row->product[0] == '\0') {
		(void)snprintf(dst, size, "-");
		return;
	}
	(void)snprintf(dst, size, "%s%s%s", row->vendor,
	    row->vendor[0] != '\0' && row->product[0] != '\0' ? " " : "",
	    row->product);
}

/* "needs-approval by desk@example"; returns dst. */
static const char *
state_of(char *dst, size_t size, const struct row *row)
{
	char who[4 * IDENTITY_TEXT];

	if (row->offer == NULL || row->offer->state != IPC_WATCH_PENDING) {
		return offers_state(row->offer);
	}
	(void)snprintf(dst, size, "%s by %s", offers_state(row->offer),
	    offers_approver(who, sizeof(who), row->offer));
	return dst;
}

static int
at_least(int width, const char *text)
{
	int n = (int)strlen(text);

	return n > width ? n : width;
}

static void
print_table(const struct rows *rows)
{
	char name[2 * USBIDS_NAME], stands[5 * IDENTITY_TEXT];
	int busid = 6, device = 6, what = 4, speed = 16, state = 5;

	if (rows->n == 0) {
		(void)puts("no device here is for this workstation");
		return;
	}
	for (size_t i = 0; i < rows->n; i++) {
		name_of(name, sizeof(name), &rows->v[i]);
		busid = at_least(busid, rows->v[i].item.dev.busid);
		device = at_least(device, name);
		what = at_least(what, rows->v[i].what);
		state = at_least(
		    state, state_of(stands, sizeof(stands), &rows->v[i]));
	}
	(void)printf("%-*s  VID:PID    %-*s  %-*s  %-*s  %-*s  STABLE NAME\n",
	    busid, "BUS ID", device, "DEVICE", what, "WHAT", speed, "SPEED",
	    state, "STATE");
	for (size_t i = 0; i < rows->n; i++) {
		const struct usbip_device *d = &rows->v[i].item.dev;

		name_of(name, sizeof(name), &rows->v[i]);
		(void)printf("%-*s  %04x:%04x  %-*s  %-*s  %-*s  %-*s  %s\n",
		    busid, d->busid, d->vid, d->pid, device, name, what,
		    rows->v[i].what, speed, words_speed(d->speed), state,
		    state_of(stands, sizeof(stands), &rows->v[i]),
		    stable_name_of(&rows->v[i]));
	}
}

static json_t *
hex(unsigned value, int digits)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%0*x", digits, value);
	return json_string(text);
}

static json_t *
json_of(const struct row *row)
{
	const struct usbip_device *d = &row->item.dev;
	json_t *o = json_object(), *faces = json_array();
	char text[16];

	for (unsigned i = 0; i < row->item.ninterfaces; i++) {
		const struct usbip_interface *f = &row->item.interfaces[i];

		(void)snprintf(text, sizeof(text), "%02x:%02x:%02x", f->class,
		    f->subclass, f->protocol);
		(void)json_array_append_new(faces, json_string(text));
	}
	(void)snprintf(text, sizeof(text), "%02x:%02x:%02x", d->class,
	    d->subclass, d->protocol);
	(void)json_object_set_new(o, "busid", json_string(d->busid));
	if (row->offer != NULL) {
		const char *serial = row->offer->item.serial;
		char safe[4 * IDENTITY_TEXT];

		log_escape(safe, sizeof(safe), serial, strlen(serial));
		(void)json_object_set_new(
		    o, "name", json_string(row->offer->name));
		(void)json_object_set_new(
		    o, "state", json_string(offers_state(row->offer)));
		(void)json_object_set_new(o, "serial", json_string(safe));
		if (row->offer->state == IPC_WATCH_PENDING) {
			(void)json_object_set_new(o, "approver",
			    json_string(offers_approver(
				safe, sizeof(safe), row->offer)));
		}
	}
	(void)json_object_set_new(o, "vid", hex(d->vid, 4));
	(void)json_object_set_new(o, "pid", hex(d->pid, 4));
	(void)json_object_set_new(o, "bcd_device", hex(d->bcd_device, 4));
	(void)json_object_set_new(o, "class", json_string(text));
	(void)json_object_set_new(o, "interfaces", faces);
	(void)json_object_set_new(o, "manufacturer", json_string(row->vendor));
	(void)json_object_set_new(o, "product", json_string(row->product));
	(void)json_object_set_new(o, "what", json_string(row->what));
	(void)json_object_set_new(
	    o, "speed", json_string(words_speed_short(d->speed)));
	return o;
}

static int
print_json(const struct rows *rows, const struct gateway *gateway)
{
	json_t *root = json_object(), *devices = json_array();
	char text[GATEWAY_TEXT];
	int r;

	for (size_t i = 0; i < rows->n; i++) {
		(void)json_array_append_new(devices, json_of(&rows->v[i]));
	}
	gateway_text(text, sizeof(text), gateway);
	(void)json_object_set_new(root, "gateway", json_string(text));
	(void)json_object_set_new(root, "devices", devices);
	r = json_dumpf(root, stdout, JSON_INDENT(2));
	json_decref(root);
	(void)putchar('\n');
	return r == 0 ? EXITS_OK : EXITS_FAILED;
}

int
cmd_list(const struct opts *opts)
{
	static struct launch launch;
	struct rows rows = {NULL, 0, 0};
	struct offers offers = {NULL, 0, 0, 0};
	struct settings settings = {.ca = NULL};
	struct gateway gateway;
	struct launch_how how = {
	    .opts = opts,
	    .settings = &settings,
	    .gateway = &gateway,
	    .mode = IPC_RELAY_LIST,
	    .busid = "",
	    .log = -1,
	};
	struct usbids *ids = NULL;
	int r = cmd_gateway(&gateway, opts);

	if (r != 0) {
		return r;
	}
	r = EXITS_FAILED;
	if (settings_load(&settings, opts) == 0 &&
	    launch_start(&launch, &how) == 0) {
		ids = usbids_open(NULL);
		r = collect(&launch, &rows, ids);
		launch_end(&launch);
	}
	if (r == 0 && offers_get(&offers, opts, &settings, &gateway) == 0) {
		add_offers(&rows, &offers, ids);
	}
	usbids_close(ids);
	if (r == 0 && opts->form == OPTS_JSON) {
		r = print_json(&rows, &gateway);
	} else if (r == 0) {
		print_table(&rows);
	}
	settings_free(&settings);
	offers_fini(&offers);
	free(rows.v);
	return cmd_flush(opts, r);
}
