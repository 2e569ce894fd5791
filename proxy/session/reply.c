/*
 * Replies of a session. The backend's numbers are not trusted: lengths are cut
 * to what was asked before a byte is copied. Status numbers are Linux's
 * generic ones, whatever this machine's errno values are.
 *
 * Isochronous IN data goes out compacted, packet after packet, only what each
 * really brought; offsets and lengths of the descriptors are the submitted
 * ones, and actual_length is their exact sum, in both directions, since the
 * importing kernel adds them up and unplugs when they differ.
 */
#include "proxy/session/reply.h"

#include "proxy/session/outq.h"
#include "proxy/session/transfer.h"

static uint32_t
least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static void
put_header(struct outq *out, const struct transfer *t, int32_t status,
    uint32_t actual, uint32_t errors)
{
	struct usbip_header hdr = {
		.command = USBIP_RET_SUBMIT,
		.seqnum = t->seqnum,
		.u.ret_submit = {
			.status = status,
			.actual_length = actual,
			.npackets = t->npackets,
			.error_count = errors,
		},
	};
	uint8_t raw[USBIP_HEADER_SIZE];

	usbip_encode_header(raw, &hdr);
	outq_put(out, raw, sizeof(raw));
}

void
reply_unlink(struct outq *out, uint32_t seqnum, int32_t status)
{
	struct usbip_header hdr = {
		.command = USBIP_RET_UNLINK,
		.seqnum = seqnum,
		.u.ret_unlink.status = status,
	};
	uint8_t raw[USBIP_HEADER_SIZE];

	usbip_encode_header(raw, &hdr);
	outq_put(out, raw, sizeof(raw));
}

int32_t
reply_status_of(enum urb_result result)
{
	switch (result) {
	case URB_OK:
		return USBIP_OK;
	case URB_STALL:
		return USBIP_EPIPE;
	case URB_CANCELLED:
		return USBIP_ECONNRESET;
	case URB_OVERFLOW:
		return USBIP_EOVERFLOW;
	case URB_GONE:
		return USBIP_ENODEV;
	case URB_ERROR:
		break;
	}
	return USBIP_EPROTO;
}

/* ------------------------------------------------------------------------ */
/* Isochronous                                                              */

static uint32_t
packet_actual(const struct transfer *t, uint32_t i)
{
	return least(t->urb.iso[i].actual, t->urb.iso[i].length);
}

static uint32_t
packets_sum(const struct transfer *t)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < t->npackets; i++) {
		sum += packet_actual(t, i);
	}
	return sum;
}

static int32_t
packet_status(const struct transfer *t, uint32_t i)
{
	if (t->urb.iso[i].actual > t->urb.iso[i].length) {
		return USBIP_EOVERFLOW;
	}
	/* its time never came */
	return t->urb.iso[i].result == URB_CANCELLED ?
	    USBIP_EXDEV :
	    reply_status_of(t->urb.iso[i].result);
}

static void
put_packets(struct outq *out, struct transfer *t)
{
	uint8_t raw[USBIP_ISO_SIZE];

	for (uint32_t i = 0; i < t->npackets; i++) {
		usbip_encode_iso(raw, &t->sub[i]);
		outq_put(out, raw, sizeof(raw));
	}
}

static void
reply_iso(struct outq *out, struct transfer *t, int32_t status)
{
	uint32_t errors = 0, at = 0;

	for (uint32_t i = 0; i < t->npackets; i++) {
		t->sub[i].actual_length = packet_actual(t, i);
		t->sub[i].status = packet_status(t, i);
		errors += t->sub[i].status != 0;
	}
	put_header(out, t, status, packets_sum(t), errors);
	for (uint32_t i = 0; i < t->npackets; i++) {
		if (t->direction == USBIP_DIR_IN) {
			outq_put(out, t->urb.data + at, packet_actual(t, i));
		}
		at += t->urb.iso[i].length;
	}
	put_packets(out, t);
}

/* ------------------------------------------------------------------------ */

int
reply_is_nothing(const struct transfer *t)
{
	if (t->urb.result != URB_CANCELLED) {
		return 0;
	}
	return t->is_iso ? packets_sum(t) == 0 : t->urb.actual == 0;
}

static int32_t
short_status(const struct transfer *t, int32_t status, uint32_t actual)
{
	if (status == USBIP_OK && t->direction == USBIP_DIR_IN &&
	    (t->wire_flags & USBIP_URB_SHORT_NOT_OK) != 0 &&
	    actual < t->length) {
		return USBIP_EREMOTEIO;
	}
	return status;
}

static void
put_reply(struct outq *out, const struct transfer *t, int32_t status,
    const void *data, uint32_t actual)
{
	put_header(out, t, short_status(t, status, actual), actual, 0);
	if (t->direction == USBIP_DIR_IN && actual > 0) {
		outq_put(out, data, actual);
	}
}

void
reply_transfer(struct outq *out, struct transfer *t)
{
	int32_t status = reply_status_of(t->urb.result);
	uint32_t actual = least(t->urb.actual, t->urb.length);

	if (t->urb.result == URB_CANCELLED) {
		if (!t->is_iso && actual == t->length && actual > 0) {
			/* all of it moved: it was too late to cancel */
			status = USBIP_OK;
		} else if (t->killed != 0) {
			status = t->killed;
		}
	}
	if (t->is_iso) {
		reply_iso(out, t, status);
		return;
	}
	if (t->urb.actual > t->urb.length) {
		status = USBIP_EOVERFLOW;
	}
	put_reply(out, t, status, t->urb.data, actual);
}

void
reply_status(struct outq *out, struct transfer *t, int32_t status)
{
	for (uint32_t i = 0; i < t->npackets; i++) {
		t->sub[i].actual_length = 0;
		t->sub[i].status = status;
	}
	put_header(out, t, status, 0, t->npackets);
	put_packets(out, t);
}

void
reply_local(struct outq *out, struct transfer *t, int32_t status,
    const void *data, size_t len)
{
	uint32_t actual = t->length;

	if (status != USBIP_OK) {
		actual = 0;
	} else if (t->direction == USBIP_DIR_IN) {
		actual = len < t->length ? (uint32_t)len : t->length;
	}
	put_reply(out, t, status, data, actual);
}
