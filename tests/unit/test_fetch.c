/*
 * proxy/fetch: a bundle in a directory, and the parcel that it comes in. What
 * comes by HTTPS is test_fetch_http.c's and tests/publish/table's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "proxy/fetch/parcel.h"

static char dir[] = "/tmp/test_fetch.XXXXXX", path[64], sig[64];
static struct ipc_fetch how;
static struct parcel parcel;
static struct ipc_fetched said;

static void
put(const char *name, const char *text)
{
	char new[80];
	FILE *f;

	/* in one step, as a publisher should */
	(void)snprintf(new, sizeof(new), "%s.new", name);
	f = fopen(new, "w");
	assert_non_null(f);
	(void)fputs(text, f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(rename(new, name), 0);
}

static int
fetch(const char *source)
{
	struct pair pair;
	int r;

	parcel_fini(&parcel);
	assert_int_equal(parcel_open(&parcel), 0);
	said = (struct ipc_fetched){0};
	(void)snprintf(how.source, sizeof(how.source), "%s", source);
	r = file_open(&pair, &how, &said);
	if (r == 0) {
		r = file_fetch(&pair, &how, &parcel, &said);
	}
	file_close(&pair);
	return r;
}

static void
assert_brought(const char *all, uint32_t len)
{
	char text[64] = "";

	assert_int_equal(said.bundle_len, len);
	assert_int_equal(said.signatures_len, strlen(all) - len);
	assert_int_equal(
	    pread(parcel.fd, text, sizeof(text) - 1, 0), strlen(all));
	assert_string_equal(text, all);
}

static int
start(void **state)
{
	(void)state;
	memcpy(dir + strlen(dir) - 6, "XXXXXX", 6);
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/bundle.tar", dir);
	(void)snprintf(sig, sizeof(sig), "%s/bundle.tar.sig", dir);
	how = (struct ipc_fetch){
		.bundle_max = 10, .signatures_max = 4, .timeout = 1};
	parcel.fd = -1;
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	parcel_fini(&parcel);
	(void)unlink(path);
	(void)unlink(sig);
	return rmdir(dir);
}

static void
news(void **state)
{
	(void)state;
	put(path, "bundle");
	put(sig, "sig");
	assert_int_equal(fetch(path), 0);
	assert_brought("bundlesig", 6);
	/* a directory has it under its name */
	assert_int_equal(fetch(dir), 0);
	assert_brought("bundlesig", 6);
	/* the same again is no news; other signatures of it are */
	memcpy(how.tag, said.tag, sizeof(how.tag));
	assert_int_equal(fetch(path), ERR_AGAIN);
	put(sig, "gis");
	assert_int_equal(fetch(path), 0);
	assert_brought("bundlegis", 6);
	put(path, "other");
	assert_int_equal(fetch(path), 0);
	assert_brought("othergis", 5);
}

static void
refused(void **state)
{
	(void)state;
	assert_int_equal(fetch(path), ERR_SYS);
	assert_non_null(strstr(said.why, "bundle.tar: No such file"));
	put(path, "bundle");
	assert_int_equal(fetch(path), ERR_SYS);
	assert_non_null(strstr(said.why, ".sig: No such file"));
	put(sig, "");
	assert_int_equal(fetch(path), ERR_FORMAT);
	assert_non_null(strstr(said.why, ".sig: it is empty"));
	put(sig, "12345");
	assert_int_equal(fetch(path), ERR_LIMIT);
	assert_non_null(strstr(said.why, ".sig: larger than it may be"));
	put(sig, "1234");
	assert_int_equal(fetch(path), 0);
	put(path, "12345678901");
	assert_int_equal(fetch(path), ERR_LIMIT);
	assert_non_null(strstr(said.why, "tar: larger than it may be"));
	/* nobody ever writes to it: it must not be waited for */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(fetch(path), ERR_FORMAT);
	assert_non_null(strstr(said.why, "not a file"));
}

static void
bounded(void **state)
{
	(void)state;
	assert_int_equal(parcel_open(&parcel), 0);
	parcel_part(&parcel, 4);
	assert_int_equal(parcel_add(&parcel, "abc", 3), 0);
	assert_int_equal(parcel_add(&parcel, "de", 2), ERR_LIMIT);
	assert_int_equal(parcel_add(&parcel, "d", 1), 0);
	assert_int_equal(parcel_add(&parcel, "e", 1), ERR_LIMIT);
	parcel_part(&parcel, 1);
	assert_int_equal(parcel_add(&parcel, "e", 1), 0);
	assert_int_equal(parcel.len, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(news, start, stop),
		cmocka_unit_test_setup_teardown(refused, start, stop),
		cmocka_unit_test_setup_teardown(bounded, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
