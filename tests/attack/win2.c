/*
 * usbip-win2, the client of Windows, against the attacked gateway when nobody
 * attacks it: what its drivers send and expect (win2_client.h), in TLS without
 * ALPN, through stunnel with the file that docs/WINDOWS.md shows, and through
 * `sallyport tunnel'. No Windows runs here.
 *
 * One line for each way and thing, then the counts. As root, or as stage.h says.
 */
#include "tests/attack/win2_client.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/tls.h"
#include "tests/attack/plug.h"
#include "tests/attack/stage.h"

#define PAGE "docs/WINDOWS.md"
#define STUNNEL_PORT 3240
#define TUNNEL_PORT 3250
#define STALL (-32)
#define SHORT (-121) /* EREMOTEIO: USBD_STATUS_ERROR_SHORT_TRANSFER */
#define TRIES 100

static unsigned passed, failed, skipped;

/* How it gets there. */
struct way {
	const char *name;
	int port;		   /* where it says it without TLS; or 0 */
	struct tls_config *config; /* borrowed */
	pid_t pid;
};

static int
dial(struct win2 *w, const struct way *way)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)way->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int one = 1;

	memset(w, 0, sizeof(*w));
	if (way->port == 0) {
		return ws_open(&w->ws, way->config, 0);
	}
	w->ws.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (w->ws.fd == -1) {
		fatal("win2: socket");
	}
	(void)setsockopt(
	    w->ws.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(w->ws.fd, (struct sockaddr *)&to, sizeof(to)) == -1 ||
	    fcntl(w->ws.fd, F_SETFL, O_NONBLOCK) == -1) {
		close_fd(&w->ws.fd);
		return WS_CLOSED;
	}
	return WS_OK;
}

/* As long as the device is busy with whoever was before: it tries again by
 * itself, too. */
static int
attach(struct win2 *w, const struct way *way, const char *busid)
{
	int r = WS_CLOSED;

	for (unsigned i = 0; i < TRIES; i++) {
		r = dial(w, way);
		r = r == WS_OK ? win2_import(w, busid) : r;
		if (r != USBIP_ST_DEV_BUSY && r != USBIP_ST_NODEV) {
			break;
		}
		ws_close(&w->ws, WS_POLITE);
		(void)poll(NULL, 0, 50);
	}
	return r;
}

/* ------------------------------------------------------------------------ */

static int __attribute__((format(printf, 2, 3)))
wrong(struct win2 *w, const char *fmt, ...)
{
	va_list ap;

	if (w->why[0] == '\0') {
		va_start(ap, fmt);
		(void)vsnprintf(w->why, sizeof(w->why), fmt, ap);
		va_end(ap);
	}
	return -1;
}

/* A URB that ends with that status and so many bytes. 0 or -1. */
static int
ends(struct win2 *w, struct win2_urb *u, const char *what, int32_t status,
    uint32_t actual)
{
	u->seqnum = 0;
	if (win2_do(w, u) != 0) {
		return wrong(w, "%s: no reply", what);
	}
	if (u->status != status || u->actual != actual) {
		return wrong(w, "%s: status %d with %u bytes", what, u->status,
		    u->actual);
	}
	return 0;
}

/* A control request; length is wLength, as it always is for it. */
static struct win2_urb *
control(uint8_t type, uint8_t request, uint16_t value, uint16_t at,
    uint16_t length)
{
	static struct win2_urb u;

	u = (struct win2_urb){.address = type & 0x80, .length = length,
		.setup = {type, request, value & 0xff, (uint8_t)(value >> 8),
		    at & 0xff, (uint8_t)(at >> 8), length & 0xff,
		    (uint8_t)(length >> 8)}};
	return &u;
}

static struct win2_urb *
bulk(uint8_t address, uint32_t length, uint32_t flags)
{
	static struct win2_urb u;

	u = (struct win2_urb){
		.address = address, .length = length, .flags = flags};
	return &u;
}

static int
reads(struct win2 *w, struct win2_urb *u, const char *what, const void *want,
    uint32_t len)
{
	if (ends(w, u, what, 0, len) != 0) {
		return -1;
	}
	return memcmp(u->data, want, len) == 0
	    ? 0
	    : wrong(w, "%s: other bytes", what);
}

