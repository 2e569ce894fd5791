/*
 * A decoder between a hostile workstation and a hostile device: the input is a
 * row of steps, each a transfer to submit, one to end, or an event. What a
 * target does with a transfer that the device gets is its own.
 */
#ifndef TESTS_FUZZ_FUZZ_UNITS_H
#define TESTS_FUZZ_FUZZ_UNITS_H

#include <string.h>

#include "policy/decode/decode.h"
#include "tests/fuzz/fuzz.h"
#include "wire/cursor.h"
#include "wire/usbip.h"

#define FUZZ_FLYING 4u
#define FUZZ_BYTES 128u

struct fuzz_flying { /* a transfer that the device has */
	struct unit u;
	uint8_t bytes[FUZZ_BYTES];
	struct unit_packet packet;
	int was_allowed; /* a ruling let it through */
};

struct fuzz_units {
	struct judge judge; /* first member */
	struct decoder *decoder;
	struct rcur in; /* what is left of the input */
	unsigned rulings, allowed, invalid; /* since the last step */
	unsigned commands;		    /* rulings on PJL commands */
	unsigned nflying;
	struct fuzz_flying flying[FUZZ_FLYING];
};

static void
fuzz_rule(struct judge *judge, const struct facts *f, uint64_t now,
    struct ruling *out)
{
	struct fuzz_units *z = (struct fuzz_units *)(void *)judge;

	(void)now;
	for (unsigned i = 0; i < FACTS; i++) {
		MUST(!facts_has(f, (enum fact)i) ||
		    hook_fact_of(f->hook, (enum fact)i) != NULL);
	}
	touch(f->bytes, f->nbytes);
	memset(out, 0, sizeof(*out));
	out->verdict = (enum verdict)(rcur_u8(&z->in) % 12);
	if (out->verdict >= VERDICT_EJECT) { /* most go on */
		out->verdict = VERDICT_ALLOW;
	}
	out->how = (enum verdict_how)(rcur_u8(&z->in) % 3);
	out->nedits = out->verdict == VERDICT_REWRITE;
	out->edits[0].fact = FACT_WP;
	out->edits[0].value = 1;
	z->rulings++;
	z->commands += facts_has(f, FACT_PJL);
	z->allowed += out->verdict == VERDICT_ALLOW ||
	    out->verdict == VERDICT_REWRITE;
}

static void
fuzz_invalid(struct judge *judge, enum hook hook, const char *what)
{
	MUST(hook < HOOKS && what != NULL && what[0] != '\0');
	((struct fuzz_units *)(void *)judge)->invalid++;
}

/* Attaches to the first interface; the state is malloced. */
static void
fuzz_attach(struct fuzz_units *z, const struct decoder_ops *ops,
    const uint8_t *bytes, size_t len, const uint8_t *data, size_t size)
{
	static const struct judge_ops judge_ops = {fuzz_rule, fuzz_invalid};
	static const struct judge_terms terms;
	static struct desc_config config;
	struct decode_iface iface = {.config = &config, .bytes = bytes};
	struct decode_how how = {.iface = &iface, .judge = &z->judge,
		.terms = &terms};
	const char *what;

	memset(z, 0, sizeof(*z));
	z->judge.ops = &judge_ops;
	z->in = rcur_of(data, size);
	MUST(desc_parse_config(&config, bytes, len, NULL) == 0);
	iface.alt = &config.alts[0];
	MUST(ops->takes(&iface));
	z->decoder = calloc(1, ops->size);
	MUST(z->decoder != NULL);
	z->decoder->ops = ops;
	z->decoder->judge = &z->judge;
	MUST(ops->attach(z->decoder, &how, &what) == 0);
}

static int
fuzz_is_over(struct fuzz_units *z, enum decode_act act)
{
	MUST(z->invalid == 0 || act == DECODE_EJECT);
	return act == DECODE_EJECT || act == DECODE_QUARANTINE;
}

/* Submits f->u, whose data are f->bytes. The entry that flies now, or NULL when
 * it was answered; *over when it ends the session. */
static struct fuzz_flying *
fuzz_submit(struct fuzz_units *z, struct fuzz_flying *f, int *over)
{
	uint8_t before[FUZZ_BYTES];
	enum decode_act act;
	unsigned holds = 0;

	f->u.data = f->bytes;
	memcpy(before, f->bytes, sizeof(before));
	z->invalid = 0;
	do {
		z->rulings = z->allowed = z->commands = 0;
		act = z->decoder->ops->submit(z->decoder, &f->u);
		MUST(act != DECODE_HOLD ||
		    memcmp(before, f->bytes, sizeof(before)) == 0);
	} while (act == DECODE_HOLD && holds++ < 8);
	*over = fuzz_is_over(z, act) || act == DECODE_HOLD;
	MUST(act != DECODE_AGAIN);
	if (act == DECODE_ANSWER) {
		MUST(f->u.actual <= f->u.length);
		MUST(f->u.status <= 0);
	}
	if (act != DECODE_PASS) {
		return NULL;
	}
	/* what is asked about goes only when all was allowed, or without what
	 * was in it */
	MUST(z->rulings == z->allowed ||
	    (f->u.type == XFER_ISO && f->bytes[0] == 0));
	f->was_allowed = z->rulings > 0;
	z->flying[z->nflying] = *f;
	z->flying[z->nflying].u.data = z->flying[z->nflying].bytes;
	return &z->flying[z->nflying++];
}

/* Ends flying transfer number i, which has its status and actual; whether that
 * ends the session. f is where the result is left. */
static int
fuzz_complete(struct fuzz_units *z, unsigned i, struct fuzz_flying *f)
{
	uint32_t actual;
	enum decode_act act;

	*f = z->flying[i];
	f->u.data = f->bytes;
	if (f->u.packets != NULL) {
		f->u.packets = &f->packet;
	}
	z->nflying--;
	memmove(&z->flying[i], &z->flying[i + 1],
	    (z->nflying - i) * sizeof(z->flying[0]));
	for (unsigned k = 0; k < z->nflying; k++) {
		z->flying[k].u.data = z->flying[k].bytes;
	}
	actual = f->u.actual;
	z->invalid = 0;
	act = z->decoder->ops->complete(z->decoder, &f->u);
	MUST(act != DECODE_ANSWER);
	MUST(f->u.actual <= actual);
	MUST(act != DECODE_AGAIN || f->u.status == USBIP_OK ||
	    f->u.status == USBIP_EREMOTEIO);
	return fuzz_is_over(z, act);
}

#endif
