/*
 * A memfd: nothing of it is left when whoever reads it is done.
 */
#include "proxy/fetch/parcel.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"

int
parcel_open(struct parcel *p)
{
	*p = (struct parcel){
		.fd = memfd_create("sallyport-parcel", MFD_CLOEXEC)};
	return p->fd != -1 ? 0 : ERR_SYS;
}

void
parcel_part(struct parcel *p, size_t most)
{
	p->len = 0;
	p->most = most;
}

int
parcel_add(struct parcel *p, const void *data, size_t len)
{
	const char *at = data;

	if (len > p->most - p->len) {
		return ERR_LIMIT;
	}
	p->len += len;
	while (len > 0) {
		ssize_t n = write(p->fd, at, len);

		if (n == -1 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			return ERR_SYS;
		}
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

void
parcel_fini(struct parcel *p)
{
	close_fd(&p->fd);
}
