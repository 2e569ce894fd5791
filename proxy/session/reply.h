/*
 * The bytes of the two replies, RET_SUBMIT and RET_UNLINK, out of a transfer
 * that ended. A reply never carries more than was asked nor a byte that the
 * device (or the vetted copy) did not give.
 */
#ifndef PROXY_SESSION_REPLY_H
#define PROXY_SESSION_REPLY_H

#include <stddef.h>
#include <stdint.h>

#include "proxy/usb/usb.h"

struct outq;
struct transfer;

/* Ended at the device: status, data and packets as it left them. */
void reply_transfer(struct outq *out, struct transfer *t);
/* Never reached the device: a status and no data. */
void reply_status(struct outq *out, struct transfer *t, int32_t status);
/* Answered here: (data, len) is cut to what was asked. */
void reply_local(struct outq *out, struct transfer *t, int32_t status,
    const void *data, size_t len);
/* The wire's status of a result. */
int32_t reply_status_of(enum urb_result result);
void reply_unlink(struct outq *out, uint32_t seqnum, int32_t status);

/* Whether a transfer was cancelled before a single byte moved, so that taking
 * it back loses nothing. */
int reply_is_nothing(const struct transfer *t);

#endif
