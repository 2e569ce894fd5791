/*
 * The simulated device. Nothing is called back from inside submit or cancel:
 * ends are collected in a list and told from a timer, all that are due in one
 * turn of the loop, in the order in which they were submitted.
 */
#include "tests/fake/usb_sim.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/mem.h"
#include "tests/fault/fault.h"
#include "wire/cursor.h"

#define NEVER UINT64_MAX

/* What hangs on urb->backend. */
struct job {
	struct usb_dev *dev;
	struct urb *urb;
	int in_flight, is_forced;
	uint64_t due; /* NEVER: waits for the test or a cancel */
	enum urb_result result; /* when forced */
	struct job *next, *prev;	   /* in flight, oldest first */
	struct job *all_next, *all_prev; /* of the device */
};

struct usb_dev {
	struct usb_sim *sim;
	struct loop *loop;
	struct usb_sink sink;
	struct loop_timer *timer;
	struct job *head, *tail, *all;
	int fd;
	int tell_gone;
};

static struct usb_sim *plugged;

uint8_t
usb_sim_byte(uint64_t offset)
{
	return (uint8_t)(offset ^ offset >> 8 ^ offset >> 16);
}

struct usb_sim *
usb_sim_new(const struct devrec *rec)
{
	struct usb_sim *sim = calloc(1, sizeof(*sim));

	if (sim == NULL) {
		return NULL;
	}
	sim->rec = *rec;
	sim->config = rec->active_config;
	for (unsigned i = 0; i < 16; i++) {
		sim->endpoints[i].part = USB_SIM_SINK;
	}
	usb_sim_plug(sim);
	return sim;
}

void
usb_sim_free(struct usb_sim *sim)
{
	if (plugged == sim) {
		plugged = NULL;
	}
	free(sim);
}

void
usb_sim_plug(struct usb_sim *sim)
{
	plugged = sim;
}

struct usb_sim_endpoint *
usb_sim_ep(struct usb_sim *sim, uint8_t address)
{
	return &sim->endpoints[(address & 15) | (address & 0x80 ? 16 : 0)];
}

/* ------------------------------------------------------------------------ */
/* Time                                                                     */

/* Whether it waits for its time alone: an IN of a loopback waits for data. */
static int
is_ready(const struct usb_dev *dev, const struct job *job)
{
	const struct urb *urb = job->urb;

	return job->is_forced || urb->type == URB_CONTROL ||
	    (urb->endpoint & 0x80) == 0 ||
	    usb_sim_ep(dev->sim, urb->endpoint)->part != USB_SIM_LOOP ||
	    dev->sim->loop_used[urb->endpoint & 15] > 0;
}

static void
arm(struct usb_dev *dev)
{
	uint64_t first = NEVER, now;

	for (struct job *job = dev->head; job != NULL; job = job->next) {
		if (job->due < first && is_ready(dev, job)) {
			first = job->due;
		}
	}
	if (dev->tell_gone) {
		first = 0;
	}
	if (first == NEVER) {
		loop_timer_stop(dev->timer);
		return;
	}
	now = first == 0 ? 0 : clock_mono();
	loop_timer_set(dev->timer, first > now ? first - now : 0);
}

static void
unlink_job(struct usb_dev *dev, struct job *job)
{
	*(job->prev != NULL ? &job->prev->next : &dev->head) = job->next;
	*(job->next != NULL ? &job->next->prev : &dev->tail) = job->prev;
	job->in_flight = 0;
	dev->sim->counts.in_flight--;
	dev->sim->counts.bytes_in_flight -= job->urb->length;
}

/* ------------------------------------------------------------------------ */
/* Control                                                                  */

