/*
 * Profiles from disk, compiled, and a judge for each that is asked about.
 */
#ifndef POLICY_TOOL_PROFILES_H
#define POLICY_TOOL_PROFILES_H

#include <stddef.h>
#include <stdint.h>

#include "policy/profiles/profile.h"
#include "policy/profiles/table.h"

#define PROFILES_STOCK "/usr/share/sallyport/profiles"
#define PROFILES_LOCAL "/etc/sallyport/profiles"

struct profiles_text { /* all owned */
	struct profiles_text *next;
	char *name, *text;
	size_t len;
};

struct profiles_judge { /* owned */
	struct profiles_judge *next;
	size_t profile; /* in the set */
	void *block;
	struct table table;
	struct pjudge judge;
};

struct profiles {
	struct profile_set *set;
	struct profiles_text *texts;
	struct profiles_judge *judges;
};

/* Reads the files; a directory stands for the *.profile in it, sorted by name.
 * Those below PROFILES_STOCK are stock profiles. n 0: the two directories of an
 * installed gateway, as far as there are any. 0, or an error that was said with
 * all there is to say. Always needs profiles_fini. */
int profiles_open(
    struct profiles *profiles, const char *const *paths, size_t n);
void profiles_fini(struct profiles *profiles);

/* The judge of a profile, the same each time, so that its meters and quotas go
 * on. at is Unix seconds, and its clock; tz the gateway's zone, "" = this
 * machine's. NULL with why. */
struct profiles_judge *profiles_find(struct profiles *profiles,
    const char *name, int64_t at, const char *tz, char *why, size_t size);
/* That clock: nanoseconds. */
uint64_t profiles_clock(int64_t at);

/* The line of a rule without the blanks around it; *len 0 if it is not there. */
const char *profiles_line(const struct profiles *profiles,
    const struct table_rule *rule, size_t *len);
/* "deny sense 07/27/00 by x.profile:12 (key "K")", or "deny, implicit: ...". */
const char *profiles_ruling(char *dst, size_t size,
    const struct profiles_judge *judge, const struct ruling *ruling);

#endif
