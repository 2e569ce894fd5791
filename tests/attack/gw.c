/*
 * The relay's surroundings.
 */
#include "tests/attack/gw.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "base/tls.h"
#include "tests/attack/attack.h"
#include "tests/attack/plug.h"
#include "vhci-glue/exits.h"

#define RELAY_UID 61099

int
gw_bed_init(struct gw_bed *bed)
{
	struct pki_how how = {.subject = "CN=Liars' CA", .use = PKI_CA};
	uint8_t sans[4096];
	size_t len = 0;
	struct tls_pem pem;
	char why[256];

	memset(bed, 0, sizeof(*bed));
	pki_issue(&bed->ca, NULL, &how);
	pki_san(sans, &len, PKI_IP, "\x7f\0\0\1", 4);
	how = (struct pki_how){.subject = "CN=liar", .use = PKI_SERVER,
		.sans = sans, .sans_len = len};
	pki_issue(&bed->gateway, &bed->ca, &how);
	how = (struct pki_how){.subject = "CN=workstation", .use = PKI_CLIENT};
	pki_issue(&bed->workstation, &bed->ca, &how);
	pem = (struct tls_pem){.ca = bed->ca.pem, .ca_len = bed->ca.pem_len,
		.cert = bed->gateway.pem, .cert_len = bed->gateway.pem_len,
		.key = bed->gateway.key, .key_len = bed->gateway.key_len};
	if (tls_config_new(&bed->server, TLS_SERVER, &pem, why, sizeof(why)) !=
	    0) {
		log_warnx("attack: tls: %s", why);
		return -1;
	}
	return 0;
}

void
gw_bed_fini(struct gw_bed *bed)
{
	tls_config_free(bed->server);
}

int
gw_listen(uint16_t *port)
{
	struct sockaddr_in sin = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sin);
	int fd = socket(
	    AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd == -1 || bind(fd, (struct sockaddr *)&sin, len) == -1 ||
	    listen(fd, 64) == -1 ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) == -1) {
		fatal("attack: listen");
	}
	*port = ntohs(sin.sin_port);
	return fd;
}

/* ------------------------------------------------------------------------ */
/* Life                                                                     */

static void
make_setup(struct gw *gw, struct ipc_relay_setup *setup, uint8_t mode)
{
	const struct gw_bed *bed = gw->bed;

	*setup = (struct ipc_relay_setup){
		.mode = mode,
		.host = "127.0.0.1",
		.name = "127.0.0.1",
		.port = gw->port,
		.pem = {
			.ca = bed->ca.pem,
			.ca_len = (uint32_t)bed->ca.pem_len,
			.cert = bed->workstation.pem,
			.cert_len = (uint32_t)bed->workstation.pem_len,
			.key = bed->workstation.key,
			.key_len = (uint32_t)bed->workstation.key_len,
		},
	};
	if (mode == IPC_RELAY_ATTACH) {
		memcpy(setup->busid, LIAR_BUSID, sizeof(LIAR_BUSID));
		setup->asked = (struct ipc_asked){.is_listed = 1,
			.vid = PLUG_VID, .pid = PLUG_PID, .ninterfaces = 2,
			.interfaces = {{0xff, 0, 0}, {3, 0, 0}}};
	}
}

static int
start_relay(struct gw *gw, uint8_t mode)
{
	static const char *const argv[] = {
		"sallyport-relay", "--foreground", NULL};
	struct ipc_relay_setup setup;
	struct spawn how = {.argv = argv, .nfds = 1, .uid = RELAY_UID,
		.gid = RELAY_UID, .die_with_parent = 1};
	char path[4096];
	int pair[2], n;

	make_setup(gw, &setup, mode);
	how.path = spawn_program(path, sizeof(path), argv[0]);
	n = ipc_encode_relay_setup(gw->buf, sizeof(gw->buf), &setup);
	if (how.path == NULL || n < 0 || channel_pair(pair) != 0) {
		return -1;
	}
	gw->channel = pair[0];
	how.fds[0] = pair[1];
	if (channel_send(gw->channel, IPC_RELAY_SETUP, 0, gw->buf, (size_t)n,
		-1) == 0) {
		gw->relay = spawn_child(&how);
	}
	close_fd(&pair[1]);
	return gw->relay > 0 ? 0 : -1;
}

