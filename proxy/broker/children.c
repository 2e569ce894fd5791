/*
 * Life and death of the gateway's processes. Each child is fork and exec of
 * this install's own program under a uid of its own; its death is noticed by
 * SIGCHLD only, so that there is one place where a slot becomes free.
 */
#include "proxy/broker/broker.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "base/spawn.h"

/* The probe has a limit of its own, a second shorter. */
#define PROBE_LIMIT (6 * CLOCK_SEC)
#define GRACE (2 * CLOCK_SEC)
#define RETRY (100 * CLOCK_MSEC)
#define RESTART_MAX_MS 30000u
/* How far one without a device stands behind those that have one: handshakes of
 * strangers are dear, and there may be many. */
#define YIELD 10

struct child *
broker_find(struct broker *b, uint32_t conn)
{
	for (unsigned i = 0; i < b->nchildren; i++) {
		if (b->children[i].role != 0 && b->children[i].conn == conn) {
			return &b->children[i];
		}
	}
	return NULL;
}

static struct child *
free_slot(struct broker *b)
{
	for (unsigned i = 0; i < b->nchildren; i++) {
		if (b->children[i].role == 0) {
			return &b->children[i];
		}
	}
	return NULL;
}

void
broker_on_limit(void *arg)
{
	struct child *child = arg;

	log_warnx("%s %u: did not end within its time, killed",
	    broker_role_name(child->role), child->conn);
	broker_end_child(child);
}

void
broker_clear_child(struct child *child)
{
	loop_io_free(child->io);
	loop_timer_free(child->limit);
	close_fd(&child->chan);
	close_fd(&child->usb_fd);
	close_fd(&child->signer_end);
	*child = BROKER_NO_CHILD;
}

int
broker_start_child(struct broker *b, enum ipc_role role, uint32_t conn, int fd,
    unsigned flags, struct child **out, int *warden_end)
{
	static const char *const programs[] = {
		[IPC_ROLE_SESSION] = "sallyport-session",
		[IPC_ROLE_PROBE] = "sallyport-probe",
		[IPC_ROLE_RECORDER] = "sallyport-capture",
		[IPC_ROLE_FETCHER] = "sallyport-fetch",
		[IPC_ROLE_TRIAL] = "sallyport-trial",
		[IPC_ROLE_POSTER] = "sallyport-fetch",
	};
	const char *program = programs[role];
	int to_broker[2] = {-1, -1}, to_warden[2] = {-1, -1}, r = ERR_SYS;
	int to_signer[2] = {-1, -1};
	char path[PATH_MAX], number[16], urbs[16], buffers[16];
	const char *argv[7] = {program, "session", number};
	int has_signer = role == IPC_ROLE_SESSION && b->conf.key_holder;
	struct child *child = free_slot(b);
	uid_t uid;

	if (child == NULL) {
		return ERR_LIMIT;
	}
	if (broker_find(b, conn) != NULL) {
		return ERR_BUSY;
	}
	uid = b->conf.uid_base + (uid_t)(child - b->children);
	snprintf(number, sizeof(number), "%u", conn);
	if (role == IPC_ROLE_SESSION) {
		snprintf(urbs, sizeof(urbs), "%u", b->conf.urbs);
		snprintf(buffers, sizeof(buffers), "%u", b->conf.buffers);
		argv[3] = urbs;
		argv[4] = buffers;
		argv[5] = has_signer ? "signer" : NULL;
	} else if (role == IPC_ROLE_RECORDER) {
		snprintf(urbs, sizeof(urbs), "%u", b->conf.capture_size);
		argv[1] = "capture";
		argv[3] = urbs;
	} else if (role == IPC_ROLE_FETCHER) {
		argv[1] = "fetch";
	} else if (role == IPC_ROLE_POSTER) {
		argv[1] = "post";
	} else if (role == IPC_ROLE_TRIAL) {
		argv[1] = "trial";
		argv[3] = b->conf.stock_profiles;
	} else {
		argv[1] = (flags & IPC_PROBE_TEXTS) != 0 ? "texts" : "probe";
		argv[3] = (flags & IPC_PROBE_RESET) != 0 ? "reset" : NULL;
	}
	if (spawn_program(path, sizeof(path), program) == NULL) {
		log_warnx("start %s: path is too long", program);
		return ERR_LIMIT;
	}
	if (channel_pair(to_broker) != 0 || channel_pair(to_warden) != 0 ||
	    (has_signer && channel_pair(to_signer) != 0)) {
		goto out;
	}
	*child = (struct child){
		.broker = b,
		.role = role,
		.conn = conn,
		.chan = to_broker[0],
		.usb_fd = -1,
		.signer_end = to_signer[0],
	};
	to_signer[0] = -1;
	child->pid = spawn_child(&(struct spawn){
	    .path = path,
	    .argv = argv,
	    .fds = {to_broker[1], to_warden[1], fd, to_signer[1]},
	    .nfds = has_signer ? 4 : fd != -1 ? 3 : 2,
	    .uid = uid,
	    .gid = (gid_t)uid,
	    .die_with_parent = 1,
	    .own_pids = 1,
	    .nice = YIELD,
	});
	if (child->pid == -1) {
		log_warn("start %s", path);
		child->chan = -1;
		broker_clear_child(child);
		goto out;
	}
	to_broker[0] = -1;
	child->io =
	    loop_io_new(b->loop, child->chan, LOOP_READ, broker_on_child, child);
	child->limit = loop_timer_new(b->loop, broker_on_limit, child);
	if (child->io == NULL || child->limit == NULL) {
		/* It is reaped like any other; the warden hears of it. */
		broker_end_child(child);
	} else if (role == IPC_ROLE_PROBE) {
		loop_timer_set(child->limit, PROBE_LIMIT);
	}
	*out = child;
	*warden_end = to_warden[0];
	to_warden[0] = -1;
	r = 0;
out:
	close_fd(&to_broker[0]);
	close_fd(&to_broker[1]);
	close_fd(&to_warden[0]);
	close_fd(&to_warden[1]);
	close_fd(&to_signer[0]);
	close_fd(&to_signer[1]);
	return r;
}

