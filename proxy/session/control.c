/*
 * What happens to control requests on their way to the device. Runs in
 * sallyport-session, below the floor's verdict.
 *
 * SET_CONFIGURATION, SET_INTERFACE and the port reset change which endpoints
 * exist, so each is a job in four phases:
 *
 *   1. gate: no submit passes; URBs on the endpoints concerned are called back
 *   2. quiet: they are home; the backend (or the broker) is told
 *   3. the answer: claims and the floor's tables follow
 *   4. the request is answered, the gate opens
 *
 * A job whose request is unlinked meanwhile goes on to its end unanswered: the
 * device is in the middle of it.
 */
#include "proxy/session/control.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "proxy/session/inspect.h"
#include "proxy/session/limits.h"
#include "proxy/session/reader.h"
#include "proxy/session/setup.h"
#include "proxy/session/vetted.h"

enum job {
	JOB_NONE,
	JOB_SET_CONFIG,	   /* to another value: by the broker */
	JOB_SAME_CONFIG,   /* to the one the device has: back to the start */
	JOB_SET_INTERFACE,
	JOB_RESET,
};

struct control {
	struct control_how how;
	struct control_hooks hooks;
	struct floor floor;
	struct inspect *inspect; /* borrowed; NULL: none */
	uint8_t device_config; /* that the device is in; claims are of it */
	uint8_t claimed[DESC_MAX_INTERFACES];
	unsigned nclaimed;
	enum job job;
	int asked; /* the broker's answer is awaited */
	struct transfer *t; /* the job's request; NULL when it was unlinked */
	uint8_t value, number; /* of the job */
	struct reader *reader; /* owned; after a reset */
	struct devrec *fresh;  /* owned; what it reads */
};

int
control_new(struct control **outp, const struct control_how *how)
{
	struct control *c = calloc(1, sizeof(*c));
	int r;

	*outp = NULL;
	if (c == NULL) {
		return ERR_NOMEM;
	}
	c->how = *how;
	c->hooks = *how->hooks;
	r = floor_init(&c->floor, how->rec);
	if (r != 0) {
		free(c);
		return r;
	}
	floor_hide(&c->floor, how->whole);
	c->device_config = how->whole->active_config;
	*outp = c;
	return 0;
}

void
control_free(struct control *c)
{
	if (c == NULL) {
		return;
	}
	reader_free(c->reader);
	free(c->fresh);
	free(c);
}

void
control_use(struct control *c, struct transfers *transfers,
    struct inspect *inspect)
{
	c->how.transfers = transfers;
	c->inspect = inspect;
}

const struct floor *
control_floor(const struct control *c)
{
	return &c->floor;
}

/* ------------------------------------------------------------------------ */
/* Claims                                                                   */

static void
release_all(struct control *c)
{
	while (c->nclaimed > 0) {
		c->nclaimed--;
		c->how.usb->release(c->how.dev, c->claimed[c->nclaimed]);
	}
}

/* All interfaces of the configuration that the device is in, the peer's and the
 * hidden ones: what nobody claims, a driver of the gateway could have. They are
 * let go only while the broker sets another configuration, which ends every
 * claim. */
int
control_claim(struct control *c)
{
	size_t len, pos = 0, n;
	const uint8_t *bytes = devrec_config_by_value(
	    c->how.whole, c->device_config, &len);
	const uint8_t *p;

	while (bytes != NULL && desc_next(bytes, len, &pos, &p, &n) == 0 &&
	    c->nclaimed < DESC_MAX_INTERFACES) {
		int r;

		/* each interface once: alternate 0 */
		if (p[1] != DESC_INTERFACE || n < 4 || p[3] != 0) {
			continue;
		}
		r = c->how.usb->claim(c->how.dev, p[2]);
		if (r != 0) {
			release_all(c);
			return r;
		}
		c->claimed[c->nclaimed++] = p[2];
	}
	return 0;
}

/* ------------------------------------------------------------------------ */
/* Jobs                                                                     */

