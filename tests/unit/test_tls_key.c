/* base/tls: nothing of the private key is left in memory once it is wiped.
 * The positive control finds it before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fake/hunt.h"
#include "tests/fake/tlsbed.h"

static struct pki_cert ca, gateway, kiosk;
static struct hunt hunt;

static int
setup(void **state)
{
	uint8_t sans[64];
	size_t len = 0;
	struct pki_how how = {.subject = "CN=Lab CA", .use = PKI_CA};

	(void)state;
	pki_issue(&ca, NULL, &how);
	pki_san(sans, &len, PKI_DNS, "gw", 2);
	how = (struct pki_how){.subject = "CN=gw",
	    .use = PKI_SERVER,
	    .sans = sans,
	    .sans_len = len};
	pki_issue(&gateway, &ca, &how);
	how = (struct pki_how){.subject = "CN=kiosk", .use = PKI_CLIENT};
	pki_issue(&kiosk, &ca, &how);
	hunt_learn(&hunt, gateway.key, HUNT_NUMBER);
	return 0;
}

static int
count_secret(void)
{
	int n = hunt_count(&hunt, 0);

	assert_true(n >= 0);
	return n;
}

static void
test_nothing_left(void **state)
{
	struct tls_config *srv, *cli;
	struct bed bed;
	char buf[8];

	(void)state;
	assert_int_equal(count_secret(), 0);
	srv = bed_config(TLS_SERVER, &ca, &gateway, NULL);
	assert_true(count_secret() > 0);
	cli = bed_config(TLS_CLIENT, &ca, &kiosk, NULL);
	bed_connect(&bed, srv, cli, "gw", NULL, NULL);
	assert_int_equal(bed.rs, 0);
	assert_true(count_secret() > 0);
	tls_config_wipe_key(srv);
	assert_int_equal(count_secret(), 0);
	assert_int_equal(stream_write(bed.server, "on", 2), 2);
	assert_int_equal(stream_read(bed.client, buf, 8), 2);
	bed_close(&bed);
	tls_config_free(srv);
	tls_config_free(cli);
	assert_int_equal(count_secret(), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_nothing_left),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
