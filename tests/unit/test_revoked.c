/*
 * A new CRL and those who are connected: the warden's own sessions, leases and
 * book, a broker that is a socket, a clock that the test turns, and lists that a
 * real CA signed.
 */
#include "tests/unit/lease_body.h"

#include "base/sealed.h"
#include "base/x509.h"
#include "tests/fake/pki.h"

#define FOREVER "491231235959Z"

static struct pki_cert ca, twin, kiosk, desk;
static struct x509_facts kiosk_facts, desk_facts;
static const struct pki_cert *const the_kiosk[] = {&kiosk};

/* How many questions for the CRL came; *always is what the last one said. */
static unsigned
asked(uint8_t *always)
{
	static uint8_t buf[CHANNEL_HEADER + CHANNEL_MAX];
	struct channel_msg msg;
	unsigned n = 0;

	while (channel_recv(broker, buf, sizeof(buf), &msg) == 0) {
		if (msg.type == IPC_CRL) {
			assert_int_equal(msg.len, 1);
			*always = msg.data[0];
			n++;
		}
		close_fd(&msg.fd);
	}
	return n;
}

static void
turn(unsigned ms)
{
	mono += ms * CLOCK_MSEC;
	revoked_tick(w);
	revoked_leave(w);
	settle();
}

/* What the broker says; takes fd, the list. */
static void
tell(const struct ipc_crl *m, int fd)
{
	static uint8_t out[CHANNEL_MAX];
	int n = ipc_encode_crl(out, sizeof(out), m);

	revoked_tick(w); /* it has asked */
	assert_true(n > 0);
	assert_int_equal(
	    channel_send(broker, IPC_CRL_IS, 0, out, (size_t)n, fd), 0);
	close_fd(&fd);
	warden_on_broker(w, LOOP_READ);
	settle();
}

static void
tell_text(const uint8_t *text, size_t len)
{
	int fd;

	assert_int_equal(sealed_new(&fd, text, len), 0);
	tell(&(struct ipc_crl){.ca = ca.pem, .ca_len = (uint32_t)ca.pem_len},
	    fd);
}

/* A list of that CA that revokes the kiosk, or nobody. */
static void
tell_list(const struct pki_cert *by, const char *from, const char *to,
    int is_revoked)
{
	struct pki_list how = {.ca = by,
	    .from = from,
	    .to = to,
	    .revoked = the_kiosk,
	    .nrevoked = is_revoked ? 1 : 0};
	size_t len;
	uint8_t *text = pki_make_list(&how, &len);

	tell_text(text, len);
	free(text);
}

static void
watch_as(unsigned i, const struct x509_facts *facts)
{
	(void)connect_with(i, facts);
	assert_int_equal(
	    channel_send(ends[i], IPC_SUBSCRIBE, 0, NULL, 0, -1), 0);
	settle();
}

static void
import_as(unsigned i, const struct x509_facts *facts, unsigned dev)
{
	(void)connect_with(i, facts);
	assert_int_equal(import_now(i, dev, 0), 0);
}

/* How many lines of the audit log have both in them. */
static unsigned
lines_with(const char *a, const char *b)
{
	char line[8192];
	FILE *f = fopen(audit_path, "r");
	unsigned n = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		n += strstr(line, a) != NULL && strstr(line, b) != NULL;
	}
	(void)fclose(f);
	return n;
}

/* Whether it is told a line with that in it; reads all that it was told. */
static int
is_told(unsigned i, const char *what)
{
	static uint8_t buf[CHANNEL_HEADER + CHANNEL_MAX];
	struct channel_msg msg;
	int found = 0;

	while (channel_recv(ends[i], buf, sizeof(buf), &msg) == 0) {
		found |= msg.type == IPC_LINE &&
		    memmem(msg.data, msg.len, what, strlen(what)) != NULL;
		close_fd(&msg.fd);
	}
	return found;
}

static int
start(void **state)
{
	setup(state);
	w->conf.crl = (char *)(uintptr_t) "/crl.pem";
	assert_int_equal(revoked_start(w), 0);
	loop_timer_stop(w->crl_poll); /* by hand here */
	use_rules("allow hold 2m");
	return 0;
}

static int
stop(void **state)
{
	revoked_free(w);
	return teardown(state);
}

/* ------------------------------------------------------------------------ */
/* Who has to go                                                            */

