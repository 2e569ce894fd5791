/*
 * What is brought back: a bundle and its signatures, one behind the other in
 * memory that a descriptor stands for, never more than was asked for. It knows
 * nothing of what they are.
 */
#ifndef PROXY_FETCH_PARCEL_H
#define PROXY_FETCH_PARCEL_H

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

/* file.c and http.c: fills p and, of m, the lengths and the tag; nothing is
 * filled and ERR_AGAIN returned when it is still the one of how->tag. Other
 * errors with m->why. */
int file_fetch(
    const struct ipc_fetch *how, struct parcel *p, struct ipc_fetched *m);
int http_fetch(const struct ipc_fetch *how, const struct ipc_pem *pem,
    struct parcel *p, struct ipc_fetched *m);

#endif
