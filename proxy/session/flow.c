/*
 * The intake of the URB phase. Runs in sallyport-session; every byte is the
 * peer's. One PDU is read in up to three parts:
 *
 *   header (48) → OUT data, into the URB's own buffer → packets → start
 *
 * How long a part is follows from checked header fields and the vetted
 * endpoint table alone. What cannot be framed any more ends the connection
 * (unknown command, length above every bound, wrong devid, seqnum in use);
 * what can be framed but may not pass is read to its end and answered.
 */
#include "proxy/session/flow.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/stream.h"
#include "proxy/session/inq.h"
#include "proxy/session/limits.h"
#include "proxy/session/outq.h"

/* Reads of one turn; the rest waits, so that completions get theirs. */
#define READS 16
/* From this many missing bytes on, OUT data is read past the input buffer. */
#define DIRECT 4096u

enum part { PART_HEADER, PART_DATA, PART_SKIP, PART_PACKETS };

struct flow {
	struct flow_how how; /* without hooks */
	struct control_hooks hooks;
	struct transfers *transfers; /* owned */
	struct control *control;     /* owned */
	struct inspect *inspect; /* owned; NULL: none */
	enum part part;
	struct transfer *t;	     /* being read; owned by transfers */
	uint32_t data_got, data_len; /* OUT data, or bytes to skip */
	uint32_t iso_len;
	struct flow_why why;
};

static enum transfer_verdict
on_judge(void *arg, struct transfer *t)
{
	struct flow *flow = arg;

	return control_judge(flow->control, t);
}

static void
on_abandon(void *arg, struct transfer *t)
{
	struct flow *flow = arg;

	control_abandon(flow->control, t);
	if (flow->inspect != NULL) {
		inspect_abandon(flow->inspect, t);
	}
}

static enum transfer_return
on_returned(void *arg, struct transfer *t)
{
	struct flow *flow = arg;

	return flow->inspect != NULL ? inspect_returned(flow->inspect, t) :
				       TRANSFER_REPLY;
}

static void
on_unused(void *arg, struct transfer *t, uint8_t *data, uint32_t len)
{
	struct flow *flow = arg;

	/* only inspection answers in the device's place */
	inspect_unused(flow->inspect, t, data, len);
}

static int
on_may_run(void *arg, const struct transfer *t)
{
	struct flow *flow = arg;

	return flow->inspect == NULL || inspect_may_run(flow->inspect, t);
}

static void
on_quiet(void *arg)
{
	struct flow *flow = arg;

	control_quiet(flow->control);
}

static int
start_inspection(struct flow *flow, struct flow_why *why)
{
	const struct inspect_how how = {
		.loop = flow->how.loop,
		.floor = control_floor(flow->control),
		.transfers = flow->transfers,
		.block = flow->how.block,
		.size = flow->how.block_size,
		.wall = flow->how.wall,
		.hooks = flow->how.inspect_hooks,
	};

	why->rule = "profile.attach";
	return inspect_new(&flow->inspect, &how, &why->text);
}

int
flow_new(struct flow **outp, const struct flow_how *how, struct flow_why *why)
{
	struct flow *flow = calloc(1, sizeof(*flow));
	struct transfer_hooks judge = {on_judge, on_returned, on_abandon,
	    on_unused, on_may_run, on_quiet, flow};
	struct transfers_how transfers = {
		.loop = how->loop,
		.usb = how->usb,
		.dev = how->dev,
		.out = how->out,
		.limits = how->limits,
		.hooks = &judge,
	};
	struct control_how control = {
		.loop = how->loop,
		.usb = how->usb,
		.dev = how->dev,
		.rec = how->rec,
		.whole = how->whole,
		.limits = how->limits,
		.hooks = how->hooks,
	};
	int r;

	*outp = NULL;
	*why = (struct flow_why){"session.import", "the record, or memory"};
	if (flow == NULL) {
		return ERR_NOMEM;
	}
	flow->how = *how;
	flow->how.hooks = NULL;
	flow->hooks = *how->hooks;
	r = transfers_new(&flow->transfers, &transfers);
	if (r == 0) {
		r = control_new(&flow->control, &control);
	}
	if (r == 0 && how->block != NULL) {
		r = start_inspection(flow, why);
	}
	if (r != 0) {
		flow_free(flow);
		return r;
	}
	flow->how.inspect_hooks = NULL;
	control_use(flow->control, flow->transfers, flow->inspect);
	*outp = flow;
	return 0;
}

const struct tally *
flow_tally(struct flow *flow)
{
	return transfers_tally(flow->transfers);
}

