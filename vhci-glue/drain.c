/*
 * The last words to the kernel, in the relay. Rounds of: 1. read what it says;
 * 2. answer unlinks of what is pending; 3. answer what is left; 4. wait for
 * more, a moment. An unlink whose transfer is not known may have overtaken it,
 * so it stays unanswered: the kernel forgets it by itself.
 */
#include "vhci-glue/drain.h"

#include <poll.h>

#include "base/clock.h"
#include "base/loop.h"
#include "wire/usbip.h"

/* Nobody waits for it but who would not stop; a busy machine needs its time. */
#define DRAIN_MAX (3 * CLOCK_SEC)
#define DRAIN_QUIET_MS 20

struct drain {
	struct downlink *down;
	struct pending_table *pending;
};

/* Room for one more answer. */
static int
has_room(struct drain *d)
{
	struct ending ignored;

	return downlink_has_room(d->down) ||
	    (downlink_flush(d->down, &ignored) == 0 &&
		downlink_has_room(d->down));
}

static int
answer_unlink(void *arg, struct pending *e)
{
	struct drain *d = arg;
	struct pending *target = pending_find(d->pending, e->target);

	if (target == NULL || target->kind != PENDING_SUBMIT ||
	    !target->is_whole) {
		return 0;
	}
	if (!has_room(d)) {
		return 1;
	}
	target->is_taken = 1;
	downlink_answer_unlink(d->down, e->sub.seqnum, USBIP_ECONNRESET);
	pending_remove(d->pending, e);
	return 0;
}

static int
answer_submit(void *arg, struct pending *e)
{
	struct drain *d = arg;

	if (!e->is_whole) {
		return 0;
	}
	if (!e->is_taken) {
		if (!has_room(d)) {
			return 1;
		}
		downlink_answer(d->down, e->sub.seqnum, USBIP_ESHUTDOWN);
	}
	pending_remove(d->pending, e);
	return 0;
}

void
drain(struct uplink *up, struct downlink *down,
    struct pending_table *pending, int kernel)
{
	struct drain d = {.down = down, .pending = pending};
	uint64_t until = clock_mono() + DRAIN_MAX;
	struct ending ignored;

	uplink_drain(up);
	while (clock_mono() < until) {
		struct pollfd p = {.fd = kernel};
		int wants;

		if (uplink_pump(up, &ignored)) {
			return;
		}
		if (pending_each(pending, PENDING_UNLINK, answer_unlink, &d) ==
		    0) {
			pending_each(
			    pending, PENDING_SUBMIT, answer_submit, &d);
		}
		if (downlink_flush(down, &ignored)) {
			return;
		}
		wants = downlink_wants_kernel(down) | uplink_wants_kernel(up);
		p.events = (short)(((wants & LOOP_READ) != 0 ? POLLIN : 0) |
		    ((wants & LOOP_WRITE) != 0 ? POLLOUT : 0));
		if (poll(&p, 1, DRAIN_QUIET_MS) == 0 &&
		    (wants & LOOP_WRITE) == 0) {
			return;
		}
	}
}
