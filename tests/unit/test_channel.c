/* base/channel: framed messages and descriptors between our processes. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/channel.h"
#include "base/clock.h"
#include "base/err.h"

static uint8_t buf[CHANNEL_HEADER + CHANNEL_MAX];
static uint8_t big[CHANNEL_MAX + 1];

static int
count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(d) != NULL) {
		n++;
	}
	closedir(d);
	return n;
}

static int
setup(void **state)
{
	int *fds = calloc(2, sizeof(int));

	if (fds == NULL || channel_pair(fds) != 0) {
		return -1;
	}
	*state = fds;
	return 0;
}

static int
teardown(void **state)
{
	int *fds = *state;

	close(fds[0]);
	close(fds[1]);
	free(fds);
	return 0;
}

static void
test_there_and_back(void **state)
{
	int *fds = *state;
	struct channel_msg m;

	assert_true(fcntl(fds[0], F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(fds[1], F_GETFL) & O_NONBLOCK);
	assert_int_equal(channel_recv(fds[1], buf, sizeof(buf), &m), ERR_AGAIN);
	assert_int_equal(
	    channel_send(fds[0], 0xabcd, 0x12345678, "hello", 5, -1), 0);
	assert_int_equal(channel_send(fds[0], 2, 3, NULL, 0, -1), 0);
	assert_int_equal(channel_recv(fds[1], buf, sizeof(buf), &m), 0);
	assert_int_equal(m.type, 0xabcd);
	assert_int_equal(m.id, 0x12345678);
	assert_int_equal(m.len, 5);
	assert_memory_equal(m.data, "hello", 5);
	assert_int_equal(m.fd, -1);
	assert_int_equal(channel_recv(fds[1], buf, sizeof(buf), &m), 0);
	assert_int_equal(m.type, 2);
	assert_int_equal(m.len, 0);
}

static void
test_two_of_the_largest_queue(void **state)
{
	int *fds = *state;
	struct channel_msg m;
	int i, n = 0;

	memset(big, 0x5a, sizeof(big));
	assert_int_equal(
	    channel_send(fds[0], 1, 1, big, sizeof(big), -1), ERR_LIMIT);
	while (channel_send(fds[0], 1, 1, big, CHANNEL_MAX, -1) == 0) {
		n++;
		assert_true(n < 100);
	}
	assert_true(n >= 2);
	assert_int_equal(
	    channel_send(fds[0], 1, 1, big, CHANNEL_MAX, -1), ERR_AGAIN);
	assert_int_equal(
	    channel_send_wait(fds[0], 1, 1, big, CHANNEL_MAX, -1, 20),
	    ERR_TIMEOUT);
	for (i = 0; i < n; i++) {
		assert_int_equal(channel_recv(fds[1], buf, sizeof(buf), &m), 0);
		assert_int_equal(m.len, CHANNEL_MAX);
		assert_memory_equal(m.data, big, CHANNEL_MAX);
	}
}

static void
test_fd_travels(void **state)
{
	int *fds = *state, before = count_fds(), p[2];
	struct channel_msg m;
	char c;

	assert_int_equal(pipe(p), 0);
	assert_int_equal(channel_send(fds[0], 1, 1, "x", 1, p[0]), 0);
	close(p[0]);
	assert_int_equal(channel_recv(fds[1], buf, sizeof(buf), &m), 0);
	assert_true(m.fd >= 0);
	assert_true(fcntl(m.fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(write(p[1], "z", 1), 1);
	assert_int_equal(read(m.fd, &c, 1), 1);
	assert_int_equal(c, 'z');
	close(m.fd);
	close(p[1]);
	assert_int_equal(count_fds(), before);
}

/* Sends a raw packet with nfds copies of fd 0. */
static void
send_raw(int chan, const void *data, size_t len, unsigned nfds)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(16 * sizeof(int))];
	} control;
	struct iovec iov = {(void *)(uintptr_t)data, len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	int null[16] = {0};

	if (nfds > 0) {
		struct cmsghdr *c;

		memset(&control, 0, sizeof(control));
		msg.msg_control = control.space;
		msg.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(c), null, nfds * sizeof(int));
	}
	assert_int_equal(sendmsg(chan, &msg, 0), len);
}