static const uint8_t *
descriptor(struct usb_sim *sim, const uint8_t *setup, size_t *len)
{
	uint8_t index = setup[2];

	*len = 0;
	if (setup[0] == 0x81) {
		return setup[3] == DESC_HID_REPORT ?
		    devrec_report(&sim->rec, sim->config, setup[4], len) :
		    NULL;
	}
	switch (setup[3]) {
	case DESC_DEVICE:
		*len = DESC_DEVICE_SIZE;
		return sim->rec.device;
	case DESC_CONFIG:
		return devrec_config(&sim->rec, index, len);
	case DESC_STRING:
		return devrec_string(&sim->rec, index,
		    index == 0 ? 0 : le16_at(setup + 4), len);
	case DESC_BOS:
		*len = sim->rec.bos_length;
		return *len > 0 ? sim->rec.bos : NULL;
	case DESC_QUALIFIER:
		*len = sizeof(sim->rec.qualifier);
		return sim->rec.has_qualifier ? sim->rec.qualifier : NULL;
	case DESC_OTHER_SPEED:
		return devrec_other(&sim->rec, index, len);
	}
	return NULL;
}

static enum urb_result
give(struct urb *urb, const uint8_t *p, size_t len)
{
	if (p == NULL) {
		return URB_STALL;
	}
	urb->actual = len < urb->length ? (uint32_t)len : urb->length;
	memcpy(urb->data, p, urb->actual);
	return URB_OK;
}

static enum urb_result
standard(struct usb_sim *sim, struct urb *urb)
{
	static const uint8_t zeros[2];
	const uint8_t *p;
	size_t len;

	switch (urb->setup[1]) {
	case 0: /* GET_STATUS */
		return give(urb, zeros, 2);
	case 6: /* GET_DESCRIPTOR */
		p = descriptor(sim, urb->setup, &len);
		return give(urb, p, len);
	case 8: /* GET_CONFIGURATION */
		return give(urb, &sim->config, 1);
	}
	urb->actual = 0;
	return urb->length == 0 ? URB_OK : URB_STALL;
}

static enum urb_result
control(struct usb_sim *sim, struct urb *urb)
{
	if ((urb->setup[0] & 0x60) == 0) {
		return standard(sim, urb);
	}
	if ((urb->setup[0] & 0x80) != 0) {
		return give(urb, sim->memory, sim->memory_used);
	}
	sim->memory_used = urb->length < sizeof(sim->memory) ?
	    urb->length :
	    (uint32_t)sizeof(sim->memory);
	memcpy(sim->memory, urb->data, sim->memory_used);
	urb->actual = urb->length;
	return URB_OK;
}

/* ------------------------------------------------------------------------ */
/* Endpoints                                                                */

static uint32_t
amount(const struct usb_sim_endpoint *ep, uint32_t length)
{
	return ep->most != 0 && ep->most < length ? ep->most : length;
}

static void
source(struct usb_sim_endpoint *ep, uint8_t *data, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		data[i] = usb_sim_byte(ep->moved + i);
	}
	ep->moved += n;
}

static void
sink(struct usb_sim_endpoint *ep, const uint8_t *data, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		ep->sum += data[i];
	}
	ep->moved += n;
	ep->last_len = n < sizeof(ep->last) ? n : (uint32_t)sizeof(ep->last);
	memcpy(ep->last, data, ep->last_len);
}

static enum urb_result
isochronous(struct usb_sim_endpoint *ep, struct urb *urb)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < urb->npackets; i++) {
		struct urb_iso *packet = &urb->iso[i];

		packet->actual = amount(ep, packet->length);
		packet->result = URB_OK;
		if (ep->bad_packet != 0 && i % ep->bad_packet == 0) {
			packet->actual = 0;
			packet->result = URB_ERROR;
		} else if ((urb->endpoint & 0x80) != 0) {
			source(ep, urb->data + at, packet->actual);
		} else {
			packet->actual = packet->length;
			sink(ep, urb->data + at, packet->actual);
		}
		at += packet->length;
	}
	return URB_OK;
}

static enum urb_result
loopback(struct usb_sim *sim, struct urb *urb)
{
	uint8_t *bytes = sim->loop_bytes[urb->endpoint & 15];
	uint32_t *used = &sim->loop_used[urb->endpoint & 15];
	uint32_t n = urb->length;

	if ((urb->endpoint & 0x80) == 0) {
		n = n < 65536 - *used ? n : 65536 - *used;
		memcpy(bytes + *used, urb->data, n);
		*used += n;
	} else {
		n = n < *used ? n : *used;
		memcpy(urb->data, bytes, n);
		*used -= n;
		memmove(bytes, bytes + n, *used);
	}
	urb->actual = n;
	return URB_OK;
}

