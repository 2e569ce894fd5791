/*
 * From a bus id to a stream of URBs: the warden's record and the broker's
 * descriptor must both arrive and speak of the same place; the interfaces are
 * claimed; the device is read anew and must say what the probe heard. Only
 * then is the peer answered, out of the part of the record that it may have.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/stream.h"
#include "proxy/session/flow.h"
#include "proxy/session/reader.h"
#include "proxy/session/session_parts.h"

/* The device as the peer may have it. */
static const struct devrec *
view(const struct session *s)
{
	return s->exposed != NULL ? s->exposed : s->record;
}

int
session_import(struct session *s, const char *busid)
{
	struct ipc_busid m;
	uint8_t buf[sizeof(m) + 8];

	memset(&m, 0, sizeof(m));
	snprintf(m.busid, sizeof(m.busid), "%s", busid);
	session_set_state(s, SS_IMPORTING);
	session_tell(s, s->warden, IPC_IMPORT, buf,
	    ipc_encode_busid(buf, sizeof(buf), &m));
	return 0;
}

static void
refuse_import(struct session *s, int err, const char *why)
{
	op_reply_import(&s->out, op_status(err), NULL);
	session_close(s, 0, why);
}

/* The device is there, but cannot be had. */
static void
import_failed(struct session *s, const char *operation, int err)
{
	char why[160];

	snprintf(why, sizeof(why), "import %s: %s: %s", s->place.busid,
	    operation, err_str(err));
	session_refused(s, "session.import", why);
	refuse_import(s, err == ERR_BUSY ? ERR_BUSY : ERR_SYS, why);
}

/* ------------------------------------------------------------------------ */
/* The USB side's callbacks                                                 */

static void
on_urb_done(void *arg, struct urb *urb)
{
	struct session *s = arg;

	if (s->reader != NULL && reader_done(s->reader, urb)) {
		return;
	}
	if ((urb->endpoint & 0x0f) != 0 && urb->result == URB_OK) {
		session_active(s);
	}
	flow_done(s->flow, urb);
}

static void
on_usb_gone(void *arg)
{
	session_event(arg, EV_GONE, NULL);
}

static int
on_ask_config(void *arg, uint8_t value)
{
	struct session *s = arg;
	struct ipc_byte m = {.value = value};
	uint8_t buf[8];

	return session_tell(s, s->broker, IPC_SET_CONFIG, buf,
	    ipc_encode_byte(buf, sizeof(buf), &m));
}

static void
on_refused(void *arg, const struct floor_why *why, const uint8_t *setup,
    uint8_t address)
{
	char text[160];

	if (setup != NULL) {
		snprintf(text, sizeof(text),
		    "setup %02x %02x %02x%02x %02x%02x %02x%02x: %s",
		    setup[0], setup[1], setup[3], setup[2], setup[5],
		    setup[4], setup[7], setup[6], why->text);
	} else {
		snprintf(text, sizeof(text), "endpoint 0x%02x: %s", address,
		    why->text);
	}
	session_refused(arg, why->rule, text);
}

static void
on_lost(void *arg, const char *rule, const char *text)
{
	session_refused(arg, rule, text);
	session_close(arg, 1, text);
}

/* ------------------------------------------------------------------------ */
/* Opening                                                                  */

static int
is_same_place(const struct device_place *a, const struct device_place *b)
{
	return strcmp(a->busid, b->busid) == 0 &&
	    strcmp(a->path, b->path) == 0 && a->busnum == b->busnum &&
	    a->devnum == b->devnum && a->speed == b->speed;
}

static void
on_reader_done(void *arg, int err, const struct reader_why *why)
{
	struct session *s = arg;
	struct event_arg event = {
		.err = err, .rule = why->rule, .text = why->text};

	session_event(s, EV_READ, &event);
	reader_free(s->reader);
	s->reader = NULL;
}

static int
open_device(struct session *s)
{
	const struct usb_sink sink = {on_urb_done, on_usb_gone, s};
	const struct usb_open how = {
		.fd = s->device_fd, .loop = s->how.loop};
	const struct control_hooks hooks = {
		on_ask_config, on_refused, on_lost, on_usb_gone, s};
	struct inspect_hooks inspect;
	struct flow_why why;
	const struct flow_how flow = {
		.loop = s->how.loop,
		.usb = s->how.usb,
		.in = &s->in,
		.out = &s->out,
		.rec = view(s),
		.whole = s->record,
		.devid = (uint32_t)s->place.busnum << 16 | s->place.devnum,
		.limits = s->limits,
		.hooks = &hooks,
		.block = s->block,
		.block_size = s->block_size,
		.wall = s->wall,
		.inspect_hooks = session_inspect_hooks(s, &inspect),
	};
	struct flow_how with_dev = flow;
	int r;

	s->device_fd = -1; /* taken */
	r = s->how.usb->open(&s->dev, &how, &sink);
	if (r != 0) {
		import_failed(s, "open", r);
		return r;
	}
	with_dev.dev = s->dev;
	r = flow_new(&s->flow, &with_dev, &why);
	if (r != 0) {
		session_refused(s, why.rule, why.text);
		refuse_import(s, ERR_SYS, why.text);
		return r;
	}
	session_restore_quotas(s);
	session_tap(s);
	r = flow_claim(s->flow);
	if (r != 0) {
		import_failed(s, "claim interfaces", r);
	}
	return r;
}

