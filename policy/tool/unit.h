/*
 * A unit given in words, for explain and test: "scsi op=write-10 lun=0
 * lba=0..7". A hook, then its facts; see UNITS in sallyport-policy(1).
 */
#ifndef POLICY_TOOL_UNIT_H
#define POLICY_TOOL_UNIT_H

#include <stddef.h>

#include "policy/facts/facts.h"

#define UNIT_TEXT 256u	/* bytes of rp or aid */
#define UNIT_BYTES 4096u
#define UNIT_USAGES 64u

struct unit_words {
	struct facts facts; /* points into the rest */
	uint8_t text[UNIT_TEXT], bytes[UNIT_BYTES];
	uint32_t usages[UNIT_USAGES];
	uint8_t is_named; /* a hook was given */
};

void unit_init(struct unit_words *u);
/* One word more: the first is the hook. 0, or ERR_FORMAT with why: "expected
 * a number up to 255". What is unknown of a unit stays unknown. */
int unit_add(struct unit_words *u, const char *word, char *why, size_t size);
/* All words of a text, with blanks between. */
int unit_read(struct unit_words *u, const char *text, char *why, size_t size);

#endif
