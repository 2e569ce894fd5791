/*
 * The run as tables for people. See docs/PERFORMANCE.md for how to read them.
 */
#include <stdio.h>

#include "tests/bench/goals.h"
#include "tests/bench/results.h"

static void
print_name(const struct results *r, unsigned cell)
{
	char name[32];

	printf("%-18s",
	    results_cell_name(name, sizeof(name), &r->cells[cell]));
}

static void
print_spread(struct results_spread s)
{
	printf("  %5.2f%c(%4.2f..%4.2f)", s.median, s.is_sound ? ' ' : '?',
	    s.least, s.most);
}

static void
print_title(const struct results *r, unsigned pin, const char *text)
{
	printf("\n%s; %s (the bench on %d, servers on %d)\n", text,
	    results_pin_name(pin), r->cores[pin][0], r->cores[pin][1]);
}

static void
print_latency(const struct results *r, unsigned pin)
{
	print_title(r, pin, "p50 as a multiple of plain TCP's");
	printf("%-18s  %8s", "URB", "tcp us");
	for (int path = RIG_TLS; path < RIG_PATHS; path++) {
		printf("  %-18s", rig_name((enum rig_path)path));
	}
	printf("\n");
	for (unsigned c = 0; c < r->ncells; c++) {
		print_name(r, c);
		printf("  %8.1f",
		    results_absolute(r, pin, c, RIG_TCP, RESULTS_P50).median);
		for (int path = RIG_TLS; path < RIG_PATHS; path++) {
			print_spread(results_ratio(r, pin, c,
			    (enum rig_path)path, RIG_TCP, RESULTS_P50));
		}
		printf("\n");
	}
}

static void
print_rate(const struct results *r, unsigned pin)
{
	static const enum rig_path base[RIG_PATHS] = {
	    [RIG_GW] = RIG_TCP,
	    [RIG_GW_TLS] = RIG_TLS,
	    [RIG_HOP] = RIG_TCP,
	    [RIG_HOP_TLS] = RIG_TLS,
	};

	print_title(r, pin,
	    "MB/s (at p50) as a multiple of the baseline's, and CPU of the "
	    "gateway as a multiple of its server's");
	printf("%-18s  %8s %8s", "URB", "tcp MB/s", "tls MB/s");
	printf("  %-18s  %-18s  %-18s  %-18s  %-18s  %-18s\n", "gw/tcp",
	    "gw-tls/tls", "hop/tcp", "hop-tls/tls", "cpu gw/tcp",
	    "cpu gw-tls/tls");
	for (unsigned c = 0; c < r->ncells; c++) {
		print_name(r, c);
		printf("  %8.1f %8.1f",
		    results_absolute(r, pin, c, RIG_TCP, RESULTS_RATE).median,
		    results_absolute(r, pin, c, RIG_TLS, RESULTS_RATE).median);
		for (int path = RIG_GW; path < RIG_PATHS; path++) {
			print_spread(results_ratio(r, pin, c,
			    (enum rig_path)path, base[path], RESULTS_RATE));
		}
		for (int path = RIG_GW; path <= RIG_GW_TLS; path++) {
			print_spread(results_ratio(r, pin, c,
			    (enum rig_path)path, base[path], RESULTS_CPU));
		}
		printf("\n");
	}
}

static void
print_tails(const struct results *r, unsigned pin)
{
	print_title(r, pin, "p50/p99 in us (medians of the rounds)");
	printf("%-18s", "URB");
	for (int path = RIG_TCP; path < RIG_PATHS; path++) {
		printf("  %17s", rig_name((enum rig_path)path));
	}
	printf("\n");
	for (unsigned c = 0; c < r->ncells; c++) {
		print_name(r, c);
		for (int path = RIG_TCP; path < RIG_PATHS; path++) {
			printf("  %8.1f/%8.1f",
			    results_absolute(r, pin, c, (enum rig_path)path,
				RESULTS_P50)
				.median,
			    results_absolute(r, pin, c, (enum rig_path)path,
				RESULTS_P99)
				.median);
		}
		printf("\n");
	}
}

