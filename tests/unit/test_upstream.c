/*
 * Lines of the audit log for a server: the warden's own log and clock, a broker
 * that is a socket and starts the real sallyport-fetch, and a real HTTPS server,
 * which goes down, is slow, says no, takes half, says nothing, and comes back.
 */
#include "tests/unit/lease_body.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/digest.h"
#include "proxy/warden/bundles.h"
#include "proxy/warden/upstream.h"
#include "tests/fake/fetch_child.h"
#include "tests/fake/pki.h"

static char room[] = "/tmp/test_upstream.XXXXXX";
static char url[64], proxy[64];
static struct pki_cert ca, other_ca, server, client, stranger;
static const struct pki_cert *who = &client, *whose = &ca;
static pid_t server_pid;
static unsigned port;
static unsigned posts; /* processes that were started */

/* ------------------------------------------------------------------------ */
/* The server                                                               */

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
	FILE *f = fopen(in_room(name), "w");

	assert_non_null(f);
	(void)fprintf(f, "%s%s", text, more);
	assert_int_equal(fclose(f), 0);
}

static void
be(const char *mode)
{
	put("mode", mode, "\n");
}

static void
serve(void)
{
	char number[16];

	(void)snprintf(number, sizeof(number), "%u", port);
	server_pid = fetch_child_serve("upstream_server.py",
	    (const char *const[]){room, number, NULL}, &port);
	(void)snprintf(url, sizeof(url), "https://127.0.0.1:%u/lines", port);
}

static void
end_server(void)
{
	fetch_child_end(&server_pid);
}

/* ------------------------------------------------------------------------ */
/* The broker                                                               */

/* The warden is answered, and the process does its work: 1, or 0: nothing was
 * asked for. */
static int
broker_turn(void)
{
	static uint8_t buf[CHANNEL_HEADER + CHANNEL_MAX];
	struct ipc_result ok = {0};
	struct channel_msg msg;
	int to_broker[2], to_warden[2], n, status;
	pid_t pid;

	do {
		if (channel_recv(broker, buf, sizeof(buf), &msg) != 0) {
			return 0;
		}
		close_fd(&msg.fd);
	} while (msg.type != IPC_POSTER);
	assert_int_equal(channel_pair(to_broker), 0);
	assert_int_equal(channel_pair(to_warden), 0);
	pid = fetch_child_start("post", to_broker[1], to_warden[1]);
	close_fd(&to_broker[1]);
	close_fd(&to_warden[1]);
	n = ipc_encode_result(buf, sizeof(buf), &ok);
	assert_int_equal(channel_send(broker, IPC_POSTING, msg.id, buf,
			     (size_t)n, to_warden[0]),
	    0);
	close_fd(&to_warden[0]);
	warden_on_broker(w, LOOP_READ);
	fetch_child_give_key(to_broker[0], whose, who);
	for (int i = 0; i < 10000 && w->upstream->conn != 0; i++) {
		loop_once(w->loop, LOOP_NOWAIT);
		(void)usleep(2000);
	}
	assert_int_equal(w->upstream->conn, 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	close_fd(&to_broker[0]);
	posts++;
	return 1;
}

/* One more try, now: 1, or 0: there is nothing to send. */
static int
try_now(void)
{
	loop_timer_set(w->upstream->next, 0);
	for (int i = 0; i < 3; i++) {
		loop_once(w->loop, LOOP_NOWAIT);
	}
	loop_timer_stop(w->upstream->next);
	return broker_turn();
}

/* ------------------------------------------------------------------------ */
/* The bench                                                                */

static void
start_upstream(void)
{
	w->conf.upstream_url = url;
	w->conf.upstream_pin = (char *)(uintptr_t) "";
	w->conf.upstream_proxy = proxy;
	w->conf.upstream_interval = 10;
	w->conf.upstream_timeout = 20;
	assert_int_equal(upstream_start(w), 0);
	assert_non_null(w->upstream);
	loop_timer_stop(w->upstream->next); /* by hand here */
}

static void
restart_upstream(void)
{
	upstream_free(w);
	start_upstream();
}

static int
group_start(void **state)
{
	struct pki_how how = {.subject = "CN=CA", .use = PKI_CA};
	uint8_t sans[64];
	size_t len = 0;

	(void)state;
	fetch_child_find();
	pki_issue(&ca, NULL, &how);
	how.subject = "CN=other";
	pki_issue(&other_ca, NULL, &how);
	pki_san(sans, &len, PKI_IP, "\x7f\0\0\1", 4);
	how = (struct pki_how){.subject = "CN=lines", .use = PKI_SERVER,
		.sans = sans, .sans_len = len};
	pki_issue(&server, &ca, &how);
	how = (struct pki_how){.subject = "CN=gw", .use = PKI_CLIENT};
	pki_issue(&client, &ca, &how);
	pki_issue(&stranger, &other_ca, &how);
	return 0;
}

static int
start(void **state)
{
	setup(state);
	memcpy(room + strlen(room) - 6, "XXXXXX", 6);
	assert_non_null(mkdtemp(room));
	put("server.pem", (const char *)server.pem, (const char *)server.key);
	put("client-ca.pem", (const char *)ca.pem, "");
	be("ok");
	w->audit.files = 3;
	posts = port = 0;
	who = &client;
	whose = &ca;
	serve();
	start_upstream();
	return 0;
}

static void
empty(const char *path)
{
	char name[PATH_MAX];
	struct dirent *e;
	DIR *d = opendir(path);

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (e->d_name[0] != '.') {
			(void)snprintf(
			    name, sizeof(name), "%s/%s", path, e->d_name);
			(void)unlink(name);
		}
	}
	if (d != NULL) {
		(void)closedir(d);
	}
}

