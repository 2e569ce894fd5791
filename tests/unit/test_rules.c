/*
 * policy/rules: words, patterns, every operator on every attribute, and the
 * corrections to USBGuard's matching, both ways.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policy/rules/ast.h"
#include "tests/unit/rules_body.h"

static void
keywords_are_sorted(void **state)
{
	(void)state;
	for (size_t i = 1; i < nkeywords; i++) {
		assert_true(
		    strcmp(keywords[i - 1].name, keywords[i].name) < 0);
	}
	for (size_t i = 0; i < nkeywords; i++) {
		const char *name = keywords[i].name;

		assert_ptr_equal(
		    keyword_find(name, strlen(name)), &keywords[i]);
	}
	assert_null(keyword_find("allo", 4));
	assert_null(keyword_find("allowx", 6));
	assert_null(keyword_find("", 0));
}

static void
globs(void **state)
{
	static const struct {
		const char *pattern, *text;
		int exact, fold;
	} rows[] = {
		{"", "", 1, 1},
		{"", "a", 0, 0},
		{"*", "", 1, 1},
		{"*", "any.thing", 1, 1},
		{"**", "", 1, 1},
		{"abc", "abc", 1, 1},
		{"abc", "ABC", 0, 1},
		{"abc", "abcd", 0, 0},
		{"a*c", "ac", 1, 1},
		{"a*c", "abbbc", 1, 1},
		{"a*c", "abbb", 0, 0},
		{"*.example", "k1.hall-a.example", 1, 1},
		{"*.example", "example", 0, 0},
		{"*.example", "x.example.evil", 0, 0},
		{"a*b*c", "axxbyybzzc", 1, 1},
		{"*a*", "bbbab", 1, 1},
		{"*aab", "aaab", 1, 1},
		{"a?c", "abc", 0, 0}, /* ? and [ are bytes */
		{"[ab]", "a", 0, 0},
		{"*\xc3\xa9", "caf\xc3\xa9", 1, 1},
	};
	char text[4096], pattern[256];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t p = strlen(rows[i].pattern), t = strlen(rows[i].text);

		assert_int_equal(glob_match(rows[i].pattern, p, rows[i].text,
				     t, GLOB_EXACT),
		    rows[i].exact);
		assert_int_equal(glob_match(rows[i].pattern, p, rows[i].text,
				     t, GLOB_FOLD),
		    rows[i].fold);
	}
	/* what makes backtracking matchers explode is over at once here */
	memset(text, 'a', sizeof(text));
	for (size_t i = 0; i < sizeof(pattern); i++) {
		pattern[i] = i % 2 ? '*' : 'a';
	}
	pattern[sizeof(pattern) - 1] = 'b';
	assert_false(glob_match(pattern, sizeof(pattern), text, sizeof(text),
	    GLOB_EXACT));
}

