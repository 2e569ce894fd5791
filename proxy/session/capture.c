/*
 * Records on their way into the pipe of sallyport-capture. Runs in
 * sallyport-session.
 *
 * A record is put into a buffer whole, or dropped; the buffer goes into the pipe
 * when that is writable, so that many small ones cost one write. A pipe may take
 * half a record: the rest stays at the head of the buffer.
 */
#include "proxy/session/capture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "proxy/session/reply.h"
#include "wire/capture.h"
#include "wire/cursor.h"

/* More than that at once does not wait for the next turn. */
#define AT_ONCE (64u * 1024u)
/* Ids of what no workstation asked for. */
#define OWN_IDS (UINT64_C(1) << 63)

struct capture {
	struct loop *loop; /* borrowed */
	struct loop_io *io; /* owned; NULL without a pipe */
	int fd;		    /* owned; -1 = none yet, or none any more */
	int is_over;	    /* nobody reads it any more */
	uint32_t devid, payload;
	uint32_t left;	  /* transfers to come */
	uint32_t dropped; /* since the last record */
	uint64_t own;	  /* ids that were given away */
	struct transfer_tap tap;
	size_t start, used; /* what waits */
	uint8_t buf[CAPTURE_WAITING];
};

/* ------------------------------------------------------------------------ */
/* The pipe                                                                 */

static void
hang_up(struct capture *c)
{
	loop_io_free(c->io);
	c->io = NULL;
	close_fd(&c->fd);
	c->is_over = 1;
	c->used = 0;
}

static void
flush(struct capture *c)
{
	ssize_t n;

	while (c->fd != -1 && c->used > 0) {
		n = write(c->fd, c->buf + c->start, c->used);
		if (n == -1 && errno == EINTR) {
			continue;
		}
		if (n == -1) {
			if (errno != EAGAIN && errno != EWOULDBLOCK) {
				log_info("capture: write");
				hang_up(c);
			}
			break;
		}
		c->start += (size_t)n;
		c->used -= (size_t)n;
	}
	if (c->used == 0) {
		c->start = 0;
	}
	if (c->io != NULL) {
		loop_io_set(c->io, c->used > 0 ? LOOP_WRITE : LOOP_NONE);
	}
}

static void
on_writable(void *arg, int events)
{
	(void)events;
	flush(arg);
}

/* Room for one record behind what waits; NULL: it is dropped. */
static uint8_t *
room(struct capture *c, size_t size)
{
	if (c->is_over) {
		return NULL;
	}
	if (c->used + size > CAPTURE_WAITING) {
		flush(c);
	}
	if (c->used + size > CAPTURE_WAITING) {
		c->dropped += c->dropped < UINT32_MAX;
		return NULL;
	}
	if (c->start + c->used + size > CAPTURE_WAITING) {
		memmove(c->buf, c->buf + c->start, c->used);
		c->start = 0;
	}
	return c->buf + c->start + c->used;
}

/* The record's parts are in place behind its header. */
static void
commit(struct capture *c, uint8_t *at, struct capture_record *r)
{
	r->devid = c->devid;
	r->dropped = c->dropped;
	r->wall = clock_wall();
	capture_encode(at, r);
	c->dropped = 0;
	c->used += capture_size(r);
	if (c->used >= AT_ONCE) {
		flush(c);
	} else if (c->io != NULL) {
		loop_io_set(c->io, LOOP_WRITE);
	}
}

/* ------------------------------------------------------------------------ */
/* Transfers                                                                */

static uint32_t
least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint8_t
xfer_of(enum urb_type type)
{
	switch (type) {
	case URB_ISO:
		return XFER_ISO;
	case URB_BULK:
		return XFER_BULK;
	case URB_INTERRUPT:
		return XFER_INT;
	case URB_CONTROL:
		break;
	}
	return XFER_CONTROL;
}

