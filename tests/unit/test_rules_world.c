/*
 * policy/rules: forbid, terms and conditions: what a decision makes of what it
 * is told of the world, at each moment.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/rules_body.h"
#include "tests/unit/rules_world.h"

#define TO "to \"cn:ws-*\" "

/* The decision of a text about the sample device and identity. */
static void
decide(struct rule_decision *d, const char *text, struct world *w)
{
	static struct rules *rules;
	struct rule_device dev = w->dev;
	struct x509_facts who;

	rules_free(rules); /* what d borrows lives until the next one */
	rules = rules_of(text);
	sample_identity(&who);
	rules_decide(rules, &dev, w->is_nobody ? NULL : &who,
	    w->is_unknown ? NULL : &w->world, d);
}

static enum rule_verdict
verdict(const char *text, struct world *w)
{
	struct rule_decision d;

	decide(&d, text, w);
	return d.verdict;
}

static enum rule_term
term(const char *terms, struct world *w)
{
	struct rule_decision d;
	char text[512];

	snprintf(text, sizeof(text), "allow " TO "%s\nallow " TO "\n", terms);
	decide(&d, text, w);
	/* it never goes on to the next one, which is wider */
	assert_int_equal(d.line, 1);
	assert_int_equal(d.is_implicit, 0);
	assert_true(d.verdict == RULE_ALLOW || d.verdict == RULE_PENDING ?
		d.term == RULE_TERM_NONE :
		d.verdict == RULE_BLOCK && d.term != RULE_TERM_NONE);
	return d.term;
}

/* Whether "allow if CONDITION" allows; and what a block would do. */
static int
holds(const char *condition, struct world *w)
{
	char text[512];

	snprintf(text, sizeof(text), "allow " TO "if %s\n", condition);
	return verdict(text, w) == RULE_ALLOW;
}

static int
blocks(const char *condition, struct world *w)
{
	char text[512];

	snprintf(text, sizeof(text), "block if %s\nallow " TO "\n", condition);
	return verdict(text, w) == RULE_BLOCK;
}

static void
forbid_is_first_and_free_of_order(void **state)
{
	static const char rules[] =
	    "allow " TO "key \"A\"\n"
	    "forbid name \"Scanner\" with-class hub key \"no\"\n"
	    "forbid name \"Scanner\" key \"F\"\n";
	struct rule_decision d;
	struct world w;

	(void)state;
	world_init(&w);
	decide(&d, rules, &w);
	assert_int_equal(d.verdict, RULE_BLOCK);
	assert_int_equal(d.is_forbid, 1);
	assert_string_equal(d.key, "F");
	assert_int_equal(d.line, 3);
	assert_int_equal(d.term, RULE_TERM_NONE);
	w.dev.name = "Other";
	decide(&d, rules, &w);
	assert_int_equal(d.verdict, RULE_ALLOW);
	assert_int_equal(d.is_forbid, 0);
	/* it has no need of an identity */
	w.dev.name = "Scanner";
	w.is_nobody = 1;
	decide(&d, rules, &w);
	assert_int_equal(d.verdict, RULE_BLOCK);
	assert_int_equal(d.is_forbid, 1);
}

/* Storage, a keyboard, and a CDC pair, in two configurations. */
static const struct rule_interface composite[] = {
	{.class = 8, .subclass = 6, .protocol = 0x50, .number = 0},
	{.class = 8, .subclass = 6, .protocol = 0x62, .number = 0},
	{.class = 3, .subclass = 1, .protocol = 1, .number = 1,
	    .hid = RULE_HID_KEYBOARD},
	{.class = 2, .subclass = 2, .protocol = 1, .number = 2},
	{.class = 0x0a, .number = 3},
	{.class = 8, .subclass = 6, .protocol = 0x50, .number = 0,
	    .config = 1},
	{.class = 0xff, .number = 0, .config = 1}, /* an alternate of it */
	{.class = 3, .number = 5, .config = 1,
	    .hid = RULE_HID_FIDO | RULE_HID_KEYBOARD},
};

static void
composite_device(struct world *w)
{
	world_init(w);
	w->dev.interfaces = composite;
	w->dev.ninterfaces = sizeof(composite) / sizeof(composite[0]);
}

