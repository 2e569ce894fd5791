/*
 * make bench: what a URB costs on its way through gateway and relay, measured
 * against the barest program that could carry it, side by side in one run. No
 * root, no virtual machine, no hardware; loopback and a simulated device.
 *
 * For each placement on cores, for each kind of URB, for each round: every path
 * has its turn. Then counts that no clock is needed for. Then the tables. What
 * decisions of the rules cost is measured first, in this process.
 */
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "tests/bench/flood.h"
#include "tests/bench/load.h"
#include "tests/bench/parts.h"
#include "tests/bench/raw.h"
#include "tests/bench/results.h"

#define KIB 1024u

static const struct load_cell all_cells[] = {
    {LOAD_INTERRUPT, LOAD_IN, 48, 1},
    {LOAD_INTERRUPT, LOAD_OUT, 48, 1},
    {LOAD_CONTROL, LOAD_IN, 48, 1},
    {LOAD_INTERRUPT, LOAD_IN, 48, 4},
    {LOAD_INTERRUPT, LOAD_OUT, 48, 4},
    {LOAD_BULK, LOAD_IN, 16 * KIB, 1},
    {LOAD_BULK, LOAD_OUT, 16 * KIB, 1},
    {LOAD_BULK, LOAD_IN, 16 * KIB, 4},
    {LOAD_BULK, LOAD_OUT, 16 * KIB, 4},
    {LOAD_BULK, LOAD_IN, 120 * KIB, 1},
    {LOAD_BULK, LOAD_OUT, 120 * KIB, 1},
    {LOAD_BULK, LOAD_IN, 120 * KIB, 4},
    {LOAD_BULK, LOAD_OUT, 120 * KIB, 4},
    {LOAD_BULK, LOAD_IN, 1024 * KIB, 1},
    {LOAD_BULK, LOAD_OUT, 1024 * KIB, 1},
    {LOAD_BULK, LOAD_IN, 1024 * KIB, 4},
    {LOAD_BULK, LOAD_OUT, 1024 * KIB, 4},
};

_Static_assert(ARRAY_LEN(all_cells) <= RESULTS_CELLS, "room for all cells");

static struct load_cell cells[RESULTS_CELLS]; /* those that are asked for */

/* Seconds for all turns, the repeated ones too, and how often one is tried. */
#define BUDGET 220u
#define TRIES 3

struct plan {
	unsigned rounds, slice_ms;
	uint64_t start;
	const char *only; /* in the name of a cell; NULL = all */
	int has_json;
};

static struct results results;
static struct rig rigs[RIG_PATHS];

static double
load_average(void)
{
	double load = 0;

	return getloadavg(&load, 1) == 1 ? load : -1;
}

/* Its kind and the time; nothing that names it. */
static void
describe_machine(void)
{
	char line[256], model[64] = "unknown processor";
	struct utsname un;
	FILE *f = fopen("/proc/cpuinfo", "re");

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		const char *colon = strchr(line, ':');

		if (strncmp(line, "model name", 10) == 0 && colon != NULL) {
			snprintf(model, sizeof(model), "%.*s",
			    (int)strcspn(colon + 2, "\n"), colon + 2);
			break;
		}
	}
	if (f != NULL) {
		(void)fclose(f);
	}
	if (uname(&un) == -1) {
		fatal("uname");
	}
	snprintf(results.machine, sizeof(results.machine),
	    "%s, %ld cores, %s %.16s %.16s", model,
	    sysconf(_SC_NPROCESSORS_ONLN), un.sysname, un.release, un.machine);
	clock_rfc3339(results.date, sizeof(results.date), clock_wall());
}

/* The first two cores that we may use, in both placements. */
static void
choose_cores(void)
{
	int found[2], n = 0;
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) == -1) {
		fatal("sched_getaffinity");
	}
	for (int i = 0; i < CPU_SETSIZE && n < 2; i++) {
		if (CPU_ISSET(i, &set)) {
			found[n++] = i;
		}
	}
	results.cores[RESULTS_ONE_CORE][0] = found[0];
	results.cores[RESULTS_ONE_CORE][1] = found[0];
	results.npins = 1;
	if (n == 2) {
		results.cores[RESULTS_TWO_CORES][0] = found[0];
		results.cores[RESULTS_TWO_CORES][1] = found[1];
		results.npins = 2;
	}
}

