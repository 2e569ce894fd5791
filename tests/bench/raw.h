/*
 * The baseline: one end of a connection as bare as it can be, on blocking TCP
 * or on mbedTLS straight over it, with the record policy of the product: what
 * is queued leaves in runs of 16 KiB, one send each, the last one when the
 * owner says so or has nothing left to read; input is read ahead. Payload is
 * not copied and not looked at. The load generator speaks through it to
 * everybody, and so does the echo server.
 */
#ifndef TESTS_BENCH_RAW_H
#define TESTS_BENCH_RAW_H

#include <stddef.h>
#include <stdint.h>

struct ipc_pem;
struct raw;

/* Both take fd, which must block, and end the program on failure. */
struct raw *raw_plain(int fd);
enum raw_side { RAW_CLIENT, RAW_SERVER };
/* After raw_handshake the material may go. */
struct raw *raw_tls(int fd, enum raw_side side, const struct ipc_pem *pem);
void raw_handshake(struct raw *raw);
/* Closes. NULL is fine. */
void raw_free(struct raw *raw);
/* The suite agreed on, or "none". */
const char *raw_suite(const struct raw *raw);

/* Queues bytes; full runs leave at once. */
void raw_put(struct raw *raw, const void *buf, size_t len);
/* The same for len bytes that nobody looks at. */
void raw_put_any(struct raw *raw, size_t len);
void raw_flush(struct raw *raw);

/* Waits for len <= 4096 bytes and lends them until the next call; flushes
 * before it waits. NULL at the end of the stream. */
const uint8_t *raw_take(struct raw *raw, size_t len);
/* Reads len bytes and forgets them. 0, or -1 at the end of the stream. */
int raw_skip(struct raw *raw, size_t len);

#endif
