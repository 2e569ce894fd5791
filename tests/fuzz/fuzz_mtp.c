/*
 * Media transfer: the input is transfers.
 */
#include "policy/decode/list.h"
#include "tests/fuzz/fuzz_decode.h"
#include "tests/unit/mtp_phone.h"

static const uint8_t phone[] = {MTP_PHONE};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_decode z = {.ep_out = 1, .ep_in = 0x81, .ep_int = 0x82};
	struct decoder *d =
	    fuzz_attach(&z, &decode_mtp, phone, sizeof(phone), 0);

	fuzz_transfers(&z, d, data, size);
	free(d);
	return 0;
}
