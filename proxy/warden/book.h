/*
 * The book: what the warden must still know after it was started again. For
 * each plug of a device when it was plugged in, whether for the first time, which
 * rules have given it away and for whom it is held; which devices were seen; when
 * rules were counted; and what was asked of people. Kept in state.json. Knows no
 * sessions and no rules: people, devices and rules are numbers here.
 *
 * Inside, ends are times of clock_mono; in the file they are Unix seconds.
 */
#ifndef PROXY_WARDEN_BOOK_H
#define PROXY_WARDEN_BOOK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "wire/usbip.h"

/* SHA-256 of an identity, or of what makes a device that device. */
#define BOOK_KEY 32
#define BOOK_SEEN_KEY 16
#define BOOK_SERIAL 20	/* bytes of a certificate's serial number, at most */
#define BOOK_WHO 128	/* a name for people, escaped */
#define BOOK_NAME 1856	/* a stable name */
#define BOOK_WORD 64	/* who approves */
#define BOOK_BOOT 37	/* the kernel's boot_id, with its NUL */

#define BOOK_SEEN_MAX 10000u
#define BOOK_PLUGS_MAX 1024u
#define BOOK_HAD_MAX 64u
#define BOOK_COUNTERS_MAX 4096u
#define BOOK_ASKS_MAX 256u

/* A device stays reserved for whom it had last. */
struct hold {
	uint8_t who[BOOK_KEY];
	char name[BOOK_WHO]; /* of that identity, for people */
	/* By which certificate: its issuer's key and its serial number; 0 bytes
	 * of that = not known. */
	uint8_t issuer_key[BOOK_KEY], serial[BOOK_SERIAL];
	uint8_t serial_len;
	uint64_t rule;
	uint32_t length; /* seconds; 0 = there is none */
	/* 0: a lease is in force, of which this will be the hold. A process
	 * that dies in between leaves it on disk. */
	uint64_t ends;
};

/* One stay of a device in one socket: boot, bus id and device number. */
struct plug {
	TAILQ_ENTRY(plug) entry;
	char busid[USBIP_BUSID_SIZE];
	unsigned devnum;
	int64_t at; /* Unix seconds */
	int is_here;  /* a device has it now */
	int was_here; /* before this warden: who left it, and how, is unknown */
	int is_named; /* is_first is known */
	int is_first; /* never seen before this plug */
	int is_spent; /* what it had is not known: all that it could */
	uint64_t had[BOOK_HAD_MAX]; /* rules that gave it away */
	unsigned nhad;
	struct hold hold;
};
TAILQ_HEAD(plug_list, plug);

struct counter {
	uint64_t rule;
	int64_t evaluated, applied; /* Unix seconds, 0 = never */
};

struct seen {
	uint8_t key[BOOK_SEEN_KEY];
};

enum ask_state {
	ASK_OPEN,     /* nobody has answered so far */
	ASK_APPROVED, /* until it ends */
	ASK_DENIED,   /* likewise; then it may be asked again */
};

struct ask {
	TAILQ_ENTRY(ask) entry;
	unsigned id; /* for people */
	enum ask_state state;
	uint8_t who[BOOK_KEY], device[BOOK_KEY];
	uint64_t rule;
	uint64_t ends; /* 0 = when the device is unplugged */
	uint32_t within, valid; /* seconds, as the rule says; 0 = not */
	char busid[USBIP_BUSID_SIZE]; /* of that plug */
	unsigned devnum;
	char name[BOOK_WHO];	   /* who asks, for people */
	char device_name[BOOK_NAME];
	char approver[BOOK_WORD];
};
TAILQ_HEAD(ask_list, ask);

/* Devices that only an operator lets go. */
#define BOOK_QUARANTINE_MAX 256u
struct quarantined {
	uint8_t device[BOOK_KEY];
	char name[BOOK_NAME]; /* stable, for people */
	int64_t since; /* Unix seconds */
};

/* What a device used up of a quota of a profile. */
#define BOOK_QUOTAS_MAX 1024u
#define BOOK_QUOTAS_EACH 32u
struct quota {
	uint8_t device[BOOK_KEY];
	char profile[BOOK_WORD], name[BOOK_WORD];
	uint64_t used; /* bytes */
	int64_t since; /* Unix seconds: its period began */
};

