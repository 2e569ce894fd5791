/*
 * An audit log that a fuzzer writes, and what may become of it: lines, what a power
 * cut leaves of one, rotation, another chain. And the server that has its lines:
 * each comes once and in its order, as it was written, or is counted as lost.
 */
#ifndef TESTS_FUZZ_UPSTREAM_LOG_H
#define TESTS_FUZZ_UPSTREAM_LOG_H

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "proxy/warden/audit.h"
#include "proxy/warden/upstream.h"
#include "tests/fuzz/fuzz.h"

static const char log_mac[] =
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

struct upstream_log {
	struct audit audit;
	char dir[40], path[56];
	unsigned chain; /* its name, in 16 digits */
	uint64_t seq, lines; /* of the next line; of all chains */
	/* what the server has */
	char had_chain[IPC_CHAIN];
	uint64_t had_seq, had; /* the last; how many */
	int is_begun;
	uint64_t before; /* lines that were gone when it began */
};

static inline void
log_append(struct upstream_log *l, const char *text, size_t len)
{
	int fd = open(l->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	MUST(fd != -1 && write(fd, text, len) == (ssize_t)len);
	close_fd(&fd);
}

/* A line with so many bytes more than it needs; outcome: of a chain's own. */
static inline void
log_line(struct upstream_log *l, const char *outcome, unsigned more)
{
	static char line[CHAIN_LINE_MAX];
	char pad[256], own[96] = "";
	int n;

	memset(pad, 'x', sizeof(pad));
	pad[more % sizeof(pad)] = '\0';
	if (outcome != NULL) {
		(void)snprintf(own, sizeof(own), ",\"event\":\"audit\","
			"\"outcome\":\"%s\",\"chain\":\"%016x\"",
		    outcome, l->chain);
	}
	n = snprintf(line, sizeof(line), "{\"seq\":%llu%s,\"x\":\"%s\","
	    "\"mac\":\"%s\"}\n",
	    (unsigned long long)l->seq, own, pad, log_mac);
	log_append(l, line, (size_t)n);
	l->seq++;
	l->lines++;
}

static inline void
log_rotate(struct upstream_log *l)
{
	char from[PATH_MAX], to[PATH_MAX];

	for (unsigned i = l->audit.files - 1; i-- > 0;) {
		(void)rename(audit_nth_path(&l->audit, i, from),
		    audit_nth_path(&l->audit, i + 1, to));
	}
	log_line(l, "continued", 0);
}

static inline void
log_renew(struct upstream_log *l)
{
	l->chain++;
	l->seq = 0;
	log_line(l, "begun", 0);
}

/* The first batch is there. */
static inline void
log_begun(struct upstream_log *l, const struct upstream_batch *b)
{
	if (!l->is_begun) {
		l->before = b->first;
	}
	l->is_begun = 1;
}

/* The server takes a batch. */
static inline void
log_take(struct upstream_log *l, const struct upstream_batch *b, size_t most)
{
	static char text[UPSTREAM_BATCH + 1];
	uint64_t seq = b->first, n = 0;
	size_t lines = 0;

	MUST(b->len > 0 && b->len < sizeof(text));
	MUST(pread(b->fd, text, b->len, 0) == (ssize_t)b->len);
	text[b->len] = '\0';
	/* once, and in their order; what is of another chain begins anew */
	MUST(l->had == 0 || strcmp(b->chain, l->had_chain) != 0 ||
	    b->first > l->had_seq);
	for (char *p = text, *end; *p != '\0'; p = end + 1, lines++) {
		end = strchr(p, '\n');
		MUST(end != NULL && strncmp(p, "{\"seq\":", 7) == 0);
		n = strtoull(p + 7, NULL, 10);
		MUST(n >= seq && (lines > 0 || n == b->first));
		seq = n + 1;
	}
	MUST(n == b->last && (lines == 1 || b->len <= most));
	l->had += lines;
	l->had_seq = b->last;
	memcpy(l->had_chain, b->chain, sizeof(l->had_chain));
}

static inline void
log_begin(struct upstream_log *l)
{
	memset(l, 0, sizeof(*l));
	/* where it is no disk that each batch waits for */
	(void)snprintf(l->dir, sizeof(l->dir), "%s/fuzz_upstream.XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	MUST(mkdtemp(l->dir) != NULL);
	(void)snprintf(l->path, sizeof(l->path), "%s/log", l->dir);
	l->audit.path = l->path;
	l->audit.files = 3;
	log_line(l, "begun", 0);
}

static inline void
log_end(struct upstream_log *l)
{
	char path[PATH_MAX];

	for (unsigned i = 0; i < l->audit.files; i++) {
		(void)unlink(audit_nth_path(&l->audit, i, path));
	}
	(void)snprintf(path, sizeof(path), "%s/upstream.json", l->dir);
	(void)unlink(path);
	MUST(rmdir(l->dir) == 0);
}

#endif
