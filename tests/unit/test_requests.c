/*
 * The broker's closed table: every request type from every asker, with and
 * without a descriptor, in and out of its state. What is not permitted must end
 * the asker and touch nothing. Devices and processes are fakes here.
 */
#include "proxy/broker/broker.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/sealed.h"

/* What the fakes were asked. */
static struct {
	int started, opened, closed, authorized, ended, set_config;
	int closed_channel, named, hurried, served, loaded;
	unsigned flags;
	uint8_t config, what;
} did;
static int open_result, serve_result;

static struct broker b;
static struct child children[2];
static int warden_end = -1, session_end = -1;
static struct device_place place = {
    .busid = "1-1", .path = "/sys/devices/x", .busnum = 1, .devnum = 2,
    .speed = USBIP_SPEED_HIGH};

int
device_open(const struct device_place *p, int *out)
{
	assert_string_equal(p->busid, place.busid);
	did.opened++;
	if (open_result == 0) {
		*out = dup(0);
		assert_int_not_equal(*out, -1);
	}
	return open_result;
}

int
device_texts(const struct device_place *p, int *out)
{
	assert_string_equal(p->busid, place.busid);
	did.named++;
	if (open_result == 0) {
		*out = dup(0);
		assert_int_not_equal(*out, -1);
	}
	return open_result;
}

void
device_close(const struct device_place *p)
{
	(void)p;
	did.closed++;
}

int
device_set_config(
    const struct device_place *p, uint8_t value, int fd, uint8_t *before)
{
	(void)p;
	assert_int_equal(fd, children[0].usb_fd);
	did.set_config++;
	did.config = value;
	*before = 1;
	return 0;
}

int
device_authorize(const struct device_place *p, uint8_t what)
{
	(void)p;
	did.what = what;
	did.authorized++;
	return 0;
}

void
broker_hurry_child(const struct child *child)
{
	assert_ptr_equal(child, &children[0]);
	did.hurried++;
}

struct child *
broker_find(struct broker *broker, uint32_t conn)
{
	for (unsigned i = 0; i < broker->nchildren; i++) {
		if (broker->children[i].role != 0 &&
		    broker->children[i].conn == conn) {
			return &broker->children[i];
		}
	}
	return NULL;
}

int
broker_start_child(struct broker *broker, enum ipc_role role, uint32_t conn,
    int fd, unsigned flags, struct child **out, int *end)
{
	did.flags = flags;
	assert_int_equal(fd == -1,
	    role == IPC_ROLE_FETCHER || role == IPC_ROLE_POSTER);
	did.started++;
	broker->children[1].role = role;
	broker->children[1].conn = conn;
	*out = &broker->children[1];
	*end = dup(0);
	return 0;
}

int
broker_serve_signer(struct broker *broker, struct child *session)
{
	assert_ptr_equal(broker, &b);
	assert_ptr_equal(session, &children[0]);
	did.served++;
	return serve_result;
}

void
broker_signer_loaded(struct broker *broker, const struct ipc_loaded *m)
{
	assert_int_equal(m->bits, 2048);
	assert_ptr_equal(broker, &b);
	did.loaded++;
	children[0].key_given = 1;
}

void
broker_end_child(struct child *child)
{
	did.ended++;
	child->is_ending = 1;
}

void
broker_child_closed(struct child *child)
{
	(void)child;
	did.closed_channel++;
}

/* The children as they were at the beginning, on the same channels: for who
 * tries much, since a warden is a process. */
static void
renew_children(void)
{
	const int chan = children[0].chan;

	memset(&did, 0, sizeof(did));
	for (unsigned i = 0; i < 2; i++) {
		children[i] = BROKER_NO_CHILD;
		children[i].broker = &b;
	}
	children[0].role = IPC_ROLE_SESSION;
	children[0].conn = 7;
	children[0].chan = chan;
}

static int
setup(void **state)
{
	int warden[2], session[2];

	(void)state;
	log_init("test");
	open_result = serve_result = 0;
	memset(&b, 0, sizeof(b));
	/* A process to be the warden, so that it can be ended; it has no
	 * copy of the channels. */
	b.warden_pid = fork();
	if (b.warden_pid == 0) {
		pause();
		_exit(0);
	}
	assert_int_equal(channel_pair(warden), 0);
	assert_int_equal(channel_pair(session), 0);
	b.warden_chan = warden[0];
	warden_end = warden[1];
	b.nchildren = 2;
	b.children = children;
	children[0].chan = session[0];
	renew_children();
	b.crl = -1;
	session_end = session[1];
	b.conf.ca = b.conf.cert = b.conf.key = strdup("/dev/null");
	b.conf.crl = strdup("");
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	kill(b.warden_pid, SIGKILL);
	waitpid(b.warden_pid, NULL, 0);
	close_fd(&b.warden_chan);
	close_fd(&warden_end);
	close_fd(&children[0].chan);
	close_fd(&children[0].usb_fd);
	close_fd(&children[1].usb_fd);
	close_fd(&session_end);
	close_fd(&b.crl);
	free(b.conf.ca);
	free(b.conf.crl);
	return 0;
}

