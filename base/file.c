/*
 * Whole files, bounded, with the checks that a secret needs. Copies of a
 * secret that growing leaves behind are wiped.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"

/* What a file that does not tell its size (sysfs, procfs) starts with. */
#define FILE_FIRST 4096u

struct growing {
	uint8_t *data; /* owned */
	size_t len, room;
};

static int
grow(struct growing *g, size_t room)
{
	uint8_t *bigger = malloc(room + 1);

	if (bigger == NULL) {
		return ERR_NOMEM;
	}
	if (g->len > 0) {
		memcpy(bigger, g->data, g->len);
	}
	mem_wipe(g->data, g->len);
	free(g->data);
	g->data = bigger;
	g->room = room;
	return 0;
}

static void
growing_fini(struct growing *g)
{
	mem_wipe(g->data, g->len);
	free(g->data);
}

/* Reads up to the end; one byte more than max tells that it is too long. */
static int
read_all(int fd, size_t max, struct growing *g)
{
	for (;;) {
		ssize_t n;

		if (g->len == g->room) {
			size_t room = g->room < max / 2 ? 2 * g->room : max + 1;

			if (g->len > max) {
				return ERR_LIMIT;
			}
			if (grow(g, room) != 0) {
				return ERR_NOMEM;
			}
		}
		n = read(fd, g->data + g->len, g->room - g->len);
		if (n == -1 && errno == EINTR) {
			continue;
		}
		if (n == -1) {
			return ERR_SYS;
		}
		if (n == 0) {
			return g->len > max ? ERR_LIMIT : 0;
		}
		g->len += (size_t)n;
	}
}

static int
check_kind(int fd, size_t max, enum file_secrecy secrecy, size_t *first)
{
	struct stat st;

	if (fstat(fd, &st) == -1) {
		return ERR_SYS;
	}
	if (!S_ISREG(st.st_mode)) {
		errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
		return ERR_SYS;
	}
	if ((secrecy == FILE_SECRET && (st.st_mode & 077) != 0) ||
	    (secrecy == FILE_TRUSTED && (st.st_mode & 02) != 0)) {
		return ERR_POLICY;
	}
	if (secrecy == FILE_OWN && ((st.st_mode & 022) != 0 ||
		(st.st_uid != 0 && st.st_uid != geteuid()))) {
		return ERR_POLICY;
	}
	*first = FILE_FIRST;
	if (st.st_size > 0 && (uintmax_t)st.st_size < max) {
		*first = (size_t)st.st_size + 1;
	}
	if (*first > max) {
		*first = max + 1;
	}
	return 0;
}

/* Whoever may write to its directory can put another file in its place. In a
 * sticky one, as /tmp, only the owner can. */
static int
check_directory(int dirfd, const char *path)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX] = ".";
	struct stat st;

	if (slash != NULL) {
		size_t len = slash == path ? 1 : (size_t)(slash - path);

		if (len >= sizeof(dir)) {
			errno = ENAMETOOLONG;
			return ERR_SYS;
		}
		memcpy(dir, path, len);
		dir[len] = '\0';
	}
	if (fstatat(dirfd, dir, &st, 0) == -1) {
		return ERR_SYS;
	}
	return (st.st_mode & 022) != 0 && (st.st_mode & S_ISVTX) == 0
	    ? ERR_POLICY
	    : 0;
}

int
file_read_at(int dirfd, const char *path, size_t max, enum file_secrecy secrecy,
    uint8_t **out, size_t *len)
{
	struct growing g = {NULL, 0, 0};
	size_t first = 0;
	int fd, r;

	if (max > SIZE_MAX / 4) {
		return ERR_LIMIT;
	}
	fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd == -1) {
		return errno == ENOENT || errno == ENOTDIR ? ERR_NOENT
							   : ERR_SYS;
	}
	r = check_kind(fd, max, secrecy, &first);
	if (r == 0 && secrecy == FILE_SECRET) {
		r = check_directory(dirfd, path);
	}
	if (r == 0) {
		r = grow(&g, first);
	}
	if (r == 0) {
		r = read_all(fd, max, &g);
	}
	close_fd(&fd);
	if (r != 0) {
		int saved = errno;

		growing_fini(&g);
		errno = saved;
		return r;
	}
	g.data[g.len] = '\0';
	*len = g.len;
	*out = g.data;
	return 0;
}

int
file_read(const char *path, size_t max, enum file_secrecy secrecy,
    uint8_t **out, size_t *len)
{
	return file_read_at(AT_FDCWD, path, max, secrecy, out, len);
}

int
file_write_all(int fd, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n == -1 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			return ERR_SYS;
		}
		p += n;
		len -= (size_t)n;
	}
	return fsync(fd) == 0 ? 0 : ERR_SYS;
}
