/*
 * base/mem: what is taken, wiped and closed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"

/* With an index that moves it was the next slot that became NULL, and the index
 * moved twice. */
static void
what_is_taken_is_looked_at_once(void **state)
{
	int things[3] = {1, 2, 3}, *slots[3] = {things, things + 1, things + 2};
	unsigned n = 3;

	(void)state;
	assert_ptr_equal(TAKE(slots[--n]), things + 2);
	assert_int_equal(n, 2);
	assert_null(slots[2]);
	assert_ptr_equal(slots[1], things + 1);
	assert_ptr_equal(TAKE(slots[0]), things);
	assert_null(slots[0]);
}

static void
what_is_wiped_is_zero(void **state)
{
	uint8_t secret[5] = {1, 2, 3, 4, 5};

	(void)state;
	mem_wipe(secret + 1, 3);
	assert_memory_equal(secret, "\1\0\0\0\5", 5);
	mem_wipe(NULL, 0);
}

static void
what_is_closed_is_closed_once(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	close_fd(&fds[0]);
	assert_int_equal(fds[0], -1);
	close_fd(&fds[0]);
	assert_int_equal(write(fds[1], "x", 0), 0);
	close_fd(&fds[1]);
	assert_int_equal(fds[1], -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_taken_is_looked_at_once),
		cmocka_unit_test(what_is_wiped_is_zero),
		cmocka_unit_test(what_is_closed_is_closed_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
