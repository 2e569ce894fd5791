/*
 * Whether a decoded USB/IP header makes sense, apart from decoding it: the
 * gateway's view of a CMD and the workstation's view of a RET. Pure.
 */
#ifndef WIRE_USBIP_CHECK_H
#define WIRE_USBIP_CHECK_H

#include "wire/usbip.h"

/* A bus id that may be asked for: 1..31 bytes of [0-9A-Za-z._-], not starting
 * with a dot or a dash. (Never a regular expression of digits: buses have
 * names.) 0 or ERR_FORMAT. */
int usbip_check_busid(const char busid[USBIP_BUSID_SIZE]);

/* Kind of the endpoint a submit goes to; the caller knows it from descriptors
 * (gateway) or treats npackets > 0 as isochronous (workstation's kernel). */
enum usbip_xfer {
	USBIP_XFER_CONTROL,
	USBIP_XFER_ISO,
	USBIP_XFER_BULK,
	USBIP_XFER_INTERRUPT,
};

struct usbip_limits {
	uint32_t max_length;  /* bytes of one URB, e.g. 1 MiB */
	uint32_t max_control; /* bytes of one control data stage, 4096 */
};

/* CMD_SUBMIT or CMD_UNLINK: direction 0/1, ep 0..15, length within limits.
 * Needs no endpoint table. ERR_FORMAT: the stream can no longer be trusted
 * (the body's length is not known): end the connection. */
int usbip_check_command(
    const struct usbip_header *hdr, const struct usbip_limits *limits);

/* CMD_SUBMIT on an endpoint of that kind: npackets 0 or NON_ISO for non-iso,
 * <= USBIP_MAX_ISO_PACKETS for iso (none at all is ERR_POLICY); for control:
 * direction agrees with bmRequestType (either when wLength is 0) and wLength ==
 * length. why gets a short static reason. ERR_FORMAT ends the connection;
 * ERR_POLICY means that the URB is to be answered with an error and the stream
 * goes on. */
int usbip_check_submit(const struct usbip_header *hdr, enum usbip_xfer xfer,
    const struct usbip_limits *limits, const char **why);

/* Bytes that follow a CMD_SUBMIT header: OUT data, then iso descriptors.
 * Checked against overflow; ERR_LIMIT. */
int usbip_submit_body(const struct usbip_header *hdr, enum usbip_xfer xfer,
    uint32_t *data_len, uint32_t *iso_len);

/* The iso descriptors of a submit: each offset + length inside `length`, and
 * no more than it together; actual_length 0 is not demanded. ERR_FORMAT. */
int usbip_check_iso_submit(
    const struct usbip_iso *iso, uint32_t npackets, uint32_t length);

/* Workstation: what was submitted, as the relay keeps it. */
struct usbip_pending {
	uint32_t seqnum;
	uint32_t direction;
	uint32_t ep;
	uint32_t length;
	uint32_t npackets; /* 0 for non-iso */
	uint8_t setup[8];
};

/* A status that an importing kernel may see; others become -EPROTO. */
int32_t usbip_clean_status(int32_t status);

/* RET_SUBMIT against what was submitted: actual_length <= length, npackets as
 * submitted (0 and NON_ISO are the same), known command. why gets a short
 * static reason. 0 or ERR_FORMAT (end the connection). */
int usbip_check_ret_submit(const struct usbip_header *ret,
    const struct usbip_pending *sub, const char **why);

/* Bytes that follow a RET_SUBMIT for sub: IN data (actual_length), then iso
 * descriptors (also for iso OUT). */
void usbip_ret_body(const struct usbip_header *ret,
    const struct usbip_pending *sub, uint32_t *data_len, uint32_t *iso_len);

/* Rebuilds the iso descriptors of a reply from those submitted: offsets and
 * lengths are the submitted ones, actual <= length per packet, statuses are
 * cleaned. IN: the sum must be actual_length, which is how many bytes follow.
 * OUT: peers count differently, so that the caller makes actual_length of the
 * sum (vhci_hcd compares them in both directions). ret[] is changed in place.
 * ERR_FORMAT with why when the device's numbers do not fit. */
int usbip_rebuild_iso(struct usbip_iso *ret, const struct usbip_iso *sub,
    uint32_t npackets, uint32_t direction, uint32_t actual_length,
    const char **why);

#endif
