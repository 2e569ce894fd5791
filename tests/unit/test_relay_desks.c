/*
 * vhci-glue/relay_events: what the relay's parent says of desktops reaches the
 * gateway as lines of the protocol, whole and in order, also when the gateway is
 * slow to read; what is out of turn ends the relay.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/channel.h"
#include "base/mem.h"
#include "base/stream.h"
#include "base/tls.h"
#include "vhci-glue/relay_events.h"
#include "vhci-glue/remote.h"

static pid_t relay;
static int parent, gateway;
static char got[512 * 1024];

/* remote.c is about connections; this one is there. */
int
remote_say(struct ipc_relay_done *done, int exit_code, const char *fmt, ...)
{
	(void)fmt;
	done->exit_code = (uint8_t)exit_code;
	return -1;
}

const char *
tls_error(const struct stream *s)
{
	(void)s;
	return "";
}

static int
start(void **state)
{
	struct ipc_relay_done done = {0};
	int fds[2], pair[2], size = 4096;

	(void)state;
	if (channel_pair(fds) != 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) != 0 ||
	    setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size))) {
		return -1;
	}
	relay = fork();
	if (relay == 0) {
		close_fd(&fds[0]);
		close_fd(&pair[1]);
		_exit(relay_events_run(
			  stream_plain_new(pair[0]), fds[1], &done) == 0
			? 0
			: 10 + done.exit_code);
	}
	close_fd(&fds[1]);
	close_fd(&pair[0]);
	parent = fds[0];
	gateway = pair[1];
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	close_fd(&parent);
	close_fd(&gateway);
	return 0;
}

static int
ended(void)
{
	int status;

	assert_int_equal(waitpid(relay, &status, 0), relay);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
say(const struct ipc_desk *desk)
{
	uint8_t buf[512];
	int n = ipc_encode_desk(buf, sizeof(buf), desk);

	assert_true(n > 0);
	assert_int_equal(channel_send_wait(parent, IPC_RELAY_DESK, 0, buf,
			     (size_t)n, -1, 10000),
	    0);
}

/* Reads until so many lines are there; heartbeats are left out. */
static void
read_lines(unsigned n)
{
	size_t used = 0, begin = 0;

	while (n > 0) {
		struct pollfd p = {.fd = gateway, .events = POLLIN};
		ssize_t r;

		assert_int_equal(poll(&p, 1, 20000), 1);
		r = read(gateway, got + used, 1);
		assert_int_equal(r, 1);
		if (got[used++] != '\n') {
			continue;
		}
		got[used] = '\0';
		if (strstr(got + begin, "heartbeat") != NULL) {
			used = begin;
			continue;
		}
		begin = used;
		n--;
	}
}

static void
a_desktop_becomes_a_line(void **state)
{
	static const struct ipc_desk alice = {
		IPC_DESK_UNLOCKED, "seat0", "alice"};
	static const struct ipc_desk bob = {
		IPC_DESK_LOCKED, "session-c2", "CORP\\b\"ob"};
	static const struct ipc_desk gone = {IPC_DESK_UNKNOWN, "seat0", ""};
	static const struct ipc_desk whole = {IPC_DESK_LOCKED, "", ""};

	(void)state;
	say(&alice);
	say(&bob);
	say(&gone);
	say(&whole);
	read_lines(5);
	assert_non_null(strstr(got, "{\"type\":\"hello\",\"protocol\":1,"));
	assert_non_null(strstr(got,
	    "}\n{\"type\":\"session\",\"state\":\"unlocked\","
	    "\"seat\":\"seat0\",\"user\":\"alice\"}\n"
	    "{\"type\":\"session\",\"state\":\"locked\","
	    "\"seat\":\"session-c2\",\"user\":\"CORP\\\\b\\\"ob\"}\n"
	    "{\"type\":\"session\",\"state\":\"unknown\",\"seat\":\"seat0\"}\n"
	    "{\"type\":\"session\",\"state\":\"locked\"}\n"));
	close_fd(&parent);
	assert_int_equal(ended(), 0);
}

/* All that there can be at once, of the longest names, to a gateway that reads
 * only then. */
static void
a_slow_gateway_gets_them_whole(void **state)
{
	struct ipc_desk desk = {.lock = IPC_DESK_LOCKED};
	unsigned found = 0;

	(void)state;
	memset(desk.seat, 's', sizeof(desk.seat) - 1);
	memset(desk.user, '"', sizeof(desk.user) - 1);
	for (unsigned i = 0; i < IPC_DESKS; i++) {
		desk.seat[0] = (char)('0' + i);
		say(&desk);
	}
	read_lines(1 + IPC_DESKS);
	for (unsigned i = 0; i < IPC_DESKS; i++) {
		char seat[24];

		(void)snprintf(
		    seat, sizeof(seat), "\"seat\":\"%css", (int)('0' + i));
		found += strstr(got, seat) != NULL;
	}
	assert_int_equal(found, IPC_DESKS);
	close_fd(&parent);
	assert_int_equal(ended(), 0);
}

/* Other messages are none that a parent sends. */
static void
out_of_turn_is_the_end(void **state)
{
	(void)state;
	assert_int_equal(channel_send_wait(parent, IPC_RELAY_LINE, 0, "x", 1,
			     -1, 10000),
	    0);
	assert_int_equal(ended(), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_desktop_becomes_a_line),
		TEST(a_slow_gateway_gets_them_whole),
		TEST(out_of_turn_is_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
