/*
 * Messages to the broker over its real channels, against its real table: from
 * the warden and from a session, in any order, of every type, with and without
 * a descriptor, whole and bent. Each does at most one thing, a session's
 * nothing but what is a session's, and no descriptor is left.
 */
#include <fcntl.h>
#include <sys/socket.h>

#include "base/channel.h"
#include "base/loop.h"
#include "tests/fuzz/broker_fakes.h"

static int ends[2]; /* the warden's, the session's */

static void
begin(uint8_t flags)
{
	int pair[2];

	memset(&b, 0, sizeof(b));
	memset(children, 0, sizeof(children));
	warden_is_dead = 0;
	b.warden_pid = WARDEN_PID;
	b.nchildren = CHILDREN;
	b.children = children;
	b.conf.is_strict = flags & 1;
	b.conf.key_holder = (flags & 4) != 0;
	b.conf.ca = b.conf.cert = b.conf.key = strdup("/dev/null");
	b.conf.crl = strdup(flags & 2 ? "/dev/null" : "");
	MUST(b.conf.ca != NULL && b.conf.crl != NULL);
	MUST(channel_pair(pair) == 0);
	b.warden_chan = pair[0];
	ends[0] = pair[1];
	MUST(channel_pair(pair) == 0);
	for (unsigned i = 0; i < CHILDREN; i++) {
		children[i] = BROKER_NO_CHILD;
		children[i].broker = &b;
	}
	children[0].role = flags & 8 ? IPC_ROLE_SIGNER : IPC_ROLE_SESSION;
	children[0].conn = 7;
	children[0].chan = pair[0];
	ends[1] = pair[1];
}

/* What it says is right in form, most times, and one byte of it is not. */
static int
payload(uint8_t *buf, size_t size, uint16_t type)
{
	struct device_place place = {.busid = "1-1",
	    .path = "/sys/devices/pci0/usb1/1-1",
	    .busnum = 1,
	    .devnum = 2,
	    .speed = USBIP_SPEED_HIGH};
	struct ipc_probe probe = {.place = place, .flags = rcur_u8(&in) & 3};
	struct ipc_authorize auth = {.place = place, .what = rcur_u8(&in) & 7};
	struct ipc_grant grant = {
	    .place = place, .nconfigs = 1, .configs = {rcur_u8(&in) & 3}};
	struct ipc_byte byte = {.value = rcur_u8(&in) & 3};
	struct ipc_loaded loaded = {.bits = 2048};
	struct ipc_call call = {.nr = byte.value};
	uint8_t bend = rcur_u8(&in);
	int n = type == IPC_PROBE       ? ipc_encode_probe(buf, size, &probe)
		: type == IPC_AUTHORIZE ? ipc_encode_authorize(buf, size, &auth)
		: type == IPC_GRANT     ? ipc_encode_grant(buf, size, &grant)
		: type == IPC_SET_CONFIG ? ipc_encode_byte(buf, size, &byte)
		: type == IPC_SIGNER_LOADED
		? ipc_encode_loaded(buf, size, &loaded)
		: type == IPC_SIGNER_MISUSED ? ipc_encode_call(buf, size, &call)
					     : 0;

	n = n < 0 ? 0 : n;
	if (bend >= 200) {
		n = rcur_u8(&in);
		rcur_copy(&in, buf, (size_t)n);
	} else if (bend >= 160 && n > 0) {
		buf[rcur_be16(&in) % (unsigned)n] ^= rcur_u8(&in);
	}
	return n;
}

static void
step(void)
{
	static const uint16_t types[] = {IPC_SPAWN, IPC_PROBE, IPC_AUTHORIZE,
	    IPC_GRANT, IPC_RECORDER, IPC_KILL, IPC_CRL, IPC_KEY,
	    IPC_SET_CONFIG, IPC_SIGNER_LOADED, IPC_SIGNER_MISUSED,
	    IPC_FETCHER, IPC_POSTER, IPC_TRIAL};
	static uint8_t buf[CHANNEL_HEADER + CHANNEL_MAX], body[4096];
	uint8_t who = rcur_u8(&in), which = rcur_u8(&in), fds = rcur_u8(&in);
	uint16_t type = which < 250 ? types[which % 14] : rcur_u8(&in);
	struct channel_msg msg;
	int pipe[2] = {-1, -1}, fd = -1, n = payload(body, sizeof(body), type);

	if ((fds & 3) == 3) {
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	} else if (fds & 1) {
		MUST(pipe2(pipe, O_CLOEXEC) == 0);
		fd = pipe[0];
	}
	asked_by_child = who & 1;
	acts = 0;
	(void)channel_send(
	    ends[who & 1], type, who & 2 ? 7 : fds >> 4, body, (size_t)n, fd);
	close_fd(&pipe[1]);
	close_fd(&fd);
	if (asked_by_child) {
		broker_on_child(&children[0], LOOP_READ);
	} else {
		broker_on_warden(&b, LOOP_READ);
	}
	for (unsigned i = 0; i < 2; i++) {
		while (channel_recv(ends[i], buf, sizeof(buf), &msg) == 0) {
			close_fd(&msg.fd);
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int before = dup(STDERR_FILENO), after;

	close(before);
	in = rcur_of(data, size);
	begin(rcur_u8(&in));
	while (!in.failed && !warden_is_dead && !children[0].is_ending) {
		step();
	}
	for (unsigned i = 0; i < CHILDREN; i++) {
		close_fd(&children[i].usb_fd);
	}
	close_fd(&children[0].chan);
	close_fd(&b.warden_chan);
	close_fd(&ends[0]);
	close_fd(&ends[1]);
	free(b.conf.ca);
	free(b.conf.crl);
	after = dup(STDERR_FILENO);
	close(after);
	MUST(before == after);
	return 0;
}
