/*
 * sallyport attach: gets a relay to import a device, makes the socket pair,
 * gives one end to vhci_hcd and the other to the relay. Root; believes three
 * numbers of the relay, after judging them again.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
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
#include "vhci-glue/cmd.h"
#include "vhci-glue/imported.h"
#include "vhci-glue/launch.h"
#include "vhci-glue/off.h"
#include "vhci-glue/offers.h"
#include "vhci-glue/ports.h"
#include "vhci-glue/vhci.h"
#include "vhci-glue/words.h"
#include "wire/usbip_check.h"

#define READY_MS 60000
#define USED_MS 10000
#define SEND_MS 5000

struct attach {
	const struct opts *opts;
	const char *busid; /* borrowed: argv's, or the found one */
	const char *name;  /* stable name it was asked for by, "" = none */
	char found[USBIP_BUSID_SIZE];
	int is_found; /* busid is known to be its name's */
	struct gateway gateway;
	struct settings settings;
	int log; /* owned */
	struct usbip_device dev;
	unsigned port;
	char local[VHCI_BUSID];
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

/* Whether the relay has said why it ended; it says nothing else by now. */
static int
relay_said(struct attach *a)
{
	struct pollfd p = {.fd = a->launch.channel, .events = POLLIN};
	struct channel_msg msg;

	return poll(&p, 1, 0) > 0 && launch_recv(&a->launch, 0, &msg) != 0;
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
	if (!relay_said(a)) {
		log_warnx("attach: %s: the kernel did not accept the device "
			  "in time; `dmesg` and the gateway's audit log may "
			  "tell",
		    a->busid);
	}
	return EXITS_FAILED;
}

static void
print_attached(const struct attach *a)
{
	char gateway[GATEWAY_TEXT], vid[8], pid[8];
	json_t *o;

	gateway_text(gateway, sizeof(gateway), &a->gateway);
	if (a->opts->form == OPTS_TEXT) {
		(void)printf("attached: port %u, %u-%u, %s (%04x:%04x) of %s, "
			     "here %s\n",
		    a->port, a->dev.busnum, a->dev.devnum, a->dev.busid,
		    a->dev.vid, a->dev.pid, gateway, a->local);
		return;
	}
	(void)snprintf(vid, sizeof(vid), "%04x", a->dev.vid);
	(void)snprintf(pid, sizeof(pid), "%04x", a->dev.pid);
	o = json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:i, s:i}", "port",
	    (int)a->port, "gateway", gateway, "busid", a->dev.busid, "vid",
	    vid, "pid", pid, "local", a->local, "busnum", (int)a->dev.busnum,
	    "devnum", (int)a->dev.devnum);
	if (o != NULL) {
		(void)json_dumpf(o, stdout, 0);
		(void)putchar('\n');
		json_decref(o);
	}
}

/* Stays until the relay ends: its reason is ours. */
static int
stay(struct attach *a)
{
	struct pollfd p = {.fd = a->launch.channel, .events = POLLIN};
	const struct sigaction act = {.sa_handler = on_signal};
	struct ipc_relay_done done;
	struct channel_msg msg;
	char text[2 * IPC_TEXT];
	int r;

	(void)sigaction(SIGINT, &act, NULL);
	(void)sigaction(SIGTERM, &act, NULL);
	while (!told_to_end && poll(&p, 1, 500) <= 0) {
		continue; /* again within half a second, whatever it was */
	}
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
	return r;
}

static int
attach(struct attach *a)
{
	int r = await_ready(a);

	if (r == 0) {
		r = hand_over(a);
	}
	if (r != 0) {
		return r;
	}
	write_note(a);
	forget_off(a);
	r = await_used(a);
	if (r != 0) {
		return r;
	}
	print_attached(a);
	r = cmd_flush(a->opts, EXITS_OK);
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

/* A stable name has an @, which no bus id has. Where the device is now, the
 * gateway's events say. */
static int
resolve(struct attach *a)
{
	struct offers offers = {NULL, 0, 0, 0};
	const struct ipc_watch *w;
	char safe[256];
	int r;

	if (*a->name == '\0' || a->is_found) {
		return 0;
	}
	r = offers_get(&offers, a->opts, &a->settings, &a->gateway);
	if (r == 0 && (w = offers_find(&offers, a->name)) != NULL) {
		memcpy(a->found, w->item.dev.busid, sizeof(a->found));
		a->busid = a->found;
		r = check_busid(a);
	} else if (r == 0) {
		log_escape(safe, sizeof(safe), a->name, strlen(a->name));
		log_warnx("attach: %s: no such device, or not for you; "
			  "`sallyport list` shows what you may use",
		    safe);
		r = EXITS_NOT_FOUND;
	}
	offers_fini(&offers);
	return r;
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
	struct launch_how how = {
	    .opts = opts,
	    .settings = &a.settings,
	    .gateway = &a.gateway,
	    .mode = IPC_RELAY_ATTACH,
	};
	int r;

	a.opts = opts;
	a.busid = opts->operands[1];
	a.name = strchr(a.busid, '@') != NULL ? a.busid : "";
	if (*a.name == '\0' && opts->as != NULL) {
		a.name = opts->as;
		a.is_found = 1;
	}
	a.log = -1;
	r = prepare(&a);
	if (r == 0) {
		how.log = a.log;
		how.busid = a.busid;
		r = EXITS_FAILED;
		if (launch_start(&a.launch, &how) == 0) {
			r = attach(&a);
			launch_end(&a.launch);
		}
	}
	close_fd(&a.log);
	settings_free(&a.settings);
	return cmd_flush(opts, r);
}
