/*
 * policy/rules: layers. What a bundle says decides, local files narrow it, and
 * `forbid' of either stands above both.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/rules_body.h"

#define ANY "default to any\n"

static struct rules *
layers(const char *decide, const char *narrow)
{
	struct rules_load *load = rules_load_new();
	struct rules *rules = NULL;

	assert_non_null(load);
	/* that they come first does not hang on who is loaded first */
	rules_load_layer(load, RULES_DECIDE);
	assert_int_equal(
	    rules_load_text(load, "bundle:a", decide, strlen(decide)), 0);
	rules_load_layer(load, RULES_NARROW);
	assert_int_equal(
	    rules_load_text(load, "local", narrow, strlen(narrow)), 0);
	assert_int_equal(rules_load_finish(load, &rules), 0);
	rules_load_free(load);
	return rules;
}

/* Who said the last word, as explaining says it. */
static void
keep_last(void *arg, const char *file, unsigned line, int matched,
    const char *reason)
{
	(void)reason;
	if (matched) {
		(void)snprintf(arg, 64, "%s:%u", file, line);
	}
}

static void
narrows(void **state)
{
	static const struct {
		const char *bundle, *local;
		enum rule_verdict verdict;
		const char *by; /* "" = implicit */
	} rows[] = {
		{ANY "allow", "", RULE_ALLOW, "bundle:a:2"},
		{ANY "allow", "block id 05e0:1200", RULE_BLOCK, "local:1"},
		{ANY "allow", "reject id 05e0:*", RULE_REJECT, "local:1"},
		{ANY "allow", "block id 1234:5678", RULE_ALLOW, "bundle:a:2"},
		/* an allow of it is an exception of what it narrows */
		{ANY "allow", ANY "allow serial \"S1\"\nblock", RULE_ALLOW,
		    "bundle:a:2"},
		{ANY "allow", ANY "allow serial \"S2\"\nblock", RULE_BLOCK,
		    "local:3"},
		/* and grants nothing */
		{"", ANY "allow", RULE_BLOCK, ""},
		{"block", ANY "allow", RULE_BLOCK, "bundle:a:1"},
		{"reject\n" ANY "allow", ANY "allow", RULE_REJECT,
		    "bundle:a:1"},
		{ANY "allow id 1234:5678", ANY "allow", RULE_BLOCK, ""},
		/* forbid of both comes before all */
		{ANY "allow", ANY "allow\nforbid serial \"S1\"", RULE_BLOCK,
		    "local:3"},
		{"forbid serial \"S1\"\n" ANY "allow", ANY "allow", RULE_BLOCK,
		    "bundle:a:1"},
		/* to whom counts in both */
		{ANY "allow", "allow to \"ou:Staff\"\nblock", RULE_ALLOW,
		    "bundle:a:2"},
		{ANY "allow", "allow to \"ou:Guests\"\nblock", RULE_BLOCK,
		    "local:2"},
		{ANY "allow", "block to \"ou:Staff\"", RULE_BLOCK, "local:1"},
		{ANY "allow", "block audit", RULE_ALLOW, "bundle:a:2"},
	};
	struct rule_device dev = sample_device();
	struct x509_facts who;

	(void)state;
	sample_identity(&who);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rules *rules = layers(rows[i].bundle, rows[i].local);
		struct rule_decision d;
		char at[64] = "", by[64] = "";

		rules_decide(rules, &dev, &who, NULL, &d);
		if (!d.is_implicit) {
			(void)snprintf(at, sizeof(at), "%s:%u", d.file, d.line);
		}
		rules_explain(rules, &dev, &who, NULL, keep_last, by);
		if (d.verdict != rows[i].verdict ||
		    strcmp(at, rows[i].by) != 0 || strcmp(by, at) != 0) {
			fail_msg("%zu: %d by %s, explained by %s", i,
			    (int)d.verdict, at, by);
		}
		rules_free(rules);
	}
}

/* What an allow grants comes from the bundle, and what the local one has of
 * terms means nothing, even what could not stand elsewhere. */
static void
terms(void **state)
{
	struct rule_device dev = sample_device();
	struct rules *rules = layers(ANY "allow lease 1h using \"a\"",
	    ANY "allow serial \"S1\" lease 7d using \"b\" hold 2m\n"
	    "allow serial \"S2\"\nblock");
	struct rule_decision d;

	(void)state;
	rules_decide(rules, &dev, NULL, NULL, &d);
	assert_int_equal(d.verdict, RULE_ALLOW);
	assert_int_equal(d.grant.lease, 3600);
	assert_int_equal(d.grant.hold, 0);
	assert_string_equal(d.grant.profile, "a");
	assert_int_equal(rules_idle(rules), 1);
	rules_free(rules);
}

/* With a bundle that delegates, local rules stand behind those of it. */
static void
delegated(void **state)
{
	static const char bundle[] = ANY "block serial \"S1\"\nallow id 1234:5678";
	static const char local[] = ANY "allow lease 1h";
	struct rule_device dev = sample_device();
	struct rules_load *load = rules_load_new();
	struct rules *rules = NULL;
	struct rule_decision d;

	(void)state;
	assert_int_equal(
	    rules_load_text(load, "bundle:a", bundle, strlen(bundle)), 0);
	assert_int_equal(
	    rules_load_text(load, "local", local, strlen(local)), 0);
	assert_int_equal(rules_load_finish(load, &rules), 0);
	rules_load_free(load);
	rules_decide(rules, &dev, NULL, NULL, &d);
	assert_int_equal(d.verdict, RULE_BLOCK);
	assert_string_equal(d.file, "bundle:a");
	dev.serial = "S2";
	rules_decide(rules, &dev, NULL, NULL, &d);
	assert_int_equal(d.verdict, RULE_ALLOW);
	assert_string_equal(d.file, "local");
	assert_int_equal(rules_idle(rules), 0);
	rules_free(rules);
}

/* Two rules of one text in two layers do not count for each other. */
static void
ids(void **state)
{
	struct rules *both = layers("block id 1234:5678", "block id 05e0:1200");
	struct rules *other = layers("block id 05e0:1200", "");
	struct rule_device dev = sample_device();
	struct rule_decision a, b;

	(void)state;
	rules_decide(both, &dev, NULL, NULL, &a);
	rules_decide(other, &dev, NULL, NULL, &b);
	assert_string_equal(a.file, "local");
	assert_string_equal(b.file, "bundle:a");
	assert_true(a.rule != b.rule);
	rules_free(both);
	rules_free(other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(narrows),
		cmocka_unit_test(terms),
		cmocka_unit_test(delegated),
		cmocka_unit_test(ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
