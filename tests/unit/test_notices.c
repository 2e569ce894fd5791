/*
 * vhci-glue/notices: who is let in, what he hears, and that nobody who does not
 * listen holds up the agent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "vhci-glue/notices.h"

#define HELLO "{\"event\":\"hello\"}\n"

static char path[] = "/tmp/test_notices.XXXXXX/sock";
static struct notices *notices;
static int may_hear;
static struct ucred last;

static int
may(void *arg, int fd, const struct ucred *peer)
{
	assert_ptr_equal(arg, &may_hear);
	assert_true(fd >= 0);
	last = *peer;
	return may_hear;
}

static int
dial(uint64_t now)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	assert_int_equal(
	    connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	notices_accept(notices, now);
	return fd;
}

/* What came, all of it; NULL: that is the end. */
static const char *
heard(int fd)
{
	static char buf[65536];
	ssize_t n = recv(fd, buf, sizeof(buf) - 1, MSG_DONTWAIT);

	if (n == 0) {
		return NULL;
	}
	buf[n > 0 ? n : 0] = '\0';
	return buf;
}

static void
say(enum notice_kind kind, const char *name, const char *text,
    unsigned within, uint64_t now)
{
	const struct notice notice = {.kind = kind, .gateway = "gw",
		.name = name, .device = "", .text = text, .within = within};

	notices_say(notices, &notice, now);
}

static int
set_up(void **state)
{
	(void)state;
	may_hear = 1;
	notices = notices_new(path, may, &may_hear);
	return notices == NULL;
}

static int
tear_down(void **state)
{
	(void)state;
	notices_free(notices);
	assert_int_equal(access(path, F_OK), -1);
	return 0;
}

/* ------------------------------------------------------------------------ */

static void
lines(void **state)
{
	const struct notice full = {.kind = NOTICE_CHALLENGE,
		.gateway = "gw:3241", .name = "046d:c31c@x",
		.device = "A \\x1b (keyboard)", .text = "4711",
		.within = 60};
	int fd = dial(1);

	(void)state;
	assert_string_equal(heard(fd), HELLO);
	assert_int_equal(last.pid, getpid());
	assert_int_equal(last.uid, getuid());
	notices_say(notices, &full, 1);
	assert_string_equal(heard(fd),
	    "{\"event\":\"challenge\",\"gateway\":\"gw:3241\","
	    "\"name\":\"046d:c31c@x\",\"device\":\"A \\\\x1b (keyboard)\","
	    "\"text\":\"4711\",\"within\":60}\n");
	say(NOTICE_ATTACHED, "n", "", 0, 1);
	assert_string_equal(heard(fd),
	    "{\"event\":\"attached\",\"gateway\":\"gw\",\"name\":\"n\"}\n");
	close_fd(&fd);
}

static void
who_is_let_in(void **state)
{
	struct stat st;
	int fd, in;

	(void)state;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0666);
	in = dial(1);
	may_hear = 0;
	fd = dial(1);
	assert_null(heard(fd));
	close_fd(&fd);
	/* he sat there, and does not any more */
	assert_string_equal(heard(in), HELLO);
	notices_check(notices);
	say(NOTICE_MESSAGE, "", "secret", 0, 1);
	assert_null(heard(in));
	close_fd(&in);
}

/* Nobody takes all places, and who leaves makes room. */
static void
places(void **state)
{
	int fds[NOTICES_OF_ONE], more;

	(void)state;
	for (size_t i = 0; i < NOTICES_OF_ONE; i++) {
		fds[i] = dial(1);
		assert_string_equal(heard(fds[i]), HELLO);
	}
	more = dial(1);
	assert_null(heard(more));
	close_fd(&more);
	close_fd(&fds[0]);
	more = dial(1);
	assert_string_equal(heard(more), HELLO);
	close_fd(&more);
	/* who speaks is not one of ours */
	assert_int_equal(send(fds[1], "x", 1, MSG_NOSIGNAL), 1);
	fds[0] = dial(1);
	more = dial(1);
	assert_string_equal(heard(more), HELLO);
	close_fd(&more);
	for (size_t i = 0; i < NOTICES_OF_ONE; i++) {
		close_fd(&fds[i]);
	}
}