void
broker_hurry_child(const struct child *child)
{
	int ours = getpriority(PRIO_PROCESS, 0);

	if (setpriority(PRIO_PROCESS, (id_t)child->pid, ours) == -1) {
		log_warn("%s %u: set its priority",
		    broker_role_name(child->role), child->conn);
	}
}

void
broker_end_child(struct child *child)
{
	if (child->is_ending) {
		return;
	}
	child->is_ending = 1;
	loop_io_free(child->io);
	child->io = NULL;
	kill(child->pid, SIGKILL);
}

void
broker_child_closed(struct child *child)
{
	loop_io_free(child->io);
	child->io = NULL;
	if (child->limit != NULL) {
		loop_timer_set(child->limit, GRACE);
	}
}

void
broker_end_all(struct broker *b)
{
	for (unsigned i = 0; i < b->nchildren; i++) {
		if (b->children[i].role != 0) {
			broker_end_child(&b->children[i]);
		}
	}
}

/* Why, in the log, of one that asked the kernel for what it may not. */
static void
look_for_fault(struct child *child, int status)
{
	int is_sigsys = WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
	char *name = NULL;

	if (is_sigsys) {
		broker_last_words(child);
	}
	if (child->fault == IPC_FAULT_CALL) {
		name = sandbox_call_name(child->what);
		log_warnx("%s %u: killed: it may not ask the kernel for %s "
			  "(system call %u)", broker_role_name(child->role),
		    child->conn, name != NULL ? name : "that", child->what);
		free(name);
	} else if (is_sigsys) {
		child->fault = IPC_FAULT_CALL;
		child->has_what = 0;
		child->what = 0;
		log_warnx("%s %u: killed by its sandbox; it did not say for "
			  "which system call", broker_role_name(child->role),
		    child->conn);
	}
}

static void
tell_exit(struct broker *b, const struct child *child, int status)
{
	uint8_t buf[16];
	struct ipc_exited m = {
		.fault = (uint8_t)child->fault,
		.has_what = (uint8_t)child->has_what,
		.what = child->what,
		.role = (uint8_t)child->role,
		.signal = WIFSIGNALED(status) ? (uint8_t)WTERMSIG(status) : 0,
		.status = WIFEXITED(status) ? (uint8_t)WEXITSTATUS(status) : 0,
	};
	int n = ipc_encode_exited(buf, sizeof(buf), &m);

	if (b->warden_chan != -1 &&
	    channel_send_wait(b->warden_chan, IPC_EXITED, child->conn, buf,
		(size_t)n, -1, 1000) != 0) {
		log_warnx("tell the warden of an exit: it does not read");
		kill(b->warden_pid, SIGKILL);
	}
}

static void
on_restart(void *arg)
{
	struct broker *b = arg;

	if (b->is_stopping) {
		return;
	}
	/* Not before the last child of the old one is reaped: a new warden
	 * numbers its connections anew and wants the devices free. */
	for (unsigned i = 0; i < b->nchildren; i++) {
		if (b->children[i].role != 0) {
			loop_timer_set(b->restart, RETRY);
			return;
		}
	}
	broker_start_warden(b);
}

unsigned
broker_back_off(unsigned *restarts, uint64_t started)
{
	unsigned ms;

	if (clock_mono() - started > 60 * CLOCK_SEC) {
		*restarts = 0;
	}
	ms = 200u << (*restarts < 8 ? *restarts : 8);
	++*restarts;
	return ms < RESTART_MAX_MS ? ms : RESTART_MAX_MS;
}

