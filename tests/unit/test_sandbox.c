/*
 * The sandbox's seam: what a list permits works, what it does not name kills,
 * what it lets fail fails; Landlock, limits and the end of capabilities. Each
 * case is a process of its own. Needs no root.
 */
#include "base/sandbox.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/channel.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/sandbox_parts.h"
#include "base/userns.h"

#define DEVICE 7

/* What the processes of these tests may do besides the basics. */
static const struct sandbox_call calls[] = {
	SANDBOX_FAILS(readlink, EACCES),
	SANDBOX_CALL(openat),
	SANDBOX_CALL(sendmsg), /* to the parent, of its end */
	SANDBOX_CALL(mkdir),
	SANDBOX_CALL(unlink),
	SANDBOX_CALL(execveat),
	SANDBOX_CALL(prlimit64),
	SANDBOX_CALL(landlock_create_ruleset),
	SANDBOX_CALL(landlock_restrict_self),
	SANDBOX_CALL(capget),
	SANDBOX_CALL(dup),
	SANDBOX_WHEN(prctl, SANDBOX_IS(0, PR_GET_DUMPABLE)),
	SANDBOX_WHEN(prctl, SANDBOX_IS(0, PR_GET_NO_NEW_PRIVS)),
	SANDBOX_WHEN(ioctl, SANDBOX_IS(0, DEVICE), SANDBOX_IS(1, 0x80045500)),
	SANDBOX_WHEN(fcntl, SANDBOX_IS(1, F_SETFL),
	    SANDBOX_WITHIN(2, O_NONBLOCK | O_RDWR)),
};
static const struct sandbox_list list = {"test", calls, ARRAY_LEN(calls)};

static const struct sandbox_call less[] = {
	SANDBOX_CALL(dup),
	SANDBOX_CALL(socket), /* not in the list below */
};
static const struct sandbox_list later = {"test, later", less, ARRAY_LEN(less)};

/* The status of a process that enters and runs fn, whose result it exits
 * with. */
