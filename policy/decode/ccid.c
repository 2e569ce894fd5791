/*
 * Card readers (CCID 1.1): messages over bulk endpoints, each with a slot and a
 * sequence number, one in flight for each slot; notifications; and the command
 * APDUs inside. Hook ccid rules on each message, then hook apdu on the command
 * that begins in it, if one does. Where one of the two asks and the other has a
 * meter, the meter counts twice: before the answer and after it.
 */
#include "policy/decode/ccid.h"

#include <string.h>

#include "base/err.h"
#include "policy/decode/answer.h"
#include "policy/decode/list.h"
#include "wire/cursor.h"
#include "wire/usbip.h"

#define CLASS_SMART_CARD 0x0b

struct stream { /* a bulk direction: one message at a time */
	uint32_t total, pos; /* of the message; equal = none */
	uint8_t flip;	     /* to xor into its last byte */
	uint8_t is_refused;
};

struct ccid {
	struct decoder decoder;
	uint8_t is_on, number, alternate;
	struct ccid_reader reader;
	struct stream out, in;
	uint8_t made_up[CCID_MADE_UP]; /* answer to a refused message */
	uint8_t nmade_up;
	struct ccid_slot slots[CCID_SLOTS];
};

static struct ccid *
ccid_of(struct decoder *d)
{
	return (struct ccid *)(void *)d;
}

static enum decode_act
invalid(struct ccid *c, const char *what)
{
	judge_invalid(c->decoder.judge, HOOK_CCID, what);
	return DECODE_EJECT;
}

static int
ccid_takes(const struct decode_iface *iface)
{
	/* protocols 1 and 2 are ICCD: no bulk messages */
	return iface->alt->class == CLASS_SMART_CARD &&
	    iface->alt->protocol == 0;
}

static void
forget(struct ccid *c)
{
	c->out = (struct stream){0};
	c->in = (struct stream){0};
	memset(c->slots, 0, sizeof(c->slots));
	for (unsigned i = 0; i < CCID_SLOTS; i++) {
		ccid_block_reset(&c->slots[i]);
		c->slots[i].icc = 1;
	}
}

static int
ccid_attach(struct decoder *d, const struct decode_how *how, const char **what)
{
	struct ccid *c = ccid_of(d);
	const struct desc_alt *alt = how->iface->alt;
	int err = ccid_reader_read(&c->reader, how->iface, what);

	if (err != 0 || (c->is_on && c->number == alt->number &&
			    c->alternate == alt->alternate)) {
		return err;
	}
	c->is_on = 1;
	c->number = alt->number;
	c->alternate = alt->alternate;
	forget(c);
	return 0;
}

/* DECODE_PASS: go on. DECODE_ANSWER: refused, by *r. Else the act. */
static enum decode_act
rule(struct ccid *c, const struct facts *f, uint64_t now, struct ruling *r)
{
	judge_rule(c->decoder.judge, f, now, r);
	return answer_act(r->verdict);
}

static enum decode_act
rule_message(struct ccid *c, const struct unit *u, size_t len, uint32_t total)
{
	struct facts f;
	struct ruling r;

	facts_init(&f, HOOK_CCID);
	f.is_back = (uint8_t)unit_is_in(u);
	facts_set(&f, FACT_MSG, u->data[0]);
	facts_set(&f, FACT_DIR, f.is_back);
	facts_set(&f, FACT_LEN, total);
	if (u->type == XFER_BULK) {
		facts_set(&f, FACT_SLOT, u->data[5]);
	} else if (u->data[0] == CCID_HARDWARE_ERROR) {
		facts_set(&f, FACT_SLOT, u->data[1]);
	}
	f.bytes = u->data;
	f.nbytes = (uint32_t)len;
	return rule(c, &f, u->now, &r);
}

