/* vhci-glue/link: a connection of a process of its own, over loopback. */
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "vhci-glue/link.h"

#define BYTES 100000

/* Holds on to fd, which nobody else has then, until it is killed. */
static pid_t
holder(int fd, int others)
{
	pid_t pid = fork();

	if (pid == 0) {
		char buf[4096];
		size_t n = 0;

		(void)close(others);
		while (n < BYTES) {
			ssize_t r = read(fd, buf, sizeof(buf));

			if (r <= 0) {
				_exit(1);
			}
			n += (size_t)r;
		}
		if (write(fd, "thanks", 6) == 6) {
			pause();
		}
		_exit(0);
	}
	(void)close(fd);
	return pid;
}

static void
connect_pair(int family, int *one, int *other)
{
	struct sockaddr_storage at = {.ss_family = (sa_family_t)family};
	socklen_t len = family == AF_INET ? sizeof(struct sockaddr_in)
					  : sizeof(struct sockaddr_in6);
	int l = socket(family, SOCK_STREAM, 0);

	if (family == AF_INET) {
		((struct sockaddr_in *)&at)->sin_addr.s_addr =
		    htonl(INADDR_LOOPBACK);
	} else {
		((struct sockaddr_in6 *)&at)->sin6_addr = in6addr_loopback;
	}
	*one = *other = -1;
	if (l == -1 || bind(l, (struct sockaddr *)&at, len) == -1 ||
	    listen(l, 1) == -1 ||
	    getsockname(l, (struct sockaddr *)&at, &len) == -1) {
		(void)close(l);
		return;
	}
	*one = socket(family, SOCK_STREAM, 0);
	assert_int_equal(connect(*one, (struct sockaddr *)&at, len), 0);
	*other = accept(l, NULL, NULL);
	assert_int_not_equal(*other, -1);
	(void)close(l);
}

static void
counted(int family)
{
	static char bytes[BYTES];
	struct link_counts counts;
	char word[8];
	int mine, its, r;
	pid_t pid;

	connect_pair(family, &mine, &its);
	if (mine == -1) {
		skip(); /* no loopback of that family here */
	}
	pid = holder(its, mine);
	assert_int_equal(write(mine, bytes, BYTES), BYTES);
	assert_int_equal(read(mine, word, sizeof(word)), 6);
	r = link_look(&counts, pid);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	(void)close(mine);
	if (r == ERR_SYS) {
		skip(); /* a kernel without sock_diag for TCP */
	}
	assert_int_equal(r, 0);
	assert_int_equal(counts.in, BYTES);
	assert_in_range(counts.out, 0, 7); /* the last may be on its way */
	assert_in_range(counts.rtt, 1, 60 * 1000 * 1000);
	assert_true(counts.at > 0 && counts.at <= clock_mono());
	assert_int_equal(link_look(&counts, pid), ERR_NOENT);
}

static void
test_v4(void **state)
{
	(void)state;
	counted(AF_INET);
}

static void
test_v6(void **state)
{
	(void)state;
	counted(AF_INET6);
}

static void
test_none(void **state)
{
	struct link_counts counts;
	int fds[2], r;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	r = link_look(&counts, getpid());
	assert_true(r == ERR_NOENT || r == ERR_SYS);
	(void)close(fds[0]);
	(void)close(fds[1]);
	if (geteuid() != 0) {
		assert_int_equal(link_look(&counts, 1), ERR_POLICY);
	}
}

static void
test_rates(void **state)
{
	(void)state;
	assert_int_equal(link_rate(0, 1000, CLOCK_SEC), 1000);
	assert_int_equal(link_rate(500, 1000, CLOCK_SEC / 2), 1000);
	assert_int_equal(link_rate(0, 1000, 0), 0);
	assert_int_equal(link_rate(7, 7, 1), 0);
	assert_int_equal(link_rate(8, 7, 1), 0); /* another connection */
	assert_int_equal(link_rate(0, UINT64_C(1) << 40, CLOCK_SEC),
	    UINT64_C(1) << 40);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_v4),
	    cmocka_unit_test(test_v6),
	    cmocka_unit_test(test_none),
	    cmocka_unit_test(test_rates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
