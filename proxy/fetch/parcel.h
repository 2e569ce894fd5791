/*
 * What is brought back: a bundle and its signatures, one behind the other in
 * memory that a descriptor stands for, never more than was asked for. It knows
 * nothing of what they are.
 */
#ifndef PROXY_FETCH_PARCEL_H
#define PROXY_FETCH_PARCEL_H

#include <limits.h>
#include <stddef.h>

#include "wire/ipc.h"

struct parcel {
	int fd;		  /* owned; -1 */
	size_t len, most; /* of the part in hand */
};

int parcel_open(struct parcel *p); /* 0 or ERR_SYS */
/* A part of at most that many bytes begins. */
void parcel_part(struct parcel *p, size_t most);
/* 0; ERR_LIMIT: larger than it may be; ERR_SYS. */
int parcel_add(struct parcel *p, const void *data, size_t len);
void parcel_fini(struct parcel *p);

/* A bundle in a directory, and its signatures. */
struct pair {
	int fd[2]; /* owned; -1 */
	char path[2][PATH_MAX];
	char tag[IPC_TAG];
};

/* file.c: opens both and reads nothing of them. Errors with m->why. */
int file_open(struct pair *pair, const struct ipc_fetch *how,
    struct ipc_fetched *m);

/* file.c and http.c: fills p and, of m, the lengths and the tag; nothing is
 * filled and ERR_AGAIN returned when it is still the one of how->tag. Other
 * errors with m->why. */
int file_fetch(struct pair *pair, const struct ipc_fetch *how,
    struct parcel *p, struct ipc_fetched *m);
int http_fetch(const struct ipc_fetch *how, const struct ipc_pem *pem,
    struct parcel *p, struct ipc_fetched *m);
void file_close(struct pair *pair);

/* Once, before http_fetch: libraries read what they are configured by. 0 or
 * ERR_NOMEM. */
int http_start(void);
void http_stop(void);

#endif
