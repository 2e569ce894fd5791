#include "tests/bench/profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "policy/facts/setup.h"
#include "policy/profiles/profile.h"
#include "policy/profiles/table.h"
#include "tests/bench/count.h"
#include "tests/bench/exchange.h"

#define TEXT_MAX (4u << 20)
#define PARTS 20u /* profiles, each extending the one before */

static const struct {
	const char *name, *hook, *last;
} cases[PROFILE_CASES] = {
    {"setup", "setup", " allow request get-descriptor\n deny type vendor\n"},
    {"scsi", "scsi", " allow op read\n deny sense 07/27/00 op write\n"},
    {"hid", "hid", " drop chord { GUI+0x15 Ctrl+Alt+0x4c }\n"
		   " allow kind input key { 0x04..0x65 0xe0..0xe7 }\n"},
};

const char *
profile_case_name(enum profile_case which)
{
	return cases[which].name;
}

/* Each rule speaks of something that few units have. */
static size_t
put_rule(char *text, size_t size, enum profile_case which, unsigned i)
{
	int n = 0;

	switch (which) {
	case PROFILE_SETUP:
		n = snprintf(text, size,
		    i % 3 == 0 ? " deny request 0x%02x value %u index %u\n" :
		    i % 3 == 1 ? " allow request 0x%02x index %u wlength %u\n"
			       : " deny request 0x%02x value %u wlength %u\n",
		    0x10 + i % 200, i, i % 7);
		break;
	case PROFILE_SCSI:
		n = snprintf(text, size,
		    i % 2 == 0 ? " allow op write lba %u..%u lun %u\n"
			       : " deny op 0x%02x len %u page %u\n",
		    i % 2 == 0 ? i * 100 : 0xc0 + i % 0x40,
		    i % 2 == 0 ? i * 100 + 99 : 0x10000 + i, i % 16);
		break;
	case PROFILE_HID:
		n = snprintf(text, size,
		    i % 2 == 0 ? " drop usage 0x%x report-id %u len %u\n"
			       : " allow kind output gap %u report-id %u len "
				 "%u\n",
		    0xc0000 + i, 1 + i / 256, 1 + i % 60);
		break;
	case PROFILE_CASES:
		break;
	}
	if (n <= 0 || (size_t)n >= size) {
		fatalx("bench: the profiles are too long");
	}
	return (size_t)n;
}

static size_t
put_head(char *text, size_t size, enum profile_case which, unsigned part)
{
	char extends[32] = "";
	int n;

	if (part > 0) {
		(void)snprintf(
		    extends, sizeof(extends), "extends p%u ", part - 1);
	}
	n = snprintf(text, size, "profile p%u %s{\n on %s {\n", part, extends,
	    cases[which].hook);
	return (size_t)n;
}

/* p0 has the last rules; the others have theirs before those. */
static size_t
put_text(char *text, enum profile_case which, unsigned n)
{
	size_t len = 0;
	unsigned i = 0;

	for (unsigned part = 0; part < PARTS; part++) {
		len += put_head(text + len, TEXT_MAX - len, which, part);
		for (unsigned end = (n - 2) * (part + 1) / PARTS; i < end;
		     i++) {
			len += put_rule(
			    text + len, TEXT_MAX - len, which, i);
		}
		len += (size_t)snprintf(text + len, TEXT_MAX - len,
		    "%s} }\n", part == 0 ? cases[which].last : "");
	}
	return len;
}

struct made {
	void *block; /* owned */
	size_t size;
	struct table table;
	struct pjudge judge;
};

static void
on_report(void *arg, const struct pjudge_report *report)
{
	(void)arg;
	(void)report;
}

