/*
 * See fault.h. Each call that can fail has a function here of the name that
 * tests/fault/symbols gives it.
 */
#include "tests/fault/fault.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum mode { OFF, AT, SEEDED };

static enum mode mode;
static uint64_t calls, failures, at, seed;
static uint32_t per;
static int is_held;
static const char *last = "";

static void
begin(enum mode m)
{
	mode = m;
	calls = failures = 0;
	last = "";
}

void
fault_off(void)
{
	mode = OFF;
}

void
fault_at(uint64_t n)
{
	begin(AT);
	at = n;
}

void
fault_seed(uint64_t s, uint32_t one_in)
{
	begin(SEEDED);
	seed = s;
	per = one_in > 0 ? one_in : 1;
}

void
fault_hold(void)
{
	is_held = 1;
}

void
fault_release(void)
{
	is_held = 0;
}

uint64_t
fault_calls(void)
{
	return calls;
}

uint64_t
fault_failures(void)
{
	return failures;
}

const char *
fault_last(void)
{
	return last;
}

/* splitmix64 */
static uint64_t
draw(void)
{
	uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static int
fails(const char *name, int err)
{
	int r = 0;

	if (mode == OFF || is_held) {
		return 0;
	}
	calls++;
	if (mode == AT) {
		r = calls == at;
	} else {
		r = draw() % per == 0;
	}
	if (r) {
		failures++;
		last = name;
		errno = err;
	}
	return r;
}

int
fault_here(const char *name)
{
	return fails(name, ENOMEM);
}

/* ------------------------------------------------------------------------ */
/* The environment                                                          */

static const char *count_file;

static void
say_count(void)
{
	FILE *f = fopen(count_file, "w");

	if (f != NULL) {
		(void)fprintf(f, "%llu %s\n", (unsigned long long)calls, last);
		(void)fclose(f);
	}
}

__attribute__((constructor)) static void
look_at_environment(void)
{
	const char *n = getenv("FAULT_AT");

	count_file = getenv("FAULT_COUNT");
	if (n != NULL || count_file != NULL) {
		fault_at(n != NULL ? strtoull(n, NULL, 10) : 0);
	}
	if (count_file != NULL) {
		(void)atexit(say_count);
	}
}

/* ------------------------------------------------------------------------ */
/* The calls                                                                */

#define FAULT(type, name, params, args, err, failed)                           \
	type fault_##name params;                                              \
	type fault_##name params                                               \
	{                                                                      \
		return fails(#name, err) ? (failed) : name args;               \
	}

FAULT(void *, malloc, (size_t n), (n), ENOMEM, NULL)
FAULT(void *, calloc, (size_t n, size_t m), (n, m), ENOMEM, NULL)
FAULT(void *, realloc, (void *p, size_t n), (p, n), ENOMEM, NULL)
FAULT(char *, strdup, (const char *s), (s), ENOMEM, NULL)
FAULT(char *, strndup, (const char *s, size_t n), (s, n), ENOMEM, NULL)
FAULT(
    char *, realpath, (const char *path, char *out), (path, out), ENOMEM, NULL)
FAULT(FILE *, open_memstream, (char **p, size_t *n), (p, n), ENOMEM, NULL)
FAULT(void *, mmap,
    (void *p, size_t n, int prot, int flags, int fd, off_t offset),
    (p, n, prot, flags, fd, offset), ENOMEM, MAP_FAILED)

FAULT(ssize_t, read, (int fd, void *p, size_t n), (fd, p, n), EIO, -1)
FAULT(ssize_t, recv, (int fd, void *p, size_t n, int flags), (fd, p, n, flags),
    ECONNRESET, -1)
FAULT(ssize_t, recvfrom,
    (int fd, void *p, size_t n, int flags, struct sockaddr *sa, socklen_t *len),
    (fd, p, n, flags, sa, len), ENOBUFS, -1)
FAULT(ssize_t, recvmsg, (int fd, struct msghdr *m, int flags), (fd, m, flags),
    ENOMEM, -1)
FAULT(ssize_t, write, (int fd, const void *p, size_t n), (fd, p, n), EIO, -1)
FAULT(ssize_t, send, (int fd, const void *p, size_t n, int flags),
    (fd, p, n, flags), ECONNRESET, -1)
FAULT(ssize_t, sendto,
    (int fd, const void *p, size_t n, int flags, const struct sockaddr *sa,
	socklen_t len),
    (fd, p, n, flags, sa, len), ENOBUFS, -1)
FAULT(ssize_t, sendmsg, (int fd, const struct msghdr *m, int flags),
    (fd, m, flags), ENOBUFS, -1)
FAULT(int, fsync, (int fd), (fd), EIO, -1)

FAULT(int, socket, (int domain, int type, int protocol),
    (domain, type, protocol), EMFILE, -1)
FAULT(int, socketpair, (int domain, int type, int protocol, int fds[2]),
    (domain, type, protocol, fds), EMFILE, -1)
FAULT(int, accept4, (int fd, struct sockaddr *sa, socklen_t *len, int flags),
    (fd, sa, len, flags), EMFILE, -1)
FAULT(int, connect, (int fd, const struct sockaddr *sa, socklen_t len),
    (fd, sa, len), ECONNREFUSED, -1)
FAULT(int, bind, (int fd, const struct sockaddr *sa, socklen_t len),
    (fd, sa, len), EADDRINUSE, -1)
FAULT(int, listen, (int fd, int n), (fd, n), EADDRINUSE, -1)
FAULT(int, setsockopt,
    (int fd, int level, int name, const void *p, socklen_t len),
    (fd, level, name, p, len), EINVAL, -1)
FAULT(int, getsockopt, (int fd, int level, int name, void *p, socklen_t *len),
    (fd, level, name, p, len), EINVAL, -1)
FAULT(int, pipe2, (int fds[2], int flags), (fds, flags), EMFILE, -1)
FAULT(int, dup2, (int fd, int to), (fd, to), EMFILE, -1)
FAULT(int, dup3, (int fd, int to, int flags), (fd, to, flags), EMFILE, -1)
FAULT(int, memfd_create, (const char *name, unsigned flags), (name, flags),
    EMFILE, -1)
FAULT(int, inotify_init1, (int flags), (flags), EMFILE, -1)
FAULT(int, inotify_add_watch, (int fd, const char *path, uint32_t mask),
    (fd, path, mask), ENOSPC, -1)
FAULT(FILE *, fopen, (const char *path, const char *how), (path, how), EMFILE,
    NULL)
FAULT(FILE *, fdopen, (int fd, const char *how), (fd, how), ENOMEM, NULL)
FAULT(DIR *, opendir, (const char *path), (path), EMFILE, NULL)
FAULT(DIR *, fdopendir, (int fd), (fd), ENOMEM, NULL)
FAULT(int, mkostemp, (char *path, int flags), (path, flags), EMFILE, -1)

FAULT(int, fstat, (int fd, struct stat *st), (fd, st), EIO, -1)
FAULT(int, stat, (const char *path, struct stat *st), (path, st), EIO, -1)
FAULT(int, rename, (const char *from, const char *to), (from, to), EIO, -1)
FAULT(int, renameat, (int d, const char *from, int e, const char *to),
    (d, from, e, to), EIO, -1)
FAULT(int, linkat, (int d, const char *from, int e, const char *to, int flags),
    (d, from, e, to, flags), EIO, -1)
FAULT(int, unlink, (const char *path), (path), EIO, -1)
FAULT(int, unlinkat, (int d, const char *path, int flags), (d, path, flags),
    EIO, -1)
FAULT(int, mkdir, (const char *path, mode_t m), (path, m), EIO, -1)
FAULT(int, fchmod, (int fd, mode_t m), (fd, m), EPERM, -1)
FAULT(int, fchown, (int fd, uid_t u, gid_t g), (fd, u, g), EPERM, -1)
FAULT(pid_t, fork, (void), (), EAGAIN, -1)

/* Those with three dots: at most one argument there, an int or a pointer. */
#define FAULT_DOTS(name, params, args, before, err)                            \
	int fault_##name params;                                               \
	int fault_##name params                                                \
	{                                                                      \
		va_list ap;                                                    \
		long arg;                                                      \
                                                                               \
		va_start(ap, before);                                          \
		arg = va_arg(ap, long);                                        \
		va_end(ap);                                                    \
		return fails(#name, err) ? -1 : name args;                     \
	}

FAULT_DOTS(open, (const char *path, int flags, ...), (path, flags, (mode_t)arg),
    flags, EMFILE)
FAULT_DOTS(openat, (int d, const char *path, int flags, ...),
    (d, path, flags, (mode_t)arg), flags, EMFILE)
int fault_asprintf(char **out, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
int
fault_asprintf(char **out, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (fails("asprintf", ENOMEM)) {
		return -1;
	}
	va_start(ap, fmt);
	n = vasprintf(out, fmt, ap);
	va_end(ap);
	return n;
}

FAULT_DOTS(fcntl, (int fd, int cmd, ...), (fd, cmd, arg), cmd, EINVAL)
FAULT_DOTS(ioctl, (int fd, unsigned long cmd, ...), (fd, cmd, arg), cmd, EIO)
