/*
 * Texts that want to hurt: too large, too deep, in circles, with bytes that no
 * text has. Each ends in an error that says so, in bounded time and memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/profiles_body.h"

static void
assert_says(const char *text, size_t len, int result, const char *says)
{
	struct profile_load *load = profile_load_new();
	struct profile_set *set = NULL;

	assert_int_equal(profile_load_text(load, PROFILE_LOCAL, "t.profile",
			     text, len),
	    result);
	assert_int_equal(profile_load_finish(load, &set), ERR_FORMAT);
	assert_null(set);
	assert_true(profile_load_error_count(load) > 0);
	if (strstr(profile_load_error(load, 0)->text, says) == NULL) {
		fail_msg("%s, expected %s",
		    profile_load_error(load, 0)->text, says);
	}
	profile_load_free(load);
}

/* head, then `fill' over and over, up to the size. */
static char *
filled(const char *head, const char *fill, size_t size)
{
	size_t n = strlen(head), m = strlen(fill);
	char *text = malloc(size + 1);

	assert_non_null(text);
	memcpy(text, head, n);
	for (size_t i = n; i < size; i++) {
		text[i] = fill[(i - n) % m];
	}
	text[size] = '\0';
	return text;
}

static void
refuse_filled(const char *head, const char *fill, size_t size, int result,
    const char *says)
{
	char *text = filled(head, fill, size);

	assert_says(text, size, result, says);
	free(text);
}

static void
test_large(void **state)
{
	(void)state;
	refuse_filled("", " ", PROFILES_MAX_TEXT + 1, ERR_LIMIT,
	    "larger than 16 MiB");
	refuse_filled("define a = {", " 1", PROFILES_MAX_TEXT, 0,
	    "more than fits in 256 MiB");
	refuse_filled("profile p { on setup {", "deny value 1;",
	    PROFILES_MAX_TEXT, 0, "more than 32768 rules");
	refuse_filled("profile p { on setup { deny", " value 1", 1u << 20, 0,
	    "more than 32 matches");
	refuse_filled("profile p { on scsi { rewrite {", " wp = 1", 1u << 20,
	    0, "`rewrite' of more than 4 fields");
	refuse_filled("", "profile p { }", 1u << 15, 0,
	    "profile `p' is there already");
}

static void
test_deep(void **state)
{
	(void)state;
	refuse_filled("", "{", 1u << 20, 0, "unexpected `{'");
	refuse_filled("profile p {", "{", 1u << 20, 0, "`{' is not closed");
	refuse_filled("profile p { on setup { allow value ", "{", 1u << 20, 0,
	    "`{' is not closed");
	refuse_filled("", "profile a;b {\n", 1u << 18, 0, "unexpected `;'");
	refuse_filled("profile a {", "cap ; on ; }", 1u << 18, 0,
	    "unexpected `;'");
	refuse_filled("", "}", 1u << 20, 0, "unexpected `}'");
	refuse_filled("", "{ } ! \" ; = profile a { on x {", 1u << 18, 0,
	    "unexpected `{'");
	refuse_filled("profile p { on setup {", "allow {\n", 1u << 18, 0,
	    "unexpected `{'");
}

static void
test_bytes(void **state)
{
	char all[256];

	(void)state;
	assert_says("profile p\0 { }", 14, 0, "NUL byte");
	assert_says("# \0\nfrob", 8, 0, "unexpected `frob'");
	assert_says("include \"a\0b\"", 13, 0, "NUL byte in a string");
	for (unsigned i = 0; i < 256; i++) {
		all[i] = (char)(255 - i);
	}
	assert_says(all, sizeof(all), 0, "byte 0xff");
}