/* The masks of the first two configurations, as bits. */
static unsigned
exposed(const char *selectors, struct world *w)
{
	struct rule_decision d;
	char text[256];

	snprintf(text, sizeof(text), "allow " TO "expose { %s }\n", selectors);
	decide(&d, text, w);
	if (d.verdict != RULE_ALLOW) {
		assert_int_equal(d.term, RULE_TERM_EXPOSE);
		assert_int_equal(d.exposes.is_all, 1);
		return 0;
	}
	assert_int_equal(d.exposes.is_all, 0);
	for (unsigned i = 1; i < 32; i++) {
		assert_int_equal(d.exposes.mask[0][i], 0);
	}
	return d.exposes.mask[0][0] | (unsigned)d.exposes.mask[1][0] << 8;
}

static void
expose_hides_the_rest(void **state)
{
	struct world w;

	(void)state;
	composite_device(&w);
	/* in the second configuration an alternate is something else */
	assert_int_equal(exposed("mass-storage", &w), 0x0001);
	assert_int_equal(exposed("mass-storage vendor", &w), 0x0101);
	/* and here one alternate is not named */
	assert_int_equal(exposed("08:06:50", &w), 0);
	assert_int_equal(exposed("08:06:*", &w), 0x0001);
	assert_int_equal(exposed("interface 1", &w), 0x0002);
	assert_int_equal(exposed("interface 0 interface 9", &w), 0x0101);
	/* data interfaces go with their control interface */
	assert_int_equal(exposed("cdc-serial", &w), 0x000c);
	assert_int_equal(exposed("hid-keyboard", &w), 0x0002);
	/* two things in one interface must both be wanted */
	assert_int_equal(exposed("fido", &w), 0);
	assert_int_equal(exposed("fido hid-keyboard", &w), 0x2002);
	assert_int_equal(exposed("hid", &w), 0x2002);
	assert_int_equal(exposed("printer", &w), 0);
}

/* The profile of an interface, under one rule. */
static void
assert_profile(const char *grants, unsigned config, uint8_t number,
    const char *expected)
{
	char text[256];
	struct rules *rules;
	struct rule_decision d;
	struct x509_facts who;
	struct world w;

	composite_device(&w);
	sample_identity(&who);
	snprintf(text, sizeof(text), "allow " TO "%s\n", grants);
	rules = rules_of(text);
	rules_decide(rules, &w.dev, &who, NULL, &d);
	assert_int_equal(d.verdict, RULE_ALLOW);
	assert_string_equal(
	    rules_profile_of(rules, &d, &w.dev, config, number), expected);
	rules_free(rules);
}

static void
each_interface_has_its_profile(void **state)
{
	static const char some[] = "using \"whole\" expose { mass-storage "
	    "using \"disk\" hid-keyboard cdc-serial using \"tty\" }";

	(void)state;
	assert_profile("using \"auto\"", 0, 1, "auto");
	assert_profile("", 0, 1, "");
	assert_profile(some, 0, 0, "disk");
	assert_profile(some, 0, 1, "whole"); /* the rule's */
	assert_profile(some, 0, 2, "tty");
	assert_profile(some, 0, 3, "tty"); /* with its control interface */
	assert_profile("expose { interface 1 using \"a\" hid using \"b\" }",
	    0, 1, "a"); /* the first that shows it */
	assert_profile("expose { interface 3 using \"d\" cdc-serial }", 0, 3,
	    "d");
	assert_profile("expose { mass-storage vendor using \"v\" }", 1, 0,
	    "");
	assert_profile("using \"x\"", 3, 9, "x"); /* whoever asks */
}

static void
forbid_exposed_judges_what_remains(void **state)
{
	static const char forbid[] =
	    "forbid exposed with-interface all-of { 08:*:* 03:*:* } key "
	    "\"F\"\nforbid exposed with-class dfu\n";
	struct rule_decision d;
	struct world w;
	char text[512];

	(void)state;
	composite_device(&w);
	snprintf(text, sizeof(text), "%sallow " TO "\n", forbid);
	decide(&d, text, &w);
	assert_int_equal(d.verdict, RULE_BLOCK);
	assert_int_equal(d.term, RULE_TERM_FORBID);
	assert_int_equal(d.is_forbid, 1);
	assert_string_equal(d.key, "F");
	assert_int_equal(d.line, 1);
	assert_int_equal(d.exposes.is_all, 1);
	snprintf(text, sizeof(text), "%sallow " TO "expose { interface 0 }\n",
	    forbid);
	decide(&d, text, &w);
	assert_int_equal(d.verdict, RULE_ALLOW);
	assert_int_equal(d.line, 3);
	snprintf(text, sizeof(text),
	    "%sallow " TO "expose { mass-storage interface 1 }\n", forbid);
	assert_int_equal(verdict(text, &w), RULE_BLOCK);
	/* the physical device is another question */
	assert_int_equal(verdict("forbid with-interface all-of { 08:*:* "
	    "03:*:* }\nallow " TO "expose { interface 0 }\n", &w), RULE_BLOCK);
}

