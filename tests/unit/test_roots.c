/*
 * proxy/broker/roots: defaults of root hubs are changed, written down, and given
 * back as the first broker found them, whoever died in between. The kernel is a
 * directory here.
 */
#include "proxy/broker/broker.h"

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
#include "base/log.h"
#include "base/mem.h"

static char top[64], list[128];

static void
hub_path(char *out, size_t size, const char *hub, const char *name)
{
	snprintf(out, size, "%s/%s/%s", top, hub, name);
}

static void
put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void
expect(const char *path, const char *text)
{
	uint8_t *data = NULL;
	size_t len;

	assert_int_equal(file_read(path, 4096, FILE_PUBLIC, &data, &len), 0);
	assert_string_equal((char *)data, text);
	free(data);
}

static void
set_hub(const char *hub, const char *value)
{
	char path[160];

	hub_path(path, sizeof(path), hub, "");
	mkdir(path, 0755);
	hub_path(path, sizeof(path), hub, "interface_authorized_default");
	put(path, value);
}

/* The kernel answers a line; what is written here has none, and leaves the rest
 * of a longer one. */
static void
expect_hub(const char *hub, char value)
{
	char path[160], c = 0;
	int fd;

	hub_path(path, sizeof(path), hub, "interface_authorized_default");
	fd = open(path, O_RDONLY);
	assert_int_not_equal(fd, -1);
	assert_int_equal(read(fd, &c, 1), 1);
	close_fd(&fd);
	assert_int_equal(c, value);
}

static int
close_hub(const char *hub)
{
	char path[160];
	int dir, r;

	hub_path(path, sizeof(path), hub, "");
	dir = open(path, O_RDONLY | O_DIRECTORY);
	r = roots_close(dir, hub);
	close_fd(&dir);
	return r;
}

static int
setup(void **state)
{
	(void)state;
	log_init("test");
	snprintf(top, sizeof(top), "/tmp/test_roots.XXXXXX");
	if (mkdtemp(top) == NULL) {
		return -1;
	}
	snprintf(list, sizeof(list), "%s/roots", top);
	set_hub("usb1", "1\n");
	set_hub("usb2", "0\n");
	return roots_load(list);
}

static int
teardown(void **state)
{
	static const char *const hubs[] = {"usb1", "usb2"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(hubs); i++) {
		char path[160];

		hub_path(path, sizeof(path), hubs[i],
		    "interface_authorized_default");
		unlink(path);
		hub_path(path, sizeof(path), hubs[i], "");
		rmdir(path);
	}
	unlink(list);
	return rmdir(top);
}

static void
given_back_as_they_were(void **state)
{
	(void)state;
	assert_int_equal(close_hub("usb1"), 0);
	assert_int_equal(close_hub("usb2"), 0);
	assert_int_equal(close_hub("usb1"), 0);
	expect_hub("usb1", '0');
	expect(list, "usb1 1\nusb2 0\n");
	roots_restore(top);
	expect_hub("usb1", '1');
	expect_hub("usb2", '0');
	assert_int_equal(access(list, F_OK), -1);
	/* And nothing a second time. */
	set_hub("usb1", "0\n");
	roots_restore(top);
	expect_hub("usb1", '0');
}

/* The broker was killed: what it found is what the next one gives back, not the
 * 0 that it left. */
static void
after_a_kill(void **state)
{
	(void)state;
	assert_int_equal(close_hub("usb1"), 0);
	assert_int_equal(roots_load(list), 0);
	assert_int_equal(close_hub("usb1"), 0);
	expect(list, "usb1 1\n");
	roots_restore(top);
	expect_hub("usb1", '1');
}

static void
a_controller_that_is_gone(void **state)
{
	(void)state;
	put(list, "usb9 1\nusb1 1\n");
	set_hub("usb1", "0\n");
	assert_int_equal(roots_load(list), 0);
	roots_restore(top);
	expect_hub("usb1", '1');
}

static void
names_that_cannot_be(void **state)
{
	static const char *const names[] = {"", "usb", "usb0", "usb01", "1-1",
	    "usb1000", "usb1/../usb2", "usb-1", "usb 1"};
	int dir = open(top, O_RDONLY | O_DIRECTORY);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_int_equal(roots_close(dir, names[i]), ERR_FORMAT);
	}
	close_fd(&dir);
	assert_int_equal(access(list, F_OK), -1);
}

static void
a_broken_list(void **state)
{
	static const char *const lists[] = {"usb1 1", "usb1 2\n", "usb1\n",
	    "usb1  1\n", "usb1 1 \n", "../usb1 1\n", "\n", "usb1 1\nx 1\n",
	    "usb1111111111111111111111111111 1\n"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		put(list, lists[i]);
		set_hub("usb1", "0\n");
		assert_int_equal(roots_load(list), ERR_FORMAT);
		/* None of it is believed. */
		roots_restore(top);
		expect_hub("usb1", '0');
	}
}

static void
no_attribute_no_change(void **state)
{
	int dir = open(top, O_RDONLY | O_DIRECTORY);

	(void)state;
	assert_int_equal(roots_close(dir, "usb3"), ERR_SYS);
	close_fd(&dir);
	assert_int_equal(access(list, F_OK), -1);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(given_back_as_they_were),
		T(after_a_kill),
		T(a_controller_that_is_gone),
		T(names_that_cannot_be),
		T(a_broken_list),
		T(no_attribute_no_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
