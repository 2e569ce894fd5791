/*
 * Records of a capture, as a session writes them into the pipe of the process
 * that keeps it (proxy/capture). One for each transfer that was submitted, one
 * for each that ended, one for each ruling of a profile:
 *
 *   header (72) | packets of an isochronous one, 12 each | payload
 *
 * Big-endian. The reader trusts none of it. wire/ knows neither the session's
 * transfers nor the files that become of them.
 */
#ifndef WIRE_CAPTURE_H
#define WIRE_CAPTURE_H

#include <stddef.h>
#include <stdint.h>

#define CAPTURE_HEADER 72u
#define CAPTURE_PACKET 12u
#define CAPTURE_PACKETS 128u /* usbmon's own bound */
#define CAPTURE_PAYLOAD (64u * 1024u)
#define CAPTURE_RECORD \
	(CAPTURE_HEADER + CAPTURE_PACKETS * CAPTURE_PACKET + CAPTURE_PAYLOAD)

enum capture_type {
	CAPTURE_SUBMIT = 1,   /* as the workstation sent it */
	CAPTURE_COMPLETE = 2, /* as the device, or the session itself, ended
				 it; before its profile ruled on that */
	CAPTURE_RULED = 3,    /* payload is an ipc_ruled, about id */
	CAPTURE_END = 4,      /* nothing follows */
};

struct capture_record {
	uint8_t type;	  /* enum capture_type */
	uint8_t xfer;	  /* enum desc_xfer */
	uint8_t endpoint; /* address; 0x00 or 0x80 for control */
	uint32_t devid;	  /* bus << 16 | device */
	uint32_t dropped; /* records lost before this one */
	uint64_t id;	  /* of its transfer */
	uint64_t wall;	  /* nanoseconds since the epoch */
	uint8_t setup[8];
	int32_t status; /* 0 or a negative USBIP_E* */
	uint32_t length; /* asked for, or moved */
	uint32_t flags;	 /* enum usbip_flags */
	uint32_t interval;
	uint32_t errors;   /* isochronous packets that failed */
	uint32_t npackets; /* of the transfer */
	uint32_t nkept;	   /* of them, in the record */
	uint32_t payload;  /* bytes in the record */
};

struct capture_packet {
	int32_t status;
	uint32_t offset, length; /* of the payload; asked for, or moved */
};

static inline uint32_t
capture_size(const struct capture_record *r)
{
	return CAPTURE_HEADER + r->nkept * CAPTURE_PACKET + r->payload;
}

/* CAPTURE_HEADER bytes; the record is within the bounds above. */
void capture_encode(uint8_t *buf, const struct capture_record *r);
/* 0; ERR_SHORT: fewer than CAPTURE_HEADER bytes; ERR_FORMAT. */
int capture_decode(struct capture_record *r, const uint8_t *buf, size_t len);
void capture_encode_packet(uint8_t *buf, const struct capture_packet *p);
void capture_decode_packet(struct capture_packet *p, const uint8_t *buf);

#endif
