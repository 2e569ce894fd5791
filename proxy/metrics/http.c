/*
 * GET /metrics, by libmicrohttpd without its threads: its epoll descriptor is one
 * of our loop's. A request waits, suspended, until the warden answered; those
 * that come meanwhile get the same answer.
 */
#include "proxy/metrics/metrics.h"

#include <microhttpd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"

#define CONNECTIONS 16u
#define MEMORY (16u * 1024u) /* of one */
#define SECONDS 15u	     /* that one may be silent */

struct request {
	LIST_ENTRY(request) entry; /* while it waits */
	struct MHD_Connection *connection;
	int is_waiting;
	char *text; /* owned; what it is answered with */
};

struct http {
	struct loop *loop; /* borrowed */
	struct MHD_Daemon *daemon;
	struct loop_io *io;
	struct loop_timer *timer;
	struct ask *ask;
	LIST_HEAD(waiting, request) waiting;
};

/* ------------------------------------------------------------------------ */
/* The loop                                                                 */

static void
turn(struct http *http)
{
	MHD_UNSIGNED_LONG_LONG ms;

	(void)MHD_run(http->daemon);
	if (MHD_get_timeout(http->daemon, &ms) == MHD_YES) {
		loop_timer_set(http->timer, (uint64_t)ms * CLOCK_MSEC);
	} else {
		loop_timer_stop(http->timer);
	}
}

static void
on_event(void *arg, int events)
{
	(void)events;
	turn(arg);
}

static void
on_timer(void *arg)
{
	turn(arg);
}

static void
on_answer(void *arg, char *text)
{
	struct http *http = arg;
	struct request *r;

	while ((r = LIST_FIRST(&http->waiting)) != NULL) {
		LIST_REMOVE(r, entry);
		r->is_waiting = 0;
		r->text = strdup(text != NULL ? text : "");
		MHD_resume_connection(r->connection);
	}
	free(text);
	loop_timer_set(http->timer, 0);
}

/* ------------------------------------------------------------------------ */
/* Requests                                                                 */

static enum MHD_Result
reply(struct MHD_Connection *connection, unsigned status, const char *type,
    const char *text)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
	    strlen(text), (char *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result r = MHD_NO;

	if (response == NULL) {
		return r;
	}
	if (MHD_add_response_header(response, "Content-Type", type) ==
		MHD_YES &&
	    (status != MHD_HTTP_METHOD_NOT_ALLOWED ||
		MHD_add_response_header(response, "Allow", "GET, HEAD") ==
		    MHD_YES)) {
		r = MHD_queue_response(connection, status, response);
	}
	MHD_destroy_response(response);
	return r;
}

static enum MHD_Result
wait_for_answer(struct http *http, struct request *r)
{
	r->is_waiting = 1;
	LIST_INSERT_HEAD(&http->waiting, r, entry);
	MHD_suspend_connection(r->connection);
	ask_start(http->ask);
	return MHD_YES;
}

static enum MHD_Result
on_request(void *arg, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *data, size_t *size,
    void **state)
{
	struct request *r = *state;

	(void)version;
	(void)data;
	if (r == NULL) { /* its headers are there */
		r = calloc(1, sizeof(*r));
		if (r == NULL) {
			return MHD_NO;
		}
		r->connection = connection;
		*state = r;
		return MHD_YES;
	}
	if (*size != 0) { /* nobody wants a body */
		*size = 0;
		return MHD_YES;
	}
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 &&
	    strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
		return reply(connection, MHD_HTTP_METHOD_NOT_ALLOWED,
		    "text/plain", "only GET\n");
	}
	if (strcmp(url, "/metrics") != 0) {
		return reply(connection, MHD_HTTP_NOT_FOUND, "text/plain",
		    "see /metrics\n");
	}
	if (r->text == NULL) {
		return wait_for_answer(arg, r);
	}
	return reply(connection, MHD_HTTP_OK,
	    "text/plain; version=0.0.4; charset=utf-8", r->text);
}

static void
on_completed(void *arg, struct MHD_Connection *connection, void **state,
    enum MHD_RequestTerminationCode how)
{
	struct request *r = *state;

	(void)arg;
	(void)connection;
	(void)how;
	if (r != NULL) {
		if (r->is_waiting) {
			LIST_REMOVE(r, entry);
		}
		free(r->text);
		free(r);
	}
	*state = NULL;
}

/* ------------------------------------------------------------------------ */

static int
begin(struct http *http, int fd, const char *control)
{
	const union MHD_DaemonInfo *info;

	http->timer = loop_timer_new(http->loop, on_timer, http);
	http->ask = ask_new(http->loop, control, on_answer, http);
	http->daemon = MHD_start_daemon(
	    MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
	    on_request, http, MHD_OPTION_LISTEN_SOCKET, fd,
	    MHD_OPTION_NOTIFY_COMPLETED, on_completed, http,
	    MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS,
	    MHD_OPTION_CONNECTION_TIMEOUT, SECONDS,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY,
	    MHD_OPTION_END);
	if (http->daemon == NULL || http->timer == NULL || http->ask == NULL) {
		return -1;
	}
	info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	http->io = info != NULL ? loop_io_new(http->loop, info->epoll_fd,
				      LOOP_READ, on_event, http)
				: NULL;
	return http->io != NULL ? 0 : -1;
}

struct http *
http_new(struct loop *loop, int fd, const char *control)
{
	struct http *http = calloc(1, sizeof(*http));

	if (http != NULL) {
		http->loop = loop;
		LIST_INIT(&http->waiting);
	}
	if (http == NULL || begin(http, fd, control) != 0) {
		log_warnx("http: cannot begin");
		http_free(http);
		return NULL;
	}
	return http;
}

void
http_free(struct http *http)
{
	struct request *r;

	if (http == NULL) {
		return;
	}
	ask_free(http->ask);
	while ((r = LIST_FIRST(&http->waiting)) != NULL) {
		LIST_REMOVE(r, entry);
		r->is_waiting = 0;
		r->text = strdup("");
		MHD_resume_connection(r->connection);
	}
	loop_io_free(http->io);
	if (http->daemon != NULL) {
		MHD_stop_daemon(http->daemon);
	}
	loop_timer_free(http->timer);
	free(http);
}
