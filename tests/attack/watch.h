/*
 * Who watches while others attack: an honest session that goes on, and a look at
 * the memory of the gateway's processes. Both are processes of their own, and
 * what they find lies in memory that all share, apart for each phase.
 */
#ifndef TESTS_ATTACK_WATCH_H
#define TESTS_ATTACK_WATCH_H

#include <stdint.h>
#include <sys/types.h>

struct stage;

#define WATCH_PHASES 32 /* 0 = nobody attacks */
#define WATCH_SAMPLES 16384

struct watch {
	volatile unsigned phase;
	volatile int is_over;
	volatile int is_broken; /* the honest session: */
	char broken[128];
	volatile uint32_t n[WATCH_PHASES];
	uint32_t took[WATCH_PHASES][WATCH_SAMPLES]; /* us of a transfer */
	volatile uint64_t peak[WATCH_PHASES];	    /* KiB, all together */
	volatile uint64_t session[WATCH_PHASES];    /* the largest child */
	volatile unsigned count[WATCH_PHASES];	    /* processes */
	pid_t honest, memory;
};

/* Both begin, in phase 0. NULL: the honest session does not come up. */
struct watch *watch_start(const struct stage *stage);
void watch_stop(struct watch *watch);
/* 99 of 100 transfers of these phases together, *count of them, took no longer;
 * us, 0 = there were none. */
uint32_t watch_p99(struct watch *watch, unsigned from, unsigned to,
    uint32_t *count);

#endif
