/*
 * From a screen that is locked to a device that is gone, by the programs
 * themselves: a logind that we play, sallyport-desks, agent, reader and relay, TLS,
 * session and warden. Stands in the same stage as the attacks; prints how long
 * each ejection took, from the signal on the bus to the end of the connection.
 */
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "base/tls.h"
#include "tests/attack/stage.h"
#include "tests/attack/ws.h"
#include "tests/fake/logind.h"
#include "vhci-glue/notices.h"

#define VHCI "/sys/devices/platform/vhci_hcd.0"
#define BUS "/run/dbus/system_bus_socket"
#define PATIENCE_MS 20000
#define OTHER "daemon" /* a user of any Debian, and his number */
#define OTHER_UID 1
#define SOON_MS 1000 /* that the issue asks for */

/* What the child that plays logind is told. */
struct order {
	char user[32]; /* "" = nobody */
	int is_locked;
};

static struct stage stage;
static struct tls_config *config;
static pid_t bus, player, agent;
static int orders; /* to the player */
static unsigned passed, failed;

static void
say(int is_good, const char *what)
{
	printf("%s - %s\n", is_good ? "ok" : "not ok", what);
	(void)fflush(stdout);
	passed += is_good != 0;
	failed += is_good == 0;
}

/* ------------------------------------------------------------------------ */
/* The workstation's login manager                                          */

static void
obey(const struct order *order)
{
	static char user[sizeof(order->user)];

	nfake_sessions = 0;
	(void)snprintf(user, sizeof(user), "%s", order->user);
	if (*user != '\0') {
		logind_add("1", user, "seat0")->is_locked = order->is_locked;
	}
	logind_emit(LOGIND_ROOT, "NCurrentSessions");
}

static void
play(int fd)
{
	struct order order;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	logind_open("unix:path=" BUS);
	for (;;) {
		struct pollfd p[2] = {
			{.fd = fd, .events = POLLIN},
			{.fd = logind_fd(), .events = POLLIN},
		};

		logind_turn();
		if (poll(p, 2, 1000) > 0 && p[0].revents != 0) {
			if (read(fd, &order, sizeof(order)) !=
			    (ssize_t)sizeof(order)) {
				_exit(0);
			}
			obey(&order);
		}
	}
}

static void
start_logind(void)
{
	int fds[2];

	stage_dirs("/run/dbus");
	bus = logind_bus_start("/run/dbus/conf", BUS);
	if (bus == -1 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
			     fds) == -1) {
		fatal("a bus");
	}
	player = fork();
	if (player == 0) {
		close_fd(&fds[1]);
		play(fds[0]);
	}
	close_fd(&fds[0]);
	orders = fds[1];
}

static void
desktop(const char *user, int is_locked)
{
	struct order order = {.is_locked = is_locked};

	(void)snprintf(order.user, sizeof(order.user), "%s", user);
	if (write(orders, &order, sizeof(order)) != (ssize_t)sizeof(order)) {
		fatal("order");
	}
}

/* ------------------------------------------------------------------------ */
/* The workstation                                                          */

static void
make_vhci(void)
{
	stage_dirs(VHCI);
	stage_text(VHCI, "nports", "1\n");
	stage_text(VHCI, "status",
	    "hub port sta spd dev      sockfd local_busid\n"
	    "hs  0000 004 000 00000000 000000 0-0\n");
}

static void
start_agent(void)
{
	static char name[] = "sallyport", command[] = "agent";
	static char option[] = "--config", as[] = "--name", who[] = "gateway";
	char program[PATH_MAX], conf[PATH_MAX];
	char *const argv[] = {
		name, command, option, conf, as, who, NULL};

	(void)snprintf(conf, sizeof(conf), "%s/desk/workstation.conf", stage.dir);
	agent = fork();
	if (agent == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (spawn_program(program, sizeof(program), name) != NULL) {
			(void)execv(program, argv);
		}
		_exit(127);
	}
}

static void
make_workstation(void)
{
	char dir[PATH_MAX];

	make_vhci();
	stage_dirs("%s/desk", stage.dir);
	(void)snprintf(dir, sizeof(dir), "%s/desk", stage.dir);
	stage_pem(dir, "ca.pem", stage.ca.pem, stage.ca.pem_len);
	stage_pem(dir, "cert.pem", stage.honest.pem, stage.honest.pem_len);
	stage_pem(dir, "key.pem", stage.honest.key, stage.honest.key_len);
	stage_text(dir, "workstation.conf",
	    "[tls]\nca = %s/ca.pem\ncert = %s/cert.pem\nkey = %s/key.pem\n"
	    "[agent]\nattach = 127.0.0.1:%d " STAGE_VICTIM "\n",
	    dir, dir, dir, STAGE_PORT);
}

/* Listens to the agent's notices as that user: the socket, or -1. */
static int
listen_as(uid_t uid)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), status;
	pid_t pid;

	(void)snprintf(
	    sun.sun_path, sizeof(sun.sun_path), "%s", NOTICES_SOCKET);
	/* the kernel notes who connects, and the connection is ours, too */
	pid = fork();
	if (pid == 0) {
		_exit(fd == -1 || (uid != 0 && (setgroups(0, NULL) == -1 ||
				      setgid(uid) == -1 || setuid(uid) == -1)) ||
		    connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1);
	}
	(void)waitpid(pid, &status, 0);
	if (status != 0) {
		close_fd(&fd);
	}
	return fd;
}

/* Whether a line with that comes, and nothing ends before; or, without what,
 * whether it ends. */
