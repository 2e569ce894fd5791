/*
 * The session's machine. Runs in sallyport-session: one process, one
 * connection, one loop. Its privileges only shrink from state to state; the
 * table below says which message may come when. A cell that is empty is a
 * violation of the protocol by one of our own processes, and ends the session.
 */
#include "proxy/session/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/stream.h"
#include "proxy/session/door.h"
#include "proxy/session/flow.h"
#include "proxy/session/limits.h"
#include "proxy/session/session_parts.h"
#include "wire/tally.h"

/* ------------------------------------------------------------------------ */
/* No walls                                                                 */

static int
take_as_it_is(int *fd)
{
	(void)fd;
	return 0;
}

static void
stay(enum session_stage stage)
{
	(void)stage;
}

static const struct session_walls no_walls = {
	.name = "none",
	.take_device = take_as_it_is,
	.close_in = stay,
};
const struct session_walls *const session_no_walls = &no_walls;

/* ------------------------------------------------------------------------ */
/* The machine                                                              */

static int
on_too_late(struct session *s, const struct event_arg *arg)
{
	(void)arg;
	session_end(s, 1, "the peer took too long");
	return 0;
}

static int
on_closing_late(struct session *s, const struct event_arg *arg)
{
	(void)arg;
	log_infox("session: the peer did not close in time");
	session_end(s, s->exit_code, s->closing);
	return 0;
}

/* A message that was on its way when the session began to end. */
static int
ignore(struct session *s, const struct event_arg *arg)
{
	(void)s;
	(void)arg;
	return 0;
}

static step_fn *const table[STATES][EVENTS] = {
    [SS_BORN] = {
	[EV_KEY] = session_on_key,
	[EV_DEADLINE] = on_too_late,
    },
    [SS_HANDSHAKE] = {
	[EV_PEER] = session_on_handshake,
	[EV_DEADLINE] = on_too_late,
    },
    [SS_NAMING] = {
	[EV_PEER] = ignore,
	[EV_IDENTIFIED] = session_on_identified,
	[EV_DEADLINE] = on_too_late,
    },
    [SS_OP] = {
	[EV_PEER] = session_on_request,
	[EV_DEADLINE] = on_too_late,
    },
    [SS_EVENTS] = {
	[EV_PEER] = session_on_lines,
	[EV_LINE] = session_on_line,
	[EV_DEADLINE] = session_on_silence,
    },
    [SS_LISTING] = {
	[EV_PEER] = ignore,
	[EV_LIST_ITEM] = session_on_list_item,
	[EV_LIST_END] = session_on_list_end,
	[EV_DEADLINE] = on_too_late,
    },
    [SS_IMPORTING] = {
	[EV_PEER] = ignore,
	[EV_DEVICE] = session_on_device,
	[EV_IMPORTED] = session_on_imported,
	[EV_PROFILE] = session_on_profile,
	[EV_QUOTA] = session_on_quota,
	[EV_LISTENING] = session_on_listening,
	[EV_CAPTURE] = session_on_capture,
	[EV_DEADLINE] = on_too_late,
    },
    [SS_COMPARING] = {
	[EV_PEER] = ignore,
	[EV_READ] = session_on_read,
	[EV_GONE] = ignore, /* the reader says so, too */
	[EV_PROFILE] = session_on_profile,
	[EV_LISTENING] = session_on_listening,
	[EV_CAPTURE] = session_on_capture,
	[EV_DEADLINE] = on_too_late,
    },
    [SS_STREAMING] = {
	[EV_PEER] = session_on_stream,
	[EV_CONFIG_SET] = session_on_config_set,
	[EV_GONE] = session_on_gone,
	[EV_PROFILE] = session_on_profile,
	[EV_ANSWER] = session_on_answer,
	[EV_LISTENING] = session_on_listening,
	[EV_CAPTURE] = session_on_capture,
    },
    [SS_REFUSING] = {
	[EV_PEER] = session_on_leftover,
	[EV_DEADLINE] = on_closing_late,
    },
    [SS_CLOSING] = {
	[EV_PEER] = ignore,
	[EV_LIST_ITEM] = ignore, [EV_LIST_END] = ignore, [EV_LINE] = ignore,
	[EV_DEVICE] = ignore,
	[EV_IMPORTED] = ignore,
	[EV_READ] = ignore,
	[EV_CONFIG_SET] = ignore,
	[EV_PROFILE] = ignore, [EV_QUOTA] = ignore,
	[EV_ANSWER] = ignore, [EV_LISTENING] = ignore,
	[EV_CAPTURE] = ignore,
	[EV_GONE] = ignore,
	[EV_DEADLINE] = on_closing_late,
    },
};

