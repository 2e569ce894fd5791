/*
 * How a set is written:
 *   1. the directory is made, parents first, and opened;
 *   2. each file is written under a hidden name with O_EXCL and O_NOFOLLOW,
 *      mode 0600, and synced;
 *   3. publish links each to its real name, which fails if that exists;
 *   4. free removes whatever a kept set does not need.
 */
#include "certs/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mbedtls/platform_util.h>

#include "base/random.h"
#include "certs/say.h"
#include "certs/text.h"

#define HIDDEN_NAME 64

struct staged {
	char name[HIDDEN_NAME];
	char hidden[HIDDEN_NAME];
	int is_hidden;	  /* the hidden name exists */
	int is_published; /* the real name is ours */
};

struct file_set {
	const char *op, *exists_advice; /* borrowed */
	char *dir;		      /* owned */
	size_t made_from; /* length of the first path that we made, or 0 */
	int fd;		  /* owned: the directory, or -1 */
	int is_kept;
	size_t n;
	struct staged files[FILE_SET_MAX];
	sigset_t old_mask;
};

static void
close_fd(int *fd)
{
	if (*fd >= 0) {
		close(*fd);
		*fd = -1;
	}
}

char *
file_path(const char *op, const char *dir, const char *name)
{
	size_t size = strlen(dir) + strlen(name) + 2;
	char *path = malloc(size);

	if (path == NULL) {
		say_sys(op, dir, ENOMEM);
		return NULL;
	}
	snprintf(path, size, "%s%s%s", dir,
	    dir[0] != '\0' && dir[strlen(dir) - 1] == '/' ? "" : "/", name);
	return path;
}

static size_t
max_of(enum file_kind kind)
{
	return kind == FILE_LIST ? FILE_LIST_MAX : FILE_MAX;
}

static int
check_file(const char *op, const char *path, enum file_kind kind, int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0) {
		return say_sys(op, path, errno);
	}
	if (!S_ISREG(st.st_mode)) {
		return say_fail(op, path, "name a file", "is no regular file");
	}
	if (kind == FILE_SECRET && (st.st_mode & 077) != 0) {
		return say_fail(op, path, "chmod 600 it, and if others used "
		    "this machine, make a new CA",
		    "mode %04o lets others read the key",
		    (unsigned)(st.st_mode & 07777));
	}
	if (st.st_size > (off_t)max_of(kind)) {
		return say_fail(op, path, "name a certificate file",
		    "is larger than %zu bytes", max_of(kind));
	}
	return 0;
}

int
file_read(const char *op, const char *path, enum file_kind kind,
    struct file_buf *out)
{
	int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	int fd, r = -1;
	ssize_t n = 0;
	size_t max;

	out->len = 0;
	out->bytes = NULL;
	fd = open(path, flags | (kind == FILE_SECRET ? O_NOFOLLOW : 0));
	if (fd < 0) {
		return say_sys(op, path, errno);
	}
	if (check_file(op, path, kind, fd) != 0) {
		goto out;
	}
	max = max_of(kind);
	out->bytes = calloc(1, max + 1);
	if (out->bytes == NULL) {
		say_sys(op, path, ENOMEM);
		goto out;
	}
	while (out->len < max) {
		n = read(fd, out->bytes + out->len, max - out->len);
		if (n > 0) {
			out->len += (size_t)n;
		} else if (n == 0 || errno != EINTR) {
			break;
		}
	}
	if (n < 0) {
		say_sys(op, path, errno);
		goto out;
	}
	out->bytes[out->len] = '\0';
	r = 0;
out:
	close_fd(&fd);
	if (r != 0) {
		file_buf_free(out);
	}
	return r;
}

void
file_buf_free(struct file_buf *buf)
{
	if (buf->bytes != NULL) {
		mbedtls_platform_zeroize(buf->bytes, buf->len + 1);
		free(buf->bytes);
	}
	buf->bytes = NULL;
	buf->len = 0;
}

/* Root works for the user whose directory it is, who could not read the file
 * else: 0, or -1 with errno. */
static int
give_to_owner_of(int dir, int fd)
{
	struct stat st;

	if (geteuid() != 0) {
		return 0;
	}
	return fstat(dir, &st) != 0 ? -1 : fchown(fd, st.st_uid, st.st_gid);
}

/* The same for a directory that was just made. */
static int
give_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int up = -1, r = -1;

	if (fd >= 0) {
		up = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (up >= 0) {
		r = give_to_owner_of(up, fd);
	}
	close_fd(&up);
	close_fd(&fd);
	return r;
}

/* mkdir -p; remembers from where on the directories are ours. */
static int
make_dirs(struct file_set *set)
{
	char *dir = set->dir;
	size_t len = strlen(dir);

	for (size_t i = 1; i <= len; i++) {
		int is_last = i == len, r;

		if (!is_last && dir[i] != '/') {
			continue;
		}
		dir[i] = '\0';
		r = mkdir(dir, is_last ? FILE_DIR_MODE : 0755);
		if (r == 0 && set->made_from == 0) {
			set->made_from = i;
		}
		if ((r != 0 && errno != EEXIST) ||
		    (r == 0 && give_dir(dir) != 0)) {
			return say_sys(set->op, dir, errno);
		}
		if (!is_last) {
			dir[i] = '/';
		}
	}
	return 0;
}

/* The deepest first; one that somebody else has put a file into stays. */
static void
remove_dirs(struct file_set *set)
{
	char *dir = set->dir;

	for (size_t i = strlen(dir); set->made_from != 0; i--) {
		if (dir[i] != '\0' && dir[i] != '/') {
			continue;
		}
		dir[i] = '\0';
		if (rmdir(dir) != 0 || i == set->made_from) {
			return;
		}
	}
}

