/*
 * What the warden counts and tells: by its real sessions, rules and control
 * socket. `test_metrics serve SOCKET' is a gateway for test_metrics.sh to ask,
 * whose numbers grow; with `asks' behind it one whose ask waits and ends.
 */
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/digest.h"
#include "proxy/metrics/metrics.h"
#include "proxy/warden/bundles.h"
#include "proxy/warden/upstream.h"
#include "tests/unit/lease_body.h"

static void
tell_tally(unsigned i, const struct tally *tally)
{
	uint8_t buf[TALLY_WIRE];
	int n = tally_encode(buf, sizeof(buf), tally);

	assert_int_equal(n, TALLY_WIRE);
	assert_int_equal(
	    channel_send(ends[i], IPC_TALLY, 0, buf, (size_t)n, -1), 0);
	settle();
}

static void
tell_refused(unsigned i, const char *rule)
{
	struct ipc_refused m = {.text = "x"};
	static uint8_t buf[1024];
	int n;

	(void)snprintf(m.rule, sizeof(m.rule), "%s", rule);
	n = ipc_encode_refused(buf, sizeof(buf), &m);
	assert_true(n > 0);
	assert_int_equal(
	    channel_send(ends[i], IPC_REFUSED, 0, buf, (size_t)n, -1), 0);
	settle();
}

static void
urb(struct tally *tally, uint64_t us, uint64_t bytes)
{
	tally->urbs++;
	tally->bytes_in += bytes;
	tally_time(&tally->wait, us * 1000 / 10);
	tally_time(&tally->took, us * 1000);
}

/* The text for Prometheus, of what the warden answers now. */
static char *
text_now(void)
{
	json_t *o = control_metrics(w, NULL);
	char *text = metrics_text(o);

	json_decref(o);
	assert_non_null(text);
	return text;
}

static int
says(const char *line)
{
	char *text = text_now();
	int is = strstr(text, line) != NULL;

	if (!is) {
		print_error("%s\nis not in\n%s\n", line, text);
	}
	free(text);
	return is;
}

/* ------------------------------------------------------------------------ */

static void
test_tallies(void **state)
{
	struct tally tally = {.open = 3};

	(void)state;
	use_rules("allow id *:*");
	assert_true(says("\nsallyport_urbs_total 0\n"));
	assert_int_equal(import(0, "one", 0), 0);
	urb(&tally, 90, 1000);
	urb(&tally, 900, 500);
	tally.bytes_out = 7;
	tell_tally(0, &tally);
	assert_true(says("\nsallyport_urbs_total 2\n"));
	assert_true(says("\nsallyport_urbs_open 3\n"));
	assert_true(says("\nsallyport_bytes_total{direction=\"in\"} 1500\n"));
	assert_true(says("\nsallyport_bytes_total{direction=\"out\"} 7\n"));
	assert_true(says("\nsallyport_urb_seconds_bucket{le=\"0.0001\"} 1\n"));
	assert_true(says("\nsallyport_urb_seconds_bucket{le=\"0.001\"} 2\n"));
	assert_true(says("\nsallyport_urb_seconds_bucket{le=\"+Inf\"} 2\n"));
	assert_true(says("\nsallyport_urb_seconds_sum 0.000990000\n"));
	assert_true(says("\nsallyport_urb_seconds_count 2\n"));
	assert_true(says("\nsallyport_sessions{state=\"streaming\"} 1\n"));
	assert_true(says("\nsallyport_leases 1\n"));
	assert_true(says("\nsallyport_imports_total 1\n"));
	/* the next one, of the same session and of another */
	urb(&tally, 90, 1);
	tally.open = 0;
	tell_tally(0, &tally);
	assert_int_equal(import(1, "two", 1), 0);
	tally = (struct tally){0};
	urb(&tally, 5000000, 1);
	tell_tally(1, &tally);
	assert_true(says("\nsallyport_urbs_total 4\n"));
	assert_true(says("\nsallyport_urbs_open 0\n"));
	assert_true(says("\nsallyport_urb_seconds_bucket{le=\"1\"} 3\n"));
	assert_true(says("\nsallyport_urb_seconds_bucket{le=\"+Inf\"} 4\n"));
	/* a session takes nothing with it when it goes */
	leave(0);
	assert_true(says("\nsallyport_urbs_total 4\n"));
	assert_true(says("\nsallyport_sessions{state=\"streaming\"} 1\n"));
}

