/*
 * Network functions: CDC-ECM (ECM 1.2), CDC-NCM (NCM 1.0) and RNDIS, their
 * control interface and the data interface that belongs to it; and CDC-EEM (EEM
 * 1.0), which has only one. Hook net rules on each Ethernet frame; frames that
 * may not pass vanish, and what else travels in the same transfer arrives.
 *
 * A transfer is a whole: one frame of ECM, whole blocks of NCM, whole messages
 * of RNDIS and EEM, as the drivers of hosts have it. ECM alone could go on in
 * the next transfer (ECM 1.2 3.3.1: a frame ends in a short packet): from the
 * device each transfer is judged as a frame nevertheless, because that is what
 * a host takes it for; to the device only a transfer without bytes may follow
 * one that ends in a full packet, or it would read a frame that nobody has
 * judged.
 */
#include "policy/decode/net.h"

#include "base/err.h"
#include "policy/decode/cdc.h"
#include "policy/decode/list.h"
#include "wire/cursor.h"
#include "wire/usbip.h"

enum net_kind { NET_ECM, NET_NCM, NET_RNDIS, NET_EEM, NET_NONE };

enum request { /* CDC 1.2 6.2, NCM 1.0 6.2 */
	SEND_ENCAPSULATED_COMMAND = 0x00,
	GET_ENCAPSULATED_RESPONSE = 0x01,
	GET_NTB_PARAMETERS = 0x80,
};

enum notification { /* CDC 1.2 6.3, ECM 1.2 6.3 */
	NETWORK_CONNECTION = 0x00,
	RESPONSE_AVAILABLE = 0x01,
	CONNECTION_SPEED_CHANGE = 0x2a,
};

#define NOTIFICATION_SIZE 8u
#define SPEEDS_SIZE 8u
#define NTB_PARAMETERS_SIZE 28u

struct net {
	struct decoder decoder;
	uint8_t is_on, number, alternate;
	enum net_kind kind;
	uint16_t out_packet;  /* wMaxPacketSize of the bulk OUT endpoint */
	uint8_t is_open;      /* the frame to the device has no end yet */
	uint8_t awaits_speeds; /* they come in a transfer of their own */
	struct net_spans spans;
};

static struct net *
net_of(struct decoder *d)
{
	return (struct net *)(void *)d;
}

static enum net_kind
kind_of(const struct cdc *c)
{
	if (c->class == 0x02 && c->subclass == 0x06) {
		return NET_ECM;
	}
	if (c->class == 0x02 && c->subclass == 0x0d) {
		return NET_NCM;
	}
	if (c->class == 0x02 && c->subclass == 0x0c) {
		return NET_EEM;
	}
	if ((c->class == 0x02 && c->subclass == 0x02 && c->protocol == 0xff) ||
	    (c->class == 0xe0 && c->subclass == 0x01 && c->protocol == 0x03) ||
	    (c->class == 0xef && c->subclass == 0x04 && c->protocol == 0x01)) {
		return NET_RNDIS;
	}
	return NET_NONE;
}

static int
is_net(uint8_t class, uint8_t subclass, uint8_t protocol)
{
	const struct cdc c = {.class = class, .subclass = subclass,
	    .protocol = protocol};

	return kind_of(&c) != NET_NONE;
}

static int
net_takes(const struct decode_iface *iface)
{
	const struct desc_alt *alt = iface->alt;
	struct cdc c;

	/* attach says what is wrong with one that cannot be read */
	return is_net(alt->class, alt->subclass, alt->protocol) ||
	    (alt->class == 0x0a &&
		cdc_find(&c, iface->config, iface->bytes, alt) == 0 &&
		kind_of(&c) != NET_NONE);
}

