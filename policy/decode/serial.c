/*
 * Serial ports (CDC 1.2, PSTN 1.2: CDC-ACM). A port is two interfaces, or one:
 * the control interface has the line and its requests, the data interface the
 * stream, and each has a decoder of its own. What both say to hook serial:
 *
 *   a request   baud dtr rts, as they will be; no dir, no len
 *   encapsulated commands, the stream   baud dtr rts as they are, dir, len
 *
 * The line's state belongs to the control interface; the data interface reads
 * it there. What no request has said yet is not a fact.
 */
#include <string.h>

#include "base/err.h"
#include "policy/decode/answer.h"
#include "policy/decode/cdc.h"
#include "policy/decode/list.h"
#include "wire/cursor.h"
#include "wire/usbip.h"

#define SUBCLASS_ACM 2u
#define CODING_SIZE 7u
#define NOTICE_HEADER 8u
#define NOTICE_DATA 256u /* of one notification */

enum serial_request {
	SEND_ENCAPSULATED = 0x00,
	GET_ENCAPSULATED = 0x01,
	SET_COMM_FEATURE = 0x02,
	CLEAR_COMM_FEATURE = 0x04,
	SET_LINE_CODING = 0x20,
	GET_LINE_CODING = 0x21,
	SET_CONTROL_LINE_STATE = 0x22,
	SEND_BREAK = 0x23,
};

enum serial_notice {
	NETWORK_CONNECTION = 0x00,
	RESPONSE_AVAILABLE = 0x01,
	SERIAL_STATE = 0x20,
};

struct line {
	uint8_t has_baud, has_lines;
	uint8_t lines; /* bit 0 = DTR, bit 1 = RTS */
	uint32_t baud;
};

struct serial {
	struct decoder decoder;
	uint8_t is_on, number, alternate;
	uint8_t control; /* bInterfaceNumber of the control interface */
	struct line line; /* on the control interface only */
	uint32_t notice, nnotice; /* bytes had of the notification, and all */
	uint8_t header[NOTICE_HEADER];
};

static struct serial *
serial_of(struct decoder *d)
{
	return (struct serial *)(void *)d;
}

static enum decode_act
invalid(struct serial *s, const char *what)
{
	judge_invalid(s->decoder.judge, HOOK_SERIAL, what);
	return DECODE_EJECT;
}

static int
port_of(struct cdc *out, const struct decode_iface *iface)
{
	return cdc_find(out, iface->config, iface->bytes, iface->alt) == 0 &&
	    out->class == 2 && out->subclass == SUBCLASS_ACM &&
	    out->protocol != 0xff; /* 02:02:ff is RNDIS */
}

static int
serial_takes(const struct decode_iface *iface)
{
	struct cdc cdc;

	return port_of(&cdc, iface) &&
	    (iface->alt->number == cdc.control || iface->alt->class == 0x0a);
}

static int
serial_attach(
    struct decoder *d, const struct decode_how *how, const char **what)
{
	struct serial *s = serial_of(d);
	const struct desc_alt *alt = how->iface->alt;
	struct cdc cdc;

	if (!port_of(&cdc, how->iface)) {
		*what = "serial port without a control interface";
		return ERR_FORMAT;
	}
	if (s->is_on && s->number == alt->number &&
	    s->alternate == alt->alternate) {
		return 0;
	}
	s->is_on = 1;
	s->number = alt->number;
	s->alternate = alt->alternate;
	s->control = cdc.control;
	s->notice = 0;
	s->nnotice = 0;
	return 0;
}

static struct line
line_of(struct serial *s)
{
	const struct decoder *d;

	if (s->number == s->control) {
		return s->line;
	}
	d = s->decoder.host->sibling(s->decoder.host_arg, s->control);
	if (d == NULL || d->ops != &decode_serial) {
		return (struct line){0};
	}
	return ((const struct serial *)(const void *)d)->line;
}

