/*
 * Whose socket it is: asked of this machine's kernel about sockets of our own,
 * and answers that no kernel should give.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "vhci-glue/owner.h"

static int listener = -1, client = -1, server = -1;

static int
connect_them(void **state)
{
	struct sockaddr_in here = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(here);

	(void)state;
	listener = socket(AF_INET, SOCK_STREAM, 0);
	client = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&here, sizeof(here)) == -1 ||
	    listen(listener, 1) == -1 ||
	    getsockname(listener, (struct sockaddr *)&here, &len) == -1 ||
	    connect(client, (struct sockaddr *)&here, sizeof(here)) == -1) {
		return -1;
	}
	server = accept(listener, NULL, NULL);
	return server == -1 ? -1 : 0;
}

static int
close_them(void **state)
{
	(void)state;
	close_fd(&client);
	close_fd(&server);
	close_fd(&listener);
	return 0;
}

static void
test_ours(void **state)
{
	uid_t uid = (uid_t)-1;
	int r = owner_of(server, &uid);

	(void)state;
	if (r == ERR_SYS) {
		skip(); /* a sandbox without sock_diag */
	}
	assert_int_equal(r, 0);
	assert_int_equal(uid, geteuid());
}

/* A socket that is closed is user 0's, says the kernel: it must not count. */
static void
test_closed(void **state)
{
	uid_t uid = (uid_t)-1;
	int r = owner_of(server, &uid);

	(void)state;
	if (r == ERR_SYS) {
		skip();
	}
	close_fd(&client);
	assert_int_equal(owner_of(server, &uid), ERR_NOENT);
	close_fd(&server);
	assert_int_equal(owner_of(listener, &uid), ERR_SYS);
}

static void
test_not_tcp(void **state)
{
	int fds[2];
	uid_t uid;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(owner_of(fds[0], &uid), ERR_FORMAT);
	close(fds[0]);
	close(fds[1]);
}

struct answer {
	struct nlmsghdr head;
	struct inet_diag_msg msg;
};

static void
test_answers(void **state)
{
	struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = 1000};
	struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = 3240};
	struct answer a, good;
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
	} e;
	uid_t uid = 77;

	(void)state;
	peer.sin_addr.s_addr = here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	memset(&good, 0, sizeof(good));
	good.head.nlmsg_len = sizeof(good);
	good.head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
	good.msg.idiag_family = AF_INET;
	good.msg.idiag_state = 1;
	good.msg.idiag_uid = 1234;
	good.msg.idiag_inode = 99;
	good.msg.id.idiag_sport = 1000;
	good.msg.id.idiag_dport = 3240;
	good.msg.id.idiag_src[0] = good.msg.id.idiag_dst[0] =
	    htonl(INADDR_LOOPBACK);
	assert_int_equal(
	    owner_parse(&uid, &good, sizeof(good), &peer, &here), 0);
	assert_int_equal(uid, 1234);
	for (size_t n = 0; n < sizeof(good); n++) {
		assert_int_equal(
		    owner_parse(&uid, &good, n, &peer, &here), ERR_FORMAT);
		a = good;
		a.head.nlmsg_len = (uint32_t)n;
		assert_int_equal(
		    owner_parse(&uid, &a, sizeof(a), &peer, &here),
		    ERR_FORMAT);
	}
	/* closing, in TIME_WAIT, or without a process */
	for (unsigned s = 0; s < 16; s++) {
		a = good;
		a.msg.idiag_state = (uint8_t)s;
		assert_int_equal(
		    owner_parse(&uid, &a, sizeof(a), &peer, &here),
		    s == 1 ? 0 : ERR_NOENT);
	}
	a = good;
	a.msg.idiag_inode = 0;
	assert_int_equal(
	    owner_parse(&uid, &a, sizeof(a), &peer, &here), ERR_NOENT);
	/* about another connection */
	a = good;
	a.msg.id.idiag_sport = 1001;
	assert_int_equal(
	    owner_parse(&uid, &a, sizeof(a), &peer, &here), ERR_FORMAT);
	a = good;
	a.msg.id.idiag_dst[0] ^= 1;
	assert_int_equal(
	    owner_parse(&uid, &a, sizeof(a), &peer, &here), ERR_FORMAT);
	/* errors */
	memset(&e, 0, sizeof(e));
	e.head.nlmsg_len = sizeof(e);
	e.head.nlmsg_type = NLMSG_ERROR;
	e.error.error = -ENOENT;
	assert_int_equal(
	    owner_parse(&uid, &e, sizeof(e), &peer, &here), ERR_NOENT);
	e.error.error = -EPERM;
	assert_int_equal(
	    owner_parse(&uid, &e, sizeof(e), &peer, &here), ERR_SYS);
	assert_int_equal(errno, EPERM);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_ours, connect_them, close_them),
		cmocka_unit_test_setup_teardown(
		    test_closed, connect_them, close_them),
		cmocka_unit_test(test_not_tcp),
		cmocka_unit_test(test_answers),
	};

	return cmocka_run_group_tests_name("owner", tests, NULL, NULL);
}
