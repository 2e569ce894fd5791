/*
 * sallyport-relay: one connection to one gateway, and at most one device. Runs
 * under an unprivileged uid of its own from its first instruction; its parent,
 * often root, speaks to it over descriptor 3 and believes nothing. Talks to a
 * gateway that may be hostile and keeps its bytes from the kernel.
 *
 * 1. setup from the parent (names, PEM texts, rules); 2. connect, handshake; 3.
 * the key is wiped; 4. list, or import; 5. for an import: look at the device,
 * accept it or not, ready, then the kernel's socket from the parent; 6. stream
 * until either side ends. Where nothing is known of the gateway's list, one more
 * connection before that one asks for it.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/net.h"
#include "base/tls.h"
#include "vhci-glue/accept.h"
#include "vhci-glue/confine.h"
#include "vhci-glue/exits.h"
#include "vhci-glue/look.h"
#include "vhci-glue/relay.h"
#include "vhci-glue/relay_events.h"
#include "vhci-glue/relay_opts.h"
#include "vhci-glue/relay_tunnel.h"
#include "vhci-glue/remote.h"
#include "wire/ipc.h"
#include "wire/usbip_check.h"

#define PARENT_FD 3
#define LOG_FD 4
#define PARENT_MS 30000
#define CONNECT_MS 10000
#define HANDSHAKE_NS (10 * CLOCK_SEC)
#define ANSWER_NS (20 * CLOCK_SEC)

struct worker {
	struct relay_opts opts;
	char name[2 * IDENTITY_TEXT];
	struct ipc_relay_setup setup; /* its pointers die with message */
	struct rules *rules;	      /* owned; NULL = the defaults */
	struct seen *seen;	      /* owned until the relay takes it */
	struct tls_config *config;    /* owned */
	struct stream *stream;	      /* owned until the relay takes it */
	struct usbip_device dev;
	struct ipc_relay_done done;
	struct loop *loop;
	struct loop_io *parent_io;
	struct relay *relay;
	int result;
	uint8_t message[CHANNEL_HEADER + CHANNEL_MAX];
};

static int
send_done(struct worker *w)
{
	uint8_t buf[IPC_TEXT + 64];
	int n = ipc_encode_relay_done(buf, sizeof(buf), &w->done);

	if (n < 0) {
		return n;
	}
	return channel_send_wait(
	    PARENT_FD, IPC_RELAY_DONE, 0, buf, (size_t)n, -1, PARENT_MS);
}

/* The next message, of exactly that type, with or without a descriptor; the
 * parent is ours, so anything else is a broken install. */
static void
recv_parent(struct worker *w, uint16_t type, struct channel_msg *msg)
{
	int r = channel_recv_wait(
	    PARENT_FD, w->message, sizeof(w->message), PARENT_MS, msg);

	if (r == ERR_CLOSED) {
		exit(EXITS_FAILED); /* it gave up and has said why */
	}
	if (r != 0) {
		fatalx("channel: %s", err_str(r));
	}
	if (msg->type != type) {
		fatalx("channel: unexpected message %u", msg->type);
	}
}

static void
read_setup(struct worker *w)
{
	struct channel_msg msg;

	recv_parent(w, IPC_RELAY_SETUP, &msg);
	if (msg.fd != -1 ||
	    ipc_decode_relay_setup(&w->setup, msg.data, msg.len) != 0) {
		fatalx("channel: malformed setup");
	}
	if (w->setup.mode == IPC_RELAY_ATTACH &&
	    usbip_check_busid(w->setup.busid) != 0) {
		fatalx("channel: malformed bus id");
	}
}

static int
load_rules(struct worker *w)
{
	const struct ipc_relay_setup *setup = &w->setup;
	char why[IPC_TEXT / 2];
	int r = 0;

	if (setup->rules_name[0] != '\0') {
		r = accept_load(&w->rules, setup->rules_name, setup->rules,
		    setup->rules_len, why, sizeof(why));
	}
	w->setup.rules = NULL;
	w->setup.rules_len = 0;
	return r == 0
	    ? 0
	    : remote_say(&w->done, EXITS_FAILED, "accept: %s", why);
}

