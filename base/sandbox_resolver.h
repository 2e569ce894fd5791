/*
 * What the C library's resolver asks the kernel for, for the lists of processes
 * that have to find a host by its name: files below /etc, sockets, and modules
 * that an administrator chose. The modules are loaded before anything is asked of
 * a network, so that no code comes later; one that was missed cannot be loaded,
 * and the resolver goes on without it.
 */
#ifndef BASE_SANDBOX_RESOLVER_H
#define BASE_SANDBOX_RESOLVER_H

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "base/sandbox.h"

/* Lines of a list: the resolver, and a connection by TCP. */
#define SANDBOX_RESOLVES                                                       \
	SANDBOX_CALL(socket),                                                  \
	SANDBOX_CALL(connect),                                                 \
	SANDBOX_CALL(bind), /* to netlink: which addresses this host has */    \
	SANDBOX_CALL(getsockname),                                             \
	SANDBOX_CALL(getpeername),                                             \
	SANDBOX_CALL(getsockopt),                                              \
	SANDBOX_CALL(setsockopt),                                              \
	SANDBOX_CALL(sendmmsg), /* both questions at once */                   \
	/* how long an answer is */                                            \
	SANDBOX_WHEN(ioctl, SANDBOX_IS(1, FIONREAD)),                          \
	SANDBOX_CALL(uname), /* the domain to search */                        \
	/* files of the resolver; Landlock says which */                       \
	SANDBOX_CALL(openat),                                                  \
	SANDBOX_CALL(open),                                                    \
	SANDBOX_CALL(stat),                                                    \
	SANDBOX_CALL(newfstatat),                                              \
	SANDBOX_CALL(access),                                                  \
	SANDBOX_CALL(faccessat),                                               \
	SANDBOX_CALL(faccessat2),                                              \
	SANDBOX_CALL(readlink),                                                \
	SANDBOX_CALL(readlinkat),                                              \
	SANDBOX_CALL(lseek),                                                   \
	SANDBOX_CALL(pread64),                                                 \
	SANDBOX_CALL(fcntl),                                                   \
	/* a module that is not loaded yet stays so */                         \
	SANDBOX_FAILS_WHEN(mmap, EPERM, SANDBOX_WITH(2, PROT_EXEC)),           \
	/* modules ask who they run for, and wait */                           \
	SANDBOX_CALL(getuid),                                                  \
	SANDBOX_CALL(geteuid),                                                 \
	SANDBOX_CALL(clock_nanosleep)

/* What it reads, to be read. */
#define SANDBOX_RESOLVER_PATHS 8u
extern const struct sandbox_path
    sandbox_resolver_paths[SANDBOX_RESOLVER_PATHS];

/* Before sandbox_enter(): the modules of the administrator, for good. */
void sandbox_load_resolver(void);

#endif
