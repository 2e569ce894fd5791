/*
 * Printers (Printer 1.1): the stream of the bulk OUT endpoint, judged piece by
 * piece: each PJL command, and the data of each transfer by its language. What
 * comes back is an answer to what went out, and passes.
 *
 * A transfer goes to the printer whole or not at all: one refused piece refuses
 * it, and with it what follows of the job, up to the UEL that ends it. `deny'
 * is a STALL, the only no that a printer has, so that the person who prints
 * hears of it; `drop' takes the job in and throws it away.
 *
 * The parser stands where the printer does. What was refused did not reach the
 * printer and so does not move it: a command that began in a transfer that went
 * through cannot be finished behind the back of the judge. Where transfers are
 * queued, one that is taken back would move the others: none may depend on a
 * line that is still under way. After a failed one only a UEL makes it certain
 * again what the printer has of a line; a line that was cut off by the failure
 * is lost with it, for without its end no printer obeys it.
 *
 * At most one piece of a transfer can be asked about; a second one is refused.
 */
#include "policy/decode/decode.h"

#include <string.h>

#include "policy/decode/answer.h"
#include "policy/decode/list.h"
#include "policy/decode/print_job.h"
#include "policy/facts/print.h"

#define CLASS_PRINTER 0x07
#define SUBCLASS_PRINTER 0x01
#define PROTOCOL_LAST 0x03 /* 1284.4; IPP over USB is another language */
#define SOFT_RESET 0x02

/* A job without a UEL is over when nothing came for so long. */
#define PAUSE UINT64_C(10000000000)

enum refusing {
	REFUSING_NOT,
	REFUSING_DENY,
	REFUSING_DROP,
	REFUSING_LOST, /* a line of PJL may be half in the printer */
};

struct print {
	struct decoder decoder;	 /* first member */
	struct print_job job;	 /* as the printer has it */
	struct print_job skipped; /* the refused one, to find its end */
	uint8_t is_attached;
	uint8_t refusing;
	uint8_t was_held;
	uint8_t is_unsure; /* REFUSING_LOST, until a UEL has gone through */
	uint8_t has_lines; /* of PJL, in what is under way */
	uint32_t flying;   /* transfers out that are under way */
	uint64_t last;	   /* time of the last transfer */
};

/* A transfer while it is judged. */
struct course {
	struct print_job job;
	uint32_t from; /* bytes before are of a refused job: zeros instead */
	unsigned rulings;
	uint8_t has_lines;
	enum verdict verdict;
};

static struct print *
print_of(struct decoder *d)
{
	return (struct print *)(void *)d;
}

static void
restart(struct print *b)
{
	print_job_init(&b->job);
	b->refusing = REFUSING_NOT;
	b->is_unsure = 0;
}

/* Rules on a piece; whether the course goes on. */
static int
rule(struct print *b, struct course *c, const struct print_piece *piece,
    int is_command, const struct unit *u)
{
	struct ruling ruling;
	struct facts f;

	facts_init(&f, HOOK_PRINT);
	facts_set(&f, FACT_LANG, piece->lang);
	facts_set(&f, FACT_LEN, piece->length);
	f.bytes = u->data;
	f.nbytes = u->length;
	if (is_command) {
		facts_set(&f, FACT_PJL, piece->pjl);
		f.bytes = piece->text;
		f.nbytes = piece->text_length;
	}
	judge_rule(b->decoder.judge, &f, u->now, &ruling);
	c->rulings++;
	c->verdict = ruling.verdict;
	if (c->verdict == VERDICT_ASK && b->was_held) {
		c->verdict = VERDICT_DENY;
	}
	return c->verdict == VERDICT_ALLOW || c->verdict == VERDICT_REWRITE;
}

/* All pieces of the transfer, to the first that is refused. */
static void
judge_pieces(struct print *b, struct course *c, const struct unit *u)
{
	struct print_piece piece;
	uint32_t at = c->from;
	enum print_what what;

	c->has_lines = (uint8_t)print_job_is_open(&c->job);
	do {
		what = print_job_next(&c->job, u->data, u->length, &at, &piece);
		c->has_lines = c->has_lines || what == PRINT_COMMAND ||
		    print_job_is_open(&c->job);
		if ((what == PRINT_COMMAND || piece.length > 0) &&
		    !rule(b, c, &piece, what == PRINT_COMMAND, u)) {
			return;
		}
	} while (what != PRINT_NOTHING && at < u->length);
	if (c->rulings == 0) {
		/* white space, a UEL, part of a line */
		piece.lang = print_job_lang(&c->job);
		piece.length = u->length;
		rule(b, c, &piece, 0, u);
	}
}

/* Looks for the end of the refused job; whether it is in this transfer, and
 * then where the printer goes on. */
static int
find_end(struct print *b, struct course *c, const struct unit *u)
{
	struct print_job skipped = b->skipped;
	struct print_piece piece;
	uint32_t at = 0;

	while (at < u->length) {
		if (print_job_next(&skipped, u->data, u->length, &at, &piece) !=
		    PRINT_END) {
			continue;
		}
		if (at >= PRINT_UEL_SIZE) {
			/* the UEL goes through: it ends what the printer may
			 * still have of a line, which is judged by that */
			c->from = at - PRINT_UEL_SIZE;
			return 1;
		}
		if (b->refusing != REFUSING_LOST) {
			c->from = at; /* its beginning was refused, too */
			return 1;
		}
	}
	b->skipped = skipped;
	return 0;
}

