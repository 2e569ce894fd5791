/*
 * Bulk-Only Transport with a device that does not count: what it gets while it
 * has no data to take it takes for a command. Each of those was allowed,
 * however transfers are queued, taken back, stalled and reset.
 */
#include "policy/decode/list.h"
#include "tests/fuzz/fuzz_bot_disk.h"

static const uint8_t config[] = {9, 2, 32, 0, 1, 1, 0, 0x80, 50,
	9, 4, 0, 0, 2, 8, 6, 0x50, 0, 7, 5, 0x81, 2, 0, 2, 0,
	7, 5, 2, 2, 0, 2, 0};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fuzz_units z;
	int over = 0;

	fuzz_attach(&z, &decode_bot, config, sizeof(config), data, size);
	left = tag = 0;
	while (!over && !z.in.failed) {
		uint8_t step = rcur_u8(&z.in);

		if (step % 9 < 5) {
			over = z.nflying < FUZZ_FLYING && submit(&z, step % 9);
		} else if (step % 9 < 8) {
			static const uint8_t eps[] = {2, 0x81, 0};

			over = come_back(&z, eps[step % 9 - 5],
			    rcur_u8(&z.in));
		} else {
			/* the session takes everything back, then resets */
			while (z.nflying > 0 && !over) {
				over = come_back(&z, z.flying[0].u.endpoint,
				    2 | (step & 4));
			}
			z.decoder->ops->event(z.decoder, DECODE_RESET, 0);
			left = 0;
		}
	}
	free(z.decoder);
	return 0;
}
