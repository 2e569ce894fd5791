/*
 * sallyport-signer, which has the gateway's key instead of its sessions. It is
 * in no slot of the children, since no connection is its own, and outlives the
 * warden. Where certificate or key are other files than it has, the next session
 * gets another signer, and the one before ends when those who may still ask it
 * have asked.
 */
#include "proxy/broker/broker.h"

#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/spawn.h"

#define LOAD_MS 10000 /* it is there, and a key of 8192 bits is checked */

static void
on_restart(void *arg)
{
	struct broker *b = arg;

	/* what is told of it is in the log; a session says so as well */
	if (!b->is_stopping && b->signer.role == 0 && !b->signer_refused) {
		(void)broker_start_signer(b);
	}
}

static void
start_later(struct broker *b)
{
	unsigned ms = broker_back_off(&b->signer_restarts, b->signer_started);

	if (b->signer_restart != NULL) {
		log_infox("signer: starting again in %u ms", ms);
		loop_timer_set(b->signer_restart, ms * CLOCK_MSEC);
	}
}

/* Certificate and key; the key's buffer is wiped before this returns. */
static int
send_key(struct broker *b, int chan)
{
	struct ipc_pem m = {0};
	uint8_t *key = NULL;
	int n, r;

	b->signer_read[0] = broker_stamp(b->conf.cert);
	b->signer_read[1] = broker_stamp(b->conf.key);
	free(b->signer_cert);
	b->signer_cert = NULL;
	r = broker_read_pem(b->conf.cert, FILE_PUBLIC, PEM_MAX, &b->signer_cert,
	    &b->signer_cert_len);
	if (r == 0) {
		r = broker_read_pem(
		    b->conf.key, FILE_SECRET, PEM_MAX, &key, &m.key_len);
	}
	if (r == 0) {
		m.cert = b->signer_cert;
		m.cert_len = b->signer_cert_len;
		m.key = key;
		n = ipc_encode_pem(b->buf, CHANNEL_MAX, &m);
		if (n > 0) {
			r = channel_send_wait(chan, IPC_SIGNER_LOAD, 0, b->buf,
			    (size_t)n, -1, 1000);
		} else {
			log_warnx("send keys: certificate and key are over 64 "
				  "KiB together");
			r = ERR_LIMIT;
		}
		mem_wipe(b->buf, CHANNEL_MAX);
	}
	if (key != NULL) {
		mem_wipe(key, m.key_len);
	}
	free(key);
	return r;
}

/* Runs it, with the key in its channel. */
static int
spawn_signer(struct broker *b, int chan)
{
	static const char *const argv[] = {"sallyport-signer", "signer", NULL};
	uid_t uid = b->conf.uid_base + b->conf.uid_count - 1;
	char path[PATH_MAX];

	if (spawn_program(path, sizeof(path), argv[0]) == NULL) {
		log_warnx("start %s: path is too long", argv[0]);
		return ERR_LIMIT;
	}
	/* --check-config needs no root: then it is nobody else either */
	if (geteuid() != 0) {
		uid = (uid_t)-1;
	}
	b->signer.pid = spawn_child(&(struct spawn){
	    .path = path,
	    .argv = argv,
	    .fds = {chan},
	    .nfds = 1,
	    .uid = uid,
	    .gid = (gid_t)uid,
	    .die_with_parent = 1,
	    .own_pids = 1,
	});
	if (b->signer.pid == -1) {
		log_warn("start %s", path);
		return ERR_SYS;
	}
	return 0;
}

/* In the loop from now on; ERR_SYS: it ends, and is reaped like any other. */
static int
watch_signer(struct broker *b)
{
	struct child *child = &b->signer;

	child->io = loop_io_new(
	    b->loop, child->chan, LOOP_READ, broker_on_child, child);
	child->limit = loop_timer_new(b->loop, broker_on_limit, child);
	if (b->signer_restart == NULL) {
		b->signer_restart = loop_timer_new(b->loop, on_restart, b);
	}
	if (child->io == NULL || child->limit == NULL ||
	    b->signer_restart == NULL) {
		broker_end_child(child);
		return ERR_SYS;
	}
	return 0;
}

