/*
 * Exact counts of what a process of the bench asks of the kernel and of malloc.
 * Every call in the process counts, those inside libev and mbedTLS too, since
 * the program's own definitions stand before libc's. The counts lie in a page
 * that the bench shares with its children, so that it can read them while they
 * run.
 */
#ifndef TESTS_BENCH_COUNT_H
#define TESTS_BENCH_COUNT_H

#include <stdint.h>

struct counts {
	uint64_t sends;	  /* send, sendmsg, write, writev */
	uint64_t recvs;	  /* recv, recvmsg, read */
	uint64_t waits;	  /* epoll_wait, poll */
	uint64_t ctls;	  /* epoll_ctl */
	uint64_t mallocs; /* malloc, calloc, realloc */
};

/* This process's; never NULL. */
extern volatile struct counts *counts;

/* A new shared page: *fd for a child (the caller's), its mapping returned. */
volatile struct counts *count_page(int *fd);
/* From here on this process counts in that page. fd is closed. */
void count_in(int fd);

/* a - b */
struct counts count_since(const struct counts *a, const struct counts *b);
void count_add(struct counts *to, const struct counts *more);

#endif
