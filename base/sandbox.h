/*
 * The sandbox of a process: what it may ask the kernel for, from the moment it
 * enters until it ends. Each process has one list of system calls for each of
 * its states, beside its main file, with a reason on every line; this seam puts
 * them in force. It must not know what a process does.
 *
 * What is not in the list is not done, and kills the process (SIGSYS), which
 * says to its parent first which call it was. So do other architectures, and
 * x32. A list only shrinks: one that is entered later is put on top of the one
 * before, and the kernel takes the stricter answer of the two.
 *
 * What the kernel does not have is left out, and namespaces also where whoever
 * administers it gives none to who has no privileges; what it has and refuses is
 * fatal: a process of ours that reads its first hostile byte has all that
 * sandbox_lacks() does not name. After sandbox_require() nothing is left out.
 */
#ifndef BASE_SANDBOX_H
#define BASE_SANDBOX_H

#include <limits.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

/* Instrumented builds open files and start threads when they end or complain,
 * and look at themselves by their number. They have the list in sandbox_calls.c
 * as well, no Landlock, no root and no numbers of their own; never a release. */
#if defined(__SANITIZE_ADDRESS__) || defined(SANDBOX_INSTRUMENTED)
#define SANDBOX_IS_INSTRUMENTED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANDBOX_IS_INSTRUMENTED 1
#endif
#endif
#ifndef SANDBOX_IS_INSTRUMENTED
#define SANDBOX_IS_INSTRUMENTED 0
#endif

/* ------------------------------------------------------------------------ */
/* Lists                                                                    */

/* (argument & mask) == value; mask 0 ends a line's tests. */
struct sandbox_test {
	unsigned arg;
	uint64_t mask, value;
};

#define SANDBOX_TESTS 3u
struct sandbox_call {
	long nr;
	int error; /* 0: permitted; else it fails so, and nobody is killed */
	struct sandbox_test tests[SANDBOX_TESTS]; /* all must hold */
};

/* One line permits a call; with tests, only where all of them hold. Several
 * lines of one call add up. */
