/*
 * Bodies shared by the tests of policy/profiles: loading a text, and what is
 * said of a wrong one.
 */
#ifndef TESTS_UNIT_PROFILES_BODY_H
#define TESTS_UNIT_PROFILES_BODY_H

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "policy/profiles/ast.h"

/* The set, or the test fails and shows why. */
static inline struct profile_set *
profiles_of(const char *text)
{
	struct profile_load *load = profile_load_new();
	struct profile_set *set = NULL;
	int r;

	assert_non_null(load);
	assert_int_equal(profile_load_text(load, PROFILE_LOCAL,
			     "t.profile", text, strlen(text)),
	    0);
	r = profile_load_finish(load, &set);
	for (size_t i = 0; i < profile_load_error_count(load) && i < 3; i++) {
		const struct profile_error *e = profile_load_error(load, i);

		print_message("%u:%u: %s\n    %s\n", e->line, e->column,
		    e->text, e->source);
	}
	assert_int_equal(r, 0);
	profile_load_free(load);
	return set;
}

static inline const struct profile *
tree_of(const struct profile_set *set, const char *name)
{
	int i = profile_set_find(set, name);

	assert_true(i >= 0);
	return profile_set_tree(set, (size_t)i);
}

/* The text is refused for that reason alone: line, column and all of what is
 * said. */
static inline void
assert_refused(
    const char *text, unsigned line, unsigned column, const char *says)
{
	struct profile_load *load = profile_load_new();
	struct profile_set *set = NULL;
	const struct profile_error *e;

	assert_int_equal(profile_load_text(load, PROFILE_LOCAL,
			     "t.profile", text, strlen(text)),
	    0);
	assert_int_equal(profile_load_finish(load, &set), ERR_FORMAT);
	assert_null(set);
	assert_true(profile_load_error_count(load) > 0);
	e = profile_load_error(load, 0);
	if (strcmp(e->text, says) != 0 || e->line != line ||
	    e->column != column || profile_load_error_count(load) != 1) {
		fail_msg("%s\n%zu errors, first %u:%u: %s\nexpected %u:%u: %s",
		    text, profile_load_error_count(load), e->line, e->column,
		    e->text, line, column, says);
	}
	assert_string_equal(e->file, "t.profile");
	profile_load_free(load);
}

#endif
