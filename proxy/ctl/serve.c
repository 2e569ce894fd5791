/*
 * sallyctl verdict serve: one command for each ask. It reads the ask, a line of
 * JSON, from its standard input, and says its answer on its standard output;
 * what it says counts when it has ended, with 0. The command is the operator's
 * own and trusted; that it crashes, hangs or says nonsense costs its own ask
 * alone.
 *
 *   ask ─► start ─► ended ─► read its answer ─► say it
 *            └─► over: killed, with all that it started
 */
#include "proxy/ctl/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "verdict/sallyport-verdict.h"

#define JOBS 64u /* a gateway has no more asks at one server */
#define ANSWER_MAX 4096u

extern char **environ;

struct job {
	pid_t pid; /* 0 = free; the leader of its group */
	uint32_t id;
	int out; /* owned: its standard output */
	int is_over;
};

struct serve {
	struct sallyport_verdict *verdict; /* owned */
	char **command;                    /* borrowed */
	int signals;                       /* owned */
	struct job jobs[JOBS];
};

/* What a command said. */
struct said {
	enum sallyport_verdict_word word;
	uint32_t valid;
	char reason[SALLYPORT_VERDICT_REASON + 1];
};

/* ------------------------------------------------------------------------ */
/* Commands                                                                 */

/* A file with that line in it, to be read from its beginning; -1. */
static int
line_file(const char *line)
{
	size_t len = strlen(line);
	int fd = memfd_create("ask", MFD_CLOEXEC);

	if (fd != -1 &&
	    (write(fd, line, len) != (ssize_t)len || write(fd, "\n", 1) != 1 ||
		lseek(fd, 0, SEEK_SET) == -1)) {
		close_fd(&fd);
	}
	return fd;
}

/* 0, or an errno. It leads a group of its own, and its signals are as if nobody
 * had touched them. */
static int
spawn(struct serve *s, struct job *job, int in, int out)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int r = posix_spawn_file_actions_init(&files);

	if (r != 0) {
		return r;
	}
	r = posix_spawnattr_init(&attr);
	if (r != 0) {
		posix_spawn_file_actions_destroy(&files);
		return r;
	}
	sigemptyset(&none);
	sigfillset(&all);
	(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP |
						  POSIX_SPAWN_SETSIGMASK |
						  POSIX_SPAWN_SETSIGDEF);
	(void)posix_spawnattr_setpgroup(&attr, 0);
	(void)posix_spawnattr_setsigmask(&attr, &none);
	(void)posix_spawnattr_setsigdefault(&attr, &all);
	r = posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
	r = r != 0
		? r
		: posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
	r = r != 0 ? r
		   : posix_spawnp(&job->pid, s->command[0], &files, &attr,
			 s->command, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return r;
}

static void
start(struct serve *s, const struct sallyport_verdict_ask *ask)
{
	struct job *job = s->jobs;
	int in = line_file(ask->line), out[2] = {-1, -1}, r;
	char why[SALLYPORT_VERDICT_REASON];

	while (job < s->jobs + JOBS && job->pid != 0) {
		job++;
	}
	if (in == -1 || job == s->jobs + JOBS ||
	    pipe2(out, O_CLOEXEC | O_NONBLOCK) == -1) {
		r = in == -1 || job < s->jobs + JOBS ? errno : EAGAIN;
	} else {
		/* a command expects a pipe that blocks */
		(void)fcntl(out[1], F_SETFL, 0);
		r = spawn(s, job, in, out[1]);
	}
	if (r == 0) {
		job->id = ask->id;
		job->is_over = 0;
		job->out = out[0];
		out[0] = -1;
	} else {
		if (job < s->jobs + JOBS) {
			job->pid = 0;
		}
		(void)snprintf(
		    why, sizeof(why), "%s: %s", s->command[0], strerror(r));
		log_warnx("ask %u: %s", ask->id, why);
		(void)sallyport_verdict_answer(
		    s->verdict, ask->id, SALLYPORT_NONE, 0, why);
	}
	close_fd(&in);
	close_fd(&out[0]);
	close_fd(&out[1]);
}

