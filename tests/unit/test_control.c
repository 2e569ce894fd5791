/*
 * The control socket: who may ask what, by real credentials of the kernel; that
 * what changes something is audited with who asked for it; and watchers, the slow
 * ones too.
 */
#include <errno.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "tests/unit/lease_body.h"

#define STRANGER 65533
#define GROUP_COUNT 64000
#define GROUP_READ 64001
#define GROUP_APPROVE 64002
#define GROUP_OPERATE 64003

static struct sockaddr_un control = {.sun_family = AF_UNIX};

static int
setup_control(void **state)
{
	setup(state);
	(void)snprintf(
	    control.sun_path, sizeof(control.sun_path), "%s/c", dir);
	w->control_fd =
	    socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(
	    bind(w->control_fd, (struct sockaddr *)&control, sizeof(control)),
	    0);
	assert_int_equal(listen(w->control_fd, 16), 0);
	assert_int_equal(chmod(control.sun_path, 0666), 0);
	assert_int_equal(chmod(dir, 0755), 0);
	w->roles = (struct roles){{(gid_t)-1, GROUP_COUNT, GROUP_READ,
	    GROUP_APPROVE, GROUP_OPERATE}};
	assert_int_equal(control_start(w), 0);
	return 0;
}

static int
teardown_control(void **state)
{
	loop_io_free(w->control_io);
	close_fd(&w->control_fd);
	unlink(control.sun_path);
	return teardown(state);
}

static int
dial(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(
	    connect(fd, (struct sockaddr *)&control, sizeof(control)), 0);
	return fd;
}

/* What comes back until the gateway ends it, or the end of a line. */
static void
read_line(int fd, char *line, size_t size)
{
	size_t used = 0;

	for (int idle = 0; idle < 20 && used < size - 1;) {
		ssize_t n = recv(fd, line + used, 1, MSG_DONTWAIT);

		if (n == 0 || (n == -1 && errno != EAGAIN)) {
			break;
		}
		if (n == -1) {
			settle();
			idle++;
		} else if (line[used++] == '\n') {
			break;
		}
	}
	line[used] = '\0';
}

static void
ask_on(int fd, const char *request, char *line, size_t size)
{
	assert_int_equal(
	    send(fd, request, strlen(request), 0), strlen(request));
	read_line(fd, line, size);
}

static void
ask(const char *request, char *line, size_t size)
{
	int fd = dial();

	ask_on(fd, request, line, size);
	close_fd(&fd);
	settle();
}

/* ------------------------------------------------------------------------ */

static void
test_requests(void **state)
{
	char line[8192];

	(void)state;
	ask("{\"op\":\"status\"}\n", line, sizeof(line));
	assert_non_null(strstr(line, "\"ok\":true"));
	ask("{\"op\":\"nonsense\"}\n", line, sizeof(line));
	assert_non_null(strstr(line, "unknown request"));
	ask("not json\n", line, sizeof(line));
	assert_non_null(strstr(line, "unknown request"));
	/* looking leaves no trace, changing does, and so does failing to */
	assert_false(audited("operator", "uid"));
	ask("{\"op\":\"arm\",\"token\":\"svc\",\"seconds\":60}\n", line,
	    sizeof(line));
	assert_non_null(strstr(line, "\"ok\":true"));
	assert_true(audited("operator", "\"outcome\":\"done\""));
	assert_true(audited("operator", "svc"));
	ask("{\"op\":\"kick\",\"busid\":\"9-9\"}\n", line, sizeof(line));
	assert_non_null(strstr(line, "\"code\":5"));
	assert_true(audited("operator", "\"outcome\":\"refused\""));
	assert_true(audited("operator", "nobody holds that"));
}

/* A process of that user and those groups asks; its answer is in line. */
static void
ask_as(gid_t gid, const gid_t *more, size_t nmore, const char *request,
    char *line, size_t size)
{
	int out[2], status;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(out), 0);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		static char got[8192];
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);
		size_t used = 0;

		if (setgroups(nmore, more) == -1 || setgid(gid) == -1 ||
		    setuid(STRANGER) == -1 ||
		    connect(fd, (struct sockaddr *)&control,
			sizeof(control)) == -1 ||
		    send(fd, request, strlen(request), MSG_NOSIGNAL) == -1) {
			_exit(1);
		}
		while (used < sizeof(got) &&
		    (n = recv(fd, got + used, sizeof(got) - used, 0)) > 0) {
			used += (size_t)n;
			if (got[used - 1] == '\n') {
				break;
			}
		}
		if (write(out[1], got, used) != (ssize_t)used) {
			_exit(2);
		}
		_exit(0);
	}
	close(out[1]);
	while (waitpid(pid, &status, WNOHANG) == 0) {
		loop_once(w->loop, LOOP_NOWAIT);
		usleep(1000);
	}
	assert_true(WIFEXITED(status));
	n = read(out[0], line, size - 1);
	line[n > 0 ? n : 0] = '\0';
	close(out[0]);
	settle();
}