struct gw *
gw_new(struct gw_bed *bed, struct scene *scene, uint8_t mode,
    const struct lie *lie)
{
	struct gw *gw = malloc(sizeof(*gw));

	if (gw == NULL) {
		fatal("attack: a gateway");
	}
	memset(gw, 0, offsetof(struct gw, got));
	gw->bed = bed;
	gw->lie = lie;
	gw->channel = gw->kernel = -1;
	gw->listener = gw_listen(&gw->port);
	if (start_relay(gw, mode) != 0) {
		attack_fails(scene, "the relay cannot be started");
		gw_free(gw, scene);
		return NULL;
	}
	return gw;
}

static void
reap(struct gw *gw, struct scene *scene)
{
	int status = 0;

	for (int ms = 0; ms < GW_MS; ms += 2) {
		if (waitpid(gw->relay, &status, WNOHANG) == gw->relay) {
			gw->relay = 0;
			break;
		}
		gw_turn(gw, 2);
	}
	if (gw->relay > 0) {
		attack_fails(scene, "%s: the relay does not end",
		    gw->lie != NULL ? gw->lie->what : "honest");
		(void)kill(gw->relay, SIGKILL);
		(void)waitpid(gw->relay, &status, 0);
		return;
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) > EXITS_NOT_FOUND) {
		attack_fails(scene, "%s: the relay crashed (status %x)",
		    gw->lie != NULL ? gw->lie->what : "honest",
		    (unsigned)status);
	}
}

void
gw_free(struct gw *gw, struct scene *scene)
{
	if (gw == NULL) {
		return;
	}
	close_fd(&gw->kernel);
	if (gw->relay > 0) {
		close_fd(&gw->channel);
		reap(gw, scene);
	}
	close_fd(&gw->channel);
	close_fd(&gw->listener);
	if (gw->has_liar) {
		liar_fini(&gw->liar);
	}
	free(gw);
}

/* ------------------------------------------------------------------------ */
/* Turns                                                                    */

void
gw_look(struct gw_bed *bed, pid_t pid)
{
	char path[64], line[256];
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = pid > 0 ? fopen(path, "re") : NULL;
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, "VmHWM:", 6) == 0) {
			uint64_t kib = strtoul(line + 6, NULL, 10);

			bed->peak = kib > bed->peak ? kib : bed->peak;
		}
	}
	if (f != NULL) {
		(void)fclose(f);
	}
}

static void
welcome(struct gw *gw)
{
	static const char *const alpn[] = {
		"usbip", "sallyport-events/1", NULL};
	int fd = accept4(
	    gw->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct stream *stream;

	if (fd == -1) {
		return;
	}
	stream = tls_stream_new(gw->bed->server, fd, NULL, alpn);
	if (stream == NULL || liar_init(&gw->liar, stream, gw->lie) != 0) {
		fatalx("attack: a connection");
	}
	gw->has_liar = 1;
}

/* The parent gives the relay a socket, as it would after the kernel took the
 * other end. */
static void
hand_over(struct gw *gw)
{
	const struct ipc_result good = {0, 0};
	uint8_t result[16];
	int pair[2], n = ipc_encode_result(result, sizeof(result), &good);

	if (n < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
			 pair) == -1) {
		fatal("attack: socketpair");
	}
	(void)channel_send(gw->channel, IPC_RELAY_ATTACHED, 0, result,
	    (size_t)n, pair[1]);
	close_fd(&pair[1]);
	gw->kernel = pair[0];
	gw->is_ready = 1;
}

void
gw_listen_to_relay(struct gw *gw)
{
	struct channel_msg msg;

	while (gw->channel != -1 &&
	    channel_recv(gw->channel, gw->buf, sizeof(gw->buf), &msg) == 0) {
		struct ipc_relay_ready ready;
		struct ipc_item item;

		if (msg.type == IPC_RELAY_ITEM &&
		    ipc_decode_item(&item, msg.data, msg.len) == 0) {
			gw->items++;
		} else if (msg.type == IPC_RELAY_LINE) {
			gw->lines++;
		} else if (msg.type == IPC_RELAY_READY &&
		    ipc_decode_relay_ready(&ready, msg.data, msg.len) == 0) {
			hand_over(gw);
		} else if (msg.type == IPC_RELAY_DONE &&
		    ipc_decode_relay_done(&gw->done, msg.data, msg.len) == 0) {
			gw->is_done = 1;
		}
		close_fd(&msg.fd);
	}
}

