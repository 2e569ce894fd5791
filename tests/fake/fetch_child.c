#include "tests/fake/fetch_child.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/channel.h"
#include "base/mem.h"
#include "wire/ipc.h"

static char program[PATH_MAX + 64];

void
fetch_child_find(void)
{
	const char *at = getenv("SALLYPORT_LIBEXEC");
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	assert_true(n > 0);
	self[n] = '\0';
	*strrchr(self, '/') = '\0';
	(void)snprintf(program, sizeof(program),
	    at != NULL ? "%s/sallyport-fetch" : "%s/../bin/sallyport-fetch",
	    at != NULL ? at : self);
	assert_int_equal(access(program, X_OK), 0);
}

pid_t
fetch_child_start(const char *role, int broker_end, int warden_end)
{
	pid_t pid = fork();

	assert_true(pid != -1);
	if (pid == 0) {
		int a = fcntl(broker_end, F_DUPFD, 20);
		int b = fcntl(warden_end, F_DUPFD, 20);

		(void)dup2(a, 3);
		(void)dup2(b, 4);
		(void)close_range(5, ~0u, 0);
		execl(program, "sallyport-fetch", role, "1", (char *)NULL);
		_exit(127);
	}
	return pid;
}

void
fetch_child_give_key(
    int chan, const struct pki_cert *ca, const struct pki_cert *who)
{
	static uint8_t buf[CHANNEL_HEADER + CHANNEL_MAX];
	struct ipc_pem m = {
		.ca = ca->pem,
		.ca_len = (uint32_t)ca->pem_len,
		.cert = who->pem,
		.cert_len = (uint32_t)who->pem_len,
		.key = who->key,
		.key_len = (uint32_t)who->key_len,
	};
	struct channel_msg msg;
	int n;

	assert_int_equal(
	    channel_recv_wait(chan, buf, sizeof(buf), 10000, &msg), 0);
	assert_int_equal(msg.type, IPC_KEY);
	n = ipc_encode_pem(buf, CHANNEL_MAX, &m);
	assert_true(n > 0);
	assert_int_equal(
	    channel_send(chan, IPC_KEY_IS, 0, buf, (size_t)n, -1), 0);
}

/* ------------------------------------------------------------------------ */
/* Who it talks to                                                          */

static pid_t
start(int out, char *const *argv)
{
	pid_t pid = fork();

	assert_true(pid != -1);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)dup2(out, 1);
		execvp(argv[0], argv);
		_exit(127);
	}
	return pid;
}

pid_t
fetch_child_serve(
    const char *script, const char *const *words, unsigned *port)
{
	char path[64], said[16] = "";
	char *argv[8] = {(char *)(uintptr_t) "python3", path};
	int ends[2];
	ssize_t n;
	pid_t pid;

	(void)snprintf(path, sizeof(path), "tests/fake/%s", script);
	for (size_t i = 0; words[i] != NULL; i++) {
		argv[i + 2] = (char *)(uintptr_t)words[i];
	}
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid = start(ends[1], argv);
	close_fd(&ends[1]);
	n = read(ends[0], said, sizeof(said) - 1);
	close_fd(&ends[0]);
	assert_true(n > 0);
	*port = (unsigned)strtoul(said, NULL, 10);
	assert_true(*port != 0);
	return pid;
}

static int
socket_at(struct sockaddr_in *at, unsigned port)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_not_equal(fd, -1);
	*at = (struct sockaddr_in){.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	return fd;
}

unsigned
fetch_child_port(void)
{
	struct sockaddr_in at;
	socklen_t len = sizeof(at);
	int fd = socket_at(&at, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	close_fd(&fd);
	return ntohs(at.sin_port);
}

void
fetch_child_await(unsigned port)
{
	struct sockaddr_in at;
	int fd, r = -1;

	for (int i = 0; i < 1000 && r != 0; i++) {
		fd = socket_at(&at, port);
		r = connect(fd, (struct sockaddr *)&at, sizeof(at));
		close_fd(&fd);
		if (r != 0) {
			(void)usleep(10000);
		}
	}
	assert_int_equal(r, 0);
}

pid_t
fetch_child_proxy(const char *dir, const char *lines, unsigned *port)
{
	char path[PATH_MAX];
	char *argv[] = {(char *)(uintptr_t) "tinyproxy",
		(char *)(uintptr_t) "-d", (char *)(uintptr_t) "-c", path, NULL};
	pid_t pid;
	FILE *f;

	if (access("/usr/bin/tinyproxy", X_OK) != 0) {
		return 0;
	}
	*port = fetch_child_port();
	(void)snprintf(path, sizeof(path), "%s/proxy.conf", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	(void)fprintf(f, "Listen 127.0.0.1\nPort %u\nTimeout 60\nMaxClients 8\n"
			 "LogLevel Connect\nLogFile \"%s/proxy.log\"\n"
			 "Allow 127.0.0.1\n%s",
	    *port, dir, lines);
	assert_int_equal(fclose(f), 0);
	pid = start(2, argv);
	fetch_child_await(*port);
	return pid;
}

void
fetch_child_end(pid_t *pid)
{
	if (*pid > 0) {
		(void)kill(*pid, SIGKILL);
		assert_int_equal(waitpid(*pid, NULL, 0), *pid);
	}
	*pid = 0;
}
