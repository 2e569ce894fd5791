/*
 * Lines of the audit log for a server, in the warden. The log itself is what they
 * wait in: what rotation removes before the server had it is lost, and counted.
 *
 *   upstream.c      when to send, and what became of it
 *   upstream_read.c the next lines, from where the server has them
 *   upstream_status.c a line of how the gateway is, now and then
 */
#ifndef PROXY_WARDEN_UPSTREAM_H
#define PROXY_WARDEN_UPSTREAM_H

#include "proxy/warden/warden.h"

/* One batch; a line has room in it whatever it says. */
#define UPSTREAM_BATCH (1024u * 1024u)

/* How far it was read. A file is known by its first line, wherever rotation has
 * put it meanwhile. */
struct upstream_mark {
	char chain[IPC_CHAIN]; /* "" = nothing yet */
	uint64_t seq;	       /* of the next line */
	uint64_t lost;	       /* lines before it that were never read */
	uint64_t sent;	       /* lines before it that were */
	char file_chain[IPC_CHAIN];
	uint64_t file_seq, at; /* its first line; bytes of it that are read */
};

struct upstream_batch {
	int fd; /* owned, sealed text; -1 = none */
	char chain[IPC_CHAIN];
	uint64_t first, last;
	uint32_t len;
	int is_more; /* lines wait behind it */
	struct upstream_mark begin; /* where they were read from */
};

struct upstream_reader {
	const struct audit *audit; /* borrowed */
	int fd;			   /* owned, -1; the file of the mark */
	size_t most; /* bytes of a batch, but one line has always room */
	struct upstream_mark mark;
};

/* The next lines, all of one chain; the mark stands behind them. ERR_AGAIN: there
 * are none. ERR_NOMEM or ERR_SYS: the mark is as it was. */
int upstream_read(struct upstream_reader *r, struct upstream_batch *out);
/* The mark before a batch, where there was none yet: from here on lines are lost. */
struct upstream_mark upstream_first(const struct upstream_batch *batch);
/* Of a batch only the first lines are left in it, at most half of its bytes, and
 * the mark stands behind those; most is as much from now on. ERR_LIMIT: it is one
 * line; ERR_NOMEM or ERR_SYS. On error all is as it was. */
int upstream_halve(struct upstream_reader *r, struct upstream_batch *batch);
/* Whether its file was rotated away: then what was lost is counted now. */
void upstream_check(struct upstream_reader *r);
/* What the server has, for the next start: DIR/upstream.json. 0, ERR_NOENT: there
 * is none; ERR_FORMAT; ERR_SYS. */
int upstream_load(struct upstream_mark *mark, const char *dir);
int upstream_save(const struct upstream_mark *mark, const char *dir);

/* The server took a batch, wanted a smaller one, or did not take it. */
enum upstream_post { POST_TAKEN, POST_TOO_LARGE, POST_FAILED, POSTS };

struct upstream {
	struct upstream_reader reader;
	struct upstream_mark taken; /* what the server has */
	struct upstream_batch batch; /* the same one until it has it */
	struct upstream_mark batch_end; /* what it has then */
	uint32_t conn; /* of the process; 0 = none */
	int chan;      /* owned; -1 */
	struct loop_io *io;
	struct loop_timer *next, *limit;
	struct loop_timer *status; /* NULL: nobody wants that */
	uint64_t next_at;  /* clock_mono */
	unsigned failures; /* in a row */
	unsigned fits;	   /* in a row, with no more in one than now */
	int is_hurried;	   /* again, as soon as this one is over */
	uint64_t posts[POSTS]; /* what became of them */
	uint64_t told;	   /* lost lines that the log has */
	uint64_t taken_at; /* clock_wall; 0 = not yet */
	uint64_t failing;  /* clock_wall since when; 0 = it is not */
	char error[4 * IPC_TEXT + 1];
};

/* A line of how the gateway is, now, and each [upstream] status seconds: 0 or
 * ERR_NOMEM. */
void upstream_tell_status(struct warden *w);
int upstream_start_status(struct warden *w);

#endif
