/*
 * Landlock: which paths a process may use. The kernel's header on the oldest
 * system that we build on ends at ABI 2, so its numbers stand here; which of
 * them the kernel knows is asked at run time. Rights that a kernel does not
 * know are not handled there, and the list of system calls has to do.
 */
#include "base/sandbox_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"

/* linux/landlock.h and asm-generic/unistd.h */
#define NR_CREATE_RULESET 444
#define NR_ADD_RULE 445
#define NR_RESTRICT_SELF 446
#define CREATE_VERSION 1u
#define RULE_PATH_BENEATH 1

#define FS_EXECUTE (1u << 0)
#define FS_WRITE_FILE (1u << 1)
#define FS_READ_FILE (1u << 2)
#define FS_READ_DIR (1u << 3)
#define FS_REMOVE_DIR (1u << 4)
#define FS_REMOVE_FILE (1u << 5)
#define FS_MAKE_DIR (1u << 7)
#define FS_MAKE_REG (1u << 8)
#define FS_ABI_1 0x1fffu	/* execute to make_sym */
#define FS_REFER (1u << 13)	/* ABI 2 */
#define FS_TRUNCATE (1u << 14)	/* ABI 3 */
#define FS_IOCTL_DEV (1u << 15) /* ABI 5: of devices that are opened later */
#define NET_BIND_TCP 1u		/* ABI 4 */
#define NET_CONNECT_TCP 2u
#define SCOPE_ABSTRACT_UNIX 1u /* ABI 6 */
#define SCOPE_SIGNAL 2u

/* What may be had of a file that is no directory. */
#define FS_OF_FILES                                                            \
	(FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE |             \
	    FS_IOCTL_DEV)

struct ruleset_attr {
	uint64_t fs, net, scoped;
};

struct path_attr {
	uint64_t access;
	int32_t fd;
} __attribute__((packed));

int
sandbox_landlock_abi(void)
{
	/* asked once: what has a list may not any more */
	static int known = -1;
	long abi;

	if (known == -1) {
		abi = syscall(NR_CREATE_RULESET, NULL, 0, CREATE_VERSION);
		known = abi > 0 ? (int)abi : 0;
	}
	return known;
}

static struct ruleset_attr
handled(int abi, int may_connect)
{
	struct ruleset_attr attr = {.fs = FS_ABI_1};

	attr.fs |= abi >= 2 ? FS_REFER : 0;
	attr.fs |= abi >= 3 ? FS_TRUNCATE : 0;
	attr.fs |= abi >= 5 ? FS_IOCTL_DEV : 0;
	if (abi >= 4) {
		attr.net = NET_BIND_TCP | (may_connect ? 0 : NET_CONNECT_TCP);
	}
	if (abi >= 6) {
		attr.scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL;
	}
	return attr;
}

static uint64_t
rights_of(enum sandbox_access access)
{
	switch (access) {
	case SANDBOX_READ:
		break;
	case SANDBOX_RUN:
		return FS_EXECUTE | FS_READ_FILE | FS_READ_DIR;
	case SANDBOX_REMOVE:
		return FS_REMOVE_FILE;
	case SANDBOX_CHANGE:
		return FS_READ_FILE | FS_READ_DIR | FS_WRITE_FILE |
		    FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR |
		    FS_MAKE_REG | FS_REFER | FS_TRUNCATE;
	}
	return FS_READ_FILE | FS_READ_DIR;
}

static int
add_path(int ruleset, const struct sandbox_path *p, uint64_t handled_fs)
{
	struct path_attr attr = {
		.access = rights_of(p->access) & handled_fs, .fd = p->fd};
	int fd = -1, r = ERR_SYS;
	struct stat st;

	if (p->path != NULL) {
		fd = open(p->path, O_PATH | O_CLOEXEC);
		if (fd == -1) {
			/* it is not there, or out of reach anyway */
			return 0;
		}
		attr.fd = fd;
	}
	if (fstat(attr.fd, &st) == 0) {
		if (!S_ISDIR(st.st_mode)) {
			attr.access &= FS_OF_FILES;
		}
		r = syscall(NR_ADD_RULE, ruleset, RULE_PATH_BENEATH, &attr,
			0) == 0
		    ? 0
		    : ERR_SYS;
	}
	close_fd(&fd);
	return r;
}

int
sandbox_landlock_enter(
    const struct sandbox_path *paths, size_t npaths, int may_connect)
{
	int abi = sandbox_landlock_abi(), ruleset, r = 0;
	struct ruleset_attr attr = handled(abi, may_connect);

	if (abi == 0) {
		return ERR_NOENT;
	}
	ruleset = (int)syscall(NR_CREATE_RULESET, &attr, sizeof(attr), 0);
	if (ruleset == -1) {
		return ERR_SYS;
	}
	for (size_t i = 0; r == 0 && i < npaths; i++) {
		r = add_path(ruleset, &paths[i], attr.fs);
	}
	if (r == 0 && syscall(NR_RESTRICT_SELF, ruleset, 0) == -1) {
		r = ERR_SYS;
	}
	close_fd(&ruleset);
	return r;
}
