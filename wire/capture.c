/*
 * Records of a capture: see capture.h.
 */
#include "wire/capture.h"

#include "base/err.h"
#include "wire/cursor.h"

#define XFERS 4u /* control, isochronous, bulk, interrupt */

void
capture_encode(uint8_t *buf, const struct capture_record *r)
{
	struct wcur c = wcur_of(buf, CAPTURE_HEADER);

	wcur_be32(&c, capture_size(r));
	wcur_u8(&c, r->type);
	wcur_u8(&c, r->xfer);
	wcur_u8(&c, r->endpoint);
	wcur_u8(&c, 0);
	wcur_be32(&c, r->devid);
	wcur_be32(&c, r->dropped);
	wcur_be64(&c, r->id);
	wcur_be64(&c, r->wall);
	wcur_copy(&c, r->setup, sizeof(r->setup));
	wcur_be32(&c, (uint32_t)r->status);
	wcur_be32(&c, r->length);
	wcur_be32(&c, r->flags);
	wcur_be32(&c, r->interval);
	wcur_be32(&c, r->errors);
	wcur_be32(&c, r->npackets);
	wcur_be32(&c, r->nkept);
	wcur_be32(&c, r->payload);
}

int
capture_decode(struct capture_record *r, const uint8_t *buf, size_t len)
{
	struct rcur c = rcur_of(buf, CAPTURE_HEADER);
	uint32_t size;
	uint8_t zero;

	if (len < CAPTURE_HEADER) {
		return ERR_SHORT;
	}
	size = rcur_be32(&c);
	r->type = rcur_u8(&c);
	r->xfer = rcur_u8(&c);
	r->endpoint = rcur_u8(&c);
	zero = rcur_u8(&c);
	r->devid = rcur_be32(&c);
	r->dropped = rcur_be32(&c);
	r->id = rcur_be64(&c);
	r->wall = rcur_be64(&c);
	rcur_copy(&c, r->setup, sizeof(r->setup));
	r->status = (int32_t)rcur_be32(&c);
	r->length = rcur_be32(&c);
	r->flags = rcur_be32(&c);
	r->interval = rcur_be32(&c);
	r->errors = rcur_be32(&c);
	r->npackets = rcur_be32(&c);
	r->nkept = rcur_be32(&c);
	r->payload = rcur_be32(&c);
	if (r->type < CAPTURE_SUBMIT || r->type > CAPTURE_END || zero != 0 ||
	    r->xfer >= XFERS || r->nkept > CAPTURE_PACKETS ||
	    r->nkept > r->npackets || r->payload > CAPTURE_PAYLOAD ||
	    size != capture_size(r)) {
		return ERR_FORMAT;
	}
	return 0;
}

void
capture_encode_packet(uint8_t *buf, const struct capture_packet *p)
{
	struct wcur c = wcur_of(buf, CAPTURE_PACKET);

	wcur_be32(&c, (uint32_t)p->status);
	wcur_be32(&c, p->offset);
	wcur_be32(&c, p->length);
}

void
capture_decode_packet(struct capture_packet *p, const uint8_t *buf)
{
	struct rcur c = rcur_of(buf, CAPTURE_PACKET);

	p->status = (int32_t)rcur_be32(&c);
	p->offset = rcur_be32(&c);
	p->length = rcur_be32(&c);
}