static enum decode_act
rule_apdu(struct ccid *c, const struct ccid_block *b, uint64_t now,
    uint16_t *sw)
{
	struct facts f;
	struct ruling r;
	enum decode_act act;

	if (b->kind == BLOCK_PLAIN) {
		return DECODE_PASS;
	}
	if (b->kind == BLOCK_REFUSED) {
		return DECODE_ANSWER;
	}
	apdu_facts(&f, b->kind == BLOCK_APDU ? &b->apdu : NULL, b->bytes,
	    b->len);
	act = rule(c, &f, now, &r);
	/* "security status not satisfied" */
	*sw = r.how == HOW_SW ? r.code : 0x6982;
	return act;
}

/* Counts the bytes of a transfer; a refused message is answered when all of it
 * has come. */
static enum decode_act
move_out(struct ccid *c, struct unit *u)
{
	struct stream *s = &c->out;

	s->pos += u->length;
	if (s->pos == s->total && s->flip != 0) {
		u->data[u->length - 1] ^= s->flip;
	}
	if (!s->is_refused) {
		return DECODE_PASS;
	}
	if (s->pos == s->total) {
		c->decoder.host->answer_in(c->decoder.host_arg,
		    c->reader.ep_in, c->made_up, c->nmade_up);
	}
	u->status = 0;
	u->actual = u->length;
	return DECODE_ANSWER;
}

static enum decode_act
begin_out(struct ccid *c, struct unit *u, uint32_t total)
{
	const uint8_t *p = u->data;
	struct ccid_slot *s = &c->slots[p[5]];
	struct ccid_block b = {.kind = BLOCK_PLAIN, .after = *s};
	uint16_t sw = 0;
	enum decode_act act = rule_message(c, u, u->length, total);

	if (act == DECODE_PASS &&
	    (p[0] == CCID_XFR_BLOCK || p[0] == CCID_SECURE)) {
		ccid_block_read(&b, s, c->reader.level, p, u->length, total);
		if (b.kind == BLOCK_INVALID) {
			judge_invalid(c->decoder.judge, HOOK_APDU, b.what);
			return DECODE_EJECT;
		}
		act = rule_apdu(c, &b, u->now, &sw);
		if (act == DECODE_ANSWER) {
			c->nmade_up = (uint8_t)ccid_block_refuse(
			    s, &b, p, sw, c->made_up);
		}
	} else if (act == DECODE_ANSWER) {
		/* bError 0: the command is not supported */
		ccid_block_fail(s, p, 0, c->made_up);
		c->nmade_up = CCID_HEADER;
	}
	if (act != DECODE_PASS && act != DECODE_ANSWER) {
		return act;
	}
	c->out = (struct stream){.total = total,
	    .is_refused = act == DECODE_ANSWER};
	if (act == DECODE_PASS) {
		/* an abort may overtake what it aborts */
		b.after.lax |= s->busy;
		*s = b.after;
		s->busy = 1;
		s->msg = p[0];
		s->seq = p[6];
		c->out.flip = b.flip;
		if (b.flip != 0) {
			u->data[CCID_HEADER + 1] ^= b.flip;
		}
	}
	return move_out(c, u);
}

/* The reader never has two messages for a slot. No offence: a program that was
 * ended between its message and the answer leaves the next one in this place. */
static enum decode_act
refuse_second(struct ccid *c, struct unit *u, uint32_t total)
{
	ccid_block_fail(
	    &c->slots[u->data[5]], u->data, 0xe0 /* CMD_SLOT_BUSY */,
	    c->made_up);
	c->nmade_up = CCID_HEADER;
	c->out = (struct stream){.total = total, .is_refused = 1};
	return move_out(c, u);
}

static enum decode_act
submit_out(struct ccid *c, struct unit *u)
{
	const uint8_t *p = u->data;
	uint32_t left = c->out.total - c->out.pos, total;
	int is_short = u->length == 0 || u->length % c->reader.packet != 0;

	if (left > 0) {
		if (u->length > left || (u->length < left && is_short)) {
			return invalid(c, "message of another length");
		}
		return move_out(c, u);
	}
	if (u->length == 0) {
		return DECODE_PASS;
	}
	if (u->length < CCID_HEADER) {
		return invalid(c, "message cut in its header");
	}
	total = le32_at(p + 1);
	if (total > c->reader.max - CCID_HEADER) {
		return invalid(c, "message longer than the reader takes");
	}
	total += CCID_HEADER;
	if (u->length > total || (u->length < total && is_short)) {
		return invalid(c, "message of another length");
	}
	if (p[5] >= c->reader.nslots) {
		return invalid(c, "message for a slot that is not there");
	}
	if (c->slots[p[5]].busy && !c->slots[p[5]].lax && p[0] != CCID_ABORT) {
		return refuse_second(c, u, total);
	}
	return begin_out(c, u, total);
}