int
broker_start_signer(struct broker *b)
{
	int chan[2] = {-1, -1}, r;

	b->signer_started = clock_mono();
	b->signer_refused = 0;
	if (channel_pair(chan) != 0) {
		log_warn("start sallyport-signer");
		return ERR_SYS;
	}
	r = send_key(b, chan[0]);
	if (r == 0) {
		b->signer = BROKER_NO_CHILD;
		b->signer.broker = b;
		b->signer.chan = chan[0];
		r = spawn_signer(b, chan[1]);
	} else {
		/* until the files are others */
		b->signer_refused = 1;
	}
	close_fd(&chan[1]);
	if (r != 0) {
		close_fd(&chan[0]);
		b->signer.chan = -1;
		if (!b->signer_refused) {
			start_later(b);
		}
		return r;
	}
	b->signer.role = IPC_ROLE_SIGNER;
	return b->loop != NULL ? watch_signer(b) : 0;
}

void
broker_signer_loaded(struct broker *b, const struct ipc_loaded *m)
{
	char text[IPC_TEXT];

	b->signer.key_given = 1;
	if (m->err == 0) {
		log_infox("signer: has the key of %s, RSA of %u bits",
		    b->conf.cert, m->bits);
		return;
	}
	/* it ends by itself, and the same files would end the next one */
	b->signer_refused = 1;
	log_escape(text, sizeof(text), m->text, strlen(m->text));
	log_warnx("[tls] key-holder: %s and %s: %s; see gateway.conf(5)",
	    b->conf.cert, b->conf.key, *text != '\0' ? text : err_str(m->err));
}

int
broker_try_signer(struct broker *b)
{
	struct ipc_loaded m = {.err = ERR_FORMAT};
	struct channel_msg msg = {.fd = -1};
	int r = broker_start_signer(b);

	if (r != 0) {
		return r;
	}
	r = channel_recv_wait(
	    b->signer.chan, b->buf, sizeof(b->buf), LOAD_MS, &msg);
	if (r == 0 && (msg.type != IPC_SIGNER_LOADED || msg.fd != -1 ||
	    ipc_decode_loaded(&m, msg.data, msg.len) != 0)) {
		close_fd(&msg.fd);
		r = ERR_PEER;
	}
	if (r != 0) {
		log_warnx("signer: does not take the key: %s", err_str(r));
		return r;
	}
	broker_signer_loaded(b, &m);
	return m.err;
}

void
broker_end_signer(struct broker *b)
{
	if (b->signer.role != 0) {
		(void)kill(b->signer.pid, SIGKILL);
		(void)waitpid(b->signer.pid, NULL, 0);
		broker_clear_child(&b->signer);
	}
	free(b->signer_cert);
	b->signer_cert = NULL;
}

void
broker_signer_gone(struct broker *b, int status)
{
	if (b->is_stopping) {
		return;
	}
	if (WIFSIGNALED(status)) {
		log_warnx("signer: ended by signal %d", WTERMSIG(status));
	} else {
		log_warnx("signer: exit %d", WEXITSTATUS(status));
	}
	if (!b->signer_refused) {
		start_later(b);
	}
}

/* Nothing is asked of it any more by us. It is reaped without a word. */
static void
retire(struct broker *b)
{
	if (b->signer.role != 0) {
		broker_clear_child(&b->signer);
	}
	if (b->signer_restart != NULL) {
		loop_timer_stop(b->signer_restart);
	}
	b->signer_restarts = 0;
}

int
broker_serve_signer(struct broker *b, struct child *session)
{
	const struct stamp now[2] = {
		broker_stamp(b->conf.cert), broker_stamp(b->conf.key)};
	int r = 0;

	if (memcmp(now, b->signer_read, sizeof(now)) != 0) {
		log_infox("signer: certificate or key are others");
		retire(b);
		r = broker_start_signer(b);
	}
	if (r == 0 &&
	    (b->signer.role == 0 || b->signer.is_ending || b->signer_refused)) {
		r = ERR_NOENT;
	}
	if (r == 0) {
		r = channel_send_wait(b->signer.chan, IPC_SIGNER_SERVE,
		    session->conn, NULL, 0, session->signer_end, 1000);
	}
	if (r != 0) {
		log_warnx("session %u: nobody has the key to sign for it",
		    session->conn);
	}
	close_fd(&session->signer_end);
	return r;
}
