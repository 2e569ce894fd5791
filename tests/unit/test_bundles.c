/*
 * Bundles in the warden: the warden's own sessions, leases and rules, a broker,
 * a fetcher and a trial that are sockets, and bundles that real keys signed.
 */
#include "tests/unit/lease_body.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>

#include "proxy/warden/bundles.h"
#include "tests/fake/bundle_make.h"

static char keys_path[64], source[] = "/srv/lab.tar";
static int trials; /* how many were asked for */

/* ------------------------------------------------------------------------ */
/* The broker, the fetcher, the trial                                       */

static void
turn(void)
{
	for (int i = 0; i < 4; i++) {
		loop_once(w->loop, LOOP_NOWAIT);
	}
}

/* The broker is asked for that; *fd comes with it. 0, or -1: it is not. */
static int
asked_for(uint16_t type, uint32_t *conn, int *fd)
{
	static uint8_t buf[CHANNEL_HEADER + CHANNEL_MAX];
	struct channel_msg msg;

	turn();
	while (channel_recv(broker, buf, sizeof(buf), &msg) == 0) {
		if (msg.type == type) {
			*conn = msg.id;
			*fd = msg.fd;
			return 0;
		}
		close_fd(&msg.fd);
	}
	return -1;
}

static void
answer_with(uint16_t type, uint32_t conn, int end)
{
	struct ipc_result m = {0};
	uint8_t out[16];
	int n = ipc_encode_result(out, sizeof(out), &m);

	assert_int_equal(
	    channel_send(broker, type, conn, out, (size_t)n, end), 0);
	warden_on_broker(w, LOOP_READ);
}

/* What is on trial passes, or does not. */
static void
judge_trial(const struct ipc_tried *say)
{
	uint8_t out[32];
	uint32_t conn;
	int chan[2], fd = -1, n;

	if (asked_for(IPC_TRIAL, &conn, &fd) != 0) {
		return;
	}
	trials++;
	assert_true(fd != -1);
	assert_true((fcntl(fd, F_GET_SEALS) & F_SEAL_WRITE) != 0);
	close_fd(&fd);
	assert_int_equal(channel_pair(chan), 0);
	answer_with(IPC_TRYING, conn, chan[0]);
	close_fd(&chan[0]);
	if (say != NULL) {
		n = ipc_encode_tried(out, sizeof(out), say);
		assert_int_equal(channel_send(chan[1], IPC_TRIED, 0, out,
				     (size_t)n, -1),
		    0);
	}
	close_fd(&chan[1]);
	turn();
}

static uint64_t slow; /* seconds that the server takes to answer */

/* A look is due: the fetcher says that. order is what it was told to do. */
static void
fetch(const struct ipc_fetched *say, int fd, struct ipc_fetch *order)
{
	static uint8_t buf[CHANNEL_HEADER + CHANNEL_MAX];
	struct channel_msg msg;
	uint8_t out[2 * IPC_TEXT];
	uint32_t conn;
	int chan[2], none, n;

	assert_int_equal(asked_for(IPC_FETCHER, &conn, &none), 0);
	assert_int_equal(channel_pair(chan), 0);
	answer_with(IPC_FETCHING, conn, chan[0]);
	close_fd(&chan[0]);
	assert_int_equal(channel_recv(chan[1], buf, sizeof(buf), &msg), 0);
	assert_int_equal(msg.type, IPC_FETCH);
	assert_int_equal(ipc_decode_fetch(order, msg.data, msg.len), 0);
	mono += slow * CLOCK_SEC;
	if (say != NULL) {
		n = ipc_encode_fetched(out, sizeof(out), say);
		assert_true(n > 0);
		assert_int_equal(channel_send(chan[1], IPC_FETCHED, 0, out,
				     (size_t)n, fd),
		    0);
	}
	close_fd(&chan[1]);
	turn();
}

static struct ipc_fetch order; /* of the last look */

static void
slow_look(uint64_t seconds, const struct ipc_fetched *say)
{
	slow = seconds;
	if (w->bundles->fetch.conn == 0) { /* or it was due at once */
		bundles_look(w);
	}
	fetch(say, -1, &order);
	slow = 0;
}

