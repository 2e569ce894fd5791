/*
 * The waivers, and how they are found. docs/VETTING.md has the same list for
 * people.
 */
#include "wire/waiver.h"

#include <stddef.h>

#include "wire/cursor.h"
#include "wire/devrec.h"
#include "wire/usbip.h"

#define IGNORED                                                                \
	"one isochronous endpoint in two interfaces; kernels ignore it in "    \
	"one "                                                                 \
	"of them by a quirk for this very product"

static const struct waiver waivers[] = {
    {"W1", WAIVER_LOW_BULK, "R3.type", 0x16c0, 0x05e1,
	"serial converters made with V-USB",
	"bulk endpoints at low speed; kernels on both sides take them for "
	"interrupt endpoints of the same 8 bytes"},
    {"W2", WAIVER_DUPLICATE, "R3.duplicate", 0x06f8, 0xb000,
	"Hercules DJ Console", IGNORED},
    {"W3", WAIVER_DUPLICATE, "R3.duplicate", 0x0926, 0x0202,
	"Sound Devices USBPre2", IGNORED},
    {"W4", WAIVER_DUPLICATE, "R3.duplicate", 0x0926, 0x0208,
	"Sound Devices MixPre-D", IGNORED},
};

const struct waiver *
waiver_of(uint16_t vid, uint16_t pid)
{
	for (size_t i = 0; i < sizeof(waivers) / sizeof(waivers[0]); i++) {
		if (waivers[i].vid == vid && waivers[i].pid == pid) {
			return &waivers[i];
		}
	}
	return NULL;
}

unsigned
waiver_flaws(uint16_t vid, uint16_t pid)
{
	const struct waiver *waiver = waiver_of(vid, pid);

	return waiver != NULL ? waiver->flaw : 0;
}

const struct waiver *
waiver_used(const struct devrec *rec, struct desc_config *scratch)
{
	const struct waiver *waiver =
	    waiver_of(le16_at(rec->device + 8), le16_at(rec->device + 10));

	for (unsigned i = 0; waiver != NULL && i < rec->nconfigs; i++) {
		size_t len;
		const uint8_t *p = devrec_config(rec, i, &len);

		if (p != NULL &&
		    desc_parse_config(scratch, p, len, NULL) == 0 &&
		    desc_check_config(scratch, rec->speed, NULL) != 0) {
			return waiver;
		}
	}
	return NULL;
}
