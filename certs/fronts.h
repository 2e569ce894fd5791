/*
 * The processes that speak with strangers for `sallyport-certs serve': one for
 * each connection, not many at once, not many for one address, and none for
 * long. Knows nothing of certificates: what a front asks is handed on.
 */
#ifndef CERTS_FRONTS_H
#define CERTS_FRONTS_H

#include <stddef.h>
#include <stdint.h>

#include "wire/enroll.h"

struct loop;
struct fronts;

#define FRONTS_MAX 16
#define FRONTS_PER_ADDRESS 4 /* of IPv6: per /64 */

/* Answers a request, as desk_answer does. */
typedef size_t fronts_answer(void *arg, const void *request, size_t len,
    const char *peer, uint8_t out[ENROLL_REPLY_MAX]);
/* The message that a new front is given; its length, or negative: there is
 * none, said. */
typedef int fronts_greet(void *arg, uint8_t *out, size_t size);

/* Accepts from listener, which stays the caller's, as does loop. NULL with
 * errno. */
struct fronts *fronts_new(struct loop *loop, int listener,
    fronts_greet *greet, fronts_answer *answer, void *arg);
/* Ends those that run. NULL is fine. */
void fronts_free(struct fronts *fronts);
/* A child ended: SIGCHLD. */
void fronts_reap(struct fronts *fronts);

#endif
