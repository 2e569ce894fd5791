/*
 * sallyctl: asks the warden of this machine through its control socket and
 * shows the answer. It decides nothing.
 */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

#define ANSWER_MAX (8u * 1024u * 1024u)

struct options {
	const char *socket;
	int is_json;
};

static void
usage(FILE *to)
{
	fputs("usage: sallyctl [--json] [--socket PATH] COMMAND\n"
	      "\n"
	      "Operates the gateway on this machine.\n"
	      "\n"
	      "  status        what the gateway does and which rules are in "
	      "force\n"
	      "  devices       each device, its state and its holder\n"
	      "  sessions      each connection: who, what, since when\n"
	      "  reload        load the rules again; says what is wrong with "
	      "them\n"
	      "  kick DEVICE   take a device, by bus id or stable name, from "
	      "its\n"
	      "                holder (or --connection N)\n"
	      "\n"
	      "      --json    the answer as one line of JSON\n"
	      "  -s, --socket  control socket (/run/sallyport/control.sock)\n"
	      "  -h, --help    \n"
	      "      --version\n"
	      "\n"
	      "Exit: 0 ok, 1 failed, 2 usage, 4 gateway not reachable, 5 not "
	      "found.\n",
	    to);
}

static int
connect_socket(const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct timeval limit = {.tv_sec = 10};
	int fd;

	if (strlen(path) >= sizeof(sun.sun_path)) {
		log_warnx("connect %s: path is too long", path);
		return -1;
	}
	memcpy(sun.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1) {
		log_warn("socket");
		return -1;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1) {
		log_warnx("connect %s: %s; %s", path, strerror(errno),
		    errno == EACCES
			? "run as root or as the gateway's user"
			: "is sallyportd running on this machine?");
		close_fd(&fd);
	}
	return fd;
}

/* One request, one answer; NULL after saying why. */
static json_t *
ask(const struct options *opt, json_t *request, int *code)
{
	char *line = json_dumps(request, JSON_COMPACT), *in = NULL;
	json_t *reply = NULL;
	size_t used = 0;
	ssize_t n;
	int fd;

	json_decref(request);
	*code = 4;
	fd = connect_socket(opt->socket);
	in = malloc(ANSWER_MAX);
	if (fd == -1 || line == NULL || in == NULL) {
		goto out;
	}
	if (send(fd, line, strlen(line), MSG_NOSIGNAL) == -1 ||
	    send(fd, "\n", 1, MSG_NOSIGNAL) == -1) {
		log_warn("ask the gateway");
		goto out;
	}
	while (used < ANSWER_MAX &&
	    (n = recv(fd, in + used, ANSWER_MAX - used, 0)) > 0) {
		used += (size_t)n;
	}
	reply = json_loadb(in, used, 0, NULL);
	if (reply == NULL) {
		log_warnx("the gateway closed without an answer: %s is for "
			  "root and the gateway's user", opt->socket);
		goto out;
	}
	*code = 0;
	if (!json_is_true(json_object_get(reply, "ok"))) {
		const char *text =
		    json_string_value(json_object_get(reply, "error"));

		*code = (int)json_integer_value(json_object_get(reply, "code"));
		if (*code < 1 || *code > 5) {
			*code = 1;
		}
		log_warnx("%s", text != NULL ? text : "refused");
	}
out:
	close_fd(&fd);
	free(line);
	free(in);
	return reply;
}

static const char *
text_of(const json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));

	return text != NULL ? text : "";
}

static void
show_status(const json_t *o)
{
	const json_t *rules = json_object_get(o, "rules");

	printf("sallyport %s, port %lld\n", text_of(o, "version"),
	    (long long)json_integer_value(json_object_get(o, "port")));
	if (json_is_integer(rules)) {
		printf("rules:    %lld in force since %s (revision %lld)\n",
		    (long long)json_integer_value(rules),
		    text_of(o, "rules_loaded"),
		    (long long)json_integer_value(
			json_object_get(o, "rules_revision")));
	} else {
		puts("rules:    none loaded; nothing is exported");
	}
	if (*text_of(o, "rules_error") != '\0') {
		printf("          last load failed: %s\n",
		    text_of(o, "rules_error"));
	}
	printf("devices:  %lld\nsessions: %lld\n",
	    (long long)json_integer_value(json_object_get(o, "devices")),
	    (long long)json_integer_value(json_object_get(o, "sessions")));
	if (json_integer_value(json_object_get(o, "audit_failed")) != 0) {
		printf("audit:    %lld lines could not be written\n",
		    (long long)json_integer_value(
			json_object_get(o, "audit_failed")));
	}
}