static int
load_tls(struct worker *w)
{
	const struct ipc_pem *pem = &w->setup.pem;
	const struct tls_pem material = {
	    .ca = pem->ca,
	    .ca_len = pem->ca_len,
	    .cert = pem->cert,
	    .cert_len = pem->cert_len,
	    .key = pem->key,
	    .key_len = pem->key_len,
	    .crl = pem->crl_len > 0 ? pem->crl : NULL,
	    .crl_len = pem->crl_len,
	};
	char why[IPC_TEXT / 2] = "";
	int r = tls_config_new(
	    &w->config, TLS_CLIENT, &material, why, sizeof(why));

	mem_wipe(w->message, sizeof(w->message));
	w->setup.pem = (struct ipc_pem){NULL, NULL, NULL, NULL, 0, 0, 0, 0};
	if (r != 0) {
		return remote_say(&w->done, EXITS_FAILED,
		    "tls: %s; see `sallyport-certs show`",
		    why[0] != '\0' ? why : err_str(r));
	}
	tls_config_pin(w->config, (const uint8_t(*)[32])w->setup.pins,
	    w->setup.npins);
	return 0;
}

/* The key is still needed after a connection that is not the last. */
enum last { NOT_LAST, LAST };

static int
connect_gateway(struct worker *w, enum last last)
{
	int is_events = w->setup.mode == IPC_RELAY_EVENTS;
	const char *const alpn[] = {
		is_events ? EVENTS_ALPN : "usbip", NULL};
	char why[IPC_TEXT / 2] = "connect";
	const char *agreed;
	int fd = -1;
	int r = net_connect(w->setup.host, w->setup.port, CONNECT_MS, &w->opts.live,
	    &fd, why, sizeof(why));

	if (r != 0) {
		return remote_say(&w->done, EXITS_UNREACHABLE, "%s%s", why,
		    r == ERR_NOENT ? ""
				   : "; is sallyportd running there, and the "
				     "port open?");
	}
	w->stream = tls_stream_new(w->config, fd, w->setup.name, alpn);
	if (w->stream == NULL) {
		close_fd(&fd);
		return remote_say(&w->done, EXITS_FAILED, "tls: no memory");
	}
	r = remote_handshake(w->stream, clock_mono() + HANDSHAKE_NS, &w->done);
	if (last == LAST) {
		tls_config_wipe_key(w->config);
	}
	if (r != 0) {
		return -1;
	}
	agreed = tls_alpn(w->stream);
	if (agreed == NULL ? is_events : strcmp(agreed, alpn[0]) != 0) {
		return remote_say(&w->done, EXITS_FAILED,
		    "handshake: the gateway speaks another protocol");
	}
	return 0;
}

static int
keep_asked(void *arg, const struct ipc_item *item)
{
	struct worker *w = arg;
	struct ipc_asked *asked = &w->setup.asked;

	if (strcmp(item->dev.busid, w->setup.busid) != 0) {
		return 0;
	}
	asked->is_listed = 1;
	asked->vid = item->dev.vid;
	asked->pid = item->dev.pid;
	asked->ninterfaces = item->ninterfaces;
	memcpy(asked->interfaces, item->interfaces, sizeof(asked->interfaces));
	return 0;
}

/* A device that the list does not have may still be one to ask an approver
 * for: the import tells. */
static int
ask_for_list(struct worker *w)
{
	int r = connect_gateway(w, NOT_LAST);

	if (r == 0) {
		r = remote_list(w->stream, clock_mono() + ANSWER_NS,
		    keep_asked, w, &w->done);
		(void)stream_shutdown(w->stream);
	}
	stream_free(TAKE(w->stream));
	return r;
}

