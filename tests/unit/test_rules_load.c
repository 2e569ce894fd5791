/*
 * policy/rules: every error with its place, errors counted and bounded, and
 * texts that no administrator writes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/rnd.h"
#include "tests/unit/rules_body.h"

static void
places(void **state)
{
	static const struct {
		const char *text;
		unsigned line, column;
		const char *says;
	} rows[] = {
		{"alow\n", 1, 1, "unknown statement `alow'; expected `allow'"},
		{"Allow\n", 1, 1, "unknown statement"},
		{"\n\n  x\n", 3, 3, "unknown statement"},
		{"block foo\n", 1, 7, "unknown attribute `foo'"},
		{"block name \"a\" foo \"b\"\n", 1, 16,
		    "unknown attribute `foo'; expected `id', `name'"},
		{"block allow\n", 1, 7, "unexpected `allow'"},
		{"block name\n", 1, 11, "unexpected end of the line; "
					"expected a set operator, a value"},
		{"block name x\n", 1, 12, "`x': expected a string in quotes"},
		{"block name { }\n", 1, 14, "unexpected `}'; expected a v"},
		{"block name equals \"a\"\n", 1, 19,
		    "unexpected string \"a\"; expected `{'"},
		{"block name equals{ \"a\" }\n", 1, 18, "a blank is missing"},
		{"block name{ \"a\" }\n", 1, 11, "a blank is missing"},
		{"block name\"a\"\n", 1, 11, "a blank is missing"},
		{"block name \"a\"serial \"b\"\n", 1, 15, "blank is missing"},
		{"block name { \"a\"\"b\" }\n", 1, 17, "a blank is missing"},
		{"block name { \"a\" }serial \"b\"\n", 1, 19, "blank is mi"},
		{"block name \"a\n", 1, 12, "string is not closed"},
		{"block name \"a\\\"\n", 1, 12, "string is not closed"},
		{"block name \"a\\n\"\n", 1, 14, "unknown escape"},
		{"block name \"\\0\"\n", 1, 13, "unknown escape"},
		{"block name \"ab\\x4\"\n", 1, 15, "two hexadecimal digits"},
		{"block name \"\\xg0\"\n", 1, 13, "two hexadecimal digits"},
		{"block id 12345:1234\n", 1, 10, "no device id"},
		{"block id *:1234\n", 1, 10, "no device id"},
		{"block id 1234:5678,\n", 1, 10, "no device id"},
		{"block id \"1234:5678\"\n", 1, 10, "no device id"},
		{"block id 1234:567g\n", 1, 10, "no device id"},
		{"block 1234:567\n", 1, 7, "no device id"},
		{"block 1234:5678 id 1:2\n", 1, 17, "`id' is given twice"},
		{"block with-interface *:*:*\n", 1, 22, "no interface class"},
		{"block with-interface 03:*:01\n", 1, 22, "no interface cl"},
		{"block with-interface 3:1:1\n", 1, 22, "no interface class"},
		{"block with-interface \"03:01:02\"\n", 1, 22, "no interfac"},
		{"block with-interface 03:01\n", 1, 22, "no interface class"},
		{"block release 1\n", 1, 15, "no release number"},
		{"block speed fast\n", 1, 13, "no speed; expected low"},
		{"block id only { 1234:* }\n", 1, 10, "`only' is for"},
		{"block speed { low high }\n", 1, 13, "must name its operat"},
		{"block key \"\"\n", 1, 11, "no key"},
		{"block key \"a b\"\n", 1, 11, "no key"},
		{"block key x\n", 1, 11, "expected a string in quotes"},
		{"block name \"a\" name \"b\"\n", 1, 16, "given twice"},
		{"block; block\n", 1, 1, "unknown statement `block;'"},
		{"block \\ \nblock\n", 1, 7, "`\\' joins lines only"},
		{"block name \\\n\t\\\n\t  x\n", 3, 4, "expected a string"},
		{"default\n", 1, 8, "expected `to'"},
		{"default to none\n", 1, 12, "expected `any'"},
		{"default using x\n", 1, 15, "expected a string in quotes"},
		{"block lease 1h\n", 1, 7, "`lease' is a term of `allow'"},
		{"forbid to \"cn:a\"\n", 1, 8, "`to' cannot stand in a"},
		{"forbid audit\n", 1, 8, "`audit' cannot stand in a"},
		{"allow lease x\n", 1, 1, "to whom"},
		{"include \"x\"\n", 1, 9, "nothing can be included here"},
		{"include usbguard \"x\" lease 1h\n", 1, 1, "to whom"},
		{"include own \"x\"\n", 1, 9, "expected `usbguard', "
					      "`usbredir', `citrix' or a s"},
		{"block under x\n", 1, 13, "no hub; expected its id"},
		{"block under \"\"\n", 1, 13, "no hub"},
		{"block pin \"x\"\n", 1, 11, "no pin; expected"},
		{"block pin \"desc:sha256:00\"\n", 1, 11, "64 hexadecimal"},
		{"block if tru\n", 1, 10, "no condition; expected true, "},
		{"block if \"true\"\n", 1, 10, "no condition"},
		{"block if session(open)\n", 1, 10, "session(unlocked) or"},
		{"block if session\n", 1, 10, "an argument in ( )"},
		{"block if first-seen(1)\n", 1, 10, "it has no argument"},
		{"block if armed(svc)\n", 1, 10, "armed(\"token\")"},
		{"block if plugged-within(10)\n", 1, 10, "a duration, such"},
		{"block if true(\n", 1, 14, "`(' is not closed"},
		{"block if localtime(24:00-25:00)\n", 1, 10, "localtime(HH"},
		{"block if exported-matches(to \"cn:a\")\n", 1, 10,
		    "asks for devices"},
		{"block if exported-matches(idd 1)\n", 1, 10,
		    "in its query: unknown attribute `idd'"},
		{"block if exported-matches(id 1)\n", 1, 10, "no device id"},
		{"define = \"a\"\n", 1, 8, "expected a name"},
		{"define x \"a\"\n", 1, 10, "expected `='"},
		{"workstations x = \"cn:a\"\n", 1, 18, "expected `{'"},
		{"block name { \"a\"\n", 1, 12, "`{' is not closed"},
		{"block name { \"a\"\nallow id x\n", 1, 12, "is not closed"},
		{"block name { \"a\" { \"b\" }\n", 1, 18, "unexpected `{'"},
		{"}\n", 1, 1, "unexpected `}'"},
		{"block\r\n", 1, 6, "carriage return"},
		{"\xef\xbb\xbf" "block\n", 1, 1, "byte order mark"},
		{"block \xc3\xa9\n", 1, 7, "byte 0xc3 outside of a string"},
		{"block \x01\n", 1, 7, "byte 0x01 outside"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_refused(rows[i].text, rows[i].line, rows[i].column,
		    rows[i].says);
	}
}

/* The terms of an allow, each with what it must be. */
static void
terms(void **state)
{
	static const struct {
		const char *text;
		unsigned column; /* behind "allow to "cn:a" " */
		const char *says;
	} rows[] = {
		{"using \"\"", 7, "no name of a profile"},
		{"using \"a b\"", 7, "no name of a profile"},
		{"lease 0s", 7, "no duration"},
		{"lease 10", 7, "no duration"},
		{"lease 4294967296s", 7, "no duration"},
		{"lease 49711d", 7, "no duration"},
		{"lease 10m idle x", 16, "no duration"},
		{"hold 1w", 6, "no duration"},
		{"max 0 per-gateway", 5, "no number"},
		{"max 1000001 per-gateway", 5, "no number"},
		{"max 1 per-room", 7, "expected `per-workstation' or `"},
		{"until \"2026-02-29T00:00:00Z\"", 7, "no point in time"},
		{"until \"2026-02-28\"", 7, "no point in time"},
		{"until 2026", 7, "expected a string in quotes"},
		{"window { Mon 06:00-06:00 }", 14, "begins when it ends"},
		{"window { Mon }", 10, "expected times behind the days"},
		{"window { Monday 06:00-07:00 }", 10, "no days"},
		{"window { Mon 06:00-24:01 }", 14, "no times of a day"},
		{"window { Mon 24:00-06:00 }", 14, "no times of a day"},
		{"window { Mon 06:00-07:00 } tz \"\"", 31, "no time zone"},
		{"approve by \"\"", 12, "no name of who approves"},
		{"approve by \"x\" within 0s", 23, "no duration"},
		{"approve by \"x\" valid x", 22, "no duration"},
		{"expose { }", 10, "expected a value or `interface'"},
		{"expose { interface 256 }", 20, "no interface number"},
		{"expose { hidd }", 10, "no class name"},
		{"expose { 03:*:01 }", 10, "no interface class"},
		{"once once", 6, "`once' is given twice"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[128];

		snprintf(text, sizeof(text), "allow to \"cn:a\" %s\n",
		    rows[i].text);
		assert_refused(text, 1, 16 + rows[i].column, rows[i].says);
	}
}

static struct rules_load *
load_of(const void *text, size_t len)
{
	struct rules_load *load = rules_load_new();
	struct rules *rules = NULL;
	int r;

	assert_non_null(load);
	r = rules_load_text(load, "t", text, len);
	if (r == 0) {
		r = rules_load_finish(load, &rules);
	}
	assert_true((rules != NULL) == (r == 0));
	assert_true((rules_load_error_count(load) > 0) == (r != 0));
	rules_free(rules);
	return load;
}

/* One error each, wherever the last one ended. */
static void
all_errors_in_order(void **state)
{
	static const char text[] = "block name x\n"		     /* 1 */
				   "block foo # name \"\n"	     /* 2 */
				   "allow id 1234:* to \"@nope\"\n" /* 3 */
				   "block if true { \"a\n"	     /* 4 */
				   " x }\n"
				   "block id\n"		/* 6 */
				   "block name { \"a\"\n" /* 7 */
				   "allow name \"x\n"	/* 8 */
				   "allow\n"		/* 9 */
				   "block ok\\\n"	/* 10 */
				   " \"x\" name \"y\"\n"
				   "block name \"ok\"\n"
				   "match\n"; /* 13 */
	static const unsigned lines[] = {1, 2, 3, 4, 6, 7, 8, 9, 10, 13};
	struct rules_load *load = load_of(text, strlen(text));

	(void)state;
	assert_int_equal(rules_load_error_count(load), 10);
	for (size_t i = 0; i < 10; i++) {
		assert_int_equal(rules_load_error(load, i)->line, lines[i]);
		assert_string_equal(rules_load_error(load, i)->file, "t");
	}
	assert_null(rules_load_error(load, 10));
	assert_string_equal(
	    rules_load_error(load, 6)->source, "allow name \"x");
	assert_int_equal(rules_load_error(load, 6)->caret, 12);
	rules_load_free(load);
}

static void
errors_are_bounded_and_counted(void **state)
{
	char text[2000];
	struct rules_load *load;

	(void)state;
	for (size_t i = 0; i < sizeof(text); i += 4) {
		memcpy(text + i, "x y\n", 4);
	}
	load = load_of(text, sizeof(text));
	assert_int_equal(rules_load_error_count(load), 500);
	assert_non_null(rules_load_error(load, RULES_MAX_ERRORS - 1));
	assert_null(rules_load_error(load, RULES_MAX_ERRORS));
	rules_load_free(load);
}

/* What is shown has the length of a line, no control bytes, and the caret
 * under the right one. */
static void
shown_lines_are_safe(void **state)
{
	char text[1000];
	const struct rule_error *e;
	struct rules_load *load;

	(void)state;
	memset(text, ' ', sizeof(text));
	memcpy(text, "block name \"\x1b[31m\t\xc3\xa9\"", 21);
	memcpy(text + 900, "frob", 4);
	load = load_of(text, sizeof(text));
	assert_int_equal(rules_load_error_count(load), 1);
	e = rules_load_error(load, 0);
	assert_int_equal(e->column, 901);
	assert_true(strlen(e->source) <= 120);
	assert_memory_equal(e->source + e->caret - 1, "frob", 4);
	rules_load_free(load);
	memcpy(text + 30, "frob", 5);
	load = load_of(text, 34);
	e = rules_load_error(load, 0);
	assert_string_equal(e->source, "block name \"?[31m ??\"         frob");
	assert_int_equal(e->caret, 31);
	rules_load_free(load);
}

static void
nul_bytes(void **state)
{
	static const char word[] = "block\0name \"x\"\n";
	static const char string[] = "block name \"a\0b\"\n";
	static const char comment[] = "block # a\0b\n";
	struct rules_load *load = load_of(word, sizeof(word) - 1);

	(void)state;
	assert_string_equal(rules_load_error(load, 0)->text, "NUL byte");
	assert_int_equal(rules_load_error(load, 0)->column, 6);
	rules_load_free(load);
	load = load_of(string, sizeof(string) - 1);
	assert_string_equal(
	    rules_load_error(load, 0)->text, "NUL byte in a string");
	assert_int_equal(rules_load_error(load, 0)->column, 14);
	rules_load_free(load);
	load = load_of(comment, sizeof(comment) - 1);
	assert_int_equal(rules_load_error_count(load), 0);
	rules_load_free(load);
}

static void
lines_and_blanks(void **state)
{
	static const char *const fine[] = {"", "\n", "#", "block", " block",
	    "block\t\n", "block#c", "block # c\\\n", "block \\\n\n",
	    "block name \\\n\"a\"", "block name {\n\"a\"\n#c\n\n\"b\"\n}",
	    "block name {\"a\"}", "block name {\"a\" \"b\"}#",
	    "block name \"has # and { } in it\"", "block name \"\\\"\\\\\"",
	    "define allow = \"a\"\nblock name $allow\n",
	    "define d = {\n  x-allow\n}\n", "\\\nblock",
	    "workstations\\\n g = {\n\t\"cn:x\" \\\n\t\"cn:y\"\n}"};

	(void)state;
	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
		struct rules_load *load = load_of(fine[i], strlen(fine[i]));

		if (rules_load_error_count(load) != 0) {
			fail_msg("%s\n%s", fine[i],
			    rules_load_error(load, 0)->text);
		}
		rules_load_free(load);
	}
	/* a comment ends with its line, whatever stands there */
	assert_refused("block # c \\\nfrob\n", 2, 1, "unknown statement");
}

