/* base/spawn: what a child has, and what it has not. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/sandbox.h"
#include "base/spawn.h"
#include "base/userns.h"

static char out[8192];

/* Reads fd to its end into out. */
static void
slurp(int fd)
{
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, out + len, sizeof(out) - 1 - len)) > 0) {
		len += (size_t)n;
	}
	out[len] = '\0';
}

/* Runs a shell script whose fd 3 is a pipe to us; returns its exit code. */
static int
run(const char *script, struct spawn *how)
{
	const char *const argv[] = {"sh", "-c", script, NULL};
	int p[2], status;
	pid_t pid;

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	how->path = "/bin/sh";
	how->argv = argv;
	how->fds[0] = p[1];
	if (how->nfds == 0) {
		how->nfds = 1;
	}
	pid = spawn_child(how);
	close(p[1]);
	if (pid == -1) {
		int saved = errno;

		close(p[0]);
		errno = saved;
		return -1;
	}
	slurp(p[0]);
	close(p[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

#define STAY                                                                   \
	{                                                                      \
		.uid = (uid_t)-1, .gid = (gid_t)-1                             \
	}

static void
test_descriptors(void **state)
{
	struct spawn how = STAY;
	int leak = open("/dev/null", O_RDONLY), far; /* not CLOEXEC */

	(void)state;
	far = fcntl(leak, F_DUPFD, 200);
	assert_int_equal(run("cd /proc/self/fd; echo * >&3; "
			     "readlink 0 >&3; umask >&3; exit 7",
			     &how),
	    7);
	/* 10 is the shell's own, and the last is that of the listing */
	assert_memory_equal(out, "0 1 2 3", 7);
	assert_null(strstr(out, "200"));
	assert_non_null(strstr(out, "/dev/null"));
	assert_non_null(strstr(out, "0077"));
	close(leak);
	close(far);
}

static void
test_overlapping_descriptors(void **state)
{
	struct spawn how = STAY;
	int fds[3], i;
	char name[] = "/tmp/test_spawn.XXXXXX";

	(void)state;
	/* three files whose descriptors are the wanted ones, turned round */
	for (i = 0; i < 3; i++) {
		fds[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
	}
	close(fds[0]);
	fds[0] = mkstemp(name);
	how.nfds = 4;
	how.fds[1] = fds[2];
	how.fds[2] = fds[0];
	how.fds[3] = fds[1];
	assert_int_equal(
	    run("for i in 4 5 6; do readlink /proc/$$/fd/$i >&3; done", &how),
	    0);
	assert_memory_equal(out, "/dev/null\n/tmp/test_spawn.", 26);
	assert_string_equal(strrchr(out, '/'), "/null\n");
	for (i = 0; i < 3; i++) {
		close(fds[i]);
	}
	unlink(name);
}

static void
test_environment(void **state)
{
	struct spawn how = STAY;

	(void)state;
	setenv("LD_PRELOAD_NOT", "x", 1);
	setenv("SALLYPORT_LIBEXEC", "/some/where", 1);
	assert_int_equal(run("env >&3", &how), 0);
	assert_null(strstr(out, "LD_PRELOAD_NOT"));
	assert_null(strstr(out, "HOME="));
	assert_non_null(strstr(out, "PATH=/usr/sbin:/usr/bin:/sbin:/bin\n"));
	assert_non_null(strstr(out, "SALLYPORT_LIBEXEC=/some/where\n"));
	unsetenv("SALLYPORT_LIBEXEC");
	assert_int_equal(run("env >&3", &how), 0);
	assert_null(strstr(out, "SALLYPORT_LIBEXEC"));
}

/* A signal that libc keeps for itself: SIG_IGN is 1, SIG_DFL is 0. */
static void
ignore_raw(int signo, unsigned long handler)
{
	unsigned long action[16] = {handler};

	assert_int_equal(syscall(SYS_rt_sigaction, signo, action, NULL,
			     (NSIG - 1) / 8),
	    0);
}

static void
test_signals(void **state)
{
	struct spawn how = STAY;
	sigset_t set, now;

	(void)state;
	signal(SIGUSR2, SIG_IGN);
	/* as posix_spawn() leaves libc's own two */
	ignore_raw(32, 1);
	ignore_raw(33, 1);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	assert_int_equal(
	    run("grep -E '^Sig(Blk|Ign)' /proc/self/status >&3", &how), 0);
	assert_string_equal(
	    out, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
	/* our own mask is as it was */
	sigprocmask(SIG_SETMASK, NULL, &now);
	assert_int_equal(sigismember(&now, SIGUSR1), 1);
	assert_int_equal(sigismember(&now, SIGTERM), 0);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	signal(SIGUSR2, SIG_DFL);
	ignore_raw(32, 0);
	ignore_raw(33, 0);
}

static void
test_nice(void **state)
{
	struct spawn how = STAY;
	char want[16];

	(void)state;
	how.nice = 3;
	assert_int_equal(run("nice >&3", &how), 0);
	(void)snprintf(want, sizeof(want), "%d\n",
	    getpriority(PRIO_PROCESS, 0) + 3);
	assert_string_equal(out, want);
}

static void
test_failures(void **state)
{
	static const char *const argv[] = {"x", NULL};
	struct spawn how = STAY;

	(void)state;
	how.argv = argv;
	how.path = "/nonexistent/program";
	assert_int_equal(spawn_child(&how), -1);
	assert_int_equal(errno, ENOENT);
	how.path = "/etc/passwd";
	assert_int_equal(spawn_child(&how), -1);
	assert_int_equal(errno, EACCES);
	how.path = "relative";
	assert_int_equal(spawn_child(&how), -1);
	assert_int_equal(errno, EINVAL);
	how.path = "/bin/true";
	how.nfds = 1;
	how.fds[0] = -1;
	assert_int_equal(spawn_child(&how), -1);
	assert_int_equal(errno, EBADF);
	how.nfds = SPAWN_FDS + 1;
	assert_int_equal(spawn_child(&how), -1);
	assert_int_equal(errno, EINVAL);
	/* no child is left to be waited for */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void
test_ids(void **state)
{
	struct spawn how = {.uid = 54321, .gid = 54322};

	(void)state;
	if (geteuid() != 0) {
		assert_int_equal(run("true", &how), -1);
		assert_int_equal(errno, EPERM);
		return;
	}
	assert_int_equal(run("grep -E '^(Uid|Gid|Groups|NoNewPrivs|CapEff|"
			     "CapPrm)' /proc/self/status >&3",
			     &how),
	    0);
	assert_non_null(strstr(out, "Uid:\t54321\t54321\t54321\t54321\n"));
	assert_non_null(strstr(out, "Gid:\t54322\t54322\t54322\t54322\n"));
	assert_non_null(strstr(out, "Groups:\t \n"));
	assert_non_null(strstr(out, "NoNewPrivs:\t1\n"));
	assert_non_null(strstr(out, "CapPrm:\t0000000000000000\n"));
	assert_non_null(strstr(out, "CapEff:\t0000000000000000\n"));
}

static void
need_pids(void)
{
	if (((sandbox_lacks() | sandbox_build_lacks()) & SANDBOX_PIDS) != 0) {
		skip();
	}
}

/* It is the first of its ids and can name nobody else, us included; we know it
 * by ours, and it is our child. Who it is stays. */
static void
test_own_pids(void **state)
{
	struct spawn how = STAY;
	char wanted[64];

	(void)state;
	need_pids();
	how.own_pids = 1;
	assert_int_equal(run("echo $$ $PPID >&3; id -u >&3", &how), 0);
	(void)snprintf(wanted, sizeof(wanted), "1 0\n%u\n",
	    (unsigned)geteuid());
	assert_string_equal(out, wanted);
	(void)snprintf(wanted, sizeof(wanted), "! kill -0 %d", (int)getpid());
	assert_int_equal(run(wanted, &how), 0);
	/* what goes wrong is told as ever, and nobody is left */
	how.nfds = 0;
	how.path = "/etc/passwd";
	assert_int_equal(spawn_child(&how), -1);
	assert_int_equal(errno, EACCES);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	if (geteuid() == 0) {
		how.uid = 54321;
		how.gid = 54322;
		assert_int_equal(run("grep -E '^(Uid|Gid|Groups|NSpid|CapEff)' "
				     "/proc/self/status >&3", &how), 0);
		assert_non_null(strstr(out, "Uid:\t54321\t54321\t54321\t54321\n"));
		assert_non_null(strstr(out, "Gid:\t54322\t54322\t54322\t54322\n"));
		assert_non_null(strstr(out, "Groups:\t \n"));
		assert_non_null(strstr(out, "CapEff:\t0000000000000000\n"));
	}
}

/* 0: without, twice; 2: not at all; 3: otherwise; 9: not to be tried here. */
static int
without_namespaces(int is_required)
{
	struct spawn how = STAY;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		int fd;

		/* of this namespace and those in it, not of the machine */
		if (userns_enter(0) != 0) {
			_exit(9);
		}
		fd = open("/proc/sys/user/max_user_namespaces", O_WRONLY);
		if (fd == -1 || write(fd, "0", 1) != 1) {
			_exit(9);
		}
		if (is_required) {
			sandbox_require();
		}
		how.own_pids = 1;
		for (int i = 0; i < 2; i++) {
			if (run("[ $PPID -gt 1 ]", &how) != 0) {
				_exit(errno == ENOSPC ? 2 : 3);
			}
		}
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
test_no_pids(void **state)
{
	int r;

	(void)state;
	need_pids();
	r = without_namespaces(0);
	if (r == 9) {
		skip(); /* no such limit is ours to set */
	}
	assert_int_equal(r, 0);
	assert_int_equal(without_namespaces(1), 2);
}

static void
dies_with_parent(int own_pids)
{
	struct spawn how = STAY;
	const char *const argv[] = {"sleep", "60", NULL};
	int p[2], status;
	pid_t middle;
	char c;

	how.own_pids = own_pids;
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	middle = fork();
	if (middle == 0) {
		how.path = "/bin/sleep";
		how.argv = argv;
		how.fds[0] = p[1]; /* open as long as the grandchild lives */
		how.nfds = 1;
		how.die_with_parent = 1;
		_exit(spawn_child(&how) == -1 ? 1 : 0);
	}
	close(p[1]);
	assert_int_equal(waitpid(middle, &status, 0), middle);
	assert_int_equal(WEXITSTATUS(status), 0);
	alarm(10);
	assert_int_equal(read(p[0], &c, 1), 0);
	alarm(0);
	close(p[0]);
}

static void
test_dies_with_parent(void **state)
{
	(void)state;
	dies_with_parent(0);
	dies_with_parent(1);
}

static void
test_program_path(void **state)
{
	char path[4096], small[4];

	(void)state;
	setenv("SALLYPORT_LIBEXEC", "/some/where", 1);
	assert_string_equal(
	    spawn_program(path, sizeof(path), "prog"), "/some/where/prog");
	setenv("SALLYPORT_LIBEXEC", "relative", 1);
	assert_non_null(spawn_program(path, sizeof(path), "prog"));
	assert_int_equal(path[0], '/');
	unsetenv("SALLYPORT_LIBEXEC");
	/* beside the running program: this test itself is there */
	assert_non_null(
	    spawn_program(path, sizeof(path), program_invocation_short_name));
	assert_int_equal(access(path, X_OK), 0);
	assert_non_null(spawn_program(path, sizeof(path), "no-such-program"));
	assert_non_null(strstr(path, "sallyport/no-such-program"));
	assert_null(spawn_program(small, sizeof(small), "prog"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_descriptors),
	    cmocka_unit_test(test_overlapping_descriptors),
	    cmocka_unit_test(test_environment),
	    cmocka_unit_test(test_signals),
	    cmocka_unit_test(test_nice),
	    cmocka_unit_test(test_failures),
	    cmocka_unit_test(test_ids),
	    cmocka_unit_test(test_own_pids),
	    cmocka_unit_test(test_no_pids),
	    cmocka_unit_test(test_dies_with_parent),
	    cmocka_unit_test(test_program_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
