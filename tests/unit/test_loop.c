/* base/loop: the order of a turn, and frees from inside callbacks. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/loop.h"

struct bench {
	struct loop *loop;
	struct loop_io *io[2];
	struct loop_timer *timer[2];
	struct loop_turn *turn[3];
	struct loop_signal *sig;
	int fds[2];
	int calls, events;
	char order[32];
};

static int
setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	if (b == NULL || socketpair(AF_UNIX, SOCK_STREAM, 0, b->fds) != 0) {
		return -1;
	}
	b->loop = loop_new();
	*state = b;
	return b->loop == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	struct bench *b = *state;
	int i;

	for (i = 0; i < 2; i++) {
		loop_io_free(b->io[i]);
		loop_timer_free(b->timer[i]);
	}
	for (i = 0; i < 3; i++) {
		loop_turn_free(b->turn[i]);
	}
	loop_signal_free(b->sig);
	loop_free(b->loop);
	close(b->fds[0]);
	close(b->fds[1]);
	free(b);
	return 0;
}

static void
note(struct bench *b, char c)
{
	size_t n = strlen(b->order);

	if (n + 1 < sizeof(b->order)) {
		b->order[n] = c;
		b->order[n + 1] = '\0';
	}
}

static void
on_io(void *arg, int events)
{
	struct bench *b = arg;
	char c;

	b->calls++;
	b->events = events;
	note(b, 'i');
	if (events & LOOP_READ) {
		assert_int_equal(read(b->fds[0], &c, 1), 1);
	}
}

static void
test_io(void **state)
{
	struct bench *b = *state;

	b->io[0] = loop_io_new(b->loop, b->fds[0], LOOP_NONE, on_io, b);
	assert_int_equal(write(b->fds[1], "ab", 2), 2);
	loop_once(b->loop, LOOP_NOWAIT);
	assert_int_equal(b->calls, 0);
	loop_io_set(b->io[0], LOOP_READ);
	loop_once(b->loop, LOOP_WAIT);
	assert_int_equal(b->calls, 1);
	assert_int_equal(b->events, LOOP_READ);
	loop_io_set(b->io[0], LOOP_WRITE);
	loop_once(b->loop, LOOP_WAIT);
	assert_int_equal(b->events, LOOP_WRITE);
	loop_io_set(b->io[0], LOOP_READ | LOOP_WRITE);
	loop_once(b->loop, LOOP_WAIT);
	assert_int_equal(b->events, LOOP_READ | LOOP_WRITE);
	loop_io_set(b->io[0], LOOP_NONE);
	/* nothing left that could happen */
	loop_run(b->loop);
	assert_int_equal(b->calls, 3);
}

static void
free_both(void *arg, int events)
{
	struct bench *b = arg;

	(void)events;
	b->calls++;
	loop_io_free(b->io[0]);
	loop_io_free(b->io[1]);
	b->io[0] = b->io[1] = NULL;
}

static void
test_io_free_inside(void **state)
{
	struct bench *b = *state;

	/* both ready in the same turn; whoever comes first frees both */
	assert_int_equal(write(b->fds[0], "a", 1), 1);
	assert_int_equal(write(b->fds[1], "a", 1), 1);
	b->io[0] = loop_io_new(b->loop, b->fds[0], LOOP_READ, free_both, b);
	b->io[1] = loop_io_new(b->loop, b->fds[1], LOOP_READ, free_both, b);
	loop_once(b->loop, LOOP_WAIT);
	loop_once(b->loop, LOOP_NOWAIT);
	assert_int_equal(b->calls, 1);
}

static void
on_timer(void *arg)
{
	struct bench *b = arg;

	b->calls++;
	note(b, 't');
}

static void
test_timer(void **state)
{
	struct bench *b = *state;
	uint64_t start = clock_mono();

	b->timer[0] = loop_timer_new(b->loop, on_timer, b);
	b->timer[1] = loop_timer_new(b->loop, on_timer, b);
	loop_run(b->loop); /* not set: nothing to wait for */
	loop_timer_set(b->timer[0], 20 * CLOCK_MSEC);
	loop_timer_set(b->timer[1], CLOCK_SEC);
	loop_timer_stop(b->timer[1]);
	loop_run(b->loop);
	assert_int_equal(b->calls, 1);
	assert_true(clock_mono() - start >= 19 * CLOCK_MSEC);
	assert_true(clock_mono() - start < CLOCK_SEC);
	loop_timer_set(b->timer[0], 0);
	loop_once(b->loop, LOOP_WAIT);
	assert_int_equal(b->calls, 2);
	/* the time between turns counts, although the loop did not look */
	usleep(30000);
	start = clock_mono();
	loop_timer_set(b->timer[0], 20 * CLOCK_MSEC);
	loop_run(b->loop);
	assert_true(clock_mono() - start >= 19 * CLOCK_MSEC);
}

