/*
 * Reports of a HID: a byte that picks a report descriptor, then transfers. One
 * with digits to be typed is among them.
 */
#include "policy/decode/list.h"
#include "tests/fuzz/fuzz_hid.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t keyboard[] = {REPORT_KEYBOARD},
	    nkro[] = {REPORT_NKRO}, receiver[] = {REPORT_RECEIVER},
	    gamepad[] = {REPORT_GAMEPAD};
	static const struct {
		const uint8_t *bytes;
		size_t len;
	} reports[] = {{keyboard, sizeof(keyboard)}, {nkro, sizeof(nkro)},
		{receiver, sizeof(receiver)}, {gamepad, sizeof(gamepad)}};
	struct fuzz_decode z = {0};
	struct decoder *d;
	unsigned which;

	if (size == 0) {
		return 0;
	}
	which = data[0] & 3;
	d = fuzz_hid_attach(&z, &decode_hid, reports[which].bytes,
	    reports[which].len, (data[0] & 4) != 0 ? 4 : 0);
	fuzz_hid_transfers(&z, d, data + 1, size - 1);
	free(d);
	return 0;
}
