/*
 * sallyport-fetch, the real one, by HTTPS: a server that waits for news, nginx
 * as one that does not and as what stands before one that does, and tinyproxy on
 * the way. What is wrong with what is published is tests/publish/table's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <arpa/inet.h>

#include <cmocka.h>

#include "base/channel.h"
#include "base/err.h"
#include "base/mem.h"
#include "tests/fake/fetch_child.h"
#include "wire/ipc.h"

#define PATIENCE_MS 30000

static char room[] = "/tmp/test_fetch_http.XXXXXX";
static struct pki_cert ca, server, client;
static pid_t server_pid, nginx_pid, proxy_pid;
static unsigned server_port, nginx_port, proxy_port;
static struct ipc_fetch how;
static struct ipc_fetched said;
static char brought[256]; /* the bundle and its signatures */

static const char *
in_room(const char *name)
{
	static char path[96];

	(void)snprintf(path, sizeof(path), "%s/%s", room, name);
	return path;
}

static void
put(const char *name, const char *text, const char *more)
{
	char fresh[112];
	FILE *f;

	(void)snprintf(fresh, sizeof(fresh), "%s.new", in_room(name));
	f = fopen(fresh, "w");
	assert_non_null(f);
	(void)fprintf(f, "%s%s", text, more);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(rename(fresh, in_room(name)), 0);
}

static void
publish(const char *text)
{
	put("www/x.tar.sig", text, ".sig");
	put("www/x.tar", text, "");
}

/* How many lines of a file begin so. */
static unsigned
count(const char *name, const char *begin)
{
	char line[512];
	FILE *f = fopen(in_room(name), "r");
	unsigned n = 0;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		n += strncmp(line, begin, strlen(begin)) == 0;
	}
	if (f != NULL) {
		(void)fclose(f);
	}
	return n;
}

static int
has(const char *name, const char *text)
{
	char line[512];
	FILE *f = fopen(in_room(name), "r");
	int is = 0;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		is |= strstr(line, text) != NULL;
	}
	if (f != NULL) {
		(void)fclose(f);
	}
	return is;
}

/* ------------------------------------------------------------------------ */
/* One look                                                                 */

struct look {
	pid_t pid;
	int chan, to_broker;
};

static struct look
look_begin(void)
{
	uint8_t buf[4 * IPC_SOURCE];
	int to_broker[2], to_warden[2];
	struct look l;
	int n = ipc_encode_fetch(buf, sizeof(buf), &how);

	assert_true(n > 0);
	assert_int_equal(channel_pair(to_broker), 0);
	assert_int_equal(channel_pair(to_warden), 0);
	l.pid = fetch_child_start("fetch", to_broker[1], to_warden[1]);
	l.chan = to_warden[0];
	l.to_broker = to_broker[0];
	close_fd(&to_broker[1]);
	close_fd(&to_warden[1]);
	assert_int_equal(
	    channel_send(l.chan, IPC_FETCH, 0, buf, (size_t)n, -1), 0);
	fetch_child_give_key(l.to_broker, &ca, &client);
	return l;
}

static int
look_is_over(const struct look *l)
{
	uint8_t byte;

	return recv(l->chan, &byte, 1, MSG_PEEK | MSG_DONTWAIT) != -1;
}

