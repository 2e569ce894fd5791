/*
 * Networks: bring-up and frames as drivers send them, frames that are taken out
 * of a transfer, blocks and messages that lie.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/decode/list.h"
#include "policy/decode/net.h"
#include "tests/fake/judge_list.h"
#include "wire/cursor.h"
#include "wire/usbip.h"

#define L16(v) (uint8_t)(v), (uint8_t)((v) >> 8)
#define L32(v) L16(v), L16((v) >> 16)
#define CONFIG(class, sub, proto, n)                                       \
	{9, 2, 9 + 9 + 5 + 7 + 9 + 7 + 7, 0, 2, 1, 0, 0x80, 50, 9, 4, 0, 0, 1, \
	    class, sub, proto, 0, 5, 0x24, 6, 0, 1, 7, 5, 0x81, 3, 16, 0, 8,  \
	    9, 4, 1, 0, 2, 0x0a, 0, n, 0, 7, 5, 0x82, 2, 0, 2, 0, 7, 5, 2, 2, \
	    0, 2, 0}

static const uint8_t ecm[] = CONFIG(2, 6, 0, 0);
static const uint8_t ncm[] = CONFIG(2, 0x0d, 0, 1);
static const uint8_t rndis[] = CONFIG(0xe0, 1, 3, 0);
static const uint8_t serial[] = CONFIG(2, 2, 1, 0);

#define MACS 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2
#define IP4(proto, frag) \
	0x45, 0, 0, 28, 0, 1, 0, frag, 64, proto, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2
#define IP6(next) 0x60, 0, 0, 0, 0, 0, next, 64, [24] = 1, [53] = 2
#define PORTS(d) 0x30, 0x39, 0, d

static const struct {
	const char *name;
	uint8_t frame[120];
	uint32_t len;
	int ethertype, proto, dport; /* -1 = none */
} frames[] = {
	{"TCP", {MACS, 8, 0, IP4(6, 0), PORTS(80)}, 60, 0x800, 6, 80},
	{"UDP", {MACS, 8, 0, IP4(17, 0), PORTS(53)}, 60, 0x800, 17, 53},
	{"SCTP", {MACS, 8, 0, IP4(132, 0), PORTS(9)}, 60, 0x800, 132, 9},
	{"ICMP", {MACS, 8, 0, IP4(1, 0), PORTS(53)}, 60, 0x800, 1, -1},
	{"a later fragment", {MACS, 8, 0, IP4(17, 1), PORTS(53)}, 60, 0x800, 17,
	    -1},
	{"options", {MACS, 8, 0, 0x46, 0, 0, 32, 0, 1, 0, 0, 64, 6, [37] = 0,
	    PORTS(22)}, 60, 0x800, 6, 22},
	{"IPv4 of a wrong version", {MACS, 8, 0, 0x65}, 60, 0x800, -1, -1},
	{"IPv4 with a header of 16", {MACS, 8, 0, 0x44}, 60, 0x800, -1, -1},
	{"IPv4 cut short", {MACS, 8, 0, 0x45}, 30, 0x800, -1, -1},
	{"TCP cut short", {MACS, 8, 0, IP4(6, 0), 0, 1}, 36, 0x800, 6, -1},
	{"ARP", {MACS, 8, 6, 0, 1, 8, 0}, 42, 0x806, -1, -1},
	{"a VLAN", {MACS, 0x81, 0, 0, 5, 8, 0, IP4(6, 0), PORTS(80)}, 64, 0x800,
	    6, 80},
	{"VLAN in VLAN", {MACS, 0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 8, 6}, 64,
	    0x806, -1, -1},
	{"802.3", {MACS, 0, 38, 0x42, 0x42, 3}, 60, 38, -1, -1},
	{"IPv6 TCP", {MACS, 0x86, 0xdd, IP6(6), PORTS(80)}, 74, 0x86dd, 6, 80},
	{"IPv6 with options", {MACS, 0x86, 0xdd, IP6(0), 17, 0, 1, 4, 0, 0, 0,
	    0, PORTS(53)}, 74, 0x86dd, 17, 53},
	{"IPv6, first fragment", {MACS, 0x86, 0xdd, IP6(44), 17, 0, 0, 1, 0, 0,
	    0, 0, PORTS(53)}, 74, 0x86dd, 17, 53},
	{"IPv6, later fragment", {MACS, 0x86, 0xdd, IP6(44), 17, 0, 0, 8, 0, 0,
	    0, 0, PORTS(53)}, 74, 0x86dd, 17, -1},
	{"IPv6 authenticated", {MACS, 0x86, 0xdd, IP6(51), 6, 1, 0, 0, 0, 0, 0,
	    0, 0, 0, 0, 0, PORTS(80)}, 80, 0x86dd, 6, 80},
	{"IPv6, options past the end", {MACS, 0x86, 0xdd, IP6(0), 6, 200}, 74,
	    0x86dd, -1, -1},
	{"14 bytes", {MACS, 0x86, 0xdd}, 14, 0x86dd, -1, -1},
};

