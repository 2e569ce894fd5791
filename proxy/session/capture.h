/*
 * A session's end of a capture: transfers become records of wire/capture.h on
 * their way into a pipe. The pipe is never waited for; what it has no room for
 * is kept up to a bound, then dropped and counted. It judges nothing, and knows
 * neither the peer nor who reads the pipe.
 */
#ifndef PROXY_SESSION_CAPTURE_H
#define PROXY_SESSION_CAPTURE_H

#include <stddef.h>
#include <stdint.h>

#include "proxy/session/floor.h"
#include "proxy/session/transfer.h"

/* Bytes that wait for the pipe. */
#define CAPTURE_WAITING (512u * 1024u)
#define CAPTURE_ALL UINT32_MAX

struct capture;
struct loop;

/* Nothing is written before capture_open. 0 or ERR_NOMEM. */
int capture_new(struct capture **outp, struct loop *loop);
/* Writes what the pipe takes now; the rest is lost. NULL is fine. */
void capture_free(struct capture *c);
/* The pipe, taken, non-blocking; at most payload bytes of each transfer. */
void capture_open(struct capture *c, int fd, uint32_t payload);
int capture_is_open(const struct capture *c);

/* For transfers_tap: begun and ended. */
const struct transfer_tap *capture_tap(const struct capture *c);
/* That many transfers from now on; CAPTURE_ALL: no end. Fewer than are still to
 * come change nothing. */
void capture_want(struct capture *c, uint32_t transfers);

/* What device it is (bus << 16 | number): its descriptors, its configuration and its alternates, as if they
 * had just been asked for: a capture that begins in the middle can be read. */
void capture_describe(
    struct capture *c, uint32_t devid, const struct floor *floor);
/* A transfer that was not recorded so far, from its submit on. */
void capture_late(struct capture *c, struct transfer *t);
/* An encoded ipc_ruled about a transfer. */
void capture_ruled(
    struct capture *c, const struct transfer *t, const void *buf, size_t len);

#endif
