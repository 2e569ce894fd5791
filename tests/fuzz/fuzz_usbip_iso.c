/*
 * USB/IP packets of isochronous transfers, pairs of one submitted and one
 * returned: whatever a gateway answers, what is rebuilt lies in the buffer.
 */
#include "tests/fuzz/fuzz.h"
#include "wire/usbip_check.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct usbip_iso sub[8], ret[8];
	uint32_t np = 0, sum = 0;
	const char *why;

	for (; np < 8 && size >= 32; np++, data += 32, size -= 32) {
		MUST(usbip_decode_iso(&sub[np], data, size) == 0);
		MUST(usbip_decode_iso(&ret[np], data + 16, size - 16) == 0);
		sum += ret[np].actual_length; /* a lie, once it wraps */
	}
	if (usbip_check_iso_submit(sub, np, 65536) != 0 ||
	    usbip_rebuild_iso(ret, sub, np, size & 1, sum, &why) != 0) {
		return 0;
	}
	for (uint32_t i = 0; i < np; i++) {
		MUST(ret[i].offset == sub[i].offset);
		MUST((uint64_t)ret[i].offset + ret[i].length <= 65536);
		MUST(ret[i].actual_length <= ret[i].length);
	}
	MUST((size & 1) == USBIP_DIR_OUT || sum <= 65536);
	return 0;
}
