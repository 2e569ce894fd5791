/*
 * A test file: rules, devices, workstations, and what is expected of them. See
 * TESTS in sallyport-policy(1).
 */
#ifndef POLICY_TOOL_SUITE_H
#define POLICY_TOOL_SUITE_H

#include <stddef.h>

#include "policy/tool/device.h"
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

/* What is given; NULL, -1 or 0 = not asked. Durations are never 0. */
struct suite_expect {
	const char *at; /* its statement, up to end */
	const char *end;
	unsigned line;
	enum rule_verdict verdict;
	const struct suite_device *device;
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
	struct suite_device *devices[SUITE_NAMED]; /* owned */
	size_t ndevices;
	struct suite_identity *identities[SUITE_NAMED]; /* owned */
	size_t nidentities;
	struct suite_expect **expects; /* owned */
	size_t nexpects;
	struct world now; /* as the statements so far have it */
};

/* Reads the file. 0, ERR_FORMAT when it has errors, or another error; all of
 * them were said on standard error. */
int suite_read(struct suite **out, const char *name);
void suite_free(struct suite *suite);

#endif
