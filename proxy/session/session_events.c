/*
 * A session whose peer watches: lines from the peer to the warden and back. The
 * session looks at their length and their bytes and never at their meaning; it
 * holds no device and cannot get one any more.
 *
 * A line ends in a newline and has no other control character. A peer that says
 * nothing for a while, too much at once, or does not read, is let go.
 */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/loop.h"
#include "base/stream.h"
#include "proxy/session/door.h"
#include "proxy/session/session_parts.h"

#define SILENCE (15 * CLOCK_SEC) /* docs/PROTOCOL.md */
#define LINES_WINDOW (10 * CLOCK_SEC)
#define LINES_MAX 100u		   /* in a window */
#define OUT_MAX (1024u * 1024u) /* that the peer did not read so far */

int
session_wants_events(struct session *s)
{
	const char *name = s->door->ops->protocol(s->door, s->stream);

	return name != NULL && strcmp(name, DOOR_EVENTS) == 0;
}

void
session_subscribe(struct session *s)
{
	session_set_state(s, SS_EVENTS);
	s->how.walls->close_in(SESSION_WATCHING);
	loop_timer_set(s->deadline, SILENCE);
	loop_timer_set(s->again, 0);
	session_tell(s, s->warden, IPC_SUBSCRIBE, NULL, 0);
}

static void
refuse(struct session *s, const char *rule, const char *why)
{
	session_refused(s, rule, why);
	session_close(s, 1, why);
}

static int
is_flood(struct session *s)
{
	uint64_t now = clock_mono();

	if (s->rate.n == 0 || now - s->rate.since > LINES_WINDOW) {
		s->rate = (struct lines_rate){.since = now, .n = 0};
	}
	return ++s->rate.n > LINES_MAX;
}

/* One line of the peer, without its end. */
static void
pass_on(struct session *s, const uint8_t *text, size_t len)
{
	struct ipc_line line = {
		.text = (const char *)text, .len = (uint32_t)len};
	int n;

	if (is_flood(s)) {
		refuse(s, "events.flood", "more lines than it may send");
		return;
	}
	n = ipc_encode_line(s->buf, sizeof(s->buf), &line);
	if (n < 0) {
		refuse(s, "events.line",
		    "an empty line, or one with control characters");
		return;
	}
	loop_timer_set(s->deadline, SILENCE);
	session_tell(s, s->warden, IPC_SAID, s->buf, n);
}

/* Every whole line that is there. */
static void
take_lines(struct session *s)
{
	while (s->state == SS_EVENTS) {
		const uint8_t *p = inq_peek(&s->in);
		size_t have = inq_len(&s->in);
		const uint8_t *end = memchr(p, '\n', have);
		size_t len = end != NULL ? (size_t)(end - p) : have;

		if (len > IPC_LINE_MAX) {
			refuse(s, "events.line", "a line over 16 KiB");
			return;
		}
		if (end == NULL) {
			return;
		}
		pass_on(s, p, len);
		inq_drop(&s->in, len + 1);
	}
}

int
session_on_lines(struct session *s, const struct event_arg *arg)
{
	int full;

	(void)arg;
	while (s->state == SS_EVENTS) {
		ssize_t n = inq_fill(&s->in, s->stream, &full);

		if (n == STREAM_WANT_READ || n == STREAM_WANT_WRITE) {
			s->read_wants_write = n == STREAM_WANT_WRITE;
			return 0;
		}
		if (n <= 0) {
			session_end(s, n == ERR_CLOSED ? 0 : 1,
			    "the watching peer left");
			return 0;
		}
		take_lines(s);
	}
	return 0;
}

int
session_on_line(struct session *s, const struct event_arg *arg)
{
	struct ipc_line line;

	if (ipc_decode_line(&line, arg->msg->data, arg->msg->len) != 0) {
		return ERR_FORMAT;
	}
	if (s->out.used + line.len + 1 > OUT_MAX) {
		session_refused(
		    s, "events.slow", "does not read what it watches");
		session_end(s, 1, "the watching peer does not read");
		return 0;
	}
	outq_put(&s->out, line.text, line.len);
	outq_put(&s->out, "\n", 1);
	return 0;
}

int
session_on_silence(struct session *s, const struct event_arg *arg)
{
	(void)arg;
	refuse(s, "events.silence", "not a line in 15 seconds");
	return 0;
}
