/*
 * What the judge of profiles costs for one unit of a hook, with few rules and
 * with many; and what the many cost to load and compile. Pure computing, in the
 * bench's own process.
 */
#ifndef TESTS_BENCH_PROFILE_H
#define TESTS_BENCH_PROFILE_H

#include <stddef.h>
#include <stdint.h>

#define PROFILE_FEW 10u
#define PROFILE_MANY 10000u
#define PROFILE_UNITS 1000u
#define PROFILE_ROUNDS 9u

enum profile_case { PROFILE_SETUP, PROFILE_SCSI, PROFILE_HID, PROFILE_CASES };

struct profile_bench {
	int is_measured;
	/* ns for one ruling, in each round */
	double few[PROFILE_CASES][PROFILE_ROUNDS];
	double many[PROFILE_CASES][PROFILE_ROUNDS];
	unsigned allowed[PROFILE_CASES]; /* units that the many allow */
	double load_ms[PROFILE_CASES]; /* the many: text to checked table */
	size_t size[PROFILE_CASES];    /* of that */
	/* ns to inspect 16 KiB read from a stick, under the few */
	double exchange[PROFILE_ROUNDS];
	uint64_t mallocs;	       /* of all rulings */
};

/* many/few: the median of the rounds, the least, the greatest. */
struct profile_ratio {
	double median, least, most;
};

const char *profile_case_name(enum profile_case which);
void profile_measure(struct profile_bench *bench);
struct profile_ratio profile_ratio(
    const struct profile_bench *bench, enum profile_case which);
double profile_median(const double values[PROFILE_ROUNDS]);
void profile_print(const struct profile_bench *bench);

#endif
