/*
 * sallyport-metrics: options, the socket that it listens on, and the end of what
 * it may. It never serves as root, and nobody but this machine.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "proxy/metrics/metrics.h"

#define CONTROL "/run/sallyport/control.sock"
#define LISTEN "127.0.0.1:3243"

struct options {
	const char *control, *listen, *user;
	int is_once;
};

static void
usage(FILE *to)
{
	fputs("usage: sallyport-metrics [-s PATH] [-l WHERE] [-u USER] | "
	      "--once | -h | --version\n"
	      "\n"
	      "Serves what the Sallyport gateway on this machine counts, for "
	      "Prometheus:\n"
	      "GET /metrics.\n"
	      "\n"
	      "  -s, --socket PATH   control socket of the gateway\n"
	      "                      (" CONTROL ")\n"
	      "  -l, --listen WHERE  127.0.0.1:PORT, [::1]:PORT, or a path: "
	      "a UNIX socket\n"
	      "                      (" LISTEN ")\n"
	      "  -u, --user USER     become that user once it listens; "
	      "required of root\n"
	      "      --once          print the metrics and exit\n"
	      "  -h, --help\n"
	      "      --version\n"
	      "\n"
	      "Exit: 0 ok, 1 failed, 2 usage, 4 gateway not reachable.\n",
	    to);
}

/* ------------------------------------------------------------------------ */
/* Where it listens                                                         */

static int
listen_unix(const char *path)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct stat st;
	mode_t mask;
	int fd, r;

	if (strlen(path) >= sizeof(at.sun_path)) {
		fatalx("listen %s: path is too long", path);
	}
	memcpy(at.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1) {
		fatal("socket");
	}
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode) &&
	    connect(fd, (struct sockaddr *)&at, sizeof(at)) == -1 &&
	    errno == ECONNREFUSED) {
		(void)unlink(path); /* of one that is dead */
	}
	mask = umask(0117);
	r = bind(fd, (struct sockaddr *)&at, sizeof(at));
	(void)umask(mask);
	if (r == -1) {
		fatal("listen %s", path);
	}
	return fd;
}

/* "127.0.0.1:3243" or "[::1]:3243": its family, or AF_UNSPEC. */
static int
parse(const char *where, struct sockaddr_in *v4, struct sockaddr_in6 *v6)
{
	const char *colon = strrchr(where, ':');
	char host[64], *end;
	unsigned long port;
	size_t len;

	if (colon == NULL || colon == where || colon[1] < '0' ||
	    colon[1] > '9') {
		return AF_UNSPEC;
	}
	port = strtoul(colon + 1, &end, 10);
	len = (size_t)(colon - where);
	if (*end != '\0' || port > 65535 || len >= sizeof(host)) {
		return AF_UNSPEC;
	}
	memcpy(host, where, len);
	host[len] = '\0';
	*v4 = (struct sockaddr_in){
	    .sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	*v6 = (struct sockaddr_in6){
	    .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		return ntohl(v4->sin_addr.s_addr) >> 24 == 127 ? AF_INET
							       : AF_UNSPEC;
	}
	if (host[0] != '[' || host[len - 1] != ']') {
		return AF_UNSPEC;
	}
	host[len - 1] = '\0';
	return inet_pton(AF_INET6, host + 1, &v6->sin6_addr) == 1 &&
		IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr)
	    ? AF_INET6
	    : AF_UNSPEC;
}

static int
listen_tcp(const char *where)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	int family = parse(where, &v4, &v6), on = 1, fd, r;

	if (family == AF_UNSPEC) {
		log_warnx("listen %s: expected 127.0.0.1:PORT, [::1]:PORT or "
			  "the path of a UNIX socket; others reach it through "
			  "a proxy that asks who they are", where);
		exit(2);
	}
	fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1) {
		fatal("socket");
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	r = family == AF_INET
	    ? bind(fd, (struct sockaddr *)&v4, sizeof(v4))
	    : bind(fd, (struct sockaddr *)&v6, sizeof(v6));
	if (r == -1) {
		fatal("listen %s", where);
	}
	return fd;
}

static int
listen_at(const char *where)
{
	int fd = where[0] == '/' ? listen_unix(where) : listen_tcp(where);

	if (listen(fd, 16) == -1) {
		fatal("listen %s", where);
	}
	return fd;
}

/* ------------------------------------------------------------------------ */

/* Another user's rights are not needed any more. */
static void
become(const char *user)
{
	const struct passwd *pw = user != NULL ? getpwnam(user) : NULL;

	if (user != NULL && pw == NULL) {
		fatalx("user %s: there is none", user);
	}
	if (pw != NULL && (initgroups(user, pw->pw_gid) == -1 ||
			      setgid(pw->pw_gid) == -1 ||
			      setuid(pw->pw_uid) == -1)) {
		fatal("become %s", user);
	}
	if (geteuid() == 0) {
		fatalx("not as root: give a user of its own by --user, in the "
		       "group of [control] metrics in gateway.conf");
	}
}

static void
on_stop(void *arg)
{
	loop_stop(arg);
}

static int
serve(const struct options *opt)
{
	struct loop *loop = loop_new();
	int fd = listen_at(opt->listen);
	struct http *http;

	become(opt->user);
	http = loop != NULL ? http_new(loop, fd, opt->control) : NULL;
	if (http == NULL || loop_signal_new(loop, SIGTERM, on_stop, loop) == NULL ||
	    loop_signal_new(loop, SIGINT, on_stop, loop) == NULL) {
		fatalx("begin: out of memory");
	}
	metrics_confine(opt->listen);
	log_infox("serving /metrics at %s", opt->listen);
	loop_run(loop);
	http_free(http);
	if (opt->listen[0] == '/') {
		(void)unlink(opt->listen);
	}
	return 0;
}

struct once {
	struct loop *loop;
	char *text; /* owned */
};

static void
on_once(void *arg, char *text)
{
	struct once *once = arg;

	once->text = text;
	loop_stop(once->loop);
}

static int
print_once(const struct options *opt)
{
	struct once once = {.loop = loop_new()};
	struct ask *ask = once.loop != NULL ? ask_new(once.loop, opt->control,
						  on_once, &once)
					    : NULL;
	int is_up;

	if (ask == NULL) {
		fatalx("begin: out of memory");
	}
	ask_start(ask);
	if (once.text == NULL) {
		loop_run(once.loop);
	}
	ask_free(ask);
	loop_free(once.loop);
	is_up = once.text != NULL &&
	    strstr(once.text, "\nsallyport_up 1\n") != NULL;
	fputs(once.text != NULL ? once.text : "", stdout);
	free(once.text);
	return !is_up ? 4 : fflush(stdout) == 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{"socket", required_argument, NULL, 's'},
		{"listen", required_argument, NULL, 'l'},
		{"user", required_argument, NULL, 'u'},
		{"once", no_argument, NULL, 'o'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	struct options opt = {.control = CONTROL, .listen = LISTEN};
	int c;

	log_init("sallyport-metrics");
	while ((c = getopt_long(argc, argv, "s:l:u:h", options, NULL)) != -1) {
		switch (c) {
		case 's':
			opt.control = optarg;
			break;
		case 'l':
			opt.listen = optarg;
			break;
		case 'u':
			opt.user = optarg;
			break;
		case 'o':
			opt.is_once = 1;
			break;
		case 'h':
			usage(stdout);
			return 0;
		case 'V':
			puts("sallyport-metrics " SALLYPORT_VERSION);
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
	return opt.is_once ? print_once(&opt) : serve(&opt);
}
