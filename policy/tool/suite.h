/*
 * A test file: rules, devices, workstations, and what is expected of them. See
 * TESTS in sallyport-policy(1).
 */
#ifndef POLICY_TOOL_SUITE_H
#define POLICY_TOOL_SUITE_H

#include <stddef.h>

#include "policy/tool/device.h"
#include "policy/tool/unit.h"
#include "policy/tool/words.h"
#include "policy/tool/world.h"

#define SUITE_RULES 64
#define SUITE_NAMED 256 /* devices; workstations */
#define SUITE_EXPECTS 10000

struct suite_device {
	const char *name;
	struct device device;
};

struct suite_identity {
	const char *name;
	struct x509_facts facts;
};

/* `unit VERDICT by "PROFILE" { UNIT }', in suite_unit.c. */
struct suite_unit {
	const char *profile;
	unsigned verdict; /* enum verdict */
	struct unit_words unit;
};

/* What is given; NULL, -1 or 0 = not asked. Durations are never 0. */
struct suite_expect {
	const char *at; /* its statement, up to end */
	const char *end;
	unsigned line;
	enum rule_verdict verdict;
	const struct suite_device *device;
	struct suite_unit *unit; /* owned; NULL = it is about a device */
	const struct suite_identity *who; /* NULL = not known */
	struct world world;
	const char *key, *because, *profile, *approver;
	int is_implicit, is_forbidden, is_once, has_capture;
	uint32_t lease, idle, hold;
	int64_t until;
	int has_shown, is_all_shown;
	uint8_t shown[256];
};

struct suite {
	struct words words; /* has the errors, too */
	char *rules[SUITE_RULES]; /* owned */
	size_t nrules;
	char *profiles[SUITE_RULES]; /* owned */
	size_t nprofiles;
	struct suite_device *devices[SUITE_NAMED]; /* owned */
	size_t ndevices;
	struct suite_identity *identities[SUITE_NAMED]; /* owned */
	size_t nidentities;
	struct suite_expect **expects; /* owned */
	size_t nexpects;
	struct world now; /* as the statements so far have it */
};

/* The words of a statement behind its first, being used up. */
struct suite_line {
	struct suite *suite;
	const struct word *first, *p, *end;
};

#define suite_error(line, word, ...)                                           \
	words_error(&(line)->suite->words, word, __VA_ARGS__)

/* The next word of that kind, or NULL after saying what was expected. */
const struct word *suite_take(
    struct suite_line *line, char kind, const char *expected);
int suite_next_is(struct suite_line *line, const char *word);
/* A new one at the end, of that statement; NULL after saying why not. */
struct suite_expect *suite_add(struct suite_line *line);
/* suite_unit.c: the statement `unit'. */
void suite_read_unit(struct suite_line *line);

/* Reads the file. 0, ERR_FORMAT when it has errors, or another error; all of
 * them were said on standard error. */
int suite_read(struct suite **out, const char *name);
void suite_free(struct suite *suite);

#endif
