/* What `sallyctl top' shows, without a screen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "proxy/ctl/ctl.h"
#include "proxy/ctl/top.h"

static struct top top;

static int
setup(void **state)
{
	(void)state;
	top = (struct top){0};
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	top_free(&top);
	return 0;
}

static void
update(const char *sessions)
{
	json_t *status = json_loads(
	    "{\"version\":\"1.2\",\"devices\":7,\"sessions\":3,\"asks\":1,"
	    "\"rules\":12,\"rules_loaded\":\"2026-11-25T12:00:00.000Z\","
	    "\"rules_error\":\"x\",\"audit_failing\":true}", 0, NULL);
	json_t *o = json_loads(sessions, 0, NULL);

	assert_non_null(status);
	assert_int_equal(top_update(&top, status, o), 0);
	json_decref(status);
	json_decref(o);
}

static void
one(long long in_s)
{
	char text[256];

	(void)snprintf(text, sizeof(text),
	    "{\"sessions\":[{\"connection\":1,\"busid\":\"1-1\",\"in_s\":%lld,"
	    "\"out_s\":0}]}", in_s);
	update(text);
}

static void
test_amounts(void **state)
{
	static const struct {
		double n;
		const char *text;
	} cases[] = {{0, "0 B"}, {999, "999 B"}, {1000, "1.0 kB"},
	    {1234, "1.2 kB"}, {99949, "99.9 kB"}, {99951, "100 kB"},
	    {999499, "999 kB"}, {999500, "1.0 MB"}, {123456789, "123 MB"},
	    {1e18, "1000 PB"}};
	char text[CTL_AMOUNT];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_string_equal(
		    ctl_amount(text, cases[i].n), cases[i].text);
	}
}

static void
test_rows(void **state)
{
	char line[TOP_LINE];

	(void)state;
	update("{\"sessions\":["
	       "{\"connection\":1,\"busid\":\"3-1\",\"device\":\"Stick\","
	       "\"name\":\"desk-1\",\"in_s\":1500000,\"out_s\":20,"
	       "\"urbs_s\":240,\"open\":4,\"refusals\":3},"
	       "{\"connection\":2,\"busid\":\"3-2\",\"stable\":\"1:2@p\","
	       "\"name\":\"desk-2\",\"in_s\":9,\"out_s\":9000000,"
	       "\"urbs_s\":7,\"refusals\":30},"
	       "{\"connection\":3,\"name\":\"who only watches\"}]}");
	assert_int_equal(top.n, 2);
	assert_string_equal(top.rows[0].busid, "3-2");
	assert_string_equal(top.rows[0].device, "1:2@p");
	top_line(line, &top, &top.rows[1], 160);
	assert_ptr_equal(strstr(line, "3-1       Stick"), line);
	assert_non_null(strstr(line,
	    " desk-1 "));
	assert_non_null(strstr(line, "   1.5 MB      20 B     240     4       "
				     "3 "));
	assert_non_null(strstr(top.head[0], "sallyport 1.2   7 devices   3 "
					    "sessions   1 asks"));
	assert_non_null(strstr(top.head[1], "LAST LOAD FAILED"));
	assert_non_null(strstr(top.head[1], "AUDIT LOG CANNOT BE WRITTEN"));
	top.sort = TOP_BY_URBS;
	update("{\"sessions\":["
	       "{\"connection\":2,\"busid\":\"3-2\",\"urbs_s\":7},"
	       "{\"connection\":4,\"busid\":\"3-4\",\"urbs_s\":8}]}");
	/* one left, another came */
	assert_int_equal(top.n, 2);
	assert_int_equal(top.rows[0].connection, 4);
	assert_int_equal(top.rows[1].history[TOP_HISTORY - 2], 9000009);
	assert_int_equal(top.rows[1].history[TOP_HISTORY - 1], 0);
	assert_int_equal(top.rows[0].history[TOP_HISTORY - 2], 0);
	/* answers that are none */
	update("{\"sessions\":[7,null,{\"busid\":\"1-1\",\"in_s\":-5}]}");
	assert_int_equal(top.n, 1);
	assert_int_equal(top.rows[0].in_s, 0);
	update("[]");
	assert_int_equal(top.n, 0);
	assert_int_equal(top_max(&top), 0);
}

static void
test_sparks(void **state)
{
	static const long long values[] = {0, 1, 100, 200, 400, 700, 800};
	char spark[TOP_SPARK];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		one(values[i]);
	}
	assert_int_equal(top_max(&top), 800);
	assert_string_equal(
	    top_spark(spark, &top, &top.rows[0], 8, 800), "  ..:=%#");
	top.has_unicode = 1;
	assert_string_equal(top_spark(spark, &top, &top.rows[0], 8, 800),
	    "  \u2581\u2581\u2582\u2584\u2587\u2588");
	/* nothing at all, and a minute of the highest */
	assert_string_equal(
	    top_spark(spark, &top, &top.rows[0], 3, 0), "   ");
	for (unsigned i = 0; i < 2 * TOP_HISTORY; i++) {
		one(800);
	}
	top_spark(spark, &top, &top.rows[0], 1000, 800);
	assert_int_equal(strlen(spark), 3 * TOP_HISTORY);
}

/* However narrow it is, a line is no longer than the screen where that can be. */
static void
test_widths(void **state)
{
	char line[TOP_LINE], title[TOP_LINE];

	(void)state;
	update("{\"sessions\":[{\"connection\":1,\"busid\":\"1-1\","
	       "\"device\":\"a name that is longer than any column has room "
	       "for, whatever it is\",\"name\":\"as is this name of a "
	       "workstation that nobody can type\",\"in_s\":1}]}");
	for (unsigned width = 80; width < 300; width++) {
		top_line(line, &top, &top.rows[0], width);
		assert_true(strlen(line) <= width);
		top_title(title, &top, width);
		assert_true(strlen(title) <= width);
	}
	for (unsigned width = 0; width < 80; width++) {
		top_line(line, &top, &top.rows[0], width);
	}
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_amounts),
		TEST(test_rows),
		TEST(test_sparks),
		TEST(test_widths),
	};

	return cmocka_run_group_tests_name("sallyctl top", tests, NULL, NULL);
}
