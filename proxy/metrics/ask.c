/*
 * {"op":"metrics"} to the warden's control socket, without waiting: the loop goes
 * on meanwhile. A connection is one question; a gateway that is not there, or
 * does not answer in time, is an answer as well.
 */
#include "proxy/metrics/metrics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"

#define ANSWER_MAX (1u * 1024u * 1024u)
#define PATIENCE (5 * CLOCK_SEC)

struct ask {
	struct loop *loop; /* borrowed, as is path */
	const char *path;
	ask_done *done;
	void *arg;
	int fd; /* owned; -1 = nothing is asked */
	struct loop_io *io;
	struct loop_timer *limit;
	char *in; /* owned */
	size_t used;
	int is_down; /* said in the log */
};

static void
end(struct ask *ask, const char *why)
{
	json_t *o = why == NULL
	    ? json_loadb(ask->in, ask->used, JSON_REJECT_DUPLICATES, NULL)
	    : NULL;
	char *text;

	loop_io_free(ask->io);
	ask->io = NULL;
	loop_timer_stop(ask->limit);
	close_fd(&ask->fd);
	if (o != NULL && !json_is_true(json_object_get(o, "ok"))) {
		why = json_string_value(json_object_get(o, "error"));
		why = why != NULL ? why : "refused";
	} else if (o == NULL && why == NULL) {
		why = "it ended without an answer: is this one of the group "
		      "of [control] metrics in gateway.conf?";
	}
	if (why != NULL && !ask->is_down) {
		log_warnx("ask %s: %s", ask->path, why);
	}
	ask->is_down = why != NULL;
	text = metrics_text(why == NULL ? o : NULL);
	json_decref(o);
	ask->used = 0;
	ask->done(ask->arg, text);
}

static void
on_limit(void *arg)
{
	end(arg, "no answer");
}

static void
on_readable(void *arg, int events)
{
	struct ask *ask = arg;
	ssize_t n = recv(
	    ask->fd, ask->in + ask->used, ANSWER_MAX - ask->used, 0);

	(void)events;
	if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
		return;
	}
	if (n > 0) {
		ask->used += (size_t)n;
		if (ask->used < ANSWER_MAX) {
			return;
		}
		end(ask, "too long an answer");
	} else {
		end(ask, n == 0 ? NULL : strerror(errno));
	}
}

/* 0, or an errno. A listener of this machine takes a connection at once, or
 * has no room. */
static int
dial(struct ask *ask)
{
	static const char question[] = "{\"op\":\"metrics\"}\n";
	struct sockaddr_un to = {.sun_family = AF_UNIX};

	if (strlen(ask->path) >= sizeof(to.sun_path)) {
		return ENAMETOOLONG;
	}
	memcpy(to.sun_path, ask->path, strlen(ask->path) + 1);
	ask->fd = socket(
	    AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (ask->fd == -1 ||
	    connect(ask->fd, (struct sockaddr *)&to, sizeof(to)) == -1 ||
	    send(ask->fd, question, sizeof(question) - 1, MSG_NOSIGNAL) ==
		-1) {
		return errno;
	}
	ask->io = loop_io_new(
	    ask->loop, ask->fd, LOOP_READ, on_readable, ask);
	return ask->io != NULL ? 0 : ENOMEM;
}

struct ask *
ask_new(struct loop *loop, const char *path, ask_done *done, void *arg)
{
	struct ask *ask = calloc(1, sizeof(*ask));

	if (ask == NULL) {
		return NULL;
	}
	*ask = (struct ask){.loop = loop,
	    .path = path,
	    .done = done,
	    .arg = arg,
	    .fd = -1,
	    .in = malloc(ANSWER_MAX),
	    .limit = loop_timer_new(loop, on_limit, ask)};
	if (ask->in == NULL || ask->limit == NULL) {
		ask_free(ask);
		return NULL;
	}
	return ask;
}

void
ask_start(struct ask *ask)
{
	int e;

	if (ask->fd != -1) {
		return;
	}
	loop_timer_set(ask->limit, PATIENCE);
	e = dial(ask);
	if (e != 0) {
		end(ask, strerror(e));
	}
}

void
ask_free(struct ask *ask)
{
	if (ask != NULL) {
		loop_io_free(ask->io);
		loop_timer_free(ask->limit);
		close_fd(&ask->fd);
		free(ask->in);
		free(ask);
	}
}
