/*
 * The half of `explain' that speaks of a profile and one unit.
 */
#ifndef POLICY_TOOL_EXPLAIN_UNIT_H
#define POLICY_TOOL_EXPLAIN_UNIT_H

#include <stddef.h>
#include <stdint.h>

struct explain_unit { /* all borrowed */
	const char *profile;
	char *const *paths; /* of profiles */
	size_t npaths;
	const char *stock; /* as profile_files_open has it */
	const char *text; /* of the unit */
	int64_t at;
	const char *tz;
	int is_json;
};

/* The exit status of the command. */
int explain_unit(const struct explain_unit *question);

#endif
