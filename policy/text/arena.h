/*
 * Memory of what a text was made into: taken in chunks, freed at once. Shared
 * by the languages of rules and of profiles; it knows neither.
 */
#ifndef POLICY_TEXT_ARENA_H
#define POLICY_TEXT_ARENA_H

#include <stddef.h>

struct arena_chunk;
struct arena {
	struct arena_chunk *chunks; /* owned */
};

/* Zeroed; NULL when there is no memory. */
void *arena_alloc(struct arena *arena, size_t size);
/* A copy of len bytes with a NUL after them. */
char *arena_dup(struct arena *arena, const void *text, size_t len);
void arena_fini(struct arena *arena);

#endif