struct book {
	char boot[BOOK_BOOT];
	uint8_t seed[32]; /* of draws */
	int was_bad; /* the file could not be read: what it held counts as
			used up, for every plug from before */
	int is_dirty;
	struct plug_list plugs;
	unsigned nplugs;
	struct ask_list asks;
	unsigned nasks, next_ask;
	struct seen *seen; /* owned; the oldest first */
	unsigned nseen;
	struct counter counters[BOOK_COUNTERS_MAX];
	unsigned ncounters;
	struct quarantined *quarantine; /* owned; the oldest first */
	unsigned nquarantine;
	struct quota *quotas; /* owned; that used last is the last */
	unsigned nquotas;
};

/* An empty one of that boot, with a seed. NULL with errno. */
struct book *book_new(const char *boot);
void book_free(struct book *book);

/* The plug of that device; made when there is none, now being Unix seconds.
 * Another of the same bus id is over. NULL: no memory, or too many. */
struct plug *book_plug(
    struct book *book, const char *busid, unsigned devnum, int64_t now);
/* It was unplugged: with it goes what counted for as long as it is there. */
void book_unplug(struct book *book, struct plug *plug);
/* After the first look around: what is not here was unplugged meanwhile. */
void book_purge(struct book *book);

/* Notes that the device is here. 1 when it never was before. */
int book_see(struct book *book, const uint8_t key[BOOK_SEEN_KEY]);

void plug_had(struct book *book, struct plug *plug, uint64_t rule);
int plug_has_had(const struct plug *plug, uint64_t rule);
/* Whether it is reserved for hold.who now. */
int plug_is_held(const struct plug *plug);
/* Ends holds that are over. Whether there was one. */
int book_expire_holds(struct book *book, uint64_t mono);

int64_t book_counted(const struct book *book, uint64_t rule, int applied);
void book_count(struct book *book, uint64_t rule, int applied, int64_t now);

/* 0..UINT32_MAX, the same for a plug, an identity and a rule. */
uint32_t book_draw(const struct book *book, const struct plug *plug,
    const uint8_t who[BOOK_KEY], uint64_t rule);

/* The latest about that, or NULL. */
struct ask *book_find_ask(struct book *book, const uint8_t who[BOOK_KEY],
    const uint8_t device[BOOK_KEY], uint64_t rule);
struct ask *book_ask_by_id(struct book *book, unsigned id);
/* An open one, to be filled; NULL: no memory, or too many of this identity
 * or in all. */
struct ask *book_new_ask(struct book *book, const uint8_t who[BOOK_KEY]);
void book_drop_ask(struct book *book, struct ask *ask);

/* book_limits.c: quarantine and quotas. */
/* Beyond its bound the oldest one is let go: a bound that never is met. */
void book_quarantine(struct book *book, const uint8_t device[BOOK_KEY],
    const char *name, int64_t now);
int book_is_quarantined(
    const struct book *book, const uint8_t device[BOOK_KEY]);
/* By number. 0; ERR_NOENT. */
int book_clear(struct book *book, unsigned i);
void book_set_quota(struct book *book, const uint8_t device[BOOK_KEY],
    const char *profile, const char *name, uint64_t used, int64_t since);
/* Number i of a device, NULL past the last. */
const struct quota *book_quota(
    const struct book *book, const uint8_t device[BOOK_KEY], unsigned i);

/* book_json.c: the file's text. */
/* To be freed; NULL when out of memory. */
char *book_dump(const struct book *book, uint64_t mono, int64_t now);
/* Into an empty book. 0; ERR_FORMAT with why: the book must be freed. Plugs and
 * what hangs on them are left out when the boot is another. */
int book_parse(struct book *book, const char *text, size_t len, uint64_t mono,
    int64_t now, char *why, size_t size);

/* book_file.c: the file. */
/* Reads dir/state.json. One that is not there gives an empty book. One that
 * cannot be read is set aside as state.json.bad, and the book is empty with
 * was_bad. NULL with errno: there is no directory, or no memory. */
struct book *book_open(const char *dir);
/* Writes it when it is dirty: a new file, synced, in place of the old. 0, or
 * ERR_SYS, ERR_NOMEM after a log line; it stays dirty. */
int book_save(struct book *book, const char *dir);

#endif