static long long
of_session(const char *name)
{
	json_t *o = control_sessions(w, NULL), *e;
	long long n = -1;
	size_t i;

	json_array_foreach (json_object_get(o, "sessions"), i, e) {
		if (json_object_get(e, "busid") != NULL) {
			n = (long long)json_integer_value(
			    json_object_get(e, name));
		}
	}
	json_decref(o);
	return n;
}

/* A second's worth, however often it tells, and nothing when it is silent. */
static void
test_rates(void **state)
{
	struct tally tally = {.open = 3};

	(void)state;
	use_rules("allow id *:*");
	assert_int_equal(import(0, "one", 0), 0);
	assert_int_equal(of_session("in_s"), 0);
	for (unsigned i = 0; i < 41; i++) {
		mono += 100 * CLOCK_MSEC;
		tally.urbs += 10;
		tally.bytes_in += 1000;
		tally.bytes_out += 50;
		tell_tally(0, &tally);
	}
	assert_int_equal(of_session("in_s"), 10000);
	assert_int_equal(of_session("out_s"), 500);
	assert_int_equal(of_session("urbs_s"), 100);
	assert_int_equal(of_session("urbs"), 410);
	assert_int_equal(of_session("bytes_in"), 41000);
	assert_int_equal(of_session("open"), 3);
	mono += 3 * CLOCK_SEC;
	assert_int_equal(of_session("in_s"), 0);
	assert_int_equal(of_session("bytes_in"), 41000);
	/* it was silent, and what came now came in a second at most */
	mono += 60 * CLOCK_SEC;
	tally.bytes_in += 700;
	tell_tally(0, &tally);
	assert_int_equal(of_session("in_s"), 700);
}

/* One that lies is ended, and changes nothing. */
static void
test_lies(void **state)
{
	struct tally tally = {.urbs = 5, .bytes_in = 10};
	uint8_t buf[TALLY_WIRE + 1] = {0};

	(void)state;
	use_rules("allow id *:*");
	assert_int_equal(import(0, "one", 0), 0);
	tell_tally(0, &tally);
	assert_false(is_over(0));
	tally.bytes_in = 9; /* less than it was */
	tell_tally(0, &tally);
	assert_true(is_over(0));
	assert_int_equal(import(1, "two", 1), 0);
	tally = (struct tally){.urbs = 1};
	tally.took.steps[0] = 2; /* more times than URBs */
	tell_tally(1, &tally);
	assert_true(is_over(1));
	assert_true(says("\nsallyport_urbs_total 5\n"));
	/* numbers that add up to nothing */
	tally = (struct tally){.urbs = UINT64_MAX};
	assert_int_equal(tally_encode(buf, sizeof(buf), &tally), TALLY_WIRE);
	assert_int_equal(tally_decode(&tally, buf, TALLY_WIRE), ERR_FORMAT);
	memset(buf, 0, sizeof(buf));
	assert_int_equal(tally_decode(&tally, buf, TALLY_WIRE), 0);
	assert_int_equal(tally_decode(&tally, buf, TALLY_WIRE + 1), ERR_FORMAT);
	assert_int_equal(tally_decode(&tally, buf, TALLY_WIRE - 1), ERR_FORMAT);
	assert_int_equal(
	    tally_encode(buf, TALLY_WIRE - 1, &tally), ERR_NOMEM);
	/* without a device there is nothing to count */
	(void)connect_as(2, "three");
	tally = (struct tally){.urbs = 1};
	tell_tally(2, &tally);
	assert_true(is_over(2));
}

static void
test_refusals(void **state)
{
	char name[32];

	(void)state;
	use_rules("allow id *:* to \"cn:one\"\nblock id *:* key \"K-1\"");
	assert_int_equal(import(0, "one", 0), 0);
	assert_int_equal(try("two", 1), ERR_NOENT);
	tell_refused(0, "urb.length");
	tell_refused(0, "urb.length");
	tell_refused(0, "evil\"\n\\x");
	assert_true(says("\nsallyport_refusals_total{by=\"floor\","
			 "rule=\"urb.length\"} 2\n"));
	assert_true(says("\nsallyport_refusals_total{by=\"rule\","
			 "rule=\"K-1\"} 1\n"));
	assert_true(says("rule=\"evil_"));
	assert_true(says("\nsallyport_tls_failures_total 0\n"));
	metrics_refused(&w->metrics, METRICS_BY_HANDSHAKE, "tls.alert", 4);
	assert_true(says("\nsallyport_tls_failures_total 4\n"));
	/* whoever thinks of many names gets no memory for them */
	for (unsigned i = 0; i < 2 * METRICS_NAMES; i++) {
		(void)snprintf(name, sizeof(name), "made.up.%u", i);
		metrics_refused(&w->metrics, METRICS_BY_FLOOR, name, 1);
	}
	assert_int_equal(w->metrics.nnames, METRICS_NAMES);
	(void)snprintf(name, sizeof(name), "rule=\"other\"} %u\n",
	    METRICS_NAMES + 4);
	assert_true(says(name));
	metrics_refused(&w->metrics, METRICS_BY_FLOOR, "urb.length", 1);
	assert_true(says("rule=\"urb.length\"} 3\n"));
}

