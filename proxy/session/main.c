/*
 * sallyport-session: one connection. The broker starts it with three
 * descriptors, 3 = broker, 4 = warden, 5 = the peer's socket, and argv
 * {"sallyport-session", "session", CONNECTION, URBS, BUFFERS}; with "signer"
 * behind them there is a fourth, 6 = who has the gateway's key. Exit status 0
 * when the peer ended the connection or got its answer, 1 when it failed, 2 for
 * wrong use.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "proxy/session/confine.h"
#include "proxy/session/door.h"
#include "proxy/session/limits.h"
#include "proxy/session/session.h"

enum fds { FD_BROKER = 3, FD_WARDEN = 4, FD_PEER = 5, FD_SIGNER = 6 };

struct run {
	struct loop *loop;
	int exit_code;
};

static void
on_ended(void *arg, int exit_code)
{
	struct run *run = arg;

	run->exit_code = exit_code;
	loop_stop(run->loop);
}

/* Ours alone, and never waiting. */
static int
adopt(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) == -1) {
		return -1;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	struct run run = {.exit_code = 1};
	struct session_limits limits;
	struct session_how how = {
		.broker = FD_BROKER,
		.warden = FD_WARDEN,
		.peer = FD_PEER,
		.usb = usb_backend,
		.limits = &limits,
		.walls = confine_walls,
		.ended = on_ended,
		.arg = &run,
	};
	int has_signer = argc == 6 && strcmp(argv[5], "signer") == 0;
	struct session *session;
	char name[48];
	int r;

	if ((argc != 5 && !has_signer) || strcmp(argv[1], "session") != 0 ||
	    session_limits_parse(&limits, argv[3], argv[4]) != 0) {
		fprintf(stderr, "sallyport-session is started by sallyportd, "
				"not by hand; see sallyportd(8)\n");
		return 2;
	}
	snprintf(name, sizeof(name), "sallyport-session[%.16s]", argv[2]);
	log_init(name);
	signal(SIGPIPE, SIG_IGN);
	if (adopt(FD_BROKER) == -1 || adopt(FD_WARDEN) == -1 ||
	    adopt(FD_PEER) == -1 || (has_signer && adopt(FD_SIGNER) == -1)) {
		fatal("adopt descriptors 3 to %d",
		    has_signer ? FD_SIGNER : FD_PEER);
	}
	run.loop = loop_new();
	how.loop = run.loop;
	how.door = door_tls_new(has_signer ? FD_SIGNER : -1);
	if (run.loop == NULL || how.door == NULL) {
		fatalx("start: out of memory");
	}
	confine_session(&limits);
	r = session_new(&session, &how);
	if (r != 0) {
		fatalx("start: %s", err_str(r));
	}
	loop_run(run.loop);
	session_free(session);
	loop_free(run.loop);
	return run.exit_code;
}