static int
stop(void **state)
{
	char path[PATH_MAX];

	upstream_free(w);
	end_server();
	*proxy = '\0';
	empty(room);
	assert_int_equal(rmdir(room), 0);
	for (unsigned i = 1; i < 3; i++) {
		(void)unlink(audit_nth_path(&w->audit, i, path));
	}
	(void)snprintf(path, sizeof(path), "%s/upstream.json", dir);
	(void)unlink(path);
	return teardown(state);
}

static void
happen(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		audit_write(w, "operator", "done", NULL, NULL, NULL, "uid",
		    "0", "request", "status", "reason", "", (char *)NULL);
	}
}

/* Sends until nothing is left. */
static void
send_all(void)
{
	for (int i = 0; i < 100; i++) {
		if (!try_now()) {
			return;
		}
		assert_string_equal(w->upstream->error, "");
	}
	fail_msg("it does not end");
}

static void
assert_fails(const char *says)
{
	assert_int_equal(try_now(), 1);
	if (strstr(w->upstream->error, says) == NULL) {
		fail_msg("\"%s\" is not \"%s\"", w->upstream->error, says);
	}
}

/* The server has so many lines, each once, in their order, byte by byte those of
 * the log as far as its files are there; the first is that. */
static void
assert_got(uint64_t first, uint64_t n)
{
	static char got[300000], line[300000];
	char path[PATH_MAX];
	FILE *theirs = fopen(in_room("got"), "r"), *ours;
	uint64_t seq = first, seen = 0;

	assert_non_null(theirs);
	for (unsigned i = w->audit.files; i-- > 0;) {
		ours = fopen(audit_nth_path(&w->audit, i, path), "r");
		while (ours != NULL &&
		    fgets(line, sizeof(line), ours) != NULL) {
			if (strtoull(line + 7, NULL, 10) < first) {
				continue;
			}
			assert_non_null(fgets(got, sizeof(got), theirs));
			while (strtoull(strchr(got, ' ') + 8, NULL, 10) <
			    strtoull(line + 7, NULL, 10)) {
				/* rotated away since */
				assert_int_equal(
				    strtoull(strchr(got, ' ') + 8, NULL, 10),
				    seq++);
				seen++;
				assert_non_null(
				    fgets(got, sizeof(got), theirs));
			}
			assert_string_equal(strchr(got, ' ') + 1, line);
			assert_int_equal(
			    strtoull(line + 7, NULL, 10), seq++);
			seen++;
		}
		if (ours != NULL) {
			(void)fclose(ours);
		}
	}
	assert_null(fgets(got, sizeof(got), theirs));
	(void)fclose(theirs);
	assert_int_equal(seen, n);
}

