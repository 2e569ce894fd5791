/*
 * Whose socket is at the other end of a connection within this machine: asked
 * of the kernel by sock_diag. Fails closed: what cannot be known is nobody's.
 */
#ifndef VHCI_GLUE_OWNER_H
#define VHCI_GLUE_OWNER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct sockaddr_in;

/* The user of the socket that fd (TCP over IPv4, accepted) is connected with.
 * 0; ERR_NOENT: there is no such socket in this network namespace, or its
 * process has closed it; ERR_FORMAT; ERR_SYS. */
int owner_of(int fd, uid_t *out);

/* The kernel's answer in (buf, len) to the question about a connection from
 * peer to here; apart for tests. 0 with the user, ERR_NOENT, ERR_FORMAT, or
 * ERR_SYS with errno. */
int owner_parse(uid_t *out, const void *buf, size_t len,
    const struct sockaddr_in *peer, const struct sockaddr_in *here);

#endif
