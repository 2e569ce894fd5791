/*
 * vhci-glue/desks and sallyport-desks, against a bus of our own with a logind
 * that this file plays: what the agent hears of seats, users and locks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "tests/fake/logind.h"
#include "vhci-glue/desks.h"

#define ROOT LOGIND_ROOT
#define PATIENCE (20 * CLOCK_SEC)

static char dir[] = "/tmp/test_desks.XXXXXX";
static char address[160];
static pid_t daemon_pid = -1;
static struct desks *desks;
static struct ipc_desk heard[256];
static size_t nheard;

/* ------------------------------------------------------------------------ */
/* The agent                                                                */

static void
on_desk(void *arg, const struct ipc_desk *desk)
{
	(void)arg;
	assert_true(nheard < sizeof(heard) / sizeof(heard[0]));
	heard[nheard++] = *desk;
}

/* Both sides, until the agent has heard n in all. */
static void
run_until(size_t n)
{
	uint64_t until = clock_mono() + PATIENCE;

	while (nheard < n) {
		struct pollfd p[2] = {
			{.fd = desks_fd(desks), .events = POLLIN},
			{.fd = logind_fd(), .events = POLLIN},
		};

		assert_true(clock_mono() < until);
		logind_turn();
		desks_start(desks, clock_mono());
		(void)poll(p, 2, 20);
		if (p[0].revents != 0) {
			desks_hear(desks, clock_mono());
		}
	}
}

/* The next that is heard. */
static void
expect(const char *seat, const char *user, enum ipc_desk_lock lock)
{
	static size_t next;

	if (seat == NULL) { /* a new test */
		next = 0;
		return;
	}
	run_until(next + 1);
	assert_string_equal(heard[next].seat, seat);
	assert_string_equal(heard[next].user, user);
	assert_int_equal(heard[next].lock, lock);
	next++;
}

static int
set_up(void **state)
{
	(void)state;
	nfake_sessions = nheard = 0;
	expect(NULL, NULL, 0);
	logind_open(address);
	desks = desks_new(address, on_desk, NULL);
	return desks == NULL;
}

static int
tear_down(void **state)
{
	(void)state;
	desks_free(desks);
	logind_close();
	return 0;
}

/* ------------------------------------------------------------------------ */

static void
seats_have_their_active_session(void **state)
{
	struct fake_session *alice = logind_add("1", "alice", "seat0"), *bob;

	(void)state;
	bob = logind_add("2", "bob", "seat0");
	bob->is_active = 0;
	expect("seat0", "alice", IPC_DESK_UNLOCKED);
	alice->is_locked = 1;
	logind_emit(alice->path, "LockedHint");
	expect("seat0", "alice", IPC_DESK_LOCKED);
	/* somebody else comes forward */
	alice->is_active = 0;
	bob->is_active = 1;
	logind_emit(bob->path, "Active");
	expect("seat0", "bob", IPC_DESK_UNLOCKED);
	/* what does not matter is not told */
	logind_emit(bob->path, "IdleHint");
	/* a greeter is nobody, and lets nobody in */
	bob->class = "greeter";
	logind_emit(bob->path, "Class");
	expect("seat0", "", IPC_DESK_LOCKED);
	assert_non_null(desks_at(desks, 0));
	assert_null(desks_at(desks, 1));
	/* nobody is there at all */
	nfake_sessions = 0;
	logind_emit(ROOT, "NCurrentSessions");
	expect("seat0", "", IPC_DESK_UNKNOWN);
	assert_null(desks_at(desks, 0));
}

static void
what_is_a_desktop(void **state)
{
	struct fake_session *f;

	(void)state;
	logind_add("1", "alice", "")->type = "tty"; /* ssh */
	f = logind_add("2", "closed", "");
	f->state = "closing";
	logind_add("c3", "rdp", "")->is_locked = 1;
	logind_add("4", "two words", "seat1");
	logind_add("5", "dom\\eve\"", "seat2")->type = "tty"; /* a console */
	(void)snprintf(
	    logind_add("6", "left", "seat3")->path, 64, "%s", ROOT "/session/x");
	fake_sessions[5].path[strlen(fake_sessions[5].path) - 1] = 'y'; /* listed, and gone */
	nfake_sessions = 6;
	expect("session-c3", "rdp", IPC_DESK_LOCKED);
	expect("seat1", "", IPC_DESK_UNLOCKED);
	expect("seat2", "dom\\eve\"", IPC_DESK_UNLOCKED);
	expect("seat3", "left", IPC_DESK_UNLOCKED);
	nfake_sessions = 3;
	logind_emit(ROOT, "NCurrentSessions");
	expect("seat1", "", IPC_DESK_UNKNOWN);
	expect("seat2", "", IPC_DESK_UNKNOWN);
	expect("seat3", "", IPC_DESK_UNKNOWN);
	assert_string_equal(desks_at(desks, 0)->seat, "session-c3");
}

static void
more_than_are_told(void **state)
{
	static char names[40][16];
	uint64_t since;

	(void)state;
	for (size_t i = 0; i < 40; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "seat%zu", i);
		(void)logind_add(names[i] + 4, "u", names[i]);
	}
	run_until(IPC_DESKS);
	assert_non_null(desks_at(desks, IPC_DESKS - 1));
	assert_null(desks_at(desks, IPC_DESKS));
	/* a gateway lets nobody say more than 100 lines in 10 seconds */
	since = clock_mono();
	nfake_sessions = 3; /* of those that are told, 29 are gone */
	logind_emit(ROOT, "NCurrentSessions");
	run_until(IPC_DESKS + 5);
	assert_true(clock_mono() - since > CLOCK_SEC / 2);
}

/* The login manager goes, and comes back. */
static void
without_a_logind(void **state)
{
	(void)state;
	logind_add("1", "alice", "seat0");
	expect("seat0", "alice", IPC_DESK_UNLOCKED);
	logind_close();
	expect("seat0", "", IPC_DESK_UNKNOWN);
	logind_open(address);
	expect("seat0", "alice", IPC_DESK_UNLOCKED);
}

/* ------------------------------------------------------------------------ */

static int
start_bus(void **state)
{
	char config[128], path[128], self[512], *end;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	(void)state;
	if (n <= 0 || mkdtemp(dir) == NULL || chmod(dir, 0755) != 0) {
		return -1;
	}
	self[n] = '\0';
	end = strstr(self, "/tests/");
	if (end == NULL) {
		return -1;
	}
	memcpy(end, "/bin", 5);
	(void)snprintf(config, sizeof(config), "%s/conf", dir);
	(void)snprintf(path, sizeof(path), "%s/bus", dir);
	(void)snprintf(address, sizeof(address), "unix:path=%s", path);
	daemon_pid = logind_bus_start(config, path);
	if (daemon_pid == -1) {
		return -1;
	}
	return setenv("SALLYPORT_LIBEXEC", self, 1);
}

static int
stop_bus(void **state)
{
	char path[128];

	(void)state;
	if (daemon_pid > 0) {
		(void)kill(daemon_pid, SIGTERM);
		(void)waitpid(daemon_pid, NULL, 0);
	}
	(void)snprintf(path, sizeof(path), "%s/conf", dir);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/bus", dir);
	(void)unlink(path);
	(void)rmdir(dir);
	return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(seats_have_their_active_session),
		TEST(what_is_a_desktop),
		TEST(more_than_are_told),
		TEST(without_a_logind),
	};

	return cmocka_run_group_tests(tests, start_bus, stop_bus);
}
