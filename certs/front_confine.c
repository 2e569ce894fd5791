/*
 * No file is opened, no process is touched, no socket is made: a call that is
 * not in the list ends the process. Limits come first, since they need calls
 * that the list does not have.
 */
#include "certs/front_confine.h"

#include <errno.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <seccomp.h>

#include "base/log.h"
#include "base/mem.h"

/* Instrumented builds open files and start threads when they end or complain;
 * never a release. */
#if defined(__SANITIZE_ADDRESS__) || defined(FRONT_INSTRUMENTED)
#define IS_INSTRUMENTED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IS_INSTRUMENTED 1
#endif
#endif
#ifndef IS_INSTRUMENTED
#define IS_INSTRUMENTED 0
#endif

#define MEMORY ((rlim_t)64 << 20) /* address space, the program's own included */
#define CPU_SECONDS 5

static const struct {
	int nr;
	int error; /* 0: permitted; else it fails so */
} calls[] = {
	{ SCMP_SYS(read), 0 },	   /* the peer, the channel */
	{ SCMP_SYS(recvfrom), 0 },
	{ SCMP_SYS(recvmsg), 0 },
	{ SCMP_SYS(write), 0 },	   /* the log */
	{ SCMP_SYS(writev), 0 },
	{ SCMP_SYS(sendto), 0 },
	{ SCMP_SYS(sendmsg), 0 },
	{ SCMP_SYS(poll), 0 },
	{ SCMP_SYS(ppoll), 0 },
	{ SCMP_SYS(getrandom), 0 }, /* TLS */
	{ SCMP_SYS(getpid), 0 },
	{ SCMP_SYS(clock_gettime), 0 }, /* where the vdso has no clock */
	{ SCMP_SYS(gettimeofday), 0 },
	{ SCMP_SYS(time), 0 },
	{ SCMP_SYS(brk), 0 },	    /* memory */
	{ SCMP_SYS(mmap), 0 },
	{ SCMP_SYS(munmap), 0 },
	{ SCMP_SYS(mremap), 0 },
	{ SCMP_SYS(madvise), 0 },
	{ SCMP_SYS(shutdown), 0 },  /* the end */
	{ SCMP_SYS(close), 0 },
	{ SCMP_SYS(rt_sigreturn), 0 },
	{ SCMP_SYS(rt_sigprocmask), 0 },
	{ SCMP_SYS(restart_syscall), 0 },
	{ SCMP_SYS(exit), 0 },
	{ SCMP_SYS(exit_group), 0 },
	/* what libraries try and can do without */
	{ SCMP_SYS(fcntl), EACCES },
	{ SCMP_SYS(newfstatat), EACCES },
	{ SCMP_SYS(fstat), EACCES },
	{ SCMP_SYS(lseek), EACCES },
	{ SCMP_SYS(openat), EACCES }, /* a time zone, for a line of log */
};

static void
limit(void)
{
	const struct rlimit none = { 0, 0 }, cpu = { CPU_SECONDS, CPU_SECONDS },
		memory = { MEMORY, MEMORY };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1 ||
	    setrlimit(RLIMIT_CORE, &none) == -1 ||
	    setrlimit(RLIMIT_NPROC, &none) == -1 ||
	    setrlimit(RLIMIT_CPU, &cpu) == -1 ||
	    (!IS_INSTRUMENTED && setrlimit(RLIMIT_AS, &memory) == -1)) {
		fatal("limits");
	}
}

void
front_confine(void)
{
	scmp_filter_ctx ctx;
	int r;

	limit();
	if (IS_INSTRUMENTED) {
		return;
	}
	ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (ctx == NULL) {
		fatalx("system calls: no memory");
	}
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		r = seccomp_rule_add(ctx,
		    calls[i].error == 0
			? SCMP_ACT_ALLOW
			: SCMP_ACT_ERRNO((uint16_t)calls[i].error),
		    calls[i].nr, 0);
		/* one that this architecture does without */
		if (r != 0 && r != -EDOM) {
			errno = -r;
			fatal("system calls: %d", calls[i].nr);
		}
	}
	r = seccomp_load(ctx);
	if (r != 0) {
		errno = -r;
		fatal("system calls");
	}
	seccomp_release(ctx);
}
