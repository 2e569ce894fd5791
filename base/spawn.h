/*
 * Starting our own programs: fork and exec, in one place. The child has exactly
 * the descriptors it is given, an empty environment but PATH and, when we have
 * it, SALLYPORT_LIBEXEC, umask 077, its own uid and gid before its first
 * instruction, no supplementary groups, default signal dispositions and an
 * empty signal mask. One that changes its uid gets no_new_privs, too.
 */
#ifndef BASE_SPAWN_H
#define BASE_SPAWN_H

#include <stddef.h>
#include <sys/types.h>

#define SPAWN_FDS 8

struct spawn {
	const char *path;	   /* absolute */
	const char *const *argv;   /* NULL-ended */
	int fds[SPAWN_FDS];	   /* become 3, 4, ... in order; borrowed */
	unsigned nfds;
	/* stdin is /dev/null; stdout and stderr are inherited */
	uid_t uid;		   /* (uid_t)-1 = stay as we are */
	gid_t gid;
	int die_with_parent;	   /* PR_SET_PDEATHSIG SIGKILL */
	int nice;		   /* added to our own; at least 0 */
	/* The first of process ids of its own: it can name no other process, and
	 * is killed by no signal that it has no handler for, but SIGKILL and the
	 * kernel's own. Where the kernel gives none, without; with
	 * SANDBOX_REQUIRED, not at all. */
	int own_pids;
};

/* The child's pid, or -1 with errno. An exec that fails is seen here as well
 * (errno of exec), through a CLOEXEC pipe. */
pid_t spawn_child(const struct spawn *how);

/* The path of a program of this install: $SALLYPORT_LIBEXEC/name when that
 * variable is set and we are not set-uid, else beside the running program
 * (/proc/self/exe) when it is there, else LIBEXECDIR/name. Returns dst, or NULL
 * when it does not fit. */
char *spawn_program(char *dst, size_t size, const char *name);

#endif
