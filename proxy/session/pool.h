/*
 * URB buffers and transfer objects, reused: in the steady state nothing is
 * allocated. Bounded by its users, who take no more than their limits allow.
 */
#ifndef PROXY_SESSION_POOL_H
#define PROXY_SESSION_POOL_H

#include <stddef.h>
#include <stdint.h>

struct transfer;
struct pool_block;

/* Sizes are powers of two: 1 KiB << class. */
#define POOL_CLASSES 11u
#define POOL_BLOCK_MAX (1024u << (POOL_CLASSES - 1))
/* Empty blocks that are kept, in bytes; more go back to the system. */
#define POOL_KEEP (16u * 1024u * 1024u)

struct pool {
	struct pool_block *blocks[POOL_CLASSES];
	struct transfer *transfers;
	size_t kept; /* bytes of empty blocks */
};

void pool_init(struct pool *pool);
/* Frees what is in it; URBs must have been given back to the backend. */
void pool_fini(struct pool *pool);
/* A block for len bytes with URB_HEADROOM before its data; t->block and
 * t->urb.data are set. ERR_NOMEM, ERR_LIMIT. */
int pool_take_block(struct pool *pool, struct transfer *t, size_t len);
void pool_put_block(struct pool *pool, struct transfer *t);
/* A transfer, zeroed but for what it keeps (backend, packets), or NULL. */
struct transfer *pool_take(struct pool *pool);
void pool_put(struct pool *pool, struct transfer *t);
/* Frees a transfer that is in no pool. */
void pool_free_transfer(struct pool *pool, struct transfer *t);

#endif
