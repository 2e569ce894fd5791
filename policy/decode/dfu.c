/*
 * Device Firmware Upgrade 1.1: requests on endpoint 0, one unit each. Downloads
 * change what the device is; uploads tell what is in it. A refused request gets
 * a STALL, which is how a device refuses one (DFU 1.1 3).
 */
#include "policy/decode/decode.h"

#include "policy/decode/answer.h"
#include "policy/decode/list.h"

#define CLASS_APPLICATION 0xfe
#define SUBCLASS_DFU 0x01

enum { DETACH, DNLOAD, UPLOAD, GETSTATUS, CLRSTATUS, GETSTATE, ABORT };
#define REQUESTS_IN (1u << UPLOAD | 1u << GETSTATUS | 1u << GETSTATE)
#define LAST_STATE 10u	   /* dfuERROR, DFU 1.1 A.1 */
#define LAST_STATUS 0x0fu /* errSTALLEDPKT, DFU 1.1 6.1.2 */

struct dfu {
	struct decoder decoder; /* first member */
};

static int
is_class(const struct unit *u)
{
	return u->type == XFER_CONTROL && (u->setup[0] & 0x7f) == 0x21;
}

static enum decode_act
invalid(struct decoder *d, const char *what)
{
	judge_invalid(d->judge, HOOK_DFU, what);
	return DECODE_EJECT;
}

static enum decode_act
dfu_submit(struct decoder *d, struct unit *u)
{
	uint8_t request = u->setup[1];
	struct ruling ruling;
	enum decode_act act;
	struct facts f;

	if (u->type != XFER_CONTROL) {
		return invalid(d, "transfer to an endpoint that DFU has not");
	}
	if (!is_class(u)) {
		return DECODE_PASS;
	}
	if (request <= ABORT &&
	    (REQUESTS_IN >> request & 1) != u->setup[0] >> 7) {
		return invalid(d, "request of the wrong direction");
	}
	facts_init(&f, HOOK_DFU);
	facts_set(&f, FACT_REQUEST, request);
	facts_set(&f, FACT_LEN, u->length);
	if (!unit_is_in(u)) {
		f.bytes = u->data;
		f.nbytes = u->length;
	}
	judge_rule(d->judge, &f, u->now, &ruling);
	act = answer_act(ruling.verdict);
	/* dropped or denied: what is not done is not reported as done */
	return act == DECODE_ANSWER ? answer_stall(u) : act;
}

static enum decode_act
dfu_complete(struct decoder *d, struct unit *u)
{
	if (!is_class(u) || u->status != USBIP_OK) {
		return DECODE_PASS;
	}
	if (u->setup[1] == GETSTATUS && u->actual == 6 &&
	    (u->data[0] > LAST_STATUS || u->data[4] > LAST_STATE)) {
		return invalid(d, "status that DFU has not");
	}
	if (u->setup[1] == GETSTATE && u->actual == 1 &&
	    u->data[0] > LAST_STATE) {
		return invalid(d, "state that DFU has not");
	}
	return DECODE_PASS;
}

static int
dfu_takes(const struct decode_iface *iface)
{
	return iface->alt->class == CLASS_APPLICATION &&
	    iface->alt->subclass == SUBCLASS_DFU;
}

static int
dfu_attach(struct decoder *d, const struct decode_how *how, const char **what)
{
	(void)d;
	(void)how;
	(void)what;
	return 0;
}

static void
dfu_event(struct decoder *d, enum decode_event event, uint8_t endpoint)
{
	(void)d;
	(void)event;
	(void)endpoint;
}

static uint64_t
dfu_tick(struct decoder *d, uint64_t now)
{
	(void)d;
	(void)now;
	return 0;
}

const struct decoder_ops decode_dfu = {
	.name = "dfu",
	.hooks = 1u << HOOK_DFU,
	.size = sizeof(struct dfu),
	.takes = dfu_takes,
	.attach = dfu_attach,
	.submit = dfu_submit,
	.complete = dfu_complete,
	.event = dfu_event,
	.tick = dfu_tick,
};
