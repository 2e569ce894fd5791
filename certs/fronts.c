/*
 * A front is trusted with its own stranger and with nothing else: it may ask
 * once, and what it asks is a stranger's. When all places are taken nobody is
 * accepted, and who comes waits in the kernel's queue.
 */
#include "certs/fronts.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/net.h"
#include "base/spawn.h"
#include "wire/ipc.h"

#define LIMIT (20 * CLOCK_SEC) /* a front ends itself after 15 */
#define SEND_MS 1000

struct front {
	struct fronts *all; /* borrowed */
	pid_t pid;	    /* 0 = the place is free */
	int chan;	    /* owned, -1 */
	int has_asked;
	struct loop_io *io;
	struct loop_timer *limit;
	uint8_t address[16]; /* of IPv6 the first 8 bytes */
	char peer[80];
};

struct fronts {
	struct loop *loop; /* borrowed */
	int listener;	   /* borrowed */
	struct loop_io *io;
	fronts_greet *greet;
	fronts_answer *answer;
	void *arg;
	char program[512];
	struct front places[FRONTS_MAX];
	uint8_t buf[CHANNEL_HEADER + CHANNEL_MAX];
	uint8_t reply[ENROLL_REPLY_MAX];
};

static void
let_go(struct front *f)
{
	loop_io_free(f->io);
	f->io = NULL;
	close_fd(&f->chan);
}

/* It is reaped later; until then its place is taken. */
static void
end(struct front *f)
{
	let_go(f);
	(void)kill(f->pid, SIGKILL);
}

static void
on_limit(void *arg)
{
	end(arg);
}

/* ------------------------------------------------------------------------ */
/* What a front asks                                                        */

/* Its sandbox ends it, for a call that none of ours makes. */
static void
say_barred(const struct front *f, const struct channel_msg *msg)
{
	struct ipc_call call;

	if (ipc_decode_call(&call, msg->data, msg->len) == 0) {
		log_warnx("front %s: killed: it may not make system call %u",
		    f->peer, call.nr);
	}
}

static void
on_front(void *arg, int events)
{
	struct front *f = arg;
	struct fronts *all = f->all;
	struct channel_msg msg;
	size_t len;
	int r;

	(void)events;
	r = channel_recv(f->chan, all->buf, sizeof(all->buf), &msg);
	if (r == ERR_AGAIN) {
		return;
	}
	if (r == 0 && msg.fd == -1 && msg.type == IPC_BARRED) {
		say_barred(f, &msg);
		end(f);
		return;
	}
	if (r == 0 && (msg.fd != -1 || msg.type != IPC_FRONT_ASK ||
	    f->has_asked)) {
		close_fd(&msg.fd);
		r = ERR_PEER;
	}
	if (r == ERR_CLOSED) {
		let_go(f);
		return;
	}
	if (r != 0) {
		log_warnx("front %s: %s; ended", f->peer, err_str(r));
		end(f);
		return;
	}
	f->has_asked = 1;
	len = all->answer(all->arg, msg.data, msg.len, f->peer, all->reply);
	if (channel_send_wait(f->chan, IPC_FRONT_REPLY, 0, all->reply, len, -1,
	    SEND_MS) != 0) {
		end(f);
	}
	mem_wipe(all->buf, sizeof(all->buf));
}

/* ------------------------------------------------------------------------ */
/* Connections                                                              */

/* Whose bounds a peer shares: an IPv4 address, or the /64 of an IPv6 one. */
static void
address_of(uint8_t out[16], const struct sockaddr_storage *from)
{
	const struct sockaddr_in6 *six = (const void *)from;
	const struct sockaddr_in *four = (const void *)from;

	memset(out, 0, 16);
	if (from->ss_family == AF_INET) {
		memcpy(out + 12, &four->sin_addr, 4);
	} else if (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr)) {
		memcpy(out + 12, six->sin6_addr.s6_addr + 12, 4);
	} else {
		memcpy(out, &six->sin6_addr, 8);
	}
}

static struct front *
find_place(struct fronts *all, const uint8_t address[16])
{
	struct front *place = NULL;
	unsigned same = 0;

	for (size_t i = 0; i < FRONTS_MAX; i++) {
		struct front *f = &all->places[i];

		if (f->pid == 0) {
			place = f;
		} else if (memcmp(f->address, address, 16) == 0) {
			same++;
		}
	}
	return same < FRONTS_PER_ADDRESS ? place : NULL;
}

