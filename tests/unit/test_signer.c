/*
 * proxy/signer: one signature for each session that the broker brings, and
 * nothing for who asks otherwise. Channels and key are real, time is not.
 */
#include "proxy/signer/signer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <mbedtls/md.h>
#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>

#include "base/channel.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "tests/fake/pki.h"
#include "tests/fake/virtual.h"
#include "wire/ipc.h"

#define TURNS 20

static struct pki_cert ca, gateway, ec_gateway;
static struct loop *loop;
static struct signer *signer;
static int broker = -1; /* our end */
static int exit_code;	/* -1: it goes on */
static uint8_t buf[CHANNEL_HEADER + CHANNEL_MAX];

static void
on_ended(void *arg, int code)
{
	(void)arg;
	assert_int_equal(exit_code, -1);
	exit_code = code;
}

static void
turn(void)
{
	for (int i = 0; i < TURNS; i++) {
		loop_once(loop, LOOP_NOWAIT);
	}
}

static int
group_setup(void **state)
{
	struct pki_how how = {.subject = "CN=Lab CA", .use = PKI_CA};

	(void)state;
	pki_issue(&ca, NULL, &how);
	how = (struct pki_how){.subject = "CN=gw", .use = PKI_SERVER};
	pki_issue(&ec_gateway, &ca, &how);
	how.is_rsa = 1;
	pki_issue(&gateway, &ca, &how);
	return 0;
}

