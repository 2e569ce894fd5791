/*
 * What a gateway offers to this workstation now, as its events tell: a table of
 * devices by stable name. Its words come from sallyport-reader, typed and
 * bounded, and are hostile all the same.
 */
#ifndef VHCI_GLUE_OFFERS_H
#define VHCI_GLUE_OFFERS_H

#include <stddef.h>

#include "vhci-glue/launch.h"
#include "vhci-glue/opts.h"
#include "wire/ipc.h"

#define OFFERS_MAX 4096u

struct offers {
	struct ipc_watch *v; /* owned */
	size_t n, room;
	int is_ready; /* the whole list was told */
};

/* Brings the table up to date. 0; ERR_LIMIT: more devices than a gateway can
 * have; ERR_NOMEM. */
int offers_apply(struct offers *offers, const struct ipc_watch *watch);
void offers_fini(struct offers *offers);

/* By stable name or bus id; NULL = there is none. Borrowed until the next
 * offers_apply. */
const struct ipc_watch *offers_find(
    const struct offers *offers, const char *what);
/* "free", "yours", "busy", "needs-approval"; "-" for NULL. */
const char *offers_state(const struct ipc_watch *offer);

/* Who has to approve, escaped: for people. Returns dst. */
char *offers_approver(char *dst, size_t size, const struct ipc_watch *offer);
/* What the list says of it, for a relay. */
void offers_asked(struct ipc_asked *out, const struct ipc_watch *offer);

/* Asks the gateway, once: 0 when the whole list is there, else an exit code
 * with the reason said. */
int offers_get(struct offers *out, const struct opts *opts,
    const struct settings *settings, const struct gateway *gateway);

/* The next word of a gateway's events, waiting for it up to timeout_ms (-1 = for
 * ever): 0, or an exit code with the reason said. */
int offers_next(
    struct launch *launch, int timeout_ms, struct ipc_watch *out);

#endif
