/*
 * What a stranger could steal from the real processes: the memory of a session
 * and of a relay is read through /proc. Each has its key while it needs it (the
 * positive control, without which the rest would say nothing), and not after;
 * and what one of them weighs that nobody has proved anything to.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/channel.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "tests/fake/hunt.h"
#include "tests/fake/tlsbed.h"
#include "wire/ipc.h"

#define WAIT_MS 10000
#define OTHER_UID 61099
/* docs/SECURITY.md; with its shadow memory a process is larger */
#define KIB_MAX 512u

static struct pki_cert ca, gateway, rsa_gateway, kiosk;
static int is_root, is_alone; /* in a namespace with one user in it */

struct stage {
	struct tls_config *config; /* of the test's end */
	struct stream *stream;
	int channel, warden, peer, listener;
	int signer; /* our end of its channel */
	pid_t pid, signer_pid;
	uint8_t buf[CHANNEL_HEADER + CHANNEL_MAX];
};

static void
write_map(const char *path, unsigned id)
{
	char text[32];
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int n = snprintf(text, sizeof(text), "0 %u 1", id);

	if (fd != -1) {
		is_root = is_alone = write(fd, text, (size_t)n) == n;
		close(fd);
	}
}

/* Who is not dumpable is read by root alone; of a namespace of users, its root
 * is enough. */
static void
become_root(void)
{
	unsigned uid = geteuid(), gid = getegid();
	int fd;

	is_root = uid == 0;
	if (is_root || unshare(CLONE_NEWUSER) == -1) {
		return;
	}
	fd = open("/proc/self/setgroups", O_WRONLY | O_CLOEXEC);
	if (fd != -1) {
		(void)!write(fd, "deny", 4);
		close(fd);
	}
	write_map("/proc/self/gid_map", gid);
	write_map("/proc/self/uid_map", uid);
}

static int
group_setup(void **state)
{
	struct pki_how how = {.subject = "CN=Lab CA", .use = PKI_CA};
	uint8_t sans[64];
	size_t len = 0;

	(void)state;
	become_root();
	pki_issue(&ca, NULL, &how);
	pki_san(sans, &len, PKI_IP, "\x7f\0\0\1", 4);
	how = (struct pki_how){.subject = "CN=gw",
	    .use = PKI_SERVER,
	    .sans = sans,
	    .sans_len = len};
	pki_issue(&gateway, &ca, &how);
	how.is_rsa = 1;
	pki_issue(&rsa_gateway, &ca, &how);
	how = (struct pki_how){.subject = "CN=kiosk", .use = PKI_CLIENT};
	pki_issue(&kiosk, &ca, &how);
	return 0;
}

static int
setup(void **state)
{
	struct stage *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		return -1;
	}
	s->channel = s->warden = s->peer = s->listener = s->signer = -1;
	*state = s;
	return 0;
}

static int
teardown(void **state)
{
	struct stage *s = *state;

	if (s->pid > 0) {
		kill(s->pid, SIGKILL);
		waitpid(s->pid, NULL, 0);
	}
	if (s->signer_pid > 0) {
		kill(s->signer_pid, SIGKILL);
		waitpid(s->signer_pid, NULL, 0);
	}
	stream_free(s->stream);
	tls_config_free(s->config);
	close_fd(&s->channel);
	close_fd(&s->warden);
	close_fd(&s->peer);
	close_fd(&s->listener);
	close_fd(&s->signer);
	free(s);
	return 0;
}