/* Each define has the one before it ten times. */
static void
test_bomb(void **state)
{
	static const char digits[] = "abcdefghijkl";
	char text[4096] = "define a = 1\n";
	size_t n = strlen(text);

	(void)state;
	for (unsigned i = 1; i < 12; i++) {
		n += (size_t)snprintf(text + n, sizeof(text) - n,
		    "define %c = {", digits[i]);
		for (unsigned j = 0; j < 10; j++) {
			n += (size_t)snprintf(text + n, sizeof(text) - n,
			    " $%c", digits[i - 1]);
		}
		n += (size_t)snprintf(text + n, sizeof(text) - n, " }\n");
	}
	n += (size_t)snprintf(text + n, sizeof(text) - n,
	    "profile p { on setup { allow value $l } }\n");
	assert_says(text, n, 0, "more than fits in 256 MiB");
}

/* Rules that are all alike, but not quite. */
static void
test_many_rules(void **state)
{
	size_t size = 1u << 20, n;
	char *text = malloc(size);

	(void)state;
	assert_non_null(text);
	n = (size_t)snprintf(text, size, "profile p { on setup {\n");
	for (unsigned i = 0; i < PROFILES_MAX_TEXT && i < 4096; i++) {
		n += (size_t)snprintf(text + n, size - n,
		    "deny value { 1 3 5 7 9 %u } index { 2 4 6 %u } wlength "
		    "{ 1 3 5 %u }\n",
		    i + 20, 5000 - i, i + 10);
	}
	snprintf(text + n, size - n, "} }\n");
	profile_set_free(profiles_of(text));
	free(text);
}

static int
read_itself(void *arg, const char *from, const char *path,
    struct profile_file *out, char *why, size_t size)
{
	char text[64];

	(void)from;
	if (strcmp(path, "none") == 0) {
		snprintf(why, size, "no such file");
		return ERR_NOENT;
	}
	/* "0" includes "1" … "9" includes "0"; or without end */
	snprintf(text, sizeof(text), "include \"%d\"\n",
	    *(int *)arg ? (int)strtol(path, NULL, 10) + 1 : ((int)strtol(path, NULL, 10) + 1) % 4);
	out->name = strdup(path);
	out->text = strdup(text);
	out->len = strlen(text);
	return 0;
}

static void
include_says(const char *text, int is_endless, const char *says)
{
	struct profile_load *load = profile_load_new();
	struct profile_set *set;

	profile_load_read(load, read_itself, &is_endless);
	assert_int_equal(profile_load_text(load, PROFILE_LOCAL, "t", text,
			     strlen(text)),
	    0);
	assert_int_equal(profile_load_finish(load, &set), ERR_FORMAT);
	assert_int_equal(profile_load_error_count(load), 1);
	assert_string_equal(profile_load_error(load, 0)->text, says);
	profile_load_free(load);
}

static void
test_include(void **state)
{
	(void)state;
	include_says("include \"none\"\n", 0,
	    "include \"none\": no such file");
	include_says("include \"0\"\n", 0,
	    "include \"0\": includes itself, in a circle");
	include_says("include \"0\"\n", 1,
	    "include \"16\": files that include files are nested more than "
	    "16 deep");
	assert_refused("include \"x\"\n", 1, 9,
	    "include \"x\": nothing can be included here");
}

/* Each profile stands on the one before. */
static void
test_tower(void **state)
{
	size_t size = 1u << 18, n;
	char *text = malloc(size);

	(void)state;
	assert_non_null(text);
	n = (size_t)snprintf(text, size, "profile p0 { }\n");
	for (unsigned i = 1; i < 66; i++) {
		n += (size_t)snprintf(text + n, size - n,
		    "profile p%u extends p%u { }\n", i, i - 1);
	}
	assert_says(text, n, 0, "more than 64 profiles above the first");
	n = 0;
	for (unsigned i = 0; i < 4097; i++) {
		n += (size_t)snprintf(
		    text + n, size - n, "profile p%u { }\n", i);
	}
	assert_says(text, n, 0, "more than 4096 profiles");
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_large),
	    cmocka_unit_test(test_deep),
	    cmocka_unit_test(test_bytes),
	    cmocka_unit_test(test_bomb),
	    cmocka_unit_test(test_many_rules),
	    cmocka_unit_test(test_include),
	    cmocka_unit_test(test_tower),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
