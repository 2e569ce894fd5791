/* base/tls: who gets in, who does not, and what the operator is told. */
#include <errno.h>
#include <fcntl.h>
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

#include "base/err.h"
#include "base/x509.h"
#include "tests/fake/tlsbed.h"

/* TLS 1.2 numbers, RFC 7251, 7905, 5289 and 5246 */
#define CCM 0xc0ac
#define CHACHA20 0xcca9
#define GCM 0xc02b
#define CBC 0xc023
#define RSA_CHACHA20 0xcca8
#define RSA_GCM 0xc02f
#define RSA_CBC 0xc027
#define STATIC_RSA 0x009c
#define DHE_RSA 0x009e

static const char *const usbip[] = {"usbip", NULL};
static const char *const http[] = {"http/1.1", NULL};
static const char *const both[] = {"http/1.1", "usbip", NULL};

static struct pki_cert ca, other_ca, gateway, rsa_gateway, kiosk, rsa_kiosk;

static int
setup(void **state)
{
	uint8_t sans[256];
	size_t len = 0;
	struct pki_how how = {.subject = "CN=Lab CA", .use = PKI_CA};

	(void)state;
	pki_issue(&ca, NULL, &how);
	how.subject = "CN=Another CA";
	pki_issue(&other_ca, NULL, &how);
	pki_san(sans, &len, PKI_DNS, "gw.example", 10);
	pki_san(sans, &len, PKI_IP, "\xc0\x00\x02\x01", 4);
	pki_san(sans, &len, PKI_IP,
	    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16);
	how = (struct pki_how){.subject = "CN=gw",
	    .use = PKI_SERVER,
	    .sans = sans,
	    .sans_len = len};
	pki_issue(&gateway, &ca, &how);
	how.is_rsa = 1;
	pki_issue(&rsa_gateway, &ca, &how);
	how = (struct pki_how){.subject = "CN=kiosk", .use = PKI_CLIENT};
	pki_issue(&kiosk, &ca, &how);
	how.is_rsa = 1;
	pki_issue(&rsa_kiosk, &ca, &how);
	return 0;
}

static void
contains(const char *text, const char *part)
{
	if (strstr(text, part) == NULL) {
		fail_msg("'%s' lacks '%s'", text, part);
	}
	assert_null(strchr(text, '\n'));
}

struct pair {
	struct tls_config *server, *client;
	struct bed bed;
};

static void
pair_up(struct pair *p, const struct pki_cert *client, const char *name)
{
	p->server = bed_config(TLS_SERVER, &ca, &gateway, NULL);
	p->client = bed_config(TLS_CLIENT, &ca, client, NULL);
	bed_connect(&p->bed, p->server, p->client, name, usbip, usbip);
}

static void
pair_down(struct pair *p)
{
	bed_close(&p->bed);
	tls_config_free(p->server);
	tls_config_free(p->client);
}

static void
test_mutual(void **state)
{
	const struct pki_cert *const clients[] = {&kiosk, &rsa_kiosk};
	struct x509_facts facts, want;
	char buf[16];
	struct pair p;
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		pair_up(&p, clients[i], "gw.example");
		assert_int_equal(p.bed.rs, 0);
		assert_int_equal(p.bed.rc, 0);
		assert_string_equal(tls_alpn(p.bed.server), "usbip");
		assert_string_equal(tls_alpn(p.bed.client), "usbip");
		assert_string_equal(tls_error(p.bed.client), "no error");
		assert_int_equal(tls_peer_facts(p.bed.server, &facts), 0);
		assert_string_equal(facts.cn, "kiosk");
		assert_string_equal(facts.issuer, "CN=Lab CA");
		assert_int_equal(x509_facts_of(&want, clients[i]->pem,
				     clients[i]->pem_len, ca.pem, ca.pem_len),
		    0);
		assert_memory_equal(&facts, &want, sizeof(facts));
		assert_int_equal(tls_peer_facts(p.bed.client, &facts), 0);
		assert_int_equal(facts.nsan, 3);
		assert_int_equal(stream_write(p.bed.client, "ping", 4), 4);
		assert_int_equal(stream_read(p.bed.server, buf, 16), 4);
		assert_int_equal(stream_write(p.bed.server, "pong!", 5), 5);
		assert_int_equal(stream_read(p.bed.client, buf, 16), 5);
		assert_memory_equal(buf, "pong!", 5);
		pair_down(&p);
	}
}

