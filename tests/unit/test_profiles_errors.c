/*
 * Each kind of error in a profile: all of its text, its line and its column.
 * Nothing of a text with one is loaded, and all of them are told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/profiles_body.h"

struct wrong {
	const char *text;
	unsigned line, column;
	const char *says;
};

#define SETUP(rule) "profile p {\n  on setup {\n    " rule "\n  }\n}\n"
#define SCSI(rule) "profile p {\n  on scsi {\n    " rule "\n  }\n}\n"
#define ITEM(item) "profile p {\n  " item "\n}\n"

#define MODIFIERS "`log', `capture', `key', `audit'"
#define TESTS "a fact, `over', `contains', `time', `not', "
#define ENDS "`}' or the end of the line"

static void
refuse(const struct wrong *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		assert_refused(list[i].text, list[i].line, list[i].column,
		    list[i].says);
	}
}
#define REFUSE(list) refuse(list, sizeof(list) / sizeof((list)[0]))

static void
test_bytes(void **state)
{
	static const struct wrong list[] = {
	    {"profile a\x01 { }\n", 1, 10,
		"byte 0x01 outside of a string"},
	    {"profile a { }\r\n", 1, 14,
		"carriage return; save the file with Unix line ends"},
	    {"\xef\xbb\xbfprofile a { }\n", 1, 1,
		"byte order mark; save the file as UTF-8 without it"},
	    {"profile a { } \\ \n", 1, 15,
		"byte 0x5c outside of a string"},
	    {SETUP("allow log \"a"), 3, 15,
		"string is not closed before the end of the line; "
		"expected `\"'"},
	    {SETUP("allow log \"a\\n\""), 3, 17,
		"unknown escape in a string; expected \\\" \\\\ or \\xHH"},
	    {SETUP("allow log \"a\\xg0\""), 3, 17,
		"\\x in a string needs two hexadecimal digits"},
	    {SETUP("allow log \"a\x07\""), 3, 17,
		"control character in a string; expected \\xHH"},
	    {SETUP("allow request { 1 { 2 } }"), 3, 23,
		"`{' inside of a set; expected a value or `}'"},
	    {"profile a {\n  on setup {\n    allow request { 1 2\n", 3, 19,
		"`{' is not closed; expected `}'"},
	    {"profile a {\n  on setup {\n    allow\n}\nprofile b { }\n", 1, 11,
		"`{' is not closed; expected `}'"},
	    {"profile a {\n  on setup {\n    allow request { 1\n    deny\n  "
	     "}\n}\n",
		3, 19,
		"`{' is not closed; expected `}'"},
	    {"profile a {\n  on setup {\n    allow\n  on hid { allow }\n}\n", 2,
		12,
		"`{' is not closed; expected `}'"},
	};

	(void)state;
	REFUSE(list);
}

static void
test_words(void **state)
{
	static const struct wrong list[] = {
	    {"allow\n", 1, 1,
		"unexpected `allow'; expected `profile', `define', "
		"`include'"},
	    {"profile { }\n", 1, 9,
		"unexpected `{'; expected a value"},
	    {"profile a b { }\n", 1, 11,
		"unexpected `b'; expected `extends' or `{'"},
	    {"profile a! { }\n", 1, 10,
		"byte 0x21 outside of a string"},
	    {"profile a extends { }\n", 1, 19,
		"unexpected `{'; expected a value"},
	    {"define x { 1 }\n", 1, 10,
		"unexpected `{'; expected `='"},
	    {"define x = { }\n", 1, 14,
		"unexpected `}'; expected a value or a string in quotes"},
	    {"include x\n", 1, 9,
		"unexpected `x'; expected a string in quotes"},
	    {ITEM("allow"), 2, 3,
		"unexpected `allow'; expected `for', `mode', `cap', "
		"`pin', `arm', `meter', `quota', `on' or `}'"},
	    {ITEM("mode off"), 2, 8,
		"unexpected `off'; expected `enforce' or `audit'"},
	    {ITEM("cap iso 5"), 2, 7,
		"unexpected `iso'; expected `transfer', `inflight', "
		"`bytes'"},
	    {ITEM("pin name \"x\""), 2, 7,
		"unexpected `name'; expected `report', `usage'"},
	    {ITEM("arm with challenge 4"), 2, 7,
		"unexpected `with'; expected `by'"},
	    {ITEM("quota q 1MiB"), 3, 1,
		"unexpected `}'; expected `per'"},
	    {SETUP("permit request 1"), 3, 5,
		"unknown verdict `permit'; expected `allow', `deny', "
		"`drop', `rewrite', `ask', `eject', `quarantine', `note' "
		"or `}'"},
	    {SETUP("allow request"), 3, 18,
		"unexpected end of the line; expected a value, a string "
		"in quotes, `=', `!=', `<', `<=', `>', `>=' or `{'"},
	    {SETUP("allow type"), 3, 15,
		"unexpected end of the line; expected a value, a string "
		"in quotes, `=', `!=', `<', `<=', `>', `>=' or `{'"},
	    {SETUP("allow log \"x\" request 1"), 3, 19,
		"`request' after a modifier; what a rule matches comes "
		"first, expected `log', `capture', `key', `audit', `}' "
		"or the end of the line"},
	    {SETUP("deny sense"), 3, 15,
		"unexpected end of the line; expected a value"},
	    {SETUP("ask \"x\" within 3s"), 3, 22,
		"unexpected end of the line; expected `else'"},
	    {SETUP("ask \"x\" within 3s else drop"), 3, 28,
		"unexpected `drop'; expected `allow', `deny', `eject'"},
	    {SETUP("rewrite value = 1"), 3, 13,
		"unexpected `value'; expected `{'"},
	    {SETUP("allow u8@0"), 3, 15,
		"unexpected end of the line; expected a value, a string "
		"in quotes, `=', `!=', `<', `<=', `>', `>=', `&' or `{'"},
	    {SETUP("allow contains 1"), 3, 20,
		"unexpected `1'; expected a string in quotes"},
	    {SETUP("allow log loud"), 3, 15,
		"`loud' after a modifier; what a rule matches comes "
		"first, expected a string in quotes, `log', `capture', "
		"`key', `audit', `info', `warn', `alert', `}' or the end "
		"of the line"},
	};

	(void)state;
	REFUSE(list);
}

static void
test_numbers(void **state)
{
	static const struct wrong list[] = {
	    {ITEM("cap transfer 0"), 2, 16,
		"`0' is no size; expected a number from 1, of bytes or "
		"with KiB, MiB, GiB or TiB"},
	    {ITEM("cap inflight 1k"), 2, 16,
		"`1k' is no number; expected 1 to 4294967295"},
	    {ITEM("cap bytes 20000000TiB"), 2, 13,
		"`20000000TiB' is no size; expected a number from 1, of "
		"bytes or with KiB, MiB, GiB or TiB"},
	    {ITEM("meter m 0/s"), 2, 11,
		"`0/s' is no rate; expected a number from 1 and /s or "
		"/min, such as 25/s"},
	    {ITEM("meter m 5/h"), 2, 11,
		"`5/h' is no rate; expected a number from 1 and /s or "
		"/min, such as 25/s"},
	    {ITEM("quota q 1MB per 1h"), 2, 11,
		"`1MB' is no size; expected a number from 1, of bytes or "
		"with KiB, MiB, GiB or TiB"},
	    {ITEM("quota q 1MiB per 1w"), 2, 20,
		"`1w' is no duration; expected a number from 1 and ms, "
		"s, m, h or d"},
	    {ITEM("for { 08:06 } on setup { }"), 2, 9,
		"`08:06' is no interface class; expected CC:SS:PP in hex "
		"such as 08:06:50, SS and PP may be `*'"},
	    {ITEM("for { *:06:50 }"), 2, 9,
		"`*:06:50' is no interface class; expected CC:SS:PP in "
		"hex such as 08:06:50, SS and PP may be `*'"},
	    {ITEM("for { 03:01:01 } on hid { } arm by challenge 13"), 2, 48,
		"`13' is no number; expected 1 to 12"},
	    {ITEM("pin report \"sha256:00\""), 2, 14,
		"no digest of a report descriptor; expected \"sha256:\" "
		"and 64 hex digits"},
	    {ITEM("pin usage 0x100000000"), 2, 13,
		"`0x100000000' is no value of `pin usage'; expected a "
		"number from 0 to 4294967295"},
	    {SCSI("deny sense 10/00/00"), 3, 16,
		"`10/00/00' is no sense; expected key, ASC and ASCQ in "
		"hex such as 07/27/00"},
	    {SCSI("deny sense 07/27"), 3, 16,
		"`07/27' is no sense; expected key, ASC and ASCQ in hex "
		"such as 07/27/00"},
	    {"profile p { on apdu {\ndeny sw 698\n} }\n", 2, 9,
		"`698' is no status word; expected four hex digits such "
		"as 6982"},
	    {"profile p { on ctap {\ndeny ctaperr 00\n} }\n", 2, 14,
		"`00' is no error of CTAP; expected two hex digits such "
		"as 27"},
	    {SETUP("ask \"x\" within 0s else deny"), 3, 20,
		"`0s' is no duration; expected a number from 1 and ms, "
		"s, m, h or d"},
	    {SETUP("allow capture 0"), 3, 19,
		"`0' is no number; expected 1 to 65535"},
	    {SETUP("allow log \"\""), 3, 15,
		"this text is empty; expected 1 to 255 bytes"},
	    {SETUP("allow key \"a\\x00\""), 3, 15,
		"this text is one with a NUL; expected 1 to 255 bytes"},
	    {SETUP("allow u8@70000 1"), 3, 14,
		"`70000' is no number; expected 0 to 65535"},
	    {SETUP("allow u8@0 256"), 3, 16,
		"`256' is no value of `u8@'; expected a number from 0 to "
		"255"},
	    {SETUP("allow u8@0 & \"0fff\" 1"), 3, 18,
		"a mask of 2 bytes for u8; expected 1"},
	    {SETUP("allow u8@0 & \"0\" 1"), 3, 18,
		"\"0\" is no hex; expected 1 to 64 pairs of hex digits "
		"in quotes, such as \"a000\""},
	    {SETUP("allow bytes@0 { \"00\" \"0001\" }"), 3, 26,
		"values of 1 and of 2 bytes in one match; expected one "
		"length"},
	    {SETUP("allow bytes@0 & \"ff\" \"0001\""), 3, 11,
		"a mask of 1 bytes for values of 2; expected one length"},
	    {SETUP("allow bytes@0 < \"00\""), 3, 11,
		"`bytes@' has no order; expected a string of hex or a "
		"set of them"},
	    {SETUP("allow time { Mon-Fri }"), 3, 18,
		"days without a time; expected times after `Mon-Fri', "
		"such as 08:00-18:00"},
	    {SETUP("allow time { 25:00-26:00 }"), 3, 18,
		"`25:00-26:00' is no time; expected days such as Mon-Fri "
		"and times such as 08:00-18:00"},
	};

	(void)state;
	REFUSE(list);
}

static void
test_facts(void **state)
{
	static const struct wrong list[] = {
	    {"profile p { on usb { } }\n", 1, 16,
		"unknown hook `usb'; expected setup, out, in, scsi, hid, "
		"ccid, apdu, ctap, serial, net, av, print, mtp or dfu"},
	    {SETUP("allow lba 1"), 3, 11,
		"`lba' is no fact of `on setup'; expected type, "
		"recipient, request, value, index, wlength, dir, kind, "
		"report-id, baud, entity, control"},
	    {SETUP("allow request 256"), 3, 19,
		"`256' is no value of `request'; expected a number from "
		"0 to 255"},
	    {SETUP("allow request frob"), 3, 19,
		"`frob' is no value of `request'; expected "
		"get-descriptor get-status get-configuration "
		"get-interface set-configuration set-interface "
		"clear-halt bot-reset get-max-lun hid-get-report "
		"hid-set-report hid-get-descriptor hid-set-idle "
		"hid-get-idle hid-set-protocol hid-get-protocol"},
	    {SETUP("allow request { get-status 6 }"), 3, 32,
		"`6' is a number among names of `request'; expected one "
		"or the other, in two rules"},
	    {SETUP("allow type 1"), 3, 16,
		"`1' is no value of `type'; expected standard class "
		"vendor"},
	    {SETUP("allow type < vendor"), 3, 11,
		"`type' has no order; expected a value or a set"},
	    {SETUP("allow wlength < { 1 }"), 3, 21,
		"unexpected `{'; expected a value or a string in quotes"},
	    {SETUP("allow value 5..1"), 3, 17,
		"`5..1' is no value of `value'; expected a number from 0 "
		"to 65535"},
	    {SCSI("allow op < write"), 3, 16,
		"`write' stands for more than one number; expected one "
		"after `<', `<=', `>' or `>='"},
	    {SCSI("allow op read..write"), 3, 14,
		"`read..write' is no value of `op'; expected "
		"test-unit-ready request-sense inquiry mode-sense-6 "
		"start-stop-unit prevent-allow-removal "
		"read-format-capacities read-capacity-10 "
		"synchronize-cache read-toc get-event-status "
		"mode-sense-10 read-capacity-16 report-luns read read-10 "
		"write write-10 manage passthrough vendor, or a number "
		"from 0 to 511"},
	    {SCSI("allow lba x"), 3, 15,
		"`x' is no value of `lba'; expected a number, or a range "
		"such as 0..2047"},
	    {"profile p { on hid {\nallow key Nokey\n} }\n", 2, 11,
		"`Nokey' is no value of `key'; expected a key code from "
		"0 to 319, or a key: R X Enter F1 F12 SysRq Delete Power "
		"Execute Sleep"},
	    {"profile p { on hid {\nallow chord R\n} }\n", 2, 13,
		"`R' is no value of `chord'; expected Ctrl, Shift, Alt "
		"or GUI, each with `+', and `*' or a key: R X Enter F1 "
		"F12 SysRq Delete Power Execute Sleep"},
	    {"profile p { on hid {\nallow chord Ctrl+Ctrl+R\n} }\n", 2, 13,
		"`Ctrl+Ctrl+R' is no value of `chord'; expected Ctrl, "
		"Shift, Alt or GUI, each with `+', and `*' or a key: R X "
		"Enter F1 F12 SysRq Delete Power Execute Sleep"},
	    {"profile p { on hid {\nallow key != R\n} }\n", 2, 7,
		"`key' is a set, which has no `!='; expected `not key'"},
	    {"profile p { on ctap {\nallow rp example\n} }\n", 2, 10,
		"`example' is no value of `rp'; expected a string in "
		"quotes, perhaps with `*' at its end"},
	    {"profile p { on apdu {\nallow aid \"a0f\"\n} }\n", 2, 11,
		"\"a0f\" is no hex; expected 1 to 64 pairs of hex digits "
		"in quotes, such as \"a000\""},
	    {SETUP("allow request $x"), 3, 19,
		"`$x' is not defined; expected the name of a `define'"},
	    {"define x = { $x }\n" SETUP("allow request $x"), 4, 19,
		"`$x' is defined by itself, or more than 16 deep"},
	    {"define x = 1\ndefine x = 2\n", 2, 8,
		"`x' is defined already, see t.profile line 1; expected "
		"another name"},
	    {SCSI("rewrite { lun = 1 }"), 3, 15,
		"`lun' cannot be rewritten; expected wp"},
	    {SETUP("rewrite { value = 1 }"), 3, 15,
		"`value' cannot be rewritten; expected another verdict: "
		"nothing of this hook can be"},
	    {SCSI("rewrite { wp = 2 }"), 3, 15,
		"`2' is no value of `wp'; expected a number from 0 to 1"},
	    {SCSI("rewrite { wp = 1 wp = 1 wp = 1 wp = 1 wp = 1 }"), 3, 43,
		"`rewrite' of more than 4 fields"},
	};

	(void)state;
	REFUSE(list);
}

static void
test_profiles(void **state)
{
	static const struct wrong list[] = {
	    {"profile a { }\nprofile a { }\n", 2, 9,
		"profile `a' is there already, see t.profile line 1; "
		"expected another name"},
	    {"profile auto { }\n", 1, 9,
		"`auto' is the choice among the others; expected another "
		"name"},
	    {"profile a extends b { }\n", 1, 19,
		"there is no profile `b'; expected the name of one of "
		"these files, or of one that is shipped"},
	    {"profile a extends a { }\n", 1, 19,
		"`a' extends itself, in a circle"},
	    {ITEM("mode audit mode audit"), 2, 14,
		"`mode' is given twice; expected it once"},
	    {ITEM("meter m 1/s quota m 1MiB per 1h"), 2, 21,
		"`m' is a meter or quota already, see line 2; expected "
		"another name"},
	    {ITEM("for { 08:06:50 } on setup { allow }"), 2, 9,
		"an interface of class 08 has endpoints that no hook of "
		"profile `p' judges; expected `on scsi', or `on out' and "
		"`on in'"},
	    {ITEM("for { 03:*:* } on setup { allow }"), 2, 9,
		"an interface of class 03 has endpoints that no hook of "
		"profile `p' judges; expected `on hid', `on ctap' or `on "
		"in'"},
	    {ITEM("for { ff:*:* } on setup { allow }"), 2, 9,
		"an interface of class ff has endpoints that no hook of "
		"profile `p' judges; expected `on out' or `on in'"},
	    {ITEM("for { 08:06:50 } on in { allow }"), 2, 9,
		"an interface of class 08 has endpoints that no hook of "
		"profile `p' judges; expected `on scsi', or `on out' and "
		"`on in'"},
	    {ITEM("arm by challenge 4"), 2, 3,
		"`arm' is for keyboards; expected a class of 03 in the "
		"`for' of profile `p'"},
	    {SETUP("allow over fast"), 3, 16,
		"there is no meter or quota `fast'; expected a `meter' "
		"or `quota' of this profile"},
	    {SETUP("allow contains \"00\""), 3, 11,
		"`contains' would look through everything; expected `in' "
		"and where the pattern may begin, such as in 0..63"},
	    {SETUP("allow contains \"00\" in 5..1"), 3, 31,
		"the range ends before it begins"},
	    {SETUP("allow contains \"0\" in 0..1"), 3, 20,
		"\"0\" is no hex; expected 1 to 64 pairs of hex digits "
		"in quotes, such as \"a000\""},
	    {SETUP("drop"), 3, 5,
		"`drop' means nothing for `on setup', where an answer is "
		"waited for; expected `deny'"},
	    {SETUP("deny sense 07/27/00"), 3, 5,
		"`deny sense' is no answer of `on setup'; expected "
		"`deny' or `deny stall'"},
	    {SCSI("deny sw 6982"), 3, 5,
		"`deny sw' is no answer of `on scsi'; expected `deny', "
		"`deny sense' or `deny stall'"},
	    {"profile p { on av {\nask \"x\" within 1s else deny\n} }\n", 2,
		1,
		"`ask' cannot hold a unit of `on av', whose transfers do "
		"not wait; expected another verdict"},
	    {SETUP("allow log log"), 3, 5,
		"the rule has `log' twice"},
	    {SETUP("allow capture capture"), 3, 5,
		"the rule has `capture' twice"},
	    {SETUP("allow key \"a\" key \"b\""), 3, 5,
		"the rule has `key' twice"},
	};

	(void)state;
	REFUSE(list);
}

static void
test_reach(void **state)
{
	static const struct wrong list[] = {
	    {SETUP("allow\n    deny type vendor"), 4, 5,
		"this rule can never be reached; the one of line 3 takes "
		"all that it matches"},
	    {SETUP("allow request 1..9\n    deny request 3 value 7"), 4, 5,
		"this rule can never be reached; the one of line 3 takes "
		"all that it matches"},
	    {SETUP("allow request 1..4\n    deny request 5..9\n    "
		   "note request 2..8"),
		5, 5,
		"this rule can never be reached; those before it take "
		"all that it matches"},
	    {SETUP("allow not request 1..4\n    deny not request 0..5"), 4, 5,
		"this rule can never be reached; the one of line 3 takes "
		"all that it matches"},
	    {SETUP("allow wlength < 0"), 3, 11,
		"no value is so, the rule can never be reached"},
	    {SETUP("allow request 1 value 1 request 2"), 3, 29,
		"nothing is this and what the rule matches before, it "
		"can never be reached"},
	    {SETUP("allow u8@0 1..5\n    deny u8@0 2"), 4, 5,
		"this rule can never be reached; the one of line 3 takes "
		"all that it matches"},
	    {"profile p { on hid {\ndrop key 4..9\ndrop key 5\n} }\n", 3, 1,
		"this rule can never be reached; the one of line 2 takes "
		"all that it matches"},
	    {"profile p { on hid {\nallow key 4..9\nallow key 5\n} }\n", 3, 1,
		"this rule can never be reached; the one of line 2 takes "
		"all that it matches"},
	    {"profile p { on ctap {\ndeny rp \"a*\"\ndeny rp \"a*\"\n} }\n",
		3, 1,
		"this rule can never be reached; the one of line 2 takes "
		"all that it matches"},
	};

	(void)state;
	REFUSE(list);
}

/* What looks the same and is not: none of these is an error. */
static void
test_reachable(void **state)
{
	static const char *const texts[] = {
	    SETUP("note\n    deny type vendor"),
	    SETUP("allow request 1..4\n    deny request 1..5"),
	    SETUP("allow request 1 value 3\n    deny request 1"),
	    /* by number and by name are two facts */
	    SETUP("allow request 1\n    allow request get-status"),
	    /* `allow' asks all keys, and a report without one has all */
	    "profile p { on hid {\ndrop key 4..9\nallow key 5\n} }\n",
	    "profile p { on hid {\nallow key 4..9\ndrop key 5\n} }\n",
	    "profile p { on hid {\nallow key 4\nallow key 5\n"
	    "allow key 4..5\n} }\n",
	    /* a meter counts in between */
	    "profile p { meter m 1/s\non hid {\ndrop over m\ndrop over m\n} "
	    "}\n",
	    /* a rule of its own may cover one of its parent's */
	    "profile a { on setup {\nallow request 1\n} }\n"
	    "profile b extends a { on setup {\ndeny\n} }\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		profile_set_free(profiles_of(texts[i]));
	}
}

