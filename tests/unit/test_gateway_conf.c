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

static void
upstream_is_https(void **state)
{
	(void)state;
	assert_int_equal(load(""), 0);
	assert_string_equal(conf.upstream_url, "");
	assert_int_equal(conf.upstream_interval, 10);
	assert_int_equal(conf.upstream_status, 300);
	assert_int_equal(load("[upstream]\nurl = https://u.example/lines\n"
			      "interval = 5\ntimeout = 7\n"
			      "cert = /c\nkey = /k\nca = /a\n"),
	    0);
	assert_string_equal(conf.upstream_url, "https://u.example/lines");
	assert_string_equal(conf.upstream_key, "/k");
	assert_int_equal(conf.upstream_timeout, 7);
	assert_int_equal(
	    load("[upstream]\nurl = http://u.example/lines\n"), ERR_FORMAT);
	assert_non_null(strstr(why, "[upstream] url: expected https://"));
	assert_int_equal(load("[upstream]\nkey = /k\n"), ERR_FORMAT);
	assert_non_null(strstr(why, "cert and key go together"));
	assert_int_equal(load("[upstream]\ninterval = 0\n"), ERR_FORMAT);
}

static void
the_key_is_held_apart_when_asked_for(void **state)
{
	(void)state;
	assert_int_equal(load(""), 0);
	assert_false(conf.key_holder);
	assert_int_equal(load("[tls]\nkey-holder = yes\n"), 0);
	assert_true(conf.key_holder);
	assert_int_equal(load("[tls]\nkey-holder = maybe\n"), ERR_FORMAT);
	assert_non_null(strstr(why, "key-holder"));
}

static void
bundles_have_a_source(void **state)
{
	(void)state;
	assert_int_equal(load(""), 0);
	assert_string_equal(conf.bundle_source, "");
	assert_int_equal(conf.bundle_threshold, 1);
	assert_int_equal(load("[bundle]\nsource = https://r.example/x.tar\n"
			      "label = site=a\nlabel = hall\ninterval = 5\n"),
	    0);
	assert_string_equal(conf.bundle_source, "https://r.example/x.tar");
	assert_int_equal(conf.bundle_labels.n, 2);
	assert_string_equal(conf.bundle_labels.v[1], "hall");
	assert_int_equal(load("[bundle]\nsource = /srv/x.tar\n"), 0);
	assert_int_equal(
	    load("[bundle]\nsource = http://r.example/x.tar\n"), ERR_FORMAT);
	assert_non_null(strstr(why, "[bundle] source: expected https://"));
	assert_int_equal(load("[bundle]\nsource = x.tar\n"), ERR_FORMAT);
	assert_int_equal(load("[bundle]\ncert = /c\n"), ERR_FORMAT);
	assert_non_null(strstr(why, "cert and key go together"));
	assert_int_equal(load("[bundle]\nthreshold = 0\n"), ERR_FORMAT);
}

static void
verdict_servers_have_names(void **state)
{
	(void)state;
	assert_int_equal(load("[verdict dlp]\nuser = scan\nconcurrency = 2\n"
			      "[gateway]\nport = 7\n"
			      "[verdict shift supervisor]\nuser = sv\n"
			      "queue = 0\n"),
	    0);
	assert_int_equal(conf.port, 7);
	assert_int_equal(conf.nverdicts, 2);
	assert_string_equal(conf.verdicts[0].name, "dlp");
	assert_string_equal(conf.verdicts[0].user, "scan");
	assert_int_equal(conf.verdicts[0].concurrency, 2);
	assert_int_equal(conf.verdicts[0].queue, 64);
	assert_int_equal(conf.verdicts[0].health, 5);
	assert_string_equal(conf.verdicts[1].name, "shift supervisor");
	assert_int_equal(conf.verdicts[1].concurrency, 4);
	assert_int_equal(conf.verdicts[1].queue, 0);
	assert_int_equal(
	    load("[verdict a]\nuser = x\n[verdict a]\n"), ERR_FORMAT);
	assert_non_null(strstr(why, ":3: [verdict a] is given twice"));
	assert_int_equal(load("\n[verdict a]\nqueue = 1\n\n"), ERR_FORMAT);
	assert_non_null(strstr(why, ":2: [a]: no user; expected"));
	assert_int_equal(
	    load("[verdict a]\nuser = x\nuser = y\n"), ERR_FORMAT);
	assert_int_equal(load("[verdict]\nuser = x\n"), ERR_FORMAT);
	assert_non_null(strstr(why, "[verdict NAME]"));
	assert_int_equal(
	    load("[verdict a]\nuser = x\nport = 1\n"), ERR_FORMAT);
	assert_non_null(strstr(why, "user concurrency queue health"));
	assert_int_equal(load("[verdict  a]\nuser = x\n"), ERR_FORMAT);
	assert_int_equal(load("[tls a]\n"), ERR_FORMAT);
	assert_int_equal(
	    load("[verdict a]\nuser = x\nconcurrency = 65\n"), ERR_FORMAT);
	assert_int_equal(load("[verdict "
			      "01234567890123456789012345678901234567890]\n"),
	    ERR_FORMAT);
	assert_non_null(strstr(why, "1 to 40"));
}

static void
there_are_not_too_many_of_them(void **state)
{
	char text[1024] = "";

	(void)state;
	for (unsigned i = 0; i <= GATEWAY_VERDICTS; i++) {
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text),
		    "[verdict v%u]\nuser = x\n", i);
	}
	assert_int_equal(load(text), ERR_LIMIT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_there_at_boot),
		cmocka_unit_test(captures_are_below_the_state),
		cmocka_unit_test(uids_for_probes_are_left),
		cmocka_unit_test(the_key_is_held_apart_when_asked_for),
		cmocka_unit_test(bundles_have_a_source),
		cmocka_unit_test(upstream_is_https),
		cmocka_unit_test(verdict_servers_have_names),
		cmocka_unit_test(there_are_not_too_many_of_them),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
