/* See roles.h. */
#include "proxy/warden/roles.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "proxy/conf.h"

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59 /* asm-generic/socket.h, Linux 4.13 */
#endif
#define GROUPS_FEW 64u
#define GROUPS_MAX 65536u /* NGROUPS_MAX of Linux */
#define NOBODY ((gid_t) - 1)

const char *
role_name(enum role role)
{
	switch (role) {
	case ROLE_NONE:
		break;
	case ROLE_COUNT:
		return "metrics";
	case ROLE_READ:
		return "readers";
	case ROLE_APPROVE:
		return "approvers";
	case ROLE_OPERATE:
		return "operators";
	}
	return "";
}

int
roles_init(struct roles *roles, const struct gateway_conf *conf)
{
	const char *const names[] = {
	    [ROLE_NONE] = "",
	    [ROLE_COUNT] = conf->metrics,
	    [ROLE_READ] = conf->readers,
	    [ROLE_APPROVE] = conf->approvers,
	    [ROLE_OPERATE] = conf->operators,
	};

	for (int role = ROLE_NONE; role <= ROLE_OPERATE; role++) {
		const struct group *group;

		roles->gids[role] = NOBODY;
		if (*names[role] == '\0') {
			continue;
		}
		group = getgrnam(names[role]);
		if (group == NULL) {
			log_warnx("[control] %s %s: no such group",
			    role_name((enum role)role), names[role]);
			return ERR_NOENT;
		}
		roles->gids[role] = group->gr_gid;
	}
	return 0;
}

static enum role
best_of(const struct roles *roles, const gid_t *gids, size_t n)
{
	enum role best = ROLE_NONE;

	for (int role = ROLE_COUNT; role <= ROLE_OPERATE; role++) {
		for (size_t i = 0; i < n && roles->gids[role] != NOBODY; i++) {
			if (gids[i] == roles->gids[role]) {
				best = (enum role)role;
			}
		}
	}
	return best;
}

/* Groups that are in nobody's credentials but the process's own: -1, or how
 * many; *gids is malloced. */
static long
peer_groups(int fd, gid_t **gids)
{
	socklen_t len = GROUPS_FEW * sizeof(gid_t);

	*gids = malloc(len);
	if (*gids == NULL) {
		return -1;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, *gids, &len) == 0) {
		return (long)(len / sizeof(gid_t));
	}
	free(*gids);
	*gids = NULL;
	/* len is what it takes */
	if (errno != ERANGE || len > GROUPS_MAX * sizeof(gid_t)) {
		return -1;
	}
	*gids = malloc(len);
	if (*gids == NULL ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, *gids, &len) == -1) {
		free(*gids);
		*gids = NULL;
		return -1;
	}
	return (long)(len / sizeof(gid_t));
}

enum role
roles_of(const struct roles *roles, int fd, uid_t *uid)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	enum role role, more;
	gid_t *gids;
	long n;

	*uid = (uid_t)-1;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == -1) {
		return ROLE_NONE;
	}
	*uid = cred.uid;
	if (cred.uid == 0 || cred.uid == geteuid()) {
		return ROLE_OPERATE;
	}
	role = best_of(roles, &cred.gid, 1);
	n = peer_groups(fd, &gids);
	if (n > 0) {
		more = best_of(roles, gids, (size_t)n);
		role = more > role ? more : role;
	}
	free(gids);
	return role;
}
