/* base/sealed: texts that are handed over as a descriptor. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/sealed.h"

static void
test_there_and_back(void **state)
{
	enum { SIZE = 1000001 };
	uint8_t *big = malloc(SIZE);
	const uint8_t *text;
	size_t len;
	int fd;

	(void)state;
	assert_non_null(big);
	memset(big, 'x', SIZE);
	big[SIZE - 1] = '\0';
	assert_int_equal(sealed_new(&fd, big, SIZE), 0);
	for (int twice = 0; twice < 2; twice++) {
		assert_int_equal(sealed_map(fd, SIZE, &text, &len), 0);
		assert_int_equal(len, SIZE);
		assert_memory_equal(text, big, SIZE);
		sealed_unmap(text, len);
	}
	assert_int_equal(sealed_map(fd, SIZE - 1, &text, &len), ERR_LIMIT);
	assert_null(text);
	/* nobody changes it any more */
	assert_int_equal(pwrite(fd, "y", 1, 0), -1);
	assert_int_equal(ftruncate(fd, 1), -1);
	assert_int_equal(ftruncate(fd, 2 * SIZE), -1);
	(void)close(fd);
	free(big);
}

static void
test_no_text(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} wrong[] = {{"", 0}, {"a", 1}, {"a\0b", 4}, {"\0", 2}};
	int fd;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(sealed_new(&fd, (const uint8_t *)wrong[i].bytes,
				     wrong[i].len),
		    ERR_FORMAT);
		assert_int_equal(fd, -1);
	}
	assert_int_equal(sealed_new(&fd, (const uint8_t *)"", 1), 0);
	(void)close(fd);
}

/* What others might send in its place. */
static void
test_others(void **state)
{
	const uint8_t *text;
	size_t len;
	int fds[2], fd;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(sealed_map(fds[0], 100, &text, &len), ERR_FORMAT);
	(void)close(fds[0]);
	(void)close(fds[1]);
	fd = memfd_create("open", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_int_equal(write(fd, "text", 5), 5);
	assert_int_equal(sealed_map(fd, 100, &text, &len), ERR_FORMAT);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	assert_int_equal(sealed_map(fd, 100, &text, &len), ERR_FORMAT);
	assert_int_equal(
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
	assert_int_equal(sealed_map(fd, 100, &text, &len), 0);
	assert_string_equal((const char *)text, "text");
	sealed_unmap(text, len);
	(void)close(fd);
	sealed_unmap(NULL, 0);
	assert_int_equal(sealed_map(-1, 100, &text, &len), ERR_FORMAT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_there_and_back),
	    cmocka_unit_test(test_no_text),
	    cmocka_unit_test(test_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
