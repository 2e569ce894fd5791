/*
 * What a CA remembers of what it took back: DIR/revoked.json. Knows nothing of
 * keys and signs nothing. Every failure has been said when a function returns
 * -1.
 */
#ifndef CERTS_REVOKED_H
#define CERTS_REVOKED_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "certs/name.h"

#define REVOKED_FILE "revoked.json"
#define REVOKED_SERIAL 20    /* most bytes of a serial number (RFC 5280) */
#define REVOKED_MAX 100000u  /* most entries */
#define REVOKED_DAYS 30	     /* of a list, when nobody says otherwise */

/* RFC 5280 5.3.1, those that last. */
enum revoked_reason {
	REVOKED_UNSPECIFIED = 0,
	REVOKED_KEY_COMPROMISE = 1,
	REVOKED_CA_COMPROMISE = 2,
	REVOKED_AFFILIATION_CHANGED = 3,
	REVOKED_SUPERSEDED = 4,
	REVOKED_CESSATION_OF_OPERATION = 5,
	REVOKED_PRIVILEGE_WITHDRAWN = 9,
};

struct revoked_entry {
	uint8_t serial[REVOKED_SERIAL]; /* no zero byte in front */
	size_t serial_len;
	enum revoked_reason reason;
	time_t at;
	time_t until; /* end of the certificate; 0 = not known */
	char name[NAME_TEXT_MAX + 1]; /* its common name; "" = not known */
};

struct revoked {
	struct revoked_entry *entries; /* owned */
	size_t n, room;
	uint64_t number; /* of the last list that was made; 0 = none */
	long days;	 /* of each list */
	const char *op, *dir; /* borrowed */
	int fd;		 /* owned: the directory, locked; -1 */
};

/* `keyCompromise` and its kind. 0, or -1 for another word (not said). */
int revoked_reason_of(enum revoked_reason *out, const char *word);
const char *revoked_reason_word(enum revoked_reason reason);

/* Reads DIR/revoked.json, none being an empty one, and keeps every other
 * process that would change it waiting until revoked_close. op and dir are
 * borrowed until then. Close in any case. */
int revoked_open(struct revoked *r, const char *op, const char *dir);
/* In place of what is there, in one step. */
int revoked_save(const struct revoked *r);
/* A zeroed one is fine, as long as its fd is -1. */
void revoked_close(struct revoked *r);

/* Borrowed until the next change; NULL if it is not there. */
const struct revoked_entry *revoked_find(const struct revoked *r,
    const uint8_t *serial, size_t len);
/* Does not look whether it is there already. */
int revoked_add(struct revoked *r, const struct revoked_entry *entry);

#endif
