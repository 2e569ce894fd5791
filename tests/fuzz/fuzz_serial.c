/*
 * Serial ports: byte 0 chooses the interface, the rest are transfers.
 */
#include "policy/decode/list.h"
#include "tests/fuzz/fuzz_decode.h"
#include "tests/unit/serial_port.h"

static const uint8_t port[] = {SERIAL_PORT(2, 1)};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_decode z = {.ep_out = 1, .ep_in = 0x81, .ep_int = 0x82};
	struct decoder *line, *d;

	if (size == 0) {
		return 0;
	}
	line = fuzz_attach(&z, &decode_serial, port, sizeof(port), 0);
	z.sibling = line;
	fuzz_transfers(&z, line, data + 1, size - 1);
	d = fuzz_attach(&z, &decode_serial, port, sizeof(port), data[0] & 1);
	fuzz_transfers(&z, d, data + 1, size - 1);
	free(d);
	free(line);
	return 0;
}
