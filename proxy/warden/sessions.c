/*
 * Sessions as the warden sees them: a connection that somebody accepted, a
 * process that speaks for it, an identity that it reports once, and the device
 * it may hold. A session that speaks out of turn is killed.
 */
#include "proxy/warden/warden.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/net.h"
#include "wire/usbip_check.h"

#define REFUSALS_LOGGED 100

struct session *
session_find(struct warden *w, uint32_t conn)
{
	struct session *s;

	TAILQ_FOREACH (s, &w->sessions, entry) {
		if (s->conn == conn) {
			return s;
		}
	}
	return NULL;
}

static void
close_channel(struct session *s)
{
	loop_io_free(s->io);
	s->io = NULL;
	close_fd(&s->chan);
}

/* The process is gone (or never was): nothing of it stays. */
static void
session_free(struct session *s)
{
	struct warden *w = s->warden;
	struct device *dev = s->device;

	close_channel(s);
	held_forget(s);
	captures_forget(s);
	lease_end(s);
	events_close(s);
	if (s->peer_fd != -1) {
		shutdown(s->peer_fd, SHUT_RDWR);
	}
	close_fd(&s->peer_fd);
	TAILQ_REMOVE(&w->sessions, s, entry);
	w->nsessions--;
	if (dev != NULL) {
		s->device = NULL;
		registry_release(dev);
	}
	free(s);
}

/* The person hears why, and the stream ends now, whatever the session does. */
static void
cut(struct session *s, const char *why)
{
	if (s->device != NULL) {
		events_message(
		    s->warden, s->identity, s->device->name, why);
	}
	if (s->phase != SESSION_SPAWNING) {
		warden_ask(s->warden, IPC_KILL, s->conn, NULL, 0, -1);
	}
	s->phase = SESSION_ENDING;
	shutdown(s->peer_fd, SHUT_RDWR);
	close_channel(s);
}

void
session_eject(
    struct session *s, const char *why, const struct rule_decision *decision)
{
	if (s->phase != SESSION_ENDING) {
		s->warden->metrics.ejected++;
		audit_write(s->warden, "session", "ejected", s, s->device,
		    decision, "reason", why, (char *)NULL);
		cut(s, why);
	}
}

void
session_revoke(struct session *s)
{
	char serial[2 * sizeof(s->facts.serial) + 1];

	if (s->phase == SESSION_ENDING) {
		return;
	}
	audit_write(s->warden, "session", "revoked", s, s->device, NULL,
	    "reason", REVOKED_TEXT, "issuer", s->facts.issuer, "serial",
	    digest_hex(serial, sizeof(serial), s->facts.serial,
		s->facts.serial_len), (char *)NULL);
	if (s->lease != NULL) {
		s->lease->is_revoked = 1;
	}
	cut(s, REVOKED_TEXT);
}

static void
who_calls(struct caller *out, int fd)
{
	union {
		struct sockaddr sa;
		struct sockaddr_storage all;
	} addr = {.all = {.ss_family = AF_UNSPEC}};
	socklen_t len = sizeof(addr);

	(void)getpeername(fd, &addr.sa, &len);
	caller_of(out, &addr.sa);
}

static const char *
judge_caller(struct warden *w, const struct caller *from)
{
	const struct gateway_conf *conf = &w->conf;
	const struct caller_bounds bounds = {
		.all = conf->max_sessions,
		.unknown = conf->max_handshakes,
		.same = conf->address_sessions,
		.same_unknown = conf->address_handshakes,
		.rate = conf->address_rate,
	};
	struct caller_count count = {.all = w->nsessions};
	const struct session *s;

	TAILQ_FOREACH (s, &w->sessions, entry) {
		int is_same = caller_is(&s->from, from);

		count.same += (unsigned)is_same;
		if (!s->is_identified) {
			count.unknown++;
			count.same_unknown += (unsigned)is_same;
		}
	}
	return callers_judge(&w->callers, from, &count, &bounds, clock_mono());
}