static const char *const state_names[STATES] = {
    "born", "handshake", "naming", "op", "events", "listing", "importing",
    "comparing", "streaming", "refusing", "closing", "ended"};

static const char *const event_names[EVENTS] = {"key", "peer", "identified",
    "list-item", "list-end", "line", "profile", "quota", "answer",
    "listening", "capture", "device", "imported", "read", "config-set",
    "gone", "deadline"};

const char *
session_state_name(unsigned state)
{
	return state < STATES ? state_names[state] : NULL;
}

const char *
session_event_name(unsigned event)
{
	return event < EVENTS ? event_names[event] : NULL;
}

int
session_has_step(unsigned state, unsigned event)
{
	return state < STATES && event < EVENTS && table[state][event] != NULL;
}

void
session_event(struct session *s, enum event ev, const struct event_arg *arg)
{
	static const struct event_arg nothing;
	step_fn *step = table[s->state][ev];
	char why[96];
	int r = ERR_PEER;

	if (s->state == SS_ENDED) {
		return;
	}
	if (step != NULL) {
		r = step(s, arg != NULL ? arg : &nothing);
	}
	if (r != 0) {
		snprintf(why, sizeof(why), "%s while %s: %s", event_names[ev],
		    state_names[s->state],
		    step == NULL ? "not expected" : err_str(r));
		session_end(s, 1, why);
	}
}

/* How far that is, in the warden's words. */
static enum ipc_session_state
told_state(enum state state)
{
	switch (state) {
	case SS_BORN:
		return IPC_ST_BORN;
	case SS_HANDSHAKE:
	case SS_NAMING:
		return IPC_ST_HANDSHAKE;
	case SS_OP:
	case SS_EVENTS:
	case SS_LISTING:
		return IPC_ST_IDENTIFIED;
	case SS_IMPORTING:
	case SS_COMPARING:
		return IPC_ST_IMPORTING;
	case SS_STREAMING:
		return IPC_ST_STREAMING;
	case SS_REFUSING:
	case SS_CLOSING:
	case SS_ENDED:
	case STATES:
		break;
	}
	return IPC_ST_CLOSING;
}

static void
tell_state(struct session *s)
{
	struct ipc_byte m = {.value = (uint8_t)told_state(s->state)};
	uint8_t buf[8];
	int n;

	if (m.value <= s->told) {
		return;
	}
	s->told = m.value;
	n = ipc_encode_byte(buf, sizeof(buf), &m);
	/* the warden may be on its way out itself: its silence is no reason
	 * to end, EOF on its channel is */
	(void)channel_send(s->warden, IPC_STATE, 0, buf, (size_t)n, -1);
}

void
session_set_state(struct session *s, enum state next)
{
	if (s->state == next) {
		return;
	}
	log_debugx("session: %s -> %s", state_names[s->state],
	    state_names[next]);
	s->state = next;
	tell_state(s);
}

void
session_end(struct session *s, int exit_code, const char *why)
{
	if (s->state == SS_ENDED) {
		return;
	}
	if (exit_code != 0) {
		log_warnx("session: ended: %s", why);
	} else {
		log_infox("session: ended: %s", why);
	}
	s->exit_code = exit_code;
	session_set_state(s, SS_ENDED);
	/* what remains is done at the end of this turn */
	loop_timer_set(s->again, 0);
}

void
session_close(struct session *s, int exit_code, const char *why)
{
	if (s->state == SS_CLOSING || s->state == SS_ENDED) {
		return;
	}
	s->exit_code = exit_code;
	snprintf(s->closing, sizeof(s->closing), "%s", why);
	session_set_state(s, SS_CLOSING);
	loop_timer_set(s->deadline, CLOSING_LIMIT);
	loop_timer_set(s->again, 0);
}

/* ------------------------------------------------------------------------ */
/* Channels                                                                 */

int
session_tell(
    struct session *s, int chan, uint16_t type, const void *buf, int len)
{
	int r = len < 0 ? len : channel_send(chan, type, 0, buf, (size_t)len,
				    -1);

	if (r != 0) {
		session_end(s, 1,
		    chan == s->broker ? "the broker does not listen" :
					"the warden does not listen");
	}
	return r;
}