static int
status_of(const struct sandbox *how, int (*fn)(void))
{
	int status;
	pid_t pid = fork();

	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		sandbox_enter(how);
		_exit(fn());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void
assert_killed(int (*fn)(void))
{
	const struct sandbox how = {.list = &list};
	int status = status_of(&how, fn);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

static void
assert_fine(const struct sandbox *how, int (*fn)(void))
{
	int status = status_of(how, fn);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
need_seccomp(void)
{
	if (((sandbox_lacks() | sandbox_build_lacks()) & SANDBOX_SECCOMP) !=
	    0) {
		skip();
	}
}

static void
need_landlock(void)
{
	if (((sandbox_lacks() | sandbox_build_lacks()) & SANDBOX_LANDLOCK) !=
	    0) {
		skip();
	}
}

/* ------------------------------------------------------------------------ */

static int
permitted(void)
{
	char name[8];
	void *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED || mprotect(p, 4096, PROT_READ) == -1 ||
	    write(2, "", 0) == -1 || fcntl(1, F_SETFL, O_RDWR) == -1 ||
	    /* what fails does not kill */
	    (readlink("/proc/self/exe", name, sizeof(name)) == -1
		    ? errno != EACCES
		    : sandbox_build_lacks() == 0);
}

static void
test_permitted(void **state)
{
	const struct sandbox how = {.list = &list};

	(void)state;
	assert_fine(&how, permitted);
}

static int
call_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static int
call_exec(void)
{
	char *const argv[] = {(char[]){"true"}, NULL};

	return execv("/bin/true", argv);
}

static int
call_connect(void)
{
	struct sockaddr_storage to = {.ss_family = AF_INET};

	return connect(0, (struct sockaddr *)&to, sizeof(to));
}

static int
call_process_vm(void)
{
	return (int)syscall(SYS_process_vm_readv, getpid(), NULL, 0, NULL, 0,
	    0);
}

static int
call_unshare(void)
{
	return (int)syscall(SYS_unshare, 0x10000000); /* a user namespace */
}

static int
call_unknown(void)
{
	return (int)syscall(999);
}

static void
test_killed(void **state)
{
	(void)state;
	need_seccomp();
	assert_killed(call_socket);
	assert_killed(call_exec);
	assert_killed(call_connect);
	assert_killed(call_process_vm);
	assert_killed(call_unshare);
	assert_killed(call_unknown);
}

static int
map_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
}

static int
make_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(p, 4096, PROT_READ | PROT_EXEC);
}

static int
make_code_pkey(void)
{
	return (int)syscall(SYS_pkey_mprotect, 0, 4096, PROT_EXEC, -1);
}

static int
blocked_socket(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	return call_socket();
}

static void
test_no_new_code(void **state)
{
	(void)state;
	need_seccomp();
	assert_killed(map_code);
	assert_killed(make_code);
	assert_killed(make_code_pkey);
}

/* Whoever is told, hears the number, and the end is the same. */
static void
test_parent_is_told(void **state)
{
	struct sandbox how = {.list = &list, .barred = 22};
	struct channel_msg msg;
	uint8_t buf[CHANNEL_HEADER + CHANNEL_MAX];
	const uint8_t *p;
	int chan[2], status;
	char *name;

	(void)state;
	need_seccomp();
	assert_int_equal(channel_pair(chan), 0);
	how.parent = chan[1];
	status = status_of(&how, call_socket);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
	assert_int_equal(channel_recv(chan[0], buf, sizeof(buf), &msg), 0);
	assert_int_equal(msg.type, 22);
	assert_int_equal(msg.len, 4);
	p = msg.data;
	assert_int_equal(p[2] << 8 | p[3], SYS_socket);
	name = sandbox_call_name(SYS_socket);
	assert_string_equal(name, "socket");
	free(name);
	assert_null(sandbox_call_name(99999));
	/* what is wrong by its arguments alone likewise; and a second one,
	 * from where the first was caught, has no handler any more */
	status = status_of(&how, map_code);
	assert_int_equal(WTERMSIG(status), SIGSYS);
	assert_int_equal(channel_recv(chan[0], buf, sizeof(buf), &msg), 0);
	p = msg.data;
	assert_int_equal(p[2] << 8 | p[3], SYS_mmap);
	/* it cannot be kept from: blocked, it ends the process at once */
	status = status_of(&how, blocked_socket);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
	assert_int_equal(
	    channel_recv(chan[0], buf, sizeof(buf), &msg), ERR_AGAIN);
	close(chan[0]);
	close(chan[1]);
}

#ifdef __x86_64__
/* getpid by the 32-bit entry; nothing is on the stack of the other kind. */
static int
call_i386(void)
{
	long r;

	__asm__ volatile("int $0x80" : "=a"(r) : "a"(20L) : "memory");
	return (int)r;
}

/* getpid, which is permitted, by its x32 number. */
static int
call_x32(void)
{
	return (int)syscall(0x40000000 + SYS_getpid);
}

static void
test_other_architectures(void **state)
{
	(void)state;
	need_seccomp();
	assert_killed(call_i386);
	assert_killed(call_x32);
}
#endif

/* ------------------------------------------------------------------------ */

static int
listed_ioctl(void)
{
	/* nothing is there: it is the kernel's answer that counts. The upper
	 * half of a register is not looked at. */
	return syscall(SYS_ioctl, 0xabcd00000000 + DEVICE,
		   0x123400000000 + 0x80045500, NULL) != -1 ||
	    errno != EBADF;
}

static int
other_request(void)
{
	return (int)syscall(SYS_ioctl, DEVICE, 0x80045505, NULL);
}

static int
other_descriptor(void)
{
	return (int)syscall(SYS_ioctl, DEVICE + 1, 0x80045500, NULL);
}

static int
other_flag(void)
{
	return fcntl(1, F_SETFL, O_ASYNC);
}

static void
test_arguments(void **state)
{
	const struct sandbox how = {.list = &list};

	(void)state;
	close(DEVICE);
	need_seccomp();
	if (sandbox_build_lacks() != 0) {
		skip();
	}
	assert_fine(&how, listed_ioctl);
	assert_killed(other_request);
	assert_killed(other_descriptor);
	assert_killed(other_flag);
}

static int
shrunk(void)
{
	sandbox_shrink(&later);
	return dup(0) == -1;
}

static int
shrunk_and_more(void)
{
	sandbox_shrink(&later);
	return open("/dev/null", O_RDONLY);
}

/* A later list cannot give what an earlier one has not. */
static int
shrunk_and_socket(void)
{
	sandbox_shrink(&later);
	return call_socket();
}

static void
test_shrinks(void **state)
{
	const struct sandbox how = {.list = &list};

	(void)state;
	need_seccomp();
	assert_fine(&how, shrunk);
	assert_killed(shrunk_and_socket);
	if (sandbox_build_lacks() == 0) {
		assert_killed(shrunk_and_more);
	}
}

/* ------------------------------------------------------------------------ */

static char dir[] = "/tmp/test_sandbox.XXXXXX";
static char inside[64], outside[64];

static int
is_refused(const char *path, int flags)
{
	return open(path, flags, 0600) == -1 && errno == EACCES;
}

static int
no_path(void)
{
	return !is_refused("/etc/passwd", O_RDONLY) ||
	    !is_refused("/", O_RDONLY | O_DIRECTORY) ||
	    !is_refused(inside, O_RDONLY) ||
	    !is_refused("/tmp/test_sandbox.new", O_WRONLY | O_CREAT) ||
	    mkdir("/tmp/test_sandbox.new", 0700) != -1;
}

static int
read_below(void)
{
	return open(inside, O_RDONLY) == -1 ||
	    !is_refused(inside, O_WRONLY) || !is_refused(outside, O_RDONLY) ||
	    unlink(inside) != -1;
}

static int
change_below(void)
{
	char name[80];

	(void)snprintf(name, sizeof(name), "%s.new", inside);
	return open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600) == -1 ||
	    unlink(name) == -1 || !is_refused(outside, O_RDONLY);
}

