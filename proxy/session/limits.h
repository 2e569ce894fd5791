/*
 * How much one session may hold at a time. At each bound the session waits: it
 * takes no more input, or submits no more to the device, and goes on when
 * something ended. Nothing fails for lack of room.
 */
#ifndef PROXY_SESSION_LIMITS_H
#define PROXY_SESSION_LIMITS_H

#include <stdint.h>

struct session_limits {
	uint32_t urbs;	     /* at the device at once */
	uint32_t bytes;	     /* of their buffers together */
	uint32_t held;	     /* URBs that wait for their turn */
	uint32_t held_bytes; /* of OUT data that they carry */
	uint32_t out_bytes;  /* replies that the peer did not take yet */
	uint32_t urb_bytes;  /* one URB; above it is refused */
	uint32_t control_bytes; /* one control data stage, likewise */
	/* one URB that is stepped over; above it the connection ends */
	uint32_t skip_bytes;
};

/* An endpoint with nothing at the device may always send one URB, so that no
 * endpoint waits for another: the bounds on urbs and bytes are exceeded by at
 * most one URB for each endpoint. */
extern const struct session_limits session_limits_default;

/* What gateway.conf may set, as the broker's words: numbers of URBs and of MiB.
 * The rest as in the default. ERR_FORMAT for what is no number, ERR_LIMIT for
 * one that is out of range. */
#define LIMITS_URBS_MAX 4096u
#define LIMITS_BUFFERS_MAX 256u
int session_limits_parse(
    struct session_limits *out, const char *urbs, const char *buffers);

#endif
