/*
 * Starting our own programs. Runs in the privileged parents (broker, command
 * line, agent). Between fork and exec there are only async-signal-safe calls,
 * in this order:
 *
 * 1. signals: default dispositions, later an empty mask
 * 2. descriptors: all moved out of the way, then to their places; the rest shut
 * 3. uid and gid for good, checked
 * 4. process ids of its own: another fork, of a process that is then no more
 * 5. no new privileges; die with the parent
 * 6. exec; its errno, or that of any step before, goes up a CLOEXEC pipe
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
#include <poll.h>
#include <sched.h>
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

#include "base/err.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "base/userns.h"

#ifndef LIBEXECDIR
#define LIBEXECDIR "/usr/libexec/sallyport"
#endif

#define FIRST_FD 3
#define ENV_LIBEXEC "SALLYPORT_LIBEXEC"

/* Up the pipe. */
enum news_kind {
	NEWS_ERROR, /* an errno: nothing runs */
	NEWS_PID,   /* it has ids of its own, and this one among ours */
	NEWS_NONE,  /* the kernel gives no such ids */
};
struct news {
	int what, value;
};

/* What the child needs, made before the fork. */
struct child {
	const struct spawn *how;
	char *const *argv;
	char *const *envp;
	pid_t parent;
	int has_ids; /* of its own */
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

static void
tell(const struct child *c, enum news_kind what, int value)
{
	const struct news news = {(int)what, value};

	/* nobody to tell when this fails; the exit code remains */
	if (write(c->report, &news, sizeof(news)) == -1) {
		_exit(126);
	}
}

/* Returns in a child of our parent's, the first of its ids. */
static int
leave_ids(const struct child *c)
{
	long pid;
	int r = userns_enter(CLONE_NEWPID);

	if (r != 0) {
		if (r == ERR_NOENT) {
			tell(c, NEWS_NONE, errno);
			_exit(127);
		}
		return -1;
	}
	/* as fork() does it, but for whose child that is */
	pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
	if (pid > 0) {
		tell(c, NEWS_PID, (int)pid);
		_exit(0);
	}
	return (int)pid;
}

/* Whether who wanted us is gone already. From other ids he has no number: then
 * by the pipe, which he alone reads. */
static int
is_orphan(const struct child *c)
{
	struct pollfd p = {.fd = c->report, .events = 0};

	return c->has_ids ? poll(&p, 1, 0) > 0 && (p.revents & POLLERR) != 0
			  : getppid() != c->parent;
}

static int
settle(struct child *c)
{
	const struct spawn *how = c->how;

	if (place_fds(c) == -1 || change_ids(how) == -1 ||
	    (c->has_ids && leave_ids(c) == -1)) {
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
		if (is_orphan(c)) {
			_exit(127); /* it died before we asked */
		}
	}
	return 0;
}

static void __attribute__((noreturn)) run_child(struct child *c)
{
	sigset_t none;

	reset_signals();
	if (settle(c) == 0) {
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		syscall(SYS_execveat, c->program, "", c->argv, c->envp,
		    AT_EMPTY_PATH);
	}
	tell(c, NEWS_ERROR, errno);
	_exit(127);
}

struct report {
	int error; /* 0: the exec went well */
	pid_t pid; /* the child, when it is another than the first; 0 = it is */
	int gives_none; /* no ids of its own are to be had */
};

/* Reads what is said before the exec, by the child and the one before it, until
 * neither can say more. */
static void
read_report(int fd, struct report *out)
{
	struct news news;
	ssize_t n;

	*out = (struct report){0, 0, 0};
	for (;;) {
		n = read(fd, &news, sizeof(news));
		if (n == -1 && errno == EINTR) {
			continue;
		}
		if (n != (ssize_t)sizeof(news)) {
			out->error = n == 0 ? out->error : EIO;
			return;
		}
		switch ((enum news_kind)news.what) {
		case NEWS_ERROR:
			out->error = news.value > 0 ? news.value : EIO;
			break;
		case NEWS_PID:
			out->pid = news.value;
			break;
		case NEWS_NONE:
			out->gives_none = 1;
			out->error = news.value > 0 ? news.value : EIO;
			break;
		}
	}
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

static void
await(pid_t pid)
{
	while (waitpid(pid, NULL, 0) == -1 && errno == EINTR) {
		continue;
	}
}

/* One try. The pid, or -1 with errno. */
static pid_t
start(struct child *c, int *gives_none)
{
	struct report said;
	int report[2];
	pid_t pid;

	if (pipe2(report, O_CLOEXEC) == -1) {
		return -1;
	}
	c->report = report[1];
	pid = fork_child(c);
	close_fd(&report[1]);
	if (pid == -1) {
		close_fd(&report[0]);
		return -1;
	}
	read_report(report[0], &said);
	close_fd(&report[0]);
	*gives_none = said.gives_none;
	if (said.pid > 0) {
		await(pid);
		pid = said.pid;
	} else if (c->has_ids && said.error == 0) {
		said.error = EIO; /* it was killed in between */
	}
	if (said.error != 0) {
		await(pid);
		errno = said.error;
		return -1;
	}
	return pid;
}

/* Where there are no ids of its own, it is without, from the first that wanted
 * some on. */
static pid_t
start_as_wanted(struct child *c)
{
	static int are_refused;
	const char *value = secure_getenv(SANDBOX_ENV);
	int is_required =
	    value != NULL && strcmp(value, SANDBOX_REQUIRED) == 0;
	int gives_none = 0;
	pid_t pid;

	c->has_ids = c->how->own_pids && !SANDBOX_IS_INSTRUMENTED &&
	    (!are_refused || is_required);
	pid = start(c, &gives_none);
	if (pid == -1 && gives_none && !is_required) {
		are_refused = 1;
		c->has_ids = 0;
		pid = start(c, &gives_none);
	}
	return pid;
}

/* "NAME=value" of our environment, into dst; how many that are. */
static unsigned
pass_on(char *dst, size_t size, const char *name)
{
	const char *value = secure_getenv(name);
	int n = value == NULL ? -1
			      : snprintf(dst, size, "%s=%s", name, value);

	return n > 0 && (size_t)n < size;
}

pid_t
spawn_child(const struct spawn *how)
{
	char path_env[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char libexec_env[PATH_MAX + sizeof(ENV_LIBEXEC "=")];
	char sandbox_env[sizeof(SANDBOX_ENV "=" SANDBOX_REQUIRED)];
	char *envp[4] = {path_env, NULL, NULL, NULL};
	struct child c = {.how = how, .envp = envp, .parent = getpid()};
	unsigned n = 1;
	pid_t pid;
	int saved;

	if (check(how) == -1) {
		return -1;
	}
	envp[n] = libexec_env;
	n += pass_on(libexec_env, sizeof(libexec_env), ENV_LIBEXEC);
	envp[n] = sandbox_env;
	n += pass_on(sandbox_env, sizeof(sandbox_env), SANDBOX_ENV);
	envp[n] = NULL;
	c.program = open(how->path, O_PATH | O_CLOEXEC);
	if (c.program == -1) {
		return -1;
	}
	/* execve does not write to the strings; its prototype is older than
	 * const */
	c.argv = (char *const *)(uintptr_t)how->argv;
	pid = start_as_wanted(&c);
	saved = errno;
	close_fd(&c.program);
	errno = saved;
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
