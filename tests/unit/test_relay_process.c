/*
 * The program sallyport-relay as its parent starts it, between a fake gateway
 * with TLS on a loopback socket and a fake kernel. Looks for the program in
 * $SALLYPORT_LIBEXEC or in ../bin beside this test; skips when it is not there.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/channel.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "base/x509.h"
#include "tests/fake/gateway_fake.h"
#include "tests/fake/tlsbed.h"
#include "vhci-glue/exits.h"
#include "vhci-glue/known.h"
#include "wire/ipc.h"

#define WAIT_MS 10000
#define OTHER_UID 61099

static struct pki_cert ca, other_ca, gateway, kiosk, stranger, expired;
static char program[PATH_MAX];

struct stage {
	struct tls_config *server;
	int listener;
	uint16_t port;
	struct gateway_fake gw;
	int has_gw;
	int channel;
	pid_t relay;
	int kernel; /* the kernel's end, after attaching */
	struct ipc_relay_done done;
	uint8_t buf[CHANNEL_HEADER + CHANNEL_MAX];
};

static void
find_program(void)
{
	const char *dir = getenv("SALLYPORT_LIBEXEC");
	char self[PATH_MAX], *slash = NULL;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n > 0) {
		self[n] = '\0';
		slash = strrchr(self, '/');
	}
	if (slash != NULL) {
		*slash = '\0';
	}
	if (dir != NULL) {
		(void)snprintf(
		    program, sizeof(program), "%s/sallyport-relay", dir);
	} else if (slash != NULL &&
	    snprintf(program, sizeof(program), "%s/../bin/sallyport-relay",
		self) >= (int)sizeof(program)) {
		program[0] = '\0';
	}
	if (access(program, X_OK) != 0) {
		program[0] = '\0';
	}
}

static int
group_setup(void **state)
{
	struct pki_how how = {.subject = "CN=Lab CA", .use = PKI_CA};
	uint8_t sans[64];
	size_t len = 0;

	(void)state;
	find_program();
	pki_issue(&ca, NULL, &how);
	how.subject = "CN=Another CA";
	pki_issue(&other_ca, NULL, &how);
	pki_san(sans, &len, PKI_IP, "\x7f\0\0\1", 4);
	how = (struct pki_how){.subject = "CN=gw",
	    .use = PKI_SERVER,
	    .sans = sans,
	    .sans_len = len};
	pki_issue(&gateway, &ca, &how);
	how = (struct pki_how){.subject = "CN=kiosk", .use = PKI_CLIENT};
	pki_issue(&kiosk, &ca, &how);
	pki_issue(&stranger, &other_ca, &how);
	how.from = "20200101000000";
	how.to = "20210101000000";
	pki_issue(&expired, &ca, &how);
	return 0;
}

