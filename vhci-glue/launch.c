/*
 * The parent's side of a relay's birth, as root for attach. The relay is
 * trusted until it has read its first network byte and never after: what it
 * sends is decoded by wire/ipc, and its texts are shown escaped.
 */
#include "vhci-glue/launch.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "vhci-glue/exits.h"
#include "vhci-glue/known.h"
#include "vhci-glue/uids.h"

#define PEM_MAX (16u * 1024u)
#define SEND_MS 5000
#define TELL_MS 200 /* of the agent's, who has others to see to */
#define MEET_MS 30000

struct secret {
	uint8_t *data; /* owned */
	size_t len;
};

static void
secret_fini(struct secret *s)
{
	mem_wipe(s->data, s->len);
	free(s->data);
	*s = (struct secret){NULL, 0};
}

/* One PEM file, its NUL counted. */
static int
read_pem(const struct launch_how *how, const char *path,
    enum file_secrecy secrecy, struct secret *out)
{
	const char *cmd = how->opts->command;
	int r = file_read(path, PEM_MAX, secrecy, &out->data, &out->len);

	switch (r) {
	case 0:
		out->len++; /* file_read puts a NUL behind it */
		return 0;
	case ERR_NOENT:
		log_warnx("%s: tls: %s: no such file; name its directory with "
			  "--tls, or in %s; sallyport-certs(8) makes keys",
		    cmd, path, OPTS_CONFIG);
		break;
	case ERR_POLICY:
		log_warnx("%s: tls: %s: others may read it; run `chmod 600 "
			  "%s`",
		    cmd, path, path);
		break;
	case ERR_LIMIT:
		log_warnx("%s: tls: %s: larger than %u bytes; is it PEM?", cmd,
		    path, PEM_MAX);
		break;
	default:
		log_warnx("%s: tls: %s: %s%s", cmd, path, err_str(r),
		    geteuid() != 0 ? "; run it as root, or give keys of your "
				     "own with --tls"
				   : "");
		break;
	}
	return -1;
}

/* The rule file of [accept]: our own, yet no byte of it is read here. */
static int
read_rules(const struct launch_how *how, struct ipc_relay_setup *setup,
    struct secret *out)
{
	const char *path = how->settings->rules, *cmd = how->opts->command;
	const char *what = NULL;
	int r;

	if (path == NULL || how->mode != IPC_RELAY_ATTACH) {
		return 0;
	}
	r = file_read(path, IPC_RULES_MAX, FILE_OWN, &out->data, &out->len);
	switch (r) {
	case 0:
		break;
	case ERR_NOENT:
		what = "no such file";
		break;
	case ERR_POLICY:
		what = "others may write to it; give it to root, and run "
		       "`chmod go-w` on it";
		break;
	case ERR_LIMIT:
		what = "larger than 48 KiB";
		break;
	default:
		what = err_str(r);
		break;
	}
	if (what == NULL &&
	    snprintf(setup->rules_name, sizeof(setup->rules_name), "%s",
		path) >= (int)sizeof(setup->rules_name)) {
		what = "its name is too long";
	}
	if (what != NULL) {
		log_warnx("%s: accept: %s: %s", cmd, path, what);
		return -1;
	}
	setup->rules = out->data;
	setup->rules_len = (uint32_t)out->len;
	return 0;
}

/* The keys of which the gateway must have one. */
static int
find_pins(const struct launch_how *how, const char *gateway,
    struct ipc_relay_setup *setup)
{
	const char *path = how->settings->known, *cmd = how->opts->command;
	unsigned n, line;
	int r = known_find(path, gateway, setup->pins, &n, &line);

	setup->npins = (uint8_t)n;
	switch (r) {
	case 0:
		return 0;
	case ERR_FORMAT:
		log_warnx("%s: %s:%u: expected a gateway, and sha256: with 64 "
			  "digits", cmd, path, line);
		break;
	case ERR_POLICY:
		log_warnx("%s: %s: others may write to it; give it to root, "
			  "and run `chmod go-w` on it", cmd, path);
		break;
	case ERR_LIMIT:
		log_warnx("%s: %s: it is too large, or has more than %u keys "
			  "of %s", cmd, path, IPC_PINS, gateway);
		break;
	default:
		log_warnx("%s: %s: %s", cmd, path, err_str(r));
	}
	return -1;
}

/* Whom to insist on. A name other than the host's does not change who that is:
 * the file has what people type. */
