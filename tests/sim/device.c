/*
 * What the device of a scenario is, and what it does.
 */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "policy/tool/devtext.h"
#include "tests/sim/sim.h"

/* device is FILE: below tests/devices, without its ending */
static int
is(struct sim *sim)
{
	static struct devtext text;
	static struct desc_config scratch;
	struct rig *rig = sim->rig;
	struct desc_why why;
	char path[300];

	(void)snprintf(
	    path, sizeof(path), "tests/devices/%s.txt", sim_word(sim, 2));
	if (devtext_read(&text, path) != 0 ||
	    devrec_check(&text.rec, &scratch, &why) != 0) {
		return sim_fail(sim, "%s is no device that can be had", path);
	}
	usb_sim_free(rig->sim);
	rig->rec = text.rec;
	rig->sim = usb_sim_new(&rig->rec);
	rig->place.speed = rig->rec.speed;
	rig->device_place = rig->place;
	return 0;
}

static int
endpoint(struct sim *sim, struct usb_sim_endpoint **out)
{
	uint32_t address;

	if (sim_number(sim, 2, &address) != 0) {
		return -1;
	}
	*out = usb_sim_ep(sim->rig->sim, (uint8_t)address);
	return 0;
}

static int
plays(struct sim *sim)
{
	static const char *const parts[] = {"source", "sink", "loop", "blind",
	    "silent", "stall", "babble", "error"};
	struct usb_sim_endpoint *ep;

	if (endpoint(sim, &ep) != 0) {
		return -1;
	}
	for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (sim_is(sim, 3, parts[i])) {
			ep->part = (enum usb_sim_part)i;
			return 0;
		}
	}
	return sim_fail(sim, "nothing plays `%s'", sim_word(sim, 3));
}

static int
delays(struct sim *sim)
{
	struct usb_sim_endpoint *ep;

	if (sim_is(sim, 2, "0")) {
		return sim_time(sim, 3, &sim->rig->sim->control_delay);
	}
	return endpoint(sim, &ep) != 0 ? -1 : sim_time(sim, 3, &ep->delay);
}

static int
most(struct sim *sim)
{
	struct usb_sim_endpoint *ep;

	return endpoint(sim, &ep) != 0 ? -1 : sim_number(sim, 3, &ep->most);
}

static int
spoils(struct sim *sim)
{
	struct usb_sim_endpoint *ep;

	return endpoint(sim, &ep) != 0 ? -1
				       : sim_number(sim, 3, &ep->bad_packet);
}

/* device cancels ADDRESS clean|late|partial N */
static int
cancels(struct sim *sim)
{
	struct usb_sim_endpoint *ep;

	if (endpoint(sim, &ep) != 0) {
		return -1;
	}
	if (sim_is(sim, 3, "late")) {
		ep->cancel = USB_SIM_CANCEL_LATE;
	} else if (sim_is(sim, 3, "clean")) {
		ep->cancel = USB_SIM_CANCEL_CLEAN;
	} else {
		ep->cancel = USB_SIM_CANCEL_PARTIAL;
		return sim_number(sim, 4, &ep->partial);
	}
	return 0;
}

static int
silent(void *arg, const uint8_t setup[8], uint8_t *data, uint32_t *actual)
{
	(void)arg;
	(void)setup;
	(void)data;
	(void)actual;
	return USB_SIM_NEVER;
}

static int
stalled(void *arg, const uint8_t setup[8], uint8_t *data, uint32_t *actual)
{
	(void)arg;
	(void)setup;
	(void)data;
	(void)actual;
	return URB_STALL;
}

/* device answers control usual|silent|stall */
static int
answers(struct sim *sim)
{
	sim->rig->sim->control = sim_is(sim, 3, "silent")  ? silent
				 : sim_is(sim, 3, "stall") ? stalled
							   : NULL;
	return 0;
}

