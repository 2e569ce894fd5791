/*
 * Raw descriptors of devices as they are sold, for the tests of wire/: macros
 * that write one descriptor each, and a table of whole devices that every rule
 * must let pass at the speed given.
 */
#ifndef TESTS_UNIT_USB_SAMPLES_H
#define TESTS_UNIT_USB_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

#include "wire/usbip.h"

#define LE(v) (uint8_t)((v)&0xff), (uint8_t)((v) >> 8 & 0xff)

#define DEV(bcd, class, mps0, vid, pid, nconf)                                \
	18, 1, LE(bcd), class, 0, 0, mps0, LE(vid), LE(pid), LE(0x0100), 1,   \
	    2, 3, nconf
#define CONF(total, nif, value) 9, 2, LE(total), nif, value, 0, 0x80, 50
#define INTF(n, alt, neps, class, sub, proto)                                 \
	9, 4, n, alt, neps, class, sub, proto, 0
#define ENDP(addr, attr, mps, ival) 7, 5, addr, attr, LE(mps), ival
#define AUDIO_ENDP(addr, attr, mps, ival)                                     \
	9, 5, addr, attr, LE(mps), ival, 0, 0
#define COMP(burst, attr, bytes) 6, 0x30, burst, attr, LE(bytes)
#define ASSOC(first, count, class, sub, proto)                                \
	8, 0x0b, first, count, class, sub, proto, 0
#define HID(len) 9, 0x21, LE(0x0111), 0, 1, 0x22, LE(len)

#define BOS_HEAD(total, n) 5, 0x0f, LE(total), n
#define CAP_USB2 7, 0x10, 2, 0x02, 0, 0, 0
#define CAP_SS 10, 0x10, 3, 0, LE(0x000e), 1, 10, LE(0x07ff)
#define CAP_ID                                                                \
	20, 0x10, 4, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
#define CAP_SSP                                                               \
	20, 0x10, 10, 0, 1, 0, 0, 0, LE(0x1100), 0, 0, 0x30, 0x40, 0x0a, 0,   \
	    0xb0, 0x40, 0x0a, 0

static const uint8_t sample_storage_hs[] = {
    CONF(32, 1, 1), INTF(0, 0, 2, 8, 6, 0x50), ENDP(0x81, 2, 512, 0),
    ENDP(0x02, 2, 512, 0)};

static const uint8_t sample_storage_ss[] = {
    CONF(44, 1, 1), INTF(0, 0, 2, 8, 6, 0x50), ENDP(0x81, 2, 1024, 0),
    COMP(15, 0, 0), ENDP(0x02, 2, 1024, 0), COMP(15, 0, 0)};

/* two alternates, four pipes with streams; the pipe usage descriptors stand
 * before the companion in one and behind it in the other, both are seen */
static const uint8_t sample_uas_ss[] = {
    CONF(121, 1, 1), INTF(0, 0, 2, 8, 6, 0x50), ENDP(0x81, 2, 1024, 0),
    COMP(15, 0, 0), ENDP(0x02, 2, 1024, 0), COMP(15, 0, 0),
    INTF(0, 1, 4, 8, 6, 0x62), ENDP(0x81, 2, 1024, 0), COMP(15, 4, 0), 4,
    0x24, 3, 0, ENDP(0x02, 2, 1024, 0), 4, 0x24, 4, 0, COMP(15, 4, 0),
    ENDP(0x83, 2, 1024, 0), COMP(15, 4, 0), 4, 0x24, 2, 0,
    ENDP(0x04, 2, 1024, 0), COMP(0, 0, 0), 4, 0x24, 1, 0};

static const uint8_t sample_keyboard_ls[] = {
    CONF(34, 1, 1), INTF(0, 0, 1, 3, 1, 1), HID(65), ENDP(0x81, 3, 8, 10)};

/* CDC-ACM under an association, and a keyboard beside it */
static const uint8_t sample_composite_hs[] = {
    CONF(100, 3, 1), ASSOC(0, 2, 2, 2, 1), INTF(0, 0, 1, 2, 2, 1), 5, 0x24, 0,
    LE(0x0110), 5, 0x24, 1, 0, 1, 4, 0x24, 2, 2, 5, 0x24, 6, 0, 1,
    ENDP(0x81, 3, 16, 9), INTF(1, 0, 2, 10, 0, 0), ENDP(0x82, 2, 512, 0),
    ENDP(0x02, 2, 512, 0), INTF(2, 0, 1, 3, 0, 0), HID(65),
    ENDP(0x83, 3, 64, 4)};

