/*
 * The session and its peer: handshake, the one request, the stream, and the
 * flush at the end of each turn. Every byte that comes in here is hostile; what
 * goes wrong with it ends this session, is told to the warden, and is never
 * fatal.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/sealed.h"
#include "base/stream.h"
#include "proxy/session/door.h"
#include "proxy/session/flow.h"
#include "proxy/session/limits.h"
#include "proxy/session/session_parts.h"

/* ------------------------------------------------------------------------ */
/* Born, handshake, naming                                                  */

static void
on_peer(void *arg, int events)
{
	(void)events;
	session_event(arg, EV_PEER, NULL);
}

int
session_on_key(struct session *s, const struct event_arg *arg)
{
	struct ipc_pem pem;
	char why[256], text[IPC_TEXT];
	const uint8_t *crl = NULL;
	size_t crl_len = 0;
	int r;

	r = ipc_decode_pem(&pem, arg->msg->data, arg->msg->len);
	if (r == 0 && pem.crl_len != 0) {
		r = ERR_FORMAT;
	}
	if (r == 0 && *arg->fd != -1) {
		r = sealed_map(*arg->fd, IPC_CRL_MAX, &crl, &crl_len);
	}
	if (r != 0) {
		mem_wipe(s->buf, sizeof(s->buf));
		return r;
	}
	if (crl != NULL) {
		pem.crl = crl;
		pem.crl_len = (uint32_t)crl_len;
	}
	why[0] = '\0';
	r = s->door->ops->open(
	    s->door, s->peer, &pem, &s->stream, why, sizeof(why));
	mem_wipe(s->buf, sizeof(s->buf));
	sealed_unmap(crl, crl_len);
	if (r != 0) {
		log_warnx("start of tls: %s; check the gateway's [tls] files",
		    why[0] != '\0' ? why : err_str(r));
		log_escape(text, sizeof(text), why, strlen(why));
		session_refused(s, "tls.config", text);
		session_end(s, 1, "no stream can be made");
		return 0;
	}
	s->peer = -1; /* the stream has it */
	s->peer_io =
	    loop_io_new(s->how.loop, s->stream->fd, LOOP_READ, on_peer, s);
	if (s->peer_io == NULL) {
		return ERR_NOMEM;
	}
	s->want = STREAM_WANT_READ;
	session_set_state(s, SS_HANDSHAKE);
	return 0;
}

static void
handshake_failed(struct session *s, int r)
{
	char text[IPC_TEXT];
	const char *why = s->door->ops->error(s->door, s->stream);

	log_escape(text, sizeof(text), why, strlen(why));
	if (r == ERR_CLOSED) {
		session_end(s, 0, "the peer left during the handshake");
		return;
	}
	session_refused(s, "tls.handshake", text);
	/* The alert is out. A peer that is not done sending would be answered
	 * by a reset, and lose it: so read on for a moment. */
	(void)stream_shutdown(s->stream);
	s->exit_code = 1;
	snprintf(s->closing, sizeof(s->closing), "%.127s", text);
	session_set_state(s, SS_REFUSING);
	loop_timer_set(s->deadline, CLOSING_LIMIT);
}

int
session_on_leftover(struct session *s, const struct event_arg *arg)
{
	ssize_t n = recv(s->stream->fd, s->buf, sizeof(s->buf), MSG_DONTWAIT);

	(void)arg;
	if (n > 0) {
		s->leftover += (size_t)n;
	}
	if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR) ||
	    s->leftover > LEFTOVER_MAX) {
		session_end(s, s->exit_code, s->closing);
	}
	return 0;
}

static int
send_identity(struct session *s)
{
	struct x509_facts facts;
	uint8_t buf[IDENTITY_WIRE];

	if (s->door->ops->facts(s->door, s->stream, &facts) != 0) {
		session_refused(s, "tls.identity",
		    "the certificate's names do not fit an identity");
		session_end(s, 1, "the peer cannot be named");
		return 0;
	}
	return session_tell(s, s->warden, IPC_IDENTITY, buf,
	    identity_encode(buf, sizeof(buf), &facts));
}

