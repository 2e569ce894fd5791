/*
 * How a decoder answers a transfer in the device's stead, or takes away what
 * came back. For decoders only.
 */
#ifndef POLICY_DECODE_ANSWER_H
#define POLICY_DECODE_ANSWER_H

#include "policy/decode/decode.h"
#include "wire/usbip.h"

/* What a verdict means in every protocol. DECODE_ANSWER: it is refused, by DENY or
 * DROP, and the decoder has the words for that. */
static inline enum decode_act
answer_act(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_ALLOW:
	case VERDICT_REWRITE:
		return DECODE_PASS;
	case VERDICT_ASK:
		return DECODE_HOLD;
	case VERDICT_EJECT:
		return DECODE_EJECT;
	case VERDICT_QUARANTINE:
		return DECODE_QUARANTINE;
	case VERDICT_DENY:
	case VERDICT_DROP:
		return DECODE_ANSWER;
	case VERDICTS: /* none */
		break;
	}
	return DECODE_EJECT;
}

/* submit: STALL, nothing moved; packets likewise. */
static inline enum decode_act
answer_stall(struct unit *u)
{
	u->status = USBIP_EPIPE;
	u->actual = 0;
	for (uint32_t i = 0; i < u->npackets; i++) {
		u->packets[i].status = USBIP_EPIPE;
		u->packets[i].actual = 0;
	}
	return DECODE_ANSWER;
}

/* submit: done, with n bytes moved; the caller has filled them in. */
static inline enum decode_act
answer_done(struct unit *u, uint32_t n)
{
	u->actual = n;
	u->status = USBIP_OK;
	if (n < u->length && unit_is_in(u) &&
	    (u->flags & USBIP_URB_SHORT_NOT_OK) != 0) {
		u->status = USBIP_EREMOTEIO;
	}
	return DECODE_ANSWER;
}

/* complete: STALL instead of what came; a transfer that had failed or was
 * cancelled keeps its status. */
static inline enum decode_act
answer_hush(struct unit *u)
{
	if (unit_is_in(u)) {
		u->actual = 0;
	}
	if (u->status == USBIP_OK) {
		u->status = USBIP_EPIPE;
	}
	for (uint32_t i = 0; i < u->npackets; i++) {
		u->packets[i].actual = 0;
		if (u->packets[i].status == USBIP_OK) {
			u->packets[i].status = USBIP_EPIPE;
		}
	}
	return DECODE_PASS;
}

#endif