/* On an attribute with one value, M being the device's and N another. */
static void
operators_on_one_value(void **state)
{
	static const struct {
		const char *attr, *m, *n;
	} attrs[] = {
		{"id", "05e0:1200", "1234:5678"},
		{"id", "05E0:1200", "05e0:1201"},
		{"id", "05e0:*", "1234:*"},
		{"id", "*:*", "05e0:0000"},
		{"name", "\"Scanner\"", "\"scanner\""},
		{"name", "\"\\x53canner\"", "\"Scanner\\x00\""},
		{"serial", "\"S1\"", "\"\""},
		{"hash", "\"aGFzaA==\"", "\"x\""},
		{"parent-hash", "\"cGFyZW50\"", "\"x\""},
		{"via-port", "\"3-2.4\"", "\"3-2\""},
		{"via-port", "\"3-*\"", "\"4-*\""},
		{"via-port", "\"pci-0000:00:14.0:2.4\"", "\"pci-1\""},
		{"with-connect-type", "\"hotplug\"", "\"not used\""},
		{"manufacturer", "\"Acme\"", "\"acme\""},
		{"release", "1.10", "1.11"},
		{"release", "0110", "0210"},
		{"release", "1.*", "2.*"},
		{"speed", "high", "super"},
	};
	static const struct {
		const char *format; /* attribute, then values */
		const char *values; /* M and N in order */
		int expected;
	} rows[] = {
		{"%s all-of { %s }", "M", 1},
		{"%s all-of { %s %s }", "MM", 1},
		{"%s all-of { %s %s }", "MN", 0},
		{"%s all-of { %s }", "N", 0},
		{"%s one-of { %s }", "M", 1},
		{"%s one-of { %s %s }", "NM", 1},
		{"%s one-of { %s %s }", "NN", 0},
		{"%s none-of { %s }", "N", 1},
		{"%s none-of { %s %s }", "NM", 0},
		{"%s equals { %s }", "M", 1},
		{"%s equals { %s }", "N", 0},
		{"%s equals { %s %s }", "MM", 0},
		{"%s equals { %s %s }", "MN", 0},
		{"%s equals-ordered { %s }", "M", 1},
		{"%s equals-ordered { %s }", "N", 0},
		{"%s equals-ordered { %s %s }", "MM", 0},
		{"%s match-all { %s }", "M", 1},
		{"%s match-all { %s %s }", "NM", 1},
		{"%s match-all { %s }", "N", 0}, /* C3 */
		{"%s %s", "M", 1},
		{"%s %s", "N", 0},
	};
	struct rule_device dev = sample_device();

	(void)state;
	for (size_t a = 0; a < sizeof(attrs) / sizeof(attrs[0]); a++) {
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			const char *v[2];
			char clause[512];

			v[0] = rows[i].values[0] == 'M' ? attrs[a].m
							: attrs[a].n;
			v[1] = rows[i].values[1] == 'M' ? attrs[a].m
							: attrs[a].n;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
			snprintf(clause, sizeof(clause), rows[i].format,
			    attrs[a].attr, v[0], v[1]);
#pragma GCC diagnostic pop
			if (clause_matches(clause, &dev) != rows[i].expected) {
				fail_msg("%s: expected %d", clause,
				    rows[i].expected);
			}
		}
	}
}

static const struct rule_interface webcam[] = {IFACE(0x0e, 1, 0), IFACE(0x0e, 2, 0),
	IFACE(0x0e, 2, 0), IFACE(0x0e, 2, 0)};
static const struct rule_interface modem[] = {
	IFACE(0x02, 2, 1), IFACE(0x0a, 0, 0), IFACE(0x03, 0, 0)};
static const struct rule_interface twins[] = {IFACE(0x03, 0, 0), IFACE(0x03, 0, 0)};

struct interface_row {
	const char *clause;
	int expected;
};

static void
check_rows(const struct interface_row *rows, size_t n,
    const struct rule_interface *interfaces, size_t ninterfaces)
{
	struct rule_device dev = sample_device();

	dev.interfaces = interfaces;
	dev.ninterfaces = ninterfaces;
	for (size_t i = 0; i < n; i++) {
		if (clause_matches(rows[i].clause, &dev) !=
		    rows[i].expected) {
			fail_msg("%s: expected %d", rows[i].clause,
			    rows[i].expected);
		}
	}
}

#define CHECK(rows, interfaces)                                                \
	check_rows(rows, sizeof(rows) / sizeof((rows)[0]), interfaces,         \
	    sizeof(interfaces) / sizeof((interfaces)[0]))