/* Answers the job's request, if it still wants an answer, and lets the others
 * pass. */
static void
end_job(struct control *c, int32_t status)
{
	struct transfer *t = c->t;

	c->job = JOB_NONE;
	c->t = NULL;
	if (t != NULL) {
		transfer_answer(c->how.transfers, t, status, NULL, 0);
	}
	transfers_ungate(c->how.transfers);
}

static void
lose(struct control *c, const char *rule, const char *text)
{
	/* the gate stays shut: nothing reaches this device any more */
	c->hooks.lost(c->hooks.arg, rule, text);
}

static void
end_job_by(struct control *c, int err)
{
	switch (err) {
	case 0:
		end_job(c, USBIP_OK);
		return;
	case ERR_CLOSED:
		c->hooks.gone(c->hooks.arg);
		end_job(c, USBIP_ENODEV);
		return;
	case ERR_STALL:
	case ERR_NOENT:
	case ERR_POLICY:
		end_job(c, USBIP_EPIPE);
		return;
	}
	end_job(c, USBIP_EPROTO);
}

typedef int inspect_step(struct inspect *inspect, const char **why);

/* Decoders follow what the floor says is active. 0, or the session is lost. */
static int
inspect_anew(struct control *c, inspect_step *step)
{
	const char *why = "";

	if (c->inspect == NULL || step(c->inspect, &why) == 0) {
		return 0;
	}
	lose(c, "profile.attach", why);
	return ERR_POLICY;
}

static void
quiet_set_interface(struct control *c)
{
	int r = c->how.usb->set_interface(c->how.dev, c->number, c->value);
	const char *why = "";

	if (r == 0) {
		floor_set_interface(&c->floor, c->number, c->value);
	}
	if (r == 0 && c->inspect != NULL &&
	    inspect_interface(c->inspect, c->number, &why) != 0) {
		lose(c, "profile.attach", why);
		return;
	}
	end_job_by(c, r);
}

/* SET_CONFIGURATION to the value that the device has would be refused by the
 * kernel while interfaces are claimed. What it means is: alternates 0, halts
 * and toggles cleared; SET_INTERFACE does that for each. A device that stalls
 * it has nothing to reset. Hidden interfaces are left as they are. */
static void
quiet_same_config(struct control *c)
{
	int r = floor_set_config(&c->floor, c->value);

	for (unsigned i = 0; r == 0 && i < c->floor.ninterfaces; i++) {
		if (c->how.usb->set_interface(c->how.dev,
			c->floor.interfaces[i].number, 0) == ERR_CLOSED) {
			r = ERR_CLOSED;
		}
	}
	if (r != ERR_CLOSED && inspect_anew(c, inspect_reset) != 0) {
		return;
	}
	end_job_by(c, r);
}

static void
quiet_set_config(struct control *c)
{
	int r;

	if (c->value == 0) {
		/* the device stays as it is; nothing of it can be reached */
		r = floor_set_config(&c->floor, 0);
		if (inspect_anew(c, inspect_config) == 0) {
			end_job_by(c, r);
		}
		return;
	}
	release_all(c);
	r = c->hooks.ask_config(c->hooks.arg, c->value);
	if (r != 0) {
		lose(c, "session.configuration", "the broker cannot be asked");
		return;
	}
	c->asked = 1;
}

int
control_config_set(struct control *c, int err)
{
	uint8_t value = err == 0 ? c->value : c->device_config;
	int r;

	if (!c->asked) {
		return ERR_PEER;
	}
	c->asked = 0;
	c->device_config = value;
	r = floor_set_config(&c->floor, value);
	if (r == ERR_NOENT && err != 0) {
		/* it stays in one of which everything is hidden */
		r = floor_set_config(&c->floor, 0);
	}
	if (r != 0 || control_claim(c) != 0) {
		lose(c, "session.configuration",
		    "interfaces cannot be claimed after SET_CONFIGURATION");
		return 0;
	}
	if (inspect_anew(c, inspect_config) == 0) {
		end_job(c, err == 0 ? USBIP_OK : USBIP_EPIPE);
	}
	return 0;
}

