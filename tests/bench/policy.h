/*
 * What a decision of the rules costs, with few rules and with many; and what
 * the many cost to load. Pure computing, so it is measured in the bench's own
 * process.
 */
#ifndef TESTS_BENCH_POLICY_H
#define TESTS_BENCH_POLICY_H

#define POLICY_FEW 10u
#define POLICY_MANY 10000u
#define POLICY_DEVICES 1000u
#define POLICY_ROUNDS 9u

struct policy_bench {
	int is_measured;
	/* ns for one decision, in each round: over all devices */
	double few[POLICY_ROUNDS], many[POLICY_ROUNDS];
	double load_ms; /* the many: text to table, the least of three */
	unsigned allowed; /* devices that the many allow */
};

/* many/few: the median of the rounds, the least, the greatest. */
struct policy_ratio {
	double median, least, most;
};

void policy_measure(struct policy_bench *bench);
struct policy_ratio policy_ratio(const struct policy_bench *bench);
void policy_print(const struct policy_bench *bench);

#endif