static int
is_in(const struct transfer *t)
{
	return t->direction == USBIP_DIR_IN;
}

static struct capture_record
record_of(const struct transfer *t, enum capture_type type)
{
	struct capture_record r = {
		.type = (uint8_t)type,
		.xfer = xfer_of(t->urb.type),
		.endpoint = (uint8_t)((t->urb.endpoint & 0x0f) |
		    (is_in(t) ? 0x80 : 0)),
		.id = t->seqnum,
		.flags = t->wire_flags,
		.npackets = t->is_iso ? t->npackets : 0,
	};

	r.nkept = least(r.npackets, CAPTURE_PACKETS);
	memcpy(r.setup, t->urb.setup, sizeof(r.setup));
	return r;
}

/* Packets lie back to back in the buffer, each as long as it was asked for; what
 * they brought is the length of a completion. */
static void
put_packets(uint8_t *at, const struct transfer *t, struct capture_record *r)
{
	int is_back = r->type == CAPTURE_COMPLETE;
	uint32_t offset = 0;

	for (uint32_t i = 0; i < r->npackets; i++) {
		const struct urb_iso *iso = &t->urb.iso[i];
		struct capture_packet p = {
			.status = is_back ? reply_status_of(iso->result) :
					    USBIP_EXDEV,
			.offset = offset,
			.length = is_back ? least(iso->actual, iso->length) :
					    iso->length,
		};

		if (is_back) {
			r->errors += iso->result != URB_OK;
			r->length += p.length;
		}
		offset += iso->length;
		if (i < r->nkept) {
			capture_encode_packet(at, &p);
			at += CAPTURE_PACKET;
		}
	}
}

static void
put(struct capture *c, const struct transfer *t, struct capture_record *r,
    const uint8_t *data, uint32_t len)
{
	uint8_t *at;

	r->payload = data != NULL ? least(len, c->payload) : 0;
	at = room(c, capture_size(r));
	if (at == NULL) {
		return;
	}
	put_packets(at + CAPTURE_HEADER, t, r);
	if (r->payload > 0) {
		memcpy(at + CAPTURE_HEADER + r->nkept * CAPTURE_PACKET, data,
		    r->payload);
	}
	commit(c, at, r);
}

static void
on_begun(void *arg, struct transfer *t)
{
	struct capture *c = arg;
	struct capture_record r;

	if (c->left == 0 || c->is_over) {
		return;
	}
	c->left -= c->left != CAPTURE_ALL;
	t->is_tapped = 1;
	r = record_of(t, CAPTURE_SUBMIT);
	r.length = t->is_iso ? t->urb.length : t->length;
	put(c, t, &r, is_in(t) ? NULL : t->urb.data, r.length);
}

static void
on_ended(void *arg, const struct transfer *t, int32_t status,
    const uint8_t *data, uint32_t len, uint32_t actual)
{
	struct capture_record r = record_of(t, CAPTURE_COMPLETE);

	r.status = status;
	r.length = t->is_iso ? 0 : actual;
	put(arg, t, &r, is_in(t) ? data : NULL, len);
}

const struct transfer_tap *
capture_tap(const struct capture *c)
{
	return &c->tap;
}

void
capture_want(struct capture *c, uint32_t transfers)
{
	if (transfers > c->left) {
		c->left = transfers;
	}
}

void
capture_late(struct capture *c, struct transfer *t)
{
	if (!t->is_tapped) {
		on_begun(c, t);
		if (t->state == TRANSFER_RETURNED) {
			transfer_tell(&c->tap, t);
		}
	}
}

void
capture_ruled(
    struct capture *c, const struct transfer *t, const void *buf, size_t len)
{
	struct capture_record r = {
		.type = CAPTURE_RULED,
		.id = t->seqnum,
		.payload = (uint32_t)len,
	};
	uint8_t *at = len <= CAPTURE_PAYLOAD ? room(c, capture_size(&r)) : NULL;

