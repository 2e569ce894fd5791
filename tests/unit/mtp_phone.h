/*
 * Descriptors of a phone that shows its files.
 */
#ifndef TESTS_UNIT_MTP_PHONE_H
#define TESTS_UNIT_MTP_PHONE_H

#define MTP_PHONE                                                             \
	9, 2, 39, 0, 1, 1, 0, 0x80, 50, 9, 4, 0, 0, 3, 6, 1, 1, 0, 7, 5, 1,   \
	2, 64, 0, 0, 7, 5, 0x81, 2, 64, 0, 0, 7, 5, 0x82, 3, 28, 0, 6

#endif
