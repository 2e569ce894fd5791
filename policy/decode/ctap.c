/*
 * Security keys: CTAPHID (CTAP 2.1 11.2) on the HID interface of a FIDO key. A
 * message begins with an initialization packet (channel, command, length) and
 * goes on in continuation packets, numbered from 0.
 *
 * A message to the key is ruled on at its first packet, before the key sees a
 * byte: command, CTAP2 command or U2F instruction, and the relying party where
 * its name lies whole in that packet (it does, but for very long ones). The
 * packets behind it follow the ruling. Continuations that belong to no message
 * never reach the key, and one that is out of its order ends the message with an
 * error, as a key would: so the key cannot be brought to another idea of where
 * messages begin.
 *
 * What is refused is answered in the key's place: a CTAP2 command with an error,
 * a U2F message with a status word, all else with CTAPHID_ERROR.
 *
 * What the key says is checked for form and passes without a ruling: it answers
 * what was let through. SET_REPORT and GET_REPORT would be a second way past
 * this one, which no host uses; they are refused.
 */
#include <string.h>

#include "base/err.h"
#include "policy/decode/answer.h"
#include "policy/decode/decode.h"
#include "policy/decode/list.h"
#include "wire/cursor.h"
#include "wire/hid_item.h"

#define PACKET_MIN 8u
#define PACKET_MAX 64u
#define INIT_HEAD 7u /* bytes before the data */
#define CONT_HEAD 5u
#define MESSAGE_MAX 7609u /* 11.2.4 */
#define CHANNELS 4u
#define BROADCAST UINT32_C(0xffffffff)

enum command {
	CTAPHID_MSG = 0x03,
	CTAPHID_INIT = 0x06,
	CTAPHID_CBOR = 0x10,
	CTAPHID_ERROR = 0x3f,
};

enum error { /* of CTAPHID_ERROR, 11.2.9.1.6 */
	CTAPHID_ERR_CMD = 0x01,
	CTAPHID_ERR_LEN = 0x03,
	CTAPHID_ERR_SEQ = 0x04,
	CTAPHID_ERR_BUSY = 0x06,
	CTAPHID_ERR_CHANNEL = 0x0b,
};

#define PAGE_FIDO 0xf1d0u
#define USAGE_KEY 0x0001u

#define CTAP2_ERR_NOT_ALLOWED 0x30
/* Not 6985: that means "touch me", and hosts ask again (FIDO U2F raw 3.3). */
#define SW_COMMAND_NOT_ALLOWED 0x6986

/* A message of which packets are still to come. */
struct message {
	uint32_t channel;
	uint32_t left; /* bytes; 0 = none is under way */
	uint8_t seq;   /* of the next packet */
	uint8_t command;
	uint8_t is_refused;
	uint16_t code; /* what it is refused with */
};

struct ctap {
	struct decoder decoder; /* first member */
	uint8_t ep_in, ep_out;
	uint8_t interface;
	uint32_t packet; /* bytes of each to the key */
	struct message out[CHANNELS], in[CHANNELS];
};

/* ------------------------------------------------------------------------ */
/* Attaching                                                                */

static int
is_of_fido(const struct hid_item *item, uint32_t page)
{
	return (item->size == 4 ? item->value >> 16 : page) == PAGE_FIDO;
}

/* A report descriptor of usage page F1D0 with its usage 1 and of nothing else: no
 * page of keys, whose reports could be made to look like packets, and no report
 * ids, which packets do not have. */
static int
is_fido(const uint8_t *report, size_t len)
{
	struct hid_item item;
	uint32_t page = 0;
	size_t at = 0;
	int r, has_key = 0;

	while ((r = hid_item_next(&item, report, len, &at)) == 1) {
		switch (item.tag) {
		case HID_GLOBAL_PAGE:
			page = item.value;
			break;
		case HID_LOCAL_USAGE:
		case HID_LOCAL_MINIMUM:
		case HID_LOCAL_MAXIMUM:
			if (!is_of_fido(&item, page)) {
				return 0;
			}
			has_key |= item.tag == HID_LOCAL_USAGE &&
			    (item.value & 0xffff) == USAGE_KEY;
			break;
		case HID_MAIN_INPUT:
		case HID_MAIN_OUTPUT:
		case HID_MAIN_FEATURE:
			/* hid-core adds the page that stands here */
			if (page != PAGE_FIDO) {
				return 0;
			}
			break;
		case HID_GLOBAL_ID:
		case HID_GLOBAL_PUSH:
		case HID_GLOBAL_POP:
		case HID_ITEM_LONG:
			return 0;
		}
	}
	return r == 0 && has_key;
}

