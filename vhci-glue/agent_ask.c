/*
 * What a person or the sleep hook asks of a running agent. Suspending works
 * without one, too: every device that `sallyport` plugged in is unplugged, since
 * a kernel with one attached refuses to sleep, and those that somebody attached
 * by hand are written down to be attached again.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "vhci-glue/agent.h"
#include "vhci-glue/cmd.h"
#include "vhci-glue/off.h"

#define ATTACH_MS 60000
#define TRIES 10 /* the network comes back later than the kernel */
#define LIST_MAX (256u * 1024u)

/* Sends the word and shows the answer, if show. EXITS_OK, EXITS_UNREACHABLE
 * when no agent runs, EXITS_FAILED. */
static int
ask(const char *word, FILE *show)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct timeval limit = {.tv_sec = 30};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r = EXITS_UNREACHABLE;
	size_t total = 0;
	char buf[4096];
	ssize_t n;

	memcpy(sun.sun_path, AGENT_SOCKET, sizeof(AGENT_SOCKET));
	if (fd == -1 ||
	    connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1) {
		r = errno == EACCES || errno == EPERM ? EXITS_DENIED : r;
		close_fd(&fd);
		return r;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	(void)snprintf(buf, sizeof(buf), "%s\n", word);
	r = EXITS_FAILED;
	if (send(fd, buf, strlen(buf), MSG_NOSIGNAL) > 0) {
		while ((n = recv(fd, buf, sizeof(buf), 0)) > 0) {
			total += (size_t)n;
			if (show != NULL) {
				(void)fwrite(buf, 1, (size_t)n, show);
			}
		}
		r = n == 0 && total > 0 ? EXITS_OK : EXITS_FAILED;
	}
	close_fd(&fd);
	return r;
}

static int
show_status(const struct opts *opts)
{
	int r = ask(opts->form == OPTS_JSON ? "status-json" : "status", stdout);

	switch (r) {
	case EXITS_OK:
		return cmd_flush(opts, EXITS_OK);
	case EXITS_UNREACHABLE:
		log_warnx("agent: no agent runs here; `sallyport status' shows "
			  "what is attached");
		return r;
	case EXITS_DENIED:
		log_warnx("agent: %s is for root and the group " AGENT_GROUP,
		    AGENT_SOCKET);
		return r;
	}
	log_warnx("agent: %s: no answer; it is for root and the group "
		  AGENT_GROUP, AGENT_SOCKET);
	return r;
}

static void
write_down(const struct ports_note *note)
{
	char text[IPC_NAME + sizeof(note->user) + sizeof(note->seat)];

	if (plan_again_text(text, sizeof(text),
		note->name[0] != '\0' ? note->name : note->busid, note->user,
		note->seat) == NULL ||
	    off_add(AGENT_SUSPENDED, note->gateway, text) != 0) {
		log_warn("agent: suspend: %s", AGENT_SUSPENDED);
	}
}

static int
suspend(const struct opts *opts)
{
	int r = ask("suspend", NULL);

	if (r != EXITS_OK && r != EXITS_UNREACHABLE) {
		log_warnx("agent: suspend: the agent does not answer");
	}
	return agent_unplug(opts, AGENT_ALL, write_down) == 0 ? EXITS_OK
							      : EXITS_FAILED;
}

/* One line of the list, "GATEWAY DEVICE", and whose it was. */
static int
attach_again(const struct opts *opts, char *line)
{
	char *text = strchr(line, ' ');
	struct plan_again again;
	int code = EXITS_FAILED;

	if (text == NULL) {
		return EXITS_FAILED;
	}
	*text++ = '\0';
	again = plan_again_parse(text);
	for (unsigned i = 0; i < TRIES && code != EXITS_OK; i++) {
		/* It was attached by hand, so somebody asked for it. */
		const struct agent_try try = {
			.gateway = line,
			.what = again.what,
			.name = "",
			.user = again.user,
			.seat = again.seat,
			.accept = IPC_ACCEPT_LISTED,
		};
		pid_t pid;

		if (i > 0) {
			(void)sleep(i < 4 ? i : 4);
		}
		pid = agent_attach(opts, &try);
		code = agent_await(&pid, ATTACH_MS);
	}
	return code;
}

static int
resume(const struct opts *opts)
{
	uint8_t *text = NULL;
	int r = ask("resume", NULL), code = EXITS_OK;
	char *line, *rest;
	size_t len;

	if (r != EXITS_OK && r != EXITS_UNREACHABLE) {
		log_warnx("agent: resume: the agent does not answer");
		code = EXITS_FAILED;
	}
	r = file_read(AGENT_SUSPENDED, LIST_MAX, FILE_PUBLIC, &text, &len);
	if (r == ERR_NOENT) {
		return code;
	}
	if (r != 0) {
		log_warnx("agent: resume: %s: %s", AGENT_SUSPENDED,
		    err_str(r));
		return EXITS_FAILED;
	}
	(void)unlink(AGENT_SUSPENDED);
	rest = (char *)text;
	while ((line = strsep(&rest, "\n")) != NULL) {
		if (*line != '\0' && attach_again(opts, line) != EXITS_OK) {
			code = EXITS_FAILED;
		}
	}
	free(text);
	return code;
}

int
agent_ask(const struct opts *opts)
{
	int r;

	if (opts->agent == OPTS_AGENT_STATUS) {
		return show_status(opts);
	}
	r = cmd_need_root(opts);
	if (r != 0) {
		return r;
	}
	return opts->agent == OPTS_AGENT_SUSPEND ? suspend(opts)
						 : resume(opts);
}