static int
connect_all(struct worker *w)
{
	int r = 0;

	if (w->setup.mode == IPC_RELAY_ATTACH && w->rules == NULL &&
	    !w->setup.asked.is_listed) {
		r = ask_for_list(w);
	}
	return r == 0 ? connect_gateway(w, LAST) : r;
}

static int
send_item(void *arg, const struct ipc_item *item)
{
	struct worker *w = arg;
	int n = ipc_encode_item(w->message, sizeof(w->message), item);

	if (n < 0) {
		return n;
	}
	return channel_send_wait(PARENT_FD, IPC_RELAY_ITEM, 0, w->message,
	    (size_t)n, -1, PARENT_MS);
}

static int
list_devices(struct worker *w)
{
	int r = remote_list(
	    w->stream, clock_mono() + ANSWER_NS, send_item, w, &w->done);

	(void)stream_shutdown(w->stream);
	if (r == 0) {
		memset(&w->done, 0, sizeof(w->done));
	}
	return send_done(w) == 0 && r == 0 ? EXITS_OK : EXITS_FAILED;
}

/* Offers the device to the parent and takes the kernel's socket from it. */
static int
take_socket(struct worker *w)
{
	struct ipc_relay_ready ready = {.dev = w->dev};
	struct ipc_result result;
	struct channel_msg msg;
	int n = ipc_encode_relay_ready(w->message, sizeof(w->message), &ready);

	if (n < 0 ||
	    channel_send_wait(PARENT_FD, IPC_RELAY_READY, 0, w->message,
		(size_t)n, -1, PARENT_MS) != 0) {
		exit(EXITS_FAILED); /* nobody is left who wants it */
	}
	recv_parent(w, IPC_RELAY_ATTACHED, &msg);
	if (ipc_decode_result(&result, msg.data, msg.len) != 0) {
		fatalx("channel: malformed result");
	}
	if (result.err != 0 || msg.fd == -1) {
		close_fd(&msg.fd);
		exit(EXITS_FAILED); /* the parent has said why */
	}
	return msg.fd;
}

/* From now on nobody may be there to read what is said. */
static void
settle_down(struct worker *w)
{
	if (w->opts.place == RELAY_BACKGROUND) {
		log_use_syslog();
	}
	/* Standard input is the null device, open for writing too. */
	if (dup2(0, 1) == -1 || chdir("/") == -1 ||
	    (w->opts.has_log && dup2(LOG_FD, 2) == -1) ||
	    (!w->opts.has_log && w->opts.place == RELAY_BACKGROUND &&
		dup2(0, 2) == -1)) {
		fatal("descriptors");
	}
	if (w->opts.has_log) {
		(void)close(LOG_FD);
	}
}

static void
on_ended(void *arg, const struct ending *end)
{
	struct worker *w = arg;
	char line[256];

	relay_describe(line, sizeof(line), end);
	w->result = end->kind == ENDING_DETACHED ? EXITS_OK
	    : end->kind == ENDING_DENIED	 ? EXITS_DENIED
						 : EXITS_FAILED;
	(void)remote_say(&w->done, w->result, "%s: %s", w->setup.busid, line);
	loop_stop(w->loop);
}

static void
on_signal(void *arg)
{
	struct worker *w = arg;

	w->result = EXITS_OK;
	(void)remote_say(
	    &w->done, EXITS_OK, "%s: told to end", w->setup.busid);
	loop_stop(w->loop);
}

/* The parent has nothing more to say; when it goes, a relay in the foreground
 * goes with it. */
static void
on_parent(void *arg, int events)
{
	struct worker *w = arg;
	struct channel_msg msg;
	int r = channel_recv(
	    PARENT_FD, w->message, sizeof(w->message), &msg);

	(void)events;
	if (r == ERR_AGAIN) {
		return;
	}
	if (r == 0) {
		close_fd(&msg.fd);
		fatalx("channel: unexpected message %u", msg.type);
	}
	loop_io_free(TAKE(w->parent_io));
	if (w->opts.place == RELAY_FOREGROUND) {
		on_signal(w);
	} else {
		(void)close(PARENT_FD);
	}
}

