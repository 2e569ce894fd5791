/* base/log, base/err, base/mem, base/clock: what an operator sees. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"

static char seen[8192];

/* Runs f with stderr in a pipe; what it wrote is in seen afterwards. */
static void
capture(void (*f)(void))
{
	int p[2], saved = dup(STDERR_FILENO);
	ssize_t n;

	assert_int_equal(pipe(p), 0);
	assert_true(dup2(p[1], STDERR_FILENO) != -1);
	close(p[1]);
	f();
	dup2(saved, STDERR_FILENO);
	close(saved);
	n = read(p[0], seen, sizeof(seen) - 1);
	seen[n > 0 ? n : 0] = '\0';
	close(p[0]);
}

static void
say_all(void)
{
	errno = ENOENT;
	log_warn("open: %s", "a.conf");
	errno = ENOENT;
	log_warnx("count: %d", 3);
	log_debugx("not shown");
	log_set_level(LOG_LEVEL_DEBUG);
	log_debugx("shown");
	log_set_level(LOG_LEVEL_WARN);
	log_infox("not shown");
	log_set_level(LOG_LEVEL_INFO);
	assert_int_equal(errno, ENOENT);
}

static void
test_lines(void **state)
{
	(void)state;
	log_init("prog[1]");
	capture(say_all);
	assert_string_equal(seen,
	    "prog[1]: open: a.conf: No such file or directory\n"
	    "prog[1]: count: 3\n"
	    "prog[1]: shown\n");
}

static void
say_hostile(void)
{
	static char big[5000];

	log_infox("name: %s", "a\nprog[1]: forged\033[2J");
	memset(big, 'x', sizeof(big) - 1);
	log_infox("%s", big);
}

static void
test_one_line_always(void **state)
{
	(void)state;
	log_init("p");
	capture(say_hostile);
	assert_memory_equal(seen, "p: name: a?prog[1]: forged?[2J\np: xxx", 37);
	assert_true(strlen(seen) < 32 + 2048);
	assert_true(strchr(seen, '\n') < strrchr(seen, '\n'));
	assert_int_equal(seen[strlen(seen) - 1], '\n');
}

static void
die(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		errno = EACCES;
		fatal("open");
	}
	waitpid(pid, &status, 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
}

static void
test_fatal(void **state)
{
	(void)state;
	log_init("p");
	capture(die);
	assert_string_equal(seen, "p: open: Permission denied\n");
}

static void
test_escape(void **state)
{
	char buf[32], small[6];

	(void)state;
	assert_string_equal(
	    log_escape(buf, sizeof(buf), "a\\b\n\xff", 5), "a\\x5cb\\x0a\\xff");
	assert_string_equal(log_escape(buf, sizeof(buf), "", 0), "");
	/* never half an escape */
	assert_string_equal(log_escape(small, sizeof(small), "ab\n", 3), "ab");
	assert_string_equal(
	    log_escape(small, sizeof(small), "a\nb", 3), "a\\x0a");
	assert_string_equal(
	    log_escape(small, sizeof(small), "abcdefgh", 8), "abcde");
	assert_string_equal(log_escape(small, 1, "abc", 3), "");
}

static void
test_err_texts(void **state)
{
	int i;

	(void)state;
	for (i = 0; i >= ERR_TIMEOUT; i--) {
		assert_string_not_equal(err_str(i), "unknown error");
	}
	assert_string_equal(err_str(-99), "unknown error");
	errno = EACCES;
	assert_string_equal(err_str(ERR_SYS), "Permission denied");
}

static void
test_mem(void **state)
{
	char secret[] = "secret";
	char *p = secret, *q;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), copy = fd;

	(void)state;
	mem_wipe(secret, sizeof(secret));
	assert_memory_equal(secret, "\0\0\0\0\0\0", 7);
	mem_wipe(NULL, 0);
	q = TAKE(p);
	assert_null(p);
	assert_ptr_equal(q, secret);
	errno = EXDEV;
	close_fd(&fd);
	assert_int_equal(fd, -1);
	assert_int_equal(fcntl(copy, F_GETFD), -1);
	errno = EXDEV;
	close_fd(&fd);
	assert_int_equal(errno, EXDEV);
}

static void
test_clock(void **state)
{
	uint64_t a = clock_mono();
	char buf[32];

	(void)state;
	assert_true(clock_mono() >= a);
	assert_true(clock_wall() > UINT64_C(1600000000) * CLOCK_SEC);
	assert_string_equal(
	    clock_rfc3339(buf, sizeof(buf),
		UINT64_C(1795352940) * CLOCK_SEC + 123 * CLOCK_MSEC),
	    "2026-11-22T13:09:00.123Z");
	assert_string_equal(
	    clock_rfc3339(buf, 25, 0), "1970-01-01T00:00:00.000Z");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lines),
	    cmocka_unit_test(test_one_line_always),
	    cmocka_unit_test(test_fatal),
	    cmocka_unit_test(test_escape),
	    cmocka_unit_test(test_err_texts),
	    cmocka_unit_test(test_mem),
	    cmocka_unit_test(test_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
