/*
 * Command APDUs (ISO 7816-4 5.1), short and extended: what a card is told to
 * do. It knows nothing of readers.
 */
#ifndef POLICY_DECODE_APDU_H
#define POLICY_DECODE_APDU_H

#include <stddef.h>
#include <stdint.h>

#include "policy/facts/facts.h"

#define APDU_HEADER 4u /* CLA INS P1 P2 */

struct apdu {
	uint8_t cla, ins, p1, p2;
	uint8_t has_lc;
	uint32_t lc;
	const uint8_t *aid; /* of a SELECT by DF name; borrowed, or NULL */
	uint32_t aid_len;
};

enum apdu_part {
	APDU_WHOLE, /* all of it is in this block */
	APDU_BEGIN, /* others follow, or it is a template */
};

/* The first len of total bytes, len <= total. Of a whole APDU the lengths must
 * agree, and header and name must lie within len; of the beginning of one, what
 * cannot be seen stays unset. ERR_FORMAT. */
int apdu_parse(struct apdu *out, const uint8_t *p, size_t len, size_t total,
    enum apdu_part part);
/* All facts of hook apdu; NULL = one that cannot be seen. bytes are those of
 * the APDU. */
void apdu_facts(struct facts *f, const struct apdu *apdu, const uint8_t *bytes,
    size_t len);

#endif
