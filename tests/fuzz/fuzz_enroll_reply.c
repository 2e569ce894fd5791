/*
 * Replies to it, as somebody in between may send them: what decodes encodes to
 * the same bytes, and its texts lie inside.
 */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "wire/enroll.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t again[ENROLL_REPLY_MAX];
	struct enroll_reply m;
	size_t len;

	if (size >= ENROLL_HEAD &&
	    enroll_length(data, ENROLL_REPLY_MAX, &len) == 0) {
		MUST(len > 0 && len <= ENROLL_REPLY_MAX - ENROLL_HEAD);
	}
	if (size > ENROLL_REPLY_MAX ||
	    enroll_decode_reply(&m, data, size) != 0) {
		return 0;
	}
	if (m.status == ENROLL_OK) {
		(void)touch(m.cert, m.cert_len);
		(void)touch(m.ca, m.ca_len);
		MUST(memchr(m.cert, '\0', m.cert_len) == NULL);
	} else {
		MUST(m.cert_len == 0 && m.ca_len == 0);
	}
	MUST(enroll_encode_reply(again, sizeof(again), &m) == (int)size);
	MUST(memcmp(again, data, size) == 0);
	return 0;
}
