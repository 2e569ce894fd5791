/*
 * Card readers: byte 0 chooses the level of exchange, the rest are transfers.
 */
#include "policy/decode/list.h"
#include "tests/fuzz/fuzz_decode.h"
#include "tests/unit/ccid_reader.h"

static const uint8_t readers[][93] = {
	{CCID_READER(1, 0x10000, 271)},
	{CCID_READER(1, 0x20000, 271)},
	{CCID_READER(1, 0x40000, 2000)},
	{CCID_READER(0, 0, 271)},
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_decode z = {.ep_out = 1, .ep_in = 0x82, .ep_int = 0x83};
	struct decoder *d;

	if (size == 0) {
		return 0;
	}
	d = fuzz_attach(&z, &decode_ccid, readers[data[0] & 3],
	    sizeof(readers[0]), 0);
	fuzz_transfers(&z, d, data + 1, size - 1);
	free(d);
	return 0;
}