static void
test_streaming(void **state)
{
	char serial[64] = "\"serial\":\"";

	(void)state;
	import_as(0, &kiosk_facts, 0);
	import_as(1, &desk_facts, 1);
	tell_list(&ca, NULL, FOREVER, 0);
	assert_false(is_over(0));
	tell_list(&ca, NULL, FOREVER, 1);
	assert_true(is_over(0));
	assert_false(is_over(1));
	(void)snprintf(serial + strlen(serial), 4, "%02x",
	    kiosk_facts.serial[0]);
	assert_int_equal(lines_with("\"outcome\":\"revoked\"",
			     "\"reason\":\"certificate revoked\""),
	    1);
	assert_int_equal(
	    lines_with("\"event\":\"session\",\"outcome\":\"revoked\"", serial),
	    1);
	assert_int_equal(lines_with("\"crl\",\"outcome\":\"loaded\"",
			     "\"revoked\":\"1\""),
	    1);
	/* no hold follows */
	leave(0);
	assert_false(device_is_held_from(&devs[0], NULL));
	import_as(2, &desk_facts, 0);
	/* one that asks later, after an older list let it in */
	(void)connect_with(0, &kiosk_facts);
	assert_true(is_over(0));
	leave(0);
	/* and when the list has it no more, it is let in again */
	tell_list(&ca, NULL, FOREVER, 0);
	(void)connect_with(0, &kiosk_facts);
	assert_false(is_over(0));
}

static void
test_watching(void **state)
{
	static const char text[] =
	    "{\"type\":\"message\",\"text\":\"certificate revoked\"}";

	(void)state;
	watch_as(0, &kiosk_facts);
	watch_as(1, &desk_facts);
	import_as(2, &kiosk_facts, 0);
	assert_false(is_told(0, "revoked"));
	tell_list(&ca, NULL, FOREVER, 1);
	/* the device is gone at once, and the person hears of both */
	assert_true(is_over(2));
	assert_false(is_over(0));
	assert_true(is_told(0, text));
	assert_false(is_told(1, "revoked"));
	/* nothing more is said */
	leave(2);
	use_rules("block");
	assert_false(is_told(0, "type"));
	assert_true(is_told(1, "gone"));
	turn(100);
	assert_false(is_over(0));
	turn(150);
	assert_true(is_over(0));
	assert_false(is_over(1));
	assert_int_equal(lines_with("\"session\",\"outcome\":\"revoked\"", ""), 2);
}

static void
test_holds(void **state)
{
	struct x509_facts renewed = kiosk_facts;

	(void)state;
	import_as(0, &kiosk_facts, 0);
	leave(0);
	renewed.serial[0] ^= 0x11;
	import_as(0, &renewed, 1);
	leave(0);
	assert_true(device_is_held_from(&devs[0], NULL));
	assert_true(device_is_held_from(&devs[1], NULL));
	tell_list(&ca, NULL, FOREVER, 1);
	/* of the same identity, but the other certificate is good */
	assert_false(device_is_held_from(&devs[0], NULL));
	assert_true(device_is_held_from(&devs[1], NULL));
	assert_int_equal(lines_with("\"hold\",\"outcome\":\"revoked\"", "1-1"), 1);
	/* one that is found on disk */
	tell_list(&ca, NULL, FOREVER, 0);
	import_as(0, &kiosk_facts, 0);
	leave(0);
	restart_book();
	assert_true(device_is_held_from(&devs[0], NULL));
	assert_true(device_is_held_from(&devs[1], NULL));
	tell_list(&ca, NULL, FOREVER, 1);
	assert_false(device_is_held_from(&devs[0], NULL));
	assert_true(device_is_held_from(&devs[1], NULL));
}

/* ------------------------------------------------------------------------ */
/* Which lists count                                                        */

static int
error_is(const char *text)
{
	json_t *o = control_status(w, NULL);
	const char *error =
	    json_string_value(json_object_get(o, "crl_error"));
	int is = error != NULL &&
	    (*text == '\0' ? *error == '\0' : strstr(error, text) != NULL);

	json_decref(o);
	return is;
}

