/*
 * Who may come in at all, before anybody knows who it is: bounds for each
 * source address and for all together, so that one address, or many that never
 * finish a handshake, do not take the places of those who do. Knows addresses
 * and numbers, no identity and no rule. An IPv6 source is its /64: whoever has
 * one address of it has all of them.
 */
#ifndef PROXY_WARDEN_CALLERS_H
#define PROXY_WARDEN_CALLERS_H

#include <stdint.h>
#include <sys/socket.h>

/* A family's letter and the address or /64; zero-filled. */
#define CALLER_KEY 9u
struct caller {
	uint8_t key[CALLER_KEY];
};

/* How fast one source has been coming lately. */
#define CALLERS_RATES 128u
#define CALLERS_BURST 4u /* seconds' worth that may come at once */
struct caller_rate {
	struct caller from;
	uint64_t at;	/* clock_mono of its last try; 0 = unused */
	uint32_t left;	/* thousandths of a connection */
};

struct callers {
	struct caller_rate rates[CALLERS_RATES];
	uint64_t told;	/* clock_mono of the last line in the log */
	uint64_t silent; /* turned away since */
	uint64_t turned_away;
};

/* What there is now, of all and of one source. A connection counts as unknown
 * until its certificate is known, and until its process is gone. */
struct caller_count {
	unsigned all, unknown, same, same_unknown;
};

struct caller_bounds {
	unsigned all;	       /* [gateway] max-sessions */
	unsigned unknown;      /* max-handshakes */
	unsigned same;	       /* address-sessions */
	unsigned same_unknown; /* address-handshakes */
	unsigned rate;	       /* address-rate, a second */
};

void caller_of(struct caller *out, const struct sockaddr *addr);
int caller_is(const struct caller *a, const struct caller *b);

/* NULL: it may come in; else why not, in the words of gateway.conf. Every call
 * with room for it counts for its rate. */
const char *callers_judge(struct callers *callers, const struct caller *from,
    const struct caller_count *count, const struct caller_bounds *bounds,
    uint64_t now);

/* One was turned away: whether the log is to say so (at most once a second),
 * and how many were since it last did. */
int callers_tell(struct callers *callers, uint64_t now, uint64_t *since);

#endif
