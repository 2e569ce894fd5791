/*
 * Parts that several messages of wire/ipc.h are made of: texts (a be16 length
 * and that many bytes without a NUL), PEM texts, and how an encoder and a
 * decoder end. Internal to wire/; it knows of no single message.
 */
#ifndef WIRE_IPC_PART_H
#define WIRE_IPC_PART_H

#include <string.h>

#include "base/err.h"
#include "wire/cursor.h"
#include "wire/ipc.h"

/* 0, or ERR_FORMAT for an array of size bytes without a NUL. */
static inline int
ipc_put_text(struct wcur *c, const char *text, size_t size)
{
	size_t n = strnlen(text, size);

	if (n == size) {
		return ERR_FORMAT;
	}
	wcur_be16(c, (uint16_t)n);
	wcur_copy(c, text, n);
	return 0;
}

static inline int
ipc_get_text(struct rcur *c, char *text, size_t size)
{
	size_t n = rcur_be16(c);

	memset(text, 0, size);
	if (n >= size) {
		c->failed = 1;
		return ERR_FORMAT;
	}
	rcur_copy(c, text, n);
	return c->failed || strlen(text) != n ? ERR_FORMAT : 0;
}

/* An encoder's result: the length written, or what went wrong. */
static inline int
ipc_encoded(const struct wcur *c, int bad)
{
	if (bad) {
		return ERR_FORMAT;
	}
	return c->failed ? ERR_NOMEM : (int)c->used;
}

/* A decoder's result: every byte must have been used. */
static inline int
ipc_decoded(const struct rcur *c, int bad)
{
	return bad || !rcur_done(c) ? ERR_FORMAT : 0;
}

#define IPC_ERRNO_MAX 4095 /* Linux MAX_ERRNO */
#define IPC_ERR_LOWEST (-64) /* room for every enum err */

static inline int
ipc_result_bad(int32_t err, int32_t sys)
{
	return err > 0 || err < IPC_ERR_LOWEST || sys < 0 ||
	    sys > IPC_ERRNO_MAX;
}

/* A place has a fixed size, so that it may stand before other fields. */
static inline int
ipc_put_place(struct wcur *c, const struct device_place *place)
{
	uint8_t *p = wcur_room(c, PLACE_WIRE);

	if (p == NULL) {
		return 0; /* the cursor has failed: ERR_NOMEM */
	}
	return place_encode(p, PLACE_WIRE, place) < 0;
}

static inline int
ipc_get_place(struct rcur *c, struct device_place *place)
{
	const uint8_t *p = rcur_bytes(c, PLACE_WIRE);

	if (p == NULL) {
		memset(place, 0, sizeof(*place));
		return ERR_FORMAT;
	}
	return place_decode(place, p, PLACE_WIRE);
}

static inline int
ipc_device_bad(const struct usbip_device *dev)
{
	return strnlen(dev->path, sizeof(dev->path)) == sizeof(dev->path) ||
	    strnlen(dev->busid, sizeof(dev->busid)) == sizeof(dev->busid);
}

/* wire/ipc_item.c: a device in USB/IP's form, canonical: nothing but NULs
 * behind a text's end. */
void ipc_put_device(struct wcur *c, const struct usbip_device *dev);
int ipc_get_device(struct rcur *c, struct usbip_device *dev);

/* A PEM text: be32 length, then the text with one NUL, the last byte. */
static inline int
ipc_pem_bad(const uint8_t *p, uint32_t len)
{
	return len > 0 && (p == NULL || memchr(p, 0, len) != p + len - 1);
}

static inline int
ipc_put_pem(struct wcur *c, const uint8_t *p, uint32_t len)
{
	if (ipc_pem_bad(p, len)) {
		return ERR_FORMAT;
	}
	wcur_be32(c, len);
	wcur_copy(c, p, len);
	return 0;
}

static inline int
ipc_get_pem(struct rcur *c, const uint8_t **p, uint32_t *len)
{
	*len = rcur_be32(c);
	*p = *len > 0 ? rcur_bytes(c, *len) : NULL;
	if (c->failed || ipc_pem_bad(*p, *len)) {
		*p = NULL;
		*len = 0;
		return ERR_FORMAT;
	}
	return 0;
}

static inline int
ipc_put_pems(struct wcur *c, const struct ipc_pem *m)
{
	int bad = ipc_put_pem(c, m->ca, m->ca_len);

	bad |= ipc_put_pem(c, m->cert, m->cert_len);
	bad |= ipc_put_pem(c, m->key, m->key_len);
	bad |= ipc_put_pem(c, m->crl, m->crl_len);
	return bad;
}

static inline int
ipc_get_pems(struct rcur *c, struct ipc_pem *m)
{
	int bad = ipc_get_pem(c, &m->ca, &m->ca_len);

	bad |= ipc_get_pem(c, &m->cert, &m->cert_len);
	bad |= ipc_get_pem(c, &m->key, &m->key_len);
	bad |= ipc_get_pem(c, &m->crl, &m->crl_len);
	if (bad) {
		memset(m, 0, sizeof(*m));
	}
	return bad;
}

#endif
