/*
 * policy/rules: `to' and groups of workstations, defines, and who may be
 * allowed at all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/rules_body.h"

#define ABS "abababababababababababababababab"
#define ONES "11111111111111111111111111111111"
#define ZEROES "00000000000000000000000000000000"

static int
to_matches(const char *to, const char *more, const struct x509_facts *who)
{
	struct rule_device dev = sample_device();
	char text[4096];

	snprintf(text, sizeof(text), "allow to %s\n%s", to, more);
	return verdict_of(text, &dev, who) == RULE_ALLOW;
}

static void
facts(void **state)
{
	static const struct {
		const char *to;
		int expected;
	} rows[] = {
		{"\"cn:ws-01\"", 1},
		{"\"cn:WS-01\"", 0},
		{"\"cn:ws-*\"", 1},
		{"\"dns:k1.hall-a.kiosk.example\"", 1}, /* any case */
		{"\"dns:K1.HALL-A.KIOSK.EXAMPLE\"", 1},
		{"\"dns:*.hall-a.kiosk.example\"", 1},
		{"\"dns:*.kiosk.example\"", 1}, /* dots are bytes */
		{"\"dns:*.hall-b.kiosk.example\"", 0},
		{"\"dns:hall-a.kiosk.example\"", 0},
		{"\"cn:k1.hall-a.kiosk.example\"", 0},
		{"\"uri:spiffe://corp/vdi/*\"", 1},
		{"\"uri:spiffe://CORP/vdi/*\"", 0},
		{"\"ou:Staff\"", 1},
		{"\"ou:staff\"", 0},
		{"\"ou:Guests\"", 0},
		{"\"ip:10.0.0.2\"", 1},
		{"\"ip:10.0.0.*\"", 1},
		{"\"ip:10.0.0.3\"", 0},
		{"\"issuer:CN=Corp Issuing CA 2\"", 1},
		{"\"issuer:*Issuing CA*\"", 1},
		{"\"issuer:*Other*\"", 0},
		{"\"issuer:sha256:" ONES ONES "\"", 1},
		{"\"issuer:sha256:" ABS ABS "\"", 0},
		{"\"fp:sha256:" ABS ABS "\"", 1},
		{"\"fp:sha256:" ONES ONES "\"", 0},
		{"one-of { \"cn:x\" \"ou:Staff\" }", 1},
		{"all-of { \"issuer:*CA 2\" \"ou:Radiology\" }", 1},
		{"all-of { \"issuer:*CA 2\" \"ou:Guests\" }", 0},
		{"\"ou:Staff\" and none-of { \"dns:*.guest.example\" }", 1},
		{"\"ou:Staff\" and none-of { \"dns:*.KIOSK.example\" }", 0},
		{"\"ou:Staff\" and \"cn:ws-*\" and \"cn:*-01\"", 1},
		{"\"ou:Staff\" and \"cn:ws-*\" and \"cn:*-02\"", 0},
		/* only the kinds of facts that the set speaks of */
		{"equals { \"ou:Staff\" \"ou:Radiology\" }", 1},
		{"equals { \"ou:Radiology\" \"ou:Staff\" }", 1},
		{"equals { \"ou:Staff\" }", 0},
		{"equals { \"ou:Staff\" \"ou:Staff\" }", 0},
		{"equals { \"ou:*\" \"ou:Staff\" }", 1}, /* re-paired */
		{"equals { \"ou:Staff\" \"ou:*\" }", 1},
		{"equals { \"ou:*i*\" \"ou:*o*\" }", 0},
		{"equals-ordered { \"ou:Staff\" \"ou:Radiology\" }", 1},
		{"equals-ordered { \"ou:Radiology\" \"ou:Staff\" }", 0},
		{"match-all { \"ou:Staff\" \"ou:R*\" }", 1},
		{"match-all { \"ou:Staff\" }", 0},
		{"match-all { \"dns:*.example\" }", 1},
	};
	struct x509_facts who;

	(void)state;
	sample_identity(&who);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (to_matches(rows[i].to, "", &who) != rows[i].expected) {
			fail_msg("to %s: expected %d", rows[i].to,
			    rows[i].expected);
		}
	}
}