static void
print_cost(const struct results *r, unsigned pin)
{
	print_title(r, pin,
	    "CPU of the gateway's side + the workstation's (bench or relay): "
	    "s/GB, for <= 64 B us/URB");
	printf("%-18s", "URB");
	for (int path = RIG_TCP; path < RIG_PATHS; path++) {
		printf("  %13s", rig_name((enum rig_path)path));
	}
	printf("\n");
	for (unsigned c = 0; c < r->ncells; c++) {
		/* s/GB is ns/B */
		double unit = results_is_small(&r->cells[c])
		    ? r->cells[c].size / 1e3
		    : 1;

		print_name(r, c);
		for (int path = RIG_TCP; path < RIG_PATHS; path++) {
			printf("  %5.2f + %5.2f",
			    unit *
				results_absolute(r, pin, c,
				    (enum rig_path)path, RESULTS_CPU_GB)
				    .median,
			    unit *
				results_absolute(r, pin, c,
				    (enum rig_path)path,
				    RESULTS_WORKSTATION_CPU_GB)
				    .median);
		}
		printf("\n");
	}
}

static void
print_per_urb(const struct counts *c, uint64_t urbs)
{
	double n = (double)urbs;

	printf("  %6.2f %6.2f %6.2f %6.4f", (double)c->sends / n,
	    (double)c->recvs / n, (double)c->waits / n,
	    (double)c->mallocs / n);
}

static void
print_counts(const struct results *r, unsigned pin)
{
	static const struct {
		enum rig_path path;
		int is_relay;
		const char *name;
	} columns[] = {
	    {RIG_TLS, 0, "tls server"},
	    {RIG_GW, 0, "gw"},
	    {RIG_GW_TLS, 0, "gw-tls"},
	    {RIG_HOP_TLS, 1, "hop-tls: the relay"},
	};

	print_title(r, pin, "send, recv, epoll_wait, malloc for each URB");
	printf("%-18s", "URB");
	for (unsigned i = 0; i < 4; i++) {
		printf("  %-27s", columns[i].name);
	}
	printf("\n");
	for (unsigned c = 0; c < r->ncells; c++) {
		print_name(r, c);
		for (unsigned i = 0; i < 4; i++) {
			struct results_total t;

			results_total(r, pin, c, columns[i].path, &t);
			print_per_urb(
			    columns[i].is_relay ? &t.relay : &t.server,
			    t.urbs);
		}
		printf("\n");
	}
}

static void
print_outliers(const struct results *r)
{
	printf("\nURBs of 40 ms and more, and (in brackets) those for which "
	       "no process waited for a core\n");
	for (unsigned p = 0; p < r->npins; p++) {
		printf("%-18s", results_pin_name(p));
		for (int path = RIG_TCP; path < RIG_PATHS; path++) {
			unsigned slow = 0, stalls = 0;

			for (unsigned c = 0; c < r->ncells; c++) {
				struct results_total t;

				results_total(
				    r, p, c, (enum rig_path)path, &t);
				slow += t.slow;
				stalls += t.stalls;
			}
			printf("  %s %u (%u)", rig_name((enum rig_path)path),
			    slow, stalls);
		}
		printf("\n");
	}
}

static void
print_goals(const struct results *r)
{
	static struct goal goals[GOALS_MAX];
	unsigned n = goals_judge(r, goals);

	printf("\nGoals\n");
	for (unsigned i = 0; i < n; i++) {
		const struct goal *g = &goals[i];

		printf("%s  %-8s  %7.3f %s %5.2f  %s: %s", g->id,
		    goal_verdict(g), g->value,
		    g->side == GOAL_AT_MOST ? "<=" : ">=", g->bound, g->what,
		    g->where);
		if (g->unsound > 0) {
			printf(" (%u cells not judged: no cores)", g->unsound);
		}
		printf("\n");
	}
}

static void
print_conditions(const struct results *r)
{
	printf("%u rounds, paths in turns of %u ms; load average %.2f before, "
	       "%.2f after; TLS suite %s\n",
	    r->rounds, r->slice_ms, r->load_before, r->load_after, r->suite);
	printf("ratios are medians over the rounds (least..greatest); ?: the "
	       "machine gave too few cores for one\n");
}

void
results_print(const struct results *r)
{
	printf("%s; %s\n", r->date, r->machine);
	if (r->ncells > 0) {
		print_conditions(r);
	}
	for (unsigned p = 0; p < r->npins && r->ncells > 0; p++) {
		print_latency(r, p);
		print_rate(r, p);
		print_tails(r, p);
		print_cost(r, p);
		print_counts(r, p);
	}
	if (r->ncells > 0) {
		print_outliers(r);
	}
	policy_print(&r->policy);
	profile_print(&r->profile);
	flood_print(&r->flood);
	print_goals(r);
}
