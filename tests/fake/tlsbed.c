/*
 * The test bed of base/tls: pumps two ends in one thread until both are done
 * or dead.
 */
#include "tests/fake/tlsbed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>
#include <mbedtls/version.h>
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
#include <psa/crypto.h>
#endif

#include "base/err.h"

#define BED_STEPS 200

static void
need(int is_true, const char *what)
{
	if (!is_true) {
		fprintf(stderr, "tlsbed: %s\n", what);
		abort();
	}
}

int
bed_try_config(struct tls_config **out, enum tls_role role,
    const struct pki_cert *ca, const struct pki_cert *cert,
    const struct pki_crl *crl, char why[256])
{
	struct tls_pem pem = {
	    .ca = ca->pem,
	    .ca_len = ca->pem_len,
	    .cert = cert->pem,
	    .cert_len = cert->pem_len,
	    .key = cert->key,
	    .key_len = cert->key_len,
	    .crl = crl == NULL ? NULL : crl->pem,
	    .crl_len = crl == NULL ? 0 : crl->pem_len,
	};

	why[0] = '\0';
	return tls_config_new(out, role, &pem, why, 256);
}

struct tls_config *
bed_config(enum tls_role role, const struct pki_cert *ca,
    const struct pki_cert *cert, const struct pki_crl *crl)
{
	struct tls_config *config;
	char why[256];

	need(bed_try_config(&config, role, ca, cert, crl, why) == 0, why);
	return config;
}

void
bed_pair(int fds[2])
{
	need(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
		 fds) == 0,
	    "socketpair");
}

static int
is_want(int r)
{
	return r == STREAM_WANT_READ || r == STREAM_WANT_WRITE;
}

void
bed_connect(struct bed *bed, struct tls_config *server,
    struct tls_config *client, const char *name, const char *const *offer,
    const char *const *accept)
{
	int fds[2], i;

	bed_pair(fds);
	bed->server = tls_stream_new(server, fds[0], NULL, accept);
	bed->client = tls_stream_new(client, fds[1], name, offer);
	need(bed->server != NULL && bed->client != NULL, "streams");
	bed->rs = bed->rc = STREAM_WANT_READ;
	for (i = 0; i < BED_STEPS; i++) {
		if (is_want(bed->rc)) {
			bed->rc = stream_handshake(bed->client);
		}
		if (is_want(bed->rs)) {
			bed->rs = stream_handshake(bed->server);
		}
	}
}

void
bed_close(struct bed *bed)
{
	stream_free(bed->server);
	stream_free(bed->client);
}

struct bare {
	int fd;
	mbedtls_ssl_config conf;
	mbedtls_ssl_context ssl;
	mbedtls_x509_crt cert;
	mbedtls_pk_context key;
	mbedtls_entropy_context entropy;
	mbedtls_ctr_drbg_context rng;
	const char *alpn[4];
	int suites[2];
	mbedtls_ssl_session kept; /* mbedTLS 3 gives it once */
	int has_kept;
};

static int
bare_send(void *arg, const unsigned char *buf, size_t len)
{
	struct bare *b = arg;
	ssize_t n = send(b->fd, buf, len, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n == -1) {
		return errno == EAGAIN ? MBEDTLS_ERR_SSL_WANT_WRITE
				       : MBEDTLS_ERR_NET_SEND_FAILED;
	}
	return (int)n;
}

static int
bare_recv(void *arg, unsigned char *buf, size_t len)
{
	struct bare *b = arg;
	ssize_t n = recv(b->fd, buf, len, MSG_DONTWAIT);

	if (n == -1) {
		return errno == EAGAIN ? MBEDTLS_ERR_SSL_WANT_READ
				       : MBEDTLS_ERR_NET_RECV_FAILED;
	}
	return (int)n;
}

static void
load_bare_cert(struct bare *b, const struct pki_cert *cert)
{
	int r = mbedtls_x509_crt_parse(&b->cert, cert->pem, cert->pem_len);

#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	r |= mbedtls_pk_parse_key(&b->key, cert->key, cert->key_len, NULL, 0,
	    mbedtls_ctr_drbg_random, &b->rng);
#else
	r |= mbedtls_pk_parse_key(&b->key, cert->key, cert->key_len, NULL, 0);
#endif
	r |= mbedtls_ssl_conf_own_cert(&b->conf, &b->cert, &b->key);
	need(r == 0, "bare certificate");
}

static void
choose_bare_version(struct bare *b, const struct bare_how *how)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	/* the tests look at refusals, which TLS 1.3 reports one step later */
	mbedtls_ssl_conf_max_tls_version(&b->conf, MBEDTLS_SSL_VERSION_TLS1_2);
	(void)how;
#else
	if (how->is_old) {
		mbedtls_ssl_conf_max_version(&b->conf,
		    MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_2);
	}
