/*
 * The audit log while lines flood it, 10 000 a second: whether each that it took
 * is in it, under its MAC, and what a session beside it feels.
 */
#ifndef TESTS_BENCH_FLOOD_H
#define TESTS_BENCH_FLOOD_H

#include <stdint.h>

#define FLOOD_RATE 10000u /* lines a second */
#define FLOOD_ROUNDS 9u

struct flood_bench {
	int is_measured;
	/* us at p50 of 48 bytes through gateway and TLS, in each round */
	double calm[FLOOD_ROUNDS], flooded[FLOOD_ROUNDS];
	double rate;	   /* lines a second that were written */
	double cpu;	   /* of one core, for them */
	uint64_t accepted; /* lines */
	uint64_t proven;   /* of those, found in the files under their MACs */
	unsigned files;
};

/* flooded/calm: the median of the rounds, the least, the greatest. */
struct flood_ratio {
	double median, least, most;
};

void flood_measure(struct flood_bench *bench);
struct flood_ratio flood_ratio(const struct flood_bench *bench);
void flood_print(const struct flood_bench *bench);

/* The child that writes: 3 = the page, 4 = an empty directory. */
int bench_flood(void);

#endif