/* Beside this test, or where $SALLYPORT_LIBEXEC says. */
static void
start(struct stage *s, const char *name, struct spawn *how)
{
	const char *dir = getenv("SALLYPORT_LIBEXEC");
	char path[PATH_MAX + 64], self[PATH_MAX], *slash;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	uid_t other = is_root && !is_alone ? OTHER_UID : (uid_t)-1;

	assert_true(n > 0);
	self[n] = '\0';
	slash = strrchr(self, '/');
	assert_non_null(slash);
	*slash = '\0';
	if (dir != NULL) {
		snprintf(path, sizeof(path), "%s/%s", dir, name);
	} else {
		snprintf(path, sizeof(path), "%s/../bin/%s", self, name);
	}
	if (access(path, X_OK) != 0 || !is_root) {
		skip();
	}
	how->path = path;
	how->uid = other;
	how->gid = (gid_t)other;
	how->die_with_parent = 1;
	s->pid = spawn_child(how);
	assert_true(s->pid > 0);
}

static void
hear(struct stage *s, int chan, uint16_t type)
{
	struct channel_msg msg;

	assert_int_equal(
	    channel_recv_wait(chan, s->buf, sizeof(s->buf), WAIT_MS, &msg), 0);
	assert_int_equal(msg.type, type);
	assert_int_equal(msg.fd, -1);
}

static int
count_in(pid_t pid, const struct hunt *h)
{
	int n = hunt_count(h, pid);

	if (n == -1) {
		fail_msg("memory of %d: %s", (int)pid, strerror(errno));
	}
	return n;
}

static int
count(const struct stage *s, const struct hunt *h)
{
	return count_in(s->pid, h);
}

/* Until it has what it was sent. */
static void
await_key(const struct stage *s, const struct hunt *h)
{
	for (int ms = 0; ms < WAIT_MS; ms += 10) {
		if (count(s, h) > 0) {
			return;
		}
		poll(NULL, 0, 10);
	}
	fail_msg("the key is nowhere: this test sees nothing");
}

/* Without a key it gets a signer's channel, signer. */
static void
start_session_with(struct stage *s, const struct pki_cert *cert,
    struct hunt *h, int has_key, int signer)
{
	const char *const argv[] = {"sallyport-session", "session", "1", "16",
	    "16", has_key ? NULL : "signer", NULL};
	struct ipc_pem pem = {
	    .ca = ca.pem,
	    .ca_len = (uint32_t)ca.pem_len,
	    .cert = cert->pem,
	    .cert_len = (uint32_t)cert->pem_len,
	    .key = cert->key,
	    .key_len = has_key ? (uint32_t)cert->key_len : 0,
	};
	int to_broker[2], to_warden[2], peer[2], n;
	struct spawn how = {.argv = argv,
	    .fds = {-1, -1, -1, signer},
	    .nfds = has_key ? 3 : 4};

	assert_int_equal(channel_pair(to_broker), 0);
	assert_int_equal(channel_pair(to_warden), 0);
	bed_pair(peer);
	s->channel = to_broker[0];
	s->warden = to_warden[0];
	s->peer = peer[0];
	how.fds[0] = to_broker[1];
	how.fds[1] = to_warden[1];
	how.fds[2] = peer[1];
	start(s, "sallyport-session", &how);
	close(to_broker[1]);
	close(to_warden[1]);
	close(peer[1]);
	hunt_learn(h, cert->key, HUNT_ALL);
	hear(s, s->channel, IPC_KEY);
	assert_int_equal(count(s, h), 0);
	n = ipc_encode_pem(s->buf, sizeof(s->buf), &pem);
	assert_true(n > 0);
	assert_int_equal(
	    channel_send(s->channel, IPC_KEY_IS, 1, s->buf, (size_t)n, -1), 0);
}

static void
start_session(struct stage *s, const struct pki_cert *cert, struct hunt *h)
{
	start_session_with(s, cert, h, 1, -1);
}