/* What Windows asks of a device that it does not know. */
static int
enumerates(struct win2 *w)
{
	int r = reads(w, control(0x80, 6, 0x0100, 0, 18), "device",
	    plug_device, 18);

	/* its root hub: the first 9 bytes, then what they say */
	r |= reads(w, control(0x80, 6, 0x0200, 0, 9), "configuration head",
	    plug_config, 9);
	r |= reads(w, control(0x80, 6, 0x0200, 0, PLUG_CONFIG_SIZE),
	    "configuration", plug_config, PLUG_CONFIG_SIZE);
	r |= reads(w, control(0x80, 6, 0x0200, 0, 255),
	    "configuration in 255 bytes", plug_config, PLUG_CONFIG_SIZE);
	/* what this device has not: no reason to end */
	r |= ends(w, control(0x80, 6, 0x03ee, 0, 18), "Microsoft's string",
	    STALL, 0);
	r |= ends(w, control(0x80, 6, 0x0600, 0, 10), "qualifier", STALL, 0);
	r |= ends(w, control(0x80, 6, 0x0f00, 0, 5), "BOS", STALL, 0);
	r |= ends(w, control(0, 9, 1, 0, 0), "SET_CONFIGURATION", 0, 0);
	/* HidUsb: 64 bytes more than the report descriptor has */
	r |= reads(w, control(0x81, 6, 0x2200, 1,
	    (uint16_t)(plug_report_size + 64)), "report descriptor",
	    plug_report, (uint32_t)plug_report_size);
	r |= ends(w, control(0x80, 0, 0, 0, 2), "GET_STATUS", 0, 2);
	return r;
}

static int
moves_data(struct win2 *w)
{
	int r = ends(w, bulk(PLUG_BULK_IN, 512, 0), "bulk", 0, 512);

	r |= ends(w, bulk(PLUG_BULK_IN, 4096, WIN2_SHORT_NOT_OK),
	    "bulk, all of it", 0, 4096);
	r |= ends(w, bulk(PLUG_BULK_OUT, 4096, 0), "bulk out", 0, 4096);
	r |= ends(w, bulk(PLUG_BULK_OUT, 0, 0), "bulk of nothing", 0, 0);
	r |= ends(w, bulk(PLUG_INT_IN, 64, 0), "short", 0, 8);
	/* its data come, whatever the status says */
	r |= ends(w, bulk(PLUG_INT_IN, 64, WIN2_SHORT_NOT_OK),
	    "short where that is an error", SHORT, 8);
	r |= ends(w, bulk(PLUG_INT_OUT, 8, 0), "interrupt out", 0, 8);
	return r;
}

/* Packets are as far apart as Windows laid them. */
static int
moves_packets(struct win2 *w)
{
	static struct win2_urb u;
	int r = ends(w, control(1, 11, 1, 0, 0), "SET_INTERFACE", 0, 0);

	u = (struct win2_urb){.address = PLUG_ISO_IN, .length = 8 * 128,
		.flags = WIN2_ISO_ASAP, .start_frame = 0xdeadbeef,
		.npackets = 8};
	for (uint32_t i = 0; i < u.npackets; i++) {
		u.offset[i] = i * 128;
	}
	r |= ends(w, &u, "isochronous", 0, 8 * 128);
	r |= u.packet[7] == 128 ? 0 : wrong(w, "the last packet is short");
	u = (struct win2_urb){.address = PLUG_ISO_OUT, .length = 64,
		.flags = WIN2_ISO_ASAP, .npackets = 2, .offset = {0, 40}};
	r |= ends(w, &u, "isochronous out", 0, 64);
	r |= u.packet[0] == 40 && u.packet[1] == 24
	    ? 0
	    : wrong(w, "packets of %u and %u", u.packet[0], u.packet[1]);
	r |= ends(w, control(1, 11, 0, 0, 0), "SET_INTERFACE 0", 0, 0);
	return r;
}