static int
fact(const struct facts *f, enum fact which)
{
	return facts_has(f, which) ? (int)f->num[which] : -1;
}

static void
test_frames(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		struct judge_list j;
		const struct net_ask ask = {&j.judge, 1, 1};
		const struct facts *f;

		judge_list_init(&j);
		assert_int_equal(net_frame(&ask, frames[i].frame,
				     frames[i].len), NET_KEPT);
		f = judge_list_last(&j);
		assert_int_equal(f->hook, HOOK_NET);
		assert_int_equal(fact(f, FACT_LEN), frames[i].len);
		assert_int_equal(fact(f, FACT_DIR), 1);
		if (fact(f, FACT_ETHERTYPE) != frames[i].ethertype ||
		    fact(f, FACT_PROTO) != frames[i].proto ||
		    fact(f, FACT_DPORT) != frames[i].dport) {
			fail_msg("%s: %x %d %d", frames[i].name,
			    (unsigned)fact(f, FACT_ETHERTYPE),
			    fact(f, FACT_PROTO), fact(f, FACT_DPORT));
		}
	}
}

static void
test_hidden(void **state)
{
	static const uint8_t tags[40] = {MACS, 0x81, 0, 0, 1, 0x81, 0, 0, 1,
	    0x81, 0, 0, 1, 0x81, 0, 0, 1, 0x81, 0, 0, 1, 8, 0};
	uint8_t chain[200] = {MACS, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 0, 60};
	struct judge_list j;
	const struct net_ask ask = {&j.judge, 1, 0};

	(void)state;
	for (unsigned i = 0; i < 9; i++) {
		chain[54 + 8 * i] = 60;
	}
	judge_list_init(&j);
	assert_int_equal(net_frame(&ask, tags, sizeof(tags)), NET_GONE);
	assert_int_equal(net_frame(&ask, chain, sizeof(chain)), NET_GONE);
	assert_int_equal(j.nseen, 0);
	assert_int_equal(j.ninvalid, 0);
	chain[54 + 8 * 7] = 17;
	assert_int_equal(net_frame(&ask, chain, sizeof(chain)), NET_KEPT);
	assert_int_equal(net_frame(&ask, chain, 13), NET_EJECT);
	assert_int_equal(j.ninvalid, 1);
}

static struct devrec rec;
static struct desc_config config;
static struct judge_list list;

static struct decoder *
attach(const uint8_t *bytes, uint8_t number)
{
	judge_list_init(&list);
	return judge_list_attach(&list, &decode_net, &rec, &config, bytes,
	    bytes[2], number, 0, NULL, 0, NULL);
}

static enum decode_act
out(struct decoder *d, void *data, uint32_t len)
{
	struct unit u;

	unit_make(&u, 2, XFER_BULK, data, len, 1);
	return d->ops->submit(d, &u);
}

static enum decode_act
in(struct decoder *d, struct unit *u, uint8_t ep, void *data, uint32_t len)
{
	unit_make(u, ep, ep == 0x81 ? XFER_INT : XFER_BULK, data, len, 1);
	assert_int_equal(d->ops->submit(d, u), DECODE_PASS);
	unit_done(u, 0, len);
	return d->ops->complete(d, u);
}

