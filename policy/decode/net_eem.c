/*
 * EEM packets (EEM 1.0 5.1): a header of two bytes, then a frame with its check
 * sequence, or a command. A frame that may not pass is taken out, what follows
 * moves up, and zeros fill the end: headers of zero are packets of nothing.
 */
#include "policy/decode/net.h"

#include <string.h>

#include "wire/cursor.h"

#define HEADER_SIZE 2u
#define IS_COMMAND 0x8000u
#define RESERVED 0x4000u /* of a command */
#define CRC_SIZE 4u

enum command { ECHO = 0, ECHO_RESPONSE = 1, TICKLE = 5 };

/* Bytes of the packet behind its header; -1 = it is none. */
static int32_t
payload(uint16_t header)
{
	unsigned command = header >> 11 & 7;

	if ((header & IS_COMMAND) == 0) {
		return header & 0x3fff; /* bit 14: the sequence is real */
	}
	if ((header & RESERVED) != 0 || command > TICKLE) {
		return -1;
	}
	return command <= ECHO_RESPONSE ? header & 0x7ff : 0;
}

static const char *
check(const uint8_t *data, uint32_t len)
{
	uint32_t pos = 0;

	while (len - pos >= HEADER_SIZE) {
		uint16_t header = le16_at(data + pos);
		int32_t n = payload(header);

		pos += HEADER_SIZE;
		if (n < 0) {
			return "EEM command of an unknown kind";
		}
		if ((uint32_t)n > len - pos) {
			return "EEM packet longer than its transfer";
		}
		if ((header & IS_COMMAND) == 0 && n != 0 &&
		    (uint32_t)n < 14 + CRC_SIZE) {
			return "EEM frame below 14 bytes";
		}
		pos += (uint32_t)n;
	}
	return NULL;
}

enum net_fate
net_eem(const struct net_ask *ask, uint8_t *data, uint32_t len)
{
	const char *why = check(data, len);
	uint32_t pos = 0, to = 0, size;

	if (why != NULL) {
		return net_invalid(ask, why);
	}
	for (; len - pos >= HEADER_SIZE; pos += size) {
		uint16_t header = le16_at(data + pos);
		enum net_fate fate = NET_KEPT;

		size = HEADER_SIZE + (uint32_t)payload(header);
		if ((header & ~RESERVED) == 0) {
			continue; /* such are at the end again */
		}
		if ((header & IS_COMMAND) == 0) {
			fate = net_frame(ask, data + pos + HEADER_SIZE,
			    size - HEADER_SIZE - CRC_SIZE);
		}
		if (fate == NET_KEPT) {
			memmove(data + to, data + pos, size);
			to += size;
		} else if (fate != NET_GONE) {
			return fate;
		}
	}
	memset(data + to, 0, len - to);
	return to > 0 ? NET_KEPT : NET_GONE;
}