static void
the_grant(void **state)
{
	struct rule_decision d;
	struct world w;

	(void)state;
	world_init(&w);
	decide(&d, "allow " TO "using \"p\" lease 12h idle 15m hold 2m once "
	    "max 3 per-gateway until \"2100-01-01T00:00:00Z\" capture "
	    "approve by \"boss\" within 60s valid 4h key \"K\"\n", &w);
	assert_int_equal(d.verdict, RULE_PENDING);
	assert_string_equal(d.grant.profile, "p");
	assert_int_equal(d.grant.lease, 43200);
	assert_int_equal(d.grant.idle, 900);
	assert_int_equal(d.grant.hold, 120);
	assert_int_equal(d.grant.until, 4102444800);
	assert_int_equal(d.grant.is_once, 1);
	assert_int_equal(d.grant.has_capture, 1);
	assert_int_equal(d.grant.max, 3);
	assert_int_equal(d.grant.max_scope, RULE_PER_GATEWAY);
	assert_string_equal(d.grant.approver, "boss");
	assert_int_equal(d.grant.approve_within, 60);
	assert_int_equal(d.grant.approve_valid, 14400);
	assert_string_equal(d.key, "K");
	assert_true(d.rule != 0);
	/* nothing is granted by a block */
	w.denied = 1;
	decide(&d, "allow " TO "using \"p\" lease 1h approve by \"x\"\n", &w);
	assert_int_equal(d.verdict, RULE_BLOCK);
	assert_int_equal(d.grant.lease, 0);
	assert_string_equal(d.grant.profile, "");
}

static void
terms_that_are_not_met_block(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	assert_int_equal(term("", &w), RULE_TERM_NONE);
	assert_int_equal(term("once", &w), RULE_TERM_NONE);
	w.had = 1;
	assert_int_equal(term("once", &w), RULE_TERM_ONCE);
	w.leases[RULE_PER_WORKSTATION] = 1;
	w.leases[RULE_PER_GATEWAY] = 2;
	assert_int_equal(term("max 1 per-workstation", &w), RULE_TERM_MAX);
	assert_int_equal(term("max 2 per-workstation", &w), RULE_TERM_NONE);
	assert_int_equal(term("max 2 per-gateway", &w), RULE_TERM_MAX);
	assert_int_equal(term("max 3 per-gateway", &w), RULE_TERM_NONE);
	assert_int_equal(term("approve by \"x\"", &w), RULE_TERM_NONE);
	w.denied = 1;
	assert_int_equal(term("approve by \"x\"", &w), RULE_TERM_APPROVE);
	w.world.now = 1000;
	assert_int_equal(
	    term("until \"1970-01-01T00:16:41Z\"", &w), RULE_TERM_NONE);
	assert_int_equal(
	    term("until \"1970-01-01T01:16:40+01:00\"", &w), RULE_TERM_UNTIL);
	w.is_unknown = 1;
	assert_int_equal(
	    term("until \"2100-01-01T00:00:00Z\"", &w), RULE_TERM_WORLD);
	assert_int_equal(term("window { Mon 01:00-02:00 }", &w),
	    RULE_TERM_WORLD);
}