static uint64_t
lines(void)
{
	return w->audit.chain->chain.seq;
}

static json_int_t
status_of(const char *name)
{
	json_t *o = upstream_json(w);
	json_int_t n = json_is_integer(json_object_get(o, name)) ?
	    json_integer_value(json_object_get(o, name)) :
	    -1;

	json_decref(o);
	return n;
}

static json_int_t
metric(const char *name, const char *of)
{
	return metric_in("upstream", name, of);
}

/* What the server wrote of its last request. */
static void
last_asked(char key[80], unsigned *again, unsigned *lost)
{
	FILE *f = fopen(in_room("asked"), "r");

	assert_non_null(f);
	while (fscanf(f, "%79s %u %u\n", key, again, lost) == 3) {
	}
	(void)fclose(f);
}

static int
is_in_log(const char *text)
{
	return file_says(audit_path, text);
}

static uint64_t
first_kept(void)
{
	char path[PATH_MAX], line[64] = "";
	FILE *f = fopen(audit_nth_path(&w->audit, 2, path), "r");

	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	(void)fclose(f);
	return strtoull(line + 7, NULL, 10);
}

/* ------------------------------------------------------------------------ */
/* Within the bound                                                         */

static void
sent(void **state)
{
	char key[80], expected[80], id[CHAIN_ID_TEXT];
	unsigned again, lost;
	uint64_t n;

	(void)state;
	happen(20);
	n = lines();
	assert_int_equal(try_now(), 1);
	assert_string_equal(w->upstream->error, "");
	assert_got(0, n);
	last_asked(key, &again, &lost);
	(void)snprintf(expected, sizeof(expected), "\"%s-0-%u\"",
	    digest_hex(id, sizeof(id), w->audit.chain->chain.id, CHAIN_ID),
	    (unsigned)n - 1);
	assert_string_equal(key, expected);
	assert_int_equal(again, 0);
	assert_int_equal(lost, 0);
	assert_int_equal(status_of("sent"), n);
	assert_int_equal(status_of("waiting"), 0);
	/* nothing new: no process, no request */
	assert_int_equal(try_now(), 0);
	happen(1);
	assert_int_equal(status_of("waiting"), 1);
	be("204");
	send_all();
	assert_int_equal(posts, 2);
	assert_got(0, n + 1);
}

/* Whatever it does, the same lines come again until it has them, and it has them
 * once. */
static void
bad_servers(void **state)
{
	static const struct {
		const char *mode, *says;
	} bad[] = {
		{"500", "the server says 500"},
		{"503", "the server says 503"},
		{"redirect", "the server says 307"},
		{"garbage", ""},
		{"headers", ""},
		{"half", ""},
		{"mute", ""},
	};
	char key[80], before[80];
	unsigned again, lost, failures = 0;

	(void)state;
	happen(200);
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		be(bad[i].mode);
		assert_fails(bad[i].says);
		assert_string_not_equal(w->upstream->error, "");
		assert_int_equal(w->upstream->failures, ++failures);
		happen(10);
	}
	/* told once, not for each try */
	assert_true(audited("upstream", "\"outcome\":\"failed\""));
	assert_true(status_of("waiting") > 200 + 10 * failures);
	last_asked(before, &again, &lost);
	be("slow");
	assert_int_equal(try_now(), 1);
	assert_string_equal(w->upstream->error, "");
	last_asked(key, &again, &lost);
	assert_string_equal(key, before); /* the same batch as at first */
	assert_true(again > 200);
	be("ok");
	assert_int_equal(metric("failed", "posts"), failures);
	assert_int_equal(metric("taken", "posts"), 1);
	assert_int_equal(metric("sent", NULL), status_of("sent"));
	assert_int_equal(metric("waiting", NULL), status_of("waiting"));
	send_all();
	assert_int_equal(metric("failing", NULL), 0);
	assert_true(audited("upstream", "\"outcome\":\"mended\""));
	assert_got(0, lines());
	assert_int_equal(status_of("lost"), 0);
	assert_int_equal(status_of("waiting"), 0);
}

