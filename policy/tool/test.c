/*
 * sallyport-policy test: rules are what their tests say that they are.
 */
#include "policy/tool/test.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "policy/rules/rules.h"
#include "policy/tool/cmd.h"
#include "policy/tool/files.h"
#include "policy/tool/judges.h"
#include "policy/tool/suite.h"
#include "policy/tool/verdict.h"
#include "policy/tool/when.h"

static int
same_text(const char *expected, const char *is, const char *name, char *why,
    size_t size)
{
	if (expected != NULL && strcmp(expected, is) != 0) {
		snprintf(why, size, "%s \"%s\"", name, is);
		return 0;
	}
	return 1;
}

static int
same_duration(uint32_t expected, uint32_t is, const char *name, char *why,
    size_t size)
{
	char dur[WHEN_TEXT];

	if (expected != 0 && expected != is) {
		snprintf(why, size, "%s %s", name,
		    is != 0 ? when_show_duration(dur, is) : "is not given");
		return 0;
	}
	return 1;
}

static int
same_shown(const struct suite_expect *e, const struct rule_decision *d,
    char *why, size_t size)
{
	char expected[1024] = "", is[1024];
	size_t len = 0;

	if (!e->has_shown || (e->is_all_shown && d->exposes.is_all)) {
		return 1;
	}
	verdict_exposes(is, sizeof(is), d, &e->device->device.facts);
	for (unsigned n = 0; n < sizeof(e->shown); n++) {
		if (e->shown[n]) {
			len += (size_t)snprintf(expected + len,
			    sizeof(expected) - len, "%s%u",
			    len > 0 ? " " : "", n);
		}
	}
	if (e->is_all_shown || strcmp(expected, is) != 0) {
		snprintf(why, size, "exposes %.400s", is);
		return 0;
	}
	return 1;
}

/* Whether it is all that is expected; if not, why says what is else. */
static int
is_as_expected(const struct suite_expect *e, const struct rule_decision *d,
    char *why, size_t size)
{
	const struct rule_grant *g = &d->grant;
	char at[WHEN_TEXT];

	why[0] = '\0';
	if (d->verdict != e->verdict ||
	    (e->is_implicit && !d->is_implicit) ||
	    (e->is_forbidden && !d->is_forbid) ||
	    (e->because != NULL &&
		strcmp(e->because, verdict_term(d->term)) != 0)) {
		return 0;
	}
	if (!same_text(e->key, d->key, "key", why, size)) {
		return 0;
	}
	if (d->verdict != RULE_ALLOW && d->verdict != RULE_PENDING) {
		return 1;
	}
	if (e->until != 0 && e->until != g->until) {
		snprintf(why, size, "until %s", g->until != 0 ?
		    when_show(at, g->until) : "is not given");
		return 0;
	}
	if (e->is_once && !g->is_once) {
		snprintf(why, size, "once is not given");
		return 0;
	}
	if (e->has_capture && !g->has_capture) {
		snprintf(why, size, "capture is not given");
		return 0;
	}
	return same_text(e->profile, g->profile, "using", why, size) &&
	    same_text(e->approver, g->approver, "approve by", why, size) &&
	    same_duration(e->lease, g->lease, "lease", why, size) &&
	    same_duration(e->idle, g->idle, "idle", why, size) &&
	    same_duration(e->hold, g->hold, "hold", why, size) &&
	    same_shown(e, d, why, size);
}

/* The statement on one line. */
static void
show_statement(const struct suite_expect *e)
{
	int is_blank = 0, is_quoted = 0;

	for (const char *p = e->at; p < e->end; p++) {
		if (*p == '#' && !is_quoted) {
			break;
		}
		is_quoted ^= *p == '"' && p[-1] != '\\';
		if (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n' ||
		    (*p == '\\' && p[1] == '\n')) {
			is_blank = 1;
			continue;
		}
		if (is_blank) {
			putchar(' ');
		}
		is_blank = 0;
		putchar(*p > ' ' && *p <= '~' ? *p : '?');
	}
}

static void
start_line(const struct suite *suite, const struct suite_expect *e, int is_ok,
    struct test_tally *tally)
{
	tally->passed += is_ok != 0;
	tally->failed += is_ok == 0;
	if (is_ok && tally->is_quiet) {
		return;
	}
	printf("%s %s:%u: ", is_ok ? "ok" : "not ok", suite->words.name,
	    e->line);
	show_statement(e);
	putchar('\n');
}

