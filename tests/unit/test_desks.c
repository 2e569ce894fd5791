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
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "vhci-glue/desks.h"

#define ROOT "/org/freedesktop/login1"
#define SESSION "org.freedesktop.login1.Session"
#define PATIENCE (20 * CLOCK_SEC)

struct fake {
	const char *id, *user, *seat, *class, *type, *state;
	int is_active, is_locked;
	char path[64];
};

static char dir[] = "/tmp/test_desks.XXXXXX";
static char address[160];
static pid_t daemon_pid = -1;
static sd_bus *bus;
static struct fake fakes[64];
static size_t nfakes;
static struct desks *desks;
static struct ipc_desk heard[256];
static size_t nheard;

/* ------------------------------------------------------------------------ */
/* logind                                                                   */

static int
list_sessions(sd_bus_message *m, void *arg, sd_bus_error *error)
{
	sd_bus_message *reply = NULL;

	(void)arg;
	(void)error;
	assert_true(sd_bus_message_new_method_return(m, &reply) >= 0);
	assert_true(
	    sd_bus_message_open_container(reply, 'a', "(susso)") >= 0);
	for (size_t i = 0; i < nfakes; i++) {
		assert_true(sd_bus_message_append(reply, "(susso)",
				fakes[i].id, (uint32_t)1000, fakes[i].user,
				fakes[i].seat, fakes[i].path) >= 0);
	}
	assert_true(sd_bus_message_close_container(reply) >= 0);
	assert_true(sd_bus_send(NULL, reply, NULL) >= 0);
	sd_bus_message_unref(reply);
	return 1;
}

/* GetAll of any session; paths that are none have no properties. */
static int
get_all(sd_bus_message *m, void *arg, sd_bus_error *error)
{
	const char *path = sd_bus_message_get_path(m);

	(void)arg;
	(void)error;
	if (!sd_bus_message_is_method_call(
		m, "org.freedesktop.DBus.Properties", "GetAll")) {
		return 0;
	}
	for (size_t i = 0; i < nfakes; i++) {
		const struct fake *f = &fakes[i];

		if (strcmp(f->path, path) == 0) {
			return sd_bus_reply_method_return(m, "a{sv}", 8, "Id",
			    "s", f->id, "Name", "s", f->user, "VTNr", "u",
			    (uint32_t)7, "Class", "s", f->class, "Type", "s",
			    f->type, "State", "s", f->state, "Active", "b",
			    f->is_active, "LockedHint", "b", f->is_locked);
		}
	}
	return sd_bus_reply_method_errorf(
	    m, SD_BUS_ERROR_UNKNOWN_OBJECT, "gone");
}

static const sd_bus_vtable manager[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("ListSessions", NULL, "a(susso)", list_sessions,
	    SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};

static struct fake *
add(const char *id, const char *user, const char *seat)
{
	struct fake *f = &fakes[nfakes++];

	*f = (struct fake){.id = id,
		.user = user,
		.seat = seat,
		.class = "user",
		.type = "wayland",
		.state = "active",
		.is_active = 1};
	(void)snprintf(f->path, sizeof(f->path), ROOT "/session/_3%s", id);
	return f;
}

/* Something is new; which, nobody asks. */
static void
emit(const char *path, const char *name)
{
	assert_true(sd_bus_emit_signal(bus, path,
			"org.freedesktop.DBus.Properties", "PropertiesChanged",
			"sa{sv}as", SESSION, 1, name, "b", 1, 0) >= 0);
	assert_true(sd_bus_flush(bus) >= 0);
}

static void
start_logind(void)
{
	assert_true(sd_bus_new(&bus) >= 0);
	assert_true(sd_bus_set_address(bus, address) >= 0);
	assert_true(sd_bus_set_bus_client(bus, 1) >= 0);
	assert_true(sd_bus_start(bus) >= 0);
	assert_true(sd_bus_add_object_vtable(bus, NULL, ROOT,
			"org.freedesktop.login1.Manager", manager, NULL) >= 0);
	assert_true(sd_bus_add_fallback(
			bus, NULL, ROOT "/session", get_all, NULL) >= 0);
	assert_true(
	    sd_bus_request_name(bus, "org.freedesktop.login1", 0) >= 0);
}

static void
stop_logind(void)
{
	sd_bus_flush_close_unref(bus);
	bus = NULL;
}

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
			{.fd = bus != NULL ? sd_bus_get_fd(bus) : -1,
			    .events = POLLIN},
		};

		assert_true(clock_mono() < until);
		while (bus != NULL && sd_bus_process(bus, NULL) > 0) {
		}
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
	nfakes = nheard = 0;
	expect(NULL, NULL, 0);
	start_logind();
	desks = desks_new(address, on_desk, NULL);
	return desks == NULL;
}