static void
test_takes(void **state)
{
	static const uint8_t *const yes[] = {ecm, ncm, rndis};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		for (uint8_t number = 0; number < 2; number++) {
			struct decoder *d = attach(yes[i], number);

			assert_non_null(d);
			free(d);
		}
	}
	assert_null(attach(serial, 0));
	assert_null(attach(serial, 1));
}

static void
test_ecm(void **state)
{
	struct decoder *d = attach(ecm, 1);
	uint8_t frame[1514] = {MACS, 8, 0, IP4(6, 0), PORTS(80)};
	struct unit u;

	(void)state;
	assert_int_equal(out(d, frame, 60), DECODE_PASS);
	assert_int_equal(in(d, &u, 0x82, frame, 1514), DECODE_PASS);
	assert_int_equal(u.actual, 1514);
	judge_list_add(&list, VERDICT_DENY);
	judge_list_add(&list, VERDICT_DROP);
	judge_list_add(&list, VERDICT_QUARANTINE);
	judge_list_add(&list, VERDICT_EJECT);
	assert_int_equal(out(d, frame, 60), DECODE_ANSWER);
	assert_int_equal(in(d, &u, 0x82, frame, 60), DECODE_AGAIN);
	assert_int_equal(out(d, frame, 60), DECODE_QUARANTINE);
	assert_int_equal(in(d, &u, 0x82, frame, 60), DECODE_EJECT);
	/* a full packet needs its end */
	assert_int_equal(out(d, frame, 512), DECODE_PASS);
	assert_int_equal(out(d, frame, 0), DECODE_PASS);
	assert_int_equal(out(d, frame, 512), DECODE_PASS);
	assert_int_equal(list.ninvalid, 0);
	assert_int_equal(out(d, frame, 60), DECODE_EJECT);
	assert_int_equal(list.ninvalid, 1);
	d->ops->event(d, DECODE_RESET, 0);
	unit_make(&u, 2, XFER_BULK, frame, 512, 1);
	u.flags = USBIP_URB_ZERO_PACKET;
	assert_int_equal(d->ops->submit(d, &u), DECODE_PASS);
	assert_int_equal(out(d, frame, 60), DECODE_PASS);
	/* what a cancelled transfer brought is not shown */
	unit_make(&u, 0x82, XFER_BULK, frame, 1514, 1);
	unit_done(&u, USBIP_ECONNRESET, 100);
	assert_int_equal(d->ops->complete(d, &u), DECODE_PASS);
	assert_int_equal(u.actual, 0);
	free(d);
}

#define FRAME(type) MACS, 8, type, 0, 0

static const uint8_t ncm16[] = {'N', 'C', 'M', 'H', L16(12), L16(1), L16(80),
	L16(12), 'N', 'C', 'M', '0', L16(20), L16(0), L16(32), L16(16),
	L16(48), L16(16), L16(0), L16(0), FRAME(0), FRAME(6), [79] = 0};
static const uint8_t ncm32[] = {'n', 'c', 'm', 'h', L16(16), L16(1), L32(96),
	L32(16), 'n', 'c', 'm', '0', L16(40), L16(0), L32(0), L32(0), L32(56),
	L32(16), L32(72), L32(16), L32(0), L32(0), FRAME(0), FRAME(6),
	[95] = 0};

