/*
 * sallyctl verdict serve, as a process of its own, against the warden's own
 * socket: commands that answer, in each form, and those that crash, hang, say
 * nothing or too much.
 */
#include "tests/unit/verdict_process.h"

static void
serve_shell(const char *script)
{
	const char *const command[] = {"sh", "-c", script, NULL};

	serve_by("dlp", command);
	WAIT_FOR(w->verdicts->names[0].server != NULL);
}

/* ------------------------------------------------------------------------ */

static void
test_answers(void **state)
{
	static const struct {
		const char *script;
		enum ipc_say say;
		const char *audited;
	} cases[] = {
	    {"echo allow", IPC_SAY_ALLOW, "\"by\":\"server\""},
	    {"echo deny no writing after six", IPC_SAY_DENY,
		"\"reason\":\"no writing after six\""},
	    {"printf eject", IPC_SAY_EJECT, "\"by\":\"server\""},
	    {"echo '{\"verdict\":\"allow\",\"reason\":\"good\"}'",
		IPC_SAY_ALLOW, "\"reason\":\"good\""},
	    /* what it was asked is on its standard input, one line */
	    {"IFS= read -r ask; read -r more && exit 1; case $ask in "
	     "*'\"op\":\"write-10\"'*'\"lba\":[2048,2055]'*) echo allow;; "
	     "*) echo deny;; esac",
		IPC_SAY_ALLOW, "\"by\":\"server\""},
	    /* `else' is deny; what went wrong is in the log */
	    {"echo allow; exit 3", IPC_SAY_DENY, "it failed"},
	    {"echo allow; kill -SEGV $$", IPC_SAY_DENY, "Segmentation fault"},
	    {":", IPC_SAY_DENY, "it said nothing"},
	    {"echo perhaps", IPC_SAY_DENY, "its answer is none"},
	    {"echo allow; echo allow", IPC_SAY_DENY, "its answer is none"},
	    {"echo '{\"verdict\":\"allow\"'", IPC_SAY_DENY,
		"its answer is none"},
	    {"echo '{\"verdict\":\"allow\",\"id\":1000000}'", IPC_SAY_DENY,
		"its answer is none"},
	    {"echo '{\"verdict\":\"allow\",\"valid\":4000000000}'",
		IPC_SAY_DENY, "no opinion"},
	    {"printf '%5000s' allow", IPC_SAY_DENY, "its answer is too long"},
	    {"echo none ask somebody else", IPC_SAY_DENY,
		"no opinion: ask somebody else"},
	    {"printf 'deny \\377'", IPC_SAY_DENY, "no opinion"},
	};

	(void)state;
	have_device(0, "one", 0);
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		serve_shell(cases[i].script);
		hold(0, i + 1, "dlp");
		answered(0, i + 1, cases[i].say);
		if (!audited("ask", cases[i].audited)) {
			fail_msg("%s: not in the log: %s", cases[i].script,
			    cases[i].audited);
		}
		/* it still serves */
		assert_non_null(w->verdicts->names[0].server);
		stop();
	}
}

/* Those that hang hold up nobody, and are gone when their ask is. */
static void
test_hung(void **state)
{
	char script[1024], path[64];
	const char *const none[] = {"/nonexistent/command", NULL};
	FILE *f;
	int pid = 0;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/pid", dir);
	/* it leaves a process behind, in the same group */
	(void)snprintf(script, sizeof(script),
	    "read -r ask; case $ask in *'\"id\":1,'*) sleep 600 & echo $! "
	    ">%s.new; mv %s.new %s; wait;; *) echo allow;; esac",
	    path, path, path);
	serve_shell(script);
	have_device(0, "one", 0);
	w->book->next_ask = 1;
	hold(0, 1, "dlp");
	hold(0, 2, "dlp");
	answered(0, 2, IPC_SAY_ALLOW);
	WAIT_FOR(access(path, R_OK) == 0);
	/* pings are answered meanwhile */
	for (unsigned i = 0; i < 4; i++) {
		pass(5);
		WAIT_FOR(!w->verdicts->names[0].server->is_pinged);
	}
	heard_nothing(0);
	over(0, 1);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%d", &pid), 1);
	(void)fclose(f);
	(void)unlink(path);
	assert_true(pid > 0);
	WAIT_FOR(kill(pid, 0) == -1 && errno == ESRCH);
	hold(0, 3, "dlp");
	answered(0, 3, IPC_SAY_ALLOW);
	stop();
	serve_by("dlp", none);
	WAIT_FOR(w->verdicts->names[0].server != NULL);
	hold(0, 4, "dlp");
	answered(0, 4, IPC_SAY_DENY);
	assert_true(audited("ask", "No such file"));
	/* it is killed: nothing is stuck */
	hold(0, 5, "boss");
	stop();
	serve_shell("sleep 600");
	hold(0, 6, "dlp");
	WAIT_FOR(w->verdicts->names[0].nout == 1);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(ended(), -1);
	answered(0, 6, IPC_SAY_DENY);
	assert_true(audited("ask", "it left"));
}

/* What it is told when it may not. */
static void
test_refused(void **state)
{
	static const char *const command[] = {"true", NULL};

	(void)state;
	serve_by("not", command);
	WAIT_FOR(audited("verdict", "does not say that this user"));
	assert_int_equal(ended(), 3);
	serve_shell("echo allow");
	{
		pid_t first = child;

		serve_by("dlp", command);
		WAIT_FOR(audited("verdict", "serves that name already"));
		assert_int_equal(ended(), 3);
		child = first;
	}
	/* the gateway stops */
	verdicts_free(w);
	assert_int_equal(ended(), 4);
	serve_by("dlp", command);
	assert_int_equal(ended(), 4);
}

static void
test_import(void **state)
{
	(void)state;
	use_rules("allow approve by \"dlp\" within 30s");
	serve_shell("read -r ask; case $ask in *'\"kind\":\"import\"'*) echo "
		    "'{\"verdict\":\"allow\",\"valid\":60}';; esac");
	assert_int_equal(try("one", 0), ERR_NOENT);
	WAIT_FOR(audited("approval", "\"outcome\":\"approved\""));
	assert_int_equal(import(0, "one", 0), 0);
	stop();
}

int
main(void)
{
#define TEST(f)                                                                \
	cmocka_unit_test_setup_teardown(f, setup_verdict, teardown_run)
	const struct CMUnitTest tests[] = {
	    TEST(test_answers),
	    TEST(test_hung),
	    TEST(test_refused),
	    TEST(test_import),
	};

	log_init("test_verdict_serve");
	return cmocka_run_group_tests_name(
	    "sallyctl verdict serve", tests, NULL, NULL);
}