/* What the fetch says of it; said and brought have the rest. */
static int
look_end(struct look *l)
{
	static uint8_t buf[CHANNEL_HEADER + CHANNEL_MAX];
	struct channel_msg msg;
	int status;
	ssize_t n;

	brought[0] = '\0';
	assert_int_equal(channel_recv_wait(
			     l->chan, buf, sizeof(buf), PATIENCE_MS, &msg),
	    0);
	assert_int_equal(msg.type, IPC_FETCHED);
	assert_int_equal(ipc_decode_fetched(&said, msg.data, msg.len), 0);
	assert_int_equal(said.err == 0, msg.fd != -1);
	if (msg.fd != -1) {
		n = pread(msg.fd, brought, sizeof(brought) - 1, 0);
		assert_int_equal(n, said.bundle_len + said.signatures_len);
		brought[n] = '\0';
	}
	close_fd(&msg.fd);
	close_fd(&l->chan);
	close_fd(&l->to_broker);
	assert_int_equal(waitpid(l->pid, &status, 0), l->pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	return said.err;
}

static int
look(void)
{
	struct look l = look_begin();

	return look_end(&l);
}

static void
assert_says(const char *text)
{
	if (strstr(said.why, text) == NULL) {
		fail_msg("\"%s\" is not \"%s\"", said.why, text);
	}
}

static void
from(unsigned port, const char *path)
{
	(void)snprintf(how.source, sizeof(how.source),
	    "https://127.0.0.1:%u%s", port, path);
}

static void
keep_tag(void)
{
	memcpy(how.tag, said.tag, sizeof(how.tag));
	assert_true(how.tag[0] == '"');
}

/* ------------------------------------------------------------------------ */
/* The stage                                                                */

static void
make_certs(void)
{
	struct pki_how as = {.subject = "CN=CA", .use = PKI_CA};
	uint8_t sans[64];
	size_t len = 0;

	pki_issue(&ca, NULL, &as);
	pki_san(sans, &len, PKI_IP, "\x7f\0\0\1", 4);
	as = (struct pki_how){.subject = "CN=rules", .use = PKI_SERVER,
		.sans = sans, .sans_len = len};
	pki_issue(&server, &ca, &as);
	as = (struct pki_how){.subject = "CN=gw", .use = PKI_CLIENT};
	pki_issue(&client, &ca, &as);
	put("server.pem", (const char *)server.pem, (const char *)server.key);
	put("client-ca.pem", (const char *)ca.pem, "");
	put("client.pem", (const char *)client.pem, (const char *)client.key);
}

/* Files of its own below /, and what waits for news below /wait/. */
static pid_t
start_nginx(void)
{
	char *argv[] = {(char *)(uintptr_t) "nginx", (char *)(uintptr_t) "-c",
		(char *)(uintptr_t)in_room("nginx.conf"),
		(char *)(uintptr_t) "-p", room, NULL};
	pid_t pid;
	FILE *f;

	if (access("/usr/sbin/nginx", X_OK) != 0) {
		return 0;
	}
	nginx_port = fetch_child_port();
	f = fopen(in_room("nginx.conf"), "w");
	assert_non_null(f);
	(void)fprintf(f,
	    "daemon off; master_process off; pid nginx.pid;\n"
	    "error_log nginx.log; events { worker_connections 64; }\n"
	    "http { access_log access.log; types { }\n"
	    "client_body_temp_path t1; proxy_temp_path t2;\n"
	    "fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;\n"
	    "server { listen 127.0.0.1:%u ssl;\n"
	    "ssl_certificate server.pem; ssl_certificate_key server.pem;\n"
	    "ssl_client_certificate client-ca.pem; ssl_verify_client on;\n"
	    "root www;\n"
	    "location /wait/ { proxy_pass https://127.0.0.1:%u/;\n"
	    "proxy_ssl_certificate client.pem;\n"
	    "proxy_ssl_certificate_key client.pem; } } }\n",
	    nginx_port, server_port);
	assert_int_equal(fclose(f), 0);
	pid = fork();
	assert_true(pid != -1);
	if (pid == 0) {
		execv("/usr/sbin/nginx", argv);
		_exit(127);
	}
	fetch_child_await(nginx_port);
	return pid;
}

static int
group_start(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(room));
	assert_int_equal(chmod(room, 0755), 0);
	assert_int_equal(mkdir(in_room("www"), 0755), 0);
	fetch_child_find();
	make_certs();
	put("mode", "wait", "\n");
	server_pid = fetch_child_serve("bundle_server.py",
	    (const char *const[]){room, NULL}, &server_port);
	nginx_pid = start_nginx();
	proxy_pid = fetch_child_proxy(room,
	    "BasicAuth gate secret\n", &proxy_port);
	return 0;
}

