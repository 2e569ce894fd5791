/*
 * sallyportd: the gateway's privileged parent. Reads its configuration, makes
 * the directories that the warden needs, starts the warden and serves its
 * requests until it is told to stop.
 */
#include "proxy/broker/broker.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/sandbox.h"

static void
usage(FILE *to)
{
	fputs("usage: sallyportd [-c FILE] [--check-config] "
	      "[--require-sandbox] [--help]\n"
	      "                  [--version]\n"
	      "\n"
	      "The gateway: exports the USB devices of this machine that its "
	      "rules allow,\n"
	      "over USB/IP inside mutual TLS. Stays in the foreground; logs to "
	      "stderr.\n"
	      "\n"
	      "  -c, --config FILE  configuration (" GATEWAY_CONF_PATH ")\n"
	      "      --check-config read and check it, print `ok', exit\n"
	      "      --require-sandbox  do not start where seccomp, "
	      "Landlock or a namespace\n"
	      "                     is missing\n"
	      "  -h, --help\n"
	      "      --version\n"
	      "\n"
	      "SIGHUP loads the rules again, SIGTERM ends everything. "
	      "See sallyportd(8).\n",
	    to);
}

/* Every file that a session will need, so that a wrong one is told at the start
 * and not at the first connection. */
static int
check_tls(const struct gateway_conf *conf)
{
	const struct {
		const char *path;
		enum file_secrecy secrecy;
		size_t max;
	} files[] = {
		{conf->ca, FILE_PUBLIC, 60u * 1024u},
		{conf->cert, FILE_PUBLIC, 60u * 1024u},
		{conf->key, FILE_SECRET, 60u * 1024u},
		{conf->crl, FILE_PUBLIC, IPC_CRL_MAX - 1},
	};

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		uint8_t *data = NULL;
		size_t len = 0;
		int r;

		if (*files[i].path == '\0') {
			continue;
		}
		r = file_read(
		    files[i].path, files[i].max, files[i].secrecy, &data, &len);
		if (data != NULL) {
			mem_wipe(data, len);
		}
		free(data);
		if (r == ERR_NOENT) {
			log_warnx("read %s: no such file; make one with "
				  "`sallyport-certs issue gateway NAME' and "
				  "copy it there", files[i].path);
		} else if (r == ERR_POLICY) {
			log_warnx("read %s: group or others may read this "
				  "key, or write to its directory; run `chmod "
				  "0600 %s', and `chmod go-w' on that",
			    files[i].path, files[i].path);
		} else if (r != 0) {
			log_warnx("read %s: %s", files[i].path, err_str(r));
		}
		if (r != 0) {
			return r;
		}
	}
	return 0;
}

/* Makes dir (one level) if it is not there. One for the warden must be new, or
 * its own already: nothing of anybody else's is taken over. */
static int
make_dir(const char *dir, mode_t mode, uid_t uid, gid_t gid)
{
	struct stat st;

	if (mkdir(dir, mode) == 0) {
		if (chown(dir, uid, gid) == -1) {
			log_warn("chown %s", dir);
			return ERR_SYS;
		}
	} else if (errno != EEXIST) {
		log_warn("make directory %s", dir);
		return ERR_SYS;
	}
	if (lstat(dir, &st) == -1 || !S_ISDIR(st.st_mode) ||
	    st.st_uid != uid) {
		log_warnx("%s: is not a directory of %s; choose one for the "
			  "gateway alone, or run `chown %u %s'", dir,
		    uid == 0 ? "root" : "the gateway's user", (unsigned)uid,
		    dir);
		return ERR_SYS;
	}
	return 0;
}

/* A socket lies in root's directory. The warden gets it listening and never
 * writes there itself; its user has it by its group, since root may be one who
 * has no right to what is another's, as in a container. */
static int
make_socket(struct broker *b, const char *name, mode_t mask, int *fd)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int n = snprintf(
	    sun.sun_path, sizeof(sun.sun_path), "%s/%s", b->conf.run, name);

	if (n < 0 || (size_t)n >= sizeof(sun.sun_path)) {
		log_warnx("%s: [gateway] run is too long", name);
		return ERR_LIMIT;
	}
	if (unlink(sun.sun_path) == -1 && errno != ENOENT) {
		log_warn("remove %s", sun.sun_path);
		return ERR_SYS;
	}
	if (fd == NULL) {
		return 0;
	}
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	umask(mask);
	n = *fd == -1 ? -1 : bind(*fd, (struct sockaddr *)&sun, sizeof(sun));
	umask(022);
	if (n == -1 ||
	    chown(sun.sun_path, 0, b->warden_gid) == -1 ||
	    listen(*fd, 16) == -1) {
		log_warn("socket %s", sun.sun_path);
		return ERR_SYS;
	}
	return 0;
}

