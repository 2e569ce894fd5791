/*
 * The bounds on strangers. A table of fixed size remembers how fast each source
 * comes: the one that was silent longest makes room, which loses nothing once
 * its burst is full again. With more busy sources than rows the rates hold
 * less, the counts hold all the same.
 */
#include "proxy/warden/callers.h"

#include <netinet/in.h>
#include <string.h>

#include "base/clock.h"

#define MILLI 1000u

void
caller_of(struct caller *out, const struct sockaddr *addr)
{
	struct sockaddr_in6 in6;
	struct sockaddr_in in;

	memset(out, 0, sizeof(*out));
	if (addr->sa_family == AF_INET) {
		memcpy(&in, addr, sizeof(in));
		out->key[0] = '4';
		memcpy(out->key + 1, &in.sin_addr, 4);
	} else if (addr->sa_family == AF_INET6) {
		memcpy(&in6, addr, sizeof(in6));
		if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
			out->key[0] = '4';
			memcpy(out->key + 1, &in6.sin6_addr.s6_addr[12], 4);
		} else {
			out->key[0] = '6';
			memcpy(out->key + 1, in6.sin6_addr.s6_addr, 8);
		}
	}
}

int
caller_is(const struct caller *a, const struct caller *b)
{
	return memcmp(a->key, b->key, sizeof(a->key)) == 0;
}

static struct caller_rate *
row_of(struct callers *c, const struct caller *from)
{
	struct caller_rate *oldest = &c->rates[0];

	for (unsigned i = 0; i < CALLERS_RATES; i++) {
		struct caller_rate *row = &c->rates[i];

		if (row->at != 0 && caller_is(&row->from, from)) {
			return row;
		}
		if (row->at < oldest->at) {
			oldest = row;
		}
	}
	*oldest = (struct caller_rate){.from = *from};
	return oldest;
}

static int
is_too_fast(struct callers *c, const struct caller *from, unsigned rate,
    uint64_t now)
{
	struct caller_rate *row = row_of(c, from);
	uint64_t full = (uint64_t)rate * CALLERS_BURST * MILLI;
	uint64_t left = full;

	if (row->at != 0) {
		/* from here on a burst is full again anyhow */
		uint64_t past = now - row->at;

		if (past < CALLERS_BURST * CLOCK_SEC) {
			left = row->left + past * rate / (CLOCK_SEC / MILLI);
		}
		left = left < full ? left : full;
	}
	row->at = now;
	if (left < MILLI) {
		row->left = (uint32_t)left;
		return 1;
	}
	row->left = (uint32_t)(left - MILLI);
	return 0;
}

const char *
callers_judge(struct callers *c, const struct caller *from,
    const struct caller_count *n, const struct caller_bounds *b, uint64_t now)
{
	const char *why = NULL;

	if (n->all >= b->all) {
		why = "max-sessions";
	} else if (n->unknown >= b->unknown) {
		why = "max-handshakes";
	} else if (n->same >= b->same) {
		why = "address-sessions";
	} else if (n->same_unknown >= b->same_unknown) {
		why = "address-handshakes";
	} else if (is_too_fast(c, from, b->rate, now)) {
		why = "address-rate";
	}
	if (why != NULL) {
		c->turned_away++;
	}
	return why;
}

int
callers_tell(struct callers *c, uint64_t now, uint64_t *since)
{
	c->silent++;
	if (c->told != 0 && now - c->told < CLOCK_SEC) {
		return 0;
	}
	c->told = now;
	*since = c->silent;
	c->silent = 0;
	return 1;
}
