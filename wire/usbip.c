/*
 * USB/IP 1.1.1 codec: OP phase and the four URB headers, field by field and in
 * network order. Runs in every process that meets a peer (session, relay) and
 * in the programs that show what they say. Trusts no byte: each decoder takes
 * a fixed size and looks at nothing behind it.
 */
#include "wire/usbip.h"

#include <string.h>

#include "base/err.h"
#include "wire/cursor.h"

/* A text field of fixed size: demands its NUL and clears what stands behind
 * it, so that no peer's leftovers travel on. */
static int
get_text(struct rcur *c, char *dst, size_t size)
{
	const char *p = (const char *)rcur_bytes(c, size);
	size_t n;

	memset(dst, 0, size);
	if (p == NULL) {
		return ERR_SHORT;
	}
	n = strnlen(p, size);
	if (n == size) {
		return ERR_FORMAT;
	}
	memcpy(dst, p, n);
	return 0;
}

/* The writer's side: cut to leave a NUL, zero padded. */
static void
put_text(struct wcur *c, const char *src, size_t size)
{
	size_t n = strnlen(src, size - 1);

	wcur_copy(c, src, n);
	wcur_zero(c, size - n);
}

int
usbip_decode_op(struct usbip_op_common *out, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);

	out->version = rcur_be16(&c);
	out->code = rcur_be16(&c);
	out->status = rcur_be32(&c);
	return c.failed ? ERR_SHORT : 0;
}

void
usbip_encode_op(
    uint8_t buf[USBIP_OP_COMMON_SIZE], uint16_t code, uint32_t status)
{
	struct wcur c = wcur_of(buf, USBIP_OP_COMMON_SIZE);

	wcur_be32(&c, (uint32_t)USBIP_VERSION << 16 | code);
	wcur_be32(&c, status);
}

int
usbip_decode_busid(char out[USBIP_BUSID_SIZE], const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);

	rcur_copy(&c, out, USBIP_BUSID_SIZE);
	if (c.failed) {
		return ERR_SHORT;
	}
	if (out[USBIP_BUSID_SIZE - 1] != '\0') {
		out[USBIP_BUSID_SIZE - 1] = '\0';
		return ERR_FORMAT;
	}
	return 0;
}

void
usbip_encode_busid(uint8_t buf[USBIP_BUSID_SIZE], const char *busid)
{
	struct wcur c = wcur_of(buf, USBIP_BUSID_SIZE);

	put_text(&c, busid, USBIP_BUSID_SIZE);
}

int
usbip_decode_device(struct usbip_device *out, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);
	int bad_path, bad_busid;

	bad_path = get_text(&c, out->path, sizeof(out->path));
	bad_busid = get_text(&c, out->busid, sizeof(out->busid));
	out->busnum = rcur_be32(&c);
	out->devnum = rcur_be32(&c);
	out->speed = rcur_be32(&c);
	out->vid = rcur_be16(&c);
	out->pid = rcur_be16(&c);
	out->bcd_device = rcur_be16(&c);
	out->class = rcur_u8(&c);
	out->subclass = rcur_u8(&c);
	out->protocol = rcur_u8(&c);
	out->configuration = rcur_u8(&c);
	out->nconfigurations = rcur_u8(&c);
	out->ninterfaces = rcur_u8(&c);
	if (c.failed) {
		return ERR_SHORT;
	}
	return bad_path != 0 ? bad_path : bad_busid;
}

void
usbip_encode_device(
    uint8_t buf[USBIP_DEVICE_SIZE], const struct usbip_device *dev)
{
	struct wcur c = wcur_of(buf, USBIP_DEVICE_SIZE);

	put_text(&c, dev->path, sizeof(dev->path));
	put_text(&c, dev->busid, sizeof(dev->busid));
	wcur_be32(&c, dev->busnum);
	wcur_be32(&c, dev->devnum);
	wcur_be32(&c, dev->speed);
	wcur_be16(&c, dev->vid);
	wcur_be16(&c, dev->pid);
	wcur_be16(&c, dev->bcd_device);
	wcur_u8(&c, dev->class);
	wcur_u8(&c, dev->subclass);
	wcur_u8(&c, dev->protocol);
	wcur_u8(&c, dev->configuration);
	wcur_u8(&c, dev->nconfigurations);
	wcur_u8(&c, dev->ninterfaces);
}

int
usbip_decode_interface(
    struct usbip_interface *out, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);

	out->class = rcur_u8(&c);
	out->subclass = rcur_u8(&c);
	out->protocol = rcur_u8(&c);
	rcur_u8(&c); /* padding */
	return c.failed ? ERR_SHORT : 0;
}

