/*
 * The USB devices of a recording of umockdev-record: descriptors as the kernel
 * shows them, and the speed. For the tests of vetting.
 */
#ifndef TESTS_FAKE_UMOCKDEV_H
#define TESTS_FAKE_UMOCKDEV_H

#include <stdio.h>

#include "wire/devrec.h"

/* The next device of the recording: 1, 0 at the end, -1 for one of which no
 * record can be made. */
int umockdev_next(struct devrec *out, FILE *f);

#endif