static int
setup(void **state)
{
	struct stage *s = calloc(1, sizeof(*s));
	struct sockaddr_in at = {
	    .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(at);

	if (s == NULL) {
		return -1;
	}
	s->channel = s->kernel = -1;
	s->server = bed_config(TLS_SERVER, &ca, &gateway, NULL);
	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	*state = s;
	if (bind(s->listener, (struct sockaddr *)&at, sizeof(at)) != 0 ||
	    listen(s->listener, 4) != 0 ||
	    getsockname(s->listener, (struct sockaddr *)&at, &len) != 0) {
		return -1;
	}
	s->port = ntohs(at.sin_port);
	return 0;
}

static int
teardown(void **state)
{
	struct stage *s = *state;

	close_fd(&s->channel);
	close_fd(&s->kernel);
	close_fd(&s->listener);
	if (s->relay > 0) {
		(void)kill(s->relay, SIGKILL);
		(void)waitpid(s->relay, NULL, 0);
	}
	if (s->has_gw) {
		gateway_fake_fini(&s->gw);
	}
	tls_config_free(s->server);
	free(s);
	return 0;
}

/* What the next relay is told about accepting, if not the default. */
static const char *own_rules;
/* Of which keys its gateway must have one. */
static unsigned npins;
static uint8_t pins[IPC_PINS][32];

static void
start_relay(struct stage *s, uint8_t mode, const struct pki_cert *root,
    const struct pki_cert *cert)
{
	const char *const argv[] = {"sallyport-relay", "--foreground", NULL};
	struct ipc_relay_setup setup_msg = {
	    .mode = mode,
	    .host = "127.0.0.1",
	    .name = "127.0.0.1",
	    .port = s->port,
	    .pem = {
		.ca = root->pem,
		.ca_len = (uint32_t)root->pem_len,
		.cert = cert->pem,
		.cert_len = (uint32_t)cert->pem_len,
		.key = cert->key,
		.key_len = (uint32_t)cert->key_len,
	    },
	};
	struct spawn how = {
	    .path = program,
	    .argv = argv,
	    .nfds = 1,
	    .uid = geteuid() == 0 ? OTHER_UID : (uid_t)-1,
	    .gid = geteuid() == 0 ? OTHER_UID : (gid_t)-1,
	    .die_with_parent = 1,
	};
	int pair[2], n;

	if (program[0] == '\0') {
		skip();
	}
	if (mode == IPC_RELAY_ATTACH) {
		memcpy(setup_msg.busid, "3-2", 4);
		setup_msg.accept = IPC_ACCEPT_LISTED;
	}
	setup_msg.npins = (uint8_t)npins;
	memcpy(setup_msg.pins, pins, npins * sizeof(pins[0]));
	npins = 0;
	if (mode == IPC_RELAY_ATTACH && own_rules != NULL) {
		memcpy(setup_msg.rules_name, "own.rules", 10);
		setup_msg.rules = (const uint8_t *)own_rules;
		setup_msg.rules_len = (uint32_t)strlen(own_rules);
		own_rules = NULL;
	}
	assert_int_equal(channel_pair(pair), 0);
	s->channel = pair[0];
	n = ipc_encode_relay_setup(s->buf, sizeof(s->buf), &setup_msg);
	assert_true(n > 0);
	assert_int_equal(channel_send(s->channel, IPC_RELAY_SETUP, 0, s->buf,
			     (size_t)n, -1),
	    0);
	how.fds[0] = pair[1];
	s->relay = spawn_child(&how);
	close(pair[1]);
	assert_true(s->relay > 0);
}

static void
welcome(struct stage *s)
{
	struct pollfd p = {.fd = s->listener, .events = POLLIN};
	int fd;

	assert_int_equal(poll(&p, 1, WAIT_MS), 1);
	fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	assert_true(fd >= 0);
	assert_int_equal(gateway_fake_init(&s->gw,
			     tls_stream_new(s->server, fd, NULL, NULL)),
	    0);
	assert_non_null(s->gw.stream);
	s->has_gw = 1;
}

/* The relay's next message, while the gateway goes on. */
static void
hear(struct stage *s, struct channel_msg *msg)
{
	int r = ERR_AGAIN;

	for (int ms = 0; ms < WAIT_MS && r == ERR_AGAIN; ms++) {
		if (s->has_gw && s->gw.stream != NULL) {
			gateway_fake_turn(&s->gw);
		}
		r = channel_recv_wait(
		    s->channel, s->buf, sizeof(s->buf), 1, msg);
		if (r == ERR_TIMEOUT) {
			r = ERR_AGAIN;
		}
	}
	assert_int_equal(r, 0);
}

static void
assert_done(struct stage *s, int exit_code, const char *word)
{
	struct channel_msg msg;

	hear(s, &msg);
	assert_int_equal(msg.type, IPC_RELAY_DONE);
	assert_int_equal(
	    ipc_decode_relay_done(&s->done, msg.data, msg.len), 0);
	assert_int_equal(s->done.exit_code, exit_code);
	if (strstr(s->done.text, word) == NULL) {
		fail_msg("\"%s\" does not say \"%s\"", s->done.text, word);
	}
}

static void
assert_exit(struct stage *s, int code)
{
	int status = -1;

	assert_int_equal(waitpid(s->relay, &status, 0), s->relay);
	s->relay = 0;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), code);
}

/* The connection before the import: the list has the device at 3-2 with one
 * interface, or nothing. */
static void
show_list(struct stage *s, const char *interface)
{
	const struct usbip_device dev = gateway_fake_drive();

	welcome(s);
	gateway_fake_say_op(&s->gw, USBIP_OP_REP_DEVLIST, 0);
	gateway_fake_say(&s->gw, interface != NULL ? "\0\0\0\1" : "\0\0\0\0",
	    4);
	if (interface != NULL) {
		gateway_fake_say_device(&s->gw, &dev);
		gateway_fake_say(&s->gw, interface, 4);
	}
	gateway_fake_run(&s->gw, WAIT_MS); /* until it hangs up */
	gateway_fake_fini(&s->gw);
	s->has_gw = 0;
}

