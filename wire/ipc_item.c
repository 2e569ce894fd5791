/*
 * Devices as lists and the events protocol show them: the warden sends items to
 * a session, relays and readers to their parents, all in one form; and the
 * protocol's lines, which nobody on the way reads. The senders may have been
 * taken over, so every text is whole and every value known, or the message is
 * refused.
 */
#include "wire/ipc.h"

#include <string.h>

#include "base/err.h"
#include "wire/cursor.h"
#include "wire/ipc_part.h"

void
ipc_put_device(struct wcur *c, const struct usbip_device *dev)
{
	uint8_t *p = wcur_room(c, USBIP_DEVICE_SIZE);

	if (p != NULL) {
		usbip_encode_device(p, dev);
	}
}

/* The channel's form is canonical: nothing but NULs behind a text's end. */
int
ipc_get_device(struct rcur *c, struct usbip_device *dev)
{
	const uint8_t *p = rcur_bytes(c, USBIP_DEVICE_SIZE);
	uint8_t again[USBIP_DEVICE_SIZE];

	if (p == NULL || usbip_decode_device(dev, p, USBIP_DEVICE_SIZE) != 0) {
		memset(dev, 0, sizeof(*dev));
		return ERR_FORMAT;
	}
	usbip_encode_device(again, dev);
	return memcmp(again, p, sizeof(again)) == 0 ? 0 : ERR_FORMAT;
}

static int
put_item(struct wcur *c, const struct ipc_item *m)
{
	int bad = ipc_device_bad(&m->dev);

	if (bad || m->ninterfaces > DESC_MAX_INTERFACES) {
		return ERR_FORMAT;
	}
	ipc_put_device(c, &m->dev);
	wcur_u8(c, m->ninterfaces);
	for (size_t i = 0; i < m->ninterfaces; i++) {
		wcur_u8(c, m->interfaces[i].class);
		wcur_u8(c, m->interfaces[i].subclass);
		wcur_u8(c, m->interfaces[i].protocol);
	}
	bad |= ipc_put_text(c, m->manufacturer, sizeof(m->manufacturer));
	bad |= ipc_put_text(c, m->product, sizeof(m->product));
	bad |= ipc_put_text(c, m->serial, sizeof(m->serial));
	return bad;
}

static int
get_item(struct rcur *c, struct ipc_item *m)
{
	int bad;

	memset(m, 0, sizeof(*m));
	bad = ipc_get_device(c, &m->dev);
	m->ninterfaces = rcur_u8(c);
	if (m->ninterfaces > DESC_MAX_INTERFACES) {
		m->ninterfaces = 0;
		return ERR_FORMAT;
	}
	for (size_t i = 0; i < m->ninterfaces; i++) {
		m->interfaces[i].class = rcur_u8(c);
		m->interfaces[i].subclass = rcur_u8(c);
		m->interfaces[i].protocol = rcur_u8(c);
	}
	bad |= ipc_get_text(c, m->manufacturer, sizeof(m->manufacturer));
	bad |= ipc_get_text(c, m->product, sizeof(m->product));
	bad |= ipc_get_text(c, m->serial, sizeof(m->serial));
	return bad;
}

int
ipc_encode_item(void *buf, size_t size, const struct ipc_item *m)
{
	struct wcur c = wcur_of(buf, size);
	int bad = put_item(&c, m);

	return ipc_encoded(&c, bad);
}

int
ipc_decode_item(struct ipc_item *m, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);
	int bad = get_item(&c, m);

	return ipc_decoded(&c, bad);
}

static int
line_bad(const char *text, size_t len)
{
	if (text == NULL || len == 0 || len > IPC_LINE_MAX) {
		return ERR_FORMAT;
	}
	for (size_t i = 0; i < len; i++) {
		unsigned char b = (unsigned char)text[i];

		if (b < 0x20 || b == 0x7f) {
			return ERR_FORMAT;
		}
	}
	return 0;
}

int
ipc_encode_line(void *buf, size_t size, const struct ipc_line *m)
{
	struct wcur c = wcur_of(buf, size);

	if (line_bad(m->text, m->len)) {
		return ERR_FORMAT;
	}
	wcur_be16(&c, (uint16_t)m->len);
	wcur_copy(&c, m->text, m->len);
	return ipc_encoded(&c, 0);
}

int
ipc_decode_line(struct ipc_line *m, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);
	size_t n = rcur_be16(&c);
	const uint8_t *p = rcur_bytes(&c, n);

	m->text = (const char *)p;
	m->len = (uint32_t)n;
	return ipc_decoded(&c, c.failed || line_bad(m->text, n));
}

static int
is_about_device(const struct ipc_watch *m)
{
	return m->kind >= IPC_WATCH_LISTED && m->kind <= IPC_WATCH_GONE;
}

/* A device has a name, and a state unless it is gone; the rest has neither. A
 * challenge names its device, and is digits. */
static int
watch_bad(const struct ipc_watch *m)
{
	int has_state = is_about_device(m) && m->kind != IPC_WATCH_GONE;
	int is_challenge = m->kind == IPC_WATCH_CHALLENGE;

	if (m->kind < IPC_WATCH_LISTED || m->kind > IPC_WATCH_CHALLENGE ||
	    m->state > IPC_WATCH_PENDING ||
	    (m->state != IPC_WATCH_PENDING && m->approver[0] != '\0') ||
	    has_state != (m->state != IPC_WATCH_NONE) ||
	    ((is_about_device(m) || is_challenge) && m->name[0] == '\0') ||
	    (m->within != 0 && !is_challenge) ||
	    (is_challenge &&
		m->text[strspn(m->text, "0123456789")] != '\0')) {
		return ERR_FORMAT;
	}
	for (size_t i = 0; m->name[i] != '\0'; i++) {
		if (m->name[i] <= 0x20 || m->name[i] >= 0x7f) {
			return ERR_FORMAT;
		}
	}
	return 0;
}

int
ipc_encode_watch(void *buf, size_t size, const struct ipc_watch *m)
{
	struct wcur c = wcur_of(buf, size);
	int bad;

	wcur_u8(&c, m->kind);
	wcur_u8(&c, m->state);
	wcur_be16(&c, m->within);
	bad = ipc_put_text(&c, m->name, sizeof(m->name));
	bad |= ipc_put_text(&c, m->text, sizeof(m->text));
	bad |= ipc_put_text(&c, m->approver, sizeof(m->approver));
	bad = bad || watch_bad(m);
	if (!bad && is_about_device(m)) {
		bad = put_item(&c, &m->item);
	}
	return ipc_encoded(&c, bad);
}

int
ipc_decode_watch(struct ipc_watch *m, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);
	int bad;

	memset(m, 0, sizeof(*m));
	m->kind = rcur_u8(&c);
	m->state = rcur_u8(&c);
	m->within = rcur_be16(&c);
	bad = ipc_get_text(&c, m->name, sizeof(m->name));
	bad |= ipc_get_text(&c, m->text, sizeof(m->text));
	bad |= ipc_get_text(&c, m->approver, sizeof(m->approver));
	bad = bad || watch_bad(m);
	if (!bad && is_about_device(m)) {
		bad = get_item(&c, &m->item);
	}
	return ipc_decoded(&c, bad);
}
