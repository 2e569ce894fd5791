/*
 * The audit log on disk: each line one append, under the key of its number. While
 * it cannot be written, lines wait in memory, without number and MAC, and are
 * written in their order when it can; what found no room is counted, and the log
 * says so itself.
 *
 * Rotated by the warden alone: a new file is there before the old one is renamed,
 * and begins by saying which chain goes on and from which number on there are
 * files, so that a file that is removed later is missed.
 */
#include "proxy/warden/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"

#define HEAD_EACH 60u /* seconds */

static int
open_file(const char *path, int flags)
{
	return open(path, O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags,
	    0640);
}

static uint64_t
size_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? (uint64_t)st.st_size : 0;
}

int
audit_append(struct audit *audit, const char *line, size_t len)
{
	ssize_t n;

	do {
		n = write(audit->fd, line, len);
	} while (n == -1 && errno == EINTR);
	if (n == (ssize_t)len) {
		audit->size += len;
		return 0;
	}
	if (n > 0) {
		uint64_t size = size_of(audit->fd);

		errno = ENOSPC;
		if (size >= (uint64_t)n &&
		    ftruncate(audit->fd, (off_t)(size - (uint64_t)n)) == -1) {
			log_warn("truncate %s", audit->path);
		}
	}
	return ERR_SYS;
}

const char *
audit_nth_path(const struct audit *audit, unsigned n, char path[PATH_MAX])
{
	(void)snprintf(path, PATH_MAX, n == 0 ? "%s" : "%s.%u", audit->path, n);
	return path;
}

void
audit_own_chain(struct audit *audit, const char *outcome, const char *members)
{
	char id[CHAIN_ID_TEXT], text[256];

	(void)snprintf(text, sizeof(text), ",\"chain\":\"%s\"%s",
	    digest_hex(id, sizeof(id), audit->chain->chain.id, CHAIN_ID),
	    members);
	audit_own(audit, outcome, text);
}

/* ------------------------------------------------------------------------ */
/* What is on disk                                                          */

/* Number of the first line of a file; 0 when it has none. */
static int
first_seq(const char *path, uint64_t *seq)
{
	static const char begin[] = "{\"seq\":";
	char text[40];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), r = ERR_NOENT;
	ssize_t n = fd != -1 ? pread(fd, text, sizeof(text), 0) : -1;

	close_fd(&fd);
	if (n > (ssize_t)sizeof(begin) &&
	    memcmp(text, begin, sizeof(begin) - 1) == 0 &&
	    chain_number(seq, text + sizeof(begin) - 1,
		(size_t)n - sizeof(begin) + 1) != 0) {
		r = 0;
	}
	return r;
}

void
audit_own_continued(struct audit *audit)
{
	char path[PATH_MAX], text[64];
	uint64_t kept = audit->chain->chain.seq, seq;

	for (unsigned i = 1; i < audit->files; i++) {
		if (first_seq(audit_nth_path(audit, i, path), &seq) == 0 &&
		    seq < kept) {
			kept = seq;
		}
	}
	(void)snprintf(text, sizeof(text), ",\"kept_from\":\"%llu\"",
	    (unsigned long long)kept);
	audit_own_chain(audit, "continued", text);
}

int
audit_open(struct audit *audit, char *path)
{
	int fd = open_file(path, O_WRONLY);

	if (fd == -1) {
		log_warn("open %s", path);
		return ERR_SYS;
	}
	close_fd(&audit->fd);
	audit->fd = fd;
	audit->path = path;
	audit->size = size_of(fd);
	if (audit->chain != NULL && audit->size == 0) {
		audit_own_continued(audit); /* somebody moved the one before */
	}
	return 0;
}

/* ------------------------------------------------------------------------ */
/* Writing                                                                  */

static void
rotate(struct audit *audit)
{
	char from[PATH_MAX], to[PATH_MAX], fresh[PATH_MAX];
	int fd, r = 0;

	(void)snprintf(fresh, sizeof(fresh), "%s.new", audit->path);
	fd = open_file(fresh, O_WRONLY | O_TRUNC);
	if (fd != -1 && audit->files > 1) {
		for (unsigned i = audit->files - 1; i-- > 1 && r == 0;) {
			r = rename(audit_nth_path(audit, i, from),
			    audit_nth_path(audit, i + 1, to));
			r = r == -1 && errno == ENOENT ? 0 : r;
		}
		if (r == 0) {
			r = rename(audit->path, audit_nth_path(audit, 1, to));
		}
	}
	if (fd == -1 || r == -1 || rename(fresh, audit->path) == -1) {
		/* The one that is open goes on: no line is lost by this. */
		if (!audit->is_stuck) {
			log_warn("rotate %s", audit->path);
		}
		audit->is_stuck = 1;
		if (fd != -1) {
			(void)unlink(fresh);
		}
		close_fd(&fd);
		return;
	}
	(void)fdatasync(audit->fd);
	close_fd(&audit->fd);
	audit->fd = fd;
	audit->size = 0;
	audit->is_stuck = 0;
}

static void
tell_journal(struct audit *audit, const char *fields, const char *line,
    size_t len)
{
	if (audit->journal != NULL && audit->has_lines) {
		int r = journal_send(audit->journal, 6, fields, line, len);

		audit->missed += r != 0 && r != ERR_NOENT;
	}
}