static void
test_server_names(void **state)
{
	static const struct {
		const char *name;
		int is_good;
	} names[] = {
	    {"gw.example", 1},
	    {"192.0.2.1", 1},
	    {"2001:db8::1", 1},
	    {"2001:0db8:0:0::0001", 1},
	    {"other.example", 0},
	    {"gw", 0}, /* its CN, but it has alternative names */
	    {"192.0.2.2", 0},
	    {"2001:db8::2", 0},
	    {"example", 0},
	};
	struct pair p;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		pair_up(&p, &kiosk, names[i].name);
		if (names[i].is_good) {
			assert_int_equal(p.bed.rc, 0);
		} else {
			assert_int_equal(p.bed.rc, ERR_TLS);
			contains(tls_error(p.bed.client), "does not name '");
			contains(tls_error(p.bed.client), names[i].name);
			assert_int_equal(p.bed.rs, ERR_TLS);
			contains(tls_error(p.bed.server), "the peer sent");
		}
		pair_down(&p);
	}
}

static void
test_client_needs_a_name(void **state)
{
	struct tls_config *c = bed_config(TLS_CLIENT, &ca, &kiosk, NULL);
	int fds[2];

	(void)state;
	bed_pair(fds);
	assert_null(tls_stream_new(c, fds[0], NULL, NULL));
	assert_null(tls_stream_new(c, fds[0], "", NULL));
	assert_int_equal(errno, EINVAL);
	assert_int_equal(fcntl(fds[0], F_GETFD), FD_CLOEXEC); /* still ours */
	close(fds[0]);
	close(fds[1]);
	tls_config_free(c);
}

/* Our server against a bare client with this certificate. */
static void
server_refuses(const struct pki_cert *cert, const char *reason)
{
	struct tls_config *c = bed_config(TLS_SERVER, &ca, &gateway, NULL);
	struct bare_how how = {.role = TLS_CLIENT, .cert = cert};
	struct stream *s;
	struct bare *b;
	int fds[2], rb;

	bed_pair(fds);
	s = tls_stream_new(c, fds[0], NULL, usbip);
	b = bare_new(fds[1], &how);
	assert_int_equal(bed_against(s, b, &rb), ERR_TLS);
	contains(tls_error(s), reason);
	assert_true(rb < 0); /* it was told so */
	/* dead for good */
	assert_int_equal(stream_handshake(s), ERR_TLS);
	assert_int_equal(stream_write(s, "x", 1), ERR_TLS);
	assert_int_equal(stream_read(s, &rb, 1), ERR_TLS);
	assert_int_equal(stream_pending(s), 0);
	bare_free(b);
	stream_free(s);
	tls_config_free(c);
}

/* Our client against a bare server with this certificate. */
static void
client_refuses(const struct pki_cert *cert, const char *reason)
{
	struct tls_config *c = bed_config(TLS_CLIENT, &ca, &kiosk, NULL);
	struct bare_how how = {.role = TLS_SERVER, .cert = cert};
	struct stream *s;
	struct bare *b;
	int fds[2], rb;

	bed_pair(fds);
	s = tls_stream_new(c, fds[0], "gw.example", usbip);
	b = bare_new(fds[1], &how);
	assert_int_equal(bed_against(s, b, &rb), ERR_TLS);
	contains(tls_error(s), reason);
	assert_true(rb < 0);
	bare_free(b);
	stream_free(s);
	tls_config_free(c);
}

static void
issue(struct pki_cert *out, const struct pki_cert *from, enum pki_use use,
    const char *start, const char *end)
{
	uint8_t sans[64];
	size_t len = 0;
	struct pki_how how = {.subject = "CN=x\033[2Jx",
	    .use = use,
	    .from = start,
	    .to = end,
	    .sans = sans};

	pki_san(sans, &len, PKI_DNS, "gw.example", 10);
	how.sans_len = len;
	pki_issue(out, from, &how);
}

