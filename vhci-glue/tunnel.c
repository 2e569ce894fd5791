/*
 * sallyport tunnel: a port on 127.0.0.1 where other USB/IP clients of this
 * machine, such as usbip(8), reach a gateway through this workstation's
 * certificate. Only users that may use that certificate are let in; each
 * connection gets a relay of its own. No byte of either side is read here.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "vhci-glue/cmd.h"
#include "vhci-glue/launch.h"
#include "vhci-glue/owner.h"

#define SEND_MS 5000
#define CONNECTIONS 32

struct tunnel {
	const struct opts *opts;
	struct settings settings;
	struct gateway gateway;
	uid_t user; /* besides root */
	int listener; /* owned */
	struct launch *relays[CONNECTIONS]; /* owned; NULL = free */
};

static volatile sig_atomic_t told_to_end;

static void
on_signal(int signo)
{
	(void)signo;
	told_to_end = 1;
}

static int
find_user(struct tunnel *t)
{
	const char *name = t->opts->user;
	const struct passwd *pw;
	unsigned long n;
	char safe[128], *end;

	t->user = geteuid();
	if (name == NULL) {
		return 0;
	}
	pw = getpwnam(name);
	if (pw != NULL) {
		t->user = pw->pw_uid;
		return 0;
	}
	n = strtoul(name, &end, 10);
	if (name[0] >= '0' && name[0] <= '9' && *end == '\0' &&
	    n < UINT32_MAX) {
		t->user = (uid_t)n;
		return 0;
	}
	log_escape(safe, sizeof(safe), name, strlen(name));
	log_warnx("tunnel: user %s: there is none", safe);
	return EXITS_USAGE;
}

static int
listen_here(struct tunnel *t)
{
	struct sockaddr_in here = {
		.sin_family = AF_INET,
		.sin_port = htons(t->opts->listen),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int on = 1;

	t->listener = socket(
	    AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (t->listener == -1 ||
	    setsockopt(t->listener, SOL_SOCKET, SO_REUSEADDR, &on,
		sizeof(on)) == -1 ||
	    bind(t->listener, (struct sockaddr *)&here, sizeof(here)) == -1 ||
	    listen(t->listener, CONNECTIONS) == -1) {
		log_warn("tunnel: listen on 127.0.0.1 port %u%s",
		    t->opts->listen,
		    errno == EADDRINUSE ? " (give another with --listen)"
					: "");
		return EXITS_FAILED;
	}
	return 0;
}

/* A free place, or -1. */
static int
free_slot(const struct tunnel *t)
{
	for (int i = 0; i < CONNECTIONS; i++) {
		if (t->relays[i] == NULL) {
			return i;
		}
	}
	return -1;
}

static int
is_allowed(const struct tunnel *t, int fd)
{
	uid_t uid;
	int r = owner_of(fd, &uid);

	if (r != 0) {
		log_warnx("tunnel: a connection whose user cannot be told "
			  "(%s): refused",
		    err_str(r));
		return 0;
	}
	if (uid != 0 && uid != t->user) {
		log_warnx("tunnel: a connection of user %u: refused; --user "
			  "names who may",
		    (unsigned)uid);
		return 0;
	}
	return 1;
}

/* Gives the connection to a relay; it is started when this returns. */
static struct launch *
start_relay(const struct tunnel *t, int fd)
{
	const struct ipc_result ok = {.err = 0, .sys = 0};
	const struct launch_how how = {
		.opts = t->opts,
		.settings = &t->settings,
		.gateway = &t->gateway,
		.mode = IPC_RELAY_TUNNEL,
		.busid = "",
		.log = -1,
	};
	struct launch *l = calloc(1, sizeof(*l));
	int n;

	if (l == NULL) {
		log_warn("tunnel: connection");
		return NULL;
	}
	if (launch_start(l, &how) != 0) {
		free(l);
		return NULL;
	}
	n = ipc_encode_result(l->buf, sizeof(l->buf), &ok);
	if (n < 0 ||
	    channel_send_wait(l->channel, IPC_RELAY_ATTACHED, 0, l->buf,
		(size_t)n, fd, SEND_MS) != 0) {
		log_warnx("tunnel: relay: does not listen");
		launch_end(l);
		free(l);
		return NULL;
	}
	return l;
}

static void
on_connection(struct tunnel *t)
{
	int fd = accept4(t->listener, NULL, NULL, SOCK_CLOEXEC);
	int slot = free_slot(t), on = 1;

	if (fd == -1) {
		return; /* it left again */
	}
	if (slot == -1) {
		log_warnx("tunnel: all %d connections are in use", CONNECTIONS);
	} else if (is_allowed(t, fd)) {
		(void)setsockopt(
		    fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		t->relays[slot] = start_relay(t, fd);
	}
	close_fd(&fd);
}

/* It has something to say, or is gone; both end it. */
static void
on_relay(struct tunnel *t, int slot)
{
	struct launch *l = t->relays[slot];
	struct channel_msg msg;

	/* what went wrong it has logged by that */
	(void)launch_recv(l, SEND_MS, &msg);
	launch_end(l);
	free(l);
	t->relays[slot] = NULL;
}

static int
serve(struct tunnel *t)
{
	while (!told_to_end) {
		struct pollfd p[1 + CONNECTIONS];
		int n;

		p[0] = (struct pollfd){.fd = t->listener, .events = POLLIN};
		for (int i = 0; i < CONNECTIONS; i++) {
			const struct launch *l = t->relays[i];

			p[1 + i] = (struct pollfd){
				.fd = l != NULL ? l->channel : -1,
				.events = POLLIN,
			};
		}
		n = poll(p, 1 + CONNECTIONS, 500);
		if (n == -1 && errno != EINTR) {
			log_warn("tunnel: poll");
			return EXITS_FAILED;
		}
		if (n <= 0) {
			continue;
		}
		for (int i = 0; i < CONNECTIONS; i++) {
			if (p[1 + i].revents != 0) {
				on_relay(t, i);
			}
		}
		if (p[0].revents != 0) {
			on_connection(t);
		}
	}
	return EXITS_OK;
}

static int
prepare(struct tunnel *t)
{
	const struct sigaction act = {.sa_handler = on_signal};
	int r = cmd_gateway(&t->gateway, t->opts);

	if (r == 0) {
		r = find_user(t);
	}
	if (r == 0 && settings_load(&t->settings, t->opts) != 0) {
		r = EXITS_FAILED;
	}
	if (r == 0) {
		r = listen_here(t);
	}
	if (r != 0) {
		return r;
	}
	(void)sigaction(SIGINT, &act, NULL);
	(void)sigaction(SIGTERM, &act, NULL);
	log_infox("tunnel: listening on 127.0.0.1 port %u for user %u%s",
	    t->opts->listen, (unsigned)t->user,
	    t->user != 0 ? " and root" : "");
	return 0;
}

int
cmd_tunnel(const struct opts *opts)
{
	static struct tunnel t;
	int r;

	t.opts = opts;
	t.listener = -1;
	r = prepare(&t);
	if (r == 0) {
		r = serve(&t);
	}
	for (int i = 0; i < CONNECTIONS; i++) {
		if (t.relays[i] != NULL) {
			(void)kill(t.relays[i]->pid, SIGTERM);
			launch_end(t.relays[i]);
			free(TAKE(t.relays[i]));
		}
	}
	close_fd(&t.listener);
	settings_free(&t.settings);
	return r;
}
