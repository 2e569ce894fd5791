/*
 * Definitions that stand before libc's in the bench and its children. Each
 * counts and then does the same thing: the bare system call, or libc's
 * allocator under its other name.
 */
#include "tests/bench/count.h"

#include <poll.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/log.h"

#ifdef __SANITIZE_ADDRESS__
#error "the bench counts mallocs: build it without a sanitizer"
#endif

static struct counts own;
volatile struct counts *counts = &own;

static volatile struct counts *
map(int fd)
{
	void *page = mmap(NULL, sizeof(struct counts), PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);

	if (page == MAP_FAILED) {
		fatal("mmap: counts");
	}
	return page;
}

volatile struct counts *
count_page(int *fd)
{
	*fd = memfd_create("counts", MFD_CLOEXEC);
	if (*fd == -1 || ftruncate(*fd, sizeof(struct counts)) == -1) {
		fatal("memfd: counts");
	}
	return map(*fd);
}

void
count_in(int fd)
{
	counts = map(fd);
	(void)close(fd);
}

struct counts
count_since(const struct counts *a, const struct counts *b)
{
	return (struct counts){
	    .sends = a->sends - b->sends,
	    .recvs = a->recvs - b->recvs,
	    .waits = a->waits - b->waits,
	    .ctls = a->ctls - b->ctls,
	    .mallocs = a->mallocs - b->mallocs,
	};
}

void
count_add(struct counts *to, const struct counts *more)
{
	to->sends += more->sends;
	to->recvs += more->recvs;
	to->waits += more->waits;
	to->ctls += more->ctls;
	to->mallocs += more->mallocs;
}

/* ------------------------------------------------------------------------ */
/* Memory                                                                   */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);

void *
malloc(size_t size)
{
	counts->mallocs++;
	return __libc_malloc(size);
}

void *
calloc(size_t n, size_t size)
{
	counts->mallocs++;
	return __libc_calloc(n, size);
}

void *
realloc(void *p, size_t size)
{
	counts->mallocs++;
	return __libc_realloc(p, size);
}

/* ------------------------------------------------------------------------ */
/* System calls                                                             */

/* What fortified sources call instead, when a length is not a constant. */
ssize_t __recv_chk(int fd, void *buf, size_t len, size_t room, int flags);
ssize_t __read_chk(int fd, void *buf, size_t len, size_t room);

ssize_t
send(int fd, const void *buf, size_t len, int flags)
{
	counts->sends++;
	return syscall(SYS_sendto, fd, buf, len, flags, NULL, 0);
}

ssize_t
sendmsg(int fd, const struct msghdr *msg, int flags)
{
	int type = 0;
	socklen_t len = sizeof(type);

	/* What a process tells its broker or warden, once a second at most, is
	 * no part of a URB. */
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) != 0 ||
	    type != SOCK_SEQPACKET) {
		counts->sends++;
	}
	return syscall(SYS_sendmsg, fd, msg, flags);
}

ssize_t
write(int fd, const void *buf, size_t len)
{
	counts->sends++;
	return syscall(SYS_write, fd, buf, len);
}

ssize_t
writev(int fd, const struct iovec *iov, int n)
{
	counts->sends++;
	return syscall(SYS_writev, fd, iov, n);
}

ssize_t
recv(int fd, void *buf, size_t len, int flags)
{
	counts->recvs++;
	return syscall(SYS_recvfrom, fd, buf, len, flags, NULL, NULL);
}

ssize_t
__recv_chk(int fd, void *buf, size_t len, size_t room, int flags)
{
	return recv(fd, buf, len < room ? len : room, flags);
}

ssize_t
recvmsg(int fd, struct msghdr *msg, int flags)
{
	counts->recvs++;
	return syscall(SYS_recvmsg, fd, msg, flags);
}

ssize_t
read(int fd, void *buf, size_t len)
{
	counts->recvs++;
	return syscall(SYS_read, fd, buf, len);
}

ssize_t
__read_chk(int fd, void *buf, size_t len, size_t room)
{
	return read(fd, buf, len < room ? len : room);
}

int
epoll_wait(int ep, struct epoll_event *events, int n, int timeout)
{
	counts->waits++;
	return (int)syscall(
	    SYS_epoll_pwait, ep, events, n, timeout, NULL, (size_t)8);
}

int
epoll_ctl(int ep, int op, int fd, struct epoll_event *event)
{
	counts->ctls++;
	return (int)syscall(SYS_epoll_ctl, ep, op, fd, event);
}
