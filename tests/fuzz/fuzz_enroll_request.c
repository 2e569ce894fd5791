/*
 * Requests for a certificate, as strangers send them: what decodes encodes to
 * the same bytes, and a frame is never longer than its bound.
 */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "wire/enroll.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t again[ENROLL_REQUEST_MAX], part[ENROLL_SIGNED];
	struct enroll_request m;
	struct enroll_token token;
	char text[ENROLL_TOKEN_TEXT + 1];
	size_t len;

	if (size >= ENROLL_HEAD &&
	    enroll_length(data, ENROLL_REQUEST_MAX, &len) == 0) {
		MUST(len > 0 && len <= ENROLL_REQUEST_MAX - ENROLL_HEAD);
	}
	if (enroll_decode_request(&m, data, size) == 0) {
		MUST(m.sig_len <= ENROLL_SIG_MAX);
		MUST(enroll_encode_request(again, sizeof(again), &m) ==
		    (int)size);
		MUST(memcmp(again, data, size) == 0);
		enroll_signed_part(part, &m);
	}
	/* and as the text of a token */
	if (size == ENROLL_TOKEN_TEXT - 1) {
		memcpy(text, data, size);
		text[size] = '\0';
		if (enroll_token_read(&token, text) == 0) {
			char same[ENROLL_TOKEN_TEXT];

			enroll_token_text(same, &token);
			MUST(strcmp(same, text) == 0);
		}
	}
	return 0;
}