static int
stream_device(struct worker *w, int kernel)
{
	struct relay_how how = {
	    .stream = w->stream,
	    .kernel = kernel,
	    .seen = w->seen,
	    .ended = on_ended,
	    .arg = w,
	};
	struct loop_signal *term;
	int is_logged, r;

	w->loop = loop_new();
	if (w->loop == NULL) {
		fatal("loop");
	}
	how.loop = w->loop;
	r = relay_new(&w->relay, &how);
	if (r != 0) {
		fatalx("relay: %s", err_str(r));
	}
	w->stream = NULL;
	w->seen = NULL;
	w->parent_io =
	    loop_io_new(w->loop, PARENT_FD, LOOP_READ, on_parent, w);
	term = loop_signal_new(w->loop, SIGTERM, on_signal, w);
	if (w->parent_io == NULL || term == NULL) {
		fatal("loop");
	}
	confine_relay_streaming();
	/* In the foreground the parent says both, but for a log file. */
	is_logged = w->opts.place == RELAY_BACKGROUND || w->opts.has_log;
	if (is_logged) {
		log_infox("attached: %04x:%04x", w->dev.vid, w->dev.pid);
	}
	loop_run(w->loop);

	relay_free(w->relay); /* unplugs */
	if (is_logged && w->result == EXITS_OK) {
		log_infox("ended: %s", w->done.text);
	} else if (is_logged) {
		log_warnx("ended: %s", w->done.text);
	}
	if (w->parent_io != NULL) {
		(void)send_done(w); /* it is still there */
	}
	loop_io_free(w->parent_io);
	loop_signal_free(term);
	loop_free(w->loop);
	return w->result;
}

/* The workstation's own say, before the kernel knows of the device. */
static int
judge_device(struct worker *w)
{
	const struct accept_how how = {
	    .rules = w->rules,
	    .flags = w->setup.accept,
	    .asked = &w->setup.asked,
	};
	static struct look face;
	uint8_t hid[SEEN_NUMBERS];
	char why[IPC_TEXT / 2];

	if (seen_new(&w->seen, &w->dev) != 0) {
		return remote_say(&w->done, EXITS_FAILED, "no memory");
	}
	if (look_at(&face, w->seen, w->stream, clock_mono() + ANSWER_NS,
		&w->dev, w->rules != NULL ? LOOK_TEXTS : LOOK_DESCRIPTORS,
		&w->done) != 0) {
		return -1;
	}
	if (accept_judge(
		&how, &w->dev, w->seen, &face, hid, why, sizeof(why)) != 0) {
		return remote_say(&w->done, EXITS_DENIED,
		    "%s: not accepted: %s", w->setup.busid, why);
	}
	seen_seal(w->seen, hid);
	return 0;
}

static int
attach_device(struct worker *w)
{
	int kernel;

	if (remote_import(w->stream, clock_mono() + ANSWER_NS, w->setup.busid,
		&w->dev, &w->done) != 0 ||
	    judge_device(w) != 0) {
		(void)stream_shutdown(w->stream);
		(void)send_done(w);
		if (w->done.exit_code != EXITS_DENIED) {
			return EXITS_FAILED;
		}
		/* In the foreground the parent says it, but for a log file. */
		if (w->opts.place == RELAY_BACKGROUND || w->opts.has_log) {
			settle_down(w);
			log_warnx("ended: %s", w->done.text);
		}
		return EXITS_DENIED;
	}
	kernel = take_socket(w);
	settle_down(w);
	return stream_device(w, kernel);
}

static int
pass_events(struct worker *w)
{
	confine_relay_streaming();
	if (relay_events_run(w->stream, PARENT_FD, &w->done) == 0) {
		(void)stream_shutdown(w->stream);
		return EXITS_OK;
	}
	(void)send_done(w);
	return EXITS_FAILED;
}

