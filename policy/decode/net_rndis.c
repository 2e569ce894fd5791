/*
 * RNDIS: data messages, several in a transfer, and the control messages that
 * travel as encapsulated commands ([MS-RNDIS] 2.2). A data message that may not
 * pass is taken out, those behind it move up, and the room at the end becomes
 * padding of the last: MessageLength may be more than what it holds.
 */
#include "policy/decode/net.h"

#include <string.h>

#include "wire/cursor.h"

#define PACKET_SIZE 44u
#define BASE 8u /* offsets count from behind MessageLength */

enum rndis_message {
	RNDIS_PACKET = 1,
	RNDIS_INITIALIZE = 2,
	RNDIS_HALT = 3,
	RNDIS_QUERY = 4,
	RNDIS_SET = 5,
	RNDIS_RESET = 6,
	RNDIS_INDICATE = 7,
	RNDIS_KEEPALIVE = 8,
};
#define RNDIS_DONE 0x80000000u /* an answer */

/* size: the least; buffer: where the length and then the offset of its
 * variable part stand, or the other way round; 0 = it has none */
static const struct message {
	uint32_t type;
	uint8_t is_in, size, length, offset;
} messages[] = {
	{RNDIS_INITIALIZE, 0, 24, 0, 0},
	{RNDIS_HALT, 0, 12, 0, 0},
	{RNDIS_QUERY, 0, 28, 16, 20},
	{RNDIS_SET, 0, 28, 16, 20},
	{RNDIS_RESET, 0, 12, 0, 0},
	{RNDIS_KEEPALIVE, 0, 12, 0, 0},
	{RNDIS_KEEPALIVE, 1, 12, 0, 0},
	{RNDIS_INDICATE, 1, 20, 12, 16},
	{RNDIS_INITIALIZE | RNDIS_DONE, 1, 52, 0, 0},
	{RNDIS_QUERY | RNDIS_DONE, 1, 24, 16, 20},
	{RNDIS_SET | RNDIS_DONE, 1, 16, 0, 0},
	{RNDIS_RESET | RNDIS_DONE, 1, 16, 0, 0},
	{RNDIS_KEEPALIVE | RNDIS_DONE, 1, 16, 0, 0},
	{RNDIS_KEEPALIVE | RNDIS_DONE, 0, 16, 0, 0},
};

static int
is_inside(uint32_t offset, uint32_t length, uint32_t head, uint32_t size)
{
	return length == 0 ||
	    (offset >= head - BASE && offset <= size - BASE &&
		length <= size - BASE - offset);
}

const char *
net_rndis_message(const uint8_t *p, uint32_t len, int is_in)
{
	const struct message *m = NULL;
	uint32_t size;

	if (len < BASE) {
		return "RNDIS message below 8 bytes";
	}
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		if (messages[i].type == le32_at(p) &&
		    messages[i].is_in == is_in) {
			m = &messages[i];
		}
	}
	if (m == NULL) {
		return "RNDIS message of an unknown type";
	}
	size = le32_at(p + 4);
	if (size < m->size || size > len) {
		return "RNDIS message of a wrong length";
	}
	if (m->offset != 0 &&
	    !is_inside(le32_at(p + m->offset), le32_at(p + m->length),
		m->size, size)) {
		return "RNDIS buffer outside of its message";
	}
	return NULL;
}

static int
is_zero(const uint8_t *p, uint32_t len)
{
	while (len > 0 && p[len - 1] == 0) {
		len--;
	}
	return len == 0;
}

static const char *
packet_check(const uint8_t *p, uint32_t len)
{
	uint32_t size;

	if (len < PACKET_SIZE || le32_at(p) != RNDIS_PACKET) {
		return "not an RNDIS data message";
	}
	size = le32_at(p + 4);
	if (size < PACKET_SIZE || size > len) {
		return "RNDIS data message of a wrong length";
	}
	if (!is_inside(le32_at(p + 8), le32_at(p + 12), PACKET_SIZE, size) ||
	    !is_inside(le32_at(p + 16), le32_at(p + 20), PACKET_SIZE, size) ||
	    !is_inside(le32_at(p + 28), le32_at(p + 32), PACKET_SIZE, size)) {
		return "RNDIS data outside of its message";
	}
	return NULL;
}

/* Bytes that the messages take; the rest is padding. 0 and *why. */
static uint32_t
check(const uint8_t *data, uint32_t len, const char **why)
{
	uint32_t pos = 0;

	*why = NULL;
	while (pos < len && !(pos > 0 && is_zero(data + pos, len - pos))) {
		*why = packet_check(data + pos, len - pos);
		if (*why != NULL) {
			return 0;
		}
		pos += le32_at(data + pos + 4);
	}
	return pos;
}

enum net_fate
net_rndis(const struct net_ask *ask, uint8_t *data, uint32_t len)
{
	uint32_t end, to = 0, last = 0, size;
	const char *why;

	end = check(data, len, &why);
	if (why != NULL) {
		return net_invalid(ask, why);
	}
	for (uint32_t pos = 0; pos < end; pos += size) {
		const uint8_t *p = data + pos;
		enum net_fate fate = NET_GONE;

		size = le32_at(p + 4);
		/* without data it is only information beside a packet */
		if (le32_at(p + 12) != 0) {
			fate = net_frame(
			    ask, p + BASE + le32_at(p + 8), le32_at(p + 12));
		}
		if (fate == NET_KEPT) {
			memmove(data + to, p, size);
			last = to;
			to += size;
		} else if (fate != NET_GONE) {
			return fate;
		}
	}
	if (to == 0) {
		return NET_GONE;
	}
	le32_put(data + last + 4, le32_at(data + last + 4) + (end - to));
	memset(data + to, 0, end - to);
	return NET_KEPT;
}
