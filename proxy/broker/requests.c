/*
 * The closed table: who may ask what, in which state, how often. A request that
 * is not in it, or whose bytes are not exactly right, ends the asker. The warden
 * is started again then; the broker itself goes on.
 */
#include "proxy/broker/broker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"

enum from { FROM_WARDEN = 1, FROM_CHILD = 2, FROM_BOTH = 3 };
enum fd_rule { NO_FD, ONE_FD };

/* What must hold of the child before a request of it is heard. */
enum need {
	NEED_NOTHING,
	NEED_NO_KEY, /* KEY: once, while born */
	NEED_DEVICE, /* SET_CONFIG: streaming */
	NEED_NO_FAULT, /* BARRED: once, from any child */
	NEED_LOADING, /* LOADED: of a signer, once */
	NEED_LOADED,  /* MISUSED: of a signer that has its key */
};

struct request {
	uint16_t type;
	enum from from;
	enum fd_rule fd;
	enum need need;
	const char *name;
	/* 0, or ERR_PEER: the asker broke the table's terms. */
	int (*handle)(
	    struct broker *b, struct child *child, struct channel_msg *msg);
};

static int
send_result(struct broker *b, int chan, uint16_t type, uint32_t id, int err,
    int fd)
{
	uint8_t buf[16];
	struct ipc_result m = {.err = err, .sys = err == ERR_SYS ? errno : 0};
	int n = ipc_encode_result(buf, sizeof(buf), &m);

	(void)b;
	return channel_send_wait(chan, type, id, buf, (size_t)n, fd, 1000);
}

