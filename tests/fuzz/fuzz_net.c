/*
 * Networks: byte 0 chooses block format, direction and what the judge says;
 * the rest is one transfer. What is passed on keeps its form: it is accepted
 * again, with as many frames as were allowed.
 */
#include "policy/decode/net.h"

#include <string.h>

#include "tests/fuzz/fuzz.h"

static struct net_spans spans;
static unsigned mask, nframes, nkept;

static void
on_rule(struct judge *judge, const struct facts *f, uint64_t now,
    struct ruling *out)
{
	(void)judge;
	(void)now;
	touch(f->bytes, f->nbytes);
	memset(out, 0, sizeof(*out));
	out->verdict = mask >> (nframes++ & 3) & 1 ? VERDICT_DROP :
						     VERDICT_ALLOW;
	nkept += out->verdict == VERDICT_ALLOW;
}

static void
on_invalid(struct judge *judge, enum hook hook, const char *what)
{
	(void)judge;
	MUST(hook == HOOK_NET && what != NULL);
}

static enum net_fate
run(const struct net_ask *ask, unsigned format, uint8_t *data, uint32_t len)
{
	nframes = nkept = 0;
	switch (format) {
	case 0:
		return net_frame(ask, data, len);
	case 1:
		return net_ncm(ask, &spans, data, len);
	case 2:
		return net_rndis(ask, data, len);
	}
	net_rndis_message(data, len, ask->is_in);
	return net_eem(ask, data, len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct judge_ops ops = {on_rule, on_invalid};
	struct judge judge = {&ops};
	struct net_ask ask = {&judge, 1, 0};
	unsigned format, kept;
	uint8_t *copy;

	if (size == 0 || size > 1u << 17) {
		return 0;
	}
	format = data[0] & 3;
	ask.is_in = data[0] >> 2 & 1;
	mask = data[0] >> 4;
	copy = malloc(size);
	MUST(copy != NULL);
	memcpy(copy, data + 1, --size);
	if (run(&ask, format, copy, (uint32_t)size) == NET_KEPT) {
		kept = nkept;
		mask = 0;
		MUST(run(&ask, format, copy, (uint32_t)size) == NET_KEPT);
		MUST(nkept == kept && nframes == kept);
	}
	free(copy);
	return 0;
}