static const uint8_t config[32] = {9, 2, 32, 0, 1, 1, 0, 0x80, 50, 9, 4, 0, 0,
    2, 8, 6, 0x50, 0, 7, 5, 0x81, 2, 0, 2, 0, 7, 5, 0x02, 2, 0, 2, 0};

static void
show_device(struct stage *s)
{
	const struct usbip_device dev = gateway_fake_drive();
	static const struct {
		const uint8_t *data;
		uint32_t len;
	} answers[] = {
	    {gateway_fake_drive_device, 18}, {config, 9}, {config, 32}};

	gateway_fake_say_op(&s->gw, USBIP_OP_REP_IMPORT, 0);
	gateway_fake_say_device(&s->gw, &dev);
	for (uint32_t i = 0; i < 3; i++) {
		const struct usbip_ret_submit ret = {
		    .actual_length = answers[i].len};

		gateway_fake_say_ret(&s->gw, i + 1, &ret, answers[i].data,
		    answers[i].len, NULL, 0);
	}
}

/* Up to the stream: the relay holds the other end of s->kernel. */
static void
attach(struct stage *s)
{
	const struct usbip_device dev = gateway_fake_drive();
	const struct ipc_result good = {0, 0};
	struct ipc_relay_ready ready;
	struct channel_msg msg;
	uint8_t result[16];
	int pair[2], n;

	start_relay(s, IPC_RELAY_ATTACH, &ca, &kiosk);
	show_list(s, "\x08\x06\x50\0");
	welcome(s);
	show_device(s);
	hear(s, &msg);
	assert_int_equal(msg.type, IPC_RELAY_READY);
	assert_int_equal(
	    ipc_decode_relay_ready(&ready, msg.data, msg.len), 0);
	assert_memory_equal(&ready.dev, &dev, sizeof(dev));
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	n = ipc_encode_result(result, sizeof(result), &good);
	assert_true(n > 0);
	assert_int_equal(channel_send(s->channel, IPC_RELAY_ATTACHED, 0,
			     result, (size_t)n, pair[1]),
	    0);
	close(pair[1]);
	s->kernel = pair[0];
	gateway_fake_turn(&s->gw);
	assert_non_null(gateway_fake_hear(
	    &s->gw, USBIP_IMPORT_REQ_SIZE + 3 * USBIP_HEADER_SIZE));
	assert_int_equal(gateway_fake_heard(&s->gw), 0);
}

/* The kernel submits; the gateway hears of it. */
static void
submit(struct stage *s, uint32_t seqnum, uint32_t length)
{
	struct usbip_header h = {
	    .command = USBIP_CMD_SUBMIT,
	    .seqnum = seqnum,
	    .devid = 3 << 16 | 7,
	    .direction = USBIP_DIR_IN,
	    .ep = 1,
	};
	uint8_t raw[USBIP_HEADER_SIZE];

	h.u.submit.length = length;
	assert_int_equal(usbip_encode_header(raw, &h), 0);
	assert_int_equal(send(s->kernel, raw, sizeof(raw), 0), sizeof(raw));
	for (int ms = 0; ms < WAIT_MS; ms++) {
		gateway_fake_turn(&s->gw);
		if (gateway_fake_heard(&s->gw) >= sizeof(raw)) {
			assert_memory_equal(
			    gateway_fake_hear(&s->gw, sizeof(raw)), raw,
			    sizeof(raw));
			return;
		}
		(void)poll(NULL, 0, 1);
	}
	fail_msg("the command does not arrive");
}

