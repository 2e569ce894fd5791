/*
 * INI configuration, by inih, with strict reading: an unknown section or key,
 * a bad value or a line too long is an error with its line, never ignored.
 */
#ifndef BASE_CONF_H
#define BASE_CONF_H

#include <stddef.h>
#include <stdint.h>

enum conf_type {
	CONF_STRING, /* char *: replaced by a malloc'ed copy, not freed */
	CONF_UINT,   /* unsigned, within min..max */
	CONF_BOOL,   /* int: yes/no, true/false, on/off, 1/0 */
	CONF_LIST,   /* struct conf_list: may be given again, each is added */
	CONF_IGNORE, /* known, but another process's business */
	CONF_NAMED,  /* struct conf_named: the keys of its section stand in
			sections "WORD NAME", of which there may be many */
};

#define CONF_LIST_MAX 64u
struct conf_list {
	char **v; /* owned, as each text is */
	size_t n;
};
void conf_list_fini(struct conf_list *list);

/* Sections "WORD NAME": keys[].section is "WORD", and their values are those of
 * the one that is being read. NAME is 1 to CONF_NAME printable characters but
 * ']', without a blank at either end. */
#define CONF_NAME 40u
struct conf_named {
	/* One begins, once for each NAME: its keys get their defaults. ERR_LIMIT,
	 * ERR_NOMEM. */
	int (*begin)(void *arg, const char *name);
	/* It is over, and its keys were stored. NULL, or what is wrong with it:
	 * static, "user: missing; expected a user's name". */
	const char *(*end)(void *arg);
	void *arg;
};

struct conf_key {
	const char *section; /* "tls" */
	const char *key;
	enum conf_type type;
	void *value; /* char ** | unsigned * | int * | conf_list * | NULL
			| conf_named *: the first key of its section, "" */
	unsigned min, max;
};

/* Reads path; keys is ended by a section of NULL. On error why (one line,
 * "path:line: reason; expected ...") is filled. ERR_NOENT, ERR_FORMAT,
 * ERR_SYS. A key given twice is an error, but for a list. After an error some values may have
 * been replaced. At most 128 keys, lines below 200 characters. */
int conf_load(const char *path, const struct conf_key *keys, char *why,
    size_t why_size);

#endif