/* True when the warden was ended. */
static int
warden_is_dead(void)
{
	int status;
	pid_t pid = 0;

	for (int i = 0; i < 5000 && pid == 0; i++) {
		pid = waitpid(b.warden_pid, &status, WNOHANG);
		usleep(pid == 0 ? 2000 : 0);
	}
	return pid == b.warden_pid;
}

/* True when it was not: the first of two signals is what it ends of. */
static int
warden_lives(void)
{
	int status;

	return kill(b.warden_pid, SIGTERM) == 0 &&
	    waitpid(b.warden_pid, &status, 0) == b.warden_pid &&
	    WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM;
}

static int
nothing_done(void)
{
	return did.started + did.opened + did.named + did.authorized +
	    did.set_config == 0;
}

static int
answer(int chan, struct channel_msg *msg)
{
	static uint8_t buf[CHANNEL_HEADER + CHANNEL_MAX];

	return channel_recv_wait(chan, buf, sizeof(buf), 200, msg);
}

static void
from_warden(uint16_t type, uint32_t id, const void *data, size_t len, int fd)
{
	assert_int_equal(
	    channel_send(warden_end, type, id, data, len, fd), 0);
	broker_on_warden(&b, LOOP_READ);
}

static void
from_session(uint16_t type, const void *data, size_t len, int fd)
{
	assert_int_equal(
	    channel_send(session_end, type, 7, data, len, fd), 0);
	broker_on_child(&children[0], LOOP_READ);
}

static void
expect_result(int chan, uint16_t type, int err)
{
	struct ipc_result r;
	struct channel_msg msg;

	assert_int_equal(answer(chan, &msg), 0);
	assert_int_equal(msg.type, type);
	assert_int_equal(ipc_decode_result(&r, msg.data, msg.len), 0);
	assert_int_equal(r.err, err);
	close_fd(&msg.fd);
}

/* Everything that only a session may ask, asked by the warden, and the
 * reverse; and types that do not exist. */
static void
test_wrong_asker(void **state)
{
	static const uint16_t sessions[] = {IPC_KEY, IPC_SET_CONFIG,
	    IPC_SIGNER_LOADED, IPC_SIGNER_MISUSED};
	static const uint16_t wardens[] = {
	    IPC_SPAWN, IPC_PROBE, IPC_AUTHORIZE, IPC_GRANT, IPC_KILL, IPC_CRL};

	for (size_t i = 0; i < ARRAY_LEN(sessions); i++) {
		from_warden(sessions[i], 7, NULL, 0, -1);
		assert_true(warden_is_dead());
		assert_true(nothing_done());
		teardown(state);
		setup(state);
	}
	for (size_t i = 0; i < ARRAY_LEN(wardens); i++) {
		uint8_t buf[512] = {0};

		from_session(wardens[i], buf, sizeof(buf), -1);
		assert_int_equal(did.ended, 1);
		assert_true(nothing_done());
		teardown(state);
		setup(state);
	}
}

static void
test_unknown_types(void **state)
{
	(void)state;
	for (unsigned type = 0; type < 130; type++) {
		switch (type) {
		case IPC_KEY:
		case IPC_SET_CONFIG:
			continue;
		default:
			break;
		}
		from_session((uint16_t)type, NULL, 0, -1);
		assert_int_equal(did.ended, 1);
		assert_true(nothing_done());
		renew_children();
	}
}

static void
test_spawn(void **state)
{
	struct channel_msg msg;
	int tcp = socket(AF_INET, SOCK_STREAM, 0), pair[2];

	(void)state;
	from_warden(IPC_SPAWN, 9, NULL, 0, tcp);
	assert_int_equal(did.started, 1);
	assert_int_equal(answer(warden_end, &msg), 0);
	assert_int_equal(msg.type, IPC_SPAWNED);
	assert_int_not_equal(msg.fd, -1);
	close_fd(&msg.fd);
	/* Not a TCP socket: an attempt to hand in something else. */
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	from_warden(IPC_SPAWN, 10, NULL, 0, pair[0]);
	assert_int_equal(did.started, 1);
	assert_true(warden_is_dead());
	close_fd(&pair[0]);
	close_fd(&pair[1]);
	close_fd(&tcp);
}

/* A pipe's end, and nothing else. */
static void
test_recorder(void **state)
{
	struct channel_msg msg;
	int pipe[2], other = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(pipe2(pipe, O_CLOEXEC), 0);
	from_warden(IPC_RECORDER, 9, NULL, 0, pipe[0]);
	assert_int_equal(did.started, 1);
	assert_int_equal(children[1].role, IPC_ROLE_RECORDER);
	assert_false(children[1].has_device);
	assert_int_equal(answer(warden_end, &msg), 0);
	assert_int_equal(msg.type, IPC_RECORDING);
	assert_int_not_equal(msg.fd, -1);
	close_fd(&msg.fd);
	close_fd(&pipe[0]);
	close_fd(&pipe[1]);
	from_warden(IPC_RECORDER, 10, NULL, 0, other);
	assert_int_equal(did.started, 1);
	assert_true(warden_is_dead());
	close_fd(&other);
}

