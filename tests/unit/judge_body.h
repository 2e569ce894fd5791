/*
 * Bodies shared by the tests of the judge: a text compiled into a table that is
 * checked, a judge over it, and what it reports. Units are given in words, as
 * for sallyport-policy.
 */
#ifndef TESTS_UNIT_JUDGE_BODY_H
#define TESTS_UNIT_JUDGE_BODY_H

#include <stdlib.h>

#include "policy/profiles/layout.h"
#include "policy/tool/unit.h"
#include "tests/unit/profiles_body.h"

#define SECOND UINT64_C(1000000000)
#define RIG_REPORTS 16u
#define RIG_WALL INT64_C(1764028800) /* Tue 2025-11-25 00:00:00 UTC */

struct rig {
	void *block; /* owned */
	size_t size;
	struct table table;
	struct pjudge judge;
	struct pjudge_report reports[RIG_REPORTS]; /* the first of them */
	unsigned nreports;
	uint64_t now;
	struct ruling ruling; /* the last */
};

static inline void
rig_report(void *arg, const struct pjudge_report *report)
{
	struct rig *rig = arg;

	if (rig->nreports < RIG_REPORTS) {
		rig->reports[rig->nreports] = *report;
	}
	rig->nreports++;
}

/* The block of one profile of a set. */
static inline void
rig_build(struct rig *rig, const struct profile_set *set, const char *name,
    int32_t utc_offset)
{
	int i = profile_set_find(set, name);
	struct profile_bind bind = {1, 0, (uint16_t)i};
	char why[128];

	assert_true(i >= 0);
	assert_int_equal(profile_build(set, &bind, 1, utc_offset,
			     &rig->block, &rig->size, why, sizeof(why)),
	    0);
	assert_int_equal(
	    table_open(&rig->table, rig->block, rig->size), 0);
}

static inline void
rig_judge(struct rig *rig)
{
	const struct pjudge_sink sink = {rig_report, rig};

	rig->now = SECOND;
	pjudge_init(&rig->judge, &rig->table, 0, &sink, RIG_WALL, rig->now);
}

static inline void
rig_open(struct rig *rig, const char *text, const char *name)
{
	struct profile_set *set = profiles_of(text);

	memset(rig, 0, sizeof(*rig));
	rig_build(rig, set, name, 0);
	profile_set_free(set); /* a block needs nothing of it */
	rig_judge(rig);
}

static inline void
rig_close(struct rig *rig)
{
	free(rig->block);
	rig->block = NULL;
}

static inline void
unit_of(struct unit_words *u, const char *words)
{
	char why[128] = "";

	if (unit_read(u, words, why, sizeof(why)) != 0) {
		fail_msg("%s: %s", words, why);
	}
}

/* The ruling; reports are those of this unit. */
static inline enum verdict
rig_rule(struct rig *rig, const char *words)
{
	struct unit_words u;

	unit_of(&u, words);
	rig->nreports = 0;
	judge_rule(&rig->judge.judge, &u.facts, rig->now, &rig->ruling);
	return rig->ruling.verdict;
}

/* The line of the rule that decided; 0 = the end of the hook. */
static inline unsigned
rig_line(const struct rig *rig)
{
	struct table_rule rule;

	assert_int_equal(
	    table_rule(&rig->table, 0, rig->ruling.rule, &rule), 0);
	return rule.line;
}

#endif
