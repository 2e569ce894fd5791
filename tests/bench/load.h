/*
 * The load: submits URBs as vhci_hcd does, each with one send, keeps so many in
 * flight, and takes the time from the first byte of a submit to the last byte
 * of its reply.
 */
#ifndef TESTS_BENCH_LOAD_H
#define TESTS_BENCH_LOAD_H

#include <stdint.h>

#include "tests/bench/rig.h"

enum load_kind { LOAD_INTERRUPT, LOAD_BULK, LOAD_CONTROL };
enum load_way { LOAD_IN, LOAD_OUT };

struct load_cell {
	enum load_kind kind;
	enum load_way way;
	uint32_t size;	/* bytes of data in one URB */
	uint32_t depth; /* URBs in flight, at most LOAD_DEPTH */
};

#define LOAD_DEPTH 64u
/* Nothing but a timer of TCP takes that long. */
#define LOAD_STALL (40 * CLOCK_MSEC)

/* One turn of one path at one cell. */
struct load_slice {
	uint64_t urbs, ns;
	uint64_t p10, p50, p99, max; /* ns */
	/* URBs of LOAD_STALL and more; and those of them for which the
	 * processes did not wait for a core most of that time */
	unsigned slow, stalls;
	struct rig_usage server, relay, own; /* used in it */
};

/* Lets every buffer on the way be made that the cell can ever need. */
void load_warm_up(struct rig *rig, const struct load_cell *cell);

/* Whether most of its URBs went undisturbed: then what is usual is not far from
 * what is best. Where processes wait for cores half of the time it is. */
int load_is_calm(const struct load_slice *slice);

/* Runs for ns, and on until `least` URBs are done, but not for ever. */
void load_run(struct rig *rig, const struct load_cell *cell, uint64_t ns,
    uint64_t least, struct load_slice *out);

/* n <= LOAD_DEPTH URBs at once, and what the server used for them. */
enum load_burst_how {
	LOAD_TOGETHER, /* their submits leave as one write */
	LOAD_PILED,    /* each leaves by itself, while the server is stopped:
			  all of it waits when it goes on */
};
void load_burst(struct rig *rig, const struct load_cell *cell, uint32_t n,
    enum load_burst_how how, struct rig_usage *server);

#endif
