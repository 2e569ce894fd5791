/*
 * G1, G4, G5 and P judged from a run; docs/PERFORMANCE.md has their words. Each is
 * the worst of the cells that it speaks of. Ratios compare two paths of one
 * run, counts are exact: no verdict depends on how fast this machine is.
 */
#include "tests/bench/goals.h"

#include <stdio.h>
#include <string.h>

struct judge {
	const struct results *r;
	struct goal *goals;
	unsigned n;
};

const char *
goal_verdict(const struct goal *goal)
{
	if (!goal->is_judged) {
		return "no cores";
	}
	return goal_is_met(goal) ? "met" : "not met";
}

int
goal_is_met(const struct goal *goal)
{
	return goal->side == GOAL_AT_MOST ? goal->value <= goal->bound
					  : goal->value >= goal->bound;
}

static struct goal *
add(struct judge *j, const char *id, const char *what, enum goal_side side,
    double bound)
{
	struct goal *goal = &j->goals[j->n];

	if (j->n + 1 < GOALS_MAX) {
		j->n++;
	}
	*goal = (struct goal){
	    .id = id,
	    .what = what,
	    .side = side,
	    .bound = bound,
	    .value = side == GOAL_AT_MOST ? -1 : 1e9, /* better than all */
	};
	return goal;
}

/* Keeps the worst. */
static void
see(struct judge *j, struct goal *goal, unsigned pin, unsigned cell,
    double value)
{
	char name[32];

	goal->is_judged = 1;
	if (goal->side == GOAL_AT_MOST ? value > goal->value
				       : value < goal->value) {
		goal->value = value;
		snprintf(goal->where, sizeof(goal->where), "%s, %s",
		    results_cell_name(name, sizeof(name), &j->r->cells[cell]),
		    results_pin_name(pin));
	}
}

static void
see_ratio(struct judge *j, struct goal *goal, unsigned pin, unsigned cell,
    struct results_spread ratio)
{
	if (ratio.is_sound) {
		see(j, goal, pin, cell, ratio.median);
	} else {
		goal->unsound++;
	}
}

static int
is_echo(const struct load_cell *cell)
{
	return results_is_small(cell) && cell->depth == 1;
}

/* ------------------------------------------------------------------------ */
/* G1: throughput and cost against bare mbedTLS                             */

static void
judge_stream(struct judge *j)
{
	const struct results *r = j->r;
	struct goal *rate = add(j, "G1",
	    "120 KiB x4, MB/s through gateway and TLS / bare mbedTLS",
	    GOAL_AT_LEAST, 0.90);
	struct goal *rate16 = add(j, "G1",
	    "16 KiB x4, MB/s through gateway and TLS / bare mbedTLS",
	    GOAL_AT_LEAST, 0.85);
	struct goal *cpu = add(j, "G1",
	    "16 KiB and more, CPU of the gateway / server of bare mbedTLS",
	    GOAL_AT_MOST, 1.12);

	for (unsigned p = 0; p < r->npins; p++) {
		for (unsigned c = 0; c < r->ncells; c++) {
			const struct load_cell *cell = &r->cells[c];

			if (results_is_small(cell)) {
				continue;
			}
			see_ratio(j, cpu, p, c,
			    results_ratio(r, p, c, RIG_GW_TLS, RIG_TLS,
				RESULTS_CPU));
			if (cell->depth != 4 || cell->size > 120 * 1024) {
				continue;
			}
			see_ratio(j, cell->size == 16 * 1024 ? rate16 : rate,
			    p, c,
			    results_ratio(r, p, c, RIG_GW_TLS, RIG_TLS,
				RESULTS_RATE));
		}
	}
}

/* ------------------------------------------------------------------------ */
/* G4: latency of what is small                                             */

static void
judge_path(struct judge *j, enum rig_path path, const char *what, double bound)
{
	const struct results *r = j->r;

	for (unsigned p = 0; p < r->npins; p++) {
		struct goal *goal = add(j, "G4", what, GOAL_AT_MOST, bound);

		for (unsigned c = 0; c < r->ncells; c++) {
			if (is_echo(&r->cells[c])) {
				see_ratio(j, goal, p, c,
				    results_ratio(r, p, c, path, RIG_TCP,
					RESULTS_P50));
			}
		}
	}
}

static void
judge_extra(struct judge *j)
{
	const struct results *r = j->r;
	struct goal *goal = add(j, "G4",
	    "gateway and TLS, <= 64 B: us more than plain TCP, one core",
	    GOAL_AT_MOST, 20);

	for (unsigned c = 0; c < r->ncells; c++) {
		if (is_echo(&r->cells[c])) {
			struct results_spread a = results_absolute(r,
			    RESULTS_ONE_CORE, c, RIG_GW_TLS, RESULTS_P50);
			struct results_spread b = results_absolute(r,
			    RESULTS_ONE_CORE, c, RIG_TCP, RESULTS_P50);

			see(j, goal, RESULTS_ONE_CORE, c, a.median - b.median);
		}
	}
}

