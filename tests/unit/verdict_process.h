/*
 * Servers of verdicts as processes of their own, one at a time, for the tests
 * that run them. The clock of the gateway is the test's; that of the machine is
 * waited for, and never measured.
 */
#ifndef TESTS_UNIT_VERDICT_PROCESS_H
#define TESTS_UNIT_VERDICT_PROCESS_H

#include "tests/unit/verdict_body.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#define PATIENCE_MS 20000
#define MAX_WORDS 12

static pid_t child;

/* Does what can be done until is_so, or fails. */
#define WAIT_FOR(is_so)                                                        \
	do {                                                                   \
		int ms_ = 0;                                                   \
		for (settle(); !(is_so); settle()) {                           \
			if (ms_++ >= PATIENCE_MS) {                            \
				fail_msg("waited for: %s", #is_so);            \
			}                                                      \
			(void)poll(NULL, 0, 1);                                \
		}                                                              \
	} while (0)

/* The path of something that was built, from where this test is. */
static inline void
beside(char *path, size_t size, const char *name)
{
	char self[PATH_MAX], *slash;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	assert_true(n > 0);
	self[n] = '\0';
	slash = strrchr(self, '/');
	assert_non_null(slash);
	*slash = '\0';
	assert_true(snprintf(path, size, "%s/%s", self, name) < (int)size);
	if (access(path, X_OK) != 0) {
		fail_msg("%s is not built", path);
	}
}

static inline void
run(const char *const *argv)
{
	child = fork();
	assert_int_not_equal(child, -1);
	if (child == 0) {
		(void)execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
}

/* sallyctl --socket ... verdict serve --name NAME -- COMMAND... */
static inline void
serve_by(const char *name, const char *const *command)
{
	static char program[PATH_MAX];
	const char *argv[MAX_WORDS + 8] = {program, "--socket", sun.sun_path,
	    "verdict", "serve", "--name", name, "--"};

	beside(program, sizeof(program), "../bin/sallyctl");
	for (unsigned i = 0; command[i] != NULL; i++) {
		assert_true(i < MAX_WORDS - 1);
		argv[i + 8] = command[i];
	}
	run(argv);
}

/* Its exit status; -1: a signal. */
static inline int
ended(void)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	child = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static inline void
stop(void)
{
	assert_int_equal(kill(child, SIGTERM), 0);
	assert_int_equal(ended(), 0);
	WAIT_FOR(w->verdicts->names[0].server == NULL);
}

/* The answer to that unit, whenever it comes. */
static inline void
answered(unsigned i, unsigned id, enum ipc_say verdict)
{
	struct channel_msg msg;
	struct ipc_answer m;

	WAIT_FOR(hear(i, &msg) == IPC_ANSWER);
	assert_int_equal(ipc_decode_answer(&m, msg.data, msg.len), 0);
	assert_int_equal(m.id, id);
	assert_int_equal(m.say, verdict);
}

static inline void
write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static inline int
teardown_run(void **state)
{
	if (child > 0) {
		(void)kill(child, SIGKILL);
		(void)waitpid(child, NULL, 0);
		child = 0;
	}
	return teardown_verdict(state);
}

#endif
