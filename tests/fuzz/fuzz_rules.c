/* Rule files of any bytes, in both languages: errors or a table, never more.
 * What fmt prints of a right one is right and prints to itself; explaining
 * agrees with deciding, in a world and without one. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "policy/rules/rules.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_world.h"

static struct text {
	char p[1u << 20];
	size_t n;
} once, twice;

static void
keep(void *arg, const char *text, size_t len)
{
	struct text *t = arg;

	for (size_t i = 0; i < len && t->n < sizeof(t->p); i++) {
		t->p[t->n++] = text[i];
	}
}

static void
count(void *arg, const char *file, unsigned line, int matched, const char *why)
{
	*(int *)arg += matched && file[0] && line && why[0];
}

static void
judge(struct rules_load *load, const struct rule_world *world)
{
	static const struct x509_facts who = {.cn = "a", .issuer = "CN=b"};
	struct rules *rules = NULL;
	struct rule_decision d;
	int matched = 0;

	if (rules_load_finish(load, &rules) != 0) {
		return;
	}
	for (int i = 0; i < 4; i++) {
		matched = 0;
		rules_decide(rules, &fuzz_device, i & 1 ? &who : NULL,
		    i & 2 ? world : NULL, &d);
		rules_explain(rules, &fuzz_device, i & 1 ? &who : NULL,
		    i & 2 ? world : NULL, count, &matched);
		MUST(matched == !d.is_implicit);
		MUST(d.exposes.is_all || d.verdict == RULE_ALLOW ||
		    d.verdict == RULE_PENDING);
	}
	rules_overlaps(rules, fuzz_overlap, NULL);
	rules_free(rules);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rules_load *load = rules_load_new(), *again = rules_load_new();
	struct rules_load *foreign = rules_load_new();
	const char *text = (const char *)data;

	once.n = twice.n = 0;
	rules_load_means(load, &fuzz_means);
	rules_load_means(again, &fuzz_means);
	rules_load_text(load, "f", text, size);
	if (rules_load_format(load, keep, &once) == 0) {
		rules_load_text(again, "g", once.p, once.n);
		MUST(rules_load_format(again, keep, &twice) == 0);
		MUST(once.n == twice.n);
		MUST(memcmp(once.p, twice.p, once.n) == 0);
	}
	judge(load, &fuzz_world);
	rules_load_text_as(foreign, RULES_USBGUARD, "u", text, size);
	rules_load_differences(foreign, fuzz_difference, NULL);
	judge(foreign, &fuzz_world);
	rules_load_free(load);
	rules_load_free(again);
	rules_load_free(foreign);
	return 0;
}
