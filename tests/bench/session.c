/*
 * The gateway's session as a process of its own, as sallyportd would start it:
 * proxy/session/main.c's way of life, with a simulated device that answers at
 * once and touches no byte, and if asked a door without locks.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/stream.h"
#include "proxy/session/door.h"
#include "proxy/session/session.h"
#include "tests/bench/count.h"
#include "tests/bench/parts.h"
#include "tests/fake/usb_sim.h"

enum fds { FD_BROKER = 3, FD_WARDEN = 4, FD_PEER = 5, FD_COUNTS = 6 };

struct run {
	struct loop *loop;
	int exit_code;
};

/* ------------------------------------------------------------------------ */
/* The door without locks                                                   */

static int
open_door_open(struct door *door, int fd, const struct ipc_pem *pem,
    struct stream **out, char *why, size_t why_size)
{
	(void)door;
	(void)pem;
	(void)why;
	(void)why_size;
	*out = stream_plain_new(fd);
	return *out != NULL ? 0 : ERR_NOMEM;
}

static int
open_door_facts(
    struct door *door, const struct stream *stream, struct x509_facts *out)
{
	(void)door;
	(void)stream;
	memset(out, 0, sizeof(*out));
	out->serial_len = 1;
	snprintf(out->subject, sizeof(out->subject), "CN=kiosk");
	snprintf(out->issuer, sizeof(out->issuer), "CN=ca");
	snprintf(out->cn, sizeof(out->cn), "kiosk");
	return 0;
}

static const char *
open_door_protocol(struct door *door, const struct stream *stream)
{
	(void)door;
	(void)stream;
	return NULL;
}

static const char *
open_door_error(struct door *door, const struct stream *stream)
{
	(void)door;
	(void)stream;
	return "no handshake";
}

static void
open_door_nothing(struct door *door)
{
	(void)door;
}

static struct door *
open_door(void)
{
	static const struct door_ops ops = {
	    .name = "open",
	    .open = open_door_open,
	    .facts = open_door_facts,
	    .protocol = open_door_protocol,
	    .error = open_door_error,
	    .wipe = open_door_nothing,
	    .free = open_door_nothing,
	};
	static struct door door = {.ops = &ops};

	return &door;
}

/* ------------------------------------------------------------------------ */

/* Vendor requests take and give all that is asked. */
static int
on_control(void *arg, const uint8_t setup[8], uint8_t *data, uint32_t *actual)
{
	(void)arg;
	(void)data;
	if ((setup[0] & 0x60) == 0) {
		return USB_SIM_USUAL;
	}
	*actual = setup[6] | (uint32_t)setup[7] << 8;
	return URB_OK;
}

static void
plug(void)
{
	static struct devrec rec;
	struct usb_sim *sim;

	bench_record(&rec);
	sim = usb_sim_new(&rec);
	if (sim == NULL) {
		fatal("device");
	}
	sim->control = on_control;
	for (uint8_t ep = 1; ep < 16; ep++) {
		usb_sim_ep(sim, ep)->part = USB_SIM_BLIND;
		usb_sim_ep(sim, ep | 0x80)->part = USB_SIM_BLIND;
	}
}

static void
on_ended(void *arg, int exit_code)
{
	struct run *run = arg;

	run->exit_code = exit_code;
	loop_stop(run->loop);
}

int
bench_session(enum bench_door door)
{
	struct run run = {.exit_code = 1, .loop = loop_new()};
	struct session_how how = {
	    .loop = run.loop,
	    .broker = FD_BROKER,
	    .warden = FD_WARDEN,
	    .peer = FD_PEER,
	    .door = door == BENCH_TLS ? door_tls_new(-1) : open_door(),
	    .usb = usb_backend,
	    .ended = on_ended,
	    .arg = &run,
	};
	struct session *session;

	count_in(FD_COUNTS);
	plug();
	if (run.loop == NULL || how.door == NULL ||
	    session_new(&session, &how) != 0) {
		fatalx("session: out of memory");
	}
	loop_run(run.loop);
	session_free(session);
	loop_free(run.loop);
	return run.exit_code;
}
