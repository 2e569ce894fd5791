/*
 * The bounds of a session, and the two of them that an administrator may set.
 */
#include "proxy/session/limits.h"

#include <stdlib.h>

#include "base/err.h"

#define MIB (1024u * 1024u)

const struct session_limits session_limits_default = {
    .urbs = 256,
    .bytes = 8 * MIB,
    .held = 4096,
    .held_bytes = 16 * MIB,
    .out_bytes = 4 * MIB,
    .urb_bytes = 1 * MIB,
    .control_bytes = 4096,
    .skip_bytes = 16 * MIB,
};

static int
parse_number(const char *text, unsigned long max, uint32_t *out)
{
	unsigned long v;
	char *end;

	if (text[0] < '0' || text[0] > '9') {
		return ERR_FORMAT;
	}
	v = strtoul(text, &end, 10);
	if (*end != '\0') {
		return ERR_FORMAT;
	}
	if (v < 1 || v > max) {
		return ERR_LIMIT;
	}
	*out = (uint32_t)v;
	return 0;
}

int
session_limits_parse(
    struct session_limits *out, const char *urbs, const char *buffers)
{
	uint32_t mib;
	int r;

	*out = session_limits_default;
	r = parse_number(urbs, LIMITS_URBS_MAX, &out->urbs);
	if (r == 0) {
		r = parse_number(buffers, LIMITS_BUFFERS_MAX, &mib);
	}
	if (r == 0) {
		out->bytes = mib * MIB;
	}
	return r;
}
