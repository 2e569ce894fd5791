/*
 * Answers that a server said are good for a while: for the same name and rule,
 * the same identity and the same device, by all that it says of itself,
 * whatever socket it is in. In memory alone: a warden that is started again
 * asks again.
 */
#include "proxy/warden/verdict.h"

#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/err.h"

int
verdict_cache_key(uint8_t key[32], const struct verdict_name *name,
    const struct device *dev, const uint8_t who[BOOK_KEY], const void *rule,
    size_t len)
{
	const char *serial = dev->facts.serial != NULL ? dev->facts.serial : "";
	struct digest_part parts[8] = {
	    {name->conf->name, strlen(name->conf->name) + 1},
	    {dev->facts.desc_sha256, sizeof(dev->facts.desc_sha256)},
	    {dev->facts.reports,
		dev->facts.nreports * sizeof(dev->facts.reports[0])},
	    {serial, strlen(serial) + 1},
	    {who, BOOK_KEY},
	    {rule, len},
	};

	return digest_sha256(key, parts, 6);
}

int
verdict_cache_get(const struct verdicts *verdicts, const uint8_t key[32],
    enum verdict_word *word, uint32_t *left)
{
	uint64_t now = clock_mono();

	for (unsigned i = 0; i < VERDICT_CACHE; i++) {
		const struct verdict_cached *c = &verdicts->cache[i];

		if (c->ends > now && memcmp(c->key, key, 32) == 0) {
			*word = c->word;
			*left = (uint32_t)((c->ends - now + CLOCK_SEC - 1) /
					   CLOCK_SEC);
			return 0;
		}
	}
	return ERR_NOENT;
}

void
verdict_cache_put(struct verdicts *verdicts, const uint8_t key[32],
    enum verdict_word word, uint32_t seconds)
{
	struct verdict_cached *at = &verdicts->cache[0];

	/* the same one, else the one that ends first */
	for (unsigned i = 0; i < VERDICT_CACHE; i++) {
		struct verdict_cached *c = &verdicts->cache[i];

		if (c->ends != 0 && memcmp(c->key, key, 32) == 0) {
			at = c;
			break;
		}
		if (c->ends < at->ends) {
			at = c;
		}
	}
	memcpy(at->key, key, 32);
	at->word = word;
	at->ends = clock_mono() + seconds * CLOCK_SEC;
}
