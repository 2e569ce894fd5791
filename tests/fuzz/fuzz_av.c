/*
 * Audio and video: a configuration behind its length in two bytes, then
 * transfers of each interface: a byte for its kind, one for its length, one for
 * the verdict, and bytes. What the decoder says lies within the transfer.
 */
#include <string.h>

#include "policy/decode/list.h"
#include "tests/fuzz/fuzz.h"
#include "wire/cursor.h"

static struct desc_config config;
static unsigned verdict;

static void
on_rule(struct judge *judge, const struct facts *f, uint64_t now,
    struct ruling *out)
{
	(void)judge;
	(void)now;
	touch(f->bytes, f->bytes != NULL ? f->nbytes : 0);
	memset(out, 0, sizeof(*out));
	out->verdict = (enum verdict)(verdict % VERDICTS);
}

static void
on_invalid(struct judge *judge, enum hook hook, const char *what)
{
	(void)judge;
	MUST(hook == HOOK_AV && what != NULL);
}

static void
transfer(struct decoder *d, struct rcur *c)
{
	static const uint8_t ends[] = {0, 0x80, 1, 0x81};
	struct unit_packet packets[4];
	struct unit u = {.now = 1};
	uint8_t kind = rcur_u8(c), quarter;

	u.length = rcur_u8(c);
	verdict = rcur_u8(c);
	u.type = kind & 3;
	u.endpoint = ends[(u.type != 0) * 2 + (kind >> 2 & 1)];
	rcur_copy(c, u.setup, u.type == 0 ? 8 : 0);
	u.setup[0] = (uint8_t)((u.setup[0] & 0x7f) | (u.endpoint & 0x80));
	u.data = malloc(u.length + 1u);
	MUST(u.data != NULL);
	rcur_copy(c, u.data, u.length);
	u.actual = u.length;
	quarter = (uint8_t)(u.length / 4);
	if (u.type == XFER_ISO) {
		u.packets = packets;
		u.npackets = 4;
		u.length = 4u * quarter;
		u.actual = u.length;
		for (unsigned i = 0; i < 4; i++) {
			packets[i] = (struct unit_packet){
			    i * quarter, quarter, quarter, 0};
		}
	}
	if (d->ops->submit(d, &u) == DECODE_PASS) {
		(void)d->ops->complete(d, &u);
	}
	MUST(u.actual <= u.length);
	free(u.data);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct judge_ops ops = {on_rule, on_invalid};
	struct judge judge = {&ops};
	struct rcur c = rcur_of(data, size);
	size_t len = rcur_u8(&c) | (size_t)rcur_u8(&c) << 8;
	const uint8_t *bytes = rcur_bytes(&c, len);
	const char *what;

	if (bytes == NULL ||
	    desc_parse_config(&config, bytes, len, NULL) != 0) {
		return 0;
	}
	for (unsigned i = 0; i < config.nalts; i++) {
		struct decode_iface iface = {NULL, &config, bytes,
		    &config.alts[i], 3};
		struct decode_how how = {.iface = &iface, .judge = &judge};
		struct decoder *d;

		if (!decode_av.takes(&iface)) {
			continue;
		}
		d = calloc(1, decode_av.size);
		MUST(d != NULL);
		d->ops = &decode_av;
		d->judge = &judge;
		if (decode_av.attach(d, &how, &what) == 0) {
			for (unsigned n = 0; n < 8 && c.left > 0; n++) {
				transfer(d, &c);
			}
		}
		free(d);
	}
	return 0;
}
