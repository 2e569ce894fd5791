/*
 * The kernel's commands on their way to the gateway, in the relay. The kernel
 * is trusted not to be hostile, but nothing here breaks if it errs. Steps of
 * one PDU: 1. header: judge, remember, queue; 2. OUT data: through in pieces,
 * since one URB may be larger than any buffer; 3. isochronous descriptors:
 * whole, remembered, queued.
 *
 * Back-pressure: what does not fit into the table or the queue stays where it
 * is and the kernel's socket is no longer read. A transfer above
 * DOWNLINK_MAX_LENGTH is answered here with EMSGSIZE, its data dropped.
 */
#include "vhci-glue/uplink.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/loop.h"
#include "wire/usbip.h"
#include "wire/usbip_check.h"

#define IN_SIZE (64u * 1024u)
#define OUT_SIZE (256u * 1024u)
/* Reads of one pump, after which others get their turn. */
#define ROUNDS 8

_Static_assert(IN_SIZE > USBIP_MAX_ISO_PACKETS * USBIP_ISO_SIZE, "all iso");

enum step { STEP_HEADER, STEP_DATA, STEP_ISO, STEP_DROP };

struct uplink {
	struct stream *stream;	       /* borrowed */
	int kernel;		       /* borrowed */
	struct pending_table *pending; /* borrowed */
	struct downlink *down;	       /* borrowed */
	enum step step;
	struct pending *cur; /* borrowed from pending: not yet whole */
	uint32_t data_left, iso_len;
	uint64_t drop_left;
	uint32_t drop_seqnum;
	int is_held;	  /* the next step waits for room */
	int is_draining;  /* nothing is queued any more */
	int stream_wants; /* LOOP_READ, LOOP_WRITE or 0: a write waits */
	size_t offered;	  /* bytes of a write that must be repeated */
	size_t open;	  /* queued bytes of the PDU that is not yet whole */
	size_t in_head, in_tail, out_head, out_tail;
	uint8_t in[IN_SIZE];
	uint8_t out[OUT_SIZE];
};

int
uplink_new(struct uplink **out, const struct uplink_how *how)
{
	struct uplink *u = malloc(sizeof(*u));

	if (u == NULL) {
		return ERR_NOMEM;
	}
	memset(u, 0, offsetof(struct uplink, in));
	u->stream = how->stream;
	u->kernel = how->kernel;
	u->pending = how->pending;
	u->down = how->down;
	*out = u;
	return 0;
}

void
uplink_free(struct uplink *u)
{
	free(u);
}

static size_t
out_room(const struct uplink *u)
{
	return OUT_SIZE - (u->out_tail - u->out_head);
}

/* Queues n bytes of the current PDU; the caller has asked for room. */
static void
put(struct uplink *u, const uint8_t *p, size_t n)
{
	if (u->is_draining) {
		return;
	}
	if (OUT_SIZE - u->out_tail < n) {
		memmove(u->out, u->out + u->out_head,
		    u->out_tail - u->out_head);
		u->out_tail -= u->out_head;
		u->out_head = 0;
	}
	memcpy(u->out + u->out_tail, p, n);
	u->out_tail += n;
	u->open += n;
}

static void
end_pdu(struct uplink *u)
{
	if (u->cur != NULL) {
		u->cur->is_whole = 1;
		u->cur = NULL;
	}
	u->open = 0;
	u->step = STEP_HEADER;
}

/* Sends what may go: full records, and when all is set also the last whole
 * PDUs of less than a record. */
enum send_what { SEND_FULL, SEND_ALL };

static int
send_queued(struct uplink *u, enum send_what what, struct ending *end)
{
	u->stream_wants = LOOP_NONE;
	for (;;) {
		size_t used = u->out_tail - u->out_head;
		size_t n = u->offered;
		ssize_t r;

		if (n == 0 && used >= STREAM_RECORD) {
			n = STREAM_RECORD;
		} else if (n == 0 && what == SEND_ALL) {
			n = used - u->open;
		}
		if (n == 0) {
			return 0;
		}
		r = stream_write(u->stream, u->out + u->out_head, n);
		if (r == STREAM_WANT_WRITE || r == STREAM_WANT_READ) {
			/* The same bytes again, and no others. */
			u->offered = n;
			u->stream_wants =
			    r == STREAM_WANT_READ ? LOOP_READ : LOOP_WRITE;
			return 0;
		}
		if (r == ERR_CLOSED) {
			return ending_set(end, ENDING_CLOSED,
			    "the gateway closed the connection", 0);
		}
		if (r <= 0) {
			return ending_set(end, ENDING_LOST,
			    "write to the gateway", (int)r);
		}
		u->offered = 0;
		u->out_head += (size_t)r;
		used -= (size_t)r;
		if (u->open > used) {
			u->open = used;
		}
		if (used == 0) {
			u->out_head = u->out_tail = 0;
		}
	}
}

