/*
 * Captures in the warden: names, files, rotation, and who is told what. The
 * broker, the session and sallyport-capture are sockets.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "proxy/warden/warden.h"

static char dir[] = "/tmp/test_captures.XXXXXX";
static struct warden w;
static struct session s;
static struct device dev;
static int broker, peer;  /* the other ends */
static int recorder = -1; /* likewise, once it runs */
static uint8_t buf[CHANNEL_HEADER + CHANNEL_MAX];

static int
setup(void **state)
{
	char path[64];
	int chan[2];

	(void)state;
	memset(&w, 0, sizeof(w));
	memset(&s, 0, sizeof(s));
	TAILQ_INIT(&w.captures);
	TAILQ_INIT(&w.sessions);
	TAILQ_INIT(&w.devices);
	w.loop = loop_new();
	assert_non_null(w.loop);
	w.next_conn = 5;
	w.conf.captures = dir;
	w.conf.capture_files = 3;
	w.conf.capture_record = 16;
	(void)snprintf(path, sizeof(path), "%s/audit", dir);
	w.audit.fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600);
	assert_int_equal(channel_pair(chan), 0);
	w.broker = chan[0];
	broker = chan[1];
	assert_int_equal(channel_pair(chan), 0);
	s.chan = chan[0];
	peer = chan[1];
	s.warden = &w;
	s.conn = 3;
	s.phase = SESSION_OPEN;
	s.peer_fd = -1;
	s.device = &dev;
	dev.warden = &w;
	(void)snprintf(dev.place.busid, sizeof(dev.place.busid), "1-2");
	return 0;
}

static int
has_file(const char *name)
{
	char path[128];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (lstat(path, &st) == -1) {
		return 0;
	}
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	return 1;
}

static int
has_audit(const char *text)
{
	char all[16384];
	ssize_t n = pread(w.audit.fd, all, sizeof(all) - 1, 0);

	assert_true(n >= 0);
	all[n] = '\0';
	return strstr(all, text) != NULL;
}

static void
turn(void)
{
	for (int i = 0; i < 4; i++) {
		loop_once(w.loop, LOOP_NOWAIT);
	}
}

static struct channel_msg
heard(int chan, uint16_t type)
{
	struct channel_msg msg;

	assert_int_equal(channel_recv(chan, buf, sizeof(buf), &msg), 0);
	assert_int_equal(msg.type, type);
	return msg;
}

static int
hears_nothing(int chan)
{
	struct channel_msg msg;

	return channel_recv(chan, buf, sizeof(buf), &msg) == ERR_AGAIN;
}

static void
exits(unsigned status)
{
	struct ipc_exited m = {
		.role = IPC_ROLE_RECORDER, .status = (uint8_t)status};
	uint32_t conn = w.next_conn - 1;

	assert_int_equal(captures_on_exited(&w, conn, &m), 1);
	assert_int_equal(captures_on_exited(&w, conn, &m), 0);
	close_fd(&recorder);
}

static int
teardown(void **state)
{
	struct channel_msg msg;

	(void)state;
	captures_stop(&s);
	if (!TAILQ_EMPTY(&w.captures)) {
		exits(0);
	}
	while (channel_recv(broker, buf, sizeof(buf), &msg) == 0) {
		close_fd(&msg.fd);
	}
	close_fd(&w.broker);
	close_fd(&broker);
	close_fd(&s.chan);
	close_fd(&peer);
	close_fd(&recorder);
	close_fd(&w.audit.fd);
	loop_free(w.loop);
	for (unsigned i = 0; i < 2; i++) {
		static const char *const names[] = {"a", "b", "other", "link"};
		char path[128];

		for (unsigned k = 0; k < 4; k++) {
			for (unsigned n = 0; n < 4; n++) {
				char number[8] = "";

				if (n > 0) {
					(void)snprintf(number, sizeof(number),
					    ".%u", n);
				}
				(void)snprintf(path, sizeof(path),
				    "%s/%s%s.%s", dir, names[k], number,
				    i == 0 ? "pcap" : "jsonl");
				(void)unlink(path);
			}
		}
	}
	return 0;
}

static int
start_as(enum capture_why by, const char *name)
{
	char why[512] = "";
	int r = captures_start(&s, by, name, why, sizeof(why));

	assert_true(r == 0 || why[0] != '\0');
	return r;
}