/* It comes without a descriptor, and may ask for its key once; what a key is is
 * keys.c's to say. */
static void
test_fetcher(void **state)
{
	struct channel_msg msg;

	(void)state;
	from_warden(IPC_FETCHER, 9, NULL, 0, -1);
	assert_int_equal(did.started, 1);
	assert_int_equal(children[1].role, IPC_ROLE_FETCHER);
	assert_int_equal(answer(warden_end, &msg), 0);
	assert_int_equal(msg.type, IPC_FETCHING);
	assert_int_not_equal(msg.fd, -1);
	close_fd(&msg.fd);
	from_warden(IPC_POSTER, 10, NULL, 0, -1);
	assert_int_equal(did.started, 2);
	assert_int_equal(children[1].role, IPC_ROLE_POSTER);
	assert_int_equal(answer(warden_end, &msg), 0);
	assert_int_equal(msg.type, IPC_POSTING);
	assert_int_not_equal(msg.fd, -1);
	close_fd(&msg.fd);
	from_warden(IPC_POSTER, 11, "x", 1, -1);
	assert_int_equal(did.started, 2);
	assert_true(warden_is_dead());
}

/* Memory that nobody can write to any more, and nothing else. */
static void
test_trial(void **state)
{
	int fd = memfd_create("bundle", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct channel_msg msg;

	(void)state;
	assert_int_equal(fcntl(fd, F_ADD_SEALS,
			     F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW),
	    0);
	from_warden(IPC_TRIAL, 9, NULL, 0, fd);
	assert_int_equal(did.started, 1);
	assert_int_equal(children[1].role, IPC_ROLE_TRIAL);
	assert_int_equal(answer(warden_end, &msg), 0);
	assert_int_equal(msg.type, IPC_TRYING);
	assert_int_not_equal(msg.fd, -1);
	close_fd(&msg.fd);
	close_fd(&fd);
	fd = memfd_create("bundle", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	from_warden(IPC_TRIAL, 10, NULL, 0, fd);
	assert_int_equal(did.started, 1);
	assert_true(warden_is_dead());
	close_fd(&fd);
}

static void
test_recorder_needs_fd(void **state)
{
	(void)state;
	from_warden(IPC_RECORDER, 9, NULL, 0, -1);
	assert_true(warden_is_dead());
	assert_true(nothing_done());
}

static void
test_spawn_needs_fd(void **state)
{
	(void)state;
	from_warden(IPC_SPAWN, 9, NULL, 0, -1);
	assert_int_equal(did.started, 0);
	assert_true(warden_is_dead());
}

static int
grant_message(uint8_t *buf, size_t size)
{
	struct ipc_grant m = {.place = place, .nconfigs = 2, .configs = {1, 2}};

	return ipc_encode_grant(buf, size, &m);
}

static void
test_grant_needs_key(void **state)
{
	uint8_t buf[512];
	int n = grant_message(buf, sizeof(buf));

	(void)state;
	from_warden(IPC_GRANT, 7, buf, (size_t)n, -1);
	assert_int_equal(did.opened, 0);
	assert_int_equal(did.hurried, 0);
	assert_true(warden_is_dead());
}

static void
test_grant_once(void **state)
{
	struct channel_msg msg;
	uint8_t buf[512];
	int n = grant_message(buf, sizeof(buf));

	(void)state;
	children[0].key_given = 1;
	from_warden(IPC_GRANT, 7, buf, (size_t)n, -1);
	expect_result(warden_end, IPC_GRANTED, 0);
	assert_int_equal(answer(session_end, &msg), 0);
	assert_int_equal(msg.type, IPC_DEVICE);
	assert_int_not_equal(msg.fd, -1);
	close_fd(&msg.fd);
	assert_int_equal(did.hurried, 1);
	/* The broker keeps a share of its claims. */
	assert_int_not_equal(children[0].usb_fd, -1);
	from_warden(IPC_GRANT, 7, buf, (size_t)n, -1);
	assert_int_equal(did.opened, 1);
	assert_true(warden_is_dead());
}

static void
test_grant_two_holders(void **state)
{
	uint8_t buf[512];
	int n = grant_message(buf, sizeof(buf));

	(void)state;
	children[0].key_given = 1;
	children[1].role = IPC_ROLE_SESSION;
	children[1].conn = 8;
	children[1].has_device = 1;
	children[1].grant.place = place;
	from_warden(IPC_GRANT, 7, buf, (size_t)n, -1);
	expect_result(warden_end, IPC_GRANTED, ERR_BUSY);
	assert_int_equal(did.opened, 0);
	assert_false(children[0].has_device);
}

static void
test_grant_after_the_end(void **state)
{
	uint8_t buf[512];
	int n = grant_message(buf, sizeof(buf));

	(void)state;
	from_warden(IPC_GRANT, 99, buf, (size_t)n, -1);
	expect_result(warden_end, IPC_GRANTED, ERR_CLOSED);
	assert_int_equal(did.opened, 0);
}

static void
test_key_once(void **state)
{
	struct channel_msg msg;

	(void)state;
	/* /dev/null is no file to read keys from: the session is ended, and
	 * its one chance is used. */
	from_session(IPC_KEY, NULL, 0, -1);
	assert_int_equal(did.ended, 1);
	assert_int_equal(answer(session_end, &msg), ERR_TIMEOUT);
	from_session(IPC_KEY, NULL, 0, -1);
	assert_int_equal(did.ended, 2);
	assert_int_equal(children[0].key_given, 1);
}

static void
test_set_config(void **state)
{
	struct ipc_byte m = {.value = 2};
	uint8_t buf[8];
	int n = ipc_encode_byte(buf, sizeof(buf), &m);

	(void)state;
	/* Without a device it is nobody's to ask. */
	from_session(IPC_SET_CONFIG, buf, (size_t)n, -1);
	assert_int_equal(did.ended, 1);
	assert_int_equal(did.set_config, 0);
	children[0].has_device = 1;
	children[0].grant = (struct ipc_grant){
	    .place = place, .nconfigs = 2, .configs = {1, 2}};
	from_session(IPC_SET_CONFIG, buf, (size_t)n, -1);
	expect_result(session_end, IPC_CONFIG_SET, 0);
	assert_int_equal(did.config, 2);
	assert_int_equal(children[0].config_before, 1);
	/* A value that was not granted. */
	m.value = 3;
	n = ipc_encode_byte(buf, sizeof(buf), &m);
	from_session(IPC_SET_CONFIG, buf, (size_t)n, -1);
	assert_int_equal(did.set_config, 1);
	assert_int_equal(did.ended, 2);
}

/* Lengths are exact: one byte less or more is an attack. */
static void
test_lengths(void **state)
{
	struct ipc_probe probe = {.place = place};
	struct ipc_authorize auth = {.place = place, .what = IPC_AUTH_HUB};
	struct ipc_grant grant = {
	    .place = place, .nconfigs = 1, .configs = {1}};

	for (int which = 0; which < 4; which++) {
		for (int delta = -1; delta <= 1; delta += 2) {
			uint8_t buf[1024] = {0};
			uint16_t type = IPC_KILL;
			int n = 0;

			switch (which) {
			case 0:
				type = IPC_PROBE;
				n = ipc_encode_probe(
				    buf, sizeof(buf), &probe);
				break;
			case 1:
				type = IPC_AUTHORIZE;
				n = ipc_encode_authorize(
				    buf, sizeof(buf), &auth);
				break;
			case 2:
				type = IPC_GRANT;
				n = ipc_encode_grant(
				    buf, sizeof(buf), &grant);
				break;
			default:
				break;
			}
			if (n + delta < 0) {
				continue;
			}
			from_warden(type, 7, buf, (size_t)(n + delta), -1);
			assert_true(warden_is_dead());
			assert_true(nothing_done());
			teardown(state);
			setup(state);
		}
	}
}

/* What a child may not ask is its end, and is known when it is reaped. */
static void
test_faults(void **state)
{
	(void)state;
	from_session(IPC_GRANT, NULL, 0, -1);
	assert_int_equal(did.ended, 1);
	assert_int_equal(children[0].fault, IPC_FAULT_REQUEST);
	assert_true(children[0].has_what);
	assert_int_equal(children[0].what, IPC_GRANT);
	teardown(state);
	setup(state);
	/* no message at all */
	assert_int_equal(send(session_end, "x", 1, 0), 1);
	broker_on_child(&children[0], LOOP_READ);
	assert_int_equal(did.ended, 1);
	assert_int_equal(children[0].fault, IPC_FAULT_REQUEST);
	assert_false(children[0].has_what);
	assert_int_equal(children[0].what, 0);
}

/* The number of the system call that ended it; it ends for saying so, too. */
static void
test_barred(void **state)
{
	static const uint8_t number[] = {0, 0, 1, 41, 0};

	for (size_t len = 0; len <= 5; len++) {
		from_session(IPC_BARRED, number, len, -1);
		assert_int_equal(did.ended, 1);
		assert_int_equal(children[0].fault,
		    len == 4 ? IPC_FAULT_CALL : IPC_FAULT_REQUEST);
		assert_int_equal(children[0].what,
		    len == 4 ? 256 + 41 : IPC_BARRED);
		teardown(state);
		setup(state);
	}
	/* with a descriptor, or a second time */
	from_session(IPC_BARRED, number, 4, 0);
	assert_int_equal(children[0].fault, IPC_FAULT_REQUEST);
	from_session(IPC_BARRED, number, 4, -1);
	assert_int_equal(children[0].fault, IPC_FAULT_REQUEST);
	assert_int_equal(did.ended, 2);
	teardown(state);
	setup(state);
	/* read only after its death, behind what nobody answers any more */
	assert_int_equal(
	    channel_send(session_end, IPC_KEY, 7, NULL, 0, -1), 0);
	assert_int_equal(
	    channel_send(session_end, IPC_BARRED, 0, number, 4, -1), 0);
	close_fd(&session_end);
	broker_last_words(&children[0]);
	assert_int_equal(children[0].key_given, 0);
	assert_int_equal(children[0].fault, IPC_FAULT_CALL);
	assert_int_equal(children[0].what, 256 + 41);
}

static void
say_loaded(size_t extra)
{
	struct ipc_loaded m = {.bits = 2048};
	uint8_t buf[32] = {0};
	int n = ipc_encode_loaded(buf, sizeof(buf), &m);

	assert_true(n > 0);
	from_session(IPC_SIGNER_LOADED, buf, (size_t)n + extra, -1);
}

static void
say_misused(uint32_t conn, uint32_t what, size_t len, int fd)
{
	const uint8_t buf[5] = {(uint8_t)(what >> 24), (uint8_t)(what >> 16),
	    (uint8_t)(what >> 8), (uint8_t)what};

	assert_int_equal(channel_send(session_end, IPC_SIGNER_MISUSED, conn,
			     buf, len, fd),
	    0);
	broker_on_child(&children[0], LOOP_READ);
}

/* A signer with its key, and a session of which it may speak. */
static void
with_signer(void)
{
	renew_children();
	children[0].role = IPC_ROLE_SIGNER;
	children[0].conn = 0;
	children[0].key_given = 1;
	children[1].role = IPC_ROLE_SESSION;
	children[1].conn = 8;
	children[1].key_given = 1;
}

/* That it has the key it says once, and nobody else says it. */
static void
test_signer_loads(void **state)
{
	(void)state;
	say_loaded(0); /* a session */
	assert_int_equal(did.ended, 1);
	with_signer();
	children[0].key_given = 0;
	say_loaded(1);
	assert_int_equal(did.ended, 1);
	with_signer();
	children[0].key_given = 0;
	say_loaded(0);
	assert_int_equal(did.loaded, 1);
	assert_int_equal(did.ended, 0);
	say_loaded(0);
	assert_int_equal(did.loaded, 1);
	assert_int_equal(did.ended, 1);
	assert_int_equal(children[0].fault, IPC_FAULT_REQUEST);
}

/* A session that misused it ends as if it had asked the broker. */
static void
test_signer_misused(void **state)
{
	(void)state;
	with_signer();
	say_misused(8, IPC_SIGN, 4, -1);
	assert_int_equal(did.ended, 1);
	assert_true(children[1].is_ending);
	assert_false(children[0].is_ending);
	assert_int_equal(children[1].fault, IPC_FAULT_REQUEST);
	assert_true(children[1].has_what);
	assert_int_equal(children[1].what, IPC_SIGN);
	/* it is on its way out already, or gone */
	say_misused(8, IPC_SIGN, 4, -1);
	say_misused(9, IPC_SIGN, 4, -1);
	assert_int_equal(did.ended, 1);
	with_signer();
	say_misused(8, 0, 4, -1);
	assert_true(children[1].is_ending);
	assert_false(children[1].has_what);
}

/* It has no other power over anybody. */
static void
test_signer_lies(void **state)
{
	(void)state;
	for (int how = 0; how < 7; how++) {
		with_signer();
		children[1].role = how == 0 ? IPC_ROLE_PROBE : IPC_ROLE_SESSION;
		children[1].key_given = how != 1;
		children[0].key_given = how != 2;
		say_misused(8, how == 3 ? 0x10000 : IPC_SIGN,
		    how == 4	    ? 3
			: how == 5 ? 5
				   : 4,
		    how == 6 ? 0 : -1);
		assert_true(children[0].is_ending);
		assert_int_equal(children[0].fault, IPC_FAULT_REQUEST);
		assert_false(children[1].is_ending);
	}
	for (unsigned type = 0; type < 130; type++) {
		if (type == IPC_SIGNER_MISUSED || type == IPC_BARRED) {
			continue;
		}
		with_signer();
		from_session((uint16_t)type, NULL, 0, -1);
		assert_int_equal(did.ended, 1);
		assert_true(children[0].is_ending);
		assert_true(nothing_done());
		assert_int_equal(did.served, 0);
	}
	/* and a session has no word of its own for it */
	renew_children();
	children[0].key_given = 1;
	say_misused(7, IPC_SIGN, 4, -1);
	assert_true(children[0].is_ending);
	assert_int_equal(children[0].what, IPC_SIGNER_MISUSED);
}

/* Who floods does not keep the broker, which has others to hear. */
static void
test_signer_floods(void **state)
{
	static const uint8_t buf[4] = {0, 0, 0, IPC_SIGN};
	struct channel_msg msg;
	unsigned left = 0;

	(void)state;
	with_signer();
	b.signer = children[0];
	b.signer.io = (struct loop_io *)(void *)&b; /* it is being watched */
	for (unsigned i = 0; i < b.nchildren + 3; i++) {
		assert_int_equal(channel_send(session_end, IPC_SIGNER_MISUSED,
				     9, buf, sizeof(buf), -1),
		    0);
	}
	broker_hear_signer(&b);
	while (channel_recv(b.signer.chan, b.buf, sizeof(b.buf), &msg) == 0) {
		left++;
	}
	assert_int_equal(left, 3);
	assert_int_equal(did.ended, 0);
	b.signer.io = NULL;
}

/* The warden says so of itself: it is dying of it, and need not be helped. */
static void
test_warden_barred(void **state)
{
	static const uint8_t number[] = {0, 0, 1, 41, 0};

	for (size_t len = 0; len <= 5; len++) {
		from_warden(IPC_BARRED, 0, number, len, -1);
		assert_true(len == 4 ? warden_lives() : warden_is_dead());
		assert_int_equal(b.warden_is_barred, len == 4);
		if (len == 4) {
			assert_int_equal(b.warden_what, 256 + 41);
		}
		assert_true(nothing_done());
		teardown(state);
		setup(state);
	}
	/* of one whose death was noticed before */
	assert_int_equal(
	    channel_send(warden_end, IPC_KILL, 7, NULL, 0, -1), 0);
	assert_int_equal(
	    channel_send(warden_end, IPC_BARRED, 0, number, 4, -1), 0);
	close_fd(&warden_end);
	broker_last_words_of_warden(&b);
	assert_true(b.warden_is_barred);
	assert_int_equal(b.warden_what, 256 + 41);
	assert_true(nothing_done());
}

/* The end of a channel is not a crime: the child may end by itself. */
static void
test_closed(void **state)
{
	(void)state;
	close_fd(&session_end);
	broker_on_child(&children[0], LOOP_READ);
	assert_int_equal(did.ended, 0);
	assert_int_equal(did.closed_channel, 1);
}

static void
test_probe(void **state)
{
	struct ipc_probe probe = {.place = place};
	struct channel_msg msg;
	uint8_t buf[512];
	int n = ipc_encode_probe(buf, sizeof(buf), &probe);

	(void)state;
	from_warden(IPC_PROBE, 3, buf, (size_t)n, -1);
	assert_int_equal(did.opened, 1);
	assert_int_equal(did.started, 1);
	assert_int_equal(answer(warden_end, &msg), 0);
	assert_int_equal(msg.type, IPC_PROBED);
	close_fd(&msg.fd);
	open_result = ERR_POLICY;
	from_warden(IPC_PROBE, 4, buf, (size_t)n, -1);
	expect_result(warden_end, IPC_PROBED, ERR_POLICY);
	assert_int_equal(did.started, 1);
	/* A place that cannot be: the warden is broken. */
	open_result = ERR_FORMAT;
	from_warden(IPC_PROBE, 5, buf, (size_t)n, -1);
	assert_true(warden_is_dead());
}

/* A reader of texts gets no device: nothing is opened, taken or given back. */
static void
test_texts(void **state)
{
	struct ipc_probe probe = {.place = place, .flags = IPC_PROBE_TEXTS};
	struct channel_msg msg;
	uint8_t buf[512];
	int n = ipc_encode_probe(buf, sizeof(buf), &probe);

	(void)state;
	from_warden(IPC_PROBE, 3, buf, (size_t)n, -1);
	assert_int_equal(did.named, 1);
	assert_int_equal(did.started, 1);
	assert_int_equal(did.flags, IPC_PROBE_TEXTS);
	assert_int_equal(did.opened, 0);
	assert_false(children[1].has_device);
	assert_int_equal(children[1].usb_fd, -1);
	assert_int_equal(answer(warden_end, &msg), 0);
	assert_int_equal(msg.type, IPC_PROBED);
	assert_int_not_equal(msg.fd, -1);
	close_fd(&msg.fd);
	open_result = ERR_NOENT;
	from_warden(IPC_PROBE, 4, buf, (size_t)n, -1);
	expect_result(warden_end, IPC_PROBED, ERR_NOENT);
	assert_int_equal(did.started, 1);
	assert_int_equal(did.closed, 0);
	/* neither one nor the other */
	buf[n - 1] = IPC_PROBE_TEXTS | IPC_PROBE_RESET;
	from_warden(IPC_PROBE, 5, buf, (size_t)n, -1);
	assert_int_equal(did.named, 2);
	assert_int_equal(did.opened, 0);
	assert_true(warden_is_dead());
}

static int
authorize_message(uint8_t *buf, size_t size, enum ipc_authorize_what what)
{
	struct ipc_authorize m = {.place = place, .what = (uint8_t)what};

	return ipc_encode_authorize(buf, size, &m);
}

/* A device that the kernel keeps out is let in where at-boot is strict, and
 * nowhere else. */
static void
test_authorize_device(void **state)
{
	uint8_t buf[512];
	int n = authorize_message(buf, sizeof(buf), IPC_AUTH_DEVICE);

	(void)state;
	b.conf.is_strict = 1;
	from_warden(IPC_AUTHORIZE, 3, buf, (size_t)n, -1);
	expect_result(warden_end, IPC_AUTHORIZED, 0);
	assert_int_equal(did.authorized, 1);
	assert_int_equal(did.what, IPC_AUTH_DEVICE);
	b.conf.is_strict = 0;
	n = authorize_message(buf, sizeof(buf), IPC_AUTH_KEEP);
	from_warden(IPC_AUTHORIZE, 4, buf, (size_t)n, -1);
	expect_result(warden_end, IPC_AUTHORIZED, 0);
	assert_int_equal(did.authorized, 2);
	n = authorize_message(buf, sizeof(buf), IPC_AUTH_DEVICE);
	from_warden(IPC_AUTHORIZE, 5, buf, (size_t)n, -1);
	assert_int_equal(did.authorized, 2);
	assert_true(warden_is_dead());
}

static void
write_file(const char *path, const char *text, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

/* What came behind the last descriptor; "" = none did. */
static char list[64];

static void
take_list(int fd)
{
	const uint8_t *text;
	size_t len;

	list[0] = '\0';
	if (fd != -1) {
		assert_int_equal(
		    sealed_map(fd, IPC_CRL_MAX, &text, &len), 0);
		(void)snprintf(list, sizeof(list), "%s", (const char *)text);
		sealed_unmap(text, len);
		close_fd(&fd);
	}
}

/* The answer, whose texts live until the next one. */
static struct ipc_crl
ask_crl(uint8_t always)
{
	struct channel_msg msg;
	struct ipc_crl m;

	from_warden(IPC_CRL, 0, &always, 1, -1);
	assert_int_equal(answer(warden_end, &msg), 0);
	assert_int_equal(msg.type, IPC_CRL_IS);
	assert_int_equal(ipc_decode_crl(&m, msg.data, msg.len), 0);
	assert_int_equal(msg.fd != -1, m.err == 0);
	take_list(msg.fd);
	return m;
}

/* The CRL is told when it is another, and when it is asked for. */
static void
test_crl(void **state)
{
	char dir[] = "/tmp/test_requests.XXXXXX", ca[64], crl[64], other[64];
	static char big[IPC_CRL_MAX];

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(ca, sizeof(ca), "%s/ca", dir);
	(void)snprintf(crl, sizeof(crl), "%s/crl", dir);
	(void)snprintf(other, sizeof(other), "%s/other", dir);
	/* none is configured here; a new warden may have read otherwise */
	assert_int_equal(ask_crl(1).err, ERR_NOENT);
	free(b.conf.ca);
	free(b.conf.crl);
	b.conf.ca = b.conf.cert = b.conf.key = strdup(ca);
	b.conf.crl = strdup(crl);
	write_file(ca, "the ca", 6);
	assert_int_equal(ask_crl(0).err, ERR_NOENT);
	assert_int_equal(ask_crl(0).err, ERR_AGAIN);
	assert_int_equal(ask_crl(1).err, ERR_NOENT);
	write_file(crl, "the crl", 7);
	for (uint8_t always = 0; always <= 1; always++) {
		struct ipc_crl m = ask_crl(always);

		assert_int_equal(m.err, 0);
		assert_string_equal((const char *)m.ca, "the ca");
		assert_string_equal((const char *)m.cert, "the ca");
		assert_string_equal(list, "the crl");
		assert_int_equal(ask_crl(0).err, ERR_AGAIN);
	}
	/* another file of that name, as long as the one before */
	write_file(other, "THE CRL", 7);
	assert_int_equal(rename(other, crl), 0);
	assert_int_equal(ask_crl(0).err, 0);
	assert_string_equal(list, "THE CRL");
	assert_int_equal(ask_crl(0).err, ERR_AGAIN);
	write_file(ca, "another ca", 10);
	assert_string_equal((const char *)ask_crl(0).ca, "another ca");
	/* what cannot be sent is told */
	memset(big, 'x', sizeof(big));
	write_file(crl, big, sizeof(big));
	assert_int_equal(ask_crl(0).err, ERR_LIMIT);
	write_file(crl, big, sizeof(big) - 1);
	assert_int_equal(ask_crl(0).err, 0);
	assert_int_equal(list[0], 'x');
	write_file(ca, big, 59 * 1024);
	assert_int_equal(ask_crl(0).err, ERR_LIMIT);
	assert_int_equal(ask_crl(0).err, ERR_AGAIN);
	write_file(ca, "the ca", 6);
	assert_int_equal(ask_crl(0).err, 0);
	write_file(crl, "a\0b", 3);
	assert_int_equal(ask_crl(0).err, ERR_FORMAT);
	assert_int_equal(unlink(crl), 0);
	assert_int_equal(ask_crl(0).err, ERR_NOENT);
	assert_int_equal(mkdir(crl, 0700), 0);
	assert_int_equal(ask_crl(0).err, ERR_SYS);
	assert_int_equal(rmdir(crl), 0);
	assert_int_equal(unlink(ca), 0);
	assert_int_equal(rmdir(dir), 0);
	assert_true(nothing_done());
}

/* With [tls] key-holder a session gets its texts, but no key; and nothing when
 * there is nobody who has it. */
static void
test_key_with_signer(void **state)
{
	char dir[] = "/tmp/test_requests.XXXXXX", ca[64];
	static uint8_t cert[] = "the cert";
	struct channel_msg msg;
	struct ipc_pem m;

	assert_non_null(mkdtemp(dir));
	(void)snprintf(ca, sizeof(ca), "%s/ca", dir);
	write_file(ca, "the ca", 6);
	for (int has_signer = 0; has_signer <= 1; has_signer++) {
		teardown(state);
		setup(state);
		serve_result = has_signer ? 0 : ERR_NOENT;
		free(b.conf.ca);
		b.conf.ca = strdup(ca);
		b.conf.cert = b.conf.key = b.conf.ca;
		b.conf.key_holder = 1;
		b.signer_cert = cert;
		b.signer_cert_len = sizeof(cert);
		from_session(IPC_KEY, NULL, 0, -1);
		assert_int_equal(did.served, 1);
		assert_int_equal(did.ended, !has_signer);
		assert_int_equal(answer(session_end, &msg),
		    has_signer ? 0 : ERR_TIMEOUT);
	}
	assert_int_equal(msg.type, IPC_KEY_IS);
	assert_int_equal(ipc_decode_pem(&m, msg.data, msg.len), 0);
	assert_string_equal((const char *)m.ca, "the ca");
	assert_string_equal((const char *)m.cert, "the cert");
	assert_int_equal(m.key_len, 0);
	/* once, as any */
	from_session(IPC_KEY, NULL, 0, -1);
	assert_int_equal(did.served, 1);
	assert_int_equal(did.ended, 1);
	assert_int_equal(unlink(ca), 0);
	assert_int_equal(rmdir(dir), 0);
}

/* A list that is configured and cannot be read: nobody gets a key. */
static void
test_key_needs_the_list(void **state)
{
	char dir[] = "/tmp/test_requests.XXXXXX", ca[64], crl[64];
	struct channel_msg msg;
	struct ipc_pem m;

	assert_non_null(mkdtemp(dir));
	(void)snprintf(ca, sizeof(ca), "%s/ca", dir);
	(void)snprintf(crl, sizeof(crl), "%s/crl", dir);
	write_file(ca, "the ca", 6);
	assert_int_equal(chmod(ca, 0600), 0); /* it is the key as well */
	for (int has_list = 0; has_list <= 1; has_list++) {
		teardown(state);
		setup(state);
		free(b.conf.ca);
		free(b.conf.crl);
		b.conf.ca = b.conf.cert = b.conf.key = strdup(ca);
		b.conf.crl = strdup(crl);
		if (has_list) {
			write_file(crl, "the crl", 7);
		}
		from_session(IPC_KEY, NULL, 0, -1);
		assert_int_equal(did.ended, !has_list);
		assert_int_equal(answer(session_end, &msg),
		    has_list ? 0 : ERR_TIMEOUT);
	}
	assert_int_equal(msg.type, IPC_KEY_IS);
	assert_int_equal(ipc_decode_pem(&m, msg.data, msg.len), 0);
	assert_string_equal((const char *)m.key, "the ca");
	take_list(msg.fd);
	assert_string_equal(list, "the crl");
	assert_int_equal(unlink(ca), 0);
	assert_int_equal(unlink(crl), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void
test_crl_lengths(void **state)
{
	static const uint8_t wrong[][2] = {{0, 0}, {2, 0}};

	for (size_t len = 0; len <= 2; len++) {
		from_warden(IPC_CRL, 0, wrong[len == 1], len, -1);
		assert_true(warden_is_dead());
		teardown(state);
		setup(state);
	}
	from_warden(IPC_CRL, 0, wrong[0], 1, 0);
	assert_true(warden_is_dead());
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_wrong_asker),
		T(test_unknown_types),
		T(test_spawn),
		T(test_spawn_needs_fd),
		T(test_recorder),
		T(test_fetcher),
		T(test_trial),
		T(test_recorder_needs_fd),
		T(test_grant_needs_key),
		T(test_grant_once),
		T(test_grant_two_holders),
		T(test_grant_after_the_end),
		T(test_key_once),
		T(test_set_config),
		T(test_lengths),
		T(test_faults),
		T(test_barred),
		T(test_signer_loads),
		T(test_signer_misused),
		T(test_signer_floods),
		T(test_signer_lies),
		T(test_key_with_signer),
		T(test_warden_barred),
		T(test_closed),
		T(test_probe),
		T(test_texts),
		T(test_authorize_device),
		T(test_crl),
		T(test_key_needs_the_list),
		T(test_crl_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
