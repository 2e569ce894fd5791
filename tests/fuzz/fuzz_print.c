/*
 * Print streams: a printer that hears @PJL at the start of any line hears no
 * command that was not allowed, however the stream is cut, refused and lost.
 */
#include "policy/decode/list.h"
#include "policy/decode/print_job.h"
#include "policy/facts/print.h"
#include "tests/fuzz/fuzz_units.h"

static const uint8_t config[] = {9, 2, 25, 0, 1, 1, 0, 0x80, 50,
	9, 4, 0, 0, 1, 7, 1, 1, 0, 7, 5, 1, 2, 0, 2, 0};

static void
hear(struct print_job *printer, const struct fuzz_units *z,
    const struct fuzz_flying *f, int lost)
{
	struct print_piece piece;
	uint32_t at = 0;
	unsigned commands = 0;
	enum print_what what;

	do {
		what = print_job_next(
		    printer, f->bytes, f->u.length, &at, &piece);
		MUST(at <= f->u.length && piece.text_length <= PRINT_LINE);
		MUST(piece.lang < PRINT_LANGS && piece.pjl < PJL_COMMANDS);
		touch(piece.text, piece.text_length);
		/* without its end it is none, once transfers were lost */
		commands += what == PRINT_COMMAND &&
		    !(lost && at < f->u.length && f->bytes[at] == 0x1b);
	} while (at < f->u.length);
	MUST(f->was_allowed && commands <= z->commands);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fuzz_units z;
	struct print_job printer;
	int over = 0, lost = 0;

	fuzz_attach(&z, &decode_print, config, sizeof(config), data, size);
	print_job_init(&printer);
	while (!over && !z.in.failed) {
		struct fuzz_flying f = {.u = {.endpoint = 1,
					    .type = XFER_BULK}};
		uint8_t step = rcur_u8(&z.in);

		f.u.length = rcur_u8(&z.in) % FUZZ_BYTES;
		f.u.now = (uint64_t)(step >> 4) << 30;
		rcur_copy(&z.in, f.bytes,
		    z.in.left < f.u.length ? z.in.left : f.u.length);
		if ((step & 1) != 0 && f.u.length >= 9) {
			memcpy(f.bytes + f.u.length - 9, "\x1b%-12345X", 9);
		} else if ((step & 2) != 0 && f.u.length >= 8) {
			memcpy(f.bytes, "\n@PJL FS", 8);
		}
		if (fuzz_submit(&z, &f, &over) == NULL) {
			continue;
		}
		if ((step & 12) != 12) { /* it may not hear, or seem not to */
			hear(&printer, &z, &z.flying[0], lost);
		}
		z.flying[0].u.status = (step & 8) != 0 ? USBIP_ECONNRESET : 0;
		lost |= (step & 8) != 0;
		z.flying[0].u.actual = (step & 8) != 0 ? 0 : f.u.length;
		over = fuzz_complete(&z, 0, &f);
	}
	free(z.decoder);
	return 0;
}
