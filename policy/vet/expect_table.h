/*
 * The table of products. Internal to policy/vet/.
 */
#ifndef POLICY_VET_EXPECT_TABLE_H
#define POLICY_VET_EXPECT_TABLE_H

#include <stddef.h>
#include <stdint.h>

#define EXPECT_ANY 0x100 /* every number, every class */

/* Flags: whom of the interfaces the needs are of, and needs beside endpoints.
 */
enum {
	EXPECT_EACH = 1,    /* each interface, not at least one */
	EXPECT_FIRST = 2,   /* interface 0 must be there */
	EXPECT_IAD = 4,     /* an interface association must be there */
	EXPECT_INPUT = 8,   /* HID: an input report, if its reports were read */
	EXPECT_OUTPUT = 16, /* HID: likewise an output report */
};

struct expect {
	const char *rule;          /* "R10.whiteheat": the driver's name */
	uint16_t vid, first, last; /* product ids, both included */
	uint16_t number, class;    /* of the interfaces that are meant */
	uint8_t flags;
	uint8_t interfaces; /* least number of them in the configuration */
	/* least endpoints of some alternate of it; ends: of any kind */
	uint8_t bulk_in, bulk_out, int_in, int_out, iso_in, iso_out, ends;
	uint8_t outputs; /* HID: least values in output reports, if any */
};

extern const struct expect expect_table[];
extern const size_t expect_table_len;

#endif