/* The kernel reads whole replies, and counts those that are true. */
static void
kernel_reads(struct gw *gw)
{
	while (gw->kernel != -1 && !gw->kernel_is_deaf && gw->ngot < GW_GOT) {
		ssize_t n = recv(gw->kernel, gw->got + gw->ngot,
		    GW_GOT - gw->ngot, MSG_DONTWAIT);

		if (n <= 0) {
			return;
		}
		gw->ngot += (size_t)n;
	}
}

void
gw_turn(struct gw *gw, int ms)
{
	struct pollfd p[4] = {
		{.fd = gw->has_liar ? -1 : gw->listener, .events = POLLIN},
		{.fd = gw->channel, .events = POLLIN},
		{.fd = gw->kernel_is_deaf ? -1 : gw->kernel, .events = POLLIN},
		{.fd = -1, .events = POLLIN},
	};
	const struct stream *s = gw->has_liar ? gw->liar.fake.stream : NULL;

	if (s != NULL && !gw->liar.fake.is_deaf &&
	    gw->liar.fake.last != ERR_CLOSED) {
		p[3].fd = s->fd;
	}
	(void)poll(p, ARRAY_LEN(p), ms);
	if (!gw->has_liar) {
		welcome(gw);
	}
	if (gw->has_liar) {
		liar_turn(&gw->liar);
	}
	gw_look(gw->bed, gw->relay);
	gw_listen_to_relay(gw);
	kernel_reads(gw);
}

static uint64_t
deadline(void)
{
	return clock_mono() + GW_MS * CLOCK_MSEC;
}

int
gw_attach(struct gw *gw)
{
	for (uint64_t end = deadline(); !gw->is_ready && !gw->is_done &&
	     clock_mono() < end;) {
		gw_turn(gw, 10);
	}
	return gw->is_ready ? 0 : -1;
}

/* ------------------------------------------------------------------------ */
/* The kernel                                                               */

static void
kernel_says(struct gw *gw, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	for (uint64_t end = deadline(); len > 0 && clock_mono() < end;) {
		ssize_t n = send(
		    gw->kernel, p, len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n > 0) {
			p += n;
			len -= (size_t)n;
		} else if (errno != EAGAIN) {
			return;
		} else {
			gw_turn(gw, 1);
		}
	}
}

static struct usbip_header *
kernel_asks(struct gw *gw, uint32_t command)
{
	struct gw_urb *urb = &gw->urbs[gw->nurbs];

	if (gw->nurbs == GW_URBS) {
		fatalx("attack: too many transfers");
	}
	gw->nurbs++;
	*urb = (struct gw_urb){.cmd = {.command = command,
		.seqnum = 100 + gw->nurbs,
		.devid = LIAR_BUSNUM << 16 | LIAR_DEVNUM}};
	return &urb->cmd;
}

static void
say_header(struct gw *gw, const struct usbip_header *cmd)
{
	uint8_t raw[USBIP_HEADER_SIZE];

	(void)usbip_encode_header(raw, cmd);
	kernel_says(gw, raw, sizeof(raw));
}

static struct usbip_header *
submit_header(struct gw *gw, uint8_t address, uint32_t length,
    uint32_t npackets)
{
	struct usbip_header *cmd = kernel_asks(gw, USBIP_CMD_SUBMIT);

	cmd->direction = address >> 7;
	cmd->ep = address & 15;
	cmd->u.submit.length = length;
	cmd->u.submit.npackets = npackets;
	say_header(gw, cmd);
	return cmd;
}

static const uint8_t nothing[1024 * 1024];

uint32_t
gw_submit(struct gw *gw, uint8_t address, uint32_t length, uint32_t npackets)
{
	struct usbip_header *cmd = submit_header(gw, address, length, npackets);
	uint8_t raw[USBIP_ISO_SIZE];

	if (cmd->direction == USBIP_DIR_OUT && length <= sizeof(nothing)) {
		kernel_says(gw, nothing, length);
	}
	for (uint32_t i = 0; i < npackets; i++) {
		uint32_t each = length / npackets;
		const struct usbip_iso iso = {
			i * each, each, 0, USBIP_EXDEV};

		usbip_encode_iso(raw, &iso);
		kernel_says(gw, raw, sizeof(raw));
	}
	return cmd->seqnum;
}