/* n times a piece, between a head and a tail. */
static char *
repeat(const char *head, const char *piece, size_t n, const char *tail,
    size_t *len)
{
	size_t h = strlen(head), p = strlen(piece), t = strlen(tail);
	char *text = malloc(h + n * p + t + 1);

	assert_non_null(text);
	memcpy(text, head, h);
	for (size_t i = 0; i < n; i++) {
		memcpy(text + h + i * p, piece, p);
	}
	memcpy(text + h + n * p, tail, t + 1);
	*len = h + n * p + t;
	return text;
}

static void
assert_limit(const char *head, const char *piece, size_t n, const char *tail,
    const char *says)
{
	struct rules_load *load;
	size_t len;
	char *text = repeat(head, piece, n, tail, &len);

	load = load_of(text, len);
	if (says == NULL) {
		assert_int_equal(rules_load_error_count(load), 0);
	} else if (strstr(rules_load_error(load, 0)->text, says) == NULL) {
		fail_msg("%s: %s", says, rules_load_error(load, 0)->text);
	}
	rules_load_free(load);
	free(text);
}

static void
limits(void **state)
{
	(void)state;
	assert_limit("", "block\n", RULES_MAX_RULES, "", NULL);
	assert_limit("", "block\n", RULES_MAX_RULES + 1, "", "100000 rules");
	assert_limit("block name one-of {", " \"a\"", RULES_MAX_SET, " }",
	    NULL);
	assert_limit("block name one-of {", " \"a\"", RULES_MAX_SET + 1, " }",
	    "more than 4096 values in one set");
	assert_limit("block name {", " \"a\"", RULES_MAX_EQUALS, " }", NULL);
	assert_limit("block name {", " \"a\"", RULES_MAX_EQUALS + 1, " }",
	    "more than 1024 values");
	assert_limit("", " ", RULES_MAX_TEXT, "x", "larger than 16 MiB");
	assert_limit("block name ", "{ ", 10000, "\n", "unexpected `{'");
	assert_limit("block name ", "{ \"a\" ", 10000, "\n",
	    "unexpected `{'");
	assert_limit("", "}", 10000, "\n", "unexpected `}'");
	assert_limit("", "\"", 100000, "\n", "unexpected string");
	assert_limit("block ", "x", 1000000, "\n", "unknown attribute");
	assert_limit("block name \"", "\\x41", 1000000, "\"\n", NULL);
	assert_limit("block name one-of { \"a\" }", " \\\n", 100000, "\n",
	    NULL);
}

