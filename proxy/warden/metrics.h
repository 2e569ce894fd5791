/*
 * What the warden counts, for who watches the gateway as a whole: numbers that
 * grow from its start on. It knows no names of people or devices; rules and
 * checks have theirs.
 */
#ifndef PROXY_WARDEN_METRICS_H
#define PROXY_WARDEN_METRICS_H

#include <stdint.h>

#include "wire/tally.h"

enum metrics_by {
	METRICS_BY_HANDSHAKE, /* by TLS: no certificate that counts */
	METRICS_BY_REQUEST,   /* no request of USB/IP or of events */
	METRICS_BY_FLOOR,     /* a transfer that no rule can allow */
	METRICS_BY_PROFILE,   /* a unit that a profile refused */
	METRICS_BY_RULE,      /* an import that a rule, or none, allows */
	METRICS_BY_VETTING,   /* a device */
	METRICS_BYS,
};
const char *metrics_by_name(enum metrics_by by);

/* Refusals by name. Names come from sessions and from people's files, so there
 * is a bound: what has no place is counted as `other'. */
#define METRICS_NAMES 256u
#define METRICS_NAME 96u
struct metrics_name {
	enum metrics_by by;
	uint64_t n;
	char name[METRICS_NAME]; /* printable ASCII without quotes */
};

struct metrics {
	uint64_t sessions; /* connections that were let in to try */
	uint64_t imports;  /* devices that were given away */
	uint64_t ejected;  /* sessions that the gateway ended */
	uint64_t loads, failed_loads; /* of rules */
	int is_failed;		      /* the last one was */
	struct tally tally;	      /* of all sessions */
	unsigned nnames;
	struct metrics_name names[METRICS_NAMES];
	uint64_t other[METRICS_BYS];
};

/* n more under that name, which may be hostile. */
void metrics_refused(struct metrics *metrics, enum metrics_by by,
    const char *name, uint64_t n);
/* Likewise, by a rule of a file: its key, or the file's name and the line; 0 is
 * none. */
void metrics_refused_at(struct metrics *metrics, enum metrics_by by,
    const char *file, unsigned line, const char *key, uint64_t n);

#endif