static void
test_ncm(void **state)
{
	struct decoder *d = attach(ncm, 1);
	uint8_t b[97] = {0};
	struct unit u;

	(void)state;
	memcpy(b, ncm16, sizeof(ncm16));
	b[80] = 9; /* the byte that makes a packet short */
	assert_int_equal(in(d, &u, 0x82, b, 81), DECODE_PASS);
	assert_memory_equal(b, ncm16, 80);
	assert_int_equal(b[80], 0);
	assert_int_equal(list.nseen, 2);
	judge_list_add(&list, VERDICT_DROP);
	assert_int_equal(out(d, b, 80), DECODE_PASS);
	assert_int_equal(le16_at(b + 20), 48); /* the second moved up */
	assert_int_equal(le16_at(b + 22), 16);
	assert_int_equal(le32_at(b + 24), 0);
	assert_int_equal(b[32], 0); /* and the first is gone */
	assert_memory_equal(b + 48, ncm16 + 48, 16);
	judge_list_add(&list, VERDICT_DENY);
	assert_int_equal(in(d, &u, 0x82, b, 80), DECODE_AGAIN);
	memcpy(b, ncm32, sizeof(ncm32));
	judge_list_add(&list, VERDICT_ALLOW);
	judge_list_add(&list, VERDICT_DROP);
	assert_int_equal(in(d, &u, 0x82, b, 96), DECODE_PASS);
	assert_int_equal(le32_at(b + 32), 56);
	assert_int_equal(le32_at(b + 40), 0);
	assert_int_equal(b[72], 0);
	assert_int_equal(list.ninvalid, 0);
	free(d);
}

static const struct {
	const char *name;
	uint8_t at, value;
} ncm_lies[] = {
	{"signature", 0, 'X'}, {"header length", 4, 13},
	{"block length", 8, 81}, {"block length", 8, 11},
	{"table outside", 10, 79}, {"table in the header", 10, 4},
	{"table signature", 12, 'X'}, {"table length", 16, 8},
	{"table length", 16, 200}, {"loop", 18, 12},
	{"second table inside", 18, 16}, {"datagram outside", 21, 1},
	{"datagram too long", 26, 33}, {"datagram below 14", 22, 13},
	{"datagram on its table", 20, 24}, {"datagrams overlap", 24, 40},
	{"datagram in the header", 20, 1},
};

static void
test_ncm_lies(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ncm_lies) / sizeof(ncm_lies[0]); i++) {
		struct decoder *d = attach(ncm, 1);
		uint8_t b[80];
		struct unit u;

		memcpy(b, ncm16, sizeof(b));
		b[ncm_lies[i].at] = ncm_lies[i].value;
		if (in(d, &u, 0x82, b, 80) != DECODE_EJECT ||
		    list.ninvalid != 1 || list.nseen != 0) {
			fail_msg("%zu: %s", i, ncm_lies[i].name);
		}
		free(d);
	}
}

#define PACKET(size, type)                                                 \
	L32(1), L32(size), L32(36), L32(16), L32(0), L32(0), L32(0), L32(0), \
	    L32(0), L32(0), L32(0), FRAME(type)

static const uint8_t packets[] = {
	PACKET(60, 0), PACKET(64, 6), L32(0), PACKET(60, 1), 0};

static void
test_rndis(void **state)
{
	struct decoder *d = attach(rndis, 1);
	uint8_t b[sizeof(packets)];
	struct unit u;

	(void)state;
	memcpy(b, packets, sizeof(b));
	assert_int_equal(in(d, &u, 0x82, b, sizeof(b)), DECODE_PASS);
	assert_memory_equal(b, packets, sizeof(b));
	assert_int_equal(list.nseen, 3);
	judge_list_add(&list, VERDICT_DROP);
	judge_list_add(&list, VERDICT_ALLOW);
	judge_list_add(&list, VERDICT_DENY);
	assert_int_equal(out(d, b, sizeof(b)), DECODE_PASS);
	assert_int_equal(le32_at(b + 4), 184); /* one, the rest is padding */
	assert_memory_equal(b + 8, packets + 68, 52);
	for (size_t i = 60; i < sizeof(b); i++) {
		assert_int_equal(b[i], 0);
	}
	assert_int_equal(out(d, b, sizeof(b)), DECODE_PASS);
	judge_list_add(&list, VERDICT_DROP);
	assert_int_equal(in(d, &u, 0x82, b, sizeof(b)), DECODE_AGAIN);
	assert_int_equal(list.ninvalid, 0);
	free(d);
}