#endif
}

static const mbedtls_ssl_session *
keep(struct bare *b)
{
	if (!b->has_kept) {
		need(mbedtls_ssl_get_session(&b->ssl, &b->kept) == 0,
		    "session");
		b->has_kept = 1;
	}
	return &b->kept;
}

int
bare_has_ticket(struct bare *b)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	return keep(b)->MBEDTLS_PRIVATE(ticket_len) != 0;
#else
	return keep(b)->ticket_len != 0;
#endif
}

struct bare *
bare_new(int fd, const struct bare_how *how)
{
	struct bare *b = calloc(1, sizeof(*b));
	int i;

	need(b != NULL, "memory");
	b->fd = fd;
	mbedtls_ssl_config_init(&b->conf);
	mbedtls_ssl_init(&b->ssl);
	mbedtls_x509_crt_init(&b->cert);
	mbedtls_pk_init(&b->key);
	mbedtls_ssl_session_init(&b->kept);
	mbedtls_entropy_init(&b->entropy);
	mbedtls_ctr_drbg_init(&b->rng);
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	need(psa_crypto_init() == PSA_SUCCESS, "psa");
#endif
	need(mbedtls_ctr_drbg_seed(
		 &b->rng, mbedtls_entropy_func, &b->entropy, NULL, 0) == 0,
	    "seed");
	need(mbedtls_ssl_config_defaults(&b->conf,
		 how->role == TLS_SERVER ? MBEDTLS_SSL_IS_SERVER
					 : MBEDTLS_SSL_IS_CLIENT,
		 MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT) == 0,
	    "defaults");
	mbedtls_ssl_conf_rng(&b->conf, mbedtls_ctr_drbg_random, &b->rng);
	mbedtls_ssl_conf_authmode(&b->conf, MBEDTLS_SSL_VERIFY_NONE);
	mbedtls_ssl_conf_renegotiation(
	    &b->conf, MBEDTLS_SSL_RENEGOTIATION_ENABLED);
	choose_bare_version(b, how);
	if (how->cert != NULL) {
		load_bare_cert(b, how->cert);
	}
	if (how->suite != 0) {
		b->suites[0] = how->suite;
		mbedtls_ssl_conf_ciphersuites(&b->conf, b->suites);
	}
	for (i = 0; how->alpn != NULL && how->alpn[i] != NULL; i++) {
		b->alpn[i] = how->alpn[i];
	}
	if (b->alpn[0] != NULL) {
		need(mbedtls_ssl_conf_alpn_protocols(&b->conf, b->alpn) == 0,
		    "alpn");
	}
	need(mbedtls_ssl_setup(&b->ssl, &b->conf) == 0, "setup");
	mbedtls_ssl_set_hostname(&b->ssl, NULL);
	mbedtls_ssl_set_bio(&b->ssl, b, bare_send, bare_recv, NULL);
	if (how->again != NULL) {
		need(mbedtls_ssl_set_session(&b->ssl, keep(how->again)) == 0,
		    "session of before");
	}
	return b;
}

static int
more(int ret)
{
	return ret == MBEDTLS_ERR_SSL_WANT_READ ||
		       ret == MBEDTLS_ERR_SSL_WANT_WRITE
		   ? 1
		   : ret;
}

int
bare_handshake(struct bare *b)
{
	return more(mbedtls_ssl_handshake(&b->ssl));
}

int
bare_read(struct bare *b, void *buf, size_t len)
{
	return mbedtls_ssl_read(&b->ssl, buf, len);
}

int
bare_write(struct bare *b, const void *buf, size_t len)
{
	return mbedtls_ssl_write(&b->ssl, buf, len);
}

int
bare_renegotiate(struct bare *b)
{
	return more(mbedtls_ssl_renegotiate(&b->ssl));
}

const char *
bare_suite(const struct bare *b)
{
	return mbedtls_ssl_get_ciphersuite(&b->ssl);
}

void
bare_free(struct bare *b)
{
	mbedtls_ssl_session_free(&b->kept);
	mbedtls_ssl_free(&b->ssl);
	mbedtls_ssl_config_free(&b->conf);
	mbedtls_x509_crt_free(&b->cert);
	mbedtls_pk_free(&b->key);
	mbedtls_ctr_drbg_free(&b->rng);
	mbedtls_entropy_free(&b->entropy);
	close(b->fd);
	free(b);
}

int
bed_against(struct stream *ours, struct bare *b, int *bare_result)
{
	int r = STREAM_WANT_READ, rb = 1, i;

	for (i = 0; i < BED_STEPS; i++) {
		if (rb == 1) {
			rb = bare_handshake(b);
		}
		if (is_want(r)) {
			r = stream_handshake(ours);
		}
	}
	*bare_result = rb;
	return r;
}