uint32_t
gw_submit_half(struct gw *gw, uint8_t address, uint32_t length)
{
	struct usbip_header *cmd = submit_header(gw, address, length, 0);

	kernel_says(gw, nothing, length / 2);
	return cmd->seqnum;
}

size_t
gw_push(struct gw *gw, uint8_t address, uint32_t length, int stuck_ms)
{
	size_t went = 0;

	(void)submit_header(gw, address, length, 0);
	for (int ms = 0; ms < stuck_ms && went < length;) {
		ssize_t n = send(gw->kernel, nothing, length - went,
		    MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n > 0) {
			went += (size_t)n;
			ms = 0;
		} else {
			(void)poll(NULL, 0, 10);
			ms += 10;
		}
	}
	gw_look(gw->bed, gw->relay);
	return went;
}

uint32_t
gw_get_descriptor(
    struct gw *gw, uint8_t recipient, uint8_t type, uint16_t index)
{
	struct usbip_header *cmd = kernel_asks(gw, USBIP_CMD_SUBMIT);
	const uint8_t setup[8] = {
		recipient, 6, 0, type, (uint8_t)index, 0, 255, 0};

	cmd->direction = USBIP_DIR_IN;
	cmd->u.submit.length = 255;
	memcpy(cmd->u.submit.setup, setup, sizeof(setup));
	say_header(gw, cmd);
	return cmd->seqnum;
}

uint32_t
gw_unlink(struct gw *gw, uint32_t of)
{
	struct usbip_header *cmd = kernel_asks(gw, USBIP_CMD_UNLINK);

	cmd->u.unlink.seqnum = of;
	say_header(gw, cmd);
	return cmd->seqnum;
}

/* ------------------------------------------------------------------------ */
/* Judgement                                                                */

static struct gw_urb *
find(struct gw *gw, uint32_t seqnum)
{
	for (unsigned i = 0; i < gw->nurbs; i++) {
		if (gw->urbs[i].cmd.seqnum == seqnum) {
			return &gw->urbs[i];
		}
	}
	return NULL;
}

/* Statuses that a kernel knows: 0 and errnos of its own. */
static int
is_status(int32_t status)
{
	return status <= 0 && status > -134 && status != USBIP_EINPROGRESS;
}

/* With which a relay that ends takes back what nobody answered. */
static int
is_last_word(const struct gw *gw, const struct usbip_header *h)
{
	const struct usbip_ret_submit *ret = &h->u.ret_submit;

	if (h->command == USBIP_RET_UNLINK) {
		return gw->is_done && h->u.ret_unlink.status == USBIP_ECONNRESET;
	}
	return ret->status == USBIP_ESHUTDOWN && ret->actual_length == 0 &&
	    ret->npackets == 0;
}

/* Bytes behind the header of a reply, which was judged. */
static size_t
body_of(const struct gw_urb *urb, const struct usbip_ret_submit *ret)
{
	size_t data = urb->cmd.direction == USBIP_DIR_IN ? ret->actual_length
							 : 0;

	return data + (size_t)ret->npackets * USBIP_ISO_SIZE;
}

static const char *
judge_body(const struct gw *gw, const struct gw_urb *urb,
    const struct usbip_ret_submit *ret, const uint8_t *p)
{
	uint32_t np = ret->npackets, sum = 0;
	uint32_t each = np > 0 ? urb->cmd.u.submit.length / np : 0;
	size_t data = body_of(urb, ret) - (size_t)np * USBIP_ISO_SIZE;

	for (size_t i = 0; urb->cmd.ep != 0 && i < data; i++) {
		if (p[i] != LIAR_BYTE && !gw->has_any_data) {
			return "data that the device never had";
		}
	}
	for (uint32_t i = 0; i < np; i++) {
		struct usbip_iso iso;

		(void)usbip_decode_iso(&iso,
		    p + data + (size_t)i * USBIP_ISO_SIZE, USBIP_ISO_SIZE);
		if (iso.offset != i * each || iso.length != each ||
		    iso.actual_length > each || !is_status(iso.status)) {
			return "a packet that was not submitted so";
		}
		sum += iso.actual_length;
	}
	return np > 0 && sum != ret->actual_length
	    ? "packets that do not add up"
	    : NULL;
}

