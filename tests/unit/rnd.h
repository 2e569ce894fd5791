/*
 * Seeded xorshift for tests that want many different values, the same ones on
 * every run.
 */
#ifndef TESTS_UNIT_RND_H
#define TESTS_UNIT_RND_H

#include <stddef.h>
#include <stdint.h>

struct rnd {
	uint64_t state; /* not 0 */
};

static inline uint32_t
rnd_u32(struct rnd *r)
{
	r->state ^= r->state << 13;
	r->state ^= r->state >> 7;
	r->state ^= r->state << 17;
	return (uint32_t)(r->state >> 16);
}

/* 0 .. below-1 */
static inline uint32_t
rnd_below(struct rnd *r, uint32_t below)
{
	return rnd_u32(r) % below;
}

static inline void
rnd_bytes(struct rnd *r, void *buf, size_t n)
{
	uint8_t *p = buf;

	for (size_t i = 0; i < n; i++) {
		p[i] = (uint8_t)rnd_u32(r);
	}
}

/* A text of 0..size-1 bytes, none of them NUL. */
static inline void
rnd_text(struct rnd *r, char *buf, size_t size)
{
	size_t n = rnd_below(r, (uint32_t)size);

	for (size_t i = 0; i < n; i++) {
		buf[i] = (char)(1 + rnd_below(r, 255));
	}
	for (size_t i = n; i < size; i++) {
		buf[i] = '\0';
	}
}

#endif
