/*
 * The packets of isochronous transfers, as the peer gives them and as the
 * device wants them.
 */
#include "proxy/session/transfer_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"

static int
packet_room(struct transfer *t, uint32_t npackets)
{
	struct usbip_iso *sub;
	struct urb_iso *iso;
	uint32_t room = 16;

	if (npackets <= t->packet_room) {
		return 0;
	}
	while (room < npackets) {
		room *= 2;
	}
	sub = realloc(t->sub, room * sizeof(*sub));
	if (sub != NULL) {
		t->sub = sub;
	}
	iso = realloc(t->urb.iso, room * sizeof(*iso));
	if (iso != NULL) {
		t->urb.iso = iso;
	}
	if (sub == NULL || iso == NULL) {
		return ERR_NOMEM;
	}
	t->packet_room = room;
	return 0;
}

/* OUT packets lie where their offsets say; the device wants them back to back:
 * in a second buffer, unless they already are. Only OUT has a block by now. */
static int
repack(struct transfers *ts, struct transfer *t)
{
	struct transfer old = *t;
	uint32_t at = 0;
	int is_packed = 1, r;

	for (uint32_t i = 0; i < t->npackets; i++) {
		is_packed &= t->sub[i].offset == at || t->sub[i].length == 0;
		at += t->sub[i].length;
	}
	if (is_packed || at == 0) {
		return 0;
	}
	t->block = NULL;
	r = pool_take_block(&ts->pool, t, at);
	if (r != 0) {
		t->block = old.block;
		t->urb.data = old.urb.data;
		return r;
	}
	at = 0;
	for (uint32_t i = 0; i < t->npackets; i++) {
		memcpy(t->urb.data + at, old.urb.data + t->sub[i].offset,
		    t->sub[i].length);
		at += t->sub[i].length;
	}
	pool_put_block(&ts->pool, &old);
	return 0;
}

int
transfer_packets(struct transfers *ts, struct transfer *t, const uint8_t *raw,
    uint32_t npackets)
{
	uint64_t sum = 0;
	int r = packet_room(t, npackets);

	if (r != 0) {
		return r;
	}
	for (uint32_t i = 0; i < npackets; i++) {
		struct usbip_iso *sub = &t->sub[i];

		usbip_decode_iso(
		    sub, raw + (size_t)i * USBIP_ISO_SIZE, USBIP_ISO_SIZE);
		if ((uint64_t)sub->offset + sub->length > t->length) {
			return ERR_FORMAT;
		}
		sum += sub->length;
		sub->actual_length = 0;
		sub->status = USBIP_EXDEV;
		t->urb.iso[i] = (struct urb_iso){.length = sub->length};
	}
	/* packets that overlap would return more than the buffer holds */
	if (sum > t->length) {
		return ERR_FORMAT;
	}
	t->npackets = npackets;
	t->urb.npackets = npackets;
	t->urb.length = (uint32_t)sum;
	return t->block != NULL ? repack(ts, t) : 0;
}
