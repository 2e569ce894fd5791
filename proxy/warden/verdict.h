/*
 * Programs that answer what is asked of a name: for the files verdict*.c alone.
 * A name is an entry of gateway.conf; it has one server at most, a list of asks
 * that wait for a place and one of those that the server has. verdict.c has the
 * servers, verdict_ask.c the lists, verdict_line.c what servers say,
 * verdict_json.c what they are told, verdict_cache.c answers that are good for
 * a while.
 */
#ifndef PROXY_WARDEN_VERDICT_H
#define PROXY_WARDEN_VERDICT_H

#include <jansson.h>

#include "proxy/warden/warden.h"

#define VERDICT_PROTOCOL 1
#define VERDICT_LINE 4096u /* of a server, with its end */
#define VERDICT_REASON 256u
#define VERDICT_VALID_MAX (366u * 86400u) /* seconds */
#define VERDICT_WHY 160u
/* Bytes that a server has not read: it gets no more asks beyond the first
 * bound, and is dropped at the second. */
#define VERDICT_OUT_FULL (64u * 1024u)
#define VERDICT_OUT_MAX (256u * 1024u)
/* Asks that ended without their answer, whose answer may be on its way. */
#define VERDICT_OVERS 256u

/* ------------------------------------------------------------------------ */
/* verdict_line.c: what a server says                                       */

enum verdict_said { SAID_HELLO, SAID_ANSWER, SAID_PONG };
enum verdict_word { WORD_ALLOW, WORD_DENY, WORD_EJECT, WORD_NONE };

struct verdict_line {
	enum verdict_said said;
	long protocol; /* of HELLO, as is name */
	char name[CONF_NAME + 1];
	uint32_t id;                 /* of ANSWER and PONG; not 0 */
	enum verdict_word word;      /* of ANSWER, as is what follows */
	uint32_t valid;              /* seconds; 0 = this once */
	char reason[VERDICT_REASON]; /* hostile, cut */
};

/* (text, len) is a line without its end. 0, or ERR_FORMAT with *why, which is
 * static. */
int verdict_line_parse(
    struct verdict_line *out, const char *text, size_t len, const char **why);
const char *verdict_word_name(enum verdict_word word);

/* ------------------------------------------------------------------------ */

/* An ask that waits for a place, or that the server has. */
struct vask {
	TAILQ_ENTRY(vask) entry;
	unsigned id; /* of the held unit, or of the ask of the book */
	int is_import;
	uint8_t who[BOOK_KEY];
	uint8_t key[32];     /* for the cache */
	uint64_t ends, sent; /* clock_mono; sent 0 = it waits */
	json_t *o;           /* owned: what the server is told */
};
TAILQ_HEAD(vask_list, vask);

struct server {
	TAILQ_ENTRY(server) entry;
	struct verdicts *verdicts;
	struct verdict_name *name; /* NULL until it said hello */
	int fd;                    /* owned */
	struct loop_io *io;
	uid_t uid;
	pid_t pid;
	uint64_t since; /* clock_mono */
	uint64_t since_wall;
	uint64_t pinged; /* clock_mono of the last ping; 0 = none */
	uint32_t ping;   /* its number */
	int is_pinged;   /* its answer is missing */
	unsigned overs[VERDICT_OVERS], next_over; /* ids; 0 = none */
	size_t used;
	char in[VERDICT_LINE];
	char *out; /* owned; what it has not read so far */
	size_t out_len, out_room;
	const char *doomed; /* static: dropped in the next turn of the loop */
};

struct verdict_counts {
	uint64_t asked; /* of the server */
	uint64_t allowed, denied, ejected;
	uint64_t otherwise; /* nobody answered, or not in time */
	uint64_t cached, late;
	uint64_t dropped;        /* servers */
	uint64_t answers, total; /* nanoseconds of those, to their mean */
	uint64_t longest;
};

struct verdict_name {
	struct verdicts *verdicts;
	const struct gateway_verdict *conf;
	uid_t uid;
	struct server *server; /* NULL = nobody serves it */
	struct vask_list waiting, out;
	unsigned nwaiting, nout;
	struct verdict_counts counts;
	char last[VERDICT_WHY]; /* why the last server left; "" = none did */
};

#define VERDICT_CACHE 256u
struct verdict_cached {
	uint8_t key[32];
	enum verdict_word word;
	uint64_t ends; /* clock_mono; 0 = empty */
};

struct verdicts {
	struct warden *warden;
	int fd; /* borrowed: the listener */
	struct loop_io *io;
	struct verdict_name names[GATEWAY_VERDICTS];
	unsigned n;
	TAILQ_HEAD(, server) servers; /* and who has not said hello yet */
	unsigned nservers;
	struct verdict_cached cache[VERDICT_CACHE];
};

/* verdict.c */
struct verdict_name *verdict_find(struct warden *w, const char *name);
/* Takes the object. Never sends, and never drops: who calls may be in the
 * middle of a list. */
void verdict_tell(struct server *server, json_t *o);

/* verdict_ask.c */
/* Sends what waits, as far as there is room. */
void verdict_dispatch(struct verdict_name *name);
/* What a server answered. 0, or ERR_PEER: it has no such ask. */
int verdict_on_answer(struct server *server, const struct verdict_line *line);
/* The server is gone: what it had, and units that wait, get their `else'. */
void verdict_orphan(struct verdict_name *name, const char *why);
void verdict_expire(struct verdict_name *name); /* each second */
void verdict_forget_all(struct verdict_name *name);

/* verdict_json.c: an ask without its deadline; NULL: no memory. */
json_t *verdict_json_unit(const struct held *held);
json_t *verdict_json_import(const struct session *s, const struct device *dev,
    const struct rule_decision *d, unsigned id);

/* verdict_cache.c */
/* What answers are good for: that name and rule, that device whatever socket it
 * is in, that identity. rule is any bytes that name it. 0 or ERR_SYS. */
int verdict_cache_key(uint8_t key[32], const struct verdict_name *name,
    const struct device *dev, const uint8_t who[BOOK_KEY], const void *rule,
    size_t len);
/* 0 with the seconds that are left, or ERR_NOENT. */
int verdict_cache_get(const struct verdicts *verdicts, const uint8_t key[32],
    enum verdict_word *word, uint32_t *left);
void verdict_cache_put(struct verdicts *verdicts, const uint8_t key[32],
    enum verdict_word word, uint32_t seconds);

#endif
