/*
 * Inside of policy/profiles: the tree that parse.y builds and load.c resolves
 * (defines expanded, `extends' linearised, names made numbers), and that
 * build.c compiles. Nothing outside of this folder and its tests includes it.
 *
 *   text -> lex.c -> parse.y -> tree -> check.c -> build.c -> table
 *
 * Everything lives in one arena of the load.
 */
#ifndef POLICY_PROFILES_AST_H
#define POLICY_PROFILES_AST_H

#include <stddef.h>
#include <stdint.h>

#include "policy/facts/facts.h"
#include "policy/profiles/profile.h"

struct place { /* of a word in a text */
	const char *file; /* borrowed from the set */
	unsigned line, column; /* from 1; bytes */
};

enum match_op { MATCH_IN, MATCH_NE, MATCH_LT, MATCH_LE, MATCH_GT, MATCH_GE };
/* `= N' and `== N', a value, a range and a set are all MATCH_IN. */

/* Values of a match after names are resolved: ranges of numbers, inclusive.
 * A name of a group gives several. */
struct value {
	struct value *next;
	uint64_t low, high;
	/* FACT_CHORD: modifiers that must be there (enum key_mod), keys low ..
	 * high; 0 .. KEY_CODES-1 for `*' */
	uint8_t mods;
	/* FACT_IS_TEXT, FACT_IS_HEX, `contains', `bytes@': the bytes */
	const uint8_t *bytes;
	uint32_t len;
	uint8_t is_prefix; /* of a text that ended in * */
	const char *word;  /* as it was written, strings with their quotes. Of
			      what a $NAME or the name of a group brought, the
			      first has the name, and the others NULL */
	struct place at;
};

enum match_kind {
	MATCH_FACT,	/* FIELD cmp, FLAG */
	MATCH_OVER,	/* over NAME: a meter or quota */
	MATCH_BYTES,	/* u8@N [& mask] cmp */
	MATCH_CONTAINS, /* contains "hex" in a..b */
	MATCH_TIME,	/* time { DAYS TIME-TIME ... } */
};

struct window { /* local minutes of a week, Monday 00:00 = 0; may wrap */
	struct window *next;
	uint8_t days;	   /* bit 0 = Monday */
	uint32_t from, to; /* seconds of the day; to <= from wraps past midnight */
};

struct match {
	struct match *next;
	enum match_kind kind;
	uint8_t is_not;
	const struct hook_fact *fact; /* MATCH_FACT; borrowed, static */
	enum match_op op;
	struct value *values;
	const char *name; /* MATCH_OVER; of MATCH_FACT, the word */
	/* MATCH_BYTES: width 1, 2, 4, or 0 = bytes@ (values' len); MATCH_CONTAINS:
	 * offset .. last where the pattern may begin */
	uint8_t width, is_big;
	uint32_t offset, last;
	const uint8_t *mask; /* as they lie in the unit: width or len bytes, or
				NULL */
	uint32_t mask_len;
	struct window *windows;
	struct place at;
};

struct edit {
	struct edit *next;
	const char *name, *word; /* as they were written */
	const struct hook_fact *fact;
	uint64_t value;
	struct place at;
};

/* `note' is a verdict of the language that does not end the judgement. */
#define PVERDICT_NOTE VERDICTS

struct prule {
	struct prule *next;
	unsigned verdict; /* enum verdict, or PVERDICT_NOTE */
	enum verdict_how how;
	uint8_t sense[3];
	uint16_t code;
	struct edit *edits;
	const char *ask; /* the server's name */
	uint64_t ask_within; /* ns */
	enum verdict ask_else; /* ALLOW DENY EJECT */
	struct match *matches;
	uint8_t has_log, has_capture, is_audit;
	enum profile_level level;
	const char *log;     /* NULL or the text */
	uint32_t capture;    /* units, 0 = no number given */
	const char *key;     /* NULL = none */
	struct place at;
	uint32_t id; /* given by load.c: its number in the profile */
};

struct meter {
	struct meter *next;
	const char *name;
	uint8_t is_quota;
	uint64_t amount; /* units, or bytes of a quota */
	uint64_t per;	 /* ns */
	uint64_t burst;	 /* 0 = amount of one second, at least 1 */
	uint8_t is_used; /* a rule names it */
	struct place at;
};

struct pin { /* `pin report "sha256:..."', `pin usage { ... }' */
	struct pin *next;
	uint8_t is_usage;
	struct value *values;
	struct place at;
};

struct triple { /* of `for' */
	struct triple *next;
	uint8_t class, subclass, protocol;
	uint8_t any; /* bit 1 = any subclass, bit 2 = any protocol */
	struct place at;
};

struct profile {
	struct profile *next;
	const char *name, *extends;
	struct place extends_at;
	struct profile *parent; /* resolved; NULL = none */
	/* Of these, what a profile does not say itself is its parent's. */
	struct triple *triples;
	uint8_t has_mode, is_audit;
	uint64_t cap_transfer, cap_inflight, cap_bytes; /* 0 = none */
	uint8_t arm_digits;
	uint64_t arm_within; /* ns */
	struct place arm_at;
	/* Own; the parent's hold as well. A meter is looked for by name from the
	 * profile that is compiled on up: one of its own takes the place of a
	 * parent's. */
	struct pin *pins;
	struct meter *meters;
	struct prule *rules[HOOKS]; /* own, in order */
	uint32_t hooks;		    /* bit n: `on' of hook n, own or inherited */
	uint8_t origin; /* enum profile_origin */
	unsigned number;    /* in the order of the texts */
	struct place at;
};

/* Number i < profile_set_count of a set. Borrowed from it. */
const struct profile *profile_set_tree(
    const struct profile_set *set, size_t i);

#endif
