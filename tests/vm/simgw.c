/*
 * A gateway with a simulated device, for cases of usbtest that no device of the
 * guests has endpoints for: the session's own code and its TLS, with
 * tests/fake/usb_sim.c in place of libusb. This program plays the broker and the
 * warden; one process for each connection. The device is 0525:a4a0, bulk pipes
 * in alternate 0, isochronous ones beside them in alternate 1.
 *
 * usage: simgw PORT high|super CA CERT KEY [CRL]
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/sealed.h"
#include "proxy/session/door.h"
#include "proxy/session/session.h"
#include "tests/fake/usb_sim.h"
#include "wire/devrec.h"
#include "wire/ipc.h"

#define LE(v) (uint8_t)((v) & 0xff), (uint8_t)((v) >> 8 & 0xff)
#define PEM_MAX 16384
#define ISO_IN 0x83
#define ISO_OUT 0x04

static const uint8_t high_device[18] = {18, 1, LE(0x0200), 0xff, 0, 0, 64,
	LE(0x0525), LE(0xa4a0), LE(0x0100), 0, 0, 0, 1};
static const uint8_t high_config[] = {9, 2, LE(69), 1, 1, 0, 0x80, 50,
	/* interface 0, alternates 0 and 1 */
	9, 4, 0, 0, 2, 0xff, 0, 0, 0, 7, 5, 0x81, 2, LE(512), 0, 7, 5, 0x02, 2,
	LE(512), 0, 9, 4, 0, 1, 4, 0xff, 0, 0, 0, 7, 5, 0x81, 2, LE(512), 0, 7,
	5, 0x02, 2, LE(512), 0, 7, 5, ISO_IN, 1, LE(1024), 1, 7, 5, ISO_OUT, 1,
	LE(1024), 1};

static const uint8_t super_device[18] = {18, 1, LE(0x0300), 0xff, 0, 0, 9,
	LE(0x0525), LE(0xa4a0), LE(0x0100), 0, 0, 0, 1};
#define BULK_COMPANION 6, 0x30, 0, 0, LE(0)
#define ISO_COMPANION 6, 0x30, 0, 0, LE(1024)
static const uint8_t super_config[] = {9, 2, LE(105), 1, 1, 0, 0x80, 50,
	9, 4, 0, 0, 2, 0xff, 0, 0, 0, 7, 5, 0x81, 2, LE(1024), 0,
	BULK_COMPANION, 7, 5, 0x02, 2, LE(1024), 0, BULK_COMPANION,
	9, 4, 0, 1, 4, 0xff, 0, 0, 0, 7, 5, 0x81, 2, LE(1024), 0,
	BULK_COMPANION, 7, 5, 0x02, 2, LE(1024), 0, BULK_COMPANION,
	7, 5, ISO_IN, 1, LE(1024), 1, ISO_COMPANION,
	7, 5, ISO_OUT, 1, LE(1024), 1, ISO_COMPANION};
static const uint8_t super_bos[] = {5, 15, LE(22), 2, 7, 16, 2, 2, 0, 0, 0, 10,
	16, 3, 0, LE(0x0e), 1, 10, LE(20)};

_Static_assert(sizeof(high_config) == 69, "wTotalLength, high speed");
_Static_assert(sizeof(super_config) == 105, "wTotalLength, SuperSpeed");
_Static_assert(sizeof(super_bos) == 22, "wTotalLength, BOS");

struct gateway {
	struct loop *loop;
	int broker, warden; /* our ends */
	struct ipc_pem pem;
	const char *crl; /* path; NULL = none */
	struct devrec rec;
	struct device_place place;
	int exit_code;
};

static struct gateway gw;
static uint8_t buf[CHANNEL_HEADER + CHANNEL_MAX];

static void
make_record(int is_super)
{
	static struct desc_config scratch;
	struct desc_why why = {0};
	int r;

	devrec_init(&gw.rec);
	gw.rec.active_config = 1;
	gw.rec.speed = is_super ? USBIP_SPEED_SUPER : USBIP_SPEED_HIGH;
	memcpy(gw.rec.device, is_super ? super_device : high_device, 18);
	r = is_super
	    ? devrec_add_config(&gw.rec, super_config, sizeof(super_config))
	    : devrec_add_config(&gw.rec, high_config, sizeof(high_config));
	if (r == 0 && is_super) {
		r = devrec_set_bos(&gw.rec, super_bos, sizeof(super_bos));
	}
	if (r != 0 || devrec_check(&gw.rec, &scratch, &why) != 0) {
		fatalx("the device: %s: %s", why.rule, why.text);
	}
	gw.place = (struct device_place){
		.busnum = 3, .devnum = 7, .speed = gw.rec.speed};
	(void)snprintf(gw.place.busid, sizeof(gw.place.busid), "3-2");
	(void)snprintf(gw.place.path, sizeof(gw.place.path),
	    "/sys/devices/pci0000:00/usb3/3-2");
}

static void
read_pem(const char *path, const uint8_t **out, uint32_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t *text = calloc(1, PEM_MAX);
	ssize_t n = fd != -1 && text != NULL ? read(fd, text, PEM_MAX - 1) : -1;

	if (n <= 0) {
		fatal("read %s", path);
	}
	(void)close(fd);
	*out = text;
	*len = (uint32_t)n + 1; /* with its NUL */
}

/* ------------------------------------------------------------------------ */
/* Broker and warden                                                        */

static void
tell(int chan, uint16_t type, const void *data, int len, int fd)
{
	int r = len < 0 ? len
			: channel_send_wait(
			      chan, type, 1, data, (size_t)len, fd, 5000);

	if (r != 0) {
		fatalx("message %u: %s", type, err_str(r));
	}
}

