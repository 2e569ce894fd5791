/*
 * Namespaces: what a process of ours leaves behind before it reads its first
 * hostile byte, by a user namespace of its own, since it has no privileges. Its
 * descriptors go on as they were.
 *
 * The root that it gets instead is an empty file system in memory, which nobody
 * can write to, with those directories and files in it, to be read, that it has
 * paths for: the same that Landlock lets it open.
 */
#include "base/sandbox_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/userns.h"

/* Where the new root stands while it is made: any directory that there is. What
 * it hides belongs to the root that goes away. */
#define PLACE "/usr"
#define PATHS_MAX 16u
/* for directories on the way to the paths */
#define ROOT_OPTIONS "mode=0755,size=64k,nr_inodes=64"
#define ROOT_FLAGS (MS_NOSUID | MS_NODEV | MS_NOEXEC)
#define NOBODY 65534

/* ------------------------------------------------------------------------ */
/* The root                                                                 */

/* A copy of what is mounted at the path and below, only to be read. -1 with
 * errno; ENOENT is no error. */
static int
copy_mount(const struct sandbox_path *p)
{
	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
		    MOUNT_ATTR_NODEV |
		    (p->access == SANDBOX_RUN ? 0 : MOUNT_ATTR_NOEXEC)};
	int fd = open_tree(AT_FDCWD, p->path,
	    OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE), saved;

	if (fd != -1 && mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE,
			    &attr, sizeof(attr)) == -1) {
		saved = errno;
		close_fd(&fd);
		errno = saved;
	}
	return fd;
}

/* The directories on the way to it, and itself, below PLACE. */
static int
make_way(const char *path, int is_dir)
{
	char way[PATH_MAX];
	int n = snprintf(way, sizeof(way), PLACE "%s", path), fd;

	if (n < 0 || (size_t)n >= sizeof(way)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	for (char *p = way + sizeof(PLACE); (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		if (mkdir(way, 0755) == -1 && errno != EEXIST) {
			return -1;
		}
		*p = '/';
	}
	if (is_dir) {
		return mkdir(way, 0755) == -1 && errno != EEXIST ? -1 : 0;
	}
	fd = open(way, O_WRONLY | O_CREAT | O_CLOEXEC, 0444);
	if (fd == -1) {
		return -1;
	}
	close_fd(&fd);
	return 0;
}

static int
put_mount(int from, const char *path)
{
	char to[PATH_MAX];
	struct stat st;

	if (fstat(from, &st) == -1 ||
	    make_way(path, S_ISDIR(st.st_mode)) == -1) {
		return -1;
	}
	(void)snprintf(to, sizeof(to), PLACE "%s", path);
	return move_mount(from, "", AT_FDCWD, to, MOVE_MOUNT_F_EMPTY_PATH);
}

/* Turns to the file system at PLACE, and lets the other go. */
static int
turn_to_place(void)
{
	if (chdir(PLACE) == -1) {
		return -1;
	}
	if (syscall(SYS_pivot_root, ".", ".") == 0) {
		if (umount2(".", MNT_DETACH) == -1) {
			return -1;
		}
	} else if (errno != EINVAL ||
	    /* the root of the kernel's first file system cannot be let go;
	     * it stays where no path leads */
	    mount(".", "/", NULL, MS_MOVE, NULL) == -1 || chroot(".") == -1) {
		return -1;
	}
	return chdir("/");
}

static int
change_root(const struct sandbox_path *paths, size_t npaths)
{
	int copies[PATHS_MAX], r = -1;

	for (size_t i = 0; i < PATHS_MAX; i++) {
		copies[i] = -1;
	}
	if (npaths > PATHS_MAX) {
		errno = E2BIG;
		return -1;
	}
	/* nothing that is mounted here, or elsewhere, is seen there */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1) {
		goto out;
	}
	for (size_t i = 0; i < npaths; i++) {
		if (paths[i].path == NULL) {
			continue;
		}
		copies[i] = copy_mount(&paths[i]);
		if (copies[i] == -1 && errno != ENOENT && errno != EACCES &&
		    errno != ENOTDIR) {
			goto out;
		}
	}
	if (mount("none", PLACE, "tmpfs", ROOT_FLAGS, ROOT_OPTIONS) == -1) {
		goto out;
	}
	for (size_t i = 0; i < npaths; i++) {
		if (copies[i] != -1 &&
		    put_mount(copies[i], paths[i].path) == -1) {
			goto out;
		}
	}
	if (mount(NULL, PLACE, NULL,
		MS_REMOUNT | MS_BIND | MS_RDONLY | ROOT_FLAGS, NULL) == -1) {
		goto out;
	}
	r = turn_to_place();
out:
	for (size_t i = 0; i < npaths && i < PATHS_MAX; i++) {
		int saved = errno;

		close_fd(&copies[i]);
		errno = saved;
	}
	return r;
}

/* ------------------------------------------------------------------------ */

static const struct {
	unsigned part;
	int flag;
} spaces[] = {
	{SANDBOX_IPC, CLONE_NEWIPC},
	{SANDBOX_NETWORK, CLONE_NEWNET},
	{SANDBOX_MOUNTS, CLONE_NEWNS},
};

int
sandbox_spaces_leave(unsigned what, const struct sandbox_path *paths,
    size_t npaths, unsigned *refused)
{
	int r;

	*refused = 0;
	if (what == 0) {
		return 0;
	}
	r = userns_enter(0);
	if (r != 0) {
		*refused = what;
		return r == ERR_NOENT ? 0 : r;
	}
	for (size_t i = 0; i < ARRAY_LEN(spaces); i++) {
		unsigned part = spaces[i].part;

		if ((what & part) == 0) {
			continue;
		}
		if (unshare(spaces[i].flag) == 0 &&
		    (part != SANDBOX_MOUNTS ||
			change_root(paths, npaths) == 0)) {
			continue;
		}
		if (!userns_is_refusal(errno)) {
			return ERR_SYS;
		}
		*refused |= part;
	}
	return 0;
}

/* As a child of the gateway that has no privileges any more. */
static unsigned
try(void)
{
	unsigned refused = 0;
	pid_t pid;

	if (geteuid() == 0 && (setresgid(NOBODY, NOBODY, NOBODY) == -1 ||
				  setresuid(NOBODY, NOBODY, NOBODY) == -1)) {
		return SANDBOX_SPACES | SANDBOX_PIDS;
	}
	/* as spawn_child() does: one for the numbers, and one in it */
	if (userns_enter(CLONE_NEWPID) != 0) {
		return SANDBOX_SPACES | SANDBOX_PIDS;
	}
	pid = fork();
	if (pid == 0) {
		if (sandbox_spaces_leave(SANDBOX_SPACES, NULL, 0, &refused) !=
		    0) {
			refused = SANDBOX_SPACES;
		}
		_exit((int)refused);
	}
	if (pid == -1) {
		return SANDBOX_SPACES | SANDBOX_PIDS;
	}
	int status;
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) {
		return SANDBOX_SPACES | SANDBOX_PIDS;
	}
	return (unsigned)WEXITSTATUS(status);
}

unsigned
sandbox_spaces_lacking(void)
{
	static int is_asked;
	static unsigned lacking = SANDBOX_SPACES | SANDBOX_PIDS;
	int status;
	pid_t pid;

	if (is_asked) {
		return lacking;
	}
	pid = fork();
	if (pid == 0) {
		_exit((int)try());
	}
	if (pid != -1 && waitpid(pid, &status, 0) == pid && WIFEXITED(status)) {
		lacking = (unsigned)WEXITSTATUS(status);
		is_asked = 1;
	}
	return lacking;
}
