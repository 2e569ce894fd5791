/*
 * vhci-glue/relay over real TLS: bytes that sit inside the TLS library are not
 * forgotten, big transfers pass whole, and the record counts hold.
 */
#include "tests/unit/relay_rig.h"

#include <mbedtls/version.h>

#include "tests/fake/tlsbed.h"

static const char *const usbip[] = {"usbip", NULL};
static struct pki_cert ca, gateway, kiosk;
static struct tls_config *server, *client;
static uint8_t big[1024 * 1024];

static int
group_setup(void **state)
{
	struct pki_how how = {.subject = "CN=Lab CA", .use = PKI_CA};
	uint8_t sans[64];
	size_t len = 0;

	(void)state;
	pki_issue(&ca, NULL, &how);
	pki_san(sans, &len, PKI_DNS, "gw.example", 10);
	how = (struct pki_how){.subject = "CN=gw",
	    .use = PKI_SERVER,
	    .sans = sans,
	    .sans_len = len};
	pki_issue(&gateway, &ca, &how);
	how = (struct pki_how){.subject = "CN=kiosk", .use = PKI_CLIENT};
	pki_issue(&kiosk, &ca, &how);
	server = bed_config(TLS_SERVER, &ca, &gateway, NULL);
	client = bed_config(TLS_CLIENT, &ca, &kiosk, NULL);
	for (size_t i = 0; i < sizeof(big); i++) {
		big[i] = (uint8_t)(i * 13 + (i >> 9));
	}
	return 0;
}

static int
group_teardown(void **state)
{
	(void)state;
	tls_config_free(server);
	tls_config_free(client);
	return 0;
}

static int
setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));
	struct bed bed;

	assert_non_null(r);
	bed_connect(&bed, server, client, "gw.example", usbip, usbip);
	assert_int_equal(bed.rc, 0);
	assert_int_equal(bed.rs, 0);
	r->dev = gateway_fake_drive();
	rig_start(r, bed.client, bed.server);
	*state = r;
	return 0;
}

static void
test_sizes(void **state)
{
	static const uint32_t sizes[] = {
	    0, 1, 512, 16336, 16337, 65536, 122880, sizeof(big)};
	struct rig *r = *state;
	struct usbip_header got;
	const uint8_t *body;
	uint32_t seq = 0;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint32_t n = sizes[i];
		const struct usbip_header out =
		    rig_submit(++seq, USBIP_DIR_OUT, 2, n);
		const struct usbip_header in =
		    rig_submit(++seq, USBIP_DIR_IN, 1, n);

		rig_say_header(r, &out);
		rig_kernel_say(r, big, n);
		rig_say_header(r, &in);
		rig_turn(r);
		assert_int_equal(gateway_fake_hear_header(&r->gw, &got), 0);
		assert_memory_equal(gateway_fake_hear(&r->gw, n), big, n);
		assert_int_equal(gateway_fake_hear_header(&r->gw, &got), 0);
		rig_answer(r, seq, 0, big, n, n);
		rig_answer(r, seq - 1, 0, NULL, 0, n);
		for (int k = 0; k < 50 && r->ngot < 96 + n; k++) {
			rig_turn(r);
		}
		got = rig_take(r, n, &body);
		assert_int_equal(got.seqnum, seq);
		assert_memory_equal(body, big, n);
		got = rig_take(r, 0, NULL);
		assert_int_equal(got.seqnum, seq - 1);
		assert_int_equal(r->ngot, 0);
	}
	assert_int_equal(r->ended, 0);
}

/* A TLS 1.3 record has one byte of the content for its type. */
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
#define RECORD (STREAM_RECORD - 1)
#else
#define RECORD STREAM_RECORD
#endif

/* Header and data of one command are one record, up to its limit; above it
 * full records. */
static void
test_records(void **state)
{
	static const struct {
		uint32_t len, records;
	} cases[] = {{0, 1}, {64, 1}, {RECORD - 48, 1}, {RECORD - 47, 2},
	    {7 * RECORD, 8}};
	struct rig *r = *state;

	for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct usbip_header h =
		    rig_submit(i, USBIP_DIR_OUT, 2, cases[i].len);
		uint64_t before = r->stream->count.sends;
		uint8_t one[48 + 16384];

		/* as vhci_hcd does it: all in one send */
		assert_int_equal(usbip_encode_header(one, &h), 0);
		if (cases[i].len <= 16384) {
			memcpy(one + 48, big, cases[i].len);
			rig_kernel_say(r, one, 48 + cases[i].len);
		} else {
			rig_kernel_say(r, one, 48);
			rig_kernel_say(r, big, cases[i].len);
		}
		rig_turn(r);
		assert_int_equal(
		    gateway_fake_heard(&r->gw), 48 + cases[i].len);
		(void)gateway_fake_hear(&r->gw, 48 + cases[i].len);
		assert_int_equal(
		    r->stream->count.sends - before, cases[i].records);
	}
}

/* A hundred replies in the library's buffer at once. */
static void
test_pending(void **state)
{
	struct rig *r = *state;

	for (uint32_t i = 0; i < 100; i++) {
		const struct usbip_header h =
		    rig_submit(i, USBIP_DIR_IN, 1, 64);

		rig_say_header(r, &h);
	}
	rig_turn(r);
	for (uint32_t i = 0; i < 100; i++) {
		rig_answer(r, i, 0, "pending", 7, 7);
		gateway_fake_turn(&r->gw); /* a record each */
	}
	/* one turn must be enough to deliver all of it */
	loop_once(r->loop, LOOP_NOWAIT);
	rig_kernel_read(r);
	assert_int_equal(r->ngot, 100 * 55);
}

static void
test_goodbye(void **state)
{
	struct rig *r = *state;

	gateway_fake_hang_up(&r->gw);
	rig_turn(r);
	assert_int_equal(r->ended, 1);
	assert_int_equal(r->end.kind, ENDING_CLOSED);
}

/* Bytes on the wire that no TLS peer wrote. */
static void
test_broken_record(void **state)
{
	struct rig *r = *state;
	uint8_t junk[64] = {0x17, 3, 3, 0, 59};

	gateway_fake_turn(&r->gw);
	assert_int_equal(send(r->gw.stream->fd, junk, sizeof(junk), 0), 64);
	rig_turn(r);
	assert_int_equal(r->ended, 1);
	assert_int_equal(r->end.kind, ENDING_LOST);
	assert_int_equal(r->end.err, ERR_TLS);
	assert_int_equal(r->ngot, 0);
}

#define TLS_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, rig_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TLS_TEST(test_sizes),
	    TLS_TEST(test_records),
	    TLS_TEST(test_pending),
	    TLS_TEST(test_goodbye),
	    TLS_TEST(test_broken_record),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
