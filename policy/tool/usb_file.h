/*
 * A capture of USB traffic from disk, frame by frame: ours, usbmon's by tcpdump
 * or dumpcap, Wireshark's; pcap or pcapng, of link types 189 and 220. No byte of
 * it is trusted.
 */
#ifndef POLICY_TOOL_USB_FILE_H
#define POLICY_TOOL_USB_FILE_H

#include <stddef.h>
#include <stdint.h>

#define USB_FILE_PACKETS 128u
#define USB_FILE_LENGTH (16u * 1024u * 1024u) /* of one transfer */

struct usb_packet {
	int32_t status;
	uint32_t offset, length;
};

struct usb_frame {
	unsigned number; /* from 1, as Wireshark counts */
	uint8_t event;	 /* 'S', 'C' or 'E' */
	uint8_t type;	 /* enum desc_xfer */
	uint8_t endpoint; /* address; 0x00 or 0x80 for control */
	uint16_t bus;
	uint8_t device;
	uint8_t has_setup;
	uint8_t setup[8];
	uint64_t id;
	uint64_t time; /* nanoseconds since the epoch */
	int32_t status;
	uint32_t length; /* asked for, or moved */
	uint32_t flags;
	const uint8_t *data; /* borrowed until the next frame */
	uint32_t len;	     /* may be less than moved: cut */
	uint32_t npackets;
	struct usb_packet packets[USB_FILE_PACKETS];
};

struct usb_file;

/* NULL with a line in why. */
struct usb_file *usb_file_open(const char *path, char *why, size_t size);
void usb_file_close(struct usb_file *file);
/* 1 and a frame, 0 at the end, or an error with why. */
int usb_file_next(
    struct usb_file *file, struct usb_frame *frame, char *why, size_t size);

#endif
