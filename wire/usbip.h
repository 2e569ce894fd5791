/*
 * USB/IP 1.1.1 as bytes (Documentation/usb/usbip_protocol.rst and what Linux
 * really does). Decoding turns bytes into structs and checks lengths only;
 * whether the values make sense is asked apart, in wire/usbip_check.h. All
 * integers of the structs are in host order. No I/O, no malloc, no clock.
 */
#ifndef WIRE_USBIP_H
#define WIRE_USBIP_H

#include <stddef.h>
#include <stdint.h>

#define USBIP_VERSION 0x0111
#define USBIP_PORT 3240	    /* the stock tools' port; ours is 3241 */
#define USBIP_BUSID_SIZE 32 /* with its NUL */
#define USBIP_PATH_SIZE 256

enum usbip_op {
	USBIP_OP_REQ_IMPORT = 0x8003,
	USBIP_OP_REP_IMPORT = 0x0003,
	USBIP_OP_REQ_DEVLIST = 0x8005,
	USBIP_OP_REP_DEVLIST = 0x0005,
};

enum usbip_op_status {
	USBIP_ST_OK = 0,
	USBIP_ST_NA = 1,
	USBIP_ST_DEV_BUSY = 2,
	USBIP_ST_DEV_ERR = 3,
	USBIP_ST_NODEV = 4,
	USBIP_ST_ERROR = 5,
};

/* enum usb_device_speed of the kernel; libusb's numbers differ above HIGH. */
enum usbip_speed {
	USBIP_SPEED_UNKNOWN = 0,
	USBIP_SPEED_LOW = 1,
	USBIP_SPEED_FULL = 2,
	USBIP_SPEED_HIGH = 3,
	USBIP_SPEED_WIRELESS = 4,
	USBIP_SPEED_SUPER = 5,
	USBIP_SPEED_SUPER_PLUS = 6,
};

struct usbip_op_common {
	uint16_t version;
	uint16_t code;	 /* enum usbip_op */
	uint32_t status; /* enum usbip_op_status */
};

struct usbip_device {
	char path[USBIP_PATH_SIZE];   /* always NUL-terminated after decoding */
	char busid[USBIP_BUSID_SIZE]; /* likewise */
	uint32_t busnum, devnum, speed;
	uint16_t vid, pid, bcd_device;
	uint8_t class, subclass, protocol;
	uint8_t configuration, nconfigurations, ninterfaces;
};

struct usbip_interface {
	uint8_t class, subclass, protocol;
};

#define USBIP_OP_COMMON_SIZE 8u
#define USBIP_IMPORT_REQ_SIZE (USBIP_OP_COMMON_SIZE + USBIP_BUSID_SIZE)
#define USBIP_DEVICE_SIZE 312u
#define USBIP_IMPORT_REP_SIZE (USBIP_OP_COMMON_SIZE + USBIP_DEVICE_SIZE)
#define USBIP_INTERFACE_SIZE 4u
#define USBIP_DEVLIST_HEAD_SIZE (USBIP_OP_COMMON_SIZE + 4u)

/* Decoders of fixed-size parts: buf must hold the size that the name's
 * constant says, else ERR_SHORT; more is not looked at. Text fields without a
 * NUL inside their size are ERR_FORMAT. Encoders write exactly that size and
 * need that much room. */
int usbip_decode_op(
    struct usbip_op_common *out, const void *buf, size_t len);
void usbip_encode_op(uint8_t buf[USBIP_OP_COMMON_SIZE], uint16_t code,
    uint32_t status);
/* After the op header: the bus id asked for (32 bytes, kept as is but forced
 * to have its NUL: ERR_FORMAT when byte 31 is not NUL). */
int usbip_decode_busid(
    char out[USBIP_BUSID_SIZE], const void *buf, size_t len);
void usbip_encode_busid(
    uint8_t buf[USBIP_BUSID_SIZE], const char *busid);
int usbip_decode_device(
    struct usbip_device *out, const void *buf, size_t len);
