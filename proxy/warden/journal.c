/*
 * journald by its own protocol: a datagram of NAME=value lines to its socket.
 * Forty lines in place of libsystemd, which would bring three decompressors and
 * a library of ciphers into the process that decides. The socket is not
 * connected, so that a journald that was started again is found again, and one
 * that never was is no error.
 */
#include "proxy/warden/audit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "base/err.h"
#include "base/mem.h"

struct journal {
	int fd; /* owned */
	struct sockaddr_un to;
};

struct journal *
journal_new(const char *path)
{
	struct journal *journal = calloc(1, sizeof(*journal));

	if (journal == NULL ||
	    strlen(path) >= sizeof(journal->to.sun_path)) {
		free(journal);
		return NULL;
	}
	journal->to.sun_family = AF_UNIX;
	memcpy(journal->to.sun_path, path, strlen(path) + 1);
	journal->fd =
	    socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (journal->fd == -1) {
		free(journal);
		return NULL;
	}
	return journal;
}

void
journal_free(struct journal *journal)
{
	if (journal != NULL) {
		close_fd(&journal->fd);
		free(journal);
	}
}

int
journal_send(struct journal *journal, unsigned priority, const char *fields,
    const char *message, size_t len)
{
	char head[64];
	struct iovec v[4];
	struct msghdr msg = {
		.msg_name = &journal->to,
		.msg_namelen = sizeof(journal->to),
		.msg_iov = v,
		.msg_iovlen = ARRAY_LEN(v),
	};
	int n = snprintf(head, sizeof(head),
	    "PRIORITY=%u\nSYSLOG_IDENTIFIER=sallyport-audit\n", priority);

	if (memchr(message, '\n', len) != NULL) {
		return ERR_LIMIT; /* it would be read as another field */
	}
	v[0] = (struct iovec){head, (size_t)n};
	v[1] = (struct iovec){(char *)(uintptr_t)fields, strlen(fields)};
	v[2] = (struct iovec){(char *)(uintptr_t) "MESSAGE=", 8};
	v[3] = (struct iovec){(char *)(uintptr_t)message, len};
	if (sendmsg(journal->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) != -1) {
		return 0;
	}
	switch (errno) {
	case ENOENT:
	case ECONNREFUSED:
		return ERR_NOENT;
	case EAGAIN:
	case ENOBUFS:
		return ERR_AGAIN;
	case EMSGSIZE:
		return ERR_LIMIT;
	default:
		return ERR_SYS;
	}
}
