/*
 * USB/IP headers: byte 0 says to what kind of endpoint. The codec comes back to
 * the same bytes; a header that passes has a body of bounded size.
 */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "wire/usbip_check.h"

static const struct usbip_limits limits = {1024 * 1024, 4096};

static void
fuzz_header(enum usbip_xfer xfer, const uint8_t *data, size_t size)
{
	uint8_t buf[USBIP_HEADER_SIZE], again[USBIP_HEADER_SIZE];
	struct usbip_pending sub = {.length = 4096, .direction = USBIP_DIR_IN};
	uint32_t n = 0, iso = 0;
	struct usbip_header h;
	const char *why = NULL;

	if (usbip_decode_header(&h, data, size) != 0) {
		return;
	}
	MUST(usbip_encode_header(buf, &h) == 0);
	MUST(usbip_decode_header(&h, buf, sizeof(buf)) == 0);
	MUST(usbip_encode_header(again, &h) == 0);
	MUST(memcmp(buf, again, sizeof(buf)) == 0);
	if (usbip_check_submit(&h, xfer, &limits, &why) == 0) {
		MUST(usbip_check_command(&h, &limits) == 0 && why == NULL);
		MUST(usbip_submit_body(&h, xfer, &n, &iso) == 0);
		MUST(n <= limits.max_length && iso <= 16 * 1024);
	} else {
		MUST(why != NULL);
	}
	sub.seqnum = h.seqnum;
	if (usbip_check_ret_submit(&h, &sub, &why) == 0) {
		MUST(usbip_clean_status(h.u.ret_submit.status) <= 0);
	}
	usbip_ret_body(&h, &sub, &n, &iso);
	MUST(n <= sub.length && iso == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 0) {
		fuzz_header(
		    (enum usbip_xfer)(data[0] & 3), data + 1, size - 1);
	}
	return 0;
}
