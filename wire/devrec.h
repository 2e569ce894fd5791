/*
 * The device record: all that the gateway knows of a device's own bytes, read
 * and checked once by the probe, and the only form of a device that the warden
 * reads and a session serves. And the device's place: what the kernel of the
 * gateway says of where it is plugged.
 */
#ifndef WIRE_DEVREC_H
#define WIRE_DEVREC_H

#include <stddef.h>
#include <stdint.h>

#include "wire/desc.h"
#include "wire/usbip.h"

#define DEVREC_CONFIG_BYTES (32u * 1024u) /* all configurations together */
#define DEVREC_BOS_BYTES 4096u
#define DEVREC_STRINGS 64u
#define DEVREC_STRING_BYTES 8192u /* all string descriptors together */
#define DEVREC_REPORTS 32u
#define DEVREC_REPORT_BYTES (16u * 1024u) /* all HID report descriptors */

struct devrec_span {
	uint16_t offset, length; /* within the byte array of its kind */
};

struct devrec_string {
	uint8_t index;
	uint16_t langid; /* 0 for index 0, the table of languages */
	struct devrec_span at;
};

struct devrec_report {
	uint8_t config;	   /* bConfigurationValue */
	uint8_t interface; /* bInterfaceNumber */
	struct devrec_span at;
};

/* About 64 KiB: lives on the heap or in static storage, not on a stack. */
struct devrec {
	uint8_t speed;	       /* enum usbip_speed, as the kernel says */
	uint8_t active_config; /* bConfigurationValue now set, 0 = none */
	uint8_t device[DESC_DEVICE_SIZE];
	uint8_t nconfigs, nstrings, nreports;
	uint8_t has_qualifier;
	uint8_t qualifier[10];
	uint8_t nothers; /* 0 without a qualifier */
	struct devrec_span configs[DESC_MAX_CONFIGS];
	struct devrec_span others[DESC_MAX_CONFIGS]; /* in config_bytes */
	struct devrec_string strings[DEVREC_STRINGS];
	struct devrec_report reports[DEVREC_REPORTS];
	uint16_t bos_length; /* 0 = none */
	uint16_t config_used, string_used, report_used;
	uint8_t config_bytes[DEVREC_CONFIG_BYTES];
	uint8_t bos[DEVREC_BOS_BYTES];
	uint8_t string_bytes[DEVREC_STRING_BYTES];
	uint8_t report_bytes[DEVREC_REPORT_BYTES];
};

void devrec_init(struct devrec *rec);
/* Append copies. ERR_LIMIT when a table or byte array is full, ERR_FORMAT for
 * a duplicate. */
int devrec_add_config(struct devrec *rec, const void *buf, size_t len);
/* The next configuration as it would be at the other speed (USB 2.0 9.6.4):
 * shown to whoever asks, never used. ERR_FORMAT also without a qualifier, and
 * for what is not a chain of descriptors of wTotalLength bytes. */
int devrec_add_other(struct devrec *rec, const void *buf, size_t len);
int devrec_add_string(struct devrec *rec, uint8_t index, uint16_t langid,
    const void *buf, size_t len);
int devrec_add_report(struct devrec *rec, uint8_t config, uint8_t interface,
    const void *buf, size_t len);
int devrec_set_bos(struct devrec *rec, const void *buf, size_t len);

/* Borrowed bytes, NULL (and *len 0) when there is none. config by index
 * 0..nconfigs-1 (as GET_DESCRIPTOR counts), or by value. A string in another
 * language than those present is not found. */
const uint8_t *devrec_config(
    const struct devrec *rec, unsigned index, size_t *len);
const uint8_t *devrec_config_by_value(
    const struct devrec *rec, uint8_t value, size_t *len);
const uint8_t *devrec_other(
    const struct devrec *rec, unsigned index, size_t *len);
const uint8_t *devrec_string(const struct devrec *rec, uint8_t index,
    uint16_t langid, size_t *len);
const uint8_t *devrec_report(const struct devrec *rec, uint8_t config,
    uint8_t interface, size_t *len);
/* The string of that index in the device's first language as UTF-8, "" if
 * none; returns dst. Hostile text. */
char *devrec_text(
    const struct devrec *rec, uint8_t index, char *dst, size_t size);

/* Everything in the record, judged: device, configurations, BOS, strings,
 * cross-checks (number of configurations, distinct values, reports only for
 * HID interfaces). scratch is work space for one configuration. ERR_POLICY or
 * ERR_FORMAT with why. */
int devrec_check(const struct devrec *rec, struct desc_config *scratch,
    struct desc_why *why);

/* The record of a device of which some interfaces do not exist: bit n of
 * mask[i] stands for bInterfaceNumber n of the configuration of index i. What
 * is left keeps its numbers and values; see wire/devrec_expose.c for what
 * becomes of the rest. in has passed devrec_check, so will out, and it is never
 * longer; with nothing hidden it is in. active_config is 0 when the set one is
 * hidden whole. out is not in. ERR_NOENT: nothing is left. ERR_FORMAT or
 * ERR_LIMIT only for what devrec_check would refuse. */
int devrec_expose(struct devrec *out, const struct devrec *in,
    const uint8_t mask[DESC_MAX_CONFIGS][32]);

/* Exact wire form. The encoder needs at most DEVREC_WIRE bytes; decoding
 * demands every byte used and every span in bounds: ERR_FORMAT. */
#define DEVREC_WIRE (62u * 1024u)
int devrec_encode(void *buf, size_t size, const struct devrec *rec);
int devrec_decode(struct devrec *out, const void *buf, size_t len);

/* 0 when both say the same of the device (everything but active_config). */
int devrec_compare(const struct devrec *a, const struct devrec *b);

/* Where it is plugged, by the gateway's kernel (sysfs), trusted but checked. */
struct device_place {
	char busid[USBIP_BUSID_SIZE]; /* "3-2.4" */
	char path[USBIP_PATH_SIZE];   /* /sys/devices/... */
	uint16_t busnum, devnum;
	uint8_t speed; /* enum usbip_speed */
};

#define PLACE_WIRE (USBIP_BUSID_SIZE + USBIP_PATH_SIZE + 5u)
int place_encode(void *buf, size_t size, const struct device_place *place);
int place_decode(struct device_place *out, const void *buf, size_t len);

/* The 312-byte view of both that a workstation sees. */
void devrec_usbip(struct usbip_device *out, const struct devrec *rec,
    const struct device_place *place, struct desc_config *scratch);

#endif
