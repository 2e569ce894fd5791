/*
 * What a server of certificates sent, judged before it is used: it is for our
 * key, of the CA that the token names, for what a machine of ours needs. What
 * comes out is written anew, nothing is copied as it came.
 */
#ifndef CERTS_ENROLLED_H
#define CERTS_ENROLLED_H

#include <stddef.h>
#include <stdint.h>

#include "wire/enroll.h"

struct enrolled {
	char cert[ENROLL_REPLY_MAX]; /* PEM, with a NUL */
	char ca[ENROLL_REPLY_MAX];
};

/* anchor: the CA's certificate in DER; spki: of our key. 0, or ERR_PEER with
 * why, one line. */
int enrolled_take(struct enrolled *out, const struct enroll_reply *reply,
    const uint8_t *anchor, size_t anchor_len, const uint8_t spki[ENROLL_SPKI],
    char *why, size_t size);

#endif