static int
remove_below(void)
{
	return !is_refused(inside, O_RDONLY) ||
	    unlink(outside) != -1 || unlink(inside) == -1;
}

static int
run_below(void)
{
	char *const argv[] = {NULL};

	return syscall(SYS_execveat, AT_FDCWD, inside, argv, argv, 0) != -1 ||
	    errno != ENOEXEC;
}

static int
not_run(void)
{
	char *const argv[] = {NULL};

	return syscall(SYS_execveat, AT_FDCWD, inside, argv, argv, 0) != -1 ||
	    errno != EACCES;
}

static int
closed_later(void)
{
	int before = open(inside, O_RDONLY);
	char c;

	sandbox_close_paths();
	/* what is open stays so */
	return before == -1 || read(before, &c, 1) != 1 ||
	    !is_refused(inside, O_RDONLY);
}

static void
test_paths(void **state)
{
	struct sandbox_path path = {.path = inside, .access = SANDBOX_READ};
	const struct sandbox none = {.list = &list};
	const struct sandbox some = {
		.list = &list, .paths = &path, .npaths = 1};

	(void)state;
	need_landlock();
	assert_fine(&none, no_path);
	/* a file alone */
	assert_fine(&some, read_below);
	assert_fine(&some, closed_later);
	path.path = dir;
	assert_fine(&some, read_below);
	path.access = SANDBOX_CHANGE;
	assert_fine(&some, change_below);
	/* what is no program the kernel reads before it says so */
	assert_int_equal(chmod(inside, 0700), 0);
	assert_fine(&some, not_run);
	path.access = SANDBOX_RUN;
	assert_fine(&some, run_below);
	/* by a descriptor of it */
	path.path = NULL;
	path.fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	path.access = SANDBOX_READ;
	assert_fine(&some, read_below);
	close(path.fd);
	/* what is not there is left out */
	path.path = "/nonexistent";
	assert_fine(&some, no_path);
	/* removing alone; the last that has the file */
	path.path = dir;
	path.access = SANDBOX_REMOVE;
	assert_fine(&some, remove_below);
}

/* ------------------------------------------------------------------------ */