/* device completes ADDRESS ok|stall|cancelled|babble|gone|error [= BYTES] */
static int
completes(struct sim *sim)
{
	static const char *const results[] = {
	    "ok", "stall", "cancelled", "babble", "gone", "error"};
	uint32_t address, r = 0;
	int has;

	if (sim_number(sim, 2, &address) != 0 || sim_data(sim, 4, &has) != 0) {
		return -1;
	}
	while (r < 6 && !sim_is(sim, 3, results[r])) {
		r++;
	}
	if (r == 6) {
		return sim_fail(sim, "`%s' is no result", sim_word(sim, 3));
	}
	/* OUT that says no bytes took all */
	if (!has && (address & 0x80) == 0) {
		sim->len = SIM_DATA;
	}
	if (!usb_sim_finish(sim->rig->sim, (uint8_t)address, (enum urb_result)r,
		sim->data, sim->len) &&
	    !sim->is_lenient) {
		return sim_fail(
		    sim, "nothing waits at endpoint 0x%02x", address);
	}
	sim_settle(sim);
	return 0;
}

/* The digits that were shown last, as a boot keyboard reports them: each key
 * down and up, then Enter. `wrong': with another last one. */
static int
types(struct sim *sim)
{
	const char *digits = sim->rig->challenge.digits;
	size_t n = strlen(digits);
	int is_wrong = sim_is(sim, 3, "wrong");
	uint32_t address;

	if (sim_number(sim, 2, &address) != 0) {
		return -1;
	}
	if (n == 0 && !sim->is_lenient) {
		return sim_fail(sim, "no digits were shown");
	}
	for (size_t i = 0; i <= n; i++) {
		uint8_t key[8] = {0}, up[8] = {0};
		unsigned d = i < n ? (unsigned)(digits[i] - '0') : 0;

		if (is_wrong && i + 1 == n) {
			d = (d + 1) % 10;
		}
		key[2] = (uint8_t)(i == n ? 0x28 : 0x1e + (d + 9) % 10);
		(void)usb_sim_finish(
		    sim->rig->sim, (uint8_t)address, URB_OK, key, sizeof(key));
		sim_settle(sim);
		(void)usb_sim_finish(
		    sim->rig->sim, (uint8_t)address, URB_OK, up, sizeof(up));
		sim_settle(sim);
	}
	return 0;
}

/* device refuses open|claim|set-interface|clear-halt|reset ERROR */
static int
refuses(struct sim *sim)
{
	static const struct {
		const char *name;
		int err;
	} errs[] = {{"busy", ERR_BUSY}, {"stall", ERR_STALL},
	    {"gone", ERR_CLOSED}, {"error", ERR_SYS}, {"other", ERR_NOENT},
	    {"nothing", 0}};
	struct usb_sim *dev = sim->rig->sim;
	int *which = sim_is(sim, 2, "open")            ? &dev->open_err
		     : sim_is(sim, 2, "claim")         ? &dev->claim_err
		     : sim_is(sim, 2, "set-interface") ? &dev->set_interface_err
		     : sim_is(sim, 2, "clear-halt")    ? &dev->clear_halt_err
						       : &dev->reset_err;

	for (unsigned i = 0; i < sizeof(errs) / sizeof(errs[0]); i++) {
		if (sim_is(sim, 3, errs[i].name)) {
			*which = errs[i].err;
			return 0;
		}
	}
	return sim_fail(sim, "`%s' is no error", sim_word(sim, 3));
}

/* The next N submits find no memory in the kernel. */
static int
starves(struct sim *sim)
{
	uint32_t n;

	if (sim_number(sim, 2, &n) != 0) {
		return -1;
	}
	sim->rig->sim->again = n;
	return 0;
}

/* It says something else of itself from now on. */
static int
changes(struct sim *sim)
{
	struct devrec *rec = &sim->rig->sim->rec;

	if (sim_is(sim, 2, "product")) {
		rec->device[10] ^= 1;
	} else if (sim_is(sim, 2, "endpoint")) {
		rec->config_bytes[rec->config_used - 1]++; /* bInterval */
	} else {
		return sim_fail(sim, "device changes product|endpoint");
	}
	return 0;
}

static int
leaves(struct sim *sim)
{
	usb_sim_unplug(sim->rig->sim);
	sim_settle(sim);
	return 0;
}

const struct sim_verb sim_device_verbs[] = {
    {"device is", 1, is},
    {"device plays", 2, plays},
    {"device delays", 2, delays},
    {"device most", 2, most},
    {"device spoils", 2, spoils},
    {"device cancels", 2, cancels},
    {"device answers", 2, answers},
    {"device completes", 2, completes},
    {"device types", 1, types},
    {"device refuses", 2, refuses},
    {"device starves", 1, starves},
    {"device changes", 1, changes},
    {"device leaves", 0, leaves},
    {NULL, 0, NULL},
};
