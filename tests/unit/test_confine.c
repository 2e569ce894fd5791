/*
 * Somebody's code runs in each process of ours, in each of its states: what it
 * tries, and that it ends of that or is refused. The lists are the product's;
 * tests/attack/broken.c tries the same in real processes.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/channel.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "certs/enroll_confine.h"
#include "certs/front_confine.h"
#include "certs/serve_confine.h"
#include "policy/tool/confine.h"
#include "proxy/capture/confine.h"
#include "proxy/fetch/confine.h"
#include "proxy/metrics/metrics.h"
#include "proxy/session/confine.h"
#include "proxy/session/limits.h"
#include "proxy/signer/confine.h"
#include "tests/fake/attempts.h"
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without),
		cmocka_unit_test(test_all),
	};

	log_init("test_confine");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
