/*
 * Where audit lines go: the file, its chain, the journal. For audit.c and the
 * tests; it knows neither devices nor sessions.
 *
 *   audit.c        what a line says
 *   audit_file.c   appends it, rotates, keeps lines while a disk is full
 *   audit_resume.c goes on where it ended
 *   audit_chain.c  the key of the next line, over restarts
 *   journal.c      the copy for journald
 */
#ifndef PROXY_WARDEN_AUDIT_H
#define PROXY_WARDEN_AUDIT_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#include "base/chain.h"

struct loop_timer;

/* The chain, and what of it must outlive the warden: audit.chain below the
 * state directory. */
struct audit_chain {
	struct chain chain;
	uint8_t last[32]; /* MAC of the line before; 0 when there is none */
	uint8_t first[CHAIN_KEY]; /* until somebody took it */
	int has_first;
	int fd; /* owned */
};

/* audit_chain.c. The one in dir; *is_new: none was there, or (told in the log)
 * it could not be read, and another began. NULL: logged. */
struct audit_chain *audit_chain_open(const char *dir, int *is_new);
void audit_chain_free(struct audit_chain *c);
/* Begins another one. 0, or ERR_SYS and the one before goes on. */
int audit_chain_renew(struct audit_chain *c);
/* A line was written, with that MAC: its key is forgotten. 0 or ERR_SYS: its
 * file still has the key. */
int audit_chain_next(struct audit_chain *c, const uint8_t mac[32]);
/* The first key, as sallyctl keeps it; it is nowhere any more after that.
 * ERR_NOENT: it was taken. ERR_SYS: it could not be removed, and is not told. */
int audit_chain_take(struct audit_chain *c, char text[CHAIN_KEY_TEXT]);

/* journal.c: journald's native protocol. */
#define JOURNAL_SOCKET "/run/systemd/journal/socket"
struct journal;
/* path is borrowed. NULL: no memory or no descriptor. */
struct journal *journal_new(const char *path);
void journal_free(struct journal *journal);
/* One entry; fields is text of "NAME=value" lines, or "". Never waits. 0;
 * ERR_NOENT: there is no journald; ERR_AGAIN: it has no room; ERR_LIMIT,
 * ERR_SYS. */
int journal_send(struct journal *journal, unsigned priority,
    const char *fields, const char *message, size_t len);

/* A line that waits for room on the disk. */
struct audit_wait {
	struct audit_wait *next;
	size_t len;
	char text[];
};

/* Lines that may wait: more of them are lost. */
#define AUDIT_WAIT_BYTES (8u * 1024u * 1024u)

struct audit {
	char *path; /* borrowed from the configuration */
	int fd;	    /* owned; -1 = not open */
	uint64_t size;	/* of the file */
	uint64_t limit; /* it is rotated before it is larger; 0 = never */
	unsigned files; /* that are kept, this one included */
	int is_stuck;	/* it could not be rotated: said once */
	struct audit_chain *chain; /* owned; NULL = lines have no MAC */
	struct journal *journal;   /* owned; NULL = none */
	int has_lines; /* all of them go there, not only heads */
	int is_head_due;
	unsigned ticks; /* since the last head */
	struct loop_timer *tick; /* owned */
	uint64_t count;	 /* lines that were written */
	uint64_t failed; /* and that were lost */
	uint64_t missed; /* that the journal had no room for */
	/* Lines that wait, the oldest first; is_failing goes on until all of
	 * them are written. */
	int is_failing;
	struct audit_wait *first, *last; /* owned */
	size_t waiting;	 /* bytes */
	uint64_t nwait, lost; /* lines since is_failing */
	int is_hashed; /* serial numbers, under hash_key */
	uint8_t hash_key[32];
};

/* audit_file.c. 0, or ERR_SYS, logged; also opens it again. */
int audit_open(struct audit *audit, char *path);
/* text is one JSON object; it is written, or waits, or is counted as lost.
 * fields: for the journal. */
void audit_put(struct audit *audit, const char *fields, const char *text,
    size_t len);
/* One of the log's own lines: outcome, and members as they stand in JSON, each
 * with a comma before it. */
void audit_own(struct audit *audit, const char *outcome, const char *members);
/* Each second: tries again what waits; each minute, a head. */
void audit_beat(struct audit *audit);
/* Tells the journal how many lines there are, now. */
void audit_head(struct audit *audit);
/* Begins another chain. text gets its first key, which is nowhere else. 0 or
 * ERR_SYS. */
int audit_renew(struct audit *audit, char text[CHAIN_KEY_TEXT]);
/* Whatever it holds; lines that wait are lost. */
void audit_close(struct audit *audit);
/* Of a line, all or nothing: 0 or ERR_SYS. */
int audit_append(struct audit *audit, const char *line, size_t len);
/* A file of an earlier rotation; n = 0 is the present one. Returns path. */
const char *audit_nth_path(
    const struct audit *audit, unsigned n, char path[PATH_MAX]);
/* audit_own with the chain's name before the members. */
void audit_own_chain(
    struct audit *audit, const char *outcome, const char *members);
/* The file goes on where others end: says which chain that is. */
void audit_own_continued(struct audit *audit);

/* audit_resume.c. The chain of that state directory goes on, or begins. 0, or
 * logged. */
int audit_chain_start(struct audit *audit, const char *state);

#endif