/* Anybody may connect to that of verdicts; the warden asks the kernel who it
 * is. Where nobody may serve one, there is none. */
static int
make_sockets(struct broker *b)
{
	/* who may do what the warden decides, by the peer's groups */
	int is_shared = *b->conf.metrics != '\0' ||
	    *b->conf.readers != '\0' || *b->conf.approvers != '\0' || *b->conf.operators != '\0';
	int r = make_socket(b, "control.sock", is_shared ? 0111 : 0117,
	    &b->control_fd);

	return r != 0 ? r :
			make_socket(b, "verdict.sock", 0111,
			    b->conf.nverdicts != 0 ? &b->verdict_fd : NULL);
}

static int
make_dirs(struct broker *b)
{
	char parent[PATH_MAX], *slash;
	int r;

	r = make_dir(b->conf.run, 0755, 0, 0);
	if (r == 0) {
		r = make_sockets(b);
	}
	if (r == 0) {
		r = make_dir(b->conf.state, 0700, b->warden_uid, b->warden_gid);
	}
	if (r != 0 || strlen(b->conf.audit) >= sizeof(parent)) {
		return r;
	}
	memcpy(parent, b->conf.audit, strlen(b->conf.audit) + 1);
	slash = strrchr(parent, '/');
	if (slash == NULL || slash == parent) {
		log_warnx("[gateway] audit %s: must lie in a directory of its "
			  "own", b->conf.audit);
		return ERR_FORMAT;
	}
	*slash = '\0';
	return make_dir(parent, 0750, b->warden_uid, b->warden_gid);
}

/* What this and the next boot do with devices before the gateway sees them. */
static int
prepare_kernel(struct broker *b)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/roots", b->conf.run);
	int r;

	if (n < 0 || (size_t)n >= sizeof(path)) {
		log_warnx("[gateway] run: is too long");
		return ERR_LIMIT;
	}
	r = roots_load(path);
	if (r != 0) {
		log_warnx("read %s: %s; ignored: root hubs are given back as "
			  "they are now", path, err_str(r));
	}
	if (!b->conf.before_drivers) {
		/* An earlier broker was killed, and had it otherwise. */
		roots_restore(SYSFS_USB);
	}
	r = atboot_apply(b->conf.is_strict, ATBOOT_PATH, ATBOOT_MODULE);
	return b->conf.is_strict ? r : 0;
}

static void
on_stop(void *arg)
{
	struct broker *b = arg;

	if (b->is_stopping) {
		return;
	}
	b->is_stopping = 1;
	broker_end_all(b);
	if (b->signer.role != 0) {
		broker_end_child(&b->signer);
	}
	if (b->warden_pid != 0) {
		kill(b->warden_pid, SIGTERM);
	}
	broker_reap(b);
}

static void
on_reload(void *arg)
{
	struct broker *b = arg;

	if (b->warden_pid != 0) {
		kill(b->warden_pid, SIGHUP);
	}
}

/* What root may, and the broker has no use for once it has made its
 * directories: the rest of the files that it writes and the nodes that it opens
 * are root's own. */
static void
drop_capabilities(void)
{
	const uint64_t keep = UINT64_C(1) << CAP_SETUID |
	    UINT64_C(1) << CAP_SETGID |	  /* who its children are */
	    UINT64_C(1) << CAP_KILL |	  /* and their end */
	    UINT64_C(1) << CAP_SYS_NICE | /* who has a device goes first */
	    /* keys and nodes that an administrator gave to somebody else */
	    UINT64_C(1) << CAP_DAC_OVERRIDE;

	sandbox_keep_capabilities(keep);
}

static int
serve(struct broker *b)
{
	b->loop = loop_new();
	b->children = calloc(b->conf.uid_count, sizeof(*b->children));
	if (b->loop == NULL || b->children == NULL) {
		fatal("start");
	}
	/* the last uid is the signer's */
	b->nchildren = b->conf.uid_count - (b->conf.key_holder ? 1 : 0);
	for (unsigned i = 0; i < b->nchildren; i++) {
		b->children[i] = BROKER_NO_CHILD;
	}
	if (loop_signal_new(b->loop, SIGCHLD, broker_reap, b) == NULL ||
	    loop_signal_new(b->loop, SIGTERM, on_stop, b) == NULL ||
	    loop_signal_new(b->loop, SIGINT, on_stop, b) == NULL ||
	    loop_signal_new(b->loop, SIGHUP, on_reload, b) == NULL) {
		fatal("watch signals");
	}
	drop_capabilities();
	confine_broker();
	if (b->conf.key_holder && broker_try_signer(b) != 0) {
		return 1;
	}
	if (broker_start_warden(b) != 0) {
		return 1;
	}
	loop_run(b->loop);
	loop_timer_free(b->restart);
	loop_timer_free(b->signer_restart);
	broker_end_signer(b);
	free(b->children);
	roots_restore(SYSFS_USB);
	log_infox("stopped");
	return 0;
}