static void
test_broken_packets(void **state)
{
	static const uint8_t good[] = {0, 1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1, 9};
	static const uint8_t huge[] = {
	    0, 1, 0, 0, 0, 0, 0, 2, 0xff, 0xff, 0xff, 0xff, 9};
	int *fds = *state, before = count_fds();
	uint8_t bad[sizeof(good)];
	struct channel_msg m;
	size_t len;
	unsigned n;

	/* every shorter length */
	for (len = 1; len < sizeof(good); len++) {
		send_raw(fds[0], good, len, 0);
		assert_int_equal(
		    channel_recv(fds[1], buf, sizeof(buf), &m), ERR_FORMAT);
	}
	/* a length that lies, and a reserved field in use */
	send_raw(fds[0], huge, sizeof(huge), 0);
	assert_int_equal(
	    channel_recv(fds[1], buf, sizeof(buf), &m), ERR_FORMAT);
	memcpy(bad, good, sizeof(bad));
	bad[3] = 1;
	send_raw(fds[0], bad, sizeof(bad), 1);
	assert_int_equal(
	    channel_recv(fds[1], buf, sizeof(buf), &m), ERR_FORMAT);
	/* too many descriptors: all closed */
	for (n = 2; n <= 16; n++) {
		send_raw(fds[0], good, sizeof(good), n);
		assert_int_equal(
		    channel_recv(fds[1], buf, sizeof(buf), &m), ERR_FORMAT);
	}
	/* larger than the receiver takes: its descriptor is closed, too */
	send_raw(fds[0], good, sizeof(good), 1);
	assert_int_equal(
	    channel_recv(fds[1], buf, CHANNEL_HEADER, &m), ERR_FORMAT);
	assert_int_equal(channel_recv(fds[1], buf, 4, &m), ERR_NOMEM);
	assert_int_equal(count_fds(), before);
	/* and the channel still works */
	send_raw(fds[0], good, sizeof(good), 0);
	assert_int_equal(channel_recv(fds[1], buf, sizeof(buf), &m), 0);
}

static void
test_end(void **state)
{
	int *fds = *state;
	struct channel_msg m;

	assert_int_equal(channel_send(fds[0], 7, 1, NULL, 0, -1), 0);
	close(fds[0]);
	assert_int_equal(channel_recv(fds[1], buf, sizeof(buf), &m), 0);
	assert_int_equal(m.type, 7);
	assert_int_equal(
	    channel_recv(fds[1], buf, sizeof(buf), &m), ERR_CLOSED);
	assert_int_equal(
	    channel_recv_wait(fds[1], buf, sizeof(buf), -1, &m), ERR_CLOSED);
	assert_int_equal(channel_send(fds[1], 1, 1, NULL, 0, -1), ERR_CLOSED);
	assert_int_equal(channel_pair(fds) == 0 ? 0 : 1, 0);
}

static void
test_wait(void **state)
{
	int *fds = *state;
	struct channel_msg m;
	uint64_t start = clock_mono();

	assert_int_equal(
	    channel_recv_wait(fds[1], buf, sizeof(buf), 30, &m), ERR_TIMEOUT);
	assert_true(clock_mono() - start >= 29 * CLOCK_MSEC);
	assert_int_equal(channel_send_wait(fds[0], 1, 1, "a", 1, -1, 30), 0);
	assert_int_equal(
	    channel_recv_wait(fds[1], buf, sizeof(buf), 30, &m), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_there_and_back),
	    T(test_two_of_the_largest_queue),
	    T(test_fd_travels),
	    T(test_broken_packets),
	    T(test_end),
	    T(test_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
