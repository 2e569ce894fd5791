/*
 * Where the log ended when the gateway did, and with it its chain: a key that is
 * older than the last line is hashed on to it, a last line that is older than the
 * key is told of.
 */
#include "proxy/warden/audit.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"

/* Lines that a power cut took the keys of, at most. */
#define AHEAD_MAX 10000000u

static uint64_t
size_of(int fd)
{
	struct stat st;

	return fd != -1 && fstat(fd, &st) == 0 ? (uint64_t)st.st_size : 0;
}

/* The last line that is whole, of a file of at most so many bytes: in *buf,
 * malloced; its length, or 0. *is_torn: bytes without an end follow it. */
static size_t
last_line(const char *path, char **buf, const char **line, int *is_torn)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	uint64_t size = size_of(fd);
	size_t n = size < 2 * CHAIN_LINE_MAX ? size : 2 * CHAIN_LINE_MAX;
	struct chain_parts parts;
	char *end, *start;

	*is_torn = 0;
	*buf = malloc(n + 1);
	if (*buf == NULL || n == 0 ||
	    pread(fd, *buf, n, (off_t)(size - n)) != (ssize_t)n) {
		close_fd(&fd);
		return 0;
	}
	close_fd(&fd);
	*is_torn = (*buf)[n - 1] != '\n';
	end = memrchr(*buf, '\n', n);
	if (end == NULL) {
		return 0;
	}
	if (*is_torn &&
	    chain_split(&parts, end + 1, n - (size_t)(end + 1 - *buf)) == 0) {
		*line = end + 1; /* its end alone is missing */
		return n - (size_t)(end + 1 - *buf);
	}
	start = memrchr(*buf, '\n', (size_t)(end - *buf));
	*line = start != NULL ? start + 1 : *buf;
	return (size_t)(end - *line);
}

/* The key goes on from the number that the file ends with. 0; ERR_SHORT: lines
 * that were written are not there, found says how far it goes; ERR_LIMIT: so many
 * are there that the key is not of this log. */
static int
catch_up(struct audit *audit, const char *line, size_t len, char found[24])
{
	struct audit_chain *c = audit->chain;
	struct chain_parts parts;
	int r;

	(void)snprintf(found, 24, "none");
	if (chain_split(&parts, line, len) != 0) {
		return c->chain.seq == 0 ? 0 : ERR_SHORT;
	}
	(void)snprintf(found, 24, "%llu", (unsigned long long)parts.seq);
	if (parts.seq < c->chain.seq) {
		return parts.seq + 1 == c->chain.seq ? 0 : ERR_SHORT;
	}
	/* its keys were not on the disk yet when power was lost */
	r = chain_skip(&c->chain, parts.seq, AHEAD_MAX);
	if (r == 0 && !chain_is_mac(&c->chain, line, &parts)) {
		log_warnx("%s: its last line is not as it was written",
		    audit->path);
	}
	return r == 0 ? audit_chain_next(c, parts.mac) : r;
}

static void
own_missing(struct audit *audit, const char *found, uint64_t next)
{
	char text[96];

	log_warnx("%s: ends before line %llu, which was written; power was "
		  "lost, or somebody removed lines", audit->path,
	    (unsigned long long)next - 1);
	(void)snprintf(text, sizeof(text),
	    ",\"found\":\"%s\",\"expected\":\"%llu\"", found,
	    (unsigned long long)next - 1);
	audit_own_chain(audit, "missing", text);
}

/* What the files end with, the present one or the one before it. */
static int
look_at_end(struct audit *audit, int is_new, char found[24])
{
	char path[PATH_MAX], *buf = NULL;
	const char *line = "";
	int is_torn, r;
	size_t len = last_line(audit->path, &buf, &line, &is_torn);

	if (is_torn && audit_append(audit, "\n", 1) != 0) {
		log_warn("write %s", audit->path);
	}
	if (audit->size == 0) {
		free(buf);
		len = last_line(
		    audit_nth_path(audit, 1, path), &buf, &line, &is_torn);
	}
	r = is_new ? 0 : catch_up(audit, line, len, found);
	free(buf);
	return r;
}

int
audit_chain_start(struct audit *audit, const char *state)
{
	int is_new = 0, r = 0, was_empty = audit->size == 0;
	uint64_t next;
	char found[24];

	audit->chain = audit_chain_open(state, &is_new);
	if (audit->chain == NULL) {
		return ERR_SYS;
	}
	next = audit->chain->chain.seq;
	r = look_at_end(audit, is_new, found);
	if (r == ERR_LIMIT) {
		log_warnx("%s: is not of the chain that was; another one "
			  "begins", audit->path);
		is_new = 1;
		r = audit_chain_renew(audit->chain);
	}
	if (is_new) {
		audit_own_chain(audit, "begun", "");
		return r;
	}
	if (was_empty) {
		audit_own_continued(audit);
	}
	if (r == ERR_SHORT) {
		own_missing(audit, found, next);
		r = 0;
	}
	return r;
}