static void
answer_look(const uint8_t *bytes, size_t len, const char *sigs)
{
	struct ipc_fetched m = {.bundle_len = (uint32_t)len,
		.signatures_len = (uint32_t)strlen(sigs), .tag = "\"t\""};
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(write(fd, bytes, len) == (ssize_t)len);
	assert_true(
	    write(fd, sigs, strlen(sigs)) == (ssize_t)strlen(sigs));
	fetch(&m, fd, &order);
	close_fd(&fd);
}

static void
bring(const uint8_t *bytes, size_t len, const char *sigs)
{
	bundles_look(w);
	answer_look(bytes, len, sigs);
}

static struct manifest
manifest_of(int64_t serial)
{
	struct manifest m = make_manifest(serial);

	m.not_before = wall - 100;
	m.expires = wall + 1000;
	return m;
}

static const struct ipc_tried passes = {.passed = 1};

/* A bundle with that manifest and those rules comes, and its tests pass. */
static void
publish_as(const struct manifest *m, const char *rules, unsigned signers)
{
	struct make_file files[] = {{BUNDLE_RULES "a.rules", rules},
		{NULL, NULL}};
	size_t len;
	uint8_t *bytes =
	    make_bundle(m, rules != NULL ? files : files + 1, &len);
	char *sigs = make_signatures(bytes, len, signers);

	bring(bytes, len, sigs);
	judge_trial(&passes);
	settle();
	free(bytes);
	free(sigs);
}

static void
publish(int64_t serial, const char *rules)
{
	struct manifest m = manifest_of(serial);

	publish_as(&m, rules, 1);
}

static int64_t
serial_now(void)
{
	return w->bundles->now != NULL ? w->bundles->now->manifest.serial : 0;
}

static void
assert_failed(int64_t kept, const char *says)
{
	assert_int_equal(serial_now(), kept);
	if (strstr(w->bundles->error, says) == NULL) {
		fail_msg("\"%s\" is not \"%s\"", w->bundles->error, says);
	}
	assert_true(w->bundles->failing != 0);
}

static void
start_bundles(void)
{
	assert_int_equal(bundles_start(w), 0);
	loop_timer_stop(w->bundles->fetch.next); /* by hand here */
}

/* As after a restart, with what is on disk. */
static void
restart(void)
{
	bundles_free(w);
	start_bundles();
	(void)policy_load(w);
	settle();
}

static int
start_with(void **state, unsigned nkeys)
{
	FILE *f;

	setup(state);
	write_rules("");
	(void)snprintf(keys_path, sizeof(keys_path), "%s/keys", dir);
	f = fopen(keys_path, "w");
	assert_non_null(f);
	for (unsigned i = 0; i < nkeys; i++) {
		(void)fputs(make_public[i], f);
	}
	assert_int_equal(fclose(f), 0);
	w->conf.bundle_source = source;
	w->conf.bundle_keys = keys_path;
	w->conf.bundle_pin = w->conf.bundle_proxy = (char *)(uintptr_t) "";
	w->conf.bundle_threshold = 1;
	w->conf.bundle_interval = 60;
	w->conf.bundle_timeout = 10;
	w->conf.bundle_confirm = 0;
	memset(&w->conf.bundle_labels, 0, sizeof(w->conf.bundle_labels));
	trials = 0;
	start_bundles();
	assert_int_equal(policy_load(w), 0);
	return 0;
}

static int
start(void **state)
{
	return start_with(state, 1);
}

static int
stop(void **state)
{
	static const char *const names[] = {"keys", "bundles.json",
		"bundles.json.bad", "bundle-a.tar", "bundle-a.sig",
		"bundle-b.tar", "bundle-b.sig"};
	char path[80];

	bundles_free(w);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		(void)unlink(path);
	}
	return teardown(state);
}

static json_int_t
metric(const char *name, const char *of)
{
	return metric_in("bundle", name, of);
}

/* ------------------------------------------------------------------------ */
/* Taking                                                                   */