/* It has said 200, and goes on. */
static void
wordy(void **state)
{
	(void)state;
	happen(20);
	be("babble");
	send_all();
	assert_got(0, lines());
	assert_int_equal(posts, 1);
}

/* It takes no more than 16 KiB at once: the lines come in batches that small,
 * and in larger ones again when it takes more. */
static void
too_large(void **state)
{
	unsigned again, lost;
	json_int_t batch;
	char key[80];

	(void)state;
	happen(200);
	be("413 16384");
	send_all();
	assert_got(0, lines());
	last_asked(key, &again, &lost);
	assert_int_equal(again + lost, 0);
	batch = status_of("batch");
	assert_in_range(batch, 4096, 16384);
	assert_in_range(posts, 4, 16);
	assert_true(metric("too large", "posts") >= 2);
	assert_int_equal(metric("too large", "posts") +
		metric("taken", "posts"), posts);
	assert_false(is_in_log("\"event\":\"upstream\""));
	be("ok");
	w->upstream->fits = 15; /* of sixteen */
	happen(1);
	send_all();
	assert_int_equal(status_of("batch"), 2 * batch);
	w->upstream->fits = 15;
	w->upstream->reader.most = UPSTREAM_BATCH - 1;
	happen(1);
	send_all();
	assert_int_equal(status_of("batch"), UPSTREAM_BATCH);
	assert_int_equal(status_of("lost"), 0);
	assert_got(0, lines());
}

/* Not even one: that is a failure, and the line waits with all others. */
static void
too_large_at_all(void **state)
{
	uint64_t n;

	(void)state;
	happen(40);
	be("413 16");
	for (unsigned i = 0; w->upstream->failures == 0; i++) {
		assert_true(i < 20);
		assert_int_equal(try_now(), 1);
	}
	assert_non_null(strstr(
	    w->upstream->error, "the server says 413 to one line of "));
	assert_int_equal(w->upstream->batch.first, w->upstream->batch.last);
	n = lines();
	assert_int_equal(status_of("waiting"), n);
	/* a restart, and it is found again by its number */
	restart_upstream();
	be("413 16384");
	send_all();
	assert_got(0, lines());
	assert_int_equal(status_of("lost"), 0);
}

/* The file of the batch is gone when it turns out to be too large: the lines
 * that were in it and in no file any more are counted. */
static void
too_large_and_gone(void **state)
{
	unsigned again, lost;
	uint64_t kept;
	char key[80];

	(void)state;
	happen(100);
	be("500");
	assert_fails("500");
	w->audit.limit = 20000;
	happen(500);
	kept = first_kept();
	assert_true(kept > w->upstream->batch.last);
	be("413 16384");
	for (int i = 0; i < 200 && try_now(); i++) {
	}
	assert_int_equal(status_of("waiting"), 0);
	assert_int_equal(status_of("sent") + status_of("lost"), lines());
	/* what was taken of the batch were its first lines */
	assert_true(status_of("lost") > 0);
	assert_true((uint64_t)status_of("lost") < kept);
	last_asked(key, &again, &lost);
	assert_int_equal(lost, status_of("lost"));
}

static void
timed_out(void **state)
{
	(void)state;
	w->conf.upstream_timeout = 1;
	be("hang");
	assert_fails("timed out");
	be("ok");
	send_all();
	assert_got(0, lines());
}

static void
back_off(void **state)
{
	uint64_t ns;

	(void)state;
	end_server();
	for (unsigned i = 0; i < 9; i++) {
		uint64_t most = 10u << i;

		assert_fails("connect");
		most = most < 900 ? most : 900;
		ns = w->upstream->next_at - mono;
		assert_true(ns <= most * CLOCK_SEC);
		assert_true(ns >= most * CLOCK_SEC / 5 * 4);
	}
	serve();
	w->upstream->failures = 0;
	be("503");
	assert_fails("503");
	assert_int_equal(w->upstream->next_at - mono, 77 * CLOCK_SEC);
	upstream_look(w);
	assert_int_equal(w->upstream->next_at, mono);
	be("ok");
	send_all();
	assert_got(0, lines());
}

