/*
 * The canonical form: it means what it is made of, and is its own. For texts
 * that are made up, in any layout, and for some that are not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/fake/profile_dump.h"
#include "tests/unit/profiles_body.h"
#include "tests/unit/rnd.h"

#define FILES 2000

static struct text {
	char p[1u << 16];
	size_t n;
} made, once, twice;

static struct rnd rnd;

static void
keep(void *arg, const char *text, size_t len)
{
	struct text *t = arg;

	assert_true(t->n + len < sizeof(t->p));
	memcpy(t->p + t->n, text, len);
	t->n += len;
	t->p[t->n] = '\0';
}

static unsigned
below(unsigned n)
{
	return (unsigned)rnd_below(&rnd, n);
}

/* Blanks that may stand anywhere, or nothing but one. */
static void
blank(int may_break)
{
	static const char *const blanks[] = {" ", " ", " ", "  ", "\t",
	    " \\\n ", "\n", " # x\n", "\n\n\n  "};
	const char *b = blanks[below(may_break ? 9 : 6)];

	keep(&made, b, strlen(b));
}

static void
put(const char *words, int may_break)
{
	for (const char *p = words; *p != '\0';) {
		size_t n = strcspn(p, " ");

		keep(&made, p, n);
		blank(may_break);
		p += n + (p[n] == ' ');
	}
}

static void
end_rule(void)
{
	static const char *const ends[] = {
	    "\n", ";", " ; ", " # why\n", "\n\n\n", ";\n", "\n# next\n"};
	const char *e = ends[below(7)];

	keep(&made, e, strlen(e));
}

static void
match(const char *const *list, size_t n)
{
	if (below(4) == 0) {
		put("not", 0);
	}
	put(list[below((unsigned)n)], 0);
	if (below(4) == 0) {
		put("{", 1);
		for (unsigned i = below(30) + 1; i > 0; i--) {
			put(below(2) ? "0x1234" : "5 .. 17", 1);
		}
		put("}", 0);
	} else {
		put(below(2) ? "<= 99" : "3", 0);
	}
}

static void
rule(unsigned hook)
{
	static const char *const setup[] = {"value", "index", "wlength",
	    "u8 @ 3", "le16@4 & \"0fff\"", "be32 @0"};
	static const char *const scsi[] = {
	    "len", "blocks", "le32@9", "u8@ 1", "be16@2"};
	static const char *const verdicts[] = {"allow", "deny", "eject",
	    "quarantine", "note", "deny stall",
	    "ask \"ab\" within 3s else eject"};
	static const char *const mods[] = {"log", "log warn", "log \"a#b\"",
	    "log alert \"\\x41\\\"\"", "capture", "capture 7",
	    "key \"k{}\"", "audit"};

	if (hook == 1 && below(8) == 0) {
		put("rewrite { wp = 1 }", 0);
	} else if (hook == 1 && below(4) == 0) {
		put(below(2) ? "deny sense 07/27/00" : "drop", 0);
	} else {
		put(verdicts[below(7)], 0);
	}
	for (unsigned i = below(4); i > 0; i--) {
		match(hook == 0 ? setup : scsi, hook == 0 ? 6 : 5);
	}
	if (below(6) == 0) {
		put("over m", 0);
	}
	if (below(6) == 0) {
		put("time { Mon-Fri 08:00-18:00 }", 0);
	}
	if (below(6) == 0) {
		put("contains \"dead\" in 3 .. 9", 0);
	}
	if (below(3) == 0) {
		put(mods[below(8)], 0);
	}
	end_rule();
}

static void
profile(unsigned number)
{
	char head[64];

	snprintf(head, sizeof(head), "profile p%u", number);
	put(head, 1);
	if (number > 0 && below(2)) {
		snprintf(head, sizeof(head), "extends p%u", below(number));
		put(head, 1);
	}
	put("{ meter m 5/s burst 3", 1);
	if (below(2)) {
		put("for { 08:06:50 ff:*:* } on out { }", 1);
		put("on in { }", 1);
	}
	if (below(3) == 0) {
		put("mode audit cap transfer 1MiB cap inflight 3", 1);
	}
	if (below(3) == 0) {
		put("quota q 3KiB per 5m pin usage { 1 .. 5 }", 1);
	}
	for (unsigned i = below(4); i > 0; i--) {
		unsigned hook = below(2);

		put(hook == 0 ? "on setup {" : "on scsi {", 1);
		for (unsigned j = below(6); j > 0; j--) {
			rule(hook);
		}
		if (below(4) == 0) {
			put("deny", 0);
		}
		put("}", 1);
	}
	put("}", 1);
}

/* Its meaning, malloced; NULL when the text is refused. */
static char *
meaning(const struct text *text, struct text *printed)
{
	struct profile_load *load = profile_load_new();
	struct profile_set *set = NULL;
	char *dump = NULL;

	printed->n = 0;
	assert_int_equal(profile_load_text(load, PROFILE_STOCK, "t", text->p,
			     text->n),
	    0);
	if (profile_load_error_count(load) > 0) {
		const struct profile_error *e = profile_load_error(load, 0);

		print_message("%s\n", text->p);
		fail_msg("%u:%u: %s: %s", e->line, e->column, e->text,
		    e->source);
	}
	assert_int_equal(profile_load_format(load, keep, printed), 0);
	if (profile_load_finish(load, &set) == 0) {
		dump = profile_dump(set);
		assert_non_null(dump);
	}
	profile_set_free(set);
	profile_load_free(load);
	return dump;
}

static void
test_identity(void **state)
{
	unsigned nright = 0;

	(void)state;
	rnd.state = 5;
	for (unsigned i = 0; i < FILES; i++) {
		char *a, *b;

		made.n = 0;
		for (unsigned j = below(3) + 1, k = 0; k < j; k++) {
			profile(k);
		}
		a = meaning(&made, &once);
		b = meaning(&once, &twice);
		assert_string_equal(once.p, twice.p);
		assert_int_equal(a == NULL, b == NULL);
		if (a != NULL) {
			assert_string_equal(a, b);
			nright++;
		}
		free(a);
		free(b);
	}
	/* the rest has rules that nothing reaches */
	assert_in_range(nright, FILES / 4, FILES);
}

static void
test_layout(void **state)
{
	static const char text[] =
	    "\n\n# first\n\n\ndefine   a={1 2}# of a\nprofile p{\n"
	    "mode   audit on setup{allow value   $a;deny;;\n"
	    "\n\n# last\n}}# end\n#more";
	static const char canonical[] = "# first\n\n"
					"define a = { 1 2 } # of a\n"
					"profile p {\n"
					"  mode audit\n"
					"  on setup {\n"
					"    allow value $a\n"
					"    deny\n\n"
					"    # last\n"
					"  }\n"
					"} # end\n"
					"#more\n";
	char *a, *b;

	(void)state;
	made.n = 0;
	keep(&made, text, strlen(text));
	a = meaning(&made, &once);
	assert_string_equal(once.p, canonical);
	b = meaning(&once, &twice);
	assert_string_equal(twice.p, canonical);
	assert_non_null(a);
	assert_string_equal(a, b);
	free(a);
	free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_identity),
	    cmocka_unit_test(test_layout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