static void
on_read(void *arg, int err, const struct reader_why *why)
{
	struct control *c = arg;
	int is_same;

	reader_free(c->reader);
	c->reader = NULL;
	if (err == ERR_CLOSED) {
		end_job_by(c, err);
		return;
	}
	is_same = err == 0 && devrec_compare(c->fresh, c->how.whole) == 0;
	free(c->fresh);
	c->fresh = NULL;
	if (!is_same) {
		lose(c, "R8.changed", err != 0 ? why->text :
		    "descriptors differ from the vetted ones after a reset");
		return;
	}
	end_job(c, USBIP_OK);
}

/* After a reset the device may be another one. */
static void
quiet_reset(struct control *c)
{
	int r = c->how.usb->reset(c->how.dev);
	struct reader_how how = {
		.loop = c->how.loop,
		.usb = c->how.usb,
		.dev = c->how.dev,
		.speed = c->how.whole->speed,
		.claims = READER_CLAIMED,
		.done = on_read,
		.arg = c,
	};

	if (r == ERR_NOENT) {
		lose(c, "R8.changed",
		    "came back from a reset as another device");
		return;
	}
	if (r != 0) {
		end_job_by(c, r);
		return;
	}
	if (c->floor.value == c->device_config) {
		floor_reset(&c->floor);
	}
	if (inspect_anew(c, inspect_reset) != 0) {
		return;
	}
	c->fresh = malloc(sizeof(*c->fresh));
	how.rec = c->fresh;
	if (c->fresh == NULL || reader_new(&c->reader, &how) != 0) {
		lose(c, "session.memory", "no memory to read the device anew");
	}
}

void
control_quiet(struct control *c)
{
	switch (c->job) {
	case JOB_SET_CONFIG:
		quiet_set_config(c);
		return;
	case JOB_SAME_CONFIG:
		quiet_same_config(c);
		return;
	case JOB_SET_INTERFACE:
		quiet_set_interface(c);
		return;
	case JOB_RESET:
		quiet_reset(c);
		return;
	case JOB_NONE:
		return;
	}
}

void
control_abandon(struct control *c, struct transfer *t)
{
	if (c->t == t) {
		c->t = NULL;
	}
}

int
control_done(struct control *c, struct urb *urb)
{
	return c->reader != NULL && reader_done(c->reader, urb);
}

/* ------------------------------------------------------------------------ */
/* Requests                                                                 */

static void
start_job(struct control *c, struct transfer *t, enum job job, uint32_t mask)
{
	c->job = job;
	c->t = t;
	transfers_gate(c->how.transfers, mask, USBIP_ESHUTDOWN);
}

static void
set_config(struct control *c, struct transfer *t)
{
	uint8_t value = (uint8_t)setup_value(t->urb.setup);

	c->value = value;
	start_job(c, t,
	    value != 0 && value == c->device_config ? JOB_SAME_CONFIG :
						      JOB_SET_CONFIG,
	    UINT32_MAX);
}

static void
set_interface(struct control *c, struct transfer *t)
{
	c->number = (uint8_t)setup_index(t->urb.setup);
	c->value = (uint8_t)setup_value(t->urb.setup);
	start_job(c, t, JOB_SET_INTERFACE,
	    floor_endpoints_of(&c->floor, c->number));
}

static void
clear_halt(struct control *c, struct transfer *t)
{
	int r = c->how.usb->clear_halt(
	    c->how.dev, (uint8_t)setup_index(t->urb.setup));
	int32_t status = r == 0 ? USBIP_OK : USBIP_EPIPE;

	if (r == ERR_CLOSED) {
		c->hooks.gone(c->hooks.arg);
		status = USBIP_ENODEV;
	}
	if (status == USBIP_OK && c->inspect != NULL) {
		inspect_halt_cleared(
		    c->inspect, (uint8_t)setup_index(t->urb.setup));
	}
	transfer_answer(c->how.transfers, t, status, NULL, 0);
}