#define VS_ALT(n, mps) INTF(1, n, 1, 14, 2, 0), ENDP(0x82, 5, mps, 1)
static const uint8_t sample_camera_hs[] = {
    CONF(186, 2, 1), ASSOC(0, 2, 14, 3, 0), INTF(0, 0, 1, 14, 1, 0), 13, 0x24,
    1, LE(0x0100), LE(13), 0x80, 0xc3, 0xc9, 1, 1, 1, ENDP(0x81, 3, 16, 6), 5,
    0x25, 3, LE(16), INTF(1, 0, 0, 14, 2, 0), 14, 0x24, 1, 1, LE(14), 0x82, 0,
    3, 0, 0, 0, 1, 0, VS_ALT(1, 128), VS_ALT(2, 512), VS_ALT(3, 1024),
    VS_ALT(4, 0x0b00), VS_ALT(5, 0x0c00), VS_ALT(6, 0x1380),
    VS_ALT(7, 0x1400)};

static const uint8_t sample_camera_ss[] = {
    CONF(74, 2, 1), ASSOC(0, 2, 14, 3, 0), INTF(0, 0, 1, 14, 1, 0),
    ENDP(0x81, 3, 64, 8), COMP(0, 0, 64), INTF(1, 0, 0, 14, 2, 0),
    INTF(1, 1, 1, 14, 2, 0), ENDP(0x82, 5, 1024, 1), COMP(11, 2, 36864),
    /* ends in an extension that nobody knows */ 4, 0x77, 1, 2};

/* headset: control, playback, microphone and volume keys */
static const uint8_t sample_headset_fs[] = {
    CONF(144, 4, 1), INTF(0, 0, 0, 1, 1, 0), 10, 0x24, 1, LE(0x0100), LE(10),
    2, 1, 2, INTF(1, 0, 0, 1, 2, 0), INTF(1, 1, 1, 1, 2, 0), 7, 0x24, 1, 1, 1,
    LE(1), AUDIO_ENDP(0x01, 9, 200, 1), 7, 0x25, 1, 1, 0, LE(0),
    INTF(2, 0, 0, 1, 2, 0), INTF(2, 1, 1, 1, 2, 0), 7, 0x24, 1, 7, 1, LE(1),
    AUDIO_ENDP(0x82, 13, 100, 1), 7, 0x25, 1, 1, 0, LE(0),
    INTF(3, 0, 1, 3, 0, 0), HID(40), ENDP(0x83, 3, 4, 32), 9, 0x77, 0, 0, 0,
    0, 0, 0, 0};

/* the six settings of a voice channel; the first one is without bandwidth */
#define SCO_ALT(n, mps)                                                       \
	INTF(1, n, 2, 0xe0, 1, 1), ENDP(0x03, 1, mps, 1), ENDP(0x83, 1, mps, 1)
static const uint8_t sample_bluetooth_fs[] = {
    CONF(177, 2, 1), INTF(0, 0, 3, 0xe0, 1, 1), ENDP(0x81, 3, 16, 1),
    ENDP(0x82, 2, 64, 0), ENDP(0x02, 2, 64, 0), SCO_ALT(0, 0), SCO_ALT(1, 9),
    SCO_ALT(2, 17), SCO_ALT(3, 25), SCO_ALT(4, 33), SCO_ALT(5, 49)};

/* vendor serial adapter whose numbers have a gap, and 64-byte bulk packets */
static const uint8_t sample_serial_hs[] = {
    CONF(55, 2, 1), INTF(0, 0, 2, 0xff, 0xff, 0xff), ENDP(0x81, 2, 64, 0),
    ENDP(0x02, 2, 64, 0), INTF(4, 0, 2, 0xff, 0xff, 0xff),
    ENDP(0x83, 2, 512, 255), ENDP(0x04, 2, 512, 255)};

/* card reader with the interval byte of another speed, and a stray byte */
static const uint8_t sample_reader_fs[] = {
    CONF(94, 1, 1), INTF(0, 0, 3, 0x0b, 0, 0), 54, 0x21, LE(0x0110), 0, 7, 3,
    0, 0, 0, 0xa0, 0x0f, 0, 0, 0xa0, 0x0f, 0, 0, 0, 0, 0x2a, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 1, ENDP(0x81, 3, 8, 0), ENDP(0x02, 2, 64, 0), ENDP(0x82, 2, 64, 0),
    0x55};

/* a phone: RNDIS in one configuration, ECM in the other */
static const uint8_t sample_phone_1[] = {
    CONF(62, 2, 1), INTF(0, 0, 1, 2, 2, 0xff), ENDP(0x81, 3, 8, 9),
    INTF(1, 0, 2, 10, 0, 0), ENDP(0x82, 2, 512, 0), ENDP(0x03, 2, 512, 0),
    ASSOC(0, 2, 0, 0, 0), 6, 0x77, 0, 0, 0, 0};
