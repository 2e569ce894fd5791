/*
 * sallyport-reader: reads the JSON of a gateway's events, so that no process
 * with privileges does. Runs under an unprivileged uid of its own from its first
 * instruction, without a network: descriptor 3 is its parent, `sallyport`, and 4
 * the relay. Each line of the relay becomes messages of fixed form, which the
 * parent judges again. What the parent says of desktops goes to the relay.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/channel.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "vhci-glue/confine.h"
#include "vhci-glue/event.h"
#include "vhci-glue/exits.h"
#include "wire/ipc.h"

#define PARENT_FD 3
#define RELAY_FD 4
#define PARENT_MS 10000
#define RELAY_MS 1000

static uint8_t in[CHANNEL_HEADER + CHANNEL_MAX], out[CHANNEL_MAX];

static int
send_watch(void *arg, const struct ipc_watch *watch)
{
	int n = ipc_encode_watch(out, sizeof(out), watch);

	(void)arg;
	return n < 0 ? n
		     : channel_send_wait(PARENT_FD, IPC_RELAY_WATCH, 0, out,
			   (size_t)n, -1, PARENT_MS);
}

static int
send_done(const struct ipc_relay_done *done)
{
	int n = ipc_encode_relay_done(out, sizeof(out), done);

	if (n > 0) {
		(void)channel_send_wait(PARENT_FD, IPC_RELAY_DONE, 0, out,
		    (size_t)n, -1, PARENT_MS);
	}
	return done->exit_code;
}

static int
end(int exit_code, const char *text)
{
	struct ipc_relay_done done = {.exit_code = (uint8_t)exit_code};

	(void)snprintf(done.text, sizeof(done.text), "%s", text);
	return send_done(&done);
}

/* -1 to go on, or the exit status. */
static int
take(const struct channel_msg *msg)
{
	struct ipc_relay_done done;
	struct ipc_line line;
	int r;

	if (msg->type == IPC_RELAY_DONE &&
	    ipc_decode_relay_done(&done, msg->data, msg->len) == 0) {
		return send_done(&done);
	}
	if (msg->type != IPC_RELAY_LINE || msg->fd != -1 ||
	    ipc_decode_line(&line, msg->data, msg->len) != 0) {
		return end(EXITS_FAILED, "relay: malformed message");
	}
	r = event_parse(&line, send_watch, NULL);
	switch (r) {
	case 0:
		return -1;
	case ERR_FORMAT:
		return end(EXITS_FAILED,
		    "events: a line that is none of the protocol's; this is "
		    "no Sallyport gateway");
	case ERR_PEER:
		return end(EXITS_FAILED,
		    "events: the gateway speaks another version; update the "
		    "older of the two");
	}
	return EXITS_FAILED; /* the parent is gone */
}

/* -1 to go on, or the exit status: the parent left, or speaks out of turn. */
static int
hear_parent(void)
{
	struct channel_msg msg;
	struct ipc_desk desk;
	int r = channel_recv(PARENT_FD, in, sizeof(in), &msg);

	if (r == ERR_AGAIN) {
		return -1;
	}
	if (r != 0 || msg.fd != -1 || msg.type != IPC_RELAY_DESK ||
	    ipc_decode_desk(&desk, msg.data, msg.len) != 0) {
		return EXITS_OK;
	}
	return channel_send_wait(RELAY_FD, IPC_RELAY_DESK, 0, msg.data,
		   msg.len, -1, RELAY_MS) == 0
	    ? -1
	    : end(EXITS_FAILED, "relay: does not take what is said to it");
}

static int
work(void)
{
	struct pollfd p[2] = {
		{.fd = RELAY_FD, .events = POLLIN},
		{.fd = PARENT_FD, .events = POLLIN},
	};

	for (;;) {
		struct channel_msg msg;
		int r;

		if (poll(p, 2, -1) == -1 && errno != EINTR) {
			return EXITS_FAILED;
		}
		r = p[1].revents != 0 ? hear_parent() : -1;
		if (r >= 0) {
			return r;
		}
		r = channel_recv(RELAY_FD, in, sizeof(in), &msg);
		if (r == ERR_AGAIN) {
			continue;
		}
		if (r != 0) {
			return end(EXITS_FAILED,
			    "relay: ended without a word; its log may tell");
		}
		r = take(&msg);
		close_fd(&msg.fd);
		if (r >= 0) {
			return r;
		}
	}
}

int
main(int argc, char **argv)
{
	log_init("sallyport-reader");
	if (argc != 2 || strcmp(argv[1], "events") != 0 ||
	    fcntl(PARENT_FD, F_SETFD, FD_CLOEXEC) == -1 ||
	    fcntl(RELAY_FD, F_SETFD, FD_CLOEXEC) == -1) {
		(void)fprintf(stderr,
		    "sallyport-reader is started by sallyport(1), not by "
		    "hand\n");
		return EXITS_USAGE;
	}
	if (geteuid() == 0) {
		fatalx("refuses to run as root: `sallyport` starts it");
	}
	(void)signal(SIGPIPE, SIG_IGN);
	json_object_seed(0); /* it would open /dev/urandom, later */
	confine_reader();
	return work();
}