static void
absent_facts_match_nothing(void **state)
{
	static const char *const patterns[] = {"\"cn:*\"", "\"dns:*\"",
	    "\"uri:*\"", "\"ou:*\"", "\"ip:*\"", "\"issuer:*\"",
	    "match-all { \"dns:*\" }", "equals { \"ou:*\" }",
	    "\"fp:sha256:" ZEROES ZEROES "\""};
	struct x509_facts who;

	(void)state;
	memset(&who, 0, sizeof(who));
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		assert_false(to_matches(patterns[i], "", &who));
		assert_false(to_matches(patterns[i], "", NULL));
	}
	/* not known is not the same as not a guest */
	assert_false(
	    to_matches("\"ou:*\" and none-of { \"ou:Guests\" }", "", NULL));
}

static void
hostile_names(void **state)
{
	struct x509_facts who;

	(void)state;
	sample_identity(&who);
	/* a wildcard certificate is no wildcard here */
	snprintf(who.san[0].text, IDENTITY_TEXT, "*.kiosk.example");
	assert_false(to_matches("\"dns:k1.kiosk.example\"", "", &who));
	assert_true(to_matches("\"dns:*.kiosk.example\"", "", &who));
	/* no end inside the array */
	memset(who.san[0].text, 'a', IDENTITY_TEXT);
	assert_true(to_matches("\"dns:a*a\"", "", &who));
	assert_false(
	    to_matches("\"dns:*a*a*a*a*a*a*a*a*b\"", "", &who));
	/* more facts than there is room for */
	who.nsan = 255;
	who.nou = 255;
	assert_true(to_matches("\"cn:ws-01\"", "", &who));
}

static void
addresses_have_one_form(void **state)
{
	struct x509_facts who;

	(void)state;
	memset(&who, 0, sizeof(who));
	add_san(&who, SAN_IP, "2001:db8::1");
	assert_true(to_matches("\"ip:2001:DB8:0:0::1\"", "", &who));
	assert_true(to_matches("\"ip:2001:db8:*\"", "", &who));
	assert_refused("allow to \"ip:10.0.0\"\n", 1, 10, "expected an IPv4");
	assert_refused("allow to \"ip:10.0.0.0/8\"\n", 1, 10, "expected an");
}

static void
groups(void **state)
{
	static const char more[] =
	    "workstations a = { \"dns:*.hall-a.kiosk.example\"\n"
	    "\t\"@b\" # of the other hall\n"
	    "}\n"
	    "workstations b = { \"cn:nobody\" $c }\n"
	    "define c = { \"cn:no\" \"ou:Stores\" }\n";
	struct x509_facts who;

	(void)state;
	sample_identity(&who);
	assert_true(to_matches("\"@a\"", more, &who));
	assert_false(to_matches("\"@b\"", more, &who));
	assert_true(to_matches("one-of { \"@b\" \"@a\" }", more, &who));
	assert_false(to_matches("all-of { \"@b\" \"@a\" }", more, &who));
	assert_true(to_matches("all-of { \"@a\" \"ou:Staff\" }", more, &who));
	assert_true(
	    to_matches("\"ou:Staff\" and none-of { \"@b\" }", more, &who));
	assert_false(
	    to_matches("\"ou:Staff\" and none-of { \"@a\" }", more, &who));
	snprintf(who.ou[1], IDENTITY_TEXT, "Stores");
	assert_true(to_matches("\"@b\"", more, &who));
	snprintf(who.san[0].text, IDENTITY_TEXT, "elsewhere");
	assert_true(to_matches("\"@a\"", more, &who));
}

static void
groups_in_other_files(void **state)
{
	static const char one[] = "allow to \"@g\" key \"K\"\n"
				  "allow id $x to \"cn:y\"\n";
	static const char two[] = "workstations g = { \"cn:ws-*\" }\n"
				  "define x = 1234:*\n"
				  "block\n";
	struct rules_load *load = rules_load_new();
	struct rule_device dev = sample_device();
	struct rule_decision d;
	struct x509_facts who;
	struct rules *rules;

	(void)state;
	sample_identity(&who);
	assert_int_equal(rules_load_text(load, "1", one, strlen(one)), 0);
	assert_int_equal(rules_load_text(load, "2", two, strlen(two)), 0);
	assert_int_equal(rules_load_finish(load, &rules), 0);
	rules_load_free(load);
	assert_int_equal(rules_count_of(rules, "1"), 2);
	rules_decide(rules, &dev, &who, NULL, &d);
	assert_string_equal(d.file, "1");
	assert_string_equal(d.key, "K");
	rules_decide(rules, &dev, NULL, NULL, &d);
	assert_int_equal(d.verdict, RULE_DEPENDS);
	assert_string_equal(d.file, "1");
	assert_int_equal(d.line, 1);
	rules_free(rules);
}

