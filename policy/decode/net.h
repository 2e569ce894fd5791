/*
 * Inside of the decoder of networks (net.c): frames, and the blocks that carry
 * them. Nothing else includes it but tests.
 */
#ifndef POLICY_DECODE_NET_H
#define POLICY_DECODE_NET_H

#include "policy/decode/decode.h"

enum net_fate {
	NET_KEPT, /* goes on; of a block: at least one frame of it */
	NET_GONE, /* vanishes */
	NET_EJECT,
	NET_QUARANTINE,
};

struct net_ask { /* whom to ask about frames */
	struct judge *judge;
	uint64_t now;
	uint8_t is_in;
};

/* NCM: more datagrams or pointer tables in one transfer are invalid. Linux puts
 * at most 40 into a block. */
#define NET_SPANS 512u

struct net_span {
	uint32_t at, length;
};

struct net_spans {
	uint32_t n, end; /* end: behind the last byte of all of them */
	struct net_span spans[NET_SPANS];
};

/* Judges one Ethernet frame without its check sequence. */
enum net_fate net_frame(
    const struct net_ask *ask, const uint8_t *frame, uint32_t len);
/* The unit was none: audit log, NET_EJECT. */
enum net_fate net_invalid(const struct net_ask *ask, const char *what);

/* Judge the frames of one transfer and take out those that may not pass; the
 * transfer keeps its length. NET_GONE: none is left. */
enum net_fate net_ncm(const struct net_ask *ask, struct net_spans *spans,
    uint8_t *data, uint32_t len);
enum net_fate net_rndis(
    const struct net_ask *ask, uint8_t *data, uint32_t len);
enum net_fate net_eem(const struct net_ask *ask, uint8_t *data, uint32_t len);

/* A control message of RNDIS: NULL, or what is wrong with it. */
const char *net_rndis_message(const uint8_t *p, uint32_t len, int is_in);

#endif