static int
tear_down(void **state)
{
	(void)state;
	desks_free(desks);
	if (bus != NULL) {
		stop_logind();
	}
	return 0;
}

/* ------------------------------------------------------------------------ */

static void
seats_have_their_active_session(void **state)
{
	struct fake *alice = add("1", "alice", "seat0"), *bob;

	(void)state;
	bob = add("2", "bob", "seat0");
	bob->is_active = 0;
	expect("seat0", "alice", IPC_DESK_UNLOCKED);
	alice->is_locked = 1;
	emit(alice->path, "LockedHint");
	expect("seat0", "alice", IPC_DESK_LOCKED);
	/* somebody else comes forward */
	alice->is_active = 0;
	bob->is_active = 1;
	emit(bob->path, "Active");
	expect("seat0", "bob", IPC_DESK_UNLOCKED);
	/* what does not matter is not told */
	emit(bob->path, "IdleHint");
	/* a greeter is nobody, and lets nobody in */
	bob->class = "greeter";
	emit(bob->path, "Class");
	expect("seat0", "", IPC_DESK_LOCKED);
	assert_non_null(desks_at(desks, 0));
	assert_null(desks_at(desks, 1));
	/* nobody is there at all */
	nfakes = 0;
	emit(ROOT, "NCurrentSessions");
	expect("seat0", "", IPC_DESK_UNKNOWN);
	assert_null(desks_at(desks, 0));
}

static void
what_is_a_desktop(void **state)
{
	struct fake *f;

	(void)state;
	add("1", "alice", "")->type = "tty"; /* ssh */
	f = add("2", "closed", "");
	f->state = "closing";
	add("c3", "rdp", "")->is_locked = 1;
	add("4", "two words", "seat1");
	add("5", "dom\\eve\"", "seat2")->type = "tty"; /* a console */
	(void)snprintf(
	    add("6", "left", "seat3")->path, 64, "%s", ROOT "/session/x");
	fakes[5].path[strlen(fakes[5].path) - 1] = 'y'; /* listed, and gone */
	nfakes = 6;
	expect("session-c3", "rdp", IPC_DESK_LOCKED);
	expect("seat1", "", IPC_DESK_UNLOCKED);
	expect("seat2", "dom\\eve\"", IPC_DESK_UNLOCKED);
	expect("seat3", "left", IPC_DESK_UNLOCKED);
	nfakes = 3;
	emit(ROOT, "NCurrentSessions");
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
		(void)add(names[i] + 4, "u", names[i]);
	}
	run_until(IPC_DESKS);
	assert_non_null(desks_at(desks, IPC_DESKS - 1));
	assert_null(desks_at(desks, IPC_DESKS));
	/* a gateway lets nobody say more than 100 lines in 10 seconds */
	since = clock_mono();
	nfakes = 3; /* of those that are told, 29 are gone */
	emit(ROOT, "NCurrentSessions");
	run_until(IPC_DESKS + 5);
	assert_true(clock_mono() - since > CLOCK_SEC / 2);
}

/* The login manager goes, and comes back. */
static void
without_a_logind(void **state)
{
	(void)state;
	add("1", "alice", "seat0");
	expect("seat0", "alice", IPC_DESK_UNLOCKED);
	stop_logind();
	expect("seat0", "", IPC_DESK_UNKNOWN);
	start_logind();
	expect("seat0", "alice", IPC_DESK_UNLOCKED);
}

/* ------------------------------------------------------------------------ */

static void
write_config(const char *path)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fprintf(f,
	    "<busconfig><type>session</type><listen>unix:path=%s/bus</listen>"
	    "<auth>EXTERNAL</auth><policy context='default'>"
	    "<allow user='*'/><allow own='*'/><allow send_type='method_call'/>"
	    "<allow send_type='signal'/><allow eavesdrop='true'/>"
	    "<allow send_destination='*'/><allow receive_sender='*'/>"
	    "</policy></busconfig>\n", dir) > 0);
	assert_int_equal(fclose(f), 0);
}

static int
start_bus(void **state)
{
	char config[128], path[128], self[512], option[160], *end;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	uint64_t until = clock_mono() + PATIENCE;

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
	(void)snprintf(option, sizeof(option), "--config-file=%s", config);
	(void)snprintf(address, sizeof(address), "unix:path=%s", path);
	write_config(config);
	daemon_pid = fork();
	if (daemon_pid == 0) {
		(void)execlp("dbus-daemon", "dbus-daemon", option, "--nofork",
		    "--nosyslog", (char *)NULL);
		_exit(127);
	}
	while (access(path, F_OK) != 0) {
		if (waitpid(daemon_pid, NULL, WNOHANG) != 0 ||
		    clock_mono() > until) {
			(void)fprintf(stderr, "dbus-daemon does not run; "
					      "install package dbus-daemon\n");
			return -1;
		}
		(void)usleep(10000);
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
