/*
 * Random bytes. The kernel's generator is the only source: there is no state of
 * our own to seed, to fork or to leak.
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/random.h>

#include "base/err.h"

/* All len bytes: 0, or ERR_SYS with errno. */
static inline int
random_fill(void *out, size_t len)
{
	uint8_t *p = out;

	while (len > 0) {
		ssize_t n = getrandom(p, len, 0);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			return ERR_SYS;
		}
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

#endif
