/*
 * sallyport attach: gets a relay to import a device, makes the socket pair,
 * gives one end to vhci_hcd and the other to the relay. Root; believes three
 * numbers of the relay, after judging them again.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "vhci-glue/approval.h"
#include "vhci-glue/attached.h"
#include "vhci-glue/cmd.h"
#include "vhci-glue/imported.h"
#include "vhci-glue/launch.h"
#include "vhci-glue/off.h"
#include "vhci-glue/offers.h"
#include "vhci-glue/ports.h"
#include "vhci-glue/seat.h"
#include "vhci-glue/vhci.h"
#include "vhci-glue/words.h"
#include "wire/usbip_check.h"

#define READY_MS 60000
#define USED_MS 10000
#define SEND_MS 5000
#define LAST_WORDS_MS 500

struct attach {
	const struct opts *opts;
	const char *busid; /* borrowed: argv's, or the found one */
	const char *name;  /* stable name it was asked for by, "" = none */
	char found[USBIP_BUSID_SIZE];
	int is_found; /* busid is known to be its name's */
	int is_pending; /* it needs an approval first */
	char stable[IPC_NAME]; /* of a pending one */
	struct ipc_asked asked; /* what the gateway's list said of it */
	struct approval events; /* open where they were needed */
	struct gateway gateway;
	struct settings settings;
	int log; /* owned */
	struct usbip_device dev;
	unsigned port;
	char local[VHCI_BUSID];
	struct seat seat;
	struct launch launch;
};

static volatile sig_atomic_t told_to_end;

static void
on_signal(int signo)
{
	(void)signo;
	told_to_end = 1;
}

static int
open_log(struct attach *a)
{
	const char *path = a->opts->log;

	if (path == NULL) {
		return 0;
	}
	a->log = open(
	    path, O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY | O_CLOEXEC, 0640);
	if (a->log == -1) {
		log_warn("attach: log: %s", path);
		return EXITS_FAILED;
	}
	return 0;
}

/* Between the look at the events and the import another device may have come to
 * that bus id. */
static int
check_name(const struct attach *a)
{
	char id[16];

	(void)snprintf(
	    id, sizeof(id), "%04x:%04x", a->dev.vid, a->dev.pid);
	if (*a->name == '\0' || strncmp(a->name, id, strlen(id)) == 0) {
		return 0;
	}
	log_warnx("attach: %s: another device is there now; try again",
	    a->busid);
	return EXITS_NOT_FOUND;
}

/* Waits until the relay has imported the device. */
static int
await_ready(struct attach *a)
{
	struct ipc_relay_ready ready;
	struct channel_msg msg;
	const char *why;
	int r = launch_recv(&a->launch, READY_MS, &msg);

	if (r != 0) {
		return r;
	}
	if (msg.type != IPC_RELAY_READY ||
	    ipc_decode_relay_ready(&ready, msg.data, msg.len) != 0) {
		log_warnx("attach: relay: malformed message");
		return EXITS_FAILED;
	}
	why = imported_check(&ready.dev);
	if (why != NULL || strcmp(ready.dev.busid, a->busid) != 0) {
		log_warnx("attach: %s: %s", a->busid,
		    why != NULL ? why : "another device than asked for");
		return EXITS_FAILED;
	}
	a->dev = ready.dev;
	return check_name(a);
}

/* Gives the socket to the first free port that takes it. */
static int
give_to_kernel(struct attach *a, int sockfd)
{
	unsigned speed = imported_speed(&a->dev);
	const struct vhci_port *p;
	struct vhci vhci;
	size_t at = 0;
	int r = cmd_vhci(&vhci, a->opts);

	if (r != 0) {
		return r;
	}
	r = ERR_NOENT;
	while ((p = vhci_next_free(&vhci, speed, &at)) != NULL) {
		a->port = p->port;
		if (seat_set(&a->seat, &vhci, p) != 0) {
			vhci_fini(&vhci);
			return EXITS_FAILED;
		}
		r = vhci_attach(VHCI_DIR, p->port, sockfd,
		    imported_devid(&a->dev), speed);
		if (r != ERR_BUSY) {
			break; /* else somebody was faster: the next one */
		}
	}
	vhci_fini(&vhci);
	if (r == 0) {
		return 0;
	}
	if (r == ERR_SYS) {
		log_warn("attach: vhci: port %u", a->port);
		return EXITS_FAILED;
	}
	log_warnx("attach: vhci: no free port for a %s speed device; detach "
		  "one (`sallyport status` shows them)",
	    words_speed_short(speed));
	return EXITS_NOT_FOUND;
}