static void
windows(void **state)
{
	static const struct {
		unsigned day;
		const char *at; /* HHMM */
		const char *terms;
		int is_in;
	} rows[] = {
		{0, "0600", "{ Mon-Fri 06:00-07:30 }", 1},
		{4, "0729", "{ Mon-Fri 06:00-07:30 }", 1},
		{4, "0730", "{ Mon-Fri 06:00-07:30 }", 0},
		{0, "0559", "{ Mon-Fri 06:00-07:30 }", 0},
		{5, "0600", "{ Mon-Fri 06:00-07:30 }", 0},
		/* over midnight: the morning is the day before's */
		{4, "2200", "{ Fri 22:00-06:00 }", 1},
		{5, "0559", "{ Fri 22:00-06:00 }", 1},
		{5, "0600", "{ Fri 22:00-06:00 }", 0},
		{4, "0559", "{ Fri 22:00-06:00 }", 0},
		{0, "0100", "{ Sun 22:00-06:00 }", 1},
		{6, "1200", "{ Fri-Mon 11:00-13:00 }", 1},
		{2, "1200", "{ Fri-Mon 11:00-13:00 }", 0},
		{2, "2359", "{ Wed 00:00-24:00 }", 1},
		{3, "0000", "{ Wed 00:00-24:00 }", 0},
		{3, "0000", "{ Wed 00:00-24:00 Thu 00:00-00:01 }", 1},
		{1, "0900", "{ Tue 08:00-10:00 } tz \"Europe/Berlin\"", 1},
		{1, "0900", "{ Tue 08:00-10:00 } tz \"Nowhere\"", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct world w;
		char text[128];
		const char *at = rows[i].at;

		world_init(&w);
		w.local.weekday = (uint8_t)rows[i].day;
		w.local.second = (uint32_t)((at[0] - '0') * 36000 +
		    (at[1] - '0') * 3600 + (at[2] - '0') * 600 +
		    (at[3] - '0') * 60);
		snprintf(text, sizeof(text), "window %s", rows[i].terms);
		if ((term(text, &w) == RULE_TERM_NONE) != rows[i].is_in) {
			fail_msg("%s at %s", text, at);
		}
	}
}

static void
each_condition(void **state)
{
	struct rule_device other = sample_device();
	struct world w;

	(void)state;
	world_init(&w);
	assert_true(holds("true", &w) && !holds("false", &w));
	assert_true(holds("!false", &w) && !holds("!true", &w));
	assert_true(holds("true(x)", &w));
	w.lock = RULE_UNLOCKED;
	assert_true(holds("session(unlocked)", &w));
	assert_false(holds("session(locked)", &w));
	assert_true(holds("!session(locked)", &w));
	assert_true(holds("armed(\"svc\")", &w));
	assert_false(holds("armed(\"else\")", &w));
	assert_false(holds("first-seen", &w));
	w.dev.is_first_seen = 1;
	assert_true(holds("first-seen", &w));
	assert_true(holds("!ambiguous", &w));
	w.dev.is_ambiguous = 1;
	assert_true(holds("ambiguous", &w));
	w.dev.plugged = w.world.now - 600;
	assert_true(holds("plugged-within(10m)", &w));
	assert_false(holds("plugged-within(599s)", &w));
	w.draw = 0x80000000u;
	assert_false(holds("random", &w) || holds("random(0.5)", &w));
	assert_true(holds("random(0.51)", &w) && holds("random(2)", &w));
	assert_false(holds("random(0)", &w) || holds("random(-1)", &w));
	w.local.second = 8 * 3600 + 30 * 60;
	assert_true(holds("localtime(08:00-09:00)", &w));
	assert_true(holds("localtime(08:30-08:30)", &w));
	assert_true(holds("localtime(08:30)", &w)); /* that second */
	assert_false(holds("localtime(08:30:01-09:00)", &w));
	assert_true(holds("localtime(22:00-09:00 Europe/Berlin)", &w));
	assert_false(holds("localtime(22:00-08:00)", &w));
	assert_false(holds("exported-matches(id 1234:*)", &w));
	other.vid = 0x1234;
	w.exported = &other;
	assert_true(holds("exported-matches(id 1234:*)", &w));
	assert_true(holds("exported-matches(1234:*)", &w));
	assert_true(holds("exported-matches", &w));
	assert_false(holds("exported-matches(name \"x\")", &w));
	assert_false(holds("allowed-matches(id 1234:*)", &w));
	w.allowed = &other;
	assert_true(holds("allowed-matches(with-class hid if false)", &w));
}

/* C5 */
static void
counters_are_the_rules_own(void **state)
{
	static const char text[] =
	    "block id 1234:* if rule-evaluated\n"
	    "reject if all-of { rule-evaluated(00:10) rule-applied }\n"
	    "allow " TO "if one-of { !rule-applied rule-applied(90) }\n";
	struct world w;

	(void)state;
	world_init(&w);
	w.world.moment = RULE_AT_LIST;
	assert_int_equal(verdict(text, &w), RULE_ALLOW);
	assert_int_equal(w.nevaluated + w.napplied, 0);
	w.world.moment = RULE_AT_IMPORT;
	assert_int_equal(verdict(text, &w), RULE_ALLOW);
	/* the first does not get as far as its condition */
	assert_int_equal(w.nevaluated, 1);
	assert_int_equal(w.napplied, 1);
	w.counted[RULE_APPLIED] = w.world.now - 91;
	assert_int_equal(verdict(text, &w), RULE_BLOCK); /* implicit */
	w.counted[RULE_APPLIED] = w.world.now - 90;
	assert_int_equal(verdict(text, &w), RULE_ALLOW);
	w.counted[RULE_EVALUATED] = w.world.now - 600;
	assert_int_equal(verdict(text, &w), RULE_REJECT);
	w.counted[RULE_EVALUATED] = w.world.now - 601;
	assert_int_equal(verdict(text, &w), RULE_ALLOW);
}

static void
sets_of_conditions(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	assert_true(holds("{ true !false }", &w));
	assert_false(holds("{ true false }", &w));
	assert_true(holds("one-of { false true }", &w));
	assert_false(holds("none-of { false true }", &w));
	assert_true(holds("none-of { false !true }", &w));
	assert_true(holds("match-all { true }", &w));
	assert_true(holds("equals-ordered { true true }", &w));
}

/* What cannot be answered allows nothing and avoids no block. */
static void
unknown_counts_against(void **state)
{
	static const char *const conditions[] = {"session(unlocked)",
	    "!session(unlocked)", "session(locked)", "random",
	    "localtime(00:00-24:00)", "first-seen", "!first-seen", "ambiguous",
	    "!armed(\"x\")", "exported-matches", "!allowed-matches",
	    "plugged-within(1d)", "rule-applied", "!rule-evaluated",
	    "{ true first-seen }", "one-of { false first-seen }",
	    "none-of { false first-seen }"};
	struct world w;

	(void)state;
	world_init(&w);
	w.is_unknown = 1;
	for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]);
	     i++) {
		assert_false(holds(conditions[i], &w));
		assert_true(blocks(conditions[i], &w));
	}
	/* where it does not matter it does not count */
	assert_true(holds("one-of { true first-seen }", &w));
	assert_false(blocks("{ false first-seen }", &w));
	assert_false(blocks("none-of { true first-seen }", &w));
	assert_int_equal(verdict("forbid if first-seen\nallow " TO "\n", &w),
	    RULE_BLOCK);
	/* a session that does not say is not known either */
	w.is_unknown = 0;
	w.lock = RULE_LOCK_UNKNOWN;
	assert_false(holds("!session(locked)", &w));
	assert_true(blocks("session(locked)", &w));
	assert_false(holds("localtime(00:00-24:00 Nowhere)", &w));
	w.dev.plugged = 0;
	assert_false(holds("!plugged-within(1s)", &w));
}