void
flow_free(struct flow *flow)
{
	if (flow == NULL) {
		return;
	}
	transfers_free(flow->transfers);
	inspect_free(flow->inspect);
	control_free(flow->control);
	free(flow);
}

int
flow_claim(struct flow *flow)
{
	return control_claim(flow->control);
}

/* ------------------------------------------------------------------------ */
/* Headers                                                                  */

static int
bad(struct flow *flow, const char *rule, const char *text)
{
	flow->why = (struct flow_why){rule, text};
	return ERR_PEER;
}

static enum urb_type
urb_type_of(enum usbip_xfer xfer)
{
	switch (xfer) {
	case USBIP_XFER_CONTROL:
		return URB_CONTROL;
	case USBIP_XFER_ISO:
		return URB_ISO;
	case USBIP_XFER_BULK:
		return URB_BULK;
	case USBIP_XFER_INTERRUPT:
		break;
	}
	return URB_INTERRUPT;
}

static int
start(struct flow *flow)
{
	struct transfer *t = flow->t;

	flow->t = NULL;
	flow->part = PART_HEADER;
	transfers_start(flow->transfers, t);
	return 0;
}

/* The data is there, or stepped over: packets come next, or nothing. */
static int
after_data(struct flow *flow)
{
	if (flow->iso_len > 0) {
		flow->part = PART_PACKETS;
		return 0;
	}
	return start(flow);
}

/* Refused, but its body is still on the way. */
static void
preset(struct flow *flow, const struct usbip_header *hdr, int32_t status,
    const char *rule, const char *text)
{
	struct floor_why why = {.rule = rule, .text = text};

	flow->t->preset = status;
	flow->hooks.refused(flow->hooks.arg, &why,
	    hdr->ep == 0 ? hdr->u.submit.setup : NULL,
	    (uint8_t)(hdr->ep |
		(hdr->direction == USBIP_DIR_IN ? 0x80 : 0)));
}

static int
on_submit(struct flow *flow, const struct usbip_header *hdr)
{
	const struct session_limits *limits = flow->how.limits;
	const struct usbip_limits wire = {
		.max_length = limits->skip_bytes,
		.max_control = limits->control_bytes,
	};
	enum usbip_xfer xfer =
	    floor_framing(control_floor(flow->control), hdr);
	const char *text = NULL;
	int verdict = usbip_check_submit(hdr, xfer, &wire, &text);
	int r;

	if (verdict != 0 && verdict != ERR_POLICY) {
		return bad(flow, "usbip.submit", text);
	}
	if (usbip_submit_body(hdr, xfer, &flow->data_len, &flow->iso_len) !=
	    0) {
		return bad(flow, "usbip.submit", "body too long");
	}
	r = transfers_begin(
	    flow->transfers, hdr, urb_type_of(xfer), &flow->t);
	if (r != 0) {
		return r == ERR_PEER ?
		    bad(flow, "usbip.seqnum", "seqnum is in use") :
		    r;
	}
	flow->data_got = 0;
	flow->part = PART_DATA;
	if (verdict == ERR_POLICY) {
		preset(flow, hdr,
		    xfer == USBIP_XFER_ISO ? USBIP_EINVAL : USBIP_EPIPE,
		    "floor.request", text);
	} else if (hdr->u.submit.length > limits->urb_bytes) {
		preset(flow, hdr, USBIP_EPIPE, "floor.length",
		    "longer than the cap");
	} else if (flow->data_len > 0 &&
	    transfer_buffer(flow->transfers, flow->t) != 0) {
		flow->t->preset = USBIP_ENOMEM;
	}
	if (flow->t->preset != 0) {
		flow->part = PART_SKIP;
	}
	return flow->data_len == 0 ? after_data(flow) : 0;
}

static int
on_header(struct flow *flow)
{
	const struct usbip_limits wire = {
		.max_length = flow->how.limits->skip_bytes,
	};
	struct usbip_header hdr;

	if (inq_len(flow->how.in) < USBIP_HEADER_SIZE) {
		return ERR_AGAIN;
	}
	if (usbip_decode_header(&hdr, inq_peek(flow->how.in),
		USBIP_HEADER_SIZE) != 0 ||
	    usbip_check_command(&hdr, &wire) != 0) {
		return bad(flow, "usbip.header",
		    "command, direction, endpoint or length out of range");
	}
	if (hdr.devid != flow->how.devid) {
		return bad(flow, "usbip.devid", "devid of another device");
	}
	if (hdr.command == USBIP_CMD_SUBMIT &&
	    !transfers_have_room(flow->transfers)) {
		return ERR_LIMIT;
	}
	inq_drop(flow->how.in, USBIP_HEADER_SIZE);
	if (hdr.command == USBIP_CMD_SUBMIT) {
		return on_submit(flow, &hdr);
	}
	if (transfers_unlink(
		flow->transfers, hdr.seqnum, hdr.u.unlink.seqnum) != 0) {
		return bad(flow, "usbip.unlink",
		    "unlinked again and again, or seqnum is in use");
	}
	return 0;
}