static enum urb_result
data(struct usb_sim *sim, struct urb *urb)
{
	struct usb_sim_endpoint *ep = usb_sim_ep(sim, urb->endpoint);

	if (ep->is_halted) {
		return URB_STALL;
	}
	switch (ep->part) {
	case USB_SIM_STALL:
		ep->is_halted = 1;
		return URB_STALL;
	case USB_SIM_BABBLE:
		return URB_OVERFLOW;
	case USB_SIM_ERROR:
		return URB_ERROR;
	case USB_SIM_LOOP:
		return loopback(sim, urb);
	case USB_SIM_BLIND:
		urb->actual = urb->length;
		return URB_OK;
	case USB_SIM_SOURCE:
	case USB_SIM_SINK:
	case USB_SIM_SILENT:
		break;
	}
	if (urb->type == URB_ISO) {
		return isochronous(ep, urb);
	}
	if ((urb->endpoint & 0x80) == 0) {
		urb->actual = urb->length;
		sink(ep, urb->data, urb->actual);
	} else if (ep->part == USB_SIM_SOURCE) {
		urb->actual = amount(ep, urb->length);
		source(ep, urb->data, urb->actual);
	}
	return URB_OK;
}

/* ------------------------------------------------------------------------ */
/* Ends                                                                     */

static void
end(struct usb_dev *dev, struct job *job)
{
	struct urb *urb = job->urb;

	unlink_job(dev, job);
	dev->sim->counts.dones++;
	if (job->is_forced) {
		urb->result = job->result;
	} else {
		urb->actual = 0;
		urb->result = urb->type == URB_CONTROL ?
		    control(dev->sim, urb) :
		    data(dev->sim, urb);
	}
	dev->sink.done(dev->sink.arg, urb);
}

static void
on_timer(void *arg)
{
	struct usb_dev *dev = arg;
	struct job *last = dev->tail, *job = dev->head;
	uint64_t now = clock_mono();
	int is_last = job == NULL;

	if (dev->tell_gone) {
		dev->tell_gone = 0;
		dev->sink.gone(dev->sink.arg);
	}
	/* what is submitted meanwhile stands behind last: its turn is later */
	while (!is_last) {
		struct job *next = job->next;

		is_last = job == last;
		if (job->due <= now && is_ready(dev, job)) {
			end(dev, job);
		}
		job = next;
	}
	arm(dev);
}

int
usb_sim_finish(struct usb_sim *sim, uint8_t address, enum urb_result result,
    const void *bytes, size_t len)
{
	for (struct job *job = sim->dev != NULL ? sim->dev->head : NULL;
	    job != NULL; job = job->next) {
		struct urb *urb = job->urb;

		if (job->is_forced || urb->endpoint != address ||
		    job->due != NEVER) {
			continue;
		}
		job->is_forced = 1;
		job->result = result;
		job->due = 0;
		urb->actual = len < urb->length ? (uint32_t)len : urb->length;
		if ((address & 0x80) != 0 || address == 0) {
			memcpy(urb->data, bytes, urb->actual);
		}
		arm(sim->dev);
		return 1;
	}
	return 0;
}

void
usb_sim_unplug(struct usb_sim *sim)
{
	sim->is_unplugged = 1;
	if (sim->dev == NULL) {
		return;
	}
	for (struct job *job = sim->dev->head; job != NULL; job = job->next) {
		job->is_forced = 1;
		job->result = URB_GONE;
		job->due = 0;
		job->urb->actual = 0;
	}
	sim->dev->tell_gone = 1;
	arm(sim->dev);
}

/* ------------------------------------------------------------------------ */
/* The seam                                                                 */

void (*usb_sim_on_open)(int fd);

