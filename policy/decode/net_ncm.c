/*
 * NCM transfer blocks of 16 and 32 bits (NCM 1.0 3.2, 3.3). A block is read
 * whole and checked first: every header, table and datagram inside of it, none
 * on another, no loop. Then each datagram is judged, and the entry of one that
 * may not pass is taken out of its table (3.3.1: the first entry of zeros ends
 * it, the rest is not looked at) and its bytes are zeroed.
 */
#include "policy/decode/net.h"

#include <string.h>

#include "wire/cursor.h"

#define NTH16 0x484d434eu /* "NCMH" */
#define NTH32 0x686d636eu /* "ncmh" */
#define NDP16 0x304d434eu /* "NCM0"; with check sequences "NCM1" */
#define NDP32 0x306d636eu
#define CRC_BIT 0x01000000u /* '0' and '1' */

struct block {
	uint8_t *p;
	uint32_t len;
	uint8_t is_wide;
};

struct table { /* of pointers to datagrams */
	uint32_t at, next, nentries;
	uint8_t has_crc;
};

static uint32_t
number(const struct block *b, uint32_t at)
{
	return b->is_wide ? le32_at(b->p + at) : le16_at(b->p + at);
}

static void
number_put(const struct block *b, uint32_t at, uint32_t v)
{
	if (b->is_wide) {
		le32_put(b->p + at, v);
	} else {
		le16_put(b->p + at, (uint16_t)v);
	}
}

/* Bytes of a number, of an entry, of the head of a table. */
static uint32_t
width(const struct block *b)
{
	return b->is_wide ? 4 : 2;
}

static uint32_t
table_head(const struct block *b)
{
	return b->is_wide ? 16 : 8;
}

static int
claim(struct net_spans *s, const struct block *b, uint32_t at, uint32_t len)
{
	if (at > b->len || len > b->len - at || s->n == NET_SPANS) {
		return 0;
	}
	/* honest blocks count upwards, and this is all that is done */
	for (uint32_t i = 0; at < s->end && i < s->n; i++) {
		if (at < s->spans[i].at + s->spans[i].length &&
		    s->spans[i].at < at + len) {
			return 0;
		}
	}
	s->spans[s->n++] = (struct net_span){at, len};
	s->end = at + len > s->end ? at + len : s->end;
	return 1;
}

static const char *
table_read(struct table *t, const struct block *b, uint32_t at)
{
	uint32_t sig, length;

	if (at > b->len || b->len - at < table_head(b)) {
		return "NCM pointer table outside of its block";
	}
	sig = le32_at(b->p + at) & ~CRC_BIT;
	if (sig != (b->is_wide ? NDP32 : NDP16)) {
		return "NCM pointer table of another kind";
	}
	length = le16_at(b->p + at + 4);
	if (length < table_head(b) + 2 * width(b) || length > b->len - at) {
		return "NCM pointer table of a wrong length";
	}
	t->at = at;
	t->has_crc = (le32_at(b->p + at) & CRC_BIT) != 0;
	t->next = number(b, at + (b->is_wide ? 8 : 6));
	t->nentries = (length - table_head(b)) / (2 * width(b));
	return NULL;
}

static uint32_t
entry_at(const struct block *b, const struct table *t, uint32_t i)
{
	return t->at + table_head(b) + i * 2 * width(b);
}

/* 0 at the end of the table. */
static int
entry(const struct block *b, const struct table *t, uint32_t i, uint32_t *at,
    uint32_t *len)
{
	if (i >= t->nentries) {
		return 0;
	}
	*at = number(b, entry_at(b, t, i));
	*len = number(b, entry_at(b, t, i) + width(b));
	return *at != 0 && *len != 0;
}

static const char *
check(const struct block *b, struct net_spans *s, uint32_t head, uint32_t first)
{
	struct table t;
	uint32_t at, len;
	const char *why;

	s->n = 0;
	s->end = 0;
	claim(s, b, 0, head);
	/* A loop comes back to what is claimed already. */
	for (uint32_t next = first; next != 0; next = t.next) {
		why = table_read(&t, b, next);
		if (why != NULL) {
			return why;
		}
		if (!claim(s, b, t.at, le16_at(b->p + t.at + 4))) {
			return "NCM pointer tables overlap";
		}
	}
	for (uint32_t next = first; next != 0; next = t.next) {
		table_read(&t, b, next);
		for (uint32_t i = 0; entry(b, &t, i, &at, &len); i++) {
			if (!claim(s, b, at, len)) {
				return "NCM datagram outside of its block, or "
				       "on another";
			}
			if (len < 14u + (t.has_crc ? 4u : 0u)) {
				return "NCM datagram below 14 bytes";
			}
		}
	}
	return NULL;
}

static enum net_fate
judge_table(const struct net_ask *ask, const struct block *b,
    const struct table *t, int *has_any)
{
	uint32_t at, len, i, kept = 0;

	for (i = 0; entry(b, t, i, &at, &len); i++) {
		enum net_fate fate = net_frame(
		    ask, b->p + at, len - (t->has_crc ? 4u : 0u));

		if (fate == NET_GONE) {
			memset(b->p + at, 0, len);
			continue;
		}
		if (fate != NET_KEPT) {
			return fate;
		}
		number_put(b, entry_at(b, t, kept), at);
		number_put(b, entry_at(b, t, kept) + width(b), len);
		kept++;
	}
	/* nothing behind the kept ones, not even what stood there before */
	memset(b->p + entry_at(b, t, kept), 0,
	    (size_t)(t->nentries - kept) * 2 * width(b));
	*has_any |= kept > 0;
	return NET_KEPT;
}

static enum net_fate
one_block(const struct net_ask *ask, struct net_spans *spans, uint8_t *data,
    uint32_t len, uint32_t *used, int *has_any)
{
	struct block b = {.p = data, .is_wide = le32_at(data) == NTH32};
	uint32_t head = b.is_wide ? 16 : 12, first;
	const char *why;

	if (len < head || le16_at(data + 4) != head) {
		return net_invalid(ask, "NCM header of a wrong length");
	}
	b.len = number(&b, 8);
	if (b.len == 0) { /* 3.2.1: up to the short packet */
		b.len = len;
	}
	if (b.len < head || b.len > len) {
		return net_invalid(ask, "NCM block longer than its transfer");
	}
	first = number(&b, 8 + width(&b));
	why = check(&b, spans, head, first);
	if (why != NULL) {
		return net_invalid(ask, why);
	}
	for (uint32_t next = first; next != 0;) {
		struct table t;
		enum net_fate fate;

		table_read(&t, &b, next);
		next = t.next;
		fate = judge_table(ask, &b, &t, has_any);
		if (fate != NET_KEPT) {
			return fate;
		}
	}
	*used = b.len;
	return NET_KEPT;
}

enum net_fate
net_ncm(const struct net_ask *ask, struct net_spans *spans, uint8_t *data,
    uint32_t len)
{
	uint32_t pos = 0, used = 0;
	int has_any = 0;

	/* Some hosts put blocks in a row; a byte may follow the last so that
	 * the transfer ends in a short packet. */
	while (len - pos >= 12 && (le32_at(data + pos) == NTH16 ||
				      le32_at(data + pos) == NTH32)) {
		enum net_fate fate = one_block(
		    ask, spans, data + pos, len - pos, &used, &has_any);

		if (fate != NET_KEPT) {
			return fate;
		}
		pos += used;
	}
	if (pos == 0) {
		return net_invalid(ask, "not an NCM block");
	}
	memset(data + pos, 0, len - pos);
	return has_any ? NET_KEPT : NET_GONE;
}