/* Until that many were answered. */
static int
hear_unlinks(struct win2 *w, unsigned n)
{
	while (w->unlinked < n) {
		if (win2_receive(w, WS_MS) != 0) {
			return wrong(w, "%u of %u unlinks are answered",
			    w->unlinked, n);
		}
	}
	return 0;
}

/* It forgets the URB with the unlink, and takes what comes for it. */
static int
unlinks(struct win2 *w)
{
	static struct win2_urb urbs[16];
	unsigned before = w->unlinked;
	int r = 0;

	/* an endpoint is purged */
	for (size_t i = 0; i < ARRAY_LEN(urbs); i++) {
		urbs[i] = *bulk(PLUG_SILENT_IN, 64, 0);
		r |= win2_submit(w, &urbs[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(urbs); i++) {
		r |= win2_unlink(w, &urbs[i]);
	}
	r |= hear_unlinks(w, before + ARRAY_LEN(urbs));
	r |= w->drained == 0 ? 0 : wrong(w, "an unlinked URB is answered");
	/* one that is answered at the same time: once, or not at all */
	urbs[0] = *bulk(PLUG_BULK_IN, 4096, 0);
	r |= win2_submit(w, &urbs[0]);
	r |= win2_unlink(w, &urbs[0]);
	/* one that is over */
	r |= ends(w, bulk(PLUG_INT_IN, 8, 0), "behind it", 0, 8);
	urbs[1] = *bulk(PLUG_INT_IN, 8, 0);
	r |= ends(w, &urbs[1], "a read", 0, 8);
	r |= win2_unlink(w, &urbs[1]);
	r |= hear_unlinks(w, before + ARRAY_LEN(urbs) + 2);
	r |= w->drained <= 1 ? 0 : wrong(w, "one is answered twice");
	return r;
}

/* Queues are sent by whichever processor comes first: numbers may be out of
 * order, also those of unlinks. */
static int
crosses(struct win2 *w)
{
	static struct win2_urb a, b, late;
	unsigned before = w->unlinked;
	int r = 0;

	a = *bulk(PLUG_INT_IN, 8, 0);
	b = *bulk(PLUG_BULK_OUT, 512, 0);
	late = *bulk(PLUG_SILENT_IN, 64, 0);
	a.seqnum = win2_seqnum(w, 1);
	b.seqnum = win2_seqnum(w, 0);
	late.seqnum = win2_seqnum(w, 1);
	r |= win2_submit(w, &late);
	r |= win2_submit(w, &b);
	r |= win2_submit(w, &a);
	while (r == 0 && !(a.is_done && b.is_done)) {
		r |= win2_receive(w, WS_MS);
	}
	r |= win2_unlink(w, &late);
	r |= hear_unlinks(w, before + 1);
	return r == 0 && a.status == 0 && b.status == 0
	    ? ends(w, bulk(PLUG_BULK_IN, 64, 0), "behind them", 0, 64)
	    : wrong(w, "out of order: status %d and %d", a.status, b.status);
}

static int
recovers(struct win2 *w)
{
	int r = ends(w, control(2, 1, 0, PLUG_BULK_IN, 0), "clear", 0, 0);

	/* SET_FEATURE(PORT_RESET) of a hub's port: the kernel's own way */
	r |= ends(w, control(0x23, 3, 4, 7, 0), "reset of the port", 0, 0);
	r |= ends(w, bulk(PLUG_BULK_IN, 512, 0), "behind the reset", 0, 512);
	return r;
}

static int
is_what_was_asked(struct win2 *w)
{
	return w->vid == PLUG_VID && w->pid == PLUG_PID &&
		w->speed == USBIP_SPEED_HIGH && w->devid == (3u << 16 | 12)
	    ? 0
	    : wrong(w, "%04x:%04x, speed %u, device %x", w->vid, w->pid,
		  w->speed, w->devid);
}

static const struct part {
	const char *what;
	int (*run)(struct win2 *w);
} parts[] = {
	{"OP_REP_IMPORT", is_what_was_asked},
	{"enumeration", enumerates},
	{"ffffffff packets, flags, short reads", moves_data},
	{"isochronous packets", moves_packets},
	{"unlinks", unlinks},
	{"seqnums out of order", crosses},
	{"CLEAR_FEATURE and reset", recovers},
};

/* ------------------------------------------------------------------------ */

static void
say(const struct way *way, const char *what, int r, const struct win2 *w)
{
	printf("%sok - %s: %s%s%s\n", r == 0 ? "" : "not ", way->name, what,
	    r == 0 ? "" : ": ", r == 0 ? "" : w->why);
	(void)fflush(stdout);
	passed += r == 0;
	failed += r != 0;
}

static void
try_refusals(const struct way *way)
{
	struct win2 w, holder;
	int found, n, r;

	r = dial(&w, way);
	n = r == WS_OK ? win2_list(&w, STAGE_VICTIM, &found) : r;
	say(way, "OP_REP_DEVLIST",
	    n == STAGE_DEVICES + STAGE_SPENT && found
		? 0
		: wrong(&w, "%d devices", n),
	    &w);
	ws_close(&w.ws, WS_POLITE);
	r = dial(&w, way);
	r = r == WS_OK ? win2_import(&w, "9-9") : r;
	say(way, "a device that is not there",
	    r == USBIP_ST_NODEV ? 0 : wrong(&w, "status %d", r), &w);
	ws_close(&w.ws, WS_POLITE);
	if (attach(&holder, way, STAGE_VICTIM) != 0) {
		say(way, "a device that is in use",
		    wrong(&holder, "it is not even there"), &holder);
		ws_close(&holder.ws, WS_ABRUPT);
		return;
	}
	r = dial(&w, way);
	r = r == WS_OK ? win2_import(&w, STAGE_VICTIM) : r;
	say(way, "a device that is in use",
	    r == USBIP_ST_DEV_BUSY || r == USBIP_ST_NODEV
		? 0
		: wrong(&w, "status %d", r),
	    &w);
	ws_close(&w.ws, WS_POLITE);
	ws_close(&holder.ws, WS_POLITE);
}

/* The end of a connection is all that it says when it detaches. */
static void
try_detach(const struct way *way)
{
	struct win2 w;
	int r = attach(&w, way, STAGE_VICTIM);

	say(way, "detached, and attached again",
	    r == 0 ? 0 : wrong(&w, "status %d", r), &w);
	ws_close(&w.ws, WS_POLITE);
}

static void
try_way(const struct way *way)
{
	struct win2 w;
	int r;

	try_refusals(way);
	r = attach(&w, way, STAGE_VICTIM);
	if (r != 0) {
		say(way, "attach", wrong(&w, "status %d", r), &w);
	}
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(parts); i++) {
		r = parts[i].run(&w);
		say(way, parts[i].what, r, &w);
	}
	ws_close(&w.ws, WS_POLITE);
	if (r == 0) {
		try_detach(way);
	}
}

/* ------------------------------------------------------------------------ */
/* Tunnels                                                                  */

/* The page's file, for this machine: its ```ini block with the keys of dir,
 * and the gateway beside it. */
static void
write_stunnel_conf(const char *dir)
{
	char line[512], path[128];
	int is_in = 0, n = 0;
	FILE *page = fopen(PAGE, "re"), *out;

	(void)snprintf(path, sizeof(path), "%s/stunnel.conf", dir);
	out = fopen(path, "we");
	if (page == NULL || out == NULL) {
		fatal("win2: from %s to %s", PAGE, path);
	}
	(void)fputs("foreground = yes\npid =\n", out);
	while (fgets(line, sizeof(line), page) != NULL) {
		char *own = strstr(line, "C:\\sallyport\\");

		if (strncmp(line, "```", 3) == 0) {
			is_in = strcmp(line, "```ini\n") == 0;
		} else if (!is_in) {
			continue;
		} else if (own != NULL) {
			n++;
			(void)fprintf(out, "%.*s%s/%s", (int)(own - line),
			    line, dir, own + 13);
		} else if (strncmp(line, "connect = ", 10) == 0) {
			(void)fprintf(out, "connect = 127.0.0.1:%d\n",
			    STAGE_PORT);
		} else if (strncmp(line, "checkHost = ", 12) == 0) {
			(void)fputs("checkHost = gateway\n", out);
		} else {
			(void)fputs(line, out);
		}
	}
	(void)fclose(page);
	if (fclose(out) != 0 || n != 3) {
		fatalx("win2: %s: no file for stunnel in it", PAGE);
	}
}

static pid_t
start(const struct stage *stage, const char *const *argv)
{
	char log[128];
	pid_t pid = fork();
	int fd;

	if (pid != 0) {
		return pid;
	}
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)snprintf(log, sizeof(log), "%s/tunnel.log", stage->dir);
	fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (fd == -1 || dup2(fd, 1) == -1 || dup2(fd, 2) == -1) {
		_exit(126);
	}
	(void)execvp(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

/* 0; -1 when it ended, or does not listen. */
static int
wait_for(struct way *way)
{
	struct win2 w;

	for (unsigned i = 0; i < TRIES; i++) {
		if (waitpid(way->pid, NULL, WNOHANG) != 0) {
			way->pid = -1;
			return -1;
		}
		if (dial(&w, way) == WS_OK) {
			ws_close(&w.ws, WS_POLITE);
			return 0;
		}
		(void)poll(NULL, 0, 50);
	}
	return -1;
}

static void
try_tunnel(const struct stage *stage, struct way *way,
    const char *const *argv)
{
	struct win2 w = {.count = 0};

	way->pid = start(stage, argv);
	if (wait_for(way) == 0) {
		try_way(way);
	} else {
		say(way, "listens", wrong(&w, "it does not"), &w);
	}
	if (way->pid > 0) {
		(void)kill(way->pid, SIGTERM);
		(void)waitpid(way->pid, NULL, 0);
	}
}

static void
try_all(struct stage *stage)
{
	struct tls_config *config = ws_config(&stage->ca, &stage->honest);
	struct way bare = {.name = "TLS", .config = config};
	struct way stunnel = {.name = "stunnel", .port = STUNNEL_PORT};
	struct way tunnel = {.name = "sallyport tunnel", .port = TUNNEL_PORT};
	char dir[96], conf[128], program[sizeof(stage->bin) + 16];
	const char *const by_stunnel[] = {"stunnel", conf, NULL};
	const char *const by_sallyport[] = {program, "tunnel", "--tls", dir,
		"--name", "gateway", "--listen", "3250", "127.0.0.1", NULL};

	(void)snprintf(dir, sizeof(dir), "%s/honest", stage->dir);
	(void)snprintf(conf, sizeof(conf), "%s/stunnel.conf", dir);
	(void)snprintf(program, sizeof(program), "%s/sallyport", stage->bin);
	stage_dirs("%s", dir);
	stage_pem(dir, "ca.pem", stage->ca.pem, stage->ca.pem_len);
	stage_pem(dir, "cert.pem", stage->honest.pem, stage->honest.pem_len);
	stage_pem(dir, "key.pem", stage->honest.key, stage->honest.key_len);
	write_stunnel_conf(dir);
	try_way(&bare);
	if (access("/usr/bin/stunnel", X_OK) == 0) {
		try_tunnel(stage, &stunnel, by_stunnel);
	} else {
		puts("ok - stunnel # SKIP it is missing; install stunnel4");
		skipped++;
	}
	try_tunnel(stage, &tunnel, by_sallyport);
	tls_config_free(config);
}

int
main(int argc, char **argv)
{
	struct stage *stage = calloc(1, sizeof(*stage));

	(void)argc;
	log_init("win2");
	if (stage == NULL || stage_enter(argv) != 0) {
		puts("0 passed, 0 failed, 1 skipped");
		return 0;
	}
	if (stage_start(stage) != 0) {
		puts("0 passed, 1 failed, 0 skipped");
		return 1;
	}
	try_all(stage);
	if (stage_stop(stage) != 0) {
		puts("not ok - the gateway ends as told");
		failed++;
	}
	free(stage);
	printf("%u passed, %u failed, %u skipped\n", passed, failed, skipped);
	return failed > 0 || passed == 0;
}