/* The broker started it. */
static int
runs(void)
{
	struct channel_msg msg = heard(broker, IPC_RECORDER);
	struct ipc_result ok = {0};
	int chan[2], pipe = msg.fd;

	assert_int_equal(msg.id, w.next_conn - 1);
	assert_int_equal(fcntl(pipe, F_GETFL) & O_ACCMODE, O_RDONLY);
	assert_int_equal(channel_pair(chan), 0);
	recorder = chan[1];
	captures_on_recording(&w, msg.id, &ok, chan[0]);
	return pipe;
}

static void
wants_files(int is_given)
{
	struct ipc_byte m;
	struct channel_msg msg;

	assert_int_equal(
	    channel_send(recorder, IPC_RECORDER_NEXT, 0, NULL, 0, -1), 0);
	turn();
	for (unsigned i = 0; is_given && i < 2; i++) {
		msg = heard(recorder, IPC_RECORDER_FILE);
		assert_int_equal(ipc_decode_byte(&m, msg.data, msg.len), 0);
		assert_int_equal(m.value, i);
		assert_int_equal(
		    fcntl(msg.fd, F_GETFL) & O_ACCMODE, O_WRONLY);
		assert_int_equal(write(msg.fd, "x", 1), 1);
		close_fd(&msg.fd);
	}
}

/* ------------------------------------------------------------------------ */

static void
test_one(void **state)
{
	struct ipc_recorder_over over = {.frames = 12, .dropped = 34};
	struct ipc_capture m;
	struct channel_msg msg;
	int pipe, n, end;
	char byte;

	(void)state;
	assert_int_equal(start_as(CAPTURE_BY_OPERATOR, "a.pcap"), 0);
	assert_string_equal(captures_name(&s), "a");
	assert_true(has_file("a.pcap") && has_file("a.jsonl"));
	assert_true(hears_nothing(peer));
	pipe = runs();
	msg = heard(peer, IPC_CAPTURE);
	end = msg.fd;
	assert_int_equal(ipc_decode_capture(&m, msg.data, msg.len), 0);
	assert_int_equal(m.is_all, 1);
	assert_int_equal(m.payload, 16 * 1024);
	assert_int_equal(write(end, "!", 1), 1);
	assert_int_equal(read(pipe, &byte, 1), 1);
	/* nobody but the session can write into it now */
	close_fd(&end);
	assert_int_equal(read(pipe, &byte, 1), 0);
	close_fd(&pipe);
	wants_files(1);
	assert_int_equal(start_as(CAPTURE_BY_OPERATOR, "b.pcap"), ERR_BUSY);
	assert_false(has_file("b.pcap"));
	captures_stop(&s);
	msg = heard(peer, IPC_CAPTURE);
	assert_int_equal(msg.fd, -1);
	n = ipc_encode_recorder_over(buf, sizeof(buf), &over);
	assert_int_equal(channel_send(recorder, IPC_RECORDER_OVER, 0, buf,
			     (size_t)n, -1),
	    0);
	exits(0);
	assert_true(has_audit("\"outcome\":\"ended\""));
	assert_true(has_audit("\"frames\":\"12\",\"dropped\":\"34\""));
	assert_true(TAILQ_EMPTY(&w.captures));
}

static void
test_rotation(void **state)
{
	int pipe;

	(void)state;
	assert_int_equal(start_as(CAPTURE_BY_OPERATOR, "a.pcap"), 0);
	pipe = runs();
	wants_files(1);
	assert_false(has_file("a.1.pcap"));
	wants_files(1);
	assert_true(has_file("a.1.pcap") && has_file("a.1.jsonl"));
	wants_files(1);
	assert_true(has_file("a.2.pcap") && has_file("a.2.jsonl"));
	wants_files(1);
	assert_true(has_file("a.pcap") && has_file("a.1.pcap"));
	assert_true(has_file("a.2.pcap"));
	assert_false(has_file("a.3.pcap"));
	close_fd(&pipe);
}

static void
test_names(void **state)
{
	static const char *const bad[] = {"", "a", ".pcap", "a.pcapng",
	    "../a.pcap", "x/a.pcap", "/tmp/a.pcap", ".a.pcap", "a b.pcap",
	    "a\n.pcap", "a.1.pcap", "a.07.pcap"};
	char path[128], long_name[200];

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(
		    start_as(CAPTURE_BY_OPERATOR, bad[i]), ERR_FORMAT);
	}
	memset(long_name, 'a', sizeof(long_name));
	memcpy(long_name + sizeof(long_name) - 6, ".pcap", 6);
	assert_int_equal(
	    start_as(CAPTURE_BY_OPERATOR, long_name), ERR_FORMAT);
	/* one that is there, and one that points elsewhere */
	(void)snprintf(path, sizeof(path), "%s/other.pcap", dir);
	assert_int_equal(close(open(path, O_CREAT | O_WRONLY, 0600)), 0);
	assert_int_equal(start_as(CAPTURE_BY_OPERATOR, "other.pcap"), ERR_SYS);
	(void)snprintf(path, sizeof(path), "%s/link.pcap", dir);
	assert_int_equal(symlink("nowhere", path), 0);
	assert_int_equal(start_as(CAPTURE_BY_OPERATOR, "link.pcap"), ERR_SYS);
	assert_true(hears_nothing(broker));
	assert_null(s.capture);
}

