/*
 * The tunnel's pump between two sockets: every byte arrives, in order, both ways
 * at once, however slowly the other side reads; and what was said before the end
 * is delivered.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "vhci-glue/relay_tunnel.h"

#define AMOUNT (3u * 1024u * 1024u)

/* The two outer ends, and the process between them. */
static int gateway = -1, client = -1;
static pid_t pump;

static int
start(void **state)
{
	int up[2], down[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, up), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, down), 0);
	pump = fork();
	if (pump == 0) {
		struct stream *s = stream_plain_new(up[1]);
		int r;

		close(up[0]);
		close(down[0]);
		r = relay_tunnel_run(s, down[1]);
		stream_free(s);
		_exit(r == ERR_CLOSED ? 0 : 1);
	}
	close(up[1]);
	close(down[1]);
	gateway = up[0];
	client = down[0];
	assert_int_equal(fcntl(gateway, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(fcntl(client, F_SETFL, O_NONBLOCK), 0);
	return 0;
}

static void
expect_end(void)
{
	int status = -1;

	assert_int_equal(waitpid(pump, &status, 0), pump);
	assert_int_equal(status, 0);
}

static int
stop(void **state)
{
	(void)state;
	close_fd(&gateway);
	close_fd(&client);
	return 0;
}

/* The byte at a place in one direction's flow. */
static uint8_t
byte_at(size_t at, unsigned which)
{
	return (uint8_t)(at * 31 + (at >> 9) + which * 101);
}

static void
put(int fd, size_t *at, unsigned which)
{
	uint8_t buf[5000];
	size_t len = AMOUNT - *at < sizeof(buf) ? AMOUNT - *at : sizeof(buf);
	ssize_t n;

	for (size_t i = 0; i < len; i++) {
		buf[i] = byte_at(*at + i, which);
	}
	n = len > 0 ? send(fd, buf, len, MSG_NOSIGNAL) : 0;
	if (n > 0) {
		*at += (size_t)n;
	}
}

static void
get(int fd, size_t *at, unsigned which, size_t most)
{
	uint8_t buf[8192];
	ssize_t n = recv(fd, buf, most < sizeof(buf) ? most : sizeof(buf), 0);

	for (ssize_t i = 0; i < n; i++) {
		assert_int_equal(buf[i], byte_at(*at + (size_t)i, which));
	}
	if (n > 0) {
		*at += (size_t)n;
	}
}

static void
test_both_ways(void **state)
{
	size_t up = 0, up_got = 0, down = 0, down_got = 0;

	(void)state;
	while (up_got < AMOUNT || down_got < AMOUNT) {
		struct pollfd p[2] = {{.fd = gateway, .events = POLLIN},
		    {.fd = client, .events = POLLIN}};

		put(client, &up, 1);
		put(gateway, &down, 2);
		assert_true(poll(p, 2, 5000) > 0);
		get(gateway, &up_got, 1, 8192);
		/* this one reads slowly */
		get(client, &down_got, 2, down_got < 100000 ? 100 : 8192);
	}
	close_fd(&client);
	expect_end();
	assert_int_equal(read(gateway, &up, 1), 0);
}

/* The gateway answers and closes at once: the answer arrives. */
static void
test_last_words(void **state)
{
	char buf[16];
	struct pollfd p = {.fd = client, .events = POLLIN};

	(void)state;
	assert_int_equal(send(gateway, "answer", 6, 0), 6);
	close_fd(&gateway);
	assert_int_equal(poll(&p, 1, 5000), 1);
	assert_int_equal(recv(client, buf, sizeof(buf), 0), 6);
	assert_memory_equal(buf, "answer", 6);
	expect_end();
	assert_int_equal(recv(client, buf, sizeof(buf), 0), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_both_ways, start, stop),
		cmocka_unit_test_setup_teardown(test_last_words, start, stop),
	};

	return cmocka_run_group_tests_name("relay_tunnel", tests, NULL, NULL);
}