static void
stop(struct serve *s, uint32_t id)
{
	for (struct job *job = s->jobs; job < s->jobs + JOBS; job++) {
		if (job->pid != 0 && job->id == id) {
			job->is_over = 1;
			(void)kill(-job->pid, SIGKILL);
		}
	}
}

/* ------------------------------------------------------------------------ */
/* Answers                                                                  */

static int
word_of(const char *text, size_t len, enum sallyport_verdict_word *word)
{
	static const char *const words[] = {
	    [SALLYPORT_ALLOW] = "allow",
	    [SALLYPORT_DENY] = "deny",
	    [SALLYPORT_EJECT] = "eject",
	    [SALLYPORT_NONE] = "none",
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strlen(words[i]) == len &&
		    memcmp(words[i], text, len) == 0) {
			*word = (enum sallyport_verdict_word)i;
			return 0;
		}
	}
	return -1;
}

/* {"verdict":"deny","valid":60,"reason":"..."}; an id is the ask's. 0 or -1. */
static int
from_json(struct said *said, const json_t *o, uint32_t id)
{
	const char *verdict = json_string_value(json_object_get(o, "verdict"));
	const json_t *valid = json_object_get(o, "valid"),
		     *reason = json_object_get(o, "reason"),
		     *same = json_object_get(o, "id");
	json_int_t seconds = json_integer_value(valid);

	if (verdict == NULL ||
	    word_of(verdict, strlen(verdict), &said->word) != 0 ||
	    (valid != NULL && (!json_is_integer(valid) || seconds < 0 ||
				  seconds > UINT32_MAX)) ||
	    (reason != NULL && !json_is_string(reason)) ||
	    (same != NULL && json_integer_value(same) != id)) {
		return -1;
	}
	said->valid = (uint32_t)seconds;
	(void)snprintf(said->reason, sizeof(said->reason), "%s",
	    reason != NULL ? json_string_value(reason) : "");
	return 0;
}

/* One line: of JSON, or a verdict and, behind a blank, its reason. 0 or -1. */
static int
parse(struct said *said, char *text, size_t len, uint32_t id)
{
	char *end = memchr(text, '\n', len);
	size_t n = end != NULL ? (size_t)(end - text) : len, word;
	json_t *o = NULL;
	int r;

	text[n] = '\0';
	if (end != NULL && end + 1 != text + len) {
		return -1; /* a second one */
	}
	if (*text != '{') {
		word = strcspn(text, " ");
		(void)snprintf(said->reason, sizeof(said->reason), "%s",
		    text[word] != '\0' ? text + word + 1 : "");
		return word_of(text, word, &said->word);
	}
	o = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
	r = from_json(said, o, id);
	json_decref(o);
	return r;
}

/* Its answer, or `none' with what is wrong. */
static void
judge(struct serve *s, const struct job *job, int status, struct said *said)
{
	char text[ANSWER_MAX + 1];
	ssize_t n = read(job->out, text, ANSWER_MAX);
	const char *what = "its answer is none";

	if (!WIFEXITED(status)) {
		what = strsignal(WTERMSIG(status));
	} else if (WEXITSTATUS(status) != 0) {
		what = "it failed";
	} else if (n <= 0) {
		what = "it said nothing";
	} else if ((size_t)n == ANSWER_MAX) {
		what = "its answer is too long";
	} else if (parse(said, text, (size_t)n, job->id) == 0) {
		return;
	}
	*said = (struct said){.word = SALLYPORT_NONE};
	(void)snprintf(
	    said->reason, sizeof(said->reason), "%s: %s", s->command[0], what);
	log_warnx("ask %u: %s", job->id, said->reason);
}

