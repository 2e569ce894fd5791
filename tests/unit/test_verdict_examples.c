/*
 * The examples of servers in docs/examples, as processes of their own, against the
 * warden's own socket: what their first lines promise, they do. Run from the top of
 * the tree.
 */
#include "tests/unit/verdict_process.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#define EXAMPLES "docs/examples/"

static void
test_clock(void **state)
{
	char at_work[64];
	const char *const command[] = {EXAMPLES "verdict-clock", at_work, NULL};

	(void)state;
	(void)snprintf(at_work, sizeof(at_work), "%s/b.rules", dir);
	use_rules("allow approve by \"dlp\" within 30s");
	write_text(at_work, "two\nonetwo\n");
	serve_by("dlp", command);
	WAIT_FOR(w->verdicts->names[0].server != NULL);
	assert_int_equal(try("one", 0), ERR_NOENT);
	WAIT_FOR(audited("approval", "\"outcome\":\"denied\""));
	assert_true(audited("approval", "not clocked in"));
	assert_int_equal(try("two", 0), ERR_NOENT);
	WAIT_FOR(audited("approval", "\"outcome\":\"approved\""));
	assert_int_equal(import(0, "two", 0), 0);
	/* who clocks out loses it within five minutes; meanwhile it answers
	 * pings, or it would be gone before */
	write_text(at_work, "");
	for (unsigned i = 0; i < 60; i++) {
		pass(5);
		WAIT_FOR(!w->verdicts->names[0].server->is_pinged);
	}
	pass(2);
	assert_true(is_over(0));
	leave(0);
	assert_int_equal(try("two", 0), ERR_NOENT);
	WAIT_FOR(audited("approval", "\"outcome\":\"denied\""));
	stop();
}

/* ------------------------------------------------------------------------ */

static void
write_blocks(unsigned i, unsigned id, unsigned blocks)
{
	struct ipc_ask ask = {.id = id, .within_ms = 30000, .hook = HOOK_SCSI,
	    .otherwise = IPC_SAY_DENY, .line = 7, .file = "/p.profile",
	    .server = "dlp"};
	uint8_t buf[2048];

	(void)snprintf(ask.text, sizeof(ask.text),
	    "op=write-10 lun=0 lba=0..%u blocks=%u", blocks - 1, blocks);
	say(i, IPC_ASK, buf, ipc_encode_ask(buf, sizeof(buf), &ask));
}

/* One MiB an hour is 2048 blocks. */
static void
test_dlp(void **state)
{
	char path[PATH_MAX];
	const char *argv[] = {path, "1", sun.sun_path, NULL};

	(void)state;
	beside(path, sizeof(path), "../examples/verdict-dlp");
	run(argv);
	WAIT_FOR(w->verdicts->names[0].server != NULL);
	have_device(0, "one", 0);
	write_blocks(0, 1, 2047);
	answered(0, 1, IPC_SAY_ALLOW);
	write_blocks(0, 2, 2);
	answered(0, 2, IPC_SAY_DENY);
	assert_true(audited("ask", "more than an hour's worth"));
	write_blocks(0, 3, 1);
	answered(0, 3, IPC_SAY_ALLOW);
	/* another identity has its own hour */
	assert_int_equal(import(1, "two", 1), 0);
	close_fd(&given.fd);
	write_blocks(1, 1, 2048);
	answered(1, 1, IPC_SAY_ALLOW);
	for (unsigned i = 4; i < 10; i++) {
		write_blocks(0, i, 8);
		answered(0, i, IPC_SAY_DENY);
	}
	write_blocks(0, 10, 8);
	answered(0, 10, IPC_SAY_EJECT);
	/* it ends with its gateway */
	verdicts_free(w);
	assert_int_equal(ended(), 1);
}

/* ------------------------------------------------------------------------ */

static int
listen_tcp(uint16_t *port)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	*port = ntohs(sin.sin_port);
	return fd;
}