/* One run tells them all, in the order of the text. */
static void
test_all_at_once(void **state)
{
	static const char text[] = "frob\n"
				   "profile a! { on setup { allow } }\n"
				   "profile b {\n"
				   "  mode loud\n"
				   "  meter m 0/s\n"
				   "  on setup {\n"
				   "    permit\n"
				   "    allow request { frob\n"
				   "    deny lba 1; allow value x\n"
				   "  }\n"
				   "  cap\n"
				   "}\n"
				   "define d = }\n"
				   "profile c { on usb { allow } }\n";
	static const unsigned lines[] = {
	    1, 2, 4, 5, 7, 8, 8, 9, 9, 12, 13, 14};
	struct profile_load *load = profile_load_new();
	struct profile_set *set;

	(void)state;
	assert_int_equal(profile_load_text(load, PROFILE_LOCAL, "f", text,
			     strlen(text)),
	    0);
	assert_int_equal(profile_load_finish(load, &set), ERR_FORMAT);
	for (size_t i = 0; i < profile_load_error_count(load); i++) {
		const struct profile_error *e = profile_load_error(load, i);

		if (i >= sizeof(lines) / sizeof(lines[0]) ||
		    e->line != lines[i]) {
			fail_msg("%zu: %u:%u: %s", i, e->line, e->column,
			    e->text);
		}
	}
	assert_int_equal(profile_load_error_count(load),
	    sizeof(lines) / sizeof(lines[0]));
	/* and the second finish of a load is none */
	assert_int_equal(profile_load_finish(load, &set), ERR_FORMAT);
	assert_null(set);
	profile_load_free(load);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bytes),
	    cmocka_unit_test(test_words),
	    cmocka_unit_test(test_numbers),
	    cmocka_unit_test(test_facts),
	    cmocka_unit_test(test_profiles),
	    cmocka_unit_test(test_reach),
	    cmocka_unit_test(test_reachable),
	    cmocka_unit_test(test_all_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
