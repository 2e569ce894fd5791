/*
 * The library for programs that serve verdicts, with a gateway that says what the
 * test wants: in a child, since opening a connection waits. What the server said
 * to it comes back when it has closed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "verdict/sallyport-verdict.h"

#define HELLO                                                                  \
	"{\"type\":\"hello\",\"protocol\":1,\"name\":\"dlp\","                 \
	"\"concurrency\":4,\"health\":5}\n"
#define ASK                                                                    \
	"{\"type\":\"ask\",\"id\":7,\"kind\":\"transfer\","                    \
	"\"deadline_ms\":1997,\"device\":{\"serial\":\"4C\"},"                 \
	"\"facts\":{\"op\":\"write-10\",\"lba\":[2048,2055],\"blocks\":8,"     \
	"\"bad\":[1],\"worse\":[2,-1],\"neg\":-2}}\n"

static char dir[] = "/tmp/test_verdict_client.XXXXXX", path[64];
static char heard[65536];
static pid_t gateway;
static int heard_fd;
static struct sallyport_verdict *v;
static struct sallyport_verdict_ask ask;

/* Says text in pieces of that many bytes, then hears until the server closes; a
 * short one closes as soon as it was greeted. */
static void __attribute__((noreturn))
play(int listener, int out, const char *text, size_t piece, int is_short)
{
	int fd = accept(listener, NULL, NULL);
	char buf[4096];
	ssize_t n;

	for (size_t at = 0; at < strlen(text); at += piece) {
		size_t left = strlen(text) - at;

		(void)send(fd, text + at, left < piece ? left : piece,
		    MSG_NOSIGNAL);
	}
	/* what is not read when it closes would reset the connection */
	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0 &&
	    write(out, buf, (size_t)n) == n &&
	    !(is_short && memchr(buf, '\n', (size_t)n) != NULL)) {
		continue;
	}
	_exit(0);
}

static int
open_with(const char *text, size_t piece, int is_short)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), ends[2];

	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	(void)unlink(path);
	assert_int_equal(
	    bind(listener, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(pipe(ends), 0);
	gateway = fork();
	assert_int_not_equal(gateway, -1);
	if (gateway == 0) {
		play(listener, ends[1], text, piece, is_short);
	}
	close_fd(&listener);
	close_fd(&ends[1]);
	heard_fd = ends[0];
	return sallyport_verdict_open(&v, path, "dlp");
}

/* Closes, and gives what the gateway heard. */
static const char *
hang_up(void)
{
	size_t used = 0;
	ssize_t n;

	sallyport_verdict_close(v);
	v = NULL;
	while ((n = read(heard_fd, heard + used, sizeof(heard) - 1 - used)) >
	    0) {
		used += (size_t)n;
	}
	heard[used] = '\0';
	close_fd(&heard_fd);
	assert_int_equal(waitpid(gateway, NULL, 0), gateway);
	return heard;
}

/* The next event that is one. */
static int
event(void)
{
	int r;

	while ((r = sallyport_verdict_next(v, &ask)) == SALLYPORT_NOTHING) {
		struct pollfd p = {.fd = sallyport_verdict_fd(v),
		    .events = sallyport_verdict_events(v)};

		assert_int_equal(poll(&p, 1, 10000), 1);
	}
	return r;
}

static int
setup(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/s", dir);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(dir);
}

/* However its bytes are cut. */
static void
test_asks(void **state)
{
	static const size_t pieces[] = {1, 7, 100000};
	uint64_t first, last;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
		assert_int_equal(
		    open_with(HELLO "{\"type\":\"later\"}\n"
				    "{\"type\":\"ping\",\"id\":3}\n" ASK
				    "{\"type\":\"over\",\"id\":5}\n"
				    "{\"type\":\"over\",\"id\":7}\n",
			pieces[i], 0),
		    0);
		assert_int_equal(sallyport_verdict_concurrency(v), 4);
		assert_int_equal(event(), SALLYPORT_ASK);
		assert_int_equal(ask.id, 7);
		assert_int_equal(ask.kind, SALLYPORT_TRANSFER);
		assert_int_equal(ask.deadline_ms, 1997);
		assert_memory_equal(ask.line, ASK, strlen(ASK) - 1);
		assert_int_equal(strlen(ask.line), strlen(ASK) - 1);
		assert_string_equal(
		    sallyport_verdict_text(v, "device.serial"), "4C");
		assert_string_equal(
		    sallyport_verdict_text(v, "facts.op"), "write-10");
		assert_null(sallyport_verdict_text(v, "facts.blocks"));
		assert_null(sallyport_verdict_text(v, "facts"));
		assert_null(sallyport_verdict_text(v, "kind.op"));
		assert_null(sallyport_verdict_text(v, ""));
		assert_int_equal(
		    sallyport_verdict_range(v, "facts.lba", &first, &last), 0);
		assert_int_equal(first, 2048);
		assert_int_equal(last, 2055);
		assert_int_equal(
		    sallyport_verdict_range(v, "facts.blocks", &first, &last),
		    0);
		assert_int_equal(first, 8);
		assert_int_equal(last, 8);
		assert_int_equal(
		    sallyport_verdict_range(v, "facts.bad", &first, &last),
		    -ENOENT);
		assert_int_equal(
		    sallyport_verdict_range(v, "facts.worse", &first, &last),
		    -ENOENT);
		assert_int_equal(
		    sallyport_verdict_range(v, "facts.neg", &first, &last),
		    -ENOENT);
		assert_int_equal(
		    sallyport_verdict_range(v, "facts.op", &first, &last),
		    -ENOENT);
		/* of something that never was, nobody hears */
		assert_int_equal(event(), SALLYPORT_OVER);
		assert_int_equal(ask.id, 7);
		/* late is no mistake; twice is */
		assert_int_equal(
		    sallyport_verdict_answer(v, 7, SALLYPORT_ALLOW, 0, NULL),
		    0);
		assert_int_equal(
		    sallyport_verdict_answer(v, 7, SALLYPORT_ALLOW, 0, NULL),
		    -ENOENT);
		assert_string_equal(hang_up(),
		    "{\"type\":\"hello\",\"protocol\":1,\"name\":\"dlp\"}\n"
		    "{\"type\":\"pong\",\"id\":3}\n");
	}
}

