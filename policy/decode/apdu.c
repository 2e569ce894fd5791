/*
 * See apdu.h: the seven cases of ISO 7816-4 5.1, told apart by length alone.
 */
#include "policy/decode/apdu.h"

#include "base/err.h"

enum apdu_ins { INS_SELECT = 0xa4, P1_DF_NAME = 0x04 };

static uint32_t
be16_at(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

/* Lc and where the data begins; 0 there = there is none. */
static int
lengths(struct apdu *out, const uint8_t *p, size_t len, size_t total,
    enum apdu_part part, size_t *data)
{
	size_t rest;

	if (total <= APDU_HEADER + (part == APDU_WHOLE)) { /* 1, 2 short */
		out->has_lc = part == APDU_WHOLE;
		return 0;
	}
	if (len > APDU_HEADER && p[4] != 0) {
		out->lc = p[4];
		*data = 5;
	} else if (len >= 7) {
		if (total == 7 && part == APDU_WHOLE) { /* case 2 extended */
			out->has_lc = 1;
			return 0;
		}
		out->lc = be16_at(p + 5);
		*data = 7;
	} else {
		return part == APDU_WHOLE ? ERR_FORMAT : 0;
	}
	out->has_lc = 1;
	if (part == APDU_BEGIN) {
		return 0;
	}
	if (out->lc == 0 || total - *data < out->lc) {
		return ERR_FORMAT;
	}
	rest = total - *data - out->lc;	       /* Le */
	return rest == 0 || rest == (*data == 5 ? 1 : 2) ? 0 : ERR_FORMAT;
}

int
apdu_parse(struct apdu *out, const uint8_t *p, size_t len, size_t total,
    enum apdu_part part)
{
	size_t data = 0;

	if (len < APDU_HEADER || len > total) {
		return ERR_FORMAT;
	}
	*out = (struct apdu){.cla = p[0], .ins = p[1], .p1 = p[2], .p2 = p[3]};
	if (lengths(out, p, len, total, part, &data) != 0) {
		return ERR_FORMAT;
	}
	if (out->ins != INS_SELECT || out->p1 != P1_DF_NAME || data == 0) {
		return 0;
	}
	if (out->lc <= len - data) {
		out->aid = p + data;
		out->aid_len = out->lc;
	} else if (part == APDU_WHOLE) {
		return ERR_FORMAT;
	}
	return 0;
}

void
apdu_facts(struct facts *f, const struct apdu *apdu, const uint8_t *bytes,
    size_t len)
{
	facts_init(f, HOOK_APDU);
	f->bytes = bytes;
	f->nbytes = (uint32_t)len;
	if (apdu == NULL) {
		return;
	}
	facts_set(f, FACT_CLA, apdu->cla);
	facts_set(f, FACT_INS, apdu->ins);
	facts_set(f, FACT_P1, apdu->p1);
	facts_set(f, FACT_P2, apdu->p2);
	if (apdu->has_lc) {
		facts_set(f, FACT_LC, apdu->lc);
	}
	if (apdu->aid != NULL) {
		facts_set(f, FACT_AID, 0);
		f->text = apdu->aid;
		f->text_len = apdu->aid_len;
	}
}