/* What those may ask who look at where they are. */
static const struct sandbox_call looks[] = {
	SANDBOX_CALL(openat),
	SANDBOX_CALL(getdents64),
	SANDBOX_CALL(newfstatat),
	SANDBOX_CALL(mkdir),
	SANDBOX_CALL(mkdirat),
	SANDBOX_CALL(unlink),
	SANDBOX_CALL(socket),
	SANDBOX_CALL(ioctl),
	SANDBOX_CALL(shmget),
	SANDBOX_CALL(sendto),
	SANDBOX_CALL(recvfrom),
	SANDBOX_CALL(accept),
	SANDBOX_CALL(connect),
	SANDBOX_CALL(lseek),
	SANDBOX_CALL(capget),
	SANDBOX_CALL(geteuid),
	SANDBOX_CALL(getegid),
	SANDBOX_LEAVES_NETWORK,
};
static const struct sandbox_list look_list = {"test, looks", looks,
	ARRAY_LEN(looks)};

static int no_capabilities(void);
static struct sockaddr_in listens;
static int tcp[2], shared;
static uid_t uid;

/* Names in a directory, but . and ..; -1 when it cannot be read. */
static int
count_names(const char *path)
{
	const struct dirent *e;
	DIR *d = opendir(path);
	int n = 0;

	while (d != NULL && (e = readdir(d)) != NULL) {
		n += e->d_name[0] != '.';
	}
	return d != NULL && closedir(d) == 0 ? n : -1;
}

/* No file, none to be made, no interface but one that leads nowhere, nothing of
 * System V; the connection that it has goes on. */
static int
is_apart(void)
{
	struct ifreq req[8];
	struct ifconf conf = {.ifc_len = sizeof(req), .ifc_req = req};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9),
		.sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char c = 0;

	if (open("/etc/passwd", O_RDONLY) != -1 || errno == 0 ||
	    mkdir("/new", 0700) != -1 || geteuid() != uid) {
		return 1;
	}
	if (fd == -1 || ioctl(fd, SIOCGIFCONF, &conf) == -1 ||
	    conf.ifc_len != 0 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) != -1 ||
	    errno == ECONNREFUSED) {
		return 2;
	}
	if (shmget(0x53414c59, 1, 0) != -1) {
		return 3;
	}
	return send(tcp[0], "x", 1, 0) != 1 || recv(tcp[1], &c, 1, 0) != 1 ||
	    c != 'x' || no_capabilities() ? 4 : 0;
}

/* Without Landlock the root says the same: what is not in it is not there. */
static int
sees_its_paths(void)
{
	return count_names("/") != 1 || count_names(dir) != 1 ||
	    open(inside, O_RDONLY) == -1 || open(inside, O_WRONLY) != -1 ||
	    open(outside, O_RDONLY) != -1 || unlink(inside) != -1;
}

static int
is_furnished(void)
{
	const struct sandbox_path paths[] = {{dir, -1, SANDBOX_READ},
		{"/nonexistent/x", -1, SANDBOX_READ}};
	unsigned refused;

	return sandbox_spaces_leave(SANDBOX_MOUNTS, paths, 2, &refused) != 0 ||
	    refused != 0 || sees_its_paths() || errno != EROFS;
}

static int
is_empty(void)
{
	unsigned refused;

	return sandbox_spaces_leave(SANDBOX_MOUNTS, NULL, 0, &refused) != 0 ||
	    refused != 0 || count_names("/") != 0 ||
	    mkdir("/new", 0700) != -1 || errno != EROFS;
}

/* Its result. */
static int
alone(int (*fn)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		_exit(fn());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* One capability, over nothing of the machine's, and its network; then neither.
 * What it connected to goes on. */
static int
leaves_later(void)
{
	uint32_t header[2] = {0x20080522, 0}, caps[6] = {0};
	struct ifreq req[8];
	struct ifconf conf = {.ifc_len = sizeof(req), .ifc_req = req};
	int fd;
	char c;

	if (syscall(SYS_capget, header, caps) == -1 || caps[0] != 1u << 21 ||
	    (caps[1] & ~(1u << 21)) != 0 || caps[2] + caps[3] + caps[4] != 0) {
		return 1;
	}
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(fd, (struct sockaddr *)&listens, sizeof(listens)) == -1) {
		return 2;
	}
	sandbox_leave_network();
	if (no_capabilities() || send(fd, "x", 1, 0) != 1 ||
	    recv(fd, &c, 1, 0) != 1) {
		return 3;
	}
	fd = socket(AF_INET, SOCK_STREAM, 0);
	return fd == -1 || ioctl(fd, SIOCGIFCONF, &conf) == -1 ||
	    conf.ifc_len != 0 ||
	    connect(fd, (struct sockaddr *)&listens, sizeof(listens)) != -1;
}