static int
sim_open(struct usb_dev **out, const struct usb_open *how,
    const struct usb_sink *usb_sink)
{
	struct usb_dev *dev;
	int fd = how->fd;

	*out = NULL;
	if (usb_sim_on_open != NULL) {
		usb_sim_on_open(fd);
	}
	if (plugged == NULL || plugged->open_err != 0) {
		close_fd(&fd);
		return plugged == NULL ? ERR_CLOSED : plugged->open_err;
	}
	dev = fault_strikes("usb_open") ? NULL : calloc(1, sizeof(*dev));
	if (dev == NULL) {
		close_fd(&fd);
		return ERR_NOMEM;
	}
	dev->timer = loop_timer_new(how->loop, on_timer, dev);
	if (dev->timer == NULL) {
		close_fd(&fd);
		free(dev);
		return ERR_NOMEM;
	}
	dev->fd = fd;
	dev->loop = how->loop;
	dev->sink = *usb_sink;
	dev->sim = plugged;
	dev->sim->dev = dev;
	dev->sim->counts.opens++;
	*out = dev;
	return 0;
}

static struct job *
job_of(struct usb_dev *dev, struct urb *urb)
{
	struct job *job = urb->backend;

	if (job == NULL) {
		job = calloc(1, sizeof(*job));
		if (job == NULL) {
			return NULL;
		}
		job->dev = dev;
		job->urb = urb;
		job->all_next = dev->all;
		if (dev->all != NULL) {
			dev->all->all_prev = job;
		}
		dev->all = job;
		urb->backend = job;
	}
	return job;
}

/* When it will end; a control hook answers at once, for later. */
static uint64_t
due_of(struct usb_dev *dev, struct job *job)
{
	struct usb_sim *sim = dev->sim;
	struct urb *urb = job->urb;
	struct usb_sim_endpoint *ep = usb_sim_ep(sim, urb->endpoint);
	uint64_t delay = ep->delay;

	if (urb->type == URB_CONTROL) {
		int r = USB_SIM_USUAL;

		memcpy(sim->setups[sim->nsetups++ % 256], urb->setup, 8);
		delay = sim->control_delay;
		urb->actual = 0;
		if (sim->control != NULL) {
			r = sim->control(
			    sim->arg, urb->setup, urb->data, &urb->actual);
		}
		if (r == USB_SIM_NEVER) {
			return NEVER;
		}
		if (r != USB_SIM_USUAL) {
			job->is_forced = 1;
			job->result = (enum urb_result)r;
		}
	} else if (ep->part == USB_SIM_SILENT) {
		return NEVER;
	}
	return delay == 0 ? 0 : clock_mono() + delay;
}

static int
sim_submit(struct usb_dev *dev, struct urb *urb)
{
	struct usb_sim_counts *counts = &dev->sim->counts;
	struct job *job;

	if (dev->sim->is_unplugged) {
		return ERR_CLOSED;
	}
	if (dev->sim->again > 0) {
		dev->sim->again--;
		return ERR_AGAIN;
	}
	job = job_of(dev, urb);
	if (job == NULL || fault_strikes("usb_submit")) {
		return ERR_NOMEM;
	}
	job->is_forced = 0;
	job->in_flight = 1;
	job->due = due_of(dev, job);
	job->prev = dev->tail;
	job->next = NULL;
	*(dev->tail != NULL ? &dev->tail->next : &dev->head) = job;
	dev->tail = job;
	counts->submits++;
	counts->in_flight++;
	counts->bytes_in_flight += urb->length;
	if (counts->in_flight > counts->most_in_flight) {
		counts->most_in_flight = counts->in_flight;
	}
	if (counts->bytes_in_flight > counts->most_bytes_in_flight) {
		counts->most_bytes_in_flight = counts->bytes_in_flight;
	}
	arm(dev);
	return 0;
}