static void
test_list(void **state)
{
	struct stage *s = *state;
	struct usbip_device dev = gateway_fake_drive();
	struct channel_msg msg;
	struct ipc_item item;

	start_relay(s, IPC_RELAY_LIST, &ca, &kiosk);
	welcome(s);
	gateway_fake_say_op(&s->gw, USBIP_OP_REP_DEVLIST, 0);
	gateway_fake_say(&s->gw, "\0\0\0\2", 4);
	for (int i = 0; i < 2; i++) {
		dev.pid = (uint16_t)i;
		gateway_fake_say_device(&s->gw, &dev);
		gateway_fake_say(&s->gw, "\x08\x06\x50\0", 4);
	}
	for (int i = 0; i < 2; i++) {
		hear(s, &msg);
		assert_int_equal(msg.type, IPC_RELAY_ITEM);
		assert_int_equal(
		    ipc_decode_item(&item, msg.data, msg.len), 0);
		assert_int_equal(item.dev.pid, i);
		assert_int_equal(item.interfaces[0].class, 8);
	}
	assert_done(s, EXITS_OK, "");
	assert_exit(s, 0);
}

static void
test_stream(void **state)
{
	struct stage *s = *state;
	const struct usbip_ret_submit ret = {.actual_length = 4};
	uint8_t got[USBIP_HEADER_SIZE + 4];

	attach(s);
	submit(s, 1, 64);
	gateway_fake_say_ret(&s->gw, 1, &ret, "data", 4, NULL, 0);
	gateway_fake_turn(&s->gw);
	assert_int_equal(
	    recv(s->kernel, got, sizeof(got), MSG_WAITALL), sizeof(got));
	assert_memory_equal(got + USBIP_HEADER_SIZE, "data", 4);
	/* detach: the kernel closes */
	close_fd(&s->kernel);
	assert_done(s, EXITS_OK, "3-2: the kernel closed the device");
	assert_exit(s, 0);
}

/* The kernel gets back what it waits for, and then the end. */
static void
assert_drained(struct stage *s)
{
	uint8_t got[USBIP_HEADER_SIZE + 1];
	struct usbip_header hdr;

	assert_int_equal(recv(s->kernel, got, sizeof(got), MSG_WAITALL),
	    USBIP_HEADER_SIZE);
	assert_int_equal(usbip_decode_header(&hdr, got, sizeof(got)), 0);
	assert_int_equal(hdr.command, USBIP_RET_SUBMIT);
	assert_int_equal(hdr.seqnum, 1);
	assert_int_equal(hdr.u.ret_submit.status, USBIP_ESHUTDOWN);
}

/* Detached but for the log of who did it: the gateway hangs up. */
static void
test_gateway_gone(void **state)
{
	struct stage *s = *state;

	attach(s);
	submit(s, 1, 64);
	gateway_fake_hang_up(&s->gw);
	assert_done(s, EXITS_FAILED, "the gateway closed the connection");
	assert_exit(s, 1);
	assert_drained(s);
}

static void
test_hostile(void **state)
{
	struct stage *s = *state;
	const struct usbip_ret_submit ret = {.actual_length = 65};
	uint8_t evil[65] = {0};

	attach(s);
	submit(s, 1, 64);
	gateway_fake_say_ret(&s->gw, 1, &ret, evil, sizeof(evil), NULL, 0);
	assert_done(s, EXITS_FAILED, "actual_length above what was asked");
	assert_exit(s, 1);
	assert_drained(s);
}

/* kill -9 of the relay: the kernel sees an end, nothing else. */
static void
test_killed(void **state)
{
	struct stage *s = *state;
	char c;

	attach(s);
	submit(s, 1, 64);
	assert_int_equal(kill(s->relay, SIGKILL), 0);
	assert_int_equal(recv(s->kernel, &c, 1, 0), 0);
}

static void
test_told_to_end(void **state)
{
	struct stage *s = *state;

	attach(s);
	submit(s, 1, 64);
	assert_int_equal(kill(s->relay, SIGTERM), 0);
	assert_done(s, EXITS_OK, "told to end");
	assert_exit(s, 0);
}

/* In the foreground a relay goes with its parent. */
static void
test_parent_gone(void **state)
{
	struct stage *s = *state;

	attach(s);
	submit(s, 1, 64);
	close_fd(&s->channel);
	assert_exit(s, 0);
}

static void
test_busy(void **state)
{
	struct stage *s = *state;

	start_relay(s, IPC_RELAY_ATTACH, &ca, &kiosk);
	show_list(s, "\x08\x06\x50\0");
	welcome(s);
	gateway_fake_say_op(&s->gw, USBIP_OP_REP_IMPORT, USBIP_ST_DEV_BUSY);
	assert_done(s, EXITS_NOT_FOUND, "3-2: busy");
	assert_exit(s, 1);
}