/* DECODE_PASS or what the ruling is; DECODE_ANSWER stands for a refusal, with
 * *is_drop. */
static enum decode_act
rule(struct serial *s, struct facts *f, const struct line *line, uint64_t now,
    int *is_drop)
{
	struct ruling r;

	if (line->has_baud) {
		facts_set(f, FACT_BAUD, line->baud);
	}
	if (line->has_lines) {
		facts_set(f, FACT_DTR, line->lines & 1);
		facts_set(f, FACT_RTS, line->lines >> 1 & 1);
	}
	judge_rule(s->decoder.judge, f, now, &r);
	*is_drop = r.verdict == VERDICT_DROP;
	return answer_act(r.verdict);
}

/* Bytes of the stream, or of an encapsulated command. */
static enum decode_act
rule_bytes(struct serial *s, const struct unit *u, uint32_t len, int *is_drop)
{
	struct line line = line_of(s);
	struct facts f;

	facts_init(&f, HOOK_SERIAL);
	f.is_back = (uint8_t)unit_is_in(u);
	facts_set(&f, FACT_DIR, f.is_back);
	facts_set(&f, FACT_LEN, len);
	f.bytes = u->data;
	f.nbytes = len;
	return rule(s, &f, &line, u->now, is_drop);
}

static enum decode_act
refuse_out(struct unit *u, int is_drop)
{
	u->status = is_drop ? 0 : USBIP_EPIPE;
	u->actual = is_drop ? u->length : 0;
	return DECODE_ANSWER;
}

static int
is_class(const struct unit *u, uint8_t request)
{
	return u->type == XFER_CONTROL && (u->setup[0] & 0x7f) == 0x21 &&
	    u->setup[1] == request;
}

/* The line as it is once the request has gone through. */
static struct line
line_after(const struct serial *s, const struct unit *u)
{
	struct line line = s->line;

	if (is_class(u, SET_LINE_CODING) && u->length == CODING_SIZE) {
		line.has_baud = 1;
		line.baud = le32_at(u->data);
	} else if (is_class(u, SET_CONTROL_LINE_STATE)) {
		line.has_lines = 1;
		line.lines = u->setup[2] & 3;
	}
	return line;
}

static enum decode_act
submit_control(struct serial *s, struct unit *u)
{
	struct facts f;
	struct line line;
	enum decode_act act;
	int is_drop = 0;

	if ((u->setup[0] & 0x7f) != 0x21 || s->number != s->control) {
		return DECODE_PASS;
	}
	switch (u->setup[1]) {
	case SET_LINE_CODING:
		if (unit_is_in(u) || u->length != CODING_SIZE) {
			return invalid(s, "line coding that is not 7 bytes");
		}
		break;
	case SEND_ENCAPSULATED:
		act = unit_is_in(u)
		    ? DECODE_PASS
		    : rule_bytes(s, u, u->length, &is_drop);
		return act == DECODE_ANSWER ? refuse_out(u, is_drop) : act;
	case SET_COMM_FEATURE:
	case CLEAR_COMM_FEATURE:
	case SET_CONTROL_LINE_STATE:
	case SEND_BREAK:
		break;
	default:
		return DECODE_PASS;
	}
	line = line_after(s, u);
	facts_init(&f, HOOK_SERIAL);
	f.bytes = u->data;
	f.nbytes = unit_is_in(u) ? 0 : u->length;
	act = rule(s, &f, &line, u->now, &is_drop);
	return act == DECODE_ANSWER ? refuse_out(u, is_drop) : act;
}

static enum decode_act
serial_submit(struct decoder *d, struct unit *u)
{
	struct serial *s = serial_of(d);
	enum decode_act act;
	int is_drop;

	if (u->type == XFER_CONTROL) {
		return submit_control(s, u);
	}
	if (u->type != XFER_BULK || unit_is_in(u) || u->length == 0) {
		return DECODE_PASS;
	}
	act = rule_bytes(s, u, u->length, &is_drop);
	return act == DECODE_ANSWER ? refuse_out(u, is_drop) : act;
}