static void
hold_signals(sigset_t *old)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, old);
}

struct file_set *
file_set_new(const char *op, const char *dir, const char *exists_advice)
{
	struct file_set *set = calloc(1, sizeof(*set));
	size_t len = strlen(dir);

	if (set == NULL || (set->dir = strdup(dir)) == NULL) {
		free(set);
		say_sys(op, dir, ENOMEM);
		return NULL;
	}
	while (len > 1 && dir[len - 1] == '/') {
		set->dir[--len] = '\0';
	}
	set->op = op;
	set->exists_advice = exists_advice;
	set->fd = -1;
	hold_signals(&set->old_mask);
	if (make_dirs(set) != 0) {
		file_set_free(set);
		return NULL;
	}
	set->fd = open(set->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (set->fd < 0) {
		say_sys(op, dir, errno);
		file_set_free(set);
		return NULL;
	}
	return set;
}

/* Says err about one file of the set. */
static int
fail(const struct file_set *set, const char *name, int err)
{
	char *path = file_path(set->op, set->dir, name);

	if (path == NULL) {
		return -1;
	}
	if (err == EEXIST) {
		say_fail(set->op, path, set->exists_advice, "exists already");
	} else {
		say_sys(set->op, path, err);
	}
	free(path);
	return -1;
}

static int
write_all(int fd, const uint8_t *p, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			return -1;
		}
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Writes a file under a hidden name, which is put in hidden: 0 or an errno.
 * The name is gone again after a failure. */
static int
write_hidden(int dir, char hidden[HIDDEN_NAME], const void *data, size_t len)
{
	uint8_t salt[8];
	char hex[2 * sizeof(salt) + 1];
	int fd, err = 0;

	if (random_fill(salt, sizeof(salt)) != 0) {
		return EIO;
	}
	text_hex(hex, salt, sizeof(salt));
	snprintf(hidden, HIDDEN_NAME, ".new-%s", hex);
	fd = openat(dir, hidden,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
	if (fd < 0) {
		return errno;
	}
	if (fchmod(fd, FILE_MODE) != 0 || give_to_owner_of(dir, fd) != 0 ||
	    write_all(fd, data, len) != 0 || fsync(fd) != 0) {
		err = errno;
		unlinkat(dir, hidden, 0);
	}
	close_fd(&fd);
	return err;
}

int
file_set_add(struct file_set *set, const char *name, const void *data,
    size_t len)
{
	struct staged *f = &set->files[set->n];
	struct stat st;
	int err;

	if (set->n == FILE_SET_MAX || strlen(name) >= sizeof(f->name)) {
		return fail(set, name, ENAMETOOLONG);
	}
	if (fstatat(set->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		return fail(set, name, EEXIST);
	}
	err = write_hidden(set->fd, f->hidden, data, len);
	if (err != 0) {
		return fail(set, name, err);
	}
	memcpy(f->name, name, strlen(name) + 1);
	f->is_hidden = 1;
	set->n++;
	return 0;
}

int
file_replace(const char *op, const char *dir, const char *name,
    const void *data, size_t len)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char hidden[HIDDEN_NAME], *path;
	sigset_t old;
	int err;

	if (fd < 0) {
		return say_sys(op, dir, errno);
	}
	hold_signals(&old);
	err = write_hidden(fd, hidden, data, len);
	if (err == 0 && renameat(fd, hidden, fd, name) != 0) {
		err = errno;
		unlinkat(fd, hidden, 0);
	}
	if (err == 0 && fsync(fd) != 0) {
		err = errno;
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	close_fd(&fd);
	if (err == 0) {
		return 0;
	}
	path = file_path(op, dir, name);
	if (path != NULL) {
		say_sys(op, path, err);
	}
	free(path);
	return -1;
}

/* A hard link never replaces; where a file system has none, a rename that
 * must not replace is the same. */
static int
publish(const struct file_set *set, struct staged *f)
{
	if (linkat(set->fd, f->hidden, set->fd, f->name, 0) == 0) {
		f->is_published = 1;
		return 0;
	}
	if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS) {
		return -1;
	}
	if (renameat2(set->fd, f->hidden, set->fd, f->name,
	    RENAME_NOREPLACE) != 0) {
		return -1;
	}
	f->is_hidden = 0;
	f->is_published = 1;
	return 0;
}

int
file_set_publish(struct file_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		struct staged *f = &set->files[i];

		if (publish(set, f) != 0) {
			return fail(set, f->name, errno);
		}
		if (f->is_hidden && unlinkat(set->fd, f->hidden, 0) == 0) {
			f->is_hidden = 0;
		}
	}
	if (fsync(set->fd) != 0) {
		return say_sys(set->op, set->dir, errno);
	}
	return 0;
}

void
file_set_keep(struct file_set *set)
{
	set->is_kept = 1;
}

void
file_set_free(struct file_set *set)
{
	if (set == NULL) {
		return;
	}
	for (size_t i = 0; i < set->n; i++) {
		struct staged *f = &set->files[i];

		if (f->is_hidden) {
			unlinkat(set->fd, f->hidden, 0);
		}
		if (f->is_published && !set->is_kept) {
			unlinkat(set->fd, f->name, 0);
		}
	}
	close_fd(&set->fd);
	if (!set->is_kept) {
		remove_dirs(set);
	}
	sigprocmask(SIG_SETMASK, &set->old_mask, NULL);
	free(set->dir);
	free(set);
}
