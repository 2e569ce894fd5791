#include "tests/fake/logind.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"

#define ROOT LOGIND_ROOT
#define SESSION "org.freedesktop.login1.Session"
#define PATIENCE (20 * CLOCK_SEC)

struct fake_session fake_sessions[FAKE_SESSIONS];
size_t nfake_sessions;
static sd_bus *bus;

static int
list_sessions(sd_bus_message *m, void *arg, sd_bus_error *error)
{
	sd_bus_message *reply = NULL;

	(void)arg;
	(void)error;
	assert_true(sd_bus_message_new_method_return(m, &reply) >= 0);
	assert_true(
	    sd_bus_message_open_container(reply, 'a', "(susso)") >= 0);
	for (size_t i = 0; i < nfake_sessions; i++) {
		assert_true(sd_bus_message_append(reply, "(susso)",
				fake_sessions[i].id, (uint32_t)1000, fake_sessions[i].user,
				fake_sessions[i].seat, fake_sessions[i].path) >= 0);
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
	for (size_t i = 0; i < nfake_sessions; i++) {
		const struct fake_session *f = &fake_sessions[i];

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

struct fake_session *
logind_add(const char *id, const char *user, const char *seat)
{
	struct fake_session *f;

	assert_true(nfake_sessions < FAKE_SESSIONS);
	f = &fake_sessions[nfake_sessions++];

	*f = (struct fake_session){.id = id,
		.user = user,
		.seat = seat,
		.class = "user",
		.type = "wayland",
		.state = "active",
		.is_active = 1};
	(void)snprintf(f->path, sizeof(f->path), ROOT "/session/_3%s", id);
	return f;
}

void
logind_emit(const char *path, const char *name)
{
	assert_true(sd_bus_emit_signal(bus, path,
			"org.freedesktop.DBus.Properties", "PropertiesChanged",
			"sa{sv}as", SESSION, 1, name, "b", 1, 0) >= 0);
	assert_true(sd_bus_flush(bus) >= 0);
}

void
logind_open(const char *address)
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

void
logind_close(void)
{
	if (bus != NULL) {
		sd_bus_flush_close_unref(bus);
	}
	bus = NULL;
}

int
logind_fd(void)
{
	return bus != NULL ? sd_bus_get_fd(bus) : -1;
}

void
logind_turn(void)
{
	while (bus != NULL && sd_bus_process(bus, NULL) > 0) {
	}
}

/* ------------------------------------------------------------------------ */
/* Its bus                                                                  */

static void
write_config(const char *path, const char *listen)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fprintf(f,
	    "<busconfig><type>session</type><listen>unix:path=%s</listen>"
	    "<auth>EXTERNAL</auth><policy context='default'>"
	    "<allow user='*'/><allow own='*'/><allow send_type='method_call'/>"
	    "<allow send_type='signal'/><allow eavesdrop='true'/>"
	    "<allow send_destination='*'/><allow receive_sender='*'/>"
	    "</policy></busconfig>\n", listen) > 0);
	assert_int_equal(fclose(f), 0);
}

/* Its socket is there before it listens. */
static int
is_listening(const char *path)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), r;

	assert_true(fd != -1 && strlen(path) < sizeof(at.sun_path));
	memcpy(at.sun_path, path, strlen(path) + 1);
	r = connect(fd, (struct sockaddr *)&at, sizeof(at));
	(void)close(fd);
	return r == 0;
}

pid_t
logind_bus_start(const char *config, const char *path)
{
	uint64_t until = clock_mono() + PATIENCE;
	char option[160];
	pid_t pid;

	(void)snprintf(option, sizeof(option), "--config-file=%s", config);
	write_config(config, path);
	pid = fork();
	if (pid == 0) {
		(void)execlp("dbus-daemon", "dbus-daemon", option, "--nofork",
		    "--nosyslog", (char *)NULL);
		_exit(127);
	}
	while (!is_listening(path)) {
		if (waitpid(pid, NULL, WNOHANG) != 0 || clock_mono() > until) {
			(void)fprintf(stderr, "dbus-daemon does not run; "
					      "install package dbus-daemon\n");
			return -1;
		}
		(void)usleep(10000);
	}
	return pid;
}
