/*
 * Wiping secrets and closing descriptors. Runs in every process.
 */
#include "base/mem.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void
mem_wipe(void *p, size_t len)
{
	if (len > 0) {
		explicit_bzero(p, len);
	}
}

void
close_fd(int *fd)
{
	int saved = errno;

	if (*fd != -1) {
		close(*fd);
		*fd = -1;
	}
	errno = saved;
}
