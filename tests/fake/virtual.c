/*
 * See virtual.h. One loop at a time has timers that run; objects that are freed
 * inside a callback stay in their list, marked, until the turn is over.
 */
#include "tests/fake/virtual.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/loop.h"
#include "tests/fault/fault.h"

#define IOS 64
#define NEVER UINT64_MAX

struct loop_io {
	struct loop *loop;
	int fd, events;
	loop_io_cb *cb;
	void *arg;
	int is_dead;
	struct loop_io *next;
};

struct loop_timer {
	struct loop *loop;
	uint64_t due; /* NEVER = does not run */
	uint64_t set; /* number of its setting: the order of equals */
	loop_cb *cb;
	void *arg;
	struct loop_timer *next;
};

struct loop_turn {
	struct loop *loop;
	loop_cb *cb;
	void *arg;
	int is_dead;
	struct loop_turn *next;
};

struct loop {
	struct loop_io *ios; /* in the order of making, as the others */
	struct loop_timer *timers;
	struct loop_turn *turns;
	uint64_t settings;
	unsigned depth;
	int is_stopping;
};

static uint64_t now = 1000 * CLOCK_SEC;
static uint64_t callbacks;
static struct loop *only; /* the one whose timers virtual_next sees */

/* ------------------------------------------------------------------------ */
/* The clock                                                                */

uint64_t
clock_mono(void)
{
	return now;
}

uint64_t
clock_wall(void)
{
	return UINT64_C(1764028800) * CLOCK_SEC + now;
}

char *
clock_rfc3339(char *buf, size_t size, uint64_t wall)
{
	(void)snprintf(buf, size, "wall+%llu", (unsigned long long)wall);
	return buf;
}

void
virtual_pass(uint64_t ns)
{
	now += ns;
}

uint64_t
virtual_next(void)
{
	uint64_t first = NEVER;

	for (struct loop_timer *t = only != NULL ? only->timers : NULL;
	    t != NULL; t = t->next) {
		first = t->due < first ? t->due : first;
	}
	return first == NEVER ? NEVER : first > now ? first - now : 0;
}

uint64_t
virtual_callbacks(void)
{
	return callbacks;
}

/* ------------------------------------------------------------------------ */
/* Turns                                                                    */

struct loop *
loop_new(void)
{
	only = calloc(1, sizeof(*only));
	return only;
}

static void
bury(struct loop *loop)
{
	if (loop->depth > 0) {
		return;
	}
	for (struct loop_io **at = &loop->ios; *at != NULL;) {
		struct loop_io *io = *at;

		if (io->is_dead) {
			*at = io->next;
			free(io);
		} else {
			at = &io->next;
		}
	}
	for (struct loop_turn **at = &loop->turns; *at != NULL;) {
		struct loop_turn *turn = *at;

		if (turn->is_dead) {
			*at = turn->next;
			free(turn);
		} else {
			at = &turn->next;
		}
	}
}

void
loop_free(struct loop *loop)
{
	if (loop == NULL) {
		return;
	}
	bury(loop);
	only = only == loop ? NULL : only;
	free(loop);
}

static void
run_turns(struct loop *loop)
{
	loop->depth++;
	for (struct loop_turn *t = loop->turns; t != NULL; t = t->next) {
		if (!t->is_dead) {
			t->cb(t->arg);
		}
	}
	loop->depth--;
	bury(loop);
}

/* The first of those that were due and set before this turn began. */
static struct loop_timer *
due_timer(struct loop *loop, uint64_t settings)
{
	struct loop_timer *first = NULL;

	for (struct loop_timer *t = loop->timers; t != NULL; t = t->next) {
		if (t->due <= now && t->set <= settings &&
		    (first == NULL || t->due < first->due ||
			(t->due == first->due && t->set < first->set))) {
			first = t;
		}
	}
	return first;
}

static int
run_timers(struct loop *loop)
{
	uint64_t settings = loop->settings;
	struct loop_timer *t;
	int n = 0;

	while ((t = due_timer(loop, settings)) != NULL) {
		t->due = NEVER;
		callbacks++;
		n++;
		t->cb(t->arg);
	}
	return n;
}