/* A server that is somebody else, or that does not know us, gets no line. */
static void
strangers(void **state)
{
	(void)state;
	whose = &other_ca;
	assert_fails("certificate");
	whose = &ca;
	who = &stranger;
	assert_fails("");
	assert_string_not_equal(w->upstream->error, "");
	who = &client;
	w->conf.upstream_pin = (char *)(uintptr_t)
	    "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
	assert_fails("key");
	w->conf.upstream_pin = (char *)(uintptr_t) "";
	assert_int_equal(access(in_room("got"), F_OK), -1);
	send_all();
	assert_got(0, lines());
}

static int
proxy_saw(const char *text)
{
	return file_says(in_room("proxy.log"), text);
}

/* Through a proxy, which learns where to, and nothing else; and not past it. */
static void
proxied(void **state)
{
	unsigned at;
	pid_t pid = fetch_child_proxy(room, "", &at);

	(void)state;
	if (pid == 0) {
		print_message("there is no tinyproxy\n");
		skip();
	}
	(void)snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%u", at);
	happen(20);
	send_all();
	assert_got(0, lines());
	assert_true(proxy_saw("CONNECT 127.0.0.1:"));
	assert_false(proxy_saw("/lines"));
	fetch_child_end(&pid);
	happen(1);
	assert_fails("connect");
	*proxy = '\0';
	send_all();
	assert_got(0, lines());
}

/* The log is rotated while the server is down, and the warden is restarted: as
 * long as the files are there no line is lost and none comes twice. */
static void
rotated(void **state)
{
	char key[80];
	unsigned again, lost;

	(void)state;
	happen(10);
	send_all();
	end_server();
	w->audit.limit = 20000;
	while (access(audit_nth_path(&w->audit, 1, (char[PATH_MAX]){0}),
		   F_OK) != 0) {
		happen(1);
	}
	happen(20);
	assert_fails("connect");
	restart_upstream();
	while (access(audit_nth_path(&w->audit, 2, (char[PATH_MAX]){0}),
		   F_OK) != 0) {
		happen(1);
	}
	assert_fails("connect");
	serve();
	send_all();
	assert_int_equal(status_of("lost"), 0);
	assert_got(0, lines());
	last_asked(key, &again, &lost);
	assert_int_equal(again + lost, 0);
	/* and one that is restarted after all is well sends nothing again */
	restart_upstream();
	assert_int_equal(try_now(), 0);
	assert_int_equal(status_of("waiting"), 0);
	assert_int_equal(status_of("sent"), lines());
}

/* It had them, and the warden died before it knew. */
static void
died_between(void **state)
{
	char key[80];
	unsigned again, lost;

	(void)state;
	happen(10);
	be("mute");
	assert_fails("");
	restart_upstream();
	be("ok");
	send_all();
	last_asked(key, &again, &lost);
	assert_true(again >= 10);
	assert_got(0, lines());
}

/* How the gateway is: when its time has come, and with what bundles say. */
static void
status_lines(void **state)
{
	struct bundles *b = calloc(1, sizeof(*b));
	uint64_t n = lines();

	(void)state;
	assert_null(w->upstream->status);
	w->conf.upstream_status = 300;
	restart_upstream();
	assert_non_null(w->upstream->status);
	loop_once(w->loop, LOOP_NOWAIT);
	assert_int_equal(lines(), n);
	loop_timer_set(w->upstream->status, 0);
	for (int i = 0; i < 3; i++) {
		loop_once(w->loop, LOOP_NOWAIT);
	}
	assert_int_equal(lines(), n + 1);
	assert_true(is_in_log("\"outcome\":\"status\",\"version\":\""));
	assert_false(is_in_log("\"serial\""));
	assert_non_null(b);
	w->bundles = b;
	w->conf.bundle_source = url;
	(void)snprintf(b->error, sizeof(b->error), "no server");
	upstream_tell_status(w);
	w->bundles = NULL;
	free(b);
	assert_true(is_in_log("\"serial\":\"0\",\"phase\":\"\","
			      "\"bundle_error\":\"no server\""));
	send_all();
	assert_got(0, lines());
}