static void
show_devices(const json_t *o)
{
	json_t *list = json_object_get(o, "devices"), *e;
	size_t i;

	printf("%-10s %-9s %-32s %-40s %s\n", "BUSID", "STATE", "NAME",
	    "STABLE NAME", "HOLDER");
	json_array_foreach (list, i, e) {
		printf("%-10s %-9s %-32s %-40s %s\n", text_of(e, "busid"),
		    text_of(e, "state"), text_of(e, "name"),
		    text_of(e, "stable"),
		    *text_of(e, "refused") != '\0' ? text_of(e, "refused")
						   : text_of(e, "holder"));
	}
}

static void
show_sessions(const json_t *o)
{
	json_t *list = json_object_get(o, "sessions"), *e;
	size_t i;

	printf("%-5s %-22s %-10s %-10s %-24s %s\n", "CONN", "PEER", "STATE",
	    "BUSID", "SINCE", "NAME");
	json_array_foreach (list, i, e) {
		printf("%-5lld %-22s %-10s %-10s %-24s %s\n",
		    (long long)json_integer_value(
			json_object_get(e, "connection")),
		    text_of(e, "peer"), text_of(e, "state"),
		    text_of(e, "busid"), text_of(e, "since"),
		    text_of(e, "name"));
	}
}

static void
show_nothing(const json_t *o)
{
	(void)o;
}

static const struct {
	const char *name;
	void (*show)(const json_t *o);
} commands[] = {
	{"status", show_status},
	{"devices", show_devices},
	{"sessions", show_sessions},
	{"reload", show_nothing},
	{"kick", show_nothing},
};

static int
run(const struct options *opt, const char *command, const char *busid,
    const char *connection)
{
	json_t *request = json_object(), *reply;
	int code;

	json_object_set_new(request, "op", json_string(command));
	if (busid != NULL) {
		json_object_set_new(request, "busid", json_string(busid));
	}
	if (connection != NULL) {
		json_object_set_new(request, "connection",
		    json_integer(strtoll(connection, NULL, 10)));
	}
	reply = ask(opt, request, &code);
	if (reply == NULL) {
		return code;
	}
	if (opt->is_json) {
		json_dumpf(reply, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
		putchar('\n');
	} else if (code == 0) {
		for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
			if (strcmp(commands[i].name, command) == 0) {
				commands[i].show(reply);
			}
		}
	}
	json_decref(reply);
	return code;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'},
		{"socket", required_argument, NULL, 's'},
		{"connection", required_argument, NULL, 'C'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	struct options opt = {.socket = "/run/sallyport/control.sock"};
	const char *connection = NULL;
	int c;

	log_init("sallyctl");
	while ((c = getopt_long(argc, argv, "s:h", options, NULL)) != -1) {
		switch (c) {
		case 'j':
			opt.is_json = 1;
			break;
		case 's':
			opt.socket = optarg;
			break;
		case 'C':
			connection = optarg;
			break;
		case 'h':
			usage(stdout);
			return 0;
		case 'V':
			puts("sallyctl " SALLYPORT_VERSION);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	for (size_t i = 0; optind < argc && i < ARRAY_LEN(commands); i++) {
		int is_kick = strcmp(commands[i].name, "kick") == 0;
		int left = argc - optind - 1;

		if (strcmp(commands[i].name, argv[optind]) != 0) {
			continue;
		}
		if (is_kick ? left + (connection != NULL) != 1 : left != 0) {
			break;
		}
		return run(&opt, argv[optind],
		    left == 1 ? argv[optind + 1] : NULL, connection);
	}
	usage(stderr);
	return 2;
}
