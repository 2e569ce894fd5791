/*
 * Exposing part of a device: two configurations' masks of interfaces 0..31, the
 * rest the wire form of a record. Of a record that passes, what is exposed
 * passes too, has no hidden interface and is never longer; of any other, it
 * does no harm.
 */
#include <string.h>

#include "base/err.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/expose_body.h"

static struct devrec rec, out, again;
static struct desc_config scratch;
static uint8_t buf[DEVREC_WIRE];

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	expose_mask mask;
	const char *bad;
	int r, n;

	if (size < 8 || devrec_decode(&rec, data + 8, size - 8) != 0) {
		return 0;
	}
	memset(mask, 0xff, sizeof(mask));
	memcpy(mask[0], data, 4);
	memcpy(mask[1], data + 4, 4);
	r = devrec_expose(&out, &rec, (const uint8_t(*)[32])mask);
	if (devrec_check(&rec, &scratch, NULL) != 0) {
		return 0;
	}
	MUST(r == 0 || r == ERR_NOENT);
	if (r != 0) {
		return 0;
	}
	MUST(devrec_check(&out, &scratch, NULL) == 0);
	bad = expose_bad(&rec, &out, (const uint8_t(*)[32])mask);
	if (bad != NULL) {
		fprintf(stderr, "%s\n", bad);
	}
	MUST(bad == NULL);
	n = devrec_encode(buf, sizeof(buf), &out);
	MUST(n > 0 && (size_t)n <= size - 8);
	MUST(devrec_decode(&again, buf, (size_t)n) == 0);
	MUST(devrec_compare(&out, &again) == 0);
	/* what is exposed has nothing more to hide */
	if (rec.nconfigs == out.nconfigs) {
		MUST(devrec_expose(&again, &out, (const uint8_t(*)[32])mask) ==
		    0);
		MUST(devrec_compare(&out, &again) == 0);
	}
	return 0;
}
