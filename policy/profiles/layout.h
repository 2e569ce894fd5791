/*
 * Inside of policy/profiles: how a block lies in memory. Offsets count bytes
 * from its start and are multiples of 8; indexes count entries of one profile's
 * arrays. Both sides are of one install on one machine, so numbers are the
 * machine's own. table_open checks everything that judge.c relies on.
 *
 *   thead | tprofile ... | tbind ... | per profile: trule tmatch tvalue tmeter
 *         | tindex and its arrays | words of bitmaps | texts
 */
#ifndef POLICY_PROFILES_LAYOUT_H
#define POLICY_PROFILES_LAYOUT_H

#include <stdint.h>

#include "policy/facts/facts.h"
#include "policy/profiles/table.h"

#define TABLE_MAGIC 0x54505053u /* "SPPT" */
#define TABLE_VERSION 2u
#define TABLE_RULES (64u * 1024u) /* of one profile, all hooks */
#define TABLE_SOURCES 64u	  /* lists that one ruling walks at once */

struct thead {
	uint32_t magic, version, size, nprofiles, nbinds;
	int32_t utc_offset;
	uint32_t profiles, binds; /* offsets */
	uint32_t texts, ntexts;	  /* offset and bytes; the last one is 0 */
};

struct tbind {
	uint8_t config, interface;
	uint16_t profile;
};

/* Rules of one hook, and the index over them. */
struct thook {
	uint32_t first, n;	  /* of rules */
	uint32_t index, nindexes; /* first tindex; none: every rule is tried */
	uint32_t rest, nrest;	  /* in lists: rules under no index, ascending */
};

struct tprofile {
	uint32_t name; /* all texts: offset within the texts */
	uint32_t hooks; /* bit n: `on' of hook n */
	uint8_t is_audit, arm_digits, unused[6];
	uint64_t arm_within;
	uint64_t cap_transfer, cap_inflight, cap_bytes;
	uint32_t rules, nrules;	  /* offset, count; and so on */
	uint32_t matches, nmatches;
	uint32_t values, nvalues;
	uint32_t meters, nmeters;
	uint32_t indexes, nindexes;
	uint32_t spans, nspans;	  /* of indexes */
	uint32_t lists, nlists;	  /* rule numbers */
	uint32_t words, nwords;	  /* 64-bit, of bitmaps */
	struct thook on[HOOKS];
};

enum trule_flag {
	TRULE_LOG = 1,
	TRULE_CAPTURE = 2,
	TRULE_AUDIT = 4,
	TRULE_OVER = 8, /* has a match on a meter or quota: they stand last */
};

struct tedit {
	uint64_t value;
	uint8_t fact, unused[7];
};

struct trule {
	uint8_t verdict; /* enum verdict, or VERDICTS for a note */
	uint8_t how, sense[3], flags, level, ask_else;
	uint16_t code;
	uint8_t nedits, unused;
	uint32_t line, capture;
	uint32_t file, key, log, ask;
	uint64_t ask_within;
	uint32_t match, nmatches; /* first, count */
	struct tedit edits[RULING_EDITS];
};

/* How the values of a MATCH_FACT are kept. */
enum tform {
	TFORM_BITS,   /* nwords words from `word': numbers below 64 * nwords */
	TFORM_RANGES, /* values, sorted and apart from each other */
	TFORM_LIST,   /* values in no order: chords, texts, bytes, windows */
	TFORM_ONE,    /* op and the low of the one value */
};

struct tmatch {
	uint8_t kind;	   /* enum match_kind */
	uint8_t is_not, fact, fact_kind;
	uint8_t op, form, width, is_big;
	uint32_t value, nvalues;
	uint32_t word, nwords;
	uint32_t meter;
	uint32_t offset, last;
	uint32_t mask; /* first byte within the texts; UINT32_MAX = none */
};

struct tvalue {
	uint64_t low, high;
	uint32_t bytes, len; /* within the texts; they may hold any byte */
	uint8_t mods, is_prefix, unused[6];
};

struct tmeter {
	uint64_t amount, per, burst;
	uint32_t name;
	uint8_t is_quota, unused[3];
};

/* For one fact of a hook: sorted spans of values, each with the rules that can
 * match a unit whose value lies there. */
struct tindex {
	uint8_t fact, kind; /* enum fact_kind */
	uint8_t shift, unused;
	uint32_t span, nspans;
	/* In lists, njumps + 1 of them: a value v is looked for from span
	 * jump[k] up to jump[k + 1], with k = (v - the first low) >> shift.
	 * None: among all. */
	uint32_t jump, njumps;
};

struct tspan {
	uint64_t low, high;  /* of numbers; sorted, apart */
	uint32_t bytes, len; /* of a text instead; sorted by memcmp, then len */
	uint32_t list, n;
};

/* Borrowed views of one profile's arrays, after table_open. */
struct tview {
	const struct thead *head;
	const struct tprofile *profile;
	const struct trule *rules;
	const struct tmatch *matches;
	const struct tvalue *values;
	const struct tmeter *meters;
	const struct tindex *indexes;
	const struct tspan *spans;
	const uint32_t *lists;
	const uint64_t *words;
	const uint8_t *texts;
};
struct tview table_view(const struct table *t, unsigned profile);

/* match.c: whether one match holds; all: of a fact with several values every
 * one has to lie inside. Not for MATCH_OVER. */
int tmatch_holds(const struct tview *v, const struct tmatch *m,
    const struct facts *f, int all, int64_t local);

/* meter.c */
/* Whether one more unit would be too much. Meters count it when it is not, but
 * for one that is counted already, of which none is over; quotas only look. */
int meter_over(const struct tmeter *m, struct meter_state *state,
    const struct facts *f, uint64_t now, int is_counted);
void meter_charge(const struct tmeter *m, struct meter_state *state,
    uint64_t bytes, uint64_t now);

/* lookup.c: rules of a hook that can match, in order. */
struct candidates {
	const uint32_t *at[TABLE_SOURCES], *end[TABLE_SOURCES];
	unsigned n;
	uint32_t next, last; /* of all rules, where there is no index */
	int is_all;
};
void candidates_init(struct candidates *c, const struct tview *v,
    const struct thook *on, const struct facts *f);
/* The next rule, ascending; UINT32_MAX = no more. */
uint32_t candidates_next(struct candidates *c);

#endif