/* What came to the chat's webhook, taken apart; answered with that status. */
static json_t *
hooked(int listener, const char *status)
{
	char text[8192], answer[64];
	size_t used = 0;
	json_t *o = NULL;
	ssize_t n;
	int fd = -1;

	WAIT_FOR((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) != -1);
	while (o == NULL) {
		char *body;

		n = recv(fd, text + used, sizeof(text) - 1 - used, 0);
		assert_true(n > 0);
		used += (size_t)n;
		text[used] = '\0';
		body = strstr(text, "\r\n\r\n");
		o = body != NULL ? json_loads(body + 4, 0, NULL) : NULL;
	}
	assert_memory_equal(text, "POST /hook HTTP/1", 17);
	(void)snprintf(answer, sizeof(answer),
	    "HTTP/1.0 %s\r\nContent-Length: 0\r\n\r\n", status);
	assert_true(send(fd, answer, strlen(answer), MSG_NOSIGNAL) > 0);
	close_fd(&fd);
	return o;
}

/* Asks that URL; the status. */
static int
request(const char *method, const char *url, const char *body)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	char text[1024], *path;
	unsigned long port;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ssize_t n;

	assert_memory_equal(url, "http://127.0.0.1:", 17);
	port = strtoul(url + 17, &path, 10);
	sin.sin_port = htons((uint16_t)port);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	n = snprintf(text, sizeof(text),
	    "%s %s HTTP/1.0\r\nContent-Length: %zu\r\n\r\n%s", method, path,
	    strlen(body), body);
	assert_int_equal(send(fd, text, (size_t)n, MSG_NOSIGNAL), n);
	n = recv(fd, text, sizeof(text) - 1, 0);
	assert_true(n > 12);
	text[n] = '\0';
	close_fd(&fd);
	return (int)strtoul(text + 9, NULL, 10);
}

static void
test_chat(void **state)
{
	static const char yes[] = "{\"verdict\":\"allow\",\"user\":\"anna\"}";
	char hook[64], guess[64];
	const char *argv[] = {EXAMPLES "verdict-chat", "--socket", sun.sun_path,
	    "supervisor", hook, "0", NULL};
	const char *url;
	uint16_t port;
	int listener;
	json_t *o;

	(void)state;
	if (access("/usr/bin/python3", X_OK) != 0) {
		skip();
	}
	listener = listen_tcp(&port);
	(void)snprintf(hook, sizeof(hook), "http://127.0.0.1:%u/hook", port);
	use_rules("allow approve by \"supervisor\" within 60s");
	run(argv);
	WAIT_FOR(w->verdicts->names[1].server != NULL);
	assert_int_equal(try("one", 0), ERR_NOENT);
	o = hooked(listener, "200 OK");
	url = json_string_value(json_object_get(o, "answer"));
	assert_non_null(url);
	assert_non_null(
	    strstr(json_string_value(json_object_get(o, "text")), "one asks"));
	/* a link that is followed, a guess, and nonsense do nothing */
	assert_int_equal(request("GET", url, ""), 501);
	(void)snprintf(guess, sizeof(guess), "%.*s/0123456789",
	    (int)(strrchr(url, '/') - url), url);
	assert_int_equal(request("POST", guess, yes), 404);
	assert_int_equal(request("POST", url, "allow"), 400);
	assert_int_equal(request("POST", url, "[]"), 400);
	assert_int_equal(
	    request("POST", url, "{\"verdict\":\"eject\",\"user\":\"x\"}"),
	    400);
	settle();
	assert_false(audited("approval", "\"by\":\"server\""));
	assert_int_equal(request("POST", url, yes), 204);
	WAIT_FOR(audited("approval", "\"outcome\":\"approved\""));
	assert_true(audited("approval", "by anna"));
	assert_int_equal(import(0, "one", 0), 0);
	assert_int_equal(request("POST", url, yes), 404);
	json_decref(o);
	/* an ask that is over cannot be answered any more */
	assert_int_equal(try("two", 1), ERR_NOENT);
	o = hooked(listener, "200 OK");
	unplug(1);
	pass(1);
	plug(1, 99);
	url = json_string_value(json_object_get(o, "answer"));
	WAIT_FOR(request("POST", url, yes) == 404);
	json_decref(o);
	/* nor one that the chat did not take */
	assert_int_equal(try("three", 1), ERR_NOENT);
	json_decref(hooked(listener, "500 Down"));
	WAIT_FOR(audited("approval", "\"outcome\":\"no verdict\""));
	assert_true(audited("approval", "the chat: "));
	close_fd(&listener);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup_verdict, teardown_run)
	const struct CMUnitTest tests[] = {
	    TEST(test_clock),
	    TEST(test_dlp),
	    TEST(test_chat),
	};

	log_init("test_verdict_examples");
	return cmocka_run_group_tests_name(
	    "examples of servers", tests, NULL, NULL);
}
