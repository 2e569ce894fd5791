/*
 * Devices as text: the descriptors in hex, for captures without them; and for the
 * tests of vetting, with the verdict that is expected of them. The format is in
 * sallyport-policy(1) and tests/devices/README.md.
 */
#ifndef POLICY_TOOL_DEVTEXT_H
#define POLICY_TOOL_DEVTEXT_H

#include "wire/devrec.h"

struct devtext {
	char name[64];    /* of the file, without its ending */
	char expect[64];  /* "accept", "waiver W1", "refuse R6.union"; "" */
	char refused[32]; /* a rule of the reader's, which hands on nothing that
			     does not fit a record; "" for a whole record */
	struct devrec rec;
};

/* 0, or -1 with a message on stderr. */
int devtext_read(struct devtext *out, const char *path);

#endif
