/*
 * Entering a sandbox, in this order, because each step takes away what the one
 * before needs:
 *
 * 1. namespaces; 2. limits; 3. capabilities, among them those that come with a
 * namespace; 4. no new privileges, not dumpable; 5. Landlock; 6. what tells the
 * parent; 7. the first list of system calls.
 *
 * Runs in every process of ours but sallyportd and the command lines, before
 * the first byte of a peer, a device or a parent that is not root.
 */
#include "base/sandbox.h"

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sandbox_parts.h"
#include "base/userns.h"

static const struct {
	unsigned part;
	const char *name;
} parts[] = {
	{SANDBOX_SECCOMP, "seccomp"},
	{SANDBOX_LANDLOCK, "landlock"},
	{SANDBOX_MOUNTS, "mount namespaces"},
	{SANDBOX_IPC, "ipc namespaces"},
	{SANDBOX_NETWORK, "network namespaces"},
	{SANDBOX_PIDS, "pid namespaces"},
};

const char *
sandbox_part_name(unsigned part)
{
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		if (parts[i].part == part) {
			return parts[i].name;
		}
	}
	return NULL;
}

static unsigned
lists_lacking(void)
{
	return (sandbox_seccomp_is_there() ? 0 : SANDBOX_SECCOMP) |
	    (sandbox_landlock_abi() > 0 ? 0 : SANDBOX_LANDLOCK);
}

unsigned
sandbox_lacks(void)
{
	return lists_lacking() | sandbox_spaces_lacking();
}

unsigned
sandbox_build_lacks(void)
{
	unsigned lacks = SANDBOX_IS_INSTRUMENTED
	    ? SANDBOX_LANDLOCK | SANDBOX_MOUNTS | SANDBOX_PIDS : 0;

#ifdef SANDBOX_LOGS
	lacks |= SANDBOX_SECCOMP;
#endif
	return lacks;
}

void
sandbox_require(void)
{
	if (setenv(SANDBOX_ENV, SANDBOX_REQUIRED, 1) == -1) {
		fatal("sandbox: environment");
	}
}

static int
is_required(void)
{
	const char *value = secure_getenv(SANDBOX_ENV);

	return value != NULL && strcmp(value, SANDBOX_REQUIRED) == 0;
}

/* Whether there is a network that may still be left. */
static int leaves_network;

/* Is one of those: then it must not be. */
static void
insist(unsigned refused)
{
	for (unsigned part = 1; part < SANDBOX_PARTS; part <<= 1) {
		if ((refused & part) != 0 && is_required()) {
			fatalx("sandbox: %s: there are none, and "
			       "--require-sandbox was given",
			    sandbox_part_name(part));
		}
	}
}

/* The kernel may have changed its mind since whoever started us asked. */
static void
leave_spaces(const struct sandbox *how)
{
	unsigned what = how->spaces & ~sandbox_build_lacks(), refused;

	if (sandbox_spaces_leave(what, how->paths, how->npaths, &refused) !=
	    0) {
		fatal("sandbox: namespaces");
	}
	/* by the user namespace that the others are left with */
	leaves_network = how->leaves_network && what != 0 && refused != what;
	insist(refused | lists_lacking() | sandbox_build_lacks());
}

static int
set_limit(__rlimit_resource_t what, rlim_t value)
{
	const struct rlimit lim = {value, value};
	struct rlimit now;

	/* one that is lower already stays */
	if (getrlimit(what, &now) == 0 && now.rlim_max < value) {
		return 0;
	}
	return setrlimit(what, &lim);
}

static void
set_limits(const struct sandbox *how)
{
	if (set_limit(RLIMIT_CORE, 0) == -1 ||
	    (how->files != 0 &&
		set_limit(RLIMIT_NOFILE, how->files) == -1)) {
		fatal("sandbox: limits");
	}
	if (SANDBOX_IS_INSTRUMENTED) {
		return; /* shadow memory is as large as all memory */
	}
	if ((how->tasks != SANDBOX_ANY &&
		set_limit(RLIMIT_NPROC, how->tasks) == -1) ||
	    (how->memory != 0 && set_limit(RLIMIT_AS, how->memory) == -1)) {
		fatal("sandbox: limits");
	}
}

static void
set_capabilities(uint32_t which)
{
	struct __user_cap_header_struct header = {
		_LINUX_CAPABILITY_VERSION_3, 0};
	const struct __user_cap_data_struct caps[2] = {
		{.effective = which, .permitted = which}};

	if (syscall(SYS_capset, &header, caps) == -1) {
		fatal("sandbox: capabilities");
	}
}

static void
drop_capabilities(void)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == -1) {
		fatal("sandbox: capabilities");
	}
	set_capabilities(leaves_network ? 1u << CAP_SYS_ADMIN : 0);
}