/* How many there were, and URBs in all. */
static uint64_t
count_slow(const struct results *r, unsigned pin, enum rig_path path,
    unsigned *slow, unsigned *stalls)
{
	uint64_t urbs = 0;

	*slow = *stalls = 0;
	for (unsigned c = 0; c < r->ncells; c++) {
		struct results_total t;

		if (results_is_small(&r->cells[c])) {
			results_total(r, pin, c, path, &t);
			*slow += t.slow;
			*stalls += t.stalls;
			urbs += t.urbs;
		}
	}
	return urbs;
}

/* A delayed acknowledgement strikes every URB or one in a few, and the gateway
 * alone. Those that a baseline had as well, and that struck less than one URB
 * in a hundred, are the machine's. */
static void
judge_stalls(struct judge *j)
{
	struct goal *goal = add(j, "G4",
	    "URBs <= 64 B of 40 ms and more, not the machine's doing",
	    GOAL_AT_MOST, 0);

	goal->value = 0;
	snprintf(goal->where, sizeof(goal->where), "all");
	for (unsigned p = 0; p < j->r->npins; p++) {
		unsigned slow, stalls;
		int had = 0;

		for (int path = RIG_TCP; path < RIG_PATHS; path++) {
			uint64_t urbs = count_slow(j->r, p,
			    (enum rig_path)path, &slow, &stalls);

			if (path < RIG_GW) {
				had |= slow > 0;
				goal->is_judged |= urbs > 0;
				continue;
			}
			if ((!had || (uint64_t)stalls * 100 > urbs) &&
			    stalls > goal->value) {
				goal->value = stalls;
				snprintf(goal->where, sizeof(goal->where),
				    "%s, %s", rig_name((enum rig_path)path),
				    results_pin_name(p));
			}
		}
	}
}

/* ------------------------------------------------------------------------ */
/* G5: counts                                                               */

static void
judge_exact(struct judge *j)
{
	const struct results *r = j->r;
	static const enum rig_path both[] = {RIG_GW, RIG_GW_TLS};
	struct goal *record = add(j, "G5",
	    "sends for a reply of 16 KiB, header included", GOAL_AT_MOST, 1);
	struct goal *together = add(j, "G5",
	    "sends for 16 completions of one turn", GOAL_AT_MOST, 1);
	struct goal *small = add(j, "G5",
	    "recvs for each record that waits, 48 B", GOAL_AT_MOST, 0.3);
	struct goal *large = add(j, "G5",
	    "recvs for each record that waits, 16 KiB", GOAL_AT_MOST, 0.3);

	for (unsigned i = 0; i < 2; i++) {
		const struct results_exact *e = &r->exact[both[i]];
		struct goal *goals[] = {record, together, small, large};
		double values[] = {e->sends_record, e->sends_together,
		    e->recvs_small, e->recvs_large};

		for (unsigned k = 0; k < 4; k++) {
			goals[k]->is_judged = 1;
			if (values[k] > goals[k]->value) {
				goals[k]->value = values[k];
				snprintf(goals[k]->where,
				    sizeof(goals[k]->where), "%s",
				    rig_name(both[i]));
			}
		}
	}
}

/* Records that a reply of this cell fills. */
static double
records(const struct load_cell *cell)
{
	uint32_t len = 48 + (cell->way == LOAD_IN ? cell->size : 0);

	return (len + 16383) / 16384;
}

static void
judge_counts(struct judge *j)
{
	const struct results *r = j->r;
	struct goal *sends = add(j, "G5",
	    "gateway: sends for each record of its replies", GOAL_AT_MOST, 1);
	struct goal *mallocs = add(j, "G5", "gateway: mallocs for each URB",
	    GOAL_AT_MOST, 0);
	struct goal *relay = add(j, "G5",
	    "relay: sends for each URB <= 64 B, there and back", GOAL_AT_MOST,
	    2);
	struct goal *relay_mallocs = add(j, "G5",
	    "relay: mallocs for each URB", GOAL_AT_MOST, 0);

	for (unsigned p = 0; p < r->npins; p++) {
		for (unsigned c = 0; c < r->ncells; c++) {
			for (int path = RIG_GW; path < RIG_PATHS; path++) {
				struct results_total t;
				double urbs;

				results_total(
				    r, p, c, (enum rig_path)path, &t);
				urbs = (double)t.urbs;
				see(j, sends, p, c,
				    (double)t.server.sends / urbs /
					records(&r->cells[c]));
				see(j, mallocs, p, c,
				    results_mallocs(r, p, c,
					(enum rig_path)path, RESULTS_SERVER));
				if (path < RIG_HOP) {
					continue;
				}
				see(j, relay_mallocs, p, c,
				    results_mallocs(r, p, c,
					(enum rig_path)path, RESULTS_RELAY));
				if (results_is_small(&r->cells[c])) {
					see(j, relay, p, c,
					    (double)t.relay.sends / urbs);
				}
			}
		}
	}
}

