/*
 * Ethernet frames: layers 2 to 4, as far as the facts go. A frame that is
 * hidden behind more tags or extension headers than anybody sends is dropped
 * without being asked about: it may come from afar, so it does not cost the
 * device.
 */
#include "policy/decode/net.h"

#include "wire/cursor.h"

#define ETHER_SIZE 14u
#define MAX_TAGS 4u
#define MAX_EXTENSIONS 8u /* Linux takes that many by default */

enum ethertype {
	TYPE_IPV4 = 0x0800,
	TYPE_VLAN = 0x8100,
	TYPE_IPV6 = 0x86dd,
	TYPE_QINQ = 0x88a8,
	TYPE_QINQ_OLD = 0x9100,
};

enum ip_proto {
	PROTO_HOP_BY_HOP = 0,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_ROUTING = 43,
	PROTO_FRAGMENT = 44,
	PROTO_AH = 51,
	PROTO_DEST_OPTIONS = 60,
	PROTO_SCTP = 132,
	PROTO_MOBILITY = 135,
	PROTO_HIP = 139,
	PROTO_SHIM6 = 140,
};

enum net_fate
net_invalid(const struct net_ask *ask, const char *what)
{
	judge_invalid(ask->judge, HOOK_NET, what);
	return NET_EJECT;
}

static void
transport(struct facts *f, uint8_t proto, struct rcur *c)
{
	uint16_t port;

	facts_set(f, FACT_PROTO, proto);
	if (proto != PROTO_TCP && proto != PROTO_UDP && proto != PROTO_SCTP) {
		return;
	}
	rcur_be16(c);
	port = rcur_be16(c);
	if (!c->failed) {
		facts_set(f, FACT_DPORT, port);
	}
}

/* RFC 791 3.1 */
static void
ipv4(struct facts *f, struct rcur *c)
{
	const uint8_t *p = rcur_bytes(c, 20);
	uint16_t fragment;
	size_t header;

	if (p == NULL || p[0] >> 4 != 4 || (p[0] & 15) < 5) {
		return;
	}
	header = (size_t)(p[0] & 15) * 4;
	fragment = (uint16_t)(p[6] << 8 | p[7]) & 0x1fff;
	if (rcur_bytes(c, header - 20) == NULL) {
		return;
	}
	if (fragment != 0) { /* no ports in it */
		facts_set(f, FACT_PROTO, p[9]);
		return;
	}
	transport(f, p[9], c);
}

static int
is_extension(uint8_t proto)
{
	return proto == PROTO_HOP_BY_HOP || proto == PROTO_ROUTING ||
	    proto == PROTO_FRAGMENT || proto == PROTO_AH ||
	    proto == PROTO_DEST_OPTIONS || proto == PROTO_MOBILITY ||
	    proto == PROTO_HIP || proto == PROTO_SHIM6;
}

/* RFC 8200 4; 0 when the chain is too long. */
static int
ipv6(struct facts *f, struct rcur *c)
{
	const uint8_t *p = rcur_bytes(c, 40);
	uint8_t proto;

	if (p == NULL || p[0] >> 4 != 6) {
		return 1;
	}
	proto = p[6];
	for (unsigned i = 0; is_extension(proto); i++) {
		uint8_t was = proto;
		size_t more;

		if (i == MAX_EXTENSIONS) {
			return 0;
		}
		p = rcur_bytes(c, 8);
		if (p == NULL) {
			return 1;
		}
		proto = p[0];
		more = was == PROTO_FRAGMENT ? 0 :
		    was == PROTO_AH	     ? (p[1] + 2u) * 4u :
					       (p[1] + 1u) * 8u;
		if (more > 8 && rcur_bytes(c, more - 8) == NULL) {
			return 1;
		}
		if (was == PROTO_FRAGMENT && ((p[2] << 8 | p[3]) & 0xfff8)) {
			facts_set(f, FACT_PROTO, proto); /* no ports in it */
			return 1;
		}
	}
	transport(f, proto, c);
	return 1;
}

/* 0 when the frame hides what it carries. */
static int
layers(struct facts *f, const uint8_t *frame, uint32_t len)
{
	struct rcur c = rcur_of(frame, len);
	uint16_t type;

	rcur_bytes(&c, 12);
	type = rcur_be16(&c);
	for (unsigned i = 0; type == TYPE_VLAN || type == TYPE_QINQ ||
	     type == TYPE_QINQ_OLD; i++) {
		if (i == MAX_TAGS) {
			return 0;
		}
		rcur_be16(&c);
		type = rcur_be16(&c);
		if (c.failed) {
			return 0;
		}
	}
	facts_set(f, FACT_ETHERTYPE, type);
	if (type == TYPE_IPV4) {
		ipv4(f, &c);
	} else if (type == TYPE_IPV6) {
		return ipv6(f, &c);
	}
	return 1;
}

enum net_fate
net_frame(const struct net_ask *ask, const uint8_t *frame, uint32_t len)
{
	struct facts f;
	struct ruling r;

	if (len < ETHER_SIZE) {
		return net_invalid(ask, "Ethernet frame below 14 bytes");
	}
	facts_init(&f, HOOK_NET);
	f.is_back = ask->is_in;
	facts_set(&f, FACT_DIR, ask->is_in);
	facts_set(&f, FACT_LEN, len);
	if (!layers(&f, frame, len)) {
		return NET_GONE;
	}
	f.bytes = frame;
	f.nbytes = len;
	judge_rule(ask->judge, &f, ask->now, &r);
	switch (r.verdict) {
	case VERDICT_ALLOW:
	case VERDICT_REWRITE: /* nothing is editable */
		return NET_KEPT;
	case VERDICT_EJECT:
		return NET_EJECT;
	case VERDICT_QUARANTINE:
		return NET_QUARANTINE;
	case VERDICT_DENY: /* Ethernet has no words to refuse a frame */
	case VERDICT_DROP:
	case VERDICT_ASK: /* a hook that does not hold */
	case VERDICTS:
		break;
	}
	return NET_GONE;
}