/* Of a class request ABORT (CCID 1.1 5.3.1) the slot; -1 = another request. */
static int
abort_slot(const struct ccid *c, const struct unit *u)
{
	return u->type == XFER_CONTROL && u->setup[0] == 0x21 &&
		u->setup[1] == 1 && u->setup[2] < c->reader.nslots
	    ? u->setup[2]
	    : -1;
}

static enum decode_act
ccid_submit(struct decoder *d, struct unit *u)
{
	struct ccid *c = ccid_of(d);

	return u->type == XFER_BULK && u->endpoint == c->reader.ep_out
	    ? submit_out(c, u)
	    : DECODE_PASS;
}

static void
answers_may_be_late(struct ccid *c)
{
	for (unsigned i = 0; i < c->reader.nslots; i++) {
		c->slots[i].lax |= c->slots[i].busy;
	}
}

/* Whether an answer is the one that its slot waits for: 1; 0 = a late one, and
 * -1 = none that may come. A reader that does not know a command answers it
 * with SlotStatus. */
static int
match(const struct ccid_slot *s, const uint8_t *p)
{
	uint8_t want = ccid_block_want(s->msg);
	int is_failed = (p[7] & 0xc0) == 0x40;

	if (s->busy && p[6] == s->seq &&
	    (want == 0 || p[0] == want ||
		(p[0] == CCID_SLOT_STATUS && is_failed))) {
		return 1;
	}
	return s->lax ? 0 : -1;
}

static enum decode_act
refuse_in(struct ccid *c, struct unit *u)
{
	uint8_t *p = u->data;

	memset(p + 1, 0, 4);
	p[7] = (p[7] & 3) | 0x40;
	p[8] = 0;
	p[9] = 0;
	u->actual = CCID_HEADER;
	u->status = 0;
	c->in.is_refused = 1;
	return DECODE_PASS;
}

static enum decode_act
begin_in(struct ccid *c, struct unit *u, uint32_t total)
{
	uint8_t *p = u->data, flip = 0;
	struct ccid_slot *s = &c->slots[p[5]];
	int is_match = match(s, p);
	enum decode_act act;

	if (is_match < 0) {
		return invalid(c, "answer to nothing that was asked");
	}
	act = rule_message(c, u, u->actual, total);
	if (act != DECODE_PASS && act != DECODE_ANSWER) {
		return act;
	}
	s->icc = p[7] & 3;
	if (is_match && (p[7] & 0xc0) == 0) {
		ccid_block_learn(s, s->msg, p, u->actual);
	}
	if (is_match && p[0] == CCID_DATA_BLOCK && s->msg != CCID_POWER_ON &&
	    c->reader.level == CCID_TPDU) {
		flip = ccid_block_answer(s, p, u->actual, total);
	}
	if (is_match && (p[7] & 0xc0) != 0x80) { /* not: more time */
		s->busy = 0;
		s->lax = 0;
	}
	c->in = (struct stream){.total = total, .pos = u->actual, .flip = flip};
	if (act == DECODE_ANSWER) {
		return refuse_in(c, u);
	}
	if (flip != 0) {
		p[CCID_HEADER + 1] ^= flip;
		if (u->actual == total) {
			p[total - 1] ^= flip;
		}
	}
	return DECODE_PASS;
}

static enum decode_act
continue_in(struct ccid *c, struct unit *u)
{
	struct stream *s = &c->in;

	if (u->actual > s->total - s->pos) {
		return invalid(c, "bytes after an answer");
	}
	s->pos += u->actual;
	if (s->pos < s->total && u->status == 0 && u->actual < u->length) {
		return invalid(c, "answer cut short");
	}
	if (s->is_refused) {
		return DECODE_AGAIN;
	}
	if (s->pos == s->total && s->flip != 0) {
		u->data[u->actual - 1] ^= s->flip;
	}
	return DECODE_PASS;
}

