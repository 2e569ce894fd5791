/*
 * The warden's two outer doors: the listener, and the channel to the broker.
 */
#include "proxy/warden/warden.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/net.h"

#define ACCEPTS_A_TURN 16

static void
on_accept(void *arg, int events)
{
	struct warden *w = arg;

	(void)events;
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		int fd = accept4(w->listen_fd, NULL, NULL,
		    SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd == -1) {
			if (errno != EAGAIN && errno != EWOULDBLOCK &&
			    errno != EINTR && errno != ECONNABORTED) {
				log_warn("accept");
			}
			return;
		}
		session_accept(w, fd);
	}
}

int
warden_listen(struct warden *w)
{
	char why[256];
	int r;

	r = net_listen(w->conf.listen, (uint16_t)w->conf.port, &w->listen_fd,
	    why, sizeof(why));
	if (r != 0) {
		log_warnx("listen on port %u: %s", w->conf.port, why);
		return r;
	}
	w->listen_io =
	    loop_io_new(w->loop, w->listen_fd, LOOP_READ, on_accept, w);
	if (w->listen_io == NULL) {
		return ERR_NOMEM;
	}
	log_infox("listening on %s port %u",
	    *w->conf.listen != '\0' ? w->conf.listen : "all addresses",
	    w->conf.port);
	return 0;
}

void
warden_ask(struct warden *w, uint16_t type, uint32_t conn, const void *data,
    int len, int fd)
{
	int r;

	if (len < 0) {
		fatalx("ask the broker: %s", err_str(len));
	}
	r = channel_send_wait(
	    w->broker, type, conn, data, (size_t)len, fd, 5000);
	if (r != 0) {
		fatalx("ask the broker: %s", err_str(r));
	}
}

/* A process of ours asked for what it may not: somebody else's code ran there,
 * or ours has a fault. */
static void
tell_fault(struct warden *w, uint32_t conn, const struct ipc_exited *m)
{
	static const char *const roles[] = {
		[IPC_ROLE_SESSION] = "session",
		[IPC_ROLE_PROBE] = "probe",
		[IPC_ROLE_RECORDER] = "capture",
		[IPC_ROLE_FETCHER] = "fetch",
		[IPC_ROLE_TRIAL] = "trial",
		[IPC_ROLE_POSTER] = "post",
		[IPC_ROLE_SIGNER] = "signer",
	};
	const struct session *s = session_find(w, conn);
	char number[16], what[64];

	(void)snprintf(number, sizeof(number), "%u", conn);
	(void)snprintf(what, sizeof(what),
	    m->fault == IPC_FAULT_CALL ? "system call %u" : "request %u",
	    m->what);
	audit_write(w, "process", "forbidden", s, s != NULL ? s->device : NULL,
	    NULL, "role", roles[m->role], "number", number, "what",
	    m->has_what ? what : "unknown", (char *)NULL);
}

/* One answer. The broker is trusted, but what cannot be read is fatal. */
static void
on_answer(struct warden *w, struct channel_msg *msg)
{
	struct ipc_exited exited;
	struct ipc_result result;
	int fd = msg->fd;

	msg->fd = -1; /* the handlers of what has one take it */
	if (msg->type == IPC_EXITED) {
		close_fd(&fd);
		if (ipc_decode_exited(&exited, msg->data, msg->len) != 0) {
			fatalx("broker: EXITED cannot be read");
		}
		if (exited.fault != IPC_FAULT_NONE) {
			tell_fault(w, msg->id, &exited);
		}
		if (exited.role == IPC_ROLE_FETCHER ||
		    exited.role == IPC_ROLE_POSTER ||
		    exited.role == IPC_ROLE_TRIAL ||
		    exited.role == IPC_ROLE_SIGNER) {
			return; /* a channel of its own says the rest, or the
				   broker */
		}
		if (!session_on_exited(w, msg->id, &exited) &&
		    !captures_on_exited(w, msg->id, &exited)) {
			registry_on_exited(w, msg->id);
		}
		return;
	}
	if (msg->type == IPC_CRL_IS) {
		revoked_on_crl(w, msg, fd);
		return;
	}
	if (ipc_decode_result(&result, msg->data, msg->len) != 0) {
		fatalx("broker: answer %u cannot be read", msg->type);
	}
	switch (msg->type) {
	case IPC_SPAWNED:
		session_on_spawned(w, msg->id, &result, fd);
		break;
	case IPC_PROBED:
		registry_on_probed(w, msg->id, &result, fd);
		break;
	case IPC_RECORDING:
		captures_on_recording(w, msg->id, &result, fd);
		break;
	case IPC_FETCHING:
		bundles_on_fetching(w, msg->id, &result, fd);
		break;
	case IPC_POSTING:
		upstream_on_posting(w, msg->id, &result, fd);
		break;
	case IPC_TRYING:
		bundles_on_trying(w, msg->id, &result, fd);
		break;
	case IPC_GRANTED:
		close_fd(&fd);
		session_on_granted(w, msg->id, &result);
		break;
	case IPC_AUTHORIZED:
		close_fd(&fd);
		if (result.err != 0 && result.err != ERR_NOENT) {
			log_warnx("authorize: %s",
			    result.err == ERR_SYS ? strerror(result.sys)
						  : err_str(result.err));
		}
		break;
	default:
		fatalx("broker: unknown answer %u", msg->type);
	}
}

void
warden_on_broker(void *arg, int events)
{
	struct warden *w = arg;
	/* Not w->buf, which belongs to the channel that a handler may read
	 * from. */
	static uint8_t buf[CHANNEL_HEADER + CHANNEL_MAX];
	struct channel_msg msg;
	int r;

	(void)events;
	r = channel_recv(w->broker, buf, sizeof(buf), &msg);
	if (r == 0) {
		on_answer(w, &msg);
	} else if (r != ERR_AGAIN) {
		fatalx("broker: %s", err_str(r));
	}
}
