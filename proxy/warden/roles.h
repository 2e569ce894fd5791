/*
 * Who may ask what at the control socket: by the uid and the groups that the
 * kernel knows of a peer (SO_PEERCRED, SO_PEERGROUPS), as they were when it
 * connected.
 */
#ifndef PROXY_WARDEN_ROLES_H
#define PROXY_WARDEN_ROLES_H

#include <sys/types.h>

struct gateway_conf;

/* Each may do what those before it may. */
enum role {
	ROLE_NONE,
	ROLE_COUNT,   /* numbers alone: no name, no device */
	ROLE_READ,    /* what is there, and what happens */
	ROLE_APPROVE, /* answer asks */
	ROLE_OPERATE, /* everything */
};

struct roles {
	gid_t gids[ROLE_OPERATE + 1]; /* (gid_t)-1 = nobody */
};

/* Looks the groups up. ERR_NOENT: one does not exist, logged. */
int roles_init(struct roles *roles, const struct gateway_conf *conf);
/* What whoever is at the other end of a UNIX socket may do; *uid is who. */
enum role roles_of(const struct roles *roles, int fd, uid_t *uid);
/* "metrics", "readers", "approvers", "operators"; "" of none. */
const char *role_name(enum role role);

#endif
