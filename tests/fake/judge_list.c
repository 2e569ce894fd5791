/*
 * See judge_list.h.
 */
#include "tests/fake/judge_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/usbip.h"

static uint32_t
least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static void
remember(struct judge_list *j, const struct facts *facts)
{
	struct judge_seen *s = &j->seen[j->nseen];

	s->facts = *facts;
	if (facts->text != NULL) {
		memcpy(s->text, facts->text,
		    least(facts->text_len, JUDGE_LIST_BYTES));
		s->facts.text = s->text;
	}
	if (facts->bytes != NULL) {
		memcpy(s->bytes, facts->bytes,
		    least(facts->nbytes, JUDGE_LIST_BYTES));
		s->facts.bytes = s->bytes;
	}
	if (facts->usages != NULL) {
		memcpy(s->usages, facts->usages,
		    least(facts->nusages, 16) * sizeof(s->usages[0]));
		s->facts.usages = s->usages;
	}
	j->nseen++;
}

static void
on_rule(struct judge *judge, const struct facts *facts, uint64_t now,
    struct ruling *out)
{
	struct judge_list *j = (struct judge_list *)(void *)judge;

	(void)now;
	if (j->nseen < JUDGE_LIST_MAX) {
		remember(j, facts);
	}
	*out = j->at < j->nrulings ? j->rulings[j->at++] : j->always;
}

static void
on_invalid(struct judge *judge, enum hook hook, const char *what)
{
	struct judge_list *j = (struct judge_list *)(void *)judge;

	j->ninvalid++;
	j->invalid = what;
	j->invalid_hook = hook;
}

static const struct judge_ops ops = {on_rule, on_invalid};

void
judge_list_init(struct judge_list *j)
{
	memset(j, 0, sizeof(*j));
	j->judge.ops = &ops;
}

struct ruling *
judge_list_add(struct judge_list *j, enum verdict verdict)
{
	struct ruling *r = &j->rulings[j->nrulings];

	assert_true(j->nrulings < JUDGE_LIST_MAX);
	j->nrulings++;
	r->verdict = verdict;
	return r;
}

const struct facts *
judge_list_last(const struct judge_list *j)
{
	return j->nseen > 0 ? &j->seen[j->nseen - 1].facts : NULL;
}

static void
on_random(void *arg, void *buf, size_t len)
{
	struct judge_list *j = arg;
	uint8_t *p = buf;

	for (size_t i = 0; i < len; i++) {
		p[i] = j->random++;
	}
}

static int
on_challenge(void *arg, const char *digits, uint64_t within)
{
	struct judge_list *j = arg;

	(void)within;
	j->nchallenges++;
	snprintf(j->digits, sizeof(j->digits), "%s", digits);
	return j->challenge_result;
}

static void
on_note(void *arg, const char *what, const char *text)
{
	struct judge_list *j = arg;

	(void)what;
	j->nnotes++;
	j->note = text;
}

static void
on_answer_in(void *arg, uint8_t endpoint, const void *data, uint32_t len)
{
	struct judge_list *j = arg;

	j->nanswers++;
	j->answer_ep = endpoint;
	j->answer_len = len;
	memcpy(j->answer, data, least(len, JUDGE_LIST_BYTES));
}

static const struct decoder *
on_sibling(void *arg, uint8_t interface)
{
	struct judge_list *j = arg;

	(void)interface;
	return j->sibling;
}

const struct decode_host_ops judge_list_host = {
	on_random, on_challenge, on_note, on_answer_in, on_sibling};

struct decoder *
judge_list_attach(struct judge_list *j, const struct decoder_ops *decoder,
    struct devrec *rec, struct desc_config *config, const uint8_t *bytes,
    size_t len, uint8_t number, uint8_t alternate, const uint8_t *report,
    size_t report_len, const struct judge_terms *terms)
{
	static const struct judge_terms none;
	struct decode_iface iface = {
		.rec = rec,
		.config = config,
		.bytes = bytes,
		.speed = USBIP_SPEED_HIGH,
	};
	const struct decode_how how = {
		.iface = &iface,
		.judge = &j->judge,
		.terms = terms != NULL ? terms : &none,
		.host = &judge_list_host,
		.host_arg = j,
		.now = 1,
	};
	const char *what = NULL;
	struct decoder *d;

	devrec_init(rec);
	rec->speed = USBIP_SPEED_HIGH;
	assert_int_equal(devrec_add_config(rec, bytes, len), 0);
	assert_int_equal(desc_parse_config(config, bytes, len, NULL), 0);
	rec->active_config = config->value;
	if (report != NULL) {
		assert_int_equal(devrec_add_report(rec, config->value, number,
				     report, report_len), 0);
	}
	iface.alt = desc_find_alt(config, number, alternate);
	assert_non_null(iface.alt);
	if (!decoder->takes(&iface)) {
		return NULL;
	}
	d = calloc(1, decoder->size);
	assert_non_null(d);
	d->ops = decoder;
	d->judge = &j->judge;
	d->host = &judge_list_host;
	d->host_arg = j;
	if (decoder->attach(d, &how, &what) != 0) {
		fail_msg("attach: %s", what != NULL ? what : "?");
	}
	return d;
}

void
unit_make(struct unit *u, uint8_t endpoint, enum desc_xfer type, void *data,
    uint32_t length, uint64_t now)
{
	memset(u, 0, sizeof(*u));
	u->endpoint = endpoint;
	u->type = type;
	u->data = data;
	u->length = length;
	u->now = now;
}

void
unit_control(struct unit *u, uint8_t request_type, uint8_t request,
    uint16_t value, uint16_t index, void *data, uint16_t length, uint64_t now)
{
	unit_make(u, request_type & 0x80, XFER_CONTROL, data, length, now);
	u->setup[0] = request_type;
	u->setup[1] = request;
	u->setup[2] = (uint8_t)value;
	u->setup[3] = (uint8_t)(value >> 8);
	u->setup[4] = (uint8_t)index;
	u->setup[5] = (uint8_t)(index >> 8);
	u->setup[6] = (uint8_t)length;
	u->setup[7] = (uint8_t)(length >> 8);
}

void
unit_done(struct unit *u, int32_t status, uint32_t actual)
{
	u->status = status;
	u->actual = actual;
}