static void
operators_on_interfaces(void **state)
{
	/* device: 03:00:00 03:01:01 */
	static const struct interface_row sample[] = {
		{"with-interface 03:00:00", 0}, /* equals: exactly one */
		{"with-interface { 03:00:00 03:01:01 }", 1},
		{"with-interface { 03:01:01 03:00:00 }", 1},
		{"with-interface { 03:*:* 03:00:00 }", 1},
		{"with-interface { 03:00:00 03:*:* }", 1},
		{"with-interface { 03:*:* 03:*:* }", 1},
		{"with-interface { 03:00:00 03:00:00 }", 0},
		{"with-interface { 03:00:* 03:00:00 }", 0},
		{"with-interface equals-ordered { 03:00:00 03:01:01 }", 1},
		{"with-interface equals-ordered { 03:01:01 03:00:00 }", 0},
		{"with-interface equals-ordered { 03:*:* 03:*:* }", 1},
		{"with-interface all-of { 03:*:* }", 1},
		{"with-interface all-of { 03:*:* 08:*:* }", 0},
		{"with-interface one-of { 08:*:* 03:01:* }", 1},
		{"with-interface one-of { 08:*:* }", 0},
		{"with-interface none-of { 08:*:* }", 1},
		{"with-interface none-of { 03:01:01 }", 0},
		{"with-interface match-all { 03:*:* }", 1},
		{"with-interface match-all { 03:01:* }", 0},
		{"with-interface only { 03:*:* }", 1},
		{"with-interface only { 03:00:00 }", 0},
		{"with-interface exactly { 03:00:00 03:01:01 }", 1},
		{"with-interface exactly { 03:*:* }", 0},
	};
	/* four descriptors, two distinct */
	static const struct interface_row folded[] = {
		{"with-interface { 0e:01:00 0e:02:00 }", 0},
		{"with-interface { 0e:01:00 0e:02:00 0e:02:00 0e:02:00 }", 1},
		{"with-interface { 0e:01:00 0e:01:00 0e:02:00 0e:02:00 }", 0},
		{"with-interface exactly { 0E:01:00 0e:02:00 }", 1},
		{"with-interface exactly { 0e:02:00 0e:01:00 }", 1},
		{"with-interface exactly { 0e:*:* 0e:*:* }", 1},
		{"with-interface exactly { 0e:*:* }", 0},
		{"with-interface only { 0e:*:* }", 1},
		{"with-interface only { 0e:*:* 01:*:* }", 1},
	};
	static const struct interface_row none[] = {
		{"with-interface none-of { 03:*:* }", 1},
		{"with-interface match-all { 03:*:* }", 1},
		{"with-interface only { 03:*:* }", 0},
		{"with-interface one-of { 03:*:* }", 0},
		{"with-interface 03:*:*", 0},
		{"with-class only { hid }", 0},
	};

	(void)state;
	CHECK(sample, sample_interfaces);
	CHECK(folded, webcam);
	check_rows(none, sizeof(none) / sizeof(none[0]), NULL, 0);
}

static void
classes(void **state)
{
	static const struct interface_row of_modem[] = {
		{"with-class hid", 1},
		{"with-class cdc-serial", 1},
		{"with-class cdc-net", 0}, /* 0a is the serial port's data */
		{"with-class vendor", 0},
		{"with-class one-of { vendor hid }", 1},
		{"with-class none-of { vendor hub }", 1},
		{"with-class none-of { vendor hid }", 0},
		{"with-class all-of { hid cdc-serial }", 1},
		{"with-class all-of { hid mass-storage }", 0},
		{"with-class only { hid cdc-serial }", 1},
		{"with-class only { cdc-serial }", 0},
		{"with-class exactly { hid cdc-serial }", 1},
		{"with-class equals { cdc-serial hid }", 1},
		{"with-class equals-ordered { cdc-serial hid }", 1},
		{"with-class equals-ordered { hid cdc-serial }", 0},
		{"with-class match-all { hid cdc-serial audio }", 1},
	};
	static const struct interface_row of_webcam[] = {
		{"with-class video", 1},
		{"with-class only { video }", 1},
		{"with-class exactly { video }", 0}, /* two distinct ones */
		{"with-class exactly { video video }", 1},
	};
	static const struct rule_interface rndis[] = {
		IFACE(0x02, 2, 0xff), IFACE(0x0a, 0, 0)};
	static const struct interface_row of_rndis[] = {
		{"with-class only { cdc-net }", 1},
		{"with-class cdc-serial", 0},
	};
	/* a mouse that is a keyboard as well, and one nobody asked */
	static const struct rule_interface receiver[] = {
		{.class = 3, .hid = RULE_HID_MOUSE},
		{.class = 3, .hid = RULE_HID_MOUSE | RULE_HID_KEYBOARD}};
	static const struct interface_row of_receiver[] = {
		{"with-class hid-mouse", 1},
		{"with-class hid-keyboard", 1},
		{"with-class fido", 0},
		{"with-class only { hid-mouse }", 0},
		{"with-class only { hid-mouse hid-keyboard }", 1},
		{"with-class exactly { hid-mouse hid-keyboard }", 1},
		{"with-class only { hid }", 1},
	};
	static const struct rule_interface unread[] = {IFACE(3, 1, 2)};
	static const struct interface_row of_unread[] = {
		{"with-class hid-keyboard", 1},
		{"with-class only { hid-keyboard }", 1},
		{"with-class one-of { hid-mouse hid-other fido }", 0},
	};
	static const struct rule_interface key[] = {
		{.class = 3, .hid = RULE_HID_FIDO}, IFACE(0x0b, 0, 0)};
	static const struct interface_row of_key[] = {
		{"with-class only { fido smartcard }", 1},
		{"with-class one-of { hid-keyboard hid-mouse hid-other }", 0},
	};
	static const struct rule_interface bare_data[] = {IFACE(0x0a, 0, 0)};
	static const struct interface_row of_bare_data[] = {
		{"with-class only { cdc-net cdc-serial }", 0},
	};

	(void)state;
	CHECK(of_modem, modem);
	CHECK(of_webcam, webcam);
	CHECK(of_rndis, rndis);
	CHECK(of_bare_data, bare_data);
	CHECK(of_receiver, receiver);
	CHECK(of_unread, unread);
	CHECK(of_key, key);
	assert_refused("block with-class hdi\n", 1, 18, "no class name");
}

