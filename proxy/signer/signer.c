/*
 * The signer's machine. Runs in sallyport-signer.
 *
 * 1. LOAD: certificate and key, once. They must belong together and be of RSA;
 *    LOADED says so, or why not, and then this is the end.
 * 2. SERVE: a channel to one session, ten seconds for it to ask, and one
 *    signature. Sessions are in the hands of strangers: who asks twice, or
 *    anything else, gets nothing, and the broker hears who it was.
 * 3. The broker's end: those who may still ask are waited for, for their ten
 *    seconds. Another signer has the next ones, with the key as it is now.
 *
 * More than SIGNER_RATE a second are not signed; who comes then waits.
 */
#include "proxy/signer/signer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/channel.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/tls_key.h"
#include "wire/ipc.h"

_Static_assert((int)IPC_SHA256 == (int)TLS_SHA256 &&
	(int)IPC_SHA384 == (int)TLS_SHA384 &&
	(int)IPC_SHA512 == (int)TLS_SHA512 &&
	IPC_SIGNATURE_MAX == TLS_SIGNATURE_MAX,
    "what is asked is what is signed");

/* As long as a session has for its handshake. */
#define SERVE_LIMIT (10 * CLOCK_SEC)
#define ONE (CLOCK_SEC / SIGNER_RATE) /* what a signature costs */
#define SEND_MS 1000

struct client {
	struct signer *signer; /* borrowed; NULL = the place is free */
	uint32_t conn;
	int chan;	   /* owned */
	struct loop_io *io; /* owned */
	struct loop_timer *limit; /* owned */
	int has_signed;
	int is_waiting; /* for its turn */
};

struct signer {
	struct signer_how how;
	struct loop_io *io;	  /* owned; NULL: the broker left */
	struct loop_timer *turns; /* owned; when somebody waits for his */
	struct tls_key *key;	  /* owned; NULL: not loaded */
	uint64_t busy_until; /* when all that was signed is paid for */
	uint64_t signatures;
	unsigned nclients;
	int is_over;
	struct client clients[SIGNER_SESSIONS];
	uint8_t buf[CHANNEL_HEADER + CHANNEL_MAX]; /* the broker's: the key */
};

static void
end(struct signer *s, int exit_code)
{
	if (!s->is_over) {
		s->is_over = 1;
		s->how.ended(s->how.arg, exit_code);
	}
}

/* ------------------------------------------------------------------------ */
/* Sessions                                                                 */

static void
drop(struct client *c)
{
	struct signer *s = c->signer;

	loop_io_free(c->io);
	loop_timer_free(c->limit);
	close_fd(&c->chan);
	*c = (struct client){.chan = -1};
	s->nclients--;
	if (s->nclients == 0 && s->io == NULL) {
		end(s, 0);
	}
}

static void
on_limit(void *arg)
{
	drop(arg);
}

/* what is the type of its message, 0 when it was none. */
static void
misused(struct client *c, uint32_t what)
{
	const struct ipc_call m = {.nr = what};
	uint8_t buf[4];
	int n = ipc_encode_call(buf, sizeof(buf), &m);

	log_warnx("session %u: asks for what it may not (%u)%s", c->conn, what,
	    c->has_signed ? ", after its signature" : "");
	if (c->signer->io != NULL) {
		(void)channel_send_wait(c->signer->how.broker,
		    IPC_SIGNER_MISUSED, c->conn, buf, (size_t)n, -1, SEND_MS);
	}
	drop(c);
}

static void
sign(struct client *c, const struct ipc_sign *ask)
{
	struct signer *s = c->signer;
	static struct ipc_signed m; /* no secret: anybody may see signatures */
	static uint8_t buf[IPC_SIGNATURE_MAX + 16];
	size_t len = 0;
	int n;

	m = (struct ipc_signed){0};
	m.err = tls_key_sign(s->key, (enum tls_hash)ask->hash, ask->digest,
	    ipc_digest_len(ask->hash), m.signature, &len);
	m.len = m.err == 0 ? (uint16_t)len : 0;
	c->has_signed = 1;
	s->signatures += m.err == 0;
	if (m.err == 0) {
		log_infox("session %u: has its signature, %" PRIu64 " in all",
		    c->conn, s->signatures);
	} else {
		log_warnx("session %u: sign: %s", c->conn, err_str(m.err));
	}
	n = ipc_encode_signed(buf, sizeof(buf), &m);
	if (channel_send(c->chan, IPC_SIGNED, 0, buf, (size_t)n, -1) != 0) {
		drop(c);
	}
}

/* Whether one more may be signed now; else when. */
static int
has_turn(struct signer *s)
{
	uint64_t now = clock_mono();

	if (s->busy_until < now) {
		s->busy_until = now;
	}
	if (s->busy_until - now > (SIGNER_RATE - 1) * ONE) {
		loop_timer_set(s->turns,
		    s->busy_until - now - (SIGNER_RATE - 1) * ONE);
		return 0;
	}
	return 1;
}

static void
on_turns(void *arg)
{
	struct signer *s = arg;

	for (unsigned i = 0; i < SIGNER_SESSIONS; i++) {
		struct client *c = &s->clients[i];

		if (c->signer != NULL && c->is_waiting) {
			c->is_waiting = 0;
			loop_io_set(c->io, LOOP_READ);
		}
	}
}