void usbip_encode_device(
    uint8_t buf[USBIP_DEVICE_SIZE], const struct usbip_device *dev);
int usbip_decode_interface(
    struct usbip_interface *out, const void *buf, size_t len);
void usbip_encode_interface(uint8_t buf[USBIP_INTERFACE_SIZE],
    const struct usbip_interface *iface);

enum usbip_command {
	USBIP_CMD_SUBMIT = 1,
	USBIP_CMD_UNLINK = 2,
	USBIP_RET_SUBMIT = 3,
	USBIP_RET_UNLINK = 4,
};

enum usbip_direction { USBIP_DIR_OUT = 0, USBIP_DIR_IN = 1 };

/* transfer_flags as on the wire (uapi linux/usbip.h USBIP_URB_*). */
enum usbip_flags {
	USBIP_URB_SHORT_NOT_OK = 0x0001,
	USBIP_URB_ISO_ASAP = 0x0002,
	USBIP_URB_ZERO_PACKET = 0x0040,
};

/* Statuses: negative errno in Linux's generic numbers, hard-coded since some
 * architectures number theirs differently. */
enum usbip_status {
	USBIP_OK = 0,
	USBIP_ENOENT = -2,
	USBIP_EIO = -5,
	USBIP_ENOMEM = -12,
	USBIP_EXDEV = -18,
	USBIP_ENODEV = -19,
	USBIP_EINVAL = -22,
	USBIP_EPIPE = -32,
	USBIP_ENOSR = -63,
	USBIP_ETIME = -62,
	USBIP_ECOMM = -70,
	USBIP_EPROTO = -71,
	USBIP_EOVERFLOW = -75,
	USBIP_EILSEQ = -84,
	USBIP_EMSGSIZE = -90,
	USBIP_ECONNRESET = -104,
	USBIP_ESHUTDOWN = -108,
	USBIP_ETIMEDOUT = -110,
	USBIP_EINPROGRESS = -115,
	USBIP_EREMOTEIO = -121,
};

#define USBIP_HEADER_SIZE 48u
#define USBIP_ISO_SIZE 16u
/* Linux: USBIP_MAX_ISO_PACKETS */
#define USBIP_MAX_ISO_PACKETS 1024u
/* What peers other than Linux send as "not isochronous" */
#define USBIP_NON_ISO_PACKETS 0xffffffffu

struct usbip_submit {
	uint32_t flags;
	uint32_t length; /* transfer_buffer_length; > INT32_MAX is negative */
	uint32_t start_frame;
	uint32_t npackets;
	uint32_t interval;
	uint8_t setup[8];
};

struct usbip_ret_submit {
	int32_t status;
	uint32_t actual_length;
	uint32_t start_frame;
	uint32_t npackets;
	uint32_t error_count;
};

struct usbip_header {
	uint32_t command; /* enum usbip_command, or anything else */
	uint32_t seqnum;
	uint32_t devid;
	uint32_t direction; /* enum usbip_direction, or anything else */
	uint32_t ep;	    /* number without the direction bit */
	union {
		struct usbip_submit submit;
		struct usbip_ret_submit ret_submit;
		struct {
			uint32_t seqnum; /* of the CMD_SUBMIT to take back */
		} unlink;
		struct {
			int32_t status;
		} ret_unlink;
	} u;
};

struct usbip_iso {
	uint32_t offset, length, actual_length;
	int32_t status;
};

/* ERR_SHORT below 48 bytes; ERR_FORMAT for an unknown command. Padding is not
 * looked at (peers leave garbage there). */
int usbip_decode_header(
    struct usbip_header *out, const void *buf, size_t len);
/* ERR_FORMAT for an unknown command. Replies are written with devid,
 * direction and ep 0, as Linux does; padding is zero. */
int usbip_encode_header(
    uint8_t buf[USBIP_HEADER_SIZE], const struct usbip_header *hdr);
int usbip_decode_iso(struct usbip_iso *out, const void *buf, size_t len);
void usbip_encode_iso(
    uint8_t buf[USBIP_ISO_SIZE], const struct usbip_iso *iso);

#endif