static int
on_spawn(struct broker *b, struct child *unused, struct channel_msg *msg)
{
	int type = 0, domain = 0, end = -1, r;
	socklen_t len = sizeof(int);
	struct child *child;

	(void)unused;
	if (msg->len != 0 ||
	    getsockopt(msg->fd, SOL_SOCKET, SO_TYPE, &type, &len) == -1 ||
	    getsockopt(msg->fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == -1 ||
	    type != SOCK_STREAM || (domain != AF_INET && domain != AF_INET6)) {
		return ERR_PEER;
	}
	r = broker_start_child(
	    b, IPC_ROLE_SESSION, msg->id, msg->fd, 0, &child, &end);
	r = send_result(b, b->warden_chan, IPC_SPAWNED, msg->id, r, end);
	close_fd(&end);
	return r;
}

static int
start_probe(
    struct broker *b, uint32_t conn, const struct ipc_probe *m, int *end)
{
	struct child *child;
	int fd = -1, r = device_open(&m->place, &fd);

	if (r != 0) {
		return r;
	}
	r = broker_start_child(
	    b, IPC_ROLE_PROBE, conn, fd, m->flags, &child, end);
	if (r == 0) {
		child->has_device = 1;
		child->usb_fd = fd;
		child->grant.place = m->place;
	} else {
		device_close(&m->place);
		close_fd(&fd);
	}
	return r;
}

/* It gets no device, so there is nothing to take back from it. */
static int
start_texts(
    struct broker *b, uint32_t conn, const struct ipc_probe *m, int *end)
{
	struct child *child;
	int fd = -1, r = device_texts(&m->place, &fd);

	if (r == 0) {
		r = broker_start_child(
		    b, IPC_ROLE_PROBE, conn, fd, m->flags, &child, end);
	}
	close_fd(&fd);
	return r;
}

static int
on_probe(struct broker *b, struct child *unused, struct channel_msg *msg)
{
	struct ipc_probe m;
	int end = -1, r;

	(void)unused;
	if (ipc_decode_probe(&m, msg->data, msg->len) != 0) {
		return ERR_PEER;
	}
	r = (m.flags & IPC_PROBE_TEXTS) != 0
	    ? start_texts(b, msg->id, &m, &end)
	    : start_probe(b, msg->id, &m, &end);
	if (r == ERR_FORMAT) {
		return ERR_PEER;
	}
	r = send_result(b, b->warden_chan, IPC_PROBED, msg->id, r, end);
	close_fd(&end);
	return r;
}

/* What keeps a capture gets a pipe's end from the warden, and no device. */
static int
on_recorder(struct broker *b, struct child *unused, struct channel_msg *msg)
{
	struct child *child;
	struct stat st;
	int end = -1, r;

	(void)unused;
	if (msg->len != 0 || fstat(msg->fd, &st) == -1 ||
	    !S_ISFIFO(st.st_mode)) {
		return ERR_PEER;
	}
	r = broker_start_child(
	    b, IPC_ROLE_RECORDER, msg->id, msg->fd, 0, &child, &end);
	r = send_result(b, b->warden_chan, IPC_RECORDING, msg->id, r, end);
	close_fd(&end);
	return r;
}

/* What fetches bundles, or posts lines, gets nothing but its two channels; it
 * asks for its key. */
static int
start_with_key(struct broker *b, const struct channel_msg *msg,
    enum ipc_role role, uint16_t answer)
{
	struct child *child;
	int end = -1, r;

	if (msg->len != 0) {
		return ERR_PEER;
	}
	r = broker_start_child(b, role, msg->id, -1, 0, &child, &end);
	r = send_result(b, b->warden_chan, answer, msg->id, r, end);
	close_fd(&end);
	return r;
}

static int
on_fetcher(struct broker *b, struct child *unused, struct channel_msg *msg)
{
	(void)unused;
	return start_with_key(b, msg, IPC_ROLE_FETCHER, IPC_FETCHING);
}

static int
on_poster(struct broker *b, struct child *unused, struct channel_msg *msg)
{
	(void)unused;
	return start_with_key(b, msg, IPC_ROLE_POSTER, IPC_POSTING);
}

/* A bundle in memory, which nobody can change any more. */
static int
on_trial(struct broker *b, struct child *unused, struct channel_msg *msg)
{
	int seals = fcntl(msg->fd, F_GET_SEALS);
	struct child *child;
	int end = -1, r;

	(void)unused;
	if (msg->len != 0 || seals == -1 || (seals & F_SEAL_WRITE) == 0) {
		return ERR_PEER;
	}
	r = broker_start_child(
	    b, IPC_ROLE_TRIAL, msg->id, msg->fd, 0, &child, &end);
	r = send_result(b, b->warden_chan, IPC_TRYING, msg->id, r, end);
	close_fd(&end);
	return r;
}

static int
on_authorize(struct broker *b, struct child *unused, struct channel_msg *msg)
{
	struct ipc_authorize m;
	int r;

	(void)unused;
	if (ipc_decode_authorize(&m, msg->data, msg->len) != 0) {
		return ERR_PEER;
	}
	/* What somebody else keeps out is his to let in. */
	if (m.what == IPC_AUTH_DEVICE && !b->conf.is_strict) {
		return ERR_PEER;
	}
	r = device_authorize(&m.place, m.what);
	if (r == ERR_FORMAT) {
		return ERR_PEER;
	}
	return send_result(b, b->warden_chan, IPC_AUTHORIZED, msg->id, r, -1);
}

static int
device_is_held(struct broker *b, const struct device_place *place)
{
	for (unsigned i = 0; i < b->nchildren; i++) {
		const struct child *c = &b->children[i];

		if (c->role != 0 && c->has_device &&
		    strcmp(c->grant.place.busid, place->busid) == 0) {
			return 1;
		}
	}
	return 0;
}

static int
on_grant(struct broker *b, struct child *unused, struct channel_msg *msg)
{
	struct child *child = broker_find(b, msg->id);
	uint8_t buf[PLACE_WIRE];
	struct ipc_grant m;
	int fd = -1, n, r;

	(void)unused;
	if (ipc_decode_grant(&m, msg->data, msg->len) != 0) {
		return ERR_PEER;
	}
	if (child == NULL || child->is_ending) {
		/* It ended meanwhile; the warden will hear of that too. */
		return send_result(
		    b, b->warden_chan, IPC_GRANTED, msg->id, ERR_CLOSED, -1);
	}
	if (child->role != IPC_ROLE_SESSION || !child->key_given ||
	    child->has_device) {
		return ERR_PEER;
	}
	/* One device, one holder: the broker says so as well. */
	if (device_is_held(b, &m.place)) {
		return send_result(
		    b, b->warden_chan, IPC_GRANTED, msg->id, ERR_BUSY, -1);
	}
	r = device_open(&m.place, &fd);
	if (r == ERR_FORMAT) {
		return ERR_PEER;
	}
	if (r == 0) {
		child->has_device = 1;
		child->grant = m;
		broker_hurry_child(child);
		n = place_encode(buf, sizeof(buf), &m.place);
		if (channel_send_wait(child->chan, IPC_DEVICE, msg->id, buf,
			(size_t)n, fd, 1000) != 0) {
			r = ERR_CLOSED;
		}
		child->usb_fd = fd;
	}
	return send_result(b, b->warden_chan, IPC_GRANTED, msg->id, r, -1);
}

static int
on_kill(struct broker *b, struct child *unused, struct channel_msg *msg)
{
	struct child *child = broker_find(b, msg->id);

	(void)unused;
	if (msg->len != 0) {
		return ERR_PEER;
	}
	if (child != NULL) {
		broker_end_child(child);
	}
	return 0;
}

static int
on_set_config(struct broker *b, struct child *child, struct channel_msg *msg)
{
	struct ipc_byte m;
	uint8_t before = 0;
	int r = ERR_POLICY;

	if (ipc_decode_byte(&m, msg->data, msg->len) != 0) {
		return ERR_PEER;
	}
	for (unsigned i = 0; i < child->grant.nconfigs; i++) {
		if (child->grant.configs[i] == m.value) {
			r = device_set_config(&child->grant.place, m.value,
			    child->usb_fd, &before);
			if (r == 0 && child->config_before == 0) {
				child->config_before = before;
			}
			break;
		}
	}
	if (r == ERR_POLICY) {
		log_warnx("session %u: asks for configuration %u, which was "
			  "not granted", child->conn, m.value);
		return ERR_PEER;
	}
	return send_result(
	    b, child->chan, IPC_CONFIG_SET, child->conn, r, -1);
}

/* It is on its way out, or pretends to be; either way it ends. */
static int
on_barred(struct broker *b, struct child *child, struct channel_msg *msg)
{
	struct ipc_call m;

	(void)b;
	if (ipc_decode_call(&m, msg->data, msg->len) != 0) {
		return ERR_PEER;
	}
	if (child == NULL) {
		b->warden_is_barred = 1;
		b->warden_what = m.nr;
		return 0;
	}
	child->fault = IPC_FAULT_CALL;
	child->has_what = 1;
	child->what = m.nr;
	broker_end_child(child);
	return 0;
}

static int
on_loaded(struct broker *b, struct child *signer, struct channel_msg *msg)
{
	struct ipc_loaded m;

	(void)signer;
	if (ipc_decode_loaded(&m, msg->data, msg->len) != 0) {
		return ERR_PEER;
	}
	broker_signer_loaded(b, &m);
	return 0;
}

/* A session asked for a second signature, or for none that there is: that is
 * as if it had asked here. */
static int
on_misused(struct broker *b, struct child *signer, struct channel_msg *msg)
{
	struct child *child = broker_find(b, msg->id);
	struct ipc_call m;

	(void)signer;
	if (ipc_decode_call(&m, msg->data, msg->len) != 0 || m.nr > UINT16_MAX) {
		return ERR_PEER;
	}
	if (child == NULL || child->is_ending) {
		return 0;
	}
	if (child->role != IPC_ROLE_SESSION || !child->key_given) {
		return ERR_PEER;
	}
	log_warnx("session %u: request %u of the signer: not permitted; ended",
	    child->conn, m.nr);
	child->fault = IPC_FAULT_REQUEST;
	child->has_what = m.nr != 0;
	child->what = m.nr;
	broker_end_child(child);
	return 0;
}

static const struct request table[] = {
	{IPC_SPAWN, FROM_WARDEN, ONE_FD, NEED_NOTHING, "SPAWN", on_spawn},
	{IPC_PROBE, FROM_WARDEN, NO_FD, NEED_NOTHING, "PROBE", on_probe},
	{IPC_AUTHORIZE, FROM_WARDEN, NO_FD, NEED_NOTHING, "AUTHORIZE",
	    on_authorize},
	{IPC_GRANT, FROM_WARDEN, NO_FD, NEED_NOTHING, "GRANT", on_grant},
	{IPC_RECORDER, FROM_WARDEN, ONE_FD, NEED_NOTHING, "RECORDER",
	    on_recorder},
	{IPC_FETCHER, FROM_WARDEN, NO_FD, NEED_NOTHING, "FETCHER", on_fetcher},
	{IPC_POSTER, FROM_WARDEN, NO_FD, NEED_NOTHING, "POSTER", on_poster},
	{IPC_TRIAL, FROM_WARDEN, ONE_FD, NEED_NOTHING, "TRIAL", on_trial},
	{IPC_KILL, FROM_WARDEN, NO_FD, NEED_NOTHING, "KILL", on_kill},
	{IPC_CRL, FROM_WARDEN, NO_FD, NEED_NOTHING, "CRL",
	    broker_on_crl},
	{IPC_KEY, FROM_CHILD, NO_FD, NEED_NO_KEY, "KEY",
	    broker_on_key},
	{IPC_SET_CONFIG, FROM_CHILD, NO_FD, NEED_DEVICE, "SET_CONFIG",
	    on_set_config},
	{IPC_BARRED, FROM_BOTH, NO_FD, NEED_NO_FAULT, "BARRED", on_barred},
	{IPC_SIGNER_LOADED, FROM_CHILD, NO_FD, NEED_LOADING, "SIGNER_LOADED",
	    on_loaded},
	{IPC_SIGNER_MISUSED, FROM_CHILD, NO_FD, NEED_LOADED,
	    "SIGNER_MISUSED", on_misused},
};

static int
is_permitted(const struct request *rq, enum from from,
    const struct child *child, const struct channel_msg *msg)
{
	if ((rq->from & from) == 0 || (rq->fd == ONE_FD) != (msg->fd != -1)) {
		return 0;
	}
	switch (rq->need) {
	case NEED_NOTHING:
		return 1;
	case NEED_NO_KEY:
		return (child->role == IPC_ROLE_SESSION ||
			   child->role == IPC_ROLE_FETCHER ||
			   child->role == IPC_ROLE_POSTER) &&
		    !child->key_given;
	case NEED_DEVICE:
		return child->role == IPC_ROLE_SESSION && child->has_device;
	case NEED_NO_FAULT:
		return child == NULL || child->fault == IPC_FAULT_NONE;
	case NEED_LOADING:
		return child->role == IPC_ROLE_SIGNER && !child->key_given;
	case NEED_LOADED:
		return child->role == IPC_ROLE_SIGNER && child->key_given;
	}
	return 0;
}

static int
dispatch(struct broker *b, enum from from, struct child *child,
    struct channel_msg *msg)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (table[i].type != msg->type) {
			continue;
		}
		if (!is_permitted(&table[i], from, child, msg)) {
			log_warnx("request %s: not permitted now",
			    table[i].name);
			return ERR_PEER;
		}
		return table[i].handle(b, child, msg);
	}
	log_warnx("request %u: unknown", msg->type);
	return ERR_PEER;
}

