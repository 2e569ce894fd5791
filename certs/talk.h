/*
 * A stream that is waited for, up to a moment: for processes that do one thing
 * with one peer. All return 0 or a negative error, ERR_TIMEOUT among them;
 * deadline is a clock_mono() value.
 */
#ifndef CERTS_TALK_H
#define CERTS_TALK_H

#include <stddef.h>
#include <stdint.h>

#include "base/stream.h"

int talk_handshake(struct stream *s, uint64_t deadline);
/* Exactly len bytes. ERR_CLOSED when the peer ends before. */
int talk_read(struct stream *s, void *buf, size_t len, uint64_t deadline);
int talk_write(
    struct stream *s, const void *buf, size_t len, uint64_t deadline);
/* A head and what it tells of (wire/enroll.h), into buf of max bytes; *len is
 * all of it. ERR_LIMIT or ERR_FORMAT for a head that lies. */
int talk_read_frame(struct stream *s, uint8_t *buf, size_t max, size_t *len,
    uint64_t deadline);

#endif
