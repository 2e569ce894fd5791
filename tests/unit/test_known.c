/* vhci-glue/known: the file of gateways whose keys are known. */
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
#include "vhci-glue/known.h"

#define A "sha256:" A64
#define A64 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define B "sha256:ff112233445566778899AABBCCDDEEFF00112233445566778899aabbccddee00"

static char dir[] = "/tmp/test_known.XXXXXX";
static char path[64];

static int
setup(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL) {
		return -1;
	}
	snprintf(path, sizeof(path), "%s/known", dir);
	return 0;
}

static int
teardown(void **state)
{
	char lock[80];

	(void)state;
	snprintf(lock, sizeof(lock), "%s.lock", path);
	unlink(lock);
	unlink(path);
	return rmdir(dir);
}

static void
put(const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static unsigned
find(const char *gateway, int result, unsigned at)
{
	uint8_t keys[IPC_PINS][32];
	unsigned n = 99, line = 0;

	assert_int_equal(known_find(path, gateway, keys, &n, &line), result);
	if (result == ERR_FORMAT) {
		assert_int_equal(line, at);
	}
	if (n > 0) {
		assert_int_equal(keys[0][1], 0x11);
		assert_int_equal(keys[n - 1][30], 0xee);
		assert_int_equal(keys[0][0], 0x00);
		assert_int_equal(keys[n - 1][0], n == 1 ? 0x00 : 0xff);
	}
	return n;
}

static void
test_find(void **state)
{
	(void)state;
	assert_int_equal(find("gw:3241", 0, 0), 0); /* no file */
	put("# ours\n\n  gw:3241 \t" A "  \nother:1 " B "\r\nGW:3241 " B);
	assert_int_equal(find("gw:3241", 0, 0), 2);
	assert_int_equal(find("Gw:3241", 0, 0), 2);
	assert_int_equal(find("gw:32410", 0, 0), 0);
	assert_int_equal(find("gw", 0, 0), 0);
	put("[2001:db8::1]:3241 " A "\n");
	assert_int_equal(find("[2001:db8::1]:3241", 0, 0), 1);
}

/* Whatever gateway the line is about. */
static void
test_slips(void **state)
{
	static const char *const bad[] = {
	    "gw:1\n", "gw:1 " A64 "\n", "gw:1 " A "0\n", "gw:1 sha256:00\n",
	    "gw:1 " A " " B "\n", "gw:1 sha1:" A64 "\n",
	    "gw:1 sha256:g0112233445566778899aabbccddeeff"
	    "00112233445566778899aabbccddeeff\n",
	    "gw:1" A "\n"};
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "gw:3241 " A "\n%s", bad[i]);
		put(text);
		assert_int_equal(find("gw:3241", ERR_FORMAT, 2), 0);
	}
}

static void
test_bounds(void **state)
{
	FILE *f;

	(void)state;
	f = fopen(path, "we");
	for (unsigned i = 0; i < IPC_PINS; i++) {
		fputs(i == 0 ? "gw:1 " A "\n" : "gw:1 " B "\n", f);
	}
	fclose(f);
	assert_int_equal(find("gw:1", 0, 0), IPC_PINS);
	f = fopen(path, "ae");
	fputs("gw:1 " B "\n", f);
	fclose(f);
	assert_int_equal(find("gw:1", ERR_LIMIT, 0), 0);
	put("gw:1 " A "\n");
	assert_int_equal(chmod(path, 0666), 0);
	assert_int_equal(find("gw:1", ERR_POLICY, 0), 0);
	assert_int_equal(chmod(path, 0644), 0);
}

static void
test_add(void **state)
{
	uint8_t key[32] = {0}, keys[IPC_PINS][32];
	char text[KNOWN_TEXT];
	unsigned n, line;

	(void)state;
	unlink(path);
	for (unsigned i = 0; i < 32; i++) {
		key[i] = (uint8_t)(i * 7);
	}
	assert_int_equal(known_add(path, "gw:3241", key), 0);
	assert_int_equal(known_find(path, "gw:3241", keys, &n, &line), 0);
	assert_int_equal(n, 1);
	assert_memory_equal(keys[0], key, 32);
	put("# mine, without an end of line");
	assert_int_equal(known_add(path, "gw:3241", key), 0);
	assert_int_equal(known_add(path, "[::1]:1", key), 0);
	assert_int_equal(known_find(path, "[::1]:1", keys, &n, &line), 0);
	assert_int_equal(n, 1);
	assert_int_equal(known_find(path, "gw:3241", keys, &n, &line), 0);
	assert_int_equal(n, 1);
	assert_int_equal(known_add(path, "a b", key), ERR_FORMAT);
	assert_int_equal(known_add(path, "a\nb", key), ERR_FORMAT);
	assert_int_equal(known_add(path, "", key), ERR_FORMAT);
	assert_int_equal(known_add(path, "#", key), ERR_FORMAT);
	assert_string_equal(known_text(text, key),
	    "sha256:00070e151c232a31383f464d545b626970777e858c939aa1a8afb6bd"
	    "c4cbd2d9");
	/* what others may write to is not added to */
	assert_int_equal(chmod(path, 0666), 0);
	assert_int_equal(known_add(path, "gw:3241", key), ERR_POLICY);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(
	    known_add("/nonexistent/known", "gw:3241", key), ERR_SYS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_find),
	    cmocka_unit_test(test_slips),
	    cmocka_unit_test(test_bounds),
	    cmocka_unit_test(test_add),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
