/*
 * sallyport-warden: started by sallyportd with fd 3 = the broker, fd 4 = the
 * control socket and, where somebody may serve verdicts, fd 5 = theirs, both
 * listening. It is unprivileged from its first instruction;
 * argv[2] is the configuration file, argv[3] how many CAs there are.
 */
#include "proxy/warden/warden.h"

#include <fcntl.h>
#include <jansson.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "proxy/warden/confine.h"

#define BROKER_FD 3
#define CONTROL_FD 4
#define VERDICT_FD 5

static void
on_reload(void *arg)
{
	policy_reload(arg);
	revoked_read(arg);
}

static void
on_stop(void *arg)
{
	struct warden *w = arg;

	loop_stop(w->loop);
}

/* An answer of the control socket may have had a key in it. */
static void
free_wiped(void *p)
{
	if (p != NULL) {
		mem_wipe(p, malloc_usable_size(p));
	}
	free(p);
}

static void
start(struct warden *w, int verdict_fd)
{
	char why[512];

	if (gateway_conf_load(&w->conf, w->conf_path, why, sizeof(why)) != 0) {
		fatalx("%s", why);
	}
	if (roles_init(&w->roles, &w->conf) != 0) {
		fatalx("start: see the line above");
	}
	w->loop = loop_new();
	w->scratch = calloc(1, sizeof(*w->scratch));
	w->fresh = calloc(1, sizeof(*w->fresh));
	w->shown = calloc(1, sizeof(*w->shown));
	if (w->loop == NULL || w->scratch == NULL || w->fresh == NULL ||
	    w->shown == NULL) {
		fatal("start");
	}
	if (audit_start(w) != 0) {
		fatalx("audit log %s: cannot be written; no decision is made "
		       "without it", w->conf.audit);
	}
	w->broker_io =
	    loop_io_new(w->loop, w->broker, LOOP_READ, warden_on_broker, w);
	if (w->broker_io == NULL ||
	    loop_signal_new(w->loop, SIGHUP, on_reload, w) == NULL ||
	    loop_signal_new(w->loop, SIGTERM, on_stop, w) == NULL) {
		fatal("start");
	}
	audit_write(w, "gateway", "started", NULL, NULL, NULL, "version",
	    SALLYPORT_VERSION, (char *)NULL);
	w->book = book_open(w->conf.state);
	if (w->book == NULL) {
		fatalx("state %s: cannot be read; no device is given away "
		       "without it", w->conf.state);
	}
	/* What takes a library, or a socket; nobody is answered before the
	 * loop runs. */
	if (control_start(w) != 0 || verdicts_start(w, verdict_fd) != 0 ||
	    warden_listen(w) != 0) {
		fatalx("start: see the line above");
	}
	confine_warden(&w->conf);
	if (policy_start(w) != 0 || watch_start(w) != 0 ||
	    bundles_start(w) != 0 || upstream_start(w) != 0) {
		fatalx("start: see the line above");
	}
	/* Rules that do not load export nothing; the gateway stays, so that
	 * they can be mended and loaded again. A bad keep file does not: it
	 * would take away the gateway's own devices. */
	if (policy_load(w) != 0 && *w->conf.keep != '\0' && w->keep == NULL) {
		fatalx("start: [local] keep cannot be loaded");
	}
	if (events_start(w) != 0 || leases_start(w) != 0 ||
	    revoked_start(w) != 0 || hotplug_start(w) != 0) {
		fatalx("start: see the line above");
	}
	book_purge(w->book);
}

int
main(int argc, char **argv)
{
	/* before anything else can have that number */
	int verdict_fd =
	    fcntl(VERDICT_FD, F_SETFD, FD_CLOEXEC) == 0 ? VERDICT_FD : -1;
	struct warden *w;

	log_init("sallyport-warden");
	if (argc != 4 || strcmp(argv[1], "warden") != 0 ||
	    fcntl(BROKER_FD, F_SETFD, FD_CLOEXEC) == -1 ||
	    fcntl(CONTROL_FD, F_SETFD, FD_CLOEXEC) == -1) {
		fprintf(stderr,
		    "sallyport-warden is started by sallyportd(8), not by "
		    "hand\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	umask(027);
	json_set_alloc_funcs(malloc, free_wiped);
	w = calloc(1, sizeof(*w));
	if (w == NULL) {
		fatal("start");
	}
	w->conf_path = argv[2];
	w->nissuers = (unsigned)strtoul(argv[3], NULL, 10);
	w->broker = BROKER_FD;
	w->control_fd = CONTROL_FD;
	w->listen_fd = w->audit.fd = -1;
	w->next_conn = 1;
	TAILQ_INIT(&w->devices);
	TAILQ_INIT(&w->sessions);
	TAILQ_INIT(&w->held);
	TAILQ_INIT(&w->captures);
	start(w, verdict_fd);
	loop_run(w->loop);
	(void)book_save(w->book, w->conf.state);
	audit_write(w, "gateway", "stopped", NULL, NULL, NULL, (char *)NULL);
	audit_stop(w);
	return 0;
}