static void
test_rndis_lies(void **state)
{
	static const struct {
		uint8_t at, value;
	} lies[] = {{0, 2}, {4, 43}, {4, 255}, {7, 0x80}, {8, 35}, {8, 37},
		{11, 0xff}, {12, 17}, {12, 13}, {15, 0xff}, {20, 1}, {32, 9},
		{64, 1}, {72, 42}};

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct decoder *d = attach(rndis, 1);
		uint8_t b[sizeof(packets)];
		struct unit u;

		memcpy(b, packets, sizeof(b));
		b[lies[i].at] = lies[i].value;
		if (in(d, &u, 0x82, b, sizeof(b)) != DECODE_EJECT ||
		    list.ninvalid != 1) {
			fail_msg("lie %zu", i);
		}
		free(d);
	}
}

static const struct {
	const char *name;
	uint8_t p[64];
	uint32_t len;
	uint8_t is_in, is_good;
} messages[] = {
	{"INITIALIZE", {L32(2), L32(24), L32(1), L32(1)}, 24, 0, 1},
	{"INITIALIZE, too short", {L32(2), L32(20)}, 24, 0, 0},
	{"INITIALIZE from the device", {L32(2), L32(24)}, 24, 1, 0},
	{"its answer", {L32(0x80000002), L32(52)}, 52, 1, 1},
	{"its answer, cut off", {L32(0x80000002), L32(52)}, 51, 1, 0},
	{"QUERY of an address", {L32(4), L32(76), L32(2), L32(0x01010101),
	    L32(48), L32(20)}, 76, 0, 1},
	{"its answer", {L32(0x80000004), L32(30), L32(2), L32(0), L32(6),
	    L32(16)}, 1025, 1, 1},
	{"an answer that points out", {L32(0x80000004), L32(30), L32(2),
	    L32(0), L32(6), L32(17)}, 1025, 1, 0},
	{"an offset that wraps", {L32(0x80000004), L32(30), L32(2), L32(0),
	    L32(9), L32(0xfffffff8)}, 1025, 1, 0},
	{"SET of the filter", {L32(5), L32(32), L32(3), L32(0x0001010e),
	    L32(4), L32(20), L32(0), L32(0x2d)}, 32, 0, 1},
	{"SET into its head", {L32(5), L32(32), L32(3), L32(0x0001010e),
	    L32(4), L32(8)}, 32, 0, 0},
	{"HALT", {L32(3), L32(12), L32(4)}, 12, 0, 1},
	{"KEEPALIVE", {L32(8), L32(12), L32(4)}, 12, 1, 1},
	{"media connect", {L32(7), L32(20), L32(0x4001000b)}, 20, 1, 1},
	{"PACKET", {L32(1), L32(44)}, 44, 0, 0},
	{"seven bytes", {L32(3), 12}, 7, 0, 0},
	{"no answer yet", {0}, 1, 1, 1},
};

static void
test_messages(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		struct decoder *d = attach(rndis, 0);
		uint8_t b[1025] = {0};
		struct unit u;
		enum decode_act act;

		memcpy(b, messages[i].p, sizeof(messages[i].p));
		unit_control(&u, messages[i].is_in ? 0xa1 : 0x21,
		    messages[i].is_in, 0, 0, b, (uint16_t)messages[i].len, 1);
		act = d->ops->submit(d, &u);
		if (messages[i].is_in) {
			assert_int_equal(act, DECODE_PASS);
			unit_done(&u, 0, messages[i].len);
			act = d->ops->complete(d, &u);
		}
		if (act != (messages[i].is_good ? DECODE_PASS : DECODE_EJECT) ||
		    list.ninvalid != (messages[i].is_good ? 0 : 1)) {
			fail_msg("%s", messages[i].name);
		}
		free(d);
	}
}

