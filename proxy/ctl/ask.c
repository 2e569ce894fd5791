/*
 * The way to the warden: its control socket, one request and one answer, each a
 * line of JSON.
 */
#include "proxy/ctl/ctl.h"

#include <errno.h>
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
			? "run as root, or as a member of a group of [control] "
			  "in gateway.conf"
			: "is sallyportd running on this machine?");
		close_fd(&fd);
	}
	return fd;
}

static int
send_line(int fd, const char *line)
{
	if (send(fd, line, strlen(line), MSG_NOSIGNAL) == -1 ||
	    send(fd, "\n", 1, MSG_NOSIGNAL) == -1) {
		log_warn("ask the gateway");
		return -1;
	}
	return 0;
}

/* Whether it is one that says yes; else says why and what exit code that is. */
static int
is_yes(const json_t *reply, int *code)
{
	const char *text;

	*code = 0;
	if (json_is_true(json_object_get(reply, "ok"))) {
		return 1;
	}
	text = json_string_value(json_object_get(reply, "error"));
	*code = (int)json_integer_value(json_object_get(reply, "code"));
	if (*code < 1 || *code > 5) {
		*code = 1;
	}
	log_warnx("%s", text != NULL ? text : "refused");
	return 0;
}

json_t *
ctl_ask(const char *socket_path, json_t *request, int *code)
{
	char *line = json_dumps(request, JSON_COMPACT), *in = NULL;
	json_t *reply = NULL;
	size_t used = 0;
	ssize_t n;
	int fd;

	json_decref(request);
	*code = 4;
	fd = connect_socket(socket_path);
	in = malloc(ANSWER_MAX);
	if (fd == -1 || line == NULL || in == NULL) {
		goto out;
	}
	if (send_line(fd, line) != 0) {
		goto out;
	}
	while (used < ANSWER_MAX &&
	    (n = recv(fd, in + used, ANSWER_MAX - used, 0)) > 0) {
		used += (size_t)n;
	}
	reply = json_loadb(in, used, 0, NULL);
	if (reply == NULL) {
		log_warnx("the gateway closed without an answer: %s is for "
			  "root, the gateway's user and the groups of [control] "
			  "in gateway.conf", socket_path);
		goto out;
	}
	(void)is_yes(reply, code);
out:
	close_fd(&fd);
	free(line);
	free(in);
	return reply;
}

int
ctl_watch(const char *socket_path, json_t *request, ctl_line *on_line)
{
	char *line = json_dumps(request, JSON_COMPACT), *text = NULL;
	struct timeval never = {0};
	json_t *reply;
	size_t room = 0;
	FILE *in = NULL;
	int fd, code = 4, is_first = 1;

	json_decref(request);
	fd = connect_socket(socket_path);
	if (fd == -1 || line == NULL || send_line(fd, line) != 0) {
		goto out;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &never, sizeof(never));
	in = fdopen(fd, "r");
	if (in == NULL) {
		log_warn("watch");
		goto out;
	}
	fd = -1; /* in has it */
	while (getline(&text, &room, in) > 0) {
		reply = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
		if (is_first && !is_yes(reply, &code)) {
			json_decref(reply);
			goto out;
		}
		code = 4;
		if (!is_first && reply != NULL) {
			on_line(reply, text);
		}
		is_first = 0;
		json_decref(reply);
	}
	log_warnx("the gateway closed the connection");
out:
	if (in != NULL) {
		fclose(in);
	}
	close_fd(&fd);
	free(line);
	free(text);
	return code;
}
