/*
 * `sallyctl sandbox`: what /proc says of a process, and of ours.
 */
#include "proxy/warden/sandboxes.h"

#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "base/userns.h"
#include "proxy/warden/control.h"

static void
test_parse(void **state)
{
	struct sandbox_state st;

	(void)state;
	assert_int_equal(sandboxes_parse(&st,
			     "Name:\tx\nPid:\t7\nUid:\t60711\t60711\t60711\t0\n"
			     "CapInh:\t0\nCapEff:\t00000000a80425fb\n"
			     "NoNewPrivs:\t1\nSeccomp:\t2\n"
			     "Seccomp_filters:\t3\n"), 0);
	assert_int_equal(st.uid, 60711);
	assert_int_equal(st.seccomp, 2);
	assert_int_equal(st.lists, 3);
	assert_int_equal(st.no_new_privs, 1);
	assert_true(st.has_caps);
	assert_int_equal(st.caps, 0xa80425fb);
	assert_int_equal(st.pids, -1);
	/* its numbers, from that of /proc on inwards */
	assert_int_equal(sandboxes_parse(&st, "x\nUid:\t0\nNSpid:\t812\n"
					      "NSpgid:\t812\n"), 0);
	assert_int_equal(st.pids, 0);
	assert_int_equal(sandboxes_parse(&st, "x\nUid:\t0\nNSpid:\t812\t1\n"
					      "NSpgid:\t812\n"), 0);
	assert_int_equal(st.pids, 1);
	assert_int_equal(sandboxes_parse(&st, "x\nUid:\t0\nNSpid:\tx\n"), 0);
	assert_int_equal(st.pids, -1);
	/* what an older kernel does not say is not known */
	assert_int_equal(sandboxes_parse(&st, "Name:\tx\nUid:\t0\t0\n"), 0);
	assert_int_equal(st.seccomp, -1);
	assert_int_equal(st.lists, -1);
	assert_int_equal(st.no_new_privs, -1);
	assert_false(st.has_caps);
	/* a name cannot be a line: the kernel escapes it */
	assert_int_equal(sandboxes_parse(&st, "Name:\tUid:\t0\n"), ERR_FORMAT);
	assert_int_equal(sandboxes_parse(&st, "Name:\tx\nUid:\tx\n"), ERR_FORMAT);
	assert_int_equal(sandboxes_parse(&st, ""), ERR_FORMAT);
}

static json_t *
of_pid(json_t *answer, pid_t pid)
{
	json_t *list = json_object_get(answer, "processes"), *e;
	size_t i;

	json_array_foreach (list, i, e) {
		if (json_integer_value(json_object_get(e, "pid")) == pid) {
			return e;
		}
	}
	return NULL;
}

static const struct sandbox_call calls[] = {
	SANDBOX_CALL(ppoll), SANDBOX_CALL(poll)};
static const struct sandbox_list list = {"test", calls, ARRAY_LEN(calls)};

/* Whether it has them all, or none. */
static int
has_spaces(const json_t *process, int is_apart)
{
	static const char *const wanted[] = {"pid", "network", "mount"};
	const json_t *spaces = json_object_get(process, "namespaces");

	if (!is_apart) {
		return json_is_array(spaces) && json_array_size(spaces) == 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		const char *s = json_string_value(json_array_get(spaces, i));

		if (s == NULL || strcmp(s, wanted[i]) != 0) {
			return 0;
		}
	}
	return json_array_size(spaces) == ARRAY_LEN(wanted);
}

static int
tell(int is_there)
{
	return write(3, is_there ? "y" : "n", 1) == 1 ? 0 : 1;
}

/* The one who asks sees his parent's other children, as the warden does. */
static int
ask(pid_t held)
{
	json_t *o = control_sandbox(NULL, NULL), *e = of_pid(o, held);
	int is_right = e != NULL &&
	    json_is_true(json_object_get(e, "seccomp")) &&
	    json_is_true(json_object_get(e, "no_new_privileges")) &&
	    strcmp(json_string_value(json_object_get(e, "capabilities")),
		"0000000000000000") == 0 &&
	    has_spaces(e, 1) && has_spaces(of_pid(o, getpid()), 0) &&
	    has_spaces(of_pid(o, getppid()), 0) && of_pid(o, getpid()) != NULL && of_pid(o, getppid()) != NULL &&
	    !json_is_true(
		json_object_get(of_pid(o, getpid()), "no_new_privileges"));

	return tell(is_right);
}

static void
test_processes(void **state)
{
	const struct sandbox how = {
		.list = &list, .spaces = SANDBOX_SPACES};
	int ready[2], answer[2], status;
	pid_t held, first, asker;
	char c = 0;

	(void)state;
	if ((sandbox_lacks() | sandbox_build_lacks()) != 0 ||
	    prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 0) {
		skip();
	}
	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(answer), 0);
	/* as base/spawn.c does it: the first makes one of other numbers */
	first = fork();
	if (first == 0) {
		pid_t pid = userns_enter(CLONE_NEWPID) != 0
		    ? -1
		    : (pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0,
			  0);

		if (pid != 0) {
			_exit(pid == -1 ||
			    write(ready[1], &pid, sizeof(pid)) !=
				(ssize_t)sizeof(pid));
		}
		sandbox_enter(&how);
		_exit(write(answer[1], "r", 1) == 1 && poll(NULL, 0, -1));
	}
	assert_int_equal(waitpid(first, &status, 0), first);
	assert_int_equal(status, 0);
	assert_int_equal(read(ready[0], &held, sizeof(held)), sizeof(held));
	assert_int_equal(read(answer[0], &c, 1), 1);
	asker = fork();
	if (asker == 0) {
		_exit(dup2(answer[1], 3) == -1 || ask(held));
	}
	assert_int_equal(waitpid(asker, &status, 0), asker);
	assert_int_equal(status, 0);
	assert_int_equal(read(answer[0], &c, 1), 1);
	assert_int_equal(c, 'y');
	assert_int_equal(kill(held, SIGKILL), 0);
	assert_int_equal(waitpid(held, &status, 0), held);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_processes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