int
session_on_handshake(struct session *s, const struct event_arg *arg)
{
	int r = stream_handshake(s->stream);

	(void)arg;
	if (r == STREAM_WANT_READ || r == STREAM_WANT_WRITE) {
		s->want = r;
		return 0;
	}
	/* whatever came out of it, the key has done its work */
	s->door->ops->wipe(s->door);
	if (r != 0) {
		handshake_failed(s, r);
		return 0;
	}
	session_set_state(s, SS_NAMING);
	loop_timer_set(s->deadline, OP_LIMIT);
	send_identity(s);
	return 0;
}

int
session_on_identified(struct session *s, const struct event_arg *arg)
{
	struct ipc_result m;

	if (ipc_decode_result(&m, arg->msg->data, arg->msg->len) != 0) {
		return ERR_FORMAT;
	}
	if (m.err != 0) {
		session_end(s, 0, "the warden knows no such workstation");
		return 0;
	}
	if (session_wants_events(s)) {
		session_subscribe(s);
		return 0;
	}
	session_set_state(s, SS_OP);
	/* the request may be here already, inside the TLS library */
	loop_timer_set(s->again, 0);
	return 0;
}

/* ------------------------------------------------------------------------ */
/* The request                                                              */

static void
refuse_request(struct session *s, const char *why)
{
	session_refused(s, "op.request", why);
	session_end(s, 1, why);
}

static int
do_request(struct session *s, const struct op_request *req)
{
	switch (req->kind) {
	case OP_LIST:
		session_set_state(s, SS_LISTING);
		session_tell(s, s->warden, IPC_LIST, NULL, 0);
		return 0;
	case OP_IMPORT:
		break;
	}
	if (usbip_check_busid(req->busid) != 0) {
		/* as for every bus id that is not there */
		session_refused(s, "op.busid", "not a bus id");
		op_reply_import(&s->out, USBIP_ST_NODEV, NULL);
		session_close(s, 0, "import: not a bus id");
		return 0;
	}
	return session_import(s, req->busid);
}

int
session_on_request(struct session *s, const struct event_arg *arg)
{
	struct op_request req;
	const char *why;
	size_t used;

	(void)arg;
	for (;;) {
		int full, r = op_decode(&req, inq_peek(&s->in), inq_len(&s->in),
				  &used, &why);
		ssize_t n;

		if (r == 0) {
			inq_drop(&s->in, used);
			return do_request(s, &req);
		}
		if (r != ERR_SHORT) {
			refuse_request(s, why);
			return 0;
		}
		n = inq_fill(&s->in, s->stream, &full);
		if (n == STREAM_WANT_READ || n == STREAM_WANT_WRITE) {
			s->read_wants_write = n == STREAM_WANT_WRITE;
			return 0;
		}
		if (n <= 0) {
			session_end(s, n == ERR_CLOSED ? 0 : 1,
			    "the peer left without a request");
			return 0;
		}
	}
}

int
session_on_list_item(struct session *s, const struct event_arg *arg)
{
	struct ipc_item item;

	if (ipc_decode_item(&item, arg->msg->data, arg->msg->len) != 0) {
		return ERR_FORMAT;
	}
	return op_list_add(&s->list, &item);
}

int
session_on_list_end(struct session *s, const struct event_arg *arg)
{
	if (arg->msg->len != 0) {
		return ERR_FORMAT;
	}
	op_reply_list(&s->out, &s->list);
	session_close(s, 0, "list answered");
	return 0;
}

/* ------------------------------------------------------------------------ */
/* The stream                                                               */

