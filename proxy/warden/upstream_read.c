/*
 * The audit log, read behind the warden's own back: file by file, the oldest
 * first, by number and chain, so that a gap is seen and nothing is sent twice.
 *
 *  1. The file of the mark is opened, or, when rotation removed it, the oldest
 *     that goes on after it; what lies between is counted as lost.
 *  2. Whole lines are taken as far as there is room and the chain is the same,
 *     and synced to the disk.
 *  3. At the end of a file that is not written to any more the next one is taken.
 */
#include "proxy/warden/upstream.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/chain.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sealed.h"
#include "proxy/warden/audit.h"

#define STATE "upstream.json"
#define HEAD_MAX 512

/* A line that says which chain it is of; what is text in a line has no quote
 * that is not escaped, and cannot look like this. */
static int
chain_said(char chain[IPC_CHAIN], const char *line, size_t len)
{
	static const char *const said[] = {
		"\"event\":\"audit\",\"outcome\":\"begun\",\"chain\":\"",
		"\"event\":\"audit\",\"outcome\":\"continued\",\"chain\":\"",
	};

	for (size_t i = 0; i < ARRAY_LEN(said); i++) {
		size_t n = strlen(said[i]);
		const char *p = memmem(line, len, said[i], n);

		if (p != NULL &&
		    len - (size_t)(p - line) >= n + IPC_CHAIN - 1) {
			memcpy(chain, p + n, IPC_CHAIN - 1);
			chain[IPC_CHAIN - 1] = '\0';
			return strspn(chain, "0123456789abcdef") ==
			    IPC_CHAIN - 1;
		}
	}
	return 0;
}

/* The mark goes on at that line; numbers between are lines that nobody gets. */
static void
step(struct upstream_mark *m, const char *chain, uint64_t seq)
{
	if (strcmp(m->chain, chain) != 0) {
		if (*m->chain != '\0') {
			m->lost += seq;
		}
		(void)snprintf(m->chain, sizeof(m->chain), "%s", chain);
		m->seq = seq;
	} else if (seq > m->seq) {
		m->lost += seq - m->seq;
		m->seq = seq;
	}
}

/* ------------------------------------------------------------------------ */
/* Files                                                                    */

struct head {
	char chain[IPC_CHAIN];
	uint64_t seq;
};