static int
ctap_takes(const struct decode_iface *iface)
{
	const uint8_t *report;
	size_t len = 0;

	if (iface->alt->class != 3) {
		return 0;
	}
	report = devrec_report(iface->rec, iface->config->value,
	    iface->alt->number, &len);
	return report != NULL && is_fido(report, len);
}

static int
ctap_attach(struct decoder *d, const struct decode_how *how, const char **what)
{
	struct ctap *c = (struct ctap *)(void *)d;
	const struct desc_alt *alt = how->iface->alt;

	c->ep_in = c->ep_out = 0;
	c->interface = alt->number;
	for (unsigned i = 0; i < alt->nendpoints; i++) {
		const struct desc_endpoint *ep =
		    &how->iface->config->endpoints[alt->first_endpoint + i];

		if ((ep->attributes & 3) == XFER_INT) {
			*((ep->address & 0x80) != 0 ? &c->ep_in : &c->ep_out) =
			    ep->address;
			if ((ep->address & 0x80) == 0) {
				c->packet = ep->max_packet;
			}
		}
	}
	if (c->ep_in == 0 || c->ep_out == 0) {
		*what = "a security key without both of its endpoints";
		return ERR_FORMAT;
	}
	if (c->packet < PACKET_MIN) {
		*what = "a security key with packets of less than 8 bytes";
		return ERR_FORMAT;
	}
	if (c->packet > PACKET_MAX) {
		c->packet = PACKET_MAX;
	}
	return 0;
}

/* ------------------------------------------------------------------------ */
/* Messages                                                                 */

static struct message *
find(struct message *list, uint32_t channel)
{
	for (unsigned i = 0; i < CHANNELS; i++) {
		if (list[i].left > 0 && list[i].channel == channel) {
			return &list[i];
		}
	}
	return NULL;
}

static struct message *
unused(struct message *list)
{
	for (unsigned i = 0; i < CHANNELS; i++) {
		if (list[i].left == 0) {
			return &list[i];
		}
	}
	return NULL;
}

static void
say(struct ctap *c, uint32_t channel, uint8_t command, const uint8_t *data,
    uint8_t len)
{
	uint8_t packet[PACKET_MAX] = {0};

	packet[0] = (uint8_t)(channel >> 24);
	packet[1] = (uint8_t)(channel >> 16);
	packet[2] = (uint8_t)(channel >> 8);
	packet[3] = (uint8_t)channel;
	packet[4] = command | 0x80;
	packet[6] = len;
	memcpy(packet + INIT_HEAD, data, len);
	c->decoder.host->answer_in(
	    c->decoder.host_arg, c->ep_in, packet, sizeof(packet));
}

static enum decode_act
say_error(struct ctap *c, struct unit *u, uint32_t channel, uint8_t error)
{
	say(c, channel, CTAPHID_ERROR, &error, 1);
	return answer_done(u, u->length);
}

/* The whole of a refused message was heard. */
static void
say_refused(struct ctap *c, const struct message *m)
{
	uint8_t data[2] = {(uint8_t)(m->code >> 8), (uint8_t)m->code};

	switch (m->command) {
	case CTAPHID_CBOR:
		say(c, m->channel, CTAPHID_CBOR, data + 1, 1);
		return;
	case CTAPHID_MSG:
		say(c, m->channel, CTAPHID_MSG, data, 2);
		return;
	}
	data[0] = CTAPHID_ERR_CMD;
	say(c, m->channel, CTAPHID_ERROR, data, 1);
}

static uint16_t
code_of(uint8_t command, const struct ruling *ruling)
{
	/* an error of CTAP2 is no status word, and the other way round */
	if (command == CTAPHID_MSG) {
		return ruling->how == HOW_SW ? ruling->code :
					       SW_COMMAND_NOT_ALLOWED;
	}
	return ruling->how == HOW_CTAPERR ? ruling->code :
					    CTAP2_ERR_NOT_ALLOWED;
}

/* ------------------------------------------------------------------------ */
/* Relying parties                                                          */

/* A CBOR text or byte string (major type 2 or 3) of less than 256 bytes, as
 * CTAP2's canonical form has it. NULL when it is none, or not all there. */
static const uint8_t *
take_string(struct rcur *c, unsigned major, size_t *len)
{
	uint8_t head = rcur_u8(c);

	*len = head & 0x1f;
	if (c->failed || head >> 5 != major || *len > 24) {
		return NULL;
	}
	if (*len == 24) {
		*len = rcur_u8(c);
	}
	return rcur_bytes(c, *len);
}

