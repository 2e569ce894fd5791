/*
 * Vetting of device records: whatever decodes is judged without harm, twice the
 * same, and a refusal has a rule and words that fit.
 */
#include <string.h>

#include "policy/vet/vet.h"
#include "tests/fuzz/fuzz.h"
#include "wire/devrec.h"
#include "wire/waiver.h"

static struct devrec rec;
static struct desc_config scratch;

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct desc_why why = {0}, again = {0};
	char text[256];
	int r;

	if (devrec_decode(&rec, data, size) != 0) {
		return 0;
	}
	r = vet_record(&rec, &scratch, &why);
	MUST(vet_record(&rec, &scratch, &again) == r);
	MUST(vet_record(&rec, &scratch, NULL) == r);
	MUST((r == 0) == (why.rule == NULL) && why.rule == again.rule &&
	     why.offset == again.offset);
	vet_say(text, sizeof(text), &rec, &why);
	MUST(strlen(text) < sizeof(text));
	/* R7 and R6 stand by themselves, too */
	if (devrec_check(&rec, &scratch, NULL) == 0) {
		(void)vet_classes(&rec, &scratch, NULL);
		(void)vet_reports(&rec, NULL);
		(void)waiver_used(&rec, &scratch);
	}
	return 0;
}