/* Another device than the list has: the parent hears of no device. */
static void
test_not_as_listed(void **state)
{
	struct stage *s = *state;

	start_relay(s, IPC_RELAY_ATTACH, &ca, &kiosk);
	show_list(s, "\x07\x01\x02\0");
	welcome(s);
	show_device(s);
	assert_done(s, EXITS_DENIED, "3-2: not accepted: its interface "
				     "08:06:50 is not in the gateway's list");
	assert_exit(s, EXITS_DENIED);
}

/* One that needs an approval is in no list, yet it can be asked for. */
static void
test_not_listed(void **state)
{
	struct stage *s = *state;

	start_relay(s, IPC_RELAY_ATTACH, &ca, &kiosk);
	show_list(s, NULL);
	welcome(s);
	gateway_fake_say_op(&s->gw, USBIP_OP_REP_IMPORT, USBIP_ST_NODEV);
	assert_done(s, EXITS_NOT_FOUND, "3-2: no such device");
	assert_exit(s, 1);
}

static void
test_import_of_unlisted(void **state)
{
	struct stage *s = *state;

	start_relay(s, IPC_RELAY_ATTACH, &ca, &kiosk);
	show_list(s, NULL);
	welcome(s);
	show_device(s);
	assert_done(s, EXITS_DENIED, "not accepted: the gateway does not list");
	assert_exit(s, EXITS_DENIED);
}

/* With rules the list does not count: there is one connection. */
static void
test_rules(void **state)
{
	static const uint8_t none[4] = {0};
	const struct usbip_ret_submit stall = {.status = USBIP_EPIPE};
	struct channel_msg msg;
	struct stage *s = *state;

	own_rules = "allow with-interface equals { 08:*:* }";
	start_relay(s, IPC_RELAY_ATTACH, &ca, &kiosk);
	welcome(s);
	show_device(s);
	gateway_fake_say_ret(&s->gw, 4, &stall, none, 0, NULL, 0);
	hear(s, &msg);
	assert_int_equal(msg.type, IPC_RELAY_READY);
}

static void
test_rules_deny(void **state)
{
	const struct usbip_ret_submit stall = {.status = USBIP_EPIPE};
	struct stage *s = *state;

	own_rules = "# nothing of that\nblock with-interface one-of { 08:*:* }"
		    "\nallow";
	start_relay(s, IPC_RELAY_ATTACH, &ca, &kiosk);
	welcome(s);
	show_device(s);
	gateway_fake_say_ret(&s->gw, 4, &stall, NULL, 0, NULL, 0);
	assert_done(s, EXITS_DENIED,
	    "3-2: not accepted: by the rule at own.rules:2");
	assert_exit(s, EXITS_DENIED);
}

/* Said before anybody connects. */
static void
test_rules_broken(void **state)
{
	struct stage *s = *state;
	struct pollfd p = {.fd = s->listener, .events = POLLIN};

	own_rules = "allow\nallow id";
	start_relay(s, IPC_RELAY_ATTACH, &ca, &kiosk);
	assert_done(s, EXITS_FAILED, "accept: own.rules:2:");
	assert_exit(s, 1);
	assert_int_equal(poll(&p, 1, 0), 0);
}

/* What the gateway is known by: SHA-256 of its public key. */
static void
key_of_gateway(uint8_t out[32])
{
	struct x509_facts facts;

	assert_int_equal(x509_facts_of(&facts, kiosk.pem, kiosk.pem_len,
			     gateway.pem, gateway.pem_len),
	    0);
	memcpy(out, facts.issuer_key, 32);
}

static void
test_pins(void **state)
{
	struct stage *s = *state;

	memset(pins, 9, sizeof(pins));
	key_of_gateway(pins[1]);
	npins = 2;
	start_relay(s, IPC_RELAY_LIST, &ca, &kiosk);
	welcome(s);
	gateway_fake_say_op(&s->gw, USBIP_OP_REP_DEVLIST, 0);
	gateway_fake_say(&s->gw, "\0\0\0\0", 4);
	assert_done(s, EXITS_OK, "");
	assert_exit(s, 0);
}