/* The first line of the nth file: 0, or ERR_NOENT. */
static int
head_of(const struct audit *audit, unsigned n, struct head *out)
{
	static const char begin[] = "{\"seq\":";
	char path[PATH_MAX], text[HEAD_MAX];
	int fd = open(audit_nth_path(audit, n, path),
	    O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t len = fd != -1 ? pread(fd, text, sizeof(text), 0) : -1;
	size_t skip = sizeof(begin) - 1, all = len > 0 ? (size_t)len : 0;
	char *end = all > 0 ? memchr(text, '\n', all) : NULL;

	close_fd(&fd);
	if (end == NULL || all <= skip || memcmp(text, begin, skip) != 0 ||
	    chain_number(&out->seq, text + skip, all - skip) == 0 ||
	    !chain_said(out->chain, text, (size_t)(end - text))) {
		return ERR_NOENT;
	}
	return 0;
}

struct places {
	int is, after; /* the mark's own, and the one behind that; -1 */
	int next;      /* the oldest that begins behind it, of its chain */
	int before;    /* the youngest that begins before it */
	int other;     /* the oldest of another chain */
	struct head heads[99 + 1];
};

static void
look(const struct upstream_reader *r, struct places *p)
{
	const struct upstream_mark *m = &r->mark;

	p->is = p->after = p->next = p->before = p->other = -1;
	for (int n = (int)r->audit->files - 1; n >= 0; n--) {
		struct head *h;

		if (n >= (int)ARRAY_LEN(p->heads) ||
		    head_of(r->audit, (unsigned)n, &p->heads[n]) != 0) {
			continue;
		}
		h = &p->heads[n];
		if (p->is != -1 && p->after == -1) {
			p->after = n;
		}
		if (strcmp(h->chain, m->file_chain) == 0 &&
		    h->seq == m->file_seq) {
			p->is = n;
		}
		if (strcmp(h->chain, m->chain) != 0) {
			p->other = p->other == -1 ? n : p->other;
		} else if (h->seq < m->seq) {
			p->before = n;
		} else if (p->next == -1) {
			p->next = n;
		}
	}
}

static int
open_nth(struct upstream_reader *r, int n, const struct head *h, uint64_t at)
{
	char path[PATH_MAX];
	int fd = open(audit_nth_path(r->audit, (unsigned)n, path),
	    O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd == -1) {
		log_warn("open %s", path);
		return ERR_SYS;
	}
	close_fd(&r->fd);
	r->fd = fd;
	memcpy(r->mark.file_chain, h->chain, IPC_CHAIN);
	r->mark.file_seq = h->seq;
	r->mark.at = at;
	return 0;
}

/* at is behind a line of that file. */
static int
is_between(int fd, uint64_t at)
{
	char c = '\n';

	return at == 0 ||
	    (at <= INT64_MAX && pread(fd, &c, 1, (off_t)at - 1) == 1 &&
		c == '\n');
}

enum whence { WHERE_IT_IS, BEHIND_IT };

/* Opens the file that the mark is in, or goes on in. ERR_AGAIN: there is none
 * yet. */
static int
locate(struct upstream_reader *r, enum whence whence)
{
	struct places p;
	int n, r2;

	look(r, &p);
	if (p.is != -1 && whence == WHERE_IT_IS) {
		r2 = open_nth(r, p.is, &p.heads[p.is], r->mark.at);
		if (r2 == 0 && !is_between(r->fd, r->mark.at)) {
			r->mark.at = 0; /* what it had is skipped by number */
		}
		return r2;
	}
	n = p.is != -1	    ? p.after :
	    p.before != -1 && whence == WHERE_IT_IS ? p.before :
	    p.next != -1    ? p.next :
			      p.other;
	if (n == -1) {
		return ERR_AGAIN;
	}
	r2 = open_nth(r, n, &p.heads[n], 0);
	if (r2 == 0 && n != p.before) {
		step(&r->mark, p.heads[n].chain, p.heads[n].seq);
	}
	return r2;
}

static int
is_present(const struct upstream_reader *r)
{
	struct stat ours, now;

	return fstat(r->fd, &ours) == 0 && stat(r->audit->path, &now) == 0 &&
	    ours.st_dev == now.st_dev && ours.st_ino == now.st_ino;
}

void
upstream_check(struct upstream_reader *r)
{
	struct stat st;

	if (r->fd != -1 && fstat(r->fd, &st) == 0 && st.st_nlink == 0) {
		close_fd(&r->fd);
		(void)locate(r, WHERE_IT_IS);
	}
}

/* ------------------------------------------------------------------------ */
/* Lines                                                                    */

/* What is whole of n bytes at buf: kept at its beginning, as far as it is to be
 * sent and is no more than most. How many bytes were used up; *len how many are
 * kept. */
static size_t
take_lines(struct upstream_mark *m, char *buf, size_t n, size_t most,
    size_t *len, struct upstream_batch *out)
{
	struct chain_parts parts;
	char chain[IPC_CHAIN];
	size_t at = 0, size;
	char *end;

	*len = 0;
	while (at < n && (end = memchr(buf + at, '\n', n - at)) != NULL) {
		size = (size_t)(end - (buf + at)) + 1;
		if (chain_split(&parts, buf + at, size - 1) != 0 ||
		    memchr(buf + at, '\0', size) != NULL) {
			at += size; /* torn by a power cut: it has no number */
			continue;
		}
		if (!chain_said(chain, buf + at, size)) {
			memcpy(chain, m->chain, sizeof(chain));
		}
		if (*len > 0 &&
		    (strcmp(chain, m->chain) != 0 || *len + size > most)) {
			break;
		}
		if (*chain != '\0' &&
		    (strcmp(chain, m->chain) != 0 || parts.seq >= m->seq)) {
			step(m, chain, parts.seq);
			out->first = *len == 0 ? parts.seq : out->first;
			out->last = parts.seq;
			m->seq++;
			m->sent++;
			memmove(buf + *len, buf + at, size);
			*len += size;
		}
		at += size;
	}
	memcpy(out->chain, m->chain, sizeof(out->chain));
	return at;
}

/* From the file that is open: 0, or ERR_AGAIN: none are there. */
static int
read_file(struct upstream_reader *r, char *buf, struct upstream_batch *out)
{
	struct upstream_mark m = r->mark;
	size_t used = 0, len = 0;
	ssize_t n;

	out->begin = m;
	do {
		n = pread(r->fd, buf, UPSTREAM_BATCH, (off_t)m.at);
		if (n == -1) {
			return ERR_SYS;
		}
		used = take_lines(&m, buf, (size_t)n, r->most, &len, out);
		m.at += used;
	} while (len == 0 && used > 0);
	if (len == 0) {
		r->mark.at = m.at;
		return ERR_AGAIN;
	}
	out->is_more = used < (size_t)n || (size_t)n == UPSTREAM_BATCH;
	out->len = (uint32_t)len;
	buf[len] = '\0';
	/* a line that the server has and a power cut takes from here would
	 * leave its number to another one */
	if (fdatasync(r->fd) == -1 ||
	    sealed_new(&out->fd, (uint8_t *)buf, len + 1) != 0) {
		return ERR_SYS;
	}
	r->mark = m;
	return 0;
}

int
upstream_read(struct upstream_reader *r, struct upstream_batch *out)
{
	char *buf;
	int ret;

	*out = (struct upstream_batch){.fd = -1};
	upstream_check(r);
	ret = r->fd != -1 ? 0 : locate(r, WHERE_IT_IS);
	if (ret != 0) {
		return ret;
	}
	buf = malloc(UPSTREAM_BATCH + 1);
	if (buf == NULL) {
		return ERR_NOMEM;
	}
	ret = read_file(r, buf, out);
	for (unsigned i = 0;
	     ret == ERR_AGAIN && i <= r->audit->files && !is_present(r); i++) {
		ret = locate(r, BEHIND_IT);
		if (ret != 0) {
			break;
		}
		ret = read_file(r, buf, out);
	}
	/* the next file has what is behind this one */
	out->is_more |= ret == 0 && !is_present(r);
	free(buf);
	return ret;
}

struct upstream_mark
upstream_first(const struct upstream_batch *batch)
{
	struct upstream_mark m = batch->begin;

	memcpy(m.chain, batch->chain, sizeof(m.chain));
	m.seq = batch->first;
	return m;
}

/* What is left of its text, behind a mark. Where in the file that is it does not
 * know, as lines may be missing in the text: the rest is found by its numbers. */
static int
cut(struct upstream_reader *r, struct upstream_batch *batch, char *buf,
    size_t most)
{
	struct upstream_mark m = batch->begin;
	struct upstream_batch left = *batch;
	size_t len;

	(void)take_lines(&m, buf, batch->len, most, &len, &left);
	if (len == batch->len) {
		return ERR_LIMIT;
	}
	buf[len] = '\0';
	if (sealed_new(&left.fd, (uint8_t *)buf, len + 1) != 0) {
		return ERR_SYS;
	}
	left.len = (uint32_t)len;
	left.is_more = 1;
	close_fd(&batch->fd);
	*batch = left;
	r->mark = m;
	r->most = most;
	close_fd(&r->fd); /* it may be another one's by now */
	return 0;
}

int
upstream_halve(struct upstream_reader *r, struct upstream_batch *batch)
{
	char *buf = malloc((size_t)batch->len + 1);
	int ret = ERR_NOMEM;

	if (buf != NULL) {
		ret = pread(batch->fd, buf, batch->len, 0) ==
			(ssize_t)batch->len ?
		    cut(r, batch, buf, batch->len / 2) :
		    ERR_SYS;
	}
	free(buf);
	return ret;
}

/* ------------------------------------------------------------------------ */
/* Over a restart                                                           */

int
upstream_load(struct upstream_mark *m, const char *dir)
{
	char path[PATH_MAX];
	json_error_t error;
	const char *chain, *file;
	json_int_t seq, lost, sent, file_seq, at;
	json_t *o;
	int r = ERR_FORMAT;

	*m = (struct upstream_mark){0};
	(void)snprintf(path, sizeof(path), "%s/" STATE, dir);
	if (access(path, F_OK) == -1 && errno == ENOENT) {
		return ERR_NOENT;
	}
	o = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	if (o != NULL &&
	    json_unpack(o, "{s:s,s:I,s:I,s:I,s:s,s:I,s:I}", "chain", &chain,
		"seq", &seq, "lost", &lost, "sent", &sent, "file_chain", &file,
		"file_seq", &file_seq, "at", &at) == 0 &&
	    strlen(chain) == IPC_CHAIN - 1 && strlen(file) == IPC_CHAIN - 1 &&
	    seq >= 0 && lost >= 0 && sent >= 0 && file_seq >= 0 && at >= 0) {
		memcpy(m->chain, chain, IPC_CHAIN);
		memcpy(m->file_chain, file, IPC_CHAIN);
		m->seq = (uint64_t)seq;
		m->lost = (uint64_t)lost;
		m->sent = (uint64_t)sent;
		m->file_seq = (uint64_t)file_seq;
		m->at = (uint64_t)at;
		r = 0;
	}
	json_decref(o);
	return r;
}

int
upstream_save(const struct upstream_mark *m, const char *dir)
{
	char path[PATH_MAX], fresh[PATH_MAX], text[512];
	int len, fd, r = 0;

	(void)snprintf(path, sizeof(path), "%s/" STATE, dir);
	(void)snprintf(fresh, sizeof(fresh), "%s/" STATE ".new", dir);
	len = snprintf(text, sizeof(text),
	    "{\"chain\":\"%s\",\"seq\":%llu,\"lost\":%llu,\"sent\":%llu,"
	    "\"file_chain\":\"%s\",\"file_seq\":%llu,\"at\":%llu}\n",
	    m->chain, (unsigned long long)m->seq, (unsigned long long)m->lost,
	    (unsigned long long)m->sent, m->file_chain,
	    (unsigned long long)m->file_seq, (unsigned long long)m->at);
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
	    0600);
	if (fd == -1 || write(fd, text, (size_t)len) != len ||
	    fdatasync(fd) == -1 || rename(fresh, path) == -1) {
		log_warn("write %s", path);
		r = ERR_SYS;
	}
	close_fd(&fd);
	return r;
}
