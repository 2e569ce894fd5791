/*
 * Judges of profiles that are on disk, for what is asked on the command line and
 * in test files.
 */
#ifndef POLICY_TOOL_JUDGES_H
#define POLICY_TOOL_JUDGES_H

#include <stddef.h>
#include <stdint.h>

#include "policy/profiles/profile.h"
#include "policy/profiles/table.h"

struct judged { /* owned */
	struct judged *next;
	size_t profile; /* in the set */
	void *block;
	struct table table;
	struct pjudge judge;
};

struct judges {
	struct profile_set *set; /* owned */
	struct judged *list;
};

/* What profile_files_open says. Always needs judges_fini. */
int judges_open(struct judges *judges, char *const *paths, size_t n,
    const char *stock);
void judges_fini(struct judges *judges);

/* The judge of a profile, the same each time, so that its meters and quotas go
 * on. at is Unix seconds, and its clock; tz the gateway's zone, "" = this
 * machine's. NULL with why. */
struct judged *judges_find(struct judges *judges, const char *name,
    int64_t at, const char *tz, char *why, size_t size);
/* That clock: nanoseconds. */
uint64_t judges_clock(int64_t at);

/* The line of a rule in its file without the blanks around it, cut to fit; ""
 * if it cannot be read. Returns dst. */
const char *judges_line(
    char *dst, size_t size, const struct table_rule *rule);
/* "deny sense 07/27/00 by x.profile:12 (key "K")", or "deny, implicit: ...". */
const char *judges_ruling(char *dst, size_t size, const struct judged *judge,
    const struct ruling *ruling);

#endif