static void
test_bad_certificates(void **state)
{
	struct pki_cert bad, fake_ca;
	struct pki_how how = {.subject = "CN=Lab CA", .use = PKI_CA};

	(void)state;
	server_refuses(NULL, "no certificate");
	issue(&bad, &other_ca, PKI_CLIENT, NULL, NULL);
	server_refuses(&bad, "not signed by a CA that we trust");
	issue(&bad, &other_ca, PKI_SERVER, NULL, NULL);
	client_refuses(&bad, "not signed by a CA that we trust");
	/* a CA of the same name */
	pki_issue(&fake_ca, NULL, &how);
	issue(&bad, &fake_ca, PKI_CLIENT, NULL, NULL);
	server_refuses(&bad, "not signed by a CA that we trust");
	/* one that signed itself, and one that a mere workstation signed */
	issue(&bad, NULL, PKI_CLIENT, NULL, NULL);
	server_refuses(&bad, "not signed by a CA that we trust");
	issue(&bad, &kiosk, PKI_CLIENT, NULL, NULL);
	server_refuses(&bad, "not signed by a CA that we trust");

	issue(&bad, &ca, PKI_CLIENT, NULL, "20210203040506");
	server_refuses(&bad, "expired on 2021-02-03 04:05:06 UTC");
	issue(&bad, &ca, PKI_SERVER, NULL, "20210203040506");
	client_refuses(&bad, "expired on 2021-02-03 04:05:06 UTC");
	issue(&bad, &ca, PKI_CLIENT, "20900101000000", NULL);
	server_refuses(&bad, "before 2090-01-01 00:00:00 UTC");

	issue(&bad, &ca, PKI_SERVER, NULL, NULL);
	server_refuses(&bad, "extended key usage");
	/* (a bare mbedTLS server would not even offer a client's) */
	issue(&bad, &ca, PKI_NO_USE, NULL, NULL);
	server_refuses(&bad, "extended key usage");
	client_refuses(&bad, "extended key usage");
	issue(&bad, &ca, PKI_ANY_USE, NULL, NULL);
	server_refuses(&bad, "extended key usage");
	client_refuses(&bad, "extended key usage");
	how = (struct pki_how){
	    .subject = "CN=k", .use = PKI_CLIENT, .no_signing = 1};
	pki_issue(&bad, &ca, &how);
	server_refuses(&bad, "key usage");
}

static void
test_what_the_other_side_says(void **state)
{
	struct pki_cert stranger;
	struct pair p;

	(void)state;
	issue(&stranger, &other_ca, PKI_CLIENT, NULL, NULL);
	pair_up(&p, &stranger, "gw.example");
	assert_int_equal(p.bed.rs, ERR_TLS);
	contains(tls_error(p.bed.server), "CA that we trust");
	/* hostile names are shown escaped */
	contains(tls_error(p.bed.server), "(CN=x\\x5c1b[2Jx)");
	/* TLS 1.3: the client is done before the server has judged it */
	if (p.bed.rc == 0) {
		char c;

		p.bed.rc = (int)stream_read(p.bed.client, &c, 1);
	}
	assert_int_equal(p.bed.rc, ERR_TLS);
	if (strstr(tls_error(p.bed.client), "right after") == NULL) {
		contains(tls_error(p.bed.client),
		    "alert unknown_ca: it does "
		    "not trust the CA of our certificate");
	}
	pair_down(&p);
}

static void
test_alpn(void **state)
{
	struct tls_config *srv = bed_config(TLS_SERVER, &ca, &gateway, NULL);
	struct tls_config *cli = bed_config(TLS_CLIENT, &ca, &kiosk, NULL);
	struct bed bed;

	(void)state;
	bed_connect(&bed, srv, cli, "gw.example", NULL, usbip);
	assert_int_equal(bed.rs, 0);
	assert_int_equal(bed.rc, 0);
	assert_null(tls_alpn(bed.server));
	bed_close(&bed);
	bed_connect(&bed, srv, cli, "gw.example", both, usbip);
	assert_int_equal(bed.rs, 0);
	assert_string_equal(tls_alpn(bed.server), "usbip");
	bed_close(&bed);
	bed_connect(&bed, srv, cli, "gw.example", http, usbip);
	assert_int_equal(bed.rs, ERR_TLS);
	contains(tls_error(bed.server), "other protocols (ALPN)");
	assert_int_equal(bed.rc, ERR_TLS);
	contains(tls_error(bed.client), "does not speak our protocol");
	bed_close(&bed);
	tls_config_free(srv);
	tls_config_free(cli);
}