static void
test_roles(void **state)
{
	static const gid_t approve[] = {4, GROUP_APPROVE};
	static gid_t many[200];
	char line[8192];

	(void)state;
	if (geteuid() != 0) {
		skip(); /* cannot become anybody else */
	}
	/* of no group: not even an answer */
	ask_as(STRANGER, NULL, 0, "{\"op\":\"status\"}\n", line, sizeof(line));
	assert_string_equal(line, "");
	/* numbers, and nothing else */
	ask_as(GROUP_COUNT, NULL, 0, "{\"op\":\"metrics\"}\n", line,
	    sizeof(line));
	assert_non_null(strstr(line, "\"ok\":true"));
	ask_as(GROUP_COUNT, NULL, 0, "{\"op\":\"status\"}\n", line,
	    sizeof(line));
	assert_non_null(strstr(line, "\"code\":3"));
	ask_as(GROUP_COUNT, NULL, 0, "{\"op\":\"watch\"}\n", line,
	    sizeof(line));
	assert_non_null(strstr(line, "\"code\":3"));
	ask_as(GROUP_READ, NULL, 0, "{\"op\":\"status\"}\n", line,
	    sizeof(line));
	assert_non_null(strstr(line, "\"ok\":true"));
	ask_as(GROUP_READ, NULL, 0, "{\"op\":\"approve\",\"id\":1}\n", line,
	    sizeof(line));
	assert_non_null(strstr(line, "\"code\":3"));
	assert_non_null(strstr(line, "approvers"));
	assert_true(audited("operator", "\"uid\":\"65533\""));
	assert_true(audited("operator", "approve"));
	/* by a group that is not the first */
	ask_as(STRANGER, approve, 2, "{\"op\":\"approve\",\"id\":1}\n", line,
	    sizeof(line));
	assert_non_null(strstr(line, "\"code\":5")); /* no such ask */
	ask_as(STRANGER, approve, 2,
	    "{\"op\":\"arm\",\"token\":\"svc\",\"seconds\":60}\n", line,
	    sizeof(line));
	assert_non_null(strstr(line, "\"code\":3"));
	assert_int_equal(w->narmed, 0);
	/* by one of more than fit at first */
	for (unsigned i = 0; i < ARRAY_LEN(many); i++) {
		many[i] = i + 1000;
	}
	many[ARRAY_LEN(many) - 1] = GROUP_OPERATE;
	ask_as(STRANGER, many, ARRAY_LEN(many),
	    "{\"op\":\"arm\",\"token\":\"svc\",\"seconds\":60}\n", line,
	    sizeof(line));
	assert_non_null(strstr(line, "\"ok\":true"));
	assert_int_equal(w->narmed, 1);
	/* a gateway without such groups: they are nobody's */
	w->roles = (struct roles){
	    {(gid_t)-1, (gid_t)-1, (gid_t)-1, (gid_t)-1, (gid_t)-1}};
	ask_as(STRANGER, many, ARRAY_LEN(many), "{\"op\":\"status\"}\n", line,
	    sizeof(line));
	assert_string_equal(line, "");
}

static void
test_groups(void **state)
{
	struct gateway_conf conf = {
	    .metrics = (char[]){""},
	    .readers = (char[]){"root"},
	    .approvers = (char[]){""},
	    .operators = (char[]){"no such group"},
	};
	struct roles roles;

	(void)state;
	assert_int_equal(roles_init(&roles, &conf), ERR_NOENT);
	conf.operators = conf.approvers;
	assert_int_equal(roles_init(&roles, &conf), 0);
	assert_int_equal(roles.gids[ROLE_READ], 0);
	assert_int_equal(roles.gids[ROLE_APPROVE], (gid_t)-1);
	assert_int_equal(roles.gids[ROLE_OPERATE], (gid_t)-1);
}

static void
test_watch(void **state)
{
	int fd = dial();
	char line[8192];

	(void)state;
	ask_on(fd, "{\"op\":\"watch\"}\n", line, sizeof(line));
	assert_non_null(strstr(line, "\"ok\":true"));
	audit_write(w, "policy", "confirmed", NULL, NULL, NULL, (char *)NULL);
	read_line(fd, line, sizeof(line));
	assert_non_null(strstr(line, "\"outcome\":\"confirmed\""));
	/* longer than any answer may take */
	mono += 60 * CLOCK_SEC;
	settle();
	audit_write(w, "gateway", "stopped", NULL, NULL, NULL, (char *)NULL);
	read_line(fd, line, sizeof(line));
	assert_non_null(strstr(line, "\"outcome\":\"stopped\""));
	/* it says more: that is its end */
	assert_int_equal(send(fd, "x", 1, 0), 1);
	settle();
	assert_int_equal(recv(fd, line, 1, MSG_DONTWAIT), 0);
	assert_int_equal(w->nwatchers, 0);
	assert_int_equal(w->nclients, 0);
	close_fd(&fd);
}