static int
setup(void **state)
{
	int pair[2];
	struct signer_how how = {.ended = on_ended};

	(void)state;
	log_init("test_signer");
	exit_code = -1;
	loop = loop_new();
	assert_int_equal(channel_pair(pair), 0);
	broker = pair[0];
	how.loop = loop;
	how.broker = pair[1];
	assert_int_equal(signer_new(&signer, &how), 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	signer_free(signer);
	signer = NULL;
	close_fd(&broker);
	loop_free(loop);
	return 0;
}

/* 0 when the signer took it, and has said so. */
static int
load(const struct pki_cert *cert, char text[IPC_TEXT])
{
	const struct ipc_pem pem = {.cert = cert->pem,
	    .cert_len = (uint32_t)cert->pem_len,
	    .key = cert->key,
	    .key_len = (uint32_t)cert->key_len};
	struct channel_msg msg;
	struct ipc_loaded m;
	int n = ipc_encode_pem(buf, sizeof(buf), &pem);

	assert_true(n > 0);
	assert_int_equal(channel_send(broker, IPC_SIGNER_LOAD, 0, buf,
			     (size_t)n, -1),
	    0);
	turn();
	assert_int_equal(channel_recv(broker, buf, sizeof(buf), &msg), 0);
	assert_int_equal(msg.type, IPC_SIGNER_LOADED);
	assert_int_equal(ipc_decode_loaded(&m, msg.data, msg.len), 0);
	assert_int_equal(m.bits, m.err == 0 ? 2048 : 0);
	memcpy(text, m.text, IPC_TEXT);
	return m.err;
}

static int
setup_loaded(void **state)
{
	char text[IPC_TEXT];

	return setup(state) != 0 || load(&gateway, text) != 0 ? -1 : 0;
}

/* The end of a session that the broker brings. */
static int
bring(uint32_t conn)
{
	int pair[2];

	assert_int_equal(channel_pair(pair), 0);
	assert_int_equal(channel_send(broker, IPC_SIGNER_SERVE, conn, NULL, 0,
			     pair[1]),
	    0);
	close(pair[1]);
	return pair[0];
}

static void
ask(int chan, uint8_t hash)
{
	struct ipc_sign m = {.hash = hash};
	uint8_t out[128];
	int n;

	memset(m.digest, 0x5a, ipc_digest_len(hash));
	n = ipc_encode_sign(out, sizeof(out), &m);
	assert_true(n > 0);
	assert_int_equal(
	    channel_send(chan, IPC_SIGN, 0, out, (size_t)n, -1), 0);
}

/* Whether a signature came, and it is the certificate's, of that digest. */
static int
has_signature(int chan, mbedtls_md_type_t md, uint8_t hash)
{
	static struct ipc_signed m;
	struct channel_msg msg;
	mbedtls_x509_crt crt;
	uint8_t digest[IPC_DIGEST_MAX];
	int r;

	if (channel_recv(chan, buf, sizeof(buf), &msg) != 0) {
		return 0;
	}
	assert_int_equal(msg.type, IPC_SIGNED);
	assert_int_equal(msg.fd, -1);
	assert_int_equal(ipc_decode_signed(&m, msg.data, msg.len), 0);
	assert_int_equal(m.err, 0);
	memset(digest, 0x5a, sizeof(digest));
	mbedtls_x509_crt_init(&crt);
	assert_int_equal(
	    mbedtls_x509_crt_parse(&crt, gateway.pem, gateway.pem_len), 0);
	r = mbedtls_pk_verify(&crt.pk, md, digest, ipc_digest_len(hash),
	    m.signature, m.len);
	mbedtls_x509_crt_free(&crt);
	return r == 0;
}

/* What the broker hears of a misuse: the type, and of whom; -1 = nothing. */
static long
heard_misuse(uint32_t conn)
{
	struct channel_msg msg;
	struct ipc_call m;

	if (channel_recv(broker, buf, sizeof(buf), &msg) != 0) {
		return -1;
	}
	assert_int_equal(msg.type, IPC_SIGNER_MISUSED);
	assert_int_equal(msg.id, conn);
	assert_int_equal(ipc_decode_call(&m, msg.data, msg.len), 0);
	return m.nr;
}

static int
is_closed(int chan)
{
	struct channel_msg msg;

	return channel_recv(chan, buf, sizeof(buf), &msg) == ERR_CLOSED;
}

static void
test_signs(void **state)
{
	static const mbedtls_md_type_t mds[] = {[IPC_SHA256] = MBEDTLS_MD_SHA256,
	    [IPC_SHA384] = MBEDTLS_MD_SHA384,
	    [IPC_SHA512] = MBEDTLS_MD_SHA512};

	(void)state;
	for (uint8_t hash = IPC_SHA256; hash <= IPC_SHA512; hash++) {
		int chan = bring(hash);

		ask(chan, hash);
		turn();
		assert_true(has_signature(chan, mds[hash], hash));
		close(chan);
	}
	turn();
	assert_int_equal(heard_misuse(0), -1);
	assert_int_equal(exit_code, -1);
}

/* The second time there is nothing, and the broker knows who it was. */
static void
test_once(void **state)
{
	int chan = bring(7), other = bring(8);

	(void)state;
	ask(chan, IPC_SHA256);
	ask(chan, IPC_SHA256);
	turn();
	assert_true(has_signature(chan, MBEDTLS_MD_SHA256, IPC_SHA256));
	assert_int_equal(heard_misuse(7), IPC_SIGN);
	assert_true(is_closed(chan));
	/* nobody else has anything of it */
	ask(other, IPC_SHA384);
	turn();
	assert_true(has_signature(other, MBEDTLS_MD_SHA384, IPC_SHA384));
	close(chan);
	close(other);
}

/* Each in place of the first request. */
static void
test_wrong_requests(void **state)
{
	static const struct {
		const char *name;
		uint16_t type;
		const char *data;
		size_t len;
		int has_fd;
		long heard;
	} rows[] = {
		{"nothing in it", IPC_SIGN, "", 0, 0, IPC_SIGN},
		{"no such hash", IPC_SIGN, "\0", 33, 0, IPC_SIGN},
		{"another", IPC_SIGN, "\4", 33, 0, IPC_SIGN},
		{"a byte less", IPC_SIGN, "\1", 32, 0, IPC_SIGN},
		{"a byte more", IPC_SIGN, "\1", 34, 0, IPC_SIGN},
		{"the length of another hash", IPC_SIGN, "\1", 49, 0, IPC_SIGN},
		{"and of the longest", IPC_SIGN, "\1", 65, 0, IPC_SIGN},
		{"a short one of the longest", IPC_SIGN, "\3", 33, 0, IPC_SIGN},
		{"one over all bounds", IPC_SIGN, "\3", 66, 0, 0},
		{"and far over", IPC_SIGN, "\3", 4096, 0, 0},
		{"a descriptor", IPC_SIGN, "\1", 33, 1, IPC_SIGN},
		{"its own answer", IPC_SIGNED, "", 0, 0, IPC_SIGNED},
		{"a key", IPC_SIGNER_LOAD, "", 0, 0, IPC_SIGNER_LOAD},
		{"a session", IPC_SIGNER_SERVE, "", 0, 1, IPC_SIGNER_SERVE},
		{"what the broker is asked", IPC_KEY, "", 0, 0, IPC_KEY},
		{"no type", 0, "", 0, 0, 0},
		{"what is not", 65535, "", 0, 0, 65535},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t data[4096] = {0};
		int chan = bring((uint32_t)i + 1);

		data[0] = (uint8_t)rows[i].data[0];
		assert_int_equal(channel_send(chan, rows[i].type, 0, data,
				     rows[i].len,
				     rows[i].has_fd ? broker : -1),
		    0);
		turn();
		if (heard_misuse((uint32_t)i + 1) != rows[i].heard ||
		    !is_closed(chan)) {
			fail_msg("%s", rows[i].name);
		}
		close(chan);
	}
	/* no message at all */
	{
		int chan = bring(99);

		assert_int_equal(send(chan, "x", 1, 0), 1);
		turn();
		assert_int_equal(heard_misuse(99), 0);
		assert_true(is_closed(chan));
		close(chan);
	}
	assert_int_equal(exit_code, -1);
}

static void
test_too_late(void **state)
{
	int chan = bring(3);

	(void)state;
	turn();
	virtual_pass(10 * CLOCK_SEC);
	turn();
	assert_true(is_closed(chan));
	assert_int_equal(heard_misuse(3), -1);
	close(chan);
}

/* A second has SIGNER_RATE signatures; who comes then waits, and gets his. */
static void
test_rate(void **state)
{
	int chans[SIGNER_RATE + 3];
	unsigned have = 0;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(chans); i++) {
		chans[i] = bring(i + 1);
		turn();
		ask(chans[i], IPC_SHA256);
		turn();
		have += (unsigned)has_signature(
		    chans[i], MBEDTLS_MD_SHA256, IPC_SHA256);
		/* the loop here looks at few at a time */
		if (i + 8 < SIGNER_RATE) {
			close_fd(&chans[i]);
		}
	}
	assert_int_equal(have, SIGNER_RATE);
	for (unsigned i = 1; i <= 3; i++) {
		virtual_pass(CLOCK_SEC / SIGNER_RATE);
		turn();
		have = 0;
		for (unsigned j = SIGNER_RATE; j < ARRAY_LEN(chans); j++) {
			have += (unsigned)has_signature(
			    chans[j], MBEDTLS_MD_SHA256, IPC_SHA256);
		}
		assert_int_equal(have, 1);
	}
	for (unsigned i = 0; i < ARRAY_LEN(chans); i++) {
		close_fd(&chans[i]);
	}
	turn();
	assert_int_equal(heard_misuse(0), -1);
}

