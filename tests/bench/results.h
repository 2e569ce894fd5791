/*
 * Everything that a run measured, and how it is read: as ratios of two paths
 * that took turns in the same round, the median of the rounds with the least
 * and the greatest.
 */
#ifndef TESTS_BENCH_RESULTS_H
#define TESTS_BENCH_RESULTS_H

#include <stddef.h>
#include <stdint.h>

#include "tests/bench/flood.h"
#include "tests/bench/load.h"
#include "tests/bench/policy.h"
#include "tests/bench/profile.h"

#define RESULTS_ROUNDS 9u
#define RESULTS_CELLS 20u

enum results_pin { RESULTS_ONE_CORE, RESULTS_TWO_CORES, RESULTS_PINS };

/* Counts that do not depend on time at all. */
struct results_exact {
	/* 16 submits in one write: sends of the server for all 16 replies */
	double sends_together;
	/* a reply of 16 KiB with its header: sends for it */
	double sends_record;
	/* records that wait on a stopped server: recvs for each */
	double recvs_small; /* of 48 bytes and their header */
	double recvs_large; /* of 16 KiB */
};

struct results {
	const struct load_cell *cells;
	unsigned ncells, rounds, npins;
	unsigned slice_ms;
	int cores[RESULTS_PINS][2]; /* the bench's, the server's */
	double load_before, load_after; /* average of the last minute */
	const char *suite;
	char machine[160]; /* its kind, without a name */
	char date[32];
	struct load_slice slices[RESULTS_PINS][RESULTS_CELLS][RESULTS_ROUNDS]
				[RIG_PATHS];
	struct results_exact exact[RIG_PATHS]; /* of gw and gw-tls */
	struct policy_bench policy;
	struct profile_bench profile;
	struct flood_bench flood;
};

struct results_spread {
	double median, least, most;
	int is_sound; /* most of its rounds were calm on both sides */
};

enum results_figure {
	RESULTS_P50,	/* us */
	RESULTS_P99,	/* us */
	RESULTS_RATE,	/* MB/s of data that the loop carries at p50: what it
			   does while nobody takes its cores */
	RESULTS_MEAN,	/* MB/s of data, all told */
	RESULTS_CPU,	/* of the server: us for each URB */
	RESULTS_CPU_GB, /* of the server: s for each GB of data */
	RESULTS_WORKSTATION_CPU_GB, /* of the relay, or of the bench's own end:
				       s for each GB */
};

/* In one round. */
double results_figure(const struct results *r, unsigned pin, unsigned cell,
    unsigned round, enum rig_path path, enum results_figure figure);
/* Over the rounds; a ratio over the calm ones, if they are the greater part. */
struct results_spread results_absolute(const struct results *r, unsigned pin,
    unsigned cell, enum rig_path path, enum results_figure figure);
struct results_spread results_ratio(const struct results *r, unsigned pin,
    unsigned cell, enum rig_path path, enum rig_path base,
    enum results_figure figure);

/* mallocs for each URB in the median round: a buffer that grows to a new
 * greatest backlog is no cost of each URB. */
enum results_side { RESULTS_SERVER, RESULTS_RELAY };
double results_mallocs(const struct results *r, unsigned pin, unsigned cell,
    enum rig_path path, enum results_side side);

/* All rounds together. */
struct results_total {
	uint64_t urbs, max; /* ns */
	unsigned slow, stalls;
	struct counts server, relay;
};
void results_total(const struct results *r, unsigned pin, unsigned cell,
    enum rig_path path, struct results_total *out);

/* "bulk 120 KiB in x4" */
char *results_cell_name(char *dst, size_t size, const struct load_cell *cell);
const char *results_pin_name(unsigned pin);
/* At most 64 bytes of data. */
int results_is_small(const struct load_cell *cell);

/* table.c: for people. */
void results_print(const struct results *r);
/* json.c: one line. */
void results_print_json(const struct results *r);

#endif
