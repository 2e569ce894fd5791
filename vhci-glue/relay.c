/*
 * The streaming half of sallyport-relay: ties uplink and downlink to the loop.
 * Each event pumps only what it can move; what an event of one direction makes
 * possible in the other (room in the table) is pumped behind it. Sends of one
 * turn go out together at its end.
 */
#include "vhci-glue/relay.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "vhci-glue/downlink.h"
#include "vhci-glue/drain.h"
#include "vhci-glue/pending.h"
#include "vhci-glue/seen.h"
#include "vhci-glue/uplink.h"

/* While the kernel's socket is not read, its end is looked for that often. */
#define LOOK_NS (CLOCK_SEC / 2)

struct relay {
	struct stream *stream; /* owned */
	int kernel;	       /* owned */
	struct seen *seen;     /* owned */
	struct pending_table *pending;
	struct downlink *down;
	struct uplink *up;
	struct loop_io *stream_io, *kernel_io;
	struct loop_turn *turn;
	struct loop_timer *again; /* next turn: bytes wait inside the stream */
	struct loop_timer *look;
	int is_looking;
	int is_over;
	relay_ended_cb *ended;
	void *arg;
};

static void
finish(struct relay *r, const struct ending *end)
{
	if (r->is_over) {
		return;
	}
	r->is_over = 1;
	loop_io_set(r->stream_io, LOOP_NONE);
	loop_io_set(r->kernel_io, LOOP_NONE);
	loop_timer_stop(r->again);
	loop_timer_stop(r->look);
	if (end->kind != ENDING_DETACHED) {
		drain(r->up, r->down, r->pending, r->kernel);
	}
	r->ended(r->arg, end);
}

/* Says to the loop what both directions wait for. */
static void
watch(struct relay *r)
{
	loop_io_set(r->stream_io,
	    downlink_wants_stream(r->down) | uplink_wants_stream(r->up));
	loop_io_set(r->kernel_io,
	    downlink_wants_kernel(r->down) | uplink_wants_kernel(r->up));
	if (downlink_is_hungry(r->down)) {
		loop_timer_set(r->again, 0);
	}
	if (uplink_is_held(r->up) && !r->is_looking) {
		r->is_looking = 1;
		loop_timer_set(r->look, LOOK_NS);
	}
}

enum pump { PUMP_DOWN = 1, PUMP_UP = 2 };

static void
pump(struct relay *r, int what)
{
	struct ending end = {ENDING_NONE, NULL, 0, 0};

	if (r->is_over) {
		return;
	}
	if ((what & PUMP_DOWN) != 0 && downlink_pump(r->down, &end)) {
		finish(r, &end);
		return;
	}
	if (((what & PUMP_UP) != 0 || uplink_is_held(r->up)) &&
	    uplink_pump(r->up, &end)) {
		finish(r, &end);
		return;
	}
	watch(r);
}

static void
on_stream(void *arg, int events)
{
	struct relay *r = arg;
	int what = 0;

	/* Reading may want to write and the other way round. */
	if ((events & downlink_wants_stream(r->down)) != 0) {
		what |= PUMP_DOWN;
	}
	if ((events & uplink_wants_stream(r->up)) != 0) {
		what |= PUMP_UP;
	}
	pump(r, what);
}

static void
on_kernel(void *arg, int events)
{
	struct relay *r = arg;
	int what = 0;

	if ((events & LOOP_READ) != 0) {
		what |= PUMP_UP;
	}
	if ((events & LOOP_WRITE) != 0) {
		what |= PUMP_DOWN;
	}
	pump(r, what);
}

static void
on_again(void *arg)
{
	pump(arg, PUMP_DOWN);
}

/* The kernel may have let go of a device while nobody reads its socket. */
static void
on_look(void *arg)
{
	struct relay *r = arg;
	struct pollfd p = {.fd = r->kernel, .events = POLLRDHUP};
	struct ending end;

	r->is_looking = 0;
	if (poll(&p, 1, 0) > 0 &&
	    (p.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0) {
		ending_set(&end, ENDING_DETACHED,
		    "the kernel closed the device", 0);
		finish(r, &end);
		return;
	}
	watch(r);
}

static void
on_turn(void *arg)
{
	struct relay *r = arg;
	struct ending end = {ENDING_NONE, NULL, 0, 0};

	if (r->is_over) {
		return;
	}
	if (downlink_flush(r->down, &end) ||
	    (uplink_is_held(r->up) && uplink_pump(r->up, &end)) ||
	    uplink_flush(r->up, &end)) {
		finish(r, &end);
		return;
	}
	watch(r);
}

static int
start(struct relay *r, const struct relay_how *how)
{
	struct downlink_how down = {
	    .stream = how->stream,
	    .kernel = how->kernel,
	    .seen = how->seen,
	};
	struct uplink_how up = {
	    .stream = how->stream,
	    .kernel = how->kernel,
	};
	int flags = fcntl(how->kernel, F_GETFL);

	if (flags < 0 ||
	    fcntl(how->kernel, F_SETFL, flags | O_NONBLOCK) != 0) {
		return ERR_SYS;
	}
	if (pending_new(&r->pending) != 0) {
		return ERR_NOMEM;
	}
	down.pending = up.pending = r->pending;
	if (downlink_new(&r->down, &down) != 0) {
		return ERR_NOMEM;
	}
	up.down = r->down;
	if (uplink_new(&r->up, &up) != 0) {
		return ERR_NOMEM;
	}
	r->stream_io = loop_io_new(
	    how->loop, how->stream->fd, LOOP_READ, on_stream, r);
	r->kernel_io =
	    loop_io_new(how->loop, how->kernel, LOOP_READ, on_kernel, r);
	r->turn = loop_turn_new(how->loop, on_turn, r);
	r->again = loop_timer_new(how->loop, on_again, r);
	r->look = loop_timer_new(how->loop, on_look, r);
	if (r->stream_io == NULL || r->kernel_io == NULL || r->turn == NULL ||
	    r->again == NULL || r->look == NULL) {
		return ERR_NOMEM;
	}
	/* What came behind the import may already sit inside the stream. */
	loop_timer_set(r->again, 0);
	return 0;
}

int
relay_new(struct relay **out, const struct relay_how *how)
{
	struct relay *r = calloc(1, sizeof(*r));
	int result;

	if (r == NULL) {
		return ERR_NOMEM;
	}
	r->kernel = -1;
	r->ended = how->ended;
	r->arg = how->arg;
	result = start(r, how);
	if (result != 0) {
		relay_free(r);
		return result;
	}
	r->stream = how->stream;
	r->seen = how->seen;
	r->kernel = how->kernel;
	*out = r;
	return 0;
}

void
relay_free(struct relay *r)
{
	if (r == NULL) {
		return;
	}
	loop_timer_free(r->again);
	loop_timer_free(r->look);
	loop_turn_free(r->turn);
	loop_io_free(r->stream_io);
	loop_io_free(r->kernel_io);
	uplink_free(r->up);
	downlink_free(r->down);
	seen_free(r->seen);
	pending_free(r->pending);
	if (r->stream != NULL) {
		(void)stream_shutdown(r->stream);
		stream_free(r->stream);
	}
	close_fd(&r->kernel);
	free(r);
}

char *
relay_describe(char *dst, size_t size, const struct ending *end)
{
	if (end->err == 0) {
		(void)snprintf(dst, size, "%s", end->why);
		return dst;
	}
	errno = end->sys;
	(void)snprintf(dst, size, "%s: %s", end->why, err_str(end->err));
	return dst;
}