/* The log is not theirs to fill. */
static void
turn_away(struct warden *w, int fd, const char *why)
{
	char peer[PEER_NAME];
	uint64_t since;

	if (callers_tell(&w->callers, clock_mono(), &since)) {
		log_warnx("accept %s: turned away by [gateway] %s; %llu in "
			  "all since the last such line",
		    net_peer_name(peer, sizeof(peer), fd), why,
		    (unsigned long long)since);
	}
	close_fd(&fd);
}

void
session_accept(struct warden *w, int fd)
{
	struct caller from;
	struct session *s;
	const char *why;

	who_calls(&from, fd);
	why = judge_caller(w, &from);
	if (why != NULL) {
		turn_away(w, fd, why);
		return;
	}
	s = calloc(1, sizeof(*s));
	if (s == NULL) {
		log_warn("accept");
		close_fd(&fd);
		return;
	}
	s->warden = w;
	s->from = from;
	s->conn = w->next_conn++;
	s->phase = SESSION_SPAWNING;
	s->chan = -1;
	s->since = clock_wall();
	net_peer_name(s->peer, sizeof(s->peer), fd);
	s->peer_fd = fd;
	TAILQ_INSERT_TAIL(&w->sessions, s, entry);
	w->nsessions++;
	w->metrics.sessions++;
	if (net_tune(fd, &w->conf.live) != 0) {
		log_warn("tune the socket of %s", s->peer);
		session_free(s);
		return;
	}
	warden_ask(w, IPC_SPAWN, s->conn, NULL, 0, fd);
}

static int
reply_result(struct session *s, uint16_t type, int err)
{
	uint8_t buf[16];
	struct ipc_result m = {.err = err};

	return channel_send(s->chan, type, s->conn, buf,
	    (size_t)ipc_encode_result(buf, sizeof(buf), &m), -1);
}

static int
on_identity(struct session *s, const struct channel_msg *msg)
{
	if (s->is_identified ||
	    identity_decode(&s->facts, msg->data, msg->len) != 0) {
		return ERR_FORMAT;
	}
	s->is_identified = 1;
	identity_name(s->identity, sizeof(s->identity), &s->facts);
	world_who(s->who, s->identity);
	audit_write(s->warden, "session", "identified", s, NULL, NULL,
	    "subject", s->facts.subject, "issuer", s->facts.issuer,
	    (char *)NULL);
	if (revoked_is(s->warden, &s->facts)) {
		/* since its handshake */
		session_revoke(s);
		return 0;
	}
	return reply_result(s, IPC_IDENTIFIED, 0);
}

/* A device is in a list when it was read and a rule allows it. */
static int
is_listed(
    struct session *s, const struct device *dev, struct rule_exposure *exposes)
{
	struct judged judged;
	int shown;

	if (dev->record == NULL || dev->state == DEVICE_REFUSED ||
	    dev->state == DEVICE_KEPT) {
		return 0;
	}
	policy_decide(s->warden, dev, s, RULE_AT_LIST, &judged);
	shown = judged.d.verdict == RULE_ALLOW && !device_is_quarantined(dev);
	audit_notes(s->warden, s, dev, &judged);
	audit_write(s->warden, "list", shown ? "shown" : "hidden", s, dev,
	    &judged.d, (char *)NULL);
	*exposes = judged.d.exposes;
	return shown;
}

static int
on_list(struct session *s, const struct channel_msg *msg)
{
	struct warden *w = s->warden;
	struct device *dev;
	struct rule_exposure exposes;
	struct ipc_item item;
	int n, r = 0;

	if (!s->is_identified || s->events != NULL || msg->len != 0) {
		return ERR_FORMAT;
	}
	s->has_asked = 1;
	TAILQ_FOREACH (dev, &w->devices, entry) {
		if (r != 0 || !is_listed(s, dev, &exposes) ||
		    item_fill(&item, dev, &exposes) != 0) {
			continue;
		}
		n = ipc_encode_item(w->out, sizeof(w->out), &item);
		r = n < 0 ? n
			  : channel_send_wait(s->chan, IPC_LIST_ITEM, s->conn,
				w->out, (size_t)n, -1, 1000);
	}
	return r != 0 ? r
		      : channel_send_wait(s->chan, IPC_LIST_END, s->conn, NULL,
			    0, -1, 1000);
}

