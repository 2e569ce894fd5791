/*
 * Circles, by taking away what depends on nothing that is left until nothing
 * more goes: at most 255 rounds over at most 4096 bytes of sources.
 */
#include "policy/vet/graph.h"

#include <string.h>

#include "base/err.h"

int
graph_add(struct graph *g, uint8_t id, const uint8_t *sources, uint8_t nsources,
    uint8_t clock, size_t offset)
{
	if (g->n >= GRAPH_NODES) {
		return ERR_LIMIT;
	}
	g->nodes[g->n++] = (struct graph_node){
	    .id = id,
	    .nsources = nsources,
	    .clock = clock,
	    .sources = sources,
	    .offset = (uint16_t)offset,
	};
	return 0;
}

const struct graph_node *
graph_find(const struct graph *g, uint8_t id)
{
	for (unsigned i = 0; i < g->n; i++) {
		if (g->nodes[i].id == id) {
			return &g->nodes[i];
		}
	}
	return NULL;
}

/* What is still there: by node, and by id its first node. */
struct left {
	uint8_t gone[GRAPH_NODES];
	uint8_t has[256], first[256];
};

static int
is_left(const struct left *l, uint8_t id)
{
	return id != 0 && l->has[id] && !l->gone[l->first[id]];
}

static int
is_held(const struct left *l, const struct graph_node *node)
{
	for (unsigned i = 0; i < node->nsources; i++) {
		if (is_left(l, node->sources[i])) {
			return 1;
		}
	}
	return is_left(l, node->clock);
}

const struct graph_node *
graph_cycle(const struct graph *g)
{
	struct left l;
	int is_moving = 1;

	memset(&l, 0, sizeof(l));
	for (unsigned i = 0; i < g->n; i++) {
		if (!l.has[g->nodes[i].id]) {
			l.has[g->nodes[i].id] = 1;
			l.first[g->nodes[i].id] = (uint8_t)i;
		}
	}
	while (is_moving) {
		is_moving = 0;
		for (unsigned i = 0; i < g->n; i++) {
			if (!l.gone[i] && !is_held(&l, &g->nodes[i])) {
				l.gone[i] = 1;
				is_moving = 1;
			}
		}
	}
	for (unsigned i = 0; i < g->n; i++) {
		if (!l.gone[i]) {
			return &g->nodes[i];
		}
	}
	return NULL;
}