static void
warden_gone(struct broker *b, int status)
{
	unsigned ms;

	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) {
		broker_last_words_of_warden(b);
	}
	if (b->warden_is_barred) {
		/* in no audit log: it is the one that writes it */
		char *name = sandbox_call_name(b->warden_what);

		log_warnx("warden: killed: it may not ask the kernel for %s "
			  "(system call %u)", name != NULL ? name : "that",
		    b->warden_what);
		free(name);
		b->warden_is_barred = 0;
	} else if (WIFSIGNALED(status)) {
		log_warnx("warden: ended by signal %d", WTERMSIG(status));
	} else if (!b->is_stopping) {
		log_warnx("warden: exit %d", WEXITSTATUS(status));
	}
	b->warden_pid = 0;
	loop_io_free(b->warden_io);
	b->warden_io = NULL;
	close_fd(&b->warden_chan);
	broker_end_all(b);
	if (b->is_stopping) {
		return;
	}
	ms = broker_back_off(&b->restarts, b->warden_started);
	log_infox("warden: starting again in %u ms", ms);
	loop_timer_set(b->restart, ms * CLOCK_MSEC);
}

void
broker_reap(void *arg)
{
	struct broker *b = arg;
	int status;
	pid_t pid;

	broker_hear_signer(b);
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == b->warden_pid) {
			warden_gone(b, status);
			continue;
		}
		if (b->signer.role != 0 && pid == b->signer.pid) {
			look_for_fault(&b->signer, status);
			tell_exit(b, &b->signer, status);
			broker_clear_child(&b->signer);
			broker_signer_gone(b, status);
			continue;
		}
		for (unsigned i = 0; i < b->nchildren; i++) {
			struct child *child = &b->children[i];

			if (child->role == 0 || child->pid != pid) {
				continue;
			}
			if (child->config_before != 0) {
				/* The next one finds it as this one did. */
				device_restore_config(&child->grant.place,
				    child->config_before);
			}
			if (child->has_device) {
				/* While its claims stand: no driver that is
				 * loaded this moment finds them free. */
				device_close(&child->grant.place);
			}
			look_for_fault(child, status);
			tell_exit(b, child, status);
			broker_clear_child(child);
		}
	}
	if (b->is_stopping && b->warden_pid == 0 && b->signer.role == 0) {
		for (unsigned i = 0; i < b->nchildren; i++) {
			if (b->children[i].role != 0) {
				return;
			}
		}
		loop_stop(b->loop);
	}
}

/* CAs in ca.pem: with more than one, a name alone says less. The text is not
 * parsed here, its lines are counted. 0 = it cannot be read, and neither will a
 * session be able to. */
static unsigned
count_issuers(const struct broker *b)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----";
	uint8_t *text = NULL;
	size_t len = 0;
	unsigned n = 0;
	int r = file_read(b->conf.ca, 60u * 1024u, FILE_PUBLIC, &text, &len);

	if (r != 0) {
		log_warnx("read %s: %s", b->conf.ca, err_str(r));
		return 0;
	}
	for (const char *p = (const char *)text;
	     (p = memmem(p, len - (size_t)(p - (const char *)text), begin,
		  sizeof(begin) - 1)) != NULL;
	     p += sizeof(begin) - 1) {
		n++;
	}
	free(text);
	return n;
}

int
broker_start_warden(struct broker *b)
{
	int chan[2] = {-1, -1};
	char path[PATH_MAX];
	char issuers[16];
	const char *argv[] = {
		"sallyport-warden", "warden", b->conf_path, issuers, NULL};

	if (b->restart == NULL) {
		b->restart = loop_timer_new(b->loop, on_restart, b);
		if (b->restart == NULL) {
			return ERR_SYS;
		}
	}
	if (spawn_program(path, sizeof(path), "sallyport-warden") == NULL ||
	    channel_pair(chan) != 0) {
		log_warn("start sallyport-warden");
		return ERR_SYS;
	}
	(void)snprintf(issuers, sizeof(issuers), "%u", count_issuers(b));
	b->warden_started = clock_mono();
	b->warden_pid = spawn_child(&(struct spawn){
	    .path = path,
	    .argv = argv,
	    .fds = {chan[1], b->control_fd, b->verdict_fd},
	    .nfds = b->verdict_fd != -1 ? 3 : 2,
	    .uid = b->warden_uid,
	    .gid = b->warden_gid,
	    .die_with_parent = 1,
	});
	close_fd(&chan[1]);
	if (b->warden_pid == -1) {
		b->warden_pid = 0;
		log_warn("start %s", path);
		close_fd(&chan[0]);
		return ERR_SYS;
	}
	b->warden_chan = chan[0];
	b->warden_io = loop_io_new(
	    b->loop, b->warden_chan, LOOP_READ, broker_on_warden, b);
	if (b->warden_io == NULL) {
		kill(b->warden_pid, SIGKILL);
		return ERR_SYS;
	}
	return 0;
}
