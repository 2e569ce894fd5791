/*
 * The functional descriptor of a card reader (CCID 1.1 5.1), bounded.
 */
#include "policy/decode/ccid.h"

#include "base/err.h"
#include "wire/cursor.h"

#define DESC_CCID 0x21
#define DESC_CCID_SIZE 54u
/* Readers are known to claim less than the 271 bytes that a short APDU in a
 * T=1 block needs, and to take them. */
#define LEAST_MAX 272u
#define MOST_MAX (128u * 1024u)

static const uint8_t *
functional(const struct decode_iface *iface)
{
	const uint8_t *p;
	size_t pos = 0, n;

	while (desc_step(iface->bytes + iface->alt->offset, iface->alt->length,
		   &pos, &p, &n) == 0) {
		if (p[1] == DESC_CCID && n >= DESC_CCID_SIZE) {
			return p;
		}
	}
	return NULL;
}

static int
find_endpoints(struct ccid_reader *r, const struct decode_iface *iface)
{
	for (unsigned i = 0; i < iface->alt->nendpoints; i++) {
		const struct desc_endpoint *e =
		    &iface->config->endpoints[iface->alt->first_endpoint + i];

		if ((e->attributes & 3) != XFER_BULK) {
			continue;
		}
		if ((e->address & 0x80) != 0) {
			r->ep_in = e->address;
		} else {
			r->ep_out = e->address;
			r->packet = e->max_packet & 0x7ff;
		}
	}
	return r->ep_in != 0 && r->ep_out != 0 && r->packet != 0;
}

static enum ccid_level
level_of(uint32_t features)
{
	if ((features & 0x40000) != 0) {
		return CCID_EXTENDED;
	}
	if ((features & 0x20000) != 0) {
		return CCID_SHORT;
	}
	return (features & 0x10000) != 0 ? CCID_TPDU : CCID_CHARACTER;
}

int
ccid_reader_read(struct ccid_reader *out, const struct decode_iface *iface,
    const char **what)
{
	const uint8_t *desc = functional(iface);
	struct ccid_reader r = {0};
	uint32_t max;

	if (desc == NULL || !find_endpoints(&r, iface)) {
		*what = "card reader without its descriptor or bulk endpoints";
		return ERR_FORMAT;
	}
	max = le32_at(desc + 44);
	if (desc[4] >= CCID_SLOTS || max < 64 || max > MOST_MAX) {
		*what = "card reader with absurd slots or message length";
		return ERR_FORMAT;
	}
	r.nslots = desc[4] + 1;
	r.level = level_of(le32_at(desc + 40));
	r.max = max > LEAST_MAX ? max : LEAST_MAX;
	*out = r;
	return 0;
}