/* ------------------------------------------------------------------------ */
/* A poster that somebody took over, and a broker that says no              */

static uint32_t
asked_for(uint16_t type)
{
	static uint8_t buf[CHANNEL_HEADER + CHANNEL_MAX];
	struct channel_msg msg;

	for (int i = 0; i < 3; i++) {
		loop_once(w->loop, LOOP_NOWAIT);
	}
	while (channel_recv(broker, buf, sizeof(buf), &msg) == 0) {
		close_fd(&msg.fd);
		if (msg.type == type) {
			return msg.id;
		}
	}
	fail_msg("the broker is not asked for %u", type);
	return 0;
}

static uint32_t
begin_post(void)
{
	uint32_t conn;

	loop_timer_set(w->upstream->next, 0);
	conn = asked_for(IPC_POSTER);
	assert_int_equal(conn, w->upstream->conn);
	return conn;
}

static void
answer_posting(uint32_t conn, const struct ipc_result *m, int end)
{
	uint8_t out[16];
	int n = ipc_encode_result(out, sizeof(out), m);

	assert_int_equal(channel_send(broker, IPC_POSTING, conn, out,
			     (size_t)n, end),
	    0);
	warden_on_broker(w, LOOP_READ);
}

static void
poster_says(uint16_t type, const void *data, size_t len, int fd)
{
	static uint8_t buf[CHANNEL_HEADER + CHANNEL_MAX];
	struct channel_msg msg;
	int chan[2];

	assert_int_equal(channel_pair(chan), 0);
	answer_posting(begin_post(), &(struct ipc_result){0}, chan[0]);
	close_fd(&chan[0]);
	assert_int_equal(channel_recv(chan[1], buf, sizeof(buf), &msg), 0);
	assert_int_equal(msg.type, IPC_POST);
	close_fd(&msg.fd);
	if (type != 0) {
		assert_int_equal(
		    channel_send(chan[1], type, 0, data, len, fd), 0);
	}
	close_fd(&chan[1]);
	for (int i = 0; i < 3; i++) {
		loop_once(w->loop, LOOP_NOWAIT);
	}
	loop_timer_stop(w->upstream->next);
}

static void
assert_failed(const char *says)
{
	assert_int_equal(w->upstream->conn, 0);
	assert_non_null(strstr(w->upstream->error, says));
	assert_int_equal(status_of("sent"), 0);
	*w->upstream->error = '\0';
}

static void
poster_lies(void **state)
{
	uint8_t out[2 * IPC_TEXT];
	int n = ipc_encode_posted(out, sizeof(out), &(struct ipc_posted){0});
	uint32_t conn;

	(void)state;
	happen(3);
	poster_says(0, NULL, 0, -1);
	assert_failed("ended before it was done");
	poster_says(IPC_POSTED, "x", 1, -1);
	assert_failed("spoke out of turn");
	poster_says(IPC_FETCHED, out, (size_t)n, -1);
	assert_failed("spoke out of turn");
	poster_says(IPC_POSTED, out, (size_t)n, broker);
	assert_failed("spoke out of turn");
	/* none can be started */
	conn = begin_post();
	answer_posting(conn + 1, &(struct ipc_result){.err = ERR_LIMIT}, -1);
	assert_int_equal(w->upstream->conn, conn);
	answer_posting(conn, &(struct ipc_result){.err = ERR_LIMIT}, -1);
	assert_failed(err_str(ERR_LIMIT));
	answer_posting(begin_post(),
	    &(struct ipc_result){.err = ERR_SYS, .sys = ENFILE}, -1);
	assert_failed(strerror(ENFILE));
	/* it hangs; and somebody wants another try meanwhile */
	conn = begin_post();
	upstream_look(w);
	loop_timer_set(w->upstream->limit, 0);
	assert_int_equal(asked_for(IPC_KILL), conn);
	assert_string_equal(w->upstream->error, "it took too long");
	conn = asked_for(IPC_POSTER);
	answer_posting(conn, &(struct ipc_result){.err = ERR_LIMIT}, -1);
	loop_timer_stop(w->upstream->next);
	assert_int_equal(metric("failed", "posts"), 8);
	send_all();
	assert_got(0, lines());
}

