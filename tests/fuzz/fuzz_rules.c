/* Rule files of any bytes: errors or a table, never more. What fmt prints of a
 * right one is right and prints to itself; explaining agrees with deciding. */
#include <string.h>

#include "policy/rules/rules.h"
#include "tests/fuzz/fuzz.h"

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

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct rule_interface interfaces[] = {
	    {.class = 3}, {.class = 3, .subclass = 1, .protocol = 1}};
	const struct rule_device dev = {
	    .name = "a", .interfaces = interfaces, .ninterfaces = 2};
	static const struct x509_facts who = {.cn = "a", .issuer = "CN=b"};
	struct rules_load *load = rules_load_new(), *again = rules_load_new();
	struct rules *rules = NULL;
	struct rule_decision d;
	int matched = 0;

	once.n = twice.n = 0;
	rules_load_text(load, "f", (const char *)data, size);
	if (rules_load_format(load, keep, &once) == 0) {
		rules_load_text(again, "g", once.p, once.n);
		MUST(rules_load_format(again, keep, &twice) == 0);
		MUST(once.n == twice.n);
		MUST(memcmp(once.p, twice.p, once.n) == 0);
	}
	if (rules_load_finish(load, &rules) == 0) {
		rules_decide(rules, &dev, &who, NULL, &d);
		rules_explain(rules, &dev, &who, NULL, count, &matched);
		MUST(matched == !d.is_implicit);
	}
	rules_free(rules);
	rules_load_free(load);
	rules_load_free(again);
	return 0;
}
