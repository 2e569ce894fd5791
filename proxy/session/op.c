/*
 * OP_REQ_DEVLIST and OP_REQ_IMPORT, read and answered. Runs in
 * sallyport-session; the request is the peer's bytes, the items of a list come
 * from the warden.
 */
#include "proxy/session/op.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "proxy/session/outq.h"

int
op_decode(struct op_request *out, const void *buf, size_t len, size_t *used,
    const char **why)
{
	const uint8_t *p = buf;
	struct usbip_op_common op;
	int r;

	*why = NULL;
	if (usbip_decode_op(&op, buf, len) != 0) {
		return ERR_SHORT;
	}
	if (op.version != USBIP_VERSION) {
		*why = "USB/IP version is not 1.1.1";
		return ERR_FORMAT;
	}
	memset(out, 0, sizeof(*out));
	*used = USBIP_OP_COMMON_SIZE;
	switch (op.code) {
	case USBIP_OP_REQ_DEVLIST:
		out->kind = OP_LIST;
		return 0;
	case USBIP_OP_REQ_IMPORT:
		break;
	default:
		*why = "neither DEVLIST nor IMPORT";
		return ERR_FORMAT;
	}
	if (len < USBIP_IMPORT_REQ_SIZE) {
		return ERR_SHORT;
	}
	out->kind = OP_IMPORT;
	*used = USBIP_IMPORT_REQ_SIZE;
	r = usbip_decode_busid(
	    out->busid, p + USBIP_OP_COMMON_SIZE, USBIP_BUSID_SIZE);
	if (r != 0) {
		*why = "bus id without an end";
	}
	return r;
}

void
op_reply_import(struct outq *out, enum usbip_op_status status,
    const struct usbip_device *dev)
{
	uint8_t head[USBIP_OP_COMMON_SIZE], body[USBIP_DEVICE_SIZE];

	usbip_encode_op(head, USBIP_OP_REP_IMPORT, status);
	outq_put(out, head, sizeof(head));
	if (status == USBIP_ST_OK) {
		usbip_encode_device(body, dev);
		outq_put(out, body, sizeof(body));
	}
}

enum usbip_op_status
op_status(int err)
{
	switch (err) {
	case 0:
		return USBIP_ST_OK;
	case ERR_NOENT:
	case ERR_POLICY:
		return USBIP_ST_NODEV;
	case ERR_BUSY:
		return USBIP_ST_DEV_BUSY;
	}
	return USBIP_ST_DEV_ERR;
}

void
op_list_fini(struct op_list *list)
{
	free(list->buf);
	memset(list, 0, sizeof(*list));
}

int
op_list_add(struct op_list *list, const struct ipc_item *item)
{
	size_t need = USBIP_DEVICE_SIZE +
	    (size_t)item->ninterfaces * USBIP_INTERFACE_SIZE;
	struct usbip_device dev = item->dev;
	uint8_t *p;

	if (list->ndevices == OP_LIST_DEVICES ||
	    item->ninterfaces > DESC_MAX_INTERFACES) {
		return ERR_LIMIT;
	}
	if (list->len + need > list->size) {
		size_t size = list->size * 2 + 4096;

		p = realloc(list->buf, size);
		if (p == NULL) {
			return ERR_NOMEM;
		}
		list->buf = p;
		list->size = size;
	}
	p = list->buf + list->len;
	/* the peer reads as many interfaces as the device record says */
	dev.ninterfaces = item->ninterfaces;
	usbip_encode_device(p, &dev);
	p += USBIP_DEVICE_SIZE;
	for (unsigned i = 0; i < item->ninterfaces; i++) {
		usbip_encode_interface(p, &item->interfaces[i]);
		p += USBIP_INTERFACE_SIZE;
	}
	list->len += need;
	list->ndevices++;
	return 0;
}

void
op_reply_list(struct outq *out, const struct op_list *list)
{
	uint8_t head[USBIP_DEVLIST_HEAD_SIZE];
	uint32_t n = list->ndevices;

	usbip_encode_op(head, USBIP_OP_REP_DEVLIST, USBIP_ST_OK);
	head[8] = (uint8_t)(n >> 24);
	head[9] = (uint8_t)(n >> 16);
	head[10] = (uint8_t)(n >> 8);
	head[11] = (uint8_t)n;
	outq_put(out, head, sizeof(head));
	outq_put(out, list->buf, list->len);
}