/* Of a map of texts: that behind "id", one of the first few. */
static const uint8_t *
take_id(struct rcur *c, size_t *len)
{
	uint8_t head = rcur_u8(c);

	if (c->failed || head >> 5 != 5 || (head & 0x1f) > 23) {
		return NULL;
	}
	for (unsigned n = head & 0x1f; n > 0; n--) {
		const uint8_t *key = take_string(c, 3, len);
		int is_id = key != NULL && *len == 2 &&
		    memcmp(key, "id", 2) == 0;
		const uint8_t *value =
		    key != NULL ? take_string(c, 3, len) : NULL;

		if (value == NULL || is_id) {
			return value;
		}
	}
	return NULL;
}

/* The relying party of authenticatorMakeCredential and GetAssertion (6.1, 6.2),
 * whose maps have it as their first or second member. */
static const uint8_t *
relying_party(const uint8_t *data, size_t len, size_t *n)
{
	struct rcur c = rcur_of(data, len);
	uint8_t command = rcur_u8(&c), head = rcur_u8(&c);

	if (c.failed || head >> 5 != 5 || (head & 0x1f) > 23 ||
	    rcur_u8(&c) != 1) {
		return NULL;
	}
	if (command == 2) {
		return take_string(&c, 3, n);
	}
	if (command != 1 || take_string(&c, 2, n) == NULL ||
	    rcur_u8(&c) != 2) {
		return NULL;
	}
	return take_id(&c, n);
}

static void
facts_of(struct facts *f, uint8_t command, uint32_t length,
    const uint8_t *data, size_t have)
{
	size_t n = 0;

	facts_init(f, HOOK_CTAP);
	facts_set(f, FACT_CMD, command);
	facts_set(f, FACT_DIR, 0);
	facts_set(f, FACT_LEN, length);
	f->bytes = data;
	f->nbytes = (uint32_t)have;
	if (command == CTAPHID_CBOR && have > 0) {
		facts_set(f, FACT_CBOR, data[0]);
		f->text = relying_party(data, have, &n);
		if (f->text != NULL) {
			f->text_len = (uint32_t)n;
			facts_set(f, FACT_RP, 0);
		}
	} else if (command == CTAPHID_MSG && have > 1) {
		facts_set(f, FACT_U2F, data[1]);
	}
}

/* ------------------------------------------------------------------------ */
/* To the key                                                               */

/* A message begins, and its ruling with it. */
static enum decode_act
begin(struct ctap *c, struct unit *u, uint32_t channel, struct message *m)
{
	uint8_t command = u->data[4] & 0x7f;
	uint32_t length = be_at(u->data + 5, 2);
	uint32_t room = u->length - INIT_HEAD;
	uint32_t have = length < room ? length : room;
	struct ruling ruling;
	struct facts facts;
	enum decode_act act;

	facts_of(&facts, command, length, u->data + INIT_HEAD, have);
	judge_rule(c->decoder.judge, &facts, u->now, &ruling);
	if (ruling.verdict == VERDICT_ASK) {
		return DECODE_HOLD;
	}
	*m = (struct message){
		.channel = channel,
		.left = length - have,
		.command = command,
		.code = code_of(command, &ruling),
	};
	act = answer_act(ruling.verdict);
	if (act != DECODE_ANSWER) {
		return act;
	}
	m->is_refused = 1;
	if (m->left == 0) {
		say_refused(c, m);
	}
	return answer_done(u, u->length);
}

static enum decode_act
begin_checked(struct ctap *c, struct unit *u, uint32_t channel)
{
	struct message *m = find(c->out, channel);

	if (be_at(u->data + 5, 2) > MESSAGE_MAX) {
		return say_error(c, u, channel, CTAPHID_ERR_LEN);
	}
	if (channel == 0 ||
	    (channel == BROADCAST &&
		(u->data[4] & 0x7f) != CTAPHID_INIT)) {
		return say_error(c, u, channel, CTAPHID_ERR_CHANNEL);
	}
	/* one that begins in the middle of another takes its place, here as in
	 * the key */
	if (m == NULL) {
		m = unused(c->out);
	}
	return m == NULL ? say_error(c, u, channel, CTAPHID_ERR_BUSY) :
			   begin(c, u, channel, m);
}

