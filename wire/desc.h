/*
 * USB descriptors (USB 2.0 9.5-9.6, USB 3.2 9.6, IAD ECN) parsed out of raw,
 * hostile bytes into tables with fixed bounds. It never reads past the
 * container of what it reads: an endpoint inside its interface, an interface
 * inside its configuration, a configuration inside wTotalLength and the bytes
 * that were given. No malloc, no I/O.
 *
 * Two steps: desc_parse_* reads what is there and refuses what breaks the
 * structure; desc_check_* judges meaning by named rules (facts: R1 lengths, R2
 * counts, R3 endpoints, R4 BOS, R5 strings). A refusal names rule and offset.
 */
#ifndef WIRE_DESC_H
#define WIRE_DESC_H

#include <stddef.h>
#include <stdint.h>

#define DESC_DEVICE_SIZE 18u
#define DESC_MAX_CONFIGS 8u	 /* Linux USB_MAXCONFIG */
#define DESC_MAX_INTERFACES 32u	 /* per configuration, Linux */
#define DESC_MAX_ALTS 128u	 /* per configuration, all interfaces */
#define DESC_MAX_ENDPOINTS 512u /* per configuration, all alternates */
#define DESC_MAX_IADS 16u

enum desc_type {
	DESC_DEVICE = 1,
	DESC_CONFIG = 2,
	DESC_STRING = 3,
	DESC_INTERFACE = 4,
	DESC_ENDPOINT = 5,
	DESC_QUALIFIER = 6,
	DESC_OTHER_SPEED = 7,
	DESC_OTG = 9,
	DESC_IAD = 0x0b,
	DESC_BOS = 0x0f,
	DESC_DEVICE_CAPABILITY = 0x10,
	DESC_HID = 0x21,
	DESC_HID_REPORT = 0x22,
	DESC_CS_INTERFACE = 0x24,
	DESC_CS_ENDPOINT = 0x25,
	DESC_HUB = 0x29,
	DESC_SS_HUB = 0x2a,
	DESC_SS_COMPANION = 0x30,
	DESC_SSP_ISO_COMPANION = 0x31,
};

enum desc_xfer { XFER_CONTROL = 0, XFER_ISO = 1, XFER_BULK = 2, XFER_INT = 3 };

/* Which bytes of a device something was said of. */
enum desc_part {
	DESC_PART_NONE, /* of none, or the caller knows */
	DESC_PART_DEVICE,
	DESC_PART_CONFIG, /* item: index of the configuration */
	DESC_PART_BOS,
	DESC_PART_STRING, /* item: place in the record's table */
	DESC_PART_REPORT, /* likewise */
};

/* Why something was refused. text is static, for people and the audit log:
 * "R1.length: descriptor runs past its container". offset counts from the
 * start of the buffer given; part says which, where a whole record was. */
struct desc_why {
	const char *rule; /* "R1.length", static */
	const char *text; /* static */
	size_t offset;
	enum desc_part part;
	uint8_t item;
};

struct desc_device {
	uint16_t bcd_usb, vid, pid, bcd_device;
	uint8_t class, subclass, protocol, max_packet0;
	uint8_t imanufacturer, iproduct, iserial, nconfigs;
};

struct desc_endpoint {
	uint8_t address; /* with the direction bit 0x80 */
	uint8_t attributes;
	uint16_t max_packet; /* raw wMaxPacketSize */
	uint8_t interval;
	uint8_t has_companion, burst, ss_attributes;
	uint16_t bytes_per_interval;
	uint16_t offset; /* of the descriptor within the configuration */
};

struct desc_alt {
	uint8_t number, alternate;
	uint8_t class, subclass, protocol, iinterface;
	uint8_t nendpoints;	 /* endpoints really present */
	uint16_t first_endpoint; /* index into the configuration's table */
	uint16_t offset, length; /* of its bytes, class-specific ones included,
				    within the configuration */
};

struct desc_iad {
	uint8_t first, count, class, subclass, protocol, ifunction;
	uint16_t offset; /* of the descriptor within the configuration */
};

struct desc_config {
	uint16_t total_length;
	uint8_t value, iconfiguration, attributes, max_power;
	uint8_t ninterfaces; /* distinct interface numbers present */
	uint16_t nalts, nendpoints;
	uint8_t niads;
	struct desc_alt alts[DESC_MAX_ALTS]; /* in descriptor order */
	struct desc_endpoint endpoints[DESC_MAX_ENDPOINTS];
	struct desc_iad iads[DESC_MAX_IADS];
};

/* 0, ERR_SHORT (fewer than 18 bytes), ERR_FORMAT. */
int desc_parse_device(struct desc_device *out, const void *buf, size_t len,
    struct desc_why *why);

/* One configuration: buf holds exactly its wTotalLength bytes. Unknown
 * descriptor types are skipped by their length. ERR_FORMAT or ERR_LIMIT. */
int desc_parse_config(struct desc_config *out, const void *buf, size_t len,
    struct desc_why *why);

/* Judges meaning; speed is an enum usbip_speed. ERR_POLICY. */
int desc_check_device(
    const struct desc_device *dev, unsigned speed, struct desc_why *why);
int desc_check_config(
    const struct desc_config *config, unsigned speed, struct desc_why *why);
/* The same but for flaws that a product has a waiver for: bits of enum
 * waiver_flaw (waiver.h). */
int desc_check_config_but(const struct desc_config *config, unsigned speed,
    unsigned overlook, struct desc_why *why);

/* A BOS with all its capabilities, exactly wTotalLength bytes. */
int desc_check_bos(const void *buf, size_t len, struct desc_why *why);

/* A string descriptor: bLength == len, even, 2..254, type 3, valid UTF-16. */
int desc_check_string(const void *buf, size_t len, struct desc_why *why);
/* The text of a checked string descriptor as UTF-8, NUL-terminated; cut at a
 * character's edge to fit. Returns its length. */
size_t desc_string_utf8(char *dst, size_t size, const void *buf, size_t len);

/* Steps through the descriptors of a container: *pos starts at 0; gives the
 * next descriptor (p, its bLength) or ERR_CLOSED at the exact end; ERR_FORMAT
 * on a bLength below 2 or past the container. */
int desc_next(const void *buf, size_t len, size_t *pos, const uint8_t **p,
    size_t *n);

/* As desc_next, and ERR_CLOSED also where bytes follow in which no descriptor
 * begins and which a checked configuration or BOS may end in: one of any value,
 * or up to eight of 00 or of ff. */
int desc_step(const void *buf, size_t len, size_t *pos, const uint8_t **p,
    size_t *n);

/* Sets wanted[index] for each string that the class-specific descriptors of an
 * alternate refer to; buf holds its bytes. */
void desc_class_strings(const struct desc_alt *alt, const void *buf,
    size_t len, uint8_t wanted[256]);

/* The alternate (number, alternate) of a configuration, or NULL. */
const struct desc_alt *desc_find_alt(
    const struct desc_config *config, uint8_t number, uint8_t alternate);

/* Largest bytes of one packet/interval of an endpoint at that speed, the high
 * bandwidth multiplier or burst included; never 0 for a checked non-iso one. */
uint32_t desc_endpoint_payload(
    const struct desc_endpoint *ep, unsigned speed);

#endif
