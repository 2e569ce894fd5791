/*
 * Descriptors of a card reader, for the test and the fuzz target.
 */
#ifndef TESTS_UNIT_CCID_READER_H
#define TESTS_UNIT_CCID_READER_H

#define LE32(v) (v) & 255, (v) >> 8 & 255, (v) >> 16 & 255, (v) >> 24 & 255

/* last: the highest slot; level: 0x10000 TPDU, 0x20000 short APDU, 0x40000
 * extended; max: bytes of a message */
#define CCID_READER(last, level, max)                                        \
	9, 2, 93, 0, 1, 1, 0, 0x80, 50, 9, 4, 0, 0, 3, 0x0b, 0, 0, 0, 54,     \
	0x21, 0x10, 1, last, 7, LE32(3), LE32(4000), LE32(4000), 0,           \
	LE32(10752), LE32(344086), 0, LE32(254), LE32(0), LE32(0),            \
	LE32(0x30 | (level)), LE32(max), 0xff, 0xff, 0, 0, 0, 1, 7, 5, 1, 2,  \
	64, 0, 0, 7, 5, 0x82, 2, 64, 0, 0, 7, 5, 0x83, 3, 8, 0, 16

#endif