/* The rest of a notification may come in further transfers (CDC 1.2 6.3): its
 * lengths are checked, its bits are the workstation's to read. */
static enum decode_act
complete_notice(struct serial *s, const struct unit *u)
{
	uint32_t n = u->actual, at = 0, want;
	const uint8_t *h = s->header;

	while (n > 0 && s->notice < NOTICE_HEADER) {
		s->header[s->notice++] = u->data[at++];
		n--;
	}
	if (s->notice < NOTICE_HEADER) {
		return DECODE_PASS;
	}
	want = le16_at(h + 6);
	if (h[0] != 0xa1 || want > NOTICE_DATA ||
	    (h[1] == SERIAL_STATE && want != 2) ||
	    ((h[1] == NETWORK_CONNECTION || h[1] == RESPONSE_AVAILABLE) &&
		want != 0)) {
		return invalid(s, "notification of a wrong form");
	}
	s->nnotice = NOTICE_HEADER + want;
	if (n > s->nnotice - s->notice) {
		return invalid(s, "bytes after a notification");
	}
	s->notice += n;
	if (s->notice == s->nnotice) {
		s->notice = 0;
	}
	return DECODE_PASS;
}

static enum decode_act
complete_in(struct serial *s, struct unit *u)
{
	int is_drop;
	enum decode_act act;

	if (u->actual == 0) {
		return DECODE_PASS;
	}
	act = rule_bytes(s, u, u->actual, &is_drop);
	if (act != DECODE_ANSWER) {
		return act;
	}
	u->actual = 0;
	if (u->type == XFER_CONTROL) {
		u->status = is_drop ? 0 : USBIP_EPIPE;
		return DECODE_PASS;
	}
	return is_drop && u->status == 0 ? DECODE_AGAIN : DECODE_PASS;
}

static enum decode_act
complete_control(struct serial *s, struct unit *u)
{
	if (s->number != s->control) {
		return DECODE_PASS;
	}
	if (is_class(u, GET_ENCAPSULATED) && unit_is_in(u)) {
		return complete_in(s, u);
	}
	if (u->status != 0) {
		return DECODE_PASS;
	}
	if (is_class(u, GET_LINE_CODING) && unit_is_in(u)) {
		if (u->actual > CODING_SIZE) {
			return invalid(s, "line coding longer than 7 bytes");
		}
		if (u->actual == CODING_SIZE) {
			s->line.has_baud = 1;
			s->line.baud = le32_at(u->data);
		}
	} else if (!unit_is_in(u)) {
		s->line = line_after(s, u);
	}
	return DECODE_PASS;
}

static enum decode_act
serial_complete(struct decoder *d, struct unit *u)
{
	struct serial *s = serial_of(d);

	switch (u->type) {
	case XFER_CONTROL:
		return complete_control(s, u);
	case XFER_INT:
		return unit_is_in(u) ? complete_notice(s, u) : DECODE_PASS;
	case XFER_BULK:
		return unit_is_in(u) ? complete_in(s, u) : DECODE_PASS;
	}
	return DECODE_PASS;
}

static void
serial_event(struct decoder *d, enum decode_event event, uint8_t endpoint)
{
	struct serial *s = serial_of(d);

	(void)endpoint;
	s->notice = 0;
	if (event == DECODE_RESET) {
		s->line = (struct line){0};
	}
}

static uint64_t
serial_tick(struct decoder *d, uint64_t now)
{
	(void)d;
	(void)now;
	return 0;
}

const struct decoder_ops decode_serial = {
	.name = "serial",
	.hooks = 1u << HOOK_SERIAL,
	.size = sizeof(struct serial),
	.takes = serial_takes,
	.attach = serial_attach,
	.submit = serial_submit,
	.complete = serial_complete,
	.event = serial_event,
	.tick = serial_tick,
};