static int
tell_relay(struct attach *a, int err, int fd)
{
	const struct ipc_result result = {.err = err, .sys = 0};
	int n = ipc_encode_result(
	    a->launch.buf, sizeof(a->launch.buf), &result);

	return n < 0 ? n
		     : channel_send_wait(a->launch.channel, IPC_RELAY_ATTACHED,
			   0, a->launch.buf, (size_t)n, fd, SEND_MS);
}

/* The kernel's end is fds[0], the relay's fds[1]. */
static int
hand_over(struct attach *a)
{
	int fds[2], r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == -1) {
		log_warn("attach: socketpair");
		return EXITS_FAILED;
	}
	r = give_to_kernel(a, fds[0]);
	close_fd(&fds[0]);
	if (r == 0 && tell_relay(a, 0, fds[1]) != 0) {
		log_warnx("attach: relay: it is gone; its log may tell");
		r = EXITS_FAILED; /* and our end goes: the kernel unplugs */
	}
	close_fd(&fds[1]);
	return r;
}

static void
write_note(const struct attach *a)
{
	struct ports_note note = {
	    .port = a->port,
	    .vid = a->dev.vid,
	    .pid = a->dev.pid,
	    .devid = imported_devid(&a->dev),
	    .relay = a->launch.pid,
	};
	int r;

	gateway_text(note.gateway, sizeof(note.gateway), &a->gateway);
	(void)snprintf(note.busid, sizeof(note.busid), "%s", a->dev.busid);
	(void)snprintf(note.name, sizeof(note.name), "%s", a->name);
	(void)snprintf(note.user, sizeof(note.user), "%s", a->seat.user);
	if (*a->seat.user != '\0' && a->opts->seat != NULL) {
		(void)snprintf(
		    note.seat, sizeof(note.seat), "%s", a->opts->seat);
	}
	note.is_agents = a->opts->as != NULL;
	clock_rfc3339(note.since, sizeof(note.since), clock_wall());
	r = ports_write(PORTS_DIR, &note);
	if (r != 0) {
		log_warnx("attach: note: %s: %s; `sallyport status` will not "
			  "know this device",
		    PORTS_DIR,
		    r == ERR_POLICY ? "others may write to it" : err_str(r));
	}
}

/* Somebody wants it again: the agent may have it, too. */
static void
forget_off(const struct attach *a)
{
	char gateway[GATEWAY_TEXT];

	gateway_text(gateway, sizeof(gateway), &a->gateway);
	if (off_remove(OFF_FILE, gateway, a->busid) != 0 ||
	    (*a->name != '\0' &&
		off_remove(OFF_FILE, gateway, a->name) != 0)) {
		log_warn("attach: %s", OFF_FILE);
	}
}

/* The exit code with which the relay said that it ended, 0 if it did not; it
 * says nothing else by now. */
static int
relay_said(struct attach *a)
{
	struct pollfd p = {.fd = a->launch.channel, .events = POLLIN};
	struct channel_msg msg;

	return poll(&p, 1, 0) > 0 ? launch_recv(&a->launch, 0, &msg) : 0;
}

static int
await_used(struct attach *a)
{
	int r = vhci_wait(VHCI_DIR, a->port, VHCI_USED, USED_MS, a->local);

	if (r == 0) {
		return 0;
	}
	(void)vhci_detach(VHCI_DIR, a->port);
	ports_remove(PORTS_DIR, a->port);
	seat_clear(a->port);
	r = relay_said(a);
	if (r != 0) {
		return r;
	}
	log_warnx("attach: %s: the kernel did not accept the device in time; "
		  "`dmesg` and the gateway's audit log may tell",
	    a->busid);
	return EXITS_FAILED;
}

/* Waits for the relay's end, and tells what the gateway has to say until then: a
 * message why it takes the device away comes at the same time. A gateway that
 * has no events says nothing. */
static void
await_end(struct attach *a)
{
	struct pollfd p[2] = {{.events = POLLIN}, {.events = POLLIN}};

	if (!a->events.is_open) {
		(void)approval_open(&a->events, a->opts, &a->settings,
		    &a->gateway, LAUNCH_SILENT);
	}
	a->events.launch.voice = LAUNCH_SILENT;
	p[0].fd = a->launch.channel;
	while (!told_to_end && p[0].revents == 0) {
		p[1].fd = a->events.is_open ? a->events.launch.channel : -1;
		/* again within half a second, whatever it was */
		if (poll(p, 2, 500) <= 0) {
			p[0].revents = p[1].revents = 0;
		}
		if (p[1].revents != 0 &&
		    approval_hear(&a->events, a->busid) != 0) {
			approval_close(&a->events);
		}
	}
	if (!told_to_end) {
		approval_drain(&a->events, a->busid, LAST_WORDS_MS);
	}
}

