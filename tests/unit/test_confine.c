/*
 * Somebody's code runs in each process of ours, in each of its states: what it
 * tries, and that it ends of that or is refused. The lists are the product's;
 * tests/attack/broken.c tries the same in real processes.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/channel.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "certs/enroll_confine.h"
#include "certs/front_confine.h"
#include "certs/serve_confine.h"
#include "policy/tool/confine.h"
#include "proxy/broker/broker.h"
#include "proxy/capture/confine.h"
#include "proxy/fetch/confine.h"
#include "proxy/metrics/metrics.h"
#include "proxy/session/confine.h"
#include "proxy/session/limits.h"
#include "proxy/signer/confine.h"
#include "proxy/warden/confine.h"
#include "tests/fake/attempts.h"
#include "vhci-glue/agent.h"
#include "vhci-glue/confine.h"
#include "wire/ipc.h"

#define PARENT 3

static void
session_born(void)
{
	confine_session(&session_limits_default);
}

static void
session_streaming(void)
{
	session_born();
	confine_walls->close_in(SESSION_STREAMING);
}

static void
session_watching(void)
{
	session_born();
	confine_walls->close_in(SESSION_WATCHING);
}

static void
probe_texts(void)
{
	confine_texts(open("/sys", O_PATH | O_DIRECTORY | O_CLOEXEC));
}

static void
relay_connected(void)
{
	confine_relay_connecting();
	confine_relay_connected();
}

static void
relay_streaming(void)
{
	relay_connected();
	confine_relay_streaming();
}

static void
trial(void)
{
	confine_trial("/nowhere");
}

static void
enroll_connected(void)
{
	enroll_confine_connecting();
	enroll_confine_connected();
}

static void
serve(void)
{
	serve_confine("/nowhere");
}

static void
metrics(void)
{
	metrics_confine("/tmp/sallyport-metrics/socket");
}

static char top[] = "/tmp/test_confine.XXXXXX";
static char below[9][64]; /* top, and a name */
static const char *const names[] = {"etc/rules.d", "etc/profiles.d", "stock",
	"state", "log/audit.jsonl", "state/captures", "etc/keys.pem", "", "run"};

static void
warden(void)
{
	struct gateway_conf conf = {.keep = below[7], .run = below[8]};

	conf.rules = below[0];
	conf.profiles = below[1];
	conf.stock_profiles = below[2];
	conf.state = below[3];
	conf.audit = below[4];
	conf.captures = below[5];
	conf.bundle_keys = below[6];
	confine_warden(&conf);
}

