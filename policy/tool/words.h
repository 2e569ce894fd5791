/*
 * Statements of a file in words, as rules are written: blanks, strings, braces,
 * comments, one statement per line. Errors are said on standard error with
 * file, line and column.
 */
#ifndef POLICY_TOOL_WORDS_H
#define POLICY_TOOL_WORDS_H

#include <stddef.h>

#define WORDS_MAX 8192 /* of one statement */

struct word {
	const char *text; /* NUL-terminated; lives as long as the words */
	const char *at;	  /* where it stands in the file */
	unsigned line;
	char kind; /* 'w' a word, '"' a string, '{', '}' */
};

struct words {
	const char *name; /* of the file; borrowed */
	char *text;	  /* owned */
	char *copies;	  /* owned; what the words point to */
	size_t len, nerrors;
	int is_silent;	/* errors are counted only */
	const char *p;	/* the rest */
	char *next;	/* the rest of copies */
	unsigned line;	/* of p */
	struct word list[WORDS_MAX];
	size_t n;
};

/* Reads a file of at most 1 MiB. 0, or an error that was said. Always needs
 * words_fini. */
int words_open(struct words *words, const char *name);
/* The same of a text, which is copied and whose errors are not said. 0 or
 * ERR_NOMEM. */
int words_of(struct words *words, const char *text, size_t len);
void words_fini(struct words *words);

/* The next statement that has words into list and n; 0 at the end. What is not
 * right is said and left out. */
int words_next(struct words *words);

/* Says an error at that word; the first 100 are said, all counted. */
void words_error(struct words *words, const struct word *at, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));

#endif
