/*
 * What ends soon is told in time: a certificate that a CA issued, a list's
 * dates, a clock that the test turns, and the log as people read it.
 */
#include "tests/unit/lease_body.h"

#include <fcntl.h>

#include "tests/fake/pki.h"

#define DAY INT64_C(86400)

static int log_fd = -1, stderr_before = -1;

/* What came since the last call. */
static const char *
logged(void)
{
	static char text[4096];
	ssize_t n = pread(log_fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	assert_int_equal(ftruncate(log_fd, 0), 0);
	return text;
}

static int
start(void **state)
{
	setup(state);
	log_fd = fileno(tmpfile());
	assert_int_not_equal(fcntl(log_fd, F_SETFL, O_APPEND), -1);
	stderr_before = dup(2);
	assert_int_equal(dup2(log_fd, 2), 2);
	return 0;
}

static int
stop(void **state)
{
	(void)dup2(stderr_before, 2);
	close_fd(&stderr_before);
	return teardown(state);
}

static void
days_pass(unsigned days)
{
	wall += (int64_t)days * DAY;
	expiry_tick(w);
}

static json_t *
status_of(const char *name)
{
	static json_t *o;

	json_decref(o);
	o = control_status(w, NULL);
	return json_object_get(o, name);
}

/* The gateway's own, which ends at `to', "20261224090000". */
static void
give_cert(const char *to)
{
	static struct pki_cert ca, cert;
	struct pki_how how = {.subject = "CN=Lab CA", .use = PKI_CA};

	pki_issue(&ca, NULL, &how);
	how = (struct pki_how){
		.subject = "CN=gw",
		.use = PKI_SERVER,
		.from = "20260101000000",
		.to = to};
	pki_issue(&cert, &ca, &how);
	expiry_on_cert(w, cert.pem, cert.pem_len);
}

static void
test_certificate(void **state)
{
	(void)state;
	assert_null(status_of("certificate_ends"));
	give_cert("20261224090000"); /* in 31 days */
	days_pass(0);
	assert_string_equal(logged(), "");
	assert_int_equal(json_integer_value(status_of("certificate_days")), 31);
	assert_true(json_is_false(status_of("certificate_soon")));
	assert_string_equal(json_string_value(status_of("certificate_ends")),
	    "2026-12-24T09:00:00.000Z");
	days_pass(1);
	assert_string_equal(logged(), "");
	wall++;
	expiry_tick(w); /* told within a day */
	assert_true(json_is_true(status_of("certificate_soon")));
	assert_string_equal(logged(), "");
	days_pass(1);
	assert_non_null(strstr(logged(),
	    "the gateway's certificate ends in 28 days, on 2026-12-24"));
	/* once a day */
	wall += DAY - 1;
	expiry_tick(w);
	assert_string_equal(logged(), "");
	wall++;
	expiry_tick(w);
	assert_non_null(strstr(logged(), "ends in 27 days"));
	/* or at once, when the clock is set */
	wall -= 10;
	expiry_tick(w);
	assert_non_null(strstr(logged(), "ends in 28 days"));
	/* the end */
	days_pass(28);
	assert_non_null(strstr(logged(), "ends in 0 days"));
	days_pass(1);
	assert_non_null(strstr(logged(), "ended on 2026-12-24"));
	assert_int_equal(json_integer_value(status_of("certificate_days")), -1);
	/* a new one */
	give_cert("20361224090000");
	expiry_tick(w);
	assert_string_equal(logged(), "");
	assert_true(json_is_false(status_of("certificate_soon")));
}

static void
test_no_certificate(void **state)
{
	(void)state;
	give_cert("20261224090000");
	assert_non_null(status_of("certificate_days"));
	expiry_on_cert(w, (const uint8_t *)"nonsense", 9);
	assert_null(status_of("certificate_days"));
	give_cert("20261224090000");
	expiry_on_cert(w, NULL, 0);
	assert_null(status_of("certificate_days"));
	days_pass(40);
	assert_string_equal(logged(), "");
}

/* Lists of a week are told of in their last third, others as certificates. */
static void
test_list(void **state)
{
	(void)state;
	assert_null(status_of("crl_ends"));
	expiry_on_crl(w, MONDAY, MONDAY + 9 * DAY);
	days_pass(6);
	assert_string_equal(logged(), "");
	assert_true(json_is_false(status_of("crl_soon")));
	days_pass(1);
	assert_non_null(strstr(logged(), "the CRL ends in 2 days"));
	assert_true(json_is_true(status_of("crl_soon")));
	wall = MONDAY;
	expiry_on_crl(w, MONDAY, MONDAY + 365 * DAY);
	days_pass(335);
	assert_string_equal(logged(), "");
	days_pass(1);
	assert_non_null(strstr(logged(), "the CRL ends in 29 days"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_certificate),
		T(test_no_certificate),
		T(test_list),
	};

	log_init("test_expiry");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