static enum decode_act
complete_in(struct ccid *c, struct unit *u)
{
	const uint8_t *p = u->data;
	uint32_t total;

	if (u->status != 0) {
		answers_may_be_late(c);
	}
	if (u->actual == 0 && (u->status != 0 || c->in.pos == c->in.total)) {
		return DECODE_PASS;
	}
	if (c->in.pos < c->in.total) {
		return continue_in(c, u);
	}
	if (u->actual < CCID_HEADER || p[0] < CCID_DATA_BLOCK ||
	    p[0] > CCID_DATA_RATE || p[5] >= c->reader.nslots) {
		return invalid(c, "answer of an unknown form");
	}
	total = le32_at(p + 1);
	if (total > c->reader.max - CCID_HEADER) {
		return invalid(c, "answer longer than the reader says");
	}
	total += CCID_HEADER;
	if (u->actual > total) {
		return invalid(c, "bytes after an answer");
	}
	if (u->actual < total && ((u->status == 0 && u->actual < u->length) ||
				     u->actual < CCID_HEADER + 4)) {
		return invalid(c, "answer cut short");
	}
	return begin_in(c, u, total);
}

/* CCID 1.1 6.3. What is longer than its slots is padding of some readers. */
static enum decode_act
complete_interrupt(struct ccid *c, struct unit *u)
{
	uint32_t n = u->actual;
	enum decode_act act;

	if (n == 0) {
		return DECODE_PASS;
	}
	if (u->data[0] == CCID_NOTIFY_SLOT_CHANGE
		? n < 1u + (2u * c->reader.nslots + 7u) / 8u
		: u->data[0] == CCID_HARDWARE_ERROR &&
		    (n != 4 || u->data[1] >= c->reader.nslots)) {
		return invalid(c, "notification of a wrong length");
	}
	act = rule_message(c, u, n, n);
	if (act != DECODE_ANSWER) {
		return act;
	}
	u->actual = 0;
	return u->status == 0 ? DECODE_AGAIN : DECODE_PASS;
}

static enum decode_act
ccid_complete(struct decoder *d, struct unit *u)
{
	struct ccid *c = ccid_of(d);
	int slot = abort_slot(c, u);

	if (slot >= 0 && u->status == 0) {
		c->slots[slot].lax |= c->slots[slot].busy;
		c->slots[slot].chain = CHAIN_NONE;
	}
	if (u->type == XFER_INT) {
		return complete_interrupt(c, u);
	}
	if (u->type == XFER_BULK && u->endpoint == c->reader.ep_in) {
		return complete_in(c, u);
	}
	if (u->type == XFER_BULK && u->status != 0) {
		c->out = (struct stream){0};
		answers_may_be_late(c);
	}
	return DECODE_PASS;
}

static void
ccid_event(struct decoder *d, enum decode_event event, uint8_t endpoint)
{
	struct ccid *c = ccid_of(d);

	switch (event) {
	case DECODE_HALT_CLEARED:
		if (endpoint == c->reader.ep_out) {
			c->out = (struct stream){0};
		} else if (endpoint == c->reader.ep_in) {
			c->in = (struct stream){0};
		}
		answers_may_be_late(c);
		break;
	case DECODE_RESET:
		forget(c);
		break;
	}
}

static uint64_t
ccid_tick(struct decoder *d, uint64_t now)
{
	(void)d;
	(void)now;
	return 0;
}

const struct decoder_ops decode_ccid = {
	.name = "ccid",
	.hooks = 1u << HOOK_CCID | 1u << HOOK_APDU,
	.size = sizeof(struct ccid),
	.takes = ccid_takes,
	.attach = ccid_attach,
	.submit = ccid_submit,
	.complete = ccid_complete,
	.event = ccid_event,
	.tick = ccid_tick,
};