	if (at != NULL) {
		memcpy(at + CAPTURE_HEADER, buf, len);
		commit(c, at, &r);
	}
}

/* ------------------------------------------------------------------------ */
/* The device                                                               */

/* One control request of the session's own: asked and answered. */
static void
put_own(struct capture *c, const uint8_t setup[8], const void *data, size_t len)
{
	struct transfer t = {
		.direction = (setup[0] & 0x80) != 0 ? USBIP_DIR_IN :
						      USBIP_DIR_OUT,
		.length = le16_at(setup + 6),
	};
	struct capture_record r;

	memcpy(t.urb.setup, setup, 8);
	r = record_of(&t, CAPTURE_SUBMIT);
	r.id = OWN_IDS | ++c->own;
	r.length = t.length;
	put(c, &t, &r, NULL, 0);
	r = record_of(&t, CAPTURE_COMPLETE);
	r.id = OWN_IDS | c->own;
	r.length = (uint32_t)len;
	put(c, &t, &r, data, (uint32_t)len);
}

static void
put_descriptor(struct capture *c, uint8_t type, uint8_t index, uint8_t to,
    uint16_t at, const void *data, size_t len)
{
	uint8_t setup[8] = {to, 6, index, type};

	if (data != NULL && len > 0 && len <= UINT16_MAX) {
		le16_put(setup + 4, at);
		le16_put(setup + 6, (uint16_t)len);
		put_own(c, setup, data, len);
	}
}

void
capture_describe(
    struct capture *c, uint32_t devid, const struct floor *floor)
{
	const struct devrec *rec = floor->rec;
	uint8_t set_config[8] = {0, 9, floor->value};
	size_t len;

	c->devid = devid;
	put_descriptor(c, 1, 0, 0x80, 0, rec->device, sizeof(rec->device));
	for (unsigned i = 0; i < rec->nconfigs; i++) {
		const uint8_t *bytes = devrec_config(rec, i, &len);

		put_descriptor(c, 2, (uint8_t)i, 0x80, 0, bytes, len);
	}
	put_own(c, set_config, NULL, 0);
	for (unsigned i = 0; i < floor->ninterfaces; i++) {
		uint8_t number = floor->interfaces[i].number;
		uint8_t alt = floor->interfaces[i].alternate;
		uint8_t set[8] = {1, 11, alt, 0, number};
		const uint8_t *report =
		    devrec_report(rec, floor->value, number, &len);

		/* HID 1.11 7.1.1: asked of the interface */
		put_descriptor(c, 0x22, 0, 0x81, number, report, len);
		if (alt != 0) {
			put_own(c, set, NULL, 0);
		}
	}
}

/* ------------------------------------------------------------------------ */

int
capture_new(struct capture **outp, struct loop *loop)
{
	struct capture *c = calloc(1, sizeof(*c));

	*outp = c;
	if (c == NULL) {
		return ERR_NOMEM;
	}
	c->loop = loop;
	c->fd = -1;
	c->payload = CAPTURE_PAYLOAD;
	c->tap = (struct transfer_tap){on_begun, on_ended, c};
	return 0;
}

void
capture_open(struct capture *c, int fd, uint32_t payload)
{
	c->fd = fd;
	c->payload = payload;
	c->io = loop_io_new(c->loop, fd, LOOP_WRITE, on_writable, c);
	if (c->io == NULL) {
		hang_up(c);
	}
}

int
capture_is_open(const struct capture *c)
{
	return c->fd != -1;
}

void
capture_free(struct capture *c)
{
	struct capture_record end = {.type = CAPTURE_END};
	uint8_t *at;

	if (c == NULL) {
		return;
	}
	at = c->fd != -1 ? room(c, CAPTURE_HEADER) : NULL;
	if (at != NULL) {
		commit(c, at, &end);
	}
	flush(c);
	loop_io_free(c->io);
	close_fd(&c->fd);
	free(c);
}