/* A few lines that stand for very many values. */
static void
bombs(void **state)
{
	char text[8192];
	size_t n = 0;
	struct rules_load *load;

	(void)state;
	for (int i = 0; i < 12; i++) {
		n += (size_t)snprintf(text + n, sizeof(text) - n,
		    "define d%d = { $d%d $d%d $d%d $d%d $d%d $d%d $d%d }\n", i,
		    i + 1, i + 1, i + 1, i + 1, i + 1, i + 1, i + 1);
	}
	snprintf(text + n, sizeof(text) - n,
	    "define d12 = 1234:*\nblock id one-of { $d0 }\n");
	load = load_of(text, strlen(text));
	assert_non_null(strstr(rules_load_error(load, 0)->text,
	    "more than 4096 values in one set"));
	rules_load_free(load);

	n = 0;
	for (int i = 0; i < 12; i++) {
		n += (size_t)snprintf(text + n, sizeof(text) - n,
		    "workstations g%d = { \"@g%d\" \"@g%d\" \"@g%d\" "
		    "\"@g%d\" \"@g%d\" \"@g%d\" }\n",
		    i, i + 1, i + 1, i + 1, i + 1, i + 1, i + 1);
	}
	snprintf(text + n, sizeof(text) - n,
	    "workstations g12 = { \"cn:a\" }\nallow to \"@g0\"\n");
	load = load_of(text, strlen(text));
	assert_non_null(strstr(rules_load_error(load, 0)->text,
	    "more than 1048576 values"));
	rules_load_free(load);
}