static void
c1_ids_are_numbers(void **state)
{
	struct rule_device dev = sample_device();

	(void)state;
	dev.vid = 0x046d;
	dev.pid = 0xc52b;
	assert_true(clause_matches("id 046D:C52B", &dev));
	assert_true(clause_matches("046D:c52b", &dev));
	assert_true(clause_matches("id 046D:*", &dev));
	assert_false(clause_matches("id 046D:C52A", &dev));
}

static void
c2_equals_is_one_to_one(void **state)
{
	static const struct interface_row of_modem[] = {
		{"with-interface equals { 03:*:* 03:*:* 03:*:* }", 0},
		{"with-interface equals { 0a:*:* 02:*:* 03:*:* }", 1},
	};
	static const struct interface_row of_twins[] = {
		{"with-interface { 03:00:00 03:*:* }", 1},
		{"with-interface { 03:00:00 03:00:00 }", 1},
		{"with-interface { 03:00:00 03:01:01 }", 0},
		{"with-interface exactly { 03:00:00 }", 1},
	};

	(void)state;
	CHECK(of_modem, modem);
	CHECK(of_twins, twins);
}

/* Against every way of pairing, for small sets. */
static int
pairs_off(const uint32_t *fits, size_t n, size_t i, uint32_t used)
{
	if (i == n) {
		return 1;
	}
	for (size_t j = 0; j < n; j++) {
		if ((fits[i] & 1u << j) != 0 && (used & 1u << j) == 0 &&
		    pairs_off(fits, n, i + 1, used | 1u << j)) {
			return 1;
		}
	}
	return 0;
}

