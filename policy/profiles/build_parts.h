/*
 * What build.c and build_index.c share; nobody else includes it. Arrays that
 * grow while profiles are compiled; in the warden and the policy tool only.
 */
#ifndef POLICY_PROFILES_BUILD_PARTS_H
#define POLICY_PROFILES_BUILD_PARTS_H

#include <stddef.h>
#include <stdint.h>

#include "policy/profiles/ast.h"
#include "policy/profiles/layout.h"

struct grow {
	void *p; /* owned */
	size_t n, room, each;
};

/* Room for n more, zeroed; the first of them, or NULL without memory. */
void *grow_add(struct grow *g, size_t n);

struct build {
	struct grow texts;
	uint32_t *hash; /* owned: of texts, offset + 1; 0 = free */
	size_t hash_room, hash_used;
	int is_full;  /* no memory */
	int is_large; /* beyond the bounds of a block */
};

/* One profile as it is compiled. */
struct draft {
	struct build *build;
	const struct profile *profile;
	struct tprofile head; /* counts and offsets are set at the end */
	struct grow rules, matches, values, meters, indexes, spans, lists,
	    words;
};

/* Offsets within the texts; 0 with is_full when there is no memory. */
uint32_t build_text(struct build *b, const char *text);
uint32_t build_bytes(struct build *b, const uint8_t *bytes, uint32_t len);

struct range {
	uint64_t low, high;
};
/* Sorts, and joins what touches. Returns how many are left. */
size_t ranges_join(struct range *ranges, size_t n);

/* The index over the rules of a hook, which are compiled. */
void build_index(struct draft *d, struct thook *on, enum hook hook);

#endif