static void
judge(const struct suite *suite, const struct rules *rules,
    const struct suite_expect *e, struct test_tally *tally)
{
	struct rule_decision d;
	char line[1024], why[512];
	int is_ok;

	rules_decide(rules, &e->device->device.facts,
	    e->who != NULL ? &e->who->facts : NULL, &e->world.rules, &d);
	is_ok = is_as_expected(e, &d, why, sizeof(why));
	start_line(suite, e, is_ok, tally);
	if (is_ok) {
		return;
	}
	printf("    it is %s\n", verdict_line(line, sizeof(line), &d));
	if (why[0] != '\0') {
		printf("    %s\n", why);
	}
}

/* Time of the profile's clock is that of the test, so that units at one moment
 * fill a meter, and a day later a quota is new. */
static void
judge_unit(const struct suite *suite, struct judges *judges,
    const struct suite_expect *e, struct test_tally *tally)
{
	char text[1024] = "", is_key[512] = "", why[128];
	int64_t at = e->world.rules.now;
	struct judged *j = judges_find(judges, e->unit->profile,
	    at, e->world.tz, why, sizeof(why));
	struct table_rule rule;
	struct ruling ruling;
	int is_ok = 0;

	if (j != NULL) {
		judge_rule(&j->judge.judge, &e->unit->unit.facts,
		    judges_clock(at), &ruling);
		(void)table_rule(&j->table, 0, ruling.rule, &rule);
		is_ok = ruling.verdict == e->unit->verdict &&
		    (!e->is_implicit || ruling.rule == RULING_IMPLICIT) &&
		    same_text(e->key, rule.key, "key", is_key, sizeof(is_key));
	}
	start_line(suite, e, is_ok, tally);
	if (!is_ok) {
		printf("    it is %s\n", j == NULL ? why :
		    judges_ruling(text, sizeof(text), j, &ruling));
	}
	if (is_key[0] != '\0') {
		printf("    %s\n", is_key);
	}
}

static int
judge_all(const struct suite *suite, const char *stock, struct test_tally *tally)
{
	struct rules_load *load = rules_load_new();
	struct rules *rules = NULL;
	struct judges judges = {0};
	struct files files = {0};
	int r = ERR_NOMEM;

	if (load != NULL) {
		r = files_load(&files, load, suite->rules, suite->nrules);
	}
	if (r == 0) {
		r = rules_load_finish(load, &rules);
		files_show_errors(load);
	}
	if (r == ERR_NOMEM) {
		cmd_warn("test: out of memory");
	}
	if (r == 0 && suite->nprofiles > 0) {
		r = judges_open(
		    &judges, suite->profiles, suite->nprofiles, stock);
	}
	for (size_t i = 0; r == 0 && i < suite->nexpects; i++) {
		if (suite->expects[i]->unit != NULL) {
			judge_unit(suite, &judges, suite->expects[i], tally);
		} else {
			judge(suite, rules, suite->expects[i], tally);
		}
	}
	judges_fini(&judges);
	files_fini(&files);
	rules_free(rules);
	rules_load_free(load);
	return r;
}

void
test_file(const char *path, const char *stock, struct test_tally *tally)
{
	struct suite *suite;
	int r = suite_read(&suite, path);

	if (r == ERR_FORMAT) {
		cmd_warn("test: %s: %zu error%s", path, suite->words.nerrors,
		    suite->words.nerrors == 1 ? "" : "s");
	}
	if (r == 0) {
		r = judge_all(suite, stock, tally);
	}
	if (r != 0) {
		/* what could not be asked has failed */
		printf("not ok %s: it could not be run\n", path);
		tally->failed += suite != NULL && suite->nexpects > 0 ?
		    suite->nexpects : 1;
	}
	suite_free(suite);
}

int
cmd_test(int argc, char **argv)
{
	struct test_tally tally = {0, 0, 0};
	const char *stock = NULL;
	int first = 1;

	for (; first < argc && argv[first][0] == '-'; first++) {
		const char *option = argv[first];
		const char *value;

		if (strcmp(option, "--") == 0) {
			first++;
			break;
		}
		value = cmd_value(argv, argc, &first, "--stock");
		if (value == NULL) {
			return cmd_usage("test: unknown option %s", option);
		}
		stock = value;
	}
	if (argc <= first) {
		return cmd_usage("test: no FILE given");
	}
	for (int i = first; i < argc; i++) {
		test_file(argv[i], stock, &tally);
	}
	printf("%zu passed, %zu failed\n", tally.passed, tally.failed);
	return tally.failed == 0 ? CMD_OK : CMD_FAILED;
}