/* What was judged when the lease began stays true for it; the rest does not. */
static void
a_lease_that_goes_on(void **state)
{
	static const char text[] =
	    "allow " TO "once max 1 per-gateway approve by \"x\" "
	    "window { Mon 06:00-07:00 } if all-of { armed(\"gone\") "
	    "plugged-within(1s) random(0) rule-applied !rule-evaluated "
	    "session(unlocked) } key \"K\"\n"
	    "allow " TO "if none-of { armed(\"svc\") session(locked) } "
	    "key \"L\"\n";
	struct rule_decision d;
	struct world w;

	(void)state;
	world_init(&w);
	w.had = w.denied = 1;
	w.leases[RULE_PER_GATEWAY] = 5;
	w.lock = RULE_UNLOCKED;
	w.local.second = 6 * 3600;
	decide(&d, text, &w);
	assert_int_equal(d.is_implicit, 1);
	w.world.moment = RULE_AT_LEASE;
	w.world.granted_by = key_id("K");
	decide(&d, text, &w);
	assert_int_equal(d.verdict, RULE_ALLOW);
	assert_string_equal(d.key, "K");
	/* its standing parts are taken again */
	w.lock = RULE_LOCKED;
	decide(&d, text, &w);
	assert_int_equal(d.is_implicit, 1);
	w.lock = RULE_UNLOCKED;
	w.local.second = 7 * 3600;
	decide(&d, text, &w);
	assert_int_equal(d.verdict, RULE_BLOCK);
	assert_int_equal(d.term, RULE_TERM_WINDOW);
	/* another rule's lease is not this one's */
	w.local.second = 6 * 3600;
	w.world.granted_by = key_id("L");
	decide(&d, text, &w);
	assert_int_equal(d.verdict, RULE_ALLOW);
	assert_string_equal(d.key, "L");
	w.lock = RULE_LOCKED;
	decide(&d, text, &w);
	assert_int_equal(d.is_implicit, 1);
}

