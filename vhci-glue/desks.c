#include "vhci-glue/desks.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/spawn.h"

/* A bus lets nobody in whose user id has no name, so that it cannot have one of
 * those that relays have. */
#define USER "sallyport-desks"
#define ANY_USER "nobody"
#define AGAIN (10 * CLOCK_SEC)

struct desks {
	const char *address; /* borrowed */
	desks_cb *cb;
	void *arg;
	pid_t pid;   /* -1 = none */
	int channel; /* owned; -1 = none */
	uint64_t due;
	size_t n;
	struct ipc_desk desk[IPC_DESKS];
	uint8_t buf[CHANNEL_HEADER + CHANNEL_MAX];
};

struct desks *
desks_new(const char *address, desks_cb *cb, void *arg)
{
	struct desks *d = calloc(1, sizeof(*d));

	if (d == NULL) {
		log_warn("agent: desktops");
		return NULL;
	}
	d->address = address;
	d->cb = cb;
	d->arg = arg;
	d->pid = d->channel = -1;
	return d;
}

static void
end_child(struct desks *d)
{
	close_fd(&d->channel);
	if (d->pid > 0) {
		(void)kill(d->pid, SIGKILL);
		(void)waitpid(d->pid, NULL, 0);
		d->pid = -1;
	}
}

void
desks_free(struct desks *d)
{
	if (d != NULL) {
		end_child(d);
		free(d);
	}
}

static pid_t
start(struct spawn *spawn)
{
	char path[512];
	const struct passwd *pw;
	pid_t pid = -1;

	spawn->path = path;
	spawn->uid = (uid_t)-1;
	spawn->gid = (gid_t)-1;
	if (geteuid() == 0) {
		pw = getpwnam(USER);
		if (pw == NULL) {
			pw = getpwnam(ANY_USER);
		}
		if (pw == NULL || pw->pw_uid == 0) {
			log_warnx("agent: desktops: there is neither a user "
				  USER " nor " ANY_USER);
			return -1;
		}
		spawn->uid = pw->pw_uid;
		spawn->gid = pw->pw_gid;
	}
	if (spawn_program(path, sizeof(path), "sallyport-desks") == NULL) {
		errno = ENAMETOOLONG;
	} else {
		pid = spawn_child(spawn);
	}
	if (pid == -1) {
		log_warn("agent: start: %s", path);
	}
	return pid;
}

void
desks_start(struct desks *d, uint64_t now)
{
	const char *const argv[] = {
		"sallyport-desks", "logind", d != NULL ? d->address : NULL, NULL};
	struct spawn spawn = {.argv = argv, .nfds = 1, .die_with_parent = 1,
		.own_pids = 1};
	int fds[2];

	if (d == NULL || d->pid != -1 || now < d->due) {
		return;
	}
	d->due = now + AGAIN;
	if (channel_pair(fds) != 0) {
		log_warn("agent: channel");
		return;
	}
	spawn.fds[0] = fds[1];
	d->pid = start(&spawn);
	close_fd(&fds[1]);
	d->channel = fds[0];
	if (d->pid == -1) {
		close_fd(&d->channel);
	}
}

int
desks_fd(const struct desks *d)
{
	return d != NULL ? d->channel : -1;
}

const struct ipc_desk *
desks_at(const struct desks *d, size_t i)
{
	return d != NULL && i < d->n ? &d->desk[i] : NULL;
}

static int
is_nothing(const struct ipc_desk *desk)
{
	return desk->lock == IPC_DESK_UNKNOWN && desk->user[0] == '\0';
}

/* 0, or ERR_LIMIT. */
static int
put(struct desks *d, const struct ipc_desk *desk)
{
	size_t i = 0;

	while (i < d->n && strcmp(d->desk[i].seat, desk->seat) != 0) {
		i++;
	}
	if (i == d->n && (is_nothing(desk) || i == IPC_DESKS)) {
		return is_nothing(desk) ? 0 : ERR_LIMIT;
	}
	if (is_nothing(desk)) {
		d->desk[i] = d->desk[--d->n];
		return 0;
	}
	d->n += i == d->n;
	d->desk[i] = *desk;
	return 0;
}

/* Its sandbox ended it, for a call that none of ours makes. */
static void
say_barred(const struct channel_msg *msg)
{
	struct ipc_call call;

	if (msg->fd == -1 && msg->type == IPC_BARRED &&
	    ipc_decode_call(&call, msg->data, msg->len) == 0) {
		log_warnx("agent: sallyport-desks: killed: it may not make "
			  "system call %u", call.nr);
	}
}

/* Nobody knows any more. */
static void
forget(struct desks *d)
{
	while (d->n > 0) {
		struct ipc_desk gone = d->desk[--d->n];

		gone.lock = IPC_DESK_UNKNOWN;
		gone.user[0] = '\0';
		if (d->cb != NULL) {
			d->cb(d->arg, &gone);
		}
	}
}

void
desks_hear(struct desks *d, uint64_t now)
{
	struct channel_msg msg;
	struct ipc_desk desk;
	int r;

	while ((r = channel_recv(d->channel, d->buf, sizeof(d->buf), &msg)) ==
	    0) {
		if (msg.fd != -1 || msg.type != IPC_RELAY_DESK ||
		    ipc_decode_desk(&desk, msg.data, msg.len) != 0 ||
		    put(d, &desk) != 0) {
			say_barred(&msg);
			close_fd(&msg.fd);
			r = ERR_FORMAT;
			break;
		}
		if (d->cb != NULL) {
			d->cb(d->arg, &desk);
		}
	}
	if (r == ERR_AGAIN) {
		return;
	}
	if (d->cb != NULL) {
		log_warnx("agent: sallyport-desks ended%s; what desktops are "
			  "doing is not known for now",
		    r == ERR_CLOSED ? "" : " for what it said");
	}
	end_child(d);
	forget(d);
	d->due = now + AGAIN;
}