static void
suite(const struct pki_cert *server, int number, const char *name)
{
	struct tls_config *c = bed_config(TLS_SERVER, &ca, server, NULL);
	struct bare_how how = {
	    .role = TLS_CLIENT, .cert = &kiosk, .suite = number};
	struct stream *s;
	struct bare *b;
	int fds[2], r, rb;

	bed_pair(fds);
	s = tls_stream_new(c, fds[0], NULL, NULL);
	b = bare_new(fds[1], &how);
	r = bed_against(s, b, &rb);
	if (name == NULL) {
		assert_int_equal(r, ERR_TLS);
		contains(tls_error(s), "no common");
	} else {
		assert_int_equal(r, 0);
		assert_string_equal(bare_suite(b), name);
	}
	bare_free(b);
	stream_free(s);
	tls_config_free(c);
}

static void
test_suites(void **state)
{
	(void)state;
	/* of all that a client has, the fastest */
	suite(&gateway, 0, "TLS-ECDHE-ECDSA-WITH-AES-128-CCM");
	suite(&gateway, CCM, "TLS-ECDHE-ECDSA-WITH-AES-128-CCM");
	suite(&gateway, GCM, "TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256");
	suite(&gateway, CHACHA20,
	    "TLS-ECDHE-ECDSA-WITH-CHACHA20-POLY1305-SHA256");
	suite(&gateway, CBC, NULL);
}

/* Where the key could decrypt as well: it signs, and nothing else. */
static void
test_rsa_suites(void **state)
{
	(void)state;
	suite(&rsa_gateway, 0, "TLS-ECDHE-RSA-WITH-CHACHA20-POLY1305-SHA256");
	suite(&rsa_gateway, RSA_CHACHA20,
	    "TLS-ECDHE-RSA-WITH-CHACHA20-POLY1305-SHA256");
	suite(&rsa_gateway, RSA_GCM,
	    "TLS-ECDHE-RSA-WITH-AES-128-GCM-SHA256");
	suite(&rsa_gateway, RSA_CBC, NULL);
	suite(&rsa_gateway, STATIC_RSA, NULL);
	suite(&rsa_gateway, DHE_RSA, NULL);
}

/* Who was here before gets nothing to come back with, and what he kept of the
 * session spares him nothing: his certificate is looked at again. */
static void
test_no_resumption(void **state)
{
	struct tls_config *c = bed_config(TLS_SERVER, &ca, &gateway, NULL);
	struct bare_how how = {.role = TLS_CLIENT, .cert = &kiosk};
	struct bare *b[3];
	struct x509_facts facts;

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct stream *s;
		int fds[2], rb;

		bed_pair(fds);
		s = tls_stream_new(c, fds[0], NULL, NULL);
		if (i == 2) {
			how.cert = NULL;
		}
		b[i] = bare_new(fds[1], &how);
		if (i < 2) {
			assert_int_equal(bed_against(s, b[i], &rb), 0);
			assert_int_equal(tls_peer_facts(s, &facts), 0);
			assert_string_equal(facts.cn, "kiosk");
			assert_false(bare_has_ticket(b[i]));
		} else {
			assert_int_equal(bed_against(s, b[i], &rb), ERR_TLS);
			contains(tls_error(s), "no certificate");
		}
		stream_free(s);
		how.again = b[0];
	}
	for (int i = 0; i < 3; i++) {
		bare_free(b[i]);
	}
	tls_config_free(c);
}

static void
test_old_version(void **state)
{
	struct tls_config *c = bed_config(TLS_SERVER, &ca, &gateway, NULL);
	/* a ClientHello of TLS 1.1 with ECDHE-ECDSA-AES128-SHA */
	static const uint8_t hello[] = {22, 3, 1, 0, 47, 1, 0, 0, 43, 3, 2, 1,
	    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	    1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 4, 0xc0, 9, 0, 0xff, 1, 0};
	struct stream *s;
	int fds[2];

	(void)state;
	bed_pair(fds);
	s = tls_stream_new(c, fds[0], NULL, NULL);
	assert_int_equal(write(fds[1], hello, sizeof(hello)), sizeof(hello));
	assert_int_equal(stream_handshake(s), ERR_TLS);
	contains(tls_error(s), "no common TLS version");
	stream_free(s);
	close(fds[1]);
	tls_config_free(c);
}