/* Stays until the relay ends: its reason is ours. */
static int
stay(struct attach *a)
{
	struct ipc_relay_done done;
	struct channel_msg msg;
	char text[2 * IPC_TEXT];
	int r;

	await_end(a);
	if (told_to_end) {
		(void)kill(a->launch.pid, SIGTERM);
	}
	r = launch_recv(&a->launch, SEND_MS, &msg);
	if (r == 0 && msg.type == IPC_RELAY_DONE &&
	    ipc_decode_relay_done(&done, msg.data, msg.len) == 0) {
		log_escape(text, sizeof(text), done.text, strlen(done.text));
		(void)printf("detached: port %u, %s\n", a->port, text);
	}
	(void)vhci_wait(VHCI_DIR, a->port, VHCI_FREE, USED_MS, NULL);
	ports_remove(PORTS_DIR, a->port);
	seat_clear(a->port);
	return r;
}

/* Who is told to end takes his note away first. */
static void
heed_signals(void)
{
	const struct sigaction act = {.sa_handler = on_signal};

	(void)sigaction(SIGINT, &act, NULL);
	(void)sigaction(SIGTERM, &act, NULL);
}

static int
tell_attached(struct attach *a)
{
	char gateway[GATEWAY_TEXT];
	const struct attached how = {
	    .opts = a->opts,
	    .gateway = gateway_text(gateway, sizeof(gateway), &a->gateway),
	    .dev = &a->dev,
	    .port = a->port,
	    .local = a->local,
	    .channel = a->launch.channel,
	    .told_to_end = &told_to_end,
	};

	return attached_tell(&how);
}

static int
attach(struct attach *a)
{
	int r = hand_over(a);

	if (r != 0) {
		return r;
	}
	write_note(a);
	forget_off(a);
	attached_progress(a->opts, a->busid, "the kernel sets it up");
	r = await_used(a);
	if (r != 0) {
		return r;
	}
	if (a->opts->place == OPTS_FOREGROUND) {
		heed_signals();
	}
	r = tell_attached(a);
	if (a->opts->place == OPTS_FOREGROUND) {
		return stay(a);
	}
	launch_leave(&a->launch);
	return r;
}

static int
check_busid(const struct attach *a)
{
	char busid[USBIP_BUSID_SIZE] = "", safe[128];

	(void)snprintf(busid, sizeof(busid), "%s", a->busid);
	if (strlen(a->busid) >= sizeof(busid) ||
	    usbip_check_busid(busid) != 0) {
		log_escape(safe, sizeof(safe), a->busid, strlen(a->busid));
		log_warnx("attach: %s: neither a bus id nor a stable name; "
			  "`sallyport list` shows what you may use",
		    safe);
		return EXITS_USAGE;
	}
	return 0;
}

static int
say_pending(const struct ipc_watch *w)
{
	char who[4 * IDENTITY_TEXT];

	log_warnx("attach: %s: needs approval by %s; `sallyport attach --wait` "
		  "waits for it",
	    w->name, offers_approver(who, sizeof(who), w));
	return EXITS_DENIED;
}

/* Where the device is and what the gateway says that it is. */
static int
use_offer(struct attach *a, const struct ipc_watch *w)
{
	memcpy(a->found, w->item.dev.busid, sizeof(a->found));
	a->busid = a->found;
	offers_asked(&a->asked, w);
	a->is_pending = w->state == IPC_WATCH_PENDING;
	(void)snprintf(a->stable, sizeof(a->stable), "%s", w->name);
	return check_busid(a);
}

/* A stable name has an @, which no bus id has. Where the device is now, and
 * whether it waits for an approval, the gateway's events say. */