static void
judge_policy(struct judge *j)
{
	const struct policy_bench *bench = &j->r->policy;
	struct goal *ratio = add(j, "P",
	    "a decision with 10 000 rules / with 10", GOAL_AT_MOST, 1.5);
	struct goal *load = add(
	    j, "P", "loading 10 000 rules, s", GOAL_AT_MOST, 1);

	if (!bench->is_measured) {
		return;
	}
	ratio->is_judged = load->is_judged = 1;
	ratio->value = policy_ratio(bench).median;
	load->value = bench->load_ms / 1e3;
	snprintf(ratio->where, sizeof(ratio->where), "policy");
	snprintf(load->where, sizeof(load->where), "policy");
}

static void
judge_profiles(struct judge *j)
{
	const struct profile_bench *bench = &j->r->profile;
	struct goal *ratio = add(j, "P",
	    "a ruling with 10 000 rules / with 10", GOAL_AT_MOST, 1.5);
	struct goal *mallocs =
	    add(j, "P", "mallocs of all rulings", GOAL_AT_MOST, 0);

	if (!bench->is_measured) {
		return;
	}
	ratio->is_judged = mallocs->is_judged = 1;
	mallocs->value = (double)bench->mallocs;
	snprintf(mallocs->where, sizeof(mallocs->where), "profiles");
	for (unsigned i = 0; i < PROFILE_CASES; i++) {
		double median =
		    profile_ratio(bench, (enum profile_case)i).median;

		if (median > ratio->value) {
			ratio->value = median;
			snprintf(ratio->where, sizeof(ratio->where),
			    "profiles, %s",
			    profile_case_name((enum profile_case)i));
		}
	}
}

/* All three URBs of a read against the gateway's time for the one of data. */
static void
judge_inspection(struct judge *j)
{
	const struct results *r = j->r;
	struct goal *goal = add(j, "P",
	    "inspection of a read of 16 KiB / CPU of the gateway for its data",
	    GOAL_AT_MOST, 0.02);

	for (unsigned p = 0; r->profile.is_measured && p < r->npins; p++) {
		for (unsigned c = 0; c < r->ncells; c++) {
			if (r->cells[c].size == 16 * 1024) {
				see(j, goal, p, c,
				    profile_median(r->profile.exchange) / 1e3 /
					results_absolute(r, p, c, RIG_GW_TLS,
					    RESULTS_CPU)
					    .median);
			}
		}
	}
}

static void
judge_flood(struct judge *j)
{
	const struct flood_bench *bench = &j->r->flood;
	struct goal *ratio = add(j, "A",
	    "48 B through gateway and TLS: p50 under 10 000 audit lines/s / "
	    "without",
	    GOAL_AT_MOST, 1.25);
	struct goal *lost = add(
	    j, "A", "audit lines that were taken and are not there",
	    GOAL_AT_MOST, 0);

	if (!bench->is_measured) {
		return;
	}
	ratio->is_judged = lost->is_judged = 1;
	ratio->value = flood_ratio(bench).median;
	lost->value = (double)bench->accepted - (double)bench->proven;
	snprintf(ratio->where, sizeof(ratio->where), "audit");
	snprintf(lost->where, sizeof(lost->where), "audit");
}

static unsigned
drop_unjudged(struct goal *goals, unsigned n)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < n; i++) {
		if (goals[i].is_judged || goals[i].unsound > 0) {
			goals[kept++] = goals[i];
		}
	}
	return kept;
}

unsigned
goals_judge(const struct results *r, struct goal goals[GOALS_MAX])
{
	struct judge j = {.r = r, .goals = goals};

	judge_policy(&j);
	judge_profiles(&j);
	judge_inspection(&j);
	judge_flood(&j);
	if (r->ncells == 0) {
		return drop_unjudged(goals, j.n);
	}
	judge_path(&j, RIG_GW_TLS,
	    "gateway and TLS, <= 64 B: p50 / plain TCP echo", 1.6);
	judge_path(&j, RIG_HOP_TLS,
	    "the same with the relay's hop: p50 / plain TCP echo", 2.8);
	judge_extra(&j);
	judge_stalls(&j);
	judge_exact(&j);
	judge_counts(&j);
	judge_stream(&j);
	return drop_unjudged(goals, j.n);
}