/* Those who were brought before it are served still. */
static void
test_broker_leaves(void **state)
{
	int chan = bring(1), idle = bring(2);

	(void)state;
	turn();
	close_fd(&broker);
	turn();
	assert_int_equal(exit_code, -1);
	ask(chan, IPC_SHA256);
	turn();
	assert_true(has_signature(chan, MBEDTLS_MD_SHA256, IPC_SHA256));
	close(chan);
	turn();
	assert_int_equal(exit_code, -1);
	virtual_pass(10 * CLOCK_SEC);
	turn();
	assert_int_equal(exit_code, 0);
	close(idle);
}

static void
test_leaves_idle(void **state)
{
	(void)state;
	close_fd(&broker);
	turn();
	assert_int_equal(exit_code, 0);
}

static void
test_which_keys(void **state)
{
	char text[IPC_TEXT];
	int fd;

	(void)state;
	assert_int_equal(load(&ec_gateway, text), ERR_TLS);
	assert_non_null(strstr(text, "none of RSA"));
	assert_int_equal(exit_code, 1);
	teardown(state);
	setup(state);
	/* a session before the key */
	fd = bring(1);
	turn();
	assert_int_equal(exit_code, 1);
	close(fd);
}

/* The broker is trusted, but not with a second key, nor with other words. */
static void
test_broker_errs(void **state)
{
	(void)state;
	for (int how = 0; how < 4; how++) {
		teardown(state);
		setup_loaded(state);
		switch (how) {
		case 0:
			assert_int_equal(channel_send(broker, IPC_SIGNER_LOAD,
					     0, NULL, 0, -1),
			    0);
			break;
		case 1:
			assert_int_equal(channel_send(broker, IPC_SIGNER_SERVE,
					     1, NULL, 0, -1),
			    0);
			break;
		case 2:
			assert_int_equal(channel_send(broker, IPC_SIGNER_SERVE,
					     1, "x", 1, broker),
			    0);
			break;
		default:
			assert_int_equal(channel_send(broker, IPC_SIGN, 0, NULL,
					     0, -1),
			    0);
			break;
		}
		turn();
		assert_int_equal(exit_code, 1);
	}
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup_loaded, teardown)
	const struct CMUnitTest tests[] = {
	    T(test_signs),
	    T(test_once),
	    T(test_wrong_requests),
	    T(test_too_late),
	    T(test_rate),
	    T(test_broker_leaves),
	    T(test_leaves_idle),
	    cmocka_unit_test_setup_teardown(test_which_keys, setup, teardown),
	    T(test_broker_errs),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