static int
resolve(struct attach *a)
{
	const char *what = a->opts->operands[1];
	const struct ipc_watch *w;
	char safe[256];
	int r;

	if ((*a->name == '\0' || a->is_found) &&
	    a->opts->wait_s == OPTS_NO_WAIT) {
		return 0;
	}
	r = approval_open(&a->events, a->opts, &a->settings, &a->gateway,
	    LAUNCH_SPEAKS);
	if (r != 0) {
		return r;
	}
	w = offers_find(&a->events.offers, what);
	if (w == NULL) {
		log_escape(safe, sizeof(safe), what, strlen(what));
		log_warnx("attach: %s: no such device, or not for you; "
			  "`sallyport list` shows what you may use",
		    safe);
		return EXITS_NOT_FOUND;
	}
	r = use_offer(a, w);
	if (r == 0 && a->is_pending && a->opts->wait_s == OPTS_NO_WAIT) {
		r = say_pending(w);
	}
	return r;
}

/* One try. After 0 the relay has imported and accepted the device. */
static int
import_once(struct attach *a, enum launch_voice voice)
{
	const struct launch_how how = {
	    .opts = a->opts,
	    .settings = &a->settings,
	    .gateway = &a->gateway,
	    .mode = IPC_RELAY_ATTACH,
	    .voice = voice,
	    .busid = a->busid,
	    .asked = &a->asked,
	    .log = a->log,
	};
	int r;

	attached_progress(a->opts, a->busid, "the gateway is asked");
	if (launch_start(&a->launch, &how) != 0) {
		return EXITS_FAILED;
	}
	r = await_ready(a);
	if (r != 0) {
		launch_end(&a->launch);
	}
	return r;
}

/* A bus id that could not be had may be one to ask for. */
static int
explain_missing(struct attach *a)
{
	const struct ipc_watch *w;

	if (*a->name != '\0' || a->events.is_open ||
	    approval_open(&a->events, a->opts, &a->settings, &a->gateway,
		LAUNCH_SILENT) != 0) {
		return EXITS_NOT_FOUND;
	}
	w = offers_find(&a->events.offers, a->busid);
	return w != NULL && w->state == IPC_WATCH_PENDING ? say_pending(w)
							  : EXITS_NOT_FOUND;
}

/* Asks the approver by trying once, which fails; then waits. */
static int
import_approved(struct attach *a)
{
	uint64_t deadline = 0;
	int r = import_once(a, LAUNCH_ASKS);

	if (r != EXITS_NOT_FOUND) {
		return r; /* it was approved just then, or something is wrong */
	}
	if (a->opts->wait_s > 0) {
		deadline = clock_mono() +
		    (uint64_t)a->opts->wait_s * CLOCK_SEC;
	}
	r = approval_wait(&a->events, a->stable, deadline);
	if (r == 0) {
		r = use_offer(a, offers_find(&a->events.offers, a->stable));
	}
	return r == 0 ? import_once(a, LAUNCH_SPEAKS) : r;
}

static int
import_device(struct attach *a)
{
	int r;

	if (a->opts->ask == OPTS_ASK) {
		r = import_once(a, LAUNCH_ASKS);
		return r == EXITS_NOT_FOUND ? EXITS_DENIED : r;
	}
	if (a->is_pending) {
		return import_approved(a);
	}
	r = import_once(a, LAUNCH_SPEAKS);
	return r == EXITS_NOT_FOUND ? explain_missing(a) : r;
}

static int
prepare(struct attach *a)
{
	struct vhci vhci;
	int r = cmd_gateway(&a->gateway, a->opts);

	if (r == 0 && (*a->name == '\0' || a->is_found)) {
		r = check_busid(a);
	}
	if (r != 0) {
		return r;
	}
	r = cmd_need_root(a->opts);
	if (r == 0) {
		r = cmd_vhci(&vhci, a->opts);
	}
	if (r != 0) {
		return r;
	}
	vhci_fini(&vhci);
	if (settings_load(&a->settings, a->opts) != 0) {
		return EXITS_FAILED;
	}
	r = resolve(a);
	return r != 0 ? r : open_log(a);
}

int
cmd_attach(const struct opts *opts)
{
	static struct attach a;
	int r;

	a.opts = opts;
	a.busid = opts->operands[1];
	a.name = strchr(a.busid, '@') != NULL ? a.busid : "";
	if (*a.name == '\0' && opts->as != NULL) {
		a.name = opts->as;
		a.is_found = 1;
	}
	a.log = -1;
	r = seat_find(&a.seat, opts);
	if (r == 0) {
		r = prepare(&a);
	}
	if (r == 0) {
		r = import_device(&a);
	}
	if (r == 0) {
		r = attach(&a);
		launch_end(&a.launch);
	}
	approval_close(&a.events);
	close_fd(&a.log);
	settings_free(&a.settings);
	return cmd_flush(opts, r);
}
