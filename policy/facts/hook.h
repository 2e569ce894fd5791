/*
 * The words that profiles and decoders share: the hooks at which something is
 * judged, and the facts that each hook has. Pure data. It knows neither the
 * language (policy/profiles) nor the protocols (policy/decode).
 */
#ifndef POLICY_FACTS_HOOK_H
#define POLICY_FACTS_HOOK_H

#include <stddef.h>
#include <stdint.h>

enum hook {
	HOOK_SETUP, /* a control transfer */
	HOOK_OUT,   /* a raw transfer, before the device has it */
	HOOK_IN,    /* a raw transfer, before the workstation has it */
	HOOK_SCSI,  /* one SCSI command */
	HOOK_HID,   /* one report */
	HOOK_CCID,  /* one message to or from a card reader */
	HOOK_APDU,  /* one command APDU */
	HOOK_CTAP,  /* one CTAPHID message */
	HOOK_SERIAL, /* class request or stream of a CDC-ACM port */
	HOOK_NET,   /* an Ethernet frame */
	HOOK_AV,    /* audio or video: control or stream */
	HOOK_PRINT, /* printer data */
	HOOK_MTP,   /* a PTP or MTP operation */
	HOOK_DFU,   /* a DFU request */
	HOOKS
};

/* Every fact of every hook; hook_info says which hook has which. */
enum fact {
	FACT_TYPE,	/* setup: standard class vendor */
	FACT_RECIPIENT, /* setup: device interface endpoint other */
	FACT_REQUEST,	/* setup, dfu: bRequest as a number, 0..255 */
	FACT_REQUEST_NAME, /* setup: enum of names_setup.c; "request" by name */
	FACT_VALUE,	/* setup: wValue */
	FACT_INDEX,	/* setup: wIndex */
	FACT_WLENGTH,	/* setup: wLength */
	FACT_DIR,	/* in out: of the transfer, frame, message */
	FACT_EP,	/* out in: endpoint address, 0x81 */
	FACT_XFER,	/* out in: iso bulk interrupt */
	FACT_LEN,	/* bytes of the unit */
	FACT_STATUS,	/* in: ok stall error */
	FACT_KIND,	/* hid, and setup of a HID: input output feature */
	FACT_REPORT_ID, /* hid */
	FACT_KEY,	/* hid: set of keys that are down (facts.keys) */
	FACT_CHORD,	/* hid: modifiers and keys that are down together */
	FACT_USAGE,	/* hid: set of page << 16 | usage that are not 0 */
	FACT_KEYDOWNS,	/* hid: keys newly down in this report */
	FACT_GAP,	/* hid: milliseconds since the report before */
	FACT_OP,	/* scsi: opcode (names_scsi.c); mtp: operation code */
	FACT_LUN,	/* scsi */
	FACT_LBA,	/* scsi: span of block addresses, num .. high */
	FACT_BLOCKS,	/* scsi: how many */
	FACT_PAGE,	/* scsi: of MODE SENSE, LOG SENSE, INQUIRY VPD */
	FACT_WP,	/* scsi: may be rewritten: the write-protect bit */
	FACT_MSG,	/* ccid: message type */
	FACT_SLOT,	/* ccid */
	FACT_CLA, FACT_INS, FACT_P1, FACT_P2, FACT_LC, /* apdu */
	FACT_AID,	/* apdu: bytes of a SELECT by name (facts.text) */
	FACT_CMD,	/* ctap: CTAPHID command */
	FACT_U2F,	/* ctap: register authenticate version */
	FACT_CBOR,	/* ctap: CTAP2 command byte */
	FACT_RP,	/* ctap: relying party id (facts.text) */
	FACT_BAUD,	/* serial, and setup of a CDC-ACM: bits per second */
	FACT_DTR, FACT_RTS, /* serial: 0 or 1 */
	FACT_ETHERTYPE, /* net: 0x0800 */
	FACT_PROTO,	/* net: IP protocol, the last of an IPv6 chain */
	FACT_DPORT,	/* net: of TCP, UDP, SCTP */
	FACT_ENTITY,	/* av, and setup: unit or terminal id */
	FACT_CONTROL,	/* av, and setup: control, policy/facts/av.h */
	FACT_STREAM,	/* av: microphone speaker video midi */
	FACT_FORMAT,	/* av: names_av.c */
	FACT_LANG,	/* print: pjl pcl postscript pdf escpos zpl other */
	FACT_PJL,	/* print: PJL command, names_print.c */
	FACT_OBJECT,	/* mtp: object handle */
	FACTS
};
_Static_assert(FACTS <= 64, "facts.has is a 64-bit set");

enum fact_kind {
	FACT_IS_NUMBER, /* 0..max */
	FACT_IS_WORD,	/* a name, or the number behind it where not is_closed */
	FACT_IS_FLAG,	/* 0 or 1; in the language the bare word, or = 0 | 1 */
	FACT_IS_SPAN,	/* num .. high, inclusive */
	FACT_IS_KEYS,	/* a set of key codes */
	FACT_IS_CHORDS,
	FACT_IS_USAGES, /* a set of 32-bit usages */
	FACT_IS_TEXT,	/* bytes, compared whole; * at the end of a pattern */
	FACT_IS_HEX,	/* bytes, written as quoted hex; a prefix matches */
};

/* A name and the numbers that it stands for; a name that stands for several
 * ranges (a group of opcodes) is there several times. Ends in a NULL name. */
struct fact_name {
	const char *name;
	uint32_t low, high; /* inclusive */
};

struct hook_fact {
	enum fact fact;
	enum fact_kind kind;
	const char *word; /* in the language: "report-id" */
	uint64_t max;	  /* of a number */
	const struct fact_name *names; /* NULL = none */
	uint8_t is_closed;   /* only the names, no numbers */
	uint8_t is_editable; /* `rewrite' may set it, and only that */
};

enum hook_flag {
	HOOK_HOLDS = 1,	 /* `ask' may hold its unit */
	HOOK_SENSE = 2,	 /* `deny sense' */
	HOOK_SW = 4,	 /* `deny sw' */
	HOOK_CTAPERR = 8, /* `deny ctaperr' */
	HOOK_BYTES = 16, /* u8@, le16@, bytes@, contains */
	HOOK_DROPS = 32, /* `drop' means something here */
};

struct hook_info {
	const char *name;
	unsigned flags; /* enum hook_flag */
	const struct hook_fact *facts;
	size_t nfacts;
};

/* Of each hook < HOOKS; never NULL. */
const struct hook_info *hook_info(enum hook hook);
/* HOOKS when there is none of that name. */
enum hook hook_find(const char *name, size_t len);
/* The fact of that word, or of that value, at a hook; NULL = it has none. A
 * word may find two: "request" by number and by name (the one with names is
 * FACT_REQUEST_NAME); then the first is the number. */
const struct hook_fact *hook_fact_find(
    enum hook hook, const char *word, size_t len);
const struct hook_fact *hook_fact_of(enum hook hook, enum fact fact);
/* The name of a number, the first that stands for it alone; NULL = none. */
const char *fact_name_of(const struct hook_fact *fact, uint64_t number);
/* The range number i of a name: 1 and *low, *high, or 0 past its last. */
int fact_name_range(const struct fact_name *names, const char *word,
    size_t len, unsigned i, uint32_t *low, uint32_t *high);

#endif
