/*
 * sallyport-notify between an agent that this file plays and a desktop that it
 * plays, too: org.freedesktop.Notifications on a bus of our own.
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
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "tests/fake/logind.h"

#define SERVER "org.freedesktop.Notifications"
#define ROOT "/org/freedesktop/Notifications"
#define PATIENCE (20 * CLOCK_SEC)
#define HELLO "{\"event\":\"hello\"}\n"

struct notification {
	char summary[256], body[4096], app[32];
	uint32_t replaces;
	uint8_t urgency;
	int32_t ms;
};

static char dir[] = "/tmp/test_notify.XXXXXX";
static char address[160], agent_path[64];
static pid_t daemon_pid = -1, child = -1;
static sd_bus *bus;
static int listener = -1, fd = -1, has_markup;
static struct notification shown[64];
static size_t nshown;

/* ------------------------------------------------------------------------ */
/* The desktop                                                              */

static int
capabilities(sd_bus_message *m, void *arg, sd_bus_error *error)
{
	(void)arg;
	(void)error;
	return has_markup ? sd_bus_reply_method_return(
				m, "as", 2, "body", "body-markup")
			  : sd_bus_reply_method_return(m, "as", 1, "body");
}

static int
notify(sd_bus_message *m, void *arg, sd_bus_error *error)
{
	struct notification *n = &shown[nshown];
	const char *app, *icon, *summary, *body, *key;

	(void)arg;
	(void)error;
	assert_true(nshown < sizeof(shown) / sizeof(shown[0]));
	assert_true(sd_bus_message_read(m, "susss", &app, &n->replaces, &icon,
			&summary, &body) > 0);
	(void)snprintf(n->app, sizeof(n->app), "%s", app);
	(void)snprintf(n->summary, sizeof(n->summary), "%s", summary);
	(void)snprintf(n->body, sizeof(n->body), "%s", body);
	assert_true(sd_bus_message_skip(m, "as") >= 0);
	assert_true(sd_bus_message_enter_container(m, 'a', "{sv}") > 0);
	while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
		assert_true(sd_bus_message_read(m, "s", &key) > 0);
		if (strcmp(key, "urgency") == 0) {
			assert_true(sd_bus_message_read(
					m, "v", "y", &n->urgency) > 0);
		} else {
			assert_true(sd_bus_message_skip(m, "v") >= 0);
		}
		assert_true(sd_bus_message_exit_container(m) >= 0);
	}
	assert_true(sd_bus_message_exit_container(m) >= 0);
	assert_true(sd_bus_message_read(m, "i", &n->ms) > 0);
	nshown++;
	return sd_bus_reply_method_return(m, "u",
	    n->replaces != 0 ? n->replaces : 100 + (uint32_t)nshown);
}

static const sd_bus_vtable desktop[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("GetCapabilities", NULL, "as", capabilities,
	    SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("Notify", "susssasa{sv}i", "u", notify,
	    SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};

static void
start_desktop(void)
{
	assert_true(sd_bus_new(&bus) >= 0);
	assert_true(sd_bus_set_address(bus, address) >= 0);
	assert_true(sd_bus_set_bus_client(bus, 1) >= 0);
	assert_true(sd_bus_start(bus) >= 0);
	assert_true(sd_bus_add_object_vtable(
			bus, NULL, ROOT, SERVER, desktop, NULL) >= 0);
	assert_true(sd_bus_request_name(bus, SERVER, 0) >= 0);
}

static void
stop_desktop(void)
{
	sd_bus_flush_close_unref(bus);
	bus = NULL;
}

/* Until n are shown. */
static void
run_until(size_t n)
{
	uint64_t until = clock_mono() + PATIENCE;

	while (nshown < n) {
		struct pollfd p = {
			.fd = sd_bus_get_fd(bus), .events = POLLIN};

		assert_true(clock_mono() < until);
		while (sd_bus_process(bus, NULL) > 0) {
		}
		(void)poll(&p, 1, 20);
	}
}

/* ------------------------------------------------------------------------ */
/* The agent                                                                */

static void
tell(const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL),
	    (ssize_t)strlen(text));
}

static void
let_in(void)
{
	struct pollfd p = {.fd = listener, .events = POLLIN};

	assert_int_equal(poll(&p, 1, 20000), 1);
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(fd >= 0);
	tell(HELLO);
}