static int
group_stop(void **state)
{
	char *argv[] = {(char *)(uintptr_t) "rm", (char *)(uintptr_t) "-rf",
		room, NULL};
	pid_t pid;

	(void)state;
	fetch_child_end(&server_pid);
	fetch_child_end(&nginx_pid);
	fetch_child_end(&proxy_pid);
	pid = fork();
	if (pid == 0) {
		execv("/bin/rm", argv);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return 0;
}

static int
start(void **state)
{
	(void)state;
	how = (struct ipc_fetch){.bundle_max = 1024, .signatures_max = 1024,
		.timeout = 20};
	from(server_port, "/x.tar");
	put("mode", "wait", "\n");
	(void)unlink(in_room("asked"));
	publish("one");
	return 0;
}

/* ------------------------------------------------------------------------ */
/* News                                                                     */

static void
await(const char *name, const char *begin, unsigned n)
{
	for (int i = 0; i < PATIENCE_MS / 5; i++) {
		if (count(name, begin) >= n) {
			return;
		}
		(void)usleep(5000);
	}
	fail_msg("%s has no \"%s\"", name, begin);
}

/* A look that waits, by that way; and news end it. */
static void
assert_waits(const char *news)
{
	unsigned n = count("asked", "/x.tar wait=25 1");
	struct look l;

	how.wait = 25;
	l = look_begin();
	await("asked", "/x.tar wait=25 1", n + 1);
	(void)usleep(100000); /* it has no reason to end */
	assert_false(look_is_over(&l));
	publish(news);
	assert_int_equal(look_end(&l), 0);
	assert_int_equal(said.bundle_len, strlen(news));
	assert_memory_equal(brought, news, strlen(news));
	assert_non_null(strstr(brought, ".sig"));
	assert_string_not_equal(said.tag, how.tag);
}

static void
waits(void **state)
{
	(void)state;
	assert_int_equal(look(), 0);
	assert_string_equal(brought, "oneone.sig");
	/* who knows nothing has nothing to wait for */
	assert_int_equal(count("asked", "/x.tar - 0"), 1);
	keep_tag();
	assert_waits("another");
	/* signatures are never waited for */
	assert_int_equal(count("asked", "/x.tar.sig - 0"), 2);
	keep_tag();
	assert_waits("a third");
}

static void
no_news(void **state)
{
	(void)state;
	assert_int_equal(look(), 0);
	keep_tag();
	how.wait = 1;
	assert_int_equal(look(), ERR_AGAIN);
	assert_int_equal(count("asked", "/x.tar wait=1 1"), 1);
	assert_int_equal(count("asked", "304 /x.tar"), 1);
	/* who does not know that word answers at once */
	put("mode", "now", "\n");
	how.wait = 3000;
	assert_int_equal(look(), ERR_AGAIN);
	/* and nobody is waited for longer than that and the time for a look */
	put("mode", "hang", "\n");
	how.wait = how.timeout = 1;
	assert_int_equal(look(), ERR_PEER);
	assert_says("timed out");
}

/* The server goes while it waits. */
static void
gone(void **state)
{
	struct look l;

	(void)state;
	assert_int_equal(look(), 0);
	keep_tag();
	how.wait = 25;
	l = look_begin();
	await("asked", "/x.tar wait=25 1", 1);
	fetch_child_end(&server_pid);
	assert_int_equal(look_end(&l), ERR_PEER);
	server_pid = fetch_child_serve("bundle_server.py",
	    (const char *const[]){room, NULL}, &server_port);
	from(server_port, "/x.tar");
	assert_waits("after that");
	/* nginx knows where the first one was */
	fetch_child_end(&nginx_pid);
	nginx_pid = start_nginx();
}

static void
nginx(void **state)
{
	(void)state;
	if (nginx_pid == 0) {
		print_message("there is no nginx\n");
		skip();
	}
	from(nginx_port, "/x.tar");
	assert_int_equal(look(), 0);
	keep_tag();
	how.wait = 3000; /* of which it knows nothing */
	assert_int_equal(look(), ERR_AGAIN);
	publish("two and more");
	assert_int_equal(look(), 0);
	assert_string_equal(brought, "two and moretwo and more.sig");
	from(nginx_port, "/none.tar");
	assert_int_equal(look(), ERR_NOENT);
	assert_says("404");
	/* before one that waits */
	from(nginx_port, "/wait/x.tar");
	how.tag[0] = '\0';
	assert_int_equal(look(), 0);
	keep_tag();
	assert_waits("by way of nginx");
}

/* ------------------------------------------------------------------------ */
/* Proxies                                                                  */

static void
by_proxy(const char *who)
{
	(void)snprintf(how.proxy, sizeof(how.proxy), "http://%s127.0.0.1:%u",
	    who, proxy_port);
}

static void
proxied(void **state)
{
	(void)state;
	if (proxy_pid == 0) {
		print_message("there is no tinyproxy\n");
		skip();
	}
	by_proxy("gate:secret@");
	assert_int_equal(look(), 0);
	assert_string_equal(brought, "oneone.sig");
	assert_true(has("proxy.log", "CONNECT 127.0.0.1:"));
	/* where to, and not what */
	assert_false(has("proxy.log", "x.tar"));
	keep_tag();
	assert_waits("through the proxy");
	if (nginx_pid != 0) {
		from(nginx_port, "/wait/x.tar");
		keep_tag();
		assert_waits("through both");
	}
}

static void
bad_proxies(void **state)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	unsigned before = count("asked", "/x.tar");

	(void)state;
	if (proxy_pid != 0) {
		by_proxy("");
		assert_int_equal(look(), ERR_PEER);
		assert_says("407");
		by_proxy("gate:wrong@");
		assert_int_equal(look(), ERR_PEER);
		by_proxy("gate:secret@");
		from(fetch_child_port(), "/x.tar"); /* nobody there */
		assert_int_equal(look(), ERR_PEER);
		from(server_port, "/x.tar");
	}
	/* one that takes connections, and says nothing */
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	(void)snprintf(how.proxy, sizeof(how.proxy), "http://127.0.0.1:%u",
	    ntohs(at.sin_port));
	how.timeout = 1;
	assert_int_equal(look(), ERR_PEER);
	assert_says("time");
	close_fd(&fd);
	/* one that is not there: nothing goes past it */
	how.timeout = 20;
	assert_int_equal(look(), ERR_PEER);
	assert_says("onnect");
	assert_int_equal(count("asked", "/x.tar"), before);
}

/* What the environment says of proxies counts for nothing. */
static void
no_environment(void **state)
{
	(void)state;
	assert_int_equal(setenv("https_proxy", "http://127.0.0.1:1", 1), 0);
	assert_int_equal(look(), 0);
	assert_int_equal(unsetenv("https_proxy"), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(waits, start),
		cmocka_unit_test_setup(no_news, start),
		cmocka_unit_test_setup(gone, start),
		cmocka_unit_test_setup(nginx, start),
		cmocka_unit_test_setup(proxied, start),
		cmocka_unit_test_setup(bad_proxies, start),
		cmocka_unit_test_setup(no_environment, start),
	};

	return cmocka_run_group_tests_name(
	    "fetch_http", tests, group_start, group_stop);
}
