/*
 * The list of `sallyport-certs serve'. It is the only one with which programs are
 * started, so it has what one of ours needs until it enters a sandbox of its own:
 * code from files, never from memory, and what a loader and sandbox_enter() ask.
 * It has no line that makes a socket for the network, no file but the CA's and
 * those of programs, and nobody to tell what ended it: that is in the kernel's
 * log.
 */
#include "certs/serve_confine.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "base/spawn.h"

/* None of them needs a right that we have not. */
#define SHARED                                                                 \
	(CLONE_VM | CLONE_FILES | CLONE_THREAD | CLONE_PARENT | CLONE_NEWNS |  \
	    CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC)

static const struct sandbox_call calls[] = {
	/* who comes, and what fronts say */
	SANDBOX_LOOP,
	SANDBOX_CALL(accept4),
	SANDBOX_CALL(getpeername),
	SANDBOX_WHEN(socketpair, SANDBOX_IS(0, AF_UNIX)),
	SANDBOX_CALL(setsockopt), /* how much a channel holds */
	SANDBOX_CALL(recvfrom), /* a front: its peer */
	SANDBOX_CALL(sendto),
	SANDBOX_CALL(recvmsg),
	SANDBOX_CALL(sendmsg),
	SANDBOX_CALL(poll),
	SANDBOX_CALL(ppoll),
	SANDBOX_CALL(shutdown),
	/* the CA: tokens, and what was issued; Landlock says where */
	SANDBOX_CALL(openat),
	SANDBOX_CALL(access),
	SANDBOX_CALL(faccessat),
	SANDBOX_CALL(faccessat2),
	SANDBOX_CALL(newfstatat),
	SANDBOX_CALL(lseek),
	SANDBOX_CALL(flock),
	SANDBOX_CALL(fchmod),
	SANDBOX_CALL(fsync),
	SANDBOX_CALL(mkdir),
	SANDBOX_CALL(mkdirat),
	SANDBOX_CALL(linkat),
	SANDBOX_CALL(unlinkat),
	SANDBOX_CALL(renameat),
	SANDBOX_CALL(renameat2),
	SANDBOX_CALL(geteuid), /* whose a file is */
	/* a front: fork, its descriptors, its place in the world */
	SANDBOX_WHEN(clone, SANDBOX_WITHOUT(0, SHARED)),
	SANDBOX_CALL(set_robust_list),
	SANDBOX_CALL(wait4),
	SANDBOX_WHEN(kill, SANDBOX_IS(1, SIGKILL)),
	SANDBOX_CALL(pipe2),
	SANDBOX_CALL(fcntl),
	SANDBOX_CALL(dup2),
	SANDBOX_CALL(dup3),
	SANDBOX_CALL(close_range),
	SANDBOX_CALL(rt_sigaction),
	SANDBOX_CALL(umask),
	SANDBOX_CALL(getpriority), /* nice */
	SANDBOX_CALL(setpriority),
	SANDBOX_CALL(getppid), /* is it still ours */
	SANDBOX_CALL(execveat), /* by a descriptor that was opened here */
	/* its loader: code is mapped from files alone */
	SANDBOX_WHEN(mmap, SANDBOX_WITHOUT(3, MAP_ANONYMOUS)),
	SANDBOX_CALL(pread64),
	SANDBOX_CALL(set_tid_address),
	SANDBOX_CALL(rseq),
#ifdef SYS_arch_prctl
	SANDBOX_CALL(arch_prctl),
#endif
	/* its sandbox: all of this only takes away */
	SANDBOX_WHEN(prlimit64, SANDBOX_IS(0, 0)),
	SANDBOX_CALL(capset),
	SANDBOX_WHEN(prctl, SANDBOX_IS(0, PR_SET_NAME)),
	SANDBOX_WHEN(prctl, SANDBOX_IS(0, PR_SET_PDEATHSIG)),
	SANDBOX_WHEN(prctl, SANDBOX_IS(0, PR_SET_NO_NEW_PRIVS)),
	SANDBOX_WHEN(prctl, SANDBOX_IS(0, PR_SET_DUMPABLE), SANDBOX_IS(1, 0)),
	SANDBOX_WHEN(prctl, SANDBOX_IS(0, PR_CAP_AMBIENT)),
	SANDBOX_CALL(seccomp), /* libseccomp asks what there is, too */
	SANDBOX_CALL(landlock_create_ruleset),
	SANDBOX_CALL(landlock_add_rule),
	SANDBOX_CALL(landlock_restrict_self),
};
static const struct sandbox_list list = {"serve", calls, ARRAY_LEN(calls)};

void
serve_confine(const char *dir)
{
	char program[PATH_MAX];
	const struct sandbox_path paths[] = {
		{dir, -1, SANDBOX_CHANGE},
		{program, -1, SANDBOX_RUN},
		/* libraries */
		{"/usr/lib", -1, SANDBOX_RUN},
		{"/usr/lib64", -1, SANDBOX_RUN},
		{"/usr/local/lib", -1, SANDBOX_RUN},
		{"/lib", -1, SANDBOX_RUN},
		{"/lib64", -1, SANDBOX_RUN},
		{"/etc/ld.so.cache", -1, SANDBOX_READ},
		{"/etc/localtime", -1, SANDBOX_READ},
		/* 0, 1 and 2 of a front */
		{"/dev/null", -1, SANDBOX_CHANGE},
	};
	const struct sandbox how = {
		.list = &list,
		.paths = paths,
		.npaths = ARRAY_LEN(paths),
		.files = 128,
		.tasks = SANDBOX_ANY,
	};

	if (spawn_program(program, sizeof(program), "sallyport-front") ==
	    NULL) {
		errno = ENAMETOOLONG;
		fatal("serve: sallyport-front");
	}
	json_object_seed(0); /* from a file */
	tzset();
	sandbox_enter(&how);
}
