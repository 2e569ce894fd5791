/*
 * SHA-256, HMAC with it, and base64.
 */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

struct digest_part {
	const void *data; /* borrowed; NULL when len is 0 */
	size_t len;
};

/* SHA-256 over the parts in order. 0 or ERR_SYS. */
int digest_sha256(
    uint8_t out[32], const struct digest_part *parts, size_t n);
/* digest_hmac.c: HMAC-SHA256 (RFC 2104) under a key of 32 bytes, of at most DIGEST_PARTS parts.
 * 0 or ERR_SYS. */
#define DIGEST_PARTS 4u
int digest_hmac(uint8_t out[32], const uint8_t key[32],
    const struct digest_part *parts, size_t n);
/* Standard alphabet with '=', NUL-terminated. ERR_NOMEM when size is below
 * 4 * ((len + 2) / 3) + 1. */
int digest_base64(char *dst, size_t size, const void *src, size_t len);
/* The reverse, of text without white space that is canonical: what is decoded
 * encodes to the same text. ERR_FORMAT, ERR_LIMIT (over max). */
int digest_unbase64(void *dst, size_t max, size_t *len, const char *text);
/* Lower-case hex, NUL-terminated; size >= 2 * len + 1. Returns dst. */
char *digest_hex(char *dst, size_t size, const void *src, size_t len);
/* The reverse: text is exactly 2 * len lower-case digits, and nothing more.
 * ERR_FORMAT when it is not, and then out may be filled in part. */
int digest_unhex(void *out, size_t len, const char *text);

#endif
