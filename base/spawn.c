/*
 * Starting our own programs. Runs in the privileged parents (broker, command
 * line, agent). Between fork and exec there are only async-signal-safe calls,
 * in this order:
 *
 * 1. signals: default dispositions, later an empty mask
 * 2. descriptors: all moved out of the way, then to their places; the rest shut
 * 3. uid and gid for good, checked; no new privileges; die with the parent
 * 4. exec; its errno, or that of any step before, goes up a CLOEXEC pipe
 *
 * The program is opened before the change of uid and executed by descriptor:
 * the unprivileged child need not be able to walk to it (a tree below /root),
 * and what was found is what runs.
 */
#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

#ifndef LIBEXECDIR
#define LIBEXECDIR "/usr/libexec/sallyport"
#endif

#define FIRST_FD 3
#define ENV_LIBEXEC "SALLYPORT_LIBEXEC"

/* What the child needs, made before the fork. */
struct child {
	const struct spawn *how;
	char *const *argv;
	char *const *envp;
	pid_t parent;
	int report;  /* write end of the pipe; owned by the caller */
	int program; /* O_PATH; owned by the caller */
};

/*
 * By the system call itself: libc refuses to touch the two signals that it
 * keeps for itself, yet its posix_spawn() leaves them ignored, so that a
 * program started by make or systemd would hand that on to ours. The kernel's
 * struct sigaction differs from machine to machine, but all zeroes is SIG_DFL,
 * no flags and an empty mask in each.
 */
static void
reset_signals(void)
{
	static const unsigned long dfl[16];
	int signo;

	_Static_assert(sizeof(dfl) >= 32 + NSIG / 8, "sigaction fits");
	for (signo = 1; signo < NSIG; signo++) {
		/* SIGKILL and SIGSTOP refuse: nothing to do */
		syscall(SYS_rt_sigaction, signo, dfl, NULL, (NSIG - 1) / 8);
	}
}

/* Everything from fd `from` on. */
static void
close_above(unsigned from)
{
	struct rlimit lim;
	rlim_t fd;

	if (close_range(from, ~0U, 0) == 0) {
		return;
	}
	if (getrlimit(RLIMIT_NOFILE, &lim) == -1 ||
	    lim.rlim_cur == RLIM_INFINITY) {
		lim.rlim_cur = 65536;
	}
	for (fd = from; fd < lim.rlim_cur; fd++) {
		close((int)fd);
	}
}

/* A copy out of the reach of 0..3+nfds. */
static int
move_high(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FD + SPAWN_FDS + 2);
}

static int
place_fds(struct child *c)
{
	int high[SPAWN_FDS], null, report, program, fd;
	int nfds = (int)c->how->nfds;

	/* Given descriptors may sit where others must go: first all of them
	 * out of the way, then each to its place. */
	for (fd = 0; fd < nfds; fd++) {
		high[fd] = move_high(c->how->fds[fd]);
		if (high[fd] == -1) {
			return -1;
		}
	}
	report = move_high(c->report);
	program = move_high(c->program);
	if (report == -1 || program == -1) {
		return -1;
	}
	c->report = report;
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	null = fd == -1 ? -1 : move_high(fd);
	if (null == -1 || dup2(null, 0) == -1) {
		return -1;
	}
	for (fd = 1; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) == -1 && dup2(null, fd) == -1) {
			return -1;
		}
	}
	for (fd = 0; fd < nfds; fd++) {
		if (dup2(high[fd], FIRST_FD + fd) == -1) {
			return -1;
		}
	}
	if (dup3(report, FIRST_FD + nfds, O_CLOEXEC) == -1 ||
	    dup3(program, FIRST_FD + nfds + 1, O_CLOEXEC) == -1) {
		return -1;
	}
	c->report = FIRST_FD + nfds;
	c->program = FIRST_FD + nfds + 1;
	close_above((unsigned)(FIRST_FD + nfds + 2));
	return 0;
}

static int
change_ids(const struct spawn *how)
{
	uid_t ru, eu, su;
	gid_t rg, eg, sg;

	if (how->gid != (gid_t)-1) {
		if (setgroups(0, NULL) == -1 ||
		    setresgid(how->gid, how->gid, how->gid) == -1 ||
		    getresgid(&rg, &eg, &sg) == -1) {
			return -1;
		}
		if (rg != how->gid || eg != how->gid || sg != how->gid) {
			errno = EPERM;
			return -1;
		}
	}
	if (how->uid != (uid_t)-1) {
		if (setresuid(how->uid, how->uid, how->uid) == -1 ||
		    getresuid(&ru, &eu, &su) == -1) {
			return -1;
		}
		if (ru != how->uid || eu != how->uid || su != how->uid ||
		    (how->uid != 0 && setuid(0) == 0)) {
			errno = EPERM;
			return -1;
		}
	}
	return 0;
}

