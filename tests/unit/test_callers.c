/* proxy/warden/callers, and sessions.c at the door: one source address, or many
 * that never finish a handshake, leave room for others. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "proxy/warden/warden.h"

static struct callers callers;
static uint64_t now;

static const struct caller_bounds wide = {
	.all = 100, .unknown = 50, .same = 40, .same_unknown = 10, .rate = 5};

static int
setup(void **state)
{
	(void)state;
	memset(&callers, 0, sizeof(callers));
	now = 1000 * CLOCK_SEC;
	return 0;
}

static struct caller
caller(const char *text)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct caller c;

	if (inet_pton(AF_INET, text, &in.sin_addr) == 1) {
		caller_of(&c, (struct sockaddr *)&in);
	} else {
		assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
		caller_of(&c, (struct sockaddr *)&in6);
	}
	return c;
}

static int
is_same(const char *one, const char *other)
{
	struct caller a = caller(one), b = caller(other);

	return caller_is(&a, &b);
}

static void
what_one_source_is(void **state)
{
	const struct sockaddr_un none = {.sun_family = AF_UNIX};
	struct caller a, b = caller("0.0.0.0");

	(void)state;
	assert_true(is_same("192.0.2.1", "192.0.2.1"));
	assert_false(is_same("192.0.2.1", "192.0.2.2"));
	assert_true(is_same("192.0.2.1", "::ffff:192.0.2.1"));
	assert_true(is_same("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff::9"));
	assert_false(is_same("2001:db8:1:2::1", "2001:db8:1:3::1"));
	caller_of(&a, (const struct sockaddr *)&none);
	assert_false(caller_is(&a, &b));
}

static const char *
judge(const char *from, unsigned all, unsigned unknown, unsigned same,
    unsigned same_unknown)
{
	const struct caller_count n = {all, unknown, same, same_unknown};
	struct caller c = caller(from);

	return callers_judge(&callers, &c, &n, &wide, now);
}

static void
each_bound_has_its_word(void **state)
{
	(void)state;
	assert_null(judge("192.0.2.1", 99, 49, 39, 9));
	assert_string_equal(judge("192.0.2.1", 100, 0, 0, 0), "max-sessions");
	assert_string_equal(judge("192.0.2.1", 50, 50, 0, 0), "max-handshakes");
	assert_string_equal(
	    judge("192.0.2.1", 40, 0, 40, 0), "address-sessions");
	assert_string_equal(
	    judge("192.0.2.1", 10, 10, 10, 10), "address-handshakes");
	assert_int_equal(callers.turned_away, 4);
}

/* Calls once: whether it may come in. */
static int
calls(const char *from)
{
	return judge(from, 0, 0, 0, 0) == NULL;
}

static unsigned
calls_until_refused(const char *from)
{
	unsigned n = 0;

	while (n < 1000 && calls(from)) {
		n++;
	}
	return n;
}

static void
how_fast_one_source_may_come(void **state)
{
	(void)state;
	assert_int_equal(calls_until_refused("192.0.2.1"), 20);
	assert_int_equal(calls_until_refused("192.0.2.2"), 20);
	/* what is refused costs nothing, and time gives back */
	now += CLOCK_SEC;
	assert_int_equal(calls_until_refused("192.0.2.1"), 5);
	now += CLOCK_SEC / 10;
	assert_false(calls("192.0.2.1"));
	now += CLOCK_SEC / 10;
	assert_true(calls("192.0.2.1"));
	assert_false(calls("192.0.2.1"));
	now += 3600 * CLOCK_SEC;
	assert_int_equal(calls_until_refused("192.0.2.1"), 20);
}

/* Asking again and again does not keep anybody out for ever. */
static void
the_impatient_come_in_at_the_rate(void **state)
{
	unsigned in = 0;

	(void)state;
	calls_until_refused("192.0.2.1");
	for (int i = 0; i < 10000; i++) {
		now += CLOCK_MSEC;
		in += (unsigned)calls("192.0.2.1");
	}
	assert_in_range(in, 49, 50);
}

static void
many_sources_need_no_memory(void **state)
{
	char text[32];

	(void)state;
	calls_until_refused("198.51.100.1");
	for (unsigned i = 0; i < 4 * CALLERS_RATES; i++) {
		now += CLOCK_MSEC;
		snprintf(text, sizeof(text), "10.0.%u.%u", i / 250, i % 250);
		assert_true(calls(text));
		/* who is busy keeps his row */
		(void)calls("198.51.100.1");
	}
	assert_false(calls("198.51.100.1"));
}