static int
sim_cancel(struct usb_dev *dev, struct urb *urb)
{
	struct usb_sim_endpoint *ep = usb_sim_ep(dev->sim, urb->endpoint);
	enum usb_sim_cancel how = urb->type == URB_CONTROL ?
	    dev->sim->control_cancel :
	    ep->cancel;
	struct job *job = urb->backend;

	if (job == NULL || !job->in_flight) {
		return ERR_NOENT;
	}
	dev->sim->counts.cancels++;
	if (fault_strikes("usb_cancel")) {
		return ERR_SYS;
	}
	if (job->is_forced && job->due == 0) {
		return 0; /* ended already */
	}
	job->due = 0;
	if (how != USB_SIM_CANCEL_LATE) {
		job->is_forced = 1;
		job->result = URB_CANCELLED;
		urb->actual = 0;
		for (uint32_t i = 0; i < urb->npackets; i++) {
			urb->iso[i].actual = 0;
			urb->iso[i].result = URB_CANCELLED;
		}
	}
	if (how == USB_SIM_CANCEL_PARTIAL) {
		urb->actual =
		    ep->partial < urb->length ? ep->partial : urb->length;
		if ((urb->endpoint & 0x80) != 0) {
			source(ep, urb->data, urb->actual);
		}
	}
	arm(dev);
	return 0;
}

static int
sim_claim(struct usb_dev *dev, uint8_t interface)
{
	dev->sim->counts.claims++;
	if (fault_strikes("usb_claim")) {
		return ERR_SYS;
	}
	if (dev->sim->claim_err != 0) {
		return dev->sim->claim_err;
	}
	dev->sim->claimed |= UINT32_C(1) << (interface & 31);
	return 0;
}

static int
sim_release(struct usb_dev *dev, uint8_t interface)
{
	dev->sim->counts.releases++;
	dev->sim->claimed &= ~(UINT32_C(1) << (interface & 31));
	return 0;
}

static int
sim_set_interface(struct usb_dev *dev, uint8_t interface, uint8_t alternate)
{
	dev->sim->counts.set_interfaces++;
	if (fault_strikes("usb_set_interface")) {
		return ERR_SYS;
	}
	if (dev->sim->set_interface_err != 0) {
		return dev->sim->set_interface_err;
	}
	dev->sim->alternate[interface & 31] = alternate;
	return 0;
}

static int
sim_clear_halt(struct usb_dev *dev, uint8_t endpoint)
{
	dev->sim->counts.clear_halts++;
	usb_sim_ep(dev->sim, endpoint)->is_halted = 0;
	return fault_strikes("usb_clear_halt") ? ERR_SYS :
						 dev->sim->clear_halt_err;
}

static int
sim_reset(struct usb_dev *dev)
{
	dev->sim->counts.resets++;
	memset(dev->sim->alternate, 0, sizeof(dev->sim->alternate));
	return fault_strikes("usb_reset") ? ERR_SYS : dev->sim->reset_err;
}

static int
sim_speed(struct usb_dev *dev)
{
	return dev->sim->rec.speed;
}

static void
sim_urb_release(struct usb_dev *dev, struct urb *urb)
{
	struct job *job = urb->backend;

	if (job == NULL) {
		return;
	}
	*(job->all_prev != NULL ? &job->all_prev->all_next : &dev->all) =
	    job->all_next;
	if (job->all_next != NULL) {
		job->all_next->all_prev = job->all_prev;
	}
	urb->backend = NULL;
	free(job);
}

static void
sim_close(struct usb_dev *dev)
{
	if (dev == NULL) {
		return;
	}
	dev->sim->counts.closes++;
	dev->sim->counts.in_flight = 0;
	dev->sim->counts.bytes_in_flight = 0;
	dev->sim->claimed = 0;
	dev->sim->dev = NULL;
	while (dev->all != NULL) {
		sim_urb_release(dev, dev->all->urb);
	}
	loop_timer_free(dev->timer);
	close_fd(&dev->fd);
	free(dev);
}

static const struct usb_ops sim_ops = {
    .name = "sim",
    .open = sim_open,
    .submit = sim_submit,
    .cancel = sim_cancel,
    .claim = sim_claim,
    .release = sim_release,
    .set_interface = sim_set_interface,
    .clear_halt = sim_clear_halt,
    .reset = sim_reset,
    .speed = sim_speed,
    .urb_release = sim_urb_release,
    .close = sim_close,
};

const struct usb_ops *const usb_backend = &sim_ops;