/* ------------------------------------------------------------------------ */
/* Beyond it                                                                */

/* n lines were with the server, and then so many that files were removed. */
static void
overflow(uint64_t *had)
{
	happen(10);
	send_all();
	*had = lines();
	end_server();
	w->audit.limit = 20000;
	happen(500);
	assert_true(first_kept() > *had);
}

static void
counted(void **state)
{
	uint64_t had, kept;
	unsigned again, lost;
	char key[80];
	FILE *f;
	char line[300];

	(void)state;
	overflow(&had);
	assert_fails("connect");
	kept = first_kept();
	/* status says so before the server is back, and so does the log */
	assert_int_equal(status_of("lost"), kept - had);
	assert_int_equal(metric("lost", NULL), kept - had);
	assert_int_equal(metric("failing", NULL), 1);
	assert_int_equal(status_of("waiting"), lines() - kept);
	assert_true(is_in_log("\"event\":\"upstream\",\"outcome\":\"lost\""));
	serve();
	send_all();
	assert_int_equal(status_of("lost"), kept - had);
	last_asked(key, &again, &lost);
	assert_int_equal(again, 0);
	assert_int_equal(lost, kept - had);
	/* what it had, a gap, and the rest; all of it is accounted for */
	assert_int_equal(status_of("sent") + status_of("lost"), lines());
	f = fopen(in_room("got"), "r");
	assert_non_null(f);
	for (uint64_t i = 0; i < had; i++) {
		assert_non_null(fgets(line, sizeof(line), f));
	}
	assert_non_null(fgets(line, sizeof(line), f));
	assert_int_equal(strtoull(strchr(line, ' ') + 8, NULL, 10), kept);
	(void)fclose(f);
	/* nothing is counted twice over a restart */
	restart_upstream();
	assert_int_equal(try_now(), 0);
	assert_int_equal(status_of("lost"), kept - had);
}

/* The warden was not there either, or had a batch in the air. */
static void
counted_over_a_restart(void **state)
{
	uint64_t had, kept, held;

	(void)state;
	overflow(&had);
	restart_upstream();
	assert_fails("connect");
	kept = first_kept();
	assert_int_equal(status_of("lost"), kept - had);
	/* this batch is held in memory: what is rotated away meanwhile is lost
	 * only from its end on */
	held = w->upstream->batch.last + 1;
	assert_int_equal(w->upstream->batch.first, kept);
	happen(500);
	assert_true(first_kept() > held);
	assert_int_equal(
	    status_of("lost"), kept - had + first_kept() - held);
	serve();
	send_all();
	assert_int_equal(status_of("sent") + status_of("lost"), lines());
	assert_int_equal(status_of("waiting"), 0);
}

/* The server was never there, and the warden was restarted: what it never got is
 * counted from the first try on. */
static void
counted_from_the_start(void **state)
{
	(void)state;
	end_server();
	happen(10);
	assert_fails("connect");
	assert_int_equal(w->upstream->taken.seq, 0);
	restart_upstream();
	w->audit.limit = 20000;
	happen(500);
	restart_upstream();
	assert_fails("connect");
	assert_int_equal(status_of("lost"), first_kept());
	assert_true(first_kept() > 10);
	serve();
	send_all();
	assert_int_equal(status_of("sent") + status_of("lost"), lines());
}