/* Both halves of the import are here. */
static int
begin_device(struct session *s)
{
	struct reader_how how = {
		.loop = s->how.loop,
		.usb = s->how.usb,
		.claims = READER_CLAIMED,
		.done = on_reader_done,
		.arg = s,
	};
	int r;

	if (!is_same_place(&s->place, &s->device_place)) {
		return ERR_PEER;
	}
	if (open_device(s) != 0) {
		return 0;
	}
	s->fresh = malloc(sizeof(*s->fresh));
	how.dev = s->dev;
	how.rec = s->fresh;
	how.speed = (uint8_t)s->how.usb->speed(s->dev);
	if (how.speed == USBIP_SPEED_UNKNOWN) {
		how.speed = s->place.speed;
	}
	r = s->fresh == NULL ? ERR_NOMEM : reader_new(&s->reader, &how);
	if (r != 0) {
		import_failed(s, "read descriptors", r);
		return 0;
	}
	session_set_state(s, SS_COMPARING);
	return 0;
}

int
session_on_device(struct session *s, const struct event_arg *arg)
{
	if (s->has_device ||
	    place_decode(
		&s->device_place, arg->msg->data, arg->msg->len) != 0) {
		return ERR_FORMAT;
	}
	s->device_fd = *arg->fd;
	*arg->fd = -1;
	if (s->how.walls->take_device(&s->device_fd) != 0) {
		return ERR_SYS;
	}
	s->has_device = 1;
	return s->is_imported ? begin_device(s) : 0;
}

/* What may be had of a checked record, if that is not all of it: exposed
 * interfaces, and of a disk its Bulk-Only alternate. */
static int
expose(struct session *s, const struct ipc_imported *m)
{
	struct desc_why why;
	int r;

	r = devrec_has_uas(s->record);
	if (r < 0 || (m->is_all && r == 0)) {
		return r;
	}
	s->exposed = malloc(sizeof(*s->exposed));
	if (s->exposed == NULL) {
		return ERR_NOMEM;
	}
	if (m->is_all) {
		*s->exposed = *s->record;
	} else {
		r = devrec_expose(
		    s->exposed, s->record, (const uint8_t(*)[32])m->mask);
		if (r != 0) {
			return r;
		}
	}
	devrec_drop_uas(s->exposed);
	return devrec_check(s->exposed, s->scratch, &why);
}

int
session_on_imported(struct session *s, const struct event_arg *arg)
{
	struct ipc_imported m;
	struct desc_why why;

	if (s->is_imported ||
	    ipc_decode_imported(
		&m, s->record, arg->msg->data, arg->msg->len) != 0) {
		return ERR_FORMAT;
	}
	if (m.err != 0) {
		refuse_import(s, m.err, "import: not given");
		return 0;
	}
	/* the record was checked by the probe; what is served is checked by
	 * who serves it */
	if (devrec_check(s->record, s->scratch, &why) != 0 ||
	    expose(s, &m) != 0) {
		return ERR_FORMAT;
	}
	s->place = m.place;
	s->is_imported = 1;
	return s->has_device ? begin_device(s) : 0;
}

/* ------------------------------------------------------------------------ */
/* Comparing                                                                */

int
session_on_read(struct session *s, const struct event_arg *arg)
{
	struct usbip_device dev;

	if (arg->err != 0) {
		session_refused(s, arg->rule, arg->text);
		refuse_import(s, ERR_SYS, arg->text);
		return 0;
	}
	if (devrec_compare(s->fresh, s->record) != 0 ||
	    s->fresh->active_config != s->record->active_config) {
		session_refused(s, "R8.changed",
		    "descriptors differ from the vetted ones");
		refuse_import(s, ERR_SYS, "the device changed");
		return 0;
	}
	free(s->fresh);
	s->fresh = NULL;
	devrec_usbip(&dev, view(s), &s->place, s->scratch);
	op_reply_import(&s->out, USBIP_ST_OK, &dev);
	loop_timer_stop(s->deadline);
	session_set_state(s, SS_STREAMING);
	s->how.walls->close_in(SESSION_STREAMING);
	/* bytes behind the request may have come with it */
	loop_timer_set(s->again, 0);
	return 0;
}

/* ------------------------------------------------------------------------ */
/* Streaming                                                                */

int
session_on_config_set(struct session *s, const struct event_arg *arg)
{
	struct ipc_result m;

	if (ipc_decode_result(&m, arg->msg->data, arg->msg->len) != 0) {
		return ERR_FORMAT;
	}
	return flow_config_set(s->flow, m.err);
}

int
session_on_gone(struct session *s, const struct event_arg *arg)
{
	(void)arg;
	if (s->is_gone) {
		return 0;
	}
	s->is_gone = 1;
	/* every URB gets its answer before the stream ends */
	flow_gone(s->flow);
	session_close(s, 0, "the device left");
	return 0;
}

void
session_drop_device(struct session *s)
{
	s->how.usb->close(s->dev);
	s->dev = NULL;
	reader_free(s->reader);
	s->reader = NULL;
	flow_free(s->flow);
	s->flow = NULL;
	session_end_capture(s);
	session_unmap(s);
	close_fd(&s->device_fd);
}
