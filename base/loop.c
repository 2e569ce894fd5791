/*
 * The event loop, on libev with epoll. libev forgets what was pending for a
 * watcher when it is stopped and does not look at a watcher after its
 * callback, so objects may be freed from inside any callback, their own as
 * well. Turns are a list of ours: they run before each sleep, and once more
 * when the wheel stops, so that nothing stays unflushed.
 */
#include "base/loop.h"

#include <errno.h>
#include <ev.h>
#include <stdlib.h>

struct loop {
	struct ev_loop *ev; /* owned */
	ev_prepare before_sleep;
	struct loop_turn *turns; /* in order of making; owned by others */
	struct loop_turn *next;  /* the turn to run after the current one */
	int is_stopping;
};

struct loop_io {
	ev_io ev;
	struct loop *loop; /* borrowed until loop_io_free */
	loop_io_cb *cb;
	void *arg;
	int events;
};

struct loop_timer {
	ev_timer ev;
	struct loop *loop; /* borrowed until loop_timer_free */
	loop_cb *cb;
	void *arg;
};

struct loop_signal {
	ev_signal ev;
	struct loop *loop; /* borrowed until loop_signal_free */
	loop_cb *cb;
	void *arg;
};

struct loop_turn {
	struct loop *loop; /* borrowed until loop_turn_free */
	struct loop_turn *next, **link;
	loop_cb *cb;
	void *arg;
};

static void
run_turns(struct loop *loop)
{
	struct loop_turn *turn = loop->turns;

	while (turn != NULL) {
		loop->next = turn->next;
		turn->cb(turn->arg);
		turn = loop->next;
	}
	loop->next = NULL;
}

static void
on_prepare(struct ev_loop *ev, ev_prepare *w, int revents)
{
	(void)w;
	(void)revents;
	run_turns(ev_userdata(ev));
}

struct loop *
loop_new(void)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (loop == NULL) {
		return NULL;
	}
	loop->ev = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL);
	if (loop->ev == NULL) {
		int saved = errno;

		free(loop);
		errno = saved;
		return NULL;
	}
	ev_set_userdata(loop->ev, loop);
	ev_prepare_init(&loop->before_sleep, on_prepare);
	ev_prepare_start(loop->ev, &loop->before_sleep);
	ev_unref(loop->ev); /* it alone keeps no loop running */
	return loop;
}

void
loop_free(struct loop *loop)
{
	if (loop == NULL) {
		return;
	}
	ev_ref(loop->ev);
	ev_prepare_stop(loop->ev, &loop->before_sleep);
	ev_loop_destroy(loop->ev);
	free(loop);
}

void
loop_run(struct loop *loop)
{
	if (!loop->is_stopping) {
		ev_run(loop->ev, 0);
		run_turns(loop);
	}
	loop->is_stopping = 0;
}

void
loop_once(struct loop *loop, enum loop_block block)
{
	ev_run(loop->ev, block == LOOP_WAIT ? EVRUN_ONCE : EVRUN_NOWAIT);
	run_turns(loop);
}

void
loop_stop(struct loop *loop)
{
	loop->is_stopping = 1;
	ev_break(loop->ev, EVBREAK_ALL);
}

static void
on_io(struct ev_loop *ev, ev_io *w, int revents)
{
	struct loop_io *io = w->data;
	int events = 0;

	(void)ev;
	if (revents & (EV_READ | EV_ERROR)) {
		events |= LOOP_READ;
	}
	if (revents & (EV_WRITE | EV_ERROR)) {
		events |= LOOP_WRITE;
	}
	io->cb(io->arg, events & io->events);
}

struct loop_io *
loop_io_new(struct loop *loop, int fd, int events, loop_io_cb *cb, void *arg)
{
	struct loop_io *io = calloc(1, sizeof(*io));

	if (io == NULL) {
		return NULL;
	}
	io->loop = loop;
	io->cb = cb;
	io->arg = arg;
	ev_io_init(&io->ev, on_io, fd, 0);
	io->ev.data = io;
	loop_io_set(io, events);
	return io;
}

