/*
 * Still image and media transfer (USB Still Image Capture 1.0; PTP, ISO 15740;
 * MTP 1.1): an operation is a command container, perhaps data one way, and a
 * response. Hook mtp rules on the command; what follows must belong to it.
 *
 *   loose ─► command ─► data out ─┬─► response ─► idle
 *               │ ├───► data in ──┘               ▲
 *               │ └───────────────────────────────┘
 *               └─► refused: answered already; data that come are swallowed
 *
 * Loose is before the first command and after what breaks an operation off (a
 * cancel, a reset, a stall): the device may still have something to say.
 */
#include <string.h>

#include "base/err.h"
#include "policy/decode/list.h"
#include "wire/cursor.h"
#include "wire/usbip.h"

#define HEADER 12u     /* length, type, code, transaction id */
#define CONTAINER 32u  /* with five parameters */
#define ANY_LENGTH UINT32_MAX /* of data: until a short packet */
#define EVENT_HEADER 8u
#define ACCESS_DENIED 0x200f

enum container { COMMAND = 1, DATA = 2, RESPONSE = 3, EVENT = 4 };

enum op {
	GET_DEVICE_INFO = 0x1001,
	OPEN_SESSION = 0x1002,
};

enum mtp_request { /* class requests, Still Image 5.2 */
	REQUEST_CANCEL = 0x64,
	REQUEST_RESET = 0x66,
};

enum phase {
	PHASE_LOOSE,
	PHASE_IDLE,
	PHASE_COMMAND,
	PHASE_DATA_OUT,
	PHASE_DATA_IN,
	PHASE_RESPONSE,
	PHASE_REFUSED,
	PHASE_SWALLOW, /* data of a refused operation */
};

struct mtp {
	struct decoder decoder;
	uint8_t is_on, number, alternate;
	uint8_t ep_out, ep_in;
	uint16_t packet; /* of ep_out */
	enum phase phase;
	uint16_t op;
	uint8_t has_id;
	uint32_t last;	    /* transaction in the order of the session */
	uint32_t id;	    /* of the operation */
	uint32_t total, pos; /* of the data container, ANY_LENGTH */
	uint8_t is_split;    /* its header had a transfer of its own */
	uint32_t event;	    /* bytes had of an event */
	uint8_t event_header[EVENT_HEADER];
};

/* Operations whose first parameter is an object. */
static const uint16_t of_object[] = {0x1008, 0x1009, 0x100a, 0x100b, 0x1012,
	0x1019, 0x101a, 0x101b, 0x1022, 0x95c1, 0x95c2, 0x95c3, 0x95c4, 0x95c5,
	0x9803, 0x9804, 0x9805, 0x9810, 0x9811};

static struct mtp *
mtp_of(struct decoder *d)
{
	return (struct mtp *)(void *)d;
}

static enum decode_act
invalid(struct mtp *m, const char *what)
{
	judge_invalid(m->decoder.judge, HOOK_MTP, what);
	return DECODE_EJECT;
}

static int
mtp_takes(const struct decode_iface *iface)
{
	return iface->alt->class == 6 && iface->alt->subclass == 1 &&
	    iface->alt->protocol == 1;
}

static int
mtp_attach(struct decoder *d, const struct decode_how *how, const char **what)
{
	struct mtp *m = mtp_of(d);
	const struct desc_alt *alt = how->iface->alt;

	m->ep_in = 0;
	m->ep_out = 0;
	for (unsigned i = 0; i < alt->nendpoints; i++) {
		const struct desc_endpoint *e =
		    &how->iface->config->endpoints[alt->first_endpoint + i];

		if ((e->attributes & 3) == XFER_BULK) {
			if ((e->address & 0x80) != 0) {
				m->ep_in = e->address;
			} else {
				m->ep_out = e->address;
				m->packet = e->max_packet & 0x7ff;
			}
		}
	}
	if (m->ep_in == 0 || m->ep_out == 0 || m->packet == 0) {
		*what = "still image without bulk endpoints";
		return ERR_FORMAT;
	}
	if (!m->is_on || m->number != alt->number ||
	    m->alternate != alt->alternate) {
		m->phase = PHASE_LOOSE;
		m->has_id = 0;
		m->event = 0;
	}
	m->is_on = 1;
	m->number = alt->number;
	m->alternate = alt->alternate;
	return 0;
}

static int
has_object(uint16_t op)
{
	for (size_t i = 0; i < sizeof(of_object) / sizeof(of_object[0]); i++) {
		if (of_object[i] == op) {
			return 1;
		}
	}
	return 0;
}

/* ISO 15740 9.3.1: one more each time, from 1 to 0xfffffffe. */
static int
is_next(const struct mtp *m, uint32_t id)
{
	return !m->has_id || id == (m->last >= 0xfffffffe ? 1 : m->last + 1);
}

static enum decode_act
refuse(struct mtp *m, struct unit *u)
{
	uint8_t response[HEADER] = {HEADER, 0, 0, 0, RESPONSE, 0,
		ACCESS_DENIED & 0xff, ACCESS_DENIED >> 8};

	memcpy(response + 8, u->data + 8, 4);
	m->decoder.host->answer_in(
	    m->decoder.host_arg, m->ep_in, response, HEADER);
	m->phase = PHASE_REFUSED;
	u->status = 0;
	u->actual = u->length;
	return DECODE_ANSWER;
}

