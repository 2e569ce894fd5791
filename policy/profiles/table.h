/*
 * A compiled set of profiles, as a session has it: one flat block without
 * pointers, made by profile_build in the warden, sealed, mapped read-only by the
 * session and checked again (bounds, counts, ranges) before anything of it is
 * used. And the judge that runs it. No malloc, no I/O.
 */
#ifndef POLICY_PROFILES_TABLE_H
#define POLICY_PROFILES_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "policy/facts/judge.h"

#define TABLE_MAX (16u * 1024u * 1024u) /* bytes of a block */
#define TABLE_PROFILES 32u	       /* in one block */
#define TABLE_METERS 32u	       /* meters and quotas of one profile */

struct table { /* a checked block, borrowed */
	const uint8_t *bytes;
	size_t size;
};

/* 0, or ERR_FORMAT. The block must not change afterwards. */
int table_open(struct table *out, const void *block, size_t size);
unsigned table_profiles(const struct table *t);
const char *table_name(const struct table *t, unsigned profile);
uint32_t table_hooks(const struct table *t, unsigned profile);
/* The profile of an interface of a configuration (bConfigurationValue); -1 =
 * none, and then nothing of the interface may pass. */
int table_bound(const struct table *t, uint8_t config, uint8_t interface);
void table_terms(
    const struct table *t, unsigned profile, struct judge_terms *out);

struct table_caps {
	uint64_t transfer, inflight, bytes; /* 0 = none */
};
void table_caps(
    const struct table *t, unsigned profile, struct table_caps *out);

/* Where a rule stands. All borrowed from the block. RULING_IMPLICIT: key "",
 * file "" and line 0. */
struct table_rule {
	const char *file, *key, *log; /* "" = none */
	const char *ask;	      /* server's name */
	uint64_t ask_within;	      /* ns */
	enum verdict ask_else;
	unsigned line;
	uint8_t level;	  /* enum profile_level */
	uint8_t has_log, has_capture;
	uint32_t capture;
};
int table_rule(const struct table *t, unsigned profile, uint32_t rule,
    struct table_rule *out);

/* The judge of one profile of one device. Lives inside its user; a device has
 * one per profile. */
struct pjudge_report {
	enum hook hook;
	unsigned verdict; /* enum verdict; VERDICTS = a note */
	uint8_t is_trial; /* `audit' or `mode audit': not carried out */
	uint32_t rule;
	const struct facts *facts; /* NULL for an invalid unit */
	const char *what;	   /* of an invalid unit, or NULL */
};
struct pjudge_sink {
	/* Every refusal, every note, every rule with `log', every trial. */
	void (*report)(void *arg, const struct pjudge_report *report);
	void *arg;
};

struct meter_state {
	uint64_t level; /* meters: ns of credit; quotas: bytes used */
	uint64_t since; /* monotonic ns */
};

struct pjudge {
	struct judge judge; /* first member */
	struct table table;
	unsigned profile;
	struct pjudge_sink sink;
	void *owner; /* the user's own; not touched */
	int64_t wall; /* Unix seconds at mono 0, for `time' */
	struct meter_state meters[TABLE_METERS];
	/* Set before a held unit is judged again: its answer. Used up by the
	 * next ruling that would be an ASK. */
	uint8_t has_answer;
	enum verdict answer; /* ALLOW DENY EJECT */
};

/* wall_now, mono_now: the same moment on both clocks. */
void pjudge_init(struct pjudge *j, const struct table *table,
    unsigned profile, const struct pjudge_sink *sink, int64_t wall_now,
    uint64_t mono_now);
/* Another table at a transfer boundary: what meters and quotas of the same name
 * and form have counted stays. profile is the new one's index. */
void pjudge_swap(
    struct pjudge *j, const struct table *table, unsigned profile,
    uint64_t mono_now);
/* Quotas outlive a session: name, bytes used and since when (Unix seconds) of
 * number i, or ERR_NOENT past the last; and to put back what was kept. A name
 * that is unknown is ignored. */
int pjudge_quota(const struct pjudge *j, unsigned i, const char **name,
    uint64_t *used, int64_t *since);
void pjudge_quota_set(struct pjudge *j, const char *name, uint64_t used,
    int64_t since, int64_t wall_now, uint64_t mono_now);

/* Why a unit is ruled as it is: for each rule of the hook up to the deciding
 * one. reason is in a buffer of the call. For sallyport-policy explain. */
typedef void table_explain_cb(void *arg, const struct table_rule *rule,
    int matched, const char *reason);
void pjudge_explain(struct pjudge *j, const struct facts *facts,
    uint64_t now, table_explain_cb *cb, void *arg);

#endif