static void
taken(void **state)
{
	(void)state;
	/* nothing is exported before the first one comes */
	assert_int_equal(try("a", 0), ERR_NOENT);
	assert_int_equal(metric("serial", NULL), -1);
	assert_int_equal(metric("checked", NULL), -1);
	publish(5, "default to any\nallow");
	assert_int_equal(serial_now(), 5);
	assert_string_equal(w->bundles->error, "");
	assert_true(audited("bundle", "\"outcome\":\"taken\""));
	assert_true(audited("bundle", "\"serial\":\"5\""));
	assert_string_equal(order.source, source);
	assert_string_equal(order.tag, "");
	assert_int_equal(try("a", 0), 0);
	/* what was taken is not asked for again */
	bundles_look(w);
	fetch(&(struct ipc_fetched){.err = ERR_AGAIN}, -1, &order);
	assert_string_equal(order.tag, "\"t\"");
	assert_string_equal(w->bundles->error, "");
	assert_int_equal(trials, 1);
	assert_int_equal(metric("serial", NULL), 5);
	assert_int_equal(metric("taken", NULL), wall);
	assert_int_equal(metric("checked", NULL), wall);
	assert_int_equal(metric("expires", NULL), manifest_of(5).expires);
	assert_int_equal(metric("grace_ends", NULL),
	    manifest_of(5).expires + manifest_of(5).grace);
	assert_int_equal(metric("failing", NULL), 0);
	assert_int_equal(metric("fine", "looks"), 2);
	assert_int_equal(metric("failed", "looks"), 0);
}

/* A server that waits for news is asked again when it has waited, and never more
 * often than that; one that cannot wait as often as any other. */
static void
waits(void **state)
{
	static const struct ipc_fetched same = {.err = ERR_AGAIN};
	const struct fetch *f;
	uint64_t left;

	(void)state;
	w->conf.bundle_wait = 30;
	publish(1, "default to any\nallow"); /* at once: there was no tag */
	f = &w->bundles->fetch;
	assert_int_equal(f->next_at - mono, 30 * CLOCK_SEC);
	assert_int_equal(order.wait, 30);
	/* held for all of it, or nearly */
	slow_look(30, &same);
	assert_int_equal(f->next_at, mono);
	slow_look(20, &same);
	assert_int_equal(f->next_at - mono, 10 * CLOCK_SEC);
	/* not at all */
	slow_look(0, &same);
	left = f->next_at - mono;
	assert_in_range(left, 48 * CLOCK_SEC, 60 * CLOCK_SEC);
	slow_look(14, &same);
	left = f->next_at - mono;
	assert_in_range(left, 48 * CLOCK_SEC, 60 * CLOCK_SEC);
	/* never later than without */
	w->conf.bundle_interval = 5;
	slow_look(16, &same);
	assert_true(f->next_at - mono <= 5 * CLOCK_SEC);
	/* nor is one that fails asked at once */
	w->conf.bundle_interval = 60;
	slow_look(30, &(struct ipc_fetched){.err = ERR_PEER, .why = "x"});
	assert_true(f->next_at - mono >= 48 * CLOCK_SEC);
	w->conf.bundle_wait = 0;
	slow_look(30, &same);
	assert_true(f->next_at - mono >= 48 * CLOCK_SEC);
}

/* From the moment that it came to the end of who must go, on this machine's clock;
 * the broker's and the trial's part is done at once. */
