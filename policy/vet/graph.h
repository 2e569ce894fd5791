/*
 * The units of an audio or video function, each with the ids of those it takes
 * its input from, and whether they run in a circle. Kernels walked such graphs
 * by recursion, and a circle ate the stack (CVE-2019-15118, CVE-2020-0404).
 * Nothing here recurses. Internal to policy/vet/.
 */
#ifndef POLICY_VET_GRAPH_H
#define POLICY_VET_GRAPH_H

#include <stddef.h>
#include <stdint.h>

#define GRAPH_NODES 255u

struct graph_node {
	uint8_t id, nsources, clock; /* clock 0: none */
	const uint8_t *sources;      /* borrowed from the configuration */
	uint16_t offset;
};

struct graph {
	unsigned n;
	struct graph_node nodes[GRAPH_NODES];
};

/* ERR_LIMIT when it is full. */
int graph_add(struct graph *g, uint8_t id, const uint8_t *sources,
    uint8_t nsources, uint8_t clock, size_t offset);

/* The first node of that id, or NULL. */
const struct graph_node *graph_find(const struct graph *g, uint8_t id);

/* A node that is part of, or fed by, a circle; NULL when there is none. An id
 * means its first node, as it does to those who look it up; an id that is not
 * there means nothing. */
const struct graph_node *graph_cycle(const struct graph *g);

#endif
