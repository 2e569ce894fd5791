/*
 * The goals as sentences with a number: what was reached, what is allowed.
 */
#ifndef TESTS_BENCH_GOALS_H
#define TESTS_BENCH_GOALS_H

#include "tests/bench/results.h"

#define GOALS_MAX 40u

/* Which side of the bound is good. */
enum goal_side { GOAL_AT_MOST, GOAL_AT_LEAST };

struct goal {
	const char *id;	  /* "G4" */
	const char *what; /* static */
	char where[48];	  /* the worst cell */
	double value, bound;
	enum goal_side side;
	int is_judged;	  /* something was measured for it */
	unsigned unsound; /* cells left out: the machine gave no cores */
};

/* Fills goals with those that the run can answer; returns how many. */
unsigned goals_judge(
    const struct results *r, struct goal goals[GOALS_MAX]);
int goal_is_met(const struct goal *goal);
/* "met", "not met", or "no cores" when nothing could be judged. */
const char *goal_verdict(const struct goal *goal);

#endif
