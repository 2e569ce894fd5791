/* See early.h. */
#include "proxy/session/early.h"

#include <string.h>

#include "proxy/session/outq.h"
#include "proxy/session/reply.h"
#include "wire/usbip.h"

int
early_take(struct early *e, uint32_t of, uint32_t *seqnum)
{
	for (unsigned i = 0; i < e->n; i++) {
		if (e->unlinks[i].of == of) {
			*seqnum = e->unlinks[i].seqnum;
			e->n--;
			memmove(&e->unlinks[i], &e->unlinks[i + 1],
			    (e->n - i) * sizeof(e->unlinks[0]));
			return 1;
		}
	}
	return 0;
}

void
early_note(struct early *e, struct outq *out, uint32_t seqnum)
{
	unsigned i = 0;

	if (!e->has_newest || seqnum_is_later(seqnum, e->newest)) {
		e->newest = seqnum;
		e->has_newest = 1;
	}
	while (i < e->n) {
		uint32_t of = e->unlinks[i].of, unlink;

		if (seqnum_is_later(seqnum, of) && early_take(e, of, &unlink)) {
			reply_unlink(out, unlink, USBIP_OK);
		} else {
			i++;
		}
	}
}

/* The peer counts submits and unlinks together, upwards: an unlink of a submit
 * that is still to come lies between the two. */
int
early_keep(struct early *e, uint32_t seqnum, uint32_t of)
{
	if (!e->has_newest || !seqnum_is_later(of, e->newest) ||
	    !seqnum_is_later(seqnum, of) || e->n == EARLY_UNLINKS) {
		return 0;
	}
	e->unlinks[e->n++] = (struct early_unlink){.seqnum = seqnum, .of = of};
	return 1;
}