static enum decode_act
command(struct mtp *m, struct unit *u)
{
	const uint8_t *p = u->data;
	uint16_t op = le16_at(p + 6);
	uint32_t id = le32_at(p + 8);
	struct ruling r;
	struct facts f;

	if (le32_at(p) != u->length || u->length > CONTAINER ||
	    u->length % 4 != 0) {
		return invalid(m, "command of a wrong length");
	}
	/* a session begins anew, and needs none for what a device is */
	if (op != OPEN_SESSION && op != GET_DEVICE_INFO && !is_next(m, id)) {
		return invalid(m, "transaction out of order");
	}
	facts_init(&f, HOOK_MTP);
	facts_set(&f, FACT_OP, op);
	facts_set(&f, FACT_LEN, u->length);
	if (has_object(op) && u->length >= HEADER + 4) {
		facts_set(&f, FACT_OBJECT, le32_at(p + HEADER));
	}
	f.bytes = p;
	f.nbytes = u->length;
	judge_rule(m->decoder.judge, &f, u->now, &r);
	if (r.verdict == VERDICT_ASK) {
		return DECODE_HOLD;
	}
	if (r.verdict == VERDICT_QUARANTINE) {
		return DECODE_QUARANTINE;
	}
	if (r.verdict == VERDICT_EJECT) {
		return DECODE_EJECT;
	}
	m->op = op;
	m->id = id;
	if (op != GET_DEVICE_INFO || (m->has_id && is_next(m, id))) {
		m->has_id = 1;
		m->last = id;
	}
	if (r.verdict != VERDICT_ALLOW && r.verdict != VERDICT_REWRITE) {
		return refuse(m, u);
	}
	m->phase = PHASE_COMMAND;
	return DECODE_PASS;
}

/* n bytes of a data container, the last of their transfer if is_short. 0, or
 * what is wrong. */
static const char *
count(struct mtp *m, uint32_t n, int is_short, enum phase next)
{
	if (m->total == ANY_LENGTH) {
		if (is_short && !(m->pos == 0 && n == HEADER)) {
			m->phase = next;
		}
		m->pos = 1;
		return NULL;
	}
	if (n > m->total - m->pos) {
		return "bytes after data";
	}
	m->pos += n;
	if (m->pos == m->total) {
		m->phase = next;
	} else if (is_short && m->pos != HEADER) {
		/* the header may have a transfer of its own */
		return "data cut short";
	}
	return NULL;
}

static int
is_of_operation(const struct mtp *m, const uint8_t *p)
{
	return le16_at(p + 6) == m->op && le32_at(p + 8) == m->id &&
	    le32_at(p) >= HEADER;
}

/* To a device that does not know split headers the first of the two ends the
 * data, and what comes next is a command. */
static int
is_hidden_command(const struct mtp *m, const struct unit *u)
{
	return m->is_split && u->length >= HEADER && u->length <= CONTAINER &&
	    le32_at(u->data) == u->length && le16_at(u->data + 4) == COMMAND;
}

static enum decode_act
data_out(struct mtp *m, struct unit *u)
{
	int is_refused = m->phase == PHASE_SWALLOW;
	int is_short = u->length == 0 || u->length % m->packet != 0;
	const char *what;

	if (is_hidden_command(m, u)) {
		return invalid(m, "command in place of data");
	}
	what = count(m, u->length, is_short,
	    is_refused ? PHASE_REFUSED : PHASE_RESPONSE);
	if (what != NULL) {
		return invalid(m, what);
	}
	if (!is_refused) {
		return DECODE_PASS;
	}
	u->status = 0;
	u->actual = u->length;
	return DECODE_ANSWER;
}

static enum decode_act
begin_out(struct mtp *m, struct unit *u)
{
	uint16_t type;

	if (u->length == 0) { /* the end of data in whole packets */
		u->status = 0;
		u->actual = 0;
		return m->phase == PHASE_REFUSED ? DECODE_ANSWER : DECODE_PASS;
	}
	if (u->length < HEADER) {
		return invalid(m, "container cut in its header");
	}
	type = le16_at(u->data + 4);
	if (type == COMMAND && m->phase != PHASE_COMMAND &&
	    m->phase != PHASE_RESPONSE) {
		return command(m, u);
	}
	if (type != DATA ||
	    (m->phase != PHASE_COMMAND && m->phase != PHASE_REFUSED) ||
	    !is_of_operation(m, u->data)) {
		return invalid(m, "container out of phase");
	}
	m->phase = m->phase == PHASE_COMMAND ? PHASE_DATA_OUT : PHASE_SWALLOW;
	m->total = le32_at(u->data);
	m->pos = 0;
	m->is_split = u->length == HEADER && m->total > HEADER;
	return data_out(m, u);
}

