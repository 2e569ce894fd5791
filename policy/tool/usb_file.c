#include "policy/tool/usb_file.h"

#include <pcap/pcap.h>
#include <pcap/usb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "wire/desc.h"

/* libpcap turns the fields of a header to this machine's byte order. */
#define OLD_HEADER 48u
#define HEADER 64u
#define PACKET 16u

_Static_assert(sizeof(pcap_usb_header_mmapped) == HEADER &&
	sizeof(usb_isodesc) == PACKET, "as usbmon has them");

struct usb_file {
	pcap_t *pcap; /* owned */
	size_t header;
	unsigned number;
};

struct usb_file *
usb_file_open(const char *path, char *why, size_t size)
{
	struct usb_file *file = calloc(1, sizeof(*file));
	char text[PCAP_ERRBUF_SIZE] = "out of memory";
	int link;

	if (file != NULL) {
		file->pcap = pcap_open_offline(path, text);
	}
	if (file == NULL || file->pcap == NULL) {
		(void)snprintf(why, size, "%s", text);
		free(file);
		return NULL;
	}
	link = pcap_datalink(file->pcap);
	if (link != DLT_USB_LINUX && link != DLT_USB_LINUX_MMAPPED) {
		(void)snprintf(why, size, "link type %d is not that of USB "
			"traffic of Linux (189 or 220)", link);
		usb_file_close(file);
		return NULL;
	}
	file->header = link == DLT_USB_LINUX ? OLD_HEADER : HEADER;
	return file;
}

void
usb_file_close(struct usb_file *file)
{
	pcap_close(file->pcap);
	free(file);
}

static int
xfer_of(uint8_t type)
{
	switch (type) {
	case URB_ISOCHRONOUS:
		return XFER_ISO;
	case URB_INTERRUPT:
		return XFER_INT;
	case URB_CONTROL:
		return XFER_CONTROL;
	case URB_BULK:
		return XFER_BULK;
	}
	return -1;
}

/* The descriptors of packets stand before the data. */
static int
take_packets(struct usb_frame *f, uint32_t n)
{
	if (n > USB_FILE_PACKETS || (uint64_t)n * PACKET > f->len) {
		return ERR_FORMAT;
	}
	for (uint32_t i = 0; i < n; i++) {
		usb_isodesc d;

		memcpy(&d, f->data + i * PACKET, PACKET);
		f->packets[i] =
		    (struct usb_packet){d.status, d.offset, d.len};
	}
	f->npackets = n;
	f->data += n * PACKET;
	f->len -= n * PACKET;
	return 0;
}

static int
fill(struct usb_file *file, struct usb_frame *f,
    const struct pcap_pkthdr *hdr, const uint8_t *bytes)
{
	pcap_usb_header_mmapped h = {0};
	int type;

	if (hdr->caplen < file->header) {
		return ERR_FORMAT;
	}
	memcpy(&h, bytes, file->header);
	type = xfer_of(h.transfer_type);
	if (type < 0 || h.urb_len > USB_FILE_LENGTH ||
	    (h.event_type != URB_SUBMIT && h.event_type != URB_COMPLETE &&
		h.event_type != URB_ERROR)) {
		return ERR_FORMAT;
	}
	*f = (struct usb_frame){
		.number = file->number,
		.event = h.event_type,
		.type = (uint8_t)type,
		.endpoint = h.endpoint_number,
		.bus = h.bus_id,
		.device = h.device_address,
		.id = h.id,
		.time = (uint64_t)h.ts_sec * 1000000000u +
		    (uint64_t)(uint32_t)h.ts_usec * 1000u,
		.status = h.status,
		.length = h.urb_len,
		.flags = h.xfer_flags,
		.data = bytes + file->header,
		.len = hdr->caplen - (uint32_t)file->header,
	};
	if (type == XFER_CONTROL) {
		f->endpoint &= 0x80;
		if (h.event_type == URB_SUBMIT && h.setup_flag == 0) {
			f->has_setup = 1;
			memcpy(f->setup, &h.s.setup, sizeof(f->setup));
		}
	}
	return type == XFER_ISO && file->header == HEADER ?
	    take_packets(f, h.ndesc) :
	    0;
}

int
usb_file_next(
    struct usb_file *file, struct usb_frame *frame, char *why, size_t size)
{
	struct pcap_pkthdr *hdr;
	const u_char *bytes;
	int r = pcap_next_ex(file->pcap, &hdr, &bytes);

	if (r == PCAP_ERROR_BREAK) {
		return 0;
	}
	file->number++;
	if (r != 1) {
		(void)snprintf(why, size, "frame %u: %s", file->number,
		    pcap_geterr(file->pcap));
		return ERR_FORMAT;
	}
	if (fill(file, frame, hdr, bytes) != 0) {
		(void)snprintf(why, size, "frame %u: is no transfer of USB",
		    file->number);
		return ERR_FORMAT;
	}
	return 1;
}
