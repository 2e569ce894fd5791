/*
 * Interfaces that no other decoder speaks for: each transfer is one unit,
 * judged by the hooks `out' before the device has it, and `in' before the
 * workstation does. It knows nothing of what is inside.
 *
 * Isochronous transfers keep their pace: one that is dropped goes on with zeros
 * in it, and none is held. Their bytes cannot be matched, since what lies
 * between the packets is not of the device.
 */
#include "policy/decode/decode.h"

#include <string.h>

#include "policy/decode/answer.h"
#include "policy/decode/list.h"

enum { STATUS_OK, STATUS_STALL, STATUS_ERROR }; /* names_status */

struct raw {
	struct decoder decoder; /* first member */
};

static int
is_iso(const struct unit *u)
{
	return u->type == XFER_ISO;
}

static void
judge_unit(struct decoder *d, const struct unit *u, enum hook hook,
    uint32_t len, struct ruling *out)
{
	struct facts f;

	facts_init(&f, hook);
	f.is_back = hook == HOOK_IN;
	facts_set(&f, FACT_EP, u->endpoint);
	facts_set(&f, FACT_XFER, u->type);
	facts_set(&f, FACT_LEN, len);
	if (hook == HOOK_IN) {
		facts_set(&f, FACT_STATUS,
		    u->status == USBIP_OK || u->status == USBIP_EREMOTEIO ?
			STATUS_OK :
			u->status == USBIP_EPIPE ? STATUS_STALL :
						   STATUS_ERROR);
	}
	if (!is_iso(u)) {
		f.bytes = u->data;
		f.nbytes = len;
	}
	judge_rule(d->judge, &f, u->now, out);
	if (out->verdict == VERDICT_ASK && is_iso(u)) {
		out->verdict = VERDICT_DENY;
	}
}

static enum decode_act
raw_submit(struct decoder *d, struct unit *u)
{
	struct ruling ruling;
	enum decode_act act;

	if (u->type == XFER_CONTROL || unit_is_in(u)) {
		return DECODE_PASS;
	}
	judge_unit(d, u, HOOK_OUT, u->length, &ruling);
	act = answer_act(ruling.verdict);
	if (act != DECODE_ANSWER) {
		return act;
	}
	if (ruling.verdict != VERDICT_DROP) {
		return answer_stall(u);
	}
	if (is_iso(u)) {
		memset(u->data, 0, u->length);
		return DECODE_PASS;
	}
	return answer_done(u, u->length);
}

/* What came is not for the workstation, and it does not hear of it. */
static enum decode_act
drop_in(struct unit *u)
{
	if (is_iso(u)) {
		memset(u->data, 0, u->length);
		return DECODE_PASS;
	}
	if (u->status != USBIP_OK && u->status != USBIP_EREMOTEIO) {
		/* over: again would end the same way, or was taken back */
		u->actual = 0;
		return DECODE_PASS;
	}
	return DECODE_AGAIN;
}

static enum decode_act
raw_complete(struct decoder *d, struct unit *u)
{
	struct ruling ruling;

	if (u->type == XFER_CONTROL || !unit_is_in(u) ||
	    (u->status == USBIP_ECONNRESET && u->actual == 0)) {
		return DECODE_PASS;
	}
	judge_unit(d, u, HOOK_IN, u->actual, &ruling);
	switch (ruling.verdict) {
	case VERDICT_ALLOW:
	case VERDICT_REWRITE:
		return DECODE_PASS;
	case VERDICT_DROP:
		return drop_in(u);
	case VERDICT_ASK:
		return DECODE_HOLD;
	case VERDICT_EJECT:
		return DECODE_EJECT;
	case VERDICT_QUARANTINE:
		return DECODE_QUARANTINE;
	case VERDICT_DENY:
	case VERDICTS:
		break;
	}
	return answer_hush(u);
}

static int
raw_takes(const struct decode_iface *iface)
{
	(void)iface;
	return 1;
}

static int
raw_attach(struct decoder *d, const struct decode_how *how, const char **what)
{
	(void)d;
	(void)how;
	(void)what;
	return 0;
}

static void
raw_event(struct decoder *d, enum decode_event event, uint8_t endpoint)
{
	(void)d;
	(void)event;
	(void)endpoint;
}

static uint64_t
raw_tick(struct decoder *d, uint64_t now)
{
	(void)d;
	(void)now;
	return 0;
}

const struct decoder_ops decode_raw = {
	.name = "raw",
	.hooks = 1u << HOOK_OUT | 1u << HOOK_IN,
	.size = sizeof(struct raw),
	.takes = raw_takes,
	.attach = raw_attach,
	.submit = raw_submit,
	.complete = raw_complete,
	.event = raw_event,
	.tick = raw_tick,
};
