/*
 * How the connection of a relay does, as this kernel's TCP counts it: nobody asks
 * the relay, which is not trusted, and has nothing to answer with. Only who may
 * look at its descriptors, root, gets to know.
 */
#ifndef VHCI_GLUE_LINK_H
#define VHCI_GLUE_LINK_H

#include <stdint.h>
#include <sys/types.h>

struct link_counts {
	uint64_t at;   /* clock_mono() */
	uint32_t rtt;  /* microseconds, smoothed */
	uint64_t in, out; /* bytes; out: those that have arrived */
	uint32_t again;	  /* segments sent once more */
};

/* Of the one TCP connection of that process. 0; ERR_NOENT: it has none, or is
 * gone; ERR_POLICY: we may not look; ERR_SYS: the kernel does not tell. */
int link_look(struct link_counts *out, pid_t pid);
/* Bytes a second from one look to a later one; 0 where no time is between. */
uint64_t link_rate(uint64_t before, uint64_t after, uint64_t ns);

#endif
