/*
 * Messages between our processes: byte 0 chooses one, the rest is its payload.
 * What decodes encodes to the same bytes; -1 = it does not decode.
 */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "wire/ipc.h"

static uint8_t buf[64 * 1024];
static struct devrec rec;

#define CASE(number, name)                                                    \
	case number: {                                                        \
		static struct ipc_##name m;                                   \
		return ipc_decode_##name(&m, data, size) != 0                 \
		    ? -1                                                      \
		    : ipc_encode_##name(buf, sizeof(buf), &m);                \
	}

static int
again(uint8_t which, const uint8_t *data, size_t size)
{
	static struct ipc_imported imported;
	static struct device_place place;

	switch (which) {
		CASE(0, result)
		CASE(1, byte)
		CASE(2, busid)
		CASE(3, probe)
		CASE(4, authorize)
		CASE(5, grant)
		CASE(6, exited)
		CASE(7, pem)
		CASE(8, item)
		CASE(9, refused)
		CASE(10, text)
		CASE(11, relay_setup)
		CASE(12, relay_ready)
		CASE(13, relay_done)
	case 14:
		return ipc_decode_imported(&imported, &rec, data, size) != 0
		    ? -1
		    : ipc_encode_imported(buf, sizeof(buf), &imported, &rec);
	case 15:
		return place_decode(&place, data, size) != 0
		    ? -1
		    : place_encode(buf, sizeof(buf), &place);
		CASE(16, line)
		CASE(17, watch)
		CASE(18, texts)
		CASE(19, ruled)
		CASE(20, profile)
		CASE(21, ask)
		CASE(22, answer)
		CASE(23, over)
		CASE(24, challenge)
		CASE(25, out)
		CASE(26, quota)
		CASE(27, crl)
		CASE(28, capture)
		CASE(29, wanted)
		CASE(30, recorder_over)
		CASE(31, relay_key)
		CASE(32, fetch)
		CASE(33, fetched)
		CASE(34, tried)
		CASE(35, post)
		CASE(36, posted)
		CASE(37, loaded)
		CASE(38, sign)
		CASE(39, signed)
	}
	return -1;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int n = size > 0 ? again(data[0], data + 1, size - 1) : -1;

	MUST(n == -1 ||
	    ((size_t)n == size - 1 && memcmp(buf, data + 1, (size_t)n) == 0));
	return 0;
}
