/*
 * Memory in chunks, freed at once. Used in the warden and in sallyport-policy
 * while a policy is loaded.
 */
#include "policy/text/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_SIZE (64u * 1024u)

struct arena_chunk {
	struct arena_chunk *next;
	size_t size, used;
	_Alignas(16) unsigned char bytes[];
};

static struct arena_chunk *
chunk_new(struct arena *arena, size_t size)
{
	struct arena_chunk *chunk;

	if (size > SIZE_MAX - sizeof(*chunk)) {
		return NULL;
	}
	chunk = malloc(sizeof(*chunk) + size);
	if (chunk == NULL) {
		return NULL;
	}
	chunk->size = size;
	chunk->used = 0;
	if (size > CHUNK_SIZE && arena->chunks != NULL) {
		/* a big one is full at once: the first stays in use */
		chunk->next = arena->chunks->next;
		arena->chunks->next = chunk;
	} else {
		chunk->next = arena->chunks;
		arena->chunks = chunk;
	}
	return chunk;
}

void *
arena_alloc(struct arena *arena, size_t size)
{
	struct arena_chunk *chunk = arena->chunks;
	void *p;

	if (size > SIZE_MAX - 15) {
		return NULL;
	}
	size = (size + 15) & ~(size_t)15;
	if (chunk == NULL || size > chunk->size - chunk->used) {
		chunk = chunk_new(
		    arena, size > CHUNK_SIZE / 2 ? size : CHUNK_SIZE);
		if (chunk == NULL) {
			return NULL;
		}
	}
	p = chunk->bytes + chunk->used;
	chunk->used += size;
	memset(p, 0, size);
	return p;
}

char *
arena_dup(struct arena *arena, const void *text, size_t len)
{
	char *p;

	if (len == SIZE_MAX) {
		return NULL;
	}
	p = arena_alloc(arena, len + 1);
	if (p != NULL && len > 0) {
		memcpy(p, text, len);
	}
	return p;
}

void
arena_fini(struct arena *arena)
{
	while (arena->chunks != NULL) {
		struct arena_chunk *next = arena->chunks->next;

		free(arena->chunks);
		arena->chunks = next;
	}
}