static int
on_refused(struct session *s, const struct channel_msg *msg)
{
	struct ipc_refused m;

	if (ipc_decode_refused(&m, msg->data, msg->len) != 0) {
		return ERR_FORMAT;
	}
	metrics_refused(&s->warden->metrics,
	    !s->is_identified	? METRICS_BY_HANDSHAKE
		: s->device == NULL ? METRICS_BY_REQUEST
				    : METRICS_BY_FLOOR,
	    m.rule, 1);
	/* Told at length only so often: a log is not a place to flood. */
	if (s->refusals++ < REFUSALS_LOGGED) {
		audit_write(s->warden,
		    !s->is_identified	    ? "handshake"
			: s->device == NULL ? "request"
					    : "transfer",
		    "refused", s, s->device, NULL, "refusal", m.rule, "detail",
		    m.text, (char *)NULL);
	}
	return 0;
}

static int
on_state(struct session *s, const struct channel_msg *msg)
{
	struct ipc_byte m;

	if (ipc_decode_byte(&m, msg->data, msg->len) != 0 ||
	    m.value > IPC_ST_CLOSING || m.value < s->state) {
		return ERR_FORMAT;
	}
	s->state = (enum ipc_session_state)m.value;
	if (s->state == IPC_ST_STREAMING) {
		audit_write(s->warden, "session", "streaming", s, s->device,
		    NULL, (char *)NULL);
	}
	return 0;
}

static int
on_event(struct session *s, const struct channel_msg *msg)
{
	struct ipc_text m;

	if (ipc_decode_text(&m, msg->data, msg->len) != 0) {
		return ERR_FORMAT;
	}
	audit_write(s->warden, "session", "said", s, s->device, NULL, "text",
	    m.text, (char *)NULL);
	return 0;
}

/* Transfers go through: no answer, the lease stays awake. */
static int
on_active(struct session *s, const struct channel_msg *msg)
{
	if (s->device == NULL || msg->len != 0) {
		return ERR_FORMAT;
	}
	lease_active(s);
	return 0;
}

/* What goes through it in a second; it tells about once in one, and once more
 * when it ends. */
static void
note_rate(struct session *s, const struct tally *now)
{
	uint64_t at = clock_mono();
	uint64_t ms = (at - s->rate.at) / CLOCK_MSEC;

	if (s->rate.at != 0 && ms < 500) {
		return;
	}
	if (s->rate.at == 0 || ms > 2000) {
		ms = 1000; /* it was silent before */
	}
	s->rate.urbs_s = (now->urbs - s->rate.urbs) * 1000 / ms;
	s->rate.in_s = (now->bytes_in - s->rate.in) * 1000 / ms;
	s->rate.out_s = (now->bytes_out - s->rate.out) * 1000 / ms;
	s->rate.urbs = now->urbs;
	s->rate.in = now->bytes_in;
	s->rate.out = now->bytes_out;
	s->rate.at = at;
}

static int
on_tally(struct session *s, const struct channel_msg *msg)
{
	struct tally now;

	if (s->device == NULL ||
	    tally_decode(&now, msg->data, msg->len) != 0 ||
	    tally_add(&s->warden->metrics.tally, &s->tally, &now) != 0) {
		return ERR_FORMAT;
	}
	note_rate(s, &now);
	s->tally = now;
	return 0;
}

static int
on_subscribe(struct session *s, const struct channel_msg *msg)
{
	if (!s->is_identified || s->has_asked || msg->len != 0) {
		return ERR_FORMAT;
	}
	s->has_asked = 1;
	return events_open(s);
}