/* ------------------------------------------------------------------------ */
/* Bodies                                                                   */

static int
on_data(struct flow *flow)
{
	flow->data_got += (uint32_t)inq_take(flow->how.in,
	    flow->t->urb.data + flow->data_got,
	    flow->data_len - flow->data_got);
	return flow->data_got < flow->data_len ? ERR_AGAIN : after_data(flow);
}

static int
on_skip(struct flow *flow)
{
	size_t n = inq_len(flow->how.in);

	if (n > flow->data_len - flow->data_got) {
		n = flow->data_len - flow->data_got;
	}
	inq_drop(flow->how.in, n);
	flow->data_got += (uint32_t)n;
	return flow->data_got < flow->data_len ? ERR_AGAIN : after_data(flow);
}

static int
on_packets(struct flow *flow)
{
	int r;

	if (inq_len(flow->how.in) < flow->iso_len) {
		return ERR_AGAIN;
	}
	r = transfer_packets(flow->transfers, flow->t,
	    inq_peek(flow->how.in), flow->iso_len / USBIP_ISO_SIZE);
	inq_drop(flow->how.in, flow->iso_len);
	if (r == ERR_FORMAT) {
		return bad(flow, "usbip.iso", "packets outside of the buffer");
	}
	return r != 0 ? r : start(flow);
}

int
flow_wants_input(const struct flow *flow)
{
	return flow->how.out->used <= flow->how.limits->out_bytes &&
	    (flow->part != PART_HEADER ||
		transfers_have_room(flow->transfers));
}

/* Takes from the input buffer as far as it goes. ERR_AGAIN: more is needed. */
static int
consume(struct flow *flow)
{
	int r = 0;

	while (r == 0) {
		if (flow->how.out->used > flow->how.limits->out_bytes) {
			return ERR_LIMIT;
		}
		switch (flow->part) {
		case PART_HEADER:
			r = on_header(flow);
			break;
		case PART_DATA:
			r = on_data(flow);
			break;
		case PART_SKIP:
			r = on_skip(flow);
			break;
		case PART_PACKETS:
			r = on_packets(flow);
			break;
		}
	}
	return r;
}

static ssize_t
read_some(struct flow *flow, struct stream *stream, int *full)
{
	uint32_t missing = flow->data_len - flow->data_got;
	ssize_t n;

	if (flow->part != PART_DATA || missing < DIRECT ||
	    inq_len(flow->how.in) > 0) {
		return inq_fill(flow->how.in, stream, full);
	}
	n = stream_read(stream, flow->t->urb.data + flow->data_got, missing);
	*full = 0;
	if (n > 0) {
		flow->data_got += (uint32_t)n;
		*full = (uint32_t)n == missing;
	}
	return n;
}

int
flow_read(struct flow *flow, struct stream *stream, struct flow_why *why)
{
	int r, full;

	for (int reads = 0; reads < READS; reads++) {
		ssize_t n;

		r = consume(flow);
		if (r != ERR_AGAIN) {
			*why = flow->why;
			return r;
		}
		n = read_some(flow, stream, &full);
		if (n < 0) {
			return n == STREAM_WANT_READ ? 0 : (int)n;
		}
		if (!full && stream_pending(stream) == 0) {
			/* the socket has no more: spare the read that only
			 * says so */
			r = consume(flow);
			*why = flow->why;
			return r == ERR_AGAIN ? 0 : r;
		}
	}
	r = consume(flow);
	*why = flow->why;
	return r;
}

void
flow_resume(struct flow *flow)
{
	transfers_pump(flow->transfers);
}

void
flow_done(struct flow *flow, struct urb *urb)
{
	if (!control_done(flow->control, urb)) {
		transfers_done(flow->transfers, urb);
	}
}

void
flow_gone(struct flow *flow)
{
	transfers_fail(flow->transfers, USBIP_ENODEV);
}

int
flow_config_set(struct flow *flow, int err)
{
	return control_config_set(flow->control, err);
}

struct inspect *
flow_inspect(struct flow *flow)
{
	return flow->inspect;
}

void
flow_tap(struct flow *flow, const struct transfer_tap *tap)
{
	transfers_tap(flow->transfers, tap);
}

const struct floor *
flow_floor(const struct flow *flow)
{
	return control_floor(flow->control);
}

uint32_t
flow_in_flight(const struct flow *flow)
{
	return transfers_in_flight(flow->transfers);
}