static int
net_attach(struct decoder *d, const struct decode_how *how, const char **what)
{
	struct net *n = net_of(d);
	const struct decode_iface *iface = how->iface;
	const struct desc_alt *alt = iface->alt;
	struct cdc c;

	if (cdc_find(&c, iface->config, iface->bytes, alt) != 0 ||
	    (kind_of(&c) != NET_EEM && (c.has & CDC_DATA) == 0)) {
		*what = "network function without a data interface of its own";
		return ERR_FORMAT;
	}
	if (n->is_on && n->number == alt->number &&
	    n->alternate == alt->alternate) {
		return 0;
	}
	n->is_on = 1;
	n->number = alt->number;
	n->alternate = alt->alternate;
	n->kind = kind_of(&c);
	n->out_packet = 0;
	n->is_open = 0;
	n->awaits_speeds = 0;
	for (unsigned i = 0; i < alt->nendpoints; i++) {
		const struct desc_endpoint *ep =
		    &iface->config->endpoints[alt->first_endpoint + i];

		if ((ep->attributes & 3) == XFER_BULK &&
		    (ep->address & 0x80) == 0) {
			n->out_packet = ep->max_packet & 0x7ff;
		}
	}
	return 0;
}

static enum decode_act
invalid(struct net *n, const char *what)
{
	judge_invalid(n->decoder.judge, HOOK_NET, what);
	return DECODE_EJECT;
}

static enum net_fate
judge_frames(struct net *n, struct unit *u, uint32_t len)
{
	const struct net_ask ask = {.judge = n->decoder.judge, .now = u->now,
	    .is_in = (uint8_t)unit_is_in(u)};

	switch (n->kind) {
	case NET_ECM:
		return net_frame(&ask, u->data, len);
	case NET_NCM:
		return net_ncm(&ask, &n->spans, u->data, len);
	case NET_RNDIS:
		return net_rndis(&ask, u->data, len);
	case NET_EEM:
		return net_eem(&ask, u->data, len);
	case NET_NONE:
		break;
	}
	return NET_GONE;
}

static enum decode_act
submit_frames(struct net *n, struct unit *u)
{
	enum net_fate fate;

	if (u->length == 0) { /* the end of what was a full packet */
		n->is_open = 0;
		return DECODE_PASS;
	}
	if (n->is_open) {
		return invalid(n, "frame in more than one transfer");
	}
	fate = judge_frames(n, u, u->length);
	switch (fate) {
	case NET_KEPT:
		n->is_open = n->kind == NET_ECM && n->out_packet != 0 &&
		    u->length % n->out_packet == 0 &&
		    (u->flags & USBIP_URB_ZERO_PACKET) == 0;
		return DECODE_PASS;
	case NET_GONE:
		u->status = 0;
		u->actual = u->length;
		return DECODE_ANSWER;
	case NET_EJECT:
		return DECODE_EJECT;
	case NET_QUARANTINE:
		return DECODE_QUARANTINE;
	}
	return DECODE_EJECT;
}

static enum decode_act
complete_frames(struct net *n, struct unit *u)
{
	if (u->status != 0) { /* what a failed transfer brought is no frame */
		u->actual = 0;
		return DECODE_PASS;
	}
	if (u->actual == 0) {
		return DECODE_PASS;
	}
	switch (judge_frames(n, u, u->actual)) {
	case NET_KEPT:
		return DECODE_PASS;
	case NET_GONE:
		return DECODE_AGAIN;
	case NET_EJECT:
		return DECODE_EJECT;
	case NET_QUARANTINE:
		return DECODE_QUARANTINE;
	}
	return DECODE_EJECT;
}

/* Bytes beyond its end are cut off; one of a kind that no driver knows does not
 * arrive. */
