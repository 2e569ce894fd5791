/*
 * Bounded cursors over bytes, the only way that wire/ touches a buffer. A
 * reader or writer that once ran over its end stays failed and gives zeros, so
 * that a codec may put its steps in a row and ask once at the end.
 */
#ifndef WIRE_CURSOR_H
#define WIRE_CURSOR_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct rcur {
	const uint8_t *p;
	size_t left;
	int failed;
};

struct wcur {
	uint8_t *p;
	size_t left;
	size_t used;
	int failed;
};

static inline struct rcur
rcur_of(const void *buf, size_t len)
{
	return (struct rcur){.p = buf, .left = len};
}

/* n bytes in place, or NULL (and failed) when there are fewer. */
static inline const uint8_t *
rcur_bytes(struct rcur *c, size_t n)
{
	const uint8_t *p = c->p;

	if (c->failed || n > c->left) {
		c->failed = 1;
		return NULL;
	}
	c->p += n;
	c->left -= n;
	return p;
}

static inline void
rcur_copy(struct rcur *c, void *dst, size_t n)
{
	const uint8_t *p = rcur_bytes(c, n);

	if (p != NULL) {
		memcpy(dst, p, n);
	} else {
		memset(dst, 0, n);
	}
}

static inline uint8_t
rcur_u8(struct rcur *c)
{
	const uint8_t *p = rcur_bytes(c, 1);

	return p != NULL ? p[0] : 0;
}

static inline uint16_t
rcur_be16(struct rcur *c)
{
	const uint8_t *p = rcur_bytes(c, 2);

	return p != NULL ? (uint16_t)(p[0] << 8 | p[1]) : 0;
}

static inline uint32_t
rcur_be32(struct rcur *c)
{
	const uint8_t *p = rcur_bytes(c, 4);

	return p != NULL ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
		(uint32_t)p[2] << 8 | p[3]
			 : 0;
}

static inline uint64_t
rcur_be64(struct rcur *c)
{
	uint64_t hi = rcur_be32(c);

	return hi << 32 | rcur_be32(c);
}

/* True when nothing failed and nothing is left: trailing bytes are an attack,
 * not slack. */
static inline int
rcur_done(const struct rcur *c)
{
	return !c->failed && c->left == 0;
}

static inline struct wcur
wcur_of(void *buf, size_t size)
{
	return (struct wcur){.p = buf, .left = size};
}

/* Room for n bytes, or NULL (and failed). */
static inline uint8_t *
wcur_room(struct wcur *c, size_t n)
{
	uint8_t *p = c->p;

	if (c->failed || n > c->left) {
		c->failed = 1;
		return NULL;
	}
	c->p += n;
	c->left -= n;
	c->used += n;
	return p;
}

static inline void
wcur_copy(struct wcur *c, const void *src, size_t n)
{
	uint8_t *p = wcur_room(c, n);

	if (p != NULL && n > 0) {
		memcpy(p, src, n);
	}
}

static inline void
wcur_u8(struct wcur *c, uint8_t v)
{
	wcur_copy(c, &v, 1);
}

static inline void
wcur_be16(struct wcur *c, uint16_t v)
{
	uint8_t *p = wcur_room(c, 2);

	if (p != NULL) {
		p[0] = (uint8_t)(v >> 8);
		p[1] = (uint8_t)v;
	}
}

static inline void
wcur_be32(struct wcur *c, uint32_t v)
{
	uint8_t *p = wcur_room(c, 4);

	if (p != NULL) {
		p[0] = (uint8_t)(v >> 24);
		p[1] = (uint8_t)(v >> 16);
		p[2] = (uint8_t)(v >> 8);
		p[3] = (uint8_t)v;
	}
}

static inline void
wcur_be64(struct wcur *c, uint64_t v)
{
	wcur_be32(c, (uint32_t)(v >> 32));
	wcur_be32(c, (uint32_t)v);
}

static inline void
wcur_zero(struct wcur *c, size_t n)
{
	uint8_t *p = wcur_room(c, n);

	if (p != NULL) {
		memset(p, 0, n);
	}
}

/* Little-endian peeks for USB descriptors and setup packets. */
static inline uint16_t
le16_at(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline void
le16_put(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static inline uint32_t
le32_at(const uint8_t *p)
{
	return (uint32_t)le16_at(p) | (uint32_t)le16_at(p + 2) << 16;
}

static inline void
le32_put(uint8_t *p, uint32_t v)
{
	le16_put(p, (uint16_t)v);
	le16_put(p + 2, (uint16_t)(v >> 16));
}

/* Big-endian ones, of n <= 8 bytes: SCSI has them of 2, 3, 4 and 8. */
static inline uint64_t
be_at(const uint8_t *p, unsigned n)
{
	uint64_t v = 0;

	while (n-- > 0) {
		v = v << 8 | *p++;
	}
	return v;
}

#endif