int
session_on_stream(struct session *s, const struct event_arg *arg)
{
	struct flow_why why = {"usbip.stream", "stream error"};
	int r = flow_read(s->flow, s->stream, &why);

	(void)arg;
	s->read_wants_write = r == STREAM_WANT_WRITE;
	if (s->state != SS_STREAMING) {
		return 0;
	}
	switch (r) {
	case 0:
	case STREAM_WANT_WRITE:
		return 0;
	case ERR_LIMIT:
		/* until flow_wants_input; which it may before this turn ends */
		s->is_paused = 1;
		return 0;
	case ERR_AGAIN:
		loop_timer_set(s->again, 0);
		return 0;
	case ERR_PEER:
		session_refused(s, why.rule, why.text);
		session_close(s, 1, why.text);
		return 0;
	case ERR_CLOSED:
		session_end(s, 0, "the peer left");
		return 0;
	}
	session_end(s, 1, err_str(r));
	return 0;
}

/* ------------------------------------------------------------------------ */
/* The end of a turn                                                        */

/* Whether the stream waits to write. */
static int
flush(struct session *s)
{
	int r = outq_flush(&s->out, s->stream);

	if (r == 0 || r == STREAM_WANT_READ || r == STREAM_WANT_WRITE) {
		return r == STREAM_WANT_WRITE;
	}
	session_end(s, r == ERR_CLOSED ? 0 : 1,
	    r == ERR_CLOSED ? "the peer left" : err_str(r));
	return 0;
}

/* Input stops at the bounds and goes on below them. Bytes that wait in our
 * buffer or inside the TLS library wake nobody, hence the timer. */
static int
wants_input(struct session *s, int was_full)
{
	if (s->state == SS_OP || s->state == SS_EVENTS) {
		return 1;
	}
	if (s->state != SS_STREAMING || !flow_wants_input(s->flow)) {
		return 0;
	}
	if (was_full) {
		loop_timer_set(s->again, 0);
	}
	return 1;
}

static int
peer_events(struct session *s, int blocked, int was_full)
{
	int events = LOOP_NONE;

	if (s->state == SS_REFUSING) {
		return LOOP_READ;
	}
	if (s->state == SS_HANDSHAKE) {
		return s->want == STREAM_WANT_WRITE ? LOOP_WRITE : LOOP_READ;
	}
	if (wants_input(s, was_full)) {
		events |= LOOP_READ;
	}
	if (blocked || s->read_wants_write) {
		events |= LOOP_WRITE;
	}
	return events;
}

static int
is_drained(const struct session *s)
{
	return s->out.used == 0 &&
	    (!s->is_gone || flow_in_flight(s->flow) == 0);
}

/* What is not read does not say EOF either; the kernel knows of it, behind
 * whatever still waits to be read. A holder that died must not keep its device
 * because the device keeps the session from reading. */
void
session_on_pulse(void *arg)
{
	struct session *s = arg;
	struct pollfd peer = {.fd = s->stream->fd, .events = POLLRDHUP};

	if (poll(&peer, 1, 0) == 1) {
		session_end(s, s->exit_code, "the peer left");
		return;
	}
	loop_timer_set(s->pulse, PULSE);
}

static void
watch(struct session *s, int events)
{
	int had_pulse = s->has_pulse;

	loop_io_set(s->peer_io, events);
	s->has_pulse = (events & LOOP_READ) == 0;
	if (s->has_pulse && !had_pulse) {
		loop_timer_set(s->pulse, PULSE);
	} else if (!s->has_pulse && had_pulse) {
		loop_timer_stop(s->pulse);
	}
}

static int
is_full(const struct session *s)
{
	return s->state == SS_STREAMING && !flow_wants_input(s->flow);
}

void
session_peer_turn(struct session *s)
{
	int was_full = s->is_paused || is_full(s), blocked = 0;

	if (s->stream == NULL || s->peer_io == NULL) {
		return;
	}
	if (s->out.used > 0 || s->out.failed) {
		blocked = flush(s);
	}
	if (s->state == SS_STREAMING) {
		/* what waited for room may be answered now */
		flow_resume(s->flow);
		was_full |= is_full(s);
		if (s->out.used > 0 && !blocked) {
			blocked = flush(s);
		}
	}
	if (s->state == SS_CLOSING && is_drained(s)) {
		session_end(s, s->exit_code, s->closing);
	}
	if (s->state == SS_ENDED) {
		return;
	}
	s->is_paused = is_full(s);
	watch(s, peer_events(s, blocked, was_full));
}
