/*
 * proxy/session/texts: what is read of a device's directory, what is refused,
 * that it waits for what is locked, and what the warden hears.
 */
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <fcntl.h>

#include "base/channel.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "proxy/session/texts.h"

static char top[32];
static int dir = -1;

static void
put(const char *name, const void *data, size_t len)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, data, len), (ssize_t)len);
	close_fd(&fd);
}

#define PUT(name, text) put(name, text, sizeof(text) - 1)

static int
set_up(void **state)
{
	(void)state;
	log_init("test_texts");
	memcpy(top, "/tmp/texts-XXXXXX", 18);
	assert_non_null(mkdtemp(top));
	dir = open(top, O_PATH | O_DIRECTORY);
	assert_int_not_equal(dir, -1);
	PUT("bConfigurationValue", "1\n");
	return 0;
}

static int
drop(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static int
tear_down(void **state)
{
	(void)state;
	close_fd(&dir);
	return nftw(top, drop, 8, FTW_DEPTH | FTW_PHYS);
}

static void
texts_come_as_they_are(void **state)
{
	struct ipc_texts t;

	(void)state;
	PUT("product", "Two\nlines \377\n");
	PUT("serial", "\n");
	assert_int_equal(texts_read(&t, dir), 0);
	assert_string_equal(t.product, "Two\nlines \377");
	assert_string_equal(t.manufacturer, "");
	assert_string_equal(t.serial, "");
	/* not configured: the kernel says nothing at all */
	PUT("bConfigurationValue", "");
	PUT("manufacturer", "Maker\n");
	PUT("serial", "S1\n");
	assert_int_equal(texts_read(&t, dir), 0);
	assert_string_equal(t.manufacturer, "Maker");
	assert_string_equal(t.serial, "S1");
}

static void
lengths_are_bounded(void **state)
{
	static char text[IPC_DEVICE_TEXT + 1];
	struct ipc_texts t;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[IPC_DEVICE_TEXT - 1] = '\n';
	put("product", text, IPC_DEVICE_TEXT);
	assert_int_equal(texts_read(&t, dir), 0);
	assert_int_equal(strlen(t.product), IPC_DEVICE_TEXT - 1);
	text[IPC_DEVICE_TEXT - 1] = 'x';
	put("product", text, IPC_DEVICE_TEXT);
	assert_int_equal(texts_read(&t, dir), ERR_LIMIT);
	text[IPC_DEVICE_TEXT] = '\n';
	put("product", text, IPC_DEVICE_TEXT + 1);
	assert_int_equal(texts_read(&t, dir), ERR_LIMIT);
	PUT("product", "a\0b\n");
	assert_int_equal(texts_read(&t, dir), ERR_FORMAT);
}

static void
what_is_no_device_is_refused(void **state)
{
	struct ipc_texts t;

	(void)state;
	assert_int_equal(unlinkat(dir, "bConfigurationValue", 0), 0);
	assert_int_equal(texts_read(&t, dir), ERR_NOENT);
	PUT("bConfigurationValue", "1\n");
	assert_int_equal(symlinkat("/etc/hostname", dir, "serial"), 0);
	assert_int_equal(texts_read(&t, dir), ERR_SYS);
}

static int
answer(struct channel_msg *msg, int wait_ms)
{
	static uint8_t buf[CHANNEL_HEADER + CHANNEL_MAX];
	int fds[2], r, status;
	pid_t pid;

	assert_int_equal(channel_pair(fds), 0);
	pid = fork();
	if (pid == 0) {
		_exit(texts_run(dir, fds[1]));
	}
	close_fd(&fds[1]);
	r = channel_recv_wait(fds[0], buf, sizeof(buf), wait_ms, msg);
	if (r == ERR_TIMEOUT) {
		kill(pid, SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (r == ERR_TIMEOUT) {
		assert_true(WIFSIGNALED(status));
	} else {
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	close_fd(&fds[0]);
	return r;
}

static void
the_warden_hears_one_message(void **state)
{
	struct ipc_refused why;
	struct channel_msg msg;
	struct ipc_texts t;

	(void)state;
	PUT("product", "Stick\n");
	assert_int_equal(answer(&msg, 5000), 0);
	assert_int_equal(msg.type, IPC_TEXTS);
	assert_int_equal(ipc_decode_texts(&t, msg.data, msg.len), 0);
	assert_string_equal(t.product, "Stick");
	PUT("product", "a\0b\n");
	assert_int_equal(answer(&msg, 5000), 0);
	assert_int_equal(msg.type, IPC_PROBE_FAILED);
	assert_int_equal(ipc_decode_refused(&why, msg.data, msg.len), 0);
	assert_string_equal(why.rule, "gateway.texts");
}

/* A FIFO that nobody writes is a lock that is held. */
static void
what_is_locked_is_waited_for(void **state)
{
	struct channel_msg msg;

	(void)state;
	PUT("product", "Stick\n");
	assert_int_equal(unlinkat(dir, "bConfigurationValue", 0), 0);
	assert_int_equal(mkfifoat(dir, "bConfigurationValue", 0644), 0);
	assert_int_equal(answer(&msg, 200), ERR_TIMEOUT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
		TEST(texts_come_as_they_are),
		TEST(lengths_are_bounded),
		TEST(what_is_no_device_is_refused),
		TEST(the_warden_hears_one_message),
		TEST(what_is_locked_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