/* How it speaks, and where its lines go. */
static void
start(const char *how, int out)
{
	char program[4096];

	assert_non_null(
	    spawn_program(program, sizeof(program), "sallyport-notify"));
	child = fork();
	if (child == 0) {
		if (out != -1) {
			(void)dup2(out, 1);
		}
		(void)execl(program, "sallyport-notify", how, agent_path,
		    address, (char *)NULL);
		_exit(127);
	}
	let_in();
}

static int
set_up(void **state)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};

	(void)state;
	nshown = 0;
	has_markup = 0;
	memset(shown, 0, sizeof(shown));
	(void)unlink(agent_path);
	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", agent_path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	start_desktop();
	return bind(listener, (struct sockaddr *)&sun, sizeof(sun)) == -1 ||
	    listen(listener, 4) == -1;
}

static int
tear_down(void **state)
{
	(void)state;
	close_fd(&fd);
	close_fd(&listener);
	if (child > 0) {
		(void)kill(child, SIGTERM);
		(void)waitpid(child, NULL, 0);
		child = -1;
	}
	if (bus != NULL) {
		stop_desktop();
	}
	return 0;
}

/* ------------------------------------------------------------------------ */

static void
what_is_shown(void **state)
{
	(void)state;
	start("--bus", -1);
	tell("{\"event\":\"attached\",\"gateway\":\"gw\",\"name\":\"n\","
	     "\"device\":\"Kingston (storage)\"}\n");
	tell("{\"event\":\"refused\",\"gateway\":\"gw\",\"name\":\"k\","
	     "\"text\":\"its gateway does not answer\"}\n");
	tell("{\"event\":\"approval\",\"gateway\":\"gw\",\"name\":\"p\","
	     "\"device\":\"Printer\",\"text\":\"the desk\"}\n");
	tell("{\"event\":\"message\",\"gateway\":\"gw\",\"name\":\"\","
	     "\"text\":\"rules changed\"}\n");
	run_until(4);
	assert_string_equal(shown[0].app, "Sallyport");
	assert_string_equal(shown[0].summary, "USB device attached");
	assert_string_equal(shown[0].body, "Kingston (storage)");
	assert_int_equal(shown[0].urgency, 0);
	assert_int_equal(shown[0].ms, -1);
	assert_string_equal(shown[1].summary, "USB device not attached");
	assert_string_equal(shown[1].body, "k: its gateway does not answer");
	assert_int_equal(shown[1].urgency, 1);
	assert_string_equal(
	    shown[2].summary, "USB device waits for approval");
	assert_string_equal(shown[2].body, "Printer: by the desk");
	assert_string_equal(shown[3].summary, "Message of the USB gateway");
	assert_string_equal(shown[3].body, "rules changed");
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(shown[i].replaces, 0);
	}
}

static void
a_challenge(void **state)
{
	(void)state;
	start("--bus", -1);
	tell("{\"event\":\"challenge\",\"gateway\":\"gw\",\"name\":\"k\","
	     "\"device\":\"Keys\",\"text\":\"4711\",\"within\":60}\n");
	run_until(1);
	assert_string_equal(
	    shown[0].summary, "Type 4711 on the USB keyboard");
	assert_string_equal(
	    shown[0].body, "and then Enter, within 60 seconds: Keys");
	assert_int_equal(shown[0].urgency, 2);
	assert_int_equal(shown[0].ms, 60000);
	/* what comes of it takes its place */
	tell("{\"event\":\"challenge\",\"gateway\":\"gw\",\"name\":\"k\","
	     "\"device\":\"Keys\",\"text\":\"0815\"}\n"
	     "{\"event\":\"challenge\",\"gateway\":\"other\",\"name\":\"k\","
	     "\"device\":\"Others\",\"text\":\"1\"}\n"
	     "{\"event\":\"challenge\",\"gateway\":\"gw\",\"name\":\"k\","
	     "\"device\":\"Keys\"}\n");
	run_until(4);
	assert_int_equal(shown[1].replaces, 101);
	assert_int_equal(shown[1].ms, 0);
	assert_int_equal(shown[2].replaces, 0);
	assert_int_equal(shown[3].replaces, 101);
	assert_string_equal(shown[3].summary, "USB device may be used");
	assert_string_equal(shown[3].body, "Keys");
}