static unsigned
choose_cells(const char *only)
{
	unsigned n = 0;

	for (unsigned i = 0; i < ARRAY_LEN(all_cells); i++) {
		char name[32];

		results_cell_name(name, sizeof(name), &all_cells[i]);
		if (only == NULL || strstr(name, only) != NULL) {
			cells[n++] = all_cells[i];
		}
	}
	return n;
}

/* URBs that a turn needs to have a median. */
static uint64_t
least(const struct load_cell *cell)
{
	if (results_is_small(cell)) {
		return 256;
	}
	return cell->size <= 16 * KIB ? 64 : 12;
}

enum pace { PACE_EASY, PACE_LATE, PACE_TOO_LATE };

/* Whether this far into the run more than a fair share of the time is gone. */
static enum pace
pace(const struct plan *plan, unsigned done, unsigned total)
{
	uint64_t gone = clock_mono() - plan->start;

	if (gone > BUDGET * CLOCK_SEC) {
		return PACE_TOO_LATE;
	}
	return gone * total < BUDGET * CLOCK_SEC * (done + 1) ? PACE_EASY
							      : PACE_LATE;
}

/* The calmest of a few tries; in a hurry the first, and at last a short one. */
static void
measure_turn(const struct plan *plan, struct rig *rig,
    const struct load_cell *cell, enum pace pace, struct load_slice *out)
{
	uint64_t ns = plan->slice_ms * CLOCK_MSEC;
	int tries = pace == PACE_EASY ? TRIES : 1;

	for (int try = 0; try < tries; try++) {
		struct load_slice slice;

		load_run(rig, cell, pace == PACE_TOO_LATE ? ns / 4 : ns,
		    pace == PACE_EASY ? least(cell) : 12, &slice);
		if (try == 0 || slice.p50 * out->p10 < out->p50 * slice.p10) {
			*out = slice;
		}
		if (load_is_calm(out)) {
			return;
		}
	}
}

static void
measure_cell(const struct plan *plan, unsigned pin, unsigned cell)
{
	unsigned total = results.npins * results.ncells;

	for (int path = 0; path < RIG_PATHS; path++) {
		load_warm_up(&rigs[path], &cells[cell]);
	}
	for (unsigned round = 0; round < plan->rounds; round++) {
		for (int path = 0; path < RIG_PATHS; path++) {
			measure_turn(plan, &rigs[path], &cells[cell],
			    pace(plan, pin * results.ncells + cell, total),
			    &results.slices[pin][cell][round][path]);
		}
	}
}

static void
measure_times(const struct plan *plan)
{
	unsigned total = results.npins * results.ncells, n = 0;

	for (unsigned pin = 0; pin < results.npins; pin++) {
		rig_pin(rigs, results.cores[pin][0], results.cores[pin][1]);
		for (unsigned cell = 0; cell < results.ncells; cell++) {
			char name[32];

			fprintf(stderr, "[%2u/%u] %s, %s\n", ++n, total,
			    results_cell_name(
				name, sizeof(name), &cells[cell]),
			    results_pin_name(pin));
			measure_cell(plan, pin, cell);
		}
	}
}

static double
burst(struct rig *rig, const struct load_cell *cell, uint32_t n,
    enum load_burst_how how, int is_recv)
{
	uint64_t sum = 0;

	for (int i = 0; i < 10; i++) {
		struct rig_usage used;

		load_burst(rig, cell, n, how, &used);
		sum += is_recv ? used.counts.recvs : used.counts.sends;
	}
	return (double)sum / 10;
}

static void
measure_counts(enum rig_path path)
{
	static const struct load_cell report = {
	    LOAD_INTERRUPT, LOAD_IN, 8, 1};
	static const struct load_cell record = {
	    LOAD_BULK, LOAD_IN, 16 * KIB - USBIP_HEADER_SIZE, 1};
	static const struct load_cell small = {
	    LOAD_INTERRUPT, LOAD_OUT, 48, 1};
	static const struct load_cell large = {
	    LOAD_BULK, LOAD_OUT, 16 * KIB - USBIP_HEADER_SIZE, 1};
	struct results_exact *e = &results.exact[path];
	struct rig *rig = &rigs[path];

	e->sends_together = burst(rig, &report, 16, LOAD_TOGETHER, 0);
	e->sends_record = burst(rig, &record, 1, LOAD_TOGETHER, 0);
	e->recvs_small = burst(rig, &small, 64, LOAD_PILED, 1) / 64;
	e->recvs_large = burst(rig, &large, 32, LOAD_PILED, 1) / 32;
}

