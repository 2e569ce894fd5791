/* base/stream: the plain stream. */
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

#include "base/err.h"
#include "base/stream.h"

static uint8_t buf[64 * 1024];

static int
setup(void **state)
{
	struct stream **s = calloc(2, sizeof(*s));
	int fds[2];

	if (s == NULL || socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0) {
		return -1;
	}
	s[0] = stream_plain_new(fds[0]);
	s[1] = stream_plain_new(fds[1]);
	*state = s;
	return s[0] == NULL || s[1] == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	struct stream **s = *state;

	stream_free(s[0]);
	stream_free(s[1]);
	free(s);
	return 0;
}

static void
test_bytes(void **state)
{
	struct stream **s = *state;

	assert_int_equal(stream_handshake(s[0]), 0);
	assert_int_equal(stream_read(s[1], buf, sizeof(buf)), STREAM_WANT_READ);
	assert_int_equal(stream_write(s[0], "hello", 5), 5);
	assert_int_equal(stream_read(s[1], buf, 3), 3);
	assert_int_equal(stream_pending(s[1]), 0);
	assert_int_equal(stream_read(s[1], buf + 3, 100), 2);
	assert_memory_equal(buf, "hello", 5);
	assert_int_equal(s[0]->count.sends, 1);
	assert_int_equal(s[0]->count.bytes_out, 5);
	assert_int_equal(s[1]->count.recvs, 3);
	assert_int_equal(s[1]->count.bytes_in, 5);
	assert_int_equal(stream_read(s[1], buf, 0), ERR_NOMEM);
	assert_int_equal(stream_write(s[1], buf, 0), ERR_NOMEM);
}

static void
test_full(void **state)
{
	struct stream **s = *state;
	size_t out = 0, in = 0;
	ssize_t n;

	memset(buf, 7, sizeof(buf));
	assert_int_equal(stream_write(s[0], buf, sizeof(buf)), STREAM_RECORD);
	out = STREAM_RECORD;
	while ((n = stream_write(s[0], buf, sizeof(buf))) > 0) {
		out += (size_t)n;
	}
	assert_int_equal(n, STREAM_WANT_WRITE);
	while ((n = stream_read(s[1], buf, sizeof(buf))) > 0) {
		in += (size_t)n;
	}
	assert_int_equal(n, STREAM_WANT_READ);
	assert_int_equal(in, out);
}

static void
test_end(void **state)
{
	struct stream **s = *state;

	assert_int_equal(stream_write(s[0], "x", 1), 1);
	assert_int_equal(stream_shutdown(s[0]), 0);
	assert_int_equal(stream_read(s[1], buf, sizeof(buf)), 1);
	assert_int_equal(stream_read(s[1], buf, sizeof(buf)), ERR_CLOSED);
	/* the other direction goes on */
	assert_int_equal(stream_write(s[1], "y", 1), 1);
	assert_int_equal(stream_read(s[0], buf, sizeof(buf)), 1);
	stream_free(s[0]);
	s[0] = NULL;
	assert_int_equal(stream_write(s[1], "y", 1), ERR_CLOSED);
}

static void
test_bad_fd(void **state)
{
	(void)state;
	assert_null(stream_plain_new(-1));
	assert_int_equal(errno, EBADF);
	stream_free(NULL);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_bytes),
	    T(test_full),
	    T(test_end),
	    cmocka_unit_test(test_bad_fd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
