/*
 * Inside of the decoder of card readers (CCID 1.1): what it knows of a slot.
 *
 *   ccid.c        messages: transfers, slots and sequence numbers, rulings
 *   ccid_desc.c   the reader's descriptor
 *   ccid_block.c  what is inside an XfrBlock or Secure: APDU, TPDU, T=1 block
 */
#ifndef POLICY_DECODE_CCID_H
#define POLICY_DECODE_CCID_H

#include <stddef.h>
#include <stdint.h>

#include "policy/decode/apdu.h"
#include "policy/decode/decode.h"

#define CCID_HEADER 10u /* bytes before the data of a bulk message */
#define CCID_SLOTS 16u	/* of one reader; no reader has more */

enum ccid_msg { /* CCID 1.1 6.1-6.3 */
	CCID_NOTIFY_SLOT_CHANGE = 0x50,
	CCID_HARDWARE_ERROR = 0x51,
	CCID_SET_PARAMETERS = 0x61,
	CCID_POWER_ON = 0x62,
	CCID_POWER_OFF = 0x63,
	CCID_GET_SLOT_STATUS = 0x65,
	CCID_SECURE = 0x69,
	CCID_T0_APDU = 0x6a,
	CCID_ESCAPE = 0x6b,
	CCID_GET_PARAMETERS = 0x6c,
	CCID_RESET_PARAMETERS = 0x6d,
	CCID_ICC_CLOCK = 0x6e,
	CCID_XFR_BLOCK = 0x6f,
	CCID_MECHANICAL = 0x71,
	CCID_ABORT = 0x72,
	CCID_SET_DATA_RATE = 0x73,
	CCID_DATA_BLOCK = 0x80,
	CCID_SLOT_STATUS = 0x81,
	CCID_PARAMETERS = 0x82,
	CCID_ESCAPE_ANSWER = 0x83,
	CCID_DATA_RATE = 0x84,
};

enum ccid_level { /* of exchange: dwFeatures, CCID 1.1 table 5.1-1 */
	CCID_CHARACTER,
	CCID_TPDU,
	CCID_SHORT,    /* short APDUs */
	CCID_EXTENDED, /* short and extended APDUs */
};

struct ccid_reader { /* what its descriptors say */
	uint8_t ep_out, ep_in;
	uint16_t packet; /* of ep_out */
	uint8_t nslots;
	enum ccid_level level;
	uint32_t max; /* bytes of a message */
};

/* ERR_FORMAT with *what; then *out is as it was. */
int ccid_reader_read(struct ccid_reader *out, const struct decode_iface *iface,
    const char **what);

enum ccid_chain { CHAIN_NONE, CHAIN_OPEN, CHAIN_REFUSED };

struct ccid_slot {
	uint8_t busy, msg, seq; /* the message in flight */
	uint8_t lax;  /* an answer may be late: one of another sequence number
			 is no offence, nor is another message */
	uint8_t icc;  /* bmICCStatus as last seen */
	uint8_t fresh; /* no block since power-on: a PPS may come */
	uint16_t offers; /* bit n: the card's answer to reset offers T=n */
	uint8_t has_protocol, protocol; /* T=0 or T=1; only one it offers */
	enum ccid_chain chain; /* of extended APDUs, or of T=1 I-blocks */
	uint16_t sw;	       /* of what is CHAIN_REFUSED */
	/* T=1. The card does not see refused blocks, and the host sees answers
	 * that the card never gave: from then on their sequence numbers differ
	 * by these, and are changed on the way. */
	uint8_t host_ns;	     /* of the host's last I-block; 2 = none */
	uint8_t began;		     /* that block was the first of its chain */
	uint8_t is_acked;	     /* the card took it and awaits the next */
	uint8_t card_ns;	     /* that the host awaits from the card */
	uint8_t host_flip, card_flip; /* 0 or 1 */
};

/* What a block is, and what becomes of the slot if it passes. */
struct ccid_block {
	enum {
		BLOCK_PLAIN,   /* no command begins in it */
		BLOCK_APDU,    /* one does: judge apdu */
		BLOCK_OPAQUE,  /* one may: judge without facts */
		BLOCK_REFUSED, /* goes on with a refused one */
		BLOCK_INVALID,
	} kind;
	const char *what; /* static: why it is invalid */
	struct apdu apdu;
	const uint8_t *bytes; /* of the APDU */
	size_t len;
	struct ccid_slot after; /* the slot once it has passed */
	uint8_t flip; /* to xor into PCB and LRC */
	/* How the refusal is said. */
	enum {
		REFUSE_SW,	/* the status word as it is */
		REFUSE_MORE,	/* an empty block: go on with the chain */
		REFUSE_T1,	/* I-block with the status word */
		REFUSE_T1_MORE, /* R-block: go on with the chain */
		REFUSE_FAIL,
	} how;
};

/* An XfrBlock or Secure message for a slot: the first len of its total bytes
 * (header included). Changes nothing. */
void ccid_block_read(struct ccid_block *b, const struct ccid_slot *slot,
    enum ccid_level level, const uint8_t *p, size_t len, size_t total);
/* Forgets what was between host and card: power-on, abort. */
void ccid_block_reset(struct ccid_slot *slot);
/* The answer to a block that did not reach the card, in dst of CCID_MADE_UP
 * bytes; returns its length and brings the slot in step. b is what read said of
 * the same bytes. A T=1 block with a CRC, and a PIN entry over T=1, get
 * "command failed" in place of the status word, after which the host
 * synchronizes anew. */
#define CCID_MADE_UP 16u
size_t ccid_block_refuse(struct ccid_slot *slot, const struct ccid_block *b,
    const uint8_t *p, uint16_t sw, uint8_t dst[CCID_MADE_UP]);
/* The header of an answer to p, "command failed" with that bError. */
void ccid_block_fail(const struct ccid_slot *slot, const uint8_t *p,
    uint8_t error, uint8_t dst[CCID_HEADER]);
/* The message that answers another; 0 = one that is unknown. */
uint8_t ccid_block_want(uint8_t msg);
/* A DataBlock that answers an XfrBlock at TPDU level, of total bytes; the
 * slot's numbers go on. Returns what to xor into PCB and LRC. */
uint8_t ccid_block_answer(
    struct ccid_slot *slot, const uint8_t *p, size_t len, size_t total);
/* A successful answer to msg: PowerOn, or one of those about parameters. */
void ccid_block_learn(struct ccid_slot *slot, uint8_t msg, const uint8_t *p,
    size_t len);

#endif