static const uint8_t sample_phone_2[] = {
    CONF(57, 2, 2), INTF(0, 0, 1, 2, 6, 0), ENDP(0x81, 3, 16, 9),
    INTF(1, 0, 0, 10, 0, 0), INTF(1, 1, 2, 10, 0, 0),
    ENDP(0x82, 2, 512, 0), ENDP(0x03, 2, 512, 0)};

static const uint8_t sample_hub_hs[] = {
    CONF(25, 1, 1), INTF(0, 0, 1, 9, 0, 0), ENDP(0x81, 3, 1, 12)};

static const uint8_t sample_bos_hs[] = {BOS_HEAD(12, 1), CAP_USB2};
static const uint8_t sample_bos_ss[] = {
    BOS_HEAD(42, 3), CAP_USB2, CAP_SS, CAP_ID};
static const uint8_t sample_bos_ssp[] = {
    BOS_HEAD(42, 3), CAP_USB2, CAP_SS, CAP_SSP};

static const uint8_t sample_report_keyboard[] = {0x05, 0x01, 0x09, 0x06, 0xa1,
    0x01, 0x05, 0x07, 0x19, 0xe0, 0x29, 0xe7, 0x15, 0x00, 0x25, 0x01, 0x75,
    0x01, 0x95, 0x08, 0x81, 0x02, 0xc0};

struct usb_sample {
	const char *name;
	unsigned speed;
	uint8_t device[18];
	const uint8_t *config[2];
	size_t config_len[2];
	const uint8_t *bos;
	size_t bos_len;
};

#define ONE(c) {(c), NULL}, {sizeof(c), 0}
static const struct usb_sample usb_samples[] = {
    {"storage-hs", USBIP_SPEED_HIGH, {DEV(0x0200, 0, 64, 0x0951, 0x1666, 1)},
	ONE(sample_storage_hs), NULL, 0},
    {"storage-ss", USBIP_SPEED_SUPER, {DEV(0x0310, 0, 9, 0x0781, 0x5581, 1)},
	ONE(sample_storage_ss), sample_bos_ss, sizeof(sample_bos_ss)},
    {"uas-ss", USBIP_SPEED_SUPER_PLUS, {DEV(0x0320, 0, 9, 0x174c, 0x55aa, 1)},
	ONE(sample_uas_ss), sample_bos_ssp, sizeof(sample_bos_ssp)},
    {"keyboard-ls", USBIP_SPEED_LOW, {DEV(0x0110, 0, 8, 0x046d, 0xc31c, 1)},
	ONE(sample_keyboard_ls), NULL, 0},
    {"composite-hs", USBIP_SPEED_HIGH,
	{DEV(0x0201, 0xef, 64, 0x1d50, 0x6018, 1)}, ONE(sample_composite_hs),
	sample_bos_hs, sizeof(sample_bos_hs)},
    {"camera-hs", USBIP_SPEED_HIGH, {DEV(0x0200, 0xef, 64, 0x046d, 0x0825, 1)},
	ONE(sample_camera_hs), NULL, 0},
    {"camera-ss", USBIP_SPEED_SUPER, {DEV(0x0300, 0xef, 9, 0x2b03, 0xf582, 1)},
	ONE(sample_camera_ss), NULL, 0},
    {"headset-fs", USBIP_SPEED_FULL, {DEV(0x0110, 0, 64, 0x0d8c, 0x0014, 1)},
	ONE(sample_headset_fs), NULL, 0},
    {"bluetooth-fs", USBIP_SPEED_FULL,
	{DEV(0x0110, 0xe0, 64, 0x0a12, 0x0001, 1)}, ONE(sample_bluetooth_fs),
	NULL, 0},
    {"serial-hs", USBIP_SPEED_HIGH, {DEV(0x0977, 0, 64, 0x0403, 0x6010, 1)},
	ONE(sample_serial_hs), NULL, 0},
    {"reader-fs", USBIP_SPEED_FULL, {DEV(0x0200, 0, 16, 0x08e6, 0x3437, 1)},
	ONE(sample_reader_fs), NULL, 0},
    {"phone-hs", USBIP_SPEED_HIGH, {DEV(0x0200, 2, 64, 0x18d1, 0x4ee3, 2)},
	{sample_phone_1, sample_phone_2},
	{sizeof(sample_phone_1), sizeof(sample_phone_2)}, NULL, 0},
    {"hub-hs", USBIP_SPEED_HIGH, {DEV(0x0200, 9, 64, 0x0424, 0x2514, 1)},
	ONE(sample_hub_hs), NULL, 0},
};

#define USB_SAMPLES (sizeof(usb_samples) / sizeof(usb_samples[0]))

#endif