static void
test_policy(void **state)
{
	char line[96];

	(void)state;
	use_rules("allow id *:*");
	(void)snprintf(line, sizeof(line),
	    "\nsallyport_policy_loaded_timestamp_seconds %lld\n",
	    (long long)MONDAY);
	assert_true(says(line));
	assert_true(says("\nsallyport_policy_rules 1\n"));
	assert_true(says("\nsallyport_policy_last_load_failed 0\n"));
	write_rules("nonsense");
	assert_int_not_equal(policy_replace(w, NULL, 0), 0);
	assert_true(says("\nsallyport_policy_last_load_failed 1\n"));
	assert_true(says("\nsallyport_policy_load_failures_total 1\n"));
	assert_true(says("\nsallyport_policy_rules 1\n"));
	assert_true(says("\nsallyport_audit_failing 0\n"));
}

/* What bundles and upstream say, as families; nothing of it without them. */
static void
test_sources(void **state)
{
	json_t *o = json_loads("{\"bundle\":{\"serial\":7,\"revision\":"
			       "\"2026-11\",\"phase\":\"valid\",\"taken\":11,"
			       "\"expires\":12,\"grace_ends\":13,"
			       "\"checked\":14,\"failing\":1,\"looks\":{"
			       "\"fine\":3,\"failed\":2}},\"upstream\":{"
			       "\"posts\":{\"taken\":5,\"too large\":1},"
			       "\"sent\":70,\"lost\":4,\"failing\":0}}",
	    0, NULL);
	char *text = metrics_text(o);

	(void)state;
	assert_non_null(strstr(text, "\nsallyport_bundle_info{revision="
				     "\"2026-11\",phase=\"valid\"} 1\n"));
	assert_non_null(strstr(text, "\nsallyport_bundle_serial 7\n"));
	assert_non_null(strstr(
	    text, "\nsallyport_bundle_expiry_timestamp_seconds 12\n"));
	assert_non_null(strstr(
	    text, "\nsallyport_bundle_grace_end_timestamp_seconds 13\n"));
	assert_non_null(strstr(text, "\nsallyport_bundle_last_look_failed 1\n"));
	assert_non_null(strstr(text, "# TYPE sallyport_bundle_looks_total "
				     "counter\n"));
	assert_non_null(strstr(
	    text, "\nsallyport_bundle_looks_total{result=\"failed\"} 2\n"));
	assert_non_null(strstr(text,
	    "\nsallyport_upstream_posts_total{result=\"too large\"} 1\n"));
	assert_non_null(strstr(text, "\nsallyport_upstream_lines_total 70\n"));
	assert_non_null(
	    strstr(text, "\nsallyport_upstream_lost_lines_total 4\n"));
	assert_null(strstr(text, "sallyport_upstream_waiting_lines"));
	free(text);
	json_decref(o);
	text = text_now();
	assert_null(strstr(text, "sallyport_bundle"));
	assert_null(strstr(text, "sallyport_upstream"));
	free(text);
}

/* A gateway that is not there, and one that says other things. */
static void
test_texts(void **state)
{
	char *text = metrics_text(NULL);
	json_t *o = json_loads("{\"ok\":true,\"urbs\":[],\"refusals\":{},"
			       "\"sessions\":7,\"leases\":\"x\",\"audit\":null,"
			       "\"version\":\"a\\\"b\\\\c\\nd\"}", 0, NULL);

	(void)state;
	assert_string_equal(text,
	    "# HELP sallyport_up Whether the gateway answers.\n"
	    "# TYPE sallyport_up gauge\nsallyport_up 0\n");
	free(text);
	text = metrics_text(o);
	assert_non_null(strstr(text, "{version=\"a\\\"b\\\\c d\"} 1\n"));
	assert_null(strstr(text, "sallyport_leases"));
	assert_null(strstr(text, "sallyport_sessions{"));
	free(text);
	json_decref(o);
}