static void
on_client(void *arg, int events)
{
	/* no message of theirs is longer than the longest hash */
	uint8_t buf[CHANNEL_HEADER + 1 + IPC_DIGEST_MAX];
	struct client *c = arg;
	struct channel_msg msg;
	struct ipc_sign ask;
	int r;

	(void)events;
	if (!c->has_signed && !has_turn(c->signer)) {
		c->is_waiting = 1;
		loop_io_set(c->io, LOOP_NONE);
		return;
	}
	r = channel_recv(c->chan, buf, sizeof(buf), &msg);
	if (r == ERR_AGAIN) {
		return;
	}
	if (r == ERR_CLOSED) {
		drop(c);
		return;
	}
	if (r != 0) {
		misused(c, 0);
		return;
	}
	if (msg.type != IPC_SIGN || msg.fd != -1 || c->has_signed ||
	    ipc_decode_sign(&ask, msg.data, msg.len) != 0) {
		close_fd(&msg.fd);
		misused(c, msg.type);
		return;
	}
	c->signer->busy_until += ONE;
	sign(c, &ask);
}

/* Its channel is taken in any case. */
static void
serve(struct signer *s, uint32_t conn, int fd)
{
	struct client *c = NULL;

	for (unsigned i = 0; i < SIGNER_SESSIONS && c == NULL; i++) {
		c = s->clients[i].signer == NULL ? &s->clients[i] : NULL;
	}
	if (c == NULL) {
		log_warnx("session %u: there are too many", conn);
		close_fd(&fd);
		return;
	}
	s->nclients++;
	*c = (struct client){.signer = s, .conn = conn, .chan = fd};
	c->io = loop_io_new(s->how.loop, fd, LOOP_READ, on_client, c);
	c->limit = loop_timer_new(s->how.loop, on_limit, c);
	if (c->io == NULL || c->limit == NULL) {
		log_warnx("session %u: out of memory", conn);
		drop(c);
		return;
	}
	loop_timer_set(c->limit, SERVE_LIMIT);
}

/* ------------------------------------------------------------------------ */
/* The broker                                                               */

static void
load(struct signer *s, const struct channel_msg *msg)
{
	struct ipc_loaded m = {.err = ERR_FORMAT};
	struct ipc_pem pem;
	struct tls_pem tls;
	uint8_t buf[IPC_TEXT + 16];
	int n;

	if (ipc_decode_pem(&pem, msg->data, msg->len) == 0 &&
	    pem.cert_len > 0 && pem.key_len > 0) {
		tls = (struct tls_pem){.cert = pem.cert,
		    .cert_len = pem.cert_len,
		    .key = pem.key,
		    .key_len = pem.key_len};
		m.err = tls_key_new(&s->key, &tls, m.text, sizeof(m.text));
	}
	mem_wipe(s->buf, sizeof(s->buf));
	if (m.err == 0) {
		m.bits = (uint16_t)tls_key_bits(s->key);
		m.text[0] = '\0';
	}
	n = ipc_encode_loaded(buf, sizeof(buf), &m);
	if (channel_send_wait(s->how.broker, IPC_SIGNER_LOADED, 0, buf,
		(size_t)n, -1, SEND_MS) != 0 || m.err != 0) {
		end(s, 1);
	}
}

static void
leave(struct signer *s)
{
	loop_io_free(s->io);
	s->io = NULL;
	close_fd(&s->how.broker);
	if (s->nclients == 0) {
		end(s, 0);
	}
}

static void
on_broker(void *arg, int events)
{
	struct signer *s = arg;
	struct channel_msg msg;
	int r;

	(void)events;
	r = channel_recv(s->how.broker, s->buf, sizeof(s->buf), &msg);
	if (r == ERR_AGAIN) {
		return;
	}
	if (r == ERR_CLOSED) {
		leave(s);
		return;
	}
	if (r == 0 && msg.type == IPC_SIGNER_LOAD && msg.fd == -1 &&
	    s->key == NULL) {
		load(s, &msg);
	} else if (r == 0 && msg.type == IPC_SIGNER_SERVE && msg.len == 0 &&
	    msg.fd != -1 && s->key != NULL) {
		serve(s, msg.id, msg.fd);
	} else {
		log_warnx("broker: %s",
		    r != 0 ? err_str(r) : "unexpected message");
		if (r == 0) {
			close_fd(&msg.fd);
		}
		end(s, 1);
	}
}

/* ------------------------------------------------------------------------ */

int
signer_new(struct signer **out, const struct signer_how *how)
{
	struct signer *s = calloc(1, sizeof(*s));

	*out = NULL;
	if (s == NULL) {
		return ERR_NOMEM;
	}
	s->how = *how;
	for (unsigned i = 0; i < SIGNER_SESSIONS; i++) {
		s->clients[i].chan = -1;
	}
	s->turns = loop_timer_new(how->loop, on_turns, s);
	s->io = loop_io_new(how->loop, how->broker, LOOP_READ, on_broker, s);
	if (s->turns == NULL || s->io == NULL) {
		s->how.broker = -1; /* stays the caller's */
		signer_free(s);
		return ERR_NOMEM;
	}
	*out = s;
	return 0;
}

void
signer_free(struct signer *s)
{
	if (s == NULL) {
		return;
	}
	s->is_over = 1;
	for (unsigned i = 0; i < SIGNER_SESSIONS; i++) {
		if (s->clients[i].signer != NULL) {
			drop(&s->clients[i]);
		}
	}
	loop_timer_free(s->turns);
	loop_io_free(s->io);
	close_fd(&s->how.broker);
	tls_key_free(s->key);
	mem_wipe(s->buf, sizeof(s->buf));
	free(s);
}
