/*
 * Sense of USB/IP headers: what a workstation may ask of a gateway and what a
 * gateway may answer. Used by the session (hostile workstation) and the relay
 * (hostile gateway, whose reply must not reach the kernel unjudged). All
 * arithmetic on peer-given numbers is done in 64 bits.
 */
#include "wire/usbip_check.h"

#include <string.h>

#include "base/err.h"
#include "wire/cursor.h"

/* 0 and "not isochronous" mean the same (Linux sends 0, others ~0). */
static uint32_t
packets(uint32_t npackets)
{
	return npackets == USBIP_NON_ISO_PACKETS ? 0 : npackets;
}

static int
refuse(int err, const char **why, const char *text)
{
	if (why != NULL) {
		*why = text;
	}
	return err;
}

int
usbip_check_busid(const char busid[USBIP_BUSID_SIZE])
{
	size_t n = strnlen(busid, USBIP_BUSID_SIZE);

	if (n == 0 || n == USBIP_BUSID_SIZE || busid[0] == '.' ||
	    busid[0] == '-') {
		return ERR_FORMAT;
	}
	for (size_t i = 0; i < n; i++) {
		char ch = busid[i];

		if (!((ch >= '0' && ch <= '9') || (ch >= 'A' && ch <= 'Z') ||
			(ch >= 'a' && ch <= 'z') || ch == '.' || ch == '_' ||
			ch == '-')) {
			return ERR_FORMAT;
		}
	}
	return 0;
}

int
usbip_check_command(
    const struct usbip_header *hdr, const struct usbip_limits *limits)
{
	if (hdr->direction > USBIP_DIR_IN || hdr->ep > 15) {
		return ERR_FORMAT;
	}
	switch (hdr->command) {
	case USBIP_CMD_UNLINK:
		return 0;
	case USBIP_CMD_SUBMIT:
		if (hdr->u.submit.length > INT32_MAX ||
		    hdr->u.submit.length > limits->max_length) {
			return ERR_FORMAT;
		}
		return 0;
	}
	return ERR_FORMAT;
}

/* The data stage as the header has it and as the setup packet has it must be
 * the same: policy judges one and the device would do the other. */
static int
check_control(const struct usbip_header *hdr,
    const struct usbip_limits *limits, const char **why)
{
	const uint8_t *setup = hdr->u.submit.setup;
	uint32_t wlength = le16_at(setup + 6);
	uint32_t direction = setup[0] & 0x80 ? USBIP_DIR_IN : USBIP_DIR_OUT;

	if (hdr->u.submit.length != wlength) {
		return refuse(
		    ERR_POLICY, why, "wLength is not the buffer's length");
	}
	if (wlength > 0 && hdr->direction != direction) {
		return refuse(ERR_POLICY, why,
		    "direction disagrees with bmRequestType");
	}
	if (wlength > limits->max_control) {
		return refuse(ERR_POLICY, why, "control data stage too long");
	}
	return 0;
}

int
usbip_check_submit(const struct usbip_header *hdr, enum usbip_xfer xfer,
    const struct usbip_limits *limits, const char **why)
{
	uint32_t np = packets(hdr->u.submit.npackets);

	if (hdr->command != USBIP_CMD_SUBMIT) {
		return refuse(ERR_FORMAT, why, "not a submit");
	}
	if (usbip_check_command(hdr, limits) != 0) {
		return refuse(ERR_FORMAT, why,
		    "direction, endpoint or length out of range");
	}
	if (xfer == USBIP_XFER_ISO) {
		if (np > USBIP_MAX_ISO_PACKETS) {
			return refuse(ERR_FORMAT, why, "too many packets");
		}
		if (np == 0) {
			/* nothing follows the data: answer and go on */
			return refuse(ERR_POLICY, why,
			    "isochronous transfer without packets");
		}
		return 0;
	}
	if (np != 0) {
		return refuse(
		    ERR_FORMAT, why, "packets on a non-isochronous endpoint");
	}
	if (xfer == USBIP_XFER_CONTROL) {
		return check_control(hdr, limits, why);
	}
	return 0;
}

