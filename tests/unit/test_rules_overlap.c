/*
 * policy/rules: rules that can never decide, and allows that differ about the
 * same devices. What cannot be proved is not said.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/rules_body.h"

static void
keep(void *arg, const struct rule_overlap *o)
{
	char *out = arg;
	size_t n = strlen(out);

	assert_true(o->earlier < o->later);
	snprintf(out + n, 64 - n, "%u%c%u ", o->line,
	    o->kind == RULES_UNREACHABLE ? '<' : '~', o->by_line);
}

/* One rule a line; the overlaps as "LATER<EARLIER ". */
static void
assert_overlaps(const char *text, const char *expected)
{
	struct rules *rules = rules_of(text);
	char out[64] = "";

	rules_overlaps(rules, keep, out);
	if (strcmp(out, expected) != 0) {
		fail_msg("%sgot %s, expected %s", text, out, expected);
	}
	rules_free(rules);
}

static void
unreachable(void **state)
{
	(void)state;
	assert_overlaps("block\nblock id 1234:*\n", "2<1 ");
	assert_overlaps("block id 1234:*\nreject id 1234:5678\n", "2<1 ");
	assert_overlaps("block 1234:*\nallow 1234:5678 name \"x\" to \"cn:a\"\n",
	    "2<1 ");
	assert_overlaps("block id one-of { 1234:* 1111:* }\n"
			"block id one-of { 1111:2222 1234:0001 }\n", "2<1 ");
	assert_overlaps("allow to \"dns:*.x\"\nblock to \"dns:a.X\"\n", "2<1 ");
	assert_overlaps("allow to \"dns:*.x\"\nallow to \"dns:a*.x\"\n", "2<1 ");
	assert_overlaps("allow to \"ou:x\"\nblock to all-of { \"ou:y\" \"ou:x\" }"
			"\n", "2<1 ");
	assert_overlaps("allow to \"ou:x\"\nblock to \"ou:y\" and \"ou:x\"\n",
	    "2<1 ");
	assert_overlaps("block with-interface one-of { 08:*:* }\n"
	    "block with-interface all-of { 08:06:50 03:*:* }\n", "2<1 ");
	assert_overlaps("block with-class only { hid audio }\n"
			"block with-class only { hid }\n", "2<1 ");
	assert_overlaps("block with-class none-of { hid }\n"
			"block with-class none-of { hid audio }\n", "2<1 ");
	assert_overlaps("block via-port \"3-*\"\nblock via-port \"3-2*\"\n",
	    "2<1 ");
	assert_overlaps("block label \"a\"\nallow to \"cn:a\"\n", "2<1 ");
	assert_overlaps("forbid with-class one-of { hub dfu }\n"
			"forbid with-class hub key \"x\"\n"
			"allow with-class hub to \"cn:a\"\n", "2<1 3<1 ");
	/* a term that is not met blocks: it does not go on */
	assert_overlaps("allow to \"cn:a\" once\nblock to \"cn:a\"\n", "2<1 ");
}

static void
reachable(void **state)
{
	static const char *const rows[] = {
		"block id 1234:5678\nblock id 1234:*\n",
		"block if first-seen\nblock\n",
		"block audit\nblock id 1234:*\n",
		"block name \"a\"\nblock serial \"a\"\n",
		"block with-interface 08:06:50\n"
		"block with-interface { 08:06:50 03:00:00 }\n",
		"block with-interface all-of { 08:*:* 03:*:* }\n"
		"block with-interface one-of { 08:06:50 03:*:* }\n",
		"block with-class only { hid }\nblock with-class hid\n",
		"block with-class none-of { hid audio }\n"
		"block with-class none-of { hid }\n",
		"block to \"ou:x\" and \"ou:y\"\nblock to \"ou:x\"\n",
		"allow to \"dns:a*.x\"\nblock to \"dns:*.x\"\n",
		"block id { 1234:* 1111:* }\nblock id 1234:5678\n",
		"forbid exposed with-class hub\nblock with-class hub\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_overlaps(rows[i], "");
	}
}

static void
other_terms(void **state)
{
	(void)state;
	assert_overlaps("allow id 1234:5678 to \"cn:a\" lease 1h\n"
			"allow id 1234:* to \"cn:a\" lease 2h\n", "2~1 ");
	assert_overlaps("allow id 1234:5678 to \"cn:a\" lease 1h\n"
			"allow id 1234:* to \"cn:a\" lease 1h\n", "");
	assert_overlaps("allow id 1234:5678 to \"cn:a\" lease 1h\n"
			"block id 1234:* to \"cn:a\"\n", "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unreachable),
		cmocka_unit_test(reachable),
		cmocka_unit_test(other_terms),
	};

	return cmocka_run_group_tests_name("rules_overlap", tests, NULL, NULL);
}
