/*
 * Captures as a session has them. One begins because the rule of its import, an
 * operator, or a rule of a profile wants it. The first two come from the warden
 * with a pipe. For the third the pipe is asked for when the first such rule
 * speaks; what it wants kept waits in memory until the pipe comes.
 */
#include "proxy/session/session_parts.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "proxy/session/capture.h"
#include "proxy/session/flow.h"

static int
begin(struct session *s, uint32_t transfers)
{
	int r = 0;

	if (s->capture == NULL) {
		r = capture_new(&s->capture, s->how.loop);
		if (r == 0 && s->flow != NULL) {
			session_tap(s);
		}
	}
	if (r == 0) {
		capture_want(s->capture, transfers);
	}
	return r;
}

void
session_tap(struct session *s)
{
	if (s->capture != NULL) {
		capture_describe(s->capture,
		    (uint32_t)s->place.busnum << 16 | s->place.devnum,
		    flow_floor(s->flow));
		flow_tap(s->flow, capture_tap(s->capture));
	}
}

void
session_end_capture(struct session *s)
{
	if (s->flow != NULL) {
		flow_tap(s->flow, NULL);
	}
	capture_free(s->capture);
	s->capture = NULL;
}

/* A pipe's end that can be written to without waiting. */
static int
is_pipe(int fd)
{
	struct stat st;
	int flags = fcntl(fd, F_GETFL);

	return flags != -1 && (flags & O_ACCMODE) == O_WRONLY &&
	    fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode) &&
	    fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

int
session_on_capture(struct session *s, const struct event_arg *arg)
{
	struct ipc_capture m;

	if (*arg->fd == -1) {
		if (arg->msg->len != 0) {
			return ERR_FORMAT;
		}
		session_end_capture(s);
		log_infox("session: no capture any more");
		return 0;
	}
	if (ipc_decode_capture(&m, arg->msg->data, arg->msg->len) != 0 ||
	    !is_pipe(*arg->fd) ||
	    (s->capture != NULL && capture_is_open(s->capture))) {
		return ERR_FORMAT;
	}
	if (begin(s, m.is_all ? CAPTURE_ALL : 0) != 0) {
		return 0; /* the pipe's end tells */
	}
	capture_open(s->capture, *arg->fd, m.payload);
	*arg->fd = -1;
	log_infox("session: transfers are captured");
	return 0;
}

/* The first time that a rule wants one. */
static void
ask_for_pipe(struct session *s, const struct inspect_report *report)
{
	struct ipc_wanted m;
	uint8_t buf[512];
	int n;

	s->is_capture_wanted = 1;
	memset(&m, 0, sizeof(m));
	m.line = report->rule.line;
	(void)snprintf(m.profile, sizeof(m.profile), "%s", report->profile);
	(void)snprintf(m.key, sizeof(m.key), "%s", report->rule.key);
	(void)snprintf(m.file, sizeof(m.file), "%s", report->rule.file);
	n = ipc_encode_wanted(buf, sizeof(buf), &m);
	if (n > 0) {
		(void)channel_send(s->warden, IPC_CAPTURE_WANTED, 0, buf,
		    (size_t)n, -1);
	}
}

void
session_capture_ruled(struct session *s, const struct inspect_report *report,
    const void *buf, size_t len)
{
	if (report->transfer == NULL) {
		return; /* about none that could be kept */
	}
	if (report->rule.has_capture) {
		uint32_t n = report->rule.capture;

		if (s->capture == NULL && s->is_capture_wanted) {
			return; /* it was, and an operator ended it */
		}
		if (begin(s, n != 0 ? n : CAPTURE_ALL) != 0) {
			return;
		}
		if (!s->is_capture_wanted && !capture_is_open(s->capture)) {
			ask_for_pipe(s, report);
		}
		capture_late(s->capture, report->transfer);
	}
	capture_ruled(s->capture, report->transfer, buf, len);
}