/* A signer with that key; the end of a session's channel to it. */
static int
start_signer(struct stage *s, const struct pki_cert *cert)
{
	static const char *const argv[] = {"sallyport-signer", "signer", NULL};
	const struct ipc_pem pem = {
	    .cert = cert->pem,
	    .cert_len = (uint32_t)cert->pem_len,
	    .key = cert->key,
	    .key_len = (uint32_t)cert->key_len,
	};
	struct spawn how = {.argv = argv, .nfds = 1};
	int pair[2], session[2], n;

	assert_int_equal(channel_pair(pair), 0);
	assert_int_equal(channel_pair(session), 0);
	s->signer = pair[0];
	how.fds[0] = pair[1];
	start(s, "sallyport-signer", &how);
	s->signer_pid = s->pid;
	s->pid = 0;
	close(pair[1]);
	n = ipc_encode_pem(s->buf, sizeof(s->buf), &pem);
	assert_true(n > 0);
	assert_int_equal(channel_send(s->signer, IPC_SIGNER_LOAD, 0, s->buf,
			     (size_t)n, -1),
	    0);
	hear(s, s->signer, IPC_SIGNER_LOADED);
	assert_int_equal(channel_send(s->signer, IPC_SIGNER_SERVE, 1, NULL, 0,
			     session[1]),
	    0);
	close(session[1]);
	return session[0];
}

static void
shake_hands(struct stage *s, enum tls_role role, const struct pki_cert *cert)
{
	static const char *const alpn[] = {"usbip", NULL};
	struct pollfd p = {.fd = s->peer};
	int r = STREAM_WANT_READ;

	s->config = bed_config(role, &ca, cert, NULL);
	s->stream = tls_stream_new(s->config, s->peer,
	    role == TLS_CLIENT ? "127.0.0.1" : NULL,
	    role == TLS_CLIENT ? alpn : NULL);
	assert_non_null(s->stream);
	s->peer = -1;
	for (int i = 0; i < 100 && r != 0; i++) {
		r = stream_handshake(s->stream);
		if (r == 0) {
			break;
		}
		assert_true(r == STREAM_WANT_READ || r == STREAM_WANT_WRITE);
		p.fd = s->stream->fd;
		p.events = r == STREAM_WANT_READ ? POLLIN : POLLOUT;
		assert_int_equal(poll(&p, 1, WAIT_MS), 1);
	}
	assert_int_equal(r, 0);
}

static void
session_forgets(struct stage *s, const struct pki_cert *cert)
{
	struct hunt h;

	start_session(s, cert, &h);
	await_key(s, &h);
	shake_hands(s, TLS_CLIENT, &kiosk);
	hear(s, s->warden, IPC_STATE);
	hear(s, s->warden, IPC_IDENTITY);
	assert_int_equal(count(s, &h), 0);
	assert_int_equal(waitpid(s->pid, NULL, WNOHANG), 0);
}

static void
test_session(void **state)
{
	session_forgets(*state, &gateway);
}

static void
test_session_rsa(void **state)
{
	session_forgets(*state, &rsa_gateway);
}

/* With a signer it is in no memory of a session, at no time: before the
 * handshake, in it, after it. The signer has it. */
static void
test_session_with_signer(void **state)
{
	struct stage *s = *state;
	struct channel_msg msg;
	int fd = start_signer(s, &rsa_gateway);
	struct hunt h;

	start_session_with(s, &rsa_gateway, &h, 0, fd);
	close_fd(&fd);
	assert_true(count_in(s->signer_pid, &h) > 0);
	hear(s, s->warden, IPC_STATE); /* it has what it gets */
	assert_int_equal(count(s, &h), 0);
	shake_hands(s, TLS_CLIENT, &kiosk);
	hear(s, s->warden, IPC_IDENTITY);
	assert_int_equal(count(s, &h), 0);
	assert_int_equal(waitpid(s->pid, NULL, WNOHANG), 0);
	assert_int_equal(channel_recv(s->signer, s->buf, sizeof(s->buf), &msg),
	    ERR_AGAIN);
	/* it has let go of its channel: nobody may ask any more, and so this is
	 * the end, long before a session's ten seconds are over */
	close_fd(&s->signer);
	for (int ms = 0; ms < WAIT_MS / 2 && s->signer_pid != 0; ms += 10) {
		if (waitpid(s->signer_pid, NULL, WNOHANG) != 0) {
			s->signer_pid = 0;
		}
		poll(NULL, 0, 10);
	}
	assert_int_equal(s->signer_pid, 0);
}