static int
put_pins(const struct launch_how *how, struct ipc_relay_setup *setup)
{
	char gateway[GATEWAY_TEXT];

	gateway_text(gateway, sizeof(gateway), how->gateway);
	if (how->mode == IPC_RELAY_MEET) {
		return 0;
	}
	if (find_pins(how, gateway, setup) != 0) {
		return -1;
	}
	if (setup->npins == 0 && how->settings->is_known_only) {
		log_warnx("%s: %s: its key is not known, and [tls] known-only "
			  "is set; `sallyport list --first-use %s` learns it",
		    how->opts->command, gateway, gateway);
		return -1;
	}
	return 0;
}

static int
send_setup(struct launch *l, const struct launch_how *how)
{
	const char *name = how->opts->name != NULL ? how->opts->name
						   : how->gateway->host;
	struct ipc_relay_setup setup = {
	    .mode = (uint8_t)how->mode,
	    .port = how->gateway->port,
	};
	struct secret ca = {NULL, 0}, cert = {NULL, 0}, key = {NULL, 0};
	struct secret rules = {NULL, 0};
	int n, r = -1;

	(void)snprintf(
	    setup.host, sizeof(setup.host), "%s", how->gateway->host);
	(void)snprintf(setup.name, sizeof(setup.name), "%s", name);
	(void)snprintf(setup.busid, sizeof(setup.busid), "%s", how->busid);
	if (how->mode == IPC_RELAY_ATTACH) {
		setup.accept = (uint8_t)how->opts->accept;
	}
	if (how->asked != NULL) {
		setup.asked = *how->asked;
	}
	if (put_pins(how, &setup) != 0 ||
	    read_rules(how, &setup, &rules) != 0 ||
	    read_pem(how, how->settings->ca, FILE_PUBLIC, &ca) != 0 ||
	    read_pem(how, how->settings->cert, FILE_PUBLIC, &cert) != 0 ||
	    read_pem(how, how->settings->key, FILE_SECRET, &key) != 0) {
		goto out;
	}
	setup.pem = (struct ipc_pem){
	    .ca = ca.data,
	    .ca_len = (uint32_t)ca.len,
	    .cert = cert.data,
	    .cert_len = (uint32_t)cert.len,
	    .key = key.data,
	    .key_len = (uint32_t)key.len,
	};
	n = ipc_encode_relay_setup(l->buf, sizeof(l->buf), &setup);
	if (n == ERR_NOMEM) {
		log_warnx("%s: key files and rules are larger than 64 KiB "
			  "together",
		    l->command);
		goto out;
	}
	if (n < 0) {
		log_warnx("%s: tls: key files: %s; are they PEM?", l->command,
		    err_str(n));
		goto out;
	}
	r = channel_send_wait(l->channel, IPC_RELAY_SETUP, 0, l->buf,
	    (size_t)n, -1, SEND_MS);
	mem_wipe(l->buf, (size_t)n);
	if (r != 0) {
		log_warnx("%s: relay: %s", l->command, err_str(r));
		r = -1;
	}
out:
	secret_fini(&ca);
	secret_fini(&cert);
	secret_fini(&key);
	secret_fini(&rules);
	return r;
}

/* Runs as a user of its own, when we are root. */
static int
start(const char *command, const char *name, struct spawn *spawn)
{
	char path[512];
	pid_t pid = -1;

	spawn->path = path;
	spawn->uid = (uid_t)-1;
	spawn->gid = (gid_t)-1;
	if (geteuid() == 0) {
		spawn->uid = uids_pick("/proc");
		spawn->gid = (gid_t)spawn->uid;
	}
	if (spawn_program(path, sizeof(path), name) == NULL) {
		errno = ENAMETOOLONG;
	} else {
		pid = spawn_child(spawn);
	}
	if (pid == -1) {
		log_warn("%s: start: %s", command, path);
	}
	return pid;
}

struct numbers {
	char idle[12], interval[12], count[12], timeout[12];
};

static int
spawn_relay(struct launch *l, const struct launch_how *how, int theirs)
{
	const struct net_liveness *live = &how->settings->live;
	int stays = how->mode == IPC_RELAY_ATTACH &&
	    how->opts->place == OPTS_BACKGROUND;
	const char *argv[16] = {"sallyport-relay"};
	struct numbers n;
	struct spawn spawn = {
	    .argv = argv,
	    .fds = {theirs, how->log},
	    .nfds = how->log == -1 ? 1 : 2,
	    .die_with_parent = !stays,
	    .own_pids = 1,
	};
	unsigned i = 1;

	(void)snprintf(n.idle, sizeof(n.idle), "%u", live->idle_s);
	(void)snprintf(n.interval, sizeof(n.interval), "%u", live->interval_s);
	(void)snprintf(n.count, sizeof(n.count), "%u", live->count);
	(void)snprintf(
	    n.timeout, sizeof(n.timeout), "%u", live->user_timeout_ms);
	argv[i++] = "--idle";
	argv[i++] = n.idle;
	argv[i++] = "--interval";
	argv[i++] = n.interval;
	argv[i++] = "--count";
	argv[i++] = n.count;
	argv[i++] = "--timeout";
	argv[i++] = n.timeout;
	if (!stays) {
		argv[i++] = "--foreground";
	}
	if (how->log != -1) {
		argv[i++] = "--log";
	}
	argv[i] = NULL;
	l->pid = start(l->command, "sallyport-relay", &spawn);
	return l->pid == -1 ? -1 : 0;
}

