/* proxy/conf: what of gateway.conf depends on other keys of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "proxy/conf.h"

static char path[] = "/tmp/test_gateway_conf.XXXXXX";
static struct gateway_conf conf;
static char why[512];

static int
load(const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	gateway_conf_free(&conf);
	why[0] = '\0';
	return gateway_conf_load(&conf, path, why, sizeof(why));
}

static int
setup(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd == -1 ? -1 : close(fd);
}

static int
teardown(void **state)
{
	(void)state;
	gateway_conf_free(&conf);
	return unlink(path);
}

static void
what_is_there_at_boot(void **state)
{
	(void)state;
	assert_int_equal(load(""), 0);
	assert_false(conf.is_strict);
	assert_true(conf.before_drivers);
	assert_int_equal(load("[local]\nat-boot = adopt\n"), 0);
	assert_false(conf.is_strict);
	assert_int_equal(load("[local]\nat-boot = strict\n"), 0);
	assert_true(conf.is_strict);
	assert_int_equal(load("[local]\nat-boot = Strict\n"), ERR_FORMAT);
	assert_non_null(strstr(why, "expected strict or adopt"));
	assert_int_equal(load("[local]\nat-boot =\n"), ERR_FORMAT);
	assert_int_equal(
	    load("[local]\nat-boot = strict\nbefore-drivers = no\n"),
	    ERR_FORMAT);
	assert_non_null(strstr(why, "before-drivers"));
	assert_int_equal(
	    load("[local]\nat-boot = adopt\nbefore-drivers = no\n"), 0);
}

static void
captures_are_below_the_state(void **state)
{
	(void)state;
	assert_int_equal(load("[gateway]\nstate = /x\n"), 0);
	assert_string_equal(conf.captures, "/x/captures");
	assert_int_equal(conf.capture_files, 4);
	assert_int_equal(load("[gateway]\ncaptures = /y\n"), 0);
	assert_string_equal(conf.captures, "/y");
	assert_int_equal(load("[capture]\nrecord = 65\n"), ERR_FORMAT);
	assert_int_equal(load("[capture]\nfiles = 0\n"), ERR_FORMAT);
}

static void
uids_for_probes_are_left(void **state)
{
	(void)state;
	assert_int_equal(load("[gateway]\nmax-sessions = 264\n"), 0);
	assert_int_equal(load("[gateway]\nmax-sessions = 265\n"), ERR_FORMAT);
	assert_non_null(strstr(why, "at most 264"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_there_at_boot),
		cmocka_unit_test(captures_are_below_the_state),
		cmocka_unit_test(uids_for_probes_are_left),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