static void
test_garbage_and_end(void **state)
{
	struct tls_config *c = bed_config(TLS_SERVER, &ca, &gateway, NULL);
	struct stream *s;
	int fds[2];

	(void)state;
	bed_pair(fds);
	s = tls_stream_new(c, fds[0], NULL, NULL);
	assert_int_equal(stream_handshake(s), STREAM_WANT_READ);
	assert_int_equal(write(fds[1], "GET / HTTP/1.1\r\n\r\n", 18), 18);
	assert_int_equal(stream_handshake(s), ERR_TLS);
	contains(tls_error(s), "does not speak TLS");
	stream_free(s);
	close(fds[1]);

	bed_pair(fds);
	s = tls_stream_new(c, fds[0], NULL, NULL);
	assert_int_equal(write(fds[1], "\x16\x03\x01", 3), 3);
	close(fds[1]);
	assert_int_equal(stream_handshake(s), ERR_CLOSED);
	contains(tls_error(s), "closed the connection during the handshake");
	stream_free(s);
	tls_config_free(c);
}

static void
refused_config(const struct pki_cert *authority, const struct pki_cert *cert,
    const struct pki_crl *crl, const char *reason)
{
	struct tls_config *c;
	char why[256];

	assert_int_equal(
	    bed_try_config(&c, TLS_CLIENT, authority, cert, crl, why), ERR_TLS);
	assert_null(c);
	contains(why, reason);
}

static void
test_bad_material(void **state)
{
	struct pki_how how = {.subject = "CN=Lab CA", .use = PKI_CA};
	struct pki_cert bad = kiosk, fake_ca;
	struct pki_crl crl;

	(void)state;
	bad.pem[40] ^= 0x55;
	refused_config(&bad, &kiosk, NULL, "CA: ");
	refused_config(&ca, &bad, NULL, "certificate: ");
	bad = kiosk;
	bad.key[60] ^= 0x55;
	refused_config(&ca, &bad, NULL, "key: ");
	bad = kiosk;
	memcpy(bad.key, gateway.key, sizeof(bad.key));
	bad.key_len = gateway.key_len;
	refused_config(&ca, &bad, NULL, "key: it is not the certificate's");
	memcpy(bad.key, rsa_kiosk.key, sizeof(bad.key));
	bad.key_len = rsa_kiosk.key_len;
	refused_config(&ca, &bad, NULL, "key: it is not the certificate's");
	refused_config(&ca, &gateway, NULL, "not made for a workstation");
	issue(&bad, &ca, PKI_CLIENT, NULL, "20210203040506");
	refused_config(&ca, &bad, NULL,
	    "certificate: it expired on 2021-02-03 04:05:06 UTC; issue");
	pki_make_crl(&crl, &other_ca, "491231235959Z", NULL);
	refused_config(&ca, &kiosk, &crl, "CRL: it is not one of the CA's");
	crl.pem[60] ^= 0x55;
	refused_config(&ca, &kiosk, &crl, "CRL: ");
	/* signed by a CA of the same name, but another key */
	pki_issue(&fake_ca, NULL, &how);
	pki_make_crl(&crl, &fake_ca, "491231235959Z", NULL);
	refused_config(&ca, &kiosk, &crl,
	    "CRL: the list of CN=Lab CA is not properly signed");
}

static void
crl_case(const struct pki_crl *crl, const char *reason)
{
	struct tls_config *srv = bed_config(TLS_SERVER, &ca, &gateway, crl);
	struct tls_config *cli = bed_config(TLS_CLIENT, &ca, &kiosk, NULL);
	struct bed bed;

	bed_connect(&bed, srv, cli, "gw.example", usbip, usbip);
	if (reason == NULL) {
		assert_int_equal(bed.rs, 0);
	} else {
		assert_int_equal(bed.rs, ERR_TLS);
		contains(tls_error(bed.server), reason);
	}
	bed_close(&bed);
	tls_config_free(srv);
	tls_config_free(cli);
}

static void
test_crl(void **state)
{
	struct pki_crl crl;

	(void)state;
	pki_make_crl(&crl, &ca, "491231235959Z", NULL);
	crl_case(&crl, NULL);
	pki_make_crl(&crl, &ca, "491231235959Z", &gateway);
	crl_case(&crl, NULL);
	pki_make_crl(&crl, &ca, "491231235959Z", &kiosk);
	crl_case(&crl, "is revoked");
	pki_make_crl(&crl, &ca, "210101000000Z", NULL);
	crl_case(&crl,
	    "nobody can be let in: CRL: the list of CN=Lab CA is out of date "
	    "since 2021-01-01 00:00:00 UTC");
	/* that it is revoked is the better reason */
	pki_make_crl(&crl, &ca, "210101000000Z", &kiosk);
	crl_case(&crl, "is revoked");
}