/* A gateway's text is text: no link, no picture. */
static void
no_markup(void **state)
{
	static const char line[] =
	    "{\"event\":\"message\",\"gateway\":\"gw\",\"name\":\"\","
	    "\"text\":\"<a href='x'>a & b</a>\"}\n";

	(void)state;
	start("--bus", -1);
	tell(line);
	run_until(1);
	assert_string_equal(shown[0].body, "<a href='x'>a & b</a>");
	has_markup = 1;
	tell(line);
	run_until(2);
	assert_string_equal(
	    shown[1].body, "&lt;a href='x'&gt;a &amp; b&lt;/a&gt;");
}

/* Of too many the first, and then no more than one in a second. */
static void
a_flood(void **state)
{
	static char lines[200 * 64];
	uint64_t until = clock_mono() + PATIENCE;
	size_t used = 0;
	char end;

	(void)state;
	start("--bus", -1);
	for (unsigned i = 0; i < 200; i++) {
		int n = snprintf(lines + used, sizeof(lines) - used,
		    "{\"event\":\"message\",\"gateway\":\"g\","
		    "\"name\":\"%u\",\"text\":\"x\"}\n", i);

		assert_true(n > 0 && used + (size_t)n < sizeof(lines));
		used += (size_t)n;
	}
	tell(lines);
	run_until(16);
	assert_string_equal(shown[15].body, "15: x");
	/* it has read all of it when it leaves */
	(void)shutdown(fd, SHUT_WR);
	while (recv(fd, &end, 1, MSG_DONTWAIT) != 0) {
		assert_true(clock_mono() < until);
		while (sd_bus_process(bus, NULL) > 0) {
		}
		(void)usleep(5000);
	}
	assert_true(nshown < 16 + 20);
}

/* Lines that are none, or of a later agent, harm nobody. */
static void
odd_lines(void **state)
{
	(void)state;
	start("--bus", -1);
	tell("\n[]\nno json\n{\"event\":7}\n{\"event\":\"new\"}\n"
	     "{\"event\":\"challenge\",\"within\":-1,\"text\":[]}\n");
	run_until(1);
	assert_string_equal(shown[0].summary, "USB device may be used");
	assert_string_equal(shown[0].body, "");
}

/* Without a desktop nothing is shown; with one again it is. The agent may be
 * another one meanwhile. */
static void
who_comes_and_goes(void **state)
{
	static const char line[] =
	    "{\"event\":\"attached\",\"gateway\":\"g\",\"name\":\"n\"}\n";

	(void)state;
	start("--bus", -1);
	stop_desktop();
	tell(line);
	close_fd(&fd);
	let_in();
	start_desktop();
	tell(line);
	run_until(1);
	assert_string_equal(shown[0].body, "n");
}

static void
as_lines(void **state)
{
	static const char line[] =
	    "{\"event\":\"attached\",\"gateway\":\"g\",\"name\":\"n\"}\n";
	char buf[256] = "";
	size_t used = 0;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(fcntl(fds[0], F_SETFD, FD_CLOEXEC), 0);
	start("--json", fds[1]);
	close_fd(&fds[1]);
	tell(line);
	while (used < strlen(HELLO) + strlen(line)) {
		ssize_t n = read(fds[0], buf + used, sizeof(buf) - used - 1);

		assert_true(n > 0);
		used += (size_t)n;
	}
	assert_memory_equal(buf + strlen(HELLO), line, strlen(line));
	close_fd(&fds[0]);
	assert_int_equal(nshown, 0);
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
	(void)snprintf(agent_path, sizeof(agent_path), "%s/agent", dir);
	(void)snprintf(address, sizeof(address), "unix:path=%s", path);
	daemon_pid = logind_bus_start(config, path);
	return daemon_pid == -1 ? -1 : setenv("SALLYPORT_LIBEXEC", self, 1);
}

static int
stop_bus(void **state)
{
	static const char *const files[] = {"conf", "bus", "agent"};
	char path[128];

	(void)state;
	if (daemon_pid > 0) {
		(void)kill(daemon_pid, SIGTERM);
		(void)waitpid(daemon_pid, NULL, 0);
	}
	for (size_t i = 0; i < 3; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		(void)unlink(path);
	}
	return rmdir(dir);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_shown),
		TEST(a_challenge),
		TEST(no_markup),
		TEST(a_flood),
		TEST(odd_lines),
		TEST(who_comes_and_goes),
		TEST(as_lines),
	};

	return cmocka_run_group_tests(tests, start_bus, stop_bus);
}