static int
refuse_kernel(struct ending *end, const char *why)
{
	return ending_set(end, ENDING_FAILED, why, 0);
}

/* Too long for us: swallow it, then answer. */
static void
begin_drop(struct uplink *u, const struct usbip_header *hdr)
{
	const struct usbip_submit *s = &hdr->u.submit;

	u->drop_seqnum = hdr->seqnum;
	u->drop_left = hdr->direction == USBIP_DIR_OUT ? s->length : 0;
	if (s->npackets != USBIP_NON_ISO_PACKETS) {
		u->drop_left += (uint64_t)s->npackets * USBIP_ISO_SIZE;
	}
	u->step = STEP_DROP;
}

static int
begin_submit(
    struct uplink *u, const struct usbip_header *hdr, struct ending *end)
{
	const struct usbip_submit *s = &hdr->u.submit;
	struct usbip_pending sub = {
	    .seqnum = hdr->seqnum,
	    .direction = hdr->direction,
	    .ep = hdr->ep,
	    .length = s->length,
	};
	enum usbip_xfer xfer = USBIP_XFER_BULK;
	int r;

	if (s->npackets != 0 && s->npackets != USBIP_NON_ISO_PACKETS) {
		xfer = USBIP_XFER_ISO;
		sub.npackets = s->npackets;
	}
	if (s->length > DOWNLINK_MAX_LENGTH ||
	    usbip_submit_body(hdr, xfer, &u->data_left, &u->iso_len) != 0) {
		if (pending_find(u->pending, hdr->seqnum) != NULL) {
			return refuse_kernel(end, "seqnum is already in use");
		}
		begin_drop(u, hdr);
		return 0;
	}
	if (!pending_fits(u->pending, sub.npackets)) {
		u->is_held = 1;
		return 0;
	}
	memcpy(sub.setup, s->setup, sizeof(sub.setup));
	r = pending_add_submit(u->pending, &sub, &u->cur);
	if (r != 0) {
		return refuse_kernel(end,
		    r == ERR_PEER ? "seqnum is already in use"
				  : "no memory for a transfer");
	}
	u->cur->npackets_raw = s->npackets;
	u->step = STEP_DATA;
	return 0;
}

static int
begin_unlink(
    struct uplink *u, const struct usbip_header *hdr, struct ending *end)
{
	int r = pending_add_unlink(
	    u->pending, hdr->seqnum, hdr->u.unlink.seqnum);

	if (r == ERR_LIMIT) {
		u->is_held = 1;
		return 0;
	}
	if (r != 0) {
		return refuse_kernel(end,
		    r == ERR_PEER ? "seqnum is already in use"
				  : "no memory for an unlink");
	}
	return 0;
}

static int
step_header(struct uplink *u, struct ending *end)
{
	const struct usbip_limits any = {INT32_MAX, INT32_MAX};
	struct usbip_header hdr;
	uint8_t clean[USBIP_HEADER_SIZE];

	if (out_room(u) < USBIP_HEADER_SIZE || !downlink_has_room(u->down)) {
		u->is_held = 1;
		return 0;
	}
	if (usbip_decode_header(
		&hdr, u->in + u->in_head, USBIP_HEADER_SIZE) != 0 ||
	    usbip_check_command(&hdr, &any) != 0) {
		return refuse_kernel(end, "command that is not USB/IP");
	}
	if (hdr.command == USBIP_CMD_SUBMIT ? begin_submit(u, &hdr, end)
					    : begin_unlink(u, &hdr, end)) {
		return 1;
	}
	if (u->is_held) {
		return 0;
	}
	u->in_head += USBIP_HEADER_SIZE;
	if (u->step != STEP_DROP) {
		/* Only CMDs pass usbip_check_command, so it encodes. */
		(void)usbip_encode_header(clean, &hdr);
		put(u, clean, sizeof(clean));
	}
	if (hdr.command == USBIP_CMD_UNLINK) {
		end_pdu(u);
	}
	return 0;
}

static void
step_data(struct uplink *u)
{
	size_t n = u->in_tail - u->in_head;

	if (n > u->data_left) {
		n = u->data_left;
	}
	if (n > out_room(u)) {
		n = out_room(u);
	}
	if (n == 0 && u->data_left > 0) {
		u->is_held = 1;
		return;
	}
	put(u, u->in + u->in_head, n);
	u->in_head += n;
	u->data_left -= (uint32_t)n;
	if (u->data_left == 0) {
		u->step = STEP_ISO;
	}
}