static int
on_said(struct session *s, const struct channel_msg *msg)
{
	struct ipc_line line;

	if (s->events == NULL ||
	    ipc_decode_line(&line, msg->data, msg->len) != 0) {
		return ERR_FORMAT;
	}
	events_said(s, &line);
	return 0;
}

/* What a session may say, and nothing else. */
static const struct {
	uint16_t type;
	int (*handle)(struct session *s, const struct channel_msg *msg);
} table[] = {
	{IPC_IDENTITY, on_identity},
	{IPC_LIST, on_list},
	{IPC_IMPORT, session_import},
	{IPC_REFUSED, on_refused},
	{IPC_STATE, on_state},
	{IPC_EVENT, on_event},
	{IPC_ACTIVE, on_active},
	{IPC_TALLY, on_tally},
	{IPC_SUBSCRIBE, on_subscribe},
	{IPC_SAID, on_said},
	{IPC_RULED, inspect_on_ruled},
	{IPC_ASK, held_on_ask},
	{IPC_ASK_OVER, held_on_over},
	{IPC_CHALLENGE, inspect_on_challenge},
	{IPC_QUOTA, inspect_on_quota},
	{IPC_OUT, inspect_on_out},
	{IPC_CAPTURE_WANTED, captures_on_wanted},
};

/* One message. 0, or why there are no more. */
static int
take_message(struct session *s)
{
	struct warden *w = s->warden;
	struct channel_msg msg;
	int r;

	r = channel_recv(s->chan, w->buf, sizeof(w->buf), &msg);
	if (r == ERR_AGAIN) {
		return r;
	}
	if (r == 0) {
		r = ERR_FORMAT;
		for (size_t i = 0; i < ARRAY_LEN(table); i++) {
			if (table[i].type == msg.type && msg.fd == -1) {
				r = table[i].handle(s, &msg);
				break;
			}
		}
		close_fd(&msg.fd);
	}
	if (r == ERR_CLOSED) {
		/* On its way out; the broker tells when it is gone. */
		close_channel(s);
	} else if (r != 0) {
		log_warnx("session %u: broke its protocol (%s), ended", s->conn,
		    err_str(r));
		session_eject(s, "broke its protocol", NULL);
	}
	return r;
}

static void
on_channel(void *arg, int events)
{
	struct session *s = arg;

	if ((events & LOOP_WRITE) != 0 && s->events != NULL) {
		events_flush(s);
	}
	if ((events & LOOP_READ) != 0 && s->chan != -1) {
		take_message(s);
	}
}

void
session_on_spawned(
    struct warden *w, uint32_t conn, const struct ipc_result *r, int fd)
{
	struct session *s = session_find(w, conn);

	if (s == NULL) {
		close_fd(&fd);
		return;
	}
	if (r->err != 0) {
		close_fd(&fd);
		log_warnx("start a session for %s: %s", s->peer,
		    r->err == ERR_SYS ? strerror(r->sys) : err_str(r->err));
		session_free(s);
		return;
	}
	if (s->phase == SESSION_ENDING) {
		/* Ejected while it was being born. */
		close_fd(&fd);
		warden_ask(w, IPC_KILL, conn, NULL, 0, -1);
		return;
	}
	s->phase = SESSION_OPEN;
	s->chan = fd;
	s->io = loop_io_new(w->loop, fd, LOOP_READ, on_channel, s);
	if (s->io == NULL) {
		session_eject(s, "out of memory", NULL);
	}
}

int
session_on_exited(
    struct warden *w, uint32_t conn, const struct ipc_exited *m)
{
	struct session *s = session_find(w, conn);
	char how[32];

	if (s == NULL) {
		return 0;
	}
	/* What it said last may still be in the channel. */
	while (s->chan != -1 && take_message(s) == 0) {
	}
	if (m->signal != 0) {
		snprintf(how, sizeof(how), "signal %u", m->signal);
	} else {
		snprintf(how, sizeof(how), "exit %u", m->status);
	}
	audit_write(w, "session", "ended", s, s->device, NULL, "how", how,
	    (char *)NULL);
	session_free(s);
	return 1;
}
