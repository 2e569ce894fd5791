/*
 * A capture through decoders and a profile, as a session would have judged it:
 * transfers in the order of their frames, the device's descriptors out of the
 * answers in the capture itself.
 */
#ifndef POLICY_TOOL_REPLAY_H
#define POLICY_TOOL_REPLAY_H

#include <stddef.h>
#include <stdint.h>

struct replay { /* all borrowed */
	const char *capture;
	const char *profile; /* or "auto" */
	char *const *paths;  /* of profiles */
	size_t npaths;
	const char *stock; /* as profile_files_open has it */
	const char *device; /* "BUS.DEVICE"; NULL: the only one */
	const char *descriptors; /* a file that has them, or NULL */
	const char *tz;
	unsigned frame; /* explained; 0: what is refused is listed */
	int is_json;
};

/* Prints; the exit status of the command. */
int replay(const struct replay *question);

#endif
