/* See metrics.h. */
#include "proxy/warden/metrics.h"

#include <stdio.h>
#include <string.h>

const char *
metrics_by_name(enum metrics_by by)
{
	static const char *const names[] = {
	    [METRICS_BY_HANDSHAKE] = "handshake",
	    [METRICS_BY_REQUEST] = "request",
	    [METRICS_BY_FLOOR] = "floor",
	    [METRICS_BY_PROFILE] = "profile",
	    [METRICS_BY_RULE] = "rule",
	    [METRICS_BY_VETTING] = "vetting",
	};

	return by < METRICS_BYS ? names[by] : "";
}

/* What a label may hold without being escaped. */
static void
clean(char out[METRICS_NAME], const char *name)
{
	size_t n = 0;

	for (; name[n] != '\0' && n < METRICS_NAME - 1; n++) {
		out[n] = name[n] > ' ' && name[n] < 0x7f && name[n] != '"' &&
			name[n] != '\\'
		    ? name[n]
		    : '_';
	}
	out[n] = '\0';
}

void
metrics_refused(struct metrics *metrics, enum metrics_by by, const char *name,
    uint64_t n)
{
	char want[METRICS_NAME];
	struct metrics_name *e;

	clean(want, name);
	for (unsigned i = 0; i < metrics->nnames; i++) {
		e = &metrics->names[i];
		if (e->by == by && strcmp(e->name, want) == 0) {
			e->n += n;
			return;
		}
	}
	if (metrics->nnames == METRICS_NAMES) {
		metrics->other[by] += n;
		return;
	}
	e = &metrics->names[metrics->nnames++];
	e->by = by;
	e->n = n;
	memcpy(e->name, want, sizeof(want));
}

void
metrics_refused_at(struct metrics *metrics, enum metrics_by by,
    const char *file, unsigned line, const char *key, uint64_t n)
{
	const char *slash = strrchr(file, '/');
	char name[METRICS_NAME];

	if (*key != '\0' || line == 0) {
		metrics_refused(metrics, by, *key != '\0' ? key : "implicit",
		    n);
		return;
	}
	(void)snprintf(name, sizeof(name), "%.80s:%u",
	    slash != NULL ? slash + 1 : file, line);
	metrics_refused(metrics, by, name, n);
}