/* 0, ERR_NOMEM or ERR_SYS: it was not written. */
static int
write_line(struct audit *audit, const char *fields, const char *text,
    size_t len)
{
	char *line = malloc(len + CHAIN_ROOM + 1);
	uint8_t mac[32];
	long n = (long)len;
	int r;

	if (line == NULL) {
		return ERR_NOMEM;
	}
	if (audit->chain != NULL) {
		n = chain_line(&audit->chain->chain, text, len, line,
		    len + CHAIN_ROOM, mac);
		if (n < 0) {
			free(line);
			return (int)n;
		}
	} else {
		memcpy(line, text, len);
	}
	line[n] = '\n';
	r = audit_append(audit, line, (size_t)n + 1);
	if (r == 0) {
		audit->count++;
		if (audit->chain != NULL &&
		    audit_chain_next(audit->chain, mac) != 0) {
			log_warn("write the state of the audit log");
		}
		tell_journal(audit, fields, line, (size_t)n);
	}
	free(line);
	return r;
}

static void
begin_file(struct audit *audit)
{
	rotate(audit);
	if (audit->size == 0 && audit->chain != NULL) {
		audit_own_continued(audit);
	}
}

/* Before a line of that length. What cannot be rotated is tried again each
 * second, not for each line. */
static void
make_room(struct audit *audit, size_t len)
{
	if (audit->limit != 0 && audit->size != 0 && !audit->is_failing &&
	    !audit->is_stuck &&
	    audit->size + len + CHAIN_ROOM > audit->limit) {
		begin_file(audit);
	}
}

static void
wait_for_room(struct audit *audit, const char *text, size_t len)
{
	struct audit_wait *e = NULL;

	if (audit->waiting + len + sizeof(*e) <= AUDIT_WAIT_BYTES) {
		e = malloc(sizeof(*e) + len);
	}
	if (e == NULL) {
		audit->lost++;
		audit->failed++;
		return;
	}
	e->next = NULL;
	e->len = len;
	memcpy(e->text, text, len);
	audit->waiting += len + sizeof(*e);
	audit->nwait++;
	if (audit->last != NULL) {
		audit->last->next = e;
	} else {
		audit->first = e;
	}
	audit->last = e;
}

void
audit_put(struct audit *audit, const char *fields, const char *text,
    size_t len)
{
	make_room(audit, len);
	if (!audit->is_failing) {
		if (write_line(audit, fields, text, len) == 0) {
			return;
		}
		log_warn("write %s: no device is given away until that can "
			 "be done again; lines wait", audit->path);
		audit->is_failing = 1;
		audit->nwait = audit->lost = 0;
	}
	wait_for_room(audit, text, len);
}

void
audit_own(struct audit *audit, const char *outcome, const char *members)
{
	char when[32], text[512];
	int n = snprintf(text, sizeof(text),
	    "{\"time\":\"%s\",\"mono_ms\":%llu,\"event\":\"audit\","
	    "\"outcome\":\"%s\"%s}",
	    clock_rfc3339(when, sizeof(when), clock_wall()),
	    (unsigned long long)(clock_mono() / CLOCK_MSEC), outcome,
	    members);

	audit_put(audit, "SALLYPORT_EVENT=audit\n", text, (size_t)n);
}

/* Those that wait, as far as there is room. */
static void
try_again(struct audit *audit)
{
	struct audit_wait *e;
	char text[96];

	while ((e = audit->first) != NULL) {
		if (write_line(audit, "", e->text, e->len) != 0) {
			return;
		}
		audit->first = e->next;
		audit->last = e->next != NULL ? audit->last : NULL;
		audit->waiting -= e->len + sizeof(*e);
		free(e);
	}
	audit->is_failing = 0;
	log_infox("write %s: works again; %llu lines waited, %llu were lost",
	    audit->path, (unsigned long long)audit->nwait,
	    (unsigned long long)audit->lost);
	(void)snprintf(text, sizeof(text),
	    ",\"waited\":\"%llu\",\"lost\":\"%llu\"",
	    (unsigned long long)audit->nwait,
	    (unsigned long long)audit->lost);
	audit_own(audit, "resumed", text);
}

/* ------------------------------------------------------------------------ */
/* From time to time                                                        */

void
audit_head(struct audit *audit)
{
	struct chain_head head;
	char text[CHAIN_HEAD_TEXT];
	int r;

	audit->is_head_due = 0;
	if (audit->chain == NULL || audit->journal == NULL) {
		return;
	}
	memcpy(head.id, audit->chain->chain.id, CHAIN_ID);
	head.count = audit->chain->chain.seq;
	memcpy(head.mac, audit->chain->last, 32);
	(void)chain_head_print(text, &head);
	r = journal_send(audit->journal, 5, "SALLYPORT_AUDIT=head\n", text,
	    strlen(text));
	audit->is_head_due = r == ERR_AGAIN;
}

void
audit_beat(struct audit *audit)
{
	if (audit->is_failing) {
		try_again(audit);
	} else if (audit->is_stuck) {
		begin_file(audit);
	}
	if (++audit->ticks >= HEAD_EACH) {
		audit->ticks = 0;
		audit->is_head_due = 1;
	}
	if (audit->is_head_due) {
		audit_head(audit);
	}
}

int
audit_renew(struct audit *audit, char text[CHAIN_KEY_TEXT])
{
	int r;

	if (audit->is_failing) {
		return ERR_SYS;
	}
	audit_own_chain(audit, "ended", "");
	audit_head(audit);
	r = audit_chain_renew(audit->chain);
	audit_own_chain(audit, r == 0 ? "begun" : "continued",
	    r == 0 ? "" : ",\"kept_from\":\"0\"");
	return r == 0 ? audit_chain_take(audit->chain, text) : r;
}

void
audit_close(struct audit *audit)
{
	while (audit->first != NULL) {
		struct audit_wait *e = audit->first;

		audit->first = e->next;
		free(e);
	}
	audit->last = NULL;
	audit_chain_free(audit->chain);
	audit->chain = NULL;
	journal_free(audit->journal);
	audit->journal = NULL;
	close_fd(&audit->fd);
}