static enum decode_act
submit_control(struct mtp *m, const struct unit *u)
{
	if (u->setup[0] != 0x21 || u->setup[1] != REQUEST_CANCEL) {
		return DECODE_PASS;
	}
	if (u->length != 6 || le16_at(u->data) != 0x4001) {
		return invalid(m, "cancel of a wrong form");
	}
	/* the device may end its data before the request has come back */
	m->phase = PHASE_LOOSE;
	return DECODE_PASS;
}

static enum decode_act
mtp_submit(struct decoder *d, struct unit *u)
{
	struct mtp *m = mtp_of(d);

	if (u->type == XFER_CONTROL) {
		return submit_control(m, u);
	}
	if (u->type != XFER_BULK || u->endpoint != m->ep_out) {
		return DECODE_PASS;
	}
	return m->phase == PHASE_DATA_OUT || m->phase == PHASE_SWALLOW
	    ? data_out(m, u)
	    : begin_out(m, u);
}

static enum decode_act
begin_in(struct mtp *m, const struct unit *u, int is_short)
{
	const uint8_t *p = u->data;
	const char *what;
	uint16_t type;

	if (m->phase != PHASE_COMMAND && m->phase != PHASE_RESPONSE) {
		return invalid(m, "the device speaks out of turn");
	}
	if (u->actual < HEADER || le32_at(p + 8) != m->id) {
		return invalid(m, "container of no operation");
	}
	type = le16_at(p + 4);
	if (type == RESPONSE) {
		if (le32_at(p) != u->actual || u->actual > CONTAINER ||
		    u->actual % 4 != 0) {
			return invalid(m, "response of a wrong length");
		}
		m->phase = PHASE_IDLE;
		return DECODE_PASS;
	}
	if (type != DATA || m->phase != PHASE_COMMAND ||
	    !is_of_operation(m, p)) {
		return invalid(m, "container out of phase");
	}
	m->phase = PHASE_DATA_IN;
	m->total = le32_at(p);
	m->pos = 0;
	what = count(m, u->actual, is_short, PHASE_RESPONSE);
	return what != NULL ? invalid(m, what) : DECODE_PASS;
}

static void
break_off(struct mtp *m)
{
	m->phase = PHASE_LOOSE;
	m->has_id = 0;
}

static enum decode_act
complete_in(struct mtp *m, const struct unit *u)
{
	int is_short = u->status == 0 && u->actual < u->length;
	const char *what = NULL;

	if (u->status == USBIP_EPIPE) {
		break_off(m);
	}
	if (m->phase == PHASE_LOOSE) {
		return DECODE_PASS;
	}
	if (m->phase == PHASE_DATA_IN) {
		if (u->actual > 0 || is_short) {
			what = count(m, u->actual, is_short, PHASE_RESPONSE);
		}
		return what != NULL ? invalid(m, what) : DECODE_PASS;
	}
	return u->actual == 0 ? DECODE_PASS : begin_in(m, u, is_short);
}

/* Events may come in several transfers of small packets. */
static enum decode_act
complete_event(struct mtp *m, const struct unit *u)
{
	uint32_t n = u->actual, at = 0, total;

	while (n > 0 && m->event < EVENT_HEADER) {
		m->event_header[m->event++] = u->data[at++];
		n--;
	}
	if (m->event < EVENT_HEADER) {
		return DECODE_PASS;
	}
	total = le32_at(m->event_header);
	if (total < HEADER || total > CONTAINER ||
	    le16_at(m->event_header + 4) != EVENT || n > total - m->event) {
		return invalid(m, "event of a wrong form");
	}
	m->event += n;
	if (m->event == total) {
		m->event = 0;
	}
	return DECODE_PASS;
}

static enum decode_act
mtp_complete(struct decoder *d, struct unit *u)
{
	struct mtp *m = mtp_of(d);

	if (u->type == XFER_INT) {
		return complete_event(m, u);
	}
	if (u->type == XFER_BULK && u->endpoint == m->ep_in) {
		return complete_in(m, u);
	}
	if (u->type == XFER_BULK) {
		if (u->status != 0) {
			break_off(m);
		}
	} else if (u->status == 0 && u->setup[0] == 0x21 &&
	    u->setup[1] == REQUEST_RESET) {
		break_off(m);
	}
	return DECODE_PASS;
}

static void
mtp_event(struct decoder *d, enum decode_event event, uint8_t endpoint)
{
	struct mtp *m = mtp_of(d);

	if (event == DECODE_RESET || endpoint == m->ep_in ||
	    endpoint == m->ep_out) {
		break_off(m);
	} else {
		m->event = 0;
	}
	if (event == DECODE_RESET) {
		m->event = 0;
	}
}

static uint64_t
mtp_tick(struct decoder *d, uint64_t now)
{
	(void)d;
	(void)now;
	return 0;
}

const struct decoder_ops decode_mtp = {
	.name = "mtp",
	.hooks = 1u << HOOK_MTP,
	.size = sizeof(struct mtp),
	.takes = mtp_takes,
	.attach = mtp_attach,
	.submit = mtp_submit,
	.complete = mtp_complete,
	.event = mtp_event,
	.tick = mtp_tick,
};