static const struct {
	const char *name;
	void (*enter)(void);
	int device;  /* where its list has one */
	int refuses; /* kinds that may fail without an end */
	int permits; /* kinds that are part of its work */
	int is_alone; /* nobody hears of its end */
	const char *does[4]; /* attempts that are part of its work */
} processes[] = {
	{"session", session_born, CONFINE_DEVICE_FD, 1 << ATTEMPT_FILE, 0, 0, {NULL}},
	{"session, streaming", session_streaming, CONFINE_DEVICE_FD, 0, 0, 0, {NULL}},
	{"session, watching", session_watching, CONFINE_DEVICE_FD, 0, 0, 0, {NULL}},
	{"probe", confine_probe, CONFINE_PROBE_FD, 1 << ATTEMPT_FILE, 0, 0, {NULL}},
	{"probe, texts", probe_texts, CONFINE_PROBE_FD, 1 << ATTEMPT_FILE, 0, 0, {NULL}},
	{"signer", confine_signer, CONFINE_DEVICE_FD, 0, 0, 0, {NULL}},
	{"capture", confine, CONFINE_DEVICE_FD, 0, 0, 0, {NULL}},
	{"relay, connecting", confine_relay_connecting, CONFINE_DEVICE_FD,
	    1 << ATTEMPT_CALL, /* code: a module that is not loaded */
	    1 << ATTEMPT_FILE | 1 << ATTEMPT_SOCKET, 0, {NULL}},
	{"relay, connected", relay_connected, CONFINE_DEVICE_FD,
	    1 << ATTEMPT_FILE | 1 << ATTEMPT_SOCKET, 0, 0, {NULL}},
	{"relay, streaming", relay_streaming, CONFINE_DEVICE_FD,
	    1 << ATTEMPT_FILE | 1 << ATTEMPT_SOCKET, 0, 0, {NULL}},
	{"reader", confine_reader, CONFINE_DEVICE_FD, 0, 0, 0, {NULL}},
	{"trial", trial, CONFINE_DEVICE_FD, 1 << ATTEMPT_FILE, 0, 0, {NULL}},
	{"fetch, network", confine_fetch_network, CONFINE_DEVICE_FD,
	    1 << ATTEMPT_CALL, /* code: a module that is not loaded */
	    1 << ATTEMPT_FILE | 1 << ATTEMPT_SOCKET, 0, {NULL}},
	{"fetch, files", confine_fetch_files, CONFINE_DEVICE_FD, 0, 0, 0, {NULL}},
	{"front", front_confine, CONFINE_DEVICE_FD, 0, 0, 0, {NULL}},
	{"enroll, connecting", enroll_confine_connecting, CONFINE_DEVICE_FD,
	    1 << ATTEMPT_CALL, /* code: a module that is not loaded */
	    1 << ATTEMPT_FILE | 1 << ATTEMPT_SOCKET, 0, {NULL}},
	{"enroll, connected", enroll_connected, CONFINE_DEVICE_FD, 0, 0, 0, {NULL}},
	/* rules may include what lies below /etc */
	{"warden", warden, CONFINE_DEVICE_FD, 1 << ATTEMPT_FILE, 0, 0,
	    {"open a file"}},
	{"desks", confine_desks, CONFINE_DEVICE_FD, 0, 0, 0, {NULL}},
	{"metrics", metrics, CONFINE_DEVICE_FD, 0, 1 << ATTEMPT_SOCKET, 1, {NULL}},
	/* it starts fronts, which enter a sandbox, and gives them /dev/null */
	{"serve", serve, CONFINE_DEVICE_FD, 1 << ATTEMPT_FILE, 0, 1,
	    {"make a process", "catch the signal", "raise limits",
		"open another device"}},
};

/* The status of a process that enters and tries; *barred is the call that its
 * parent hears of, -1 when it hears of none. */
static int
status_of(size_t process, const struct attempt *a, long *barred)
{
	uint8_t buf[CHANNEL_HEADER + CHANNEL_MAX];
	struct channel_msg msg;
	struct ipc_call call;
	int chan[2], status;
	pid_t pid;

	assert_int_equal(channel_pair(chan), 0);
	pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		if (dup2(chan[1], PARENT) == -1) {
			_exit(99);
		}
		attempt_device = processes[process].device;
		processes[process].enter();
		_exit(a->run());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	*barred = -1;
	if (channel_recv(chan[0], buf, sizeof(buf), &msg) == 0) {
		assert_int_equal(msg.type, IPC_BARRED);
		assert_int_equal(ipc_decode_call(&call, msg.data, msg.len), 0);
		*barred = (long)call.nr;
	}
	close(chan[0]);
	close(chan[1]);
	return status;
}

static int
is_permitted(size_t process, const struct attempt *a)
{
	for (size_t i = 0; i < ARRAY_LEN(processes[process].does); i++) {
		const char *name = processes[process].does[i];

		if (name != NULL && strcmp(name, a->name) == 0) {
			return 1;
		}
	}
	return (processes[process].permits & 1 << a->kind) != 0;
}

static void
try(size_t process, const struct attempt *a)
{
	int kind = 1 << a->kind, status;
	long barred;

	if (is_permitted(process, a)) {
		return;
	}
	status = status_of(process, a, &barred);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS &&
	    barred == (processes[process].is_alone ? -1 : a->number)) {
		return;
	}
	if ((processes[process].refuses & kind) != 0 && WIFEXITED(status) &&
	    WEXITSTATUS(status) == 0) {
		return;
	}
	fail_msg("%s: %s: status %#x, call %ld", processes[process].name,
	    a->name, (unsigned)status, barred);
}

static void
test_all(void **state)
{
	(void)state;
	if ((sandbox_lacks() | sandbox_build_lacks()) != 0) {
		skip();
	}
	for (size_t i = 0; i < ARRAY_LEN(processes); i++) {
		for (size_t j = 0; j < nattempts; j++) {
			if (attempts[j].kind != ATTEMPT_BROKER &&
			    attempts[j].kind != ATTEMPT_WARDEN &&
			    attempts[j].kind != ATTEMPT_SIGNER) {
				try(i, &attempts[j]);
			}
		}
	}
}