/* The relay's other end goes to a reader; ours is then the reader's. */
static int
spawn_reader(struct launch *l)
{
	static const char *const argv[] = {
		"sallyport-reader", "events", NULL};
	struct spawn spawn = {.argv = argv, .nfds = 2, .die_with_parent = 1,
		.own_pids = 1};
	int fds[2];

	if (channel_pair(fds) != 0) {
		log_warn("%s: channel", l->command);
		return -1;
	}
	spawn.fds[0] = fds[1];
	spawn.fds[1] = l->channel;
	l->reader = start(l->command, "sallyport-reader", &spawn);
	close_fd(&fds[1]);
	close_fd(&l->channel);
	l->channel = fds[0];
	return l->reader == -1 ? -1 : 0;
}

static int
start_all(struct launch *out, const struct launch_how *how)
{
	int fds[2];

	out->command = how->opts->command;
	out->what = "relay";
	out->voice = how->voice;
	out->pid = out->reader = -1;
	out->channel = -1;
	if (channel_pair(fds) != 0) {
		log_warn("%s: channel", out->command);
		return -1;
	}
	out->channel = fds[0];
	/* The setup waits in the channel: no relay is started for key files
	 * that cannot be read. */
	if (send_setup(out, how) != 0 || spawn_relay(out, how, fds[1]) != 0) {
		close_fd(&fds[1]);
		launch_end(out);
		return -1;
	}
	close_fd(&fds[1]);
	if (how->mode == IPC_RELAY_EVENTS && spawn_reader(out) != 0) {
		launch_end(out);
		return -1;
	}
	return 0;
}

/* Learns the key of a gateway that is not known yet, by a connection of its
 * own: the one that follows insists on it. */
static int
meet(struct launch *l, const struct launch_how *how)
{
	const struct launch_how first = {
	    .opts = how->opts,
	    .settings = how->settings,
	    .gateway = how->gateway,
	    .mode = IPC_RELAY_MEET,
	    .voice = how->voice,
	    .busid = "",
	    .log = -1,
	};
	char gateway[GATEWAY_TEXT], hex[KNOWN_TEXT];
	struct ipc_relay_setup known = {.mode = IPC_RELAY_MEET};
	struct ipc_relay_key key;
	struct channel_msg msg;
	int r;

	gateway_text(gateway, sizeof(gateway), how->gateway);
	if (find_pins(how, gateway, &known) != 0) {
		return -1;
	}
	if (known.npins > 0) {
		return 0;
	}
	if (start_all(l, &first) != 0) {
		return -1;
	}
	r = launch_recv(l, MEET_MS, &msg);
	if (r == 0 && (msg.type != IPC_RELAY_KEY ||
		ipc_decode_relay_key(&key, msg.data, msg.len) != 0)) {
		log_warnx("%s: relay: malformed message", l->command);
		r = -1;
	}
	launch_end(l);
	if (r != 0) {
		return -1;
	}
	known_text(hex, key.hash);
	r = known_add(how->settings->known, gateway, key.hash);
	if (r != 0) {
		log_warnx("%s: %s: %s", l->command, how->settings->known,
		    err_str(r));
		return -1;
	}
	log_infox("%s: %s: its key is known from now on: %s", l->command,
	    gateway, hex);
	return 0;
}

int
launch_start(struct launch *out, const struct launch_how *how)
{
	if (how->opts->first == OPTS_FIRST_USE && meet(out, how) != 0) {
		return -1;
	}
	return start_all(out, how);
}