void
usbip_encode_interface(uint8_t buf[USBIP_INTERFACE_SIZE],
    const struct usbip_interface *iface)
{
	struct wcur c = wcur_of(buf, USBIP_INTERFACE_SIZE);

	wcur_u8(&c, iface->class);
	wcur_u8(&c, iface->subclass);
	wcur_u8(&c, iface->protocol);
	wcur_u8(&c, 0);
}

int
usbip_decode_header(struct usbip_header *out, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);
	const uint8_t *p = rcur_bytes(&c, USBIP_HEADER_SIZE);

	memset(out, 0, sizeof(*out));
	if (p == NULL) {
		return ERR_SHORT;
	}
	c = rcur_of(p, USBIP_HEADER_SIZE);
	out->command = rcur_be32(&c);
	out->seqnum = rcur_be32(&c);
	out->devid = rcur_be32(&c);
	out->direction = rcur_be32(&c);
	out->ep = rcur_be32(&c);
	switch (out->command) {
	case USBIP_CMD_SUBMIT:
		out->u.submit.flags = rcur_be32(&c);
		out->u.submit.length = rcur_be32(&c);
		out->u.submit.start_frame = rcur_be32(&c);
		out->u.submit.npackets = rcur_be32(&c);
		out->u.submit.interval = rcur_be32(&c);
		rcur_copy(&c, out->u.submit.setup, 8);
		return 0;
	case USBIP_RET_SUBMIT:
		out->u.ret_submit.status = (int32_t)rcur_be32(&c);
		out->u.ret_submit.actual_length = rcur_be32(&c);
		out->u.ret_submit.start_frame = rcur_be32(&c);
		out->u.ret_submit.npackets = rcur_be32(&c);
		out->u.ret_submit.error_count = rcur_be32(&c);
		return 0;
	case USBIP_CMD_UNLINK:
		out->u.unlink.seqnum = rcur_be32(&c);
		return 0;
	case USBIP_RET_UNLINK:
		out->u.ret_unlink.status = (int32_t)rcur_be32(&c);
		return 0;
	}
	return ERR_FORMAT;
}

int
usbip_encode_header(
    uint8_t buf[USBIP_HEADER_SIZE], const struct usbip_header *hdr)
{
	struct wcur c = wcur_of(buf, USBIP_HEADER_SIZE);
	int is_reply = hdr->command == USBIP_RET_SUBMIT ||
	    hdr->command == USBIP_RET_UNLINK;

	wcur_be32(&c, hdr->command);
	wcur_be32(&c, hdr->seqnum);
	wcur_be32(&c, is_reply ? 0 : hdr->devid);
	wcur_be32(&c, is_reply ? 0 : hdr->direction);
	wcur_be32(&c, is_reply ? 0 : hdr->ep);
	switch (hdr->command) {
	case USBIP_CMD_SUBMIT:
		wcur_be32(&c, hdr->u.submit.flags);
		wcur_be32(&c, hdr->u.submit.length);
		wcur_be32(&c, hdr->u.submit.start_frame);
		wcur_be32(&c, hdr->u.submit.npackets);
		wcur_be32(&c, hdr->u.submit.interval);
		wcur_copy(&c, hdr->u.submit.setup, 8);
		break;
	case USBIP_RET_SUBMIT:
		wcur_be32(&c, (uint32_t)hdr->u.ret_submit.status);
		wcur_be32(&c, hdr->u.ret_submit.actual_length);
		wcur_be32(&c, hdr->u.ret_submit.start_frame);
		wcur_be32(&c, hdr->u.ret_submit.npackets);
		wcur_be32(&c, hdr->u.ret_submit.error_count);
		break;
	case USBIP_CMD_UNLINK:
		wcur_be32(&c, hdr->u.unlink.seqnum);
		break;
	case USBIP_RET_UNLINK:
		wcur_be32(&c, (uint32_t)hdr->u.ret_unlink.status);
		break;
	default:
		memset(buf, 0, USBIP_HEADER_SIZE);
		return ERR_FORMAT;
	}
	wcur_zero(&c, c.left);
	return 0;
}

int
usbip_decode_iso(struct usbip_iso *out, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);

	out->offset = rcur_be32(&c);
	out->length = rcur_be32(&c);
	out->actual_length = rcur_be32(&c);
	out->status = (int32_t)rcur_be32(&c);
	return c.failed ? ERR_SHORT : 0;
}

void
usbip_encode_iso(uint8_t buf[USBIP_ISO_SIZE], const struct usbip_iso *iso)
{
	struct wcur c = wcur_of(buf, USBIP_ISO_SIZE);

	wcur_be32(&c, iso->offset);
	wcur_be32(&c, iso->length);
	wcur_be32(&c, iso->actual_length);
	wcur_be32(&c, (uint32_t)iso->status);
}
