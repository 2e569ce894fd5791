/*
 * Statements of a test file, one function each.
 */
#include "policy/tool/suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "policy/tool/cmd.h"
#include "policy/tool/files.h"
#include "policy/tool/identity.h"
#include "policy/tool/verdict.h"
#include "policy/tool/when.h"

const struct word *
suite_take(struct suite_line *line, char kind, const char *expected)
{
	if (line->p == line->end) {
		suite_error(line, line->end - 1, "expected %s behind this",
		    expected);
		return NULL;
	}
	if (line->p->kind != kind) {
		suite_error(line, line->p, "expected %s", expected);
		line->p = line->end;
		return NULL;
	}
	return line->p++;
}

int
suite_next_is(struct suite_line *line, const char *word)
{
	if (line->p == line->end || line->p->kind != 'w' ||
	    strcmp(line->p->text, word) != 0) {
		return 0;
	}
	line->p++;
	return 1;
}

static int
is_name(const char *text)
{
	return text[0] != '\0' &&
	    text[strspn(text, "abcdefghijklmnopqrstuvwxyz"
			      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")] ==
	    '\0';
}

/* A name that is not taken; n of them are there. */
static const char *
take_name(struct suite_line *line, size_t n, const char *what)
{
	const struct word *word = suite_take(line, 'w', "a name");

	if (word == NULL) {
		return NULL;
	}
	if (!is_name(word->text)) {
		suite_error(line, word, "a name has letters, digits, `-', `_' "
				     "and `.'");
		return NULL;
	}
	if (n == SUITE_NAMED) {
		suite_error(line, word, "more than %d %s", SUITE_NAMED, what);
		return NULL;
	}
	return word->text;
}

static const struct suite_device *
find_device(const struct suite *suite, const char *name)
{
	for (size_t i = 0; i < suite->ndevices; i++) {
		if (strcmp(suite->devices[i]->name, name) == 0) {
			return suite->devices[i];
		}
	}
	return NULL;
}

static const struct suite_identity *
find_identity(const struct suite *suite, const char *name)
{
	for (size_t i = 0; i < suite->nidentities; i++) {
		if (strcmp(suite->identities[i]->name, name) == 0) {
			return suite->identities[i];
		}
	}
	return NULL;
}

static const struct suite_device *
take_device(struct suite_line *line)
{
	const struct word *word = suite_take(line, 'w', "the name of a device");
	const struct suite_device *dev =
	    word != NULL ? find_device(line->suite, word->text) : NULL;

	if (word != NULL && dev == NULL) {
		suite_error(line, word, "no device `%s' is described above",
		    word->text);
	}
	return dev;
}

/* --- rules, devices, workstations --- */

static void
read_files(struct suite_line *line, char **files, size_t *n)
{
	do {
		const struct word *word =
		    suite_take(line, '"', "the name of a file in quotes");

		if (word == NULL) {
			return;
		}
		if (*n == SUITE_RULES) {
			suite_error(line, word, "more than %d files",
			    SUITE_RULES);
			return;
		}
		files[*n] = files_beside(line->suite->words.name, word->text);
		if (files[*n] == NULL) {
			suite_error(line, word, "out of memory");
			return;
		}
		++*n;
	} while (line->p < line->end);
}

static void
read_rules(struct suite_line *line)
{
	read_files(line, line->suite->rules, &line->suite->nrules);
}

static void
read_profiles(struct suite_line *line)
{
	read_files(line, line->suite->profiles, &line->suite->nprofiles);
}

static void
read_interface(struct suite_line *line, struct device *dev)
{
	const struct word *word = suite_take(line, 'w', "an interface, 03:01:01");
	int r = word == NULL ? 0 :
	    device_add_interface(dev, word->text);

	if (r != 0) {
		suite_error(line, word, "expected an interface, 03:01:01 or "
				     "03:01:01=keyboard, of at most 256");
	}
}

static void
read_interfaces(struct suite_line *line, struct device *dev)
{
	if (line->p == line->end || line->p->kind != '{') {
		read_interface(line, dev);
		return;
	}
	line->p++;
	while (line->p < line->end && line->p->kind != '}') {
		read_interface(line, dev);
	}
	suite_take(line, '}', "`}'");
}

/* The value of a text is in quotes, all others are words. */
static char
kind_of_fact(const char *name)
{
	static const char *const words[] = {
		"id", "release", "speed", "plugged", "desc", "report"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcmp(name, words[i]) == 0) {
			return 'w';
		}
	}
	return '"';
}

static void
read_fact(struct suite_line *line, struct device *dev)
{
	const struct word *name = suite_take(line, 'w', "a fact of the device");
	const struct word *value;
	const char *expected = "";
	int r;

	if (name == NULL) {
		return;
	}
	if (strcmp(name->text, "with-interface") == 0) {
		read_interfaces(line, dev);
		return;
	}
	if (strcmp(name->text, "first-seen") == 0) {
		dev->facts.is_first_seen = 1;
		return;
	}
	if (strcmp(name->text, "ambiguous") == 0) {
		dev->facts.is_ambiguous = 1;
		return;
	}
	value = line->p < line->end ? line->p : NULL;
	r = device_set(dev, name->text, value != NULL ? value->text : "",
	    &expected);
	if (r == ERR_NOENT) {
		suite_error(line, name, "unknown fact `%s'; expected id, name, "
				     "serial, with-interface or another of "
				     "sallyport-policy(1)", name->text);
		line->p = line->end;
		return;
	}
	value = suite_take(line, kind_of_fact(name->text),
	    kind_of_fact(name->text) == 'w' ? "a word" : "a text in quotes");
	if (value != NULL && r != 0) {
		suite_error(line, value, "expected %s", expected);
	}
}

static void
read_device(struct suite_line *line)
{
	struct suite *suite = line->suite;
	const struct word *at = line->p;
	const char *name = take_name(line, suite->ndevices, "devices");
	struct suite_device *dev;

	if (name == NULL) {
		return;
	}
	dev = malloc(sizeof(*dev));
	if (dev == NULL || find_device(suite, name) != NULL) {
		suite_error(line, at, dev == NULL ? "out of memory" :
						 "described above already");
		free(dev);
		return;
	}
	dev->name = name;
	device_init(&dev->device);
	suite->devices[suite->ndevices++] = dev;
	if (line->p < line->end && line->p->kind == '"') {
		const struct word *file = line->p++;
		char *path = files_beside(suite->words.name, file->text);

		if (path == NULL || device_read(&dev->device, path) != 0) {
			suite_error(line, file, "this device cannot be read");
		}
		free(path);
		return;
	}
	if (line->p == line->end) {
		suite_error(line, at, "expected a file in quotes, or facts, "
				   "behind the name");
	}
	while (line->p < line->end) {
		read_fact(line, &dev->device);
	}
}

static void
read_identity_fact(struct suite_line *line, struct x509_facts *facts)
{
	const struct word *word = suite_take(line, '"', "a fact of a certificate "
						  "in quotes");
	int r;

	if (word == NULL) {
		return;
	}
	r = identity_add(facts, "", word->text, strlen(word->text));
	if (r == ERR_FORMAT && strchr(word->text, ':') == NULL) {
		char *path =
		    files_beside(line->suite->words.name, word->text);

		r = path != NULL ? identity_read_json(facts, path) :
				   ERR_NOMEM;
		free(path);
	}
	if (r != 0) {
		suite_error(line, word, r == ERR_LIMIT ? "too long, or too many" :
		    "expected a fact, \"dns:k1.example\", or a file of "
		    "sallyport-certs show --json");
	}
}

static void
read_identity(struct suite_line *line)
{
	struct suite *suite = line->suite;
	const struct word *at = line->p;
	const char *name =
	    take_name(line, suite->nidentities, "workstations");
	struct suite_identity *who;

	if (name == NULL) {
		return;
	}
	who = calloc(1, sizeof(*who));
	if (who == NULL || find_identity(suite, name) != NULL) {
		suite_error(line, at, who == NULL ? "out of memory" :
						 "described above already");
		free(who);
		return;
	}
	who->name = name;
	suite->identities[suite->nidentities++] = who;
	do {
		read_identity_fact(line, &who->facts);
	} while (line->p < line->end);
}

/* --- the state of things --- */

static void
read_at(struct suite_line *line)
{
	const struct word *word = suite_take(line, 'w', "a time");

	if (word != NULL &&
	    when_read(word->text, &line->suite->now.rules.now) != 0) {
		suite_error(line, word, "expected a time, 2026-03-02T06:15:00Z");
	}
}

static void
read_tz(struct suite_line *line)
{
	const struct word *word = suite_take(line, '"', "a time zone in quotes");

	if (word != NULL && !when_is_zone(word->text)) {
		suite_error(line, word, "no such time zone");
	} else if (word != NULL) {
		line->suite->now.tz = word->text;
	}
}

static void
read_locked(struct suite_line *line)
{
	line->suite->now.lock = RULE_LOCKED;
}

static void
read_unlocked(struct suite_line *line)
{
	line->suite->now.lock = RULE_UNLOCKED;
}

static void
read_user(struct suite_line *line)
{
	const struct word *word = suite_take(line, '"', "a user in quotes");

	if (word != NULL) {
		line->suite->now.user = word->text;
	}
}

static void
read_seat(struct suite_line *line)
{
	const struct word *word = suite_take(line, '"', "a seat in quotes");

	if (word != NULL) {
		line->suite->now.seat = word->text;
	}
}

static void
read_armed(struct suite_line *line)
{
	struct world *now = &line->suite->now;

	do {
		const struct word *word =
		    suite_take(line, '"', "a token in quotes");

		if (word != NULL && now->narmed == WORLD_ARMED) {
			suite_error(line, word, "more than %d tokens",
			    WORLD_ARMED);
		} else if (word != NULL) {
			now->armed[now->narmed++] = word->text;
		}
	} while (line->p < line->end);
}

static void
read_exported(struct suite_line *line)
{
	struct world *now = &line->suite->now;

	do {
		const struct word *word = line->p;
		const struct suite_device *dev = take_device(line);

		if (dev != NULL && now->nexported == WORLD_DEVICES) {
			suite_error(line, word, "more than %d devices",
			    WORLD_DEVICES);
		} else if (dev != NULL) {
			now->exported[now->nexported++] = &dev->device.facts;
		}
	} while (line->p < line->end);
}

static void
read_approved(struct suite_line *line)
{
	line->suite->now.approval = RULE_APPROVED;
}

static void
read_denied(struct suite_line *line)
{
	line->suite->now.approval = RULE_DENIED;
}

static void
read_had_lease(struct suite_line *line)
{
	line->suite->now.had_lease = 1;
}

/* Digits only, up to max; -1 otherwise. */
static int
number_of(const char *text, int max)
{
	int n = 0;

	for (size_t i = 0; text[i] >= '0' && text[i] <= '9'; i++) {
		n = n * 10 + (text[i] - '0');
		if (n > max) {
			return -1;
		}
	}
	return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0' ?
	    n : -1;
}

static void
read_leases(struct suite_line *line)
{
	const struct word *word = suite_take(line, 'w', "a number");
	int n = word != NULL ? number_of(word->text, 1000000) : -1;

	if (word != NULL && n == -1) {
		suite_error(line, word, "expected a number");
	} else if (word != NULL) {
		line->suite->now.leases = (uint32_t)n;
	}
}

/* Time and zone stay: they are not what happened in a test. */
static void
read_reset(struct suite_line *line)
{
	struct world *now = &line->suite->now;
	int64_t at = now->rules.now;
	const char *tz = now->tz;

	world_init(now);
	now->rules.now = at;
	now->tz = tz;
}

/* --- expectations --- */

static void
read_shown(struct suite_line *line, struct suite_expect *e)
{
	int is_set = 0;

	e->has_shown = 1;
	if (suite_next_is(line, "all")) {
		e->is_all_shown = 1;
		return;
	}
	if (line->p < line->end && line->p->kind == '{') {
		is_set = 1;
		line->p++;
	}
	do {
		const struct word *word =
		    suite_take(line, 'w', "`all' or the number of an interface");
		int n = word != NULL ? number_of(word->text, 255) : -1;

		if (word != NULL && n == -1) {
			suite_error(line, word, "expected the number of an "
					     "interface, up to 255");
		} else if (word != NULL) {
			e->shown[n] = 1;
		}
	} while (is_set && line->p < line->end && line->p->kind != '}');
	if (is_set) {
		suite_take(line, '}', "`}'");
	}
}

static void
read_duration(struct suite_line *line, uint32_t *out)
{
	const struct word *word = suite_take(line, 'w', "a duration, 30m");

	if (word != NULL && when_read_duration(word->text, out) != 0) {
		suite_error(line, word, "expected a duration, 90s, 30m, 8h or "
				     "7d");
	}
}

static void
read_text(struct suite_line *line, const char **out)
{
	const struct word *word = suite_take(line, '"', "a text in quotes");

	*out = word != NULL ? word->text : NULL;
}

static void
read_because(struct suite_line *line, struct suite_expect *e)
{
	const struct word *word = suite_take(line, 'w', "a reason");
	int is_known = 0;

	for (int t = RULE_TERM_WINDOW; t <= RULE_TERM_WORLD; t++) {
		is_known |= word != NULL &&
		    strcmp(word->text, verdict_term((enum rule_term)t)) == 0;
	}
	if (word != NULL && !is_known) {
		suite_error(line, word, "expected window, until, once, max, "
				     "approve, forbid, expose or time");
	}
	e->because = word != NULL ? word->text : NULL;
}

static void
read_until(struct suite_line *line, struct suite_expect *e)
{
	const struct word *word = suite_take(line, '"', "a time in quotes");

	if (word != NULL && when_read(word->text, &e->until) != 0) {
		suite_error(line, word, "expected a time, "
				     "\"2026-03-02T06:15:00Z\"");
	}
}

static void
read_detail(struct suite_line *line, struct suite_expect *e)
{
	const struct {
		const char *name;
		int *flag;
	} flags[] = {
		{"implicit", &e->is_implicit},
		{"forbidden", &e->is_forbidden},
		{"once", &e->is_once},
		{"capture", &e->has_capture},
	};
	const struct {
		const char *name;
		const char **text;
	} texts[] = {
		{"key", &e->key},
		{"using", &e->profile},
		{"by", &e->approver},
	};
	const struct {
		const char *name;
		uint32_t *seconds;
	} durations[] = {
		{"lease", &e->lease}, {"idle", &e->idle}, {"hold", &e->hold}};
	const struct word *word = line->p;

	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		if (suite_next_is(line, flags[i].name)) {
			*flags[i].flag = 1;
			return;
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (suite_next_is(line, texts[i].name)) {
			read_text(line, texts[i].text);
			return;
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(durations); i++) {
		if (suite_next_is(line, durations[i].name)) {
			read_duration(line, durations[i].seconds);
			return;
		}
	}
	if (suite_next_is(line, "because")) {
		read_because(line, e);
	} else if (suite_next_is(line, "until")) {
		read_until(line, e);
	} else if (suite_next_is(line, "exposes")) {
		read_shown(line, e);
	} else {
		suite_error(line, word, "unknown expectation `%s'; expected key, "
				     "implicit, forbidden, because, using, "
				     "lease, idle, hold, until, once, "
				     "capture, by or exposes", word->text);
		line->p = line->end;
	}
}

struct suite_expect *
suite_add(struct suite_line *line)
{
	struct suite *suite = line->suite;
	struct suite_expect **bigger, *e;

	if (suite->nexpects == SUITE_EXPECTS) {
		suite_error(line, line->first, "more than %d expectations",
		    SUITE_EXPECTS);
		return NULL;
	}
	bigger = realloc(suite->expects,
	    (suite->nexpects + 1) * sizeof(*suite->expects));
	if (bigger != NULL) {
		suite->expects = bigger;
	}
	e = calloc(1, sizeof(*e));
	if (bigger == NULL || e == NULL) {
		suite_error(line, line->first, "out of memory");
		free(e);
		return NULL;
	}
	suite->expects[suite->nexpects++] = e;
	e->at = line->first->at;
	e->line = line->first->line;
	e->end = suite->words.p;
	world_copy(&e->world, &suite->now);
	return e;
}

static void
read_expect(struct suite_line *line, enum rule_verdict verdict)
{
	struct suite_expect *e = suite_add(line);

	if (e == NULL) {
		return;
	}
	e->verdict = verdict;
	e->device = take_device(line);
	if (suite_next_is(line, "to")) {
		const struct word *word =
		    suite_take(line, 'w', "the name of a workstation");

		e->who = word != NULL ?
		    find_identity(line->suite, word->text) : NULL;
		if (word != NULL && e->who == NULL) {
			suite_error(line, word, "no identity `%s' is described "
					     "above", word->text);
		}
	}
	while (line->p < line->end) {
		read_detail(line, e);
	}
}

static const struct {
	const char *name;
	void (*read)(struct suite_line *line); /* or NULL: that verdict */
	enum rule_verdict verdict;
} statements[] = {
	{"rules", read_rules, 0},
	{"profiles", read_profiles, 0},
	{"unit", suite_read_unit, 0},
	{"device", read_device, 0},
	{"identity", read_identity, 0},
	{"at", read_at, 0},
	{"tz", read_tz, 0},
	{"locked", read_locked, 0},
	{"unlocked", read_unlocked, 0},
	{"user", read_user, 0},
	{"seat", read_seat, 0},
	{"armed", read_armed, 0},
	{"exported", read_exported, 0},
	{"approved", read_approved, 0},
	{"denied", read_denied, 0},
	{"had-lease", read_had_lease, 0},
	{"leases", read_leases, 0},
	{"reset", read_reset, 0},
	{"allow", NULL, RULE_ALLOW},
	{"block", NULL, RULE_BLOCK},
	{"reject", NULL, RULE_REJECT},
	{"pending", NULL, RULE_PENDING},
	{"depends", NULL, RULE_DEPENDS},
};

static void
read_statement(struct suite *suite)
{
	struct words *words = &suite->words;
	struct suite_line line = {suite, words->list, words->list + 1,
	    words->list + words->n};

	for (size_t i = 0; i < ARRAY_LEN(statements); i++) {
		if (line.first->kind != 'w' ||
		    strcmp(line.first->text, statements[i].name) != 0) {
			continue;
		}
		if (statements[i].read != NULL) {
			statements[i].read(&line);
		} else {
			read_expect(&line, statements[i].verdict);
		}
		if (line.p < line.end) {
			suite_error(&line, line.p, "does not belong here");
		}
		return;
	}
	suite_error(&line, line.first, "unknown statement `%s'; expected rules, "
				    "profiles, device, identity, at, tz, locked, "
				    "unlocked, user, seat, armed, exported, "
				    "approved, denied, had-lease, leases, reset, unit, "
				    "or a verdict", line.first->text);
}

int
suite_read(struct suite **out, const char *name)
{
	struct suite *suite = calloc(1, sizeof(*suite));
	struct word start = {.line = 1};
	int r;

	*out = suite;
	if (suite == NULL) {
		cmd_warn("read: %s: out of memory", name);
		return ERR_NOMEM;
	}
	world_init(&suite->now);
	suite->now.tz = "UTC";
	r = words_open(&suite->words, name);
	if (r != 0) {
		return r;
	}
	while (words_next(&suite->words)) {
		read_statement(suite);
	}
	start.at = suite->words.text;
	if (suite->nrules == 0 && suite->nprofiles == 0) {
		words_error(&suite->words, &start, "no `rules' to test");
	}
	for (size_t i = 0; i < suite->nexpects; i++) {
		const struct suite_expect *e = suite->expects[i];
		const struct word at = {.line = e->line, .at = e->at};

		if (e->unit != NULL && suite->nprofiles == 0) {
			words_error(&suite->words, &at,
			    "no `profiles' to test");
			break;
		}
		if (e->unit == NULL && suite->nrules == 0 &&
		    suite->nprofiles > 0) {
			words_error(
			    &suite->words, &at, "no `rules' to test");
			break;
		}
	}
	if (suite->nexpects == 0) {
		words_error(&suite->words, &start, "nothing is expected");
	}
	return suite->words.nerrors == 0 ? 0 : ERR_FORMAT;
}

void
suite_free(struct suite *suite)
{
	if (suite == NULL) {
		return;
	}
	for (size_t i = 0; i < suite->nrules; i++) {
		free(suite->rules[i]);
	}
	for (size_t i = 0; i < suite->ndevices; i++) {
		free(suite->devices[i]);
	}
	for (size_t i = 0; i < suite->nidentities; i++) {
		free(suite->identities[i]);
	}
	for (size_t i = 0; i < suite->nprofiles; i++) {
		free(suite->profiles[i]);
	}
	for (size_t i = 0; i < suite->nexpects; i++) {
		free(suite->expects[i]->unit);
		free(suite->expects[i]);
	}
	free(suite->expects);
	words_fini(&suite->words);
	free(suite);
}
