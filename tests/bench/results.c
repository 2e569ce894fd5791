/*
 * Ratios and their spread. A ratio is made inside a round, so that what else
 * the machine does in that moment strikes both sides.
 */
#include "tests/bench/results.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double
server_cpu(const struct load_slice *s)
{
	return (double)s->server.cpu;
}

double
results_figure(const struct results *r, unsigned pin, unsigned cell,
    unsigned round, enum rig_path path, enum results_figure figure)
{
	const struct load_slice *s = &r->slices[pin][cell][round][path];
	double bytes = (double)s->urbs * r->cells[cell].size;
	double near = (double)(path == RIG_HOP || path == RIG_HOP_TLS
				   ? s->relay.cpu
				   : s->own.cpu);

	switch (figure) {
	case RESULTS_P50:
		return (double)s->p50 / 1e3;
	case RESULTS_P99:
		return (double)s->p99 / 1e3;
	case RESULTS_RATE:
		return (double)r->cells[cell].size * r->cells[cell].depth *
		    1e3 / (double)s->p50;
	case RESULTS_MEAN:
		return bytes * 1e3 / (double)s->ns;
	case RESULTS_CPU:
		return server_cpu(s) / 1e3 / (double)s->urbs;
	case RESULTS_CPU_GB:
		return server_cpu(s) / bytes;
	case RESULTS_WORKSTATION_CPU_GB:
		return near / bytes;
	}
	return 0;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static struct results_spread
spread(double *values, unsigned n)
{
	qsort(values, n, sizeof(*values), compare);
	return (struct results_spread){
	    .median = n % 2 == 1 ? values[n / 2]
				 : (values[n / 2 - 1] + values[n / 2]) / 2,
	    .least = values[0],
	    .most = values[n - 1],
	};
}

struct results_spread
results_absolute(const struct results *r, unsigned pin, unsigned cell,
    enum rig_path path, enum results_figure figure)
{
	double values[RESULTS_ROUNDS];

	for (unsigned i = 0; i < r->rounds; i++) {
		values[i] = results_figure(r, pin, cell, i, path, figure);
	}
	return spread(values, r->rounds);
}

struct results_spread
results_ratio(const struct results *r, unsigned pin, unsigned cell,
    enum rig_path path, enum rig_path base, enum results_figure figure)
{
	double all[RESULTS_ROUNDS], calm[RESULTS_ROUNDS];
	struct results_spread s;
	unsigned n = 0;

	for (unsigned i = 0; i < r->rounds; i++) {
		const struct load_slice *paths = r->slices[pin][cell][i];

		all[i] = results_figure(r, pin, cell, i, path, figure) /
		    results_figure(r, pin, cell, i, base, figure);
		if (load_is_calm(&paths[path]) && load_is_calm(&paths[base])) {
			calm[n++] = all[i];
		}
	}
	s = 2 * n > r->rounds ? spread(calm, n) : spread(all, r->rounds);
	s.is_sound = 2 * n > r->rounds;
	return s;
}

double
results_mallocs(const struct results *r, unsigned pin, unsigned cell,
    enum rig_path path, enum results_side side)
{
	double values[RESULTS_ROUNDS];

	for (unsigned i = 0; i < r->rounds; i++) {
		const struct load_slice *s = &r->slices[pin][cell][i][path];
		const struct rig_usage *u =
		    side == RESULTS_RELAY ? &s->relay : &s->server;

		values[i] = (double)u->counts.mallocs / (double)s->urbs;
	}
	return spread(values, r->rounds).median;
}

void
results_total(const struct results *r, unsigned pin, unsigned cell,
    enum rig_path path, struct results_total *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < r->rounds; i++) {
		const struct load_slice *s = &r->slices[pin][cell][i][path];

		out->urbs += s->urbs;
		out->slow += s->slow;
		out->stalls += s->stalls;
		out->max = s->max > out->max ? s->max : out->max;
		count_add(&out->server, &s->server.counts);
		count_add(&out->relay, &s->relay.counts);
	}
}

char *
results_cell_name(char *dst, size_t size, const struct load_cell *cell)
{
	static const char *const kinds[] = {
	    [LOAD_INTERRUPT] = "int",
	    [LOAD_BULK] = "bulk",
	    [LOAD_CONTROL] = "ctl",
	};
	unsigned n = cell->size;
	const char *unit = "B";

	if (n >= 1024 * 1024) {
		n /= 1024 * 1024;
		unit = "MiB";
	} else if (n >= 1024) {
		n /= 1024;
		unit = "KiB";
	}
	(void)snprintf(dst, size, "%s %u %s %s x%u", kinds[cell->kind], n,
	    unit, cell->way == LOAD_IN ? "in" : "out", cell->depth);
	return dst;
}

const char *
results_pin_name(unsigned pin)
{
	return pin == RESULTS_ONE_CORE ? "one core" : "two cores";
}

int
results_is_small(const struct load_cell *cell)
{
	return cell->size <= 64;
}