static void
nesting(void **state)
{
	char text[4096];
	struct rules_load *load;

	(void)state;
	for (int depth = 15; depth <= 17; depth++) {
		size_t n = 0;

		for (int i = 0; i < depth; i++) {
			n += (size_t)snprintf(text + n, sizeof(text) - n,
			    "workstations g%02d = { \"@g%02d\" }\n", i,
			    i + 1);
		}
		snprintf(text + n, sizeof(text) - n,
		    "workstations g%02d = { \"cn:a\" }\n"
		    "allow to \"@g00\"\n",
		    depth);
		load = load_of(text, strlen(text));
		assert_int_equal(
		    rules_load_error_count(load) > 0, depth + 1 > 16);
		rules_load_free(load);
	}
}

/* Any bytes: no crash, errors or a table, and the same on every run. */
static void
noise(void **state)
{
	static const char *const pieces[] = {"allow", "block", "{", "}", " ",
	    "\"", "\\", "\n", "#", "to", "\"cn:a\"", "id", "1234:*", "$x",
	    "define", "=", "x", "workstations", "one-of", "with-interface",
	    "03:*:*", "default to any\n", "and", "key", "\\\n", "match", "if"};
	struct rnd rnd = {.state = 7};

	(void)state;
	for (int round = 0; round < 20000; round++) {
		char text[512];
		size_t n = 0, count = rnd_below(&rnd, 40);

		for (size_t i = 0; i < count; i++) {
			const char *piece = pieces[rnd_below(&rnd,
			    sizeof(pieces) / sizeof(pieces[0]))];

			n += (size_t)snprintf(text + n, sizeof(text) - n,
			    "%s%s", piece, rnd_below(&rnd, 3) ? " " : "");
		}
		if (rnd_below(&rnd, 4) == 0 && n > 0) {
			text[rnd_below(&rnd, (uint32_t)n)] =
			    (char)rnd_below(&rnd, 256);
		}
		rules_load_free(load_of(text, n));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places),
		cmocka_unit_test(terms),
		cmocka_unit_test(all_errors_in_order),
		cmocka_unit_test(errors_are_bounded_and_counted),
		cmocka_unit_test(shown_lines_are_safe),
		cmocka_unit_test(nul_bytes),
		cmocka_unit_test(lines_and_blanks),
		cmocka_unit_test(limits),
		cmocka_unit_test(bombs),
		cmocka_unit_test(nesting),
		cmocka_unit_test(noise),
	};

	return cmocka_run_group_tests_name("rules_load", tests, NULL, NULL);
}