static void
make(struct made *m, const char *text, size_t len)
{
	static const struct pjudge_sink sink = {on_report, NULL};
	struct profile_load *load = profile_load_new();
	struct profile_set *set = NULL;
	struct profile_bind bind = {1, 0, 0};
	char why[128] = "";

	if (load == NULL ||
	    profile_load_text(load, PROFILE_LOCAL, "bench", text, len) != 0 ||
	    profile_load_finish(load, &set) != 0) {
		fatalx("bench: the profiles do not load: %s",
		    load != NULL && profile_load_error_count(load) > 0 ?
			profile_load_error(load, 0)->text :
			"no memory");
	}
	bind.profile = (uint16_t)profile_set_find(set, "p19");
	if (profile_build(set, &bind, 1, 0, &m->block, &m->size, why,
		sizeof(why)) != 0 ||
	    table_open(&m->table, m->block, m->size) != 0) {
		fatalx("bench: the profiles do not compile: %s", why);
	}
	profile_set_free(set);
	profile_load_free(load);
	pjudge_init(&m->judge, &m->table, 0, &sink, 0, 0);
}

static struct facts units[PROFILE_UNITS];
static uint32_t usages[PROFILE_UNITS];

/* Every tenth is one that some rule of the many speaks of. */
static void
make_unit(struct facts *f, enum profile_case which, unsigned i)
{
	unsigned n = i % 10 == 0 ? i * 10 : 1000000 + i;

	switch (which) {
	case PROFILE_SETUP:
		facts_init(f, HOOK_SETUP);
		facts_set(f, FACT_TYPE, 0);
		facts_set(f, FACT_REQUEST, i % 10 == 0 ? 0x10 + n % 200 : 6);
		facts_set(f, FACT_REQUEST_NAME, REQ_GET_DESCRIPTOR);
		facts_set(f, FACT_VALUE, n & 0xffff);
		facts_set(f, FACT_INDEX, n & 0xffff);
		facts_set(f, FACT_WLENGTH, n % 7);
		return;
	case PROFILE_SCSI:
		facts_init(f, HOOK_SCSI);
		facts_set(f, FACT_OP, i % 10 == 0 ? 0x2a : 0x28);
		facts_set(f, FACT_LUN, n % 16);
		facts_set(f, FACT_LBA, (uint64_t)n * 100);
		f->high = (uint64_t)n * 100 + 31;
		facts_set(f, FACT_BLOCKS, 32);
		facts_set(f, FACT_LEN, 16384);
		return;
	case PROFILE_HID:
		facts_init(f, HOOK_HID);
		facts_set(f, FACT_KIND, 1);
		facts_set(f, FACT_REPORT_ID, 1 + i / 256);
		facts_set(f, FACT_LEN, 1 + n % 60);
		memset(f->keys, 0, sizeof(f->keys));
		f->keys[0] = UINT64_C(0x10) << i % 26;
		f->has |= UINT64_C(1) << FACT_KEY | UINT64_C(1) << FACT_CHORD |
		    UINT64_C(1) << FACT_USAGE;
		facts_set(f, FACT_KEYDOWNS, 1);
		facts_set(f, FACT_GAP, n);
		usages[i] = 0xc0000 + n;
		f->usages = &usages[i];
		f->nusages = 1;
		return;
	case PROFILE_CASES:
		return;
	}
}

static double
rule_all(struct made *m, unsigned *allowed)
{
	uint64_t start = clock_mono();

	*allowed = 0;
	for (unsigned i = 0; i < PROFILE_UNITS; i++) {
		struct ruling r;

		judge_rule(&m->judge.judge, &units[i], start, &r);
		*allowed += r.verdict == VERDICT_ALLOW;
	}
	return (double)(clock_mono() - start) / PROFILE_UNITS;
}

/* The least of some passes: what it costs while nobody takes the core. */
static double
best_pass(struct made *m, unsigned *allowed)
{
	double best = 0;

	for (int i = 0; i < 7; i++) {
		double ns = rule_all(m, allowed);

		best = i == 0 || ns < best ? ns : best;
	}
	return best;
}

