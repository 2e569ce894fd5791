/*
 * What is inside an XfrBlock or a Secure message: APDUs, whole or in a chain
 * (CCID 1.1 6.1.4), T=0 TPDUs, T=1 blocks (ISO 7816-3 11) and PIN entry
 * structures (CCID 1.1 6.1.11).
 */
#include "policy/decode/ccid.h"

#include <string.h>

#include "wire/cursor.h"

enum t1 {
	T1_PROLOGUE = 3, /* NAD PCB LEN */
	T1_MORE = 0x20,
	T1_NS = 6, /* bit of N(S) in an I-block */
	T1_NR = 4, /* bit of N(R) in an R-block */
	T1_R = 0x80,
	T1_S = 0xc0,
	T1_RESYNCH = 0x00, /* of an S-block, bits 4..0 */
	T1_IFS = 0x01,
	T1_ABORT = 0x02,
	T1_WTX = 0x03,
};

enum level_param { /* wLevelParameter of extended APDUs */
	LEVEL_WHOLE = 0x00,
	LEVEL_BEGINS = 0x01,
	LEVEL_ENDS = 0x02,
	LEVEL_MIDDLE = 0x03,
	LEVEL_NEXT = 0x10, /* asks for more of the answer */
};

enum pin { PIN_VERIFY = 0, PIN_MODIFY = 1, PIN_WAIT = 3, PIN_NEXT = 6 };

static void
invalid(struct ccid_block *b, const char *what)
{
	b->kind = BLOCK_INVALID;
	b->what = what;
}

static void
begin(struct ccid_block *b, const uint8_t *p, size_t len, size_t total,
    enum apdu_part part)
{
	b->kind = BLOCK_APDU;
	b->bytes = p;
	b->len = len;
	if (apdu_parse(&b->apdu, p, len, total, part) != 0) {
		invalid(b, "command APDU whose lengths do not agree");
	}
}

static void
opaque(struct ccid_block *b, const uint8_t *p, size_t len)
{
	b->kind = BLOCK_OPAQUE;
	b->bytes = p;
	b->len = len;
}

void
ccid_block_reset(struct ccid_slot *slot)
{
	slot->fresh = 1;
	slot->has_protocol = 0;
	slot->chain = CHAIN_NONE;
	slot->host_ns = 2;
	slot->began = 0;
	slot->is_acked = 0;
	slot->card_ns = 0;
	slot->host_flip = 0;
	slot->card_flip = 0;
}

/* PIN structures: a template of the command stands behind the fields. Firmware
 * does not agree on how many message indices a modification has, so what does
 * not look like one there has no facts. */
static void
read_secure(struct ccid_block *b, const uint8_t *p, size_t len, size_t total)
{
	size_t at = 15;

	b->how = b->after.has_protocol && b->after.protocol == 1 ? REFUSE_FAIL
								  : REFUSE_SW;
	if (len < 1) {
		invalid(b, "PIN entry without an operation");
		return;
	}
	if (p[0] >= PIN_WAIT && p[0] <= PIN_NEXT) {
		return;
	}
	opaque(b, p, len);
	if (p[0] == PIN_MODIFY && len > 11) {
		at = 18 + (p[11] == 3 ? 2u : p[11] == 2 ? 1u : 0u);
	}
	if (p[0] > PIN_MODIFY || total < at + APDU_HEADER) {
		return;
	}
	if (len < at + APDU_HEADER) {
		invalid(b, "PIN entry cut in its fields");
		return;
	}
	begin(b, p + at, len - at, total - at, APDU_BEGIN);
	if (p[0] == PIN_MODIFY && b->apdu.ins != 0x24 && b->apdu.ins != 0x2c) {
		opaque(b, p, len);
	}
}

static void
read_extended(struct ccid_block *b, unsigned param, const uint8_t *p,
    size_t len, size_t total)
{
	struct ccid_slot *s = &b->after;

	switch (param) {
	case LEVEL_WHOLE:
	case LEVEL_BEGINS:
		s->chain = param == LEVEL_WHOLE ? CHAIN_NONE : CHAIN_OPEN;
		b->how = param == LEVEL_WHOLE ? REFUSE_SW : REFUSE_MORE;
		begin(b, p, len, total,
		    param == LEVEL_WHOLE ? APDU_WHOLE : APDU_BEGIN);
		break;
	case LEVEL_ENDS:
	case LEVEL_MIDDLE:
		if (s->chain == CHAIN_NONE) {
			invalid(b, "end of a chain of blocks that never began");
			return;
		}
		/* a reader that does not know chains would take it for a command
		 * of its own: what reads as one is judged as one */
		if (s->chain == CHAIN_REFUSED) {
			b->kind = BLOCK_REFUSED;
		} else if (apdu_parse(&b->apdu, p, len, total, APDU_WHOLE) ==
		    0) {
			begin(b, p, len, total, APDU_WHOLE);
		}
		b->how = param == LEVEL_ENDS ? REFUSE_SW : REFUSE_MORE;
		if (param == LEVEL_ENDS) {
			s->chain = CHAIN_NONE;
		}
		break;
	case LEVEL_NEXT:
		if (total != 0) {
			invalid(b, "data in a block that asks for more");
		}
		break;
	default:
		invalid(b, "XfrBlock with an unknown level parameter");
	}
}