static void
audit_decides_nothing(void **state)
{
	static const char text[] =
	    "block name \"Scanner\" audit key \"A\"\n"
	    "allow " TO "once audit key \"B\"\n"
	    "reject id 1234:* audit key \"C\"\n"
	    "allow " TO "key \"D\"\n"
	    "block audit key \"E\"\n";
	struct rule_decision d;
	struct world w;

	(void)state;
	world_init(&w);
	w.had = 1;
	decide(&d, text, &w);
	assert_int_equal(d.verdict, RULE_ALLOW);
	assert_string_equal(d.key, "D");
	assert_int_equal(w.nnoted, 2);
	assert_string_equal(w.noted[0], "A");
	assert_int_equal(w.noted_verdict[0], RULE_BLOCK);
	assert_string_equal(w.noted[1], "B");
	assert_int_equal(w.noted_verdict[1], RULE_BLOCK); /* once */
}

static void
without_an_identity(void **state)
{
	struct rule_decision d;
	struct world w;

	(void)state;
	world_init(&w);
	w.is_nobody = 1;
	decide(&d, "block id 1234:*\nallow " TO "key \"K\"\n", &w);
	assert_int_equal(d.verdict, RULE_DEPENDS);
	assert_string_equal(d.key, "K");
	decide(&d, "block " TO "\nreject\n", &w);
	assert_int_equal(d.verdict, RULE_DEPENDS);
	/* what could not match does not matter, nor what only audits */
	decide(&d, "allow id 1234:* " TO "\nallow " TO "if false\n"
		   "block " TO "audit\nreject\n", &w);
	assert_int_equal(d.verdict, RULE_REJECT);
	/* found by a fingerprint that nobody has shown */
	decide(&d, "allow to \"fp:sha256:60303ae22b998861bce3b28f33eec1be758a21"
		   "3c86c93c076dbe9f558c11c752\"\nreject\n", &w);
	assert_int_equal(d.verdict, RULE_DEPENDS);
}

static void
ids_last(void **state)
{
	struct rules *a = rules_of("allow " TO "key \"K\"\nblock name \"x\"\n");
	struct rules *b = rules_of("block\nblock  name {\"x\"} # again\n"
				   "reject key \"K\"\nforbid id 1234:*\n");

	(void)state;
	assert_int_equal(rules_id(a, 0), key_id("K"));
	/* forbids come first */
	assert_int_equal(rules_id(a, 1), rules_id(b, 2));
	assert_int_equal(rules_id(a, 0), rules_id(b, 3));
	assert_true(rules_id(b, 0) != rules_id(b, 1) && rules_id(b, 0) != 0);
	rules_free(a);
	rules_free(b);
}

/* A rule that speaks of desktops means one that has it all. */
static void
desktops(void **state)
{
	static const struct rule_desk alice = {
		"alice", "seat0", RULE_UNLOCKED};
	static const struct rule_desk bob = {"bob", "seat1", RULE_LOCKED};
	static const struct rule_desk nobody = {"", "seat2", RULE_UNLOCKED};
	static const struct {
		const char *rule;
		int none, both, away; /* nothing is said; alice, bob; nobody */
	} rows[] = {
		{"allow " TO "and \"user:alice\"", 0, 1, 0},
		{"allow " TO "and \"user:a*\"", 0, 1, 0},
		{"allow " TO "and \"user:Alice\"", 0, 0, 0},
		{"allow " TO "and \"user:carol\"", 0, 0, 0},
		{"allow " TO "and \"seat:seat2\"", 0, 0, 1},
		{"allow " TO "and \"user:alice\" and \"seat:seat0\"", 0, 1, 0},
		{"allow " TO "and \"user:alice\" and \"seat:seat1\"", 0, 0, 0},
		{"allow " TO "and all-of { \"user:bob\" \"seat:seat1\" }", 0, 1,
		    0},
		{"allow " TO "and none-of { \"user:alice\" }", 0, 1, 1},
		{"allow " TO "and none-of { \"user:*\" }", 0, 0, 1},
		{"allow " TO "and one-of { \"cn:nobody\" \"user:bob\" }", 0, 1,
		    0},
		/* session() is about the same desktops, or about all */
		{"allow " TO "and \"user:alice\" if session(unlocked)", 0, 1,
		    0},
		{"allow " TO "and \"user:bob\" if session(unlocked)", 0, 0, 0},
		{"allow " TO "if session(unlocked)", 0, 0, 1},
		/* what is not known counts against the device */
		{"block " TO "and \"user:carol\"", 1, 0, 0},
		{"block " TO "and \"user:bob\"", 1, 1, 0},
		{"block " TO "and none-of { \"user:alice\" }", 1, 1, 1},
		{"block to \"cn:nobody\" and \"user:alice\"", 0, 0, 0},
	};
	struct rule_decision d;
	struct world w;
	char text[200];

	(void)state;
	world_init(&w);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		(void)snprintf(text, sizeof(text), "%s key \"K\"\n",
		    rows[i].rule);
		w.ndesks = 0;
		decide(&d, text, &w);
		assert_int_equal(d.is_implicit, !rows[i].none);
		w.desks[0] = alice;
		w.desks[1] = bob;
		w.ndesks = 2;
		decide(&d, text, &w);
		assert_int_equal(d.is_implicit, !rows[i].both);
		w.desks[0] = nobody;
		w.ndesks = 1;
		decide(&d, text, &w);
		assert_int_equal(d.is_implicit, !rows[i].away);
	}
}