void
loop_io_set(struct loop_io *io, int events)
{
	int mask = 0;

	if (events == io->events) {
		return;
	}
	io->events = events;
	if (events & LOOP_READ) {
		mask |= EV_READ;
	}
	if (events & LOOP_WRITE) {
		mask |= EV_WRITE;
	}
	ev_io_stop(io->loop->ev, &io->ev);
	ev_io_set(&io->ev, io->ev.fd, mask);
	if (mask != 0) {
		ev_io_start(io->loop->ev, &io->ev);
	}
}

void
loop_io_free(struct loop_io *io)
{
	if (io == NULL) {
		return;
	}
	ev_io_stop(io->loop->ev, &io->ev);
	free(io);
}

static void
on_timer(struct ev_loop *ev, ev_timer *w, int revents)
{
	struct loop_timer *timer = w->data;

	(void)ev;
	(void)revents;
	timer->cb(timer->arg);
}

struct loop_timer *
loop_timer_new(struct loop *loop, loop_cb *cb, void *arg)
{
	struct loop_timer *timer = calloc(1, sizeof(*timer));

	if (timer == NULL) {
		return NULL;
	}
	timer->loop = loop;
	timer->cb = cb;
	timer->arg = arg;
	ev_timer_init(&timer->ev, on_timer, 0., 0.);
	timer->ev.data = timer;
	return timer;
}

void
loop_timer_set(struct loop_timer *timer, uint64_t ns)
{
	struct ev_loop *ev = timer->loop->ev;

	ev_timer_stop(ev, &timer->ev);
	/* libev counts from the time it last looked at the clock; without a
	 * fresh look, a long callback would shorten the wait */
	ev_now_update(ev);
	/* a time already past makes libev poll without sleeping; exactly now
	 * would cost epoll's least wait of a millisecond */
	ev_timer_set(&timer->ev, ns == 0 ? -1e-3 : (double)ns * 1e-9, 0.);
	ev_timer_start(ev, &timer->ev);
}

void
loop_timer_stop(struct loop_timer *timer)
{
	ev_timer_stop(timer->loop->ev, &timer->ev);
}

void
loop_timer_free(struct loop_timer *timer)
{
	if (timer == NULL) {
		return;
	}
	loop_timer_stop(timer);
	free(timer);
}

static void
on_signal(struct ev_loop *ev, ev_signal *w, int revents)
{
	struct loop_signal *sig = w->data;

	(void)ev;
	(void)revents;
	sig->cb(sig->arg);
}

struct loop_signal *
loop_signal_new(struct loop *loop, int signo, loop_cb *cb, void *arg)
{
	struct loop_signal *sig = calloc(1, sizeof(*sig));

	if (sig == NULL) {
		return NULL;
	}
	sig->loop = loop;
	sig->cb = cb;
	sig->arg = arg;
	ev_signal_init(&sig->ev, on_signal, signo);
	sig->ev.data = sig;
	ev_signal_start(loop->ev, &sig->ev);
	return sig;
}

void
loop_signal_free(struct loop_signal *sig)
{
	if (sig == NULL) {
		return;
	}
	ev_signal_stop(sig->loop->ev, &sig->ev);
	free(sig);
}

struct loop_turn *
loop_turn_new(struct loop *loop, loop_cb *cb, void *arg)
{
	struct loop_turn *turn = calloc(1, sizeof(*turn));
	struct loop_turn **link = &loop->turns;

	if (turn == NULL) {
		return NULL;
	}
	turn->loop = loop;
	turn->cb = cb;
	turn->arg = arg;
	while (*link != NULL) {
		link = &(*link)->next;
	}
	turn->link = link;
	*link = turn;
	return turn;
}

void
loop_turn_free(struct loop_turn *turn)
{
	if (turn == NULL) {
		return;
	}
	if (turn->loop->next == turn) {
		turn->loop->next = turn->next;
	}
	*turn->link = turn->next;
	if (turn->next != NULL) {
		turn->next->link = turn->link;
	}
	free(turn);
}