static int
settle(struct child *c)
{
	const struct spawn *how = c->how;

	if (place_fds(c) == -1 || change_ids(how) == -1) {
		return -1;
	}
	umask(077);
	if (how->nice > 0) {
		errno = 0;
		if (nice(how->nice) == -1 && errno != 0) {
			return -1;
		}
	}
	if (how->uid != (uid_t)-1 &&
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1) {
		return -1;
	}
	if (how->die_with_parent) {
		/* after the change of uid, which clears it */
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1) {
			return -1;
		}
		if (getppid() != c->parent) {
			_exit(127); /* it died before we asked */
		}
	}
	return 0;
}

static void __attribute__((noreturn)) run_child(struct child *c)
{
	sigset_t none;
	int error;

	reset_signals();
	if (settle(c) == 0) {
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		syscall(SYS_execveat, c->program, "", c->argv, c->envp,
		    AT_EMPTY_PATH);
	}
	error = errno;
	/* nobody to tell when this fails; the exit code remains */
	if (write(c->report, &error, sizeof(error)) == -1) {
		_exit(126);
	}
	_exit(127);
}

/* Reads what the child says before its exec: 0 when that went well. */
static int
read_report(int fd)
{
	int error = 0;
	ssize_t n;

	do {
		n = read(fd, &error, sizeof(error));
	} while (n == -1 && errno == EINTR);
	if (n == 0) {
		return 0;
	}
	return n == (ssize_t)sizeof(error) && error > 0 ? error : EIO;
}

static int
check(const struct spawn *how)
{
	unsigned i;

	if (how->nfds > SPAWN_FDS || how->path[0] != '/') {
		errno = EINVAL;
		return -1;
	}
	for (i = 0; i < how->nfds; i++) {
		if (fcntl(how->fds[i], F_GETFD) == -1) {
			return -1; /* EBADF */
		}
	}
	return 0;
}

static pid_t
fork_child(struct child *c)
{
	sigset_t all, before;
	pid_t pid;
	int saved;

	/* No handler of ours may run in the child. */
	sigfillset(&all);
	if (sigprocmask(SIG_SETMASK, &all, &before) == -1) {
		return -1;
	}
	pid = fork();
	if (pid == 0) {
		run_child(c);
	}
	saved = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	errno = saved;
	return pid;
}

pid_t
spawn_child(const struct spawn *how)
{
	char path_env[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char libexec_env[PATH_MAX + sizeof(ENV_LIBEXEC "=")];
	char *envp[3] = {path_env, NULL, NULL};
	const char *libexec = secure_getenv(ENV_LIBEXEC);
	struct child c = {.how = how, .envp = envp, .parent = getpid()};
	int report[2], error;
	pid_t pid;

	if (check(how) == -1) {
		return -1;
	}
	if (libexec != NULL && strlen(libexec) < PATH_MAX) {
		snprintf(libexec_env, sizeof(libexec_env), ENV_LIBEXEC "=%s",
		    libexec);
		envp[1] = libexec_env;
	}
	c.program = open(how->path, O_PATH | O_CLOEXEC);
	if (c.program == -1) {
		return -1;
	}
	if (pipe2(report, O_CLOEXEC) == -1) {
		close_fd(&c.program);
		return -1;
	}
	c.report = report[1];
	/* execve does not write to the strings; its prototype is older than
	 * const */
	c.argv = (char *const *)(uintptr_t)how->argv;
	pid = fork_child(&c);
	close_fd(&report[1]);
	close_fd(&c.program);
	if (pid == -1) {
		close_fd(&report[0]);
		return -1;
	}
	error = read_report(report[0]);
	close_fd(&report[0]);
	if (error != 0) {
		while (waitpid(pid, NULL, 0) == -1 && errno == EINTR) {
			continue;
		}
		errno = error;
		return -1;
	}
	return pid;
}

/* dir/name into dst; NULL when it does not fit. */
static char *
join(char *dst, size_t size, const char *dir, const char *name)
{
	int n = snprintf(dst, size, "%s/%s", dir, name);

	return n > 0 && (size_t)n < size ? dst : NULL;
}

char *
spawn_program(char *dst, size_t size, const char *name)
{
	const char *dir = secure_getenv(ENV_LIBEXEC);
	char self[PATH_MAX], *slash;
	ssize_t n;

	if (dir != NULL && dir[0] == '/') {
		return join(dst, size, dir, name);
	}
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n > 0) {
		self[n] = '\0';
		slash = strrchr(self, '/');
		if (slash != NULL) {
			*slash = '\0';
			if (join(dst, size, self, name) != NULL &&
			    access(dst, X_OK) == 0) {
				return dst;
			}
		}
	}
	return join(dst, size, LIBEXECDIR, name);
}