/* What workstations say of themselves opens nothing alone. */
static void
desktops_prove_nothing(void **state)
{
	static const struct {
		const char *rule;
		int is_good;
	} rows[] = {
		{"allow to \"user:alice\"", 0},
		{"allow to all-of { \"user:alice\" \"seat:seat0\" }", 0},
		{"allow to one-of { \"cn:x\" \"user:alice\" }", 0},
		{"allow to \"user:alice\" and none-of { \"cn:x\" }", 0},
		{"allow to all-of { \"cn:x\" \"user:alice\" }", 1},
		{"allow to \"cn:x\" and \"user:alice\"", 1},
		{"block to \"user:alice\"", 0},
		{"allow to \"@people\"", 0},
		{"allow to \"@people\" and \"ou:Staff\"", 1},
		{"allow to \"user:\" and \"cn:x\"", 0},
	};
	char text[200];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rules_load *load = rules_load_new();
		struct rules *rules = NULL;
		int r;

		(void)snprintf(text, sizeof(text),
		    "workstations people = { \"user:alice\" \"user:bob\" }\n"
		    "%s\n",
		    rows[i].rule);
		assert_non_null(load);
		assert_int_equal(
		    rules_load_text(load, "x.rules", text, strlen(text)), 0);
		r = rules_load_finish(load, &rules);
		assert_int_equal(r, rows[i].is_good ? 0 : ERR_FORMAT);
		rules_free(rules);
		rules_load_free(load);
	}
}