static int
start(struct fronts *all, struct front *f, int fd)
{
	const char *argv[] = { "sallyport-front", f->peer, NULL };
	struct spawn how = { .path = all->program, .argv = argv, .nfds = 2,
		.uid = (uid_t)-1, .gid = (gid_t)-1, .die_with_parent = 1,
		.nice = 5 };
	int fds[2], n;

	n = all->greet(all->arg, all->buf, sizeof(all->buf));
	if (n < 0 || channel_pair(fds) != 0) {
		return -1;
	}
	how.fds[0] = fds[1];
	how.fds[1] = fd;
	/* waits in the channel until the front is there */
	if (channel_send(fds[0], IPC_FRONT_KEY, 0, all->buf, (size_t)n, -1) ==
	    0) {
		f->pid = spawn_child(&how);
	} else {
		f->pid = -1;
	}
	mem_wipe(all->buf, sizeof(all->buf));
	close_fd(&fds[1]);
	if (f->pid <= 0) {
		log_warn("start %s", all->program);
		close_fd(&fds[0]);
		f->pid = 0;
		return -1;
	}
	f->chan = fds[0];
	f->has_asked = 0;
	f->io = loop_io_new(all->loop, f->chan, LOOP_READ, on_front, f);
	loop_timer_set(f->limit, LIMIT);
	if (f->io == NULL) {
		end(f);
	}
	return 0;
}

static int
is_full(const struct fronts *all)
{
	for (size_t i = 0; i < FRONTS_MAX; i++) {
		if (all->places[i].pid == 0) {
			return 0;
		}
	}
	return 1;
}

static void
on_connection(void *arg, int events)
{
	struct fronts *all = arg;
	struct sockaddr_storage from;
	socklen_t size = sizeof(from);
	uint8_t address[16];
	struct front *f;
	int fd;

	(void)events;
	fd = accept4(all->listener, (struct sockaddr *)&from, &size,
	    SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd == -1) {
		return;
	}
	address_of(address, &from);
	f = find_place(all, address);
	if (f != NULL) {
		memcpy(f->address, address, sizeof(f->address));
		(void)net_peer_name(f->peer, sizeof(f->peer), fd);
		(void)start(all, f, fd);
	}
	close_fd(&fd);
	if (is_full(all)) {
		loop_io_set(all->io, LOOP_NONE);
	}
}

void
fronts_reap(struct fronts *all)
{
	for (size_t i = 0; i < FRONTS_MAX; i++) {
		struct front *f = &all->places[i];
		int status;

		if (f->pid == 0 || waitpid(f->pid, &status, WNOHANG) !=
		    f->pid) {
			continue;
		}
		if (WIFSIGNALED(status)) {
			log_warnx("front %s: ended by signal %d", f->peer,
			    WTERMSIG(status));
		}
		let_go(f);
		loop_timer_stop(f->limit);
		f->pid = 0;
	}
	if (!is_full(all)) {
		loop_io_set(all->io, LOOP_READ);
	}
}

struct fronts *
fronts_new(struct loop *loop, int listener, fronts_greet *greet,
    fronts_answer *answer, void *arg)
{
	struct fronts *all = calloc(1, sizeof(*all));

	if (all == NULL) {
		return NULL;
	}
	all->loop = loop;
	all->listener = listener;
	all->greet = greet;
	all->answer = answer;
	all->arg = arg;
	for (size_t i = 0; i < FRONTS_MAX; i++) {
		struct front *f = &all->places[i];

		f->all = all;
		f->chan = -1;
		f->limit = loop_timer_new(loop, on_limit, f);
		if (f->limit == NULL) {
			fronts_free(all);
			return NULL;
		}
	}
	if (spawn_program(all->program, sizeof(all->program),
	    "sallyport-front") != NULL) {
		all->io = loop_io_new(loop, listener, LOOP_READ,
		    on_connection, all);
	}
	if (all->io == NULL) {
		fronts_free(all);
		return NULL;
	}
	return all;
}

void
fronts_free(struct fronts *all)
{
	if (all == NULL) {
		return;
	}
	loop_io_free(all->io);
	for (size_t i = 0; i < FRONTS_MAX; i++) {
		struct front *f = &all->places[i];

		if (f->pid != 0) {
			end(f);
			(void)waitpid(f->pid, NULL, 0);
		}
		loop_timer_free(f->limit);
	}
	free(all);
}