static int
tells(int fd, const char *what)
{
	uint64_t until = clock_mono() + PATIENCE_MS * CLOCK_MSEC;
	static char buf[65536];
	size_t used = 0;

	while (clock_mono() < until && used < sizeof(buf) - 1) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		ssize_t n;

		if (poll(&p, 1, 100) <= 0) {
			continue;
		}
		n = recv(fd, buf + used, sizeof(buf) - used - 1, 0);
		if (n <= 0) {
			return what == NULL;
		}
		used += (size_t)n;
		buf[used] = '\0';
		if (what != NULL && strstr(buf, what) != NULL) {
			return 1;
		}
	}
	return 0;
}

/* In place of the rules that the stage began with, in one step. */
static void
set_rules(const char *text)
{
	char from[PATH_MAX], to[PATH_MAX];

	stage_text(stage.dir, "new.rules", "%s", text);
	(void)snprintf(from, sizeof(from), "%s/new.rules", stage.dir);
	(void)snprintf(to, sizeof(to), "%s/rules.d/10.rules", stage.dir);
	if (rename(from, to) == -1) {
		fatal("rename %s", to);
	}
}

/* ------------------------------------------------------------------------ */

/* Whether the device can be had now; then it is. */
static int
try(struct ws *ws)
{
	return ws_stream(ws, config, STAGE_HONEST) == WS_OK &&
	    ws_works(ws, 1);
}

/* Tries until it can be had, or cannot any more. */
static int
becomes(struct ws *ws, int can)
{
	uint64_t until = clock_mono() + PATIENCE_MS * CLOCK_MSEC;

	while (clock_mono() < until) {
		int is_had = try(ws);

		if (is_had && can) {
			return 1;
		}
		ws_close(ws, WS_ABRUPT);
		if (!is_had && !can) {
			return 1;
		}
		(void)poll(NULL, 0, 50);
	}
	return 0;
}

/* What takes the device takes it within a second. */
static void
ejects(struct ws *ws, const char *what, uint64_t since)
{
	int r = ws_hear_out(ws, PATIENCE_MS);
	double ms = (double)(clock_mono() - since) / (double)CLOCK_MSEC;
	char text[128];

	ws_close(ws, WS_ABRUPT);
	(void)snprintf(text, sizeof(text), "%s: the device is gone after %.1f ms",
	    what, ms);
	say(r == WS_CLOSED && ms < SOON_MS, text);
}

/* Notices are for who sits there, and for root. */
static void
play_notices(void)
{
	int fd = listen_as(OTHER_UID);

	say(fd != -1 && tells(fd, NULL), "no notices for who sits elsewhere");
	close_fd(&fd);
	desktop(OTHER, 0);
	for (int i = 0; i < 100; i++) { /* until the agent has heard it */
		fd = listen_as(OTHER_UID);
		if (fd != -1 && tells(fd, "hello")) {
			break;
		}
		close_fd(&fd);
		(void)poll(NULL, 0, 50);
	}
	say(fd != -1, "but for who sits there");
	desktop("alice", 0); /* the rules' own */
	say(fd != -1 && tells(fd, NULL), "and not when he has left");
	close_fd(&fd);
}

static void
play_all(void)
{
	struct ws ws;
	int notices = -1;
	uint64_t at;

	say(becomes(&ws, 0), "nothing is known of desktops: not to be had");
	start_agent();
	for (int i = 0; i < 200 && (notices = listen_as(0)) == -1; i++) {
		(void)poll(NULL, 0, 50);
	}
	say(tells(notices, "hello"), "root hears notices");
	desktop("alice", 0);
	say(becomes(&ws, 1), "alice is there, unlocked: it is");
	/* the virtual controller is none, so what is offered fails here */
	say(tells(notices, "\"event\":\"refused\""),
	    "and a notice says that another one is not attached");
	at = clock_mono();
	desktop("alice", 1);
	ejects(&ws, "she locks her screen", at);
	say(tells(notices, "\"event\":\"message\""),
	    "and a notice says that it was taken");
	close_fd(&notices);
	say(!try(&ws), "and cannot be had");
	ws_close(&ws, WS_ABRUPT);
	desktop("alice", 0);
	say(becomes(&ws, 1), "she is back");
	at = clock_mono();
	desktop("bob", 0);
	ejects(&ws, "bob sits there instead", at);
	desktop("alice", 0);
	say(becomes(&ws, 1), "alice again");
	at = clock_mono();
	desktop("", 0);
	ejects(&ws, "nobody sits there", at);
	play_notices();
	say(becomes(&ws, 1), "alice again");
	at = clock_mono();
	(void)kill(agent, SIGTERM);
	ejects(&ws, "the agent ends", at);
	(void)waitpid(agent, NULL, 0);
}

int
main(int argc, char **argv)
{
	(void)argc;
	log_init("desktops");
	if (stage_enter(argv) != 0) {
		return 1;
	}
	if (stage_start(&stage) != 0) {
		return 1;
	}
	config = ws_config(&stage.ca, &stage.honest);
	start_logind();
	make_workstation();
	set_rules("allow to \"cn:honest\" and \"user:alice\" using "
		  "\"attack-any\" if session(unlocked)\n");
	play_all();
	close_fd(&orders);
	(void)waitpid(player, NULL, 0);
	(void)kill(bus, SIGTERM);
	(void)waitpid(bus, NULL, 0);
	say(stage_stop(&stage) == 0, "the gateway ends as it should");
	tls_config_free(config);
	printf("%u passed, %u failed, 0 skipped\n", passed, failed);
	return failed > 0;
}
