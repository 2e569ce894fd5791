/*
 * base/tls with a key that somebody else has, and base/tls_key, who has it: one
 * signature for each handshake, of TLS 1.2, and no other use of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/tls_key.h"
#include "tests/fake/tlsbed.h"

#define RSA_GCM 0xc02f /* RFC 5289, 5246 */
#define RSA_GCM_384 0xc030
#define STATIC_RSA 0x009c

static struct pki_cert ca, gateway, ec_gateway, short_gateway, kiosk;

/* Who has the key, and how he is today. */
static struct {
	struct tls_key *key;
	unsigned asked;
	size_t digest_len;
	int result, is_wrong;
} holder;

static int
setup(void **state)
{
	struct pki_how how = {.subject = "CN=Lab CA", .use = PKI_CA};
	uint8_t sans[64];
	size_t len = 0;

	(void)state;
	pki_issue(&ca, NULL, &how);
	pki_san(sans, &len, PKI_DNS, "gw", 2);
	how = (struct pki_how){.subject = "CN=gw",
	    .use = PKI_SERVER,
	    .sans = sans,
	    .sans_len = len};
	pki_issue(&ec_gateway, &ca, &how);
	how.is_rsa = 1;
	pki_issue(&gateway, &ca, &how);
	how.rsa_bits = 1024;
	pki_issue(&short_gateway, &ca, &how);
	how = (struct pki_how){.subject = "CN=kiosk", .use = PKI_CLIENT};
	pki_issue(&kiosk, &ca, &how);
	return 0;
}

static int
load(const struct pki_cert *cert, const struct pki_cert *key, char why[256])
{
	const struct tls_pem pem = {.cert = cert->pem,
	    .cert_len = cert->pem_len,
	    .key = key->key,
	    .key_len = key->key_len};

	tls_key_free(holder.key);
	memset(&holder, 0, sizeof(holder));
	why[0] = '\0';
	return tls_key_new(&holder.key, &pem, why, 256);
}

static int
load_gateway(void **state)
{
	char why[256];

	(void)state;
	return load(&gateway, &gateway, why);
}

static int
unload(void **state)
{
	(void)state;
	tls_key_free(holder.key);
	holder.key = NULL;
	return 0;
}

static int
sign(void *arg, enum tls_hash hash, const uint8_t *digest, size_t len,
    uint8_t *sig, size_t sig_len)
{
	uint8_t out[TLS_SIGNATURE_MAX];
	size_t n;
	int r;

	assert_ptr_equal(arg, &holder);
	holder.asked++;
	holder.digest_len = len;
	if (holder.result != 0) {
		return holder.result;
	}
	r = tls_key_sign(holder.key, hash, digest, len, out, &n);
	assert_int_equal(r, 0);
	assert_int_equal(n, sig_len);
	out[17] ^= (uint8_t)holder.is_wrong;
	memcpy(sig, out, n);
	return 0;
}

static int
try_server(
    struct tls_config **out, const struct pki_cert *cert, char why[256])
{
	const struct tls_signer signer = {sign, &holder};
	const struct tls_pem pem = {.ca = ca.pem,
	    .ca_len = ca.pem_len,
	    .cert = cert->pem,
	    .cert_len = cert->pem_len,
	    .signer = &signer};

	return tls_config_new(out, TLS_SERVER, &pem, why, 256);
}

static struct tls_config *
server(void)
{
	struct tls_config *c;
	char why[256] = "";

	if (try_server(&c, &gateway, why) != 0) {
		fail_msg("%s", why);
	}
	return c;
}

static void
test_handshake(void **state)
{
	struct tls_config *srv = server();
	struct tls_config *cli = bed_config(TLS_CLIENT, &ca, &kiosk, NULL);
	struct bed bed;
	char buf[8];

	(void)state;
	for (unsigned i = 1; i <= 3; i++) {
		bed_connect(&bed, srv, cli, "gw", NULL, NULL);
		assert_int_equal(bed.rs, 0);
		assert_int_equal(bed.rc, 0);
		assert_int_equal(stream_write(bed.client, "hello", 5), 5);
		assert_int_equal(stream_read(bed.server, buf, 8), 5);
		assert_int_equal(holder.asked, i);
		bed_close(&bed);
	}
	tls_config_wipe_key(srv);
	bed_connect(&bed, srv, cli, "gw", NULL, NULL);
	assert_int_equal(bed.rs, ERR_TLS);
	assert_int_equal(holder.asked, 3);
	bed_close(&bed);
	tls_config_free(srv);
	tls_config_free(cli);
}

