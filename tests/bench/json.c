/*
 * The run as one line of JSON.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "tests/bench/goals.h"
#include "tests/bench/results.h"

static void
put(json_t *obj, const char *key, json_t *value)
{
	if (value == NULL || json_object_set_new(obj, key, value) != 0) {
		fatalx("json: out of memory");
	}
}

static json_t *
object(void)
{
	json_t *obj = json_object();

	if (obj == NULL) {
		fatalx("json: out of memory");
	}
	return obj;
}

/* Four digits are more than is measured. */
static json_t *
number(double value)
{
	char text[32];

	snprintf(text, sizeof(text), "%.4g", value);
	return json_real(strtod(text, NULL));
}

static json_t *
spread(struct results_spread s)
{
	return json_pack(
	    "[o,o,o]", number(s.median), number(s.least), number(s.most));
}

/* The same, and whether it may be believed. */
static json_t *
ratio(struct results_spread s)
{
	return json_pack("[o,o,o,b]", number(s.median), number(s.least),
	    number(s.most), s.is_sound);
}

static json_t *
per_urb(const struct counts *c, uint64_t urbs)
{
	double n = (double)urbs;

	return json_pack("{s:o,s:o,s:o,s:o,s:o}", "send",
	    number((double)c->sends / n), "recv",
	    number((double)c->recvs / n), "epoll_wait",
	    number((double)c->waits / n), "epoll_ctl",
	    number((double)c->ctls / n), "malloc",
	    number((double)c->mallocs / n));
}

static json_t *
path_object(
    const struct results *r, unsigned pin, unsigned cell, enum rig_path path)
{
	static const struct {
		const char *name;
		enum results_figure figure;
	} figures[] = {
	    {"p50_us", RESULTS_P50},
	    {"p99_us", RESULTS_P99},
	    {"mb_s", RESULTS_RATE},
	    {"mb_s_mean", RESULTS_MEAN},
	    {"cpu_us_urb", RESULTS_CPU},
	    {"cpu_s_gb", RESULTS_CPU_GB},
	    {"workstation_cpu_s_gb", RESULTS_WORKSTATION_CPU_GB},
	};
	enum rig_path base = path == RIG_GW_TLS || path == RIG_HOP_TLS
	    ? RIG_TLS
	    : RIG_TCP;
	json_t *obj = object();
	struct results_total t;

	for (unsigned i = 0; i < sizeof(figures) / sizeof(*figures); i++) {
		put(obj, figures[i].name,
		    spread(results_absolute(
			r, pin, cell, path, figures[i].figure)));
	}
	results_total(r, pin, cell, path, &t);
	put(obj, "max_us", number((double)t.max / 1e3));
	put(obj, "slow", json_integer(t.slow));
	put(obj, "stalls", json_integer(t.stalls));
	put(obj, "server", per_urb(&t.server, t.urbs));
	if (path == RIG_HOP || path == RIG_HOP_TLS) {
		put(obj, "relay", per_urb(&t.relay, t.urbs));
	}
	if (path == RIG_TCP) {
		return obj;
	}
	put(obj, "p50_of_tcp",
	    ratio(results_ratio(r, pin, cell, path, RIG_TCP, RESULTS_P50)));
	put(obj, base == RIG_TLS ? "mb_s_of_tls" : "mb_s_of_tcp",
	    ratio(results_ratio(r, pin, cell, path, base, RESULTS_RATE)));
	put(obj, base == RIG_TLS ? "cpu_of_tls" : "cpu_of_tcp",
	    ratio(results_ratio(r, pin, cell, path, base, RESULTS_CPU)));
	return obj;
}

static json_t *
pin_object(const struct results *r, unsigned pin)
{
	json_t *obj = object(), *cells = object();

	put(obj, "bench_core", json_integer(r->cores[pin][0]));
	put(obj, "server_core", json_integer(r->cores[pin][1]));
	for (unsigned c = 0; c < r->ncells; c++) {
		json_t *paths = object();
		char name[32];

		for (int path = RIG_TCP; path < RIG_PATHS; path++) {
			put(paths, rig_name((enum rig_path)path),
			    path_object(r, pin, c, (enum rig_path)path));
		}
		put(cells,
		    results_cell_name(name, sizeof(name), &r->cells[c]),
		    paths);
	}
	put(obj, "cells", cells);
	return obj;
}