static enum decode_act
complete_notification(struct net *n, struct unit *u)
{
	uint32_t size = NOTIFICATION_SIZE;

	if (u->status != 0 || u->actual == 0) {
		return DECODE_PASS;
	}
	if (n->awaits_speeds) {
		n->awaits_speeds = 0;
		if (u->actual == SPEEDS_SIZE) {
			return DECODE_PASS;
		}
	}
	if (u->actual < size) {
		return invalid(n, "notification below 8 bytes");
	}
	if (n->kind == NET_RNDIS) { /* "something is there", in any words */
		u->actual = size;
		return DECODE_PASS;
	}
	switch (u->data[1]) {
	case NETWORK_CONNECTION:
	case RESPONSE_AVAILABLE:
		break;
	case CONNECTION_SPEED_CHANGE:
		if (u->actual == size) { /* some send it in two halves */
			n->awaits_speeds = 1;
			return DECODE_PASS;
		}
		size += SPEEDS_SIZE;
		if (u->actual < size) {
			return invalid(n, "speed notification cut short");
		}
		break;
	default:
		return DECODE_AGAIN;
	}
	u->actual = size;
	return DECODE_PASS;
}

static int
is_class_request(const struct unit *u, uint8_t request)
{
	return (u->setup[0] & 0x7f) == 0x21 && u->setup[1] == request;
}

static enum decode_act
submit_control(struct net *n, const struct unit *u)
{
	const char *why;

	if (n->kind != NET_RNDIS || unit_is_in(u) ||
	    !is_class_request(u, SEND_ENCAPSULATED_COMMAND)) {
		return DECODE_PASS;
	}
	why = net_rndis_message(u->data, u->length, 0);
	return why != NULL ? invalid(n, why) : DECODE_PASS;
}

static enum decode_act
complete_control(struct net *n, const struct unit *u)
{
	const char *why = NULL;

	if (!unit_is_in(u) || u->status != 0 || u->actual == 0) {
		return DECODE_PASS;
	}
	if (n->kind == NET_RNDIS &&
	    is_class_request(u, GET_ENCAPSULATED_RESPONSE)) {
		/* one zero byte: no answer yet */
		if (u->actual > 1 || u->data[0] != 0) {
			why = net_rndis_message(u->data, u->actual, 1);
		}
	} else if (n->kind == NET_NCM && u->length >= NTB_PARAMETERS_SIZE &&
	    is_class_request(u, GET_NTB_PARAMETERS)) {
		if (u->actual < NTB_PARAMETERS_SIZE ||
		    le16_at(u->data) != NTB_PARAMETERS_SIZE ||
		    le32_at(u->data + 4) == 0 || le32_at(u->data + 16) == 0) {
			why = "NTB parameters that hold no block";
		}
	}
	return why != NULL ? invalid(n, why) : DECODE_PASS;
}

static enum decode_act
net_submit(struct decoder *d, struct unit *u)
{
	struct net *n = net_of(d);

	if (u->type == XFER_CONTROL) {
		return submit_control(n, u);
	}
	if (u->type == XFER_BULK && !unit_is_in(u)) {
		return submit_frames(n, u);
	}
	return u->type == XFER_BULK || unit_is_in(u) ?
	    DECODE_PASS :
	    invalid(n, "transfer that a network has not");
}

static enum decode_act
net_complete(struct decoder *d, struct unit *u)
{
	struct net *n = net_of(d);

	if (u->type == XFER_CONTROL) {
		return complete_control(n, u);
	}
	if (!unit_is_in(u)) {
		return DECODE_PASS;
	}
	return u->type == XFER_BULK ? complete_frames(n, u) :
				      complete_notification(n, u);
}

static void
net_event(struct decoder *d, enum decode_event event, uint8_t endpoint)
{
	struct net *n = net_of(d);

	(void)endpoint;
	n->is_open = 0;
	if (event == DECODE_RESET) {
		n->awaits_speeds = 0;
	}
}

static uint64_t
net_tick(struct decoder *d, uint64_t now)
{
	(void)d;
	(void)now;
	return 0;
}

const struct decoder_ops decode_net = {
	.name = "net",
	.hooks = 1u << HOOK_NET,
	.size = sizeof(struct net),
	.takes = net_takes,
	.attach = net_attach,
	.submit = net_submit,
	.complete = net_complete,
	.event = net_event,
	.tick = net_tick,
};