static void
test_eem(void **state)
{
	static const uint8_t one[] = {9, 2, 32, 0, 1, 1, 0, 0x80, 50, 9, 4, 0,
		0, 2, 2, 0x0c, 7, 0, 7, 5, 0x82, 2, 0, 2, 0, 7, 5, 2, 2, 0, 2,
		0};
	/* a frame, an echo of three bytes, nothing, a frame, half a header */
	static const uint8_t eem[] = {L16(20), FRAME(0), L32(0xefbeadde),
		L16(0x8003), 7, 7, 7, L16(0), L16(0x4014), FRAME(6),
		L32(0), 9};
	static const struct {
		uint8_t p[24];
		uint32_t len;
	} lies[] = {{{L16(21), FRAME(0), L32(0)}, 22}, {{L16(0xc000)}, 2},
		{{L16(0xb000)}, 2}, {{L16(17), FRAME(0), L32(0)}, 22},
		{{L16(0x87ff)}, 24}};
	struct decoder *d = attach(one, 0);
	uint8_t b[sizeof(eem)];
	struct unit u;

	(void)state;
	memcpy(b, eem, sizeof(b));
	judge_list_add(&list, VERDICT_DROP);
	assert_int_equal(out(d, b, sizeof(b)), DECODE_PASS);
	assert_int_equal(list.nseen, 2);
	assert_int_equal(list.seen[0].facts.num[FACT_LEN], 16);
	assert_memory_equal(b, eem + 22, 5);
	assert_memory_equal(b + 5, eem + 29, 22);
	for (size_t i = 27; i < sizeof(b); i++) {
		assert_int_equal(b[i], 0);
	}
	list.always.verdict = VERDICT_DENY;
	assert_int_equal(in(d, &u, 0x82, b + 5, 22), DECODE_AGAIN);
	list.always.verdict = VERDICT_QUARANTINE;
	memcpy(b, eem, sizeof(b));
	assert_int_equal(in(d, &u, 0x82, b, sizeof(b)), DECODE_QUARANTINE);
	assert_int_equal(list.ninvalid, 0);
	for (unsigned i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		memcpy(b, lies[i].p, lies[i].len);
		assert_int_equal(
		    in(d, &u, 0x82, b, lies[i].len), DECODE_EJECT);
		assert_int_equal(list.ninvalid, i + 1);
	}
	free(d);
}

static void
test_notifications(void **state)
{
	uint8_t b[20] = {0xa1, 0x2a, 0, 0, 0, 0, 8};
	struct decoder *d = attach(ecm, 0);
	struct unit u;

	(void)state;
	assert_int_equal(in(d, &u, 0x81, b, 16), DECODE_PASS);
	assert_int_equal(in(d, &u, 0x81, b, 8), DECODE_PASS); /* two halves */
	b[1] = 0x99;
	assert_int_equal(in(d, &u, 0x81, b, 8), DECODE_PASS);
	assert_int_equal(in(d, &u, 0x81, b, 8), DECODE_AGAIN);
	b[1] = 0;
	assert_int_equal(in(d, &u, 0x81, b, 16), DECODE_PASS);
	assert_int_equal(u.actual, 8);
	assert_int_equal(list.ninvalid, 0);
	assert_int_equal(in(d, &u, 0x81, b, 7), DECODE_EJECT);
	b[1] = 0x2a;
	assert_int_equal(in(d, &u, 0x81, b, 15), DECODE_EJECT);
	assert_int_equal(list.ninvalid, 2);
	free(d);
}

static void
test_ntb_parameters(void **state)
{
	uint8_t b[28] = {L16(28), L16(3), L32(16384), L16(4), L16(0), L16(4),
	    L16(0), L32(16384), L16(4), L16(0), L16(4), L16(0)};
	struct decoder *d = attach(ncm, 0);
	struct unit u;

	(void)state;
	unit_control(&u, 0xa1, 0x80, 0, 0, b, 28, 1);
	assert_int_equal(d->ops->submit(d, &u), DECODE_PASS);
	unit_done(&u, 0, 28);
	assert_int_equal(d->ops->complete(d, &u), DECODE_PASS);
	unit_done(&u, 0, 20);
	assert_int_equal(d->ops->complete(d, &u), DECODE_EJECT);
	memset(b + 16, 0, 4);
	unit_done(&u, 0, 28);
	assert_int_equal(d->ops->complete(d, &u), DECODE_EJECT);
	free(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_hidden),
		cmocka_unit_test(test_takes),
		cmocka_unit_test(test_ecm),
		cmocka_unit_test(test_ncm),
		cmocka_unit_test(test_ncm_lies),
		cmocka_unit_test(test_rndis),
		cmocka_unit_test(test_rndis_lies),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_eem),
		cmocka_unit_test(test_notifications),
		cmocka_unit_test(test_ntb_parameters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
