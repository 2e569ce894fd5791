/*
 * The probe: reset if asked, read everything, check the record, send it. Runs
 * in sallyport-probe with nothing but the device and two channels; every byte
 * of the device is hostile. Five seconds in all, one for each transfer.
 */
#include "proxy/session/probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/channel.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "policy/vet/vet.h"
#include "proxy/session/reader.h"
#include "wire/desc.h"
#include "wire/ipc.h"

#define PROBE_LIMIT (5 * CLOCK_SEC)
#define SEND_LIMIT_MS 1000

struct probe {
	struct probe_how how;
	int broker, warden, fd;		     /* owned; fd until usb open */
	struct loop_io *broker_io, *warden_io; /* owned */
	struct loop_timer *start, *deadline; /* owned */
	struct usb_dev *dev;		     /* owned */
	struct reader *reader;		     /* owned */
	int is_over;
	struct devrec rec;
	struct desc_config scratch;
	uint8_t buf[DEVREC_WIRE];
};

/* ------------------------------------------------------------------------ */
/* Ends                                                                     */

static void
end(struct probe *p, int exit_code)
{
	if (!p->is_over) {
		p->is_over = 1;
		loop_timer_stop(p->start);
		loop_timer_stop(p->deadline);
		p->how.ended(p->how.arg, exit_code);
	}
}

static void
say(struct probe *p, uint16_t type, int len)
{
	int r = len < 0 ? len :
			  channel_send_wait(p->warden, type, 0, p->buf,
			      (size_t)len, -1, SEND_LIMIT_MS);

	if (r != 0) {
		log_warnx("probe: tell the warden: %s", err_str(r));
	}
	end(p, r == 0 ? 0 : 1);
}

static void
say_failed(struct probe *p, const char *rule, const char *text)
{
	struct ipc_refused m;

	if (p->is_over) {
		return;
	}
	memset(&m, 0, sizeof(m));
	snprintf(m.rule, sizeof(m.rule), "%s", rule);
	snprintf(m.text, sizeof(m.text), "%s", text);
	log_infox("probe: refused: %s: %s", rule, text);
	say(p, IPC_PROBE_FAILED,
	    ipc_encode_refused(p->buf, sizeof(p->buf), &m));
}

static void
on_late(void *arg)
{
	say_failed(arg, "R1.answer", "not read within 5 seconds");
}

static void
on_channel(void *arg, int events)
{
	struct probe *p = arg;

	/* nothing is said to a probe: this is EOF, or a mistake */
	(void)events;
	log_warnx("probe: the broker or the warden left");
	end(p, 1);
}

/* ------------------------------------------------------------------------ */
/* Reading                                                                  */

static void
on_urb_done(void *arg, struct urb *urb)
{
	struct probe *p = arg;

	if (p->reader != NULL) {
		reader_done(p->reader, urb);
	}
}

static void
on_gone(void *arg)
{
	say_failed(arg, "R1.answer", "the device is gone");
}

static void
on_read(void *arg, int err, const struct reader_why *why)
{
	struct probe *p = arg;
	struct desc_why flaw = {0};
	char text[IPC_TEXT];

	if (p->is_over) {
		return;
	}
	if (err != 0) {
		say_failed(p, why->rule, why->text);
		return;
	}
	if (vet_record(&p->rec, &p->scratch, &flaw) != 0) {
		vet_say(text, sizeof(text), &p->rec, &flaw);
		say_failed(
		    p, flaw.rule != NULL ? flaw.rule : "R1.length", text);
		return;
	}
	say(p, IPC_RECORD, devrec_encode(p->buf, sizeof(p->buf), &p->rec));
}

/* The broker claimed every interface on this descriptor, but the backend has
 * not seen it. A reset takes claims away and lets the kernel look for drivers,
 * unless the backend gives them up before and takes them again after; so the
 * backend claims whatever is there. Without it the gateway's own drivers bound
 * to a device between two sessions. */
static void
claim_all(struct probe *p)
{
	for (unsigned i = 0; i < DESC_MAX_INTERFACES; i++) {
		/* most numbers are no interface of this device */
		(void)p->how.usb->claim(p->dev, (uint8_t)i);
	}
}

static int
open_device(struct probe *p)
{
	const struct usb_sink sink = {on_urb_done, on_gone, p};
	const struct usb_open how = {.fd = p->fd, .loop = p->how.loop};
	int r;

	p->fd = -1; /* taken */
	r = p->how.usb->open(&p->dev, &how, &sink);
	if (r != 0) {
		say_failed(p, "R1.answer", "the device cannot be opened");
		return r;
	}
	if (p->how.start == PROBE_AS_IT_IS) {
		return 0;
	}
	claim_all(p);
	r = p->how.usb->reset(p->dev);
	if (r == ERR_NOENT) {
		say_failed(p, "R8.changed",
		    "came back from a reset as another device");
	} else if (r != 0) {
		say_failed(p, "R1.answer", "the device cannot be reset");
	}
	return r;
}

static void
on_start(void *arg)
{
	struct probe *p = arg;
	struct reader_how how = {
		.loop = p->how.loop,
		.usb = p->how.usb,
		.rec = &p->rec,
		.claims = READER_CLAIMS,
		.done = on_read,
		.arg = p,
	};
	int speed;

	if (open_device(p) != 0) {
		return;
	}
	speed = p->how.usb->speed(p->dev);
	how.dev = p->dev;
	how.speed = (uint8_t)(
	    speed == USBIP_SPEED_UNKNOWN ? USBIP_SPEED_FULL : speed);
	if (reader_new(&p->reader, &how) != 0) {
		log_warnx("probe: out of memory");
		end(p, 1);
	}
}

int
probe_new(struct probe **outp, const struct probe_how *how)
{
	struct probe *p = calloc(1, sizeof(*p));

	*outp = NULL;
	if (p == NULL) {
		return ERR_NOMEM;
	}
	p->how = *how;
	p->broker = how->broker;
	p->warden = how->warden;
	p->fd = how->fd;
	p->broker_io =
	    loop_io_new(how->loop, p->broker, LOOP_READ, on_channel, p);
	p->warden_io =
	    loop_io_new(how->loop, p->warden, LOOP_READ, on_channel, p);
	p->start = loop_timer_new(how->loop, on_start, p);
	p->deadline = loop_timer_new(how->loop, on_late, p);
	if (p->broker_io == NULL || p->warden_io == NULL ||
	    p->start == NULL || p->deadline == NULL) {
		probe_free(p);
		return ERR_NOMEM;
	}
	loop_timer_set(p->start, 0);
	loop_timer_set(p->deadline, PROBE_LIMIT);
	*outp = p;
	return 0;
}

void
probe_free(struct probe *p)
{
	if (p == NULL) {
		return;
	}
	loop_io_free(p->broker_io);
	loop_io_free(p->warden_io);
	loop_timer_free(p->start);
	loop_timer_free(p->deadline);
	p->how.usb->close(p->dev);
	reader_free(p->reader);
	close_fd(&p->fd);
	close_fd(&p->broker);
	close_fd(&p->warden);
	free(p);
}