/* Not where others may write. */
static void
test_directory(void **state)
{
	(void)state;
	assert_int_equal(chmod(dir, 0720), 0);
	assert_int_equal(start_as(CAPTURE_BY_OPERATOR, "a.pcap"), ERR_SYS);
	assert_int_equal(chmod(dir, 0700), 0);
	assert_false(has_file("a.pcap"));
	w.conf.captures = (char[]){"/proc/none/captures"};
	assert_int_equal(start_as(CAPTURE_BY_OPERATOR, "a.pcap"), ERR_SYS);
}

/* A rule of its profile wants one: once. */
static void
test_wanted(void **state)
{
	struct ipc_wanted m = {.line = 3, .profile = "p", .file = "p.profile"};
	struct channel_msg msg = {.fd = -1};
	struct ipc_capture c;
	char path[128], other[128];
	int pipe, n = ipc_encode_wanted(buf, sizeof(buf), &m);

	(void)state;
	msg.data = memcpy(w.out, buf, (size_t)n);
	msg.len = (size_t)n;
	assert_int_equal(captures_on_wanted(&s, &msg), 0);
	assert_memory_equal(captures_name(&s), "1-2-20", 6);
	(void)snprintf(path, sizeof(path), "%s/%s.pcap", dir, captures_name(&s));
	(void)snprintf(
	    other, sizeof(other), "%s/%s.jsonl", dir, captures_name(&s));
	pipe = runs();
	assert_int_equal(captures_on_wanted(&s, &msg), ERR_FORMAT);
	msg = heard(peer, IPC_CAPTURE);
	assert_int_equal(ipc_decode_capture(&c, msg.data, msg.len), 0);
	assert_int_equal(c.is_all, 0);
	close_fd(&msg.fd);
	close_fd(&pipe);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(unlink(other), 0);
}

/* It dies: its session is told, and one that its rule demands ends. */
static void
test_death(void **state)
{
	struct channel_msg msg;
	int pipe;

	(void)state;
	assert_int_equal(start_as(CAPTURE_BY_OPERATOR, "a.pcap"), 0);
	pipe = runs();
	msg = heard(peer, IPC_CAPTURE);
	close_fd(&msg.fd);
	close_fd(&pipe);
	exits(1);
	msg = heard(peer, IPC_CAPTURE);
	assert_int_equal(msg.fd, -1);
	assert_null(s.capture);
	assert_int_equal(s.phase, SESSION_OPEN);

	assert_int_equal(start_as(CAPTURE_BY_RULE, "b.pcap"), 0);
	assert_true(captures_is_demanded(&s));
	pipe = runs();
	close_fd(&pipe);
	exits(1);
	assert_int_equal(s.phase, SESSION_ENDING);
	assert_true(has_audit("its capture ended"));
	(void)heard(broker, IPC_KILL);
}

/* Nothing but its two words is heard of it. */
static void
test_hostile(void **state)
{
	int pipe;

	(void)state;
	assert_int_equal(start_as(CAPTURE_BY_OPERATOR, "a.pcap"), 0);
	pipe = runs();
	close_fd(&pipe);
	assert_int_equal(
	    channel_send(recorder, IPC_RECORDER_NEXT, 0, "x", 1, -1), 0);
	turn();
	(void)heard(broker, IPC_KILL);
	exits(0);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_one),
		T(test_rotation),
		T(test_names),
		T(test_directory),
		T(test_wanted),
		T(test_death),
		T(test_hostile),
	};
	char path[64];
	int r;

	log_init("test");
	if (mkdtemp(dir) == NULL) {
		return 1;
	}
	r = cmocka_run_group_tests(tests, NULL, NULL);
	(void)snprintf(path, sizeof(path), "%s/audit", dir);
	(void)unlink(path);
	(void)rmdir(dir);
	return r;
}