void
session_refused(struct session *s, const char *rule, const char *text)
{
	refusals_send(&s->refusals, rule, text);
}

static int
event_of(uint16_t type, int from_broker)
{
	static const struct {
		uint16_t type;
		int from_broker;
		enum event ev;
	} types[] = {
		{IPC_KEY_IS, 1, EV_KEY},
		{IPC_DEVICE, 1, EV_DEVICE},
		{IPC_CONFIG_SET, 1, EV_CONFIG_SET},
		{IPC_IDENTIFIED, 0, EV_IDENTIFIED},
		{IPC_LIST_ITEM, 0, EV_LIST_ITEM},
		{IPC_LIST_END, 0, EV_LIST_END},
		{IPC_IMPORTED, 0, EV_IMPORTED},
		{IPC_LINE, 0, EV_LINE},
		{IPC_PROFILE, 0, EV_PROFILE},
		{IPC_QUOTA_IS, 0, EV_QUOTA},
		{IPC_ANSWER, 0, EV_ANSWER},
		{IPC_LISTENING, 0, EV_LISTENING},
		{IPC_CAPTURE, 0, EV_CAPTURE},
	};

	for (unsigned i = 0; i < ARRAY_LEN(types); i++) {
		if (types[i].type == type &&
		    types[i].from_broker == from_broker) {
			return (int)types[i].ev;
		}
	}
	return -1;
}

static void
take_message(struct session *s, const struct channel_msg *msg, int from_broker)
{
	int ev = event_of(msg->type, from_broker), fd = msg->fd;
	struct event_arg arg = {.msg = msg, .fd = &fd};

	/* a capture begins with a descriptor, and ends without; the CRL is one,
	 * if there is a CRL */
	if (ev < 0 || (ev != EV_CAPTURE && ev != EV_KEY &&
		(fd != -1) != (ev == EV_DEVICE || ev == EV_PROFILE))) {
		session_end(s, 1, "message of an unknown kind");
	} else {
		session_event(s, (enum event)ev, &arg);
	}
	close_fd(&fd);
}

static void
read_channel(struct session *s, int chan)
{
	while (s->state != SS_ENDED) {
		struct channel_msg msg;
		int r = channel_recv(chan, s->buf, sizeof(s->buf), &msg);

		if (r == ERR_AGAIN) {
			return;
		}
		if (r != 0) {
			session_end(s, 1,
			    chan == s->broker ? "the broker left" :
						"the warden left");
			return;
		}
		take_message(s, &msg, chan == s->broker);
	}
}

static void
on_broker(void *arg, int events)
{
	struct session *s = arg;

	(void)events;
	read_channel(s, s->broker);
}

static void
on_warden(void *arg, int events)
{
	struct session *s = arg;

	(void)events;
	read_channel(s, s->warden);
}

static void
on_deadline(void *arg)
{
	session_event(arg, EV_DEADLINE, NULL);
}

static void
on_again(void *arg)
{
	session_event(arg, EV_PEER, NULL);
}

/* What was counted, if that is more than it was. */
static void
tell_tally(struct session *s)
{
	const struct tally *tally =
	    s->flow != NULL ? flow_tally(s->flow) : NULL;
	uint8_t buf[TALLY_WIRE];
	int n;

	if (tally == NULL || tally->urbs == s->told_urbs) {
		return;
	}
	n = tally_encode(buf, sizeof(buf), tally);
	/* one that is lost is in the next one */
	if (n > 0 &&
	    channel_send(s->warden, IPC_TALLY, 0, buf, (size_t)n, -1) == 0) {
		s->told_urbs = tally->urbs;
	}
}

static void
tell_active(struct session *s)
{
	session_quotas(s);
	tell_tally(s);
	s->was_active = 0;
	s->is_quiet = 1;
	loop_timer_set(s->quiet, ACTIVE_PAUSE);
	/* one that is lost was one of many */
	(void)channel_send(s->warden, IPC_ACTIVE, 0, NULL, 0, -1);
}

static void
on_quiet_over(void *arg)
{
	struct session *s = arg;

	s->is_quiet = 0;
	if (s->was_active && s->state == SS_STREAMING) {
		tell_active(s);
	} else {
		tell_tally(s); /* what ended since */
	}
}

void
session_active(struct session *s)
{
	/* Most of the time this is all that a transfer costs. */
	if (s->is_quiet) {
		s->was_active = 1;
	} else if (s->state == SS_STREAMING) {
		tell_active(s);
	}
}

