/*
 * The session's buffers: one free list for each power of two, and one of
 * transfer objects, which keep what the USB backend hung on them.
 */
#include "proxy/session/pool.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "proxy/session/transfer.h"

/* In front of the data of a block: room for the backend, well aligned. */
#define LEAD 16u

_Static_assert(LEAD >= URB_HEADROOM, "a block's lead holds the headroom");

struct pool_block {
	struct pool_block *next;
};

void
pool_init(struct pool *pool)
{
	memset(pool, 0, sizeof(*pool));
}

void
pool_fini(struct pool *pool)
{
	for (unsigned i = 0; i < POOL_CLASSES; i++) {
		while (pool->blocks[i] != NULL) {
			struct pool_block *block = pool->blocks[i];

			pool->blocks[i] = block->next;
			free(block);
		}
	}
	while (pool->transfers != NULL) {
		struct transfer *t = pool->transfers;

		pool->transfers = t->next;
		free(t->sub);
		free(t->urb.iso);
		free(t);
	}
	pool->kept = 0;
}

int
pool_take_block(struct pool *pool, struct transfer *t, size_t len)
{
	unsigned class = 0;
	uint8_t *block;

	if (len > POOL_BLOCK_MAX) {
		return ERR_LIMIT;
	}
	while (((size_t)1024 << class) < len) {
		class++;
	}
	if (pool->blocks[class] != NULL) {
		block = (uint8_t *)pool->blocks[class];
		pool->blocks[class] = pool->blocks[class]->next;
		pool->kept -= (size_t)1024 << class;
	} else {
		block = malloc(LEAD + ((size_t)1024 << class));
		if (block == NULL) {
			return ERR_NOMEM;
		}
	}
	t->block = block;
	t->block_class = class;
	t->urb.data = block + LEAD;
	return 0;
}

void
pool_put_block(struct pool *pool, struct transfer *t)
{
	size_t size = (size_t)1024 << t->block_class;
	struct pool_block *block;

	if (t->block == NULL) {
		return;
	}
	if (pool->kept + size > POOL_KEEP) {
		free(t->block);
	} else {
		block = (struct pool_block *)(void *)t->block;
		block->next = pool->blocks[t->block_class];
		pool->blocks[t->block_class] = block;
		pool->kept += size;
	}
	t->block = NULL;
	t->urb.data = NULL;
}

struct transfer *
pool_take(struct pool *pool)
{
	struct transfer *t = pool->transfers;
	struct transfer keep;

	if (t == NULL) {
		return calloc(1, sizeof(*t));
	}
	pool->transfers = t->next;
	memset(&keep, 0, sizeof(keep));
	keep.urb.backend = t->urb.backend;
	keep.urb.iso = t->urb.iso;
	keep.sub = t->sub;
	keep.packet_room = t->packet_room;
	*t = keep;
	return t;
}

void
pool_put(struct pool *pool, struct transfer *t)
{
	pool_put_block(pool, t);
	free(t->instead);
	t->instead = NULL;
	t->next = pool->transfers;
	pool->transfers = t;
}

void
pool_free_transfer(struct pool *pool, struct transfer *t)
{
	pool_put_block(pool, t);
	free(t->instead);
	free(t->sub);
	free(t->urb.iso);
	free(t);
}