int
launch_helper(struct launch *out, const struct opts *opts,
    const char *program, const char *what, uint16_t type, const void *data,
    size_t len)
{
	const char *const argv[] = {program, NULL};
	struct spawn spawn = {.argv = argv, .nfds = 1, .die_with_parent = 1,
		.own_pids = 1};
	int fds[2], r;

	out->command = opts->command;
	out->what = what;
	out->voice = LAUNCH_SPEAKS;
	out->pid = out->reader = -1;
	out->channel = -1;
	if (channel_pair(fds) != 0) {
		log_warn("%s: channel", out->command);
		return -1;
	}
	out->channel = fds[0];
	spawn.fds[0] = fds[1];
	r = channel_send_wait(out->channel, type, 0, data, len, -1, SEND_MS);
	if (r != 0) {
		log_warnx("%s: %s: %s", out->command, what, err_str(r));
	} else {
		out->pid = start(out->command, program, &spawn);
	}
	close_fd(&fds[1]);
	if (out->pid == -1) {
		launch_end(out);
		return -1;
	}
	return 0;
}

/* Waits for the child up to a second: 1 with its status, 0 when it still
 * runs or is not ours. */
static int
reap(pid_t *child, int *status)
{
	const struct timespec nap = {0, 10000000};

	for (int i = 0; i < 100 && *child > 0; i++) {
		pid_t pid = waitpid(*child, status, WNOHANG);

		if (pid != 0) {
			*child = -1;
			return pid > 0;
		}
		(void)nanosleep(&nap, NULL);
	}
	return 0;
}

void
launch_leave(struct launch *l)
{
	close_fd(&l->channel);
	l->pid = l->reader = -1;
}

static void
end_child(pid_t *child)
{
	int status;

	if (!reap(child, &status) && *child > 0) {
		(void)kill(*child, SIGKILL);
		(void)reap(child, &status);
	}
}

void
launch_end(struct launch *l)
{
	close_fd(&l->channel);
	end_child(&l->reader);
	end_child(&l->pid);
}

int
launch_tell(struct launch *l, const struct ipc_desk *desk)
{
	int n = ipc_encode_desk(l->buf, sizeof(l->buf), desk);

	return n < 0 ? n
		     : channel_send_wait(l->channel, IPC_RELAY_DESK, 0, l->buf,
			   (size_t)n, -1, TELL_MS);
}

static int
say_death(struct launch *l)
{
	int status = 0;

	if (l->voice == LAUNCH_SILENT) {
		return EXITS_FAILED;
	}
	if (reap(&l->pid, &status) && WIFSIGNALED(status)) {
		log_warnx("%s: %s: killed by signal %d", l->command, l->what,
		    WTERMSIG(status));
	} else {
		log_warnx("%s: %s: ended without a word; its log may tell",
		    l->command, l->what);
	}
	return EXITS_FAILED;
}

static int
say_done(struct launch *l, const struct channel_msg *msg)
{
	struct ipc_relay_done done;
	char text[2 * IPC_TEXT];

	if (ipc_decode_relay_done(&done, msg->data, msg->len) != 0) {
		log_warnx(
		    "%s: %s: malformed message", l->command, l->what);
		return EXITS_FAILED;
	}
	if (done.exit_code == EXITS_OK) {
		return 0;
	}
	if (l->voice == LAUNCH_SILENT ||
	    (l->voice == LAUNCH_ASKS && done.exit_code == EXITS_NOT_FOUND)) {
		return done.exit_code;
	}
	/* Already escaped, by a process that is not trusted to have done so. */
	log_escape(text, sizeof(text), done.text, strlen(done.text));
	log_warnx("%s: %s", l->command, text);
	return done.exit_code <= EXITS_NOT_FOUND ? done.exit_code
						 : EXITS_FAILED;
}

/* Its sandbox ended it, for a call that none of ours makes. */
static int
say_barred(struct launch *l, const struct channel_msg *msg)
{
	struct ipc_call call;

	if (ipc_decode_call(&call, msg->data, msg->len) != 0) {
		log_warnx("%s: relay: malformed message", l->command);
	} else {
		log_warnx("%s: relay: killed: it may not make system call %u",
		    l->command, call.nr);
	}
	return EXITS_FAILED;
}

int
launch_recv(struct launch *l, int timeout_ms, struct channel_msg *out)
{
	int r = channel_recv_wait(
	    l->channel, l->buf, sizeof(l->buf), timeout_ms, out);

	if (r == ERR_CLOSED) {
		return say_death(l);
	}
	if (r != 0) {
		log_warnx("%s: %s: %s", l->command, l->what, err_str(r));
		return r == ERR_TIMEOUT ? EXITS_UNREACHABLE : EXITS_FAILED;
	}
	if (out->fd != -1) {
		close_fd(&out->fd);
		log_warnx("%s: %s: sent a descriptor", l->command, l->what);
		return EXITS_FAILED;
	}
	if (out->type == IPC_BARRED) {
		return say_barred(l, out);
	}
	return out->type == IPC_RELAY_DONE ? say_done(l, out) : 0;
}