static double
best_exchange(struct made *m)
{
	double best = 0;

	for (int i = 0; i < 7; i++) {
		double ns = exchange_pass(&m->judge.judge);

		best = i == 0 || ns < best ? ns : best;
	}
	return best;
}

static void
measure(struct profile_bench *bench, enum profile_case which, char *text)
{
	struct made few, many;
	struct counts before;
	uint64_t start;
	unsigned unused;

	make(&few, text, put_text(text, which, PROFILE_FEW));
	start = clock_mono();
	make(&many, text, put_text(text, which, PROFILE_MANY));
	bench->load_ms[which] = (double)(clock_mono() - start) / 1e6;
	bench->size[which] = many.size;
	for (unsigned i = 0; i < PROFILE_UNITS; i++) {
		make_unit(&units[i], which, i);
	}
	before = *counts;
	for (unsigned r = 0; r < PROFILE_ROUNDS; r++) {
		bench->few[which][r] = best_pass(&few, &unused);
		bench->many[which][r] =
		    best_pass(&many, &bench->allowed[which]);
	}
	bench->mallocs += counts->mallocs - before.mallocs;
	for (unsigned r = 0; which == PROFILE_SCSI && r < PROFILE_ROUNDS; r++) {
		bench->exchange[r] = best_exchange(&few);
	}
	free(few.block);
	free(many.block);
}

void
profile_measure(struct profile_bench *bench)
{
	char *text = malloc(TEXT_MAX);

	if (text == NULL) {
		fatalx("bench: out of memory");
	}
	for (unsigned i = 0; i < PROFILE_CASES; i++) {
		measure(bench, (enum profile_case)i, text);
	}
	bench->is_measured = 1;
	free(text);
}

static int
compare(const void *pa, const void *pb)
{
	double a = *(const double *)pa, b = *(const double *)pb;

	return (a > b) - (a < b);
}

double
profile_median(const double values[PROFILE_ROUNDS])
{
	double sorted[PROFILE_ROUNDS];

	memcpy(sorted, values, sizeof(sorted));
	qsort(sorted, PROFILE_ROUNDS, sizeof(sorted[0]), compare);
	return sorted[PROFILE_ROUNDS / 2];
}

struct profile_ratio
profile_ratio(const struct profile_bench *bench, enum profile_case which)
{
	double ratios[PROFILE_ROUNDS];

	for (unsigned r = 0; r < PROFILE_ROUNDS; r++) {
		ratios[r] = bench->many[which][r] / bench->few[which][r];
	}
	qsort(ratios, PROFILE_ROUNDS, sizeof(ratios[0]), compare);
	return (struct profile_ratio){ratios[PROFILE_ROUNDS / 2], ratios[0],
	    ratios[PROFILE_ROUNDS - 1]};
}

void
profile_print(const struct profile_bench *bench)
{
	if (!bench->is_measured) {
		return;
	}
	printf("\nProfiles: a ruling, over %u units of each hook\n",
	    PROFILE_UNITS);
	printf("%-6s  %10s  %12s  %s\n", "", "10 rules", "10 000 rules",
	    "ratio");
	for (unsigned i = 0; i < PROFILE_CASES; i++) {
		struct profile_ratio ratio =
		    profile_ratio(bench, (enum profile_case)i);

		printf("%-6s  %7.1f ns  %9.1f ns  %5.2f (%4.2f..%4.2f)  "
		       "loaded in %.0f ms, %.1f MiB, %u allowed\n",
		    cases[i].name, profile_median(bench->few[i]),
		    profile_median(bench->many[i]), ratio.median,
		    ratio.least, ratio.most, bench->load_ms[i],
		    (double)bench->size[i] / (1024 * 1024),
		    bench->allowed[i]);
	}
	printf("inspection of 16 KiB that are read from a stick, three URBs: "
	       "%.0f ns\n",
	    profile_median(bench->exchange));
}