/* Reads what there is: lines of the log, and how many more there were. */
static void
count_lines(int fd, unsigned *got, unsigned *lost)
{
	char line[8192];

	for (;;) {
		json_t *o, *n;

		read_line(fd, line, sizeof(line));
		if (*line == '\0') {
			return;
		}
		o = json_loads(line, 0, NULL);
		assert_non_null(o);
		n = json_object_get(o, "lost");
		*lost += (unsigned)json_integer_value(n);
		*got += n == NULL;
		json_decref(o);
	}
}

/* One that does not read keeps nobody waiting, and hears what it lost. */
static void
test_slow_watcher(void **state)
{
	int slow = dial();
	char line[8192], text[1024];
	unsigned got = 0, lost = 0;

	(void)state;
	ask_on(slow, "{\"op\":\"watch\"}\n", line, sizeof(line));
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	for (unsigned i = 0; i < 2000; i++) {
		audit_write(w, "policy", "rolled back", NULL, NULL, NULL,
		    "kept", text, (char *)NULL);
		settle();
	}
	count_lines(slow, &got, &lost);
	assert_true(got > 100 && got < 2000);
	audit_write(w, "policy", "confirmed", NULL, NULL, NULL, (char *)NULL);
	count_lines(slow, &got, &lost);
	assert_int_equal(got + lost, 2001);
	assert_true(lost > 0);
	close_fd(&slow);
	settle();
	assert_int_equal(w->nwatchers, 0);
}

/* Watchers take no place of those who ask, and there are not too many. */
static void
test_many_watchers(void **state)
{
	int fds[9];
	char line[8192];

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = dial();
		ask_on(fds[i], "{\"op\":\"watch\"}\n", line, sizeof(line));
		assert_non_null(strstr(line,
		    i < 8 ? "\"ok\":true" : "too many watch already"));
	}
	assert_int_equal(w->nclients, 0);
	ask("{\"op\":\"status\"}\n", line, sizeof(line));
	assert_non_null(strstr(line, "\"ok\":true"));
	for (unsigned i = 0; i < ARRAY_LEN(fds); i++) {
		close_fd(&fds[i]);
	}
	settle();
	assert_int_equal(w->nwatchers, 0);
}

/* The first key of the log's chain is told once, and to operators. */
static void
test_audit_log(void **state)
{
	static const char begin[] = "\"key\":\"sallyport-audit-key ";
	char line[8192];
	struct chain chain;
	char *at;

	(void)state;
	ask("{\"op\":\"status\"}\n", line, sizeof(line));
	assert_non_null(strstr(line, "\"audit_key_waits\":true"));
	ask_as(GROUP_APPROVE, NULL, 0, "{\"op\":\"audit_key\"}\n", line,
	    sizeof(line));
	assert_non_null(strstr(line, "\"code\":3"));
	assert_null(strstr(line, begin));
	for (unsigned i = 0; i < 2; i++) {
		ask(i == 0 ? "{\"op\":\"audit_key\"}\n"
			   : "{\"op\":\"audit_key\",\"new\":true}\n",
		    line, sizeof(line));
		at = strstr(line, begin);
		assert_non_null(at);
		at += 7;
		assert_int_equal(
		    chain_key_parse(&chain, at, strcspn(at, "\"")), 0);
		assert_int_equal(chain.seq, 0);
		assert_memory_equal(
		    chain.id, w->audit.chain->chain.id, CHAIN_ID);
		ask("{\"op\":\"audit_key\"}\n", line, sizeof(line));
		assert_non_null(strstr(line, "\"code\":5"));
	}
	assert_true(audited("operator", "audit_key"));
	/* and what operators ask for names no serial number, if it must not */
	w->audit.is_hashed = 1;
	ask("{\"op\":\"unquarantine\",\"device\":\"1234:5678:S1@p:1\"}\n",
	    line, sizeof(line));
	assert_true(audited("operator", "1234:5678:hmac-"));
	assert_false(audited("operator", "S1@"));
	ask("{\"op\":\"status\"}\n", line, sizeof(line));
	assert_null(strstr(line, "audit_key_waits"));
}

int
main(void)
{
#define TEST(f)                                                                \
	cmocka_unit_test_setup_teardown(f, setup_control, teardown_control)
	const struct CMUnitTest tests[] = {
		TEST(test_requests),
		TEST(test_roles),
		TEST(test_groups),
		TEST(test_watch),
		TEST(test_slow_watcher),
		TEST(test_many_watchers),
		TEST(test_audit_log),
	};

	log_init("test_control");
	return cmocka_run_group_tests_name(
	    "the control socket", tests, NULL, NULL);
}
