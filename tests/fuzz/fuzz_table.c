/*
 * Blocks of compiled profiles as a session finds them: an honest one with some
 * of its words changed, or any bytes. What is taken is read and judged by
 * without leaving it.
 */
#include <string.h>

#include "policy/profiles/table.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_profile.h"

static void
on_report(void *arg, const struct pjudge_report *report)
{
	MUST(report->verdict <= VERDICTS);
	++*(unsigned *)arg;
}

static void
on_rule(void *arg, const struct table_rule *rule, int matched,
    const char *reason)
{
	*(unsigned *)arg += (unsigned)(strlen(rule->file) + strlen(reason)) +
	    strlen(rule->key) + (unsigned)matched;
}

static void
judge_all(const struct table *t, unsigned profile)
{
	unsigned n = 0;
	const struct pjudge_sink sink = {on_report, &n};
	struct pjudge j;

	pjudge_init(&j, t, profile, &sink, 1764028800, 1);
	for (unsigned i = 0; i < FUZZ_UNITS; i++) {
		struct unit_words u;
		struct ruling r;
		struct table_rule rule;

		fuzz_unit(&u, i);
		judge_rule(&j.judge, &u.facts, i * UINT64_C(99999999), &r);
		MUST(r.verdict < VERDICTS && r.nedits <= RULING_EDITS);
		MUST(table_rule(t, profile, r.rule, &rule) == 0);
		pjudge_explain(&j, &u.facts, i, on_rule, &n);
	}
	pjudge_swap(&j, t, 0, 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len;
	uint8_t *block = fuzz_block(data, size, &len);
	struct table t;

	if (table_open(&t, block, len) == 0) {
		for (unsigned i = 0; i < table_profiles(&t); i++) {
			(void)touch((const uint8_t *)table_name(&t, i), 1);
			judge_all(&t, i);
		}
	}
	free(block);
	return 0;
}
