/*
 * Starts the processes of each path and plays their parents: broker and warden
 * of a session, the command line that starts a relay. Once URBs flow nothing of
 * this runs any more.
 */
#include "tests/bench/rig.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/net.h"
#include "base/spawn.h"
#include "tests/bench/parts.h"
#include "tests/bench/raw.h"

#define PATIENCE 10000 /* ms */

static const struct {
	const char *name, *role;
	enum bench_door door;
	int has_relay;
} paths[RIG_PATHS] = {
    [RIG_TCP] = {"tcp", "echo", BENCH_PLAIN, 0},
    [RIG_TLS] = {"tls", "echo", BENCH_TLS, 0},
    [RIG_GW] = {"gw", "session", BENCH_PLAIN, 0},
    [RIG_GW_TLS] = {"gw-tls", "session", BENCH_TLS, 0},
    [RIG_HOP] = {"hop", "session", BENCH_PLAIN, 1},
    [RIG_HOP_TLS] = {"hop-tls", "session", BENCH_TLS, 1},
};

static uint8_t message[CHANNEL_HEADER + CHANNEL_MAX];

const char *
rig_name(enum rig_path path)
{
	return paths[path].name;
}

/* ------------------------------------------------------------------------ */
/* Sockets and processes                                                    */

/* What sockets of a baseline need, so that loopback behaves as a network does:
 * segments of an Ethernet, since with loopback's own of 64 KiB each record is
 * less than a segment and its acknowledgement may be delayed by 40 ms; and the
 * congestion control that every kernel has, since one that paces (BBR) slows
 * down for seconds after the scheduler took a core away. */
static int
tame(int fd)
{
	static const int segment = 1448;
	static const char control[] = "reno";

	return setsockopt(
		   fd, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof(segment)) |
	    setsockopt(
		fd, IPPROTO_TCP, TCP_CONGESTION, control, sizeof(control) - 1);
}