/* ISO 7816-3 9: the first thing that may follow an answer to reset. A TPDU
 * cannot look like it: CLA ff is no class. */
static int
is_pps(const struct ccid_slot *s, const uint8_t *p, size_t len, size_t total)
{
	size_t want = 3;
	uint8_t check = 0;

	if (!s->fresh || len != total || len < 3 || len > 6 || p[0] != 0xff ||
	    (p[1] & 15) > 1 || (s->offers >> (p[1] & 15) & 1) == 0) {
		return 0;
	}
	for (unsigned bit = 4; bit < 7; bit++) {
		want += p[1] >> bit & 1;
	}
	for (size_t i = 0; i < len; i++) {
		check ^= p[i];
	}
	return len == want && check == 0;
}

/* An I-block: the first of a chain is judged, and so is one that is sent once
 * more; what follows goes the way of the first. But only the card knows whether
 * a chain goes on: a block after one that it has not acknowledged may be the
 * first for it, and is judged as such. */
static void
read_t1_i(struct ccid_block *b, const uint8_t *p, size_t len, int is_crc)
{
	struct ccid_slot *s = &b->after;
	uint8_t ns = p[1] >> T1_NS & 1;
	int is_more = (p[1] & T1_MORE) != 0;
	int is_again = ns == s->host_ns;
	size_t inf = p[2], seen = len - T1_PROLOGUE;
	int goes_on = s->chain == CHAIN_REFUSED ||
	    (s->chain == CHAIN_OPEN && (is_again ? !s->began : s->is_acked));

	b->how = is_crc ? REFUSE_FAIL : is_more ? REFUSE_T1_MORE : REFUSE_T1;
	b->flip = (uint8_t)(s->host_flip << T1_NS);
	if (goes_on) {
		b->kind = s->chain == CHAIN_REFUSED ? BLOCK_REFUSED
						    : BLOCK_PLAIN;
		s->began = 0;
	} else {
		begin(b, p + T1_PROLOGUE, seen < inf ? seen : inf, inf,
		    is_more ? APDU_BEGIN : APDU_WHOLE);
		s->began = 1;
	}
	if (b->kind != BLOCK_REFUSED || !is_more) {
		s->chain = is_more ? CHAIN_OPEN : CHAIN_NONE;
	}
	s->is_acked = 0;
	s->host_ns = ns;
}

/* Strict, since a card that still speaks T=0 would take NAD and PCB for CLA and
 * INS of a command. */
static int
is_t1(uint8_t pcb, uint8_t len)
{
	if ((pcb & T1_R) == 0) {
		return (pcb & 0x1f) == 0;
	}
	if ((pcb & T1_S) == T1_R) {
		return (pcb & 0x2c) == 0 && len == 0;
	}
	return (pcb & 0x1c) == 0 && len <= 1;
}

static void
read_t1(struct ccid_block *b, const uint8_t *p, size_t len, size_t total)
{
	struct ccid_slot *s = &b->after;
	size_t epilogue;

	if (len < T1_PROLOGUE || total < T1_PROLOGUE + p[2] + 1u ||
	    total > T1_PROLOGUE + p[2] + 2u || p[2] == 0xff) {
		invalid(b, "T=1 block of a wrong length");
		return;
	}
	if (!is_t1(p[1], p[2])) {
		invalid(b, "T=1 block of no kind");
		return;
	}
	epilogue = total - T1_PROLOGUE - p[2];
	if ((p[1] & T1_R) == 0) {
		read_t1_i(b, p, len, epilogue == 2);
	} else if ((p[1] & T1_S) == T1_R) {
		b->flip = (uint8_t)(s->card_flip << T1_NR);
	} else if ((p[1] & 0x1f) == T1_RESYNCH) {
		uint8_t protocol = s->protocol;

		ccid_block_reset(s);
		s->has_protocol = 1;
		s->protocol = protocol;
		s->fresh = 0;
	} else if ((p[1] & 0x1f) == T1_ABORT) {
		s->chain = CHAIN_NONE;
	}
}

