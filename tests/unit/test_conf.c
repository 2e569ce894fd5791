/* base/conf: strict INI. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/conf.h"
#include "base/err.h"

static char path[] = "/tmp/test_conf.XXXXXX";
static char why[512];
static char *host;
static unsigned port;
static int strict;
static struct conf_list list;

static const struct conf_key keys[] = {
    {"net", "host", CONF_STRING, &host, 0, 0},
    {"net", "port", CONF_UINT, &port, 1, 65535},
    {"local", "strict", CONF_BOOL, &strict, 0, 0},
    {"other", "item", CONF_LIST, &list, 0, 0},
    {"other", "thing", CONF_IGNORE, NULL, 0, 0},
    {NULL, NULL, CONF_IGNORE, NULL, 0, 0},
};

static int
load_bytes(const char *text, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	fclose(f);
	free(host);
	host = NULL;
	port = 3241;
	strict = -1;
	conf_list_fini(&list);
	why[0] = '\0';
	return conf_load(path, keys, why, sizeof(why));
}

static int
load(const char *text)
{
	return load_bytes(text, strlen(text));
}

/* The file is refused, and the reason says so. */
static void
refused(const char *text, unsigned line, const char *reason)
{
	char start[64];

	assert_int_equal(load(text), ERR_FORMAT);
	snprintf(start, sizeof(start), "%s:%u: ", path, line);
	assert_memory_equal(why, start, strlen(start));
	if (strstr(why, reason) == NULL) {
		fail_msg("'%s' lacks '%s'", why, reason);
	}
	if (strstr(why, "expected") == NULL) {
		fail_msg("'%s' says nothing of what is expected", why);
	}
	assert_null(strchr(why, '\n'));
}

static void
test_good(void **state)
{
	(void)state;
	assert_int_equal(load(""), 0);
	assert_null(host);
	assert_int_equal(port, 3241);
	assert_int_equal(load("# a comment\n\n[net]\nhost = a.example \n"
			      "  port=99 ; why\n[local]\r\nstrict = Yes\r\n"
			      "[other] ; known\nthing = what ever\n"
			      "[net]\n"),
	    0);
	assert_string_equal(host, "a.example");
	assert_int_equal(port, 99);
	assert_int_equal(strict, 1);
	assert_int_equal(load("[local]\nstrict=off"), 0);
	assert_int_equal(strict, 0);
	assert_int_equal(load("[net]\nhost =\n"), 0);
	assert_string_equal(host, "");
}

static void
test_bad(void **state)
{
	char line[600];

	(void)state;
	refused("[net]\nhots = a\n", 2, "unknown key hots in [net]");
	assert_non_null(strstr(why, "host port"));
	refused("\n[nte]\n", 2, "unknown section [nte]");
	assert_non_null(strstr(why, "[net] [local] [other]"));
	refused("host = a\n", 1, "before any section");
	refused("[local]\nhost = a\n", 2, "unknown key host in [local]");
	refused("[net]\nport = 0\n", 2, "from 1 to 65535");
	refused("[net]\nport = 65536\n", 2, "65536");
	refused("[net]\nport = 99999999999999999999\n", 2, "port");
	refused("[net]\nport = -1\n", 2, "port");
	refused("[net]\nport = 12x\n", 2, "12x");
	refused("[net]\nport =\n", 2, "port");
	refused("[local]\nstrict = maybe\n", 2, "yes or no");
	refused("[net]\nport = 1\nhost = a\nport = 2\n", 4, "given twice");
	refused("[net]\nnonsense\n", 2, "not understood");
	refused("[net]\nnonsense\nport = 1\n\n", 2, "not understood");
	refused("[net\nport = 1\n", 1, "no ']'");
	refused("[net] port = 1\n", 1, "after the section");
	refused("[net]\nport = \033[2Jx\n", 2, "\\x1b[2Jx");
	memset(line, 'x', sizeof(line));
	snprintf(line, sizeof(line), "[net]\nhost = ");
	line[strlen(line)] = 'x';
	line[sizeof(line) - 1] = '\0';
	refused(line, 2, "line too long");
	assert_int_equal(load_bytes("[net]\nhost = a\0b\n", 17), ERR_FORMAT);
	assert_non_null(strstr(why, "NUL"));
}

static void
test_no_file(void **state)
{
	(void)state;
	assert_int_equal(
	    conf_load("/nonexistent/x.conf", keys, why, sizeof(why)),
	    ERR_NOENT);
	assert_non_null(strstr(why, "/nonexistent/x.conf"));
	assert_int_equal(conf_load("/tmp", keys, why, sizeof(why)), ERR_SYS);
	assert_int_equal(errno, EISDIR);
}

static void
test_list(void **state)
{
	char text[CONF_LIST_MAX * 20];
	size_t len;

	(void)state;
	assert_int_equal(load("[other]\nitem = a b\nthing = x\n"
			      "item = c:d=e*\n[net]\n[other]\nitem =\n"),
	    0);
	assert_int_equal(list.n, 3);
	assert_string_equal(list.v[0], "a b");
	assert_string_equal(list.v[1], "c:d=e*");
	assert_string_equal(list.v[2], "");
	len = (size_t)snprintf(text, sizeof(text), "[other]\n");
	for (unsigned i = 0; i <= CONF_LIST_MAX; i++) {
		len += (size_t)snprintf(
		    text + len, sizeof(text) - len, "item=%u\n", i);
	}
	assert_int_equal(load(text), ERR_LIMIT);
	assert_int_equal(list.n, CONF_LIST_MAX);
	conf_list_fini(&list);
}

static int
setup(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	close(fd);
	return fd == -1 ? -1 : 0;
}

static int
teardown(void **state)
{
	(void)state;
	free(host);
	return unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_good),
	    cmocka_unit_test(test_bad),
	    cmocka_unit_test(test_no_file),
	    cmocka_unit_test(test_list),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