/* Who has the key is gone: no handshake, and the warden hears why. */
static void
test_session_without_signer(void **state)
{
	struct stage *s = *state;
	int fd = start_signer(s, &rsa_gateway), r = STREAM_WANT_READ;
	struct ipc_refused m;
	struct channel_msg msg;
	struct pollfd p = {.events = POLLIN};
	struct hunt h;

	kill(s->signer_pid, SIGKILL);
	waitpid(s->signer_pid, NULL, 0);
	s->signer_pid = 0;
	start_session_with(s, &rsa_gateway, &h, 0, fd);
	close_fd(&fd);
	hear(s, s->warden, IPC_STATE);
	s->config = bed_config(TLS_CLIENT, &ca, &kiosk, NULL);
	s->stream = tls_stream_new(s->config, s->peer, "127.0.0.1", NULL);
	assert_non_null(s->stream);
	s->peer = -1;
	p.fd = s->stream->fd;
	while (r == STREAM_WANT_READ) {
		r = stream_handshake(s->stream);
		assert_int_equal(poll(&p, 1, WAIT_MS), 1);
	}
	assert_true(r < 0);
	assert_int_equal(channel_recv_wait(s->warden, s->buf, sizeof(s->buf),
			     WAIT_MS, &msg),
	    0);
	assert_int_equal(msg.type, IPC_REFUSED);
	assert_int_equal(ipc_decode_refused(&m, msg.data, msg.len), 0);
	assert_string_equal(m.rule, "tls.handshake");
	assert_string_equal(m.text,
	    "who has our key does not sign: closed by the other side");
}

/* A peer whose handshake fails is listened to for a moment: without the key. */
static void
test_session_refuses(void **state)
{
	struct stage *s = *state;
	struct hunt h;

	start_session(s, &gateway, &h);
	await_key(s, &h);
	assert_int_equal(write(s->peer, "GET / HTTP/1.1\r\n\r\n", 18), 18);
	hear(s, s->warden, IPC_STATE);
	hear(s, s->warden, IPC_REFUSED);
	assert_int_equal(waitpid(s->pid, NULL, WNOHANG), 0);
	assert_int_equal(count(s, &h), 0);
}

/* The largest record there may be, but for its last byte: what TLS keeps of
 * somebody who has shown no certificate. */
static void
test_session_is_small(void **state)
{
	static const uint8_t head[] = {22, 3, 1, 0x40, 0, 1, 0, 0x3f, 0xfc, 3,
	    3};
	static uint8_t hello[5 + 16383];
	struct stage *s = *state;
	size_t sent = 0;
	struct hunt h;
	unsigned kib;

	start_session(s, &gateway, &h);
	await_key(s, &h);
	memset(hello, 7, sizeof(hello));
	memcpy(hello, head, sizeof(head));
	while (sent < sizeof(hello)) {
		ssize_t n = write(s->peer, hello + sent, sizeof(hello) - sent);

		assert_true(n > 0 || errno == EAGAIN);
		sent += n > 0 ? (size_t)n : 0;
		poll(NULL, 0, 1);
	}
	poll(NULL, 0, 100);
	kib = hunt_kib(s->pid);
	assert_int_equal(waitpid(s->pid, NULL, WNOHANG), 0);
	print_message("# a connection without a certificate: %u KiB (at most "
		      "%u)\n",
	    kib, KIB_MAX);
	assert_true(kib > 0);
#ifndef __SANITIZE_ADDRESS__
	assert_in_range(kib, 1, KIB_MAX);
#endif
}