static void
c2_agrees_with_trying_everything(void **state)
{
	static const char *const words[] = {"03:*:*", "03:00:*", "03:00:00",
	    "03:00:01", "03:01:*", "08:*:*"};
	static const struct rule_interface values[] = {
		IFACE(3, 0, 0), IFACE(3, 0, 1), IFACE(3, 1, 0), IFACE(8, 6, 0x50)};
	static const uint8_t table[6] = {7, 3, 1, 2, 4, 8};
	struct rule_device dev = sample_device();
	int seen[2] = {0, 0};

	(void)state;
	for (unsigned s = 0; s < 216; s++) {
		for (unsigned d = 0; d < 64; d++) {
			unsigned si[3] = {s % 6, s / 6 % 6, s / 36};
			unsigned di[3] = {d % 4, d / 4 % 4, d / 16};
			struct rule_interface list[3];
			uint32_t fits[3] = {0, 0, 0};
			char clause[128];
			int expected;

			if (d % 7 != s % 7) {
				continue; /* one in seven is plenty */
			}
			for (int i = 0; i < 3; i++) {
				list[i] = values[di[i]];
				for (int j = 0; j < 3; j++) {
					fits[i] |= (table[si[i]] >> di[j] & 1u)
					    << j;
				}
			}
			dev.interfaces = list;
			dev.ninterfaces = 3;
			snprintf(clause, sizeof(clause),
			    "with-interface { %s %s %s }", words[si[0]],
			    words[si[1]], words[si[2]]);
			expected = pairs_off(fits, 3, 0, 0);
			seen[expected]++;
			if (clause_matches(clause, &dev) != expected) {
				fail_msg("%s on %u: expected %d", clause, d,
				    expected);
			}
		}
	}
	assert_true(seen[0] > 100 && seen[1] > 100);
}

static void
c6_second_label_is_an_error(void **state)
{
	struct rule_device dev = sample_device();

	(void)state;
	assert_refused("block label \"a\" label \"b\"\n", 1, 17,
	    "`label' is given twice");
	/* and one label says nothing of the device */
	assert_true(clause_matches("label \"a\"", &dev));
	assert_true(clause_matches("label one-of { \"a\" \"b\" }", &dev));
	assert_true(clause_matches("label none-of { \"a\" }", &dev));
}

static void
c7_no_query_words_in_files(void **state)
{
	(void)state;
	assert_refused("match id 1234:5678\n", 1, 1, "`match' is no rule");
	assert_refused("device id 1234:5678 hash \"x\"\n", 1, 1,
	    "`device' is no rule");
}

static void
first_match_wins(void **state)
{
	static const char text[] = "default to any\n"
				   "block id 1234:*\n"
				   "allow id 05e0:* key \"A\"\n"
				   "reject\n";
	struct rule_device dev = sample_device();
	struct rules *rules = rules_of(text);
	struct rule_decision d;

	(void)state;
	rules_decide(rules, &dev, NULL, NULL, &d);
	assert_int_equal(d.verdict, RULE_ALLOW);
	assert_int_equal(d.line, 3);
	assert_string_equal(d.file, "test.rules");
	assert_string_equal(d.key, "A");
	assert_false(d.is_implicit);
	dev.vid = 1;
	rules_decide(rules, &dev, NULL, NULL, &d);
	assert_int_equal(d.verdict, RULE_REJECT);
	assert_int_equal(d.line, 4);
	assert_string_equal(d.key, "");
	assert_int_equal(rules_count(rules), 3);
	assert_int_equal(rules_count_of(rules, "test.rules"), 3);
	assert_int_equal(rules_count_of(rules, "other"), 0);
	rules_free(rules);
}

static void
no_match_is_block(void **state)
{
	struct rule_device dev = sample_device();
	struct rules *rules = rules_of("# nothing\n");
	struct rule_decision d;

	(void)state;
	rules_decide(rules, &dev, NULL, NULL, &d);
	assert_int_equal(d.verdict, RULE_BLOCK);
	assert_true(d.is_implicit);
	assert_string_equal(d.file, "");
	assert_int_equal(d.line, 0);
	rules_free(rules);
}

static void
too_many_interfaces_is_block(void **state)
{
	static struct rule_interface many[RULE_INTERFACES_MAX + 1];
	struct rule_device dev = sample_device();

	(void)state;
	dev.interfaces = many;
	dev.ninterfaces = RULE_INTERFACES_MAX + 1;
	assert_false(clause_matches("id *:*", &dev));
	dev.ninterfaces = RULE_INTERFACES_MAX;
	assert_true(clause_matches("id *:*", &dev));
}