static void
read_tpdu(struct ccid_block *b, const uint8_t *p, size_t len, size_t total)
{
	struct ccid_slot *s = &b->after;

	if (is_pps(s, p, len, total)) {
		s->has_protocol = 1;
		s->protocol = p[1] & 15;
	} else if (!s->has_protocol) {
		opaque(b, p, len);
	} else if (s->protocol == 1) {
		read_t1(b, p, len, total);
	} else {
		begin(b, p, len, total, APDU_WHOLE);
	}
	s->fresh = 0;
}

void
ccid_block_read(struct ccid_block *b, const struct ccid_slot *slot,
    enum ccid_level level, const uint8_t *p, size_t len, size_t total)
{
	const uint8_t *data = p + CCID_HEADER;
	size_t seen = len - CCID_HEADER, all = total - CCID_HEADER;

	*b = (struct ccid_block){.kind = BLOCK_PLAIN, .after = *slot};
	if (p[0] == CCID_SECURE) {
		read_secure(b, data, seen, all);
		return;
	}
	if (all == 0 && level != CCID_EXTENDED) {
		return;
	}
	switch (level) {
	case CCID_CHARACTER:
		opaque(b, data, seen);
		break;
	case CCID_TPDU:
		read_tpdu(b, data, seen, all);
		break;
	case CCID_SHORT:
		begin(b, data, seen, all, APDU_WHOLE);
		break;
	case CCID_EXTENDED:
		read_extended(b, le16_at(p + 8), data, seen, all);
		break;
	}
}

uint8_t
ccid_block_want(uint8_t msg)
{
	switch (msg) {
	case CCID_POWER_ON:
	case CCID_XFR_BLOCK:
	case CCID_SECURE:
		return CCID_DATA_BLOCK;
	case CCID_POWER_OFF:
	case CCID_GET_SLOT_STATUS:
	case CCID_ICC_CLOCK:
	case CCID_T0_APDU:
	case CCID_MECHANICAL:
	case CCID_ABORT:
		return CCID_SLOT_STATUS;
	case CCID_GET_PARAMETERS:
	case CCID_RESET_PARAMETERS:
	case CCID_SET_PARAMETERS:
		return CCID_PARAMETERS;
	case CCID_ESCAPE:
		return CCID_ESCAPE_ANSWER;
	case CCID_SET_DATA_RATE:
		return CCID_DATA_RATE;
	}
	return 0;
}

static void
header(const struct ccid_slot *slot, const uint8_t *p, size_t len,
    uint8_t dst[CCID_HEADER])
{
	uint8_t want = ccid_block_want(p[0]);

	memset(dst, 0, CCID_HEADER);
	dst[0] = want != 0 ? want : CCID_SLOT_STATUS;
	dst[1] = (uint8_t)len;
	dst[5] = p[5];
	dst[6] = p[6];
	dst[7] = slot->icc;
}

void
ccid_block_fail(const struct ccid_slot *slot, const uint8_t *p, uint8_t error,
    uint8_t dst[CCID_HEADER])
{
	header(slot, p, 0, dst);
	dst[7] |= 0x40; /* bmCommandStatus: failed */
	dst[8] = error;
}

/* A block from the card, as the host awaits it. */
static size_t
refuse_t1(struct ccid_slot *slot, const uint8_t *block, int is_more,
    uint16_t sw, uint8_t *dst)
{
	size_t n = T1_PROLOGUE;

	dst[0] = (uint8_t)(block[0] << 4 | block[0] >> 4);
	if (is_more) {
		dst[1] = (uint8_t)(T1_R | (slot->host_ns ^ 1) << T1_NR);
		dst[2] = 0;
	} else {
		dst[1] = (uint8_t)(slot->card_ns << T1_NS);
		dst[2] = 2;
		dst[n++] = (uint8_t)(sw >> 8);
		dst[n++] = (uint8_t)sw;
		slot->card_ns ^= 1;
		slot->card_flip ^= 1;
	}
	dst[n] = 0;
	for (size_t i = 0; i < n; i++) {
		dst[n] ^= dst[i];
	}
	return n + 1;
}