static void
test_broken(void **state)
{
	(void)state;
	import_as(0, &kiosk_facts, 0);
	assert_true(error_is(""));
	tell(&(struct ipc_crl){.err = ERR_NOENT}, -1);
	assert_true(error_is("cannot be read"));
	tell_text((const uint8_t *)"nonsense", 9);
	assert_true(error_is("CRL: it cannot be read as one"));
	tell_list(&twin, NULL, FOREVER, 1);
	assert_true(error_is("not properly signed"));
	tell_list(&ca, NULL, "260101000000Z", 1);
	assert_true(error_is("out of date since 2026-01-01"));
	assert_int_equal(lines_with("\"crl\",\"outcome\":\"failed\"",
			     "\"kept\":\"nothing\""),
	    4);
	assert_false(is_over(0));
	assert_int_equal(revoked_count(w), -1);
	tell_list(&ca, NULL, "261123090010Z", 0);
	assert_true(error_is(""));
	assert_int_equal(revoked_count(w), 0);
	tell_list(&twin, NULL, FOREVER, 1);
	assert_true(error_is("not properly signed"));
	assert_int_equal(lines_with("\"crl\",\"outcome\":\"failed\"",
			     "\"kept\":\"the list before\""),
	    1);
	assert_false(is_over(0));
	/* a good one ends it */
	tell_list(&ca, NULL, FOREVER, 1);
	assert_true(is_over(0));
	assert_true(error_is(""));
	/* and the verdict stays while the next one is broken */
	leave(0);
	tell(&(struct ipc_crl){.err = ERR_SYS, .sys = 13}, -1);
	assert_true(error_is("Permission denied"));
	(void)connect_with(0, &kiosk_facts);
	assert_true(is_over(0));
}

static void
test_times(void **state)
{
	(void)state;
	import_as(0, &desk_facts, 0);
	tell_list(&ca, NULL, "261123090010Z", 0);
	wall += 10;
	turn(250);
	assert_true(error_is(""));
	wall++;
	turn(250);
	assert_true(error_is("out of date since 2026-11-23 09:00:10"));
	turn(250);
	turn(250);
	assert_int_equal(lines_with("\"crl\",\"outcome\":\"failed\"", ""), 1);
	assert_false(is_over(0));
	/* the clock was wrong */
	wall -= 5;
	turn(250);
	assert_true(error_is(""));
	/* one that begins later waits for its time */
	import_as(1, &kiosk_facts, 1);
	tell_list(&ca, "261123100000Z", FOREVER, 1);
	assert_true(error_is("in the future"));
	turn(250);
	assert_false(is_over(1));
	wall = MONDAY + 3600;
	turn(250);
	assert_true(is_over(1));
	assert_true(error_is(""));
}

/* One question at a time, and whatever was asked for is asked. */
static void
test_questions(void **state)
{
	uint8_t always = 7;
	struct ipc_crl same = {.err = ERR_AGAIN};

	(void)state;
	turn(0); /* the first was asked at the start */
	assert_int_equal(asked(&always), 0);
	revoked_tick(w);
	revoked_tick(w);
	assert_int_equal(asked(&always), 0);
	tell(&same, -1);
	revoked_tick(w);
	revoked_tick(w);
	assert_int_equal(asked(&always), 1);
	assert_int_equal(always, 0);
	/* a reload meanwhile */
	revoked_read(w);
	assert_int_equal(asked(&always), 0);
	tell(&same, -1);
	revoked_tick(w);
	assert_int_equal(asked(&always), 1);
	assert_int_equal(always, 1);
	tell(&same, -1);
	revoked_read(w);
	assert_int_equal(asked(&always), 1);
	assert_int_equal(always, 1);
	assert_true(error_is(""));
	/* without a CRL it is asked for the certificate, and nothing fails */
	revoked_free(w);
	w->conf.crl = (char *)(uintptr_t) "";
	assert_int_equal(revoked_start(w), 0);
	loop_timer_stop(w->crl_poll);
	assert_int_equal(asked(&always), 1);
	tell(&(struct ipc_crl){.err = ERR_NOENT,
		 .cert = ca.pem,
		 .cert_len = (uint32_t)ca.pem_len},
	    -1);
	assert_int_equal(revoked_count(w), -1);
	assert_false(revoked_is(w, &kiosk_facts));
	assert_string_equal(revoked_error(w), "");
}

static void
issue(struct pki_cert *out, struct x509_facts *facts, const char *subject)
{
	struct pki_how how = {.subject = subject, .use = PKI_CLIENT};

	pki_issue(out, &ca, &how);
	assert_int_equal(x509_facts_of(facts, out->der, out->der_len, ca.pem,
			     ca.pem_len),
	    0);
}

static int
make_certs(void **state)
{
	struct pki_how how = {.subject = "CN=Lab CA", .use = PKI_CA};

	(void)state;
	pki_issue(&ca, NULL, &how);
	pki_issue(&twin, NULL, &how);
	issue(&kiosk, &kiosk_facts, "CN=kiosk");
	do { /* serial numbers are drawn */
		issue(&desk, &desk_facts, "CN=desk");
	} while (desk_facts.serial[0] == kiosk_facts.serial[0]);
	return 0;
}

#define T(name)                                                                \
	cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_streaming),
		T(test_watching),
		T(test_holds),
		T(test_broken),
		T(test_times),
		T(test_questions),
	};

	log_init("test_revoked");
	return cmocka_run_group_tests(tests, make_certs, NULL);
}