static void
ejects(void **state)
{
	struct timespec a, b;
	long ms;

	(void)state;
	publish(1, "default to any\nallow");
	assert_int_equal(import(0, "a", 0), 0);
	assert_int_equal(import(1, "b", 1), 0);
	(void)clock_gettime(CLOCK_MONOTONIC, &a);
	publish(2, "default to any\nforbid via-port \"1-1\"\nallow");
	(void)clock_gettime(CLOCK_MONOTONIC, &b);
	assert_true(is_over(0));
	assert_false(is_over(1));
	ms = (b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000;
	print_message("what a new list forbids is ejected %ld ms after it came\n",
	    ms);
}

static void
refused(void **state)
{
	static const char rules[] = "default to any\nallow";
	struct manifest m = manifest_of(7);
	struct make_file files[] = {{BUNDLE_RULES "a.rules", rules},
		{NULL, NULL}};
	size_t len;
	uint8_t *bytes;
	char *sigs;

	(void)state;
	publish(7, rules);
	publish(6, rules);
	assert_failed(7, "a higher one was taken before");
	publish(7, "default to any\nallow\n# other");
	assert_failed(7, "another bundle with this one");
	m.serial = 8;
	publish_as(&m, rules, 2);
	assert_failed(7, "0 of the keys");
	m.not_before = wall + 10;
	publish_as(&m, rules, 1);
	assert_failed(7, "does not hold yet");
	m.not_before = wall - 3000;
	m.expires = wall - 501;
	publish_as(&m, rules, 1);
	assert_failed(7, "its grace is over");
	assert_int_equal(trials, 1);
	/* local files that do not load with it */
	write_rules("allow nonsense");
	publish(9, rules);
	assert_failed(7, "a.rules:2:");
	write_rules("");
	/* a byte of it */
	m = manifest_of(10);
	bytes = make_bundle(&m, files, &len);
	sigs = make_signatures(bytes, len, 1);
	bytes[600] ^= 1;
	bring(bytes, len, sigs);
	assert_failed(7, "they are of another bundle, or it was changed");
	bytes[600] ^= 1;
	/* half of it */
	bring(bytes, len / 2, sigs);
	assert_failed(7, "they are of another bundle, or it was changed");
	bring(bytes, len, "{}");
	assert_failed(7, "signatures: ");
	/* its tests */
	bring(bytes, len, sigs);
	judge_trial(&(struct ipc_tried){
		.err = ERR_POLICY, .passed = 3, .failed = 2});
	assert_failed(7, "its own tests fail, 2 of 5");
	bring(bytes, len, sigs);
	judge_trial(NULL);
	assert_failed(7, "did not come to an end");
	/* the fetcher */
	bundles_look(w);
	fetch(NULL, -1, &order);
	assert_failed(7, "ended before it was done");
	bundles_look(w);
	fetch(&(struct ipc_fetched){.err = ERR_PEER, .why = "no route\n"}, -1,
	    &order);
	assert_failed(7, "/srv/lab.tar: no route\\x0a");
	/* and all of it is as before */
	assert_int_equal(metric("failing", NULL), 1);
	assert_int_equal(metric("failed", "looks"), 2);
	assert_int_equal(metric("fine", "looks"), 1);
	assert_int_equal(
	    metric("refused", "looks") + metric("later", "looks"), 11);
	assert_int_equal(metric("later", "looks"), 0);
	assert_int_equal(metric("serial", NULL), 7);
	assert_int_equal(try("a", 0), 0);
	bring(bytes, len, sigs);
	judge_trial(&passes);
	assert_int_equal(serial_now(), 10);
	assert_int_equal(w->bundles->failing, 0);
	free(bytes);
	free(sigs);
}

/* ------------------------------------------------------------------------ */
/* Processes of ours that somebody took over, and a broker that says no     */

/* The next fetcher says that in place of what it should. */
static void
fetcher_says(uint16_t type, const struct ipc_fetched *m, int fd)
{
	uint8_t buf[CHANNEL_HEADER + CHANNEL_MAX], out[2 * IPC_TEXT];
	struct channel_msg msg;
	uint32_t conn;
	int chan[2], none, n = 0;

	bundles_look(w);
	assert_int_equal(asked_for(IPC_FETCHER, &conn, &none), 0);
	assert_int_equal(channel_pair(chan), 0);
	answer_with(IPC_FETCHING, conn, chan[0]);
	close_fd(&chan[0]);
	assert_int_equal(channel_recv(chan[1], buf, sizeof(buf), &msg), 0);
	if (m != NULL) {
		n = ipc_encode_fetched(out, sizeof(out), m);
		assert_true(n > 0);
	}
	assert_int_equal(
	    channel_send(chan[1], type, 0, out, (size_t)n, fd), 0);
	turn();
	close_fd(&chan[1]);
}

static void
fetcher_lies(void **state)
{
	const struct ipc_fetched some = {.bundle_len = 10,
				 .signatures_len = 5, .tag = "\"t\""};
	struct ipc_fetched huge = some;
	int fd = memfd_create("test", MFD_CLOEXEC), ends_[2];

	(void)state;
	/* nothing changed, and there was nothing */
	fetcher_says(IPC_FETCHED, &(struct ipc_fetched){.err = ERR_AGAIN}, -1);
	assert_non_null(strstr(w->bundles->error, "there was nothing before"));
	publish(1, "default to any\nallow");
	/* sizes that are not those of what it wrote */
	assert_int_equal(ftruncate(fd, 14), 0);
	fetcher_says(IPC_FETCHED, &some, fd);
	assert_failed(1, "not what sallyport-fetch said");
	assert_int_equal(ftruncate(fd, 16), 0);
	fetcher_says(IPC_FETCHED, &some, fd);
	assert_failed(1, "not what sallyport-fetch said");
	huge.bundle_len = BUNDLE_MAX + 1;
	fetcher_says(IPC_FETCHED, &huge, fd);
	assert_failed(1, "not what sallyport-fetch said");
	assert_int_equal(pipe(ends_), 0);
	fetcher_says(IPC_FETCHED, &some, ends_[0]);
	assert_failed(1, "not what sallyport-fetch said");
	close_fd(&ends_[0]);
	close_fd(&ends_[1]);
	/* something without memory, nothing with it, nonsense, other words */
	fetcher_says(IPC_FETCHED, &some, -1);
	assert_failed(1, "spoke out of turn");
	fetcher_says(IPC_FETCHED,
	    &(struct ipc_fetched){.err = ERR_PEER, .why = "x"}, fd);
	assert_failed(1, "spoke out of turn");
	fetcher_says(IPC_FETCHED, NULL, -1);
	assert_failed(1, "spoke out of turn");
	fetcher_says(IPC_TRIED, &some, fd);
	assert_failed(1, "spoke out of turn");
	close_fd(&fd);
	assert_int_equal(metric("failed", "looks"), 9);
	publish(2, "default to any\nallow");
	assert_int_equal(serial_now(), 2);
}

static void
answer_no(uint16_t type, uint32_t conn, const struct ipc_result *m)
{
	uint8_t out[16];
	int n = ipc_encode_result(out, sizeof(out), m);

	assert_int_equal(
	    channel_send(broker, type, conn, out, (size_t)n, -1), 0);
	warden_on_broker(w, LOOP_READ);
}

/* What is asked for cannot be started, or does not end. */
static void
no_processes(void **state)
{
	struct make_file files[] = {
		{BUNDLE_RULES "a.rules", "default to any\nallow"},
		{NULL, NULL}};
	struct manifest m = manifest_of(2);
	uint32_t conn, killed;
	uint8_t *bytes;
	char *sigs;
	size_t len;
	int none;

	(void)state;
	publish(1, "default to any\nallow");
	bundles_look(w);
	assert_int_equal(asked_for(IPC_FETCHER, &conn, &none), 0);
	answer_no(IPC_FETCHING, conn + 1, &(struct ipc_result){.err = ERR_LIMIT});
	assert_string_equal(w->bundles->error, ""); /* of another one */
	answer_no(IPC_FETCHING, conn, &(struct ipc_result){.err = ERR_LIMIT});
	assert_failed(1, err_str(ERR_LIMIT));
	bundles_look(w);
	assert_int_equal(asked_for(IPC_FETCHER, &conn, &none), 0);
	bundles_look(w); /* again, when this one is over */
	answer_no(IPC_FETCHING, conn,
	    &(struct ipc_result){.err = ERR_SYS, .sys = ENFILE});
	assert_failed(1, strerror(ENFILE));
	/* it hangs */
	assert_int_equal(asked_for(IPC_FETCHER, &conn, &none), 0);
	loop_timer_set(w->bundles->fetch.limit, 0);
	assert_int_equal(asked_for(IPC_KILL, &killed, &none), 0);
	assert_int_equal(killed, conn);
	assert_failed(1, "it took too long");
	/* so does the trial */
	bytes = make_bundle(&m, files, &len);
	sigs = make_signatures(bytes, len, 1);
	bring(bytes, len, sigs);
	assert_int_equal(asked_for(IPC_TRIAL, &conn, &none), 0);
	close_fd(&none);
	bundles_look(w);
	loop_timer_set(w->bundles->trial.limit, 0);
	assert_int_equal(asked_for(IPC_KILL, &killed, &none), 0);
	assert_int_equal(killed, conn);
	assert_failed(1, "did not come to an end");
	answer_look(bytes, len, sigs);
	assert_int_equal(asked_for(IPC_TRIAL, &conn, &none), 0);
	close_fd(&none);
	answer_no(IPC_TRYING, conn, &(struct ipc_result){.err = ERR_LIMIT});
	assert_failed(1, "cannot be run");
	assert_int_equal(metric("later", "looks"), 1);
	/* its tests pass, and yet */
	bring(bytes, len, sigs);
	judge_trial(&(struct ipc_tried){.err = ERR_FORMAT});
	assert_failed(1, "does not compile by itself");
	bring(bytes, len, sigs);
	judge_trial(&passes);
	assert_int_equal(serial_now(), 2);
	free(bytes);
	free(sigs);
}

/* No room on the disk: what cannot be kept does not take effect. */
static void
no_disk(void **state)
{
	char path[80];

	(void)state;
	publish(1, "default to any\nallow");
	/* a directory where the slot's file would be made */
	(void)snprintf(path, sizeof(path), "%s/bundle-b.tar.new", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	publish(2, "default to any\nblock");
	assert_failed(1, "write to ");
	assert_int_equal(try("a", 0), 0);
	assert_int_equal(rmdir(path), 0);
	publish(2, "default to any\nblock");
	assert_int_equal(serial_now(), 2);
	assert_int_equal(try("a", 0), ERR_NOENT);
}

/* ------------------------------------------------------------------------ */
/* On disk                                                                  */

static void
spoil(const char *name, const char *text)
{
	char path[80];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "r+");
	assert_non_null(f);
	(void)fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void
kept(void **state)
{
	(void)state;
	publish(3, "default to any\nallow");
	publish(4, "default to any\nallow # and more");
	restart();
	assert_int_equal(serial_now(), 4);
	assert_int_equal(try("a", 0), 0);
	/* no way back, also after a restart */
	publish(3, "default to any\nallow");
	assert_failed(4, "a higher one");
	/* the current one is broken: the one before, and the floor stays */
	spoil(w->bundles->store.current == 0 ? "bundle-a.tar" : "bundle-b.tar",
	    "x");
	restart();
	assert_int_equal(serial_now(), 3);
	assert_int_equal(try("a", 0), 0);
	publish(4, "default to any\nallow # and more");
	assert_failed(3, "another bundle with this one");
	publish(5, "default to any\nallow");
	assert_int_equal(serial_now(), 5);
	/* the book of it is broken: the signatures say what is good */
	spoil("bundles.json", "]");
	restart();
	assert_int_equal(serial_now(), 5);
	publish(4, "default to any\nallow # and more");
	assert_failed(5, "a higher one");
}

static void
keys(void **state)
{
	struct manifest m = manifest_of(1);

	(void)state;
	m.next = make_ring(2, 1);
	publish_as(&m, "default to any\nallow", 1);
	assert_int_equal(serial_now(), 1);
	m = manifest_of(2);
	publish_as(&m, "default to any\nallow", 1);
	assert_failed(1, "0 of the keys");
	restart();
	publish_as(&m, "default to any\nallow", 2);
	assert_int_equal(serial_now(), 2);
	/* the operator has the last word: other keys, and what they did not sign
	 * is not in force any more */
	bundles_free(w);
	{
		FILE *f = fopen(keys_path, "w");

		assert_non_null(f);
		(void)fputs(make_public[2], f);
		assert_int_equal(fclose(f), 0);
	}
	start_bundles();
	assert_int_equal(policy_load(w), 0);
	assert_int_equal(serial_now(), 0);
	assert_int_equal(try("a", 0), ERR_NOENT);
	publish_as(&m, "default to any\nallow", 4);
	assert_failed(0, "another bundle with this one");
	m = manifest_of(3);
	publish_as(&m, "default to any\nallow", 4);
	assert_int_equal(serial_now(), 3);
}

/* ------------------------------------------------------------------------ */
/* Layers                                                                   */

static void
layers(void **state)
{
	struct manifest m = manifest_of(2);

	(void)state;
	write_rules("allow lease 1h"); /* alone it grants nothing */
	assert_int_equal(policy_replace(w, NULL, 0), 0);
	assert_int_equal(try("a", 0), ERR_NOENT);
	publish(1, "default to any\nallow via-port \"1-1\"");
	assert_int_equal(try("a", 0), 0);
	assert_int_equal(try("a", 1), ERR_NOENT);
	assert_int_equal(rules_idle(w->rules), 1);
	use_rules("block via-port \"1-1\"");
	assert_int_equal(try("a", 0), ERR_NOENT);
	use_rules("allow");
	/* the bundle lets it: what it does not speak of is local business */
	m.is_delegate = 1;
	publish_as(&m, "default to any\nallow via-port \"1-1\"", 1);
	assert_int_equal(try("a", 1), 0);
	/* and when it no more does, local files that grant do not keep it out */
	assert_int_equal(import(0, "a", 1), 0);
	publish(3, "default to any\nallow via-port \"1-1\"");
	assert_int_equal(serial_now(), 3);
	assert_true(is_over(0));
}

/* ------------------------------------------------------------------------ */
/* Time                                                                     */

static void
expires(void **state)
{
	struct manifest m = manifest_of(1);

	(void)state;
	m.expires = wall + 10;
	m.grace = 20;
	publish_as(&m, "default to any\nallow via-port \"1-1\" lease 40s\n"
		       "allow via-port \"1-2\"", 1);
	assert_int_equal(import(0, "a", 0), 0);
	assert_int_equal(import(1, "b", 1), 0);
	pass(15);
	assert_false(is_over(1));
	leave(1);
	assert_int_equal(import(1, "b", 1), 0); /* in its grace */
	pass(15);
	/* one without an end of its own ends with it; the other runs out, and
	 * nothing is given any more */
	assert_true(is_over(1));
	leave(1);
	assert_false(is_over(0));
	assert_int_equal(try("b", 1), ERR_NOENT);
	pass(9);
	assert_false(is_over(0));
	pass(2);
	assert_true(is_over(0));
	/* a clock that is set back revives nothing */
	leave(0);
	wall -= 100;
	m = manifest_of(2);
	assert_int_equal(bundles_is_over(w), 0); /* but since it was taken */
	wall += 100;
	publish(2, "default to any\nallow");
	assert_int_equal(try("b", 1), 0);
}

static void
confirms(void **state)
{
	json_t *o;

	(void)state;
	publish(1, "default to any\nallow");
	w->conf.bundle_confirm = 30;
	publish(2, "default to any\nblock");
	assert_int_equal(serial_now(), 2);
	assert_int_equal(try("a", 0), ERR_NOENT);
	o = bundles_json(w);
	assert_true(json_is_false(json_object_get(o, "confirmed")));
	json_decref(o);
	/* meanwhile no other one */
	publish(3, "default to any\nallow");
	assert_failed(2, "waits until what is in force is confirmed");
	/* nobody does: its time is over, as the timer says it */
	loop_timer_set(w->rollback, 0);
	turn();
	assert_int_equal(serial_now(), 1);
	assert_int_equal(try("a", 0), 0);
	publish(2, "default to any\nblock");
	assert_failed(1, "nobody confirmed it");
	publish(4, "default to any\nblock");
	assert_int_equal(policy_confirm(w), 0);
	restart();
	assert_int_equal(serial_now(), 4);
	/* a restart is no yes */
	publish(5, "default to any\nallow");
	assert_int_equal(serial_now(), 5);
	(void)policy_confirm(w);
	publish(6, "default to any\nallow");
	restart();
	assert_int_equal(serial_now(), 5);
}

/* ------------------------------------------------------------------------ */
/* Discovery                                                                */

/* It comes from the source, and rules of that serial from where it leads to. */
static void
discover(const struct manifest *m, int64_t serial, const char *url)
{
	struct make_file files[] = {
		{BUNDLE_RULES "a.rules", "default to any\nallow"},
		{NULL, NULL}};
	struct manifest rules = manifest_of(serial);
	size_t len;
	uint8_t *bytes = make_bundle(m, files + 1, &len);
	char *sigs = make_signatures(bytes, len, 1);

	bring(bytes, len, sigs);
	assert_string_equal(order.source, source);
	free(bytes);
	free(sigs);
	bytes = make_bundle(&rules, files, &len);
	sigs = make_signatures(bytes, len, 1);
	answer_look(bytes, len, sigs);
	assert_string_equal(order.source, url);
	judge_trial(&passes);
	settle();
	free(bytes);
	free(sigs);
	assert_int_equal(serial_now(), serial);
	assert_string_equal(w->bundles->error, "");
}

static void
discovers(void **state)
{
	struct manifest_target targets[] = {
		{.labels = {"site=b"}, .nlabels = 1, .url = "https://b/x.tar"},
		{.labels = {"hall"}, .nlabels = 1, .url = "https://h/x.tar"},
		{.nlabels = 0, .url = "https://all/x.tar"},
	};
	struct manifest m = manifest_of(1);
	char *labels[] = {(char *)(uintptr_t) "hall"};

	(void)state;
	w->conf.bundle_labels.v = labels;
	w->conf.bundle_labels.n = 1;
	m.kind = MANIFEST_DISCOVERY;
	m.targets = targets;
	m.ntargets = 3;
	/* its target's turn comes in the same round */
	discover(&m, 7, "https://h/x.tar");
	assert_int_equal(serial_now(), 7);
	assert_int_equal(trials, 1);
	assert_string_equal(w->bundles->store.url, "https://h/x.tar");
	assert_true(audited("bundle", "\"serial\":\"7\""));
	/* an older one leads nowhere, also after a restart */
	restart();
	assert_string_equal(w->bundles->store.url, "https://h/x.tar");
	m.serial = 2;
	discover(&m, 8, "https://h/x.tar");
	m.serial = 1;
	publish_as(&m, NULL, 1);
	assert_failed(8, "a higher one was taken before");
	/* the same again, elsewhere: what is there counts */
	m.serial = 3;
	labels[0] = (char *)(uintptr_t) "other";
	discover(&m, 9, "https://all/x.tar");
	/* nothing is for this gateway */
	m.serial = 4;
	m.ntargets = 2;
	publish_as(&m, NULL, 1);
	assert_failed(9, "nothing for the labels");
	/* rules from the source itself: no discovery any more */
	publish(10, "default to any\nallow");
	assert_int_equal(serial_now(), 10);
	assert_string_equal(w->bundles->store.url, "");
	w->conf.bundle_labels.n = 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(taken, start, stop),
		cmocka_unit_test_setup_teardown(waits, start, stop),
		cmocka_unit_test_setup_teardown(ejects, start, stop),
		cmocka_unit_test_setup_teardown(fetcher_lies, start, stop),
		cmocka_unit_test_setup_teardown(no_processes, start, stop),
		cmocka_unit_test_setup_teardown(refused, start, stop),
		cmocka_unit_test_setup_teardown(no_disk, start, stop),
		cmocka_unit_test_setup_teardown(kept, start, stop),
		cmocka_unit_test_setup_teardown(keys, start, stop),
		cmocka_unit_test_setup_teardown(layers, start, stop),
		cmocka_unit_test_setup_teardown(expires, start, stop),
		cmocka_unit_test_setup_teardown(confirms, start, stop),
		cmocka_unit_test_setup_teardown(discovers, start, stop),
	};

	log_init("test_bundles");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