#define SANDBOX_CALL(name) {SYS_##name, 0, {{0, 0, 0}}}
#define SANDBOX_WHEN(name, ...) {SYS_##name, 0, {__VA_ARGS__}}
/* What a library tries and can do without. */
#define SANDBOX_FAILS(name, errno_) {SYS_##name, errno_, {{0, 0, 0}}}
#define SANDBOX_FAILS_WHEN(name, errno_, ...)                                  \
	{SYS_##name, errno_, {__VA_ARGS__}}

/* A loop of base/loop.h that waits. libev makes its epoll anew when that reports
 * what was closed here: so it does while another process has the same file. */
#define SANDBOX_LOOP                                                           \
	SANDBOX_CALL(epoll_wait), SANDBOX_CALL(epoll_pwait),                   \
	SANDBOX_CALL(epoll_ctl), SANDBOX_CALL(epoll_create1)

/* The kernel reads descriptors, flags and ioctl requests as 32 bits, whatever
 * stands above them in the register. */
#define SANDBOX_32 0xffffffffu
#define SANDBOX_WITH(n, bits) {n, (uint32_t)(bits), (uint32_t)(bits)}
#define SANDBOX_IS(n, v) {n, SANDBOX_32, (uint32_t)(v)}
#define SANDBOX_WITHOUT(n, bits) {n, (uint32_t)(bits), 0}
#define SANDBOX_WITHIN(n, bits) {n, SANDBOX_32 & ~(uint32_t)(bits), 0}

/* What some architectures do without: such a line says nothing there. */
#define SANDBOX_NONE (-1)
#ifndef SYS_poll
#define SYS_poll SANDBOX_NONE
#endif
#ifndef SYS_epoll_wait
#define SYS_epoll_wait SANDBOX_NONE
#endif
#ifndef SYS_time
#define SYS_time SANDBOX_NONE
#endif
#ifndef SYS_open
#define SYS_open SANDBOX_NONE
#endif
#ifndef SYS_stat
#define SYS_stat SANDBOX_NONE
#endif
#ifndef SYS_access
#define SYS_access SANDBOX_NONE
#endif
#ifndef SYS_readlink
#define SYS_readlink SANDBOX_NONE
#endif
#ifndef SYS_mkdir
#define SYS_mkdir SANDBOX_NONE
#endif
#ifndef SYS_unlink
#define SYS_unlink SANDBOX_NONE
#endif
#ifndef SYS_rename
#define SYS_rename SANDBOX_NONE
#endif
#ifndef SYS_renameat
#define SYS_renameat SANDBOX_NONE
#endif
#ifndef SYS_dup2
#define SYS_dup2 SANDBOX_NONE
#endif
#ifndef SYS_getdents
#define SYS_getdents SANDBOX_NONE
#endif
#ifndef SYS_getpgrp
#define SYS_getpgrp SANDBOX_NONE
#endif

struct sandbox_list {
	const char *state; /* for the log: "session", "session, streaming" */
	const struct sandbox_call *calls;
	size_t ncalls;
};

/* ------------------------------------------------------------------------ */
/* Entering                                                                 */

enum sandbox_access {
	SANDBOX_READ,	/* files and directories below it */
	SANDBOX_CHANGE, /* and writing, making, renaming and removing there */
	SANDBOX_REMOVE, /* removing files of that directory, and no more */
	SANDBOX_RUN,	/* reading and running */
};

/* Where it may go in the file system. What is not there is left out. */
struct sandbox_path {
	const char *path; /* NULL: fd */
	int fd;		  /* a directory that is open already */
	enum sandbox_access access;
};

/* What a process may be without; bits of sandbox_lacks(). Those below LANDLOCK
 * are namespaces. */
enum sandbox_part {
	SANDBOX_SECCOMP = 1,
	SANDBOX_LANDLOCK = 2,
	SANDBOX_MOUNTS = 4,   /* its root has its paths and nothing else */
	SANDBOX_IPC = 8,
	SANDBOX_NETWORK = 16, /* no interface; sockets that it has go on */
	SANDBOX_PIDS = 32,    /* given at its birth: base/spawn.h */
	SANDBOX_PARTS = 64,
};
/* What sandbox_enter() can leave, for who makes no socket. */
#define SANDBOX_SPACES (SANDBOX_MOUNTS | SANDBOX_IPC | SANDBOX_NETWORK)

#define SANDBOX_ANY UINT_MAX
struct sandbox {
	const struct sandbox_list *list; /* of its first state */
	const struct sandbox_path *paths; /* none: no path at all */
	size_t npaths;
	unsigned spaces; /* namespaces that it leaves, of SANDBOX_SPACES */
	int leaves_network; /* later: sandbox_leave_network() */
	unsigned files;	 /* descriptors at once; 0 = as it is */
	size_t memory;	 /* bytes of address space; 0 = as it is */
	unsigned tasks;	 /* threads and processes that its uid may have, with
			  * itself; 0 = it starts none, SANDBOX_ANY = as it is */
	int may_connect; /* by TCP, later */
	/* The channel that hears of a call which is not permitted, before the
	 * end, and as what: 4 bytes, the call's number, most significant one
	 * first. 0 = nobody is told. */
	int parent;
	uint16_t barred;
};

/* Namespaces, limits, no capabilities, no new privileges, not dumpable,
 * Landlock, the first list. Fatal when the kernel refuses. */
void sandbox_enter(const struct sandbox *how);

/* A later state: its list comes on top. Fatal likewise. */
void sandbox_shrink(const struct sandbox_list *list);

/* A network of its own, without an interface, for who had to connect first and
 * said so. Until then it has one capability, over its own user namespace and
 * nothing else, and the lines of SANDBOX_LEAVES_NETWORK in its list. Where there
 * is none it is done without, as ever. Fatal likewise. */
void sandbox_leave_network(void);
#define SANDBOX_LEAVES_NETWORK                                                 \
	SANDBOX_WHEN(unshare, SANDBOX_IS(0, CLONE_NEWNET)),                    \
	SANDBOX_CALL(capset)

/* Of the rights of root those capabilities (1 << CAP_...) stay, for this process
 * and all that it starts; the others nobody gets again, nor does a program that
 * is run bring any. What it has not got is no error. Fatal likewise. */
void sandbox_keep_capabilities(uint64_t keep);

/* For who starts programs that have lists of their own: this one is of what they
 * and it never do; all else is permitted. Nobody is told of a call that is in it,
 * but by those lists. Needs no new privileges, or root's. Fatal likewise. */
void sandbox_deny(const struct sandbox_list *list);

/* No path from now on, and no connection. Fatal likewise. */
void sandbox_close_paths(void);

/* ------------------------------------------------------------------------ */
/* What the kernel has                                                      */

/* "seccomp"; NULL for what is no single part. */
const char *sandbox_part_name(unsigned part);

/* "socket"; NULL for what is no call. Owned by the caller. */
char *sandbox_call_name(uint32_t nr);

/* Landlock's ABI on this kernel; 0 = none. */
int sandbox_landlock_abi(void);

/* What of all that this kernel has not. Asked once, by a process of its own:
 * before this one has a list. */
unsigned sandbox_lacks(void);

/* From now on this process, and all that it starts, enter no sandbox that lacks
 * anything: that is fatal. By the environment. */
#define SANDBOX_ENV "SALLYPORT_SANDBOX"
#define SANDBOX_REQUIRED "required"
void sandbox_require(void);

/* What this build's programs are without because of how they were built: an
 * instrumented one opens files. 0 in a release. */
unsigned sandbox_build_lacks(void);

#endif