static void
what_is_asked(void **state)
{
	static const struct {
		const char *text;
		unsigned asks;
	} rows[] = {
		{"block\n", 0},
		{"block if { true random first-seen }\n", 0},
		{"block if localtime(00:00)\n", RULES_ASK_TIME},
		{"allow " TO "window { Mon 00:00-01:00 }\n", RULES_ASK_TIME},
		{"allow " TO "until \"2030-01-01T00:00:00Z\"\n",
		    RULES_ASK_TIME},
		{"forbid if plugged-within(1s)\n", RULES_ASK_TIME},
		{"block if rule-applied(1m)\n", RULES_ASK_TIME},
		{"block if !session(locked)\n", RULES_ASK_DESKS},
		{"block " TO "and \"seat:seat0\"\n", RULES_ASK_DESKS},
		{"block if ambiguous\n", RULES_ASK_DEVICES},
		{"block if one-of { exported-matches armed(\"x\") }\n",
		    RULES_ASK_DEVICES | RULES_ASK_ARMED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rules *rules = rules_of(rows[i].text);

		assert_int_equal(rules_ask(rules), rows[i].asks);
		rules_free(rules);
	}
}

static void
hubs_and_pins(void **state)
{
	static const struct rule_ancestor hubs[] = {
	    {0x17ef, 0x3060, "hubhash", "3-2", "pci-0000:00:14.0:2"},
	    {0x1d6b, 0x0002, "", "usb3", ""}};
	static const uint8_t reports[2][32] = {{1}, {2}};
	struct world w;
	char text[256];

	(void)state;
	world_init(&w);
	w.dev.ancestors = hubs;
	w.dev.nancestors = 2;
	w.dev.reports = reports;
	w.dev.nreports = 2;
	memset(w.dev.desc_sha256, 0xab, 32);
	assert_true(clause_matches("under 17ef:3060", &w.dev));
	assert_true(clause_matches("under 17ef:*", &w.dev));
	assert_true(clause_matches("under 1d6b:0002", &w.dev));
	assert_false(clause_matches("under 05e0:1200", &w.dev));
	assert_true(clause_matches("under \"hubhash\"", &w.dev));
	assert_false(clause_matches("under \"hub*\"", &w.dev));
	assert_true(clause_matches("under \"3-*\"", &w.dev));
	assert_true(clause_matches("under \"pci-*:2\"", &w.dev));
	assert_true(clause_matches("under all-of { 17ef:* \"usb*\" }", &w.dev));
	assert_true(clause_matches("under none-of { 1234:* }", &w.dev));
	assert_true(clause_matches("pin \"hash:aGFzaA==\"", &w.dev));
	assert_false(clause_matches("pin \"hash:aGFzaA=\"", &w.dev));
	for (int i = 0; i < 2; i++) {
		size_t n = (size_t)snprintf(text, sizeof(text),
		    "pin \"%s:sha256:", i == 0 ? "desc" : "report");

		for (int j = 0; j < 32; j++) {
			n += (size_t)snprintf(text + n, sizeof(text) - n,
			    "%02x", i == 0 ? 0xabu : j == 0 ? 2u : 0u);
		}
		snprintf(text + n, sizeof(text) - n, "\"");
		assert_true(clause_matches(text, &w.dev));
		text[n - 1] = '7';
		assert_false(clause_matches(text, &w.dev));
	}
	/* a device that nobody has read has no pin, not an empty one */
	memset(w.dev.desc_sha256, 0, 32);
	w.dev.hash = "";
	snprintf(text, sizeof(text), "pin match-all { \"desc:sha256:%064d\" }",
	    0);
	assert_false(clause_matches(text, &w.dev));
}

static void
keep_reason(void *arg, const char *file, unsigned line, int matched,
    const char *reason)
{
	char *text = arg;
	size_t n = strlen(text);

	(void)file;
	snprintf(text + n, 4096 - n, "%u %s: %s\n", line,
	    matched ? "yes" : "no", reason);
}

static void
explains(void **state)
{
	static const char rules_text[] =
	    "allow id 1234:* " TO "\n"
	    "block if armed(\"x\") audit\n"
	    "block if first-seen\n"
	    "allow " TO "if { session(unlocked) true } window "
	    "{ Mon 00:00-01:00 }\n"
	    "block\n"
	    "forbid name \"x\"\n"
	    "forbid exposed with-class dfu\n";
	struct rules *rules = rules_of(rules_text);
	struct x509_facts who;
	char text[4096] = "";
	struct world w;

	(void)state;
	world_init(&w);
	sample_identity(&who);
	w.lock = RULE_UNLOCKED;
	w.local.second = 7200;
	w.armed = "x";
	rules_explain(rules, &w.dev, &who, &w.world, keep_reason, text);
	assert_string_equal(text,
	    "6 no: name \"x\": device has \"Scanner\"\n"
	    "7 no: with-class dfu: device has 03:00:00 03:01:01\n"
	    "1 no: id 1234:*: device has 05e0:1200\n"
	    "2 no: if armed(\"x\") holds; it would decide, but only audits\n"
	    "3 no: if first-seen: first-seen is false\n"
	    "4 yes: to \"cn:ws-*\" and if { session(unlocked) true } hold; "
	    "blocked: it is outside of `window'\n");
	assert_int_equal(w.nnoted, 0);
	w.lock = RULE_LOCK_UNKNOWN;
	text[0] = '\0';
	rules_explain(rules, &w.dev, &who, &w.world, keep_reason, text);
	assert_non_null(strstr(text, "4 no: if { session(unlocked) true }: "
	    "session(unlocked) is not known, true is true\n5 yes"));
	text[0] = '\0';
	rules_explain(rules, &w.dev, NULL, NULL, keep_reason, text);
	assert_non_null(strstr(text, "7 no: no rule exposes anything\n"));
	assert_non_null(strstr(text, "3 yes: if first-seen holds; what is "
	    "not known counts against the device\n"));
	rules_free(rules);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forbid_is_first_and_free_of_order),
		cmocka_unit_test(expose_hides_the_rest),
	    cmocka_unit_test(each_interface_has_its_profile),
		cmocka_unit_test(forbid_exposed_judges_what_remains),
		cmocka_unit_test(the_grant),
		cmocka_unit_test(terms_that_are_not_met_block),
		cmocka_unit_test(windows),
		cmocka_unit_test(each_condition),
		cmocka_unit_test(counters_are_the_rules_own),
		cmocka_unit_test(sets_of_conditions),
		cmocka_unit_test(unknown_counts_against),
		cmocka_unit_test(a_lease_that_goes_on),
		cmocka_unit_test(audit_decides_nothing),
		cmocka_unit_test(without_an_identity),
		cmocka_unit_test(ids_last),
		cmocka_unit_test(desktops),
		cmocka_unit_test(desktops_prove_nothing),
		cmocka_unit_test(what_is_asked),
		cmocka_unit_test(hubs_and_pins),
		cmocka_unit_test(explains),
	};

	return cmocka_run_group_tests_name("rules_world", tests, NULL, NULL);
}