static const char *
judge_header(const struct gw *gw, const struct gw_urb *urb,
    const struct usbip_header *h)
{
	const struct usbip_ret_submit *ret = &h->u.ret_submit;

	if (urb == NULL || urb->is_answered) {
		return "a reply to nothing, or a second one";
	}
	if (h->command != urb->cmd.command + 2) {
		return "a reply of another kind";
	}
	if ((h->devid | h->direction | h->ep) != 0) {
		return "a header that no kernel writes";
	}
	if (h->command == USBIP_RET_UNLINK) {
		return is_status(h->u.ret_unlink.status)
		    ? NULL
		    : "a status of no kernel";
	}
	if (!is_status(ret->status)) {
		return "a status of no kernel";
	}
	if (is_last_word(gw, h)) {
		return NULL;
	}
	return ret->actual_length > urb->cmd.u.submit.length ||
		ret->npackets != urb->cmd.u.submit.npackets ||
		ret->error_count > ret->npackets
	    ? "more than was asked for"
	    : NULL;
}

/* One reply at p: its length in *used, 0 while it is not whole, or why no
 * kernel may see it. */
static const char *
judge_reply(struct gw *gw, const uint8_t *p, size_t len, size_t *used)
{
	struct usbip_header h;
	const char *why = NULL;
	struct gw_urb *urb;

	*used = 0;
	if (len < USBIP_HEADER_SIZE) {
		return NULL;
	}
	if (usbip_decode_header(&h, p, len) != 0) {
		return "what is no reply";
	}
	urb = find(gw, h.seqnum);
	why = judge_header(gw, urb, &h);
	if (why != NULL) {
		return why;
	}
	if (h.command == USBIP_RET_SUBMIT) {
		size_t body = body_of(urb, &h.u.ret_submit);

		if (len - USBIP_HEADER_SIZE < body) {
			return NULL;
		}
		why = judge_body(gw, urb, &h.u.ret_submit, p + USBIP_HEADER_SIZE);
		*used = body;
	}
	*used += USBIP_HEADER_SIZE;
	urb->is_answered = 1;
	gw->said += !is_last_word(gw, &h);
	return why;
}

/* All that are whole, which are taken. */
static const char *
judge(struct gw *gw)
{
	const char *why = NULL;
	size_t at = 0, used = 1;

	while (why == NULL && used > 0) {
		why = judge_reply(gw, gw->got + at, gw->ngot - at, &used);
		at += used;
	}
	memmove(gw->got, gw->got + at, gw->ngot - at);
	gw->ngot -= at;
	if (why != NULL) {
		gw->wrong = why;
	}
	return why;
}

int
gw_await(struct gw *gw, unsigned said)
{
	for (uint64_t end = deadline(); clock_mono() < end && !gw->is_done;) {
		gw_turn(gw, 10);
		if (judge(gw) != NULL) {
			return -1;
		}
		if (gw->said >= said) {
			return 0;
		}
	}
	return -1;
}

void
gw_expect_end(struct gw *gw, struct scene *scene, const char *reason)
{
	const char *what = gw->lie != NULL ? gw->lie->what : "honest";

	for (uint64_t end = deadline(); clock_mono() < end && !gw->is_done;) {
		gw_turn(gw, 10);
	}
	if (!gw->is_done) {
		attack_fails(scene, "%s: the relay goes on", what);
	} else if (strstr(gw->done.text, reason) == NULL) {
		attack_fails(scene, "%s: \"%s\", not \"%s\"", what,
		    gw->done.text, reason);
	}
}

void
gw_judge_kernel(struct gw *gw, struct scene *scene)
{
	const char *why = gw->wrong;

	kernel_reads(gw);
	if (why == NULL) {
		why = judge(gw);
	}
	if (why == NULL && gw->ngot > 0) {
		why = "a reply that is not whole";
	}
	if (why != NULL) {
		attack_fails(scene, "%s: the kernel got %s",
		    gw->lie != NULL ? gw->lie->what : "honest", why);
	}
}