void
broker_on_warden(void *arg, int events)
{
	struct broker *b = arg;
	struct channel_msg msg;
	int r;

	(void)events;
	r = channel_recv(b->warden_chan, b->buf, sizeof(b->buf), &msg);
	if (r == ERR_AGAIN) {
		return;
	}
	if (r == 0) {
		r = dispatch(b, FROM_WARDEN, NULL, &msg);
		close_fd(&msg.fd);
	}
	if (r != 0) {
		if (r != ERR_CLOSED) {
			log_warnx("warden: %s; ended", err_str(r));
		}
		/* Its death is handled where it is reaped. */
		loop_io_free(b->warden_io);
		b->warden_io = NULL;
		kill(b->warden_pid, SIGKILL);
	}
}

void
broker_on_child(void *arg, int events)
{
	struct child *child = arg;
	struct broker *b = child->broker;
	struct channel_msg msg;
	int r, is_read;

	(void)events;
	r = channel_recv(child->chan, b->buf, sizeof(b->buf), &msg);
	if (r == ERR_AGAIN) {
		return;
	}
	is_read = r == 0;
	if (is_read) {
		r = dispatch(b, FROM_CHILD, child, &msg);
		close_fd(&msg.fd);
	}
	if (r != 0) {
		if (r == ERR_CLOSED) {
			broker_child_closed(child);
			return;
		}
		log_warnx("%s %u: %s; ended", broker_role_name(child->role),
		    child->conn, err_str(r));
		if (r == ERR_PEER || r == ERR_FORMAT) {
			child->fault = IPC_FAULT_REQUEST;
			child->has_what = is_read;
			child->what = is_read ? msg.type : 0;
		}
		broker_end_child(child);
	}
}

void
broker_hear_signer(struct broker *b)
{
	struct pollfd p = {.fd = b->signer.chan, .events = POLLIN};
	unsigned n = b->nchildren; /* one word for each session */

	while (n-- > 0 && b->signer.io != NULL && poll(&p, 1, 0) == 1) {
		broker_on_child(&b->signer, LOOP_READ);
	}
}

void
broker_last_words(struct child *child)
{
	struct broker *b = child->broker;
	struct channel_msg msg;

	/* nothing else is heard of the dead */
	while (child->fault == IPC_FAULT_NONE &&
	    channel_recv(child->chan, b->buf, sizeof(b->buf), &msg) == 0) {
		if (msg.type == IPC_BARRED && msg.fd == -1) {
			(void)on_barred(b, child, &msg);
		}
		close_fd(&msg.fd);
	}
}

void
broker_last_words_of_warden(struct broker *b)
{
	struct channel_msg msg;

	while (b->warden_chan != -1 &&
	    channel_recv(b->warden_chan, b->buf, sizeof(b->buf), &msg) == 0) {
		if (msg.type == IPC_BARRED && msg.fd == -1) {
			(void)on_barred(b, NULL, &msg);
		}
		close_fd(&msg.fd);
	}
}
