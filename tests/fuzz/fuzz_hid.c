/*
 * Report descriptors: whatever they are, the answer is a set of known bits; one
 * that is cut inside its last item, or goes on with an end of nothing, says
 * nothing.
 */
#include <string.h>

#include "policy/rules/hid.h"
#include "policy/rules/rules.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const unsigned all = RULE_HID_KEYBOARD | RULE_HID_MOUSE |
	    RULE_HID_FIDO | RULE_HID_OTHER;
	uint8_t bits = rule_hid_usages(data, size), more[512];

	MUST((bits & ~all) == 0);
	if (size < sizeof(more) && size > 0) {
		memcpy(more, data, size);
		more[size] = 0xc0;
		MUST(bits == 0 || rule_hid_usages(more, size + 1) == 0);
		more[size] = 0x05; /* a page whose number is missing */
		MUST(bits == 0 || rule_hid_usages(more, size + 1) == 0);
		/* a collection of nothing adds what is not known; the item
		 * before it takes the usages that are left over */
		if (bits != 0 && size + 4 < sizeof(more)) {
			memcpy(more + size, "\xb0\xa1\x01\xc0", 4);
			MUST(rule_hid_usages(more, size + 4) ==
			    (bits | RULE_HID_OTHER));
		}
	}
	return 0;
}