int
usbip_submit_body(const struct usbip_header *hdr, enum usbip_xfer xfer,
    uint32_t *data_len, uint32_t *iso_len)
{
	uint32_t np = 0, data = 0;

	*data_len = 0;
	*iso_len = 0;
	if (hdr->command != USBIP_CMD_SUBMIT) {
		return 0;
	}
	if (xfer == USBIP_XFER_ISO) {
		np = packets(hdr->u.submit.npackets);
	}
	if (hdr->direction == USBIP_DIR_OUT) {
		data = hdr->u.submit.length;
	}
	if (np > USBIP_MAX_ISO_PACKETS ||
	    hdr->u.submit.length > INT32_MAX - np * USBIP_ISO_SIZE) {
		return ERR_LIMIT;
	}
	*data_len = data;
	*iso_len = np * USBIP_ISO_SIZE;
	return 0;
}

int
usbip_check_iso_submit(
    const struct usbip_iso *iso, uint32_t npackets, uint32_t length)
{
	uint64_t sum = 0;

	if (npackets > USBIP_MAX_ISO_PACKETS) {
		return ERR_FORMAT;
	}
	for (uint32_t i = 0; i < npackets; i++) {
		if ((uint64_t)iso[i].offset + iso[i].length > length) {
			return ERR_FORMAT;
		}
		sum += iso[i].length;
	}
	/* packets that overlap would return more than the buffer holds */
	return sum > length ? ERR_FORMAT : 0;
}

int32_t
usbip_clean_status(int32_t status)
{
	switch (status) {
	case USBIP_OK:
	case USBIP_ENOENT:
	case USBIP_EIO:
	case USBIP_ENOMEM:
	case USBIP_EXDEV:
	case USBIP_ENODEV:
	case USBIP_EINVAL:
	case USBIP_EPIPE:
	case USBIP_ETIME:
	case USBIP_ENOSR:
	case USBIP_ECOMM:
	case USBIP_EPROTO:
	case USBIP_EOVERFLOW:
	case USBIP_EILSEQ:
	case USBIP_EMSGSIZE:
	case USBIP_ECONNRESET:
	case USBIP_ESHUTDOWN:
	case USBIP_ETIMEDOUT:
	case USBIP_EREMOTEIO:
		return status;
	}
	/* -EINPROGRESS too: a finished URB that says it is not misleads
	 * drivers */
	return USBIP_EPROTO;
}

int
usbip_check_ret_submit(const struct usbip_header *ret,
    const struct usbip_pending *sub, const char **why)
{
	if (ret->command != USBIP_RET_SUBMIT) {
		return refuse(ERR_FORMAT, why, "not a reply to a submit");
	}
	if (ret->seqnum != sub->seqnum) {
		return refuse(ERR_FORMAT, why, "reply to another submit");
	}
	if (ret->u.ret_submit.actual_length > sub->length) {
		return refuse(
		    ERR_FORMAT, why, "actual_length above what was asked");
	}
	if (packets(ret->u.ret_submit.npackets) != packets(sub->npackets)) {
		return refuse(
		    ERR_FORMAT, why, "number of packets differs from submit");
	}
	return 0;
}

void
usbip_ret_body(const struct usbip_header *ret,
    const struct usbip_pending *sub, uint32_t *data_len, uint32_t *iso_len)
{
	uint32_t np = packets(sub->npackets);
	uint32_t actual = ret->u.ret_submit.actual_length;

	*data_len = 0;
	*iso_len = 0;
	if (ret->command != USBIP_RET_SUBMIT) {
		return;
	}
	if (sub->direction == USBIP_DIR_IN) {
		*data_len = actual < sub->length ? actual : sub->length;
	}
	if (np <= USBIP_MAX_ISO_PACKETS) {
		*iso_len = np * USBIP_ISO_SIZE;
	}
}

int
usbip_rebuild_iso(struct usbip_iso *ret, const struct usbip_iso *sub,
    uint32_t npackets, uint32_t direction, uint32_t actual_length,
    const char **why)
{
	uint64_t sum = 0;

	if (npackets > USBIP_MAX_ISO_PACKETS) {
		return refuse(ERR_FORMAT, why, "too many packets");
	}
	for (uint32_t i = 0; i < npackets; i++) {
		if (ret[i].actual_length > sub[i].length) {
			return refuse(ERR_FORMAT, why,
			    "packet longer than what was asked");
		}
		sum += ret[i].actual_length;
		ret[i].offset = sub[i].offset;
		ret[i].length = sub[i].length;
		ret[i].status = usbip_clean_status(ret[i].status);
	}
	if (direction == USBIP_DIR_IN && sum != actual_length) {
		return refuse(ERR_FORMAT, why,
		    "packets do not add up to actual_length");
	}
	return 0;
}
