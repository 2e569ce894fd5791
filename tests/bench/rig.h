/*
 * The six ways that a URB can go, each with its processes, all alive at once
 * so that they can be measured in turns:
 *
 *   tcp      bench ── TCP ── echo
 *   tls      bench ── mbedTLS over TCP ── echo
 *   gw       bench ── TCP ── session
 *   gw-tls   bench ── mbedTLS over TCP ── session
 *   hop      bench ── socketpair ── relay ── TCP ── session
 *   hop-tls  bench ── socketpair ── relay ── TLS over TCP ── session
 */
#ifndef TESTS_BENCH_RIG_H
#define TESTS_BENCH_RIG_H

#include <stdint.h>
#include <sys/types.h>

#include "tests/bench/count.h"

enum rig_path {
	RIG_TCP,
	RIG_TLS,
	RIG_GW,
	RIG_GW_TLS,
	RIG_HOP,
	RIG_HOP_TLS,
	RIG_PATHS,
};

struct raw;

struct rig_proc {
	pid_t pid; /* 0 = there is none */
	volatile struct counts *counts;
};

struct rig {
	struct raw *raw; /* the bench's end */
	uint32_t seqnum; /* of the last submit */
	struct rig_proc server, relay;
	int broker, warden; /* channels to a session, or -1 */
};

/* What one of its processes used until now. */
struct rig_usage {
	struct counts counts;
	uint64_t cpu;	 /* ns on a core */
	uint64_t waited; /* ns ready to run, without a core */
};

const char *rig_name(enum rig_path path);
/* Ready for URBs. Ends the program when anything goes wrong. */
void rig_open(struct rig *rig, enum rig_path path);
/* Hangs up and waits for the processes; ends the program when one of them
 * failed or the session complained about the bench. */
void rig_close(struct rig *rig);
/* Where they run: the bench and its relays on core here, servers on there. */
void rig_pin(struct rig *rigs, int here, int there);

/* All zero for a process that is not there. */
void rig_usage(const struct rig_proc *proc, struct rig_usage *out);
/* The bench itself. */
void rig_own_usage(struct rig_usage *out);

#endif