/* What is open is told to who comes later, as long as it is. */
static void
open_ones(void **state)
{
	int fd;

	(void)state;
	say(NOTICE_CHALLENGE, "a", "1", 60, CLOCK_SEC);
	say(NOTICE_APPROVAL, "b", "admins", 0, CLOCK_SEC);
	say(NOTICE_CHALLENGE, "c", "3", 0, CLOCK_SEC);
	say(NOTICE_CHALLENGE, "c", "4", 0, CLOCK_SEC); /* in its place */
	say(NOTICE_MESSAGE, "c", "about it", 0, CLOCK_SEC);
	fd = dial(60 * CLOCK_SEC);
	assert_non_null(strstr(heard(fd), "\"text\":\"1\",\"within\":60"));
	close_fd(&fd);
	fd = dial(61 * CLOCK_SEC);
	assert_string_equal(heard(fd), HELLO
	    "{\"event\":\"challenge\",\"gateway\":\"gw\",\"name\":\"c\","
	    "\"text\":\"4\"}\n"
	    "{\"event\":\"approval\",\"gateway\":\"gw\",\"name\":\"b\","
	    "\"text\":\"admins\"}\n");
	close_fd(&fd);
	say(NOTICE_CHALLENGE, "c", "", 0, 61 * CLOCK_SEC); /* typed */
	say(NOTICE_ATTACHED, "b", "", 0, 61 * CLOCK_SEC);
	fd = dial(61 * CLOCK_SEC);
	assert_string_equal(heard(fd), HELLO);
	close_fd(&fd);
	/* a gateway may have more devices than are kept */
	for (unsigned i = 0; i < 2 * NOTICES_OPEN; i++) {
		char name[8];

		(void)snprintf(name, sizeof(name), "%u", i);
		say(NOTICE_CHALLENGE, name, "9", 0, CLOCK_SEC);
	}
	fd = dial(1);
	assert_non_null(strstr(heard(fd), "\"name\":\"15\""));
	close_fd(&fd);
}

/* It is let go; whoever reads hears all of it. */
static void
unread(void **state)
{
	int deaf = dial(1), fd = dial(1);
	unsigned said = 0;

	(void)state;
	assert_string_equal(heard(fd), HELLO);
	for (unsigned i = 0; i < 20000; i++) {
		say(NOTICE_MESSAGE, "", "on and on", 0, 1);
		said += strstr(heard(fd), "on and on") != NULL;
	}
	assert_int_equal(said, 20000);
	while (heard(deaf) != NULL && heard(deaf) != NULL) {
	}
	assert_null(heard(deaf));
	close_fd(&deaf);
	close_fd(&fd);
}

/* What does not fit a line is not said, and no text breaks one. */
static void
odd_texts(void **state)
{
	static char big[NOTICES_LINE + 1];
	int fd = dial(1);

	(void)state;
	assert_string_equal(heard(fd), HELLO);
	memset(big, 'a', sizeof(big) - 1);
	say(NOTICE_MESSAGE, "", big, 0, 1);
	assert_string_equal(heard(fd), "");
	say(NOTICE_MESSAGE, "", "\n{\"event\":\"attached\"}\"", 0, 1);
	assert_string_equal(heard(fd),
	    "{\"event\":\"message\",\"gateway\":\"gw\",\"name\":\"\","
	    "\"text\":\"\\n{\\\"event\\\":\\\"attached\\\"}\\\"\"}\n");
	close_fd(&fd);
}

static void
none(void **state)
{
	struct notices *n = notices;

	(void)state;
	notices = NULL;
	say(NOTICE_ATTACHED, "n", "", 0, 1);
	notices_check(NULL);
	notices_free(NULL);
	assert_int_equal(notices_fd(NULL), -1);
	notices = n;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lines),
		TEST(who_is_let_in),
		TEST(places),
		TEST(open_ones),
		TEST(unread),
		TEST(odd_texts),
		TEST(none),
	};
	char *slash = strrchr(path, '/');
	int r;

	*slash = '\0';
	if (mkdtemp(path) == NULL) {
		return 1;
	}
	*slash = '/';
	r = cmocka_run_group_tests(tests, NULL, NULL);
	*slash = '\0';
	(void)rmdir(path);
	return r;
}