static enum decode_act
go_on(struct ctap *c, struct unit *u, uint32_t channel)
{
	struct message *m = find(c->out, channel);
	uint32_t room = u->length - CONT_HEAD;

	if (m == NULL) {
		return answer_done(u, u->length);
	}
	if (u->data[4] != m->seq) {
		m->left = 0;
		return say_error(c, u, channel, CTAPHID_ERR_SEQ);
	}
	m->seq++;
	m->left -= m->left < room ? m->left : room;
	if (!m->is_refused) {
		return DECODE_PASS;
	}
	if (m->left == 0) {
		say_refused(c, m);
	}
	return answer_done(u, u->length);
}

static enum decode_act
submit_control(struct unit *u)
{
	int is_report = (u->setup[0] & 0x7f) == 0x21 &&
	    (u->setup[1] == 0x01 || u->setup[1] == 0x09);

	return is_report ? answer_stall(u) : DECODE_PASS;
}

static enum decode_act
ctap_submit(struct decoder *d, struct unit *u)
{
	struct ctap *c = (struct ctap *)(void *)d;
	uint32_t channel;

	if (u->type == XFER_CONTROL) {
		return submit_control(u);
	}
	if (u->endpoint != c->ep_out) {
		return u->endpoint == c->ep_in ? DECODE_PASS : answer_stall(u);
	}
	/* A longer one would be two packets for the key, the second of them
	 * unjudged; a shorter one it may fill up with what it heard before. */
	if (u->length != c->packet) {
		return answer_stall(u);
	}
	channel = be_at(u->data, 4);
	return (u->data[4] & 0x80) != 0 ? begin_checked(c, u, channel) :
					  go_on(c, u, channel);
}

/* ------------------------------------------------------------------------ */
/* From the key                                                             */

static enum decode_act
check_init(struct ctap *c, const struct unit *u, uint32_t channel)
{
	struct message *m = find(c->in, channel);
	uint32_t length = be_at(u->data + 5, 2);
	uint32_t room = u->actual - INIT_HEAD;

	if (length > MESSAGE_MAX) {
		judge_invalid(c->decoder.judge, HOOK_CTAP,
		    "a message of more than 7609 bytes");
		return DECODE_EJECT;
	}
	if (m == NULL) {
		m = unused(c->in);
	}
	if (m == NULL) {
		judge_invalid(c->decoder.judge, HOOK_CTAP,
		    "answers on more than four channels at once");
		return DECODE_EJECT;
	}
	*m = (struct message){
		.channel = channel,
		.left = length > room ? length - room : 0,
	};
	return DECODE_PASS;
}

static enum decode_act
check_cont(struct ctap *c, const struct unit *u, uint32_t channel)
{
	struct message *m = find(c->in, channel);
	uint32_t room = u->actual - CONT_HEAD;

	/* the end of what was asked before this session began */
	if (m == NULL) {
		return DECODE_AGAIN;
	}
	if (u->data[4] != m->seq) {
		judge_invalid(c->decoder.judge, HOOK_CTAP,
		    "packets of an answer out of order");
		return DECODE_EJECT;
	}
	m->seq++;
	m->left -= m->left < room ? m->left : room;
	return DECODE_PASS;
}

static enum decode_act
ctap_complete(struct decoder *d, struct unit *u)
{
	struct ctap *c = (struct ctap *)(void *)d;

	if (u->type == XFER_CONTROL || u->endpoint != c->ep_in ||
	    u->actual == 0) {
		return DECODE_PASS;
	}
	if (u->status != USBIP_OK) {
		u->actual = 0;
		return DECODE_PASS;
	}
	if (u->actual < PACKET_MIN) {
		judge_invalid(c->decoder.judge, HOOK_CTAP,
		    "a packet of less than 8 bytes");
		return DECODE_EJECT;
	}
	return (u->data[4] & 0x80) != 0 ?
	    check_init(c, u, be_at(u->data, 4)) :
	    check_cont(c, u, be_at(u->data, 4));
}

static void
ctap_event(struct decoder *d, enum decode_event event, uint8_t endpoint)
{
	struct ctap *c = (struct ctap *)(void *)d;

	if (event == DECODE_RESET || endpoint == c->ep_out) {
		memset(c->out, 0, sizeof(c->out));
	}
	if (event == DECODE_RESET || endpoint == c->ep_in) {
		memset(c->in, 0, sizeof(c->in));
	}
}

static uint64_t
ctap_tick(struct decoder *d, uint64_t now)
{
	(void)d;
	(void)now;
	return 0;
}

const struct decoder_ops decode_ctap = {
	.name = "ctap",
	.hooks = 1u << HOOK_CTAP,
	.size = sizeof(struct ctap),
	.takes = ctap_takes,
	.attach = ctap_attach,
	.submit = ctap_submit,
	.complete = ctap_complete,
	.event = ctap_event,
	.tick = ctap_tick,
};
