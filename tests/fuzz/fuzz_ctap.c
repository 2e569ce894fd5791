/*
 * Security keys: transfers between a hostile key and a hostile workstation.
 */
#include "policy/decode/list.h"
#include "tests/fuzz/fuzz_decode.h"
#include "tests/unit/fido_key.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct devrec rec;
	struct fuzz_decode z = {
		.ep_out = 4, .ep_in = 0x84, .ep_int = 0x84, .rec = &rec};
	struct decoder *d;

	devrec_init(&rec);
	MUST(devrec_add_config(&rec, fido_key, sizeof(fido_key)) == 0);
	MUST(devrec_add_report(&rec, 1, 0, fido_report,
		 sizeof(fido_report)) == 0);
	d = fuzz_attach(&z, &decode_ctap, fido_key, sizeof(fido_key), 0);
	fuzz_transfers(&z, d, data, size);
	free(d);
	return 0;
}
