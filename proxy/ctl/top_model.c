/*
 * See top.h. Texts come from the warden, which has escaped what devices and
 * peers say.
 */
#include "proxy/ctl/top.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/mem.h"
#include "proxy/ctl/ctl.h"

#define NUMBERS 44u /* columns of the numbers */

static const char *
text_of(const json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));

	return text != NULL ? text : "";
}

static uint64_t
number_of(const json_t *o, const char *name)
{
	json_int_t n = json_integer_value(json_object_get(o, name));

	return n > 0 ? (uint64_t)n : 0;
}

/* ------------------------------------------------------------------------ */
/* Rows                                                                     */

/* That of the connection, which may be new. NULL: no memory, or too many. */
static struct top_row *
row_of(struct top *top, long long connection)
{
	struct top_row *rows;

	for (size_t i = 0; i < top->n; i++) {
		if (top->rows[i].connection == connection) {
			return &top->rows[i];
		}
	}
	rows = top->n < TOP_ROWS
	    ? realloc(top->rows, (top->n + 1) * sizeof(*rows))
	    : NULL;
	if (rows == NULL) {
		return NULL;
	}
	top->rows = rows;
	rows[top->n] = (struct top_row){.connection = connection};
	return &rows[top->n++];
}

static void
fill(struct top_row *row, const json_t *e)
{
	const char *device = text_of(e, "device");

	(void)snprintf(
	    row->busid, sizeof(row->busid), "%s", text_of(e, "busid"));
	(void)snprintf(row->device, sizeof(row->device), "%s",
	    *device != '\0' ? device : text_of(e, "stable"));
	(void)snprintf(row->name, sizeof(row->name), "%s", text_of(e, "name"));
	row->in_s = number_of(e, "in_s");
	row->out_s = number_of(e, "out_s");
	row->urbs_s = number_of(e, "urbs_s");
	row->open = number_of(e, "open");
	row->refusals = number_of(e, "refusals");
	memmove(row->history, row->history + 1,
	    (TOP_HISTORY - 1) * sizeof(row->history[0]));
	row->history[TOP_HISTORY - 1] = row->in_s + row->out_s;
	row->is_seen = 1;
}

static int
compare_numbers(uint64_t a, uint64_t b)
{
	return a > b ? -1 : a < b;
}

static enum top_sort sorted_by; /* of qsort, which has no argument */

static int
compare(const void *va, const void *vb)
{
	const struct top_row *a = va, *b = vb;
	int c = 0;

	switch (sorted_by) {
	case TOP_BY_RATE:
		c = compare_numbers(a->in_s + a->out_s, b->in_s + b->out_s);
		break;
	case TOP_BY_URBS:
		c = compare_numbers(a->urbs_s, b->urbs_s);
		break;
	case TOP_BY_REFUSALS:
		c = compare_numbers(a->refusals, b->refusals);
		break;
	case TOP_BY_BUSID:
		break;
	}
	c = c != 0 ? c : strcmp(a->busid, b->busid);
	return c != 0 ? c
		      : (a->connection > b->connection) -
		(a->connection < b->connection);
}

/* ------------------------------------------------------------------------ */
/* The gateway                                                              */

static void
fill_head(struct top *top, const json_t *status)
{
	uint64_t lost = number_of(status, "audit_failed");
	char audit[64] = "";

	(void)snprintf(top->head[0], sizeof(top->head[0]),
	    "sallyport %s   %llu devices   %llu sessions   %llu asks   %llu "
	    "turned away",
	    text_of(status, "version"),
	    (unsigned long long)number_of(status, "devices"),
	    (unsigned long long)number_of(status, "sessions"),
	    (unsigned long long)number_of(status, "asks"),
	    (unsigned long long)number_of(status, "turned_away"));
	if (json_is_true(json_object_get(status, "audit_failing"))) {
		(void)snprintf(audit, sizeof(audit),
		    "   AUDIT LOG CANNOT BE WRITTEN");
	} else if (lost > 0) {
		(void)snprintf(audit, sizeof(audit), "   %llu audit lines lost",
		    (unsigned long long)lost);
	}
	(void)snprintf(top->head[1], sizeof(top->head[1]),
	    "%llu rules since %s%s%s",
	    (unsigned long long)number_of(status, "rules"),
	    text_of(status, "rules_loaded"),
	    *text_of(status, "rules_error") != '\0' ? "   LAST LOAD FAILED"
						    : "",
	    audit);
}