/* The longest pairing there can be, and in the worst order. */
static void
equals_of_a_thousand(void **state)
{
	static struct rule_interface many[RULES_MAX_EQUALS];
	static char text[RULES_MAX_EQUALS * 16 + 100];
	struct rule_device dev = sample_device();
	size_t n;

	(void)state;
	n = (size_t)snprintf(
	    text, sizeof(text), "default to any\nallow with-interface {");
	for (unsigned i = 0; i < RULES_MAX_EQUALS; i++) {
		many[i] = (struct rule_interface){
		    .class = 3, .protocol = (uint8_t)(i % 2)};
		n += (size_t)snprintf(text + n, sizeof(text) - n, " %s",
		    i % 2 ? "03:00:01" : "03:*:*");
	}
	snprintf(text + n, sizeof(text) - n, " }\n");
	dev.interfaces = many;
	dev.ninterfaces = RULES_MAX_EQUALS;
	assert_int_equal(verdict_of(text, &dev, NULL), RULE_ALLOW);
	many[1].protocol = 0;
	assert_int_equal(verdict_of(text, &dev, NULL), RULE_BLOCK);
}

struct step {
	unsigned line;
	int matched;
	char reason[256];
};

struct steps {
	size_t n;
	struct step step[8];
};

static void
keep_step(void *arg, const char *file, unsigned line, int matched,
    const char *reason)
{
	struct steps *steps = arg;
	struct step *step = &steps->step[steps->n++];

	assert_string_equal(file, "test.rules");
	step->line = line;
	step->matched = matched;
	snprintf(step->reason, sizeof(step->reason), "%s", reason);
}

static void
explains_each_rule(void **state)
{
	static const char text[] =
	    "default to any\n"
	    "allow with-interface equals { 03:01:01 }\n"
	    "allow serial none-of { \"S1\" \"S2\" }\n"
	    "allow with-interface only { 08:*:* }\n"
	    "allow id 05e0:1200 to \"@nobody\" and none-of { \"ou:x\" }\n"
	    "allow via-port \"1-*\"\n"
	    "block release 1.10 speed high\n"
	    "allow\n"
	    "workstations nobody = { \"dns:nobody\" \"cn:x\" }\n";
	struct rule_device dev = sample_device();
	struct rules *rules = rules_of(text);
	struct steps steps = {0};
	struct x509_facts who;

	(void)state;
	sample_identity(&who);
	dev.serial = "S1";
	rules_explain(rules, &dev, &who, NULL, keep_step, &steps);
	assert_int_equal(steps.n, 6);
	assert_string_equal(steps.step[0].reason,
	    "with-interface 03:01:01: device has 03:00:00 03:01:01");
	assert_string_equal(steps.step[1].reason,
	    "serial none-of { \"S1\" \"S2\" }: device has \"S1\"");
	assert_string_equal(steps.step[2].reason,
	    "with-interface only { 08:*:* }: device has 03:00:00 03:01:01");
	assert_string_equal(steps.step[3].reason,
	    "to \"@nobody\": the certificate has cn:\"ws-01\" "
	    "dns:\"k1.Hall-A.kiosk.example\"");
	assert_string_equal(steps.step[4].reason,
	    "via-port \"1-*\": device is at \"3-2.4\", "
	    "\"pci-0000:00:14.0:2.4\"");
	assert_string_equal(
	    steps.step[5].reason, "release 1.10 and speed high hold");
	assert_true(steps.step[5].matched);
	assert_int_equal(steps.step[5].line, 7);
	rules_free(rules);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keywords_are_sorted),
		cmocka_unit_test(globs),
		cmocka_unit_test(operators_on_one_value),
		cmocka_unit_test(operators_on_interfaces),
		cmocka_unit_test(classes),
		cmocka_unit_test(c1_ids_are_numbers),
		cmocka_unit_test(c2_equals_is_one_to_one),
		cmocka_unit_test(c2_agrees_with_trying_everything),
		cmocka_unit_test(c6_second_label_is_an_error),
		cmocka_unit_test(c7_no_query_words_in_files),
		cmocka_unit_test(first_match_wins),
		cmocka_unit_test(no_match_is_block),
		cmocka_unit_test(too_many_interfaces_is_block),
		cmocka_unit_test(equals_of_a_thousand),
		cmocka_unit_test(explains_each_rule),
	};

	return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}
