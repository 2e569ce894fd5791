/*
 * What a decoder says of one unit (a command, a report, a frame), and what the
 * profile rules on it. The seam between policy/decode and policy/profiles;
 * neither includes the other.
 */
#ifndef POLICY_FACTS_FACTS_H
#define POLICY_FACTS_FACTS_H

#include <stddef.h>
#include <stdint.h>

#include "policy/facts/hook.h"

/* Both sides of a modifier are one. */
enum key_mod { MOD_CTRL = 1, MOD_SHIFT = 2, MOD_ALT = 4, MOD_GUI = 8 };
#define KEY_CODES 320u /* see names_key */
#define KEY_WORDS (KEY_CODES / 64u)

/* Set `hook' and has = 0, then what is known with facts_set. Pointers are
 * borrowed for the one call. Facts that are not in `has' match nothing. */
struct facts {
	enum hook hook;
	uint8_t is_back; /* on the way back from the device */
	uint8_t mods;	 /* enum key_mod, with FACT_CHORD */
	uint64_t has;	 /* bit n = enum fact n */
	uint64_t num[FACTS];
	uint64_t high;	 /* FACT_LBA: the last block; num is the first. An empty
			    range has high < num. */
	uint64_t keys[KEY_WORDS]; /* FACT_KEY and FACT_CHORD: bit n = code n */
	const uint32_t *usages;	  /* FACT_USAGE */
	uint32_t nusages;
	const uint8_t *text; /* FACT_RP or FACT_AID */
	uint32_t text_len;
	const uint8_t *bytes; /* of the unit, for byte matches; or NULL */
	uint32_t nbytes;
};

static inline void
facts_init(struct facts *f, enum hook hook)
{
	f->hook = hook;
	f->is_back = 0;
	f->mods = 0;
	f->has = 0;
	f->high = 0;
	f->usages = NULL;
	f->nusages = 0;
	f->text = NULL;
	f->text_len = 0;
	f->bytes = NULL;
	f->nbytes = 0;
}

static inline void
facts_set(struct facts *f, enum fact fact, uint64_t value)
{
	f->has |= UINT64_C(1) << fact;
	f->num[fact] = value;
}

static inline int
facts_has(const struct facts *f, enum fact fact)
{
	return (f->has >> fact & 1) != 0;
}

/* A number of a fact as it is shown: its name, or hex where the protocol's
 * documents write hex. NUL-terminated, cut to fit; returns dst. */
char *fact_number_text(char *dst, size_t size, const struct hook_fact *fact,
    uint64_t n);

/* One line for people and the audit log, without payload: "op=write-10 lun=0
 * lba=2048..2055 len=4096". Key codes and usages of a HID are payload and are
 * left out, but for the chord or key that a refusing rule names itself (the
 * rule's place says it). NUL-terminated, cut to fit; returns dst. */
char *facts_text(char *dst, size_t size, const struct facts *f);

/* One value for each verdict of the language that ends the judgement; `note'
 * does not, and is reported only. */
enum verdict {
	VERDICT_ALLOW,
	VERDICT_DENY,
	VERDICT_DROP,
	VERDICT_REWRITE, /* edit, then pass */
	VERDICT_ASK,	 /* hold: see judge.h */
	VERDICT_EJECT,
	VERDICT_QUARANTINE,
	VERDICTS
};
const char *verdict_name(enum verdict verdict);

enum verdict_how {
	HOW_DEFAULT, /* the protocol's own way */
	HOW_STALL,
	HOW_SENSE,   /* sense[] = key, ASC, ASCQ */
	HOW_SW,	     /* code: status word of a card */
	HOW_CTAPERR, /* code: CTAP1/CTAP2 error */
};

#define RULING_EDITS 4u
#define RULING_IMPLICIT UINT32_MAX

struct ruling {
	enum verdict verdict;
	enum verdict_how how; /* of a DENY */
	uint8_t sense[3];
	uint16_t code;
	uint32_t rule; /* of its table, or RULING_IMPLICIT: the hook's end */
	uint8_t nedits;
	struct ruling_edit {
		enum fact fact; /* an editable one */
		uint64_t value;
	} edits[RULING_EDITS];
};

#endif