static void
finish(struct serve *s, struct job *job, int status)
{
	struct said said = {.word = SALLYPORT_NONE};

	if (!job->is_over) {
		judge(s, job, status, &said);
		/* gone meanwhile, or a valid that is too long */
		if (sallyport_verdict_answer(s->verdict, job->id, said.word,
			said.valid, said.reason) == -EINVAL) {
			log_warnx("ask %u: its answer is none", job->id);
			(void)sallyport_verdict_answer(
			    s->verdict, job->id, SALLYPORT_NONE, 0, NULL);
		}
	}
	close_fd(&job->out);
	job->pid = 0;
}

static void
reap(struct serve *s)
{
	int status;

	for (;;) {
		siginfo_t info = {0};

		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) ==
			-1 ||
		    info.si_pid == 0) {
			return;
		}
		/* what it left behind, while its number is still its own */
		(void)kill(-info.si_pid, SIGKILL);
		if (waitpid(info.si_pid, &status, 0) == -1) {
			return;
		}
		for (struct job *job = s->jobs; job < s->jobs + JOBS; job++) {
			if (job->pid == info.si_pid) {
				finish(s, job, status);
			}
		}
	}
}

/* ------------------------------------------------------------------------ */

/* -1: go on; else an exit status. */
static int
on_gateway(struct serve *s)
{
	struct sallyport_verdict_ask ask;
	int event;

	while ((event = sallyport_verdict_next(s->verdict, &ask)) > 0) {
		if (event == SALLYPORT_ASK) {
			start(s, &ask);
		} else {
			stop(s, ask.id);
		}
	}
	if (event < 0) {
		log_warnx("%s", sallyport_verdict_why(s->verdict));
		return 4;
	}
	return -1;
}

/* Likewise. */
static int
on_signal(struct serve *s)
{
	struct signalfd_siginfo info;
	int code = -1;

	while (read(s->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		code = info.ssi_signo != SIGCHLD ? 0 : code;
	}
	reap(s);
	return code;
}

static int
loop(struct serve *s)
{
	int code;

	/* an ask may have come with the hello: first look, then wait */
	while ((code = on_gateway(s)) == -1) {
		struct pollfd p[] = {
		    {.fd = sallyport_verdict_fd(s->verdict),
			.events = sallyport_verdict_events(s->verdict)},
		    {.fd = s->signals, .events = POLLIN}};

		if (poll(p, 2, -1) == -1 && errno != EINTR) {
			log_warn("poll");
			return 1;
		}
		code = on_signal(s);
		if (code != -1) {
			break;
		}
	}
	return code;
}

static int
connect_as(struct serve *s, const char *path, const char *name)
{
	int r = sallyport_verdict_open(&s->verdict, path, name);

	if (r == 0) {
		return 0;
	}
	if (s->verdict == NULL) {
		log_warnx("out of memory");
		return 1;
	}
	log_warnx("serve %s: %s%s", name, sallyport_verdict_why(s->verdict),
	    r == -ECONNRESET
		? "; gateway.conf does not let this user serve a name"
	    : r == -ENOENT || r == -ECONNREFUSED
		? "; does gateway.conf have a [verdict], and does sallyportd "
		  "run?"
		: "");
	return r == -EACCES || r == -ECONNRESET ? 3 : r == -EINVAL ? 2 : 4;
}

int
serve_verdicts(const char *path, const char *name, char **command)
{
	struct serve s = {.command = command, .signals = -1};
	sigset_t signals;
	int code = connect_as(&s, path, name);

	if (code != 0) {
		goto out;
	}
	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	s.signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s.signals == -1) {
		log_warn("signals");
		code = 1;
		goto out;
	}
	log_infox("serving %s", name);
	code = loop(&s);
	for (struct job *job = s.jobs; job < s.jobs + JOBS; job++) {
		if (job->pid != 0) {
			(void)kill(-job->pid, SIGKILL);
			(void)waitpid(job->pid, NULL, 0);
			close_fd(&job->out);
		}
	}
	close_fd(&s.signals);
out:
	sallyport_verdict_close(s.verdict);
	return code;
}
