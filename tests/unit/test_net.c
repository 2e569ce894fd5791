/* base/net: listening, connecting, tuning, over loopback. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/net.h"

static char why[256];

static uint16_t
port_of(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct sockaddr_in6 in6;

	assert_int_equal(getsockname(fd, (struct sockaddr *)&ss, &len), 0);
	/* the port sits in the same place in both families */
	memcpy(&in6, &ss, sizeof(in6));
	return ntohs(in6.sin6_port);
}

static int
option(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
	return value;
}

static void
test_connect(void **state)
{
	char name[64], want[64];
	int lis, fd, peer;
	uint16_t port;

	(void)state;
	assert_int_equal(net_listen("127.0.0.1", 0, &lis, why, sizeof(why)), 0);
	assert_true(fcntl(lis, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(lis, F_GETFL) & O_NONBLOCK);
	port = port_of(lis);
	assert_int_equal(net_connect("127.0.0.1", port, 2000,
			     &net_liveness_default, &fd, why, sizeof(why)),
	    0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_int_equal(option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
	assert_int_equal(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
	assert_int_equal(option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 2);
	assert_int_equal(option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 2);
	assert_int_equal(option(fd, IPPROTO_TCP, TCP_KEEPCNT), 2);
	assert_int_equal(option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 6000);
	snprintf(want, sizeof(want), "127.0.0.1:%u", port);
	assert_string_equal(net_peer_name(name, sizeof(name), fd), want);
	peer = accept4(lis, NULL, NULL, SOCK_CLOEXEC);
	assert_true(peer >= 0);
	close(peer);
	close(fd);
	close(lis);
	/* nobody listens there any more */
	assert_int_equal(net_connect("127.0.0.1", port, 2000,
			     &net_liveness_default, &fd, why, sizeof(why)),
	    ERR_SYS);
	assert_int_equal(errno, ECONNREFUSED);
	snprintf(want, sizeof(want), "connect: 127.0.0.1:%u: Connection", port);
	assert_memory_equal(why, want, strlen(want));
}

static void
test_any_address(void **state)
{
	char name[64];
	int lis, lis2, fd, peer;
	uint16_t port;

	(void)state;
	assert_int_equal(net_listen(NULL, 0, &lis, why, sizeof(why)), 0);
	port = port_of(lis);
	assert_int_equal(net_connect("127.0.0.1", port, 2000,
			     &net_liveness_default, &fd, why, sizeof(why)),
	    0);
	peer = accept4(lis, NULL, NULL, SOCK_CLOEXEC);
	/* an IPv4 peer of an IPv6 socket is shown as what it is */
	assert_memory_equal(
	    net_peer_name(name, sizeof(name), peer), "127.0.0.1:", 10);
	/* the port is taken */
	assert_int_equal(
	    net_listen("", port, &lis2, why, sizeof(why)), ERR_SYS);
	assert_int_equal(errno, EADDRINUSE);
	assert_memory_equal(why, "listen: *:", 10);
	close(peer);
	close(fd);
	close(lis);
}

static void
test_no_such_name(void **state)
{
	int fd;

	(void)state;
	assert_int_equal(net_connect("no such name", 1, 1000,
			     &net_liveness_default, &fd, why, sizeof(why)),
	    ERR_NOENT);
	assert_memory_equal(why, "resolve: no such name: ", 23);
	assert_int_equal(
	    net_listen("no such name", 1, &fd, why, sizeof(why)), ERR_NOENT);
}

static void
test_timeout(void **state)
{
	struct sockaddr_in in = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int lis = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uint64_t start = clock_mono();
	int fd[8], i, r = 0;

	(void)state;
	/* a full backlog drops connects in silence */
	assert_int_equal(bind(lis, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(listen(lis, 0), 0);
	for (i = 0; i < 8 && r == 0; i++) {
		r = net_connect("127.0.0.1", port_of(lis), 100,
		    &net_liveness_default, &fd[i], why, sizeof(why));
	}
	assert_int_equal(r, ERR_TIMEOUT);
	assert_non_null(strstr(why, "no answer in time"));
	assert_true(clock_mono() - start < 2 * CLOCK_SEC);
	for (i -= 2; i >= 0; i--) {
		close(fd[i]);
	}
	close(lis);
}

static void
test_other_sockets(void **state)
{
	char name[64];
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(net_tune(fds[0], &net_liveness_default), 0);
	assert_string_equal(net_peer_name(name, sizeof(name), fds[0]), "unix");
	close(fds[0]);
	close(fds[1]);
	assert_string_equal(net_peer_name(name, sizeof(name), -1), "unknown");
	assert_int_equal(net_tune(-1, &net_liveness_default), ERR_SYS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_connect),
	    cmocka_unit_test(test_any_address),
	    cmocka_unit_test(test_no_such_name),
	    cmocka_unit_test(test_timeout),
	    cmocka_unit_test(test_other_sockets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