/* The client's socket waits in the channel. */
static int
carry_tunnel(struct worker *w)
{
	struct ipc_result result;
	struct channel_msg msg;
	int r;

	recv_parent(w, IPC_RELAY_ATTACHED, &msg);
	if (msg.fd == -1 ||
	    ipc_decode_result(&result, msg.data, msg.len) != 0) {
		fatalx("channel: malformed result");
	}
	confine_relay_streaming();
	r = relay_tunnel_run(w->stream, msg.fd);
	if (r == ERR_CLOSED) {
		memset(&w->done, 0, sizeof(w->done));
	} else {
		(void)remote_say(&w->done, EXITS_FAILED, "connection: %s",
		    r == ERR_TLS ? tls_error(w->stream) : err_str(r));
	}
	(void)send_done(w);
	return w->done.exit_code;
}

/* Whoever answers now, under a name and a CA that are good, is to be known. */
static int
tell_key(struct worker *w)
{
	struct ipc_relay_key key;
	int n;

	(void)stream_shutdown(w->stream);
	if (tls_peer_key(w->stream, key.hash) != 0) {
		(void)remote_say(
		    &w->done, EXITS_FAILED, "handshake: it has no key");
		(void)send_done(w);
		return EXITS_FAILED;
	}
	n = ipc_encode_relay_key(w->message, sizeof(w->message), &key);
	return channel_send_wait(PARENT_FD, IPC_RELAY_KEY, 0, w->message,
		   (size_t)n, -1, PARENT_MS) == 0
	    ? EXITS_OK
	    : EXITS_FAILED;
}

/* For the log: what it is about. */
static const char *
subject(const struct worker *w)
{
	switch (w->setup.mode) {
	case IPC_RELAY_LIST:
		return "list";
	case IPC_RELAY_EVENTS:
		return "events";
	case IPC_RELAY_TUNNEL:
		return "tunnel";
	case IPC_RELAY_MEET:
		return "first use";
	}
	return w->setup.busid;
}

static int
work(struct worker *w)
{
	char host[IDENTITY_TEXT];
	int r;

	read_setup(w);
	log_escape(host, sizeof(host), w->setup.host, strlen(w->setup.host));
	(void)snprintf(w->name, sizeof(w->name), "sallyport-relay[%s %s]", host,
	    subject(w));
	log_init(w->name);
	if (w->opts.place == RELAY_BACKGROUND) {
		log_open_syslog();
	}
	confine_relay_connecting();
	r = load_rules(w) != 0 || load_tls(w) != 0 || connect_all(w) != 0;
	confine_relay_connected();
	if (r != 0) {
		(void)send_done(w);
		r = EXITS_FAILED;
	} else if (w->setup.mode == IPC_RELAY_LIST) {
		r = list_devices(w);
	} else if (w->setup.mode == IPC_RELAY_EVENTS) {
		r = pass_events(w);
	} else if (w->setup.mode == IPC_RELAY_TUNNEL) {
		r = carry_tunnel(w);
	} else if (w->setup.mode == IPC_RELAY_MEET) {
		r = tell_key(w);
	} else {
		r = attach_device(w);
	}
	stream_free(w->stream);
	seen_free(w->seen);
	rules_free(w->rules);
	tls_config_free(w->config);
	return r;
}

/* Before the loop has that signal: who is the first of its process ids is not
 * ended by one that it has no handler for. */
static void
on_term(int signo)
{
	_exit(128 + signo);
}

static void
stand_alone(void)
{
	if (geteuid() == 0) {
		fatalx("refuses to run as root: `sallyport` starts it");
	}
	(void)setsid(); /* fails only for a leader, who needs none */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGTERM, on_term);
}

int
main(int argc, char **argv)
{
	static struct worker worker;

	log_init("sallyport-relay");
	relay_opts_parse(&worker.opts, argc, argv);
	stand_alone();
	return work(&worker);
}