/* A connection over loopback, both ends tuned as the product's are. */
static void
tcp_pair(int *near, int *far)
{
	struct sockaddr_in at = {
	    .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(at);
	int ls = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*near = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (ls == -1 || *near == -1 || tame(ls) != 0 || tame(*near) != 0 ||
	    bind(ls, (struct sockaddr *)&at, len) == -1 ||
	    listen(ls, 1) == -1 ||
	    getsockname(ls, (struct sockaddr *)&at, &len) == -1 ||
	    connect(*near, (struct sockaddr *)&at, len) == -1) {
		fatal("loopback");
	}
	*far = accept4(ls, NULL, NULL, SOCK_CLOEXEC);
	if (*far == -1 || net_tune(*near, &net_liveness_default) != 0 ||
	    net_tune(*far, &net_liveness_default) != 0) {
		fatal("loopback");
	}
	(void)close(ls);
}

/* This program again, in another role. Its descriptors are closed here. */
static void
start(struct rig_proc *proc, const char *role, enum bench_door door,
    const int *fds, unsigned nfds)
{
	const char *argv[] = {
	    "bench", role, door == BENCH_TLS ? "tls" : "plain", NULL};
	struct spawn how = {
	    .argv = argv,
	    .uid = (uid_t)-1,
	    .gid = (gid_t)-1,
	    .die_with_parent = 1,
	    .nfds = nfds + 1,
	};
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int page;

	if (n <= 0) {
		fatal("readlink: /proc/self/exe");
	}
	self[n] = '\0';
	how.path = self;
	proc->counts = count_page(&page);
	memcpy(how.fds, fds, nfds * sizeof(*fds));
	how.fds[nfds] = page;
	proc->pid = spawn_child(&how);
	if (proc->pid == -1) {
		fatal("start: %s", role);
	}
	for (unsigned i = 0; i <= nfds; i++) {
		(void)close(how.fds[i]);
	}
}

/* ------------------------------------------------------------------------ */
/* Broker and warden                                                        */

static void
pair(int fds[2])
{
	if (channel_pair(fds) != 0) {
		fatal("channel");
	}
}

/* The next message of that type; what a session tells of itself is passed
 * over, but not a complaint. */
static void
expect(int chan, uint16_t type)
{
	struct ipc_refused refused;
	struct channel_msg msg;
	int r;

	do {
		r = channel_recv_wait(
		    chan, message, sizeof(message), PATIENCE, &msg);
		if (r != 0) {
			fatalx("session: wait for message %u: %s", type,
			    err_str(r));
		}
		if (msg.type == IPC_REFUSED &&
		    ipc_decode_refused(&refused, msg.data, msg.len) == 0) {
			fatalx("session: refused: %s: %s", refused.rule,
			    refused.text);
		}
	} while (msg.type == IPC_STATE);
	if (msg.type != type) {
		fatalx("session: message %u instead of %u", msg.type, type);
	}
}

static void
tell(int chan, uint16_t type, const void *buf, int len, int fd)
{
	int r = len < 0 ? len : channel_send(
				    chan, type, 0, buf, (size_t)len, fd);

	if (r != 0) {
		fatalx("channel: message %u: %s", type, err_str(r));
	}
}

static void
tell_pem(int chan, const struct ipc_pem *pem)
{
	static uint8_t buf[CHANNEL_MAX];

	tell(chan, IPC_KEY_IS, buf, ipc_encode_pem(buf, sizeof(buf), pem), -1);
}

static void
identify(struct rig *rig)
{
	struct ipc_result ok = {.err = 0};
	uint8_t buf[16];

	expect(rig->warden, IPC_IDENTITY);
	tell(rig->warden, IPC_IDENTIFIED, buf,
	    ipc_encode_result(buf, sizeof(buf), &ok), -1);
}

static void
grant(struct rig *rig)
{
	static struct devrec rec;
	static uint8_t buf[CHANNEL_MAX];
	struct ipc_imported m = {.err = 0, .is_all = 1};
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	expect(rig->warden, IPC_IMPORT);
	bench_record(&rec);
	bench_place(&m.place);
	tell(rig->broker, IPC_DEVICE, buf,
	    place_encode(buf, sizeof(buf), &m.place), fd);
	tell(rig->warden, IPC_IMPORTED, buf,
	    ipc_encode_imported(buf, sizeof(buf), &m, &rec), -1);
	(void)close(fd);
}

/* ------------------------------------------------------------------------ */
/* Paths                                                                    */

static void
open_session(struct rig *rig, enum bench_door door, int peer)
{
	struct ipc_pem gateway, workstation;
	int broker[2], warden[2];

	bench_pki(&gateway, &workstation);
	pair(broker);
	pair(warden);
	rig->broker = broker[0];
	rig->warden = warden[0];
	start(&rig->server, "session", door,
	    (int[]){broker[1], warden[1], peer}, 3);
	expect(rig->broker, IPC_KEY);
	tell_pem(rig->broker, &gateway);
}

static void
import(struct rig *rig)
{
	uint8_t req[USBIP_IMPORT_REQ_SIZE];
	struct usbip_op_common op;
	const uint8_t *p;

	usbip_encode_op(req, USBIP_OP_REQ_IMPORT, 0);
	usbip_encode_busid(req + USBIP_OP_COMMON_SIZE, BENCH_BUSID);
	raw_put(rig->raw, req, sizeof(req));
	raw_flush(rig->raw);
	identify(rig); /* a plain session takes its first byte as a sign */
	grant(rig);
	p = raw_take(rig->raw, USBIP_IMPORT_REP_SIZE);
	if (p == NULL || usbip_decode_op(&op, p, USBIP_OP_COMMON_SIZE) != 0 ||
	    op.code != USBIP_OP_REP_IMPORT || op.status != USBIP_ST_OK) {
		fatalx("import: the session does not give its device");
	}
}

static void
open_direct(struct rig *rig, enum rig_path path)
{
	enum bench_door door = paths[path].door;
	struct ipc_pem gateway, workstation;
	int near, far, chan[2];

	bench_pki(&gateway, &workstation);
	tcp_pair(&near, &far);
	rig->raw = door == BENCH_TLS ? raw_tls(near, RAW_CLIENT, &workstation)
				     : raw_plain(near);
	if (path == RIG_TCP || path == RIG_TLS) {
		pair(chan);
		start(&rig->server, "echo", door, (int[]){chan[1], far}, 2);
		tell_pem(chan[0], &gateway);
		raw_handshake(rig->raw);
		(void)close(chan[0]);
		return;
	}
	open_session(rig, door, far);
	raw_handshake(rig->raw);
	import(rig);
}

static void
open_hop(struct rig *rig, enum rig_path path)
{
	enum bench_door door = paths[path].door;
	struct ipc_pem gateway, workstation;
	int near, far, chan[2], kernel[2];

	bench_pki(&gateway, &workstation);
	tcp_pair(&near, &far);
	pair(chan);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, kernel) == -1) {
		fatal("socketpair");
	}
	rig->raw = raw_plain(kernel[0]);
	open_session(rig, door, far);
	start(&rig->relay, "relay", door, (int[]){chan[1], near, kernel[1]}, 3);
	tell_pem(chan[0], &workstation);
	identify(rig);
	grant(rig);
	(void)close(chan[0]);
}