static void
test_answers(void **state)
{
	static char longest[1000];

	(void)state;
	/* "e" with an accent, so that the cut would fall between two bytes */
	for (size_t i = 0; i < 499; i++) {
		memcpy(longest + 2 * i, "\xc3\xa9", 2);
	}
	assert_int_equal(open_with(HELLO ASK, 100, 0), 0);
	assert_int_equal(event(), SALLYPORT_ASK);
	assert_int_equal(
	    sallyport_verdict_answer(v, 8, SALLYPORT_DENY, 0, NULL), -ENOENT);
	assert_int_equal(
	    sallyport_verdict_answer(v, 0, SALLYPORT_DENY, 0, NULL), -ENOENT);
	assert_int_equal(
	    sallyport_verdict_answer(v, 7, SALLYPORT_DENY, 31622401, NULL),
	    -EINVAL);
	assert_int_equal(
	    sallyport_verdict_answer(v, 7, SALLYPORT_DENY, 0, "\xff"), -EINVAL);
	assert_int_equal(
	    sallyport_verdict_answer(v, 7, SALLYPORT_DENY, 60, longest), 0);
	assert_non_null(strstr(hang_up(),
	    "{\"id\":7,\"verdict\":\"deny\",\"valid\":60,\"reason\":\"\xc3"));
	assert_int_equal(strlen(strstr(heard, "\xc3")), 254 + strlen("\"}\n"));
}

static void
test_bad_gateways(void **state)
{
	static const struct {
		const char *text, *why;
		int is_short, r;
	} bad[] = {
	    {"{\"type\":\"refused\",\"protocol\":1,\"reason\":\"not you\"}\n",
		"not you", 1, -EACCES},
	    {"{\"type\":\"refused\"}\n", "refused", 1, -EACCES},
	    {"", "closed", 1, -ECONNRESET},
	    {"HTTP/1.1 400 Bad Request\n", "no object", 0, -EPROTO},
	    {"[]\n", "no object", 0, -EPROTO},
	    {"{\"type\":\"hello\",\"protocol\":2}\n", "no hello", 0, -EPROTO},
	    {"{\"type\":\"ask\",\"id\":1}\n", "no hello", 0, -EPROTO},
	};
	static const struct {
		const char *text;
		int r;
	} later[] = {
	    {HELLO "x\n", -EPROTO},
	    {HELLO "{\"type\":\"ask\"}\n", -EPROTO},
	    {HELLO "{\"type\":\"ask\",\"id\":0}\n", -EPROTO},
	    {HELLO "{\"type\":\"ask\",\"id\":4294967296}\n", -EPROTO},
	    {HELLO, -ECONNRESET},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(
		    open_with(bad[i].text, 100, bad[i].is_short), bad[i].r);
		if (strstr(sallyport_verdict_why(v), bad[i].why) == NULL) {
			fail_msg("%s: %s", bad[i].text,
			    sallyport_verdict_why(v));
		}
		assert_int_equal(sallyport_verdict_next(v, &ask), -EPROTO);
		(void)hang_up();
	}
	for (size_t i = 0; i < ARRAY_LEN(later); i++) {
		assert_int_equal(open_with(later[i].text, 100, 1), 0);
		assert_int_equal(event(), later[i].r);
		(void)hang_up();
	}
	/* the same one twice */
	assert_int_equal(open_with(HELLO ASK ASK, 100, 1), 0);
	assert_int_equal(event(), SALLYPORT_ASK);
	assert_int_equal(event(), -EPROTO);
	(void)hang_up();
	/* nothing is there, and names that are none */
	(void)unlink(path);
	assert_int_equal(sallyport_verdict_open(&v, path, "dlp"), -ENOENT);
	assert_non_null(strstr(sallyport_verdict_why(v), path));
	sallyport_verdict_close(v);
	assert_int_equal(sallyport_verdict_open(&v, path, ""), -EINVAL);
	sallyport_verdict_close(v);
	assert_int_equal(sallyport_verdict_open(&v, path, "\xff"), -EINVAL);
	assert_int_equal(sallyport_verdict_fd(v), -1);
	sallyport_verdict_close(v);
	sallyport_verdict_close(NULL);
}

/* A line that never ends costs a bounded amount. */
static void
test_endless(void **state)
{
	static char line[3 * 1024 * 1024];

	(void)state;
	memcpy(line, HELLO, strlen(HELLO));
	memset(line + strlen(HELLO), 'x', sizeof(line) - strlen(HELLO) - 1);
	assert_int_equal(open_with(line, sizeof(line), 0), 0);
	assert_int_equal(event(), -EPROTO);
	assert_non_null(strstr(sallyport_verdict_why(v), "too long"));
	(void)hang_up();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_asks),
	    cmocka_unit_test(test_answers),
	    cmocka_unit_test(test_bad_gateways),
	    cmocka_unit_test(test_endless),
	};

	return cmocka_run_group_tests_name(
	    "verdict library", tests, setup, teardown);
}
