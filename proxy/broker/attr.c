/*
 * Attributes of sysfs, and small files of root's own. The broker reads numbers
 * that the kernel formed, and never a text of a device.
 */
#include "proxy/broker/broker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"

int
attr_write(int dir, const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	size_t len = strlen(text);
	ssize_t n;

	if (fd == -1) {
		return ERR_SYS;
	}
	n = write(fd, text, len);
	close_fd(&fd);
	return n == (ssize_t)len ? 0 : ERR_SYS;
}

long
attr_number(int dir, const char *name, int base)
{
	char text[32], *end;
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n;
	long v;

	if (fd == -1) {
		return -1;
	}
	n = read(fd, text, sizeof(text) - 1);
	close_fd(&fd);
	if (n <= 0) {
		return -1;
	}
	text[n] = '\0';
	v = strtol(text, &end, base);
	return end != text && v >= 0 && (*end == '\n' || *end == '\0') ? v
								       : -1;
}

int
file_replace(const char *path, const char *text)
{
	char fresh[PATH_MAX];
	size_t len = strlen(text);
	int fd, n, r = ERR_SYS;

	n = snprintf(fresh, sizeof(fresh), "%s.new", path);
	if (n < 0 || (size_t)n >= sizeof(fresh)) {
		return ERR_LIMIT;
	}
	if (unlink(fresh) == -1 && errno != ENOENT) {
		return ERR_SYS;
	}
	fd = open(
	    fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd == -1) {
		return ERR_SYS;
	}
	/* On the disk before it has its name: half a file is worse than the
	 * old one. */
	if (write(fd, text, len) == (ssize_t)len && fchmod(fd, 0644) == 0 &&
	    fsync(fd) == 0 && rename(fresh, path) == 0) {
		r = 0;
	} else {
		n = errno;
		(void)unlink(fresh);
		errno = n;
	}
	n = errno;
	close_fd(&fd);
	errno = n;
	return r;
}
