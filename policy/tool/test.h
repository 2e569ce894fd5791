/*
 * Test files of rules and profiles, see TESTS in sallyport-policy(1).
 */
#ifndef POLICY_TOOL_TEST_H
#define POLICY_TOOL_TEST_H

#include <stddef.h>

struct test_tally {
	size_t passed, failed;
	int is_quiet; /* what passes is counted and not shown */
};

/* Runs one file; what is wrong with it is said, and counts as failed. stock is
 * where the stock profiles are, NULL being those of this installation. */
void test_file(const char *path, const char *stock, struct test_tally *tally);

#endif
