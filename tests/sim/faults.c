/*
 * Every scenario again, with each call that its session makes failing in turn:
 * no memory, no descriptor, a line that breaks, a device that refuses. What the
 * workstation hears then is another story; but the session ends, gives its
 * device back, and leaves neither memory (that a sanitizer sees) nor a
 * descriptor open.
 *
 *   test_sim_faults [--step N] [SCENARIO ...]
 */
#include <dirent.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fault/fault.h"
#include "tests/sim/sim.h"

#define SCENARIOS 512

static uint64_t step = 7; /* every so many calls; all with --step 1 */
static uint64_t ninjected;

static unsigned
open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL) {
		n++;
	}
	closedir(d);
	return n;
}

static void
fails_at(const char *path, uint64_t at)
{
	unsigned before = open_descriptors();
	char why[2400], what[64];

	if (sim_run(path, at, why, sizeof(why)) != 0) {
		fail_msg("call %llu (%s) fails: %s", (unsigned long long)at,
		    fault_last(), why);
	}
	(void)snprintf(what, sizeof(what), "%s", fault_last());
	assert_int_equal(fault_failures(), 1);
	fault_off();
	if (open_descriptors() != before) {
		fail_msg("call %llu (%s) fails: a descriptor is left",
		    (unsigned long long)at, what);
	}
	ninjected++;
}

static void
scenario(void **state)
{
	char why[2400];
	uint64_t n;

	assert_int_equal(sim_run(*state, SIM_COUNT, why, sizeof(why)), 0);
	n = fault_calls();
	if (n == 0) {
		fail_msg("nothing can be made to fail: another variant");
	}
	/* not always the same ones of similar scenarios */
	for (uint64_t at = 1 + strlen(*state) % step; at <= n; at += step) {
		fails_at(*state, at);
	}
}

int
main(int argc, char **argv)
{
	static struct CMUnitTest tests[SCENARIOS];
	glob_t all = {0};
	size_t n = 0;
	int r;

	if (argc > 2 && strcmp(argv[1], "--step") == 0) {
		step = strtoull(argv[2], NULL, 10);
		step = step > 0 ? step : 1;
		argc -= 2;
		argv += 2;
	}
	if (argc > 1) {
		all.gl_pathc = (size_t)argc - 1;
		all.gl_pathv = argv + 1;
	} else {
		(void)glob("tests/sim/[0-9]*.sim", 0, NULL, &all);
	}
	for (; n < all.gl_pathc && n < SCENARIOS; n++) {
		const char *name = strrchr(all.gl_pathv[n], '/');

		tests[n] = (struct CMUnitTest){
		    .name = name != NULL ? name + 1 : all.gl_pathv[n],
		    .test_func = scenario,
		    .initial_state = all.gl_pathv[n],
		};
	}
	r = n == 0 ? 1
		   : _cmocka_run_group_tests("faults", tests, n, NULL, NULL);
	printf("# %llu failures injected\n", (unsigned long long)ninjected);
	if (argc <= 1) {
		globfree(&all);
	}
	return r;
}