static void
the_log_is_told_once_a_second(void **state)
{
	uint64_t since = 0;
	unsigned lines = 0;

	(void)state;
	assert_true(callers_tell(&callers, now, &since));
	assert_int_equal(since, 1);
	for (int i = 0; i < 999; i++) {
		now += CLOCK_MSEC;
		lines += (unsigned)callers_tell(&callers, now, &since);
	}
	assert_int_equal(lines, 0);
	now += CLOCK_MSEC;
	assert_true(callers_tell(&callers, now, &since));
	assert_int_equal(since, 1000);
}

/* ------------------------------------------------------------------------
 * At the door: real sockets, and a broker that is asked to start sessions.
 */

static int
connect_from(int listener, const char *source)
{
	struct sockaddr_in at, us = {.sin_family = AF_INET};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(inet_pton(AF_INET, source, &us.sin_addr), 1);
	assert_int_equal(
	    getsockname(listener, (struct sockaddr *)&at, &len), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&us, sizeof(us)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, len), 0);
	return fd;
}

/* Whether the broker was asked to start a session for it. */
static int
is_let_in(struct warden *w, int broker, int listener, const char *source)
{
	static uint8_t buf[CHANNEL_HEADER + CHANNEL_MAX];
	int fd = connect_from(listener, source);
	int their = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	struct channel_msg msg;
	int r;

	assert_true(their != -1);
	session_accept(w, their);
	r = channel_recv(broker, buf, sizeof(buf), &msg);
	if (r == 0) {
		assert_int_equal(msg.type, IPC_SPAWN);
		close_fd(&msg.fd);
	} else {
		char c;

		/* and the caller sees the end at once */
		assert_int_equal(recv(fd, &c, 1, 0), 0);
	}
	close(fd);
	return r == 0;
}

static void
strangers_leave_room(void **state)
{
	static struct warden w;
	struct sockaddr_in any = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), pair[2];
	const struct net_liveness live = NET_LIVENESS_DEFAULT;
	struct session *s, *next;
	unsigned in = 0;

	(void)state;
	assert_int_equal(
	    bind(listener, (struct sockaddr *)&any, sizeof(any)), 0);
	assert_int_equal(listen(listener, 64), 0);
	assert_int_equal(channel_pair(pair), 0);
	TAILQ_INIT(&w.sessions);
	w.broker = pair[0];
	w.conf = (struct gateway_conf){.max_sessions = 64,
	    .max_handshakes = 10,
	    .address_sessions = 8,
	    .address_handshakes = 4,
	    .address_rate = 1000,
	    .live = live};
	for (int i = 0; i < 20; i++) {
		in += (unsigned)is_let_in(&w, pair[1], listener, "127.0.0.1");
	}
	assert_int_equal(in, 4);
	assert_true(is_let_in(&w, pair[1], listener, "127.0.0.2"));
	/* those who are known take none of these places */
	TAILQ_FOREACH (s, &w.sessions, entry) {
		s->is_identified = 1;
	}
	in = 0;
	for (int i = 0; i < 20; i++) {
		in += (unsigned)is_let_in(&w, pair[1], listener, "127.0.0.1");
	}
	assert_int_equal(in, 4);
	TAILQ_FOREACH (s, &w.sessions, entry) {
		s->is_identified = 1;
	}
	/* eight of one address, whoever they are */
	assert_false(is_let_in(&w, pair[1], listener, "127.0.0.1"));
	/* many addresses: ten strangers in all */
	in = 0;
	for (int i = 0; i < 20; i++) {
		char source[16];

		snprintf(source, sizeof(source), "127.0.1.%u",
		    (unsigned)i % 256);
		in += (unsigned)is_let_in(&w, pair[1], listener, source);
	}
	assert_int_equal(in, 10);
	assert_int_equal(w.callers.turned_away, 16 + 16 + 1 + 10);
	for (s = TAILQ_FIRST(&w.sessions); s != NULL; s = next) {
		next = TAILQ_NEXT(s, entry);
		close_fd(&s->peer_fd);
		free(s);
	}
	close(listener);
	close_fd(&pair[0]);
	close_fd(&pair[1]);
}

#define T(f) cmocka_unit_test_setup(f, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_one_source_is),
		T(each_bound_has_its_word),
		T(how_fast_one_source_may_come),
		T(the_impatient_come_in_at_the_rate),
		T(many_sources_need_no_memory),
		T(the_log_is_told_once_a_second),
		T(strangers_leave_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
