/*
 * What every process of ours may ask of the kernel, whatever it is for: memory
 * that is never code, descriptors that it has, time, and its own end.
 */
#include "base/sandbox_parts.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/mman.h>

#include "base/mem.h"

static const struct sandbox_call basics[] = {
	/* the hot ones first: descriptors that it has */
	SANDBOX_CALL(read),
	SANDBOX_CALL(write), /* the log as well */
	SANDBOX_CALL(close),
	/* memory, and none of it to be run */
	SANDBOX_CALL(brk),
	SANDBOX_WHEN(mmap, SANDBOX_WITHOUT(2, PROT_EXEC)),
	SANDBOX_WHEN(mprotect, SANDBOX_WITHOUT(2, PROT_EXEC)),
	SANDBOX_CALL(munmap),
	SANDBOX_CALL(mremap), /* realloc of what is large */
	SANDBOX_WHEN(madvise, SANDBOX_IS(2, MADV_DONTNEED)), /* free */
	SANDBOX_CALL(futex), /* the locks of libusb and stdio */
	/* time, where the vdso does without the kernel mostly */
	SANDBOX_CALL(clock_gettime),
	SANDBOX_CALL(gettimeofday),
	SANDBOX_CALL(time),
	SANDBOX_CALL(getrandom),
	/* of a descriptor: glibc's fstat is the second */
	SANDBOX_CALL(fstat),
	SANDBOX_WHEN(newfstatat, SANDBOX_IS(3, AT_EMPTY_PATH)),
	SANDBOX_CALL(sysinfo), /* qsort: is there memory to sort in */
	/* its end, also by abort() */
	SANDBOX_CALL(exit_group),
	SANDBOX_CALL(writev), /* what libc says before that */
	SANDBOX_CALL(getpid),
	SANDBOX_CALL(gettid),
	SANDBOX_WHEN(tgkill, SANDBOX_IS(2, SIGABRT)),
	SANDBOX_WHEN(tgkill, SANDBOX_IS(2, SIGSYS)), /* see sandbox.c */
	SANDBOX_CALL(rt_sigprocmask),
	SANDBOX_CALL(rt_sigreturn),
	SANDBOX_CALL(restart_syscall),
	/* a further list, which can only take away */
	SANDBOX_WHEN(seccomp, SANDBOX_IS(0, SECCOMP_SET_MODE_FILTER)),
};

const struct sandbox_list sandbox_basics = {
	"every process", basics, ARRAY_LEN(basics)};

#if SANDBOX_IS_INSTRUMENTED

/* Address sanitizer, its leak check (which stops this process from another and
 * reads it) and gcov's counters. */
static const struct sandbox_call instruments[] = {
	SANDBOX_CALL(clone),
	SANDBOX_CALL(dup),
	SANDBOX_CALL(exit), /* of the thread that looks for leaks */
	SANDBOX_CALL(fcntl), /* locks of counters */
	SANDBOX_CALL(getcwd),
	SANDBOX_CALL(getdents),
	SANDBOX_CALL(getdents64),
	SANDBOX_CALL(getpgrp),
	SANDBOX_CALL(getppid),
	SANDBOX_CALL(getrlimit),
	SANDBOX_CALL(getuid),
	SANDBOX_CALL(ioctl), /* is stderr a terminal */
	SANDBOX_CALL(kill),
	SANDBOX_CALL(lseek),
	SANDBOX_CALL(madvise),
	SANDBOX_CALL(mkdir),
	SANDBOX_CALL(newfstatat),
	SANDBOX_CALL(open),
	SANDBOX_CALL(openat),
	SANDBOX_CALL(prctl),
	SANDBOX_CALL(prlimit64),
	SANDBOX_CALL(ptrace),
	SANDBOX_CALL(readlink),
	SANDBOX_CALL(rt_sigaction),
	SANDBOX_CALL(sched_getaffinity),
	SANDBOX_CALL(sched_yield),
	SANDBOX_CALL(sigaltstack),
	SANDBOX_CALL(stat),
	SANDBOX_CALL(tgkill),
	SANDBOX_CALL(uname),
	SANDBOX_CALL(wait4),
};

const struct sandbox_list sandbox_instruments = {
	"instrumented", instruments, ARRAY_LEN(instruments)};

#else

const struct sandbox_list sandbox_instruments = {"none", NULL, 0};

#endif
