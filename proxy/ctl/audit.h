/*
 * `sallyctl audit': checks audit logs, searches them, and takes the first key of
 * a chain. What it reads may have been written by somebody hostile.
 */
#ifndef PROXY_CTL_AUDIT_H
#define PROXY_CTL_AUDIT_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/chain.h"

/* audit_check.c: whether lines are what the gateway wrote. Pure. */
#define AUDIT_HEADS_MAX (1024u * 1024u)
#define AUDIT_KEYS_MAX 64u

enum audit_tone {
	AUDIT_WRONG, /* somebody changed something */
	AUDIT_NOTE,  /* worth knowing */
	AUDIT_BLIND, /* what cannot be known of these files */
};

/* file is "" and line 0 where it is about all of them. */
typedef void audit_say(void *arg, enum audit_tone tone, const char *file,
    uint64_t line, const char *text);

struct audit_check {
	/* filled by the caller, borrowed, and unchanged until the end */
	const struct chain *keys; /* of chains, at any of their lines */
	size_t nkeys;
	struct chain_head *heads; /* in any order; is sorted */
	size_t nheads;
	int is_partial; /* that other files are kept is no finding */
	audit_say *say;
	void *arg;

	/* what was found */
	uint64_t lines;	   /* of chains */
	uint64_t proven;   /* of them under a key */
	uint64_t bare;	   /* before the first chain: without any proof */
	uint64_t wrong;	   /* findings */
	unsigned nchains;
	struct chain key;  /* of the present chain, at the line that is next */
	int has_key;

	/* its own */
	const char *file;
	uint64_t line;
	int has_chain, has_id, is_stop;
	uint8_t id[CHAIN_ID];
	uint64_t first, next; /* numbers: the first seen, the next expected */
	uint64_t kept_from;   /* as the last rotation said; 0 = nothing */
	uint64_t budget;      /* hashes for numbers that may be lies */
	size_t head;	      /* the next one that counts */
};

/* After the caller's members were filled, and the others are 0. */
void audit_check_begin(struct audit_check *check);
void audit_check_file(struct audit_check *check, const char *name);
/* A line without its end. */
void audit_check_line(struct audit_check *check, const char *text, size_t len);
/* One that was too long, or had no end. */
void audit_check_torn(struct audit_check *check);
void audit_check_end(struct audit_check *check);

/* audit_search.c: lines that are about something. Pure. */
struct audit_query {
	/* patterns of fnmatch(3), NULL = whatever it is */
	const char *device, *identity, *rule, *event;
	const char *since, *until; /* RFC 3339, or the beginning of it */
};
/* Whether o, which may be any JSON, is such a line. */
int audit_query_matches(const struct audit_query *query, const json_t *o);
/* A line for people, printable; NULL: no memory. */
char *audit_query_text(const json_t *o);

/* audit_files.c: lines of files. */
#define AUDIT_PATH "/var/log/sallyport/audit.jsonl"
typedef void audit_line(void *arg, const char *text, size_t len);
struct audit_files {
	size_t n;
	struct audit_file {
		char *name; /* owned */
		int fd;	    /* owned */
		unsigned long number; /* of rotation; 0 = none */
	} *v;
};
/* Opens them all, the oldest first: those that were named, or the log of this
 * machine. 0, or an exit status after saying why. */
int audit_files_open(struct audit_files *files, char **names, int n);
void audit_files_close(struct audit_files *files);
/* Each line; torn is told of those without an end, or longer than
 * CHAIN_LINE_MAX. 0, or logged. */
int audit_file_read(const struct audit_file *file, audit_line *line,
    void (*torn)(void *arg), void *arg);

/* audit.c: the command; argv[optind] was not looked at. An exit status. */
int audit_main(int argc, char **argv);

#endif
