/*
 * Written once, sealed, then only read. The seals are looked at before a byte
 * is: whoever sent it cannot change it, nor cut it while it is read.
 */
#include "base/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"

#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)

static int
is_text(const uint8_t *text, size_t len)
{
	return len > 0 && text[len - 1] == '\0' &&
	    memchr(text, '\0', len - 1) == NULL;
}

int
sealed_new(int *out, const uint8_t *text, size_t len)
{
	size_t done = 0;

	*out = -1;
	if (!is_text(text, len)) {
		return ERR_FORMAT;
	}
	*out = memfd_create("sallyport", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	while (*out != -1 && done < len) {
		ssize_t n = write(*out, text + done, len - done);

		if (n == -1 && errno != EINTR) {
			break;
		}
		done += n > 0 ? (size_t)n : 0;
	}
	if (*out == -1 || done < len ||
	    fcntl(*out, F_ADD_SEALS, SEALS | F_SEAL_SEAL) == -1) {
		close_fd(out);
		return ERR_SYS;
	}
	return 0;
}

int
sealed_map(int fd, size_t max, const uint8_t **out, size_t *len)
{
	struct stat st;
	void *text;
	int seals = fcntl(fd, F_GET_SEALS);

	*out = NULL;
	*len = 0;
	if (seals == -1 || (seals & SEALS) != SEALS || fstat(fd, &st) == -1 ||
	    st.st_size <= 0) {
		return ERR_FORMAT;
	}
	if ((uint64_t)st.st_size > max) {
		return ERR_LIMIT;
	}
	/* kernels before 6.7 refuse a shared mapping of what must not be
	 * written; a private one that is only read shares its pages as well */
	text = mmap(
	    NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (text == MAP_FAILED) {
		return ERR_SYS;
	}
	if (!is_text(text, (size_t)st.st_size)) {
		(void)munmap(text, (size_t)st.st_size);
		return ERR_FORMAT;
	}
	*out = text;
	*len = (size_t)st.st_size;
	return 0;
}

void
sealed_unmap(const uint8_t *text, size_t len)
{
	if (text != NULL) {
		(void)munmap((void *)(uintptr_t)text, len);
	}
}