void
rig_open(struct rig *rig, enum rig_path path)
{
	memset(rig, 0, sizeof(*rig));
	rig->broker = rig->warden = -1;
	if (paths[path].has_relay) {
		open_hop(rig, path);
	} else {
		open_direct(rig, path);
	}
}

static void
reap(struct rig_proc *proc, const char *what)
{
	int status = 0;

	if (proc->pid == 0) {
		return;
	}
	while (waitpid(proc->pid, &status, 0) == -1 && errno == EINTR) {
		continue;
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		fatalx("%s: ended badly: status 0x%x", what, (unsigned)status);
	}
	proc->pid = 0;
}

void
rig_close(struct rig *rig)
{
	struct channel_msg msg;

	raw_free(rig->raw);
	reap(&rig->relay, "relay");
	while (rig->warden != -1 &&
	    channel_recv_wait(rig->warden, message, sizeof(message), PATIENCE,
		&msg) == 0) {
		if (msg.type == IPC_REFUSED) {
			fatalx("session: it refused something");
		}
	}
	reap(&rig->server, "server");
	close_fd(&rig->broker);
	close_fd(&rig->warden);
}

/* ------------------------------------------------------------------------ */
/* Cores and usage                                                          */

static void
pin(pid_t pid, int core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(core, &set);
	if (sched_setaffinity(pid, sizeof(set), &set) == -1) {
		fatal("sched_setaffinity: core %d", core);
	}
}

void
rig_pin(struct rig *rigs, int here, int there)
{
	pin(0, here);
	for (int i = 0; i < RIG_PATHS; i++) {
		pin(rigs[i].server.pid, there);
		if (rigs[i].relay.pid != 0) {
			pin(rigs[i].relay.pid, here);
		}
	}
}

/* Field 2 of schedstat: time on a run queue. 0 where the kernel keeps none. */
static uint64_t
waited(pid_t pid)
{
	uint64_t ns = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)pid);
	f = fopen(path, "re");
	if (f != NULL) {
		if (fscanf(f, "%*u %" SCNu64, &ns) != 1) {
			ns = 0;
		}
		(void)fclose(f);
	}
	return ns;
}

static uint64_t
cpu_time(clockid_t clock)
{
	struct timespec ts;

	if (clock_gettime(clock, &ts) == -1) {
		fatal("clock_gettime: cpu time");
	}
	return (uint64_t)ts.tv_sec * CLOCK_SEC + (uint64_t)ts.tv_nsec;
}

void
rig_usage(const struct rig_proc *proc, struct rig_usage *out)
{
	clockid_t clock;

	memset(out, 0, sizeof(*out));
	if (proc->pid == 0) {
		return;
	}
	if (clock_getcpuclockid(proc->pid, &clock) != 0) {
		fatalx("process %d is gone", (int)proc->pid);
	}
	out->cpu = cpu_time(clock);
	out->waited = waited(proc->pid);
	out->counts = *(const struct counts *)(uintptr_t)proc->counts;
}

void
rig_own_usage(struct rig_usage *out)
{
	out->cpu = cpu_time(CLOCK_PROCESS_CPUTIME_ID);
	out->waited = waited(getpid());
	out->counts = *(const struct counts *)(uintptr_t)counts;
}
