/*
 * One server, as libcurl is to talk to it: who it has to be, who we are, and how
 * long it may take. It knows nothing of what is brought or sent.
 */
#ifndef PROXY_FETCH_SERVER_H
#define PROXY_FETCH_SERVER_H

#include <curl/curl.h>

#include "wire/ipc.h"

struct server {
	const char *pin, *proxy; /* "" = none */
	long timeout;		 /* seconds for all of it */
	long wait; /* of these, that it may be silent; 0 = none but SLOW_SECONDS */
};

/* HTTPS alone, by that CA, key and certificate as far as there are any; nothing
 * that the environment says counts, and nothing leads elsewhere. */
void server_set(
    CURL *curl, const struct server *server, const struct ipc_pem *pem);

#endif