/* ------------------------------------------------------------------------ */
/* Turns, birth and death                                                   */

static void
finish(struct session *s)
{
	s->is_over = 1;
	loop_io_free(s->broker_io);
	loop_io_free(s->warden_io);
	loop_io_free(s->peer_io);
	s->broker_io = s->warden_io = s->peer_io = NULL;
	loop_timer_free(s->deadline);
	loop_timer_free(s->again);
	loop_timer_free(s->pulse);
	loop_timer_free(s->quiet);
	s->deadline = s->again = s->pulse = s->quiet = NULL;
	session_quotas(s);
	tell_tally(s);
	if (s->stream != NULL) {
		(void)stream_shutdown(s->stream);
	}
	/* the peer first: calling URBs back may take a while */
	stream_free(s->stream);
	s->stream = NULL;
	close_fd(&s->peer);
	session_drop_device(s);
	s->how.ended(s->how.arg, s->exit_code);
}

static void
on_turn(void *arg)
{
	struct session *s = arg;

	if (s->is_over) {
		return;
	}
	if (s->state != SS_ENDED) {
		session_peer_turn(s);
	}
	if (s->state == SS_ENDED) {
		finish(s);
	}
}

static int
start(struct session *s)
{
	struct loop *loop = s->how.loop;

	if (inq_init(&s->in) != 0) {
		return ERR_NOMEM;
	}
	s->broker_io = loop_io_new(loop, s->broker, LOOP_READ, on_broker, s);
	s->warden_io = loop_io_new(loop, s->warden, LOOP_READ, on_warden, s);
	s->deadline = loop_timer_new(loop, on_deadline, s);
	s->again = loop_timer_new(loop, on_again, s);
	s->pulse = loop_timer_new(loop, session_on_pulse, s);
	s->quiet = loop_timer_new(loop, on_quiet_over, s);
	s->turn = loop_turn_new(loop, on_turn, s);
	s->record = malloc(sizeof(*s->record));
	s->scratch = malloc(sizeof(*s->scratch));
	if (s->broker_io == NULL || s->warden_io == NULL ||
	    s->deadline == NULL || s->again == NULL || s->pulse == NULL ||
	    s->quiet == NULL ||
	    s->turn == NULL || s->record == NULL || s->scratch == NULL) {
		return ERR_NOMEM;
	}
	loop_timer_set(s->deadline, HANDSHAKE_LIMIT);
	return channel_send(s->broker, IPC_KEY, 0, NULL, 0, -1);
}

int
session_new(struct session **outp, const struct session_how *how)
{
	struct session *s = calloc(1, sizeof(*s));
	int r;

	*outp = NULL;
	if (s == NULL) {
		int fds[3] = {how->broker, how->warden, how->peer};

		for (unsigned i = 0; i < ARRAY_LEN(fds); i++) {
			close_fd(&fds[i]);
		}
		how->door->ops->free(how->door);
		return ERR_NOMEM;
	}
	s->how = *how;
	s->limits =
	    how->limits != NULL ? how->limits : &session_limits_default;
	if (s->how.walls == NULL) {
		s->how.walls = session_no_walls;
	}
	s->broker = how->broker;
	s->warden = how->warden;
	s->peer = how->peer;
	s->door = how->door;
	s->device_fd = -1;
	outq_init(&s->out);
	refusals_init(&s->refusals, s->warden);
	r = start(s);
	if (r != 0) {
		session_free(s);
		return r;
	}
	*outp = s;
	return 0;
}

void
session_free(struct session *s)
{
	if (s == NULL) {
		return;
	}
	loop_io_free(s->broker_io);
	loop_io_free(s->warden_io);
	loop_io_free(s->peer_io);
	loop_timer_free(s->deadline);
	loop_timer_free(s->again);
	loop_timer_free(s->pulse);
	loop_timer_free(s->quiet);
	loop_turn_free(s->turn);
	session_drop_device(s);
	stream_free(s->stream);
	if (s->door != NULL) {
		s->door->ops->free(s->door);
	}
	inq_fini(&s->in);
	outq_fini(&s->out);
	op_list_fini(&s->list);
	free(s->record);
	free(s->exposed);
	free(s->fresh);
	free(s->scratch);
	close_fd(&s->peer);
	close_fd(&s->broker);
	close_fd(&s->warden);
	mem_wipe(s->buf, sizeof(s->buf));
	free(s);
}
