#include "tests/bench/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "policy/rules/rules.h"

#define TEXT_MAX (4u << 20)

/* Each rule names one thing that one device, or one workstation, has. */
static size_t
put_rule(char *text, size_t size, unsigned i)
{
	int n = 0;

	switch (i % 5) {
	case 0:
		n = snprintf(text, size, "allow id %04x:%04x to \"ou:Staff\" "
		    "using \"p\" lease 1h\n", 0x1000 + i / 256, i % 256);
		break;
	case 1:
		n = snprintf(text, size, "allow serial \"S-%u\" with-interface "
		    "only { 08:*:* } to \"ou:Staff\" using \"p\"\n", i);
		break;
	case 2:
		n = snprintf(text, size, "block hash \"%043u=\"\n", i);
		break;
	case 3:
		n = snprintf(text, size, "allow id 0483:374b via-port "
		    "\"%u-%u.%u\" to \"ou:Lab\" once\n", 1 + i / 100,
		    1 + i / 10 % 10, 1 + i % 10);
		break;
	default:
		n = snprintf(text, size, "allow id 0483:374b to "
		    "\"fp:sha256:%064x\" key \"K-%u\"\n", i, i);
		break;
	}
	return n > 0 && (size_t)n < size ? (size_t)n : 0;
}

static struct rules *
load(const char *text, size_t len)
{
	struct rules_load *l = rules_load_new();
	struct rules *rules = NULL;

	if (l == NULL || rules_load_text(l, "bench", text, len) != 0 ||
	    rules_load_finish(l, &rules) != 0) {
		fatalx("bench: the rules do not load");
	}
	rules_load_free(l);
	return rules;
}

struct made_device {
	struct rule_device facts;
	char serial[16], hash[48], port[24];
};

static struct made_device devices[POLICY_DEVICES];

/* Every tenth is one that some rule of the many speaks of. */
static void
make_device(struct made_device *d, unsigned i)
{
	static const struct rule_interface storage[] = {
	    {.class = 8, .subclass = 6, .protocol = 0x50}};
	unsigned n = i % 10 == 0 ? i * 10 + i / 10 % 5 : 100000 + i;

	snprintf(d->serial, sizeof(d->serial), "S-%u", n);
	snprintf(d->hash, sizeof(d->hash), "%043u=", n);
	snprintf(d->port, sizeof(d->port), "%u-%u.%u", 1 + n / 100,
	    1 + n / 10 % 10, 1 + n % 10);
	d->facts = (struct rule_device){
	    .vid = (uint16_t)(i % 3 ? 0x1000 + n / 256 : 0x0483),
	    .pid = (uint16_t)(i % 3 ? n % 256 : 0x374b),
	    .name = "Stick",
	    .manufacturer = "Acme",
	    .serial = d->serial,
	    .hash = d->hash,
	    .parent_hash = "",
	    .via_port = d->port,
	    .stable_port = "",
	    .connect_type = "hotplug",
	    .interfaces = storage,
	    .ninterfaces = 1,
	};
}

/* ns for one decision; *allowed counts the devices that are. */
static double
decide_all(const struct rules *rules, const struct x509_facts *who,
    unsigned *allowed)
{
	uint64_t start = clock_mono();

	*allowed = 0;
	for (unsigned i = 0; i < POLICY_DEVICES; i++) {
		struct rule_decision d;

		rules_decide(rules, &devices[i].facts, who, NULL, &d);
		*allowed += d.verdict == RULE_ALLOW;
	}
	return (double)(clock_mono() - start) / POLICY_DEVICES;
}

/* The least of some passes: what it costs while nobody takes the core. */
static double
best_pass(const struct rules *rules, const struct x509_facts *who,
    unsigned *allowed)
{
	double best = 0;

	for (int i = 0; i < 7; i++) {
		double ns = decide_all(rules, who, allowed);

		best = i == 0 || ns < best ? ns : best;
	}
	return best;
}

void
policy_measure(struct policy_bench *bench)
{
	static struct x509_facts who;
	char *text = malloc(TEXT_MAX);
	struct rules *few, *many = NULL;
	size_t len = 0, few_len = 0;

	if (text == NULL) {
		fatalx("bench: out of memory");
	}
	for (unsigned i = 0; i < POLICY_MANY; i++) {
		len += put_rule(text + len, TEXT_MAX - len, i);
		few_len = i + 1 == POLICY_FEW ? len : few_len;
	}
	for (unsigned i = 0; i < POLICY_DEVICES; i++) {
		make_device(&devices[i], i);
	}
	snprintf(who.ou[0], sizeof(who.ou[0]), "Staff");
	snprintf(who.cn, sizeof(who.cn), "ws-01");
	who.nou = 1;
	who.fingerprint[31] = 9;
	who.issuer_key[0] = 1;
	few = load(text, few_len);
	for (int i = 0; i < 3; i++) {
		uint64_t start = clock_mono();
		double ms;

		rules_free(many);
		many = load(text, len);
		ms = (double)(clock_mono() - start) / 1e6;
		bench->load_ms =
		    i == 0 || ms < bench->load_ms ? ms : bench->load_ms;
	}
	for (unsigned r = 0; r < POLICY_ROUNDS; r++) {
		unsigned allowed;

		bench->few[r] = best_pass(few, &who, &allowed);
		bench->many[r] = best_pass(many, &who, &bench->allowed);
	}
	bench->is_measured = 1;
	rules_free(few);
	rules_free(many);
	free(text);
}

static int
compare(const void *pa, const void *pb)
{
	double a = *(const double *)pa, b = *(const double *)pb;

	return (a > b) - (a < b);
}

static double
median(const double *values)
{
	double sorted[POLICY_ROUNDS];

	memcpy(sorted, values, sizeof(sorted));
	qsort(sorted, POLICY_ROUNDS, sizeof(sorted[0]), compare);
	return sorted[POLICY_ROUNDS / 2];
}

struct policy_ratio
policy_ratio(const struct policy_bench *bench)
{
	double ratios[POLICY_ROUNDS];

	for (unsigned r = 0; r < POLICY_ROUNDS; r++) {
		ratios[r] = bench->many[r] / bench->few[r];
	}
	qsort(ratios, POLICY_ROUNDS, sizeof(ratios[0]), compare);
	return (struct policy_ratio){ratios[POLICY_ROUNDS / 2], ratios[0],
	    ratios[POLICY_ROUNDS - 1]};
}

void
policy_print(const struct policy_bench *bench)
{
	struct policy_ratio ratio = policy_ratio(bench);

	if (!bench->is_measured) {
		return;
	}
	printf("\nPolicy: a decision, over %u devices of which %u are "
	       "allowed\n", POLICY_DEVICES, bench->allowed);
	printf("%-18s  %8.2f us\n", "10 rules", median(bench->few) / 1e3);
	printf("%-18s  %8.2f us  %5.2f (%4.2f..%4.2f) of that\n",
	    "10 000 rules", median(bench->many) / 1e3, ratio.median,
	    ratio.least, ratio.most);
	printf("%-18s  %8.1f ms\n", "loading 10 000", bench->load_ms);
}