void
sandbox_leave_network(void)
{
	int r = leaves_network ? unshare(CLONE_NEWNET) : -1;

	if (r == -1 && leaves_network && !userns_is_refusal(errno)) {
		fatal("sandbox: namespaces");
	}
	if (leaves_network) {
		set_capabilities(0);
	}
	leaves_network = 0;
	insist(r == -1 ? SANDBOX_NETWORK : 0);
}

void
sandbox_keep_capabilities(uint64_t keep)
{
	struct __user_cap_header_struct header = {
		_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct caps[2];

	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
		if (((keep >> cap) & 1) == 0 &&
		    prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == -1 &&
		    errno != EPERM) {
			fatal("sandbox: capabilities");
		}
	}
	/* Somebody who may not lower that set, as in a container, has the rest:
	 * without new privileges no program gets more than this one has. */
	if (syscall(SYS_capget, &header, caps) == -1) {
		fatal("sandbox: capabilities");
	}
	for (unsigned i = 0; i < 2; i++) {
		caps[i].permitted &= (uint32_t)(keep >> (32 * i));
		caps[i].effective &= (uint32_t)(keep >> (32 * i));
		caps[i].inheritable = 0;
	}
	if (syscall(SYS_capset, &header, caps) == -1 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1) {
		fatal("sandbox: capabilities");
	}
}

static void
close_file_system(
    const struct sandbox_path *paths, size_t npaths, int may_connect)
{
	int r;

	if (SANDBOX_IS_INSTRUMENTED) {
		return;
	}
	r = sandbox_landlock_enter(paths, npaths, may_connect);
	if (r != 0 && r != ERR_NOENT) {
		fatal("sandbox: landlock");
	}
}

/* ------------------------------------------------------------------------ */
/* Telling the parent                                                       */

#define NO_CALL (-1L)
#define FROM_SECCOMP 1 /* SYS_SECCOMP, which libc does not have */

static int told = -1;
static uint16_t told_as;

/* For whoever has no parent any more: his log. */
static void
say(uint32_t nr)
{
	static const char before[] = "sandbox: killed for system call ";
	char line[sizeof(before) + 12], *p = line + sizeof(line);
	size_t len;

	*--p = '\n';
	do {
		*--p = (char)('0' + nr % 10);
		nr /= 10;
	} while (nr > 0);
	p -= sizeof(before) - 1;
	for (size_t i = 0; i < sizeof(before) - 1; i++) {
		p[i] = before[i];
	}
	len = (size_t)(line + sizeof(line) - p);
	if (write(STDERR_FILENO, p, len) == -1) {
		return; /* then nobody is there at all */
	}
}

/*
 * The call was not made. This goes back to who tried it in no case: what he
 * would do next is not ours any more. The disposition is the default again, and
 * no list permits to change it.
 */
static void
on_barred(int signo, siginfo_t *info, void *context)
{
	uint32_t nr = (uint32_t)info->si_syscall;
	const uint8_t number[4] = {(uint8_t)(nr >> 24), (uint8_t)(nr >> 16),
		(uint8_t)(nr >> 8), (uint8_t)nr};

	(void)context;
	if (info->si_code == FROM_SECCOMP) {
		say(nr);
		/* one sendmsg(): it may run here */
		(void)channel_send(told, told_as, 0, number, sizeof(number),
		    -1);
	}
	/* Once more, by a call that no list has: the first of its namespace,
	 * which this may be, takes no signal of its own, but the kernel's. */
	(void)syscall(NO_CALL);
	(void)raise(signo);
	_exit(128 + SIGSYS);
}

static void
tell_parent(const struct sandbox *how)
{
	const struct sigaction act = {
		.sa_sigaction = on_barred,
		.sa_flags = SA_SIGINFO | SA_RESETHAND | SA_NODEFER,
	};

	if (how->parent == 0) {
		return;
	}
	told = how->parent;
	told_as = how->barred;
	if (sigaction(SIGSYS, &act, NULL) == -1) {
		fatal("sandbox: signals");
	}
}

int
sandbox_tells(void)
{
	return told != -1;
}

/* ------------------------------------------------------------------------ */

void
sandbox_shrink(const struct sandbox_list *list)
{
	int r = sandbox_seccomp_load(list);

	if (r != 0 && r != ERR_NOENT) {
		fatal("sandbox: seccomp: %s", list->state);
	}
}

void
sandbox_deny(const struct sandbox_list *list)
{
	int r = sandbox_seccomp_deny(list);

	if (r != 0 && r != ERR_NOENT) {
		fatal("sandbox: seccomp: %s", list->state);
	}
}

void
sandbox_close_paths(void)
{
	close_file_system(NULL, 0, 0);
}

void
sandbox_enter(const struct sandbox *how)
{
	leave_spaces(how);
	set_limits(how);
	drop_capabilities();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1) {
		fatal("sandbox: no new privileges");
	}
	close_file_system(how->paths, how->npaths, how->may_connect);
	tell_parent(how);
	sandbox_shrink(how->list);
}