/* 0, or 1 after saying what is wrong. */
static int
load(struct broker *b)
{
	char why[512];

	if (gateway_conf_load(&b->conf, b->conf_path, why, sizeof(why)) != 0) {
		log_warnx("%s; see gateway.conf(5)", why);
		return 1;
	}
	/* The warden reads it by this name, wherever it is started. */
	if (realpath(b->conf_path, b->conf_real) == NULL) {
		log_warn("%s", b->conf_path);
		return 1;
	}
	b->conf_path = b->conf_real;
	return check_tls(&b->conf) == 0 ? 0 : 1;
}

/* Whether the key is one that can be held apart: to tell, it is read by who
 * will hold it. */
static int
check_signer(struct broker *b)
{
	int r = b->conf.key_holder ? broker_try_signer(b) : 0;

	broker_end_signer(b);
	if (r != 0) {
		return 1;
	}
	puts("ok");
	return 0;
}

/* What the other processes will have to do without. 0, or 1 after saying that
 * it must not be. */
static int
check_sandbox(int is_required)
{
	unsigned lacks = sandbox_lacks() | sandbox_build_lacks();

	for (unsigned part = 1; part < SANDBOX_PARTS; part <<= 1) {
		if ((lacks & part) == 0) {
			continue;
		}
		log_warnx("sandbox: %s: %s%s", sandbox_part_name(part),
		    (sandbox_lacks() & part) != 0
			? "this kernel gives none"
			: "this build does without",
		    is_required ? "; --require-sandbox was given, so the "
				  "gateway does not start" : "");
	}
	if (is_required) {
		sandbox_require();
	}
	return is_required && lacks != 0 ? 1 : 0;
}

static int
start(struct broker *b)
{
	const struct passwd *pw;

	if (geteuid() != 0) {
		log_warnx("start: must run as root, to open USB devices; its "
			  "other processes run without privileges");
		return 1;
	}
	pw = getpwnam(b->conf.user);
	if (pw == NULL || pw->pw_uid == 0) {
		log_warnx("user %s: %s; run `useradd --system "
			  "--no-create-home %s'", b->conf.user,
		    pw == NULL ? "no such user" : "must not be root",
		    b->conf.user);
		return 1;
	}
	b->warden_uid = pw->pw_uid;
	b->warden_gid = pw->pw_gid;
	if (b->warden_uid >= b->conf.uid_base &&
	    b->warden_uid < b->conf.uid_base + b->conf.uid_count) {
		log_warnx("user %s: its uid lies in the range of the sessions' "
			  "([session] uid-base)", b->conf.user);
		return 1;
	}
	signal(SIGPIPE, SIG_IGN);
	umask(022);
	if (make_dirs(b) != 0 || prepare_kernel(b) != 0) {
		return 1;
	}
	if (b->conf.usbfs_memory > 0) {
		device_set_memory(b->conf.usbfs_memory);
	}
	return serve(b);
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"check-config", no_argument, NULL, 'n'},
		{"require-sandbox", no_argument, NULL, 'R'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	struct broker *b = calloc(1, sizeof(*b));
	int c, r, is_check = 0, needs_sandbox = 0;

	log_init("sallyportd");
	if (b == NULL) {
		fatal("start");
	}
	b->conf_path = GATEWAY_CONF_PATH;
	b->warden_chan = b->control_fd = b->verdict_fd = b->crl = -1;
	b->signer = BROKER_NO_CHILD;
	while ((c = getopt_long(argc, argv, "c:nh", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			b->conf_path = optarg;
			break;
		case 'n':
			is_check = 1;
			break;
		case 'R':
			needs_sandbox = 1;
			break;
		case 'h':
			usage(stdout);
			return 0;
		case 'V':
			puts("sallyportd " SALLYPORT_VERSION);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (optind != argc) {
		usage(stderr);
		return 2;
	}
	r = check_sandbox(needs_sandbox);
	if (r != 0) {
		free(b);
		return r;
	}
	r = load(b);
	if (r == 0 && !is_check) {
		r = start(b);
	} else if (r == 0) {
		r = check_signer(b);
	}
	gateway_conf_free(&b->conf);
	free(b);
	return r;
}