/* What is left of the job in this transfer does not count either. */
static enum decode_act
refuse(struct print *b, const struct course *c, enum refusing how,
    struct unit *u)
{
	struct print_piece piece;
	uint32_t at = c->from;

	b->skipped = b->job;
	while (print_job_next(&b->skipped, u->data, u->length, &at, &piece) !=
		PRINT_NOTHING &&
	    at < u->length) {
	}
	b->refusing = (uint8_t)how;
	if (b->is_unsure) {
		b->refusing = REFUSING_LOST;
	} else if (print_job_is_new(&b->skipped)) {
		b->refusing = REFUSING_NOT;
	}
	return how == REFUSING_DROP ? answer_done(u, u->length) :
				      answer_stall(u);
}

static enum decode_act
submit_out(struct print *b, struct unit *u)
{
	struct course c = {.job = b->job, .verdict = VERDICT_DENY};

	if (b->flying > 0) {
		if (b->is_unsure || print_job_is_open(&b->job)) {
			return answer_stall(u);
		}
		/* the one before may not arrive */
		c.job.at_start = 1;
	}
	if ((b->refusing == REFUSING_DENY || b->refusing == REFUSING_DROP) &&
	    u->now >= b->last && u->now - b->last >= PAUSE) {
		b->refusing = REFUSING_NOT;
	}
	b->last = u->now;
	if (b->refusing != REFUSING_NOT && !find_end(b, &c, u)) {
		return b->refusing == REFUSING_DROP ?
		    answer_done(u, u->length) :
		    answer_stall(u);
	}
	judge_pieces(b, &c, u);
	if (c.verdict == VERDICT_ASK) {
		b->was_held = 1;
		return DECODE_HOLD;
	}
	b->was_held = 0;
	switch (c.verdict) {
	case VERDICT_ALLOW:
	case VERDICT_REWRITE:
		memset(u->data, 0, c.from);
		b->job = c.job;
		b->refusing = REFUSING_NOT;
		b->has_lines = b->has_lines || c.has_lines;
		b->flying++;
		return DECODE_PASS;
	case VERDICT_DROP:
		return refuse(b, &c, REFUSING_DROP, u);
	case VERDICT_EJECT:
		return DECODE_EJECT;
	case VERDICT_QUARANTINE:
		return DECODE_QUARANTINE;
	case VERDICT_ASK:
	case VERDICT_DENY:
	case VERDICTS:
		break;
	}
	return refuse(b, &c, REFUSING_DENY, u);
}

static enum decode_act
print_submit(struct decoder *d, struct unit *u)
{
	if (u->type == XFER_CONTROL || unit_is_in(u)) {
		return DECODE_PASS;
	}
	if (u->length == 0) {
		return answer_done(u, 0); /* nothing, and nothing to judge */
	}
	return submit_out(print_of(d), u);
}

/* A transfer out that failed: the printer has some of it, or none. */
static void
lose(struct print *b)
{
	if (b->has_lines || b->is_unsure) {
		b->is_unsure = 1;
		b->refusing = REFUSING_LOST;
		print_job_init(&b->skipped);
	} else {
		/* data were broken off; what comes may be another job */
		print_job_init(&b->job);
	}
}

static void
complete_out(struct print *b, const struct unit *u)
{
	b->flying -= b->flying > 0;
	if (u->status != USBIP_OK || u->actual != u->length) {
		lose(b);
	} else if (b->flying == 0 && b->refusing != REFUSING_LOST) {
		b->is_unsure = 0; /* alone under way, so it had the UEL */
	}
	if (b->flying == 0) {
		b->has_lines = 0;
	}
}

static enum decode_act
print_complete(struct decoder *d, struct unit *u)
{
	struct print *b = print_of(d);

	if (u->type == XFER_CONTROL) {
		if ((u->setup[0] & 0xe0) == 0x20 && u->setup[1] == SOFT_RESET &&
		    u->status == USBIP_OK) {
			restart(b);
		}
	} else if (!unit_is_in(u)) {
		complete_out(b, u);
	}
	return DECODE_PASS;
}

static int
print_takes(const struct decode_iface *iface)
{
	return iface->alt->class == CLASS_PRINTER &&
	    iface->alt->subclass == SUBCLASS_PRINTER &&
	    iface->alt->protocol <= PROTOCOL_LAST;
}

static int
print_attach(struct decoder *d, const struct decode_how *how,
    const char **what)
{
	struct print *b = print_of(d);

	(void)how;
	(void)what;
	if (!b->is_attached) {
		restart(b);
		b->is_attached = 1;
	}
	return 0;
}

static void
print_event(struct decoder *d, enum decode_event event, uint8_t endpoint)
{
	(void)endpoint;
	if (event == DECODE_RESET) {
		restart(print_of(d));
	}
}

static uint64_t
print_tick(struct decoder *d, uint64_t now)
{
	(void)d;
	(void)now;
	return 0;
}

const struct decoder_ops decode_print = {
	.name = "print",
	.hooks = 1u << HOOK_PRINT,
	.size = sizeof(struct print),
	.takes = print_takes,
	.attach = print_attach,
	.submit = print_submit,
	.complete = print_complete,
	.event = print_event,
	.tick = print_tick,
};