/* A good name, of a good CA: and another key. It learns nothing of who asks. */
static void
test_wrong_pin(void **state)
{
	struct stage *s = *state;
	struct x509_facts facts;
	char hex[KNOWN_TEXT];

	key_of_gateway(pins[0]);
	known_text(hex, pins[0]);
	pins[0][31] ^= 1;
	npins = 1;
	start_relay(s, IPC_RELAY_LIST, &ca, &kiosk);
	welcome(s);
	assert_done(s, EXITS_DENIED, "its key is none that is known of it");
	assert_non_null(strstr(s->done.text, hex));
	assert_exit(s, 1);
	gateway_fake_turn(&s->gw);
	assert_int_equal(
	    tls_peer_facts(s->gw.stream, &facts), ERR_FORMAT);
}

static void
test_meet(void **state)
{
	struct stage *s = *state;
	struct ipc_relay_key key;
	struct channel_msg msg;
	uint8_t want[32];

	start_relay(s, IPC_RELAY_MEET, &ca, &kiosk);
	welcome(s);
	hear(s, &msg);
	assert_int_equal(msg.type, IPC_RELAY_KEY);
	assert_int_equal(ipc_decode_relay_key(&key, msg.data, msg.len), 0);
	key_of_gateway(want);
	assert_memory_equal(key.hash, want, 32);
	assert_exit(s, 0);
}

static void
put_file(const char *dir, const char *name, const void *data, size_t len)
{
	char path[128];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	close(fd);
}

/* `sallyport list` against this gateway, which is met first. */
static void
list(struct stage *s, const char *dir, const char *option, int meets,
    int exit_code)
{
	char path[PATH_MAX + 32], to[32], conf[64];
	const char *const argv[] = {"sallyport", "list", "--tls", dir,
	    "--config", conf, to, option, NULL};
	const struct spawn how = {
	    .path = path,
	    .argv = argv,
	    .uid = (uid_t)-1,
	    .gid = (gid_t)-1,
	    .die_with_parent = 1,
	};
	char *slash;

	memcpy(path, program, sizeof(program));
	slash = strrchr(path, '/');
	memcpy(slash, "/sallyport", 11);
	(void)snprintf(conf, sizeof(conf), "%s/conf", dir);
	(void)snprintf(to, sizeof(to), "127.0.0.1:%u", s->port);
	s->relay = spawn_child(&how);
	assert_true(s->relay > 0);
	for (int i = 0; i < meets; i++) {
		welcome(s);
		if (i == meets - 1) {
			gateway_fake_say_op(&s->gw, USBIP_OP_REP_DEVLIST, 0);
			gateway_fake_say(&s->gw, "\0\0\0\0", 4);
		}
		gateway_fake_run(&s->gw, WAIT_MS);
		gateway_fake_fini(&s->gw);
		s->has_gw = 0;
	}
	/* it asks for events as well; this gateway has none */
	close_fd(&s->listener);
	assert_exit(s, exit_code);
}

static void
listen_again(struct stage *s)
{
	struct sockaddr_in at = {
	    .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	    .sin_port = htons(s->port),
	};
	int on = 1;

	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(setsockopt(s->listener, SOL_SOCKET, SO_REUSEADDR, &on,
			     sizeof(on)),
	    0);
	assert_int_equal(
	    bind(s->listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(s->listener, 4), 0);
}

/* A stranger is refused where only who is known is good; trusted when somebody
 * asks for that, and from then on by his key. */
static void
test_first_use(void **state)
{
	char dir[] = "/tmp/test_first_use.XXXXXX", conf[128], known[64];
	uint8_t keys[IPC_PINS][32], want[32];
	struct stage *s = *state;
	char to[32];
	unsigned n, line;
	int len;

	if (program[0] == '\0') {
		skip();
	}
	assert_non_null(mkdtemp(dir));
	(void)snprintf(known, sizeof(known), "%s/known", dir);
	(void)snprintf(to, sizeof(to), "127.0.0.1:%u", s->port);
	len = snprintf(conf, sizeof(conf),
	    "[tls]\nknown = %s\nknown-only = yes\n", known);
	put_file(dir, "conf", conf, (size_t)len);
	put_file(dir, "ca.pem", ca.pem, ca.pem_len - 1);
	put_file(dir, "cert.pem", kiosk.pem, kiosk.pem_len - 1);
	put_file(dir, "key.pem", kiosk.key, kiosk.key_len - 1);
	list(s, dir, NULL, 0, EXITS_FAILED);
	listen_again(s);
	list(s, dir, "--first-use", 2, EXITS_OK);
	assert_int_equal(known_find(known, to, keys, &n, &line), 0);
	assert_int_equal(n, 1);
	key_of_gateway(want);
	assert_memory_equal(keys[0], want, 32);
	listen_again(s);
	list(s, dir, NULL, 1, EXITS_OK);
	/* another one, of the same name and CA, cannot be met anew */
	(void)unlink(known);
	keys[0][0] ^= 1;
	assert_int_equal(known_add(known, to, keys[0]), 0);
	listen_again(s);
	list(s, dir, "--first-use", 1, EXITS_DENIED);
	for (n = 0; n < 6; n++) {
		static const char *const names[] = {"conf", "ca.pem",
		    "cert.pem", "key.pem", "known", "known.lock"};
		char path[128];

		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[n]);
		(void)unlink(path);
	}
	(void)rmdir(dir);
}