static void
test_relay(void **state)
{
	static const char *const argv[] = {
	    "sallyport-relay", "--foreground", NULL};
	struct stage *s = *state;
	struct sockaddr_in at = {
	    .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct ipc_relay_setup m = {
	    .mode = IPC_RELAY_LIST,
	    .host = "127.0.0.1",
	    .name = "127.0.0.1",
	    .pem = {
		.ca = ca.pem,
		.ca_len = (uint32_t)ca.pem_len,
		.cert = kiosk.pem,
		.cert_len = (uint32_t)kiosk.pem_len,
		.key = kiosk.key,
		.key_len = (uint32_t)kiosk.key_len,
	    },
	};
	struct spawn how = {.argv = argv, .nfds = 1};
	socklen_t len = sizeof(at);
	struct pollfd p;
	struct hunt h;
	int pair[2], n;
	char request[8];

	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(
	    bind(s->listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(s->listener, 1), 0);
	assert_int_equal(
	    getsockname(s->listener, (struct sockaddr *)&at, &len), 0);
	m.port = ntohs(at.sin_port);
	hunt_learn(&h, kiosk.key, HUNT_ALL);
	assert_int_equal(channel_pair(pair), 0);
	s->channel = pair[0];
	how.fds[0] = pair[1];
	n = ipc_encode_relay_setup(s->buf, sizeof(s->buf), &m);
	assert_true(n > 0);
	assert_int_equal(channel_send(s->channel, IPC_RELAY_SETUP, 0, s->buf,
			     (size_t)n, -1),
	    0);
	if (is_alone) {
		skip(); /* the relay refuses to be root */
	}
	start(s, "sallyport-relay", &how);
	close(pair[1]);
	p = (struct pollfd){.fd = s->listener, .events = POLLIN};
	assert_int_equal(poll(&p, 1, WAIT_MS), 1);
	s->peer = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(s->peer >= 0);
	assert_true(count(s, &h) > 0);
	shake_hands(s, TLS_SERVER, &gateway);
	/* its request comes after the wipe; with TLS 1.3 maybe together with
	 * the end of the handshake */
	p.fd = s->stream->fd;
	if (stream_pending(s->stream) == 0) {
		assert_int_equal(poll(&p, 1, WAIT_MS), 1);
	}
	assert_int_equal(stream_read(s->stream, request, 8), 8);
	assert_int_equal(waitpid(s->pid, NULL, WNOHANG), 0);
	assert_int_equal(count(s, &h), 0);
}

/* Makes the key in a process of its own: this one never had it. */
static void
make_key_file(const char *path, struct hunt *h)
{
	struct pki_how how = {.subject = "CN=k", .use = PKI_CLIENT};
	static struct pki_cert one;
	int fds[2], fd, status = -1;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		pki_issue(&one, NULL, &how);
		hunt_learn(h, one.key, HUNT_ALL);
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		_exit(write(fd, one.key, one.key_len - 1) ==
				  (ssize_t)one.key_len - 1 &&
			      write(fds[1], h, sizeof(*h)) == sizeof(*h)
			  ? 0
			  : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(read(fds[0], h, sizeof(*h)), sizeof(*h));
	close(fds[0]);
	close(fds[1]);
}

/* Who reads the file for them: as the broker and `sallyport` do. */
static void
test_reader(void **state)
{
	char dir[] = "/tmp/test_key_wiped.XXXXXX", path[64];
	uint8_t *data = NULL;
	struct hunt h;
	size_t len;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/key.pem", dir);
	make_key_file(path, &h);
	assert_int_equal(hunt_count(&h, 0), 0);
	assert_int_equal(file_read(path, 65536, FILE_SECRET, &data, &len), 0);
	assert_true(hunt_count(&h, 0) > 0);
	mem_wipe(data, len);
	free(data);
	assert_int_equal(hunt_count(&h, 0), 0);
	unlink(path);
	rmdir(dir);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(test_session),
	    T(test_session_rsa),
	    T(test_session_with_signer),
	    T(test_session_without_signer),
	    T(test_session_refuses),
	    T(test_session_is_small),
	    T(test_relay),
	    T(test_reader),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
