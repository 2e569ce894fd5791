/*
 * The scenarios of tests/sim, each a test by the name of its file; or those
 * that are named.
 */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/sim/sim.h"

#define SCENARIOS 512

static void
scenario(void **state)
{
	char why[2400];

	if (sim_run(*state, SIM_NO_FAULT, why, sizeof(why)) != 0) {
		fail_msg("%s", why);
	}
}

int
main(int argc, char **argv)
{
	static struct CMUnitTest tests[SCENARIOS];
	glob_t all = {0};
	size_t n = 0;
	int r;

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
	r = n == 0 ? 1 : _cmocka_run_group_tests("sim", tests, n, NULL, NULL);
	if (argc <= 1) {
		globfree(&all);
	}
	return r;
}
