/*
 * GET_DESCRIPTOR answered from the vetted record, and from nothing else: the
 * device is never asked again, so it cannot change its story.
 */
#ifndef PROXY_SESSION_VETTED_H
#define PROXY_SESSION_VETTED_H

#include <stddef.h>
#include <stdint.h>

struct floor;

/* The descriptor that setup asks for, whole; the caller cuts it to wLength.
 * Borrowed from the floor's record. ERR_STALL when the record has none. */
int vetted_descriptor(const struct floor *floor, const uint8_t setup[8],
    const uint8_t **data, size_t *len);

#endif
