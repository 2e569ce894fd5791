/*
 * A text that can no longer change, in memory behind a descriptor: for what is
 * handed from one of our processes to another and has no room in a message.
 * Knows nothing of what is in it.
 */
#ifndef BASE_SEALED_H
#define BASE_SEALED_H

#include <stddef.h>
#include <stdint.h>

/* (text, len) without a NUL in it, but the last byte, which must be one. *out
 * is the caller's. ERR_FORMAT or ERR_SYS. */
int sealed_new(int *out, const uint8_t *text, size_t len);
/* The text behind fd, which stays the caller's, with its NUL counted: at most
 * max bytes, mapped to be read, in pages that all who map it share. ERR_FORMAT
 * when it is none of sealed_new's kind, ERR_LIMIT or ERR_SYS. */
int sealed_map(int fd, size_t max, const uint8_t **out, size_t *len);
void sealed_unmap(const uint8_t *text, size_t len); /* NULL is fine */

#endif