static void
tell_result(int chan, uint16_t type)
{
	struct ipc_result ok = {.err = 0};
	uint8_t small[16];

	tell(chan, type, small, ipc_encode_result(small, sizeof(small), &ok),
	    -1);
}

static void
give_list(void)
{
	static struct desc_config scratch;
	struct ipc_item item = {.ninterfaces = 1};

	devrec_usbip(&item.dev, &gw.rec, &gw.place, &scratch);
	item.interfaces[0].class = 0xff;
	tell(gw.warden, IPC_LIST_ITEM, buf,
	    ipc_encode_item(buf, sizeof(buf), &item), -1);
	tell(gw.warden, IPC_LIST_END, NULL, 0, -1);
}

static void
give_device(void)
{
	struct ipc_imported m = {.place = gw.place, .is_all = 1};
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	tell(gw.broker, IPC_DEVICE, buf,
	    place_encode(buf, sizeof(buf), &gw.place), fd);
	tell(gw.warden, IPC_IMPORTED, buf,
	    ipc_encode_imported(buf, sizeof(buf), &m, &gw.rec), -1);
	(void)close(fd);
}

/* The CRL as it is now; -1 without one. */
static int
list(void)
{
	const uint8_t *text;
	uint32_t len;
	int fd;

	if (gw.crl == NULL) {
		return -1;
	}
	read_pem(gw.crl, &text, &len);
	if (sealed_new(&fd, text, len) != 0) {
		fatal("%s", gw.crl);
	}
	return fd;
}

static void
answer(int chan, const struct channel_msg *msg)
{
	struct ipc_refused why;

	switch (msg->type) {
	case IPC_KEY:
		tell(chan, IPC_KEY_IS, buf,
		    ipc_encode_pem(buf, sizeof(buf), &gw.pem), list());
		break;
	case IPC_SET_CONFIG:
		tell_result(chan, IPC_CONFIG_SET);
		break;
	case IPC_IDENTITY:
		tell_result(chan, IPC_IDENTIFIED);
		break;
	case IPC_LIST:
		give_list();
		break;
	case IPC_IMPORT:
		give_device();
		break;
	case IPC_REFUSED:
		if (ipc_decode_refused(&why, msg->data, msg->len) == 0) {
			log_warnx("refused: %s: %s", why.rule, why.text);
		}
		break;
	default: /* states, activity: nothing to say */
		break;
	}
}

static void
on_channel(void *arg, int events)
{
	static uint8_t in[CHANNEL_HEADER + CHANNEL_MAX];
	struct channel_msg msg;
	int *chan = arg;

	(void)events;
	if (channel_recv(*chan, in, sizeof(in), &msg) == 0) {
		answer(*chan, &msg);
	}
}

static void
on_ended(void *arg, int exit_code)
{
	(void)arg;
	gw.exit_code = exit_code;
	loop_stop(gw.loop);
}

/* ------------------------------------------------------------------------ */

static int
serve(int peer)
{
	struct usb_sim *sim = usb_sim_new(&gw.rec);
	struct session_how how = {.peer = peer, .usb = usb_backend,
		.ended = on_ended};
	struct session *session;
	int broker[2], warden[2];

	gw.loop = loop_new();
	how.door = door_tls_new(-1);
	if (sim == NULL || gw.loop == NULL || how.door == NULL ||
	    channel_pair(broker) != 0 || channel_pair(warden) != 0) {
		fatal("start");
	}
	for (uint8_t ep = 1; ep < 16; ep++) {
		usb_sim_ep(sim, ep)->part = USB_SIM_SINK;
		usb_sim_ep(sim, ep | 0x80)->part = USB_SIM_SINK;
	}
	gw.broker = broker[0];
	gw.warden = warden[0];
	how.loop = gw.loop;
	how.broker = broker[1];
	how.warden = warden[1];
	if (loop_io_new(gw.loop, gw.broker, LOOP_READ, on_channel,
		&gw.broker) == NULL ||
	    loop_io_new(gw.loop, gw.warden, LOOP_READ, on_channel,
		&gw.warden) == NULL ||
	    session_new(&session, &how) != 0) {
		fatalx("start: out of memory");
	}
	loop_run(gw.loop);
	session_free(session);
	return gw.exit_code;
}

static int
listen_on(const char *port)
{
	struct sockaddr_in sin = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	if (fd == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == -1 ||
	    bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    listen(fd, 4) == -1) {
		fatal("listen on port %s", port);
	}
	return fd;
}

int
main(int argc, char **argv)
{
	int fd;

	log_init("simgw");
	if ((argc != 6 && argc != 7) ||
	    (strcmp(argv[2], "high") != 0 && strcmp(argv[2], "super") != 0)) {
		fprintf(stderr, "usage: simgw PORT high|super CA CERT KEY [CRL]\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	make_record(strcmp(argv[2], "super") == 0);
	read_pem(argv[3], &gw.pem.ca, &gw.pem.ca_len);
	read_pem(argv[4], &gw.pem.cert, &gw.pem.cert_len);
	read_pem(argv[5], &gw.pem.key, &gw.pem.key_len);
	gw.crl = argv[6];
	fd = listen_on(argv[1]);
	puts("ready");
	(void)fflush(stdout);
	for (;;) {
		int peer = accept4(
		    fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		int one = 1;

		if (peer == -1) {
			continue;
		}
		(void)setsockopt(
		    peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		switch (fork()) {
		case 0:
			(void)close(fd);
			exit(serve(peer));
		case -1:
			log_warn("fork");
			break;
		default:
			break;
		}
		(void)close(peer);
	}
}