int
top_update(struct top *top, const json_t *status, const json_t *sessions)
{
	const json_t *list = json_object_get(sessions, "sessions"), *e;
	size_t i, kept = 0;
	int r = 0;

	fill_head(top, status);
	for (i = 0; i < top->n; i++) {
		top->rows[i].is_seen = 0;
	}
	json_array_foreach ((json_t *)(uintptr_t)list, i, e) {
		struct top_row *row;

		if (*text_of(e, "busid") == '\0') {
			continue;
		}
		row = row_of(top,
		    (long long)number_of(e, "connection"));
		if (row != NULL) {
			fill(row, e);
		} else {
			r = ERR_NOMEM;
		}
	}
	for (i = 0; i < top->n; i++) {
		if (top->rows[i].is_seen) {
			top->rows[kept++] = top->rows[i];
		}
	}
	top->n = kept;
	sorted_by = top->sort;
	if (kept > 1) {
		qsort(top->rows, kept, sizeof(*top->rows), compare);
	}
	return r;
}

uint64_t
top_max(const struct top *top)
{
	uint64_t max = 0;

	for (size_t i = 0; i < top->n; i++) {
		for (unsigned k = 0; k < TOP_HISTORY; k++) {
			max = top->rows[i].history[k] > max
			    ? top->rows[i].history[k]
			    : max;
		}
	}
	return max;
}

/* ------------------------------------------------------------------------ */
/* Lines                                                                    */

char *
top_spark(char dst[TOP_SPARK], const struct top *top,
    const struct top_row *row, unsigned n, uint64_t max)
{
	static const char *const blocks[] = {" ", "\u2581", "\u2582", "\u2583",
		"\u2584", "\u2585", "\u2586", "\u2587", "\u2588"};
	static const char *const ascii[] = {
		" ", ".", ":", "-", "=", "+", "*", "%", "#"};
	size_t used = 0;

	dst[0] = '\0';
	n = n < TOP_HISTORY ? n : TOP_HISTORY;
	for (unsigned i = TOP_HISTORY - n; i < TOP_HISTORY; i++) {
		uint64_t v = row->history[i];
		/* whatever there was is to be seen */
		size_t level = v == 0 || max == 0
		    ? 0
		    : 1 + (size_t)((double)v / (double)max * 7);
		const char *c = (top->has_unicode ? blocks
						  : ascii)[level < 8 ? level
								     : 8];

		used += (size_t)snprintf(dst + used, TOP_SPARK - used, "%s", c);
	}
	return dst;
}

/* Columns of the texts, and of the minute behind the numbers. */
static void
split(unsigned width, unsigned *device, unsigned *name, unsigned *spark)
{
	unsigned left = width > NUMBERS + 10 ? width - NUMBERS - 10 : 0;

	*spark = left > 60 ? (left - 40 < TOP_HISTORY ? left - 40 : TOP_HISTORY)
			   : left / 3;
	left -= *spark;
	*device = left / 2;
	*name = left - *device;
	*device = *device > 40 ? 40 : *device;
	*name = *name > 40 ? 40 : *name;
}

char *
top_title(char dst[TOP_LINE], const struct top *top, unsigned width)
{
	unsigned device, name, spark;

	(void)top;
	split(width, &device, &name, &spark);
	(void)snprintf(dst, TOP_LINE,
	    "%-9s %-*.*s %-*.*s %9s %9s %7s %5s %7s %.*s", "BUSID",
	    (int)device, (int)device, "DEVICE", (int)name, (int)name, "HOLDER",
	    "IN/s", "OUT/s", "URBs/s", "OPEN", "REFUSED", (int)spark,
	    "LAST MINUTE");
	return dst;
}

char *
top_line(char dst[TOP_LINE], const struct top *top, const struct top_row *row,
    unsigned width)
{
	char in[CTL_AMOUNT], out[CTL_AMOUNT], graph[TOP_SPARK];
	unsigned device, name, spark;

	split(width, &device, &name, &spark);
	(void)snprintf(dst, TOP_LINE,
	    "%-9.9s %-*.*s %-*.*s %9s %9s %7llu %5llu %7llu %s", row->busid,
	    (int)device, (int)device, row->device, (int)name, (int)name,
	    row->name, ctl_amount(in, (double)row->in_s),
	    ctl_amount(out, (double)row->out_s),
	    (unsigned long long)row->urbs_s, (unsigned long long)row->open,
	    (unsigned long long)row->refusals,
	    top_spark(graph, top, row, spark, top_max(top)));
	return dst;
}

void
top_free(struct top *top)
{
	free(top->rows);
	*top = (struct top){0};
}