/* Another chain begins: its lines are its own, in a batch of their own. */
static void
chains(void **state)
{
	char key[CHAIN_KEY_TEXT], asked[80], id[CHAIN_ID_TEXT];
	unsigned again, lost;

	(void)state;
	happen(5);
	assert_int_equal(audit_renew(&w->audit, key), 0);
	happen(5);
	assert_int_equal(try_now(), 1);
	assert_true(w->upstream->batch_end.seq > 6);
	last_asked(asked, &again, &lost);
	assert_null(strstr(asked,
	    digest_hex(id, sizeof(id), w->audit.chain->chain.id, CHAIN_ID)));
	assert_int_equal(try_now(), 1);
	last_asked(asked, &again, &lost);
	assert_non_null(strstr(asked, id));
	assert_int_equal(status_of("lost"), 0);
	assert_int_equal(status_of("waiting"), 0);
	assert_int_equal(try_now(), 0);
}

/* A mark that cannot be read, or is of no file, costs lines that come twice. */
static void
bad_marks(void **state)
{
	static const char *const bad[] = {"", "{", "{\"chain\":1}",
		"{\"chain\":\"0123456789abcdef\",\"seq\":-1,\"lost\":0,"
		"\"sent\":0,\"file_chain\":\"0123456789abcdef\","
		"\"file_seq\":0,\"at\":0}"};
	struct upstream_mark m;
	char path[PATH_MAX], key[80];
	unsigned again, lost;
	FILE *f;

	(void)state;
	happen(10);
	send_all();
	(void)snprintf(path, sizeof(path), "%s/upstream.json", dir);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		f = fopen(path, "w");
		assert_non_null(f);
		(void)fputs(bad[i], f);
		assert_int_equal(fclose(f), 0);
		assert_int_equal(upstream_load(&m, dir), ERR_FORMAT);
		restart_upstream();
		assert_int_equal(try_now(), 1);
		assert_string_equal(w->upstream->error, "");
		last_asked(key, &again, &lost);
		assert_int_equal(again, lines());
		assert_int_equal(lost, 0);
	}
	assert_got(0, lines());
	/* an offset in the middle of a line: by numbers, nothing twice */
	assert_int_equal(upstream_load(&m, dir), 0);
	m.at -= 5;
	assert_int_equal(upstream_save(&m, dir), 0);
	restart_upstream();
	happen(3);
	send_all();
	last_asked(key, &again, &lost);
	assert_int_equal(again + lost, 0);
	assert_got(0, lines());
	/* one that is ahead of the log: new lines are not taken for old ones */
	assert_int_equal(upstream_load(&m, dir), 0);
	m.seq += 10;
	assert_int_equal(upstream_save(&m, dir), 0);
	restart_upstream();
	happen(3);
	send_all();
	last_asked(key, &again, &lost);
	assert_int_equal(again + lost, 0);
	assert_got(0, lines());
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(sent, start, stop),
		cmocka_unit_test_setup_teardown(bad_servers, start, stop),
		cmocka_unit_test_setup_teardown(wordy, start, stop),
		cmocka_unit_test_setup_teardown(too_large, start, stop),
		cmocka_unit_test_setup_teardown(too_large_at_all, start, stop),
		cmocka_unit_test_setup_teardown(
		    too_large_and_gone, start, stop),
		cmocka_unit_test_setup_teardown(timed_out, start, stop),
		cmocka_unit_test_setup_teardown(back_off, start, stop),
		cmocka_unit_test_setup_teardown(strangers, start, stop),
		cmocka_unit_test_setup_teardown(proxied, start, stop),
		cmocka_unit_test_setup_teardown(rotated, start, stop),
		cmocka_unit_test_setup_teardown(died_between, start, stop),
		cmocka_unit_test_setup_teardown(status_lines, start, stop),
		cmocka_unit_test_setup_teardown(poster_lies, start, stop),
		cmocka_unit_test_setup_teardown(counted, start, stop),
		cmocka_unit_test_setup_teardown(
		    counted_over_a_restart, start, stop),
		cmocka_unit_test_setup_teardown(
		    counted_from_the_start, start, stop),
		cmocka_unit_test_setup_teardown(chains, start, stop),
		cmocka_unit_test_setup_teardown(bad_marks, start, stop),
	};

	return cmocka_run_group_tests_name(
	    "upstream", tests, group_start, NULL);
}