/* ------------------------------------------------------------------------ */
/* The warden's paths                                                       */

static int
opens(const char *name, int flags)
{
	char path[128];
	int fd;

	(void)snprintf(path, sizeof(path), "%s%s%s", *name == '/' ? "" : top,
	    *name == '/' ? "" : "/", name);
	fd = open(path, flags | O_CLOEXEC, 0600);
	if (fd != -1) {
		close(fd);
	}
	return fd != -1;
}

static int
moves(const char *from, const char *to)
{
	char a[128], b[128];

	(void)snprintf(a, sizeof(a), "%s/%s", top, from);
	(void)snprintf(b, sizeof(b), "%s/%s", top, to);
	return rename(a, b) == 0;
}

/* 0, or the number of what is not as it has to be. */
static int
has_its_paths(void)
{
	const int fresh = O_WRONLY | O_CREAT | O_TRUNC;
	const struct {
		int is, must;
	} tries[] = {
		/* rules that are there, and that were replaced as a whole */
		{opens("etc/rules.d/10.rules", O_RDONLY), 1},
		{opens("etc/rules.d/10.rules", O_WRONLY), 0},
		{opens("etc/rules.d/new", fresh), 0},
		{opens("etc/rules.d", O_RDONLY | O_DIRECTORY), 1},
		{opens("etc/other.d/10.rules", O_RDONLY), 1},
		{opens("stock/x.profile", O_RDONLY), 1},
		{opens("/sys", O_RDONLY | O_DIRECTORY), 1},
		{opens("/etc/passwd", O_RDONLY), 1},
		{opens("/proc/self/status", O_RDONLY), 1},
		/* state and log */
		{opens("state/new", fresh), 1},
		{moves("state/new", "state/state.json"), 1},
		{opens("log/new", fresh), 1},
		{moves("log/new", "log/audit.jsonl"), 1},
		{opens("state/captures/a.pcap", fresh), 1},
		/* and nowhere else */
		{moves("state/state.json", "etc/rules.d/20.rules"), 0},
		{opens("elsewhere", fresh), 0},
		{opens("secret", O_RDONLY), 0},
		{opens(".", O_RDONLY | O_DIRECTORY), 0},
		{opens("/etc/passwd", O_WRONLY | O_APPEND), 0},
		{opens("/tmp", O_RDONLY | O_DIRECTORY), 0},
		{opens("/bin", O_RDONLY | O_DIRECTORY), 0},
		{opens("/dev/null", O_RDWR), 0},
		{opens("/proc/self/mem", O_RDWR), 0},
		{opens("/proc/1/environ", O_RDONLY), 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
		if (tries[i].is != tries[i].must) {
			return (int)i + 1;
		}
	}
	return 0;
}

static void
test_warden_paths(void **state)
{
	const struct attempt a = {"its paths", ATTEMPT_FILE, has_its_paths, -1};
	int status;
	long barred;
	size_t i = 0;

	(void)state;
	if (((sandbox_lacks() | sandbox_build_lacks()) & SANDBOX_LANDLOCK) !=
	    0) {
		skip();
	}
	while (strcmp(processes[i].name, "warden") != 0) {
		i++;
	}
	status = status_of(i, &a, &barred);
	assert_int_equal(barred, -1);
	assert_int_equal(status, 0);
}

/* ------------------------------------------------------------------------ */
/* Broker and agent, and what they start                                    */

/* It dies of each of these, and so does a program that it runs; what they are
 * for they may. */
static void
test_denied(void **state)
{
	static void (*const enter[])(void) = {confine_broker, agent_confine};
	static const char *const perils[] = {"trace a sibling",
		"read a sibling", "load a program", "go around the list"};
	unsigned n = 0;
	int status;
	pid_t pid;

	(void)state;
	if (((sandbox_lacks() | sandbox_build_lacks()) & SANDBOX_SECCOMP) !=
	    0 || sandbox_build_lacks() != 0) {
		skip();
	}
	for (size_t i = 0; i < ARRAY_LEN(enter) * nattempts; i++) {
		const struct attempt *a = &attempts[i % nattempts];
		int is_peril = 0;

		for (size_t j = 0; j < ARRAY_LEN(perils); j++) {
			is_peril |= strcmp(a->name, perils[j]) == 0;
		}
		if (!is_peril) {
			continue;
		}
		pid = fork();
		if (pid == 0) {
			/* cmocka would make a failure of it */
			(void)signal(SIGSYS, SIG_DFL);
			sandbox_keep_capabilities(0);
			enter[i / nattempts]();
			_exit(a->run());
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGSYS);
		n++;
	}
	assert_true(n >= 6); /* where there is no io_uring_setup */
	/* it is handed down, and lets run, list and leave */
	pid = fork();
	if (pid == 0) {
		sandbox_keep_capabilities(0);
		confine_broker();
		pid = fork();
		if (pid == 0) {
			session_streaming();
			_exit(0);
		}
		_exit(waitpid(pid, &status, 0) != pid || status != 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* That the attempts are attempts: without a sandbox they return. */
static void
test_without(void **state)
{
	size_t n = 0;

	(void)state;
	for (size_t j = 0; j < nattempts; j++) {
		if (attempts[j].kind == ATTEMPT_FILE ||
		    attempts[j].kind == ATTEMPT_SOCKET) {
			n += attempts[j].run() == 1;
		}
	}
	(void)unlink("/tmp/sallyport-attempt");
	assert_true(n >= 5); /* the key's file is nowhere */
}

static const char *const files[] = {"etc/rules.d/10.rules",
	"etc/other.d/10.rules", "stock/x.profile", "secret"};
static const char *const dirs[] = {"etc", "etc/rules.d", "etc/other.d",
	"etc/profiles.d", "stock", "state", "state/captures", "log"};

/* ------------------------------------------------------------------------ */
/* The loop                                                                 */

static struct loop *loop;
static struct loop_io *loop_io;
static int looped[2];

static void
on_data(void *arg, int events)
{
	(void)arg;
	(void)events;
	loop_io_free(loop_io);
	close(looped[0]);
}

/* What is closed here is told of again, since somebody else has it open. */
static int
loop_goes_on(void)
{
	for (int i = 0; i < 4; i++) {
		loop_once(loop, LOOP_NOWAIT);
	}
	return 0;
}

static void
test_loop(void **state)
{
	static const char *const loops[] = {"session", "session, streaming",
	    "session, watching", "probe", "signer",
	    "relay, connected", "relay, streaming", "warden", "metrics",
	    "serve"};
	const struct attempt a = {.name = "loop", .run = loop_goes_on};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(loops); i++) {
		size_t p = 0;
		int kept, status;
		long barred;

		while (strcmp(processes[p].name, loops[i]) != 0) {
			p++;
		}
		assert_int_equal(
		    socketpair(AF_UNIX, SOCK_STREAM, 0, looped), 0);
		assert_int_equal(write(looped[1], "x", 1), 1);
		kept = dup(looped[0]);
		assert_int_not_equal(kept, -1);
		loop = loop_new();
		loop_io = loop_io_new(loop, looped[0], LOOP_READ, on_data, NULL);
		assert_non_null(loop_io);
		status = status_of(p, &a, &barred);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
			fail_msg("%s: status %#x, call %ld", loops[i],
			    (unsigned)status, barred);
		}
		loop_io_free(loop_io);
		loop_free(loop);
		close(looped[0]);
		close(looped[1]);
		close(kept);
	}
}

static int
make_files(void **state)
{
	char path[128];

	(void)state;
	if (mkdtemp(top) == NULL) {
		return -1;
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		(void)snprintf(below[i], sizeof(below[i]), "%s%s%s",
		    *names[i] != '\0' ? top : "", *names[i] != '\0' ? "/" : "",
		    names[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", top, dirs[i]);
		if (mkdir(path, 0700) == -1) {
			return -1;
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		int fd;

		(void)snprintf(path, sizeof(path), "%s/%s", top, files[i]);
		fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
		if (fd == -1) {
			return -1;
		}
		close(fd);
	}
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int
remove_files(void **state)
{
	(void)state;
	return nftw(top, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without),
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_warden_paths),
		cmocka_unit_test(test_denied),
		cmocka_unit_test(test_loop),
	};

	log_init("test_confine");
	return cmocka_run_group_tests(tests, make_files, remove_files);
}