static void
free_timers(void *arg)
{
	struct bench *b = arg;

	b->calls++;
	loop_timer_free(b->timer[0]);
	loop_timer_free(b->timer[1]);
	b->timer[0] = b->timer[1] = NULL;
}

static void
test_timer_free_inside(void **state)
{
	struct bench *b = *state;

	b->timer[0] = loop_timer_new(b->loop, free_timers, b);
	b->timer[1] = loop_timer_new(b->loop, free_timers, b);
	loop_timer_set(b->timer[0], 0);
	loop_timer_set(b->timer[1], 0);
	loop_run(b->loop);
	assert_int_equal(b->calls, 1);
}

static void
on_turn(void *arg)
{
	note(arg, '.');
}

static void
test_turn_comes_after_events(void **state)
{
	struct bench *b = *state;
	const char *last;

	b->turn[0] = loop_turn_new(b->loop, on_turn, b);
	b->io[0] = loop_io_new(b->loop, b->fds[0], LOOP_READ, on_io, b);
	b->timer[0] = loop_timer_new(b->loop, on_timer, b);
	loop_timer_set(b->timer[0], 0);
	assert_int_equal(write(b->fds[1], "a", 1), 1);
	loop_once(b->loop, LOOP_WAIT);
	/* both events, in either order, then the turn */
	last = strpbrk(b->order, "it");
	assert_non_null(last);
	assert_true(strcmp(last, "it.") == 0 || strcmp(last, "ti.") == 0);
}

static void
stop(void *arg)
{
	struct bench *b = arg;

	note(b, 's');
	loop_stop(b->loop);
}

static void
test_stop_flushes(void **state)
{
	struct bench *b = *state;

	b->turn[0] = loop_turn_new(b->loop, on_turn, b);
	b->timer[0] = loop_timer_new(b->loop, stop, b);
	b->io[0] = loop_io_new(b->loop, b->fds[0], LOOP_READ, on_io, b);
	loop_timer_set(b->timer[0], 0);
	loop_run(b->loop);
	assert_int_equal(b->order[strlen(b->order) - 1], '.');
	/* a stop before the run is not lost, and is used up by it */
	loop_stop(b->loop);
	loop_run(b->loop);
	loop_timer_set(b->timer[0], 0);
	loop_run(b->loop);
	assert_non_null(strrchr(b->order, 's'));
}

static void
free_turns(void *arg)
{
	struct bench *b = arg;

	b->calls++;
	loop_turn_free(b->turn[0]);
	loop_turn_free(b->turn[1]);
	b->turn[0] = b->turn[1] = NULL;
}

static void
test_turn_free_inside(void **state)
{
	struct bench *b = *state;

	/* the first frees itself and the next; the third still comes */
	b->turn[0] = loop_turn_new(b->loop, free_turns, b);
	b->turn[1] = loop_turn_new(b->loop, free_turns, b);
	b->turn[2] = loop_turn_new(b->loop, on_turn, b);
	loop_once(b->loop, LOOP_NOWAIT);
	assert_int_equal(b->calls, 1);
	assert_int_equal(b->order[0], '.');
	loop_run(b->loop); /* a turn keeps no loop running */
}

static void
on_signal(void *arg)
{
	struct bench *b = arg;

	note(b, 'g');
	loop_stop(b->loop);
}

static void
test_signal(void **state)
{
	struct bench *b = *state;

	b->sig = loop_signal_new(b->loop, SIGUSR1, on_signal, b);
	kill(getpid(), SIGUSR1);
	loop_run(b->loop);
	assert_string_equal(b->order, "g");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_io),
	    T(test_io_free_inside),
	    T(test_timer),
	    T(test_timer_free_inside),
	    T(test_turn_comes_after_events),
	    T(test_stop_flushes),
	    T(test_turn_free_inside),
	    T(test_signal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