static int
wants_policy(const char *only)
{
	return only == NULL || strstr("policy", only) != NULL;
}

static int
wants_flood(const char *only)
{
	return only == NULL || strstr("audit", only) != NULL;
}

/* What needs the gateway and the relay. */
static void
run_urbs(const struct plan *plan)
{
	for (int path = 0; path < RIG_PATHS; path++) {
		rig_open(&rigs[path], (enum rig_path)path);
	}
	results.suite = raw_suite(rigs[RIG_GW_TLS].raw);
	measure_times(plan);
	fprintf(stderr, "exact counts\n");
	rig_pin(rigs, results.cores[0][0], results.cores[0][1]);
	measure_counts(RIG_GW);
	measure_counts(RIG_GW_TLS);
	for (int path = 0; path < RIG_PATHS; path++) {
		rig_close(&rigs[path]);
	}
}

static int
run(const struct plan *plan)
{
	results.cells = cells;
	results.ncells = choose_cells(plan->only);
	results.rounds = plan->rounds;
	results.slice_ms = plan->slice_ms;
	results.load_before = load_average();
	describe_machine();
	choose_cores();
	if (wants_policy(plan->only)) {
		fprintf(stderr, "policy\n");
		policy_measure(&results.policy);
		fprintf(stderr, "profiles\n");
		profile_measure(&results.profile);
	}
	if (wants_flood(plan->only)) {
		fprintf(stderr, "audit\n");
		flood_measure(&results.flood);
	}
	if (results.ncells > 0) {
		run_urbs(plan);
	}
	results.load_after = load_average();
	results_print(&results);
	if (plan->has_json) {
		results_print_json(&results);
	}
	return fflush(stdout) == 0 ? 0 : 1;
}

static int
run_role(char **argv)
{
	static const struct {
		const char *name;
		int (*main)(enum bench_door door);
	} roles[] = {
	    {"echo", bench_echo},
	    {"session", bench_session},
	    {"relay", bench_relay},
	};

	if (strcmp(argv[1], "flood") == 0) {
		log_init("flood");
		return bench_flood();
	}
	for (unsigned i = 0; i < ARRAY_LEN(roles); i++) {
		if (strcmp(argv[1], roles[i].name) == 0) {
			log_init(roles[i].name);
			log_set_level(LOG_LEVEL_WARN);
			return roles[i].main(strcmp(argv[2], "tls") == 0
						 ? BENCH_TLS
						 : BENCH_PLAIN);
		}
	}
	return -1;
}

static int
usage(FILE *to, int exit_code)
{
	fprintf(to,
	    "usage: bench [--quick] [--only TEXT] [--json]\n"
	    "  --quick      fewer and shorter rounds: about a minute\n"
	    "  --only TEXT  URBs whose name has TEXT in it: \"48 B\", \"x4\";\n"
	    "               \"policy\" for what decisions cost, \"audit\" for "
	    "the log\n"
	    "  --json       one line of JSON after the tables\n"
	    "Progress goes to standard error. See docs/PERFORMANCE.md.\n");
	return exit_code;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"quick", no_argument, NULL, 'q'},
	    {"only", required_argument, NULL, 'o'},
	    {"json", no_argument, NULL, 'j'},
	    {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0},
	};
	struct plan plan = {
	    .rounds = 5, .slice_ms = 100, .start = clock_mono()};
	int c;

	if (argc == 3 && argv[1][0] != '-') {
		c = run_role(argv);
		if (c >= 0) {
			return c;
		}
	}
	log_init("bench");
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'q':
			plan.rounds = 3;
			plan.slice_ms = 25;
			break;
		case 'o':
			plan.only = optarg;
			break;
		case 'j':
			plan.has_json = 1;
			break;
		case 'h':
			return usage(stdout, 0);
		default:
			return usage(stderr, 2);
		}
	}
	if (optind != argc ||
	    (choose_cells(plan.only) == 0 && !wants_policy(plan.only) &&
		!wants_flood(plan.only))) {
		return usage(stderr, 2);
	}
	return run(&plan);
}
