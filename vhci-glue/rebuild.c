/*
 * Replies rebuilt from what was submitted, in the relay. The importing kernel
 * believes a reply's isochronous offsets and lengths and moves memory by them,
 * so none of them is ever passed on: offsets, lengths, packet counts, seqnums
 * and error counts are ours, statuses are from the known set, and actual
 * lengths are checked against what was asked for.
 */
#include "vhci-glue/rebuild.h"

#include "base/err.h"

int
rebuild_judge(const struct usbip_header *ret, const struct pending *entry,
    uint32_t *body, const char **why)
{
	uint32_t data_len, iso_len;
	int r;

	r = usbip_check_ret_submit(ret, &entry->sub, why);
	if (r != 0) {
		return r;
	}
	usbip_ret_body(ret, &entry->sub, &data_len, &iso_len);
	/* Both are bounded by what was submitted: no overflow. */
	if (data_len > entry->sub.length ||
	    iso_len > USBIP_MAX_ISO_PACKETS * USBIP_ISO_SIZE) {
		*why = "reply is longer than what was asked for";
		return ERR_FORMAT;
	}
	*body = data_len + iso_len;
	return 0;
}

static int
rebuild_packets(struct rebuild *w, const struct pending_table *table,
    const struct pending *entry, uint8_t *iso,
    struct usbip_ret_submit *out, const char **why)
{
	const struct usbip_pending *sub = &entry->sub;
	uint64_t sum = 0;
	int r;

	for (uint32_t i = 0; i < sub->npackets; i++) {
		r = usbip_decode_iso(&w->ret[i],
		    iso + (size_t)i * USBIP_ISO_SIZE, USBIP_ISO_SIZE);
		if (r != 0) {
			*why = "isochronous descriptor is cut short";
			return ERR_FORMAT;
		}
	}
	pending_get_iso(table, entry, w->sub);
	r = usbip_rebuild_iso(w->ret, w->sub, sub->npackets, sub->direction,
	    out->actual_length, why);
	if (r != 0) {
		return r;
	}
	for (uint32_t i = 0; i < sub->npackets; i++) {
		sum += w->ret[i].actual_length;
		out->error_count += w->ret[i].status != 0;
		usbip_encode_iso(iso + (size_t)i * USBIP_ISO_SIZE, &w->ret[i]);
	}
	/* The kernel tears the device down when the sum differs, also for OUT
	 * where no data depends on it. */
	if (sum > sub->length) {
		*why = "isochronous packets add up to more than the buffer";
		return ERR_FORMAT;
	}
	out->actual_length = (uint32_t)sum;
	return 0;
}

int
rebuild_submit(struct rebuild *w, const struct pending_table *table,
    const struct pending *entry, const struct usbip_header *ret, uint8_t *pdu,
    size_t len, uint32_t *data_len, const char **why)
{
	struct usbip_header hdr = {
	    .command = USBIP_RET_SUBMIT,
	    .seqnum = entry->sub.seqnum,
	};
	struct usbip_ret_submit *out = &hdr.u.ret_submit;
	uint32_t iso_len;
	int r;

	usbip_ret_body(ret, &entry->sub, data_len, &iso_len);
	if (len != (size_t)USBIP_HEADER_SIZE + *data_len + iso_len ||
	    iso_len != entry->sub.npackets * USBIP_ISO_SIZE) {
		*why = "reply has another length than its header says";
		return ERR_FORMAT;
	}
	out->status = usbip_clean_status(ret->u.ret_submit.status);
	out->actual_length = ret->u.ret_submit.actual_length;
	out->npackets = entry->npackets_raw;
	if (entry->sub.npackets > 0) {
		r = rebuild_packets(w, table, entry,
		    pdu + USBIP_HEADER_SIZE + *data_len, out, why);
		if (r != 0) {
			return r;
		}
	}
	return usbip_encode_header(pdu, &hdr);
}

void
rebuild_unlink(uint32_t seqnum, int32_t status, enum rebuild_target target,
    uint8_t pdu[USBIP_HEADER_SIZE])
{
	struct usbip_header hdr = {
	    .command = USBIP_RET_UNLINK,
	    .seqnum = seqnum,
	};

	hdr.u.ret_unlink.status = usbip_clean_status(status);
	/* 0 for a transfer that was never answered would complete it as a
	 * success of no bytes: data lost in silence. */
	if (target == REBUILD_TAKEN && hdr.u.ret_unlink.status == USBIP_OK) {
		hdr.u.ret_unlink.status = USBIP_ECONNRESET;
	}
	(void)usbip_encode_header(pdu, &hdr);
}