static void
get_descriptor(struct control *c, struct transfer *t)
{
	const uint8_t *data;
	size_t len;

	if (vetted_descriptor(&c->floor, t->urb.setup, &data, &len) != 0) {
		transfer_answer(c->how.transfers, t, USBIP_EPIPE, NULL, 0);
		return;
	}
	transfer_answer(c->how.transfers, t, USBIP_OK, data, len);
}

static void
get_interface(struct control *c, struct transfer *t)
{
	const struct floor_interface *iface = floor_interface(
	    &c->floor, (uint8_t)setup_index(t->urb.setup));
	uint8_t alternate = iface != NULL ? iface->alternate : 0;

	transfer_answer(c->how.transfers, t, USBIP_OK, &alternate, 1);
}

static enum transfer_verdict
act_on(struct control *c, struct transfer *t, enum floor_act act,
    const struct floor_why *why)
{
	uint8_t value;

	switch (act) {
	case FLOOR_PASS:
		return TRANSFER_PASS;
	case FLOOR_DESCRIPTOR:
		get_descriptor(c, t);
		break;
	case FLOOR_GET_CONFIG:
		value = c->floor.value;
		transfer_answer(c->how.transfers, t, USBIP_OK, &value, 1);
		break;
	case FLOOR_GET_INTERFACE:
		get_interface(c, t);
		break;
	case FLOOR_DONE:
		transfer_answer(c->how.transfers, t, USBIP_OK, NULL, 0);
		break;
	case FLOOR_SET_CONFIG:
		set_config(c, t);
		break;
	case FLOOR_SET_INTERFACE:
		set_interface(c, t);
		break;
	case FLOOR_CLEAR_HALT:
		clear_halt(c, t);
		break;
	case FLOOR_RESET:
		start_job(c, t, JOB_RESET, UINT32_MAX);
		break;
	case FLOOR_REFUSE:
		c->hooks.refused(c->hooks.arg, why, t->urb.setup, 0);
		transfer_answer(c->how.transfers, t, USBIP_EPIPE, NULL, 0);
		break;
	}
	return TRANSFER_TAKEN;
}

/* Inspection rules on what the floor lets pass, but for what the workstation's
 * side alone is concerned with: the port reset is USB/IP's own, and what is DONE
 * never reaches the device. */
static enum transfer_verdict
judge_control(struct control *c, struct transfer *t)
{
	struct floor_why why = {0};
	enum floor_act act = floor_check_setup(&c->floor, t->urb.setup, &why);
	enum transfer_verdict v;

	if (c->inspect == NULL || act == FLOOR_REFUSE || act == FLOOR_RESET ||
	    act == FLOOR_DONE) {
		return act_on(c, t, act, &why);
	}
	v = inspect_judge(c->inspect, t);
	return v == TRANSFER_PASS && t->preset == 0 ?
	    act_on(c, t, act, &why) :
	    v;
}

enum transfer_verdict
control_judge(struct control *c, struct transfer *t)
{
	enum usbip_xfer framed = USBIP_XFER_CONTROL;
	struct floor_why why;

	switch (t->urb.type) {
	case URB_CONTROL:
		return judge_control(c, t);
	case URB_ISO:
		framed = USBIP_XFER_ISO;
		break;
	case URB_BULK:
		framed = USBIP_XFER_BULK;
		break;
	case URB_INTERRUPT:
		framed = USBIP_XFER_INTERRUPT;
		break;
	}
	if (floor_check_transfer(&c->floor, c->how.limits, t->urb.endpoint,
		t->length, framed, t->is_iso ? t->sub : NULL, t->npackets,
		&why) != 0) {
		c->hooks.refused(c->hooks.arg, &why, NULL, t->urb.endpoint);
		t->preset = USBIP_EPIPE;
		return TRANSFER_PASS;
	}
	return c->inspect != NULL ? inspect_judge(c->inspect, t) :
				    TRANSFER_PASS;
}