static void
test_wrong_ca_here(void **state)
{
	struct stage *s = *state;

	start_relay(s, IPC_RELAY_LIST, &other_ca, &stranger);
	welcome(s);
	assert_done(s, EXITS_DENIED, "handshake: ");
	assert_exit(s, 1);
}

static void
test_wrong_ca_there(void **state)
{
	struct stage *s = *state;

	start_relay(s, IPC_RELAY_LIST, &ca, &stranger);
	welcome(s);
	assert_done(s, EXITS_DENIED, "handshake: ");
	assert_exit(s, 1);
}

static void
test_expired(void **state)
{
	struct stage *s = *state;

	start_relay(s, IPC_RELAY_LIST, &ca, &expired);
	assert_done(s, EXITS_FAILED, "expired");
	assert_exit(s, 1);
}

static void
test_unreachable(void **state)
{
	struct stage *s = *state;

	close_fd(&s->listener);
	start_relay(s, IPC_RELAY_LIST, &ca, &kiosk);
	assert_done(s, EXITS_UNREACHABLE, "is sallyportd running");
	assert_exit(s, 1);
}

static void
test_not_tls(void **state)
{
	struct stage *s = *state;
	struct pollfd p = {.fd = s->listener, .events = POLLIN};
	int fd;

	start_relay(s, IPC_RELAY_LIST, &ca, &kiosk);
	assert_int_equal(poll(&p, 1, WAIT_MS), 1);
	fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(send(fd, "HTTP/1.1 400 no\r\n\r\n", 19, 0), 19);
	assert_done(s, EXITS_DENIED, "TLS");
	close(fd);
	assert_exit(s, 1);
}

/* It does not run as root, whoever starts it. */
static void
test_no_root(void **state)
{
	const char *const argv[] = {"sallyport-relay", NULL};
	const struct spawn how = {
	    .path = program,
	    .argv = argv,
	    .uid = (uid_t)-1,
	    .gid = (gid_t)-1,
	};
	struct stage *s = *state;

	if (program[0] == '\0' || geteuid() != 0) {
		skip();
	}
	s->relay = spawn_child(&how);
	assert_true(s->relay > 0);
	assert_exit(s, 1);
}

#define STAGE_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    STAGE_TEST(test_list),
	    STAGE_TEST(test_stream),
	    STAGE_TEST(test_gateway_gone),
	    STAGE_TEST(test_hostile),
	    STAGE_TEST(test_killed),
	    STAGE_TEST(test_told_to_end),
	    STAGE_TEST(test_parent_gone),
	    STAGE_TEST(test_busy),
	    STAGE_TEST(test_not_as_listed),
	    STAGE_TEST(test_not_listed),
	    STAGE_TEST(test_import_of_unlisted),
	    STAGE_TEST(test_rules),
	    STAGE_TEST(test_rules_deny),
	    STAGE_TEST(test_rules_broken),
	    STAGE_TEST(test_pins),
	    STAGE_TEST(test_wrong_pin),
	    STAGE_TEST(test_meet),
	    STAGE_TEST(test_first_use),
	    STAGE_TEST(test_wrong_ca_here),
	    STAGE_TEST(test_wrong_ca_there),
	    STAGE_TEST(test_expired),
	    STAGE_TEST(test_unreachable),
	    STAGE_TEST(test_not_tls),
	    STAGE_TEST(test_no_root),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