/* A list of another CA of ours that is out of date: nobody can tell whether it
 * would have a successor, so nobody is let in. */
static void
test_crl_of_another(void **state)
{
	const struct pki_list mine = {.ca = &ca, .to = "491231235959Z"};
	struct pki_list others = {.ca = &other_ca, .to = "491231235959Z"};
	static struct pki_cert cas;

	(void)state;
	cas = ca;
	memcpy(cas.pem + cas.pem_len - 1, other_ca.pem, other_ca.pem_len);
	cas.pem_len += other_ca.pem_len - 1;
	for (int late = 0; late <= 1; late++) {
		struct pki_crl crl;
		size_t a, b;
		uint8_t *first = pki_make_list(&mine, &a), *second;
		struct tls_config *srv, *cli;
		struct bed bed;

		others.to = late ? "210101000000Z" : "491231235959Z";
		second = pki_make_list(&others, &b);
		memcpy(crl.pem, first, a - 1);
		memcpy(crl.pem + a - 1, second, b);
		crl.pem_len = a - 1 + b;
		free(first);
		free(second);
		srv = bed_config(TLS_SERVER, &cas, &gateway, &crl);
		cli = bed_config(TLS_CLIENT, &ca, &kiosk, NULL);
		bed_connect(&bed, srv, cli, "gw.example", usbip, usbip);
		assert_int_equal(bed.rs, late ? ERR_TLS : 0);
		if (late) {
			contains(tls_error(bed.server), "is out of date since");
		}
		bed_close(&bed);
		tls_config_free(srv);
		tls_config_free(cli);
	}
}

static void
test_key_wiped(void **state)
{
	struct tls_config *srv = bed_config(TLS_SERVER, &ca, &gateway, NULL);
	struct tls_config *cli = bed_config(TLS_CLIENT, &ca, &kiosk, NULL);
	struct bed bed, later;
	char buf[8];

	(void)state;
	bed_connect(&bed, srv, cli, "gw.example", usbip, usbip);
	assert_int_equal(bed.rs, 0);
	tls_config_wipe_key(srv);
	tls_config_wipe_key(srv);
	assert_int_equal(stream_write(bed.server, "on", 2), 2);
	assert_int_equal(stream_read(bed.client, buf, 8), 2);
	assert_int_equal(stream_write(bed.client, "and on", 6), 6);
	assert_int_equal(stream_read(bed.server, buf, 8), 6);
	bed_connect(&later, srv, cli, "gw.example", usbip, usbip);
	assert_int_equal(later.rs, ERR_TLS);
	contains(tls_error(later.server), "wiped");
	assert_int_not_equal(later.rc, 0);
	bed_close(&later);
	bed_close(&bed);
	tls_config_free(srv);
	tls_config_free(cli);
	tls_config_free(NULL);
}

static void
test_not_tls(void **state)
{
	struct x509_facts facts;
	struct stream *s;
	int fds[2];

	(void)state;
	bed_pair(fds);
	s = stream_plain_new(fds[0]);
	assert_null(tls_alpn(s));
	assert_string_equal(tls_error(s), "no error");
	assert_int_equal(tls_peer_facts(s, &facts), ERR_FORMAT);
	stream_free(s);
	close(fds[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_mutual),
	    cmocka_unit_test(test_server_names),
	    cmocka_unit_test(test_client_needs_a_name),
	    cmocka_unit_test(test_bad_certificates),
	    cmocka_unit_test(test_what_the_other_side_says),
	    cmocka_unit_test(test_alpn),
	    cmocka_unit_test(test_suites),
	    cmocka_unit_test(test_rsa_suites),
	    cmocka_unit_test(test_no_resumption),
	    cmocka_unit_test(test_old_version),
	    cmocka_unit_test(test_garbage_and_end),
	    cmocka_unit_test(test_bad_material),
	    cmocka_unit_test(test_crl),
	    cmocka_unit_test(test_crl_of_another),
	    cmocka_unit_test(test_key_wiped),
	    cmocka_unit_test(test_not_tls),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
