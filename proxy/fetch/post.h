/*
 * Lines of the audit log, to a server. It knows nothing of what they say.
 */
#ifndef PROXY_FETCH_POST_H
#define PROXY_FETCH_POST_H

#include "wire/ipc.h"

/* Posts how->len bytes of text. 0: the server has said that it has all of them;
 * ERR_LIMIT: that they are too many at once; m->why says more of any error. */
int http_post(const struct ipc_post *how, const struct ipc_pem *pem,
    const uint8_t *text, struct ipc_posted *m);

#endif
