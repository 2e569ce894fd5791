/*
 * Unlinks that overtook their submit: vhci_hcd sends all new submits, then all
 * new unlinks, and a URB that is submitted and unlinked in between goes out in
 * the wrong order. Answered as "nothing there", that URB would complete twice,
 * and the importing kernel unplugs the device. So such an unlink is kept, and
 * its submit never reaches the device.
 */
#ifndef PROXY_SESSION_EARLY_H
#define PROXY_SESSION_EARLY_H

#include <stdint.h>

struct outq;

#define EARLY_UNLINKS 64u /* that wait for their submit; more are answered */

/* All zero at the start. */
struct early {
	uint32_t newest; /* seqnum of a submit, once has_newest */
	int has_newest;
	unsigned n;
	struct early_unlink {
		uint32_t seqnum, of;
	} unlinks[EARLY_UNLINKS];
};

/* Seqnums wrap: one is later when the way to it is the shorter one. */
static inline int
seqnum_is_later(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

/* Takes one unlink out of those that wait for `of`: 1, or 0 when none does. */
int early_take(struct early *e, uint32_t of, uint32_t *seqnum);
/* A submit came: of those before it that did not come, none will, and their
 * unlinks are answered. */
void early_note(struct early *e, struct outq *out, uint32_t seqnum);
/* An unlink of a seqnum that is not known: 1 if its submit may still come, and
 * it is kept. 0: it is the caller's to answer. */
int early_keep(struct early *e, uint32_t seqnum, uint32_t of);

#endif