/* NULL: no handshake. */
static void
suite(int number, const char *name)
{
	struct bare_how how = {
	    .role = TLS_CLIENT, .cert = &kiosk, .suite = number};
	struct tls_config *srv = server();
	struct stream *s;
	struct bare *b;
	int fds[2], r, rb;

	bed_pair(fds);
	s = tls_stream_new(srv, fds[0], NULL, NULL);
	b = bare_new(fds[1], &how);
	r = bed_against(s, b, &rb);
	assert_int_equal(r, name != NULL ? 0 : ERR_TLS);
	if (name != NULL) {
		assert_string_equal(bare_suite(b), name);
	}
	bare_free(b);
	stream_free(s);
	tls_config_free(srv);
}

/* Of a client that has TLS 1.3 as well; and nothing is decrypted. */
static void
test_suites(void **state)
{
	(void)state;
	suite(0, "TLS-ECDHE-RSA-WITH-CHACHA20-POLY1305-SHA256");
	suite(RSA_GCM, "TLS-ECDHE-RSA-WITH-AES-128-GCM-SHA256");
	suite(RSA_GCM_384, "TLS-ECDHE-RSA-WITH-AES-256-GCM-SHA384");
	assert_int_equal(holder.asked, 3);
	suite(STATIC_RSA, NULL);
	assert_int_equal(holder.asked, 3);
}

/* A holder who does not, and one who says anything. */
static void
test_bad_holder(void **state)
{
	struct tls_config *cli = bed_config(TLS_CLIENT, &ca, &kiosk, NULL);
	struct tls_config *srv;
	struct bed bed;

	(void)state;
	holder.result = ERR_TIMEOUT;
	srv = server();
	bed_connect(&bed, srv, cli, "gw", NULL, NULL);
	assert_int_equal(bed.rs, ERR_TLS);
	assert_string_equal(tls_error(bed.server),
	    "who has our key does not sign: timed out");
	bed_close(&bed);
	tls_config_free(srv);
	holder.result = 0;
	holder.is_wrong = 1;
	srv = server();
	bed_connect(&bed, srv, cli, "gw", NULL, NULL);
	assert_int_equal(bed.rc, ERR_TLS);
	assert_int_not_equal(bed.rs, 0);
	bed_close(&bed);
	tls_config_free(srv);
	tls_config_free(cli);
}

static void
test_which_keys(void **state)
{
	struct tls_config *c;
	char why[256];

	(void)state;
	assert_int_equal(load(&gateway, &gateway, why), 0);
	assert_int_equal(tls_key_bits(holder.key), 2048);
	assert_int_equal(load(&ec_gateway, &ec_gateway, why), ERR_TLS);
	assert_string_equal(
	    why, "key: it is none of RSA, and no other can be held apart; "
		 "have one of RSA made");
	assert_int_equal(load(&short_gateway, &short_gateway, why), ERR_TLS);
	assert_string_equal(
	    why, "key: it has 1024 bits, and must have 2048 to 8192");
	assert_int_equal(load(&gateway, &short_gateway, why), ERR_TLS);
	assert_string_equal(why, "key: it is not the certificate's key");
	assert_int_equal(load(&gateway, &ec_gateway, why), ERR_TLS);
	assert_string_equal(why, "key: it is not the certificate's key");
	assert_null(holder.key);
	/* and whose certificates say so without a look at the key */
	assert_int_equal(try_server(&c, &ec_gateway, why), ERR_TLS);
	assert_non_null(strstr(why, "none of RSA"));
	assert_int_equal(try_server(&c, &short_gateway, why), ERR_TLS);
	assert_non_null(strstr(why, "none of RSA with 2048 to 8192 bits"));
}

static void
test_lengths(void **state)
{
	static const uint8_t digest[128];
	uint8_t sig[TLS_SIGNATURE_MAX];
	size_t len;

	(void)state;
	for (int hash = 0; hash <= 4; hash++) {
		for (size_t n = 0; n <= 128; n++) {
			int is_right = (hash == TLS_SHA256 && n == 32) ||
			    (hash == TLS_SHA384 && n == 48) ||
			    (hash == TLS_SHA512 && n == 64);

			assert_int_equal(tls_key_sign(holder.key,
					     (enum tls_hash)hash, digest, n,
					     sig, &len),
			    is_right ? 0 : ERR_FORMAT);
		}
	}
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, load_gateway, unload)
	const struct CMUnitTest tests[] = {
	    T(test_handshake),
	    T(test_suites),
	    T(test_bad_holder),
	    T(test_which_keys),
	    T(test_lengths),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