static void
defines(void **state)
{
	struct rule_device dev = sample_device();

	(void)state;
	assert_int_equal(
	    verdict_of("default to any\nallow with-interface $kbd\n"
		       "define kbd = { 03:00:00 $other }\n"
		       "define other = 03:01:01\n",
		&dev, NULL),
	    RULE_ALLOW);
	assert_int_equal(
	    verdict_of("default to any\ndefine id = 05E0:*\n"
		       "allow id one-of { 1234:* $id } name $name\n"
		       "define name = \"Scanner\"\n",
		&dev, NULL),
	    RULE_ALLOW);
	/* in a string it is text */
	assert_int_equal(
	    verdict_of("default to any\ndefine n = \"Scanner\"\n"
		       "allow name \"$n\"\n",
		&dev, NULL),
	    RULE_BLOCK);
	assert_refused("block id $x\n", 1, 10, "no such define");
	assert_refused("define x = \"a\"\nblock id $x\n", 2, 10,
	    "its value a: no device id");
	assert_refused("define x = { $y }\ndefine y = $x\nblock id $x\n", 1,
	    8, "in a circle");
	assert_refused("define x = \"a\"\ndefine x = \"b\"\n", 2, 8,
	    "defined twice");
	assert_refused("define a/b = \"a\"\n", 1, 8, "a name has letters");
	assert_refused("define x = one-of { \"a\" }\n", 1, 12, "unexpected");
	assert_refused("define s = { \"cn:a\" \"cn:b\" }\nallow to $s\n", 2,
	    10, "must name its operator");
	assert_refused("workstations g = { $d }\ndefine d = \"@g\"\n", 1, 20,
	    "cannot name a group");
}

static void
allow_says_to_whom(void **state)
{
	(void)state;
	assert_refused("block\n  allow id 1234:*\n", 2, 3, "to whom");
	assert_refused("allow to { \"cn:a\" }\n", 1, 10,
	    "must name its operator");
	assert_refused("allow to none-of { \"cn:a\" }\n", 1, 7,
	    "only who may not");
	assert_refused(
	    "allow to none-of { \"cn:a\" } and none-of { \"cn:b\" }\n", 1, 7,
	    "only who may not");
	assert_refused("allow to \"a\"\n", 1, 10, "no fact");
	assert_refused("allow to cn:a\n", 1, 10, "a string in quotes");
	assert_refused("allow to \"cn:\"\n", 1, 10, "nothing stands after");
	assert_refused("allow to \"fp:sha256:12\"\n", 1, 10,
	    "64 hexadecimal digits");
	assert_refused("allow to \"@x\"\n", 1, 10, "no such group");
	assert_refused("allow to \"cn:a\" to \"cn:b\"\n", 1, 17,
	    "given twice");
	assert_refused("workstations a = { \"@a\" }\n", 1, 14, "circle");
}

/* `default to any' speaks for its own file only. */
static void
default_is_per_file(void **state)
{
	static const char one[] = "allow id 1234:*\ndefault to any\n";
	static const char two[] = "allow id 5678:*\n";
	struct rules_load *load = rules_load_new();
	struct rules *rules;

	(void)state;
	assert_int_equal(rules_load_text(load, "1", one, strlen(one)), 0);
	assert_int_equal(rules_load_text(load, "2", two, strlen(two)), 0);
	assert_int_equal(rules_load_finish(load, &rules), ERR_FORMAT);
	assert_int_equal(rules_load_error_count(load), 1);
	assert_string_equal(rules_load_error(load, 0)->file, "2");
	rules_load_free(load);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(facts),
		cmocka_unit_test(absent_facts_match_nothing),
		cmocka_unit_test(hostile_names),
		cmocka_unit_test(addresses_have_one_form),
		cmocka_unit_test(groups),
		cmocka_unit_test(groups_in_other_files),
		cmocka_unit_test(defines),
		cmocka_unit_test(allow_says_to_whom),
		cmocka_unit_test(default_is_per_file),
	};

	return cmocka_run_group_tests_name("rules_to", tests, NULL, NULL);
}
