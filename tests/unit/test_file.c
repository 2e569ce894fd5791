/* base/file: whole files, bounded. */
#include <errno.h>
#include <fcntl.h>
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
#include "base/mem.h"

static char dir[] = "/tmp/test_file.XXXXXX";
static char path[64];

static int
setup(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL) {
		return -1;
	}
	snprintf(path, sizeof(path), "%s/f", dir);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static void
put(size_t len, mode_t mode)
{
	FILE *f = fopen(path, "w");
	size_t i;

	assert_non_null(f);
	for (i = 0; i < len; i++) {
		putc((int)('a' + i % 26), f);
	}
	fclose(f);
	assert_int_equal(chmod(path, mode), 0);
}

static int
try(size_t max, enum file_secrecy secrecy, size_t *len)
{
	uint8_t *data = NULL;
	size_t i;
	int r = file_read(path, max, secrecy, &data, len);

	if (r == 0) {
		assert_int_equal(data[*len], 0);
		for (i = 0; i < *len; i++) {
			assert_int_equal(data[i], 'a' + i % 26);
		}
	} else {
		assert_null(data);
	}
	free(data);
	return r;
}

static void
test_sizes(void **state)
{
	static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 100000};
	size_t i, len;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		put(sizes[i], 0644);
		assert_int_equal(try(200000, FILE_PUBLIC, &len), 0);
		assert_int_equal(len, sizes[i]);
		assert_int_equal(try(sizes[i], FILE_PUBLIC, &len), 0);
		if (sizes[i] > 0) {
			assert_int_equal(
			    try(sizes[i] - 1, FILE_PUBLIC, &len), ERR_LIMIT);
		}
	}
}

static void
test_secret(void **state)
{
	size_t len;

	(void)state;
	put(10, 0600);
	assert_int_equal(try(100, FILE_SECRET, &len), 0);
	put(10, 0640);
	assert_int_equal(try(100, FILE_SECRET, &len), ERR_POLICY);
	put(10, 0604);
	assert_int_equal(try(100, FILE_SECRET, &len), ERR_POLICY);
	assert_int_equal(try(100, FILE_PUBLIC, &len), 0);
	assert_int_equal(try(100, FILE_TRUSTED, &len), 0);
	put(10, 0660);
	assert_int_equal(try(100, FILE_TRUSTED, &len), 0);
	put(10, 0602);
	assert_int_equal(try(100, FILE_TRUSTED, &len), ERR_POLICY);
}

/* Who may write to the directory may put another key there. */
static void
test_secret_directory(void **state)
{
	static const struct {
		mode_t mode;
		int r;
	} rows[] = {{0700, 0}, {0755, 0}, {0775, ERR_POLICY},
	    {0707, ERR_POLICY}, {0777, ERR_POLICY}, {01777, 0}};
	uint8_t *data = NULL;
	size_t len;
	int dirfd;

	(void)state;
	put(10, 0600);
	dirfd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(chmod(dir, rows[i].mode), 0);
		assert_int_equal(
		    file_read(path, 100, FILE_SECRET, &data, &len), rows[i].r);
		free(TAKE(data));
		assert_int_equal(file_read_at(
				     dirfd, "f", 100, FILE_SECRET, &data, &len),
		    rows[i].r);
		free(TAKE(data));
		assert_int_equal(
		    file_read(path, 100, FILE_PUBLIC, &data, &len), 0);
		free(TAKE(data));
	}
	close(dirfd);
	assert_int_equal(chmod(dir, 0700), 0);
}

/* What others may write to is not our own. */
static void
test_own(void **state)
{
	static const struct {
		mode_t mode;
		int r;
	} rows[] = {{0600, 0}, {0644, 0}, {0444, 0}, {0664, ERR_POLICY},
	    {0646, ERR_POLICY}, {0602, ERR_POLICY}};
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		put(10, rows[i].mode);
		assert_int_equal(try(100, FILE_OWN, &len), rows[i].r);
	}
}

static void
test_kinds(void **state)
{
	uint8_t *data = NULL;
	size_t len;
	int fd;

	(void)state;
	unlink(path);
	assert_int_equal(try(100, FILE_PUBLIC, &len), ERR_NOENT);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(try(100, FILE_PUBLIC, &len), ERR_SYS);
	assert_int_equal(errno, EINVAL);
	unlink(path);
	assert_int_equal(
	    file_read("/dev/zero", 100, FILE_PUBLIC, &data, &len), ERR_SYS);
	assert_int_equal(
	    file_read(dir, 100, FILE_PUBLIC, &data, &len), ERR_SYS);
	assert_int_equal(errno, EISDIR);
	/* files that do not tell their size */
	assert_int_equal(
	    file_read("/proc/self/status", 65536, FILE_PUBLIC, &data, &len), 0);
	assert_true(len > 100);
	free(data);
	data = NULL;
	/* below a directory, through a symbolic link */
	assert_int_equal(symlink("/proc/self/comm", path), 0);
	fd = open(dir, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	assert_int_equal(
	    file_read_at(fd, "f", 100, FILE_PUBLIC, &data, &len), 0);
	assert_memory_equal(data, "test_file", 9);
	free(data);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sizes),
	    cmocka_unit_test(test_secret),
	    cmocka_unit_test(test_secret_directory),
	    cmocka_unit_test(test_own),
	    cmocka_unit_test(test_kinds),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