/* ------------------------------------------------------------------------ */
/* A gateway to ask                                                         */

static volatile sig_atomic_t is_stopped;

static void
on_signal(int signo)
{
	(void)signo;
	is_stopped = 1;
}

/* Somebody asks for what needs a yes, of which five times as fast a clock soon
 * makes a no. */
static void
serve_asks(void)
{
	use_rules("allow id *:* to \"cn:two\" approve by \"boss\" within 12s");
	assert_int_equal(try("two", 1), ERR_NOENT);
	for (unsigned i = 0; i < 12000 && !is_stopped; i++) {
		(void)poll(NULL, 0, 5);
		mono += 25 * CLOCK_MSEC;
		if (i % 8 == 0) {
			leases_tick(w);
		}
		settle();
	}
}

/* Somebody publishes for it, and somebody has its lines. */
static char somewhere[] = "https://example";

static void
begin_sources(struct bundles *b, struct bundle *now, struct upstream *u)
{
	*now = (struct bundle){.manifest = {.serial = 7,
				   .revision = "2026-11",
				   .not_before = MONDAY - 60,
				   .expires = MONDAY + 86400 * 7,
				   .grace = 3600}};
	b->now = now;
	b->phase = MANIFEST_VALID;
	b->store.slots[0].taken = MONDAY - 30;
	b->checked = MONDAY * CLOCK_SEC;
	u->reader = (struct upstream_reader){.audit = &w->audit, .fd = -1};
	(void)digest_hex(u->reader.mark.chain, IPC_CHAIN,
	    w->audit.chain->chain.id, CHAIN_ID);
	u->taken_at = MONDAY * CLOCK_SEC;
	w->conf.bundle_source = w->conf.upstream_url = somewhere;
	w->bundles = b;
	w->upstream = u;
}

static void
count_sources(void)
{
	w->bundles->fetch.looks[LOOK_FINE]++;
	w->bundles->fetch.looks[LOOK_FAILED]++;
	w->upstream->posts[POST_TAKEN]++;
	w->upstream->reader.mark.sent += 3;
	w->upstream->taken.sent += 3;
}

static int
serve(const char *path, int has_asks)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct tally tally = {.open = 2};
	struct bundles bundles = {0};
	struct upstream upstream = {0};
	struct bundle now;
	void *state = NULL;

	assert_true(strlen(path) < sizeof(at.sun_path));
	memcpy(at.sun_path, path, strlen(path) + 1);
	setup(&state);
	w->control_fd =
	    socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(
	    bind(w->control_fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(w->control_fd, 16), 0);
	assert_int_equal(chmod(path, 0666), 0);
	w->roles = (struct roles){
	    {(gid_t)-1, 65534, (gid_t)-1, (gid_t)-1, (gid_t)-1}};
	assert_int_equal(control_start(w), 0);
	if (has_asks) {
		serve_asks();
		goto out;
	}
	use_rules("allow id *:* to \"cn:one\"\nblock id *:*");
	assert_int_equal(import(0, "one", 0), 0);
	w->expiry.cert_until = MONDAY + 86400;
	w->expiry.crl_until = MONDAY + 3600;
	begin_sources(&bundles, &now, &upstream);
	/* nobody who forgot it keeps it */
	for (unsigned i = 0; i < 12000 && !is_stopped; i++) {
		urb(&tally, 80 + i % 400, 512);
		tally.bytes_out += 64;
		tell_tally(0, &tally);
		if (i % 8 == 0) {
			tell_refused(0, "urb.length");
			metrics_refused(&w->metrics, METRICS_BY_HANDSHAKE,
			    "tls.alert", 1);
			w->callers.turned_away++;
			w->metrics.sessions++;
			w->metrics.ejected++;
			count_sources();
		}
		(void)poll(NULL, 0, 5);
		mono += 5 * CLOCK_MSEC;
		settle();
	}
out:
	loop_io_free(w->control_io);
	close_fd(&w->control_fd);
	(void)unlink(path);
	w->bundles = NULL;
	w->upstream = NULL;
	return teardown(&state);
}

int
main(int argc, char **argv)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_tallies),
		TEST(test_rates),
		TEST(test_lies),
		TEST(test_refusals),
		TEST(test_policy),
		TEST(test_sources),
		TEST(test_texts),
	};

	log_init("test_metrics");
	if (argc >= 3 && strcmp(argv[1], "serve") == 0) {
		(void)signal(SIGTERM, on_signal);
		return serve(argv[2], argc == 4);
	}
	return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
