/*
 * One attached device: TLS to the gateway on one side, the socket that vhci_hcd
 * holds on the other, both directions moving on one loop. Knows nothing of how
 * the connection or the socket came about.
 */
#ifndef VHCI_GLUE_RELAY_H
#define VHCI_GLUE_RELAY_H

#include "base/loop.h"
#include "base/stream.h"
#include "vhci-glue/ending.h"

struct relay;
struct seen;

/* Called once, from inside a loop callback; the relay is silent from then on
 * and is freed by its owner, not inside the call. */
typedef void relay_ended_cb(void *arg, const struct ending *end);

struct relay_how {
	struct loop *loop;		/* borrowed */
	struct stream *stream;		/* owned by the relay from success on */
	int kernel;			/* likewise; made non-blocking */
	struct seen *seen; /* what the device has shown; likewise */
	relay_ended_cb *ended;
	void *arg;
};

/* Starts at once. 0, ERR_NOMEM, ERR_SYS. */
int relay_new(struct relay **out, const struct relay_how *how);
/* Says goodbye to the gateway and closes both sides: the kernel then unplugs
 * the device. NULL is fine. */
void relay_free(struct relay *relay);

/* One line for the log: the reason and, where there is one, the error behind
 * it. Returns dst. */
char *relay_describe(char *dst, size_t size, const struct ending *end);

#endif
