/*
 * Devices as text, for the tests of vetting: the descriptors in hex, with the
 * verdict that is expected of them. tests/devices/README.md has the format.
 */
#ifndef TESTS_FAKE_DEVTEXT_H
#define TESTS_FAKE_DEVTEXT_H

#include "wire/devrec.h"

struct devtext {
	char name[64];    /* of the file, without its ending */
	char expect[64];  /* "accept", "waiver W1", "refuse R6.union" */
	char refused[32]; /* a rule of the reader's, which hands on nothing that
			     does not fit a record; "" for a whole record */
	struct devrec rec;
};

/* 0, or -1 with a message on stderr: a file that cannot be read is a bug of the
 * test. */
int devtext_read(struct devtext *out, const char *path);

#endif
