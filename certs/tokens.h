/*
 * The records of tokens, DIR/tokens/ID.json: whom a certificate will be for,
 * until when, and how often somebody came with the wrong secret. Of the secret
 * they have the hash alone. Knows nothing of keys and connections. Every failure
 * has been said when a function returns -1.
 */
#ifndef CERTS_TOKENS_H
#define CERTS_TOKENS_H

#include <stdint.h>
#include <time.h>

#include "certs/names.h"
#include "certs/who.h"
#include "wire/enroll.h"

#define TOKENS_DIR "tokens"
#define TOKENS_FAILURES 5 /* then it is closed */
#define TOKENS_MAX 1000	  /* at once */
#define TOKENS_MINUTES 15
#define TOKENS_MINUTES_MAX 1440

/* Makes a record for who, with an id that no other has, and the secret: both in
 * *out, whose pin is left alone. days 0 = as long as issue would. */
int tokens_add(struct enroll_token *out, const char *dir,
    const struct who *who, long days, time_t until);

/* One record, while it is locked against everybody else who works with it. */
struct token {
	const char *op, *dir; /* borrowed */
	int lock;	      /* owned, -1 */
	char file[16];
	struct names names;
	const char *texts[NAME_SANS]; /* borrowed from text */
	size_t ntexts;
	long days;
	time_t until;
	int failures;
	uint8_t hash[32];
	void *text; /* owned: the JSON value that texts point into */
};

enum token_state {
	TOKEN_OPEN,
	TOKEN_NONE,    /* no such record: never was, or was used */
	TOKEN_LATE,
	TOKEN_CLOSED,  /* by failures */
	TOKEN_BROKEN,  /* said: it cannot be read */
};

/* dir is borrowed until tokens_close, which every result needs. */
enum token_state tokens_open(struct token *out, const char *op,
    const char *dir, const uint8_t id[ENROLL_ID]);
void tokens_close(struct token *token);
/* Not depending on where they differ. */
int tokens_is_secret(
    const struct token *token, const uint8_t secret[ENROLL_SECRET]);
/* Counts one failure, on the disk. */
int tokens_fail(struct token *token);
/* After 0 nobody can open it again. */
int tokens_use(struct token *token);

#endif