size_t
ccid_block_refuse(struct ccid_slot *slot, const struct ccid_block *b,
    const uint8_t *p, uint16_t sw, uint8_t dst[CCID_MADE_UP])
{
	uint8_t *data = dst + CCID_HEADER;
	uint8_t before = slot->host_ns;
	size_t n = 0;

	if (b->how == REFUSE_FAIL) {
		ccid_block_fail(slot, p, 0xfe, dst); /* ICC_MUTE */
		return CCID_HEADER;
	}
	if (b->kind == BLOCK_REFUSED) {
		sw = slot->sw;
	}
	*slot = b->after;
	slot->sw = sw;
	if (slot->chain == CHAIN_OPEN) {
		slot->chain = CHAIN_REFUSED;
	}
	switch (b->how) {
	case REFUSE_SW:
		data[n++] = (uint8_t)(sw >> 8);
		data[n++] = (uint8_t)sw;
		break;
	case REFUSE_T1:
	case REFUSE_T1_MORE:
		slot->host_flip ^= before != slot->host_ns;
		n = refuse_t1(slot, p + CCID_HEADER, b->how == REFUSE_T1_MORE,
		    sw, data);
		break;
	case REFUSE_MORE:
	case REFUSE_FAIL:
		break;
	}
	header(slot, p, n, dst);
	if (b->how == REFUSE_MORE) {
		dst[9] = 0x10; /* bChainParameter: continue the command */
	}
	return CCID_HEADER + n;
}

/* The card has no open chain any more. A refused one it never had. */
static void
end_chain(struct ccid_slot *slot)
{
	slot->is_acked = 0;
	if (slot->chain == CHAIN_OPEN) {
		slot->chain = CHAIN_NONE;
	}
}

uint8_t
ccid_block_answer(
    struct ccid_slot *slot, const uint8_t *p, size_t len, size_t total)
{
	const uint8_t *block = p + CCID_HEADER;
	uint8_t flip;

	if (slot->protocol != 1 || !slot->has_protocol ||
	    total < CCID_HEADER + T1_PROLOGUE + 1u ||
	    len < CCID_HEADER + T1_PROLOGUE) {
		return 0;
	}
	if ((block[1] & T1_R) == 0) {
		flip = (uint8_t)(slot->card_flip << T1_NS);
		slot->card_ns = ((block[1] ^ flip) >> T1_NS & 1) ^ 1;
		end_chain(slot);
		return flip;
	}
	if ((block[1] & T1_S) != T1_R) {
		if ((block[1] & 0x1f) != T1_IFS && (block[1] & 0x1f) != T1_WTX) {
			end_chain(slot);
		}
		return 0;
	}
	flip = (uint8_t)(slot->host_flip << T1_NR);
	slot->is_acked =
	    ((block[1] ^ flip) >> T1_NR & 1) == (slot->host_ns ^ 1);
	return flip;
}

/* The protocol that a card speaks first (ISO 7816-3 8.2.3): of TA2, else of
 * TD1, else T=0; and those that it offers, one in each TD. -1 = cut short. */
static int
atr_read(const uint8_t *atr, size_t len, uint16_t *offers)
{
	int first = -1, of_ta2 = -1;
	uint8_t y = len >= 2 ? atr[1] >> 4 : 0;
	size_t pos = 2;

	*offers = 0;
	for (unsigned i = 1; i < 8; i++) {
		if (i == 2 && (y & 1) != 0 && pos < len) {
			of_ta2 = atr[pos] & 15;
		}
		pos += (y & 1u) + (y >> 1 & 1u) + (y >> 2 & 1u);
		if ((y & 8) == 0) {
			break;
		}
		if (pos >= len) {
			return -1;
		}
		*offers |= (uint16_t)(1u << (atr[pos] & 15));
		if (first < 0) {
			first = atr[pos] & 15;
		}
		y = atr[pos++] >> 4;
	}
	if (len < 2 || pos > len) {
		return -1;
	}
	if (first < 0) {
		*offers = 1;
		first = 0;
	}
	return of_ta2 >= 0 ? of_ta2 : first;
}

void
ccid_block_learn(
    struct ccid_slot *slot, uint8_t msg, const uint8_t *p, size_t len)
{
	int protocol = -1;

	if (msg == CCID_POWER_ON) {
		ccid_block_reset(slot);
		protocol = atr_read(
		    p + CCID_HEADER, len - CCID_HEADER, &slot->offers);
	} else if (ccid_block_want(msg) == CCID_PARAMETERS &&
	    len > CCID_HEADER) {
		protocol = p[9];
	} else {
		return;
	}
	slot->has_protocol = (protocol == 0 || protocol == 1) &&
	    (slot->offers >> protocol & 1) != 0;
	slot->protocol = slot->has_protocol ? (uint8_t)protocol : 0;
}