static json_t *
goals_array(const struct results *r)
{
	static struct goal goals[GOALS_MAX];
	unsigned n = goals_judge(r, goals);
	json_t *array = json_array();

	for (unsigned i = 0; i < n; i++) {
		const struct goal *g = &goals[i];

		json_array_append_new(array,
		    json_pack("{s:s,s:s,s:s,s:o,s:o,s:s,s:s,s:i}", "id", g->id,
			"what", g->what, "where", g->where, "value",
			number(g->value), "bound", number(g->bound), "side",
			g->side == GOAL_AT_MOST ? "at most" : "at least",
			"verdict", goal_verdict(g), "cells_not_judged",
			(int)g->unsound));
	}
	return array;
}

static json_t *
policy_object(const struct policy_bench *bench)
{
	struct policy_ratio ratio = policy_ratio(bench);
	json_t *few = json_array(), *many = json_array();

	for (unsigned r = 0; r < POLICY_ROUNDS; r++) {
		json_array_append_new(few, number(bench->few[r]));
		json_array_append_new(many, number(bench->many[r]));
	}
	return json_pack("{s:i,s:o,s:o,s:[o,o,o],s:o,s:i}", "devices",
	    (int)POLICY_DEVICES, "rules_10_ns", few, "rules_10000_ns", many,
	    "ratio", number(ratio.median), number(ratio.least),
	    number(ratio.most), "load_10000_ms", number(bench->load_ms),
	    "allowed", (int)bench->allowed);
}

static json_t *
profile_object(const struct profile_bench *bench)
{
	json_t *top = json_object();

	for (unsigned i = 0; i < PROFILE_CASES; i++) {
		struct profile_ratio ratio =
		    profile_ratio(bench, (enum profile_case)i);

		put(top, profile_case_name((enum profile_case)i),
		    json_pack("{s:o,s:o,s:[o,o,o],s:o,s:I}", "rules_10_ns",
			number(profile_median(bench->few[i])),
			"rules_10000_ns",
			number(profile_median(bench->many[i])), "ratio",
			number(ratio.median), number(ratio.least),
			number(ratio.most), "load_10000_ms",
			number(bench->load_ms[i]), "bytes",
			(json_int_t)bench->size[i]));
	}
	put(top, "mallocs", json_integer((json_int_t)bench->mallocs));
	return top;
}

static json_t *
flood_object(const struct flood_bench *bench)
{
	struct flood_ratio ratio = flood_ratio(bench);

	return json_pack("{s:[o,o,o],s:o,s:o,s:I,s:I}", "session_p50",
	    number(ratio.median), number(ratio.least), number(ratio.most),
	    "rate", number(bench->rate), "cpu", number(bench->cpu), "accepted",
	    (json_int_t)bench->accepted, "proven", (json_int_t)bench->proven);
}

void
results_print_json(const struct results *r)
{
	json_t *top = object();
	json_t *pins = object();
	char *text;

	put(top, "date", json_string(r->date));
	put(top, "machine", json_string(r->machine));
	put(top, "rounds", json_integer(r->rounds));
	put(top, "slice_ms", json_integer(r->slice_ms));
	put(top, "load_before", number(r->load_before));
	put(top, "load_after", number(r->load_after));
	put(top, "suite", json_string(r->suite != NULL ? r->suite : ""));
	if (r->policy.is_measured) {
		put(top, "policy", policy_object(&r->policy));
	}
	if (r->profile.is_measured) {
		put(top, "profiles", profile_object(&r->profile));
	}
	if (r->flood.is_measured) {
		put(top, "audit", flood_object(&r->flood));
	}
	for (unsigned p = 0; p < r->npins; p++) {
		put(pins, results_pin_name(p), pin_object(r, p));
	}
	put(top, "pins", pins);
	put(top, "goals", goals_array(r));
	text = json_dumps(top, JSON_COMPACT | JSON_REAL_PRECISION(6));
	if (text == NULL) {
		fatalx("json: out of memory");
	}
	printf("%s\n", text);
	free(text);
	json_decref(top);
}