static int
run_ios(struct loop *loop)
{
	struct loop_io *who[IOS];
	struct pollfd fds[IOS];
	nfds_t n = 0;
	int ran = 0;

	for (struct loop_io *io = loop->ios; io != NULL; io = io->next) {
		if (io->is_dead || io->events == 0) {
			continue;
		}
		if (n == IOS) {
			abort();
		}
		who[n] = io;
		fds[n].fd = io->fd;
		fds[n].revents = 0;
		fds[n++].events =
		    (short)((io->events & LOOP_READ ? POLLIN : 0) |
			(io->events & LOOP_WRITE ? POLLOUT : 0));
	}
	if (poll(fds, n, 0) <= 0) {
		n = 0;
	}
	loop->depth++;
	for (nfds_t i = 0; i < n; i++) {
		int bad = (fds[i].revents & (POLLERR | POLLHUP)) != 0;
		int events =
		    (bad || (fds[i].revents & POLLIN) ? LOOP_READ : 0) |
		    (bad || (fds[i].revents & POLLOUT) ? LOOP_WRITE : 0);

		events &= who[i]->events;
		if (!who[i]->is_dead && events != 0) {
			callbacks++;
			ran++;
			who[i]->cb(who[i]->arg, events);
		}
	}
	loop->depth--;
	bury(loop);
	return ran;
}

void
loop_once(struct loop *loop, enum loop_block block)
{
	int ran;

	run_turns(loop);
	ran = run_timers(loop);
	ran += run_ios(loop);
	run_turns(loop);
	if (ran == 0 && block == LOOP_WAIT && virtual_next() != NEVER) {
		virtual_pass(virtual_next());
		(void)run_timers(loop);
		run_turns(loop);
	}
}

void
loop_run(struct loop *loop)
{
	while (!loop->is_stopping) {
		loop_once(loop, LOOP_WAIT);
	}
	loop->is_stopping = 0;
}

void
loop_stop(struct loop *loop)
{
	loop->is_stopping = 1;
}

/* ------------------------------------------------------------------------ */
/* Objects                                                                  */

struct loop_io *
loop_io_new(struct loop *loop, int fd, int events, loop_io_cb *cb, void *arg)
{
	struct loop_io *io = calloc(1, sizeof(*io)), **at = &loop->ios;

	if (io == NULL || fault_strikes("loop_io_new")) {
		free(io);
		return NULL;
	}
	*io = (struct loop_io){
		.loop = loop, .fd = fd, .events = events, .cb = cb, .arg = arg};
	while (*at != NULL) {
		at = &(*at)->next;
	}
	*at = io;
	return io;
}

void
loop_io_set(struct loop_io *io, int events)
{
	io->events = events;
}

void
loop_io_free(struct loop_io *io)
{
	if (io != NULL) {
		io->is_dead = 1;
		bury(io->loop);
	}
}

struct loop_timer *
loop_timer_new(struct loop *loop, loop_cb *cb, void *arg)
{
	struct loop_timer *timer = calloc(1, sizeof(*timer));

	if (timer == NULL || fault_strikes("loop_timer_new")) {
		free(timer);
		return NULL;
	}
	*timer = (struct loop_timer){.loop = loop,
		.due = NEVER,
		.cb = cb,
		.arg = arg,
		.next = loop->timers};
	loop->timers = timer;
	return timer;
}

void
loop_timer_set(struct loop_timer *timer, uint64_t ns)
{
	timer->due = now + ns;
	timer->set = ++timer->loop->settings;
}

void
loop_timer_stop(struct loop_timer *timer)
{
	timer->due = NEVER;
}

/* Timers are looked for anew after each callback, so they go at once. */
void
loop_timer_free(struct loop_timer *timer)
{
	struct loop_timer **at;

	if (timer == NULL) {
		return;
	}
	for (at = &timer->loop->timers; *at != timer;) {
		at = &(*at)->next;
	}
	*at = timer->next;
	free(timer);
}

/* No signals: nothing that runs in this loop watches for one. */
struct loop_signal *
loop_signal_new(struct loop *loop, int signo, loop_cb *cb, void *arg)
{
	(void)loop;
	(void)signo;
	(void)cb;
	(void)arg;
	errno = ENOSYS;
	return NULL;
}

void
loop_signal_free(struct loop_signal *sig)
{
	(void)sig;
}

struct loop_turn *
loop_turn_new(struct loop *loop, loop_cb *cb, void *arg)
{
	struct loop_turn *turn = calloc(1, sizeof(*turn));
	struct loop_turn **at = &loop->turns;

	if (turn == NULL || fault_strikes("loop_turn_new")) {
		free(turn);
		return NULL;
	}
	*turn = (struct loop_turn){.loop = loop, .cb = cb, .arg = arg};
	while (*at != NULL) {
		at = &(*at)->next;
	}
	*at = turn;
	return turn;
}

void
loop_turn_free(struct loop_turn *turn)
{
	if (turn != NULL) {
		turn->is_dead = 1;
		bury(turn->loop);
	}
}