/* Answers one byte of the first who comes. */
static void
answer_one(int listener)
{
	int fd = accept(listener, NULL, NULL);
	char c;

	if (fd == -1 || recv(fd, &c, 1, 0) != 1 || send(fd, &c, 1, 0) != 1) {
		_exit(1);
	}
	_exit(0);
}

static void
test_network_later(void **state)
{
	const struct sandbox how = {.list = &look_list,
		.spaces = SANDBOX_IPC, .leaves_network = 1,
		.may_connect = 1};
	struct sockaddr_in sin = {.sin_family = AF_INET,
		.sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(listens);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), status;
	pid_t pid;

	(void)state;
	if (((sandbox_lacks() | sandbox_build_lacks()) & (SANDBOX_IPC |
		SANDBOX_NETWORK)) != 0) {
		skip();
	}
	assert_int_equal(
	    bind(listener, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(listen(listener, 4), 0);
	assert_int_equal(
	    getsockname(listener, (struct sockaddr *)&listens, &len), 0);
	pid = fork();
	if (pid == 0) {
		answer_one(listener);
	}
	assert_int_equal(status_of(&how, leaves_later), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(listener);
}

static void
make_tcp(void)
{
	struct sockaddr_in sin = {.sin_family = AF_INET,
		.sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(sin);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	tcp[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(
	    bind(listener, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(
	    getsockname(listener, (struct sockaddr *)&sin, &len), 0);
	assert_int_equal(
	    connect(tcp[0], (struct sockaddr *)&sin, sizeof(sin)), 0);
	tcp[1] = accept(listener, NULL, NULL);
	assert_int_not_equal(tcp[1], -1);
	close(listener);
}

static void
test_spaces(void **state)
{
	const struct sandbox how = {
		.list = &look_list, .spaces = SANDBOX_SPACES};
	int status;

	(void)state;
	if (((sandbox_lacks() | sandbox_build_lacks()) & SANDBOX_SPACES) != 0) {
		skip();
	}
	uid = geteuid();
	shared = shmget(0x53414c59, 1, IPC_CREAT | 0600);
	assert_int_not_equal(shared, -1);
	make_tcp();
	status = status_of(&how, is_apart);
	(void)shmctl(shared, IPC_RMID, NULL);
	close(tcp[0]);
	close(tcp[1]);
	assert_int_equal(status, 0);
	assert_int_equal(alone(is_empty), 0);
	assert_int_equal(alone(is_furnished), 0);
}

/* Where no namespaces are to be had it is done without, and said; unless it was
 * required. 9: that cannot be tried here. */
static int
refuse_namespaces(void)
{
	int fd = userns_enter(0) != 0
	    ? -1
	    : open("/proc/sys/user/max_user_namespaces", O_WRONLY);

	return fd != -1 && write(fd, "0", 1) == 1 ? 0 : 9;
}

static int
does_without(void)
{
	const struct sandbox how = {.list = &look_list,
		.spaces = SANDBOX_SPACES};

	if (refuse_namespaces() != 0) {
		return 9;
	}
	if ((sandbox_lacks() & (SANDBOX_SPACES | SANDBOX_PIDS)) !=
	    (SANDBOX_SPACES | SANDBOX_PIDS)) {
		return 1;
	}
	sandbox_enter(&how);
	return 0;
}

static int
does_not_without(void)
{
	const struct sandbox how = {.list = &look_list,
		.spaces = SANDBOX_SPACES};

	if (refuse_namespaces() != 0) {
		return 9;
	}
	sandbox_require();
	sandbox_enter(&how); /* ends it, with 1 */
	return 0;
}

static void
test_no_spaces(void **state)
{
	(void)state;
	if (alone(refuse_namespaces) != 0) {
		skip();
	}
	assert_int_equal(alone(does_without), 0);
	assert_int_equal(alone(does_not_without), 1);
}

/* ------------------------------------------------------------------------ */

static rlim_t
limit_of(__rlimit_resource_t what)
{
	struct rlimit lim = {1, 1};

	(void)getrlimit(what, &lim);
	return lim.rlim_max;
}

static int
bare(void)
{
	int is_release = sandbox_build_lacks() == 0;

	return limit_of(RLIMIT_CORE) != 0 || limit_of(RLIMIT_NOFILE) != 20 ||
	    (is_release && limit_of(RLIMIT_NPROC) != 0) ||
	    (is_release && limit_of(RLIMIT_AS) != 64u << 20) ||
	    (is_release &&
		mmap(NULL, 128u << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
		    -1, 0) != MAP_FAILED) ||
	    prctl(PR_GET_DUMPABLE) != 0 ||
	    prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1;
}

static int
no_capabilities(void)
{
	uint32_t header[2] = {0x20080522, 0}, caps[6] = {1, 1, 1, 1, 1, 1};

	return syscall(SYS_capget, header, caps) == -1 ||
	    (caps[0] | caps[1] | caps[2] | caps[3] | caps[4] | caps[5]) != 0;
}

static void
test_limits(void **state)
{
	const struct sandbox how = {
		.list = &list, .files = 20, .memory = 64u << 20};

	(void)state;
	assert_fine(&how, bare);
	assert_fine(&how, no_capabilities);
}

/* Of what it had, that stays, and a program that is run brings none back. */
static int
keeps_some(void)
{
	const unsigned kill_bit = 1u << 5, setpcap_bit = 1u << 8;
	uint32_t header[2] = {0x20080522, 0}, before[6] = {0}, caps[6] = {0};

	if (syscall(SYS_capget, header, before) == -1) {
		return 1;
	}
	sandbox_keep_capabilities(kill_bit);
	return syscall(SYS_capget, header, caps) == -1 ||
	    caps[0] != (before[0] & kill_bit) ||
	    caps[1] != (before[1] & kill_bit) || caps[2] != 0 ||
	    caps[3] != 0 || caps[4] != 0 || caps[5] != 0 ||
	    /* in a container it may not be ours to lower */
	    prctl(PR_CAPBSET_READ, 21, 0, 0, 0) >
		((before[0] & setpcap_bit) == 0) ||
	    prctl(PR_CAPBSET_READ, 5, 0, 0, 0) != 1 ||
	    prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1;
}

static void
test_keeps_capabilities(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	if (geteuid() != 0) {
		skip(); /* the bounding set is root's to lower */
	}
	pid = fork();
	if (pid == 0) {
		_exit(keeps_some());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
test_names(void **state)
{
	(void)state;
	for (unsigned part = 1; part < SANDBOX_PARTS; part <<= 1) {
		assert_non_null(sandbox_part_name(part));
	}
	assert_null(sandbox_part_name(SANDBOX_PARTS + 1));
	assert_null(sandbox_part_name(3));
}

static int
make_files(void **state)
{
	int fd;

	(void)state;
	if (mkdtemp(dir) == NULL) {
		return -1;
	}
	(void)snprintf(inside, sizeof(inside), "%s/inside", dir);
	(void)snprintf(outside, sizeof(outside), "%s.outside", dir);
	fd = open(inside, O_CREAT | O_RDWR, 0600);
	if (fd == -1 || write(fd, "x", 1) != 1) {
		return -1;
	}
	close(fd);
	fd = open(outside, O_CREAT | O_RDWR, 0600);
	close(fd);
	return fd == -1;
}

static int
remove_files(void **state)
{
	(void)state;
	(void)unlink(inside);
	(void)unlink(outside);
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		/* first, before the kernel is asked: it is once */
		cmocka_unit_test(test_no_spaces),
		cmocka_unit_test(test_permitted),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_no_new_code),
		cmocka_unit_test(test_parent_is_told),
#ifdef __x86_64__
		cmocka_unit_test(test_other_architectures),
#endif
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_shrinks),
		cmocka_unit_test(test_spaces),
		cmocka_unit_test(test_network_later),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_keeps_capabilities),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, make_files, remove_files);
}
