/*
 * sallyport-certs serve: signs for whoever has a token. The one process with a
 * CA's key that works by itself, so it speaks with nobody: each connection has
 * a sallyport-front of its own, and only the request of nearly fixed length that
 * one hands on is read here.
 */
#include "certs/cmd.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/net.h"
#include "certs/desk.h"
#include "certs/fronts.h"
#include "certs/opt.h"
#include "certs/say.h"
#include "certs/serve_confine.h"
#include "wire/ipc.h"

static const char help[] =
"usage: sallyport-certs serve [--dir DIR] [--listen ADDRESS] [--port N]\n"
"                             [--user USER]\n"
"\n"
"Signs certificates for those who come with a token, until it is told to end.\n"
"Not by root: the CA belongs to a user of its own, and is best one that a CA\n"
"which is kept elsewhere signed ('sallyport-certs init --parent').\n"
"\n"
"  --dir DIR         the CA (default " CMD_DEFAULT_DIR ")\n"
"  --listen ADDRESS  where (default every address)\n"
"  --port N          of TCP (default 3242)\n"
"  --user USER       whom to run as, when root starts it\n"
"  --help            print this\n";

enum { OPT_DIR, OPT_LISTEN, OPT_PORT, OPT_USER };

static const struct opt options[] = {
	[OPT_DIR] = { "dir", OPT_VALUE },
	[OPT_LISTEN] = { "listen", OPT_VALUE },
	[OPT_PORT] = { "port", OPT_VALUE },
	[OPT_USER] = { "user", OPT_VALUE },
	{ NULL, OPT_FLAG },
};

struct want {
	const char *dir, *listen, *user; /* borrowed; the last may be NULL */
	unsigned port;
};

static int
take(void *want, int o, const char *value)
{
	struct want *w = want;

	switch (o) {
	case OPT_DIR:
		return opt_text(&w->dir, "serve", "--dir", value);
	case OPT_LISTEN:
		return opt_text(&w->listen, "serve", "--listen", value);
	case OPT_PORT:
		return opt_number(&w->port, "serve", "--port", 65535, value);
	case OPT_USER:
		return opt_text(&w->user, "serve", "--user", value);
	default: /* OPT_OPERAND */
		return say_usage("serve", value, "takes no operand");
	}
}

/* ------------------------------------------------------------------------ */
/* Rights                                                                   */

static int
become(const char *user)
{
	const struct passwd *pw;

	if (geteuid() != 0) {
		return user == NULL ? 0 : say_fail("serve", user,
		    "leave --user away", "only root can become another user");
	}
	if (user == NULL) {
		return say_fail("serve", NULL, "give a user of its own, who "
		    "owns the CA's directory, by --user",
		    "does not run as root");
	}
	pw = getpwnam(user);
	if (pw == NULL || pw->pw_uid == 0) {
		return say_fail("serve", user, "make one by adduser --system",
		    pw == NULL ? "no such user" : "is root");
	}
	if (setgroups(0, NULL) != 0 || setgid(pw->pw_gid) != 0 ||
	    setuid(pw->pw_uid) != 0) {
		return say_sys("serve", user, errno);
	}
	return 0;
}

/* Before the CA's key is read. Fronts are of the same user: none of them can
 * look into this process. */
static int
hide(void)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
		return say_sys("serve", "limits", errno);
	}
	return 0;
}

/* ------------------------------------------------------------------------ */
/* Work                                                                     */

static int
greet(void *arg, uint8_t *out, size_t size)
{
	struct desk *desk = arg;
	struct ipc_pem pem;

	if (desk_renew(desk) != 0) {
		return -1;
	}
	pem = (struct ipc_pem){ .cert = (const uint8_t *)desk->cert,
		.cert_len = (uint32_t)strlen(desk->cert) + 1,
		.key = desk->key,
		.key_len = (uint32_t)strlen((const char *)desk->key) + 1 };
	return ipc_encode_pem(out, size, &pem);
}

static size_t
answer(void *arg, const void *request, size_t len, const char *peer,
    uint8_t out[ENROLL_REPLY_MAX])
{
	return desk_answer(arg, request, len, peer, out);
}

static void
on_child(void *arg)
{
	fronts_reap(arg);
}

static void
on_end(void *arg)
{
	loop_stop(arg);
}

static int
work(struct desk *desk, int listener, unsigned port)
{
	struct loop *loop = loop_new();
	struct fronts *fronts = NULL;
	struct loop_signal *child = NULL, *term = NULL, *interrupt = NULL;
	int r = -1;

	if (loop != NULL) {
		fronts = fronts_new(loop, listener, greet, answer, desk);
		term = loop_signal_new(loop, SIGTERM, on_end, loop);
		interrupt = loop_signal_new(loop, SIGINT, on_end, loop);
	}
	if (fronts != NULL) {
		child = loop_signal_new(loop, SIGCHLD, on_child, fronts);
	}
	if (child == NULL || term == NULL || interrupt == NULL) {
		say_sys("serve", "start", errno);
	} else {
		serve_confine(desk->dir);
		log_infox("serve: port %u: ready", port);
		loop_run(loop);
		r = 0;
	}
	loop_signal_free(child);
	loop_signal_free(term);
	loop_signal_free(interrupt);
	fronts_free(fronts);
	loop_free(loop);
	return r;
}

int
cmd_serve(int argc, char **argv)
{
	struct want w = { .dir = CMD_DEFAULT_DIR, .listen = "",
		.port = ENROLL_PORT };
	static struct desk desk;
	char why[256] = "";
	int o, listener = -1, status = CMD_FAILED;

	o = opt_read("serve", options, help, argc, argv, take, &w);
	if (o != OPT_GO) {
		return o;
	}
	log_init("sallyport-certs");
	if (net_listen(w.listen, (uint16_t)w.port, &listener, why,
	    sizeof(why)) != 0) {
		say_fail("serve", w.listen, "choose another --listen or --port",
		    "%s", why);
		return CMD_FAILED;
	}
	if (become(w.user) == 0 && hide() == 0 &&
	    desk_open(&desk, w.dir) == 0 &&
	    work(&desk, listener, w.port) == 0) {
		status = CMD_OK;
	}
	desk_free(&desk);
	close_fd(&listener);
	return status;
}
