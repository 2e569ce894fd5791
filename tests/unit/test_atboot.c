/*
 * proxy/broker/atboot: the file that keeps devices out at the next boot. What
 * root has put there by other means is never touched.
 */
#include "proxy/broker/broker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/file.h"
#include "base/log.h"

static char top[64], file[128], module[128], parameters[160], value[192],
    state_file[160];

static void
put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int
has(const char *path, const char *text)
{
	uint8_t *data = NULL;
	size_t len;
	int is;

	if (file_read(path, 4096, FILE_PUBLIC, &data, &len) != 0) {
		return 0;
	}
	is = strstr((char *)data, text) != NULL;
	free(data);
	return is;
}

static int
setup(void **state)
{
	(void)state;
	log_init("test");
	snprintf(top, sizeof(top), "/tmp/test_atboot.XXXXXX");
	if (mkdtemp(top) == NULL) {
		return -1;
	}
	snprintf(file, sizeof(file), "%s/sallyport.conf", top);
	snprintf(module, sizeof(module), "%s/usbcore", top);
	snprintf(parameters, sizeof(parameters), "%s/parameters", module);
	snprintf(value, sizeof(value), "%s/authorized_default", parameters);
	snprintf(state_file, sizeof(state_file), "%s/initstate", module);
	if (mkdir(module, 0755) == -1 || mkdir(parameters, 0755) == -1) {
		return -1;
	}
	put(value, "-1\n");
	put(state_file, "live\n");
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	unlink(file);
	unlink(value);
	unlink(state_file);
	rmdir(parameters);
	rmdir(module);
	return rmdir(top);
}

static void
strict_writes_and_adopt_removes(void **state)
{
	struct stat st;

	(void)state;
	umask(077);
	assert_int_equal(atboot_apply(1, file, module), 0);
	umask(022);
	assert_true(has(file, "\noptions usbcore authorized_default=0\n"));
	assert_true(has(file, "Written by sallyportd"));
	assert_true(has(file, "To undo"));
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	/* The same again is not written again. */
	assert_int_equal(atboot_apply(1, file, module), 0);
	{
		struct stat again;

		assert_int_equal(stat(file, &again), 0);
		assert_int_equal(again.st_ino, st.st_ino);
	}
	assert_int_equal(atboot_apply(0, file, module), 0);
	assert_int_equal(access(file, F_OK), -1);
	assert_int_equal(atboot_apply(0, file, module), 0);
}

static void
an_older_one_is_replaced(void **state)
{
	(void)state;
	put(file,
	    "# Written by sallyportd: [local] at-boot = strict.\n"
	    "options usbcore authorized_default=2\n");
	assert_int_equal(atboot_apply(1, file, module), 0);
	assert_true(has(file, "authorized_default=0\n"));
	assert_false(has(file, "authorized_default=2"));
}

static void
what_others_wrote_stays(void **state)
{
	static const char theirs[] = "options usbcore autosuspend=-1\n";

	(void)state;
	put(file, theirs);
	assert_int_equal(atboot_apply(0, file, module), 0);
	assert_true(has(file, theirs));
	assert_int_equal(atboot_apply(1, file, module), ERR_POLICY);
	assert_true(has(file, theirs));
	/* The mark must be the first line. */
	put(file,
	    "options usbcore autosuspend=-1\n"
	    "# Written by sallyportd: [local] at-boot = strict.\n");
	assert_int_equal(atboot_apply(0, file, module), 0);
	assert_true(has(file, theirs));
}

/* Strict that cannot be had is an error; strict that somebody else sees to is
 * none. */
static void
cannot_be_written(void **state)
{
	char nowhere[128];

	(void)state;
	snprintf(nowhere, sizeof(nowhere), "%s/none/sallyport.conf", top);
	assert_int_equal(atboot_apply(1, nowhere, module), ERR_SYS);
	put(value, "0\n");
	assert_int_equal(atboot_apply(1, nowhere, module), 0);
	put(value, "1\n");
	assert_int_equal(atboot_apply(1, nowhere, module), ERR_SYS);
	assert_int_equal(atboot_apply(0, nowhere, module), 0);
}

/* The log of the call, which must succeed. */
static char *
said(void)
{
	static char text[1024];
	char log[128];
	int was = dup(STDERR_FILENO);
	FILE *f;
	size_t n;

	snprintf(log, sizeof(log), "%s/log", top);
	fflush(stderr);
	assert_non_null(freopen(log, "w", stderr));
	assert_int_equal(atboot_apply(1, file, module), 0);
	fflush(stderr);
	assert_int_not_equal(dup2(was, STDERR_FILENO), -1);
	close(was);
	f = fopen(log, "r");
	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	unlink(log);
	return text;
}

static void
the_log_says_when(void **state)
{
	(void)state;
	assert_non_null(strstr(said(), "at the next boot"));
	put(value, "0\n");
	assert_null(strstr(said(), "boot"));
	put(value, "-1\n");
	unlink(state_file);
	assert_non_null(strstr(said(), "usbcore.authorized_default=0"));
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(strict_writes_and_adopt_removes),
		T(an_older_one_is_replaced),
		T(what_others_wrote_stays),
		T(cannot_be_written),
		T(the_log_says_when),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
