/*
 * A bundle in a directory, which may be a mounted share: reading it can hang for
 * as long as that likes, and hangs this process only. The tag is what stat(2)
 * says of both files.
 */
#include "proxy/fetch/parcel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"

/* In a source that is a directory. */
#define NAME "bundle.tar"

static int
refuse(struct ipc_fetched *m, int err, const char *path, const char *why)
{
	(void)snprintf(m->why, sizeof(m->why), "%.350s: %s", path, why);
	return err;
}

static int
name_both(struct pair *pair, const char *source)
{
	struct stat st;
	int is_dir = stat(source, &st) == 0 && S_ISDIR(st.st_mode);
	int n = snprintf(pair->path[0], sizeof(pair->path[0]), "%s%s", source,
	    is_dir ? "/" NAME : "");
	int k = snprintf(pair->path[1], sizeof(pair->path[1]), "%s%s.sig",
	    source, is_dir ? "/" NAME : "");

	return n > 0 && k > n && (size_t)k < sizeof(pair->path[1]) ? 0 :
								     ERR_LIMIT;
}

/* A FIFO would wait for a writer, and a device is no file. */
static int
open_both(struct pair *pair, struct ipc_fetched *m)
{
	size_t used = 0;

	for (unsigned i = 0; i < 2; i++) {
		struct stat st;
		int n;

		pair->fd[i] = open(pair->path[i],
		    O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		if (pair->fd[i] == -1 || fstat(pair->fd[i], &st) == -1) {
			return refuse(
			    m, ERR_SYS, pair->path[i], strerror(errno));
		}
		if (!S_ISREG(st.st_mode)) {
			return refuse(
			    m, ERR_FORMAT, pair->path[i], "not a file");
		}
		n = snprintf(pair->tag + used, IPC_TAG - used,
		    "%llx.%llx.%llx.%llx.%lx ", (unsigned long long)st.st_dev,
		    (unsigned long long)st.st_ino,
		    (unsigned long long)st.st_size,
		    (unsigned long long)st.st_mtim.tv_sec,
		    (unsigned long)st.st_mtim.tv_nsec);
		used += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int
copy(struct pair *pair, unsigned which, size_t most, struct parcel *p,
    struct ipc_fetched *m)
{
	static char buf[64 * 1024];
	ssize_t n;
	int r = 0;

	parcel_part(p, most);
	while (r == 0 &&
	    (n = read(pair->fd[which], buf, sizeof(buf))) != 0) {
		if (n > 0) {
			r = parcel_add(p, buf, (size_t)n);
		} else if (errno != EINTR) {
			r = ERR_SYS;
		}
	}
	if (r == ERR_LIMIT) {
		return refuse(m, r, pair->path[which], "larger than it may be");
	}
	if (r != 0) {
		return refuse(m, r, pair->path[which], strerror(errno));
	}
	return p->len > 0 ?
	    0 :
	    refuse(m, ERR_FORMAT, pair->path[which], "it is empty");
}

int
file_open(
    struct pair *pair, const struct ipc_fetch *how, struct ipc_fetched *m)
{
	int r;

	*pair = (struct pair){.fd = {-1, -1}};
	r = name_both(pair, how->source);
	return r != 0 ? refuse(m, r, how->source, "too long a path")
		      : open_both(pair, m);
}

int
file_fetch(struct pair *pair, const struct ipc_fetch *how, struct parcel *p,
    struct ipc_fetched *m)
{
	int r = 0;

	if (strcmp(pair->tag, how->tag) == 0) {
		return ERR_AGAIN;
	}
	r = copy(pair, 0, how->bundle_max, p, m);
	m->bundle_len = (uint32_t)p->len;
	if (r == 0) {
		r = copy(pair, 1, how->signatures_max, p, m);
		m->signatures_len = (uint32_t)p->len;
		memcpy(m->tag, pair->tag, sizeof(pair->tag));
	}
	return r;
}

void
file_close(struct pair *pair)
{
	close_fd(&pair->fd[0]);
	close_fd(&pair->fd[1]);
}
