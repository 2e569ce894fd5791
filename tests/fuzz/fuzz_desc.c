/*
 * Configurations: byte 0 is the speed. What parses lies within its bytes; what
 * is accepted has no endpoint of size 0 but an idle isochronous one.
 */
#include "tests/fuzz/fuzz.h"
#include "wire/desc.h"

static struct desc_config config;

static void
check_tables(const uint8_t *data, size_t size)
{
	size_t nendpoints = 0;

	MUST(config.total_length == size && config.nalts <= DESC_MAX_ALTS);
	for (size_t i = 0; i < config.nalts; i++) {
		const struct desc_alt *alt = &config.alts[i];
		size_t pos = 0, n, seen = 0;
		const uint8_t *p;

		touch(data + alt->offset, alt->length);
		while (desc_next(data + alt->offset, alt->length, &pos, &p,
			   &n) == 0) {
			touch(p, n);
			seen += p[1] == DESC_ENDPOINT;
		}
		MUST(pos == alt->length && seen == alt->nendpoints);
		MUST(alt->first_endpoint == nendpoints);
		nendpoints += alt->nendpoints;
		MUST(desc_find_alt(&config, alt->number, alt->alternate));
	}
	MUST(nendpoints == config.nendpoints);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct desc_why why = {0};
	unsigned speed = size > 0 ? data[0] : 0;

	if (size == 0 ||
	    desc_parse_config(&config, ++data, --size, &why) != 0) {
		MUST(why.offset <= size);
		return 0;
	}
	check_tables(data, size);
	if (desc_check_config(&config, speed, &why) != 0) {
		MUST(why.rule != NULL && why.offset <= size);
		return 0;
	}
	for (size_t i = 0; i < config.nendpoints; i++) {
		const struct desc_endpoint *ep = &config.endpoints[i];
		uint32_t n = desc_endpoint_payload(ep, speed);

		MUST(n > 0 || (ep->attributes & 3) == XFER_ISO);
		MUST(n <= 98304 && (ep->address & 15) != 0);
		MUST(data[ep->offset + 1u] == DESC_ENDPOINT);
	}
	return 0;
}
