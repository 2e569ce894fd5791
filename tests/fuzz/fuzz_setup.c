/*
 * Control requests of every class, and the decoders that judge transfers one by
 * one: facts are those of the hook and have names where they must; nothing goes
 * to the device, or comes from it, without a ruling.
 */
#include "policy/decode/list.h"
#include "policy/decode/setup.h"
#include "policy/facts/setup.h"
#include "tests/fuzz/fuzz_units.h"

static const uint8_t config[] = {9, 2, 18, 0, 1, 1, 0, 0x80, 50,
	9, 4, 0, 0, 0, 0xfe, 1, 2, 0};

static void
facts(struct fuzz_units *z)
{
	static struct desc_config parsed;
	struct desc_alt *alt = &parsed.alts[0];
	uint8_t setup[8], data[8], class[24];
	struct decode_iface iface = {
		.config = &parsed, .bytes = class, .alt = alt};
	struct facts f;

	parsed.nalts = 1;
	alt->class = rcur_u8(&z->in);
	alt->subclass = rcur_u8(&z->in);
	alt->protocol = rcur_u8(&z->in);
	alt->length = sizeof(class);
	rcur_copy(&z->in, class, sizeof(class));
	rcur_copy(&z->in, setup, sizeof(setup));
	rcur_copy(&z->in, data, sizeof(data));
	setup_facts(&f, setup, data, setup[6] % 9, &iface);
	for (unsigned i = 0; i < FACTS; i++) {
		MUST(!facts_has(&f, (enum fact)i) ||
		    hook_fact_of(HOOK_SETUP, (enum fact)i) != NULL);
	}
	MUST(!facts_has(&f, FACT_REQUEST_NAME) ||
	    (f.num[FACT_REQUEST_NAME] > REQ_NONE &&
		f.num[FACT_REQUEST_NAME] < REQUESTS && (setup[0] & 0x40) == 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fuzz_units z;
	int over = 0;

	fuzz_attach(&z, size & 1 ? &decode_raw : &decode_dfu, config,
	    sizeof(config), data, size);
	while (!over && !z.in.failed) {
		struct fuzz_flying f = {.u = {.length = FUZZ_BYTES}};
		int is_raw = (size & 1) != 0, is_in;

		facts(&z);
		f.u.type = is_raw ? 1 + rcur_u8(&z.in) % 3 : XFER_CONTROL;
		rcur_copy(&z.in, f.u.setup, 8);
		f.u.setup[0] = (f.u.setup[0] & 0x80) | 0x21;
		f.u.endpoint = (f.u.setup[0] & 0x80) | (is_raw ? 1 : 0);
		if (f.u.type == XFER_ISO) {
			f.packet.length = f.packet.actual = 64;
			f.u.packets = &f.packet;
			f.u.npackets = 1;
		}
		is_in = unit_is_in(&f.u);
		if (fuzz_submit(&z, &f, &over) == NULL) {
			continue;
		}
		MUST(z.flying[0].was_allowed || (is_raw && is_in));
		z.flying[0].u.status = f.u.setup[1] & 1 ? 0 : USBIP_EPIPE;
		z.flying[0].u.actual = f.u.setup[2] % FUZZ_BYTES;
		z.rulings = 0;
		over = fuzz_complete(&z, 0, &f);
		MUST(!is_raw || !is_in || z.rulings == 1);
	}
	free(z.decoder);
	return 0;
}