static int
step_iso(struct uplink *u, struct ending *end)
{
	const uint8_t *p = u->in + u->in_head;
	uint32_t npackets = u->cur->sub.npackets;
	uint64_t sum = 0;

	if (u->iso_len == 0) {
		end_pdu(u);
		return 0;
	}
	if (out_room(u) < u->iso_len) {
		u->is_held = 1;
		return 0;
	}
	for (uint32_t i = 0; i < npackets; i++) {
		struct usbip_iso iso;

		if (usbip_decode_iso(&iso, p + (size_t)i * USBIP_ISO_SIZE,
			USBIP_ISO_SIZE) != 0 ||
		    (uint64_t)iso.offset + iso.length > u->cur->sub.length) {
			return refuse_kernel(end, "packet outside its buffer");
		}
		sum += iso.length;
		pending_set_iso(u->pending, u->cur, i, &iso);
	}
	if (sum > u->cur->sub.length) {
		return refuse_kernel(end, "packets that overlap");
	}
	put(u, p, u->iso_len);
	u->in_head += u->iso_len;
	end_pdu(u);
	return 0;
}

static void
step_drop(struct uplink *u)
{
	size_t n = u->in_tail - u->in_head;

	if (n > u->drop_left) {
		n = (size_t)u->drop_left;
	}
	u->in_head += n;
	u->drop_left -= n;
	if (u->drop_left == 0) {
		downlink_answer(u->down, u->drop_seqnum, USBIP_EMSGSIZE);
		u->step = STEP_HEADER;
	}
}

/* Input that the next step cannot do without. */
static size_t
step_needs(const struct uplink *u)
{
	switch (u->step) {
	case STEP_HEADER:
		return USBIP_HEADER_SIZE;
	case STEP_DATA:
		return u->data_left > 0;
	case STEP_ISO:
		return u->iso_len;
	case STEP_DROP:
		return u->drop_left > 0;
	}
	return 0;
}

/* Goes on until input or room is lacking. */
static int
parse(struct uplink *u, struct ending *end)
{
	int r = 0;

	u->is_held = 0;
	while (r == 0 && u->in_tail - u->in_head >= step_needs(u)) {
		switch (u->step) {
		case STEP_HEADER:
			r = step_header(u, end);
			break;
		case STEP_DATA:
			step_data(u);
			break;
		case STEP_ISO:
			r = step_iso(u, end);
			break;
		case STEP_DROP:
			step_drop(u);
			break;
		}
		if (r == 0 && u->out_tail - u->out_head >= STREAM_RECORD &&
		    u->stream_wants == LOOP_NONE) {
			r = send_queued(u, SEND_FULL, end);
		}
		if (u->is_held) {
			return r;
		}
	}
	return r;
}

/* Bytes read, 0 when there is nothing now, -1 with *end filled. */
static ssize_t
fill(struct uplink *u, struct ending *end)
{
	ssize_t n;

	if (u->in_head == u->in_tail) {
		u->in_head = u->in_tail = 0;
	} else if (u->in_head > 0) {
		memmove(u->in, u->in + u->in_head, u->in_tail - u->in_head);
		u->in_tail -= u->in_head;
		u->in_head = 0;
	}
	do {
		n = recv(u->kernel, u->in + u->in_tail, IN_SIZE - u->in_tail,
		    MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
		return 0;
	}
	if (n <= 0) {
		ending_set(
		    end, ENDING_DETACHED, "the kernel closed the device", 0);
		return -1;
	}
	u->in_tail += (size_t)n;
	return n;
}

int
uplink_pump(struct uplink *u, struct ending *end)
{
	if (u->offered > 0 && send_queued(u, SEND_FULL, end)) {
		return 1;
	}
	if (parse(u, end)) {
		return 1;
	}
	for (int round = 0; round < ROUNDS && !u->is_held; round++) {
		size_t had = u->in_tail - u->in_head;
		ssize_t n = fill(u, end);

		if (n < 0) {
			return 1;
		}
		if (n == 0) {
			return 0;
		}
		if (parse(u, end)) {
			return 1;
		}
		if ((size_t)n < IN_SIZE - had) {
			return 0; /* that was all; the loop tells of more */
		}
	}
	return 0;
}

int
uplink_flush(struct uplink *u, struct ending *end)
{
	if (u->stream_wants != LOOP_NONE) {
		return 0; /* it waits already */
	}
	return send_queued(u, SEND_ALL, end);
}

void
uplink_drain(struct uplink *u)
{
	u->is_draining = 1;
	u->out_head = u->out_tail = u->offered = u->open = 0;
	u->stream_wants = LOOP_NONE;
}

int
uplink_wants_stream(const struct uplink *u)
{
	return u->stream_wants;
}

int
uplink_wants_kernel(const struct uplink *u)
{
	return u->is_held ? LOOP_NONE : LOOP_READ;
}

int
uplink_is_held(const struct uplink *u)
{
	return u->is_held;
}
